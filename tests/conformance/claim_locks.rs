//! What a claim passes over, and what it waits for, on PostgreSQL. On SQLite a transaction that writes is alone.

use chrono::TimeDelta;
use mfa_enforcer::clock::Randomness;
use mfa_enforcer::domain::policy::Policy;
use mfa_enforcer::store::SqlStore;
use mfa_enforcer::store::claim::{Claim, ClaimStore as _};
use mfa_enforcer::store::connect::{ConnectOptions, Schema};
use mfa_enforcer::store::expand::ExpandStore as _;
use mfa_enforcer::store::reconcile::ReconcileStore as _;
use mfa_enforcer::store::review::ReviewStore as _;
use sqlx::{Connection as _, PgConnection};

use super::steps::{announced, announced_at, let_wait, set_at, terms};
use crate::support::database::options;
use crate::support::vendor::{add_company, add_member, add_user, user_id};
use crate::support::{Kind, TestDatabase};

async fn claim(store: &SqlStore) -> Claim {
    store.claim(&terms(10), announced_at(), &Policy::default()).await.unwrap()
}

/// As a daemon that claims the user holds the row, or the vendor who is just about to enroll them.
#[tokio::test]
async fn a_user_whose_row_somebody_is_at_is_passed_over() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let store = db.store(1).await;
    announced(db, &store, 3).await;
    let mut other = PgConnection::connect(&db.vendor_url()).await.unwrap();
    let mut held = other.begin().await.unwrap();
    let sql = "UPDATE users SET mfa_enrolled_at = '2026-12-01T09:14:00Z' WHERE email = 'user2@example.com'";
    sqlx::query(sql).execute(&mut *held).await.unwrap();
    let readers: Vec<_> = claim(&store).await.mails.iter().map(|mail| mail.message.reader.user_id).collect();
    assert_eq!(readers, [user_id(1), user_id(3)]);
    held.commit().await.unwrap();
    let later = claim(&store).await;
    assert_eq!((later.mails.len(), later.skipped), (0, 1), "they have enrolled (R1)");
}

#[tokio::test]
async fn a_company_whose_row_somebody_is_at_is_passed_over() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let store = db.store(1).await;
    announced(db, &store, 3).await;
    let mut other = PgConnection::connect(&db.vendor_url()).await.unwrap();
    let mut held = other.begin().await.unwrap();
    sqlx::query("UPDATE companies SET enforcement_date = '2027-03-15'").execute(&mut *held).await.unwrap();
    assert_eq!(claim(&store).await.mails.len(), 0);
    held.commit().await.unwrap();
    assert_eq!(claim(&store).await.mails.len(), 0, "the date has moved (R5)");
}

/// All but one of a claim's places, as the longest overdue: those behind them get more than that one.
#[tokio::test]
async fn a_company_whose_row_somebody_is_at_leaves_a_whole_claim_to_others() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let store = db.store(1).await;
    announced(db, &store, 3).await;
    let other = add_company(db, 2).await;
    for number in 11..=14 {
        let user = add_user(db, number).await;
        add_member(db, other, user).await;
    }
    store.review_users(set_at(), None, 10).await.unwrap();
    store.review_memberships(set_at(), &Policy::default(), 10).await.unwrap();
    db.execute(&format!("UPDATE companies SET enforcement_date = '2027-01-15' WHERE id = '{other}'")).await;
    store.reconcile_company(other, set_at(), &Policy::default(), true).await.unwrap();
    for (milestone, _) in store.due_milestones(announced_at(), None, 10).await.unwrap() {
        while store.expand_chunk(milestone, announced_at(), &Policy::default(), 1000).await.unwrap().more {}
    }
    let first = [1, 2, 3, 11].map(|number| format!("'{}'", user_id(number))).join(", ");
    db.execute(&format!("UPDATE notices SET next_attempt_at = '{}' WHERE user_id IN ({first})", set_at())).await;
    let mut vendor = PgConnection::connect(&db.vendor_url()).await.unwrap();
    let mut held = vendor.begin().await.unwrap();
    let sql = format!("SELECT id FROM companies WHERE id <> '{other}' FOR UPDATE");
    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut *held).await.unwrap();
    let claimed = store.claim(&terms(4), announced_at(), &Policy::default()).await.unwrap();
    let readers: Vec<_> = claimed.mails.iter().map(|mail| mail.message.reader.user_id).collect();
    assert_eq!(readers, [11, 12, 13, 14].map(user_id));
    held.rollback().await.unwrap();
    assert_eq!(claim(&store).await.mails.len(), 3);
}

