//! The first members of an order, and the enforcements of their companies, held while somebody looks at them.

use std::collections::BTreeSet;

use super::dialect::Dialect;
use super::requirements::{id_batch, id_rows};
use super::review::Reviewed;
use super::sql::Tx;
use super::values::{Ids, Value, bind};
use super::{SqlStore, StoreError};
use crate::domain::ids::Id;

/// Looks at the first members, and where `look` finds none of those free, at the first that are. Where there is none of these
/// either, all that are left are in somebody's hands.
pub(super) async fn first_or_free<L>(look: impl Fn(Found) -> L) -> Result<Reviewed, StoreError>
where
    L: Future<Output = Result<Option<Reviewed>, StoreError>>,
{
    if let Some(reviewed) = look(Found::First).await? {
        return Ok(reviewed);
    }
    let of_free = look(Found::FirstFree).await?.unwrap_or_default();
    Ok(Reviewed { is_busy: of_free.rows == 0, ..of_free })
}

/// Which members are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Those that come first, also where somebody keeps them locked: this is found without a lock.
    First,
    /// The first that nobody keeps locked. Asked where the first are all locked, so that they keep no others waiting.
    FirstFree,
}

impl SqlStore {
    /// Begins a transaction that [holds the enforcements](hold_enforcements) of the companies of the first of these members,
    /// and gives it with the companies, as a batch; none where there is nothing to look at. Companies for whose flip it would be
    /// in the way are not in the batch, which may therefore be empty.
    ///
    /// `members` selects the `company_id` of memberships `m` with their users `u`. The members themselves come behind the
    /// enforcements in the order in which everybody locks: what is locked to find the first free ones is let go at once.
    pub(super) async fn hold_first(
        &self,
        members: &str,
        values: Vec<Value>,
        found: Found,
    ) -> Result<Option<(Tx, Ids)>, StoreError> {
        let mut tx = self.begin_in_order().await?;
        let lock = if found == Found::FirstFree { tx.dialect().for_update_skip_locked("m, u") } else { String::new() };
        let rows = tx.fetch_all(&format!("{members}{lock}"), values).await?;
        let mut companies: BTreeSet<Id> = rows.iter().map(|row| row.get("company_id")).collect::<Result<_, _>>()?;
        if companies.is_empty() {
            return Ok(None);
        }
        if !lock.is_empty() {
            tx.rollback().await?;
            tx = self.begin_in_order().await?;
        }
        for company in awaited(&mut tx, id_batch(companies.iter().copied())).await? {
            companies.remove(&company);
        }
        let companies = id_batch(companies);
        hold_enforcements(&mut tx, companies.clone()).await?;
        Ok(Some((tx, companies)))
    }

    async fn begin_in_order(&self) -> Result<Tx, StoreError> {
        let mut tx = self.database.begin().await?;
        tx.expect_order().await?;
        Ok(tx)
    }
}

/// Those of the companies whose flip waits for everybody who holds its enforcement: several daemons that hold it by turns, as there
/// is much to look at, would keep it waiting for as long as that lasts. Their members' turn comes after it.
async fn awaited(tx: &mut Tx, companies: Ids) -> Result<Vec<Id>, StoreError> {
    if tx.dialect() == Dialect::Sqlite {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT e.company_id FROM enforcements AS e WHERE e.company_id IN (SELECT id FROM {}) AND NOT ({})",
        id_rows(tx, 1),
        tx.dialect().unless_awaited("enforcements", "e")
    );
    tx.fetch_all(&sql, bind![companies]).await?.iter().map(|row| row.get("company_id")).collect()
}

/// Keeps the enforcements of companies as they are, and those that have notices to make: the chunk of a flip or of a milestone
/// under way is waited for and seen, what begins waits or passes over them. Otherwise a review could pass over what that chunk is
/// about to do, and the chunk over what the review is.
async fn hold_enforcements(tx: &mut Tx, companies: Ids) -> Result<(), StoreError> {
    let lock = tx.dialect().for_share("e");
    if lock.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "SELECT e.id FROM enforcements AS e WHERE e.company_id IN (SELECT id FROM {})
         AND (e.state IN ('scheduled', 'held', 'in_force')
             OR EXISTS (SELECT 1 FROM milestones AS s WHERE s.enforcement_id = e.id AND s.state = 'pending'))
         ORDER BY e.company_id, e.id{lock}",
        id_rows(tx, 1)
    );
    tx.fetch_all(&sql, bind![companies]).await?;
    Ok(())
}
