//! Looking at rows that are new or changed, before anything is planned: for `reconcile`, and for people's orders.

use std::time::Instant;

use super::{BUSY_ROUNDS, BUSY_WAIT};
use crate::domain::ids::Id;
use crate::domain::policy::Policy;
use crate::domain::time::Timestamp;
use crate::store::review::Reviewed;
use crate::store::{Store, StoreError};

/// Ends the exemptions that have passed and reviews every unreviewed row, `chunk` rows in one transaction, until nothing
/// is left or `is_ending` says so (of each kind one transaction at least, so that a slow database comes to all of them), each
/// transaction at its own instant. What was done is told to `count`, by name. Returns whether nothing is left that is to be had; if not,
/// it goes on from `place`.
pub(super) async fn review_rows(
    store: &dyn Store,
    now: &(dyn Fn() -> Timestamp + Send + Sync),
    policy: &Policy,
    chunk: i64,
    is_ending: &(dyn Fn() -> bool + Send + Sync),
    count: &mut (dyn FnMut(&'static str, u64) + Send),
    place: &mut Place,
) -> Result<bool, StoreError> {
    let mut is_through = true;
    for kind in [Kind::Exemptions, Kind::Users, Kind::Memberships] {
        loop {
            let reviewed = match kind {
                Kind::Exemptions => Reviewed { rows: store.end_exemptions(now(), chunk).await?, ..Reviewed::default() },
                Kind::Users => store.review_users(now(), place.users_after, chunk).await?,
                Kind::Memberships => store.review_memberships(now(), policy, chunk).await?,
            };
            count_reviewed(kind.done(), reviewed, count);
            if reviewed.rows > 0 || reviewed.passed_over.is_some() {
                place.came_to(&reviewed);
                if is_ending() {
                    is_through = false;
                    break;
                }
                continue;
            }
            if matches!(kind, Kind::Users) {
                place.users_after = None;
            }
            if !reviewed.is_busy || place.has_waited() {
                break;
            }
            if is_ending() {
                is_through = false;
                break;
            }
            tokio::time::sleep(BUSY_WAIT).await;
        }
    }
    Ok(is_through)
}

/// How far a look has come that may be interrupted.
#[derive(Debug, Default)]
pub(super) struct Place {
    /// The user behind whom the next are.
    users_after: Option<Id>,
    /// Since when all that is left has been in other hands.
    busy_since: Option<Instant>,
}

impl Place {
    fn came_to(&mut self, reviewed: &Reviewed) {
        self.users_after = reviewed.passed_over.or(self.users_after);
        if reviewed.rows > 0 {
            self.busy_since = None;
        }
    }

    /// Whether rows in other hands, another daemon's mostly, have been waited for long enough: who was there before a date must not seem
    /// to have come after it, and what an application keeps locked must keep nobody waiting.
    fn has_waited(&mut self) -> bool {
        self.busy_since.get_or_insert_with(Instant::now).elapsed() >= BUSY_WAIT * BUSY_ROUNDS
    }
}

/// What is looked at, in this order.
#[derive(Clone, Copy)]
enum Kind {
    Exemptions,
    Users,
    Memberships,
}

impl Kind {
    /// What is counted of it.
    fn done(self) -> &'static str {
        match self {
            Self::Exemptions => "exemptions_ended",
            Self::Users => "users_reviewed",
            Self::Memberships => "memberships_reviewed",
        }
    }
}

/// Tells what looking at one batch came to. Returns how many rows it had.
pub(super) fn count_reviewed(
    what: &'static str,
    reviewed: Reviewed,
    count: &mut (dyn FnMut(&'static str, u64) + Send),
) -> u64 {
    count(what, reviewed.rows);
    count("required", reviewed.required);
    count("notices", reviewed.notices);
    metrics::counter!(crate::telemetry::metrics::REQUIRED_TOTAL).increment(reviewed.required);
    reviewed.rows
}
