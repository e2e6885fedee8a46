//! What the service manager is told (systemd's `sd_notify`). Without one, nobody is told anything.

use std::time::Duration;

use sd_notify::NotifyState;

/// How often the watchdog is told that the process lives: well within the unit's `WatchdogSec`.
const WATCHDOG: Duration = Duration::from_secs(30);

/// The daemon is up.
pub(super) fn tell_ready() {
    tell(&[NotifyState::Ready]);
}

/// The daemon is about to end.
pub(super) fn tell_stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Tells the watchdog that the process lives, again and again.
pub(super) async fn keep_watchdog() {
    let mut interval = tokio::time::interval(WATCHDOG);
    loop {
        interval.tick().await;
        tell(&[NotifyState::Watchdog]);
    }
}

fn tell(state: &[NotifyState]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "the service manager was not told");
    }
}
