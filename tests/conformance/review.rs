//! Rows that the daemon has yet to look at: found, looked at in batches, and done once.

use mfa_enforcer::domain::policy::Policy;
use mfa_enforcer::store::enforce::EnforceStore as _;
use mfa_enforcer::store::lapses::LapseStore as _;
use mfa_enforcer::store::reconcile::ReconcileStore as _;
use mfa_enforcer::store::review::{ReviewStore as _, Reviewed};

use super::steps::{actions, enforce_at, scheduled, set_at};
use crate::support::vendor::{add_company, add_member, add_user, company_id, user_id};
use crate::support::{TestDatabase, on_both};

on_both!(
    new_rows_are_looked_at_in_batches,
    a_payee_is_required_once_and_told,
    members_of_a_changed_company_wait_for_its_enforcement,
    a_late_joiner_is_told_and_gets_a_date,
    whom_a_flip_passed_over_is_required_when_they_are_looked_at,
    a_newcomer_is_not_required_by_a_date_that_was_moved,
    exemptions_end_once,
    personal_dates_end_once,
    somebody_elses_save_is_put_right,
);

async fn new_rows_are_looked_at_in_batches(db: &TestDatabase) {
    let store = db.store(1).await;
    let company = add_company(db, 1).await;
    for number in 1..=5 {
        let user = add_user(db, number).await;
        add_member(db, company, user).await;
    }
    let policy = Policy::default();
    assert_eq!(store.review_memberships(set_at(), &policy, 10).await.unwrap().rows, 0, "users come first");
    let rows = async || store.review_users(set_at(), None, 2).await.unwrap().rows;
    assert_eq!([rows().await, rows().await, rows().await, rows().await], [2, 2, 1, 0]);
    let rows = async || store.review_memberships(set_at(), &policy, 2).await.unwrap().rows;
    assert_eq!([rows().await, rows().await, rows().await, rows().await], [2, 2, 1, 0]);
    let joined = "SELECT DISTINCT joined_at FROM memberships";
    assert_eq!(db.value(joined).await, "2026-12-01T09:00:00.000000Z", "when they were first seen");
    assert!(actions(db).await.is_empty(), "nothing came of it");
}

async fn a_payee_is_required_once_and_told(db: &TestDatabase) {
    let store = db.store(1).await;
    for number in 1..=3 {
        add_user(db, number).await;
    }
    db.execute(&format!("UPDATE users SET payee = true WHERE id <> '{}'", user_id(3))).await;
    db.execute(&format!("UPDATE users SET mfa_enrolled_at = '2026-01-01T00:00:00Z' WHERE id = '{}'", user_id(2))).await;
    let reviewed = store.review_users(set_at(), None, 10).await.unwrap();
    assert_eq!(reviewed, Reviewed { rows: 3, required: 2, notices: 1, ..Reviewed::default() });
    let required = "SELECT count(*) FROM users WHERE mfa_required_at = '2026-12-01T09:00:00.000000Z'";
    assert_eq!(db.value(required).await, "2");
    assert_eq!(actions(db).await, ["users_required"]);
    db.execute("UPDATE users SET payee = NOT payee; UPDATE users SET payee = NOT payee").await;
    let reviewed = store.review_users(enforce_at(), None, 10).await.unwrap();
    assert_eq!(reviewed, Reviewed { rows: 3, required: 0, notices: 0, ..Reviewed::default() });
}

async fn members_of_a_changed_company_wait_for_its_enforcement(db: &TestDatabase) {
    let store = db.store(1).await;
    scheduled(db, &store, 1).await;
    let late = add_user(db, 2).await;
    add_member(db, company_id(1), late).await;
    store.review_users(set_at(), None, 10).await.unwrap();
    db.execute("UPDATE companies SET enforcement_date = '2027-02-15'").await;
    let reviewed = store.review_memberships(set_at(), &Policy::default(), 10).await.unwrap();
    assert_eq!(reviewed, Reviewed::default());
    assert_eq!(db.value("SELECT count(*) FROM memberships WHERE NOT reviewed").await, "1");
}

async fn a_late_joiner_is_told_and_gets_a_date(db: &TestDatabase) {
    let store = db.store(1).await;
    scheduled(db, &store, 1).await;
    let late = add_user(db, 2).await;
    add_member(db, company_id(1), late).await;
    store.review_users(set_at(), None, 10).await.unwrap();
    let reviewed = store.review_memberships(set_at(), &Policy::default(), 10).await.unwrap();
    assert_eq!(reviewed, Reviewed { rows: 1, required: 0, notices: 1, ..Reviewed::default() });
    let own = format!("SELECT require_at FROM memberships WHERE user_id = '{late}'");
    assert_eq!(db.value(&own).await, "2027-01-14T23:00:00.000000Z");
    assert_eq!(
        db.rows("SELECT kind, user_id, due_at FROM notices").await,
        [["welcome".to_owned(), late.to_string(), "2026-12-01T09:00:00.000000Z".to_owned()]]
    );
    db.execute("UPDATE memberships SET reviewed = false").await;
    let again = store.review_memberships(set_at(), &Policy::default(), 10).await.unwrap();
    assert_eq!(
        (again.rows, again.notices),
        (2, 0),
        "nobody is told twice, and who was there waits for the announcement"
    );
}

