//! What the daemon does: each task is an idempotent function without input, run on a tick and on demand. What is due is
//! read from the database each time; run twice, the second run does nothing.

mod bounces;
pub mod dates;
mod deliver;
mod digest;
pub mod driver;
mod enforce;
mod expand;
pub mod intake;
mod lines;
mod reconcile;
mod record;
mod review;
mod send;
mod shutdown;
mod ticks;
mod turn;
mod warn;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use thiserror::Error;

pub use bounces::Bounces;
pub use deliver::Deliver;
pub use digest::Digest;
pub use enforce::Enforce;
pub use expand::Expand;
pub use intake::Intake;
pub use reconcile::Reconcile;
pub use shutdown::{Shutdown, ShutdownTrigger};
pub use warn::Warn;

use crate::clock::{Clock, Randomness};
use crate::config::Config;
use crate::domain::policy::Policy;
use crate::domain::time::Timestamp;
use crate::mail::Mailer;
use crate::store::daemon_state::TaskRun;
use crate::store::{Store, StoreError};

/// What the tasks work with.
#[derive(Clone)]
pub struct Services {
    /// The database.
    pub store: Arc<dyn Store>,
    /// What time it is.
    pub clock: Clock,
    /// Where jitter comes from.
    pub randomness: Randomness,
    /// The way out for notices.
    pub mailer: Arc<Mailer>,
    /// Which bounces are taken; none: none at all.
    pub intake: Option<Intake>,
    /// What the operator has decided.
    pub policy: Policy,
    /// How much at a time, and how long.
    pub limits: Limits,
    /// Whether to come to an end.
    pub shutdown: Shutdown,
}

/// How much the tasks take at a time, and how long they wait.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Rows in one transaction of a set-wise act.
    pub chunk: i64,
    /// Notices claimed at a time.
    pub claim_batch: i64,
    /// How long a claim holds.
    pub lease: TimeDelta,
    /// How long one send may take.
    pub send_timeout: TimeDelta,
    /// The wait before a second attempt.
    pub retry_first: TimeDelta,
    /// The longest wait between two attempts.
    pub retry_most: TimeDelta,
    /// For how long a mail is tried that is put off for its own sake.
    pub retry_for: TimeDelta,
}

/// How long to wait where all that there is to do is in other hands for a moment, and how often.
const BUSY_WAIT: Duration = Duration::from_millis(50);
const BUSY_ROUNDS: u32 = 20;

/// How many rows at most a task locks at a time that goes through them one by one.
const REVIEWED_TOGETHER: i64 = 500;

impl Limits {
    /// Rows in one transaction that looks at people one by one: so few that an application which writes to them in the
    /// meantime, at a sign-in say, hardly waits.
    #[must_use]
    pub fn reviewed_together(&self) -> i64 {
        self.chunk.min(REVIEWED_TOGETHER)
    }

    /// Those of the settings.
    #[must_use]
    pub fn from_config(config: &Config) -> Self {
        Self {
            chunk: config.schedule.chunk.into(),
            claim_batch: claim_batch(config.schedule.claim_batch, config.smtp.max_per_minute).into(),
            lease: config.schedule.lease,
            send_timeout: config.smtp.timeout,
            retry_first: config.schedule.retry_first,
            retry_most: config.schedule.retry_most,
            retry_for: config.schedule.retry_for,
        }
    }
}

/// How many notices to claim at a time: no more than go out in ten seconds where `per_minute` mails do (0: as many as there are).
/// Whom a mail goes to is decided when it is claimed, and should still be so when it goes out.
fn claim_batch(most: u32, per_minute: u32) -> u32 {
    if per_minute == 0 { most } else { most.min(per_minute.div_ceil(6)) }
}

/// What a run of a task came to.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Whether anything was changed, so that other tasks may have something to do now.
    pub changed: bool,
    /// What was done, in numbers.
    pub detail: serde_json::Value,
}

