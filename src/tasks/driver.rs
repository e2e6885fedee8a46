//! Wakes the tasks: on tokio-cron-scheduler's ticks, and on demand. A tick only wakes; what is due is read from the
//! database. A task that is still running when its tick comes is not started a second time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use thiserror::Error;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

use super::{Services, Task, run_task};

/// The tasks' ticks cannot be registered.
#[derive(Debug, Error)]
#[error("the ticks cannot be registered: {0}")]
pub struct TickError(#[from] JobSchedulerError);

/// How many ticks may be missing before the scheduler is set up anew.
const TICKS_MISSED_MOST: u32 = 3;

/// One task with the bell that wakes it.
struct Bell {
    task: Arc<dyn Task>,
    ring: Arc<Notify>,
}

/// Runs every task on each tick, and at once when another task has changed something, until it is time to end. Returns
/// when the last run has ended.
///
/// # Errors
/// [`TickError`] at the start. Later on, a scheduler that has gone silent is set up anew.
pub async fn run(services: Arc<Services>, tick: TimeDelta) -> Result<(), TickError> {
    let bells: Arc<Vec<Bell>> =
        Arc::new(super::all().into_iter().map(|task| Bell { task, ring: Arc::new(Notify::new()) }).collect());
    let tick = tick.to_std().unwrap_or(Duration::from_secs(10));
    let mut scheduler = start_ticks(&bells, tick).await?;
    let mut running = JoinSet::new();
    let mut places = HashMap::new();
    let start = |index: usize, running: &mut JoinSet<Ended>, places: &mut HashMap<tokio::task::Id, usize>| {
        let kept = keep_running(Arc::clone(&services), Arc::clone(&bells), index, tick);
        places.insert(running.spawn(kept).id(), index);
    };
    for index in 0..bells.len() {
        bells[index].ring.notify_one();
        start(index, &mut running, &mut places);
    }
    while let Some(ended) = running.join_next_with_id().await {
        let (id, silent) = match &ended {
            Ok((_, Ended::Shutdown)) => continue,
            Ok((id, Ended::Silent)) => (*id, true),
            Err(error) => (error.id(), false),
        };
        let Some(index) = places.remove(&id) else { continue };
        let task = bells[index].task.name();
        if silent {
            tracing::warn!(task, "no tick came: the scheduler is set up anew");
            let _ = scheduler.shutdown().await;
            scheduler = start_ticks(&bells, tick).await?;
        } else {
            tracing::error!(task, "a run has died of a fault in the program; the next tick goes on");
        }
        start(index, &mut running, &mut places);
    }
    let _ = scheduler.shutdown().await;
    Ok(())
}

/// Why a task is no longer kept running.
enum Ended {
    Shutdown,
    /// No tick has come for too long.
    Silent,
}

async fn keep_running(services: Arc<Services>, bells: Arc<Vec<Bell>>, index: usize, tick: Duration) -> Ended {
    let Bell { task, ring } = &bells[index];
    loop {
        tokio::select! {
            biased;
            () = services.shutdown.requested() => return Ended::Shutdown,
            rung = tokio::time::timeout(tick * TICKS_MISSED_MOST, ring.notified()) => {
                let report = run_task(task.as_ref(), &services).await;
                if report.is_ok_and(|report| report.changed) {
                    bells.iter().filter(|other| other.task.name() != task.name()).for_each(|other| other.ring.notify_one());
                }
                if rung.is_err() {
                    return Ended::Silent;
                }
            }
        }
    }
}

/// Registers one job that rings every bell on each tick. Schedules are in UTC: no clock change touches them.
async fn start_ticks(bells: &Arc<Vec<Bell>>, tick: Duration) -> Result<JobScheduler, TickError> {
    let scheduler = JobScheduler::new().await?;
    let bells = Arc::clone(bells);
    let job = Job::new_repeated_async(tick, move |_, _| {
        let bells = Arc::clone(&bells);
        Box::pin(async move { bells.iter().for_each(|bell| bell.ring.notify_one()) })
    })?;
    scheduler.add(job).await?;
    scheduler.start().await?;
    Ok(scheduler)
}
