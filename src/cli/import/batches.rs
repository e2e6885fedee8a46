//! An import on its way: lines are read into batches, and several of these are stored at the same time.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use async_trait::async_trait;
use indicatif::ProgressBar;
use tokio::task::JoinHandle;

use super::keys::SeenKeys;
use super::records::{Record, Records};
use super::{Summary, columns};
use crate::cli::{CliError, Context, output};
use crate::domain::time::Timestamp;
use crate::store::import::{BadLine, BatchOutcome, CompanyLine, UserLine};
use crate::store::{Store, StoreError};

/// How many lines one transaction stores.
const BATCH: usize = 1000;

/// What a line of a file is read into.
#[async_trait]
pub(super) trait ImportLine: Sized + Send + 'static {
    /// The columns that the file may have.
    const COLUMNS: &'static [&'static str];

    /// Reads a record.
    fn read(record: &Record) -> Result<Self, String>;

    /// The vendor's key of what the line is about.
    fn external_id(&self) -> &str;

    /// What no other line of the file has.
    fn key(&self) -> Vec<&str>;

    /// Stores a batch.
    async fn store(store: &dyn Store, lines: Vec<Self>, by: &str, now: Timestamp) -> Result<BatchOutcome, StoreError>;
}

#[async_trait]
impl ImportLine for CompanyLine {
    const COLUMNS: &'static [&'static str] = columns::COMPANY_COLUMNS;

    fn read(record: &Record) -> Result<Self, String> {
        columns::company_line(record)
    }

    fn external_id(&self) -> &str {
        &self.external_id
    }

    fn key(&self) -> Vec<&str> {
        vec![&self.external_id]
    }

    async fn store(store: &dyn Store, lines: Vec<Self>, by: &str, now: Timestamp) -> Result<BatchOutcome, StoreError> {
        store.import_companies(lines, by, now).await
    }
}

#[async_trait]
impl ImportLine for UserLine {
    const COLUMNS: &'static [&'static str] = columns::USER_COLUMNS;

    fn read(record: &Record) -> Result<Self, String> {
        columns::user_line(record)
    }

    fn external_id(&self) -> &str {
        &self.external_id
    }

    fn key(&self) -> Vec<&str> {
        let company = self.membership.as_ref().map(|membership| membership.company.as_str());
        std::iter::once(self.external_id.as_str()).chain(company).collect()
    }

    async fn store(store: &dyn Store, lines: Vec<Self>, by: &str, now: Timestamp) -> Result<BatchOutcome, StoreError> {
        store.import_users(lines, by, now).await
    }
}

/// An import on its way.
pub(super) struct Import<'a> {
    pub(super) context: &'a Context,
    pub(super) by: Arc<str>,
    pub(super) name: String,
    pub(super) progress: ProgressBar,
    pub(super) summary: Summary,
    pub(super) keys: SeenKeys,
}

/// Lines that are stored together, and those among them that are bad.
struct Batch<L> {
    lines: Vec<L>,
    bad: Vec<BadLine>,
}

/// A batch that is being stored.
struct UnderWay {
    /// The external ids that it is about.
    about: HashSet<String>,
    /// What is yet to be reported: with the batch, so that it comes in the order of lines.
    bad: Vec<BadLine>,
    outcome: JoinHandle<Result<BatchOutcome, StoreError>>,
}

impl Import<'_> {
    /// Stores all records.
    pub(super) async fn all<L: ImportLine>(&mut self, records: Records) -> Result<(), CliError> {
        let mut under_way = VecDeque::new();
        let mut done = self.store::<L>(records, &mut under_way).await;
        // They go on whatever has failed, and what they have stored is to be told.
        for batch in under_way {
            done = done.and(self.conclude(batch).await);
        }
        done
    }

    async fn store<L: ImportLine>(
        &mut self,
        mut records: Records,
        under_way: &mut VecDeque<UnderWay>,
    ) -> Result<(), CliError> {
        let at_once = self.context.store.batches_at_once();
        while let Some(batch) = self.next_batch::<L>(&mut records)? {
            while under_way.len() >= at_once || under_way.iter().any(|other| other.shares_a_row_with(&batch)) {
                let Some(first) = under_way.pop_front() else { break };
                self.conclude(first).await?;
            }
            under_way.push_back(self.begin(batch));
        }
        Ok(())
    }

    /// Reads the next lines; none at the end of the file.
    fn next_batch<L: ImportLine>(&mut self, records: &mut Records) -> Result<Option<Batch<L>>, CliError> {
        let mut batch = Batch { lines: Vec::with_capacity(BATCH), bad: vec![] };
        while batch.lines.len() + batch.bad.len() < BATCH
            && let Some(record) = records.next_record()?
        {
            match self.read(record) {
                Ok(line) => batch.lines.push(line),
                Err(bad) => batch.bad.push(bad),
            }
        }
        let is_empty = batch.lines.is_empty() && batch.bad.is_empty();
        Ok(if is_empty { None } else { Some(batch) })
    }

    fn read<L: ImportLine>(&mut self, record: Result<Record, BadLine>) -> Result<L, BadLine> {
        self.summary.lines += 1;
        let record = record?;
        let bad = |reason| BadLine { line: record.line, reason };
        let line = L::read(&record).map_err(bad)?;
        match self.keys.first_line(&line.key(), record.line) {
            Some(first) => Err(bad(format!("line {first} has the same key: leave one of the two out"))),
            None => Ok(line),
        }
    }

    fn begin<L: ImportLine>(&self, batch: Batch<L>) -> UnderWay {
        let about = batch.lines.iter().map(|line| line.external_id().to_owned()).collect();
        let (store, by, now) = (Arc::clone(&self.context.store), Arc::clone(&self.by), self.context.now());
        let outcome = tokio::spawn(async move { L::store(&*store, batch.lines, &by, now).await });
        UnderWay { about, bad: batch.bad, outcome }
    }

    /// Waits for a batch, counts it and reports its bad lines, in order.
    async fn conclude(&mut self, batch: UnderWay) -> Result<(), CliError> {
        let outcome =
            batch.outcome.await.map_err(|error| CliError::Failed(format!("a batch ended early: {error}")))??;
        self.summary.added += outcome.added;
        self.summary.changed += outcome.changed;
        self.summary.unchanged += outcome.unchanged;
        let mut bad = batch.bad;
        bad.extend(outcome.bad);
        bad.sort_by_key(|bad| bad.line);
        self.summary.bad += u64::try_from(bad.len()).unwrap_or(u64::MAX);
        self.progress.suspend(|| {
            for BadLine { line, reason } in &bad {
                output::say(&format!("{}:{line}: {reason}", self.name));
            }
        });
        self.progress.set_message(format!("{} lines", self.summary.lines));
        Ok(())
    }
}

impl UnderWay {
    /// Whether both are about one company or user.
    fn shares_a_row_with<L: ImportLine>(&self, batch: &Batch<L>) -> bool {
        batch.lines.iter().any(|line| self.about.contains(line.external_id()))
    }
}
