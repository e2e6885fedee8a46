//! Two daemons that write to the audit trail at once, on PostgreSQL: the second one's events come after the first one's.

use mfa_enforcer::domain::policy::Policy;
use mfa_enforcer::store::reconcile::ReconcileStore as _;
use sqlx::{Connection as _, PgConnection};

use super::steps::{let_wait, set_at, with_a_date};
use crate::support::{Kind, TestDatabase};

#[tokio::test]
async fn an_event_waits_for_the_one_before_it() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let store = db.store(1).await;
    let company = with_a_date(db, &store, 1).await;
    let before: i64 = db.value("SELECT seq FROM audit_head").await.parse().unwrap();

    // As another daemon appends one.
    let mut other = PgConnection::connect(&db.vendor_url()).await.unwrap();
    let mut held = other.begin().await.unwrap();
    sqlx::query("SELECT seq FROM audit_head FOR UPDATE").execute(&mut *held).await.unwrap();
    let sql = "INSERT INTO audit_events (seq, at, actor, action, detail, prev_hash, hash)
        SELECT seq + 1, '2026-12-01T09:00:00Z', 'Jo', 'company_date_cleared', '{}', hash, repeat('0', 64) FROM audit_head";
    sqlx::query(sql).execute(&mut *held).await.unwrap();
    sqlx::query("UPDATE audit_head SET seq = seq + 1, hash = repeat('0', 64)").execute(&mut *held).await.unwrap();
    let appending = async {
        let_wait(db, 1).await;
        held.commit().await.unwrap();
    };
    let policy = Policy::default();
    let (reconciled, ()) = tokio::join!(store.reconcile_company(company, set_at(), &policy, true), appending);
    assert_eq!(reconciled.unwrap().changes, ["planned"]);
    assert_eq!(db.value("SELECT seq FROM audit_head").await, (before + 2).to_string());
    let last = "SELECT prev_hash FROM audit_events ORDER BY seq DESC LIMIT 1";
    assert_eq!(db.value(last).await, "0".repeat(64), "it comes after the other daemon's");
}
