//! Undoing what a company requires: of exactly the users whom it does, and of nobody whom something else requires too (R8).

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use chrono::NaiveDate;
use serde::Serialize;
use serde_json::json;

use super::audit::{self, NewEvent};
use super::companies::Company;
use super::enforcements::{Order, Ordered};
use super::membership_changes::MembershipChange;
use super::reconcile::{Authority, close, event};
use super::requirements::{derive_required_at, id_batch};
use super::sql::Tx;
use super::values::bind;
use super::{SqlStore, StoreError};
use crate::domain::audit::sha256_hex;
use crate::domain::ids::{Id, PAYEE_MANDATE};
use crate::domain::notice::{EnforcementState, NoticeKind, SkipReason};
use crate::domain::policy::Policy;
use crate::domain::schedule::PlannedMilestone;
use crate::domain::time::Timestamp;

/// How many users are locked and brought in line by one statement.
const BATCH: usize = 5000;

/// What a company requires as things are, and of whom.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reversal {
    /// The enforcement that would be reverted: the one in force, or the one that was in force last and still requires
    /// somebody. None: there is nothing to undo.
    pub enforcement_id: Option<Id>,
    /// Its date.
    pub date: Option<NaiveDate>,
    /// How many people the company requires.
    pub people: u64,
    /// How many of them are required by nothing else.
    pub freed: u64,
    /// How many another company requires as well.
    pub required_elsewhere: u64,
    /// How many of the others are required as payees.
    pub required_as_payees: u64,
    /// Whether the company has been reverted before.
    #[serde(skip)]
    pub reverted_before: bool,
}

/// Reverting.
#[async_trait]
pub trait RevertStore {
    /// Undoes what the company with this key requires, also when its row is gone: its enforcement in force becomes
    /// `reverted`, and every uncleared requirement of any of its enforcements is cleared. What other companies and the
    /// payee mandate require stands (R8). A date that is yet to come stays. `patient` as for
    /// [`EnforcementStore`](super::enforcements::EnforcementStore).
    async fn revert(
        &self,
        company: &str,
        authority: &Authority<'_>,
        now: Timestamp,
        policy: &Policy,
        patient: bool,
    ) -> Result<Ordered, StoreError>;

    /// What the company with this id requires, also when its row is gone.
    async fn reversal(&self, company: Id) -> Result<Reversal, StoreError>;
}

#[async_trait]
impl RevertStore for SqlStore {
    async fn revert(
        &self,
        company: &str,
        authority: &Authority<'_>,
        now: Timestamp,
        policy: &Policy,
        patient: bool,
    ) -> Result<Ordered, StoreError> {
        let mut order = match Order::begin(self, company).await {
            Ok(order) => order,
            Err(StoreError::NotFound(words)) => return self.revert_deleted(company, words, authority, now).await,
            Err(error) => return Err(error),
        };
        if patient && order.would_plan_first() && order.has_unreviewed_members(now).await? {
            return Ok(Ordered::Deferred);
        }
        let mut events = order.catch_up(self, now, policy).await?;
        let to_come = [EnforcementState::Scheduled, EnforcementState::Held];
        let open = to_come.into_iter().find_map(|state| order.of_state(state));
        let in_force = order.of_state(EnforcementState::InForce);
        let Order { mut tx, company, .. } = order;
        let dates = lock_enforcements(&mut tx, company.id).await?;
        let found = reversal(&mut tx, company.id).await?;
        let Some(target) = found.enforcement_id else {
            return match nothing_to_revert(&company, open.map(|one| (one.enforcement_date, one.state)), &found) {
                Some(refusal) => Err(StoreError::Refused(refusal)),
                None => Ok(Ordered::StoodAlready),
            };
        };
        let cleared = clear_requirements(&mut tx, company.id, now).await?;
        // Those that belong to what is undone: before the day that is yet to come, if one is.
        let before = open.as_ref().map(|one| one.enforce_at);
        MembershipChange::ForgetDates { before }.apply(&mut tx, company.id).await?;
        mark_reverted(&mut tx, target, authority.reason, now).await?;
        if in_force.is_some_and(|one| company.enforcement_date == Some(one.enforcement_date)) {
            let sql = "UPDATE companies SET enforcement_date = NULL, enforcement_set_by = NULL WHERE id = $1";
            tx.execute(sql, bind![company.id]).await?;
        }
        let tell_at = now.plus(policy.announce_delay);
        if let Some(open) = &open {
            announce_again(&mut tx, open.id, tell_at).await?;
            look_again(&mut tx, company.id, &cleared).await?;
        }
        // A date that is held is told to nobody.
        if open.is_none_or(|open| open.state == EnforcementState::Held) {
            self.tell_undone(&mut tx, target, tell_at, now).await?;
        }
        tx.execute("UPDATE companies SET reconciled_revision = revision WHERE id = $1", bind![company.id]).await?;
        events.extend(cleared_events(company.id, target, &dates, &cleared, authority));
        audit::append(&mut tx, now, events).await?;
        tx.commit().await?;
        Ok(Ordered::Done)
    }

