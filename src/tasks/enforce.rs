//! `enforce`: on the day, everybody who must be becomes required. Mail has no say in it (R4).

use async_trait::async_trait;
use serde_json::json;

use super::{Report, Services, Task, TaskError};
use crate::domain::ids::Id;
use crate::domain::time::Timestamp;
use crate::store::enforce::Locked;
use crate::telemetry::metrics::{FLIP_LAG_SECONDS, REQUIRED_TOTAL};

/// The task.
pub struct Enforce;

/// How many enforcements are asked for at a time.
const PAGE: i64 = 500;

#[async_trait]
impl Task for Enforce {
    fn name(&self) -> &'static str {
        "enforce"
    }

    async fn run(&self, services: &Services, now: Timestamp) -> Result<Report, TaskError> {
        let mut tally = Tally::default();
        let mut after = None;
        loop {
            let due = services.store.due_flips(now, after, PAGE).await?;
            if after.is_none() {
                show_lag(&due, now);
            }
            after = due.last().copied();
            for (enforcement, enforce_at) in &due {
                if *enforce_at > services.clock.now() {
                    tracing::warn!(%enforcement, %enforce_at, "put in force by a clock ahead of this one: the flip waits until this one shows as much");
                    continue;
                }
                tally.all += 1;
                if let Err(error) = flip(services, *enforcement, &mut tally).await {
                    tally.failures.push(format!("enforcement {enforcement}: {error}"));
                }
            }
            if after.is_none() || services.shutdown.is_requested() {
                break;
            }
        }
        if tally.all > 0 {
            // What is not over is late, whatever keeps it: a row that somebody has locked, or another daemon that is at it.
            show_lag(&services.store.due_flips(now, None, 1).await?, now);
        }
        if let Some(first) = tally.failures.first() {
            return Err(TaskError::Partly { failed: tally.failures.len(), all: tally.all, first: first.clone() });
        }
        Ok(Report {
            changed: tally.begun > 0 || tally.required > 0 || tally.held > 0,
            detail: json!({ "put_in_force": tally.begun, "required": tally.required, "held": tally.held }),
        })
    }
}

/// Shows for how long the first of these flips has been due.
fn show_lag(due: &[(Id, Timestamp)], now: Timestamp) {
    let lag = due.first().map_or(0.0, |(_, enforce_at)| (now.utc() - enforce_at.utc()).as_seconds_f64());
    metrics::gauge!(FLIP_LAG_SECONDS).set(lag.max(0.0));
}

#[derive(Default)]
struct Tally {
    all: usize,
    begun: u64,
    required: u64,
    held: u64,
    /// Whether somebody keeps accounts locked: those of one company have been waited for, and no others are, so that no company
    /// is late for the sake of another.
    passes_over: bool,
    failures: Vec<String>,
}

/// Flips one enforcement to its end, each chunk at its own instant.
async fn flip(services: &Services, enforcement: Id, tally: &mut Tally) -> Result<(), TaskError> {
    let (store, policy, chunk) = (&services.store, &services.policy, services.limits.chunk);
    while !services.shutdown.is_requested() {
        let now = services.clock.now();
        let flipped = if tally.passes_over {
            store.flip_chunk_of_free(enforcement, now, policy, chunk).await?
        } else {
            store.flip_chunk(enforcement, now, policy, chunk).await?
        };
        tally.passes_over |= flipped.locked == Some(Locked::Accounts);
        tally.begun += u64::from(flipped.began);
        tally.required += flipped.required;
        metrics::counter!(REQUIRED_TOTAL).increment(flipped.required);
        if let Some(reason) = flipped.held {
            tally.held += 1;
            tracing::error!(%enforcement, "held for safety, nobody becomes required: {reason}; `mfa-enforcer status` says what helps");
        }
        if flipped.locked == Some(Locked::Enforcement) {
            tracing::info!(%enforcement, "another daemon, or a review of its members, is at it: the next tick goes on");
        }
        if !flipped.more {
            break;
        }
        let mut more = true;
        while more && !tally.passes_over && !services.shutdown.is_requested() {
            let flipped = store.flip_whole_chunks(enforcement, services.clock.now(), policy, chunk).await?;
            tally.passes_over |= flipped.locked == Some(Locked::Accounts);
            tally.required += flipped.required;
            metrics::counter!(REQUIRED_TOTAL).increment(flipped.required);
            more = flipped.more;
        }
    }
    Ok(())
}
