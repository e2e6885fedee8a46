//! What came back: of a mail that the mail server had taken, and what that means for its notices and its address.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde_json::json;
use uuid::Uuid;

use super::audit::{self, NewEvent};
use super::sql::{Row, Tx};
use super::values::bind;
use super::{SqlStore, StoreError};
use crate::domain::bounce::{Bounce, BouncedMail, Verdict};
use crate::domain::ids::Id;
use crate::domain::time::Timestamp;

/// What recording a bounce came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// How many mails it was about: none, where it is about none of ours.
    pub mails: u64,
    /// How many notices did not reach their reader, as is known by it for the first time.
    pub notices: u64,
    /// How many users get no more mail at their address, since it.
    pub addresses: u64,
    /// Nothing was recorded: the mail is being sent, and its outcome comes first. To be said again later.
    pub too_soon: bool,
}

/// Recording what came back.
#[async_trait]
pub trait BounceStore {
    /// Records a bounce. Said twice, the second time changes nothing.
    async fn record_bounce(&self, bounce: &Bounce, now: Timestamp) -> Result<Recorded, StoreError>;
}

#[async_trait]
impl BounceStore for SqlStore {
    async fn record_bounce(&self, bounce: &Bounce, now: Timestamp) -> Result<Recorded, StoreError> {
        let mut tx = self.database.begin().await?;
        let mut recorded = Recorded::default();
        let mut events = Vec::new();
        let mails = bounced(&mut tx, &bounce.mail, now).await?;
        if mails.iter().any(|mail| !mail.is_over) {
            return Ok(Recorded { mails: mails.len() as u64, too_soon: true, ..recorded });
        }
        for mail in mails {
            recorded.mails += 1;
            let is_news = self.note(&mut tx, &mail, bounce, now).await?;
            if bounce.verdict == Verdict::Delayed {
                continue;
            }
            let notices = if is_news { fail(&mut tx, &mail, &bounce.reply, now).await? } else { 0 };
            let mut addresses = 0;
            if bounce.verdict == Verdict::NoSuchAddress {
                let sql = "UPDATE users SET email_status = 'bounced'
                    WHERE id = $1 AND lower(email) = lower($2) AND email_status <> 'bounced'";
                addresses = tx.execute(sql, bind![mail.user_id, mail.address.clone()]).await?;
            }
            if notices + addresses > 0 {
                let detail = json!({ "user_id": mail.user_id, "verdict": bounce.verdict, "notices": notices, "address_marked": addresses > 0 });
                events.push(NewEvent {
                    actor: "daemon",
                    action: "mail_bounced",
                    company_id: None,
                    subject: Some(mail.id.to_string()),
                    detail,
                });
            }
            recorded.notices += notices;
            recorded.addresses += addresses;
        }
        audit::append(&mut tx, now, events).await?;
        tx.commit().await?;
        Ok(recorded)
    }
}

/// A mail that came back.
struct Mail {
    id: Id,
    user_id: Id,
    address: String,
    sent_at: Option<Timestamp>,
    server_reply: String,
    /// Whether it is one of a company's admins', which carries no notices.
    is_admin: bool,
    /// Whether no attempt is under way: else its outcome is another's to record first.
    is_over: bool,
    /// Whether it has failed already, also by a bounce before.
    has_failed: bool,
}

/// No attempt at mail `l` is under way at `$2`: its outcome is recorded, or whoever was to record it has lost the claim.
const IS_OVER: &str = "(l.state <> 'sending' OR NOT EXISTS
    (SELECT 1 FROM notices AS n WHERE n.user_id = l.user_id AND n.mail_id = l.id AND n.state = 'sending' AND n.claimed_until >= $2))";

/// The mails that are meant, with their users' rows locked.
async fn bounced(tx: &mut Tx, which: &BouncedMail, now: Timestamp) -> Result<Vec<Mail>, StoreError> {
    let columns = "l.id, l.user_id, l.address, l.sent_at, l.server_reply, l.message_id, l.state";
    let mail = &format!("SELECT {columns}, {IS_OVER} AS over FROM mails AS l JOIN users AS u ON u.id = l.user_id");
    let admin_mail = &format!(
        "SELECT {columns}, (l.state <> 'sending' OR l.claimed_until < $2) AS over
         FROM admin_mails AS l JOIN users AS u ON u.id = l.user_id"
    );
    let lock = tx.dialect().for_update("u");
    let id = match which {
        BouncedMail::Id(id) => Some(*id),
        BouncedMail::MessageId(message_id) => id_in(message_id),
        BouncedMail::Address(address) => return last_to(tx, mail, admin_mail, address, now).await,
    };
    let Some(id) = id else { return Ok(Vec::new()) };
    for (sql, is_admin) in [(mail, false), (admin_mail, true)] {
        let row = tx.fetch_optional(&format!("{sql} WHERE l.id = $1{lock}"), bind![id, now]).await?;
        let Some(row) = row else { continue };
        let is_meant = match which {
            BouncedMail::MessageId(message_id) => row.text("message_id")?.as_ref() == Some(message_id),
            BouncedMail::Id(_) | BouncedMail::Address(_) => true,
        };
        return if is_meant { Ok(vec![read(&row, is_admin)?]) } else { Ok(Vec::new()) };
    }
    Ok(Vec::new())
}

