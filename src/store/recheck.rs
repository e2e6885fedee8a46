//! Having rows looked at again when what they are judged by is not what it was: zone rules come with the binary, and settings with
//! a start. Rows that somebody keeps locked are not waited for, and not forgotten.

use async_trait::async_trait;

use super::daemon_state;
use super::dialect::Dialect;
use super::requirements::{id_batch, id_rows};
use super::sql::Tx;
use super::values::{Value, bind};
use super::{SqlStore, StoreError};

/// Having rows looked at again.
#[async_trait]
pub trait RecheckStore {
    /// Has every company with a scheduled enforcement looked at again if what dates are judged by is not what it was. Returns
    /// how many.
    ///
    /// Those whose rows somebody keeps locked are left to [`recheck_left`](Self::recheck_left); until then no flip of theirs
    /// begins (R3).
    async fn recheck_scheduled(&self, judged_by: &str) -> Result<u64, StoreError>;

    /// Has users who sign in by SSO looked at again, if the setting that leaves them out has changed. Returns how many; those
    /// whose rows somebody keeps locked are left to [`recheck_left`](Self::recheck_left).
    async fn recheck_sso_users(&self, leave_out: bool) -> Result<u64, StoreError>;

    /// The same for the rows that were left and are free by now. Returns how many.
    async fn recheck_left(&self) -> Result<u64, StoreError>;
}

/// Under which the companies are remembered whose dates are yet to be looked at again.
const COMPANIES_LEFT: &str = "companies_to_recheck";

/// The date of company `c` is not one that is yet to be looked at again, as its row was locked when the others were.
pub(super) fn date_is_rechecked() -> String {
    format!(
        "NOT EXISTS (SELECT 1 FROM daemon_state AS d
             WHERE d.key = '{COMPANIES_LEFT}' AND d.value LIKE '%' || CAST(c.id AS text) || '%')"
    )
}

/// Rows of a kind that can be looked at again.
struct Kind {
    table: &'static str,
    /// What has one looked at.
    mark: &'static str,
    /// Under which those are remembered that were left.
    left: &'static str,
}

const COMPANIES: Kind = Kind { table: "companies", mark: "reconciled_revision = revision - 1", left: COMPANIES_LEFT };

const USERS: Kind = Kind { table: "users", mark: "reviewed = false", left: "users_to_recheck" };

#[async_trait]
impl RecheckStore for SqlStore {
    async fn recheck_scheduled(&self, judged_by: &str) -> Result<u64, StoreError> {
        let mut tx = self.database.begin().await?;
        let before = remembered(&mut tx, "judged_by").await?;
        if before.is_some_and(|before| before == judged_by) {
            return Ok(0);
        }
        daemon_state::remember(&mut tx, "judged_by", judged_by).await?;
        let scheduled = "SELECT company_id FROM enforcements WHERE state = 'scheduled'";
        let count = COMPANIES.recheck(&mut tx, scheduled, vec![]).await?;
        tx.commit().await?;
        Ok(count)
    }

    async fn recheck_sso_users(&self, leave_out: bool) -> Result<u64, StoreError> {
        let setting = if leave_out { "leave_out" } else { "include" };
        let mut tx = self.database.begin().await?;
        let before = remembered(&mut tx, "sso_users").await?;
        if before.as_ref().is_some_and(|before| before == setting) {
            return Ok(0);
        }
        daemon_state::remember(&mut tx, "sso_users", setting).await?;
        let is_first = before.is_none();
        let count = if is_first { 0 } else { USERS.recheck(&mut tx, "SELECT id FROM users WHERE sso", vec![]).await? };
        tx.commit().await?;
        Ok(count)
    }

    async fn recheck_left(&self) -> Result<u64, StoreError> {
        let sql = "SELECT key FROM daemon_state WHERE key IN ($1, $2) AND value <> ''";
        let rows = self.database.fetch_all(sql, bind![COMPANIES.left, USERS.left]).await?;
        let kinds: Vec<String> = rows.iter().map(|row| row.get("key")).collect::<Result<_, _>>()?;
        let mut count = 0;
        for kind in [COMPANIES, USERS].iter().filter(|kind| kinds.iter().any(|key| key == kind.left)) {
            let mut tx = self.database.begin().await?;
            let left = remembered(&mut tx, kind.left).await?.unwrap_or_default();
            let left = id_batch(left.split(' ').filter_map(|id| id.parse().ok()));
            let rows = format!("SELECT id FROM {}", id_rows(&tx, 1));
            count += kind.recheck(&mut tx, &rows, bind![left]).await?;
            tx.commit().await?;
        }
        Ok(count)
    }
}

/// What is remembered under `key`, locked: of daemons that do this together one does it.
async fn remembered(tx: &mut Tx, key: &str) -> Result<Option<String>, StoreError> {
    let sql = format!("SELECT value FROM daemon_state AS d WHERE key = $1{}", tx.dialect().for_update("d"));
    tx.fetch_optional(&sql, bind![key]).await?.map(|row| row.get("value")).transpose()
}

impl Kind {
    /// Has those of these rows looked at again that nobody keeps locked, and remembers the others. Returns how many.
    async fn recheck(&self, tx: &mut Tx, rows: &str, values: Vec<Value>) -> Result<u64, StoreError> {
        let Self { table, mark, left } = self;
        if tx.dialect() == Dialect::Sqlite {
            return tx.execute(&format!("UPDATE {table} SET {mark} WHERE id IN ({rows})"), values).await;
        }
        let sql = format!(
            "WITH free AS MATERIALIZED (
                 SELECT t.id FROM {table} AS t WHERE t.id IN ({rows}){}
             ), marked AS (
                 UPDATE {table} SET {mark} WHERE id IN (SELECT id FROM free)
             )
             SELECT (SELECT count(*) FROM free) AS free, COALESCE(string_agg(CAST(t.id AS text), ' ' ORDER BY t.id), '') AS busy
             FROM {table} AS t WHERE t.id IN ({rows}) AND NOT EXISTS (SELECT 1 FROM free WHERE free.id = t.id)",
            tx.dialect().for_update_skip_locked("t")
        );
        let row = tx.fetch_optional(&sql, values).await?;
        let row = row.ok_or_else(|| StoreError::Corrupt("a count has no row".to_owned()))?;
        let (free, busy): (i64, String) = (row.get("free")?, row.get("busy")?);
        if !busy.is_empty() {
            let count = busy.split(' ').count();
            // Another daemon at its work, mostly.
            tracing::info!(
                table,
                count,
                "somebody keeps rows locked: they are looked at again as soon as they are free"
            );
        }
        if remembered(tx, left).await?.unwrap_or_default() != busy {
            daemon_state::remember(tx, left, &busy).await?;
        }
        Ok(free.unsigned_abs())
    }
}
