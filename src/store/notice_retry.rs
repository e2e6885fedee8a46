//! Trying again what could not be sent: on a person's word, and when an address has been corrected.

use async_trait::async_trait;
use serde::Serialize;
use serde_json::json;

use super::audit::{self, NewEvent};
use super::sql::Tx;
use super::values::{Ids, bind};
use super::{SqlStore, StoreError};
use crate::domain::admin_mail::AdminSkipReason;
use crate::domain::ids::Id;
use crate::domain::notice::{NoticeState, SkipReason};
use crate::domain::time::Timestamp;

/// Which notices to try again.
#[derive(Clone, Copy, Debug)]
pub enum Retry {
    /// This one, which has failed or was put off.
    One(Id),
    /// All that have failed, of a company, of a user, or of both.
    Failed {
        /// About this company's enforcements.
        company_id: Option<Id>,
        /// To this user.
        user_id: Option<Id>,
    },
}

/// What is tried again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Retried {
    /// How many notices are due at once.
    pub notices: u64,
    /// How many mails to admins are.
    pub admin_mails: u64,
    /// How many users get mail again, from whose address some came back.
    pub addresses: u64,
    /// The users whose notices were left alone: mail to their address came back.
    pub bounced: Vec<Id>,
}

/// Trying again.
#[async_trait]
pub trait NoticeRetryStore {
    /// Makes notices due at `now`, on the word of `by`. With `despite_bounce`, also to addresses from which mail came back.
    /// Whether each may go out is judged as with all others, when it is claimed.
    async fn retry_notices(
        &self,
        which: Retry,
        despite_bounce: bool,
        by: &str,
        now: Timestamp,
    ) -> Result<Retried, StoreError>;
}

#[async_trait]
impl NoticeRetryStore for SqlStore {
    async fn retry_notices(
        &self,
        which: Retry,
        despite_bounce: bool,
        by: &str,
        now: Timestamp,
    ) -> Result<Retried, StoreError> {
        let mut tx = self.database.begin().await?;
        let (condition, values): (String, _) = match which {
            Retry::One(id) => {
                check_one(&mut tx, id, now).await?;
                ("n.id = $1 AND n.state IN ('failed', 'pending') AND $2 IS NULL".to_owned(), bind![id, None::<Id>])
            }
            Retry::Failed { company_id, user_id } => (
                format!(
                    "n.state = 'failed' AND NOT {TOLD_SINCE} AND ($2 IS NULL OR n.user_id = $2)
                     AND ($1 IS NULL OR n.enforcement_id IN (SELECT id FROM enforcements WHERE company_id = $1))"
                ),
                bind![company_id, user_id],
            ),
        };
        let failed_admin_mails =
            "a.state = 'failed' AND ($1 IS NULL OR a.company_id = $1) AND ($2 IS NULL OR a.user_id = $2)";
        let of_admins = match which {
            Retry::One(_) => String::new(),
            Retry::Failed { .. } => format!(
                " UNION SELECT a.user_id FROM admin_mails AS a WHERE {failed_admin_mails}
                  UNION SELECT b.id FROM users AS b WHERE b.email_status = 'bounced' AND ($2 IS NULL OR b.id = $2)
                      AND ($1 IS NULL OR b.id IN (SELECT user_id FROM memberships WHERE company_id = $1))"
            ),
        };
        let sql = format!(
            "SELECT u.id, u.email_status = 'bounced' AS bounced FROM users AS u
             WHERE u.id IN (SELECT n.user_id FROM notices AS n WHERE {condition}{of_admins}) ORDER BY u.id{}",
            tx.dialect().for_update("u")
        );
        let (mut users, mut bounced) = (Vec::new(), Vec::new());
        for row in tx.fetch_all(&sql, values.clone()).await? {
            let into = if row.get("bounced")? && !despite_bounce { &mut bounced } else { &mut users };
            into.push(row.get::<Id>("id")?);
        }
        let mut notices: Vec<Id> = Vec::new();
        let (mut admin_mails, mut addresses) = (0, 0);
        for user in users {
            // Looked at as well: what was left out because mail came back is due again.
            let sql = "UPDATE users SET email_status = 'ok', reviewed = false WHERE id = $1 AND email_status <> 'ok'";
            addresses += tx.execute(sql, bind![user]).await?;
            let sql = format!(
                "UPDATE notices AS n SET state = 'pending', attempts = 0, next_attempt_at = $3, {NEW_MAIL}
                 WHERE {condition} AND n.user_id = $4 RETURNING id"
            );
            let values: Vec<_> = values.iter().take(2).cloned().chain(bind![now, user]).collect();
            if matches!(which, Retry::Failed { .. }) {
                let sql = format!(
                    "UPDATE admin_mails AS a SET state = 'pending', attempts = 0, next_attempt_at = $3
                     WHERE {failed_admin_mails} AND a.user_id = $4"
                );
                admin_mails += tx.execute(&sql, values.clone()).await?;
            }
            let rows = tx.fetch_all(&sql, values).await?;
            notices.extend(rows.iter().map(|row| row.get("id")).collect::<Result<Vec<Id>, _>>()?);
        }
        let events = notices.iter().map(|id| NewEvent {
            actor: by,
            action: "notice_retried",
            company_id: None,
            subject: Some(id.to_string()),
            detail: json!({ "despite_bounce": despite_bounce }),
        });
        audit::append(&mut tx, now, events.collect()).await?;
        tx.commit().await?;
        Ok(Retried { notices: notices.len() as u64, admin_mails, addresses, bounced })
    }
}

