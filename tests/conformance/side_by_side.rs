//! Chunks that are done at the same time under one lock, on PostgreSQL: all of them, each once, and whatever one of them meets.

use chrono::TimeDelta;
use mfa_enforcer::clock::Randomness;
use mfa_enforcer::config::database::Pooling;
use mfa_enforcer::domain::ids::Id;
use mfa_enforcer::domain::policy::Policy;
use mfa_enforcer::store::SqlStore;
use mfa_enforcer::store::connect::{ConnectOptions, Schema};
use mfa_enforcer::store::enforce::{EnforceStore as _, Locked};
use mfa_enforcer::store::expand::ExpandStore as _;
use mfa_enforcer::store::import::ImportStore as _;
use mfa_enforcer::store::reconcile::ReconcileStore as _;
use mfa_enforcer::store::review::ReviewStore as _;
use sqlx::{Connection as _, PgConnection};

use super::steps::{announced_at, enforce_at, scheduled, set_at};
use crate::support::database::options;
use crate::support::vendor::{add_company, add_member, user_id};
use crate::support::{Kind, TestDatabase};

/// A store with four connections that does not wait for locks.
async fn impatient(db: &TestDatabase) -> SqlStore {
    let url = db.vendor_url();
    let options = ConnectOptions { lock_timeout: TimeDelta::milliseconds(50), max_connections: 4, ..options(&url) };
    SqlStore::connect(&options, Schema::Expect, Randomness::seeded(2)).await.unwrap()
}

/// The flip of a company of eleven, two of whom it has required.
async fn begun(db: &TestDatabase, store: &SqlStore) -> Id {
    let enforcement = scheduled(db, store, 11).await;
    assert!(store.flip_chunk(enforcement, enforce_at(), &Policy::default(), 2).await.unwrap().began);
    enforcement
}

/// Sum and number of an event's rows, and how many events say that they are the last.
async fn recorded(db: &TestDatabase, action: &str, rows: &str) -> Vec<String> {
    let sql = format!(
        "SELECT sum(CAST(detail ->> '{rows}' AS int)), count(*), count(*) FILTER (WHERE detail ->> 'complete' = 'true')
         FROM audit_events WHERE action = '{action}'"
    );
    db.rows(&sql).await.concat()
}

#[tokio::test]
async fn a_flip_goes_through_whole_chunks_side_by_side() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let (store, policy) = (impatient(db).await, Policy::default());
    assert_eq!(store.batches_at_once(), 4);
    let enforcement = scheduled(db, &store, 41).await;
    let whole = async || store.flip_whole_chunks(enforcement, enforce_at(), &policy, 2).await.unwrap();
    assert_eq!(whole().await.required, 0, "the first chunk puts it in force");
    assert!(store.flip_chunk(enforcement, enforce_at(), &policy, 2).await.unwrap().began);
    let flipped = whole().await;
    assert_eq!((flipped.required, flipped.more), (32, true));
    let flipped = whole().await;
    assert_eq!((flipped.required, flipped.more), (6, false), "the last is left");
    let flipped = store.flip_chunk(enforcement, enforce_at(), &policy, 2).await.unwrap();
    assert_eq!((flipped.required, flipped.more), (1, false));
    assert_eq!(whole().await.required, 0);
    assert_eq!(db.value("SELECT count(*) FROM requirements").await, "41");
    assert_eq!(db.value("SELECT count(*) FROM users WHERE mfa_required_at IS NOT NULL").await, "41");
    assert_eq!(recorded(db, "users_required", "required").await, ["41", "21", "1"]);
}

/// One connection is one that would be waited for; and a pooler may lend no other than the one that waits.
#[tokio::test]
async fn one_connection_or_a_pooler_does_one_chunk_after_the_other() {
    for (max_connections, pooling) in [(1, Pooling::Session), (4, Pooling::Transaction)] {
        let db = &TestDatabase::new(Kind::Postgres).await;
        let url = db.vendor_url();
        let options = ConnectOptions { max_connections, pooling, ..options(&url) };
        let store = SqlStore::connect(&options, Schema::Expect, Randomness::seeded(2)).await.unwrap();
        let (policy, enforcement) = (Policy::default(), scheduled(db, &store, 6).await);
        let milestone = store.due_milestones(announced_at(), None, 10).await.unwrap()[0].0;
        store.flip_chunk(enforcement, enforce_at(), &policy, 2).await.unwrap();
        assert_eq!(store.flip_whole_chunks(enforcement, enforce_at(), &policy, 2).await.unwrap().required, 0);
        assert_eq!(store.expand_whole_chunks(milestone, announced_at(), &policy, 2).await.unwrap().notices, 0);
    }
}

