//! `reconcile`: what the companies' rows say becomes enforcements; what is new or changed is looked at.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::TimeDelta;
use serde_json::json;

use super::review::{count_reviewed, review_rows};
use super::{Report, Services, Task, TaskError};
use crate::domain::ids::Id;
use crate::domain::time::Timestamp;

/// The task.
pub struct Reconcile;

/// How many companies are asked for at a time.
const PAGE: i64 = 500;
/// How often members who appear meanwhile are reviewed before their company's date is planned all the same.
pub(super) const PATIENT_ROUNDS: u32 = 3;

/// How long rows are reviewed before it is the turn of companies and of those whose own day has come: an import brings millions.
const REVIEWED_AT_A_TIME: TimeDelta = TimeDelta::seconds(5);

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
        let changed = services.store.change_memberships_left(services.limits.reviewed_together()).await;
        tally
            .attempt("locked memberships", changed)
            .into_iter()
            .for_each(|count| tally.add("memberships_changed", count));
        let mut round = 0;
        loop {
            let is_through = review(services, &mut tally).await;
            let deferred = companies(services, round < PATIENT_ROUNDS || !is_through, &mut tally).await?;
            let told = tell_exempt(services, &mut tally).await;
            tally.attempt("exemptions about to lapse", told);
            let ended = end_personal_dates(services, &mut tally).await;
            tally.attempt("personal dates", ended);
            if is_through && (!deferred || round == PATIENT_ROUNDS) || services.shutdown.is_requested() {
                break;
            }
            round += u32::from(is_through);
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
/// is left.
async fn review(services: &Services, tally: &mut Tally) -> bool {
    let until = services.clock.now().plus(REVIEWED_AT_A_TIME);
    let is_ending = || services.shutdown.is_requested() || services.clock.now() > until;
    let mut count = |what, number| tally.add(what, number);
    let (store, chunk) = (services.store.as_ref(), services.limits.reviewed_together());
    let reviewed = review_rows(store, &|| services.clock.now(), &services.policy, chunk, &is_ending, &mut count).await;
    tally.attempt("review", reviewed).unwrap_or(true)
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

async fn tell_exempt(services: &Services, tally: &mut Tally) -> Result<(), TaskError> {
    while !services.shutdown.is_requested() {
        let told = services
            .store
            .tell_exempt(services.clock.now(), &services.policy, services.limits.reviewed_together())
            .await?;
        if count_reviewed("exempt_told", told, &mut |what, number| tally.add(what, number)) == 0 {
            break;
        }
    }
    Ok(())
}

async fn end_personal_dates(services: &Services, tally: &mut Tally) -> Result<(), TaskError> {
    while !services.shutdown.is_requested() {
        let ended = services
            .store
            .end_personal_dates(services.clock.now(), &services.policy, services.limits.reviewed_together())
            .await?;
        if count_reviewed("personal_dates_ended", ended, &mut |what, number| tally.add(what, number)) == 0 {
            break;
        }
    }
    Ok(())
}
