//! SQLite knows no types for ids, instants and dates: the tables read what a vendor may write, and refuse the rest.

use mfa_enforcer::domain::policy::Policy;
use mfa_enforcer::store::backlog::BacklogStore as _;
use mfa_enforcer::store::companies::{CompanyChange, CompanyStore as _};
use mfa_enforcer::store::enforcement_history::EnforcementHistoryStore as _;
use mfa_enforcer::store::exemptions::ExemptionStore as _;
use mfa_enforcer::store::forecast::{ForecastStore as _, Proposal};
use mfa_enforcer::store::import::{CompanyLine, ImportStore as _, MembershipLine, UserChange, UserLine};
use mfa_enforcer::store::notice_history::{NoticeFilter, NoticeHistoryStore as _};
use mfa_enforcer::store::users::UserStore as _;

use super::steps::{announced, announced_at, enforce_at};
use crate::support::vendor::{add_company, add_member, add_user, company_id, user_id};
use crate::support::{Kind, TestDatabase};

/// The columns for instants that the vendor may write into, or save with the full row.
const INSTANTS: [(&str, &str); 5] = [
    ("users", "mfa_enrolled_at"),
    ("users", "mfa_required_at"),
    ("memberships", "joined_at"),
    ("memberships", "exempt_until"),
    ("memberships", "require_at"),
];

/// ISO 8601 forms, in the order of time, and the one form that is stored.
const FORMS: [(&str, &str); 16] = [
    ("0002-01-01T00:00:00.000001Z", "0002-01-01T00:00:00.000001Z"),
    ("2026-12-31", "2026-12-31T00:00:00.000000Z"),
    ("2027-01-15 00:30+01:00", "2027-01-14T23:30:00.000000Z"),
    ("2027-01-15T01:00:00.5+01:00", "2027-01-15T00:00:00.500000Z"),
    ("2027-01-15 10:00", "2027-01-15T10:00:00.000000Z"),
    ("2027-01-15T10:00:00.000001Z", "2027-01-15T10:00:00.000001Z"),
    ("2027-01-15T10:00:00.1234567Z", "2027-01-15T10:00:00.123456Z"),
    ("2027-01-15T10:00:00.12346 Z", "2027-01-15T10:00:00.123460Z"),
    ("2027-01-15 10:00:01", "2027-01-15T10:00:01.000000Z"),
    ("2027-01-15 10:00:02.999", "2027-01-15T10:00:02.999000Z"),
    ("2027-01-15T05:00:02.9999999-05:00", "2027-01-15T10:00:02.999999Z"),
    ("2027-01-15T10:00:03z", "2027-01-15T10:00:03.000000Z"),
    ("2027-01-15 15:46 +05:45", "2027-01-15T10:01:00.000000Z"),
    ("2027-01-15T24:00:00.000000Z", "2027-01-16T00:00:00.000000Z"),
    ("2028-02-29T23:59:59.999999Z", "2028-02-29T23:59:59.999999Z"),
    ("9998-12-31T23:59:59Z", "9998-12-31T23:59:59.000000Z"),
];

async fn with_a_member() -> TestDatabase {
    let db = TestDatabase::new(Kind::Sqlite).await;
    let (company, user) = (add_company(&db, 1).await, add_user(&db, 1).await);
    add_member(&db, company, user).await;
    db
}

#[tokio::test]
async fn instants_in_any_iso_form_become_the_one_form() {
    let db = with_a_member().await;
    for (table, column) in INSTANTS {
        let mut before = String::new();
        for (given, stored) in FORMS {
            db.execute(&format!("UPDATE {table} SET {column} = '{given}'")).await;
            let now = db.value(&format!("SELECT {column} FROM {table}")).await;
            assert_eq!(now, stored, "{table}.{column} = {given}");
            assert!(now > before, "text order is time order: {now} after {before}");
            before = now;
        }
        db.execute(&format!("UPDATE {table} SET {column} = NULL")).await;
    }
}

