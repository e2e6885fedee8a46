//! tokio-cron-scheduler's ticks, and the watch over them.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::Notify;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

/// The ticks cannot be registered.
#[derive(Debug, Error)]
#[error("the ticks cannot be registered: {0}")]
pub struct TickError(#[from] JobSchedulerError);

/// How many ticks may be missing before the scheduler is set up anew.
const MISSED_MOST: u32 = 3;

/// Ticks that come whatever happens to the scheduler.
///
/// It computes its next tick from the machine's clock: set back by an hour, that clock would silence it for an hour. So
/// its ticks are watched by a clock that nobody sets.
pub(super) struct Ticks {
    every: Duration,
    came: Arc<Notify>,
    /// None while it could not be set up.
    scheduler: Option<JobScheduler>,
}

impl Ticks {
    /// Registers a tick for `every` so many seconds; a part of a second is cut off.
    pub async fn start(every: Duration) -> Result<Self, TickError> {
        let came = Arc::new(Notify::new());
        let scheduler = Some(register(every, &came).await?);
        Ok(Self { every, came, scheduler })
    }

    /// Waits for the next tick. If it stays away for too long, the scheduler is set up anew, and that counts as a tick.
    ///
    /// A wait that is given up loses no tick.
    pub async fn next(&mut self) {
        if tokio::time::timeout(self.every * MISSED_MOST, self.came.notified()).await.is_ok() {
            return;
        }
        tracing::warn!("no tick came: the scheduler is set up anew");
        self.stop().await;
        match register(self.every, &self.came).await {
            Ok(scheduler) => self.scheduler = Some(scheduler),
            Err(error) => tracing::error!(%error, "the tasks are woken all the same, but less often"),
        }
    }

    /// Ends them.
    pub async fn stop(&mut self) {
        if let Some(mut scheduler) = self.scheduler.take()
            && let Err(error) = scheduler.shutdown().await
        {
            tracing::debug!(%error, "the scheduler was not ended in order");
        }
    }
}

async fn register(every: Duration, came: &Arc<Notify>) -> Result<JobScheduler, TickError> {
    let scheduler = JobScheduler::new().await?;
    let came = Arc::clone(came);
    let job = Job::new_repeated_async(every, move |_, _| {
        let came = Arc::clone(&came);
        Box::pin(async move { came.notify_one() })
    })?;
    scheduler.add(job).await?;
    scheduler.start().await?;
    Ok(scheduler)
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Real seconds, since the scheduler goes by the machine's clock.
    #[tokio::test]
    async fn a_scheduler_that_has_gone_silent_is_set_up_anew() {
        let mut ticks = Ticks::start(SECOND).await.unwrap();
        timeout(SECOND * 10, ticks.next()).await.expect("the first tick");
        ticks.scheduler.as_mut().unwrap().shutdown().await.unwrap();
        // What it had begun may still come.
        for _ in 0..3 {
            timeout(SECOND * 10, ticks.next()).await.expect("a tick in place of those that stay away");
        }
        timeout(SECOND * 10, ticks.came.notified()).await.expect("a tick of the new scheduler");
        ticks.stop().await;
    }
}
