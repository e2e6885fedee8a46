//! What the daemon does while it runs.

use mfa_enforcer::domain::ids::Id;
use sqlx::{Connection as _, PgConnection};

use crate::installation::Installation;
use crate::process::eventually;
use crate::rows::{add_company_of, add_payee, notices, sent, set_date};
use crate::servers::{Aiosmtpd, count};
use crate::support::vendor::company_id;
use crate::support::{Kind, TestDatabase, on_both};

on_both!(
    a_date_written_with_plain_sql_is_acted_on,
    on_the_day_everybody_becomes_required,
    one_run_does_all_that_is_due,
    a_mail_server_that_takes_less_for_one_company_holds_up_no_other,
    a_failure_of_the_database_is_shown_and_survived,
);

async fn a_date_written_with_plain_sql_is_acted_on(db: &TestDatabase) {
    let installation = Installation::on(db);
    let daemon = installation.daemon().await;
    let company = add_company_of(db, 1, 3).await;
    set_date(db, company).await;
    sent(db, 3).await;
    assert_eq!(installation.mails().len(), 3);
    // A tick is a second; the rest is for a machine that is busy.
    let late =
        "SELECT count(*) FROM mails JOIN notices ON notices.mail_id = mails.id WHERE mails.sent_at < notices.due_at";
    assert_eq!(db.value(late).await, "0");

    db.execute(&format!("UPDATE companies SET enforcement_date = NULL WHERE id = '{company}'")).await;
    eventually("the enforcement is cancelled", async || {
        let state = db.value("SELECT state FROM enforcements WHERE company_id IS NOT NULL").await;
        (state == "cancelled").then_some(())
    })
    .await;
    daemon.signal("TERM");
    assert_eq!(daemon.ended().await.code, Some(0));
}

async fn on_the_day_everybody_becomes_required(db: &TestDatabase) {
    let installation = Installation::on(db);
    let daemon = installation.daemon().await;
    let company = add_company_of(db, 1, 3).await;
    set_date(db, company).await;
    sent(db, 3).await;
    assert_eq!(db.value("SELECT count(*) FROM users WHERE mfa_required_at IS NOT NULL").await, "0");
    // As if the days had passed.
    db.execute("UPDATE enforcements SET enforce_at = (SELECT min(created_at) FROM enforcements WHERE state = 'scheduled') WHERE state = 'scheduled'").await;
    eventually("everybody is required", async || {
        let required = db.value("SELECT count(*) FROM users WHERE mfa_required_at IS NOT NULL").await;
        (required == "3").then_some(())
    })
    .await;
    drop(daemon);
    assert_eq!(db.value("SELECT state FROM enforcements WHERE company_id IS NOT NULL").await, "in_force");
}

async fn one_run_does_all_that_is_due(db: &TestDatabase) {
    let installation = Installation::on(db);
    let company = add_company_of(db, 1, 3).await;
    set_date(db, company).await;
    add_payee(db, 2).await;
    let report = installation.succeeds(&["run", "--once", "--json"]).await;
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["errors"], serde_json::json!([]));
    assert!(report["next_due"].is_string(), "{report}");
    assert_eq!(installation.mails().len(), 4);
    assert_eq!(db.value("SELECT count(*) FROM users WHERE mfa_required_at IS NOT NULL").await, "1");
    let before = db.value("SELECT seq FROM audit_head").await;
    let text = installation.succeeds(&["run", "--once"]).await;
    assert!(text.starts_with("Nothing more is due at ") && text.contains("; next due "), "{text}");
    assert_eq!(db.value("SELECT seq FROM audit_head").await, before, "the second run does nothing");
}

async fn a_mail_server_that_takes_less_for_one_company_holds_up_no_other(db: &TestDatabase) {
    const PEOPLE: u32 = 60;
    let server = Aiosmtpd::start(&serde_json::json!({ "busy_for": "busy.test" }));
    let mut installation = Installation::on(db);
    installation.set("smtp.url", &format!("smtp://127.0.0.1:{}", server.port));
    let busy = add_company_of(db, 1, PEOPLE).await;
    db.execute("UPDATE users SET email = replace(email, 'example.com', 'busy.test')").await;
    set_date(db, busy).await;
    // Its notices are at the head of the queue from now on.
    installation.run(&["run", "--once", "--accept-backlog"]).await;
    set_date(db, add_company_of(db, 2, PEOPLE).await).await;
    installation.run(&["run", "--once", "--accept-backlog"]).await;

    let of = |company: Id, condition: &str| {
        format!(
            "SELECT count(*) FROM notices JOIN enforcements ON enforcements.id = enforcement_id
             WHERE company_id = '{company}' AND {condition}"
        )
    };
    assert_eq!(db.value(&of(company_id(2), "notices.state = 'sent'")).await, PEOPLE.to_string());
    let tried: u32 = db.value(&of(busy, "attempts > 0")).await.parse().unwrap();
    assert!((1..PEOPLE / 2).contains(&tried), "{tried} were tried");
    assert_eq!(db.value(&of(busy, "notices.state = 'pending'")).await, PEOPLE.to_string());
    assert_eq!(count(&server.end(), "mail"), PEOPLE as usize);
}

