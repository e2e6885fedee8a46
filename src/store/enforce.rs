//! Task `enforce`: on the day, everybody who must be becomes required, in chunks that can be resumed.

use async_trait::async_trait;
use chrono::NaiveDate;
use futures::{StreamExt as _, stream};
use serde_json::json;

use super::audit;
use super::flip_chunk::{Chunk, last_of_chunk};
use super::predicate::{DATE_STANDS, FLIPPING};
use super::recheck::date_is_rechecked;
use super::reconcile::{close, event};
use super::safety;
use super::side_by_side::{Done, WHOLE_CHUNKS, side_by_side};
use super::sql::Tx;
use super::values::bind;
use super::{SqlStore, StoreError};
use crate::domain::ids::Id;
use crate::domain::notice::{EnforcementState, HoldReason, SkipReason};
use crate::domain::policy::Policy;
use crate::domain::safety::{Finding, hold};
use crate::domain::time::Timestamp;

/// What flipping one chunk came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flipped {
    /// How many users the enforcement newly requires.
    pub required: u64,
    /// Whether there are more members to go through.
    pub more: bool,
    /// Whether this chunk put the enforcement in force.
    pub began: bool,
    /// Why it was held instead, if it was.
    pub held: Option<HoldReason>,
    /// What somebody keeps locked for longer than a lock is waited for.
    pub locked: Option<Locked>,
}

/// What was waited for in vain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locked {
    /// The enforcement: another daemon, or a review of its members, is at it, and nothing was done.
    Enforcement,
    /// Accounts, which were passed over.
    Accounts,
}

/// Flipping enforcements.
#[async_trait]
pub trait EnforceStore {
    /// Up to `limit` enforcements whose instant has come at `now`, or whose flip is not complete, be it begun by a clock that was
    /// ahead, with that instant: those after `after` in the order of instant and id.
    async fn due_flips(
        &self,
        now: Timestamp,
        after: Option<(Id, Timestamp)>,
        limit: i64,
    ) -> Result<Vec<(Id, Timestamp)>, StoreError>;

    /// Makes up to `limit` further members of an enforcement required. The first chunk puts it in force, and looks once
    /// more whether the date stands (R5), and whether anything speaks against it that is to hold it.
    async fn flip_chunk(
        &self,
        enforcement: Id,
        now: Timestamp,
        policy: &Policy,
        limit: i64,
    ) -> Result<Flipped, StoreError>;

    /// The same without accounts that somebody keeps locked: they are not waited for. They are required as soon as they are free,
    /// on a personal date that comes at once.
    async fn flip_chunk_of_free(
        &self,
        enforcement: Id,
        now: Timestamp,
        policy: &Policy,
        limit: i64,
    ) -> Result<Flipped, StoreError>;

    /// The same for as many chunks of a flip under way as are done together, several at the same time, where the database can
    /// do that. The last members of all are left to [`flip_chunk`](Self::flip_chunk).
    async fn flip_whole_chunks(
        &self,
        enforcement: Id,
        now: Timestamp,
        policy: &Policy,
        limit: i64,
    ) -> Result<Flipped, StoreError>;
}

