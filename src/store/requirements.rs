//! Making users required, set-wise: the requirement of each, and `users.mfa_required_at`.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::StoreError;
use super::sql::{Row, Tx};
use super::values::{Ids, bind};
use crate::domain::audit::sha256_hex;
use crate::domain::ids::Id;
use crate::domain::time::Timestamp;

/// The users who were newly required, by enforcement.
#[derive(Debug)]
pub(super) struct NewRequirements {
    pub rows: Vec<(Id, Id)>,
}

impl NewRequirements {
    /// Reads what `INSERT INTO requirements … RETURNING user_id, enforcement_id` returned, in the order of its columns.
    pub fn read(rows: &[Row]) -> Result<Self, StoreError> {
        let read: Result<Vec<(Id, Id)>, StoreError> =
            rows.iter().map(|row| Ok((row.get("enforcement_id")?, row.get("user_id")?))).collect();
        let mut rows = read?;
        rows.sort_unstable();
        Ok(Self { rows })
    }

    /// The users, in order.
    pub fn users(&self) -> impl Iterator<Item = Id> {
        self.rows.iter().map(|(_, user)| *user)
    }

    /// What the audit trail keeps of them.
    pub fn evidence(&self, required_at: Timestamp) -> Evidence {
        let lines = self.rows.iter().map(|(enforcement, user)| format!("{enforcement} {user} {required_at}"));
        Evidence { required: self.rows.len() as u64, sha256: sha256_hex(lines) }
    }
}

/// What the audit trail keeps of new requirements.
#[derive(Debug)]
pub(super) struct Evidence {
    /// How many.
    pub required: u64,
    /// The SHA-256 of the rows' immutable columns in order.
    pub sha256: String,
}

impl Evidence {
    /// As the detail of an event.
    pub fn detail(&self) -> Json {
        json!({ "required": self.required, "sha256": self.sha256 })
    }
}

/// A batch of ids, to be bound for [`id_rows`].
pub(super) fn id_batch(ids: impl IntoIterator<Item = Id>) -> Ids {
    Ids(ids.into_iter().collect())
}

/// The ids of a batch as the table `batch(id)`.
pub(super) fn id_rows(tx: &Tx, parameter: usize) -> String {
    tx.dialect().ids(parameter)
}

/// `users.mfa_required_at` of user `u.id`, who gets a requirement as of `$now`: that, unless they are required since earlier.
///
/// It is to be written for those as well who are: whoever undoes their other requirement at the same time does not see the
/// new one, and must be waited for, or wait, at the user's row.
pub(super) fn required_since(now: usize) -> String {
    format!("CASE WHEN u.mfa_required_at < ${now} THEN u.mfa_required_at ELSE ${now} END")
}

/// Brings `users.mfa_required_at` of these users in line, who have just got a requirement as of `now`. Only for users who are
/// reviewed: what stands there then agrees with their other requirements.
pub(super) async fn require_users(
    tx: &mut Tx,
    users: impl IntoIterator<Item = Id>,
    now: Timestamp,
) -> Result<(), StoreError> {
    // In one order everywhere: two daemons that came to users in another order each could wait for each other. The update
    // goes through the batch as it is, as it joins by a nested loop.
    tx.expect_batches().await?;
    let users: BTreeSet<Id> = users.into_iter().collect();
    let sql = format!(
        "UPDATE users AS u SET mfa_required_at = {} FROM {} WHERE u.id = batch.id",
        required_since(2),
        id_rows(tx, 1)
    );
    tx.execute(&sql, bind![id_batch(users), now]).await.map(drop)
}

/// Sets `users.mfa_required_at` of these users to the earliest of their uncleared requirements, where it is not.
pub(super) async fn derive_required_at(tx: &mut Tx, users: impl IntoIterator<Item = Id>) -> Result<u64, StoreError> {
    tx.expect_batches().await?;
    let users = id_batch(users);
    let lock = tx.dialect().for_update("u");
    if !lock.is_empty() {
        // In one order everywhere: two daemons that update users in the order of their plans could wait for each other.
        let sql = format!(
            "SELECT u.id FROM users AS u WHERE u.id IN (SELECT id FROM {}) ORDER BY u.id{lock}",
            id_rows(tx, 1)
        );
        tx.fetch_all(&sql, bind![users.clone()]).await?;
    }
    let earliest = "(SELECT min(required_at) FROM requirements WHERE user_id = u.id AND cleared_at IS NULL)";
    let sql = format!(
        "UPDATE users AS u SET mfa_required_at = {earliest} FROM {} WHERE u.id = batch.id AND u.mfa_required_at IS DISTINCT FROM {earliest}",
        id_rows(tx, 1),
    );
    tx.execute(&sql, bind![users]).await
}
