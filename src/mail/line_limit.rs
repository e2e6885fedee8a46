//! How many lines to a mail server are open at the same time.

use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as AsyncMutex, MutexGuard, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// After how long one line more is tried: at least, where the last was taken, and at most, where some were refused.
const ANOTHER_AFTER: RangeInclusive<Duration> = Duration::from_secs(10)..=Duration::from_mins(10);

/// Whoever has taken a mail so lately works.
const LATELY: Duration = Duration::from_secs(10);

/// As many lines as the settings allow, or as the server does: servers refuse those of one client beyond a number that they
/// do not tell (50 is Postfix's `smtpd_client_connection_count_limit`, others take fewer than ten). It is found by one refusal a line,
/// and looked for again by one line at a time: each refusal doubles the time until the next is tried, and each line that was
/// not refused halves it.
pub(super) struct LineLimit {
    most: usize,
    permits: Arc<Semaphore>,
    found: Mutex<Found>,
    open: Arc<()>,
    /// The right to open a line where none is open.
    first: AsyncMutex<()>,
}

struct Found {
    /// How many lines are used at the same time.
    lines: usize,
    /// When that was last changed.
    since: Instant,
    /// How long after that one more is tried.
    pause: Duration,
    /// When the server last took a mail.
    worked: Option<Instant>,
}

/// Says, as long as it lives, that a line is open.
pub(super) struct OpenLine(#[expect(dead_code, reason = "it is counted")] Arc<()>);

impl LineLimit {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            permits: Arc::new(Semaphore::new(most)),
            found: Mutex::new(Found {
                lines: most,
                since: Instant::now(),
                pause: *ANOTHER_AFTER.start(),
                worked: None,
            }),
            open: Arc::default(),
            first: AsyncMutex::default(),
        }
    }

    /// Waits until a line may be used.
    pub(super) async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        self.try_more();
        Arc::clone(&self.permits).acquire_owned().await.ok()
    }

    /// Waits until a line may be opened: where none is, for whoever opens the first, without which it could not be told whether
    /// the server refuses all or is content with fewer. What is returned is kept until the line is open or refused.
    pub(super) async fn may_open(&self) -> Option<MutexGuard<'_, ()>> {
        if self.any_open() {
            return None;
        }
        let first = self.first.lock().await;
        (!self.any_open()).then_some(first)
    }

    fn any_open(&self) -> bool {
        Arc::strong_count(&self.open) > 1
    }

    /// A line was opened.
    pub(super) fn opened(&self) -> OpenLine {
        OpenLine(Arc::clone(&self.open))
    }

    /// The server has refused a line, for which there was `permit`: if others are open, it wants no more than these.
    ///
    /// Returns how many are used from now on; none: the refusal is about something else.
    pub(super) fn refused(&self, permit: OwnedSemaphorePermit) -> Option<usize> {
        let mut found = self.found();
        if !self.any_open() || found.lines == 1 {
            return None;
        }
        permit.forget();
        found.lines -= 1;
        found.since = Instant::now();
        found.pause = (found.pause * 2).min(*ANOTHER_AFTER.end());
        Some(found.lines)
    }

    /// The server has closed a line without a word, for which there was `permit`: the same, if it works on others.
    pub(super) fn closed(&self, permit: OwnedSemaphorePermit) -> Option<usize> {
        let works = self.found().worked.is_some_and(|at| at.elapsed() < LATELY);
        if works { self.refused(permit) } else { None }
    }

    /// The server has taken a mail.
    pub(super) fn worked(&self) {
        self.found().worked = Some(Instant::now());
    }

    fn try_more(&self) {
        let mut found = self.found();
        while found.lines < self.most && found.since.elapsed() >= found.pause {
            found.lines += 1;
            let pause = found.pause;
            found.since += pause;
            found.pause = (pause / 2).max(*ANOTHER_AFTER.start());
            self.permits.add_permits(1);
        }
    }

    fn found(&self) -> std::sync::MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