/// The last mail to each user with this address, be it a notice's or an admin's: whoever names no mail means that one.
async fn last_to(
    tx: &mut Tx,
    mail: &str,
    admin_mail: &str,
    address: &str,
    now: Timestamp,
) -> Result<Vec<Mail>, StoreError> {
    let lock = tx.dialect().for_update("u");
    let mut last: BTreeMap<Id, (Timestamp, Mail)> = BTreeMap::new();
    for (sql, tried_at, last_of, is_admin) in [
        (
            mail,
            "l.attempted_at",
            "SELECT m.id FROM notices AS n JOIN mails AS m ON m.id = n.mail_id WHERE n.user_id = u.id
                 ORDER BY m.attempted_at DESC, m.id DESC LIMIT 1",
            false,
        ),
        (
            admin_mail,
            "COALESCE(l.sent_at, l.due_at)",
            "SELECT m.id FROM admin_mails AS m WHERE m.user_id = u.id AND m.address IS NOT NULL
                 ORDER BY COALESCE(m.sent_at, m.due_at) DESC, m.id DESC LIMIT 1",
            true,
        ),
    ] {
        let sql = format!(
            "{} WHERE lower(u.email) = lower($1) AND lower(l.address) = lower($1) AND l.id = ({last_of}) ORDER BY u.id{lock}",
            sql.replacen("SELECT ", &format!("SELECT {tried_at} AS tried_at, "), 1)
        );
        for row in tx.fetch_all(&sql, bind![address, now]).await? {
            let (tried_at, mail) = (row.get("tried_at")?, read(&row, is_admin)?);
            if last.get(&mail.user_id).is_none_or(|(earlier, _)| *earlier < tried_at) {
                last.insert(mail.user_id, (tried_at, mail));
            }
        }
    }
    Ok(last.into_values().map(|(_, mail)| mail).collect())
}

/// The id with which a Message-ID of ours begins.
fn id_in(message_id: &str) -> Option<Id> {
    let (id, _) = message_id.trim().strip_prefix('<')?.split_once('@')?;
    Uuid::try_parse(id).ok().map(Id)
}

fn read(row: &Row, is_admin: bool) -> Result<Mail, StoreError> {
    Ok(Mail {
        id: row.get("id")?,
        user_id: row.get("user_id")?,
        address: row.text("address")?.unwrap_or_default(),
        sent_at: row.get("sent_at")?,
        server_reply: row.text("server_reply")?.unwrap_or_default(),
        is_admin,
        is_over: row.get("over")?,
        has_failed: row.get::<String>("state")? == "failed",
    })
}

impl SqlStore {
    /// Writes down what was said, after what the mail server had said before; false where
    /// that stands there already, and the mail was not sent anew since.
    async fn note(&self, tx: &mut Tx, mail: &Mail, bounce: &Bounce, now: Timestamp) -> Result<bool, StoreError> {
        let verdict = bounce.verdict.as_str();
        let sql = "SELECT 1 AS found FROM mail_history
            WHERE mail_id = $1 AND outcome = $2 AND reply = $3 AND ($4 IS NULL OR at >= $4)";
        let values = bind![mail.id, verdict, bounce.reply.clone(), mail.sent_at];
        if tx.fetch_optional(sql, values).await?.is_some() {
            return Ok(false);
        }
        let sql = "INSERT INTO mail_history (id, mail_id, at, outcome, reply) VALUES ($1, $2, $3, $4, $5)";
        if let Some(sent_at) = mail.sent_at.filter(|_| bounce.verdict != Verdict::Delayed && !mail.has_failed) {
            let accepted = bind![self.randomness.id(now), mail.id, sent_at, "accepted", mail.server_reply.clone()];
            tx.execute(sql, accepted).await?;
        }
        let said = bind![self.randomness.id(now), mail.id, now, verdict, bounce.reply.clone()];
        tx.execute(sql, said).await?;
        Ok(true)
    }
}

/// Its reader has not got the mail, nor what it told them. Returns of how many notices that is known now.
async fn fail(tx: &mut Tx, mail: &Mail, reply: &str, now: Timestamp) -> Result<u64, StoreError> {
    if mail.is_admin {
        let sql = "UPDATE admin_mails SET state = 'failed', bounced_at = $2, server_reply = $3, claimed_by = NULL, claimed_until = NULL
             WHERE id = $1";
        return tx.execute(sql, bind![mail.id, now, reply]).await.map(|_| 0);
    }
    // By their reader: no index has the mail.
    let sql = "UPDATE notices SET state = 'failed', claimed_by = NULL, claimed_until = NULL WHERE user_id = $2 AND mail_id = $1
            AND (state IN ('sent', 'pending') OR state = 'sending' AND claimed_until < $3)";
    let notices = tx.execute(sql, bind![mail.id, mail.user_id, now]).await?;
    let sql =
        "UPDATE mails SET state = 'failed', maybe_received = false, bounced_at = $2, server_reply = $3 WHERE id = $1";
    tx.execute(sql, bind![mail.id, now, reply]).await?;
    // Where the address was corrected before this was known, it is due again at the new one.
    let sql = "UPDATE users SET reviewed = false WHERE id = $1 AND lower(email) <> lower($2)";
    tx.execute(sql, bind![mail.user_id, mail.address.clone()]).await?;
    Ok(notices)
}
