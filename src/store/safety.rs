//! What speaks against requiring MFA on the day, measured in the tables: warned of before it, and looked at once more in
//! the transaction that begins the flip.

use async_trait::async_trait;
use chrono::{NaiveDate, TimeDelta};
use chrono_tz::Tz;
use serde::Serialize;
use serde_json::json;

use super::audit;
use super::predicate::{DATE_STANDS, subject_at};
use super::reconcile::event;
use super::sql::{Database, Row, Tx};
use super::values::bind;
use super::{SqlStore, StoreError};
use crate::domain::ids::Id;
use crate::domain::policy::Policy;
use crate::domain::safety::{self, Finding, Measured, Watched};
use crate::domain::time::{self, Timestamp};

/// A look that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueLook {
    /// The enforcement.
    pub id: Id,
    /// When it takes effect.
    pub enforce_at: Timestamp,
    /// How many days before its date it is looked at; none: not now.
    pub days: Option<u16>,
}

/// An enforcement of which was warned, and what speaks against it now.
#[derive(Clone, Debug, Serialize)]
pub struct Risk {
    /// The enforcement.
    pub id: Id,
    /// Its company.
    pub company_id: Id,
    /// The company's name.
    pub company: String,
    /// The vendor's own key of the company.
    pub company_external_id: Option<String>,
    /// The date.
    pub enforcement_date: NaiveDate,
    /// What speaks against it.
    pub findings: Vec<Finding>,
}

/// How many enforcements need a second look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RiskFigures {
    /// Held ones.
    pub held: u64,
    /// Scheduled ones of which was warned when they were looked at last.
    pub at_risk: u64,
}

/// Looking at what is to come.
#[async_trait]
pub trait SafetyStore {
    /// Up to `limit` scheduled enforcements that may be due for a look at `now`: those after `after` in the order of
    /// instant and id.
    async fn due_looks(
        &self,
        now: Timestamp,
        after: Option<(Id, Timestamp)>,
        limit: i64,
    ) -> Result<Vec<DueLook>, StoreError>;

    /// Looks whether anything speaks against a scheduled enforcement whose date stands, keeps it, and records a warning.
    /// Returns what does; none: no look was due, or the company's row is being changed.
    async fn look(&self, enforcement: Id, now: Timestamp, policy: &Policy) -> Result<Option<Vec<Finding>>, StoreError>;

    /// The scheduled enforcements of which was warned and that still are at risk at `now`, the earliest date first.
    async fn risks(&self, now: Timestamp, policy: &Policy) -> Result<Vec<Risk>, StoreError>;

    /// How many enforcements are held, and of how many was warned.
    async fn risk_figures(&self) -> Result<RiskFigures, StoreError>;
}

/// Longer than from any look to the day that it is for, and than from the last look: a calendar day is at most 25 hours,
/// and a company that crosses the date line has one more.
const LOOK_AHEAD: [TimeDelta; 2] = [TimeDelta::days(9), TimeDelta::days(3)];

#[async_trait]
impl SafetyStore for SqlStore {
    async fn due_looks(
        &self,
        now: Timestamp,
        after: Option<(Id, Timestamp)>,
        limit: i64,
    ) -> Result<Vec<DueLook>, StoreError> {
        let sql =
            "SELECT id, enforcement_date, planned_time_zone, created_at, warned_days, enforce_at FROM enforcements
            WHERE state = 'scheduled' AND enforce_at > $1 AND enforce_at <= $2
                AND (warned_days IS NULL OR warned_days > 1 AND enforce_at <= $3)
                AND ($5 IS NULL OR enforce_at > $5 OR enforce_at = $5 AND id > $4)
            ORDER BY enforce_at, id LIMIT $6";
        let (after_id, after_at) = after.unzip();
        let [earliest, latest] = LOOK_AHEAD;
        let values = bind![now, now.plus(earliest), now.plus(latest), after_id, after_at, limit];
        let rows = self.database.fetch_all(sql, values).await?;
        let due = |row: &Row| {
            let (id, enforce_at) = (row.get("id")?, row.get("enforce_at")?);
            Ok(DueLook { id, enforce_at, days: watched(row)?.due(now) })
        };
        rows.iter().map(due).collect()
    }

