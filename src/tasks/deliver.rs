//! `deliver`: due notices are claimed, written, sent, and their outcomes recorded.

use std::time::Duration;

use async_trait::async_trait;
use futures::stream::{self, StreamExt as _};
use metrics::{gauge, histogram};
use serde_json::json;

use super::send::{Outgoing, send};
use super::{Report, Services, Task, TaskError};
use crate::domain::ids::Id;
use crate::domain::time::Timestamp;
use crate::store::claim::{Claim, ClaimTerms, ClaimedMail};
use crate::store::outcome::{MailOutcome, MailResult};
use crate::telemetry::metrics::{MAIL_LATENESS_SECONDS, NOTICES_PENDING};

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

async fn send_one(services: &Services, mail: &ClaimedMail, until: Timestamp) -> MailOutcome {
    let message = &mail.message;
    let outgoing = Outgoing {
        mail_id: message.mail_id,
        kind: message.notices.first().map_or("none", |notice| notice.kind.as_str()),
        address: &message.reader.address,
        attempt: mail.attempt,
        refused_since: mail.refused_since,
        maybe_received: mail.maybe_received,
        until,
    };
    let outcome = send(services, &outgoing, || services.mailer.prepare(message)).await;
    if outcome.result == MailResult::Sent {
        let lateness = (outcome.at.utc() - mail.due_at.utc()).as_seconds_f64();
        histogram!(MAIL_LATENESS_SECONDS).record(lateness.max(0.0));
    }
    outcome
}
