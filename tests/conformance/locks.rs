//! What waits for what on PostgreSQL, so that two tasks or daemons do not pass over what the other is about to do. On
//! SQLite a transaction that writes is alone.

use chrono::TimeDelta;
use mfa_enforcer::clock::Randomness;
use mfa_enforcer::domain::policy::Policy;
use mfa_enforcer::store::SqlStore;
use mfa_enforcer::store::connect::{ConnectOptions, Schema};
use mfa_enforcer::store::enforce::EnforceStore as _;
use mfa_enforcer::store::review::ReviewStore as _;
use sqlx::{Connection as _, PgConnection};

use super::steps::{enforce_at, scheduled, set_at};
use crate::support::database::options;
use crate::support::{Kind, TestDatabase};

/// A store that does not wait for locks.
async fn impatient(db: &TestDatabase) -> SqlStore {
    let options = ConnectOptions { lock_timeout: TimeDelta::milliseconds(50), ..options(db.url()) };
    SqlStore::connect(&options, Schema::Expect, Randomness::seeded(2)).await.unwrap()
}

#[tokio::test]
async fn a_review_waits_for_a_flip_and_a_flip_for_a_review() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let store = impatient(db).await;
    let enforcement = scheduled(db, &store, 3).await;
    db.execute("UPDATE memberships SET reviewed = false").await;
    let policy = Policy::default();
    let mut other = PgConnection::connect(db.url()).await.unwrap();

    // As a flip holds its enforcement.
    let mut held = other.begin().await.unwrap();
    sqlx::query("SELECT id FROM enforcements WHERE company_id IS NOT NULL FOR NO KEY UPDATE")
        .execute(&mut *held)
        .await
        .unwrap();
    assert!(store.review_memberships(set_at(), &policy, 10).await.is_err(), "it waits for the flip");
    held.rollback().await.unwrap();
    assert_eq!(store.review_memberships(set_at(), &policy, 10).await.unwrap().rows, 3);

    // As a review holds it.
    let mut held = other.begin().await.unwrap();
    sqlx::query("SELECT id FROM enforcements WHERE company_id IS NOT NULL FOR SHARE")
        .execute(&mut *held)
        .await
        .unwrap();
    assert!(store.flip_chunk(enforcement, enforce_at(), &policy, 10).await.is_err(), "it waits for the review");
    held.rollback().await.unwrap();
    assert_eq!(store.flip_chunk(enforcement, enforce_at(), &policy, 10).await.unwrap().required, 3);
}

#[tokio::test]
async fn a_company_that_the_vendor_is_changing_stops_nobody() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let store = impatient(db).await;
    let enforcement = scheduled(db, &store, 3).await;
    let policy = Policy::default();
    let mut other = PgConnection::connect(db.url()).await.unwrap();
    let mut held = other.begin().await.unwrap();
    sqlx::query("UPDATE companies SET enforcement_date = '2027-03-15'").execute(&mut *held).await.unwrap();
    let flipped = store.flip_chunk(enforcement, enforce_at(), &policy, 10).await.unwrap();
    assert_eq!((flipped.began, flipped.required), (false, 0), "it is passed over, not waited for");
    held.commit().await.unwrap();
    let flipped = store.flip_chunk(enforcement, enforce_at(), &policy, 10).await.unwrap();
    assert!(!flipped.began, "the date has moved (R5)");
}
