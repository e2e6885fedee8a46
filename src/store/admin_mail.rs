//! Task `digest`, first half: what a company's admins are owed. Decisions are read from the audit trail, which has each of
//! them once and in order, whoever made it; digests and the report of the day come by the calendar.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono_tz::Tz;
use serde_json::json;

use super::dialect::ColumnType;
use super::sql::{Row, Tx, bind};
use super::{SqlStore, StoreError, daemon_state};
use crate::domain::admin_mail::{self, AdminMailKind};
use crate::domain::ids::Id;
use crate::domain::policy::Policy;
use crate::domain::time::{self, Timestamp};

/// What looking through the audit trail came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// How many decisions were found.
    pub decisions: u64,
    /// Whether there are more events.
    pub more: bool,
}

/// Making mail to admins.
#[async_trait]
pub trait AdminMailStore {
    /// Makes the mails about decisions that were recorded since the last time, among up to `limit` events.
    async fn make_decisions(&self, now: Timestamp, limit: i64) -> Result<Looked, StoreError>;

    /// Makes the digests and reports that are due at `now`, of up to `limit` enforcements, and computes when the next ones
    /// are. Returns of how many.
    async fn make_reports(&self, now: Timestamp, policy: &Policy, limit: i64) -> Result<u64, StoreError>;
}

/// The place on the audit trail up to which admins have been told, in `daemon_state`.
const TOLD_UNTIL: &str = "admins_told_until";

/// What admins are told of; `enforcement_superseded` belongs to the date that was set in its place.
pub(super) const DECISIONS: &str = "'enforcement_scheduled', 'enforcement_held', 'enforcement_cancelled',
    'enforcement_released', 'enforcement_reverted'";

/// An active person who is an admin of company `m.company_id`, and can be written to.
pub(super) const ADMIN: &str =
    "m.role = 'admin' AND u.active AND u.kind = 'person' AND u.email_status = 'ok' AND m.admin_mail";

#[async_trait]
impl AdminMailStore for SqlStore {
    async fn make_decisions(&self, now: Timestamp, limit: i64) -> Result<Looked, StoreError> {
        let sql = "SELECT d.value, h.seq FROM daemon_state AS d, audit_head AS h WHERE d.key = $1";
        let places = |row: Option<Row>| match row {
            Some(row) => {
                Ok((row.get::<String>("value")?.parse::<i64>().map_err(|_| corrupt())?, row.get::<i64>("seq")?))
            }
            None => Err(corrupt()),
        };
        let (until, head) = places(self.database.fetch_optional(sql, bind![TOLD_UNTIL]).await?)?;
        if head <= until {
            return Ok(Looked::default());
        }
        let mut tx = self.database.begin().await?;
        // Of several daemons one makes them: the others wait here, and find nothing left.
        let lock = format!("SELECT value FROM daemon_state AS d WHERE key = $1{}", tx.dialect().for_update("d"));
        tx.fetch_optional(&lock, bind![TOLD_UNTIL]).await?;
        let (until, head) = places(tx.fetch_optional(sql, bind![TOLD_UNTIL]).await?)?;
        let sql = format!(
            "SELECT seq, at, company_id, subject FROM audit_events
             WHERE seq > $1 AND seq <= $2 AND company_id IS NOT NULL AND action IN ({DECISIONS}) ORDER BY seq"
        );
        let reached = head.min(until + limit);
        let rows = tx.fetch_all(&sql, bind![until, reached]).await?;
        let mut decisions: BTreeMap<(Id, Timestamp), Decided> = BTreeMap::new();
        for row in &rows {
            let decided = decided(row)?;
            // What was recorded together was decided at once; the last of it says what stands.
            decisions.insert((decided.company, decided.at), decided);
        }
        for decision in decisions.values() {
            self.make_decision(&mut tx, decision, now).await?;
        }
        daemon_state::remember(&mut tx, TOLD_UNTIL, &reached.max(until).to_string()).await?;
        tx.commit().await?;
        Ok(Looked { decisions: decisions.len() as u64, more: reached < head })
    }

    async fn make_reports(&self, now: Timestamp, policy: &Policy, limit: i64) -> Result<u64, StoreError> {
        let mut tx = self.database.begin().await?;
        let columns = "e.id, e.company_id, e.state, e.enforcement_date, e.enforce_at, e.planned_time_zone, e.report_at, e.flipped_at";
        let due = "e.state IN ('scheduled', 'in_force') AND e.report_at IS NOT NULL AND e.report_at <= $1
            AND (e.state = 'scheduled' OR e.flipped_at IS NOT NULL)";
        let unplanned = "e.state = 'scheduled' AND e.report_at IS NULL AND e.created_at <= $1";
        let mut rows = Vec::new();
        for condition in [due, unplanned] {
            let sql = format!(
                "SELECT {columns} FROM enforcements AS e WHERE {condition} ORDER BY e.id LIMIT $2{}",
                tx.dialect().for_update_skip_locked("e")
            );
            rows.extend(tx.fetch_all(&sql, bind![now, limit]).await?);
        }
        for row in &rows {
            let report = report(row)?;
            let next = report.next(now, policy);
            if report.due_at.is_some_and(|at| report.is_timely(at, now)) {
                self.make_report(&mut tx, &report, now).await?;
            }
            let sql = "UPDATE enforcements SET report_at = $2 WHERE id = $1";
            tx.execute(sql, bind![report.enforcement, next]).await?;
        }
        tx.commit().await?;
        Ok(rows.len() as u64)
    }
}

