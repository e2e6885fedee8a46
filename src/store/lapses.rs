//! Exemptions that end: the member is told beforehand, and looked at afterwards.

use async_trait::async_trait;
use serde_json::json;

use super::audit::{self, NewEvent};
use super::first_members::{Found, first_or_free};
use super::predicate::{
    ANNOUNCED_AT, DATE_STANDS, REQUIRED, REQUIRED_BEFORE, subject_but_for_exemption, told_at, told_date,
};
use super::requirements::id_rows;
use super::review::{Reviewed, read_governing, reader_zone};
use super::values::bind;
use super::{SqlStore, StoreError};
use crate::domain::delivery::LAPSE_NOTICE;
use crate::domain::ids::Id;
use crate::domain::policy::Policy;
use crate::domain::review::{self, ExemptFacts};
use crate::domain::time::Timestamp;

/// Exemptions that end.
#[async_trait]
pub trait LapseStore {
    /// Ends up to `limit` exemptions that have passed at `now`; what they covered is to be reviewed. Returns how many.
    async fn end_exemptions(&self, now: Timestamp, limit: i64) -> Result<u64, StoreError>;

    /// Tells up to `limit` exempt members whose exemption is about to lapse from when MFA will be required of them, once for
    /// each end that it has, and sets their personal date.
    async fn tell_exempt(&self, now: Timestamp, policy: &Policy, limit: i64) -> Result<Reviewed, StoreError>;
}

#[async_trait]
impl LapseStore for SqlStore {
    async fn end_exemptions(&self, now: Timestamp, limit: i64) -> Result<u64, StoreError> {
        let mut tx = self.database.begin().await?;
        let sql = format!(
            "SELECT company_id, user_id, exempt_until, exempt_reason FROM memberships AS m WHERE exempt_until <= $1
             ORDER BY exempt_until, company_id, user_id LIMIT $2{}",
            tx.dialect().for_update_skip_locked("m")
        );
        let mut events = Vec::new();
        for row in tx.fetch_all(&sql, bind![now, limit]).await? {
            let (company, user): (Id, Id) = (row.get("company_id")?, row.get("user_id")?);
            tx.execute(
                "UPDATE memberships SET exempt_until = NULL, exempt_reason = NULL, exempt_by = NULL, reviewed = false
                 WHERE company_id = $1 AND user_id = $2",
                bind![company, user],
            )
            .await?;
            let until: Timestamp = row.get("exempt_until")?;
            let reason = row.text("exempt_reason")?;
            let detail = json!({ "exempt_until": until, "reason": reason });
            events.push(NewEvent {
                actor: "daemon",
                action: "exemption_ended",
                company_id: Some(company),
                subject: Some(user.to_string()),
                detail,
            });
        }
        let count = events.len() as u64;
        audit::append(&mut tx, now, events).await?;
        tx.commit().await?;
        Ok(count)
    }

    async fn tell_exempt(&self, now: Timestamp, policy: &Policy, limit: i64) -> Result<Reviewed, StoreError> {
        first_or_free(|found| self.tell_exempt_found(now, policy, limit, found)).await
    }
}

impl SqlStore {
    /// None: all that were found are in somebody's hands, their own rows or their company's enforcement.
    async fn tell_exempt_found(
        &self,
        now: Timestamp,
        policy: &Policy,
        limit: i64,
        found: Found,
    ) -> Result<Option<Reviewed>, StoreError> {
        let soon = now.plus(LAPSE_NOTICE);
        let lapsing = lapsing();
        // No more than the index says, by which they are come to in order.
        let first = format!("SELECT m.company_id {lapsing} ORDER BY m.exempt_until LIMIT $4");
        let values = bind![now, soon, !policy.leave_out_sso, limit];
        let Some((mut tx, companies)) = self.hold_first(&first, values, found).await? else {
            return Ok(Some(Reviewed::default()));
        };
        let sql = format!(
            "SELECT m.company_id, m.user_id, m.exempt_until, m.require_at, u.time_zone AS user_zone, c.new_member_grace_days,
                 e.id AS enforcement_id, e.state, e.enforcement_date, e.enforce_at, e.planned_time_zone,
                 {told} AS told_date, {told_at} AS told_at, true AS more_to_come,
                 {ANNOUNCED_AT} AS announced_at
             {lapsing} AND m.company_id IN (SELECT id FROM {batch})
             ORDER BY m.exempt_until LIMIT $4{lock}",
            told = told_date(),
            told_at = told_at(),
            batch = id_rows(&tx, 5),
            lock = tx.dialect().for_update_skip_locked("m, u")
        );
        let rows = tx.fetch_all(&sql, bind![now, soon, !policy.leave_out_sso, limit, companies]).await?;
        if rows.is_empty() {
            tx.rollback().await?;
            return Ok(None);
        }
        let mut notices = 0;
        for row in &rows {
            let (company, user): (Id, Id) = (row.get("company_id")?, row.get("user_id")?);
            let (enforcement, governing) = (row.get("enforcement_id")?, read_governing(row, policy)?);
            let member = ExemptFacts {
                exempt_until: row.get("exempt_until")?,
                reader_zone: reader_zone(row, governing.zone)?,
                told_date: row.get("told_date")?,
                told_at: row.get("told_at")?,
                require_at: row.get("require_at")?,
            };
            let outcome = review::before_lapse(governing, &member, now, policy);
            let sql = "UPDATE memberships SET require_at = $3, exemption_told = exempt_until WHERE company_id = $1 AND user_id = $2";
            tx.execute(sql, bind![company, user, outcome.require_at]).await?;
            for (kind, due_at) in outcome.notices {
                notices += self.add_notice(&mut tx, enforcement, user, kind, due_at, now).await?;
            }
        }
        tx.commit().await?;
        Ok(Some(Reviewed { rows: rows.len() as u64, notices, ..Reviewed::default() }))
    }
}

/// Exempt members whose exemption lapses after `$1` and by `$2`, of which they were not told, and whom their company's
/// enforcement, which was announced by then, will require when it has. Settings as in [`subject`], at `$3`.
fn lapsing() -> String {
    format!(
        "FROM memberships AS m JOIN users AS u ON u.id = m.user_id JOIN companies AS c ON c.id = m.company_id
         JOIN enforcements AS e ON e.company_id = c.id AND e.state IN ('scheduled', 'in_force') AND {DATE_STANDS}
         WHERE m.exempt_until > $1 AND m.exempt_until <= $2 AND m.exemption_told IS DISTINCT FROM m.exempt_until
             AND m.reviewed AND u.reviewed AND c.revision <= c.reconciled_revision
             AND {} AND u.mfa_enrolled_at IS NULL AND NOT {REQUIRED} AND NOT {REQUIRED_BEFORE}
             AND EXISTS (SELECT 1 FROM milestones AS s WHERE s.enforcement_id = e.id AND s.kind = 'announcement'
                 AND s.due_at <= $1)",
        subject_but_for_exemption(3)
    )
}
