//! What a database remembers of its daemons.

use mfa_enforcer::domain::time::Timestamp;
use mfa_enforcer::store::daemon_state::{DaemonStateStore as _, TaskRun};
use serde_json::json;

use crate::support::{TestDatabase, on_both};

on_both!(what_is_remembered_last_stands, a_task_keeps_its_last_success_and_counts_failures, each_task_has_its_own_row);

fn at(minute: u32) -> Timestamp {
    format!("2027-01-15T10:{minute:02}:00.123456Z").parse().unwrap()
}

fn run(task: &'static str, minute: u32, outcome: Result<serde_json::Value, String>) -> TaskRun {
    TaskRun { task, started_at: at(minute), finished_at: at(minute + 1), outcome }
}

async fn what_is_remembered_last_stands(db: &TestDatabase) {
    let store = db.store(1).await;
    store.ping().await.unwrap();
    assert_eq!(store.remembered("clock").await.unwrap(), None);
    store.remember("clock", "simulated").await.unwrap();
    store.remember("clock", "system").await.unwrap();
    store.remember("last_instant", "2027-01-15T00:00:00Z").await.unwrap();
    assert_eq!(store.remembered("clock").await.unwrap().as_deref(), Some("system"));
    assert_eq!(db.store(2).await.remembered("clock").await.unwrap().as_deref(), Some("system"), "also by another");
}

async fn a_task_keeps_its_last_success_and_counts_failures(db: &TestDatabase) {
    let store = db.store(1).await;
    assert_eq!(store.task_statuses().await.unwrap().len(), 0);

    store.record_task_run(&run("deliver", 0, Err("the mail server is away".to_owned()))).await.unwrap();
    let status = &store.task_statuses().await.unwrap()[0];
    assert_eq!((status.last_success_at, status.errors), (None, 1));

    store.record_task_run(&run("deliver", 2, Ok(json!({ "sent": 3 })))).await.unwrap();
    let status = &store.task_statuses().await.unwrap()[0];
    assert_eq!((status.last_success_at, status.errors), (Some(at(3)), 0));
    assert_eq!(status.report, json!({ "sent": 3 }));

    for minute in [4, 6] {
        store.record_task_run(&run("deliver", minute, Err(format!("failed at {minute}")))).await.unwrap();
    }
    let status = &store.task_statuses().await.unwrap()[0];
    assert_eq!((status.finished_at, status.last_success_at, status.errors), (at(7), Some(at(3)), 2));
    assert_eq!(status.last_error.as_deref(), Some("failed at 6"));
}

async fn each_task_has_its_own_row(db: &TestDatabase) {
    let store = db.store(1).await;
    for task in ["reconcile", "deliver", "expand", "deliver"] {
        store.record_task_run(&run(task, 0, Ok(json!({})))).await.unwrap();
    }
    let statuses = store.task_statuses().await.unwrap();
    let tasks: Vec<_> = statuses.iter().map(|status| status.task.as_str()).collect();
    assert_eq!(tasks, ["deliver", "expand", "reconcile"]);
}