async fn whom_a_flip_passed_over_is_required_when_they_are_looked_at(db: &TestDatabase) {
    let store = db.store(1).await;
    let policy = Policy::default();
    let enforcement = scheduled(db, &store, 1).await;
    db.execute("UPDATE memberships SET reviewed = false").await;
    while store.flip_chunk(enforcement, enforce_at(), &policy, 10).await.unwrap().more {}
    assert_eq!(db.value("SELECT count(*) FROM requirements").await, "0", "nobody has looked at them");
    let reviewed = store.review_memberships(enforce_at(), &policy, 10).await.unwrap();
    assert_eq!(reviewed, Reviewed { rows: 1, required: 1, notices: 1, ..Reviewed::default() });
    let required = "SELECT count(*) FROM users WHERE mfa_required_at = '2027-01-14T23:00:00.000000Z'";
    assert_eq!(db.value(required).await, "1");
}

async fn a_newcomer_is_not_required_by_a_date_that_was_moved(db: &TestDatabase) {
    let store = db.store(1).await;
    let policy = Policy::default();
    let enforcement = scheduled(db, &store, 1).await;
    while store.flip_chunk(enforcement, enforce_at(), &policy, 10).await.unwrap().more {}
    // Too soon: it is held, and tells and requires nobody until somebody says so.
    db.execute("UPDATE companies SET enforcement_date = '2027-01-17'").await;
    store.reconcile_company(company_id(1), enforce_at(), &policy, true).await.unwrap();
    assert_eq!(db.value("SELECT count(*) FROM enforcements WHERE state = 'held'").await, "1");
    let newcomer = add_user(db, 2).await;
    add_member(db, company_id(1), newcomer).await;
    store.review_users(enforce_at(), None, 10).await.unwrap();
    let reviewed = store.review_memberships(enforce_at(), &policy, 10).await.unwrap();
    assert_eq!((reviewed.required, db.value("SELECT count(*) FROM requirements").await.as_str()), (0, "1"));
}

async fn exemptions_end_once(db: &TestDatabase) {
    let store = db.store(1).await;
    scheduled(db, &store, 3).await;
    db.execute("UPDATE memberships SET exempt_until = '2026-12-01T09:00:00Z', exempt_reason = 'leave', exempt_by = 'Jo', reviewed = true").await;
    db.execute(&format!(
        "UPDATE memberships SET exempt_until = '2026-12-01T09:00:00.000001Z' WHERE user_id = '{}'",
        user_id(3)
    ))
    .await;
    db.execute("UPDATE memberships SET reviewed = true").await;
    assert_eq!(store.end_exemptions(set_at(), 1).await.unwrap(), 1);
    assert_eq!(store.end_exemptions(set_at(), 10).await.unwrap(), 1);
    assert_eq!(store.end_exemptions(set_at(), 10).await.unwrap(), 0, "one has a microsecond left");
    let rows = "SELECT exempt_until, exempt_reason, exempt_by, reviewed FROM memberships ORDER BY user_id";
    let ended = ["null", "null", "null", "0"].map(str::to_owned).to_vec();
    let stands = ["2026-12-01T09:00:00.000001Z", "leave", "Jo", "1"].map(str::to_owned).to_vec();
    assert_eq!(db.rows(rows).await, [ended.clone(), ended, stands]);
    assert_eq!(actions(db).await, ["enforcement_scheduled", "exemption_ended", "exemption_ended"]);
}

async fn personal_dates_end_once(db: &TestDatabase) {
    let store = db.store(1).await;
    let enforcement = scheduled(db, &store, 3).await;
    db.execute(&format!(
        "UPDATE enforcements SET state = 'in_force', flipped_at = enforce_at WHERE id = '{enforcement}'"
    ))
    .await;
    db.execute("UPDATE memberships SET require_at = '2027-01-20T23:00:00Z'").await;
    db.execute(&format!("UPDATE memberships SET require_at = '2027-01-21T23:00:00Z' WHERE user_id = '{}'", user_id(1)))
        .await;
    let now = "2027-01-20T23:00:00Z".parse().unwrap();
    let reviewed = store.end_personal_dates(now, &Policy::default(), 1).await.unwrap();
    assert_eq!((reviewed.rows, reviewed.required), (1, 1));
    let reviewed = store.end_personal_dates(now, &Policy::default(), 10).await.unwrap();
    assert_eq!((reviewed.rows, reviewed.required), (1, 1));
    assert_eq!(store.end_personal_dates(now, &Policy::default(), 10).await.unwrap(), Reviewed::default());
    assert_eq!(db.value("SELECT count(*) FROM users WHERE mfa_required_at IS NOT NULL").await, "2");
    assert_eq!(db.value("SELECT count(*) FROM memberships WHERE require_at IS NOT NULL").await, "1");
}

async fn somebody_elses_save_is_put_right(db: &TestDatabase) {
    let store = db.store(1).await;
    add_user(db, 1).await;
    db.execute("UPDATE users SET payee = true").await;
    store.review_users(set_at(), None, 10).await.unwrap();
    for written in ["NULL", "'2020-01-01T00:00:00Z'"] {
        db.execute(&format!("UPDATE users SET mfa_required_at = {written}")).await;
        assert_eq!(store.review_users(enforce_at(), None, 10).await.unwrap().rows, 1);
        assert_eq!(db.value("SELECT mfa_required_at FROM users").await, "2026-12-01T09:00:00.000000Z");
    }
    assert_eq!(store.review_users(enforce_at(), None, 10).await.unwrap().rows, 0);
}
