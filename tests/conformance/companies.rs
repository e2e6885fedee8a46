//! Companies: found by either key, added and set with an event each, and left alone by what is refused.

use chrono_tz::Tz;
use mfa_enforcer::domain::ids::Id;
use mfa_enforcer::domain::notice::EnforcementState;
use mfa_enforcer::domain::time::Timestamp;
use mfa_enforcer::store::audit::{AuditFilter, AuditStore as _};
use mfa_enforcer::store::companies::{CompanyChange, CompanyStore as _};
use mfa_enforcer::store::edit::Edit;
use mfa_enforcer::store::{SqlStore, StoreError};
use serde_json::json;

use crate::support::vendor::{add_company, add_member, add_user, company_id, user_id};
use crate::support::{TestDatabase, on_both};

on_both!(
    a_company_is_found_by_its_id_before_its_external_id,
    an_unknown_key_is_answered_with_where_to_look,
    a_new_company_has_the_defaults_and_one_event,
    setting_changes_what_is_given_and_nothing_else,
    setting_what_is_so_writes_nothing,
    a_taken_external_id_is_refused,
    pages_are_in_the_order_of_ids_and_know_the_state,
    an_overview_counts_people,
    reminder_days_that_cannot_be_read_are_shown_and_mended,
);

fn now() -> Timestamp {
    "2026-12-01T10:00:00.000001Z".parse().unwrap()
}

fn berlin() -> CompanyChange {
    CompanyChange {
        name: Some("Größe & Söhne".to_owned()),
        time_zone: Some(Tz::Europe__Berlin),
        external_id: Edit::To("groesse".to_owned()),
        notice_days: Edit::To(vec![30, 7]),
        new_member_grace_days: Edit::To(14),
        support_contact: Edit::To("the desk".to_owned()),
        ..CompanyChange::default()
    }
}

async fn last_event(store: &SqlStore) -> (String, String, serde_json::Value) {
    let event = store.audit_page(&AuditFilter::default(), 0, 100).await.unwrap().pop().unwrap();
    (event.actor, event.action, event.detail)
}

async fn a_company_is_found_by_its_id_before_its_external_id(db: &TestDatabase) {
    let store = db.store(1).await;
    let (one, other) = (add_company(db, 1).await, add_company(db, 2).await);
    db.execute(&format!("UPDATE companies SET external_id = '{one}' WHERE id = '{other}'")).await;
    assert_eq!(store.company(&one.to_string()).await.unwrap().id, one);
    db.execute(&format!("UPDATE companies SET external_id = 'other' WHERE id = '{other}'")).await;
    assert_eq!(store.company("other").await.unwrap().id, other);
}

async fn an_unknown_key_is_answered_with_where_to_look(db: &TestDatabase) {
    let store = db.store(1).await;
    let refused = store.company("nobody").await.unwrap_err();
    assert!(matches!(refused, StoreError::NotFound(_)), "{refused}");
    assert!(refused.to_string().contains("'nobody'") && refused.to_string().contains("company list"), "{refused}");
    assert!(store.company(&company_id(9).to_string()).await.is_err());
}

async fn a_new_company_has_the_defaults_and_one_event(db: &TestDatabase) {
    let store = db.store(1).await;
    let new =
        CompanyChange { name: Some("A".to_owned()), time_zone: Some(Tz::Asia__Kathmandu), ..CompanyChange::default() };
    let added = store.add_company(new, "Jo", now()).await.unwrap();
    let read = store.company(&added.id.to_string()).await.unwrap();
    assert_eq!(added, read);
    assert_eq!((read.locale.as_str(), read.mfa_available, read.notice_days), ("en", true, None));
    assert_eq!(db.value("SELECT reconciled_revision < revision FROM companies").await, "1", "the daemon looks at it");
    let (actor, action, detail) = last_event(&store).await;
    assert_eq!((actor.as_str(), action.as_str()), ("Jo", "company_added"));
    assert_eq!(detail, json!({ "time_zone": "Asia/Kathmandu", "mfa_available": true }));
}

async fn setting_changes_what_is_given_and_nothing_else(db: &TestDatabase) {
    let store = db.store(1).await;
    let added = store.add_company(berlin(), "Jo", now()).await.unwrap();
    let change =
        CompanyChange { time_zone: Some(Tz::Europe__Paris), support_contact: Edit::Clear, ..CompanyChange::default() };
    let (set, columns) = store.set_company("groesse", change, "Zoë", now()).await.unwrap();
    assert_eq!(columns, ["support_contact", "time_zone"]);
    assert_eq!(set, store.company("groesse").await.unwrap());
    let expected = mfa_enforcer::store::companies::Company {
        time_zone: "Europe/Paris".to_owned(),
        support_contact: None,
        ..added
    };
    assert_eq!(set, expected);
    assert_eq!(db.value("SELECT revision FROM companies").await, "2", "a zone matters to the daemon");

    let (actor, action, detail) = last_event(&store).await;
    assert_eq!((actor.as_str(), action.as_str()), ("Zoë", "company_set"));
    let expected = json!({
        "columns": ["support_contact", "time_zone"],
        "from": { "time_zone": "Europe/Berlin" },
        "to": { "time_zone": "Europe/Paris" },
    });
    assert_eq!(detail, expected, "the values too, but nobody's words");
}

