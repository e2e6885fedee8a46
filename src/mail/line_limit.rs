//! How many lines to a mail server are open at the same time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// After how long one line more is tried.
const ANOTHER_AFTER: Duration = Duration::from_mins(10);

/// As many lines as the settings allow, or as the server does: servers refuse those of one client beyond a number that they
/// do not tell (50 is Postfix's `smtpd_client_connection_count_limit`, others take fewer than ten). It is found by one refusal a line,
/// and looked for again by one line for each [`ANOTHER_AFTER`] that has passed.
pub(super) struct LineLimit {
    most: usize,
    permits: Arc<Semaphore>,
    found: Mutex<Found>,
    open: Arc<()>,
}

struct Found {
    /// How many lines are used at the same time.
    lines: usize,
    /// When that was last changed.
    since: Instant,
}

/// Says, as long as it lives, that a line is open.
pub(super) struct OpenLine(#[expect(dead_code, reason = "it is counted")] Arc<()>);

impl LineLimit {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            permits: Arc::new(Semaphore::new(most)),
            found: Mutex::new(Found { lines: most, since: Instant::now() }),
            open: Arc::default(),
        }
    }

    /// Waits until a line may be used.
    pub(super) async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        self.try_more();
        Arc::clone(&self.permits).acquire_owned().await.ok()
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
        if Arc::strong_count(&self.open) == 1 || found.lines == 1 {
            return None;
        }
        permit.forget();
        *found = Found { lines: found.lines - 1, since: Instant::now() };
        Some(found.lines)
    }

    fn try_more(&self) {
        let mut found = self.found();
        let due = found.since.elapsed().as_secs() / ANOTHER_AFTER.as_secs();
        let more = usize::try_from(due).unwrap_or(usize::MAX).min(self.most - found.lines);
        if more > 0 {
            *found = Found { lines: found.lines + more, since: Instant::now() };
            self.permits.add_permits(more);
        }
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
