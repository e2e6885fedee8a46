//! What the daemon serves: health, readiness and metrics.

use std::collections::BTreeMap;

use sqlx::{Connection as _, PgConnection};

use crate::asking::{get, metrics};
use crate::installation::Installation;
use crate::process::eventually;
use crate::rows::{add_company_of, add_payee, sent, set_date};
use crate::support::{Kind, TestDatabase, on_both};

on_both!(health_and_metrics_are_served_and_move);

async fn health_and_metrics_are_served_and_move(db: &TestDatabase) {
    let mut installation = Installation::on(db);
    let (daemon, port) = installation.serving_daemon().await;
    assert_eq!(get(port, "/healthz").await, (200, "ok\n".to_owned()));
    assert_eq!(get(port, "/elsewhere").await.0, 404);
    eventually("it is ready", async || (get(port, "/readyz").await.0 == 200).then_some(())).await;

    let before = metrics(port).await;
    assert_eq!(before["mfa_enforcer_mail_lateness_seconds_count"], "0");
    assert_eq!(before["mfa_enforcer_notices_pending"], "0");
    assert_eq!(before["mfa_enforcer_flip_lag_seconds"], "0");
    for class in ["transient", "permanent", "unknown"] {
        assert_eq!(before[&format!("mfa_enforcer_smtp_errors_total{{class=\"{class}\"}}")], "0");
    }
    for task in ["reconcile", "bounces", "expand", "deliver", "enforce"] {
        assert!(before.contains_key(&format!("mfa_enforcer_task_last_success_timestamp{{task=\"{task}\"}}")));
    }

    let company = add_company_of(db, 1, 2).await;
    set_date(db, company).await;
    add_payee(db, 2).await;
    sent(db, 3).await;
    let after = eventually("the metrics have moved", async || {
        let after = metrics(port).await;
        (after["mfa_enforcer_mail_lateness_seconds_count"] == "3").then_some(after)
    })
    .await;
    assert_eq!(after["mfa_enforcer_mails_total{kind=\"announcement\",outcome=\"sent\"}"], "2");
    assert_eq!(after["mfa_enforcer_mails_total{kind=\"now_required\",outcome=\"sent\"}"], "1");
    assert_eq!(after["mfa_enforcer_required_total"], "1");
    let success = "mfa_enforcer_task_last_success_timestamp{task=\"enforce\"}";
    eventually("time goes on", async || (metrics(port).await[success] > before[success]).then_some(())).await;
    daemon.signal("TERM");
    assert_eq!(daemon.ended().await.code, Some(0));
}

/// As a tool of an admin's does that has left a transaction open over midnight.
#[tokio::test]
async fn a_flip_that_cannot_begin_is_shown_to_be_late() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let mut installation = Installation::on(db);
    let (daemon, port) = installation.serving_daemon().await;
    let company = add_company_of(db, 1, 2).await;
    set_date(db, company).await;
    let planned = "SELECT count(*) FROM companies WHERE revision = reconciled_revision";
    eventually("it is planned", async || (db.value(planned).await == "1").then_some(())).await;
    let mut other = PgConnection::connect(&db.vendor_url()).await.unwrap();
    let mut held = other.begin().await.unwrap();
    sqlx::query("SELECT id FROM companies FOR UPDATE").fetch_all(&mut *held).await.unwrap();
    db.execute("UPDATE enforcements SET enforce_at = '2020-01-01T00:00:00Z' WHERE state = 'scheduled'").await;
    let lag = |shown: &BTreeMap<String, String>| shown["mfa_enforcer_flip_lag_seconds"].parse::<f64>().unwrap();
    let late = eventually("it is late", async || Some(metrics(port).await).filter(|shown| lag(shown) > 0.0)).await;
    let run = "mfa_enforcer_task_last_success_timestamp{task=\"enforce\"}";
    let later =
        eventually("a run is over", async || Some(metrics(port).await).filter(|shown| shown[run] > late[run])).await;
    assert!(lag(&later) > 100_000_000.0, "for years, and not for {} s", lag(&later));
    held.rollback().await.unwrap();
    eventually("it is over", async || (lag(&metrics(port).await) == 0.0).then_some(())).await;
    assert_eq!(db.value("SELECT count(*) FROM users WHERE mfa_required_at IS NOT NULL").await, "2");
    daemon.signal("TERM");
    assert_eq!(daemon.ended().await.code, Some(0));
}
