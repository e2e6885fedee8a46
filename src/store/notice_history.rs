//! What was sent to whom and when, what was not and why, and what the mail server answered (R11).

use async_trait::async_trait;
use chrono::NaiveDate;
use serde::Serialize;

use super::sql::{Row, Tx};
use super::values::{Value, bind};
use super::{SqlStore, StoreError};
use crate::domain::ids::Id;
use crate::domain::notice::{NoticeKind, NoticeState, SkipReason};
use crate::domain::time::Timestamp;

/// A notice and what became of it.
#[derive(Clone, Debug, Serialize)]
pub struct NoticeRecord {
    /// Its id.
    pub id: Id,
    /// What it says.
    pub kind: NoticeKind,
    /// Where it stands.
    pub state: NoticeState,
    /// Why it was not sent.
    pub skip_reason: Option<SkipReason>,
    /// When it is due, in the reader's zone.
    pub due_at: Timestamp,
    /// Whose it is.
    pub user_id: Id,
    /// Where its mail went, or else where the user's would go now; none when the user was deleted before.
    pub email: Option<String>,
    /// The company; none for the payee mandate.
    pub company_id: Option<Id>,
    /// The enforcement it is about.
    pub enforcement_id: Id,
    /// When the mail server accepted its mail.
    pub sent_at: Option<Timestamp>,
    /// The mail that carries it.
    pub mail_id: Option<Id>,
    /// What the mail server answered last.
    pub server_reply: Option<String>,
}

/// A mail that carried a notice, as proof of what was sent.
#[derive(Clone, Debug, Serialize)]
pub struct MailRecord {
    /// Its id, and the name of its `.eml` file.
    pub id: Id,
    /// `sending`, `sent`, `deferred` or `failed`.
    pub state: String,
    /// Where it went.
    pub address: String,
    /// In which language.
    pub locale: String,
    /// Its Message-ID, one for all attempts.
    pub message_id: String,
    /// When it was tried last.
    pub attempted_at: Timestamp,
    /// SHA-256 of the whole message as sent, in hexadecimal.
    pub content_sha256: Option<String>,
    /// When it was known that it came back, after the mail server had taken it.
    pub bounced_at: Option<Timestamp>,
}

/// What was said about a mail at some time beside its last answer.
#[derive(Clone, Debug, Serialize)]
pub struct Said {
    /// When.
    pub at: Timestamp,
    /// At which attempt: 1, 2, …; none: it is not about an attempt of ours.
    pub attempt: Option<i64>,
    /// `deferred`, `failed` or `accepted` by the mail server, or `not_sent` to it; `no_such_address`, `refused` or `delayed` further on.
    pub outcome: String,
    /// What was said.
    pub reply: String,
}

/// One notice with everything about it.
#[derive(Clone, Debug, Serialize)]
pub struct NoticeDetail {
    /// The notice.
    #[serde(flatten)]
    pub record: NoticeRecord,
    /// The milestone it belongs to.
    pub milestone_id: Id,
    /// The date of its enforcement.
    pub enforcement_date: Option<NaiveDate>,
    /// How often sending it has begun.
    pub attempts: i64,
    /// When it is tried next, while it is pending.
    pub next_attempt_at: Timestamp,
    /// The mail that carries it.
    pub mail: Option<MailRecord>,
    /// What was said about that mail, and those that carried the notice before and failed, beside their last answers.
    pub history: Vec<Said>,
}

/// Which notices to read; everything that is given must hold.
#[derive(Clone, Debug, Default)]
pub struct NoticeFilter {
    /// About this company's enforcements.
    pub company_id: Option<Id>,
    /// To this user.
    pub user_id: Option<Id>,
    /// Of this kind.
    pub kind: Option<NoticeKind>,
    /// In this state.
    pub state: Option<NoticeState>,
}

/// Reading what was sent.
#[async_trait]
pub trait NoticeHistoryStore {
    /// Up to `limit` notices after the one with the id `after`, in the order of ids, which is about that in which they
    /// were made.
    async fn notices_page(
        &self,
        filter: &NoticeFilter,
        after: Option<Id>,
        limit: i64,
    ) -> Result<Vec<NoticeRecord>, StoreError>;

    /// The notice with this id, and everything about it.
    async fn notice(&self, id: Id) -> Result<NoticeDetail, StoreError>;
}

const COLUMNS: &str =
    "n.id, n.kind, n.state, n.skip_reason, n.due_at, n.user_id, COALESCE(m.address, u.email) AS email,
     e.company_id, n.enforcement_id, m.sent_at, n.mail_id, m.server_reply";

const TABLES: &str = "notices AS n
     LEFT JOIN enforcements AS e ON e.id = n.enforcement_id
     LEFT JOIN users AS u ON u.id = n.user_id
     LEFT JOIN mails AS m ON m.id = n.mail_id";

