//! Lets a script happen: the clock moves from one instant at which something is due to the next, and at each the same
//! tasks work that `run` has.

use chrono::TimeDelta;
use thiserror::Error;

use super::script::{Act, Script};
use crate::domain::time::Timestamp;
use crate::sample::{Sample, lines};
use crate::store::StoreError;
use crate::store::enforcements::Ordered;
use crate::store::reconcile::Authority;
use crate::tasks::dates::Order;
use crate::tasks::{Services, TaskError, run_until_idle};

/// On whose word people are imported and join.
const PEOPLE_SYSTEM: &str = "people system";
/// On whose word enrollments are recorded.
const SIGN_IN: &str = "sign-in service";
/// Who sets a date where a sample is too small to have an admin.
const NOBODY: &str = "an admin";
/// How long after the last act a demonstration goes on at most.
const MOST_AFTERWARDS: TimeDelta = TimeDelta::days(90);

/// Why a demonstration has failed.
#[derive(Debug, Error)]
pub enum PlayError {
    /// The store refused, or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A task failed.
    #[error("task {name} failed: {error}")]
    Task {
        /// Its name.
        name: &'static str,
        /// Why.
        error: TaskError,
    },
    /// The sample was not taken as it is.
    #[error("the sample was not stored: {0}")]
    Sample(String),
}

/// Plays `script` to its end, until nothing more is due. `progress` is told how far the clock is.
///
/// # Errors
/// [`PlayError`]: the first thing that goes wrong ends it.
pub async fn play(
    services: &Services,
    sample: &Sample,
    script: &Script,
    progress: &(dyn Fn(Timestamp) + Send + Sync),
) -> Result<(), PlayError> {
    let mut acts = script.acts.iter().peekable();
    let end = script.acts.last().map_or(script.begins_at, |(at, _)| *at).plus(MOST_AFTERWARDS);
    loop {
        let due = services.store.next_due(services.clock.now()).await?;
        let next = acts.peek().map(|(at, _)| *at).into_iter().chain(due).min();
        let Some(now) = next.filter(|next| *next <= end) else { return Ok(()) };
        services.clock.set(now);
        progress(now);
        while let Some((_, act)) = acts.next_if(|(at, _)| *at <= now) {
            carry_out(services, sample, act).await?;
        }
        if let Some((name, error)) = run_until_idle(services).await.into_iter().next() {
            return Err(PlayError::Task { name, error });
        }
    }
}

async fn carry_out(services: &Services, sample: &Sample, act: &Act) -> Result<(), PlayError> {
    let (store, now) = (services.store.as_ref(), services.clock.now());
    let outcome = match act {
        Act::Import => {
            let companies = store.import_companies(sample.companies.clone(), PEOPLE_SYSTEM, now).await?;
            if companies.bad.is_empty() {
                store.import_users(lines(&sample.people, None), PEOPLE_SYSTEM, now).await?
            } else {
                companies
            }
        }
        Act::Join(person) => {
            let lines = lines(std::slice::from_ref(person.as_ref()), Some(now));
            store.import_users(lines, PEOPLE_SYSTEM, now).await?
        }
        Act::Enroll { user, method } => {
            store.enroll(user, *method, &services.policy, SIGN_IN, now).await?;
            return Ok(());
        }
        Act::SetDate { company, date, reason } => {
            let actor = sample.admin_of(company).unwrap_or(NOBODY);
            let authority = Authority { actor, override_notice: false, reason: *reason };
            let (policy, chunk) = (&services.policy, services.limits.chunk);
            let order = Order { store, company, authority: &authority, now, policy, chunk };
            return match order.set_date(*date).await? {
                Ordered::Done | Ordered::StoodAlready => Ok(()),
                Ordered::Deferred => Err(PlayError::Sample(format!("the date of {company} was put off"))),
            };
        }
    };
    match outcome.bad.first() {
        Some(bad) => Err(PlayError::Sample(format!("line {}: {}", bad.line, bad.reason))),
        None => Ok(()),
    }
}
