//! Holding what is to come, and releasing what is held: by a person, each in one transaction.

use async_trait::async_trait;
use chrono::NaiveDate;
use chrono_tz::Tz;
use serde_json::json;

use super::companies::Company;
use super::enforcements::{Order, Ordered};
use super::reconcile::{Authority, event};
use super::sql::Tx;
use super::values::bind;
use super::{SqlStore, StoreError};
use crate::domain::ids::Id;
use crate::domain::notice::{EnforcementState, HoldReason};
use crate::domain::planning::{self, CompanyFacts, EnforcementFacts};
use crate::domain::policy::Policy;
use crate::domain::schedule;
use crate::domain::time::{self, Timestamp};

/// Holding and releasing. Keys and `patient` as for [`EnforcementStore`](super::enforcements::EnforcementStore).
#[async_trait]
pub trait HoldStore {
    /// Schedules a company's held enforcement, judged anew.
    async fn release(
        &self,
        company: &str,
        authority: &Authority<'_>,
        now: Timestamp,
        policy: &Policy,
        patient: bool,
    ) -> Result<Ordered, StoreError>;

    /// Holds a company's scheduled enforcement, for the authority's reason: nothing is sent and nobody becomes required
    /// until it is released.
    async fn hold(
        &self,
        company: &str,
        authority: &Authority<'_>,
        now: Timestamp,
        policy: &Policy,
        patient: bool,
    ) -> Result<Ordered, StoreError>;
}

#[async_trait]
impl HoldStore for SqlStore {
    async fn release(
        &self,
        company: &str,
        authority: &Authority<'_>,
        now: Timestamp,
        policy: &Policy,
        patient: bool,
    ) -> Result<Ordered, StoreError> {
        let mut order = Order::begin(self, company).await?;
        let mut events = order.catch_up(self, now, policy).await?;
        let Some(held) = order.of_state(EnforcementState::Held) else {
            return order.finish(now, events, Ordered::StoodAlready).await;
        };
        let mut authority = authority.clone();
        let overridable = [HoldReason::NoticeTooShort, HoldReason::DateInPast];
        authority.override_notice = order.judge(held.enforcement_date, &authority, now, policy, &overridable)?;
        if patient && order.has_unreviewed_members(now).await? {
            return Ok(Ordered::Deferred);
        }
        let facts = order.facts().await?;
        self.schedule_held(&mut order.tx, &facts, &held, &authority, now, policy).await?;
        let detail = json!({
            "date": held.enforcement_date, "was_held": held.reason, "notice_overridden": authority.override_notice,
            "reason": authority.reason,
        });
        events.push(event(authority.actor, "enforcement_released", Some(order.company.id), held.id, detail));
        order.finish(now, events, Ordered::Done).await
    }

    async fn hold(
        &self,
        company: &str,
        authority: &Authority<'_>,
        now: Timestamp,
        policy: &Policy,
        patient: bool,
    ) -> Result<Ordered, StoreError> {
        let reason = hold_reason(authority.reason)?;
        let mut order = Order::begin(self, company).await?;
        if patient && order.would_plan_first() && order.has_unreviewed_members(now).await? {
            return Ok(Ordered::Deferred);
        }
        let mut events = order.catch_up(self, now, policy).await?;
        if order.of_state(EnforcementState::Held).is_some() {
            // Also where it is held since a moment ago, because nobody had seen the date: that stays.
            return order.finish(now, events, Ordered::StoodAlready).await;
        }
        let Some(open) = order.of_state(EnforcementState::Scheduled) else {
            let in_force = order.of_state(EnforcementState::InForce).map(|one| one.enforcement_date);
            return Err(StoreError::Refused(nothing_to_hold(&order.company, in_force)));
        };
        let sql = "UPDATE enforcements SET state = 'held', reason = $2 WHERE id = $1";
        order.tx.execute(sql, bind![open.id, reason]).await?;
        let detail = json!({ "date": open.enforcement_date, "reason": reason });
        events.push(event(authority.actor, "enforcement_held", Some(order.company.id), open.id, detail));
        order.finish(now, events, Ordered::Done).await
    }
}

