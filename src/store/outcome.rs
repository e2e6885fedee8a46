//! Task `deliver`, second half: what became of the mails of a claim, fenced by the claim.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use super::audit::{self, NewEvent};
use super::batch::{Batch, Cells};
use super::dialect::ColumnType;
use super::requirements::{id_batch, id_rows};
use super::sql::Tx;
use super::values::{Ids, bind};
use super::{SqlStore, StoreError};
use crate::domain::audit::sha256_hex;
use crate::domain::ids::Id;
use crate::domain::notice::NoticeKind;
use crate::domain::time::Timestamp;

/// What became of one mail.
#[derive(Clone, Debug)]
pub struct MailOutcome {
    /// The mail.
    pub mail_id: Id,
    /// Which attempt it was: 1, 2, …
    pub attempt: i64,
    /// When it was known.
    pub at: Timestamp,
    /// SHA-256 of the message, in hexadecimal, if one was built.
    pub content_sha256: Option<String>,
    /// What the server answered, or what went wrong.
    pub reply: String,
    /// What follows.
    pub result: MailResult,
}

/// What follows from an attempt to send a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailResult {
    /// Accepted by the server.
    Sent,
    /// Refused for good.
    Failed {
        /// Whether an earlier attempt may have reached the reader.
        maybe_received: bool,
    },
    /// To be tried again at `next_attempt_at`.
    Deferred {
        /// When.
        next_attempt_at: Timestamp,
        /// Whether this attempt, or an earlier one, may have reached the reader.
        maybe_received: bool,
        /// Whether it was refused for its own sake: no other mail need have been.
        refused: bool,
    },
    /// Not begun: as if it had never been claimed.
    Released {
        /// When it may be claimed again; none: when it might have been before.
        next_attempt_at: Option<Timestamp>,
        /// Whether an earlier attempt may have reached the reader.
        maybe_received: bool,
    },
}

/// Recording outcomes.
#[async_trait]
pub trait OutcomeStore {
    /// Records what became of mails of `claim`. What another claim has taken over since is left alone.
    ///
    /// Returns how many notices of each kind were sent.
    async fn record_outcomes(
        &self,
        claim: Id,
        now: Timestamp,
        outcomes: &[MailOutcome],
    ) -> Result<BTreeMap<NoticeKind, u64>, StoreError>;
}

#[async_trait]
impl OutcomeStore for SqlStore {
    async fn record_outcomes(
        &self,
        claim: Id,
        now: Timestamp,
        outcomes: &[MailOutcome],
    ) -> Result<BTreeMap<NoticeKind, u64>, StoreError> {
        let mut tx = self.database.begin().await?;
        tx.expect_batches().await?;
        let batch = outcome_batch(outcomes);
        let carried = record_notices(&mut tx, claim, batch.clone()).await?;
        record_mails(&mut tx, batch, id_batch(carried.keys().copied())).await?;
        self.record_refusals(&mut tx, outcomes, &carried).await?;
        let mut sent = BTreeMap::new();
        let mut events = Vec::new();
        for (action, is_sent) in [("notices_sent", true), ("notices_failed", false)] {
            let wanted = |result| match result {
                MailResult::Sent => is_sent,
                MailResult::Failed { .. } => !is_sent,
                MailResult::Deferred { .. } | MailResult::Released { .. } => false,
            };
            let done: Vec<&MailOutcome> =
                outcomes.iter().filter(|one| wanted(one.result) && carried.contains_key(&one.mail_id)).collect();
            let kinds = count_kinds(&done, &carried);
            if kinds.is_empty() {
                continue;
            }
            let lines =
                done.iter().map(|one| format!("{} {}", one.mail_id, one.content_sha256.as_deref().unwrap_or("-")));
            let detail = json!({ "mails": done.len(), "kinds": kinds, "sha256": sha256_hex(lines) });
            events.push(NewEvent { actor: "daemon", action, company_id: None, subject: None, detail });
            if is_sent {
                sent = kinds;
            }
        }
        audit::append(&mut tx, now, events).await?;
        tx.commit().await?;
        Ok(sent)
    }
}

impl SqlStore {
    /// Keeps what was said at attempts that came to nothing; the last answer stands with the mail itself.
    async fn record_refusals(
        &self,
        tx: &mut Tx,
        outcomes: &[MailOutcome],
        carried: &BTreeMap<Id, Vec<NoticeKind>>,
    ) -> Result<(), StoreError> {
        let refusals: Vec<Json> = outcomes
            .iter()
            .filter(|outcome| carried.contains_key(&outcome.mail_id))
            .filter_map(|outcome| {
                let name = match outcome.result {
                    MailResult::Deferred { refused: true, .. } => "deferred",
                    MailResult::Deferred { refused: false, .. } => "not_sent",
                    MailResult::Failed { .. } => "failed",
                    MailResult::Sent | MailResult::Released { .. } => return None,
                };
                Some(json!({
                    "id": self.randomness.id(outcome.at), "mail_id": outcome.mail_id, "at": outcome.at,
                    "attempt": outcome.attempt, "outcome": name, "reply": outcome.reply,
                }))
            })
            .collect();
        if refusals.is_empty() {
            return Ok(());
        }
        let columns = [
            ("id", ColumnType::Id),
            ("mail_id", ColumnType::Id),
            ("at", ColumnType::Instant),
            ("attempt", ColumnType::Int),
            ("outcome", ColumnType::Text),
            ("reply", ColumnType::Text),
        ];
        let sql = format!(
            "INSERT INTO mail_history (id, mail_id, at, attempt, outcome, reply)
             SELECT id, mail_id, at, attempt, outcome, reply FROM {}",
            tx.dialect().rows(1, "batch", &columns)
        );
        tx.execute(&sql, bind![Json::from(refusals)]).await.map(drop)
    }
}

