//! What is due, what comes next, and what needs a person.

use async_trait::async_trait;
use serde::Serialize;

use super::sql::bind;
use super::{SqlStore, StoreError};
use crate::domain::ids::Id;
use crate::domain::time::Timestamp;

/// An enforcement that waits for a person.
#[derive(Clone, Debug, Serialize)]
pub struct HeldEnforcement {
    /// The enforcement.
    pub id: Id,
    /// Its company.
    pub company_id: Id,
    /// The company's name.
    pub company: String,
    /// The date.
    pub enforcement_date: chrono::NaiveDate,
    /// Why it is held.
    pub reason: Option<String>,
}

/// What is in the house, in numbers.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    /// Enforcements that are scheduled.
    pub scheduled: i64,
    /// Enforcements of companies that are in force.
    pub in_force: i64,
    /// Notices that are due and not yet sent.
    pub due_notices: i64,
    /// Since when the longest overdue of them is.
    pub oldest_due: Option<Timestamp>,
    /// Notices that were refused for good.
    pub failed_notices: i64,
    /// Flips whose instant has come and that are not complete.
    pub due_flips: i64,
    /// When a mail was accepted last.
    pub last_sent_at: Option<Timestamp>,
    /// Companies with a date whose change is yet to be acted on.
    pub unreconciled: i64,
}

/// Reading where things stand.
#[async_trait]
pub trait StatusStore {
    /// How many notices are due at `now` and not yet sent.
    async fn count_due_notices(&self, now: Timestamp) -> Result<i64, StoreError>;

    /// The next instant after `now` at which something is due, as far as is known now.
    async fn next_due(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError>;

    /// What is in the house at `now`.
    async fn figures(&self, now: Timestamp) -> Result<Figures, StoreError>;

    /// The enforcements that wait for a person, the earliest date first.
    async fn held_enforcements(&self) -> Result<Vec<HeldEnforcement>, StoreError>;
}

#[async_trait]
impl StatusStore for SqlStore {
    async fn count_due_notices(&self, now: Timestamp) -> Result<i64, StoreError> {
        let sql = "SELECT count(*) AS count FROM notices WHERE state = 'pending' AND next_attempt_at <= $1";
        let row = self.database.fetch_optional(sql, bind![now]).await?;
        row.map_or(Ok(0), |row| row.get("count"))
    }

    async fn next_due(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT min(at) AS at FROM (
                SELECT min(next_attempt_at) AS at FROM notices WHERE state = 'pending' AND next_attempt_at > $1
                UNION ALL SELECT min(due_at) FROM milestones WHERE state = 'pending' AND due_at > $1
                UNION ALL SELECT min(enforce_at) FROM enforcements WHERE state = 'scheduled' AND enforce_at > $1
                UNION ALL SELECT min(require_at) FROM memberships WHERE require_at > $1
                UNION ALL SELECT min(exempt_until) FROM memberships WHERE exempt_until > $1
            ) AS next";
        let row = self.database.fetch_optional(sql, bind![now]).await?;
        row.map_or(Ok(None), |row| row.get("at"))
    }

    async fn figures(&self, now: Timestamp) -> Result<Figures, StoreError> {
        let sql = "SELECT
                (SELECT count(*) FROM enforcements WHERE state = 'scheduled') AS scheduled,
                (SELECT count(*) FROM enforcements WHERE state = 'in_force' AND company_id IS NOT NULL) AS in_force,
                (SELECT count(*) FROM notices WHERE state = 'pending' AND next_attempt_at <= $1) AS due_notices,
                (SELECT min(due_at) FROM notices WHERE state = 'pending' AND next_attempt_at <= $1) AS oldest_due,
                (SELECT count(*) FROM notices WHERE state = 'failed') AS failed_notices,
                (SELECT count(*) FROM enforcements
                    WHERE state = 'scheduled' AND enforce_at <= $1 OR state = 'in_force' AND flipped_at IS NULL) AS due_flips,
                (SELECT max(sent_at) FROM mails) AS last_sent_at,
                (SELECT count(*) FROM companies WHERE revision > reconciled_revision AND enforcement_date IS NOT NULL) AS unreconciled";
        let row = self.database.fetch_optional(sql, bind![now]).await?;
        let row = row.ok_or_else(|| StoreError::Corrupt("a query without a table gave no row".to_owned()))?;
        Ok(Figures {
            scheduled: row.get("scheduled")?,
            in_force: row.get("in_force")?,
            due_notices: row.get("due_notices")?,
            oldest_due: row.get("oldest_due")?,
            failed_notices: row.get("failed_notices")?,
            due_flips: row.get("due_flips")?,
            last_sent_at: row.get("last_sent_at")?,
            unreconciled: row.get("unreconciled")?,
        })
    }

    async fn held_enforcements(&self) -> Result<Vec<HeldEnforcement>, StoreError> {
        let sql = "SELECT e.id, e.company_id, c.name, e.enforcement_date, e.reason FROM enforcements AS e
            JOIN companies AS c ON c.id = e.company_id WHERE e.state = 'held' ORDER BY e.enforcement_date, e.id";
        let rows = self.database.fetch_all(sql, vec![]).await?;
        rows.iter()
            .map(|row| {
                Ok(HeldEnforcement {
                    id: row.get("id")?,
                    company_id: row.get("company_id")?,
                    company: row.get("name")?,
                    enforcement_date: row.get("enforcement_date")?,
                    reason: row.get("reason")?,
                })
            })
            .collect()
    }
}