    async fn reversal(&self, company: Id) -> Result<Reversal, StoreError> {
        let mut tx = self.database.begin_read().await?;
        reversal(&mut tx, company).await
    }
}

impl SqlStore {
    /// Reverts a company whose row is gone. Nobody belongs to it any more, so that nobody is told.
    async fn revert_deleted(
        &self,
        key: &str,
        missing: String,
        authority: &Authority<'_>,
        now: Timestamp,
    ) -> Result<Ordered, StoreError> {
        let Ok(company) = key.parse::<Id>() else {
            return Err(StoreError::NotFound(missing));
        };
        let mut tx = self.database.begin().await?;
        let dates = lock_enforcements(&mut tx, company).await?;
        let found = reversal(&mut tx, company).await?;
        let Some(target) = found.enforcement_id else {
            return if found.reverted_before { Ok(Ordered::StoodAlready) } else { Err(StoreError::NotFound(missing)) };
        };
        let cleared = clear_requirements(&mut tx, company, now).await?;
        mark_reverted(&mut tx, target, authority.reason, now).await?;
        audit::append(&mut tx, now, cleared_events(company, target, &dates, &cleared, authority)).await?;
        tx.commit().await?;
        Ok(Ordered::Done)
    }

    /// Has whoever was told a date hear that it is required no more.
    async fn tell_undone(
        &self,
        tx: &mut Tx,
        enforcement: Id,
        due_at: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        // One that was cancelled first has told whom it did not require: each of them once.
        let sql = "UPDATE milestones SET state = 'pending', cursor = NULL, due_at = $2
            WHERE enforcement_id = $1 AND kind = 'cancelled'";
        let milestones = tx.execute(sql, bind![enforcement, due_at]).await?;
        tell_after_all(tx, enforcement, NoticeKind::Cancelled, due_at).await?;
        if milestones == 0 {
            let milestone = PlannedMilestone { kind: NoticeKind::Cancelled, days_before: None, due_at };
            self.insert_milestones(tx, enforcement, &[milestone], now).await?;
        }
        Ok(())
    }
}

/// The users whose requirements were cleared, each with since when they were required; by enforcement.
type Cleared = BTreeMap<Id, BTreeMap<Id, Timestamp>>;

/// The users, each once, in order.
fn users_of(cleared: &Cleared) -> Vec<Id> {
    let users: BTreeSet<Id> = cleared.values().flat_map(BTreeMap::keys).copied().collect();
    users.into_iter().collect()
}

/// Locks all of a company's enforcements: a flip under way is waited for, and one that waits finds nothing left to do.
/// Returns their dates, the oldest enforcement first.
async fn lock_enforcements(tx: &mut Tx, company: Id) -> Result<Vec<(Id, NaiveDate)>, StoreError> {
    let sql = format!(
        "SELECT id, enforcement_date FROM enforcements AS e WHERE company_id = $1 ORDER BY created_at, id{}",
        tx.dialect().for_update("e")
    );
    let rows = tx.fetch_all(&sql, bind![company]).await?;
    rows.iter().map(|row| Ok((row.get("id")?, row.get("enforcement_date")?))).collect()
}

