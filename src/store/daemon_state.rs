//! What a database remembers of its daemons: by which clock it was driven, and what its tasks did last.

use async_trait::async_trait;

use super::sql::{Pool, Tx};
use super::values::bind;
use super::{SqlStore, StoreError};
use crate::domain::time::Timestamp;

/// What one run of a task came to.
#[derive(Clone, Debug)]
pub struct TaskRun {
    /// The task's name.
    pub task: &'static str,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// What it did, or why it failed.
    pub outcome: Result<serde_json::Value, String>,
}

/// What a task did last, as `status` shows it.
#[derive(Clone, Debug, serde::Serialize)]
pub struct TaskStatus {
    /// The task's name.
    pub task: String,
    /// When its last run ended.
    pub finished_at: Timestamp,
    /// When it last succeeded.
    pub last_success_at: Option<Timestamp>,
    /// How often it has failed since.
    pub errors: i64,
    /// Why it failed last.
    pub last_error: Option<String>,
    /// What its last run did.
    pub report: serde_json::Value,
}

/// The database's memory of its daemons.
#[async_trait]
pub trait DaemonStateStore {
    /// Whether the database answers.
    async fn ping(&self) -> Result<(), StoreError>;

    /// What time it is on the database's machine; none where that is this one.
    async fn database_time(&self) -> Result<Option<Timestamp>, StoreError>;

    /// What was remembered under `key`.
    async fn remembered(&self, key: &str) -> Result<Option<String>, StoreError>;

    /// Remembers `value` under `key`.
    async fn remember(&self, key: &str, value: &str) -> Result<(), StoreError>;

    /// Records what one run of a task came to.
    async fn record_task_run(&self, run: &TaskRun) -> Result<(), StoreError>;

    /// What every task did last.
    async fn task_statuses(&self) -> Result<Vec<TaskStatus>, StoreError>;
}

pub(super) async fn remember(tx: &mut Tx, key: &str, value: &str) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO daemon_state (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        bind![key, value],
    )
    .await?;
    Ok(())
}

#[async_trait]
impl DaemonStateStore for SqlStore {
    async fn ping(&self) -> Result<(), StoreError> {
        self.database.fetch_all("SELECT id FROM audit_head", vec![]).await.map(drop)
    }

    async fn database_time(&self) -> Result<Option<Timestamp>, StoreError> {
        if let Pool::Sqlite(_) = self.database.pool() {
            return Ok(None);
        }
        let row = self.database.fetch_optional("SELECT clock_timestamp() AS shown", vec![]).await?;
        row.map(|row| row.get("shown")).transpose()
    }

    async fn remembered(&self, key: &str) -> Result<Option<String>, StoreError> {
        let row = self.database.fetch_optional("SELECT value FROM daemon_state WHERE key = $1", bind![key]).await?;
        row.map(|row| row.get("value")).transpose()
    }

    async fn remember(&self, key: &str, value: &str) -> Result<(), StoreError> {
        let mut tx = self.database.begin().await?;
        remember(&mut tx, key, value).await?;
        tx.commit().await
    }

    async fn record_task_run(&self, run: &TaskRun) -> Result<(), StoreError> {
        let mut tx = self.database.begin().await?;
        let (report, error) = match &run.outcome {
            Ok(report) => (report.clone(), None),
            Err(error) => (serde_json::json!({}), Some(error.clone())),
        };
        let succeeded = error.is_none().then_some(run.finished_at);
        tx.execute(
            "INSERT INTO task_runs (task, started_at, finished_at, last_success_at, errors, last_error, report)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (task) DO UPDATE SET started_at = excluded.started_at, finished_at = excluded.finished_at,
                 last_success_at = COALESCE(excluded.last_success_at, task_runs.last_success_at),
                 errors = CASE WHEN excluded.errors = 0 THEN 0 ELSE task_runs.errors + 1 END,
                 last_error = COALESCE(excluded.last_error, task_runs.last_error),
                 report = excluded.report",
            bind![run.task, run.started_at, run.finished_at, succeeded, i64::from(error.is_some()), error, report],
        )
        .await?;
        tx.commit().await
    }

    async fn task_statuses(&self) -> Result<Vec<TaskStatus>, StoreError> {
        let rows = self
            .database
            .fetch_all(
                "SELECT task, finished_at, last_success_at, errors, last_error, report FROM task_runs ORDER BY task",
                vec![],
            )
            .await?;
        rows.iter()
            .map(|row| {
                Ok(TaskStatus {
                    task: row.get("task")?,
                    finished_at: row.get("finished_at")?,
                    last_success_at: row.get("last_success_at")?,
                    errors: row.get("errors")?,
                    last_error: row.get("last_error")?,
                    report: row.get("report")?,
                })
            })
            .collect()
    }
}