#[async_trait]
impl EnforceStore for SqlStore {
    async fn due_flips(
        &self,
        now: Timestamp,
        after: Option<(Id, Timestamp)>,
        limit: i64,
    ) -> Result<Vec<(Id, Timestamp)>, StoreError> {
        let sql = format!(
            "SELECT id, enforce_at FROM (
             SELECT e.id, e.enforce_at FROM enforcements AS e JOIN companies AS c ON c.id = e.company_id
             WHERE e.state = 'scheduled' AND e.enforce_at <= $1 AND {DATE_STANDS}
             UNION ALL SELECT id, enforce_at FROM enforcements WHERE state = 'in_force' AND flipped_at IS NULL
             ) AS due WHERE $3 IS NULL OR enforce_at > $3 OR enforce_at = $3 AND id > $2
             ORDER BY enforce_at, id LIMIT $4"
        );
        let (after_id, after_at) = after.unzip();
        let rows = self.database.fetch_all(&sql, bind![now, after_id, after_at, limit]).await?;
        rows.iter().map(|row| Ok((row.get("id")?, row.get("enforce_at")?))).collect()
    }

    async fn flip_chunk(
        &self,
        enforcement: Id,
        now: Timestamp,
        policy: &Policy,
        limit: i64,
    ) -> Result<Flipped, StoreError> {
        self.flip_members(enforcement, now, policy, limit, Patience::Waits).await
    }

    async fn flip_chunk_of_free(
        &self,
        enforcement: Id,
        now: Timestamp,
        policy: &Policy,
        limit: i64,
    ) -> Result<Flipped, StoreError> {
        self.flip_members(enforcement, now, policy, limit, Patience::PassesOver).await
    }

    async fn flip_whole_chunks(
        &self,
        enforcement: Id,
        now: Timestamp,
        policy: &Policy,
        limit: i64,
    ) -> Result<Flipped, StoreError> {
        let Some((beside, _right)) = self.database.beside() else {
            return Ok(Flipped::default());
        };
        let mut tx = self.database.begin().await?;
        let chunks = Chunk::whole(&mut tx, enforcement, now, limit).await?;
        if chunks.is_empty() {
            tx.rollback().await?;
            return Ok(Flipped::default());
        }
        let flipping = stream::iter(chunks).map(|(chunk, last)| self.flip_beside(chunk, last, now, policy));
        let made = side_by_side(beside, flipping).await;
        let sql = "UPDATE enforcements SET flip_cursor = COALESCE($2, flip_cursor) WHERE id = $1";
        tx.execute(sql, bind![enforcement, made.cursor]).await?;
        tx.commit().await?;
        match made.failure {
            None => Ok(Flipped { required: made.rows, more: made.chunks == WHOLE_CHUNKS, ..Flipped::default() }),
            Some(error) if error.is_of_a_lock() => {
                let passed = self.pass_over_locked(enforcement, now, policy, limit, &error).await?;
                Ok(Flipped { required: made.rows + passed.required, ..passed })
            }
            Some(error) => Err(error),
        }
    }
}

impl SqlStore {
    /// Flips the next chunk without the accounts that somebody keeps locked, as `error` has told.
    async fn pass_over_locked(
        &self,
        enforcement: Id,
        now: Timestamp,
        policy: &Policy,
        limit: i64,
        error: &StoreError,
    ) -> Result<Flipped, StoreError> {
        tracing::warn!(%enforcement, %error, "somebody keeps an account locked: the others are required without it");
        let flipped = Box::pin(self.flip_members(enforcement, now, policy, limit, Patience::PassesOver)).await?;
        Ok(Flipped { locked: flipped.locked.or(Some(Locked::Accounts)), ..flipped })
    }

    /// Requires the members of a chunk, the last of whom is `last`, in a transaction of its own, beside the one that holds the
    /// enforcement; none: the flip is over, or the company's row is being changed.
    ///
    /// It is kept from requiring on behalf of what is being reverted by a lock of its own: the other's goes when its connection
    /// breaks. Whom it requires is required once, whether or not the other comes to note how far it is.
    async fn flip_beside(&self, chunk: Chunk, last: Id, now: Timestamp, policy: &Policy) -> Result<Done, StoreError> {
        let mut tx = self.database.begin().await?;
        let sql = format!(
            "SELECT c.id FROM companies AS c JOIN enforcements AS e ON e.company_id = c.id
             WHERE e.id = $1 AND {FLIPPING} AND {}{}",
            tx.dialect().unless_awaited("companies", "c"),
            tx.dialect().for_share_skip_locked("c")
        );
        if tx.fetch_optional(&sql, bind![chunk.enforcement]).await?.is_none() {
            tx.rollback().await?;
            return Ok(None);
        }
        tx.expect_batches().await?;
        let new = chunk.require_members(&mut tx, now, policy, &[]).await?;
        if new.required > 0 {
            let mut detail = new.detail();
            detail["complete"] = false.into();
            let required = event("daemon", "users_required", chunk.company_id, chunk.enforcement, detail);
            audit::append(&mut tx, now, vec![required]).await?;
        }
        tx.commit().await?;
        Ok(Some((new.required, last)))
    }

