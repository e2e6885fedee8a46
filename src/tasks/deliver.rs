//! `deliver`: due notices are claimed, written, sent, and their outcomes recorded, all at the same time.
//!
//! What each stage may be ahead of the next is bounded: claims by [`CLAIMS_AHEAD`], mails that are sent and not recorded by
//! [`UNRECORDED`]. So a slow mail server or database slows down what comes before it, and memory does not grow with
//! the number of notices.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::channel::mpsc;
use futures::future::join_all;
use futures::{FutureExt as _, SinkExt as _, Stream, StreamExt as _, join, stream};
use metrics::{gauge, histogram};
use serde_json::json;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};

use super::record::{Recorded, UNRECORDED, record_all};
use super::send::{Outgoing, begin, hand_over};
use super::{Report, Services, Task, TaskError};
use crate::domain::ids::Id;
use crate::domain::time::Timestamp;
use crate::mail::PrepareError;
use crate::mail::compose::Composed;
use crate::store::claim::{ClaimTerms, ClaimedMail};
use crate::store::outcome::{MailOutcome, MailResult};
use crate::telemetry::metrics::{MAIL_LATENESS_SECONDS, NOTICES_PENDING};

/// The task.
pub struct Deliver;

/// How many claims wait while the mails of one are sent, where several mails are sent at a time.
const CLAIMS_AHEAD: usize = 2;
/// How many mails are written in one go, off the threads that serve the lines.
const WRITTEN_TOGETHER: usize = 16;
/// How long to wait where all that is due is in other hands, and how often.
const BUSY_WAIT: Duration = Duration::from_millis(50);
const BUSY_ROUNDS: u32 = 20;

/// A claim whose mails are not all recorded yet.
struct OpenClaim {
    id: Id,
    until: Timestamp,
    _place: OwnedSemaphorePermit,
}

/// A claimed mail on its way.
struct Claimed {
    claim: Arc<OpenClaim>,
    mail: ClaimedMail,
}

/// What became of a claimed mail, and the places that it holds until that is recorded.
pub(super) struct Unrecorded {
    claim: Arc<OpenClaim>,
    pub(super) outcome: MailOutcome,
    _room: OwnedSemaphorePermit,
}

impl Unrecorded {
    /// The claim that fences it.
    pub(super) fn claim(&self) -> Id {
        self.claim.id
    }
}

