//! What waits for what on PostgreSQL, so that two tasks or daemons do not pass over what the other is about to do. On
//! SQLite a transaction that writes is alone.

use chrono::TimeDelta;
use mfa_enforcer::clock::Randomness;
use mfa_enforcer::domain::ids::PAYEE_MANDATE;
use mfa_enforcer::domain::policy::Policy;
use mfa_enforcer::domain::time::Timestamp;
use mfa_enforcer::store::SqlStore;
use mfa_enforcer::store::claim::ClaimStore as _;
use mfa_enforcer::store::connect::{ConnectOptions, Schema};
use mfa_enforcer::store::enforce::{EnforceStore as _, Locked};
use mfa_enforcer::store::enforcements::Ordered;
use mfa_enforcer::store::expand::ExpandStore as _;
use mfa_enforcer::store::membership_changes::MembershipChangeStore as _;
use mfa_enforcer::store::reconcile::{Authority, ReconcileStore as _};
use mfa_enforcer::store::revert::RevertStore as _;
use mfa_enforcer::store::review::ReviewStore as _;
use mfa_enforcer::tasks::dates::Order;
use sqlx::{Connection as _, PgConnection};

use super::steps::{announced, announced_at, company_of, enforce_at, let_wait, scheduled, set_at, terms};
use crate::support::database::options;
use crate::support::vendor::{add_company, add_member, add_user, company_id, user_id};
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
    let mut other = PgConnection::connect(&db.vendor_url()).await.unwrap();

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
    assert_eq!(
        store.flip_chunk(enforcement, enforce_at(), &policy, 10).await.unwrap().locked,
        Some(Locked::Enforcement),
        "it waits for the review"
    );
    held.rollback().await.unwrap();
    assert_eq!(store.flip_chunk(enforcement, enforce_at(), &policy, 10).await.unwrap().required, 3);
}

/// Daemons that review by turns would keep a flip waiting: PostgreSQL lets who shares a row pass another who waits for it.
#[tokio::test]
async fn a_flip_that_waits_for_a_review_is_not_overtaken_by_others() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let (store, policy) = (impatient(db).await, Policy::default());
    let enforcement = scheduled(db, &store, 3).await;
    db.execute("UPDATE memberships SET reviewed = false, require_at = '2027-01-01T00:00:00Z'").await;
    let mut other = PgConnection::connect(&db.vendor_url()).await.unwrap();
    let mut held = other.begin().await.unwrap();
    sqlx::query("SELECT id FROM enforcements WHERE company_id IS NOT NULL FOR SHARE")
        .execute(&mut *held)
        .await
        .unwrap();
    let patient = db.store(3).await;
    let reviewing = async {
        let_wait(db, 1).await;
        let reviewed = store.review_memberships(set_at(), &policy, 10).await.unwrap();
        held.rollback().await.unwrap();
        reviewed
    };
    let (flipped, reviewed) = tokio::join!(patient.flip_chunk(enforcement, enforce_at(), &policy, 10), reviewing);
    assert_eq!((reviewed.rows, reviewed.is_busy), (0, true), "some are left, and their turn comes");
    assert!(flipped.unwrap().began);
    assert_eq!(store.review_memberships(enforce_at(), &policy, 10).await.unwrap().rows, 3);
}

