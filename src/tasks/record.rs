//! What became of mails, recorded soon after it is known: what is sent and not yet recorded when the process dies is sent again.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use futures::StreamExt as _;
use futures::channel::mpsc;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::Services;
use super::lines::Unrecorded;
use crate::domain::ids::Id;
use crate::store::StoreError;
use crate::store::outcome::{MailOutcome, MailResult};

/// How many outcomes are recorded in one transaction at most: what a transaction costs by itself is then little beside them.
const RECORDED_TOGETHER: usize = 64;
/// How many mails at most are sent and not recorded: one transaction is under way while the next one's outcomes collect. It
/// is what may be sent again when the process is killed.
pub(super) const UNRECORDED: usize = 2 * RECORDED_TOGETHER;
/// How long outcomes wait for others. A mail is on its way for as long, so that nobody notices.
const COLLECTED_FOR: Duration = Duration::from_millis(20);
/// The waits before outcomes that could not be recorded are offered again: the first, and the longest, which is well within
/// a tick, so that a database that comes back gets them before their notices are claimed anew.
const RETRY_FIRST: Duration = Duration::from_millis(200);
const RETRY_MOST: Duration = Duration::from_secs(2);
/// For how long outcomes are offered once it is time to end: a service manager waits for some 90 seconds (systemd's
/// `DefaultTimeoutStopSec`), and a database may take ten to say that it is away.
const LAST_OFFERS: Duration = Duration::from_mins(1);

/// What became of mails, in numbers.
#[derive(Default)]
pub(super) struct Recorded {
    pub(super) sent: u64,
    pub(super) failed: u64,
    pub(super) deferred: u64,
    /// Not begun, and put off.
    pub(super) waiting: u64,
}

/// Records outcomes soon after they come, at most `most` together.
pub(super) async fn record_all(services: &Services, mut outcomes: mpsc::Receiver<Unrecorded>, most: usize) -> Recorded {
    let mut recorded = Recorded::default();
    let mut offering = Offering::default();
    while let Some(first) = outcomes.next().await {
        let batch = collect(first, &mut outcomes, most.min(RECORDED_TOGETHER)).await;
        let mut by_claim: BTreeMap<Id, Vec<MailOutcome>> = BTreeMap::new();
        for one in &batch {
            recorded.count(one.outcome.result);
            by_claim.entry(one.claim()).or_default().push(one.outcome.clone());
        }
        for (claim, outcomes) in by_claim {
            offering.until_recorded(services, Of::Notices(claim), outcomes).await;
        }
    }
    recorded
}

/// The first outcome, and those that follow it soon.
async fn collect(first: Unrecorded, outcomes: &mut mpsc::Receiver<Unrecorded>, most: usize) -> Vec<Unrecorded> {
    let mut batch = Vec::with_capacity(most);
    batch.push(first);
    let until = Instant::now() + COLLECTED_FOR;
    while batch.len() < most {
        match timeout_at(until, outcomes.next()).await {
            Ok(Some(next)) => batch.push(next),
            Ok(None) | Err(_) => break,
        }
    }
    batch
}

impl Recorded {
    /// Counts one more.
    pub(super) fn count(&mut self, result: MailResult) {
        match result {
            MailResult::Sent => self.sent += 1,
            MailResult::Failed { .. } => self.failed += 1,
            MailResult::Deferred { .. } => self.deferred += 1,
            MailResult::Released { next_attempt_at, .. } => self.waiting += u64::from(next_attempt_at.is_some()),
        }
    }
}

/// The claim that outcomes are of.
#[derive(Clone, Copy, Debug)]
pub(super) enum Of {
    /// Of notices.
    Notices(Id),
    /// Of mails to admins.
    AdminMails(Id),
}

impl Of {
    async fn record(self, services: &Services, outcomes: &[MailOutcome]) -> Result<(), StoreError> {
        let (store, now) = (&services.store, services.clock.now());
        match self {
            Self::Notices(claim) => store.record_outcomes(claim, now, outcomes).await.map(drop),
            Self::AdminMails(claim) => store.record_admin_outcomes(claim, now, outcomes).await.map(drop),
        }
    }
}

/// The offering of outcomes to a database that may not take them yet.
#[derive(Default)]
pub(super) struct Offering {
    /// Since when they are not taken though it is time to end.
    ending: Option<Instant>,
}

impl Offering {
    /// Records what became of mails, again and again until the database takes it, however long it is away: what is known to
    /// be sent must not be sent once more. What it has refused for longer than a claim holds is given up, as what comes behind
    /// has to be recorded. When it is time to end, what it refuses is given up at once; and so is what it does not take within
    /// [`LAST_OFFERS`], with all behind that.
    pub(super) async fn until_recorded(&mut self, services: &Services, claim: Of, outcomes: Vec<MailOutcome>) {
        let mut left = vec![outcomes];
        let mut wait = RETRY_FIRST;
        let (mut waited, mut told) = (Duration::ZERO, Duration::ZERO);
        let lease = services.limits.lease.to_std().unwrap_or_default();
        while !self.is_over() {
            let error;
            (left, error) = offer(services, claim, left).await;
            let mails: usize = left.iter().map(Vec::len).sum();
            let Some(error) = error else {
                self.ending = None;
                return;
            };
            if error.is_refusal() && (waited > lease || services.shutdown.is_requested()) {
                tracing::error!(%error, mails, "outcomes could not be recorded: their claim lapses, and they may be sent again");
                return;
            }
            if waited >= told {
                // More and more seldom: nothing new is said.
                tracing::warn!(%error, mails, "outcomes could not be recorded yet");
                told = waited * 2;
            }
            if services.shutdown.is_requested() {
                self.ending.get_or_insert_with(Instant::now);
                sleep(wait).await;
            } else {
                let _ = timeout(wait, services.shutdown.requested()).await;
            }
            waited += wait;
            wait = (wait * 2).min(RETRY_MOST);
        }
        let mails: usize = left.iter().map(Vec::len).sum();
        tracing::error!(
            mails,
            "outcomes were not recorded before the end: their claim lapses, and they may be sent again"
        );
    }

    fn is_over(&self) -> bool {
        self.ending.is_some_and(|since| since.elapsed() >= LAST_OFFERS)
    }
}

/// Offers these once, and what is refused together each by itself: one that the database will not have must not take others
/// along.
///
/// Returns what is left, and why: where the database is away, all that was behind.
async fn offer(
    services: &Services,
    claim: Of,
    parts: Vec<Vec<MailOutcome>>,
) -> (Vec<Vec<MailOutcome>>, Option<StoreError>) {
    let (mut left, mut why) = (Vec::new(), None);
    let mut parts = VecDeque::from(parts);
    while let Some(part) = parts.pop_front() {
        match claim.record(services, &part).await {
            Ok(()) => {}
            Err(error) if !error.is_refusal() => {
                left.push(part);
                left.extend(parts);
                return (left, Some(error));
            }
            Err(_) if part.len() > 1 => parts.extend(part.into_iter().map(|outcome| vec![outcome])),
            Err(error) => {
                left.push(part);
                why = Some(error);
            }
        }
    }
    (left, why)
}
