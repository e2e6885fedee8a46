//! `deliver`: due notices are claimed, written, sent, and their outcomes recorded, all at the same time.
//!
//! What each stage may be ahead of the next is bounded: claims by [`CLAIMS_AHEAD`], mails that are sent and not recorded by
//! [`UNRECORDED`]. So a slow mail server or database slows down what comes before it, and memory does not grow with
//! the number of notices.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use async_trait::async_trait;
use futures::channel::mpsc;
use futures::{SinkExt as _, join};
use metrics::gauge;
use serde_json::json;
use tokio::sync::Semaphore;

use super::lines::{Claimed, OpenClaim, send_all};
use super::record::{Recorded, UNRECORDED, record_all};
use super::turn::TurnedAway;
use super::{BUSY_ROUNDS, BUSY_WAIT, Report, Services, Task, TaskError};
use crate::domain::time::Timestamp;
use crate::store::claim::ClaimTerms;
use crate::telemetry::metrics::NOTICES_PENDING;

/// The task.
#[derive(Default)]
pub struct Deliver {
    /// Whether the last run had mail turned away.
    was_turned_away: AtomicBool,
}

/// How many claims wait while the mails of one are sent, where several mails are sent at a time.
const CLAIMS_AHEAD: usize = 2;

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
        let (lines_services, turned_away) = (Arc::new(services.clone()), Arc::new(TurnedAway::default()));
        let first = i64::try_from(concurrent).ok().filter(|_| self.was_turned_away.load(Ordering::Relaxed));
        let (aside, (), recorded) = join!(
            claim_all(services, claims, first, to_send, &turned_away),
            send_all(&lines_services, claimed, concurrent, unrecorded, to_record, &turned_away),
            record_all(services, outcomes, unrecorded),
        );
        self.was_turned_away.store(turned_away.is_noted(), Ordering::Relaxed);
        let Aside { skipped, waiting } = aside?;
        let Recorded { sent, failed, deferred, waiting: put_off } = recorded;
        let changed = sent + failed + deferred + skipped + waiting + put_off > 0;
        if changed {
            gauge_pending(services, services.clock.now()).await?;
        }
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

/// Claims what is due, at most `most` claims at a time, until nothing is left, or mail is turned away. Where the `first` claim
/// is of so many notices only, those behind it wait until it is known what became of it: they may be for another daemon.
async fn claim_all(
    services: &Services,
    most: usize,
    mut first: Option<i64>,
    mut to_send: mpsc::Sender<Vec<Claimed>>,
    turned_away: &TurnedAway,
) -> Result<Aside, TaskError> {
    let terms = ClaimTerms {
        limit: services.limits.claim_batch,
        lease: services.limits.lease,
        message_id_domain: services.mailer.message_id_domain().to_owned(),
    };
    let places = Arc::new(Semaphore::new(most));
    let all = u32::try_from(most).unwrap_or(u32::MAX);
    let mut open: Vec<Weak<OpenClaim>> = Vec::new();
    let mut aside = Aside::default();
    let mut patience = BUSY_ROUNDS;
    while !services.shutdown.is_requested() {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { break };
        // Each claim is judged at its own instant: a long campaign must not decide by the time at which it began.
        let now = services.clock.now();
        if open.iter().filter_map(Weak::upgrade).any(|claim| claim.until <= now) {
            // What is sent, and could not be recorded before its claim lapsed, must not be claimed again meanwhile (R2).
            drop(place);
            let _ = places.acquire_many(all).await;
            continue;
        }
        if turned_away.is_noted() {
            break;
        }
        let limit = first.map_or(terms.limit, |first| first.min(terms.limit));
        let claim = services.store.claim(&ClaimTerms { limit, ..terms.clone() }, now, &services.policy).await?;
        aside.skipped += claim.skipped;
        aside.waiting += claim.waiting;
        if let (true, Some(id), Some(until)) = (claim.found_work(), claim.id, claim.until) {
            let claimed = Arc::new(OpenClaim::new(id, until, place));
            open.retain(|claim| claim.strong_count() > 0);
            open.push(Arc::downgrade(&claimed));
            let mails = claim.mails.into_iter().map(|mail| Claimed { claim: Arc::clone(&claimed), mail });
            let sent_on = to_send.send(mails.collect()).await;
            drop(claimed);
            if sent_on.is_err() {
                break;
            }
            if first.take().is_some() {
                let _ = places.acquire_many(all).await;
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