#[tokio::test]
async fn a_review_waits_for_notices_that_are_made_which_passes_over_what_it_holds() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let store = impatient(db).await;
    announced(db, &store, 3).await;
    let policy = Policy::default();
    // What is cancelled has a last thing to say.
    db.execute("UPDATE companies SET enforcement_date = NULL").await;
    store.reconcile_company(company_id(1), announced_at(), &policy, true).await.unwrap();
    db.execute("UPDATE memberships SET reviewed = false").await;
    let (cancelled, now) = store.due_milestones(enforce_at(), None, 10).await.unwrap()[0];
    let mut other = PgConnection::connect(&db.vendor_url()).await.unwrap();

    let mut held = other.begin().await.unwrap();
    let sql = "SELECT id FROM enforcements WHERE state = 'cancelled' FOR SHARE";
    assert_eq!(sqlx::query(sql).execute(&mut *held).await.unwrap().rows_affected(), 1);
    assert!(!store.expand_chunk(cancelled, now, &policy, 10).await.unwrap().taken, "a review holds it");
    held.rollback().await.unwrap();

    let mut held = other.begin().await.unwrap();
    let sql = "SELECT id FROM enforcements WHERE state = 'cancelled' FOR NO KEY UPDATE";
    sqlx::query(sql).execute(&mut *held).await.unwrap();
    assert!(store.review_memberships(now, &policy, 10).await.is_err(), "it waits for the notices");
    held.rollback().await.unwrap();
    assert_eq!(store.review_memberships(now, &policy, 10).await.unwrap().rows, 3);
    assert!(store.expand_chunk(cancelled, now, &policy, 10).await.unwrap().taken);
}

#[tokio::test]
async fn a_company_that_the_vendor_is_changing_stops_nobody() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let store = impatient(db).await;
    let enforcement = scheduled(db, &store, 3).await;
    let policy = Policy::default();
    let mut other = PgConnection::connect(&db.vendor_url()).await.unwrap();
    let mut held = other.begin().await.unwrap();
    sqlx::query("UPDATE companies SET enforcement_date = '2027-03-15'").execute(&mut *held).await.unwrap();
    let flipped = store.flip_chunk(enforcement, enforce_at(), &policy, 10).await.unwrap();
    assert_eq!((flipped.began, flipped.required), (false, 0), "it is passed over, not waited for");
    held.commit().await.unwrap();
    let flipped = store.flip_chunk(enforcement, enforce_at(), &policy, 10).await.unwrap();
    assert!(!flipped.began, "the date has moved (R5)");
}

#[tokio::test]
async fn a_revert_waits_for_a_flip_and_a_flip_for_a_revert() {
    const JO: Authority<'static> = Authority { actor: "Jo", override_notice: false, reason: None };
    let db = &TestDatabase::new(Kind::Postgres).await;
    let store = impatient(db).await;
    let enforcement = scheduled(db, &store, 3).await;
    let (company, policy) = (company_id(1).to_string(), Policy::default());
    assert!(store.flip_chunk(enforcement, enforce_at(), &policy, 1).await.unwrap().more);
    let mut other = PgConnection::connect(&db.vendor_url()).await.unwrap();

    // As a later chunk of a flip holds its enforcement, and nothing else that a revert would wait for.
    let mut held = other.begin().await.unwrap();
    let sql = "SELECT id FROM enforcements WHERE company_id IS NOT NULL FOR NO KEY UPDATE";
    sqlx::query(sql).execute(&mut *held).await.unwrap();
    assert!(store.revert(&company, &JO, enforce_at(), &policy, true).await.is_err(), "it waits for the flip");
    assert_eq!(
        store.flip_chunk(enforcement, enforce_at(), &policy, 1).await.unwrap().locked,
        Some(Locked::Enforcement),
        "it waits for the revert"
    );
    held.rollback().await.unwrap();
    assert_eq!(store.revert(&company, &JO, enforce_at(), &policy, true).await.unwrap(), Ordered::Done);
    assert_eq!(store.flip_chunk(enforcement, enforce_at(), &policy, 1).await.unwrap().required, 0);
    assert_eq!(db.value("SELECT count(*) FROM users WHERE mfa_required_at IS NOT NULL").await, "0");
}

