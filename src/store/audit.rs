//! The audit trail: written as the last statement of each transaction that did something, read and walked in order.

use async_trait::async_trait;
use serde_json::Value as Json;

use super::sql::{Row, Tx};
use super::values::bind;
use super::{SqlStore, StoreError};
use crate::domain::audit::AuditEvent;
use crate::domain::ids::Id;
use crate::domain::time::Timestamp;

/// What is to be recorded; the trail adds its place and hashes.
#[derive(Clone, Debug)]
pub struct NewEvent<'a> {
    /// Who.
    pub actor: &'a str,
    /// What was done.
    pub action: &'a str,
    /// The company it was done to, if one.
    pub company_id: Option<Id>,
    /// The id of what it was done to.
    pub subject: Option<String>,
    /// The particulars: ids, dates and counts, no names or addresses.
    pub detail: Json,
}

/// Appends events to the trail. To be called last in a transaction: it locks the head until the commit, so that several
/// daemons cannot fork the chain, and do not wait for each other longer than that.
pub(super) async fn append(tx: &mut Tx, at: Timestamp, events: Vec<NewEvent<'_>>) -> Result<(), StoreError> {
    if events.is_empty() {
        return Ok(());
    }
    let sql = format!("SELECT seq, hash FROM audit_head AS h WHERE id = 1{}", tx.dialect().for_update("h"));
    let head = tx.fetch_optional(&sql, vec![]).await?;
    let head = head.ok_or_else(|| StoreError::Corrupt("audit_head has no row".to_owned()))?;
    let (mut seq, mut hash) = (head.get::<i64>("seq")?, head.get::<String>("hash")?);
    for new in events {
        let mut event = AuditEvent {
            seq: seq + 1,
            at,
            actor: new.actor.to_owned(),
            action: new.action.to_owned(),
            company_id: new.company_id,
            subject: new.subject,
            detail: new.detail,
            prev_hash: hash,
            hash: String::new(),
        };
        event.hash = event.computed_hash();
        (seq, hash) = (event.seq, event.hash.clone());
        tx.execute(
            "INSERT INTO audit_events (seq, at, actor, action, company_id, subject, detail, prev_hash, hash)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            bind![
                event.seq,
                event.at,
                event.actor,
                event.action,
                event.company_id,
                event.subject,
                event.detail,
                event.prev_hash,
                event.hash
            ],
        )
        .await?;
    }
    tx.execute("UPDATE audit_head SET seq = $1, hash = $2 WHERE id = 1", bind![seq, hash]).await?;
    Ok(())
}

/// Which events to read.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Of this company only.
    pub company_id: Option<Id>,
    /// With this action only.
    pub action: Option<String>,
}

/// Reading the audit trail.
#[async_trait]
pub trait AuditStore {
    /// Up to `limit` events after place `after`, in order.
    async fn audit_page(&self, filter: &AuditFilter, after: i64, limit: i64) -> Result<Vec<AuditEvent>, StoreError>;

    /// The place and hash of the last event, as the head row says.
    async fn audit_head(&self) -> Result<(i64, String), StoreError>;
}

#[async_trait]
impl AuditStore for SqlStore {
    async fn audit_page(&self, filter: &AuditFilter, after: i64, limit: i64) -> Result<Vec<AuditEvent>, StoreError> {
        let rows = self
            .database
            .fetch_all(
                "SELECT seq, at, actor, action, company_id, subject, detail, prev_hash, hash FROM audit_events
                 WHERE seq > $1 AND ($2 IS NULL OR company_id = $2) AND ($3 IS NULL OR action = $3)
                 ORDER BY seq LIMIT $4",
                bind![after, filter.company_id, filter.action.clone(), limit],
            )
            .await?;
        rows.iter().map(event).collect()
    }

    async fn audit_head(&self) -> Result<(i64, String), StoreError> {
        let row = self.database.fetch_optional("SELECT seq, hash FROM audit_head WHERE id = 1", vec![]).await?;
        let row = row.ok_or_else(|| StoreError::Corrupt("audit_head has no row".to_owned()))?;
        Ok((row.get("seq")?, row.get("hash")?))
    }
}

fn event(row: &Row) -> Result<AuditEvent, StoreError> {
    Ok(AuditEvent {
        seq: row.get("seq")?,
        at: row.get("at")?,
        actor: row.get("actor")?,
        action: row.get("action")?,
        company_id: row.get("company_id")?,
        subject: row.get("subject")?,
        detail: row.get("detail")?,
        prev_hash: row.get("prev_hash")?,
        hash: row.get("hash")?,
    })
}
