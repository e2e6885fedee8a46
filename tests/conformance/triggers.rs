//! What the tables do by themselves when the vendor's application writes into them.

use mfa_enforcer::domain::ids::Id;

use crate::support::vendor::{add_company, add_member, add_user};
use crate::support::{TestDatabase, on_both};

on_both!(
    columns_that_matter_raise_the_revision,
    the_revision_cannot_be_turned_back,
    what_a_user_is_clears_reviewed,
    an_exemption_clears_reviewed,
    a_foreign_required_at_clears_reviewed,
    another_address_is_not_bounced,
    a_deleted_company_marks_its_enforcements,
);

async fn columns_that_matter_raise_the_revision(db: &TestDatabase) {
    let id = add_company(db, 1).await;
    let other = add_company(db, 2).await;
    let mut revision = 1;
    for change in [
        "enforcement_date = '2027-01-15'",
        "enforcement_date = '2027-01-16'",
        "enforcement_date = NULL",
        "time_zone = 'America/New_York'",
        "mfa_available = false",
        "notice_days = '[30, 7]'",
        "notice_days = '[30, 7, 1]'",
        "notice_days = NULL",
        "enforcement_date = '2027-01-15', time_zone = 'Asia/Tokyo', name = 'Two at once'",
    ] {
        db.execute(&format!("UPDATE companies SET {change} WHERE id = '{id}'")).await;
        revision += 1;
        assert_eq!(revision_of(db, id).await, revision, "{change}");
    }
    db.execute(&format!("UPDATE companies SET notice_days = '[7,1]' WHERE id = '{id}'")).await;
    revision += 1;
    for change in [
        "name = 'Another'",
        "locale = 'de'",
        "external_id = 'c-1'",
        "enforcement_set_by = 'jo'",
        "new_member_grace_days = 3",
        "support_contact = 'it@example.com'",
        "reconciled_revision = 5",
        "enforcement_date = '2027-01-15', time_zone = 'Asia/Tokyo', mfa_available = false",
        "notice_days = ' [7, 1]'",
    ] {
        db.execute(&format!("UPDATE companies SET {change} WHERE id = '{id}'")).await;
        assert_eq!(revision_of(db, id).await, revision, "{change}");
    }
    assert_eq!(revision_of(db, other).await, 1, "another company's row");
}

async fn the_revision_cannot_be_turned_back(db: &TestDatabase) {
    let id = add_company(db, 1).await;
    db.execute("UPDATE companies SET enforcement_date = '2027-01-15'").await;
    db.execute("UPDATE companies SET reconciled_revision = 2").await;
    // A full-row save of what was read before the date was set, with its name changed.
    db.execute("UPDATE companies SET name = 'New', revision = 1, enforcement_date = '2027-01-15'").await;
    assert_eq!(revision_of(db, id).await, 2);
    db.execute("UPDATE companies SET revision = 1, enforcement_date = NULL").await;
    assert_eq!(revision_of(db, id).await, 3, "a change beside it counts from what stood");
    db.execute("UPDATE companies SET revision = 99").await;
    assert_eq!(revision_of(db, id).await, 3);
}

async fn what_a_user_is_clears_reviewed(db: &TestDatabase) {
    let id = add_user(db, 1).await;
    let other = add_user(db, 2).await;
    assert!(!reviewed(db, "users").await, "a new row has yet to be looked at");
    for change in ["payee = true", "active = false", "kind = 'service'", "sso = true", "reviewed = true, payee = false"]
    {
        db.execute("UPDATE users SET reviewed = true").await;
        db.execute(&format!("UPDATE users SET {change} WHERE id = '{id}'")).await;
        assert_eq!(db.value(&format!("SELECT reviewed FROM users WHERE id = '{id}'")).await, "0", "{change}");
        assert_eq!(db.value(&format!("SELECT reviewed FROM users WHERE id = '{other}'")).await, "1", "{change}");
    }
    for change in [
        "name = 'Another'",
        "email = 'another@example.com'",
        "country = 'DE'",
        "locale = 'de', time_zone = 'Europe/Berlin'",
        "mfa_enrolled_at = '2027-01-01T00:00:00Z', mfa_method = 'sms'",
        "payee = false, active = false, kind = 'service', sso = true",
    ] {
        db.execute("UPDATE users SET reviewed = true").await;
        db.execute(&format!("UPDATE users SET {change} WHERE id = '{id}'")).await;
        assert!(reviewed(db, "users").await, "{change}");
    }
}