#[tokio::test]
async fn a_revert_comes_to_users_before_notices_as_a_claim_does() {
    const JO: Authority<'static> = Authority { actor: "Jo", override_notice: false, reason: None };
    let db = &TestDatabase::new(Kind::Postgres).await;
    let store = impatient(db).await;
    let enforcement = scheduled(db, &store, 3).await;
    let (company, policy) = (company_id(1).to_string(), Policy::default());
    while store.flip_chunk(enforcement, enforce_at(), &policy, 2).await.unwrap().more {}
    let noon = "2027-01-15T12:00:00Z".parse().unwrap();
    for (milestone, _) in store.due_milestones(noon, None, 10).await.unwrap() {
        while store.expand_chunk(milestone, noon, &policy, 1000).await.unwrap().more {}
    }
    // As a claim holds its users before it comes to their notices: a revert that waits for them holds no notice.
    let mut other = PgConnection::connect(&db.vendor_url()).await.unwrap();
    let mut held = other.begin().await.unwrap();
    sqlx::query("SELECT id FROM users FOR NO KEY UPDATE").execute(&mut *held).await.unwrap();
    let patient = db.store(3).await;
    let reverting = patient.revert(&company, &JO, noon, &policy, true);
    let claiming = async {
        let_wait(db, 1).await;
        let sql = "SELECT id FROM notices FOR NO KEY UPDATE NOWAIT";
        let claimed = sqlx::query(sql).execute(&mut *held).await;
        held.rollback().await.unwrap();
        claimed
    };
    let (reverted, claimed) = tokio::join!(reverting, claiming);
    assert_eq!(claimed.unwrap().rows_affected(), 3);
    assert_eq!(reverted.unwrap(), Ordered::Done);
    assert!(store.claim(&terms(10), noon, &policy).await.unwrap().mails.is_empty());
}

#[tokio::test]
async fn who_becomes_required_is_waited_for_also_when_they_are_required_already() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let store = impatient(db).await;
    let enforcement = scheduled(db, &store, 3).await;
    let policy = Policy::default();
    // Something else requires everybody since before, and is being undone.
    let earlier = "2027-01-01T00:00:00Z";
    db.execute(&format!(
        "INSERT INTO requirements (user_id, enforcement_id, required_at) SELECT id, '{PAYEE_MANDATE}', '{earlier}' FROM users"
    ))
    .await;
    db.execute(&format!("UPDATE users SET mfa_required_at = '{earlier}'")).await;
    let own_day = "2027-01-20T23:00:00Z";
    db.execute(&format!("UPDATE memberships SET require_at = '{own_day}' WHERE user_id = '{}'", user_id(3))).await;
    let mut other = PgConnection::connect(&db.vendor_url()).await.unwrap();
    let mut undoing = other.begin().await.unwrap();
    for sql in [
        "SET LOCAL mfa_enforcer.derives = 'on'",
        "UPDATE requirements SET cleared_at = '2027-01-14T22:00:00Z'",
        "UPDATE users SET mfa_required_at = NULL",
    ] {
        sqlx::query(sql).execute(&mut *undoing).await.unwrap();
    }
    let patient = db.store(3).await;
    let flipping = patient.flip_chunk(enforcement, enforce_at(), &policy, 2);
    let done = async {
        let_wait(db, 1).await;
        undoing.commit().await.unwrap();
    };
    assert_eq!(tokio::join!(flipping, done).0.unwrap().required, 2);
    let since = "SELECT count(*) FROM users WHERE reviewed AND mfa_required_at";
    assert_eq!(db.value(&format!("{since} = '{}'", enforce_at())).await, "2");

    // The same for whose own day comes.
    while store.flip_chunk(enforcement, enforce_at(), &policy, 2).await.unwrap().more {}
    db.execute("UPDATE requirements SET cleared_at = NULL").await;
    db.execute(&format!("UPDATE users SET mfa_required_at = '{earlier}'")).await;
    let mut undoing = other.begin().await.unwrap();
    sqlx::query("SELECT id FROM users FOR NO KEY UPDATE").execute(&mut *undoing).await.unwrap();
    let own_day = own_day.parse().unwrap();
    assert_eq!(store.end_personal_dates(own_day, &policy, 10).await.unwrap().rows, 0, "they come when they are free");
    undoing.rollback().await.unwrap();
    assert_eq!(store.end_personal_dates(own_day, &policy, 10).await.unwrap().required, 1);
    assert_eq!(db.value(&format!("{since} = '{earlier}'")).await, "3");
}