/// What is stored of each outcome.
fn outcome_batch(outcomes: &[MailOutcome]) -> Batch {
    let states = |state: fn(MailResult) -> &'static str| Cells::texts(outcomes.iter().map(|one| state(one.result)));
    let sent = |one: &MailOutcome| (one.result == MailResult::Sent).then_some(one.at);
    Batch::new([
        ("id", Cells::Ids(outcomes.iter().map(|one| one.mail_id).collect())),
        ("notice_state", states(MailResult::notice_state)),
        ("mail_state", states(MailResult::mail_state)),
        ("next_attempt_at", Cells::Instants(outcomes.iter().map(|one| one.result.next_attempt_at()).collect())),
        ("undone", Cells::Ints(outcomes.iter().map(|one| one.result.undone()).collect())),
        ("maybe_received", Cells::Bools(outcomes.iter().map(|one| one.result.maybe_received()).collect())),
        ("sent_at", Cells::Instants(outcomes.iter().map(sent).collect())),
        ("reply", Cells::texts(outcomes.iter().map(|one| one.reply.as_str()))),
        ("content_sha256", Cells::Texts(outcomes.iter().map(|one| one.content_sha256.clone()).collect())),
    ])
}

impl MailResult {
    fn notice_state(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Failed { .. } => "failed",
            Self::Deferred { .. } | Self::Released { .. } => "pending",
        }
    }

    fn mail_state(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Failed { .. } => "failed",
            Self::Deferred { .. } | Self::Released { .. } => "deferred",
        }
    }

    fn next_attempt_at(self) -> Option<Timestamp> {
        match self {
            Self::Sent | Self::Failed { .. } => None,
            Self::Deferred { next_attempt_at, .. } => Some(next_attempt_at),
            Self::Released { next_attempt_at, .. } => next_attempt_at,
        }
    }

    /// How many attempts are taken back.
    fn undone(self) -> i64 {
        i64::from(matches!(self, Self::Released { .. }))
    }

    fn maybe_received(self) -> bool {
        match self {
            Self::Sent => true,
            Self::Failed { maybe_received }
            | Self::Deferred { maybe_received, .. }
            | Self::Released { maybe_received, .. } => maybe_received,
        }
    }
}

/// Records the outcome on the notices that the claim still holds; returns these, by mail.
///
/// They are found by their user; only what is being sent is claimed.
async fn record_notices(tx: &mut Tx, claim: Id, batch: Batch) -> Result<BTreeMap<Id, Vec<NoticeKind>>, StoreError> {
    let sql = format!(
        "UPDATE notices AS n SET state = batch.notice_state, claimed_by = NULL, claimed_until = NULL,
             next_attempt_at = COALESCE(batch.next_attempt_at, n.next_attempt_at), attempts = n.attempts - batch.undone
         FROM {} JOIN mails AS l ON l.id = batch.id
         WHERE n.user_id = l.user_id AND n.mail_id = l.id AND n.claimed_by = $1 RETURNING mail_id, kind",
        batch.table(tx.dialect(), 2)
    );
    let mut carried: BTreeMap<Id, Vec<NoticeKind>> = BTreeMap::new();
    for row in tx.fetch_all(&sql, bind![claim, batch]).await? {
        carried.entry(row.get("mail_id")?).or_default().push(row.name("kind")?);
    }
    Ok(carried)
}

/// Records the outcome on these of the batch's mails.
async fn record_mails(tx: &mut Tx, batch: Batch, held: Ids) -> Result<(), StoreError> {
    let sql = format!(
        "UPDATE mails AS l SET state = batch.mail_state, maybe_received = batch.maybe_received, sent_at = batch.sent_at,
             server_reply = CASE WHEN batch.undone = 1 THEN COALESCE(l.server_reply, batch.reply) ELSE batch.reply END,
             content_sha256 = COALESCE(batch.content_sha256, l.content_sha256)
         FROM {} WHERE l.id = batch.id AND batch.id IN (SELECT id FROM {})",
        batch.table(tx.dialect(), 2),
        id_rows(tx, 1)
    );
    tx.execute(&sql, bind![held, batch]).await.map(drop)
}

fn count_kinds(outcomes: &[&MailOutcome], carried: &BTreeMap<Id, Vec<NoticeKind>>) -> BTreeMap<NoticeKind, u64> {
    let mut kinds = BTreeMap::new();
    for kind in outcomes.iter().filter_map(|one| carried.get(&one.mail_id)).flatten() {
        *kinds.entry(*kind).or_default() += 1;
    }
    kinds
}
