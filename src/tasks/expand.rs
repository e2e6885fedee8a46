//! `expand`: each due milestone becomes a notice for every eligible member.

use async_trait::async_trait;
use serde_json::json;

use super::{Report, Services, Task, TaskError};
use crate::domain::time::Timestamp;

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
        let due = services.store.due_milestones(now, PAGE).await?;
        let mut notices = 0;
        let mut failures = Vec::new();
        for milestone in &due {
            loop {
                if services.shutdown.is_requested() {
                    break;
                }
                match services.store.expand_chunk(*milestone, now, &services.policy, services.limits.chunk).await {
                    Ok(expanded) => {
                        notices += expanded.notices;
                        if !expanded.more {
                            break;
                        }
                    }
                    Err(error) => {
                        failures.push(format!("milestone {milestone}: {error}"));
                        break;
                    }
                }
            }
        }
        match failures.first() {
            Some(first) => Err(TaskError::Partly { failed: failures.len(), all: due.len(), first: first.clone() }),
            None => {
                Ok(Report { changed: !due.is_empty(), detail: json!({ "milestones": due.len(), "notices": notices }) })
            }
        }
    }
}
