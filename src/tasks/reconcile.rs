//! `reconcile`: what the companies' rows say becomes enforcements; what is new or changed is looked at.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::TimeDelta;
use serde_json::json;

use super::review::{Place, count_reviewed, review_rows};
use super::{Report, Services, Task, TaskError};
use crate::domain::ids::Id;
use crate::domain::time::Timestamp;
use crate::store::StoreError;
use crate::store::review::Reviewed;

/// The task.
pub struct Reconcile;

/// How many companies are asked for at a time.
const PAGE: i64 = 500;
/// How often members who appear meanwhile are reviewed before their company's date is planned all the same.
pub(super) const PATIENT_ROUNDS: u32 = 3;

/// How long one kind of rows is gone through before it is the others' turn: an import brings millions, whose own day comes at
/// the same moment.
const AT_A_TIME: TimeDelta = TimeDelta::seconds(5);

#[derive(Default)]
struct Tally {
    counts: BTreeMap<&'static str, u64>,
    steps: usize,
    failures: Vec<String>,
}

impl Tally {
    /// What a step came to, if it succeeded. One that failed is noted, and stops no other (R9).
    fn attempt<T, E: std::fmt::Display>(&mut self, step: &str, outcome: Result<T, E>) -> Option<T> {
        self.steps += 1;
        outcome.map_err(|error| self.failures.push(format!("{step}: {error}"))).ok()
    }

    fn add(&mut self, what: &'static str, count: u64) {
        if count > 0 {
            *self.counts.entry(what).or_default() += count;
        }
    }
}

#[async_trait]
impl Task for Reconcile {
    fn name(&self) -> &'static str {
        "reconcile"
    }

    async fn run(&self, services: &Services, _started: Timestamp) -> Result<Report, TaskError> {
        let mut tally = Tally::default();
        let orphans = services.store.cancel_orphans(services.clock.now()).await;
        tally.attempt("deleted companies", orphans).into_iter().for_each(|count| tally.add("orphans_cancelled", count));
        let rechecked = services.store.recheck_left().await;
        tally.attempt("what was locked", rechecked).into_iter().for_each(|count| tally.add("rechecked", count));
        let (mut round, mut place) = (0, Place::default());
        loop {
            let (store, policy, limit) = (&services.store, &services.policy, services.limits.reviewed_together());
            let changing =
                || async { Ok(Reviewed { rows: store.change_memberships_left(limit).await?, ..Reviewed::default() }) };
            let changed = go_through(services, &mut tally, "memberships_changed", changing).await;
            let changed = tally.attempt("locked memberships", changed).unwrap_or(true);
            let reviewed = review(services, &mut tally, &mut place).await;
            let is_reviewed = reviewed == Some(true);
            let deferred = companies(services, round < PATIENT_ROUNDS || !is_reviewed, &mut tally).await?;
            let telling = || store.tell_exempt(services.clock.now(), policy, limit);
            let told = go_through(services, &mut tally, "exempt_told", telling).await;
            let told = tally.attempt("exemptions about to lapse", told).unwrap_or(true);
            let ending = || store.end_personal_dates(services.clock.now(), policy, limit);
            let ended = go_through(services, &mut tally, "personal_dates_ended", ending).await;
            let ended = tally.attempt("personal dates", ended).unwrap_or(true);
            let is_through = changed && reviewed.unwrap_or(true) && told && ended;
            // What could not be looked at is left to the next tick.
            let waits = deferred && round < PATIENT_ROUNDS && reviewed.is_some();
            if is_through && !waits || services.shutdown.is_requested() {
                break;
            }
            round += u32::from(is_reviewed);
        }
        match tally.failures.first() {
            Some(first) => {
                Err(TaskError::Partly { failed: tally.failures.len(), all: tally.steps, first: first.clone() })
            }
            None => Ok(Report { changed: !tally.counts.is_empty(), detail: json!(tally.counts) }),
        }
    }
}

/// Looks at what is new or changed, for a while: whoever else has a date waits for no more than that. Returns whether nothing
/// is left that can be looked at (R9); none: somebody is at an enforcement for longer than it is waited for, a flip on a slow server
/// mostly.
async fn review(services: &Services, tally: &mut Tally, place: &mut Place) -> Option<bool> {
    let until = services.clock.now().plus(AT_A_TIME);
    let is_ending = || services.shutdown.is_requested() || is_over(services, until);
    let mut count = |what, number| tally.add(what, number);
    let (store, chunk) = (services.store.as_ref(), services.limits.reviewed_together());
    let now = || services.clock.now();
    let reviewed = review_rows(store, &now, &services.policy, chunk, &is_ending, &mut count, place).await;
    if let Err(error @ StoreError::Busy(_)) = reviewed {
        tracing::warn!(%error, "what is new or changed is looked at at the next tick");
        return None;
    }
    Some(tally.attempt("review", reviewed).unwrap_or(true))
}

/// Reconciles every company whose row has changed. A company that fails stops no other (R9). Returns whether members of
/// some have to be reviewed first.
async fn companies(services: &Services, patient: bool, tally: &mut Tally) -> Result<bool, TaskError> {
    let mut after: Option<Id> = None;
    let mut deferred = false;
    loop {
        let page = services.store.unreconciled_companies(after, PAGE).await?;
        let Some(last) = page.last().copied() else { return Ok(deferred) };
        for company in page {
            if services.shutdown.is_requested() {
                return Ok(false);
            }
            // Each at its own instant: a date that is written during a long run is judged from when it is seen (R10).
            let now = services.clock.now();
            let reconciled = services.store.reconcile_company(company, now, &services.policy, patient).await;
            let Some(reconciled) = tally.attempt(&format!("company {company}"), reconciled) else { continue };
            deferred |= reconciled.deferred;
            reconciled.changes.into_iter().for_each(|change| tally.add(change, 1));
            for warning in reconciled.warnings {
                tracing::warn!(%company, "{warning}");
            }
        }
        after = Some(last);
    }
}

fn is_over(services: &Services, until: Timestamp) -> bool {
    services.clock.now() > until
}

/// Goes through members in batches, for a while. Returns whether nothing is left that is to be had.
async fn go_through<B>(
    services: &Services,
    tally: &mut Tally,
    what: &'static str,
    batch: impl Fn() -> B,
) -> Result<bool, StoreError>
where
    B: Future<Output = Result<Reviewed, StoreError>>,
{
    let until = services.clock.now().plus(AT_A_TIME);
    while !services.shutdown.is_requested() {
        if count_reviewed(what, batch().await?, &mut |what, number| tally.add(what, number)) == 0 {
            break;
        }
        if is_over(services, until) {
            return Ok(false);
        }
    }
    Ok(true)
}
