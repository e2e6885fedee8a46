//! From companies' rows to enforcements: found by their revision, in pages, and done once.

use mfa_enforcer::domain::policy::Policy;
use mfa_enforcer::domain::time::Timestamp;
use mfa_enforcer::store::reconcile::{ReconcileStore as _, Reconciled};

use super::steps::{actions, scheduled, set_at, with_a_date};
use crate::support::vendor::{add_company, add_member, add_user, company_id};
use crate::support::{TestDatabase, on_both};

on_both!(
    changed_companies_are_found_in_pages,
    a_date_becomes_an_enforcement_with_its_milestones,
    a_first_date_waits_until_members_are_reviewed,
    a_company_that_is_gone_is_nothing,
    another_zone_refreshes_what_is_planned,
    other_reminder_days_are_dropped_added_and_taken_up_again,
    a_held_enforcement_has_no_milestones,
    a_deleted_companys_enforcement_is_cancelled_once,
    a_revision_raised_meanwhile_is_not_lost,
);

async fn changed_companies_are_found_in_pages(db: &TestDatabase) {
    let store = db.store(1).await;
    for number in 1..=5 {
        add_company(db, number).await;
    }
    let first = store.unreconciled_companies(None, 2).await.unwrap();
    assert_eq!(first, [company_id(1), company_id(2)]);
    let rest = store.unreconciled_companies(Some(company_id(2)), 10).await.unwrap();
    assert_eq!(rest, [company_id(3), company_id(4), company_id(5)]);
    for number in 1..=5 {
        let reconciled = store.reconcile_company(company_id(number), set_at(), &Policy::default(), true).await.unwrap();
        assert_eq!(reconciled, Reconciled::default());
    }
    assert!(store.unreconciled_companies(None, 10).await.unwrap().is_empty());
    db.execute(&format!("UPDATE companies SET name = 'another' WHERE id = '{}'", company_id(3))).await;
    assert!(store.unreconciled_companies(None, 10).await.unwrap().is_empty(), "a name does not matter");
    db.execute(&format!("UPDATE companies SET time_zone = 'UTC' WHERE id = '{}'", company_id(3))).await;
    assert_eq!(store.unreconciled_companies(None, 10).await.unwrap(), [company_id(3)]);
}

async fn a_date_becomes_an_enforcement_with_its_milestones(db: &TestDatabase) {
    let store = db.store(1).await;
    scheduled(db, &store, 1).await;
    let columns = "enforcement_date, time_zone, planned_time_zone, enforce_at, state, set_by, created_at, reason";
    assert_eq!(
        db.rows(&format!("SELECT {columns} FROM enforcements WHERE company_id IS NOT NULL")).await,
        [[
            "2027-01-15",
            "Europe/Berlin",
            "Europe/Berlin",
            "2027-01-14T23:00:00.000000Z",
            "scheduled",
            "sql",
            "2026-12-01T09:00:00.000000Z",
            "null"
        ]]
    );
    let milestones = "SELECT kind, days_before, state FROM milestones WHERE enforcement_id <> '00000000-0000-0000-0000-000000000001' ORDER BY due_at, kind DESC";
    assert_eq!(
        db.rows(milestones).await,
        [
            ["welcome", "null", "expanded"],
            ["announcement", "null", "pending"],
            ["reminder", "30", "pending"],
            ["reminder", "14", "pending"],
            ["reminder", "7", "pending"],
            ["reminder", "3", "pending"],
            ["final_reminder", "1", "pending"],
            ["now_required", "null", "pending"],
        ]
    );
    assert_eq!(actions(db).await, ["enforcement_scheduled"]);
    let before = db.dump().await;
    let again = store.reconcile_company(company_id(1), set_at(), &Policy::default(), true).await.unwrap();
    assert_eq!(again, Reconciled::default());
    assert_eq!(db.dump().await, before);
}

async fn a_first_date_waits_until_members_are_reviewed(db: &TestDatabase) {
    let store = db.store(1).await;
    let company = with_a_date(db, &store, 1).await;
    let late = add_user(db, 2).await;
    add_member(db, company, late).await;
    let reconciled = store.reconcile_company(company, set_at(), &Policy::default(), true).await.unwrap();
    assert!(reconciled.deferred && reconciled.changes.is_empty());
    assert_eq!(store.unreconciled_companies(None, 10).await.unwrap(), [company], "it is asked again");
    let reconciled = store.reconcile_company(company, set_at(), &Policy::default(), false).await.unwrap();
    assert_eq!((reconciled.deferred, reconciled.changes), (false, vec!["planned"]));
}

async fn a_company_that_is_gone_is_nothing(db: &TestDatabase) {
    let store = db.store(1).await;
    let reconciled = store.reconcile_company(company_id(9), set_at(), &Policy::default(), true).await.unwrap();
    assert_eq!(reconciled, Reconciled::default());
}