/// Otherwise daemons that share a row in turn keep who is to change it waiting for as long as a campaign lasts.
#[tokio::test]
async fn who_waits_to_change_a_company_comes_before_those_who_look_at_it() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let store = db.store(1).await;
    announced(db, &store, 3).await;
    let url = db.vendor_url();
    let (mut another, mut vendor) =
        (PgConnection::connect(&url).await.unwrap(), PgConnection::connect(&url).await.unwrap());
    let mut looking = another.begin().await.unwrap();
    sqlx::query("SELECT id FROM companies FOR SHARE").execute(&mut *looking).await.unwrap();
    assert_eq!(claim(&store).await.mails.len(), 3, "those who look do so together");
    db.execute("UPDATE notices SET claimed_until = '2020-01-01T00:00:00Z' WHERE state = 'sending'").await;
    let meanwhile = async {
        let_wait(db, 1).await;
        let claimed = claim(&store).await.mails.len();
        looking.rollback().await.unwrap();
        claimed
    };
    let change = sqlx::query("UPDATE companies SET name = 'Acme'").execute(&mut vendor);
    let (changed, claimed) = tokio::join!(change, meanwhile);
    assert_eq!((changed.unwrap().rows_affected(), claimed), (1, 0));
    assert_eq!(claim(&store).await.mails.len(), 3);
}

/// As a revert holds the company, and has closed what was to be told: who waited for that would keep it from the accounts.
#[tokio::test]
async fn what_a_company_has_to_say_is_not_waited_for_while_its_row_is_being_changed() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let url = db.vendor_url();
    let options = ConnectOptions { lock_timeout: TimeDelta::milliseconds(50), ..options(&url) };
    let store = SqlStore::connect(&options, Schema::Expect, Randomness::seeded(2)).await.unwrap();
    announced(db, &store, 3).await;
    let mut other = PgConnection::connect(&db.vendor_url()).await.unwrap();
    let mut held = other.begin().await.unwrap();
    for sql in ["SELECT id FROM companies FOR UPDATE", "UPDATE notices SET state = state"] {
        sqlx::query(sql).execute(&mut *held).await.unwrap();
    }
    assert!(!claim(&store).await.found_work());
    held.rollback().await.unwrap();
    assert_eq!(claim(&store).await.mails.len(), 3);
}

#[tokio::test]
async fn what_another_company_has_to_say_to_the_same_reader_is_not_waited_for_either() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let options = ConnectOptions { lock_timeout: TimeDelta::milliseconds(50), ..options(db.url()) };
    let store = SqlStore::connect(&options, Schema::Expect, Randomness::seeded(2)).await.unwrap();
    let policy = Policy::default();
    let first = announced(db, &store, 1).await;
    let second = add_company(db, 2).await;
    add_member(db, second, user_id(1)).await;
    store.review_memberships(set_at(), &policy, 10).await.unwrap();
    db.execute(&format!("UPDATE companies SET enforcement_date = '2027-01-15' WHERE id = '{second}'")).await;
    store.reconcile_company(second, set_at(), &policy, true).await.unwrap();
    for (milestone, _) in store.due_milestones(announced_at(), None, 10).await.unwrap() {
        store.expand_chunk(milestone, announced_at(), &policy, 10).await.unwrap();
    }
    let mut other = PgConnection::connect(&db.vendor_url()).await.unwrap();
    let mut held = other.begin().await.unwrap();
    for sql in [
        format!("SELECT id FROM companies WHERE id <> '{second}' FOR UPDATE"),
        format!("UPDATE notices SET state = state WHERE enforcement_id = '{first}'"),
    ] {
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut *held).await.unwrap();
    }
    let claimed = claim(&store).await;
    assert_eq!(claimed.mails.len(), 1);
    held.rollback().await.unwrap();
}

/// As a moved date closes what was to be told, while a claim is about to take it.
#[tokio::test]
async fn a_notice_is_judged_by_what_it_has_become() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let store = db.store(1).await;
    announced(db, &store, 1).await;
    let mut other = PgConnection::connect(&db.vendor_url()).await.unwrap();
    let mut held = other.begin().await.unwrap();
    let sql = "UPDATE notices SET state = 'skipped', skip_reason = 'superseded'";
    sqlx::query(sql).execute(&mut *held).await.unwrap();
    let closing = async {
        let_wait(db, 1).await;
        held.commit().await.unwrap();
    };
    let (claimed, ()) = tokio::join!(claim(&store), closing);
    assert_eq!(claimed.mails.len(), 0);
    assert_eq!(db.value("SELECT state FROM notices").await, "skipped");
}