    async fn look(&self, enforcement: Id, now: Timestamp, policy: &Policy) -> Result<Option<Vec<Finding>>, StoreError> {
        let mut tx = self.database.begin().await?;
        let sql = format!(
            "SELECT c.id FROM companies AS c JOIN enforcements AS e ON e.company_id = c.id WHERE e.id = $1 AND {DATE_STANDS}{}",
            tx.dialect().for_share_skip_locked("c")
        );
        let Some(row) = tx.fetch_optional(&sql, bind![enforcement]).await? else {
            return Ok(None);
        };
        let company: Id = row.get("id")?;
        let sql = format!(
            "SELECT enforcement_date, planned_time_zone, created_at, warned_days FROM enforcements AS e
             WHERE id = $1 AND state = 'scheduled' AND enforce_at > $2{}",
            tx.dialect().for_update("e")
        );
        let Some(row) = tx.fetch_optional(&sql, bind![enforcement, now]).await? else {
            return Ok(None);
        };
        let watched = watched(&row)?;
        let Some(days) = watched.due(now) else {
            return Ok(None);
        };
        let findings = findings(&mut tx, company, watched.date, now, policy).await?;
        let warning = if findings.is_empty() { None } else { Some(json!(findings)) };
        let sql = "UPDATE enforcements SET warned_days = $2, warning = $3 WHERE id = $1";
        tx.execute(sql, bind![enforcement, i64::from(days), warning.clone()]).await?;
        let detail = json!({ "days": days, "findings": warning });
        let events = vec![event("daemon", "enforcement_at_risk", Some(company), enforcement, detail)];
        audit::append(&mut tx, now, if findings.is_empty() { vec![] } else { events }).await?;
        tx.commit().await?;
        Ok(Some(findings))
    }

    async fn risks(&self, now: Timestamp, policy: &Policy) -> Result<Vec<Risk>, StoreError> {
        let mut tx = self.database.begin_read().await?;
        let sql = "SELECT e.id, e.company_id, c.name, c.external_id, e.enforcement_date FROM enforcements AS e
            JOIN companies AS c ON c.id = e.company_id
            WHERE e.state = 'scheduled' AND e.warning IS NOT NULL AND NOT e.risk_accepted
            ORDER BY e.enforcement_date, c.name, e.id";
        let mut risks = tx.fetch_all(sql, vec![]).await?.iter().map(risk).collect::<Result<Vec<_>, _>>()?;
        for one in &mut risks {
            one.findings = findings(&mut tx, one.company_id, one.enforcement_date, now, policy).await?;
        }
        risks.retain(|one| !one.findings.is_empty());
        Ok(risks)
    }

    async fn risk_figures(&self) -> Result<RiskFigures, StoreError> {
        let sql = "SELECT (SELECT count(*) FROM enforcements WHERE state = 'held') AS held,
            (SELECT count(*) FROM enforcements WHERE state = 'scheduled' AND warning IS NOT NULL
                AND NOT risk_accepted) AS at_risk";
        let row = self.database.fetch_optional(sql, vec![]).await?;
        let row = row.ok_or_else(|| StoreError::Corrupt("a query without a table gave no row".to_owned()))?;
        let count = |column| -> Result<u64, StoreError> { Ok(row.get::<i64>(column)?.unsigned_abs()) };
        Ok(RiskFigures { held: count("held")?, at_risk: count("at_risk")? })
    }
}

