//! What the daemon serves: health, readiness and metrics.

use crate::asking::{get, metrics};
use crate::installation::Installation;
use crate::process::eventually;
use crate::rows::{add_company_of, add_payee, sent, set_date};
use crate::support::{TestDatabase, on_both};

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
