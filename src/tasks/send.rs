//! One mail, sent if there is time before its claim lapses, and what became of it: for notices and for admins alike.

use metrics::counter;

use super::Services;
use super::turn::{self, NotBegun};
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

/// Sends a mail that was written.
pub(super) async fn send(
    services: &Services,
    outgoing: &Outgoing<'_>,
    prepared: Result<Composed, PrepareError>,
) -> MailOutcome {
    let outcome = |result, reply: String, content_sha256| MailOutcome {
        mail_id: outgoing.mail_id,
        attempt: outgoing.attempt,
        at: services.clock.now(),
        content_sha256,
        reply,
        result,
    };
    let count = |name| counter!(MAILS_TOTAL, "kind" => outgoing.kind, "outcome" => name).increment(1);
    let not_begun = |NotBegun { next_attempt_at, reply }| {
        let maybe_received = outgoing.maybe_received;
        outcome(MailResult::Released { next_attempt_at, maybe_received }, reply.to_owned(), None)
    };
    if let Err(error) = turn::too_late(services, outgoing.until) {
        return not_begun(error);
    }
    let composed = match prepared {
        Ok(composed) => composed,
        Err(error) => {
            count(FAILED);
            log_unwritten(outgoing, &error);
            return outcome(MailResult::Failed { maybe_received: outgoing.maybe_received }, error.to_string(), None);
        }
    };
    if let Err(error) = turn::turn(services, &composed, outgoing.until).await {
        return not_begun(error);
    }
    let sha256 = Some(composed.sha256.clone());
    match services.mailer.send(&composed).await {
        Ok(reply) => {
            count(SENT);
            outcome(MailResult::Sent, reply, sha256)
        }
        Err(SendError::Transient { about: About::NoTurn, reply, .. }) => {
            // Nothing was said to a mail server, so that it counts as no attempt.
            let wait = backoff(1, services.limits.retry_first, services.limits.retry_most, |most| {
                services.randomness.up_to(most)
            });
            let next_attempt_at = Some(services.clock.now().plus(wait));
            outcome(MailResult::Released { next_attempt_at, maybe_received: outgoing.maybe_received }, reply, None)
        }
        Err(error) => {
            counter!(SMTP_ERRORS_TOTAL, "class" => error.class()).increment(1);
            log_unsent(outgoing, &error);
            let (result, reply) = result_of(services, outgoing, &error);
            count(if matches!(result, MailResult::Failed { .. }) { FAILED } else { PUT_OFF });
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
            let refused_for = refused_since.map_or_else(chrono::TimeDelta::zero, |since| now.utc() - since.utc());
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
