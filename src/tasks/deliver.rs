//! `deliver`: due notices are claimed, written, sent, and their outcomes recorded.

use std::time::Duration;

use async_trait::async_trait;
use futures::stream::{self, StreamExt as _};
use metrics::{counter, gauge, histogram};
use serde_json::json;

use super::turn::{self, NotBegun};
use super::{Report, Services, Task, TaskError};
use crate::domain::ids::Id;
use crate::domain::retry::{backoff, gives_up};
use crate::domain::time::Timestamp;
use crate::mail::PrepareError;
use crate::mail::transport::{About, SendError};
use crate::store::claim::{Claim, ClaimTerms, ClaimedMail};
use crate::store::outcome::{MailOutcome, MailResult};
use crate::telemetry::metrics::{
    FAILED, MAIL_LATENESS_SECONDS, MAILS_TOTAL, NOTICES_PENDING, PUT_OFF, SENT, SMTP_ERRORS_TOTAL,
};
use crate::telemetry::{Masked, MaskedText};

/// The task.
pub struct Deliver;

/// How many outcomes are recorded in one transaction at most: few, because what is sent and not yet recorded when the
/// process dies is sent again.
const RECORDED_TOGETHER: usize = 32;
/// How long to wait where all that is due is in other hands, and how often.
const BUSY_WAIT: Duration = Duration::from_millis(50);
const BUSY_ROUNDS: u32 = 20;
/// The longest wait before outcomes that could not be recorded are offered again.
const RECORD_RETRY_MOST: Duration = Duration::from_secs(15);

#[derive(Default)]
struct Tally {
    sent: u64,
    failed: u64,
    deferred: u64,
    skipped: u64,
    waiting: u64,
}

