//! The first run guard: whom a first run would at once require or mail, counted without changing anything.

use async_trait::async_trait;

use super::admin_mail::ADMIN;
use super::predicate::{REQUIRED, is_shelved, subject};
use super::requirements::{id_batch, id_rows};
use super::sql::{Row, Tx};
use super::values::{Ids, bind};
use super::{SqlStore, StoreError};
use crate::domain::ids::{Id, PAYEE_MANDATE};
use crate::domain::planning::{self, CompanyFacts};
use crate::domain::policy::Policy;
use crate::domain::time::Timestamp;

/// One line of a backlog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BacklogLine {
    /// The company's name; none for the payee mandate.
    pub company: Option<String>,
    /// `required`, or the kind of the notice.
    pub what: String,
    /// How many people.
    pub people: i64,
}

/// Whom a run would at once require or mail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// How many people, each counted once.
    pub people: i64,
    /// By company and kind.
    pub lines: Vec<BacklogLine>,
}

/// Who is in a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Population {
    /// Nobody.
    Nobody,
    /// People, none of whom a daemon has looked at.
    Strangers,
    /// People, some of whom a daemon has looked at: it has been run on them.
    Known,
}

/// Counting a backlog.
#[async_trait]
pub trait BacklogStore {
    /// Who is in the database.
    async fn population(&self) -> Result<Population, StoreError>;

    /// Whom a run at `now` would at once require or mail: also the announcements of dates that it would see for the first
    /// time, though they wait for `announce_delay`.
    async fn backlog(&self, now: Timestamp, policy: &Policy) -> Result<Backlog, StoreError>;
}

#[async_trait]
impl BacklogStore for SqlStore {
    async fn population(&self) -> Result<Population, StoreError> {
        let sql = "SELECT reviewed FROM users ORDER BY reviewed DESC LIMIT 1";
        let known = self.database.fetch_optional(sql, vec![]).await?.map(|row| row.get("reviewed")).transpose()?;
        Ok(match known {
            None => Population::Nobody,
            Some(false) => Population::Strangers,
            Some(true) => Population::Known,
        })
    }

    async fn backlog(&self, now: Timestamp, policy: &Policy) -> Result<Backlog, StoreError> {
        let mut tx = self.database.begin_read().await?;
        let planned = would_be_planned(&mut tx, now, policy).await?;
        let people = format!(
            "SELECT e.company_id, 'required' AS what, u.id AS user_id FROM users AS u, enforcements AS e
                 WHERE e.id = $4 AND u.payee AND u.active AND u.kind = 'person' AND NOT {REQUIRED}
             UNION ALL SELECT e.company_id, 'now_required', u.id FROM users AS u, enforcements AS e
                 WHERE e.id = $4 AND u.payee AND u.active AND u.kind = 'person' AND u.mfa_enrolled_at IS NULL AND NOT {REQUIRED}
             UNION ALL SELECT m.company_id, 'required', u.id FROM enforcements AS e
                 JOIN memberships AS m ON m.company_id = e.company_id JOIN users AS u ON u.id = m.user_id
                 WHERE e.state = 'scheduled' AND e.enforce_at <= $1 AND {subject}
             UNION ALL SELECT m.company_id, 'announcement', u.id FROM {planned_rows}
                 JOIN memberships AS m ON m.company_id = batch.id JOIN users AS u ON u.id = m.user_id
                 WHERE {subject} AND u.mfa_enrolled_at IS NULL
             UNION ALL SELECT m.company_id, 'decision', u.id FROM {planned_rows}
                 JOIN memberships AS m ON m.company_id = batch.id JOIN users AS u ON u.id = m.user_id
                 WHERE {ADMIN} IN ('all', 'decisions')
             UNION ALL SELECT a.company_id, a.kind, a.user_id FROM admin_mails AS a
                 WHERE a.state = 'pending' AND a.next_attempt_at <= $1
             UNION ALL SELECT m.company_id, s.kind, u.id FROM milestones AS s JOIN enforcements AS e ON e.id = s.enforcement_id
                 JOIN memberships AS m ON m.company_id = e.company_id JOIN users AS u ON u.id = m.user_id
                 WHERE s.state = 'pending' AND s.due_at <= $1 AND e.state IN ('scheduled', 'in_force') AND {subject}
                     AND u.mfa_enrolled_at IS NULL
             UNION ALL SELECT e.company_id, n.kind, n.user_id FROM notices AS n JOIN enforcements AS e ON e.id = n.enforcement_id
                 LEFT JOIN companies AS c ON c.id = e.company_id
                 WHERE n.state = 'pending' AND n.next_attempt_at <= $1 AND e.state <> 'held' AND NOT {shelved}",
            shelved = is_shelved(),
            subject = subject(2),
            planned_rows = id_rows(&tx, 3),
        );
        let values = || bind![now, !policy.leave_out_sso, planned.clone(), PAYEE_MANDATE];
        let sql = format!("SELECT count(DISTINCT user_id) AS people FROM ({people}) AS p");
        let total = tx.fetch_optional(&sql, values()).await?.map_or(Ok(0), |row| row.get("people"))?;
        let sql = format!(
            "SELECT c.name, p.what, count(DISTINCT p.user_id) AS people FROM ({people}) AS p
             LEFT JOIN companies AS c ON c.id = p.company_id GROUP BY c.id, c.name, p.what ORDER BY c.name, c.id, p.what"
        );
        let rows = tx.fetch_all(&sql, values()).await?;
        Ok(Backlog { people: total, lines: rows.iter().map(line).collect::<Result<_, _>>()? })
    }
}

fn line(row: &Row) -> Result<BacklogLine, StoreError> {
    Ok(BacklogLine { company: row.text("name")?, what: row.get("what")?, people: row.get("people")? })
}

/// The companies whose date the daemon has not seen, and would schedule.
async fn would_be_planned(tx: &mut Tx, now: Timestamp, policy: &Policy) -> Result<Ids, StoreError> {
    let sql = "SELECT id, enforcement_date, time_zone, mfa_available, CAST(notice_days AS text) AS notice_days
        FROM companies AS c WHERE revision > reconciled_revision AND enforcement_date IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM enforcements AS e WHERE e.company_id = c.id
            AND e.state IN ('scheduled', 'held', 'in_force') AND e.enforcement_date = c.enforcement_date)";
    let mut planned = Vec::new();
    for row in tx.fetch_all(sql, vec![]).await? {
        let date = row.get("enforcement_date")?;
        let company = CompanyFacts {
            id: row.get::<Id>("id")?,
            enforcement_date: Some(date),
            time_zone: row.text("time_zone")?.unwrap_or_default(),
            mfa_available: row.get("mfa_available")?,
            notice_days: row.text("notice_days")?,
        };
        if planning::judge(&company, date, now, false, policy).is_none() {
            planned.push(company.id);
        }
    }
    Ok(id_batch(planned))
}
