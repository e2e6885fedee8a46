//! Looking at rows that are new or changed, before anything is planned: for `reconcile`, and for people's orders.

use super::{BUSY_ROUNDS, BUSY_WAIT};
use crate::domain::policy::Policy;
use crate::domain::time::Timestamp;
use crate::store::review::Reviewed;
use crate::store::{Store, StoreError};

/// Ends the exemptions that have passed and reviews every unreviewed row, `chunk` rows in one transaction, until nothing
/// is left or `is_ending` says so (of each kind one transaction at least, so that a slow database comes to all of them), each
/// transaction at its own instant. Rows in other hands, another daemon's mostly, are waited for up to a second in all: who was
/// there before a date must not seem to have come after it. What was done is told to `count`, by name. Returns whether nothing is left
/// that is to be had.
pub(super) async fn review_rows(
    store: &dyn Store,
    now: &(dyn Fn() -> Timestamp + Send + Sync),
    policy: &Policy,
    chunk: i64,
    is_ending: &(dyn Fn() -> bool + Send + Sync),
    count: &mut (dyn FnMut(&'static str, u64) + Send),
) -> Result<bool, StoreError> {
    let mut is_through = true;
    let mut patience = BUSY_ROUNDS;
    for kind in [Kind::Exemptions, Kind::Users, Kind::Memberships] {
        let mut after = None;
        loop {
            let reviewed = match kind {
                Kind::Exemptions => Reviewed { rows: store.end_exemptions(now(), chunk).await?, ..Reviewed::default() },
                Kind::Users => store.review_users(now(), after, chunk).await?,
                Kind::Memberships => store.review_memberships(now(), policy, chunk).await?,
            };
            count_reviewed(kind.done(), reviewed, count);
            let found_any = reviewed.rows > 0 || reviewed.passed_over.is_some();
            if !found_any && (!reviewed.is_busy || patience == 0) {
                break;
            }
            if is_ending() {
                is_through = false;
                break;
            }
            after = reviewed.passed_over.or(after);
            if !found_any {
                patience -= 1;
                after = None;
                tokio::time::sleep(BUSY_WAIT).await;
            }
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
