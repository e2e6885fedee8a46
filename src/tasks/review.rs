//! Looking at rows that are new or changed, before anything is planned: for `reconcile`, and for people's orders.

use super::{BUSY_ROUNDS, BUSY_WAIT};
use crate::domain::policy::Policy;
use crate::domain::time::Timestamp;
use crate::store::review::Reviewed;
use crate::store::{Store, StoreError};

/// Ends the exemptions that have passed and reviews every unreviewed row, `chunk` rows in one transaction, until nothing
/// is left or `is_ending` says so (of each kind one transaction at least, so that a slow database comes to all of them), each
/// transaction at its own instant. What was done is told to `count`, by name. Returns whether nothing is left.
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
        loop {
            let rows = match kind {
                Kind::Exemptions => {
                    let ended = store.end_exemptions(now(), chunk).await?;
                    count("exemptions_ended", ended);
                    ended
                }
                Kind::Users => count_reviewed("users_reviewed", store.review_users(now(), chunk).await?, count),
                Kind::Memberships => {
                    let reviewed = store.review_memberships(now(), policy, chunk).await?;
                    if reviewed.is_busy && patience > 0 && !is_ending() {
                        patience -= 1;
                        tokio::time::sleep(BUSY_WAIT).await;
                        continue;
                    }
                    count_reviewed("memberships_reviewed", reviewed, count)
                }
            };
            if rows == 0 {
                break;
            }
            if is_ending() {
                is_through = false;
                break;
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