#[tokio::test]
async fn inserted_instants_become_the_one_form() {
    let db = with_a_member().await;
    let (company, user) = (db.value("SELECT id FROM companies").await, db.value("SELECT id FROM users").await);
    for (given, stored) in FORMS {
        db.execute(&format!(
            "DELETE FROM users;
             INSERT INTO users (id, email, name, mfa_enrolled_at, mfa_required_at)
                 VALUES ('{user}', 'jo@example.com', 'Jo', '{given}', '{given}');
             INSERT INTO memberships (company_id, user_id, joined_at, exempt_until, require_at)
                 VALUES ('{company}', '{user}', '{given}', '{given}', '{given}')"
        ))
        .await;
        for (table, column) in INSTANTS {
            assert_eq!(db.value(&format!("SELECT {column} FROM {table}")).await, stored, "{table}.{column} = {given}");
        }
    }
}

#[tokio::test]
async fn what_is_no_instant_is_refused() {
    let db = with_a_member().await;
    let before = db.dump().await;
    for (table, column) in INSTANTS {
        for bad in [
            "'soon'",
            "''",
            "'now'",
            "'12:00'",
            "'15/01/2027'",
            "'2027-1-5'",
            "'2027-02-30'",
            "'2027-02-30T10:00:00.000000Z'",
            "'2027-01-15T25:00:00Z'",
            "'2027-01-15T10:61:00Z'",
            "'2027-01-15T10:00:00 Berlin'",
            "'2027-01-15T10:00:00Z; --'",
            "'20270115T100000Z'",
            "'infinity'",
            "'10000-01-01T00:00:00Z'",
            "'9999-01-01T00:00:00Z'",
            "'-0044-03-15T00:00:00Z'",
            "'0002-01-01T00:00:00+01:00'",
            "1799999999",
            "2461056.5",
            "x'32'",
        ] {
            let answer = db.try_execute(&format!("UPDATE {table} SET {column} = {bad}")).await;
            assert!(answer.is_err(), "{table}.{column} = {bad} was taken");
        }
    }
    assert_eq!(db.dump().await, before);
}

#[tokio::test]
async fn what_cannot_be_read_is_refused() {
    let db = with_a_member().await;
    let before = db.dump().await;
    for (table, column, values) in [
        (
            "companies",
            "id",
            &[
                "'1'",
                "NULL",
                "'0C000000-0000-4000-8000-000000000009'",
                "'0c000000000040008000000000000009'",
                "'0c000000-0000-4000-8000-00000000000g'",
                "'0c000000-0000-4000-8000-00000000000-'",
                "'{0c000000-0000-4000-8000-000000000009}'",
                "x'0c000000000040008000000000000009'",
            ][..],
        ),
        (
            "companies",
            "enforcement_date",
            &[
                "'15/01/2027'",
                "'2027-02-29'",
                "'2027-1-5'",
                "'now'",
                "'2027-01-15T00:00:00Z'",
                "''",
                "0",
                "'9999-01-01'",
            ],
        ),
        ("companies", "notice_days", &["'30,7'", "''", "'['"]),
        ("companies", "new_member_grace_days", &["-1", "366", "2.5", "'a week'"]),
        ("companies", "mfa_available", &["2", "-1", "0.5", "'true'", "'yes'", "NULL"]),
        ("companies", "name", &["NULL", "x'ff'"]),
        ("users", "email", &["NULL", "x'ff'"]),
        ("users", "active", &["2", "'false'", "NULL"]),
        ("users", "sso", &["2", "'false'", "NULL"]),
        ("users", "payee", &["2", "'false'", "NULL"]),
        ("users", "kind", &["'robot'", "'Person'", "''", "NULL"]),
        ("users", "mfa_method", &["'totp'", "''"]),
        ("users", "email_status", &["'gone'", "NULL"]),
        ("memberships", "role", &["'owner'", "NULL"]),
        ("memberships", "user_id", &["'0e000000-0000-4000-8000-0000000000ff'", "NULL"]),
        ("enforcements", "enforce_at", &["'2027-01-15T00:00:00Z'", "'2027-01-15T24:00:00.000000Z'", "NULL"]),
        ("milestones", "due_at", &["'2027-01-15 00:00:00.000000Z'", "'2027-02-30T00:00:00.000000Z'"]),
    ] {
        for bad in values {
            let answer = db.try_execute(&format!("UPDATE {table} SET {column} = {bad}")).await;
            assert!(answer.is_err(), "{table}.{column} = {bad} was taken");
        }
    }
    assert_eq!(db.dump().await, before);
}

