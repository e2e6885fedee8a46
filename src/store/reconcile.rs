//! From companies' rows to their enforcements: task `reconcile`, and the same step inside the commands that set a date.

use async_trait::async_trait;
use chrono_tz::Tz;
use serde_json::json;

use super::audit::{self, NewEvent};
use super::membership_changes::MembershipChange;
use super::predicate::{ANNOUNCED_AT, HAS_ENFORCEMENT, MAIL_RECEIVED};
use super::sql::{Row, Tx};
use super::values::{Value, bind};
use super::{SqlStore, StoreError};
use crate::domain::ids::Id;
use crate::domain::notice::{EnforcementState, NoticeKind, SkipReason};
use crate::domain::planning::{self, Change, CompanyFacts, EnforcementFacts, Plan, Refresh};
use crate::domain::policy::Policy;
use crate::domain::schedule::PlannedMilestone;
use crate::domain::time::{self, Timestamp};
use crate::domain::values::parse_notice_days;

/// What reconciling one company came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// What was changed, one word each, such as `planned`.
    pub changes: Vec<&'static str>,
    /// What a person should look at.
    pub warnings: Vec<String>,
    /// Members wait to be reviewed first, or a flip to be completed: ask again.
    pub deferred: bool,
}

/// Who changes an enforcement, and with which leave.
#[derive(Clone, Debug)]
pub struct Authority<'a> {
    /// A person, or `sql`.
    pub actor: &'a str,
    /// Less than the minimum notice is allowed.
    pub override_notice: bool,
    /// Why.
    pub reason: Option<&'a str>,
}

impl Authority<'_> {
    /// That of a change that was written with plain SQL.
    pub const SQL: Authority<'static> = Authority { actor: "sql", override_notice: false, reason: None };
}

/// Reconciling companies with their enforcements.
#[async_trait]
pub trait ReconcileStore {
    /// Up to `limit` companies whose row has changed since the daemon acted on it, after `after` in the order of ids.
    async fn unreconciled_companies(&self, after: Option<Id>, limit: i64) -> Result<Vec<Id>, StoreError>;

    /// Brings one company's enforcements in line with its row. With `patient`, a first date waits while members are
    /// unreviewed: who was there before it is no late joiner.
    async fn reconcile_company(
        &self,
        id: Id,
        now: Timestamp,
        policy: &Policy,
        patient: bool,
    ) -> Result<Reconciled, StoreError>;

    /// Cancels the enforcements of deleted companies: what they had to say is dropped, nobody is un-required. Returns how many.
    async fn cancel_orphans(&self, now: Timestamp) -> Result<u64, StoreError>;
}

#[async_trait]
impl ReconcileStore for SqlStore {
    async fn unreconciled_companies(&self, after: Option<Id>, limit: i64) -> Result<Vec<Id>, StoreError> {
        let sql = "SELECT id FROM companies WHERE revision > reconciled_revision AND ($1 IS NULL OR id > $1) ORDER BY id LIMIT $2";
        let rows = self.database.fetch_all(sql, bind![after, limit]).await?;
        rows.iter().map(|row| row.get("id")).collect()
    }

    async fn reconcile_company(
        &self,
        id: Id,
        now: Timestamp,
        policy: &Policy,
        patient: bool,
    ) -> Result<Reconciled, StoreError> {
        let mut tx = self.database.begin().await?;
        if patient {
            let sql = format!(
                "SELECT 1 AS found FROM companies AS c WHERE id = $1 AND enforcement_date IS NOT NULL AND NOT {HAS_ENFORCEMENT}
                 AND EXISTS (SELECT 1 FROM memberships WHERE company_id = c.id AND NOT reviewed)"
            );
            if tx.fetch_optional(&sql, bind![id]).await?.is_some() {
                return Ok(Reconciled { deferred: true, ..Reconciled::default() });
            }
        }
        // Not waited for: others would be looked at that much later. The next tick comes again.
        let lock = tx.dialect().for_update_skip_locked("c");
        let Some(company) = read_company(&mut tx, id, &lock).await? else {
            tracing::info!(company = %id, "a company's row is being changed: it is looked at once that is done");
            return Ok(Reconciled::default());
        };
        let (reconciled, events) = self.reconcile_locked(&mut tx, &company, now, policy, &Authority::SQL).await?;
        audit::append(&mut tx, now, events).await?;
        tx.commit().await?;
        Ok(reconciled)
    }

