//! Task `deliver`, first half: due notices are claimed under a lease, after rules R1, R2, R5 and R7 have spoken.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use chrono::{NaiveDate, TimeDelta};
use serde::Serialize;
use serde_json::{Value as Json, json};

use super::audit::{self, NewEvent};
use super::claim_facts::{Claimable, DueNotice, Recipient};
use super::dialect::ColumnType;
use super::predicate::MAIL_RECEIVED;
use super::sql::Tx;
use super::values::{Rows, bind};
use super::{SqlStore, StoreError};
use crate::domain::delivery::{self, Decision, EarlierMail};
use crate::domain::ids::Id;
use crate::domain::message::Message;
use crate::domain::notice::NoticeKind;
use crate::domain::policy::Policy;
use crate::domain::time::Timestamp;

/// How to claim.
#[derive(Clone, Debug)]
pub struct ClaimTerms {
    /// How many due notices to look at.
    pub limit: i64,
    /// How long the claim holds.
    pub lease: TimeDelta,
    /// The right-hand side of Message-IDs: the sender's domain.
    pub message_id_domain: String,
}

/// A mail that this claim may send.
#[derive(Clone, Debug)]
pub struct ClaimedMail {
    /// What it says.
    pub message: Message,
    /// Whether an earlier attempt may have reached the reader.
    pub maybe_received: bool,
    /// Since when mail servers put it off for its own sake.
    pub refused_since: Option<Timestamp>,
    /// Since when its earliest notice is due.
    pub due_at: Timestamp,
    /// Which attempt this is: 1, 2, …
    pub attempt: i64,
}

/// What one claim came to.
#[derive(Clone, Debug, Default)]
pub struct Claim {
    /// Unique for each claim: fences its outcomes. None where nothing was due.
    pub id: Option<Id>,
    /// When it lapses.
    pub until: Option<Timestamp>,
    /// The mails to send.
    pub mails: Vec<ClaimedMail>,
    /// How many notices were skipped.
    pub skipped: u64,
    /// How many notices were put off.
    pub waiting: u64,
}

impl Claim {
    /// Whether there was anything to do: all that is due may be in the hands of another daemon, or of the vendor.
    #[must_use]
    pub fn found_work(&self) -> bool {
        !self.mails.is_empty() || self.skipped > 0 || self.waiting > 0
    }
}

/// Claiming due notices.
#[async_trait]
pub trait ClaimStore {
    /// Claims due notices, whole users at a time: what may not be sent is skipped or put off in the same transaction.
    async fn claim(&self, terms: &ClaimTerms, now: Timestamp, policy: &Policy) -> Result<Claim, StoreError>;
}

#[async_trait]
impl ClaimStore for SqlStore {
    async fn claim(&self, terms: &ClaimTerms, now: Timestamp, policy: &Policy) -> Result<Claim, StoreError> {
        let mut tx = self.database.begin().await?;
        let Some(claimable) = Claimable::lock(&mut tx, now, terms.limit).await? else {
            return Ok(Claim::default());
        };
        tx.expect_batches().await?;
        let recipients = claimable.recipients(&mut tx, now).await?;
        let mut work = Work::new(self.randomness.id(now), now, terms.lease);
        for recipient in recipients {
            let decision = recipient.decide(now, policy);
            work.put_aside(&decision);
            if !decision.send.is_empty() {
                let mail_id = decision.mail.map_or_else(|| self.randomness.id(now), |mail| mail.id);
                work.take(&recipient, &decision, mail_id, policy);
            }
        }
        work.store(&mut tx, terms).await?;
        let skipped = work.skipped.len() as u64;
        audit::append(&mut tx, now, work.events()).await?;
        tx.commit().await?;
        Ok(Claim {
            id: Some(work.id),
            until: Some(work.until),
            skipped,
            waiting: work.waiting.len() as u64,
            mails: work.mails.into_iter().map(|(_, mail)| mail).collect(),
        })
    }
}

/// What a claim is about to write.
struct Work {
    now: Timestamp,
    id: Id,
    until: Timestamp,
    skipped: Vec<Json>,
    reasons: BTreeMap<&'static str, u64>,
    waiting: Vec<Json>,
    mails: Vec<(MailRow, ClaimedMail)>,
}

/// The columns of `mails` that a message does not hold.
struct MailRow {
    sent_day: NaiveDate,
    is_new: bool,
}

/// What is stored of a mail.
#[derive(Serialize)]
struct StoredMail<'a> {
    id: Id,
    user_id: Id,
    address: &'a str,
    locale: &'a str,
    message_id: String,
    sent_day: NaiveDate,
}

/// What is stored of a notice that a mail carries.
#[derive(Serialize)]
struct StoredNotice {
    id: Id,
    kind: NoticeKind,
    mail_id: Id,
    told_at: Timestamp,
}

impl Work {
    fn new(id: Id, now: Timestamp, lease: TimeDelta) -> Self {
        Self {
            now,
            id,
            until: now.plus(lease),
            skipped: Vec::new(),
            reasons: BTreeMap::new(),
            waiting: Vec::new(),
            mails: Vec::new(),
        }
    }

    fn put_aside(&mut self, decision: &Decision) {
        for (id, reason) in &decision.skip {
            self.skipped.push(json!({ "id": id, "reason": reason }));
            *self.reasons.entry(reason.as_str()).or_default() += 1;
        }
        self.waiting.extend(decision.wait.iter().map(|(id, until)| json!({ "id": id, "until": until })));
    }

