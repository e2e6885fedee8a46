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
/// `users_after` is the user behind whom it goes on.
///
/// Rows in other hands, another daemon's mostly, are waited for up to a second in all: who was there before a date must not seem to have
/// come after it.
pub(super) async fn review_rows(
    store: &dyn Store,
    now: &(dyn Fn() -> Timestamp + Send + Sync),
    policy: &Policy,
    chunk: i64,
    is_ending: &(dyn Fn() -> bool + Send + Sync),
    count: &mut (dyn FnMut(&'static str, u64) + Send),
    users_after: &mut Option<Id>,
) -> Result<bool, StoreError> {
    let mut is_through = true;
    let mut waits_until = None;
    for kind in [Kind::Exemptions, Kind::Users, Kind::Memberships] {
        loop {
            let reviewed = match kind {
                Kind::Exemptions => Reviewed { rows: store.end_exemptions(now(), chunk).await?, ..Reviewed::default() },
                Kind::Users => store.review_users(now(), *users_after, chunk).await?,
                Kind::Memberships => store.review_memberships(now(), policy, chunk).await?,
            };
            count_reviewed(kind.done(), reviewed, count);
            if reviewed.rows > 0 || reviewed.passed_over.is_some() {
                *users_after = reviewed.passed_over.or(*users_after);
                if is_ending() {
                    is_through = false;
                    break;
                }
                continue;
            }
            let until = *waits_until.get_or_insert_with(|| Instant::now() + BUSY_WAIT * BUSY_ROUNDS);
            // Whose memberships are locked are in the vendor's hands, for who knows how long.
            let has_passed_over = matches!(kind, Kind::Users) && users_after.take().is_some();
            if !reviewed.is_busy || has_passed_over || Instant::now() >= until || is_ending() {
                break;
            }
            tokio::time::sleep(BUSY_WAIT).await;
        }
    }
    Ok(is_through)
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