#[async_trait]
impl NoticeHistoryStore for SqlStore {
    async fn notices_page(
        &self,
        filter: &NoticeFilter,
        after: Option<Id>,
        limit: i64,
    ) -> Result<Vec<NoticeRecord>, StoreError> {
        // Only the conditions that are asked for, so that the databases can use an index for them.
        let mut conditions = vec!["n.id > $1".to_owned()];
        let mut values = bind![after.unwrap_or(Id(uuid::Uuid::nil())), limit];
        let mut require = |column: &str, value: Option<Value>| {
            if let Some(value) = value {
                values.push(value);
                conditions.push(format!("{column} = ${}", values.len()));
            }
        };
        require("e.company_id", filter.company_id.map(Value::from));
        require("n.user_id", filter.user_id.map(Value::from));
        require("n.kind", filter.kind.map(|kind| kind.as_str().into()));
        require("n.state", filter.state.map(|state| state.as_str().into()));
        let conditions = conditions.join(" AND ");
        let sql = format!("SELECT {COLUMNS} FROM {TABLES} WHERE {conditions} ORDER BY n.id LIMIT $2");
        self.database.fetch_all(&sql, values).await?.iter().map(record).collect()
    }

    async fn notice(&self, id: Id) -> Result<NoticeDetail, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS}, n.milestone_id, n.attempts, n.next_attempt_at, e.enforcement_date, m.state AS mail_state,
                 m.address, m.locale, m.message_id, m.attempted_at, m.content_sha256, m.bounced_at, n.failed_mails
             FROM {TABLES} WHERE n.id = $1"
        );
        match self.database.fetch_optional(&sql, bind![id]).await? {
            Some(row) => {
                let mut detail = detail(&row)?;
                let earlier: Option<String> = row.get("failed_mails")?;
                let earlier = earlier.iter().flat_map(|ids| ids.split(' ')).filter_map(|id| id.parse().ok());
                for mail in earlier.chain(detail.record.mail_id) {
                    let sql = "SELECT at, attempt, outcome, reply FROM mail_history WHERE mail_id = $1 ORDER BY at, id";
                    let rows = self.database.fetch_all(sql, bind![mail]).await?;
                    detail.history.extend(rows.iter().map(said).collect::<Result<Vec<_>, _>>()?);
                }
                Ok(detail)
            }
            None => Err(StoreError::NotFound(format!(
                "no notice has the id {id}: `mfa-enforcer notice list` shows all of them"
            ))),
        }
    }
}

/// Every notice that a user was owed, in the order of due times.
pub(super) async fn of_user(tx: &mut Tx, user_id: Id) -> Result<Vec<NoticeRecord>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM {TABLES} WHERE n.user_id = $1 ORDER BY n.due_at, n.id");
    tx.fetch_all(&sql, bind![user_id]).await?.iter().map(record).collect()
}

fn record(row: &Row) -> Result<NoticeRecord, StoreError> {
    let skip_reason: Option<String> = row.get("skip_reason")?;
    Ok(NoticeRecord {
        id: row.get("id")?,
        kind: row.name("kind")?,
        state: row.name("state")?,
        skip_reason: skip_reason.map(|name| name.parse().map_err(StoreError::Corrupt)).transpose()?,
        due_at: row.get("due_at")?,
        user_id: row.get("user_id")?,
        email: row.text("email")?,
        company_id: row.get("company_id")?,
        enforcement_id: row.get("enforcement_id")?,
        sent_at: row.get("sent_at")?,
        mail_id: row.get("mail_id")?,
        server_reply: row.text("server_reply")?,
    })
}

fn detail(row: &Row) -> Result<NoticeDetail, StoreError> {
    let record = record(row)?;
    // A mail's row may be gone by its retention while the notice still names it.
    let mail = match (record.mail_id, row.get::<Option<String>>("mail_state")?) {
        (Some(id), Some(state)) => Some(MailRecord {
            id,
            state,
            address: row.text("address")?.unwrap_or_default(),
            locale: row.text("locale")?.unwrap_or_default(),
            message_id: row.get("message_id")?,
            attempted_at: row.get("attempted_at")?,
            content_sha256: row.get("content_sha256")?,
            bounced_at: row.get("bounced_at")?,
        }),
        _ => None,
    };
    Ok(NoticeDetail {
        record,
        milestone_id: row.get("milestone_id")?,
        enforcement_date: row.get("enforcement_date")?,
        attempts: row.get("attempts")?,
        next_attempt_at: row.get("next_attempt_at")?,
        mail,
        history: Vec::new(),
    })
}

fn said(row: &Row) -> Result<Said, StoreError> {
    Ok(Said {
        at: row.get("at")?,
        attempt: row.get("attempt")?,
        outcome: row.get("outcome")?,
        reply: row.text("reply")?.unwrap_or_default(),
    })
}