#[async_trait]
impl Task for Deliver {
    fn name(&self) -> &'static str {
        "deliver"
    }

    async fn run(&self, services: &Services, now: Timestamp) -> Result<Report, TaskError> {
        let terms = ClaimTerms {
            limit: services.limits.claim_batch,
            lease: services.limits.lease,
            message_id_domain: services.mailer.message_id_domain().to_owned(),
        };
        let mut tally = Tally::default();
        let mut patience = BUSY_ROUNDS;
        gauge_pending(services, now).await?;
        while !services.shutdown.is_requested() {
            // Each claim is judged at its own instant: a long campaign must not decide by the time at which it began.
            let claim = services.store.claim(&terms, services.clock.now(), &services.policy).await?;
            let Some(id) = claim.id.filter(|_| claim.found_work() || patience > 0) else { break };
            if !claim.found_work() {
                // Another daemon is at the longest overdue, for a moment: what comes after them must not wait for a tick.
                patience -= 1;
                let _ = tokio::time::timeout(BUSY_WAIT, services.shutdown.requested()).await;
                continue;
            }
            tally.skipped += claim.skipped;
            tally.waiting += claim.waiting;
            send_all(services, id, claim, &mut tally).await;
        }
        gauge_pending(services, services.clock.now()).await?;
        let changed = tally.sent + tally.failed + tally.deferred + tally.skipped + tally.waiting > 0;
        let detail = json!({
            "sent": tally.sent, "failed": tally.failed, "deferred": tally.deferred, "skipped": tally.skipped,
            "waiting": tally.waiting,
        });
        Ok(Report { changed, detail })
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
async fn gauge_pending(services: &Services, now: Timestamp) -> Result<(), TaskError> {
    gauge!(NOTICES_PENDING).set(services.store.count_due_notices(now).await? as f64);
    Ok(())
}

/// Sends the mails of a claim, several at a time, and records each outcome soon after it is known.
async fn send_all(services: &Services, id: Id, claim: Claim, tally: &mut Tally) {
    let until = claim.until.unwrap_or_else(|| services.clock.now());
    let concurrent = services.mailer.transport().max_concurrent();
    // What is sent one by one is recorded so: how many are together must not depend on the machine's pace.
    let together = if concurrent == 1 { 1 } else { RECORDED_TOGETHER };
    let outcomes = stream::iter(claim.mails)
        .map(|mail| async move { send_one(services, &mail, until).await })
        .buffer_unordered(concurrent)
        .ready_chunks(together);
    let mut outcomes = std::pin::pin!(outcomes);
    while let Some(batch) = outcomes.next().await {
        for outcome in &batch {
            match outcome.result {
                MailResult::Sent => tally.sent += 1,
                MailResult::Failed { .. } => tally.failed += 1,
                MailResult::Deferred { .. } => tally.deferred += 1,
                MailResult::Released { next_attempt_at: Some(_), .. } => tally.waiting += 1,
                MailResult::Released { next_attempt_at: None, .. } => {}
            }
        }
        record(services, id, &batch).await;
    }
}

/// Records outcomes, again and again until the database takes them or the claim has lapsed: a mail that was sent and is
/// not known to be would be sent once more. When it is time to end, one last attempt is made.
async fn record(services: &Services, claim: Id, batch: &[MailOutcome]) {
    let mut wait = Duration::from_millis(200);
    let mut waited = Duration::ZERO;
    let lease = services.limits.lease.to_std().unwrap_or_default();
    loop {
        let last = services.shutdown.is_requested() || waited > lease;
        match services.store.record_outcomes(claim, services.clock.now(), batch).await {
            Ok(_) => return,
            Err(error) if last => {
                tracing::error!(%error, mails = batch.len(), "outcomes could not be recorded: their claim lapses, and they may be sent again");
                return;
            }
            Err(error) => tracing::warn!(%error, mails = batch.len(), "outcomes could not be recorded yet"),
        }
        let _ = tokio::time::timeout(wait, services.shutdown.requested()).await;
        waited += wait;
        wait = (wait * 2).min(RECORD_RETRY_MOST);
    }
}

/// Sends one mail, if there is time before its claim lapses, and says what became of it.
async fn send_one(services: &Services, mail: &ClaimedMail, until: Timestamp) -> MailOutcome {
    let message = &mail.message;
    let outcome = |result, reply: String, content_sha256| MailOutcome {
        mail_id: message.mail_id,
        attempt: mail.attempt,
        at: services.clock.now(),
        content_sha256,
        reply,
        result,
    };
    let not_begun = |NotBegun { next_attempt_at, reply }| {
        let maybe_received = mail.maybe_received;
        outcome(MailResult::Released { next_attempt_at, maybe_received }, reply.to_owned(), None)
    };
    if let Err(error) = turn::too_late(services, until) {
        return not_begun(error);
    }
    let kind = message.notices.first().map_or("none", |notice| notice.kind.as_str());
    let composed = match services.mailer.prepare(message) {
        Ok(composed) => composed,
        Err(error) => {
            counter!(MAILS_TOTAL, "kind" => kind, "outcome" => FAILED).increment(1);
            log_unwritten(mail, &error);
            return outcome(MailResult::Failed { maybe_received: mail.maybe_received }, error.to_string(), None);
        }
    };
    if let Err(error) = turn::turn(services, &composed, until).await {
        return not_begun(error);
    }
    let sha256 = Some(composed.sha256.clone());
    match services.mailer.send(&composed).await {
        Ok(reply) => {
            counter!(MAILS_TOTAL, "kind" => kind, "outcome" => SENT).increment(1);
            let lateness = (services.clock.now().utc() - mail.due_at.utc()).as_seconds_f64();
            histogram!(MAIL_LATENESS_SECONDS).record(lateness.max(0.0));
            outcome(MailResult::Sent, reply, sha256)
        }
        Err(error) => {
            counter!(SMTP_ERRORS_TOTAL, "class" => error.class()).increment(1);
            log_unsent(mail, &error);
            let (result, reply) = result_of(services, mail, &error);
            let counted = if matches!(result, MailResult::Failed { .. }) { FAILED } else { PUT_OFF };
            counter!(MAILS_TOTAL, "kind" => kind, "outcome" => counted).increment(1);
            outcome(result, reply, sha256)
        }
    }
}

/// What follows from an error, and the reply to store.
fn result_of(services: &Services, mail: &ClaimedMail, error: &SendError) -> (MailResult, String) {
    let (now, limits, reply) = (services.clock.now(), &services.limits, error.reply().to_owned());
    match error {
        SendError::Permanent { .. } => (MailResult::Failed { maybe_received: mail.maybe_received }, reply),
        SendError::Transient { about, maybe_received: false, .. }
            if *about == About::ThisMail && gives_up(mail.attempt, mail.due_at, now, limits.retry_for) =>
        {
            let tried_for = now.utc() - mail.due_at.utc();
            let (number, unit) = match tried_for.num_days() {
                0 | 1 => (tried_for.num_hours(), "hours"),
                days => (days, "days"),
            };
            let reply = format!("given up after {number} {unit}: {reply}");
            (MailResult::Failed { maybe_received: mail.maybe_received }, reply)
        }
        SendError::Transient { maybe_received, .. } => {
            let wait =
                backoff(mail.attempt, limits.retry_first, limits.retry_most, |most| services.randomness.up_to(most));
            let next_attempt_at = now.plus(wait);
            let maybe_received = mail.maybe_received || *maybe_received;
            (MailResult::Deferred { next_attempt_at, maybe_received }, reply)
        }
    }
}

/// A server's reply usually repeats the reader's address: whole it stands in the table alone, as proof (R11).
fn log_unsent(mail: &ClaimedMail, error: &SendError) {
    let (address, text) = (Masked(&mail.message.reader.address), error.to_string());
    let error = MaskedText(&text);
    tracing::warn!(mail = %mail.message.mail_id, %address, attempt = mail.attempt, %error, "a mail was not sent");
}

fn log_unwritten(mail: &ClaimedMail, error: &PrepareError) {
    let (address, text) = (Masked(&mail.message.reader.address), error.to_string());
    let error = MaskedText(&text);
    tracing::error!(mail = %mail.message.mail_id, %address, %error, "a mail could not be written");
}