    async fn cancel_orphans(&self, now: Timestamp) -> Result<u64, StoreError> {
        let mut tx = self.database.begin().await?;
        let sql = format!(
            "SELECT id, company_id FROM enforcements AS e
             WHERE company_deleted AND state IN ('scheduled', 'held', 'in_force'){}",
            tx.dialect().for_update_skip_locked("e")
        );
        let mut events = Vec::new();
        for row in tx.fetch_all(&sql, vec![]).await? {
            let (id, company_id): (Id, Option<Id>) = (row.get("id")?, row.get("company_id")?);
            close(&mut tx, id, EnforcementState::Cancelled, SkipReason::Cancelled, now).await?;
            events.push(event("sql", "enforcement_cancelled", company_id, id, json!({ "company_deleted": true })));
        }
        let count = events.len() as u64;
        audit::append(&mut tx, now, events).await?;
        tx.commit().await?;
        Ok(count)
    }
}

impl SqlStore {
    /// Brings the enforcements of a company, whose row this transaction has locked, in line with it. The caller appends
    /// the events.
    pub(super) async fn reconcile_locked<'a>(
        &self,
        tx: &mut Tx,
        company: &CompanyFacts,
        now: Timestamp,
        policy: &Policy,
        authority: &Authority<'a>,
    ) -> Result<(Reconciled, Vec<NewEvent<'a>>), StoreError> {
        let enforcements = current_enforcements(tx, company.id).await?;
        let open = enforcements.iter().find(|one| one.state != EnforcementState::InForce);
        let in_force = enforcements.iter().find(|one| one.state == EnforcementState::InForce);
        let changes = planning::reconcile(company, open, in_force, now, authority.override_notice, policy);
        let mut done = Reconciled { warnings: warnings(company), ..Reconciled::default() };
        let mut events = Vec::new();
        for change in changes {
            let one = |action, id: Id, detail| event(authority.actor, action, Some(company.id), id, detail);
            match change {
                Change::Supersede(id) => {
                    close(tx, id, EnforcementState::Superseded, SkipReason::Superseded, now).await?;
                    for closed in enforcements.iter().filter(|one| one.id == id) {
                        forget_company_date(tx, company.id, closed).await?;
                    }
                    done.changes.push("superseded");
                    events.push(one("enforcement_superseded", id, words(authority)));
                }
                Change::Cancel(id) => {
                    close(tx, id, EnforcementState::Cancelled, SkipReason::Cancelled, now).await?;
                    for closed in enforcements.iter().filter(|one| one.id == id) {
                        forget_company_date(tx, company.id, closed).await?;
                    }
                    let due_at = now.plus(policy.announce_delay);
                    let milestone = PlannedMilestone { kind: NoticeKind::Cancelled, days_before: None, due_at };
                    self.insert_milestones(tx, id, &[milestone], now).await?;
                    let sql = "UPDATE enforcements SET reason = COALESCE($2, reason) WHERE id = $1";
                    tx.execute(sql, bind![id, authority.reason]).await?;
                    done.changes.push("cancelled");
                    events.push(one("enforcement_cancelled", id, words(authority)));
                }
                Change::Plan(plan) => {
                    // Beside one in force nothing is closed.
                    MembershipChange::ForgetTold.apply(tx, company.id).await?;
                    let id = self.insert_enforcement(tx, company, &plan, now, authority).await?;
                    let (action, word) = if plan.hold.is_some() {
                        ("enforcement_held", "held")
                    } else {
                        ("enforcement_scheduled", "planned")
                    };
                    done.changes.push(word);
                    if let Some(hold) = plan.hold {
                        done.warnings.push(format!("company {}: enforcement {id} is held: {hold}", company.id));
                    }
                    events.push(one(action, id, plan_detail(company, &plan, authority)));
                }
                Change::Refresh(refresh) => {
                    if let Some(detail) = self.apply_refresh(tx, company, &refresh, &enforcements, now).await? {
                        done.changes.push("refreshed");
                        events.push(one("enforcement_refreshed", refresh.id, detail));
                    }
                }
                Change::CopyZone(id) => {
                    // What is in force keeps its instant; who comes later has their days in the company's zone of then.
                    let sql = "UPDATE enforcements SET time_zone = $2, planned_time_zone = COALESCE($3, planned_time_zone) WHERE id = $1";
                    let known = time::zone(&company.time_zone).map(chrono_tz::Tz::name);
                    tx.execute(sql, bind![id, company.time_zone.clone(), known]).await?;
                    done.changes.push("zone_copied");
                    events.push(one("enforcement_zone_copied", id, json!({})));
                }
                Change::Hold(id, reason) => {
                    let sql = "UPDATE enforcements SET state = 'held', reason = $2 WHERE id = $1";
                    tx.execute(sql, bind![id, reason.as_str()]).await?;
                    done.changes.push("held");
                    done.warnings.push(format!("company {}: enforcement {id} is held: {reason}", company.id));
                    events.push(one("enforcement_held", id, json!({ "reason": reason })));
                }
                Change::ReviewMembers => {
                    MembershipChange::Review.apply(tx, company.id).await?;
                }
                Change::Wait => done.deferred = true,
            }
        }
        if !done.deferred {
            tx.execute("UPDATE companies SET reconciled_revision = revision WHERE id = $1", bind![company.id]).await?;
        }
        Ok((done, events))
    }

    async fn insert_enforcement(
        &self,
        tx: &mut Tx,
        company: &CompanyFacts,
        plan: &Plan,
        now: Timestamp,
        authority: &Authority<'_>,
    ) -> Result<Id, StoreError> {
        let id = self.randomness.id(now);
        let (state, reason) = match plan.hold {
            Some(hold) => (EnforcementState::Held, Some(hold.as_str())),
            None => (EnforcementState::Scheduled, authority.reason),
        };
        tx.execute(
            "INSERT INTO enforcements (id, company_id, enforcement_date, time_zone, planned_time_zone, enforce_at, state,
                 notice_overridden, set_by, created_at, reason)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            bind![
                id,
                company.id,
                company.enforcement_date,
                company.time_zone.clone(),
                plan.zone.name(),
                plan.enforce_at,
                state.as_str(),
                authority.override_notice,
                authority.actor,
                now,
                reason
            ],
        )
        .await?;
        self.insert_milestones(tx, id, &plan.milestones, now).await?;
        Ok(id)
    }

    /// Carries out a refresh; returns what was changed, if anything was.
    pub(super) async fn apply_refresh(
        &self,
        tx: &mut Tx,
        company: &CompanyFacts,
        refresh: &Refresh,
        enforcements: &[EnforcementFacts],
        now: Timestamp,
    ) -> Result<Option<serde_json::Value>, StoreError> {
        let Some(before) = enforcements.iter().find(|one| one.id == refresh.id) else {
            return Ok(None);
        };
        let moved = before.enforce_at != refresh.enforce_at;
        let mut changed =
            moved || before.time_zone != company.time_zone || before.planned_time_zone != refresh.zone.name();
        if moved {
            // A personal date that was only the company's own moves with it.
            let change = MembershipChange::MoveDate { was: before.enforce_at, becomes: Some(refresh.enforce_at) };
            change.apply(tx, company.id).await?;
        }
        if changed {
            tx.execute(
                "UPDATE enforcements SET time_zone = $2, planned_time_zone = $3, enforce_at = $4, report_at = NULL WHERE id = $1",
                bind![refresh.id, company.time_zone.clone(), refresh.zone.name(), refresh.enforce_at],
            )
            .await?;
            let sql = "UPDATE milestones SET due_at = $2 WHERE enforcement_id = $1 AND kind = 'now_required' AND state = 'pending'";
            tx.execute(sql, bind![refresh.id, refresh.enforce_at]).await?;
        }
        changed |= self.refresh_reminders(tx, refresh, moved, now).await?;
        let detail = json!({ "time_zone": company.time_zone, "enforce_at": refresh.enforce_at });
        Ok(changed.then_some(detail))
    }
}