/// As an application does that saves somebody with their role.
#[tokio::test]
async fn an_account_and_membership_that_the_vendor_keeps_locked_do_not_keep_the_others_from_being_required() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let store = impatient(db).await;
    let enforcement = scheduled(db, &store, 5).await;
    let policy = Policy::default();
    let mut other = PgConnection::connect(&db.vendor_url()).await.unwrap();
    let mut held = other.begin().await.unwrap();
    for sql in [
        format!("UPDATE users SET name = name WHERE id = '{}'", user_id(2)),
        format!("SELECT user_id FROM memberships WHERE user_id = '{}' FOR UPDATE", user_id(2)),
        format!("UPDATE users SET name = name WHERE id = '{}'", user_id(3)),
    ] {
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut *held).await.unwrap();
    }
    let flipped = store.flip_chunk(enforcement, enforce_at(), &policy, 4).await.unwrap();
    assert_eq!((flipped.required, flipped.more, flipped.locked), (2, true, Some(Locked::Accounts)));
    let flipped = store.flip_chunk(enforcement, enforce_at(), &policy, 4).await.unwrap();
    assert_eq!((flipped.required, flipped.more, flipped.locked), (1, false, None), "those behind them");
    assert!(store.due_flips(enforce_at(), None, 10).await.unwrap().is_empty());
    assert_eq!(db.value("SELECT count(*) FROM memberships WHERE require_at IS NOT NULL").await, "1");
    assert_eq!(store.change_memberships_left(10).await.unwrap(), 0, "it is locked still");
    held.rollback().await.unwrap();
    let next_tick = enforce_at().plus(TimeDelta::seconds(10));
    assert_eq!(store.end_personal_dates(next_tick, &policy, 10).await.unwrap().required, 1);
    assert_eq!(store.change_memberships_left(10).await.unwrap(), 1);
    assert_eq!(store.end_personal_dates(next_tick, &policy, 10).await.unwrap().required, 1);
    assert_eq!(db.value("SELECT count(*) FROM requirements").await, "5");
    assert_eq!(db.value("SELECT count(*) FROM memberships WHERE require_at IS NOT NULL").await, "0");
}

/// With no limit to how long a lock is waited for.
#[tokio::test]
async fn who_does_not_wait_for_locked_accounts_does_not() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let options = ConnectOptions { lock_timeout: TimeDelta::zero(), ..options(db.url()) };
    let store = SqlStore::connect(&options, Schema::Expect, Randomness::seeded(2)).await.unwrap();
    let enforcement = scheduled(db, &store, 3).await;
    let policy = Policy::default();
    let mut other = PgConnection::connect(&db.vendor_url()).await.unwrap();
    let mut held = other.begin().await.unwrap();
    let sql = format!("UPDATE users SET name = name WHERE id = '{}'", user_id(2));
    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut *held).await.unwrap();
    let flipped = store.flip_chunk_of_free(enforcement, enforce_at(), &policy, 10).await.unwrap();
    assert_eq!((flipped.required, flipped.more), (2, false));
    held.rollback().await.unwrap();
}

