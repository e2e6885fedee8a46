//! What the daemon writes to memberships that somebody keeps locked, and what becomes of one that the vendor moves.

use chrono::TimeDelta;
use mfa_enforcer::domain::policy::Policy;
use mfa_enforcer::domain::time::Timestamp;
use mfa_enforcer::store::SqlStore;
use mfa_enforcer::store::enforce::EnforceStore as _;
use mfa_enforcer::store::enforcements::Ordered;
use mfa_enforcer::store::lapses::LapseStore as _;
use mfa_enforcer::store::membership_changes::MembershipChangeStore as _;
use mfa_enforcer::store::recheck::RecheckStore as _;
use mfa_enforcer::store::reconcile::{Authority, ReconcileStore as _};
use mfa_enforcer::store::revert::RevertStore as _;
use mfa_enforcer::store::review::ReviewStore as _;
use sqlx::{Connection as _, PgConnection};

use super::steps::{announced, enforce_at, scheduled, set_at};
use crate::support::vendor::{add_company, company_id, user_id};
use crate::support::{Kind, TestDatabase, on_both};

on_both!(a_membership_that_is_moved_is_a_new_one, a_date_that_came_while_nobody_had_looked_is_kept);

/// A connection of the vendor's that keeps these rows locked until it is told otherwise.
async fn locking(db: &TestDatabase, sql: String) -> PgConnection {
    let mut vendor = PgConnection::connect(&db.vendor_url()).await.unwrap();
    sqlx::query("BEGIN").execute(&mut vendor).await.unwrap();
    assert_eq!(sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(&mut vendor).await.unwrap().len(), 1);
    vendor
}

fn membership_of(number: u32) -> String {
    format!("SELECT user_id FROM memberships WHERE user_id = '{}' FOR UPDATE", user_id(number))
}

async fn let_go(mut vendor: PgConnection) {
    sqlx::query("ROLLBACK").execute(&mut vendor).await.unwrap();
}

/// The personal dates of the first three users.
async fn dates(db: &TestDatabase) -> Vec<String> {
    db.rows("SELECT COALESCE(CAST(require_at AS text), '') FROM memberships ORDER BY user_id").await.concat()
}

/// Three members, whose own day is the company's.
async fn newcomers(db: &TestDatabase, store: &SqlStore) {
    announced(db, store, 3).await;
    db.execute(&format!("UPDATE memberships SET require_at = '{}'", enforce_at())).await;
}

/// Sets the company's zone, and has it looked at.
async fn move_to(db: &TestDatabase, store: &SqlStore, zone: &str) {
    db.execute(&format!("UPDATE companies SET time_zone = '{zone}'")).await;
    let reconciled = store.reconcile_company(company_id(1), set_at(), &Policy::default(), true).await.unwrap();
    assert_eq!(reconciled.changes, ["refreshed"]);
}

#[tokio::test]
async fn a_company_moves_though_a_membership_is_locked_which_follows() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let store = db.store(1).await;
    newcomers(db, &store).await;
    let [berlin, lisbon, new_york] = ["2027-01-14 23:00:00+00", "2027-01-15 00:00:00+00", "2027-01-15 05:00:00+00"];
    assert_eq!(dates(db).await, [berlin; 3]);
    let vendor = locking(db, membership_of(2)).await;
    move_to(db, &store, "Europe/Lisbon").await;
    assert_eq!(dates(db).await, [lisbon, berlin, lisbon]);
    // Once more, while it is locked.
    move_to(db, &store, "America/New_York").await;
    assert_eq!(dates(db).await, [new_york, berlin, new_york]);
    assert_eq!(store.change_memberships_left(10).await.unwrap(), 0);
    let_go(vendor).await;
    // The day that it says has come, and it is not the day any more (R3).
    let policy = Policy::default();
    assert_eq!(store.end_personal_dates(enforce_at(), &policy, 10).await.unwrap().rows, 0);
    assert_eq!(store.change_memberships_left(10).await.unwrap(), 1);
    assert_eq!(dates(db).await, [new_york; 3]);
    assert_eq!(store.change_memberships_left(10).await.unwrap(), 0, "once");
}