async fn an_exemption_clears_reviewed(db: &TestDatabase) {
    let (company, user) = (add_company(db, 1).await, add_user(db, 1).await);
    add_member(db, company, user).await;
    assert!(!reviewed(db, "memberships").await, "a new row has yet to be looked at");
    for (exempt_until, looks_again) in [
        ("'2027-02-01T00:00:00Z'", true),
        ("'2027-03-01T00:00:00Z'", true),
        ("'2027-03-01T01:00:00+01:00'", false),
        ("NULL", true),
        ("NULL", false),
    ] {
        db.execute("UPDATE memberships SET reviewed = true").await;
        db.execute(&format!("UPDATE memberships SET exempt_until = {exempt_until}, reviewed = true")).await;
        assert_eq!(reviewed(db, "memberships").await, !looks_again, "{exempt_until}");
    }
    db.execute("UPDATE memberships SET reviewed = true").await;
    db.execute(
        "UPDATE memberships SET role = 'admin', exempt_reason = 'on leave', require_at = '2027-04-01T00:00:00Z'",
    )
    .await;
    assert!(reviewed(db, "memberships").await);
}

async fn a_foreign_required_at_clears_reviewed(db: &TestDatabase) {
    let user = add_user(db, 1).await;
    let enforcement = "00000000-0000-0000-0000-000000000001";
    let first = "2027-01-15T08:00:00.123456Z";
    db.execute(&format!(
        "UPDATE users SET reviewed = true;
         INSERT INTO requirements (user_id, enforcement_id, required_at) VALUES
             ('{user}', '{enforcement}', '2027-02-01T00:00:00.000000Z'), ('{user}', '{user}', '{first}');
         INSERT INTO requirements (user_id, enforcement_id, required_at, cleared_at) VALUES
             ('{user}', '{enforcement}', '2026-01-01T00:00:00.000000Z', '2026-02-01T00:00:00.000000Z')"
    ))
    .await;
    for (required_at, foreign) in [
        (format!("'{first}'"), false),
        ("NULL".to_owned(), true),
        ("'2027-01-15 09:00:00.123456+01:00'".to_owned(), false),
        ("'2026-01-01T00:00:00Z'".to_owned(), true),
        ("'2027-02-01T00:00:00Z'".to_owned(), true),
        (format!("'{first}'"), false),
    ] {
        db.execute("UPDATE users SET reviewed = true").await;
        db.execute(&format!("UPDATE users SET mfa_required_at = {required_at}, reviewed = true")).await;
        assert_eq!(reviewed(db, "users").await, !foreign, "{required_at}");
    }
    assert_eq!(db.value("SELECT mfa_required_at FROM users").await, first);
}

async fn another_address_is_not_bounced(db: &TestDatabase) {
    add_user(db, 1).await;
    db.execute("UPDATE users SET email_status = 'bounced'").await;
    for same in ["name = 'Another'", "email = 'USER1@example.com'", "email = 'user1@example.com'"] {
        db.execute(&format!("UPDATE users SET {same}")).await;
        assert_eq!(db.value("SELECT email_status FROM users").await, "bounced", "{same}");
    }
    // Also when the same save writes back the status that it read.
    db.execute("UPDATE users SET email = 'another@example.com', email_status = 'bounced'").await;
    assert_eq!(db.value("SELECT email_status FROM users").await, "ok");
}

async fn a_deleted_company_marks_its_enforcements(db: &TestDatabase) {
    let (company, other, user) = (add_company(db, 1).await, add_company(db, 2).await, add_user(db, 1).await);
    add_member(db, company, user).await;
    let mut number = 100;
    for (of, state) in [(company, "held"), (company, "in_force"), (company, "cancelled"), (other, "scheduled")] {
        number += 1;
        let id = crate::support::vendor::company_id(number);
        db.execute(&format!(
            "INSERT INTO enforcements
                 (id, company_id, enforcement_date, time_zone, planned_time_zone, enforce_at, state, set_by, created_at)
             VALUES ('{id}', '{of}', '2027-01-15', 'UTC', 'UTC', '2027-01-15T00:00:00.000000Z', '{state}', 'jo',
                 '2026-12-01T00:00:00.000000Z')"
        ))
        .await;
    }
    db.execute(&format!("DELETE FROM companies WHERE id = '{company}'")).await;
    let marked = "SELECT state FROM enforcements WHERE company_deleted AND company_id IS NOT NULL ORDER BY state";
    assert_eq!(db.rows(marked).await, [["held"], ["in_force"]]);
    assert_eq!(db.value("SELECT count(*) FROM enforcements").await, "5", "history outlives the company");
    assert_eq!(db.value("SELECT count(*) FROM memberships").await, "0");
    assert_eq!(db.value("SELECT count(*) FROM users").await, "1");
}

async fn revision_of(db: &TestDatabase, company: Id) -> i64 {
    db.value(&format!("SELECT revision FROM companies WHERE id = '{company}'")).await.parse().unwrap()
}

/// Whether all rows of a table are reviewed.
async fn reviewed(db: &TestDatabase, table: &str) -> bool {
    db.value(&format!("SELECT count(*) FROM {table} WHERE NOT reviewed")).await == "0"
}