    async fn flip_members(
        &self,
        enforcement: Id,
        now: Timestamp,
        policy: &Policy,
        limit: i64,
        patience: Patience,
    ) -> Result<Flipped, StoreError> {
        let mut tx = self.database.begin().await?;
        let flip = match Flip::begin(&mut tx, enforcement, now, policy).await {
            Err(error) if error.is_of_a_lock() => {
                return Ok(Flipped { locked: Some(Locked::Enforcement), ..Flipped::default() });
            }
            flip => flip?,
        };
        let Some(flip) = flip else {
            // At once: a company's row that is locked is passed over by who looks at it.
            tx.rollback().await?;
            return Ok(Flipped::default());
        };
        if let Some((reason, findings)) = flip.held {
            let detail = json!({ "reason": reason, "findings": findings });
            let held = event("daemon", "enforcement_held", flip.company_id, enforcement, detail);
            audit::append(&mut tx, now, vec![held]).await?;
            tx.commit().await?;
            return Ok(Flipped { held: Some(reason), ..Flipped::default() });
        }
        tx.expect_batches().await?;
        let last = last_of_chunk(&mut tx, flip.company_id, flip.cursor, limit).await?;
        let chunk = Chunk { enforcement, company_id: flip.company_id, after: flip.cursor, last };
        let stuck = match patience {
            Patience::Waits => Vec::new(),
            Patience::PassesOver => chunk.put_off_locked(&mut tx, now, policy).await?,
        };
        let new = match chunk.require_members(&mut tx, now, policy, &stuck).await {
            Err(error) if patience == Patience::Waits && error.is_of_a_lock() => {
                tx.rollback().await?;
                return self.pass_over_locked(enforcement, now, policy, limit, &error).await;
            }
            new => new?,
        };
        let is_complete = chunk.last.is_none();
        let flipped_at = is_complete.then_some(now);
        let sql = "UPDATE enforcements SET flip_cursor = COALESCE($2, flip_cursor), flipped_at = $3 WHERE id = $1";
        tx.execute(sql, bind![enforcement, last, flipped_at]).await?;
        let mut events = Vec::new();
        if let Some(replaced) = flip.replaced {
            events.push(event(
                "daemon",
                "enforcement_superseded",
                flip.company_id,
                replaced,
                json!({ "by": enforcement }),
            ));
        }
        if flip.began {
            events.push(event(
                "daemon",
                "enforcement_in_force",
                flip.company_id,
                enforcement,
                json!({ "enforce_at": flip.enforce_at }),
            ));
        }
        if new.required > 0 || is_complete {
            let mut detail = new.detail();
            detail["complete"] = is_complete.into();
            events.push(event("daemon", "users_required", flip.company_id, enforcement, detail));
        }
        audit::append(&mut tx, now, events).await?;
        tx.commit().await?;
        Ok(Flipped { required: new.required, more: last.is_some(), began: flip.began, ..Flipped::default() })
    }
}

/// Whether the enforcement's date is still the company's (R5), and its instant that of the rules of today (R3): a company that is yet
/// to be looked at again, or whose row says something that was not acted on, waits for that.
async fn date_stands(tx: &mut Tx, enforcement: Id) -> Result<bool, StoreError> {
    let sql = format!(
        "SELECT c.id FROM companies AS c JOIN enforcements AS e ON e.company_id = c.id WHERE e.id = $1 AND {DATE_STANDS}
             AND c.revision <= c.reconciled_revision AND {}",
        date_is_rechecked()
    );
    Ok(tx.fetch_optional(&sql, bind![enforcement]).await?.is_some())
}

/// What becomes of accounts that somebody keeps locked, on PostgreSQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Patience {
    /// They are waited for.
    Waits,
    /// They get a personal date that comes at once, and so are required as soon as they are free.
    PassesOver,
}