/// As another daemon holds the enforcement that is at its flip, or a review of its members.
#[tokio::test]
async fn a_flip_that_another_daemon_is_at_is_left_to_it_and_is_no_failure() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let (store, policy) = (impatient(db).await, Policy::default());
    let enforcement = begun(db, &store).await;
    let mut other = PgConnection::connect(&db.vendor_url()).await.unwrap();
    let mut held = other.begin().await.unwrap();
    sqlx::query("UPDATE enforcements SET flip_cursor = flip_cursor").execute(&mut *held).await.unwrap();
    assert!(
        store.flip_whole_chunks(enforcement, enforce_at(), &policy, 2).await.unwrap().locked.is_none(),
        "it is not waited for"
    );
    let flipped = store.flip_chunk(enforcement, enforce_at(), &policy, 2).await.unwrap();
    assert_eq!((flipped.locked, flipped.more), (Some(Locked::Enforcement), false));
    held.rollback().await.unwrap();
    assert!(store.flip_chunk(enforcement, enforce_at(), &policy, 2).await.unwrap().more);
}

#[tokio::test]
async fn two_connections_do_for_a_flip_and_a_milestone_at_the_same_time() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let url = db.vendor_url();
    let options = ConnectOptions { max_connections: 2, ..options(&url) };
    let store = SqlStore::connect(&options, Schema::Expect, Randomness::seeded(2)).await.unwrap();
    let (policy, enforcement) = (Policy::default(), scheduled(db, &store, 7).await);
    store.flip_chunk(enforcement, enforce_at(), &policy, 2).await.unwrap();
    // Of another company, whose date is yet to come.
    let other = add_company(db, 2).await;
    for number in 1..=7 {
        add_member(db, other, user_id(number)).await;
    }
    store.review_memberships(set_at(), &policy, 100).await.unwrap();
    db.execute(&format!("UPDATE companies SET enforcement_date = '2027-01-15' WHERE id = '{other}'")).await;
    store.reconcile_company(other, set_at(), &policy, true).await.unwrap();
    let milestone = store.due_milestones(announced_at(), None, 10).await.unwrap()[0].0;
    // One of them waits for others within its transaction, and the other does not: neither of them for ever.
    let (flipped, expanded) = tokio::join!(
        store.flip_whole_chunks(enforcement, enforce_at(), &policy, 2),
        store.expand_whole_chunks(milestone, announced_at(), &policy, 2)
    );
    assert_eq!((flipped.unwrap().required, expanded.unwrap().notices), (4, 0));
    assert_eq!(store.expand_whole_chunks(milestone, announced_at(), &policy, 2).await.unwrap().notices, 6);
}

#[tokio::test]
async fn a_locked_account_stops_its_chunk_alone_and_nobody_is_required_twice() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let (store, policy) = (impatient(db).await, Policy::default());
    let enforcement = begun(db, &store).await;
    let mut other = PgConnection::connect(&db.vendor_url()).await.unwrap();
    let mut held = other.begin().await.unwrap();
    let sql = format!("UPDATE users SET name = name WHERE id = '{}'", user_id(5));
    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut *held).await.unwrap();

    let flipped = store.flip_whole_chunks(enforcement, enforce_at(), &policy, 2).await.unwrap();
    assert_eq!(
        (flipped.required, flipped.more),
        (3, true),
        "those before the one who is locked, and whom they are with"
    );
    while store.flip_chunk(enforcement, enforce_at(), &policy, 2).await.unwrap().more {}
    let required = "SELECT count(*) FROM users WHERE mfa_required_at IS NOT NULL";
    assert_eq!(db.value(required).await, "10");
    held.rollback().await.unwrap();
    let next_tick = enforce_at().plus(TimeDelta::seconds(10));
    assert_eq!(store.end_personal_dates(next_tick, &policy, 10).await.unwrap().required, 1);
    assert_eq!(db.value(required).await, "11");
    assert_eq!(db.value("SELECT count(*) FROM requirements").await, "11");
    assert_eq!(recorded(db, "users_required", "required").await[0], "11");
}