/// A date that is moved to an earlier one, and comes while a membership is locked whose own day was that of before (R4).
#[tokio::test]
async fn whom_a_flip_passed_over_as_their_day_had_not_gone_yet_is_required_all_the_same() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let store = db.store(1).await;
    newcomers(db, &store).await;
    let (policy, day) = (Policy::default(), "2027-01-09T23:00:00Z".parse().unwrap());
    let vendor = locking(db, membership_of(2)).await;
    db.execute("UPDATE companies SET enforcement_date = '2027-01-10'").await;
    store.reconcile_company(company_id(1), set_at(), &policy, true).await.unwrap();
    let earlier = db.value("SELECT id FROM enforcements WHERE state = 'scheduled'").await.parse().unwrap();
    while store.flip_chunk(earlier, day, &policy, 10).await.unwrap().more {}
    assert_eq!(db.value("SELECT count(*) FROM requirements").await, "2");
    let_go(vendor).await;
    assert_eq!(store.change_memberships_left(10).await.unwrap(), 1);
    assert_eq!(store.review_memberships(day, &policy, 10).await.unwrap().required, 1);
}

#[tokio::test]
async fn one_that_is_free_but_not_changed_yet_moves_with_the_company_all_the_same() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let store = db.store(1).await;
    newcomers(db, &store).await;
    let vendor = locking(db, membership_of(2)).await;
    move_to(db, &store, "Europe/Lisbon").await;
    let_go(vendor).await;
    // There and back, and away: nobody has come to it in between.
    move_to(db, &store, "Europe/Berlin").await;
    move_to(db, &store, "America/New_York").await;
    assert_eq!(store.change_memberships_left(10).await.unwrap(), 1);
    assert_eq!(dates(db).await, ["2027-01-15 05:00:00+00"; 3]);
}

#[tokio::test]
async fn a_date_is_taken_back_though_a_membership_is_locked_whose_own_goes_as_well() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let store = db.store(1).await;
    newcomers(db, &store).await;
    let told = "2027-03-01T00:00:00Z";
    db.execute(&format!("UPDATE memberships SET exempt_until = '{told}', exemption_told = '{told}', reviewed = true"))
        .await;
    let vendor = locking(db, membership_of(2)).await;
    db.execute("UPDATE companies SET enforcement_date = NULL").await;
    let reconciled = store.reconcile_company(company_id(1), set_at(), &Policy::default(), true).await.unwrap();
    assert_eq!(reconciled.changes, ["cancelled"]);
    let known = "SELECT count(*) FROM memberships WHERE require_at IS NOT NULL AND exemption_told IS NOT NULL";
    assert_eq!(db.value(known).await, "1");
    assert_eq!(store.change_memberships_left(10).await.unwrap(), 0);
    // One that is deleted is forgotten.
    db.execute("INSERT INTO membership_changes (company_id, user_id, reviews) SELECT company_id, company_id, true FROM memberships LIMIT 1")
        .await;
    let_go(vendor).await;
    assert_eq!(store.change_memberships_left(10).await.unwrap(), 1);
    let like_the_others =
        "SELECT count(*) FROM memberships WHERE require_at IS NULL AND exemption_told IS NULL AND NOT reviewed";
    assert_eq!(db.value(like_the_others).await, "3");
    assert_eq!(db.value("SELECT count(*) FROM membership_changes").await, "0");
}

#[tokio::test]
async fn a_company_is_reverted_though_a_membership_is_locked_whose_own_date_goes_as_well() {
    const JO: Authority<'static> = Authority { actor: "Jo", override_notice: false, reason: None };
    let db = &TestDatabase::new(Kind::Postgres).await;
    let (store, policy) = (db.store(1).await, Policy::default());
    let enforcement = scheduled(db, &store, 3).await;
    while store.flip_chunk(enforcement, enforce_at(), &policy, 10).await.unwrap().more {}
    let later = enforce_at().plus(TimeDelta::days(1));
    db.execute("UPDATE companies SET enforcement_date = '2027-06-15'").await;
    assert_eq!(store.reconcile_company(company_id(1), later, &policy, true).await.unwrap().changes, ["planned"]);
    // Of the date in force, one that is to become so, and of the date to come.
    let dates = [(1, "2027-02-15"), (2, "2027-02-15"), (3, "2027-07-15")];
    for (number, date) in dates {
        let user = user_id(number);
        db.execute(&format!(
            "UPDATE memberships SET require_at = '{date}T00:00:00Z', reviewed = true WHERE user_id = '{user}'"
        ))
        .await;
    }
    let vendors = [locking(db, membership_of(2)).await, locking(db, membership_of(3)).await];
    assert_eq!(store.revert(&company_id(1).to_string(), &JO, later, &policy, true).await.unwrap(), Ordered::Done);
    let members = "SELECT require_at IS NULL, reviewed FROM memberships ORDER BY user_id";
    assert_eq!(db.rows(members).await, [["1", "0"], ["0", "1"], ["0", "1"]]);
    for vendor in vendors {
        let_go(vendor).await;
    }
    assert_eq!(store.change_memberships_left(10).await.unwrap(), 2);
    assert_eq!(db.rows(members).await, [["1", "0"], ["1", "0"], ["0", "0"]]);
}

