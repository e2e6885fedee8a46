//! Wakes the tasks: on ticks, and on demand. What is due is read from the database, so that a tick only wakes. A task that
//! is still running when its tick comes is not started a second time, but once more when it has ended.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::Notify;
use tokio::task::JoinSet;

pub use super::ticks::TickError;
use super::ticks::Ticks;
use super::{Services, Task, run_task};
use crate::store::daemon_state::TaskRun;

/// One task with the bell that wakes it.
struct Bell {
    task: Arc<dyn Task>,
    ring: Arc<Notify>,
}

/// Runs every task on each tick, and at once when another task has changed something, until it is time to end. Returns
/// when the last run has ended.
///
/// # Errors
/// [`TickError`] at the start.
pub async fn run(services: Arc<Services>, tick: TimeDelta) -> Result<(), TickError> {
    let bells: Arc<Vec<Bell>> =
        Arc::new(super::all().into_iter().map(|task| Bell { task, ring: Arc::new(Notify::new()) }).collect());
    let mut ticks = Ticks::start(tick.to_std().unwrap_or(Duration::from_secs(10))).await?;
    let mut running = JoinSet::new();
    let mut places = HashMap::new();
    let start = |index: usize, running: &mut JoinSet<()>, places: &mut HashMap<tokio::task::Id, usize>| {
        let kept = keep_running(Arc::clone(&services), Arc::clone(&bells), index);
        places.insert(running.spawn(kept).id(), index);
    };
    for index in 0..bells.len() {
        bells[index].ring.notify_one();
        start(index, &mut running, &mut places);
    }
    loop {
        tokio::select! {
            () = ticks.next() => bells.iter().for_each(|bell| bell.ring.notify_one()),
            ended = running.join_next_with_id() => match ended {
                None => break,
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    let Some(index) = places.remove(&error.id()) else { continue };
                    record_fault(&services, bells[index].task.name()).await;
                    start(index, &mut running, &mut places);
                }
            },
        }
    }
    ticks.stop().await;
    Ok(())
}

async fn keep_running(services: Arc<Services>, bells: Arc<Vec<Bell>>, index: usize) {
    let Bell { task, ring } = &bells[index];
    loop {
        tokio::select! {
            biased;
            () = services.shutdown.requested() => return,
            () = ring.notified() => {
                let report = run_task(task.as_ref(), &services).await;
                if report.is_ok_and(|report| report.changed) {
                    bells.iter().filter(|other| other.task.name() != task.name()).for_each(|other| other.ring.notify_one());
                }
            }
        }
    }
}

/// Records a run that has died of a fault in the program, so that nobody takes the task for healthy.
async fn record_fault(services: &Services, task: &'static str) {
    tracing::error!(task, "a run has died of a fault in the program; the next tick goes on");
    let now = services.clock.now();
    let outcome = Err("a run has died of a fault in the program; the log of that time has more".to_owned());
    let run = TaskRun { task, started_at: now, finished_at: now, outcome };
    if let Err(error) = services.store.record_task_run(&run).await {
        tracing::warn!(task, %error, "the run could not be recorded");
    }
}