fn corrupt() -> StoreError {
    StoreError::Corrupt(format!("daemon_state has no number under '{TOLD_UNTIL}'"))
}

/// One decision on the audit trail.
struct Decided {
    seq: i64,
    at: Timestamp,
    company: Id,
    enforcement: Id,
}

fn decided(row: &Row) -> Result<Decided, StoreError> {
    let subject: Option<String> = row.get("subject")?;
    let enforcement = subject.and_then(|id| id.parse().ok());
    Ok(Decided {
        seq: row.get("seq")?,
        at: row.get("at")?,
        company: row.get("company_id")?,
        enforcement: enforcement.ok_or_else(|| StoreError::Corrupt("a decision is about no enforcement".to_owned()))?,
    })
}

/// An enforcement of which something is to be said, or to be planned.
struct Report {
    enforcement: Id,
    company: Id,
    scheduled: bool,
    date: chrono::NaiveDate,
    enforce_at: Timestamp,
    zone: Tz,
    due_at: Option<Timestamp>,
}

fn report(row: &Row) -> Result<Report, StoreError> {
    Ok(Report {
        enforcement: row.get("id")?,
        company: row.get("company_id")?,
        scheduled: row.get::<String>("state")? == "scheduled",
        date: row.get("enforcement_date")?,
        enforce_at: row.get("enforce_at")?,
        zone: time::zone(&row.get::<String>("planned_time_zone")?).unwrap_or(Tz::UTC),
        due_at: row.get("report_at")?,
    })
}

impl Report {
    /// When the next is due; none after the report of the day.
    fn next(&self, now: Timestamp, policy: &Policy) -> Option<Timestamp> {
        self.scheduled.then(|| admin_mail::next_report(self.date, self.enforce_at, self.zone, now, policy))
    }

    /// Whether it still is of use: a digest on its day, the report of the day at any time.
    fn is_timely(&self, due_at: Timestamp, now: Timestamp) -> bool {
        !self.scheduled || (due_at.date_in(self.zone) == now.date_in(self.zone) && due_at < self.enforce_at)
    }
}

impl SqlStore {
    async fn make_decision(&self, tx: &mut Tx, decision: &Decided, now: Timestamp) -> Result<(), StoreError> {
        let cause = format!("event {}", decision.seq);
        let mail = (AdminMailKind::Decision, decision.company, decision.enforcement);
        self.insert_admin_mails(tx, mail, &cause, Some(decision.seq), now).await
    }

    async fn make_report(&self, tx: &mut Tx, report: &Report, now: Timestamp) -> Result<(), StoreError> {
        let kind = if report.scheduled { AdminMailKind::Digest } else { AdminMailKind::DayReport };
        let cause = format!("{} {kind} {}", report.enforcement, now.date_in(report.zone));
        self.insert_admin_mails(tx, (kind, report.company, report.enforcement), &cause, None, now).await
    }

    /// A mail to each admin who wants such, once for each cause.
    async fn insert_admin_mails(
        &self,
        tx: &mut Tx,
        (kind, company, enforcement): (AdminMailKind, Id, Id),
        cause: &str,
        event_seq: Option<i64>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let wanted = if kind == AdminMailKind::Decision { "IN ('all', 'decisions')" } else { "= 'all'" };
        let sql = format!(
            "SELECT u.id FROM memberships AS m JOIN users AS u ON u.id = m.user_id
             WHERE m.company_id = $1 AND {ADMIN} {wanted} ORDER BY u.id"
        );
        let admins = tx.fetch_all(&sql, bind![company]).await?;
        let mails = admins
            .iter()
            .map(|row| Ok(json!({ "id": self.randomness.id(now), "user_id": row.get::<Id>("id")? })))
            .collect::<Result<Vec<_>, StoreError>>()?;
        if mails.is_empty() {
            return Ok(());
        }
        let rows = tx.dialect().rows(1, "batch", &[("id", ColumnType::Id), ("user_id", ColumnType::Id)]);
        let sql = format!(
            "INSERT INTO admin_mails (id, kind, company_id, enforcement_id, user_id, cause, event_seq, due_at, next_attempt_at)
             SELECT id, $2, $3, $4, user_id, $5, $6, $7, $7 FROM {rows} WHERE true ON CONFLICT DO NOTHING"
        );
        let values = bind![serde_json::Value::from(mails), kind.as_str(), company, enforcement, cause, event_seq, now];
        tx.execute(&sql, values).await.map(drop)
    }
}