/// With no limit to how long a lock is waited for.
#[tokio::test]
async fn a_changed_company_whose_row_is_locked_is_looked_at_later_and_not_waited_for() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let options = ConnectOptions { lock_timeout: TimeDelta::zero(), ..options(db.url()) };
    let store = SqlStore::connect(&options, Schema::Expect, Randomness::seeded(2)).await.unwrap();
    let company = add_company(db, 1).await;
    db.execute("UPDATE companies SET enforcement_date = '2027-01-15'").await;
    let mut other = PgConnection::connect(&db.vendor_url()).await.unwrap();
    let mut held = other.begin().await.unwrap();
    sqlx::query("SELECT id FROM companies FOR UPDATE").execute(&mut *held).await.unwrap();
    let policy = Policy::default();
    assert!(store.reconcile_company(company, set_at(), &policy, true).await.unwrap().changes.is_empty());
    assert_eq!(store.unreconciled_companies(None, 10).await.unwrap(), [company]);
    held.rollback().await.unwrap();
    assert_eq!(store.reconcile_company(company, set_at(), &policy, true).await.unwrap().changes, ["planned"]);
}

#[tokio::test]
async fn a_membership_that_the_vendor_keeps_locked_does_not_keep_others_from_being_looked_at() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let store = impatient(db).await;
    company_of(db, 3).await;
    db.execute("UPDATE users SET payee = true").await;
    let mut other = PgConnection::connect(&db.vendor_url()).await.unwrap();
    let mut held = other.begin().await.unwrap();
    let sql = format!("SELECT user_id FROM memberships WHERE user_id = '{}' FOR UPDATE", user_id(1));
    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut *held).await.unwrap();
    let reviewed = store.review_users(set_at(), None, 10).await.unwrap();
    assert_eq!((reviewed.rows, reviewed.required), (2, 2));
    assert_eq!(store.review_users(set_at(), None, 10).await.unwrap().rows, 0);
    held.rollback().await.unwrap();
    let reviewed = store.review_users(set_at(), None, 10).await.unwrap();
    assert_eq!((reviewed.rows, reviewed.required), (1, 1));
    assert_eq!(store.review_users(set_at(), None, 10).await.unwrap().rows, 0);
}

#[tokio::test]
async fn an_account_that_the_vendor_keeps_locked_does_not_keep_the_others_from_being_required() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let store = impatient(db).await;
    let enforcement = scheduled(db, &store, 3).await;
    let policy = Policy::default();
    let mut other = PgConnection::connect(&db.vendor_url()).await.unwrap();
    let mut held = other.begin().await.unwrap();
    let locked = user_id(2);
    let sql = format!("UPDATE users SET name = name WHERE id = '{locked}'");
    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut *held).await.unwrap();

    let flipped = store.flip_chunk(enforcement, enforce_at(), &policy, 10).await.unwrap();
    assert_eq!((flipped.required, flipped.more), (2, false));
    let required = "SELECT string_agg(CAST(id AS text), ' ' ORDER BY id) FROM users WHERE mfa_required_at IS NOT NULL";
    assert_eq!(db.value(required).await, format!("{} {}", user_id(1), user_id(3)));
    let next_tick = enforce_at().plus(TimeDelta::seconds(10));
    assert_eq!(store.end_personal_dates(next_tick, &policy, 10).await.unwrap().rows, 0, "it is locked yet");
    held.rollback().await.unwrap();
    assert_eq!(store.end_personal_dates(next_tick, &policy, 10).await.unwrap().required, 1);
    let since = "SELECT count(*) FROM users AS u JOIN requirements AS r ON r.user_id = u.id AND r.required_at = u.mfa_required_at";
    assert_eq!(db.value(since).await, "3");
    assert_eq!(db.value("SELECT count(*) FROM memberships WHERE require_at IS NOT NULL").await, "0");
    let recorded = "SELECT sum(CAST(detail ->> 'required' AS int)) FROM audit_events WHERE action = 'users_required'";
    assert_eq!(db.value(recorded).await, "3");
}