/// A later notice of the same enforcement reached the reader of notice `n`, who has nothing to learn from it.
const TOLD_SINCE: &str = "EXISTS (SELECT 1 FROM notices AS later WHERE later.user_id = n.user_id
    AND later.enforcement_id = n.enforcement_id AND later.due_at > n.due_at AND later.state = 'sent')";

/// A mail that has failed is over: another carries the notice, so that what is still said of the first means that alone.
const NEW_MAIL: &str = "mail_id = CASE WHEN state = 'failed' THEN NULL ELSE mail_id END, failed_mails = CASE
    WHEN state <> 'failed' OR mail_id IS NULL THEN failed_mails ELSE COALESCE(failed_mails || ' ', '') || CAST(mail_id AS text) END";

/// Whether there is something to try again about this notice.
async fn check_one(tx: &mut Tx, id: Id, now: Timestamp) -> Result<(), StoreError> {
    let sql = "SELECT state, skip_reason, due_at FROM notices WHERE id = $1";
    let Some(row) = tx.fetch_optional(sql, bind![id]).await? else {
        return Err(StoreError::NotFound(format!(
            "no notice has the id {id}: `mfa-enforcer notice list --state failed` shows what could not be sent"
        )));
    };
    let refused = |why: &str| Err(StoreError::Refused(format!("the notice {id} {why}: there is nothing to try again")));
    let due_at: Timestamp = row.get("due_at")?;
    match row.name("state")? {
        NoticeState::Pending if due_at > now => refused(&format!("goes out at {due_at}")),
        NoticeState::Failed | NoticeState::Pending => Ok(()),
        NoticeState::Sending => refused("is being sent"),
        NoticeState::Sent => refused("was sent, and its mail has not come back"),
        NoticeState::Skipped => {
            let reason: Option<String> = row.get("skip_reason")?;
            refused(&format!("was left out ({})", reason.unwrap_or_default()))
        }
    }
}

/// What could not be brought to users, of this batch of reviewed ones, at another address than they have now is due again
/// at `now`; so is what was left out because mail to it came back. Of several notices of one date the one that says most.
pub(super) async fn retry_corrected(tx: &mut Tx, users: &str, batch: &Ids, now: Timestamp) -> Result<u64, StoreError> {
    let undelivered = |n: &str| {
        format!(
            "({n}.state = 'failed' AND EXISTS (SELECT 1 FROM mails AS l
                 WHERE l.id = {n}.mail_id AND lower(l.address) <> lower(u.email))
             OR {n}.state = 'skipped' AND {n}.skip_reason = '{}')",
            SkipReason::Bounced
        )
    };
    let rank = |n: &str| {
        format!("(CASE WHEN {n}.kind IN ('reminder', 'final_reminder') THEN 0 ELSE 1 END, {n}.due_at, {n}.id)")
    };
    let sql = format!(
        "UPDATE notices SET state = 'pending', skip_reason = NULL, attempts = 0, next_attempt_at = $2, {NEW_MAIL} WHERE id IN (
             SELECT n.id FROM notices AS n JOIN users AS u ON u.id = n.user_id JOIN enforcements AS e ON e.id = n.enforcement_id
             WHERE n.user_id IN (SELECT id FROM {users}) AND u.email_status = 'ok' AND u.mfa_enrolled_at IS NULL
                 AND (e.state IN ('scheduled', 'in_force') OR n.kind = 'cancelled' AND e.state IN ('cancelled', 'reverted'))
                 AND {} AND NOT {TOLD_SINCE}
                 AND NOT EXISTS (SELECT 1 FROM notices AS better WHERE better.user_id = n.user_id
                     AND better.enforcement_id = n.enforcement_id AND {} AND {} > {}))",
        undelivered("n"),
        undelivered("better"),
        rank("better"),
        rank("n"),
    );
    let notices = tx.execute(&sql, bind![batch.clone(), now]).await?;
    let sql = format!(
        "UPDATE admin_mails SET state = 'pending', skip_reason = NULL, attempts = 0, next_attempt_at = $2 WHERE id IN (
             SELECT a.id FROM admin_mails AS a JOIN users AS u ON u.id = a.user_id
             WHERE a.user_id IN (SELECT id FROM {users}) AND u.email_status = 'ok'
                 AND (a.state = 'failed' AND lower(a.address) <> lower(u.email)
                     OR a.state = 'skipped' AND a.skip_reason = '{}'))",
        AdminSkipReason::Bounced
    );
    Ok(notices + tx.execute(&sql, bind![batch.clone(), now]).await?)
}
