//! What is due, what comes next, and what needs a person.

use async_trait::async_trait;
use chrono::TimeDelta;
use serde::Serialize;

use super::predicate::{DATE_STANDS, is_shelved};
use super::safety;
use super::sql::Row;
use super::values::bind;
use super::{SqlStore, StoreError};
use crate::domain::delivery::LAPSE_NOTICE;
use crate::domain::ids::Id;
use crate::domain::notice::HoldReason;
use crate::domain::safety::Finding;
use crate::domain::time::{self, Timestamp};

/// An enforcement that waits for a person.
#[derive(Clone, Debug, Serialize)]
pub struct HeldEnforcement {
    /// The enforcement.
    pub id: Id,
    /// Its company.
    pub company_id: Id,
    /// The company's name.
    pub company: String,
    /// The vendor's own key of the company.
    pub company_external_id: Option<String>,
    /// The date.
    pub enforcement_date: chrono::NaiveDate,
    /// Why it is held.
    pub reason: Option<String>,
    /// All that spoke against it, where it was held for that on its day.
    pub findings: Vec<Finding>,
}

/// What is in the house, in numbers.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    /// Enforcements that are scheduled.
    pub scheduled: i64,
    /// Enforcements of companies that are in force.
    pub in_force: i64,
    /// Enforcements that wait for a person.
    pub held: i64,
    /// Notices that are due and not yet sent; those of held enforcements wait and are not among them.
    pub due_notices: i64,
    /// Since when the longest overdue of them is.
    pub oldest_due: Option<Timestamp>,
    /// Notices that the mail server has put off, to be tried again.
    pub put_off_notices: i64,
    /// Since when the longest overdue of them is due.
    pub oldest_put_off: Option<Timestamp>,
    /// Notices that were refused for good.
    pub failed_notices: i64,
    /// Mails to admins that were refused for good, or came back.
    pub failed_admin_mails: i64,
    /// Flips whose instant has come and that are not complete.
    pub due_flips: i64,
    /// When the first of them should have begun.
    pub oldest_flip: Option<Timestamp>,
    /// When a mail was accepted last.
    pub last_sent_at: Option<Timestamp>,
    /// Companies with a date whose change is yet to be acted on.
    pub unreconciled: i64,
}

/// Companies whose time zone is none that is known.
#[derive(Clone, Debug, Serialize)]
pub struct UnknownZone {
    /// What stands in the column.
    pub time_zone: String,
    /// How many companies have it.
    pub companies: i64,
    /// How many of them have a scheduled enforcement: it keeps the instants of the zone before (R9).
    pub scheduled: i64,
    /// One of them.
    pub example: Id,
}

/// Reading where things stand.
#[async_trait]
pub trait StatusStore {
    /// How many notices are due at `now` and not yet sent.
    async fn count_due_notices(&self, now: Timestamp) -> Result<i64, StoreError>;

    /// The next instant after `now` at which something is due, as far as is known now. What is held waits for a person.
    async fn next_due(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError>;

    /// What is in the house at `now`.
    async fn figures(&self, now: Timestamp) -> Result<Figures, StoreError>;

    /// The enforcements that wait for a person, the earliest date first.
    async fn held_enforcements(&self) -> Result<Vec<HeldEnforcement>, StoreError>;

    /// The time zones of companies that are none.
    async fn unknown_zones(&self) -> Result<Vec<UnknownZone>, StoreError>;
}

#[async_trait]
impl StatusStore for SqlStore {
    async fn count_due_notices(&self, now: Timestamp) -> Result<i64, StoreError> {
        let sql = "SELECT count(*) AS count FROM notices WHERE state = 'pending' AND next_attempt_at <= $1";
        let row = self.database.fetch_optional(sql, bind![now]).await?;
        row.map_or(Ok(0), |row| row.get("count"))
    }