/// Text that is not UTF-8 passes SQLite's types. It is shown with replacement characters, and stops nothing (R9).
#[tokio::test]
async fn text_that_is_not_utf_8_stops_no_reading() {
    let db = TestDatabase::new(Kind::Sqlite).await;
    let store = db.store(1).await;
    announced(&db, &store, 2).await;
    let (company, user) = (company_id(1).to_string(), user_id(1).to_string());
    let bad = "CAST(x'4a6f73e9' AS TEXT)";
    for (table, columns) in [
        ("companies", &["name", "locale", "enforcement_set_by", "support_contact"][..]),
        ("users", &["name", "email", "locale", "time_zone", "country"]),
        ("memberships", &["exempt_reason", "exempt_by"]),
        ("enforcements", &["set_by", "reason", "time_zone"]),
    ] {
        let set: Vec<String> = columns.iter().map(|column| format!("{column} = {bad}")).collect();
        db.execute(&format!("UPDATE {table} SET {}", set.join(", "))).await;
    }
    db.execute(&format!(
        "UPDATE users SET external_id = 'u1' WHERE id = '{user}'; UPDATE companies SET external_id = 'c1';
         INSERT INTO companies (id, name, time_zone, external_id, enforcement_date)
             VALUES ('{}', {bad}, {bad}, {bad}, '2027-02-01')",
        company_id(2)
    ))
    .await;
    let (now, policy) = (announced_at(), Policy::default());

    let listed = store.companies_page(None, 10).await.unwrap();
    let names: Vec<&str> = listed.iter().map(|one| one.company.name.as_str()).collect();
    assert_eq!(names, ["Jos\u{fffd}", "Jos\u{fffd}"]);
    store.company_overview(&company, now).await.unwrap();
    let dossier = store.user_dossier(&user).await.unwrap();
    assert_eq!(dossier.user.unwrap().email, "Jos\u{fffd}");
    assert_eq!(store.notices_page(&NoticeFilter::default(), None, 10).await.unwrap().len(), 2);
    assert_eq!(store.enforcement_history(&company).await.unwrap().enforcements[0].set_by, "Jos\u{fffd}");
    store.forecast(&company, Proposal::Nothing, now, &policy).await.unwrap();
    store.backlog(now, &policy).await.unwrap();
    store.exempt(&user, &company, enforce_at(), "on leave", "Jo", now).await.unwrap();

    let name = || Some("José".to_owned());
    let line = CompanyLine {
        line: 1,
        external_id: "c1".to_owned(),
        change: CompanyChange { name: name(), ..CompanyChange::default() },
        ..CompanyLine::default()
    };
    assert_eq!(store.import_companies(vec![line], "Jo", now).await.unwrap().changed, 1);
    let line = UserLine {
        line: 1,
        external_id: "u1".to_owned(),
        change: UserChange { name: name(), ..UserChange::default() },
        membership: Some(MembershipLine { company: "c1".to_owned(), ..MembershipLine::default() }),
    };
    assert_eq!(store.import_users(vec![line], "Jo", now).await.unwrap().changed, 1);
    assert_eq!(store.company(&company).await.unwrap().name, "José");
}
