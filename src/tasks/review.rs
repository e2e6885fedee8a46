//! Looking at rows that are new or changed, before anything is planned: for `reconcile`, and for people's orders.

use crate::domain::policy::Policy;
use crate::domain::time::Timestamp;
use crate::store::review::Reviewed;
use crate::store::{Store, StoreError};

/// Ends the exemptions that have passed and reviews every unreviewed row, `chunk` rows in one transaction, until nothing
/// is left or `is_ending` says so, each transaction at its own instant. What was done is told to `count`, by name.
pub(super) async fn review_rows(
    store: &dyn Store,
    now: &(dyn Fn() -> Timestamp + Send + Sync),
    policy: &Policy,
    chunk: i64,
    is_ending: &(dyn Fn() -> bool + Send + Sync),
    count: &mut (dyn FnMut(&'static str, u64) + Send),
) -> Result<(), StoreError> {
    while !is_ending() {
        let ended = store.end_exemptions(now(), chunk).await?;
        count("exemptions_ended", ended);
        if ended == 0 {
            break;
        }
    }
    while !is_ending() {
        let reviewed = store.review_users(now(), chunk).await?;
        count_reviewed("users_reviewed", reviewed, count);
        if reviewed.rows == 0 {
            break;
        }
    }
    while !is_ending() {
        let reviewed = store.review_memberships(now(), policy, chunk).await?;
        count_reviewed("memberships_reviewed", reviewed, count);
        if reviewed.rows == 0 {
            break;
        }
    }
    Ok(())
}

/// Tells what looking at one batch came to.
pub(super) fn count_reviewed(
    what: &'static str,
    reviewed: Reviewed,
    count: &mut (dyn FnMut(&'static str, u64) + Send),
) {
    count(what, reviewed.rows);
    count("required", reviewed.required);
    count("notices", reviewed.notices);
    metrics::counter!(crate::telemetry::metrics::REQUIRED_TOTAL).increment(reviewed.required);
}