    async fn next_due(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let sql =
            "SELECT min(at) AS at, (SELECT min(exempt_until) FROM memberships WHERE exempt_until > $2) AS lapses_at,
                (SELECT min(claimed_until) FROM (
                    SELECT claimed_until FROM notices WHERE state = 'sending' AND claimed_until >= $1
                    UNION ALL SELECT claimed_until FROM admin_mails WHERE state = 'sending' AND claimed_until >= $1
                ) AS claims) AS claimed_until FROM (
                SELECT (SELECT n.next_attempt_at FROM notices AS n JOIN enforcements AS e ON e.id = n.enforcement_id
                    WHERE n.state = 'pending' AND n.next_attempt_at > $1 AND e.state <> 'held'
                    ORDER BY n.next_attempt_at LIMIT 1) AS at
                UNION ALL SELECT (SELECT s.due_at FROM milestones AS s JOIN enforcements AS e ON e.id = s.enforcement_id
                    WHERE s.state = 'pending' AND s.due_at > $1 AND e.state <> 'held' ORDER BY s.due_at LIMIT 1)
                UNION ALL SELECT min(enforce_at) FROM enforcements WHERE state = 'scheduled' AND enforce_at > $1
                UNION ALL SELECT min(require_at) FROM memberships WHERE require_at > $1
                UNION ALL SELECT min(exempt_until) FROM memberships WHERE exempt_until > $1
                UNION ALL SELECT min(next_attempt_at) FROM admin_mails WHERE state = 'pending' AND next_attempt_at > $1
                UNION ALL SELECT min(report_at) FROM enforcements
                    WHERE state IN ('scheduled', 'in_force') AND report_at IS NOT NULL AND report_at > $1
            ) AS next";
        let row = self.database.fetch_optional(sql, bind![now, now.plus(LAPSE_NOTICE)]).await?;
        let row = row.ok_or_else(|| StoreError::Corrupt("a query without a table gave no row".to_owned()))?;
        let told_at = row.get::<Option<Timestamp>>("lapses_at")?.map(|at| at.plus(-LAPSE_NOTICE));
        // A claim holds up to this instant; whatever died with its daemon is due again after it.
        let claimed_until: Option<Timestamp> = row.get("claimed_until")?;
        let lapsed_at = claimed_until.map(|at| at.plus(TimeDelta::microseconds(1)));
        let looked_at = safety::next_look(&self.database, now).await?;
        Ok([row.get("at")?, told_at, lapsed_at, looked_at].into_iter().flatten().min())
    }

