//! One mail, sent if there is time before its claim lapses, and what became of it: for notices and for admins alike.

use chrono::TimeDelta;
use metrics::counter;

use super::Services;
use super::turn::{self, NotBegun, TurnedAway};
use crate::domain::ids::Id;
use crate::domain::retry::{backoff, gives_up};
use crate::domain::time::Timestamp;
use crate::mail::PrepareError;
use crate::mail::compose::Composed;
use crate::mail::transport::{About, SendError};
use crate::store::outcome::{MailOutcome, MailResult};
use crate::telemetry::metrics::{FAILED, MAILS_TOTAL, PUT_OFF, SENT, SMTP_ERRORS_TOTAL};
use crate::telemetry::{Masked, MaskedText};

/// A mail that was claimed.
pub(super) struct Outgoing<'a> {
    /// The row that it is.
    pub mail_id: Id,
    /// What it says, as it is counted.
    pub kind: &'static str,
    /// Where it goes.
    pub address: &'a str,
    /// Which attempt this is: 1, 2, …
    pub attempt: i64,
    /// Since when mail servers refuse it for now, for its own sake.
    pub refused_since: Option<Timestamp>,
    /// Whether an earlier attempt may have reached the reader.
    pub maybe_received: bool,
    /// When its claim lapses.
    pub until: Timestamp,
}

impl Outgoing<'_> {
    fn outcome(
        &self,
        services: &Services,
        result: MailResult,
        reply: String,
        content_sha256: Option<String>,
    ) -> MailOutcome {
        MailOutcome {
            mail_id: self.mail_id,
            attempt: self.attempt,
            at: services.clock.now(),
            content_sha256,
            reply,
            result,
        }
    }

    /// It is given back, until then or as it was.
    fn released(&self, next_attempt_at: Option<Timestamp>) -> MailResult {
        MailResult::Released { next_attempt_at, maybe_received: self.maybe_received }
    }

    fn not_begun(&self, services: &Services, NotBegun { next_attempt_at, reply }: NotBegun) -> MailOutcome {
        self.outcome(services, self.released(next_attempt_at), reply.to_owned(), None)
    }

    fn count(&self, outcome: &'static str) {
        counter!(MAILS_TOTAL, "kind" => self.kind, "outcome" => outcome).increment(1);
    }
}

/// Waits until a mail that was written may go; otherwise what became of it.
pub(super) async fn begin(
    services: &Services,
    outgoing: &Outgoing<'_>,
    prepared: Result<Composed, PrepareError>,
    turned_away: &TurnedAway,
) -> Result<Composed, MailOutcome> {
    if let Err(error) = turn::may_begin(services, outgoing.until, turned_away) {
        return Err(outgoing.not_begun(services, error));
    }
    let composed = prepared.map_err(|error| {
        outgoing.count(FAILED);
        log_unwritten(outgoing, &error);
        let failed = MailResult::Failed { maybe_received: outgoing.maybe_received };
        outgoing.outcome(services, failed, error.to_string(), None)
    })?;
    match turn::turn(services, &composed, outgoing.until).await {
        Ok(()) => Ok(composed),
        Err(error) => Err(outgoing.not_begun(services, error)),
    }
}

/// Hands over a mail that may go. `following` has begun as well, and is handed over next. Notes if it is `turned_away`.
pub(super) async fn hand_over(
    services: &Services,
    outgoing: &Outgoing<'_>,
    composed: &Composed,
    following: Option<&Composed>,
    turned_away: &TurnedAway,
) -> MailOutcome {
    let outcome = |result, reply, sha256| outgoing.outcome(services, result, reply, sha256);
    // It may have waited for the one before it.
    if let Err(error) = turn::may_begin(services, outgoing.until, turned_away) {
        services.mailer.transport().forget(composed);
        return outgoing.not_begun(services, error);
    }
    let sha256 = Some(composed.sha256.clone());
    match services.mailer.send_before(composed, following).await {
        Ok(reply) => {
            outgoing.count(SENT);
            outcome(MailResult::Sent, reply, sha256)
        }
        Err(SendError::Transient { about: About::NoTurn, reply, .. }) => {
            // Nothing was said to a mail server, so that it counts as no attempt.
            turned_away.note();
            outcome(outgoing.released(None), reply, None)
        }
        Err(SendError::Transient { about: About::PutOff(wait), reply, .. }) => {
            let wait = TimeDelta::from_std(wait).unwrap_or_default();
            outcome(outgoing.released(Some(services.clock.now().plus(wait))), reply, None)
        }
        // Those behind it may meet a line that is free.
        Err(SendError::Transient { about: About::NoLine, reply, .. }) => outcome(outgoing.released(None), reply, None),
        Err(error) => {
            counter!(SMTP_ERRORS_TOTAL, "class" => error.class()).increment(1);
            log_unsent(outgoing, &error);
            let (result, reply) = result_of(services, outgoing, &error);
            outgoing.count(if matches!(result, MailResult::Failed { .. }) { FAILED } else { PUT_OFF });
            outcome(result, reply, sha256)
        }
    }
}

/// What follows from an error, and the reply to store.
fn result_of(services: &Services, outgoing: &Outgoing<'_>, error: &SendError) -> (MailResult, String) {
    let (now, limits, reply) = (services.clock.now(), &services.limits, error.reply().to_owned());
    let Outgoing { attempt, refused_since, maybe_received, .. } = *outgoing;
    match error {
        SendError::Permanent { .. } => (MailResult::Failed { maybe_received }, reply),
        SendError::Transient { about, maybe_received: false, .. }
            if about == &About::ThisMail && gives_up(attempt, refused_since, now, limits.retry_for) =>
        {
            let refused_for = refused_since.map_or_else(TimeDelta::zero, |since| now.utc() - since.utc());
            let (number, unit) = match refused_for.num_days() {
                0 | 1 => (refused_for.num_hours(), "hours"),
                days => (days, "days"),
            };
            (MailResult::Failed { maybe_received }, format!("given up after {number} {unit}: {reply}"))
        }
        SendError::Transient { about, maybe_received: this_time, .. } => {
            let draw = |most| services.randomness.up_to(most);
            let wait = backoff(attempt, limits.retry_first, limits.retry_most, draw);
            let result = MailResult::Deferred {
                next_attempt_at: now.plus(wait),
                maybe_received: maybe_received || *this_time,
                refused: *about == About::ThisMail,
            };
            (result, reply)
        }
    }
}

/// A server's reply usually repeats the reader's address: whole it stands in the table alone, as proof (R11).
fn log_unsent(outgoing: &Outgoing<'_>, error: &SendError) {
    let (address, text) = (Masked(outgoing.address), error.to_string());
    let error = MaskedText(&text);
    tracing::warn!(mail = %outgoing.mail_id, %address, attempt = outgoing.attempt, %error, "a mail was not sent");
}

fn log_unwritten(outgoing: &Outgoing<'_>, error: &PrepareError) {
    let (address, text) = (Masked(outgoing.address), error.to_string());
    let error = MaskedText(&text);
    tracing::error!(mail = %outgoing.mail_id, %address, %error, "a mail could not be written");
}
