//! Claimed mails, written and sent on so many lines at the same time.

use std::sync::Arc;

use futures::channel::mpsc;
use futures::{FutureExt as _, SinkExt as _, Stream, StreamExt as _, stream};
use metrics::histogram;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use super::Services;
use super::send::{Outgoing, begin, hand_over};
use super::turn::TurnedAway;
use crate::domain::ids::Id;
use crate::domain::time::Timestamp;
use crate::mail::compose::Composed;
use crate::mail::{Mailer, PrepareError};
use crate::store::claim::ClaimedMail;
use crate::store::outcome::{MailOutcome, MailResult};
use crate::telemetry::metrics::MAIL_LATENESS_SECONDS;

/// How many mails are written in one go, off the threads that serve the lines.
const WRITTEN_TOGETHER: usize = 16;

/// A claim whose mails are not all recorded yet.
pub(super) struct OpenClaim {
    id: Id,
    pub(super) until: Timestamp,
    _place: OwnedSemaphorePermit,
}

impl OpenClaim {
    /// The claim `id`, which lapses at `until`, and its place among those that may be open.
    pub(super) fn new(id: Id, until: Timestamp, place: OwnedSemaphorePermit) -> Self {
        Self { id, until, _place: place }
    }
}

/// A claimed mail on its way.
pub(super) struct Claimed {
    pub(super) claim: Arc<OpenClaim>,
    pub(super) mail: ClaimedMail,
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

/// Writes and sends claimed mails, `concurrent` of them at a time, of which at most `unrecorded` are not recorded yet. Once
/// one is `turned_away`, those behind it are given back. Where there are several lines, each is a task of its own, so that
/// all processors serve them.
pub(super) async fn send_all(
    services: &Arc<Services>,
    claimed: mpsc::Receiver<Vec<Claimed>>,
    concurrent: usize,
    unrecorded: usize,
    to_record: mpsc::Sender<Unrecorded>,
    turned_away: &Arc<TurnedAway>,
) {
    let together = WRITTEN_TOGETHER.min(concurrent);
    let mailer = Arc::clone(&services.mailer);
    let written = claimed
        .flat_map(move |mails| stream::iter(in_parts(mails, together)))
        .map(move |part| write(Arc::clone(&mailer), part))
        .buffered(if concurrent == 1 { 1 } else { 2 })
        .flat_map(stream::iter);
    let queue = Queue { written: Mutex::new(Box::pin(written)), room: Arc::new(Semaphore::new(unrecorded)) };
    if concurrent == 1 {
        // Whoever plays a daemon step by step has all of it in hand.
        return serve_line(services, &queue, to_record, turned_away).await;
    }
    let queue = Arc::new(queue);
    let mut lines = JoinSet::new();
    for _ in 0..concurrent {
        let (services, queue) = (Arc::clone(services), Arc::clone(&queue));
        let (to_record, turned_away) = (to_record.clone(), Arc::clone(turned_away));
        lines.spawn(async move { serve_line(&services, &queue, to_record, &turned_away).await });
    }
    drop(to_record);
    lines.join_all().await;
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
    turned_away: &TurnedAway,
) {
    let mut announced = None;
    loop {
        let ready = if let Some(ready) = announced.take() {
            Some(ready)
        } else {
            let Some(next) = queue.next().await else { return };
            begin_one(services, next, &mut to_record, turned_away).await
        };
        let Some(Ready { one, composed, room }) = ready else { continue };
        if services.mailer.limits().are_none()
            && let Some(next) = queue.next_at_once()
        {
            announced = begin_one(services, next, &mut to_record, turned_away).await;
        }
        let following = announced.as_ref().map(|next| &next.composed);
        let outcome = hand_over(services, &one.outgoing(), &composed, following, turned_away).await;
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
    turned_away: &TurnedAway,
) -> Option<Ready> {
    let ((one, prepared), room) = next;
    match begin(services, &one.outgoing(), prepared, turned_away).await {
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
async fn write(mailer: Arc<Mailer>, part: Vec<Claimed>) -> Vec<Written> {
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