/// An application locks accounts in another order than the flip, which waits for it in turn.
#[tokio::test]
async fn who_waits_for_a_flip_in_turn_does_not_keep_the_others_from_being_required() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let store = db.store(2).await;
    let enforcement = scheduled(db, &store, 3).await;
    let policy = Policy::default();
    let mut other = PgConnection::connect(&db.vendor_url()).await.unwrap();
    // It is the daemon that sees it.
    sqlx::query("SET deadlock_timeout = '1min'").execute(&mut other).await.unwrap();
    let mut held = other.begin().await.unwrap();
    let lock = |number| sqlx::AssertSqlSafe(format!("UPDATE users SET name = name WHERE id = '{}'", user_id(number)));
    sqlx::query(lock(3)).execute(&mut *held).await.unwrap();
    let in_turn = async {
        let_wait(db, 1).await;
        sqlx::query(lock(1)).execute(&mut *held).await.unwrap();
    };
    let (flipped, ()) = tokio::join!(store.flip_chunk(enforcement, enforce_at(), &policy, 10), in_turn);
    let flipped = flipped.unwrap();
    // The first may have been free for a moment.
    assert!(matches!(flipped.required, 1 | 2) && !flipped.more, "{flipped:?}");
    held.rollback().await.unwrap();
    store.end_personal_dates(enforce_at().plus(TimeDelta::seconds(10)), &policy, 10).await.unwrap();
    assert_eq!(db.value("SELECT count(*) FROM users WHERE mfa_required_at IS NOT NULL").await, "3");
}

/// More of a company's rows than are looked at together are locked, and come first: those of the others are looked at.
#[tokio::test]
async fn many_locked_rows_do_not_keep_those_behind_them_from_being_looked_at() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let store = db.store(1).await;
    let policy = Policy::default();
    scheduled(db, &store, 3).await;
    let other = add_company(db, 2).await;
    let behind = add_user(db, 4).await;
    add_member(db, other, behind).await;
    store.review_users(set_at(), None, 10).await.unwrap();
    store.review_memberships(set_at(), &policy, 10).await.unwrap();
    db.execute("UPDATE users SET payee = true").await;
    db.execute("UPDATE memberships SET reviewed = false").await;
    let first = company_id(1);
    let lock = async |connection: &mut PgConnection, sql: String| {
        sqlx::query("BEGIN").execute(&mut *connection).await.unwrap();
        sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(connection).await.unwrap().len()
    };
    let of_first = |what: &str| {
        format!(
            "SELECT u.id FROM memberships AS m JOIN users AS u ON u.id = m.user_id WHERE m.company_id = '{first}' FOR UPDATE OF {what}"
        )
    };
    let mut vendor = PgConnection::connect(&db.vendor_url()).await.unwrap();
    assert_eq!(lock(&mut vendor, of_first("m")).await, 3);
    let reviewed = store.review_users(set_at(), None, 2).await.unwrap();
    assert_eq!((reviewed.rows, reviewed.is_busy, reviewed.passed_over), (0, true, Some(user_id(2))));
    let reviewed = store.review_users(set_at(), reviewed.passed_over, 2).await.unwrap();
    assert_eq!((reviewed.rows, reviewed.required), (1, 1), "the payee behind those whose memberships are locked");
    assert_eq!(reviewed.passed_over, Some(behind), "and behind one more");
    let reviewed = store.review_users(set_at(), reviewed.passed_over, 2).await.unwrap();
    assert_eq!((reviewed.rows, reviewed.is_busy, reviewed.passed_over), (0, true, None), "those before are left");
    sqlx::query("ROLLBACK").execute(&mut vendor).await.unwrap();
    while store.review_users(set_at(), None, 2).await.unwrap().rows > 0 {}

    assert_eq!(lock(&mut vendor, of_first("u")).await, 3);
    assert_eq!(store.review_memberships(set_at(), &policy, 2).await.unwrap().rows, 1);
    let reviewed = store.review_memberships(set_at(), &policy, 2).await.unwrap();
    assert_eq!((reviewed.rows, reviewed.is_busy), (0, true));
    db.execute(&format!("UPDATE memberships SET reviewed = true, require_at = '{}'", set_at())).await;
    assert_eq!(store.end_personal_dates(enforce_at(), &policy, 2).await.unwrap().rows, 1);
    assert_eq!(store.end_personal_dates(enforce_at(), &policy, 2).await.unwrap().rows, 0);
    sqlx::query("ROLLBACK").execute(&mut vendor).await.unwrap();
    assert_eq!(store.end_personal_dates(enforce_at(), &policy, 10).await.unwrap().rows, 3);
}

