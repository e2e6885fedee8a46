//! What is known of a mail server by how it took the last mails: whether it works, and how fast it wants mail.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use metrics::gauge;

use super::compose::Composed;
use super::smtp_replies::Failure;
use crate::domain::breaker::Breaker;
use crate::domain::paces::{Paces, Slowed, Throttle};
use crate::telemetry::MaskedText;
use crate::telemetry::metrics::SMTP_PACE_SECONDS;

/// The health of one mail server. Instants are spans since some beginning.
#[derive(Debug, Default)]
pub(super) struct RelayHealth(Mutex<(Breaker, Paces)>);

impl RelayHealth {
    /// Whether a mail may go there now: see [`Breaker::admits`].
    pub(super) fn admits(&self, now: Duration) -> bool {
        self.lock().0.admits(now)
    }

    /// Until when it is avoided.
    pub(super) fn avoided_until(&self) -> Option<Duration> {
        self.lock().0.until()
    }

    /// How long a mail has to wait for its domain: see [`Paces::put_off`].
    pub(super) fn put_off(&self, mail: &Composed, now: Duration) -> Option<Duration> {
        self.lock().1.put_off(|| mail.recipient_domain(), now)
    }

    /// The same, where it begins otherwise: see [`Paces::turn_of_domain`].
    pub(super) fn turn_of_domain(&self, mail: &Composed, now: Duration) -> Option<Duration> {
        self.lock().1.turn_of_domain(|| mail.recipient_domain(), now)
    }

    /// When a mail may begin, if that is no later than `latest`.
    pub(super) fn turn(&self, now: Duration, latest: Duration) -> Option<Duration> {
        self.lock().1.turn(now, latest)
    }

    /// Whether a turn that was given out at `asked` stands.
    pub(super) fn stands(&self, asked: Duration) -> bool {
        self.lock().1.stands(asked)
    }

    /// Whether this mail may follow another at once.
    pub(super) fn is_unhurried(&self, mail: &Composed) -> bool {
        self.lock().1.is_unhurried(|| mail.recipient_domain())
    }

    /// Learns from what became of a mail that was begun at `began`. What changes for the worse or the better is logged
    /// once. (`server` is host and port.)
    pub(super) fn note(
        &self,
        server: &str,
        mail: &Composed,
        began: Duration,
        now: Duration,
        outcome: Result<&String, &Failure>,
    ) {
        let (breaker, paces) = &mut *self.lock();
        let is_of_domain = note_pace(paces, server, mail, (began, now), outcome) == Some(Throttle::AfterRecipient);
        match outcome {
            // It closed the line, but for the sake of a domain.
            Err(failure) if failure.of_server && is_of_domain => {}
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
    }

    /// Shows the widest spacing of all.
    pub(super) fn gauge<'a>(all: impl Iterator<Item = &'a Self>) {
        let widest = all.map(|health| health.lock().1.spacing()).max().unwrap_or_default();
        gauge!(SMTP_PACE_SECONDS).set(widest.as_secs_f64());
    }

    fn lock(&self) -> MutexGuard<'_, (Breaker, Paces)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes how fast the server wants mail. Returns what it has asked for less of.
fn note_pace(
    paces: &mut Paces,
    server: &str,
    mail: &Composed,
    (began, now): (Duration, Duration),
    outcome: Result<&String, &Failure>,
) -> Option<Throttle> {
    let Err(failure) = outcome else {
        if paces.speed_up(|| mail.recipient_domain()) {
            tracing::info!(server, "a mail server is sent to at full speed again");
        }
        return None;
    };
    let domain = mail.recipient_domain();
    let error = MaskedText(failure.error.reply());
    match paces.slow_down(domain.clone(), failure.throttle?, began, now) {
        Slowed::All(was_unhurried) => {
            if was_unhurried {
                tracing::info!(server, %error, "a mail server asks for less: slowing down");
            }
            Some(Throttle::AllMail)
        }
        Slowed::Domain(was_unhurried) => {
            if was_unhurried {
                tracing::info!(server, domain, %error, "a mail server asks for less mail for a domain: slowing down");
            }
            Some(Throttle::AfterRecipient)
        }
    }
}

#[cfg(test)]
mod tests {
    use lettre::address::Envelope;

    use super::*;
    use crate::domain::ids::PAYEE_MANDATE;
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
        let mail = Composed {
            mail_id: PAYEE_MANDATE,
            message_id: "<any@example.com>".to_owned(),
            envelope: Envelope::new(None, vec!["ada@acme.test".parse().unwrap()]).unwrap(),
            bytes: Vec::new(),
            sha256: String::new(),
        };
        let failure = Failure { error, of_server: false, of_line: false, throttle: Some(Throttle::AllMail) };
        let at = Duration::from_secs;
        let shown = |line: &str| {
            let (_, text) = scraped(|| RelayHealth::gauge([&slow, &fast].into_iter()));
            assert!(text.lines().any(|shown| shown == line), "{line} is not in\n{text}");
        };
        shown("mfa_enforcer_smtp_pace_seconds 0");
        slow.note("mail.example.com:25", &mail, at(1), at(1), Err(&failure));
        slow.note("mail.example.com:25", &mail, at(2), at(2), Err(&failure));
        fast.note("mail.example.org:25", &mail, at(2), at(2), Err(&failure));
        shown("mfa_enforcer_smtp_pace_seconds 2");
        for second in 3..100 {
            for health in [&slow, &fast] {
                health.note("mail.example.com:25", &mail, at(second), at(second), Ok(&"250 taken".to_owned()));
            }
        }
        shown("mfa_enforcer_smtp_pace_seconds 0");
    }
}
