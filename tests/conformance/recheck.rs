//! What is looked at again as it is judged by something else: zone rules or settings.

use mfa_enforcer::domain::policy::Policy;
use mfa_enforcer::store::SqlStore;
use mfa_enforcer::store::enforce::{EnforceStore as _, Flipped};
use mfa_enforcer::store::recheck::RecheckStore as _;
use mfa_enforcer::store::reconcile::{ReconcileStore as _, Reconciled};
use mfa_enforcer::store::review::ReviewStore as _;
use sqlx::{Connection as _, PgConnection};

use super::steps::{enforce_at, let_wait, scheduled, set_at};
use crate::support::vendor::{add_company, add_user, company_id, user_id};
use crate::support::{Kind, TestDatabase, on_both};

on_both!(what_is_scheduled_is_looked_at_again, a_changed_sso_setting_has_those_users_looked_at);

async fn what_is_scheduled_is_looked_at_again(db: &TestDatabase) {
    let store = db.store(1).await;
    scheduled(db, &store, 1).await;
    add_company(db, 2).await;
    store.reconcile_company(company_id(2), set_at(), &Policy::default(), true).await.unwrap();
    assert_eq!(store.recheck_scheduled("2026a").await.unwrap(), 1);
    assert_eq!(store.unreconciled_companies(None, 10).await.unwrap(), [company_id(1)]);
    let again = store.reconcile_company(company_id(1), set_at(), &Policy::default(), true).await.unwrap();
    assert_eq!(again, Reconciled::default(), "the zone rules say the same");
    assert_eq!(store.recheck_scheduled("2026a").await.unwrap(), 0, "they are the same");
    assert_eq!(store.recheck_scheduled("2026b").await.unwrap(), 1);
    assert_eq!(store.recheck_left().await.unwrap(), 0);
}

async fn a_changed_sso_setting_has_those_users_looked_at(db: &TestDatabase) {
    let store = db.store(1).await;
    for number in 1..=2 {
        add_user(db, number).await;
    }
    db.execute(&format!("UPDATE users SET sso = true WHERE id = '{}'", user_id(1))).await;
    store.review_users(set_at(), None, 10).await.unwrap();
    assert_eq!(store.recheck_sso_users(true).await.unwrap(), 0, "the first start");
    assert_eq!(store.recheck_sso_users(true).await.unwrap(), 0);
    assert_eq!(store.recheck_sso_users(false).await.unwrap(), 1);
    assert_eq!(db.rows("SELECT id FROM users WHERE NOT reviewed").await, [[user_id(1).to_string()]]);
    assert_eq!(store.recheck_left().await.unwrap(), 0);
}

/// Companies with dates, by their numbers.
async fn companies_with_dates(db: &TestDatabase, store: &SqlStore, numbers: std::ops::RangeInclusive<u32>) {
    for number in numbers {
        let id = add_company(db, number).await;
        db.execute(&format!("UPDATE companies SET enforcement_date = '2027-01-15' WHERE id = '{id}'")).await;
        let planned = store.reconcile_company(id, set_at(), &Policy::default(), true).await.unwrap();
        assert_eq!(planned.changes, ["planned"]);
    }
}

#[tokio::test]
async fn a_company_whose_row_is_locked_is_looked_at_later_and_not_flipped_before() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let store = db.store(1).await;
    companies_with_dates(db, &store, 1..=3).await;
    store.recheck_scheduled("2026a").await.unwrap();
    for number in 1..=3 {
        store.reconcile_company(company_id(number), set_at(), &Policy::default(), true).await.unwrap();
    }
    let mut other = PgConnection::connect(&db.vendor_url()).await.unwrap();
    let mut held = other.begin().await.unwrap();
    let sql = format!("SELECT id FROM companies WHERE id = '{}' FOR NO KEY UPDATE", company_id(2));
    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut *held).await.unwrap();
    assert_eq!(store.recheck_scheduled("2026b").await.unwrap(), 2, "the locked one keeps no start waiting");
    assert_eq!(store.recheck_left().await.unwrap(), 0, "it is locked still");
    held.rollback().await.unwrap();

    // Its instant has come, by the rules of before.
    let (left, policy) =
        (format!("SELECT id FROM enforcements WHERE company_id = '{}'", company_id(2)), Policy::default());
    let left = db.value(&left).await.parse().unwrap();
    let flip = || store.flip_chunk(left, enforce_at(), &policy, 10);
    assert_eq!(flip().await.unwrap(), Flipped::default(), "nobody has looked whether the new rules say the same");
    assert_eq!(store.unreconciled_companies(None, 10).await.unwrap(), [company_id(1), company_id(3)]);
    assert_eq!(store.recheck_left().await.unwrap(), 1);
    assert_eq!(store.unreconciled_companies(Some(company_id(1)), 1).await.unwrap(), [company_id(2)]);
    assert_eq!(store.recheck_left().await.unwrap(), 0, "once");
    assert_eq!(flip().await.unwrap(), Flipped::default(), "it is marked, and not looked at yet");
    let looked = store.reconcile_company(company_id(2), set_at(), &policy, true).await.unwrap();
    assert_eq!(looked, Reconciled::default());
    assert_eq!(store.unreconciled_companies(Some(company_id(1)), 1).await.unwrap(), [company_id(3)]);
    let flipped = flip().await.unwrap();
    assert!(flipped.began, "{flipped:?}");
}

#[tokio::test]
async fn an_account_that_is_locked_is_looked_at_later() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let store = db.store(1).await;
    for number in 1..=3 {
        add_user(db, number).await;
    }
    db.execute("UPDATE users SET sso = true").await;
    store.recheck_sso_users(true).await.unwrap();
    store.review_users(set_at(), None, 10).await.unwrap();
    let mut other = PgConnection::connect(&db.vendor_url()).await.unwrap();
    let mut held = other.begin().await.unwrap();
    let sql = format!("SELECT id FROM users WHERE id = '{}' FOR NO KEY UPDATE", user_id(2));
    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut *held).await.unwrap();
    assert_eq!(store.recheck_sso_users(false).await.unwrap(), 2);
    assert_eq!(store.recheck_left().await.unwrap(), 0);
    held.rollback().await.unwrap();
    assert_eq!(store.review_users(set_at(), None, 10).await.unwrap().rows, 2);
    assert_eq!(store.recheck_left().await.unwrap(), 1);
    assert_eq!(store.recheck_left().await.unwrap(), 0);
    assert_eq!(db.rows("SELECT id FROM users WHERE NOT reviewed").await, [[user_id(2).to_string()]]);
}

#[tokio::test]
async fn of_daemons_that_start_together_one_looks_at_dates_again() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let (store, another) = (db.store(1).await, db.store(2).await);
    companies_with_dates(db, &store, 1..=3).await;
    store.recheck_scheduled("2026a").await.unwrap();
    // As one that has come to it a moment before.
    let mut other = PgConnection::connect(&db.vendor_url()).await.unwrap();
    let mut held = other.begin().await.unwrap();
    sqlx::query("SELECT key FROM daemon_state WHERE key = 'judged_by' FOR UPDATE").execute(&mut *held).await.unwrap();
    let first = store.recheck_scheduled("2026b");
    let second = async {
        let_wait(db, 1).await;
        another.recheck_scheduled("2026b").await
    };
    let going_on = async {
        let_wait(db, 2).await;
        held.rollback().await.unwrap();
    };
    let (first, second, ()) = tokio::join!(first, second, going_on);
    assert_eq!(first.unwrap() + second.unwrap(), 3);
}