#[async_trait]
impl Task for Deliver {
    fn name(&self) -> &'static str {
        "deliver"
    }

    async fn run(&self, services: &Services, now: Timestamp) -> Result<Report, TaskError> {
        gauge_pending(services, now).await?;
        // What is sent one by one is claimed, sent and recorded so: the order must not depend on the machine's pace.
        let concurrent = services.mailer.transport().max_concurrent();
        let (claims, unrecorded) = if concurrent == 1 { (1, 1) } else { (1 + CLAIMS_AHEAD, concurrent + UNRECORDED) };
        let (to_send, claimed) = mpsc::channel(0);
        let (to_record, outcomes) = mpsc::channel(unrecorded);
        let (aside, (), recorded) = join!(
            claim_all(services, claims, to_send),
            send_all(services, claimed, concurrent, unrecorded, to_record),
            record_all(services, outcomes, unrecorded),
        );
        gauge_pending(services, services.clock.now()).await?;
        let Aside { skipped, waiting } = aside?;
        let Recorded { sent, failed, deferred, waiting: put_off } = recorded;
        let changed = sent + failed + deferred + skipped + waiting + put_off > 0;
        let detail = json!({
            "sent": sent, "failed": failed, "deferred": deferred, "skipped": skipped, "waiting": waiting + put_off,
        });
        Ok(Report { changed, detail })
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
async fn gauge_pending(services: &Services, now: Timestamp) -> Result<(), TaskError> {
    gauge!(NOTICES_PENDING).set(services.store.count_due_notices(now).await? as f64);
    Ok(())
}

/// How many notices claims have put aside.
#[derive(Default)]
struct Aside {
    skipped: u64,
    waiting: u64,
}

/// Claims what is due, at most `most` claims at a time, until nothing is left.
async fn claim_all(
    services: &Services,
    most: usize,
    mut to_send: mpsc::Sender<Vec<Claimed>>,
) -> Result<Aside, TaskError> {
    let terms = ClaimTerms {
        limit: services.limits.claim_batch,
        lease: services.limits.lease,
        message_id_domain: services.mailer.message_id_domain().to_owned(),
    };
    let places = Arc::new(Semaphore::new(most));
    let all = u32::try_from(most).unwrap_or(u32::MAX);
    let mut aside = Aside::default();
    let mut patience = BUSY_ROUNDS;
    while !services.shutdown.is_requested() {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { break };
        // Each claim is judged at its own instant: a long campaign must not decide by the time at which it began.
        let claim = services.store.claim(&terms, services.clock.now(), &services.policy).await?;
        aside.skipped += claim.skipped;
        aside.waiting += claim.waiting;
        if let (true, Some(id), Some(until)) = (claim.found_work(), claim.id, claim.until) {
            let open = Arc::new(OpenClaim { id, until, _place: place });
            let mails = claim.mails.into_iter().map(|mail| Claimed { claim: Arc::clone(&open), mail });
            if to_send.send(mails.collect()).await.is_err() {
                break;
            }
            continue;
        }
        drop(place);
        if places.available_permits() < most {
            // What is on its way may be given back.
            let _ = places.acquire_many(all).await;
        } else if claim.id.is_some() && patience > 0 {
            // Another daemon is at the longest overdue, for a moment: what comes after them must not wait for a tick.
            patience -= 1;
            let _ = tokio::time::timeout(BUSY_WAIT, services.shutdown.requested()).await;
        } else {
            break;
        }
    }
    Ok(aside)
}

/// Writes and sends claimed mails, `concurrent` of them at a time, of which at most `unrecorded` are not recorded yet.
async fn send_all(
    services: &Services,
    claimed: mpsc::Receiver<Vec<Claimed>>,
    concurrent: usize,
    unrecorded: usize,
    to_record: mpsc::Sender<Unrecorded>,
) {
    let together = WRITTEN_TOGETHER.min(concurrent);
    let written = claimed
        .flat_map(|mails| stream::iter(in_parts(mails, together)))
        .map(|part| write(services, part))
        .buffered(if concurrent == 1 { 1 } else { 2 })
        .flat_map(stream::iter);
    let queue = Queue { written: Mutex::new(Box::pin(written)), room: Arc::new(Semaphore::new(unrecorded)) };
    join_all((0..concurrent).map(|_| serve_line(services, &queue, to_record.clone()))).await;
}

/// What became of the writing of a claimed mail.
type Written = (Claimed, Result<Composed, PrepareError>);

/// Written mails, for whichever line comes next.
struct Queue<S> {
    written: Mutex<S>,
    /// What is sent and not recorded.
    room: Arc<Semaphore>,
}

impl<S: Stream<Item = Written> + Unpin> Queue<S> {
    /// The next mail and its room; none: there is no other.
    async fn next(&self) -> Option<(Written, OwnedSemaphorePermit)> {
        let written = self.written.lock().await.next().await?;
        Some((written, Arc::clone(&self.room).acquire_owned().await.ok()?))
    }

    /// The same, if it is there already.
    fn next_at_once(&self) -> Option<(Written, OwnedSemaphorePermit)> {
        let room = Arc::clone(&self.room).try_acquire_owned().ok()?;
        let written = self.written.try_lock().ok()?.next().now_or_never()??;
        Some((written, room))
    }
}

/// A mail that may go.
struct Ready {
    one: Claimed,
    composed: Composed,
    room: OwnedSemaphorePermit,
}

/// Sends mails one after the other. Where nothing is to be waited for, each is announced together with the one before it.
async fn serve_line<S: Stream<Item = Written> + Unpin>(
    services: &Services,
    queue: &Queue<S>,
    mut to_record: mpsc::Sender<Unrecorded>,
) {
    let mut announced = None;
    loop {
        let ready = if let Some(ready) = announced.take() {
            Some(ready)
        } else {
            let Some(next) = queue.next().await else { return };
            begin_one(services, next, &mut to_record).await
        };
        let Some(Ready { one, composed, room }) = ready else { continue };
        if services.mailer.limits().are_none()
            && let Some(next) = queue.next_at_once()
        {
            announced = begin_one(services, next, &mut to_record).await;
        }
        let following = announced.as_ref().map(|next| &next.composed);
        let outcome = hand_over(services, &one.outgoing(), &composed, following).await;
        if outcome.result == MailResult::Sent {
            let lateness = (outcome.at.utc() - one.mail.due_at.utc()).as_seconds_f64();
            histogram!(MAIL_LATENESS_SECONDS).record(lateness.max(0.0));
        }
        let _ = to_record.send(Unrecorded { claim: one.claim, outcome, _room: room }).await;
    }
}

/// A mail that may go; none: what became of it instead is on its way to be recorded.
async fn begin_one(
    services: &Services,
    next: (Written, OwnedSemaphorePermit),
    to_record: &mut mpsc::Sender<Unrecorded>,
) -> Option<Ready> {
    let ((one, prepared), room) = next;
    match begin(services, &one.outgoing(), prepared).await {
        Ok(composed) => Some(Ready { one, composed, room }),
        Err(outcome) => {
            let _ = to_record.send(Unrecorded { claim: one.claim, outcome, _room: room }).await;
            None
        }
    }
}

fn in_parts(mails: Vec<Claimed>, most: usize) -> Vec<Vec<Claimed>> {
    let mut parts = Vec::with_capacity(mails.len() / most + 1);
    let mut mails = mails.into_iter().peekable();
    while mails.peek().is_some() {
        parts.push(mails.by_ref().take(most).collect());
    }
    parts
}

/// Writes mails: work for a processor, which the threads that serve the lines are kept from.
async fn write(services: &Services, part: Vec<Claimed>) -> Vec<Written> {
    let mailer = Arc::clone(&services.mailer);
    let writing = tokio::task::spawn_blocking(move || {
        let prepared = part.into_iter().map(|one| {
            let mail = mailer.prepare(&one.mail.message);
            (one, mail)
        });
        prepared.collect()
    });
    // Only the end of the process keeps it from ending: their claim lapses, and they are written again.
    writing.await.unwrap_or_default()
}

impl Claimed {
    fn outgoing(&self) -> Outgoing<'_> {
        let Self { claim, mail } = self;
        let message = &mail.message;
        Outgoing {
            mail_id: message.mail_id,
            kind: message.notices.first().map_or("none", |notice| notice.kind.as_str()),
            address: &message.reader.address,
            attempt: mail.attempt,
            refused_since: mail.refused_since,
            maybe_received: mail.maybe_received,
            until: claim.until,
        }
    }
}