    async fn figures(&self, now: Timestamp) -> Result<Figures, StoreError> {
        let due = format!(
            "FROM notices AS n JOIN enforcements AS e ON e.id = n.enforcement_id LEFT JOIN companies AS c ON c.id = e.company_id
             WHERE n.state = 'pending' AND n.next_attempt_at <= $1 AND e.state <> 'held' AND NOT {}",
            is_shelved()
        );
        let put_off = "FROM notices WHERE state = 'pending' AND attempts > 0 AND next_attempt_at > $1";
        // One that was set or released when its instant had come is due since then.
        let flips = format!(
            "FROM (SELECT CASE WHEN released_at > due_at THEN released_at ELSE due_at END AS due_at FROM (
                SELECT CASE WHEN e.created_at > e.enforce_at THEN e.created_at ELSE e.enforce_at END AS due_at,
                    (SELECT max(a.at) FROM audit_events AS a WHERE a.company_id = e.company_id
                        AND a.subject = CAST(e.id AS text) AND a.action = 'enforcement_released') AS released_at
                FROM enforcements AS e LEFT JOIN companies AS c ON c.id = e.company_id
                WHERE e.state = 'scheduled' AND e.enforce_at <= $1 AND {DATE_STANDS}
                    OR e.state = 'in_force' AND e.flipped_at IS NULL) AS due) AS flips"
        );
        let sql = format!(
            "SELECT (SELECT count(*) FROM enforcements WHERE state = 'scheduled') AS scheduled,
                (SELECT count(*) FROM enforcements WHERE state = 'in_force' AND company_id IS NOT NULL) AS in_force,
                (SELECT count(*) FROM enforcements WHERE state = 'held') AS held,
                (SELECT count(*) {due}) AS due_notices, (SELECT min(n.due_at) {due}) AS oldest_due,
                (SELECT count(*) {put_off}) AS put_off_notices, (SELECT min(due_at) {put_off}) AS oldest_put_off,
                (SELECT count(*) FROM notices WHERE state = 'failed') AS failed_notices,
                (SELECT count(*) FROM admin_mails WHERE state = 'failed') AS failed_admin_mails,
                (SELECT count(*) {flips}) AS due_flips, (SELECT min(due_at) {flips}) AS oldest_flip,
                (SELECT max(sent_at) FROM (SELECT sent_at FROM mails UNION ALL SELECT sent_at FROM admin_mails) AS sent) AS last_sent_at,
                (SELECT count(*) FROM companies WHERE revision > reconciled_revision AND enforcement_date IS NOT NULL) AS unreconciled"
        );
        let row = self.database.fetch_optional(&sql, bind![now]).await?;
        let row = row.ok_or_else(|| StoreError::Corrupt("a query without a table gave no row".to_owned()))?;
        Ok(Figures {
            scheduled: row.get("scheduled")?,
            in_force: row.get("in_force")?,
            held: row.get("held")?,
            due_notices: row.get("due_notices")?,
            oldest_due: row.get("oldest_due")?,
            put_off_notices: row.get("put_off_notices")?,
            oldest_put_off: row.get("oldest_put_off")?,
            failed_notices: row.get("failed_notices")?,
            failed_admin_mails: row.get("failed_admin_mails")?,
            due_flips: row.get("due_flips")?,
            oldest_flip: row.get("oldest_flip")?,
            last_sent_at: row.get("last_sent_at")?,
            unreconciled: row.get("unreconciled")?,
        })
    }

    async fn held_enforcements(&self) -> Result<Vec<HeldEnforcement>, StoreError> {
        let sql =
            "SELECT e.id, e.company_id, c.name, c.external_id, e.enforcement_date, e.reason, CAST(e.warning AS text) AS warning
            FROM enforcements AS e
            JOIN companies AS c ON c.id = e.company_id WHERE e.state = 'held' ORDER BY e.enforcement_date, c.name, e.id";
        let rows = self.database.fetch_all(sql, vec![]).await?;
        rows.iter().map(held).collect()
    }

    async fn unknown_zones(&self) -> Result<Vec<UnknownZone>, StoreError> {
        let sql = "SELECT c.time_zone, count(*) AS companies, count(e.id) AS scheduled FROM companies AS c
            LEFT JOIN enforcements AS e ON e.company_id = c.id AND e.state = 'scheduled'
            GROUP BY c.time_zone ORDER BY c.time_zone";
        let mut unknown = Vec::new();
        for row in self.database.fetch_all(sql, vec![]).await? {
            let name = row.text("time_zone")?.unwrap_or_default();
            if time::zone(&name).is_some() {
                continue;
            }
            let sql = "SELECT c.id FROM companies AS c
                LEFT JOIN enforcements AS e ON e.company_id = c.id AND e.state = 'scheduled'
                WHERE c.time_zone = $1 ORDER BY CASE WHEN e.id IS NULL THEN 1 ELSE 0 END, c.id LIMIT 1";
            let Some(example) = self.database.fetch_optional(sql, bind![name.clone()]).await? else { continue };
            unknown.push(UnknownZone {
                companies: row.get("companies")?,
                scheduled: row.get("scheduled")?,
                example: example.get("id")?,
                time_zone: name,
            });
        }
        Ok(unknown)
    }
}

fn held(row: &Row) -> Result<HeldEnforcement, StoreError> {
    let reason = row.text("reason")?;
    let for_safety = reason.as_deref().and_then(|reason| reason.parse().ok()).is_some_and(HoldReason::is_safety);
    Ok(HeldEnforcement {
        id: row.get("id")?,
        company_id: row.get("company_id")?,
        company: row.text("name")?.unwrap_or_default(),
        company_external_id: row.get("external_id")?,
        enforcement_date: row.get("enforcement_date")?,
        reason,
        findings: if for_safety { safety::read_findings(row)? } else { Vec::new() },
    })
}
