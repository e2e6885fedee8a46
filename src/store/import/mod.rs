//! Adding and changing many companies or users at once, by their external ids: one batch of lines, one transaction.

mod companies;
mod target;
mod users;

use std::collections::BTreeSet;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::json;

pub use self::companies::CompanyLine;
pub use self::users::{MembershipLine, Role, UserChange, UserKind, UserLine};
use super::audit::{self, NewEvent};
use super::sql::Tx;
use super::values::Rows;
use super::{SqlStore, StoreError};
use crate::domain::audit::sha256_hex;
use crate::domain::ids::Id;
use crate::domain::time::Timestamp;

/// A line of which nothing was stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BadLine {
    /// Its number, from 1.
    pub line: u64,
    /// Why.
    pub reason: String,
}

/// What became of a batch of lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BatchOutcome {
    /// How many lines added a row.
    pub added: u64,
    /// How many changed a row, and added none.
    pub changed: u64,
    /// How many said what was so already.
    pub unchanged: u64,
    /// The others.
    pub bad: Vec<BadLine>,
}

/// Use-cases that take many lines. `by` is the person on whose word it is done. Bad lines never stop the good ones.
#[async_trait]
pub trait ImportStore {
    /// How many batches get done sooner at the same time than one after the other. Batches about the same company or user
    /// must not be: two would add it.
    fn batches_at_once(&self) -> usize;

    /// Adds and changes companies. A date among the columns is set as by plain SQL: the daemon judges it.
    async fn import_companies(
        &self,
        lines: Vec<CompanyLine>,
        by: &str,
        now: Timestamp,
    ) -> Result<BatchOutcome, StoreError>;

    /// Adds and changes users and their memberships.
    async fn import_users(&self, lines: Vec<UserLine>, by: &str, now: Timestamp) -> Result<BatchOutcome, StoreError>;
}

#[async_trait]
impl ImportStore for SqlStore {
    fn batches_at_once(&self) -> usize {
        self.database.at_once()
    }

    async fn import_companies(
        &self,
        lines: Vec<CompanyLine>,
        by: &str,
        now: Timestamp,
    ) -> Result<BatchOutcome, StoreError> {
        companies::import(self, lines, by, now).await
    }

    async fn import_users(&self, lines: Vec<UserLine>, by: &str, now: Timestamp) -> Result<BatchOutcome, StoreError> {
        for _ in 1..TRIES {
            match users::import(self, lines.clone(), by, now).await {
                Err(error) if error.is_of_a_race() => {}
                done => return done,
            }
        }
        users::import(self, lines, by, now).await
    }
}

/// How often a batch is tried while the vendor's application adds or removes the same users.
const TRIES: usize = 5;

/// Ids for `count` new rows, in order: rows then stand in the order of their lines.
fn new_ids(store: &SqlStore, count: usize, now: Timestamp) -> impl Iterator<Item = Id> {
    let mut ids: Vec<Id> = (0..count).map(|_| store.randomness.id(now)).collect();
    ids.sort_unstable();
    ids.into_iter()
}

/// A key by which rows are looked up.
#[derive(Serialize)]
struct Key<'a> {
    external_id: &'a str,
}

/// The distinct keys among these, in order.
fn keys<'a>(external_ids: impl Iterator<Item = &'a str>) -> Result<Rows, StoreError> {
    let distinct: BTreeSet<&str> = external_ids.collect();
    Rows::of(&distinct.into_iter().map(|external_id| Key { external_id }).collect::<Vec<_>>())
}

/// What a line does to what is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Effect {
    Unchanged,
    Changed,
    Added,
}

impl BatchOutcome {
    fn count(&mut self, line: u64, effect: Result<Effect, String>) {
        match effect {
            Ok(Effect::Added) => self.added += 1,
            Ok(Effect::Changed) => self.changed += 1,
            Ok(Effect::Unchanged) => self.unchanged += 1,
            Err(reason) => self.bad.push(BadLine { line, reason }),
        }
    }
}

/// A row as it was before the batch, if it was, and as it is to be.
struct Planned<T> {
    before: Option<T>,
    after: T,
}

impl<T: PartialEq> Planned<T> {
    fn is_new(&self) -> bool {
        self.before.is_none()
    }

    fn is_changed(&self) -> bool {
        self.before.as_ref().is_some_and(|before| *before != self.after)
    }
}

/// Records a batch: counts, and a hash over the ids of the rows that were written, in order.
async fn record(
    tx: &mut Tx,
    action: &'static str,
    outcome: &BatchOutcome,
    mut written: Vec<String>,
    by: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    written.sort_unstable();
    let detail = json!({
        "added": outcome.added,
        "changed": outcome.changed,
        "unchanged": outcome.unchanged,
        "rows": written.len(),
        "rows_sha256": sha256_hex(&written),
    });
    audit::append(tx, now, vec![NewEvent { actor: by, action, company_id: None, subject: None, detail }]).await
}
