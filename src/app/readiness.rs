//! Whether the daemon does its work: the database answers, no task fails, and those that must not stop have run lately.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;

use crate::http::Readiness;
use crate::store::daemon_state::TaskStatus;
use crate::tasks::Services;

/// The tasks whose silence means that the daemon does not do its work. (Sending mail may take long.)
const VITAL: [&str; 2] = ["reconcile", "enforce"];
/// How many ticks a vital task may be silent.
const SILENT_TICKS: i32 = 6;

/// Ready when no task failed the last time, and the vital ones ran lately.
pub(super) struct TasksRan {
    services: Arc<Services>,
    silence: TimeDelta,
}

impl TasksRan {
    pub(super) fn new(services: &Arc<Services>, tick: TimeDelta) -> Self {
        Self { services: Arc::clone(services), silence: (tick * SILENT_TICKS).max(TimeDelta::minutes(1)) }
    }
}

#[async_trait]
impl Readiness for TasksRan {
    async fn ready(&self) -> Result<(), String> {
        if self.services.shutdown.is_requested() {
            return Err("the daemon is ending".to_owned());
        }
        let runs = self.services.store.task_statuses().await.map_err(|error| error.to_string())?;
        let since = self.services.clock.now().plus(-self.silence);
        if let Some(failing) = runs.iter().find(|run| run.errors > 0) {
            let TaskStatus { task, errors, .. } = failing;
            return Err(format!("task {task} has failed {errors} times in a row: `mfa-enforcer status` says why"));
        }
        for task in VITAL {
            let run = runs.iter().find(|run| run.task == task);
            match run.and_then(|run| run.last_success_at) {
                Some(at) if at >= since => {}
                Some(at) => return Err(format!("task {task} has not succeeded since {at}")),
                None => return Err(format!("task {task} has not succeeded yet")),
            }
        }
        Ok(())
    }
}