/// Closes an enforcement: what it still had to send is dropped.
pub(super) async fn close(
    tx: &mut Tx,
    id: Id,
    state: EnforcementState,
    skip: SkipReason,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE enforcements SET state = $2, closed_at = $3 WHERE id = $1";
    tx.execute(sql, bind![id, state.as_str(), now]).await?;
    let sql = "UPDATE milestones SET state = 'dropped' WHERE enforcement_id = $1 AND state = 'pending'";
    tx.execute(sql, bind![id]).await?;
    let sql = format!(
        "UPDATE notices AS n SET state = 'skipped', skip_reason = $2, mail_id = {MAIL_RECEIVED}
         WHERE enforcement_id = $1 AND state = 'pending'"
    );
    tx.execute(&sql, bind![id, skip.as_str()]).await.map(drop)
}

/// Takes away the personal dates that were only the closed enforcement's own day: they would outlive it.
async fn forget_company_date(tx: &mut Tx, company: Id, closed: &EnforcementFacts) -> Result<(), StoreError> {
    MembershipChange::ForgetTold.apply(tx, company).await?;
    MembershipChange::MoveDate { was: closed.enforce_at, becomes: None }.apply(tx, company).await
}

/// Locks a company's row until the end of the transaction, and reads what decides.
pub(super) async fn lock_company(tx: &mut Tx, id: Id) -> Result<Option<CompanyFacts>, StoreError> {
    let lock = tx.dialect().for_update("c");
    read_company(tx, id, &lock).await
}