    fn take(&mut self, recipient: &Recipient, decision: &Decision, mail_id: Id, policy: &Policy) {
        let notices: Vec<&DueNotice> =
            recipient.notices.iter().filter(|notice| decision.send.contains(&notice.facts.id)).collect();
        let Some(due_at) = notices.iter().map(|notice| notice.facts.due_at).min() else { return };
        let attempt = notices.iter().map(|notice| notice.attempts).max().unwrap_or(0) + 1;
        let message = recipient.message(mail_id, &notices, self.now, policy);
        let row = MailRow { sent_day: self.now.date_in(recipient.zone), is_new: decision.mail.is_none() };
        let maybe_received = decision.mail.is_some_and(|mail: EarlierMail| mail.maybe_received);
        let refused_since = notices.iter().filter_map(|notice| notice.refused_since).min();
        self.mails.push((row, ClaimedMail { message, maybe_received, refused_since, due_at, attempt }));
    }

    async fn store(&self, tx: &mut Tx, terms: &ClaimTerms) -> Result<(), StoreError> {
        let text_rows =
            |tx: &Tx, column, kind| tx.dialect().rows(1, "batch", &[("id", ColumnType::Id), (column, kind)]);
        if !self.skipped.is_empty() {
            let sql = format!(
                "UPDATE notices AS n SET state = 'skipped', skip_reason = batch.reason, claimed_by = NULL, claimed_until = NULL,
                     mail_id = {MAIL_RECEIVED}
                 FROM {} WHERE n.id = batch.id",
                text_rows(tx, "reason", ColumnType::Text)
            );
            tx.execute(&sql, bind![Rows::of(&self.skipped)?]).await?;
        }
        if !self.waiting.is_empty() {
            let sql = format!(
                "UPDATE notices AS n SET state = 'pending', next_attempt_at = batch.until, claimed_by = NULL, claimed_until = NULL,
                     mail_id = {MAIL_RECEIVED}
                 FROM {} WHERE n.id = batch.id",
                text_rows(tx, "until", ColumnType::Instant)
            );
            tx.execute(&sql, bind![Rows::of(&self.waiting)?]).await?;
        }
        self.store_mails(tx, terms).await
    }

    async fn store_mails(&self, tx: &mut Tx, terms: &ClaimTerms) -> Result<(), StoreError> {
        let (mut new, mut again, mut notices) = (Vec::new(), Vec::new(), Vec::new());
        for (row, mail) in &self.mails {
            let (id, reader) = (mail.message.mail_id, &mail.message.reader);
            let locale = reader.locales.first().map_or("en", String::as_str);
            let message_id = format!("<{id}@{}>", terms.message_id_domain);
            let (user_id, address, sent_day) = (reader.user_id, reader.address.as_str(), row.sent_day);
            let stored = StoredMail { id, user_id, address, locale, message_id, sent_day };
            if row.is_new { &mut new } else { &mut again }.push(stored);
            notices.extend(mail.message.notices.iter().map(|one| StoredNotice {
                id: one.notice_id,
                kind: one.kind,
                mail_id: id,
                told_at: one.required_at,
            }));
        }
        let columns = [
            ("id", ColumnType::Id),
            ("user_id", ColumnType::Id),
            ("address", ColumnType::Text),
            ("locale", ColumnType::Text),
            ("message_id", ColumnType::Text),
            ("sent_day", ColumnType::Date),
        ];
        let rows = tx.dialect().rows(1, "batch", &columns);
        if !new.is_empty() {
            let sql = format!(
                "INSERT INTO mails (id, user_id, address, locale, message_id, state, maybe_received, sent_day, attempted_at)
                 SELECT id, user_id, address, locale, message_id, 'sending', true, sent_day, $2 FROM {rows}"
            );
            tx.execute(&sql, bind![Rows::of(&new)?, self.now]).await?;
        }
        if !again.is_empty() {
            let sql = format!(
                "UPDATE mails AS l SET state = 'sending', maybe_received = true, sent_day = batch.sent_day, attempted_at = $2,
                     bounced_at = NULL, address = batch.address FROM {rows} WHERE l.id = batch.id"
            );
            tx.execute(&sql, bind![Rows::of(&again)?, self.now]).await?;
        }
        if !notices.is_empty() {
            let rows = tx.dialect().rows(
                1,
                "batch",
                &[
                    ("id", ColumnType::Id),
                    ("kind", ColumnType::Text),
                    ("mail_id", ColumnType::Id),
                    ("told_at", ColumnType::Instant),
                ],
            );
            let sql = format!(
                "UPDATE notices AS n SET state = 'sending', claimed_by = $2, claimed_until = $3, attempts = n.attempts + 1,
                     mail_id = batch.mail_id, told_at = batch.told_at, kind = batch.kind FROM {rows} WHERE n.id = batch.id"
            );
            tx.execute(&sql, bind![Rows::of(&notices)?, self.id, self.until]).await?;
        }
        Ok(())
    }

    fn events(&self) -> Vec<NewEvent<'static>> {
        if self.skipped.is_empty() {
            return Vec::new();
        }
        let ids: BTreeSet<String> = self.skipped.iter().map(ToString::to_string).collect();
        let detail = json!({ "count": self.skipped.len(), "reasons": self.reasons, "sha256": crate::domain::audit::sha256_hex(ids) });
        vec![NewEvent { actor: "daemon", action: "notices_skipped", company_id: None, subject: None, detail }]
    }
}

impl Recipient {
    fn decide(&self, now: Timestamp, policy: &Policy) -> Decision {
        let facts: Vec<_> = self.notices.iter().map(|notice| notice.facts.clone()).collect();
        let today = now.date_in(self.zone);
        let mailed_today = self.mails.iter().filter(|mail| mail.is_of(today, self.zone)).map(|mail| mail.id);
        let mailed_today: Vec<Id> = mailed_today.collect();
        delivery::decide(self.user.as_ref().map(|user| &user.facts), &facts, &mailed_today, self.zone, now, policy)
    }
}