/// Only a revert undoes a flip (R5), also for whom it could not lock.
#[tokio::test]
async fn whom_a_flip_put_off_is_required_also_when_the_date_is_cleared_meanwhile() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let store = impatient(db).await;
    let policy = Policy::default();
    let enforcement = scheduled(db, &store, 3).await;
    let mut vendor = PgConnection::connect(&db.vendor_url()).await.unwrap();
    let mut held = vendor.begin().await.unwrap();
    let sql = format!("SELECT id FROM users WHERE id = '{}' FOR UPDATE", user_id(2));
    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut *held).await.unwrap();
    assert_eq!(store.flip_chunk(enforcement, enforce_at(), &policy, 10).await.unwrap().required, 2);
    let later: Timestamp = "2027-01-14T23:10:00Z".parse().unwrap();
    db.execute("UPDATE companies SET enforcement_date = NULL").await;
    assert_eq!(store.reconcile_company(company_id(1), later, &policy, true).await.unwrap().changes, ["cancelled"]);
    held.rollback().await.unwrap();
    // A newcomer whose own day comes after the date was cleared is not required by it.
    let newcomer = add_user(db, 4).await;
    add_member(db, company_id(1), newcomer).await;
    store.review_users(later, None, 10).await.unwrap();
    store.review_memberships(later, &policy, 10).await.unwrap();
    db.execute(&format!("UPDATE memberships SET require_at = '{later}' WHERE user_id = '{newcomer}'")).await;
    let ended = store.end_personal_dates(later, &policy, 10).await.unwrap();
    assert_eq!((ended.rows, ended.required), (2, 1));
    let required = "SELECT user_id FROM requirements WHERE cleared_at IS NULL ORDER BY user_id";
    assert_eq!(db.rows(required).await.concat(), [1, 2, 3].map(|number| user_id(number).to_string()));
}

/// Another daemon has the last of those who have just been added in its hands: they are there before the date.
#[tokio::test]
async fn an_order_waits_for_those_whom_another_daemon_is_looking_at() {
    const JO: Authority<'static> = Authority { actor: "Jo", override_notice: false, reason: None };
    let db = &TestDatabase::new(Kind::Postgres).await;
    let store = impatient(db).await;
    let company = company_of(db, 3).await;
    store.review_users(set_at(), None, 10).await.unwrap();
    let mut other = PgConnection::connect(&db.vendor_url()).await.unwrap();
    let mut held = other.begin().await.unwrap();
    let sql = format!("SELECT user_id FROM memberships WHERE user_id = '{}' FOR UPDATE", user_id(3));
    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut *held).await.unwrap();
    let looking = async {
        while db.value("SELECT count(*) FROM memberships WHERE reviewed").await != "2" {}
        // For as long as an order takes that does not wait.
        for _ in 0..100 {
            db.value("SELECT count(*) FROM memberships").await;
        }
        held.rollback().await.unwrap();
    };
    let (company, policy) = (company.to_string(), Policy::default());
    let order = Order { store: &store, company: &company, authority: &JO, now: set_at(), policy: &policy, chunk: 10 };
    let (ordered, ()) = tokio::join!(order.set_date("2027-01-15".parse().unwrap()), looking);
    assert_eq!(ordered.unwrap(), Ordered::Done);
    let looked_at = "SELECT count(*) FROM memberships WHERE reviewed AND require_at IS NULL";
    assert_eq!(db.value(looked_at).await, "3", "nobody has come late");
}
