//! What the daemon writes to the memberships of a company, also where somebody keeps their rows locked: those are not waited for,
//! and not forgotten. It is remembered in `membership_changes` what they are yet to become.

use async_trait::async_trait;

use super::dialect::Dialect;
use super::requirements::id_rows;
use super::sql::Tx;
use super::values::{Ids, bind};
use super::{SqlStore, StoreError};
use crate::domain::ids::Id;
use crate::domain::time::Timestamp;

/// Writing what was left to be written.
#[async_trait]
pub trait MembershipChangeStore {
    /// Changes up to `limit` memberships that were locked when they were to be changed, and are free by now. Returns how many.
    async fn change_memberships_left(&self, limit: i64) -> Result<u64, StoreError>;
}

/// Membership `m` has a personal date that is yet to be moved: what it says is that of before.
pub(super) const DATE_IS_MOVING: &str = "EXISTS (SELECT 1 FROM membership_changes AS l
    WHERE l.company_id = m.company_id AND l.user_id = m.user_id AND l.moves_date)";

/// The personal date of membership `m` is still that which `l` moves.
const DATE_MOVES: &str = "l.moves_date AND m.require_at IS NOT DISTINCT FROM l.date_was";

/// What becomes of the memberships of a company.
#[derive(Clone, Debug)]
pub(super) enum MembershipChange {
    /// Personal dates that are `was` move; none: they are taken away.
    MoveDate { was: Timestamp, becomes: Option<Timestamp> },
    /// Personal dates are taken away: all, or those before this instant.
    ForgetDates { before: Option<Timestamp> },
    /// Exempt members are told of the company's date anew, whatever they were told of the one before.
    ForgetTold,
    /// All are looked at again.
    Review,
    /// These users are looked at again.
    ReviewOf(Ids),
}

impl MembershipChange {
    /// Changes the memberships that nobody keeps locked, and remembers the others.
    pub async fn apply(self, tx: &mut Tx, company: Id) -> Result<(), StoreError> {
        let (columns, becomes) = match self {
            Self::MoveDate { .. } => (&["moves_date", "date_was", "date_becomes"][..], "true, m.require_at, $3"),
            Self::ForgetDates { .. } => (&["moves_date", "date_was", "date_becomes"][..], "true, m.require_at, NULL"),
            Self::ForgetTold => (&["forgets_told"][..], "true"),
            Self::Review | Self::ReviewOf(_) => (&["reviews"][..], "true"),
        };
        let (which, set, mut values) = match self {
            Self::MoveDate { was, becomes } => {
                let sql = "UPDATE membership_changes SET date_becomes = $3 WHERE company_id = $1 AND moves_date AND date_becomes = $2";
                tx.execute(sql, bind![company, was, becomes]).await?;
                let which = format!("NOT {DATE_IS_MOVING} AND m.require_at = $2");
                (which, "require_at = $3", bind![was, becomes])
            }
            Self::ForgetDates { before } => {
                let sql = "UPDATE membership_changes SET date_becomes = NULL
                    WHERE company_id = $1 AND moves_date AND ($2 IS NULL OR date_becomes < $2)";
                tx.execute(sql, bind![company, before]).await?;
                let which =
                    format!("NOT {DATE_IS_MOVING} AND m.require_at IS NOT NULL AND ($2 IS NULL OR m.require_at < $2)");
                (which, "require_at = NULL", bind![before])
            }
            Self::ForgetTold => ("m.exemption_told IS NOT NULL".to_owned(), "exemption_told = NULL", vec![]),
            Self::Review => ("m.reviewed".to_owned(), "reviewed = false", vec![]),
            Self::ReviewOf(users) => (
                format!("m.reviewed AND m.user_id IN (SELECT id FROM {})", id_rows(tx, 2)),
                "reviewed = false",
                bind![users],
            ),
        };
        values.splice(0..0, bind![company]);
        let lock = tx.dialect().for_update_skip_locked("m");
        let sql = format!(
            "UPDATE memberships AS m SET {set} FROM (
                 SELECT m.user_id FROM memberships AS m WHERE m.company_id = $1 AND {which} ORDER BY m.user_id{lock}
             ) AS free WHERE m.company_id = $1 AND m.user_id = free.user_id"
        );
        tx.execute(&sql, values.clone()).await?;
        if tx.dialect() == Dialect::Sqlite {
            return Ok(());
        }
        // Those that are still as they were are the locked ones.
        let said = columns.iter().map(|column| format!("{column} = excluded.{column}")).collect::<Vec<_>>().join(", ");
        let sql = format!(
            "INSERT INTO membership_changes (company_id, user_id, {})
             SELECT m.company_id, m.user_id, {becomes} FROM memberships AS m WHERE m.company_id = $1 AND {which}
             ON CONFLICT (company_id, user_id) DO UPDATE SET {said}",
            columns.join(", ")
        );
        let count = tx.execute(&sql, values).await?;
        if count > 0 {
            tracing::warn!(%company, count, "somebody keeps memberships locked: they are changed as soon as they are free");
        }
        Ok(())
    }
}

#[async_trait]
impl MembershipChangeStore for SqlStore {
    async fn change_memberships_left(&self, limit: i64) -> Result<u64, StoreError> {
        let any = "SELECT 1 AS found FROM membership_changes LIMIT 1";
        if self.database.fetch_optional(any, vec![]).await?.is_none() {
            return Ok(0);
        }
        let mut tx = self.database.begin().await?;
        let sql = "DELETE FROM membership_changes AS l
            WHERE NOT EXISTS (SELECT 1 FROM memberships AS m WHERE m.company_id = l.company_id AND m.user_id = l.user_id)";
        tx.execute(sql, vec![]).await?;
        let sql = format!(
            "SELECT l.company_id, l.user_id FROM membership_changes AS l
             JOIN memberships AS m ON m.company_id = l.company_id AND m.user_id = l.user_id
             ORDER BY l.company_id, l.user_id LIMIT $1{}",
            tx.dialect().for_update_skip_locked("l, m")
        );
        let rows = tx.fetch_all(&sql, bind![limit]).await?;
        // Who has no date of their own any more may have been passed over by a milestone or a flip, which went by it.
        let change = format!(
            "UPDATE memberships AS m SET
                 require_at = CASE WHEN {DATE_MOVES} THEN l.date_becomes ELSE m.require_at END,
                 exemption_told = CASE WHEN l.forgets_told THEN NULL ELSE m.exemption_told END,
                 reviewed = m.reviewed AND NOT l.reviews AND NOT ({DATE_MOVES} AND l.date_becomes IS NULL)
             FROM membership_changes AS l WHERE l.company_id = $1 AND l.user_id = $2 AND m.company_id = $1 AND m.user_id = $2"
        );
        // One by one: joined with all that is left, a batch would be gone through again and again.
        for row in &rows {
            let (company, user): (Id, Id) = (row.get("company_id")?, row.get("user_id")?);
            tx.execute(&change, bind![company, user]).await?;
            let sql = "DELETE FROM membership_changes WHERE company_id = $1 AND user_id = $2";
            tx.execute(sql, bind![company, user]).await?;
        }
        tx.commit().await?;
        Ok(rows.len() as u64)
    }
}