async fn another_zone_refreshes_what_is_planned(db: &TestDatabase) {
    let store = db.store(1).await;
    let enforcement = scheduled(db, &store, 1).await;
    db.execute("UPDATE companies SET time_zone = 'Asia/Tokyo'").await;
    db.execute("UPDATE memberships SET require_at = '2027-01-14T23:00:00.000000Z'").await;
    let reconciled = store.reconcile_company(company_id(1), set_at(), &Policy::default(), true).await.unwrap();
    assert_eq!(reconciled.changes, ["refreshed"]);
    let row = format!("SELECT time_zone, planned_time_zone, enforce_at FROM enforcements WHERE id = '{enforcement}'");
    assert_eq!(db.rows(&row).await, [["Asia/Tokyo", "Asia/Tokyo", "2027-01-14T15:00:00.000000Z"]]);
    let last = "SELECT due_at FROM milestones WHERE kind = 'now_required' AND state = 'pending'";
    assert_eq!(db.value(last).await, "2027-01-14T15:00:00.000000Z");
    let own = "SELECT require_at FROM memberships";
    assert_eq!(db.value(own).await, "2027-01-14T15:00:00.000000Z", "a personal date that was the company's goes along");
    db.execute("UPDATE companies SET time_zone = 'Mars/Olympus'").await;
    let reconciled = store.reconcile_company(company_id(1), set_at(), &Policy::default(), true).await.unwrap();
    assert_eq!(reconciled.changes, ["zone_copied"]);
    assert!(reconciled.warnings[0].contains("'Mars/Olympus'"), "{:?}", reconciled.warnings);
    assert_eq!(db.rows(&row).await, [["Mars/Olympus", "Asia/Tokyo", "2027-01-14T15:00:00.000000Z"]]);
}

async fn other_reminder_days_are_dropped_added_and_taken_up_again(db: &TestDatabase) {
    let store = db.store(1).await;
    scheduled(db, &store, 1).await;
    let days = async |state: &str| {
        let sql = format!(
            "SELECT days_before FROM milestones WHERE days_before IS NOT NULL AND state = '{state}' ORDER BY days_before DESC"
        );
        db.rows(&sql).await.concat()
    };
    let set = async |value: &str, now: &str| {
        db.execute(&format!("UPDATE companies SET notice_days = {value}")).await;
        let now: Timestamp = now.parse().unwrap();
        store.reconcile_company(company_id(1), now, &Policy::default(), true).await.unwrap()
    };
    set("'[14,10]'", "2026-12-02T09:00:00Z").await;
    assert_eq!(
        (days("pending").await, days("dropped").await),
        (vec!["14".to_owned(), "10".to_owned()], vec!["30".to_owned(), "7".to_owned(), "3".to_owned(), "1".to_owned()])
    );
    // Twelve days before, it is too late for the fourteenth and the thirtieth.
    let reconciled = set("NULL", "2027-01-03T09:00:00Z").await;
    assert_eq!(reconciled.changes, ["refreshed"]);
    assert_eq!(days("pending").await, ["14", "7", "3", "1"]);
    let reconciled = set("'[\"soon\"]'", "2027-01-03T09:00:00Z").await;
    assert!(reconciled.warnings[0].contains("soon") && reconciled.changes.is_empty(), "{reconciled:?}");
}

async fn a_held_enforcement_has_no_milestones(db: &TestDatabase) {
    let store = db.store(1).await;
    let company = with_a_date(db, &store, 1).await;
    db.execute("UPDATE companies SET mfa_available = false").await;
    let reconciled = store.reconcile_company(company, set_at(), &Policy::default(), true).await.unwrap();
    assert_eq!(reconciled.changes, ["held"]);
    assert!(reconciled.warnings[0].contains("mfa_not_available"));
    assert_eq!(db.value("SELECT count(*) FROM milestones WHERE state = 'pending'").await, "0");
    assert_eq!(actions(db).await, ["enforcement_held"]);
}

async fn a_deleted_companys_enforcement_is_cancelled_once(db: &TestDatabase) {
    let store = db.store(1).await;
    scheduled(db, &store, 1).await;
    db.execute("DELETE FROM companies").await;
    assert_eq!(store.cancel_orphans(set_at()).await.unwrap(), 1);
    let open = "SELECT count(*) FROM milestones WHERE state = 'pending'";
    assert_eq!(db.value(open).await, "0");
    assert_eq!(actions(db).await, ["enforcement_scheduled", "enforcement_cancelled"]);
    let before = db.dump().await;
    assert_eq!(store.cancel_orphans(set_at()).await.unwrap(), 0);
    assert_eq!(db.dump().await, before);
}

async fn a_revision_raised_meanwhile_is_not_lost(db: &TestDatabase) {
    let store = db.store(1).await;
    scheduled(db, &store, 1).await;
    // A full-row save by an application that read the row before cannot turn the revision back.
    db.execute("UPDATE companies SET enforcement_date = '2027-02-15', revision = 1, reconciled_revision = 0").await;
    assert_eq!(store.unreconciled_companies(None, 10).await.unwrap(), [company_id(1)]);
    let reconciled = store.reconcile_company(company_id(1), set_at(), &Policy::default(), true).await.unwrap();
    assert_eq!(reconciled.changes, ["superseded", "planned"]);
    assert!(store.unreconciled_companies(None, 10).await.unwrap().is_empty());
}