async fn read_company(tx: &mut Tx, id: Id, lock: &str) -> Result<Option<CompanyFacts>, StoreError> {
    let sql = format!(
        "SELECT id, enforcement_date, time_zone, mfa_available, CAST(notice_days AS text) AS notice_days
         FROM companies AS c WHERE id = $1{lock}"
    );
    let row = tx.fetch_optional(&sql, bind![id]).await?;
    row.map(|row| {
        Ok(CompanyFacts {
            id,
            enforcement_date: row.get("enforcement_date")?,
            time_zone: row.text("time_zone")?.unwrap_or_default(),
            mfa_available: row.get("mfa_available")?,
            notice_days: row.text("notice_days")?,
        })
    })
    .transpose()
}

/// The open enforcement of a company and the one in force, locked.
pub(super) async fn current_enforcements(tx: &mut Tx, company: Id) -> Result<Vec<EnforcementFacts>, StoreError> {
    let sql = format!(
        "SELECT id, enforcement_date, time_zone, planned_time_zone, enforce_at, state, reason, flipped_at,
             {ANNOUNCED_AT} AS announced_at
         FROM enforcements AS e WHERE company_id = $1 AND state IN ('scheduled', 'held', 'in_force'){}",
        tx.dialect().for_update("e")
    );
    tx.fetch_all(&sql, bind![company]).await?.iter().map(enforcement_facts).collect()
}

fn enforcement_facts(row: &Row) -> Result<EnforcementFacts, StoreError> {
    Ok(EnforcementFacts {
        id: row.get("id")?,
        enforcement_date: row.get("enforcement_date")?,
        time_zone: row.text("time_zone")?.unwrap_or_default(),
        planned_time_zone: row.get("planned_time_zone")?,
        enforce_at: row.get("enforce_at")?,
        state: row.name("state")?,
        reason: row.text("reason")?,
        flipped: row.get::<Option<Timestamp>>("flipped_at")?.is_some(),
        announced_at: row.get("announced_at")?,
    })
}

fn warnings(company: &CompanyFacts) -> Vec<String> {
    let mut warnings = Vec::new();
    if time::zone(&company.time_zone).is_none() && company.enforcement_date.is_some() {
        warnings.push(format!(
            "company {}: '{}' is not an IANA time zone: set one with `mfa-enforcer company set {} --time-zone ZONE`",
            company.id, company.time_zone, company.id
        ));
    }
    if let Some(Err(error)) = company.notice_days.as_deref().map(parse_notice_days) {
        warnings.push(format!("company {}: {error}; notices.days_before is used instead", company.id));
    }
    warnings
}

fn plan_detail(company: &CompanyFacts, plan: &Plan, authority: &Authority<'_>) -> serde_json::Value {
    json!({
        "date": company.enforcement_date,
        "time_zone": company.time_zone,
        "enforce_at": plan.enforce_at,
        "held": plan.hold,
        "notice_overridden": authority.override_notice,
        "reason": authority.reason,
    })
}

/// What a person said about it, if anything.
fn words(authority: &Authority<'_>) -> serde_json::Value {
    authority.reason.map_or_else(|| json!({}), |reason| json!({ "reason": reason }))
}

/// An event about one enforcement.
pub(super) fn event<'a>(
    actor: &'a str,
    action: &'a str,
    company_id: Option<Id>,
    enforcement: Id,
    detail: serde_json::Value,
) -> NewEvent<'a> {
    NewEvent { actor, action, company_id, subject: Some(enforcement.to_string()), detail }
}

/// A zone's name as stored, for binding.
impl From<Tz> for Value {
    fn from(zone: Tz) -> Self {
        zone.name().into()
    }
}