#[tokio::test]
async fn accounts_that_somebody_keeps_locked_are_waited_for_once() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let installation = Installation::on(db);
    for number in 1..=4 {
        set_date(db, add_company_of(db, number, 2).await).await;
    }
    installation.succeeds(&["run", "--once"]).await;
    db.execute("UPDATE enforcements SET enforce_at = '2020-01-01T00:00:00Z' WHERE state = 'scheduled'").await;
    let mut other = PgConnection::connect(&db.vendor_url()).await.unwrap();
    let mut held = other.begin().await.unwrap();
    let one_of_each = "SELECT id FROM users WHERE id IN (SELECT max(CAST(user_id AS text))::uuid FROM memberships GROUP BY company_id)
        FOR UPDATE";
    assert_eq!(sqlx::query(one_of_each).fetch_all(&mut *held).await.unwrap().len(), 4);

    let ended = installation.run(&["run", "--once"]).await;
    assert_eq!(db.value("SELECT count(*) FROM users WHERE mfa_required_at IS NOT NULL").await, "4", "{ended:?}");
    assert_eq!(ended.stderr.matches("somebody keeps an account locked").count(), 1, "{ended:?}");
    held.rollback().await.unwrap();
    installation.succeeds(&["run", "--once"]).await;
    assert_eq!(db.value("SELECT count(*) FROM users WHERE mfa_required_at IS NOT NULL").await, "8");
}

async fn a_failure_of_the_database_is_shown_and_survived(db: &TestDatabase) {
    let mut installation = Installation::on(db);
    let (daemon, port) = installation.serving_daemon().await;
    let ready = async || crate::asking::get(port, "/readyz").await;
    eventually("it is ready", async || (ready().await.0 == 200).then_some(())).await;

    db.execute("ALTER TABLE companies RENAME TO companies_away").await;
    let reason =
        eventually("it is not ready", async || Some(ready().await).filter(|(status, _)| *status == 503)).await.1;
    assert!(reason.contains("has failed") && reason.contains("`mfa-enforcer status` says why"), "{reason}");
    let failed = db.rows("SELECT task, errors, last_error FROM task_runs WHERE errors > 0 ORDER BY task").await;
    assert!(failed.iter().any(|run| run[2].contains("companies")), "{failed:?}");

    assert_eq!(installation.run(&["status"]).await.code, Some(1));

    db.execute("ALTER TABLE companies_away RENAME TO companies").await;
    eventually("it is ready again", async || (ready().await.0 == 200).then_some(())).await;
    let company = add_company_of(db, 1, 2).await;
    set_date(db, company).await;
    sent(db, 2).await;
    installation.succeeds(&["status"]).await;
    assert!(daemon.stderr().contains("failed; the next tick goes on"));
    daemon.signal("TERM");
    assert_eq!(daemon.ended().await.code, Some(0));
}

#[tokio::test]
async fn a_server_that_refuses_connections_for_a_while_is_waited_for() {
    let db = TestDatabase::new(Kind::Postgres).await;
    let mut installation = Installation::on(&db);
    installation.set("database.connect_timeout", "1s");
    let (daemon, port) = installation.serving_daemon().await;
    let ready = async || crate::asking::get(port, "/readyz").await.0;
    eventually("it is ready", async || (ready().await == 200).then_some(())).await;

    let allow = "UPDATE pg_database SET datallowconn = $ WHERE datname = current_database()";
    db.execute(&allow.replace('$', "false")).await;
    db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()").await;
    eventually("it is not ready", async || (ready().await == 503).then_some(())).await;
    assert_eq!(crate::asking::get(port, "/healthz").await.0, 200, "the process lives");

    db.execute(&allow.replace('$', "true")).await;
    eventually("it is ready again", async || (ready().await == 200).then_some(())).await;
    let company = add_company_of(&db, 1, 2).await;
    set_date(&db, company).await;
    sent(&db, 2).await;
    daemon.signal("TERM");
    assert_eq!(daemon.ended().await.code, Some(0));
}

#[tokio::test]
async fn two_daemons_on_one_postgres_share_the_work_without_doubling_it() {
    const PEOPLE: u32 = 60;
    let db = TestDatabase::new(Kind::Postgres).await;
    let mut installation = Installation::on(&db);
    installation.set("schedule.claim_batch", "5").set("schedule.chunk", "7");
    let daemons = [installation.daemon().await, installation.daemon().await];
    let company = add_company_of(&db, 1, PEOPLE).await;
    set_date(&db, company).await;
    sent(&db, PEOPLE as usize).await;
    for daemon in daemons {
        daemon.signal("TERM");
        assert_eq!(daemon.ended().await.code, Some(0));
    }
    assert_eq!(notices(&db, "sent").await, PEOPLE as usize);
    assert_eq!(db.value("SELECT count(*) FROM mails").await, PEOPLE.to_string());
    assert_eq!(installation.mails().len(), PEOPLE as usize, "each file is one mail");
    assert_eq!(db.value("SELECT max(attempts) FROM notices").await, "1");
}