async fn setting_what_is_so_writes_nothing(db: &TestDatabase) {
    let store = db.store(1).await;
    store.add_company(berlin(), "Jo", now()).await.unwrap();
    let before = db.dump().await;
    let (_, columns) = store.set_company("groesse", berlin(), "Jo", now()).await.unwrap();
    assert!(columns.is_empty());
    assert_eq!(db.dump().await, before);
}

async fn a_taken_external_id_is_refused(db: &TestDatabase) {
    let store = db.store(1).await;
    store.add_company(berlin(), "Jo", now()).await.unwrap();
    let other = add_company(db, 1).await;
    let before = db.dump().await;
    let refused = store.add_company(berlin(), "Jo", now()).await.unwrap_err();
    assert!(matches!(&refused, StoreError::Refused(message) if message.contains("'groesse'")), "{refused}");
    let change = CompanyChange { external_id: Edit::To("groesse".to_owned()), ..CompanyChange::default() };
    assert!(store.set_company(&other.to_string(), change, "Jo", now()).await.is_err());
    let nameless = CompanyChange { time_zone: Some(Tz::UTC), ..CompanyChange::default() };
    assert!(store.add_company(nameless, "Jo", now()).await.is_err());
    assert_eq!(db.dump().await, before);
}

async fn pages_are_in_the_order_of_ids_and_know_the_state(db: &TestDatabase) {
    let store = db.store(1).await;
    for number in 1..=3 {
        add_company(db, number).await;
    }
    for (number, company, state) in [(1, 1, "in_force"), (2, 1, "held"), (3, 2, "in_force"), (4, 3, "cancelled")] {
        let id = company_id(100 + number);
        let company = company_id(company);
        db.execute(&format!(
            "INSERT INTO enforcements
                 (id, company_id, enforcement_date, time_zone, planned_time_zone, enforce_at, state, set_by, created_at)
             VALUES ('{id}', '{company}', '2027-01-15', 'UTC', 'UTC', '2027-01-15T00:00:00.000000Z', '{state}', 'sql',
                 '2026-12-01T00:00:00.000000Z')"
        ))
        .await;
    }
    let page = store.companies_page(None, 2).await.unwrap();
    let ids: Vec<Id> = page.iter().map(|listed| listed.company.id).collect();
    assert_eq!(ids, [company_id(1), company_id(2)]);
    let states: Vec<_> = page.iter().map(|listed| listed.enforcement_state).collect();
    assert_eq!(states, [Some(EnforcementState::Held), Some(EnforcementState::InForce)], "an open one first");
    let page = store.companies_page(Some(company_id(2)), 2).await.unwrap();
    assert_eq!(page.len(), 1);
    assert_eq!(page[0].enforcement_state, None);
    assert!(store.companies_page(Some(company_id(3)), 2).await.unwrap().is_empty());
}

async fn an_overview_counts_people(db: &TestDatabase) {
    let store = db.store(1).await;
    let company = add_company(db, 1).await;
    let empty = store.company_overview(&company.to_string(), now()).await.unwrap();
    assert_eq!((empty.members, empty.admins, empty.enrolled, empty.not_enrolled), (0, 0, 0, 0));
    for number in 1..=5 {
        let user = add_user(db, number).await;
        add_member(db, company, user).await;
    }
    let instant = "2026-12-01T10:00:00.000002Z";
    db.execute(&format!("UPDATE users SET mfa_enrolled_at = '{instant}' WHERE id = '{}'", user_id(1))).await;
    db.execute(&format!("UPDATE users SET kind = 'service' WHERE id = '{}'", user_id(2))).await;
    db.execute(&format!("UPDATE users SET mfa_required_at = '{instant}' WHERE id = '{}'", user_id(3))).await;
    db.execute(&format!("UPDATE memberships SET role = 'admin' WHERE user_id = '{}'", user_id(4))).await;
    db.execute(&format!("UPDATE memberships SET exempt_until = '{instant}' WHERE user_id = '{}'", user_id(5))).await;
    let overview = store.company_overview(&company.to_string(), now()).await.unwrap();
    assert_eq!((overview.members, overview.admins), (5, 1));
    assert_eq!((overview.enrolled, overview.not_enrolled), (1, 3));
    assert_eq!((overview.exempt, overview.required), (1, 1));
    let later = "2026-12-01T10:00:00.000002Z".parse().unwrap();
    assert_eq!(store.company_overview(&company.to_string(), later).await.unwrap().exempt, 0, "it ends at its instant");
}

async fn reminder_days_that_cannot_be_read_are_shown_and_mended(db: &TestDatabase) {
    let store = db.store(1).await;
    let (first, second) = (add_company(db, 1).await.to_string(), add_company(db, 2).await.to_string());
    for written in ["[1e999]".to_owned(), "[".repeat(200) + &"]".repeat(200)] {
        db.execute(&format!("UPDATE companies SET notice_days = '{written}' WHERE id = '{first}'")).await;
        let listed = store.companies_page(None, 10).await.unwrap();
        assert_eq!(listed.len(), 2);
        assert!(matches!(&listed[0].company.notice_days, Some(serde_json::Value::String(_))), "{listed:?}");
        let name = CompanyChange { name: Some(format!("A {}", written.len())), ..CompanyChange::default() };
        store.set_company(&first, name, "Jo", now()).await.unwrap();
        let days = CompanyChange { notice_days: Edit::To(vec![7]), ..CompanyChange::default() };
        let (mended, _) = store.set_company(&first, days, "Jo", now()).await.unwrap();
        assert_eq!(mended.notice_days, Some(json!([7])));
    }
    assert!(store.company(&second).await.is_ok());
}
