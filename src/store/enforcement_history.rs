//! All enforcements of a company, with what became of each.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::NaiveDate;
use serde::Serialize;

use super::companies::{self, Company, Lock};
use super::requirements::{id_batch, id_rows};
use super::safety::read_findings;
use super::sql::Row;
use super::values::bind;
use super::{SqlStore, StoreError};
use crate::domain::ids::Id;
use crate::domain::notice::{EnforcementState, MilestoneState, NoticeKind, NoticeState};
use crate::domain::safety::Finding;
use crate::domain::time::Timestamp;

/// A company's enforcements, the latest first.
#[derive(Clone, Debug, Serialize)]
pub struct EnforcementHistory {
    /// The company.
    pub company: Company,
    /// Its enforcements.
    pub enforcements: Vec<EnforcementRecord>,
}

/// An enforcement and what became of it.
#[derive(Clone, Debug, Serialize)]
pub struct EnforcementRecord {
    /// Its id.
    pub id: Id,
    /// Its date.
    pub enforcement_date: NaiveDate,
    /// Where it stands.
    pub state: EnforcementState,
    /// When it takes, or took, effect.
    pub enforce_at: Timestamp,
    /// The zone in which that was computed.
    pub time_zone: String,
    /// Who set it: a person, or `sql`.
    pub set_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Why it is held, or a person's words.
    pub reason: Option<String>,
    /// Whether somebody allowed less than the minimum notice.
    pub notice_overridden: bool,
    /// When it was cancelled, superseded or reverted.
    pub closed_at: Option<Timestamp>,
    /// When its flip had been through all members.
    pub flipped_at: Option<Timestamp>,
    /// How many people it requires.
    pub required: i64,
    /// How many days before the date it was looked at last whether anything speaks against it.
    pub warned_days: Option<i64>,
    /// What did.
    pub warning: Vec<Finding>,
    /// Whether somebody released it though something did.
    pub risk_accepted: bool,
    /// What people, and the daemon, did to it, in order.
    pub acts: Vec<EnforcementAct>,
    /// Its milestones, in the order in which they are due.
    pub milestones: Vec<MilestoneRecord>,
}

/// What somebody did to an enforcement, as the audit trail has it.
#[derive(Clone, Debug, Serialize)]
pub struct EnforcementAct {
    /// When.
    pub at: Timestamp,
    /// Who: a person, `sql`, or `daemon`.
    pub actor: String,
    /// What: the event's name, such as `enforcement_held`.
    pub action: String,
    /// Why, if it was said.
    pub reason: Option<String>,
}

/// A milestone and what became of its notices.
#[derive(Clone, Debug, Serialize)]
pub struct MilestoneRecord {
    /// What it is.
    pub kind: NoticeKind,
    /// Of a reminder: how many days before the date.
    pub days_before: Option<i64>,
    /// When its notices are made.
    pub due_at: Timestamp,
    /// Where it stands.
    pub state: MilestoneState,
    /// How many of its notices are in which state.
    pub notices: BTreeMap<NoticeState, i64>,
}

/// Reading enforcements.
#[async_trait]
pub trait EnforcementHistoryStore {
    /// All enforcements of the company with this key.
    async fn enforcement_history(&self, company: &str) -> Result<EnforcementHistory, StoreError>;
}