/// Why a run of a task failed. What it had done before is done; the next run goes on.
#[derive(Debug, Error)]
pub enum TaskError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something outside of the database is not as the settings say.
    #[error("{0}")]
    Settings(String),
    /// Some of it failed, and the rest was done.
    #[error("{failed} of {all} failed; the first: {first}")]
    Partly {
        /// How many failed.
        failed: usize,
        /// Of how many.
        all: usize,
        /// Why the first one did.
        first: String,
    },
}

/// A task.
#[async_trait]
pub trait Task: Send + Sync {
    /// Its name, for `status`, logs and metrics.
    fn name(&self) -> &'static str;

    /// Does what there is to do at `now`.
    async fn run(&self, services: &Services, now: Timestamp) -> Result<Report, TaskError>;
}

/// Every task, in the order in which one pass runs them: each may make work for those after it.
#[must_use]
pub fn all() -> Vec<Arc<dyn Task>> {
    vec![
        Arc::new(Reconcile),
        Arc::new(Warn),
        Arc::new(Enforce),
        Arc::new(Bounces),
        Arc::new(Expand),
        Arc::new(Deliver::default()),
        Arc::new(Digest),
    ]
}

/// The names of [`all`] tasks.
#[must_use]
pub fn names() -> Vec<&'static str> {
    all().iter().map(|task| task.name()).collect()
}

/// Runs one task once, and records what it came to: in the database, the log and the metrics.
///
/// # Errors
/// What the task failed with.
pub async fn run_task(task: &dyn Task, services: &Services) -> Result<Report, TaskError> {
    let started_at = services.clock.now();
    let outcome = task.run(services, started_at).await;
    let finished_at = services.clock.now();
    let seconds = (finished_at.utc() - started_at.utc()).as_seconds_f64();
    metrics::histogram!(crate::telemetry::metrics::TASK_SECONDS, "task" => task.name()).record(seconds);
    match &outcome {
        Ok(report) => {
            #[expect(clippy::cast_precision_loss, reason = "a gauge is a float; seconds since 1970 fit")]
            let unix = finished_at.utc().timestamp() as f64;
            metrics::gauge!(crate::telemetry::metrics::TASK_LAST_SUCCESS_TIMESTAMP, "task" => task.name()).set(unix);
            if report.changed {
                tracing::info!(task = task.name(), report = %report.detail, "done");
            }
        }
        Err(error) => {
            metrics::counter!(crate::telemetry::metrics::TASK_FAILURES_TOTAL, "task" => task.name()).increment(1);
            if let TaskError::Store(StoreError::Busy(_)) = error {
                tracing::warn!(task = task.name(), %error, "put off to the next tick");
            } else {
                tracing::error!(task = task.name(), %error, "failed; the next tick goes on");
            }
        }
    }
    let run = TaskRun {
        task: task.name(),
        started_at,
        finished_at,
        outcome: outcome.as_ref().map(|report| report.detail.clone()).map_err(ToString::to_string),
    };
    if let Err(error) = services.store.record_task_run(&run).await
        && outcome.is_ok()
    {
        tracing::warn!(task = task.name(), %error, "the run could not be recorded");
    }
    outcome
}

/// Runs every task again and again until none finds anything to do at the clock's instant.
///
/// # Returns
/// The errors of all runs. A task that failed in a pass in which nothing was changed is not tried again.
pub async fn run_until_idle(services: &Services) -> Vec<(&'static str, TaskError)> {
    let mut errors = Vec::new();
    loop {
        let mut changed = false;
        for task in all() {
            match run_task(task.as_ref(), services).await {
                Ok(report) => changed |= report.changed,
                Err(error) => errors.push((task.name(), error)),
            }
            if services.shutdown.is_requested() {
                return errors;
            }
        }
        if !changed {
            return errors;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::claim_batch;

    #[test]
    fn no_more_is_claimed_than_goes_out_in_ten_seconds() {
        assert_eq!(
            [claim_batch(500, 0), claim_batch(500, 60), claim_batch(500, 1), claim_batch(500, 6_000)],
            [500, 10, 1, 500]
        );
    }
}
