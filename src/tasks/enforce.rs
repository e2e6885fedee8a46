//! `enforce`: on the day, everybody who must be becomes required. Mail has no say in it (R4).

use async_trait::async_trait;
use serde_json::json;

use super::{Report, Services, Task, TaskError};
use crate::domain::time::Timestamp;
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
        let due = services.store.due_flips(now, PAGE).await?;
        let lag = due.first().map_or(0.0, |(_, enforce_at)| (now.utc() - enforce_at.utc()).as_seconds_f64());
        metrics::gauge!(FLIP_LAG_SECONDS).set(lag);
        let (mut begun, mut required) = (0_u64, 0_u64);
        let mut failures = Vec::new();
        for (enforcement, _) in &due {
            loop {
                if services.shutdown.is_requested() {
                    break;
                }
                let flip = services.store.flip_chunk(*enforcement, now, &services.policy, services.limits.chunk).await;
                let flipped = match flip {
                    Ok(flipped) => flipped,
                    Err(error) => {
                        failures.push(format!("enforcement {enforcement}: {error}"));
                        break;
                    }
                };
                begun += u64::from(flipped.began);
                required += flipped.required;
                metrics::counter!(REQUIRED_TOTAL).increment(flipped.required);
                if !flipped.more {
                    break;
                }
            }
        }
        if let Some(first) = failures.first() {
            return Err(TaskError::Partly { failed: failures.len(), all: due.len(), first: first.clone() });
        }
        metrics::gauge!(FLIP_LAG_SECONDS).set(0);
        Ok(Report {
            changed: begun > 0 || required > 0,
            detail: json!({ "put_in_force": begun, "required": required }),
        })
    }
}