#[async_trait]
impl EnforcementHistoryStore for SqlStore {
    async fn enforcement_history(&self, company: &str) -> Result<EnforcementHistory, StoreError> {
        let mut tx = self.database.begin_read().await?;
        let company = companies::find(&mut tx, company, Lock::No).await?;
        let sql = "SELECT e.id, e.enforcement_date, e.state, e.enforce_at, e.planned_time_zone, e.set_by, e.created_at, e.reason,
                e.notice_overridden, e.closed_at, e.flipped_at, e.warned_days, CAST(e.warning AS text) AS warning, e.risk_accepted,
                (SELECT count(*) FROM requirements AS r WHERE r.enforcement_id = e.id AND r.cleared_at IS NULL) AS required
            FROM enforcements AS e WHERE e.company_id = $1 ORDER BY e.created_at DESC, (e.closed_at IS NULL) DESC, e.closed_at DESC, e.id DESC";
        let rows = tx.fetch_all(sql, bind![company.id]).await?;
        let mut enforcements = rows.iter().map(record).collect::<Result<Vec<_>, _>>()?;
        let sql = format!(
            "SELECT id, enforcement_id, kind, days_before, due_at, state FROM milestones
             WHERE enforcement_id IN (SELECT id FROM {}) ORDER BY due_at, CASE kind WHEN 'welcome' THEN 0 ELSE 1 END, kind, id",
            id_rows(&tx, 1)
        );
        let milestones = tx.fetch_all(&sql, bind![id_batch(enforcements.iter().map(|one| one.id))]).await?;
        let ids = milestones.iter().map(|row| row.get("id")).collect::<Result<Vec<Id>, _>>()?;
        let sql = format!(
            "SELECT milestone_id, state, count(*) AS count FROM notices WHERE milestone_id IN (SELECT id FROM {})
             GROUP BY milestone_id, state",
            id_rows(&tx, 1)
        );
        let mut counts: BTreeMap<Id, BTreeMap<NoticeState, i64>> = BTreeMap::new();
        for row in tx.fetch_all(&sql, bind![id_batch(ids)]).await? {
            counts.entry(row.get("milestone_id")?).or_default().insert(row.name("state")?, row.get("count")?);
        }
        for row in &milestones {
            let enforcement: Id = row.get("enforcement_id")?;
            let milestone = MilestoneRecord {
                kind: row.name("kind")?,
                days_before: row.get("days_before")?,
                due_at: row.get("due_at")?,
                state: row.name("state")?,
                notices: counts.remove(&row.get("id")?).unwrap_or_default(),
            };
            if let Some(one) = enforcements.iter_mut().find(|one| one.id == enforcement) {
                one.milestones.push(milestone);
            }
        }
        let sql = "SELECT at, actor, action, subject, detail FROM audit_events WHERE company_id = $1 AND action IN (
                'enforcement_held', 'enforcement_released', 'enforcement_reverted', 'enforcement_at_risk') ORDER BY seq";
        for row in tx.fetch_all(sql, bind![company.id]).await? {
            let subject = row.text("subject")?.unwrap_or_default();
            if let Some(one) = enforcements.iter_mut().find(|one| one.id.to_string() == subject) {
                one.acts.push(act(&row)?);
            }
        }
        Ok(EnforcementHistory { company, enforcements })
    }
}

fn act(row: &Row) -> Result<EnforcementAct, StoreError> {
    let detail: serde_json::Value = row.get("detail")?;
    Ok(EnforcementAct {
        at: row.get("at")?,
        actor: row.text("actor")?.unwrap_or_default(),
        action: row.get("action")?,
        reason: detail.get("reason").and_then(|reason| reason.as_str()).map(str::to_owned),
    })
}

fn record(row: &Row) -> Result<EnforcementRecord, StoreError> {
    Ok(EnforcementRecord {
        id: row.get("id")?,
        enforcement_date: row.get("enforcement_date")?,
        state: row.name("state")?,
        enforce_at: row.get("enforce_at")?,
        time_zone: row.text("planned_time_zone")?.unwrap_or_default(),
        set_by: row.text("set_by")?.unwrap_or_default(),
        created_at: row.get("created_at")?,
        reason: row.text("reason")?,
        notice_overridden: row.get("notice_overridden")?,
        closed_at: row.get("closed_at")?,
        flipped_at: row.get("flipped_at")?,
        required: row.get("required")?,
        warned_days: row.get("warned_days")?,
        warning: read_findings(row)?,
        risk_accepted: row.get("risk_accepted")?,
        acts: Vec::new(),
        milestones: Vec::new(),
    })
}