#[tokio::test]
async fn a_company_that_the_vendor_is_changing_is_left_to_one_chunk_after_the_other() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let (store, policy) = (impatient(db).await, Policy::default());
    let enforcement = begun(db, &store).await;
    let mut other = PgConnection::connect(&db.vendor_url()).await.unwrap();
    let mut held = other.begin().await.unwrap();
    sqlx::query("UPDATE companies SET name = name").execute(&mut *held).await.unwrap();
    let flipped = store.flip_whole_chunks(enforcement, enforce_at(), &policy, 2).await.unwrap();
    assert_eq!((flipped.required, flipped.more), (0, false));
    while store.flip_chunk(enforcement, enforce_at(), &policy, 2).await.unwrap().more {}
    held.rollback().await.unwrap();
    assert_eq!(db.value("SELECT count(*) FROM requirements").await, "11");
}

#[tokio::test]
async fn what_is_reverted_or_superseded_requires_nobody_any_more() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let (store, policy) = (impatient(db).await, Policy::default());
    let enforcement = begun(db, &store).await;
    db.execute("UPDATE enforcements SET state = 'reverted' WHERE state = 'in_force' AND company_id IS NOT NULL").await;
    assert_eq!(store.flip_whole_chunks(enforcement, enforce_at(), &policy, 2).await.unwrap().required, 0);
    assert_eq!(db.value("SELECT count(*) FROM requirements").await, "2");
}

#[tokio::test]
async fn notices_are_made_in_whole_chunks_side_by_side() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let (store, policy) = (impatient(db).await, Policy::default());
    scheduled(db, &store, 41).await;
    let milestone = store.due_milestones(announced_at(), None, 10).await.unwrap()[0].0;
    let whole = async || store.expand_whole_chunks(milestone, announced_at(), &policy, 2).await.unwrap();
    let expanded = whole().await;
    assert_eq!((expanded.notices, expanded.more), (32, true));
    assert_eq!(db.value("SELECT cursor FROM milestones WHERE cursor IS NOT NULL").await, user_id(32).to_string());
    // Somebody has theirs already, as after a crash that came before the place was noted.
    db.execute(&format!("UPDATE milestones SET cursor = '{}' WHERE cursor IS NOT NULL", user_id(27))).await;
    let expanded = whole().await;
    assert_eq!((expanded.notices, expanded.more), (9, false), "the third chunk makes one of two");
    let expanded = store.expand_chunk(milestone, announced_at(), &policy, 2).await.unwrap();
    assert_eq!((expanded.notices, expanded.more), (0, false));
    assert_eq!(db.value("SELECT count(DISTINCT user_id) FROM notices").await, "41");
    assert_eq!(recorded(db, "milestone_expanded", "notices").await, ["41", "24", "1"]);
}

#[tokio::test]
async fn notices_are_not_made_beside_where_the_date_is_being_moved() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let (store, policy) = (impatient(db).await, Policy::default());
    scheduled(db, &store, 11).await;
    let milestone = store.due_milestones(announced_at(), None, 10).await.unwrap()[0].0;
    let mut other = PgConnection::connect(&db.vendor_url()).await.unwrap();
    let mut held = other.begin().await.unwrap();
    sqlx::query("UPDATE companies SET enforcement_date = '2027-03-15'").execute(&mut *held).await.unwrap();
    let whole = async || store.expand_whole_chunks(milestone, announced_at(), &policy, 2).await.unwrap();
    assert!(!whole().await.taken);
    held.commit().await.unwrap();
    assert!(!whole().await.taken, "the date has moved (R5)");
    assert_eq!(db.value("SELECT count(*) FROM notices").await, "0");
}
