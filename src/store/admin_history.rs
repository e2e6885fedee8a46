//! What admins were sent, and what they want to be sent.

use async_trait::async_trait;
use serde::Serialize;
use serde_json::json;

use super::audit::{self, NewEvent};
use super::exemptions::locked_membership;
use super::sql::{Row, Tx};
use super::values::bind;
use super::{SqlStore, StoreError};
use crate::domain::admin_mail::{AdminMailChoice, AdminMailKind, AdminSkipReason};
use crate::domain::ids::Id;
use crate::domain::notice::NoticeState;
use crate::domain::time::Timestamp;

/// A mail to an admin and what became of it.
#[derive(Clone, Debug, Serialize)]
pub struct AdminMailRecord {
    /// Its id, and the name of its `.eml` file.
    pub id: Id,
    /// What it says.
    pub kind: AdminMailKind,
    /// Where it stands.
    pub state: NoticeState,
    /// Why it was not sent.
    pub skip_reason: Option<AdminSkipReason>,
    /// When it is due.
    pub due_at: Timestamp,
    /// The admin.
    pub user_id: Id,
    /// The company.
    pub company_id: Id,
    /// The enforcement it is about.
    pub enforcement_id: Id,
    /// Where it went.
    pub address: Option<String>,
    /// When the mail server accepted it.
    pub sent_at: Option<Timestamp>,
    /// What the mail server, or whoever brought it back, said last.
    pub server_reply: Option<String>,
    /// Its Message-ID, one for all attempts.
    pub message_id: Option<String>,
    /// SHA-256 of the whole message as sent, in hexadecimal.
    pub content_sha256: Option<String>,
}

/// What admins were sent, and want to be sent.
#[async_trait]
pub trait AdminHistoryStore {
    /// Up to `limit` mails to admins after the one with the id `after`, in the order of ids.
    async fn admin_mails_page(&self, after: Option<Id>, limit: i64) -> Result<Vec<AdminMailRecord>, StoreError>;

    /// Sets what mail about a company's dates a member of it wants as an admin. Keys and `by` as in
    /// [`UserStore`](super::users::UserStore).
    async fn choose_admin_mail(
        &self,
        user: &str,
        company: &str,
        choice: AdminMailChoice,
        by: &str,
        now: Timestamp,
    ) -> Result<(), StoreError>;
}

#[async_trait]
impl AdminHistoryStore for SqlStore {
    async fn admin_mails_page(&self, after: Option<Id>, limit: i64) -> Result<Vec<AdminMailRecord>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM admin_mails WHERE id > $1 ORDER BY id LIMIT $2");
        let rows = self.database.fetch_all(&sql, bind![after.unwrap_or(Id::FIRST), limit]).await?;
        rows.iter().map(record).collect()
    }

    async fn choose_admin_mail(
        &self,
        user: &str,
        company: &str,
        choice: AdminMailChoice,
        by: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.database.begin().await?;
        let membership = locked_membership(&mut tx, user, company).await?;
        let (company_id, user_id) = (membership.company_id, membership.user.id);
        let sql = "UPDATE memberships SET admin_mail = $3 WHERE company_id = $1 AND user_id = $2 AND admin_mail <> $3";
        if tx.execute(sql, bind![company_id, user_id, choice.as_str()]).await? > 0 {
            let event = NewEvent {
                actor: by,
                action: "admin_mail_chosen",
                company_id: Some(company_id),
                subject: Some(user_id.to_string()),
                detail: json!({ "admin_mail": choice }),
            };
            audit::append(&mut tx, now, vec![event]).await?;
        }
        tx.commit().await
    }
}

const COLUMNS: &str =
    "id, kind, state, skip_reason, due_at, user_id, company_id, enforcement_id, address, sent_at, server_reply,
    message_id, content_sha256";

/// Every mail that a user was owed as an admin.
pub(super) async fn of_user(tx: &mut Tx, user_id: Id) -> Result<Vec<AdminMailRecord>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM admin_mails WHERE user_id = $1 ORDER BY due_at, id");
    tx.fetch_all(&sql, bind![user_id]).await?.iter().map(record).collect()
}

fn record(row: &Row) -> Result<AdminMailRecord, StoreError> {
    let skip_reason: Option<String> = row.get("skip_reason")?;
    Ok(AdminMailRecord {
        id: row.get("id")?,
        kind: row.name("kind")?,
        state: row.name("state")?,
        skip_reason: skip_reason.map(|name| name.parse().map_err(StoreError::Corrupt)).transpose()?,
        due_at: row.get("due_at")?,
        user_id: row.get("user_id")?,
        company_id: row.get("company_id")?,
        enforcement_id: row.get("enforcement_id")?,
        address: row.text("address")?,
        sent_at: row.get("sent_at")?,
        server_reply: row.text("server_reply")?,
        message_id: row.get("message_id")?,
        content_sha256: row.get("content_sha256")?,
    })
}
