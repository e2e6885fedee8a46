//! `expand`: each due milestone becomes a notice for every eligible member.

use async_trait::async_trait;
use serde_json::json;

use super::{Report, Services, Task, TaskError};
use crate::domain::ids::Id;
use crate::domain::time::Timestamp;
use crate::store::StoreError;

/// The task.
pub struct Expand;

/// How many milestones are asked for at a time.
const PAGE: i64 = 500;

#[async_trait]
impl Task for Expand {
    fn name(&self) -> &'static str {
        "expand"
    }

    async fn run(&self, services: &Services, now: Timestamp) -> Result<Report, TaskError> {
        let mut tally = Tally::default();
        let mut after = None;
        loop {
            let due = services.store.due_milestones(now, after, PAGE).await?;
            after = due.last().copied();
            for (milestone, _) in &due {
                tally.all += 1;
                match expand(services, *milestone, &mut tally).await {
                    Ok(()) => {}
                    Err(error @ StoreError::Busy(_)) => {
                        tracing::warn!(%milestone, %error, "the next tick goes on with this milestone");
                    }
                    Err(error) => {
                        tally.failures.push(format!("milestone {milestone}: {error}"));
                    }
                }
            }
            if after.is_none() || services.shutdown.is_requested() {
                break;
            }
        }
        match tally.failures.first() {
            Some(first) => {
                Err(TaskError::Partly { failed: tally.failures.len(), all: tally.all, first: first.clone() })
            }
            None => Ok(Report {
                changed: tally.milestones > 0,
                detail: json!({ "milestones": tally.milestones, "notices": tally.notices }),
            }),
        }
    }
}

#[derive(Default)]
struct Tally {
    all: usize,
    milestones: u64,
    notices: u64,
    failures: Vec<String>,
}

/// Expands one milestone to its end, each chunk at its own instant.
async fn expand(services: &Services, milestone: Id, tally: &mut Tally) -> Result<(), StoreError> {
    let (store, policy, chunk) = (&services.store, &services.policy, services.limits.chunk);
    let mut taken = false;
    while !services.shutdown.is_requested() {
        let expanded = store.expand_chunk(milestone, services.clock.now(), policy, chunk).await?;
        tally.notices += expanded.notices;
        taken |= expanded.taken;
        if !expanded.more {
            break;
        }
        let mut more = true;
        while more && !services.shutdown.is_requested() {
            let expanded = store.expand_whole_chunks(milestone, services.clock.now(), policy, chunk).await?;
            tally.notices += expanded.notices;
            more = expanded.more;
        }
    }
    tally.milestones += u64::from(taken);
    Ok(())
}