/// Why a person holds an enforcement: in their words, or that they wanted it so.
///
/// # Errors
/// [`StoreError::Refused`] for the daemon's own reasons: it goes by them.
pub fn hold_reason(words: Option<&str>) -> Result<&str, StoreError> {
    let Some(words) = words else { return Ok(HoldReason::Requested.as_str()) };
    match words.parse::<HoldReason>() {
        Ok(HoldReason::Requested) | Err(_) => Ok(words),
        Ok(own) => Err(StoreError::Refused(format!(
            "'{own}' is how the daemon itself holds, and releases by other rules: give the reason in other words"
        ))),
    }
}

/// Why nothing of a company can be held, and what can be done.
pub(super) fn nothing_to_hold(company: &Company, in_force: Option<NaiveDate>) -> String {
    let key = company.key();
    match in_force {
        Some(date) => format!(
            "the date {date} of the company '{key}' has come, and no other is to come that could be held: \
             `mfa-enforcer enforcement revert {key}` undoes what is in force"
        ),
        None => format!(
            "the company '{key}' has no date to come that could be held: \
             `mfa-enforcer enforcement set {key} --date YYYY-MM-DD` sets one"
        ),
    }
}

impl SqlStore {
    async fn schedule_held(
        &self,
        tx: &mut Tx,
        company: &CompanyFacts,
        held: &EnforcementFacts,
        authority: &Authority<'_>,
        now: Timestamp,
        policy: &Policy,
    ) -> Result<(), StoreError> {
        let zone = time::zone(&company.time_zone).unwrap_or(Tz::UTC);
        leave_out_what_is_over(tx, held, zone, now).await?;
        let accepts_risk = held.hold_reason().is_some_and(HoldReason::is_safety);
        let sql = "UPDATE enforcements SET state = 'scheduled', reason = $2, notice_overridden = $3,
            risk_accepted = CASE WHEN $4 THEN true ELSE risk_accepted END WHERE id = $1";
        tx.execute(sql, bind![held.id, authority.reason, authority.override_notice, accepts_risk]).await?;
        let refresh = planning::refresh(company, held, zone, now, policy);
        self.apply_refresh(tx, company, &refresh, std::slice::from_ref(held), now).await?;
        let sql = "SELECT id FROM milestones WHERE enforcement_id = $1 LIMIT 1";
        if tx.fetch_optional(sql, bind![held.id]).await?.is_none() {
            let milestones = planning::milestones(company, held.enforcement_date, zone, now, policy);
            self.insert_milestones(tx, held.id, &milestones, now).await?;
        }
        // A slip can be taken back unseen here as well.
        let sql = "UPDATE milestones SET due_at = $2
            WHERE enforcement_id = $1 AND kind = 'announcement' AND state = 'pending' AND due_at < $2";
        tx.execute(sql, bind![held.id, now.plus(policy.announce_delay)]).await.map(drop)
    }
}

/// Drops the reminders whose day has passed while nothing was sent, made or not.
async fn leave_out_what_is_over(
    tx: &mut Tx,
    held: &EnforcementFacts,
    zone: Tz,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "SELECT id, days_before FROM milestones WHERE enforcement_id = $1 AND days_before IS NOT NULL";
    for row in tx.fetch_all(sql, bind![held.id]).await? {
        let (id, days): (Id, i64) = (row.get("id")?, row.get("days_before")?);
        if !schedule::is_over(held.enforcement_date, days, zone, now) {
            continue;
        }
        tx.execute("UPDATE milestones SET state = 'dropped' WHERE id = $1 AND state = 'pending'", bind![id]).await?;
        let sql = "UPDATE notices SET state = 'skipped', skip_reason = 'superseded'
            WHERE milestone_id = $1 AND state = 'pending' AND mail_id IS NULL";
        tx.execute(sql, bind![id]).await?;
    }
    Ok(())
}