/// Clears what the company requires, and brings `users.mfa_required_at` in line with what else requires each of its users.
///
/// Users are locked before the notices are, as a claim does.
async fn clear_requirements(tx: &mut Tx, company: Id, now: Timestamp) -> Result<Cleared, StoreError> {
    let sql = "UPDATE requirements SET cleared_at = $2 WHERE cleared_at IS NULL
        AND enforcement_id IN (SELECT id FROM enforcements WHERE company_id = $1)
        RETURNING user_id, enforcement_id, required_at";
    let mut cleared = Cleared::new();
    for row in tx.fetch_all(sql, bind![company, now]).await? {
        let of_one = cleared.entry(row.get("enforcement_id")?).or_default();
        of_one.insert(row.get("user_id")?, row.get("required_at")?);
    }
    for batch in users_of(&cleared).chunks(BATCH) {
        derive_required_at(tx, batch.iter().copied()).await?;
    }
    Ok(cleared)
}

/// One that was cancelled keeps what it still has to say: it may be telling so right now.
async fn mark_reverted(tx: &mut Tx, enforcement: Id, why: Option<&str>, now: Timestamp) -> Result<(), StoreError> {
    let sql = "SELECT 1 AS found FROM enforcements WHERE id = $1 AND state = 'in_force'";
    if tx.fetch_optional(sql, bind![enforcement]).await?.is_some() {
        close(tx, enforcement, EnforcementState::Reverted, SkipReason::Reverted, now).await?;
    }
    let sql = "UPDATE enforcements SET state = 'reverted', closed_at = $2, reason = COALESCE($3, reason) WHERE id = $1";
    tx.execute(sql, bind![enforcement, now, why]).await.map(drop)
}

/// Whom the company required was not told its date to come, having nothing to prepare for: now they have.
async fn announce_again(tx: &mut Tx, enforcement: Id, due_at: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE milestones SET state = 'pending', cursor = NULL, due_at = $2
        WHERE enforcement_id = $1 AND kind = 'announcement' AND state = 'expanded'";
    tx.execute(sql, bind![enforcement, due_at]).await?;
    tell_after_all(tx, enforcement, NoticeKind::Announcement, due_at).await
}

/// Has notices at a milestone of this kind due again that were skipped because a date stood for their reader.
async fn tell_after_all(tx: &mut Tx, enforcement: Id, kind: NoticeKind, due_at: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE notices SET state = 'pending', skip_reason = NULL, due_at = $3, next_attempt_at = $3
        WHERE milestone_id IN (SELECT id FROM milestones WHERE enforcement_id = $1 AND kind = $2)
            AND state = 'skipped' AND skip_reason = 'date_stands' AND mail_id IS NULL";
    tx.execute(sql, bind![enforcement, kind.as_str(), due_at]).await.map(drop)
}

/// Whom the company required was left out of the reminders that are made already: those that are yet to come are added when
/// they are reviewed.
async fn look_again(tx: &mut Tx, company: Id, cleared: &Cleared) -> Result<(), StoreError> {
    for batch in users_of(cleared).chunks(BATCH) {
        MembershipChange::ReviewOf(id_batch(batch.iter().copied())).apply(tx, company).await?;
    }
    Ok(())
}

/// One event for each enforcement that required somebody, and for the one that is reverted.
fn cleared_events<'a>(
    company: Id,
    target: Id,
    dates: &[(Id, NaiveDate)],
    cleared: &Cleared,
    authority: &Authority<'a>,
) -> Vec<NewEvent<'a>> {
    let nobody = BTreeMap::new();
    let mut events = Vec::new();
    for (id, date) in dates.iter().filter(|(id, _)| *id == target || cleared.contains_key(id)) {
        let users = cleared.get(id).unwrap_or(&nobody);
        let lines = users.iter().map(|(user, required_at)| format!("{id} {user} {required_at}"));
        let detail = json!({
            "date": date, "reason": authority.reason, "cleared": users.len(), "sha256": sha256_hex(lines),
        });
        events.push(event(authority.actor, "enforcement_reverted", Some(company), *id, detail));
    }
    events
}