fn watched(row: &Row) -> Result<Watched, StoreError> {
    Ok(Watched {
        date: row.get("enforcement_date")?,
        zone: time::zone(&row.get::<String>("planned_time_zone")?).unwrap_or(Tz::UTC),
        created_at: row.get("created_at")?,
        warned_days: row.get("warned_days")?,
    })
}

fn risk(row: &Row) -> Result<Risk, StoreError> {
    Ok(Risk {
        id: row.get("id")?,
        company_id: row.get("company_id")?,
        company: row.text("name")?.unwrap_or_default(),
        company_external_id: row.text("external_id")?,
        enforcement_date: row.get("enforcement_date")?,
        findings: Vec::new(),
    })
}

/// What a row's `warning` says: a text that is none says nothing.
pub(super) fn read_findings(row: &Row) -> Result<Vec<Finding>, StoreError> {
    Ok(row.text("warning")?.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

/// The next instant after `now` at which a scheduled enforcement is looked at.
pub(super) async fn next_look(database: &Database, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT enforcement_date, planned_time_zone, warned_days, min(created_at) AS created_at FROM enforcements
        WHERE state = 'scheduled' AND enforce_at > $1 AND (warned_days IS NULL OR warned_days > 1)
        GROUP BY enforcement_date, planned_time_zone, warned_days";
    let rows = database.fetch_all(sql, bind![now]).await?;
    let watched = rows.iter().map(watched).collect::<Result<Vec<_>, _>>()?;
    Ok(watched.iter().filter_map(|one| one.next(now)).min())
}

/// What speaks against requiring MFA of a company's people from `date` on, as it will be at `at`.
pub(super) async fn findings(
    tx: &mut Tx,
    company: Id,
    date: NaiveDate,
    at: Timestamp,
    policy: &Policy,
) -> Result<Vec<Finding>, StoreError> {
    let measured = measured(tx, company, date, at, policy).await?;
    Ok(safety::findings(&measured, &policy.safety))
}

/// A company in numbers, as it will be at `at` before its `date`. Of one company at a time: for many at once PostgreSQL would
/// rather read every membership there is.
pub(super) async fn measured(
    tx: &mut Tx,
    company: Id,
    date: NaiveDate,
    at: Timestamp,
    policy: &Policy,
) -> Result<Measured, StoreError> {
    let count = |row: &Row, column| -> Result<u64, StoreError> { Ok(row.get::<i64>(column)?.unsigned_abs()) };
    let mut measured = Measured::default();
    let sql = format!(
        "SELECT count(*) AS subjects, count(u.mfa_enrolled_at) AS enrolled,
             count(CASE WHEN u.mfa_enrolled_at IS NULL AND EXISTS (
                 SELECT 1 FROM notices AS n JOIN mails AS l ON l.id = n.mail_id
                 JOIN enforcements AS source ON source.id = n.enforcement_id
                 WHERE n.user_id = u.id AND n.kind <> 'cancelled' AND l.state = 'sent'
                     AND source.company_id = $1 AND source.enforcement_date = $4) THEN 1 END) AS told
         FROM memberships AS m JOIN users AS u ON u.id = m.user_id WHERE m.company_id = $1 AND {}",
        subject_at("$3", "$2")
    );
    if let Some(row) = tx.fetch_optional(&sql, bind![company, !policy.leave_out_sso, at, date]).await? {
        (measured.subjects, measured.enrolled) = (count(&row, "subjects")?, count(&row, "enrolled")?);
        measured.told = count(&row, "told")?;
    }
    let sql = "SELECT count(*) AS admins, count(u.mfa_enrolled_at) AS enrolled
         FROM memberships AS m JOIN users AS u ON u.id = m.user_id
         WHERE m.company_id = $1 AND m.role = 'admin' AND u.kind = 'person' AND u.active";
    if let Some(row) = tx.fetch_optional(sql, bind![company]).await? {
        (measured.admins, measured.enrolled_admins) = (count(&row, "admins")?, count(&row, "enrolled")?);
    }
    Ok(measured)
}
