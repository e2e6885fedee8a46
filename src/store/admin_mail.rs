//! Task `digest`, first half: what a company's admins are owed. Decisions are read from the audit trail, which has each of
//! them once and in order, whoever made it; digests and the report of the day come by the calendar.

use async_trait::async_trait;
use chrono_tz::Tz;
use serde_json::json;

use super::dialect::ColumnType;
use super::sql::{Row, Tx};
use super::values::bind;
use super::{SqlStore, StoreError, daemon_state};
use crate::domain::admin_mail::{self, AdminMailKind};
use crate::domain::ids::Id;
use crate::domain::planning;
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

/// What admins are told of. A date that is superseded belongs to the one that was set in its place, unless there is none:
/// then the company has gone back to the date that is in force.
const DECISIONS: &str = "'enforcement_scheduled', 'enforcement_held', 'enforcement_cancelled', 'enforcement_released',
    'enforcement_reverted', 'enforcement_superseded'";

/// An active person who is an admin of company `m.company_id`, and wants such mail as follows.
pub(super) const ADMIN: &str = "m.role = 'admin' AND u.active AND u.kind = 'person' AND m.admin_mail";

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
            "SELECT seq, at, actor, action, company_id, subject FROM audit_events
             WHERE seq > $1 AND seq <= $2 AND company_id IS NOT NULL AND action IN ({DECISIONS}) ORDER BY seq"
        );
        let reached = head.min(until + limit);
        let rows = tx.fetch_all(&sql, bind![until, reached]).await?;
        let decisions = told(rows.iter().map(decided).collect::<Result<_, _>>()?);
        for decision in &decisions {
            self.make_decision(&mut tx, decision, now).await?;
        }
        daemon_state::remember(&mut tx, TOLD_UNTIL, &reached.max(until).to_string()).await?;
        tx.commit().await?;
        Ok(Looked { decisions: decisions.len() as u64, more: reached < head })
    }

    async fn make_reports(&self, now: Timestamp, policy: &Policy, limit: i64) -> Result<u64, StoreError> {
        let mut tx = self.database.begin().await?;
        let due =
            "e.report_at IS NOT NULL AND e.report_at <= $1 AND (e.state = 'scheduled' OR e.flipped_at IS NOT NULL)";
        let unplanned = "e.report_at IS NULL AND e.created_at <= $1";
        let mut rows = Vec::new();
        for condition in [due, unplanned] {
            let sql = format!(
                "SELECT e.id, e.company_id, e.state, e.enforcement_date, e.enforce_at, e.planned_time_zone, e.report_at,
                     (SELECT CAST(c.notice_days AS text) FROM companies AS c WHERE c.id = e.company_id) AS notice_days
                 FROM enforcements AS e WHERE e.state IN ('scheduled', 'in_force') AND NOT e.reported AND {condition}
                 ORDER BY e.id LIMIT $2{}",
                tx.dialect().for_update_skip_locked("e")
            );
            rows.extend(tx.fetch_all(&sql, bind![now, limit]).await?);
        }
        for row in &rows {
            let report = report(row, policy)?;
            if report.is_due(now, policy) {
                self.make_report(&mut tx, &report, now).await?;
            }
            let reported = !report.scheduled && report.due_at.is_some();
            let sql = "UPDATE enforcements SET report_at = $2, reported = $3 WHERE id = $1";
            tx.execute(sql, bind![report.enforcement, report.next(now, policy), reported]).await?;
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
    action: String,
    /// Whether nobody decided it: the flip supersedes what was in force before.
    by_itself: bool,
}

/// The decisions of which admins are told, each once. What was recorded at one instant was decided at once: of one
/// enforcement the last says what stands, and what takes back several dates of a company in one go is one decision.
fn told(all: Vec<Decided>) -> Vec<Decided> {
    let mut told: Vec<Decided> = Vec::new();
    let together = |one: &Decided, other: &Decided| (one.company, one.at) == (other.company, other.at);
    let beside: Vec<(Id, Timestamp)> =
        all.iter().filter(|one| one.action != "enforcement_superseded").map(|one| (one.company, one.at)).collect();
    for decided in all {
        if decided.action == "enforcement_superseded"
            && (decided.by_itself || beside.contains(&(decided.company, decided.at)))
        {
            continue;
        }
        let same = |one: &Decided| {
            together(one, &decided)
                && (one.enforcement == decided.enforcement
                    || one.action == decided.action && one.action == "enforcement_reverted")
        };
        told.retain(|one| !same(one));
        told.push(decided);
    }
    told
}

fn decided(row: &Row) -> Result<Decided, StoreError> {
    let subject: Option<String> = row.get("subject")?;
    let enforcement = subject.and_then(|id| id.parse().ok());
    Ok(Decided {
        seq: row.get("seq")?,
        at: row.get("at")?,
        company: row.get("company_id")?,
        enforcement: enforcement.ok_or_else(|| StoreError::Corrupt("a decision is about no enforcement".to_owned()))?,
        action: row.get("action")?,
        by_itself: row.get::<String>("actor")? == "daemon",
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
    /// Days before the date.
    reminders: Vec<u16>,
}

fn report(row: &Row, policy: &Policy) -> Result<Report, StoreError> {
    Ok(Report {
        enforcement: row.get("id")?,
        company: row.get("company_id")?,
        scheduled: row.get::<String>("state")? == "scheduled",
        date: row.get("enforcement_date")?,
        enforce_at: row.get("enforce_at")?,
        zone: time::zone(&row.get::<String>("planned_time_zone")?).unwrap_or(Tz::UTC),
        due_at: row.get("report_at")?,
        reminders: planning::reminder_days(row.text("notice_days")?.as_deref(), policy),
    })
}

impl Report {
    /// When the next is due; the report of the day is the last.
    fn next(&self, now: Timestamp, policy: &Policy) -> Timestamp {
        admin_mail::next_report(self.date, self.enforce_at, self.zone, &self.reminders, now, policy)
    }

    /// Whether it still is of use: a digest on its day, the report of the day at any time.
    fn is_due(&self, now: Timestamp, policy: &Policy) -> bool {
        let digest_today = || admin_mail::digest_today(self.date, self.zone, &self.reminders, now, policy);
        self.due_at.is_some_and(|at| at <= now) && (!self.scheduled || now < self.enforce_at && digest_today())
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