/// A flip under way, its enforcement locked.
struct Flip {
    company_id: Option<Id>,
    enforce_at: Timestamp,
    cursor: Option<Id>,
    began: bool,
    /// The enforcement that was in force before, if there was one.
    replaced: Option<Id>,
    /// Why it was held instead of put in force, if it was.
    held: Option<(HoldReason, Vec<Finding>)>,
}

impl Flip {
    /// Takes up the flip where it stands; none if there is nothing to do, or the company's row is being changed.
    ///
    /// Locks the company before its enforcement, as everybody does. The enforcement's lock is waited for: a review of its
    /// members holds it, and each has to see what the other did.
    async fn begin(tx: &mut Tx, enforcement: Id, now: Timestamp, policy: &Policy) -> Result<Option<Self>, StoreError> {
        let sql = format!(
            "SELECT c.id FROM companies AS c JOIN enforcements AS e ON e.company_id = c.id WHERE e.id = $1 AND {}{}",
            tx.dialect().unless_awaited("companies", "c"),
            tx.dialect().for_share_skip_locked("c")
        );
        let company_held = tx.fetch_optional(&sql, bind![enforcement]).await?.is_some();
        let sql = format!(
            "SELECT state, company_id, enforcement_date, enforce_at, flip_cursor, risk_accepted FROM enforcements AS e
             WHERE id = $1 AND ({FLIPPING} OR state = 'scheduled') AND enforce_at <= $2{}",
            tx.dialect().for_update("e")
        );
        let Some(row) = tx.fetch_optional(&sql, bind![enforcement, now]).await? else {
            return Ok(None);
        };
        let mut flip = Self {
            company_id: row.get("company_id")?,
            enforce_at: row.get("enforce_at")?,
            cursor: row.get("flip_cursor")?,
            began: row.name::<EnforcementState>("state")? == EnforcementState::Scheduled,
            replaced: None,
            held: None,
        };
        if flip.began {
            if !(company_held && date_stands(tx, enforcement).await?) {
                return Ok(None);
            }
            if !row.get::<bool>("risk_accepted")? {
                flip.hold_if_unsafe(tx, enforcement, row.get("enforcement_date")?, now, policy).await?;
            }
            if flip.held.is_none() {
                flip.put_in_force(tx, enforcement, now).await?;
            }
        }
        Ok(Some(flip))
    }

    /// Holds the enforcement if something speaks against the day that is to hold it.
    async fn hold_if_unsafe(
        &mut self,
        tx: &mut Tx,
        enforcement: Id,
        date: NaiveDate,
        now: Timestamp,
        policy: &Policy,
    ) -> Result<(), StoreError> {
        let Some(company) = self.company_id.filter(|_| policy.safety.may_hold()) else {
            return Ok(());
        };
        let findings = safety::findings(tx, company, date, now, policy).await?;
        if let Some(reason) = hold(&findings) {
            let sql = "UPDATE enforcements SET state = 'held', reason = $2, warning = $3 WHERE id = $1";
            tx.execute(sql, bind![enforcement, reason.as_str(), json!(findings)]).await?;
            self.held = Some((reason, findings));
        }
        Ok(())
    }

    /// Puts the enforcement in force in place of the company's earlier one.
    async fn put_in_force(&mut self, tx: &mut Tx, enforcement: Id, now: Timestamp) -> Result<(), StoreError> {
        let sql = "SELECT id FROM enforcements WHERE company_id = $1 AND state = 'in_force'";
        let replaced = tx.fetch_optional(sql, bind![self.company_id]).await?;
        self.replaced = replaced.map(|row| row.get("id")).transpose()?;
        if let Some(replaced) = self.replaced {
            close(tx, replaced, EnforcementState::Superseded, SkipReason::Superseded, now).await?;
        }
        tx.execute("UPDATE enforcements SET state = 'in_force' WHERE id = $1", bind![enforcement]).await?;
        // What was to be told beforehand is not told any more; pending, it would keep `now_required` from being claimed (R7).
        let sql = "UPDATE milestones SET state = 'dropped' WHERE enforcement_id = $1 AND state = 'pending'
            AND kind IN ('announcement', 'reminder', 'final_reminder')";
        tx.execute(sql, bind![enforcement]).await.map(drop)
    }
}