/// An SSO user whom a setting leaves out no more, and whose account was locked when that was noted, is told before.
#[tokio::test]
async fn who_was_left_out_and_could_not_be_looked_at_is_not_required_by_a_flip() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let store = db.store(1).await;
    let (without, with) = (Policy::default(), Policy { leave_out_sso: false, ..Policy::default() });
    let enforcement = scheduled(db, &store, 2).await;
    db.execute("UPDATE users SET sso = true").await;
    let look = async |now: Timestamp, policy: &Policy| {
        while store.review_users(now, None, 10).await.unwrap().rows > 0 {}
        while store.review_memberships(now, policy, 10).await.unwrap().rows > 0 {}
    };
    look(set_at(), &without).await;
    assert_eq!(db.rows("SELECT DISTINCT reviewed_as FROM memberships").await.concat(), ["left_out"]);
    store.recheck_sso_users(true).await.unwrap();
    let vendor = locking(db, format!("SELECT id FROM users WHERE id = '{}' FOR UPDATE", user_id(2))).await;
    assert_eq!(store.recheck_sso_users(false).await.unwrap(), 1);
    look(set_at(), &with).await;
    let_go(vendor).await;
    let far = enforce_at().plus(TimeDelta::days(60));
    store.flip_chunk(enforcement, far, &with, 10).await.unwrap();
    let required = "SELECT user_id FROM requirements";
    assert_eq!(db.rows(required).await.concat(), [user_id(1).to_string()]);
    assert_eq!(store.recheck_left().await.unwrap(), 1);
    look(far, &with).await;
    assert_eq!(db.value("SELECT count(*) FROM memberships WHERE reviewed_as = 'subject'").await, "2");
}

async fn a_membership_that_is_moved_is_a_new_one(db: &TestDatabase) {
    let store = db.store(1).await;
    scheduled(db, &store, 2).await;
    let until: Timestamp = "2027-03-01T00:00:00Z".parse().unwrap();
    db.execute(&format!(
        "UPDATE memberships SET exempt_until = '{until}', exemption_told = '{until}', require_at = '{until}'"
    ))
    .await;
    db.execute("UPDATE memberships SET reviewed = true").await;
    let other = add_company(db, 2).await;
    db.execute(&format!("UPDATE memberships SET company_id = '{other}' WHERE user_id = '{}'", user_id(2))).await;
    db.execute("UPDATE memberships SET role = 'admin', company_id = company_id").await;
    let as_new = "NOT reviewed AND reviewed_as IS NULL AND require_at IS NULL AND exemption_told IS NULL";
    let as_before = "reviewed AND reviewed_as = 'subject' AND require_at IS NOT NULL AND exemption_told IS NOT NULL";
    for (number, known) in [(1, as_before), (2, as_new)] {
        let sql = format!("SELECT user_id FROM memberships WHERE {known}");
        assert_eq!(db.rows(&sql).await.concat(), [user_id(number).to_string()]);
    }
    // Nothing of it lapses in the company that it has come to.
    assert_eq!(store.tell_exempt(set_at(), &Policy::default(), 10).await.unwrap().rows, 0);
}

/// It is gone through once the daemon has looked at the account: what it was about is decided then.
async fn a_date_that_came_while_nobody_had_looked_is_kept(db: &TestDatabase) {
    let store = db.store(1).await;
    let policy = Policy::default();
    let enforcement = scheduled(db, &store, 2).await;
    while store.flip_chunk(enforcement, enforce_at(), &policy, 10).await.unwrap().more {}
    db.execute(&format!("UPDATE memberships SET require_at = '{}'", enforce_at())).await;
    db.execute(&format!("UPDATE users SET reviewed = false WHERE id = '{}'", user_id(2))).await;
    assert_eq!(store.end_personal_dates(enforce_at(), &policy, 10).await.unwrap().rows, 1);
    store.review_users(enforce_at(), None, 10).await.unwrap();
    assert_eq!(store.end_personal_dates(enforce_at(), &policy, 10).await.unwrap().rows, 0, "nor at the membership");
    store.review_memberships(enforce_at(), &policy, 10).await.unwrap();
    assert_eq!(store.end_personal_dates(enforce_at(), &policy, 10).await.unwrap().rows, 1);
}
