//! Task `deliver`, first half: due notices are claimed under a lease, after rules R1, R2, R5 and R7 have spoken.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use chrono::{NaiveDate, TimeDelta};
use serde_json::json;

use super::audit::{self, NewEvent};
use super::batch::{Batch, Cells};
use super::claim_facts::{Claimable, DueNotice, Recipient};
use super::predicate::MAIL_RECEIVED;
use super::sql::Tx;
use super::values::bind;
use super::{SqlStore, StoreError};
use crate::domain::delivery::{self, Decision, EarlierMail};
use crate::domain::ids::Id;
use crate::domain::message::Message;
use crate::domain::notice::SkipReason;
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
    skipped: Vec<(Id, SkipReason)>,
    reasons: BTreeMap<&'static str, u64>,
    waiting: Vec<(Id, Timestamp)>,
    mails: Vec<(MailRow, ClaimedMail)>,
}

/// The columns of `mails` that a message does not hold.
struct MailRow {
    sent_day: NaiveDate,
    is_new: bool,
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
            self.skipped.push((*id, *reason));
            *self.reasons.entry(reason.as_str()).or_default() += 1;
        }
        self.waiting.extend(decision.wait.iter().copied());
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
        if !self.skipped.is_empty() {
            let batch = Batch::new([
                ("id", Cells::Ids(self.skipped.iter().map(|(id, _)| *id).collect())),
                ("reason", Cells::texts(self.skipped.iter().map(|(_, reason)| reason.as_str()))),
            ]);
            let sql = format!(
                "UPDATE notices AS n SET state = 'skipped', skip_reason = batch.reason, claimed_by = NULL, claimed_until = NULL,
                     mail_id = {MAIL_RECEIVED}
                 FROM {} WHERE n.id = batch.id",
                batch.table(tx.dialect(), 1)
            );
            tx.execute(&sql, bind![batch]).await?;
        }
        if !self.waiting.is_empty() {
            let batch = Batch::new([
                ("id", Cells::Ids(self.waiting.iter().map(|(id, _)| *id).collect())),
                ("until", Cells::Instants(self.waiting.iter().map(|(_, until)| Some(*until)).collect())),
            ]);
            let sql = format!(
                "UPDATE notices AS n SET state = 'pending', next_attempt_at = batch.until, claimed_by = NULL, claimed_until = NULL,
                     mail_id = {MAIL_RECEIVED}
                 FROM {} WHERE n.id = batch.id",
                batch.table(tx.dialect(), 1)
            );
            tx.execute(&sql, bind![batch]).await?;
        }
        self.store_mails(tx, terms).await
    }

    async fn store_mails(&self, tx: &mut Tx, terms: &ClaimTerms) -> Result<(), StoreError> {
        let (new, again): (Vec<_>, Vec<_>) = self.mails.iter().partition(|(row, _)| row.is_new);
        if !new.is_empty() {
            let locale = |mail: &ClaimedMail| mail.message.reader.locales.first().cloned().or(Some("en".to_owned()));
            let message_id =
                |mail: &ClaimedMail| Some(format!("<{}@{}>", mail.message.mail_id, terms.message_id_domain));
            let batch = Batch::new([
                ("id", Cells::Ids(new.iter().map(|(_, mail)| mail.message.mail_id).collect())),
                ("user_id", Cells::Ids(new.iter().map(|(_, mail)| mail.message.reader.user_id).collect())),
                ("address", Cells::texts(new.iter().map(|(_, mail)| mail.message.reader.address.as_str()))),
                ("locale", Cells::Texts(new.iter().map(|(_, mail)| locale(mail)).collect())),
                ("message_id", Cells::Texts(new.iter().map(|(_, mail)| message_id(mail)).collect())),
                ("sent_day", Cells::Dates(new.iter().map(|(row, _)| row.sent_day).collect())),
            ]);
            let sql = format!(
                "INSERT INTO mails (id, user_id, address, locale, message_id, state, maybe_received, sent_day, attempted_at)
                 SELECT id, user_id, address, locale, message_id, 'sending', true, sent_day, $1 FROM {}",
                batch.table(tx.dialect(), 2)
            );
            tx.execute(&sql, bind![self.now, batch]).await?;
        }
        if !again.is_empty() {
            let batch = Batch::new([
                ("id", Cells::Ids(again.iter().map(|(_, mail)| mail.message.mail_id).collect())),
                ("address", Cells::texts(again.iter().map(|(_, mail)| mail.message.reader.address.as_str()))),
                ("sent_day", Cells::Dates(again.iter().map(|(row, _)| row.sent_day).collect())),
            ]);
            let sql = format!(
                "UPDATE mails AS l SET state = 'sending', maybe_received = true, sent_day = batch.sent_day, attempted_at = $1,
                     bounced_at = NULL, address = batch.address FROM {} WHERE l.id = batch.id",
                batch.table(tx.dialect(), 2)
            );
            tx.execute(&sql, bind![self.now, batch]).await?;
        }
        let mails = self.mails.iter().map(|(_, mail)| &mail.message);
        let notices: Vec<_> =
            mails.flat_map(|message| message.notices.iter().map(|notice| (message.mail_id, notice))).collect();
        if !notices.is_empty() {
            let batch = Batch::new([
                ("id", Cells::Ids(notices.iter().map(|(_, notice)| notice.notice_id).collect())),
                ("kind", Cells::texts(notices.iter().map(|(_, notice)| notice.kind.as_str()))),
                ("mail_id", Cells::Ids(notices.iter().map(|(mail, _)| *mail).collect())),
                ("told_at", Cells::Instants(notices.iter().map(|(_, notice)| Some(notice.required_at)).collect())),
            ]);
            let sql = format!(
                "UPDATE notices AS n SET state = 'sending', claimed_by = $1, claimed_until = $2, attempts = n.attempts + 1,
                     mail_id = batch.mail_id, told_at = batch.told_at, kind = batch.kind FROM {} WHERE n.id = batch.id",
                batch.table(tx.dialect(), 3)
            );
            tx.execute(&sql, bind![self.id, self.until, batch]).await?;
        }
        Ok(())
    }

    fn events(&self) -> Vec<NewEvent<'static>> {
        if self.skipped.is_empty() {
            return Vec::new();
        }
        let line = |(id, reason): &(Id, SkipReason)| json!({ "id": id, "reason": reason }).to_string();
        let ids: BTreeSet<String> = self.skipped.iter().map(line).collect();
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