/// What a company requires as things are.
pub(super) async fn reversal(tx: &mut Tx, company: Id) -> Result<Reversal, StoreError> {
    let sql = "SELECT count(*) AS people, count(CASE WHEN elsewhere THEN 1 END) AS elsewhere,
            count(CASE WHEN mandated AND NOT elsewhere THEN 1 END) AS mandated
        FROM (SELECT own.user_id,
                EXISTS (SELECT 1 FROM requirements AS r JOIN enforcements AS e ON e.id = r.enforcement_id
                    WHERE r.user_id = own.user_id AND r.cleared_at IS NULL AND e.company_id <> $1) AS elsewhere,
                EXISTS (SELECT 1 FROM requirements AS r WHERE r.user_id = own.user_id AND r.cleared_at IS NULL
                    AND r.enforcement_id = $2) AS mandated
            FROM (SELECT DISTINCT user_id FROM requirements WHERE cleared_at IS NULL
                AND enforcement_id IN (SELECT id FROM enforcements WHERE company_id = $1)) AS own) AS counted";
    let row = tx.fetch_optional(sql, bind![company, PAYEE_MANDATE]).await?;
    let count = |column: &str| -> Result<u64, StoreError> {
        let count: i64 = row.as_ref().map_or(Ok(0), |row| row.get(column))?;
        Ok(count.unsigned_abs())
    };
    let (people, required_elsewhere, required_as_payees) = (count("people")?, count("elsewhere")?, count("mandated")?);
    let sql = "SELECT id, enforcement_date, state,
            CASE WHEN state = 'in_force' THEN 0 WHEN state = 'cancelled' AND flipped_at IS NOT NULL THEN 1 ELSE 2 END AS rank
        FROM enforcements AS e WHERE company_id = $1 AND (state IN ('in_force', 'reverted')
            OR $2 AND (state = 'cancelled' AND flipped_at IS NOT NULL
                OR EXISTS (SELECT 1 FROM requirements AS r WHERE r.enforcement_id = e.id AND r.cleared_at IS NULL)))
        ORDER BY rank, flipped_at DESC, created_at DESC, id DESC";
    let mut found = Reversal { people, required_elsewhere, required_as_payees, ..Reversal::default() };
    found.freed = people - required_elsewhere - required_as_payees;
    for row in tx.fetch_all(sql, bind![company, people > 0]).await? {
        let is_reverted = row.name::<EnforcementState>("state")? == EnforcementState::Reverted;
        found.reverted_before |= is_reverted;
        if found.enforcement_id.is_none() && !is_reverted {
            found.enforcement_id = Some(row.get("id")?);
            found.date = Some(row.get("enforcement_date")?);
        }
    }
    Ok(found)
}

/// Why there is nothing to revert, and what helps; none: it was reverted before.
pub(super) fn nothing_to_revert(
    company: &Company,
    open: Option<(NaiveDate, EnforcementState)>,
    found: &Reversal,
) -> Option<String> {
    let key = company.key();
    match open {
        Some((date, EnforcementState::Held)) => Some(format!(
            "the date {date} of the company '{key}' is held, and nothing is in force that could be undone: \
             `mfa-enforcer enforcement cancel {key}` takes the date away"
        )),
        Some((date, _)) => Some(format!(
            "the date {date} of the company '{key}' has not come, and nothing is in force that could be undone: \
             `mfa-enforcer enforcement cancel {key}` takes the date away, `mfa-enforcer enforcement hold {key}` stops it"
        )),
        None if found.reverted_before => None,
        None => Some(format!(
            "the company '{key}' requires nobody, and has no date in force that could be undone: \
             `mfa-enforcer enforcement show {key}` shows what there was"
        )),
    }
}
