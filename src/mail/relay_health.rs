//! What is known of a mail server by how it took the last mails: whether it works, and how fast it wants mail.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use metrics::gauge;

use super::smtp_replies::Failure;
use crate::domain::breaker::Breaker;
use crate::domain::pace::Pace;
use crate::telemetry::MaskedText;
use crate::telemetry::metrics::SMTP_PACE_SECONDS;

/// The health of one mail server. Instants are spans since some beginning.
#[derive(Debug, Default)]
pub(super) struct RelayHealth(Mutex<(Breaker, Pace)>);

impl RelayHealth {
    /// Whether a mail may go there now: see [`Breaker::admits`].
    pub(super) fn admits(&self, now: Duration) -> bool {
        self.lock().0.admits(now)
    }

    /// Until when it is avoided.
    pub(super) fn avoided_until(&self) -> Option<Duration> {
        self.lock().0.until()
    }

    /// When a mail may begin, if that is no later than `latest`.
    pub(super) fn turn(&self, now: Duration, latest: Duration) -> Option<Duration> {
        self.lock().1.turn(now, latest)
    }

    /// Whether mails may follow each other at once.
    pub(super) fn is_unhurried(&self) -> bool {
        self.lock().1.spacing().is_zero()
    }

    /// Learns from what became of a mail that was begun at `began`. What changes for the worse or the better is logged
    /// once. (`server` is host and port.)
    pub(super) fn note(&self, server: &str, began: Duration, now: Duration, outcome: Result<&String, &Failure>) {
        let (breaker, pace) = &mut *self.lock();
        match outcome {
            Err(failure) if failure.of_server => {
                if breaker.failed(began, now) {
                    let error = MaskedText(failure.error.reply());
                    tracing::warn!(server, %error, "a mail server does not work: others are preferred, if there are any");
                }
            }
            Ok(_) | Err(_) => {
                if breaker.worked() {
                    tracing::info!(server, "a mail server works again");
                }
            }
        }
        match outcome {
            Err(failure) if failure.throttled => {
                if pace.slow_down(began, now) {
                    let error = MaskedText(failure.error.reply());
                    tracing::info!(server, %error, "a mail server asks for less: slowing down");
                }
            }
            Ok(_) => {
                if pace.speed_up() {
                    tracing::info!(server, "a mail server is sent to at full speed again");
                }
            }
            Err(_) => {}
        }
    }

    /// Shows the widest spacing of all.
    pub(super) fn gauge<'a>(all: impl Iterator<Item = &'a Self>) {
        let widest = all.map(|health| health.lock().1.spacing()).max().unwrap_or_default();
        gauge!(SMTP_PACE_SECONDS).set(widest.as_secs_f64());
    }

    fn lock(&self) -> MutexGuard<'_, (Breaker, Pace)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::transport::{About, SendError};
    use crate::telemetry::metrics::tests::scraped;

    #[test]
    fn the_widest_spacing_is_shown() {
        let (slow, fast) = (RelayHealth::default(), RelayHealth::default());
        let error = SendError::Transient {
            reply: "450 4.7.1 too fast".to_owned(),
            about: About::AllMail,
            maybe_received: false,
        };
        let failure = Failure { error, of_server: false, of_line: false, throttled: true };
        let at = Duration::from_secs;
        let shown = |line: &str| {
            let (_, text) = scraped(|| RelayHealth::gauge([&slow, &fast].into_iter()));
            assert!(text.lines().any(|shown| shown == line), "{line} is not in\n{text}");
        };
        shown("mfa_enforcer_smtp_pace_seconds 0");
        slow.note("mail.example.com:25", at(1), at(1), Err(&failure));
        slow.note("mail.example.com:25", at(2), at(2), Err(&failure));
        fast.note("mail.example.org:25", at(2), at(2), Err(&failure));
        shown("mfa_enforcer_smtp_pace_seconds 2");
        for second in 3..100 {
            for health in [&slow, &fast] {
                health.note("mail.example.com:25", at(second), at(second), Ok(&"250 taken".to_owned()));
            }
        }
        shown("mfa_enforcer_smtp_pace_seconds 0");
    }
}
