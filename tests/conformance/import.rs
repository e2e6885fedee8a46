//! Imports: lines add and change what they say and nothing else, and a bad one costs itself alone.

use chrono_tz::Tz;
use mfa_enforcer::domain::methods::Method;
use mfa_enforcer::domain::time::Timestamp;
use mfa_enforcer::store::audit::{AuditFilter, AuditStore as _};
use mfa_enforcer::store::companies::{CompanyChange, CompanyStore as _};
use mfa_enforcer::store::edit::Edit;
use mfa_enforcer::store::import::{
    BatchOutcome, CompanyLine, ImportStore as _, MembershipLine, Role, UserChange, UserKind, UserLine,
};
use mfa_enforcer::store::users::UserStore as _;
use serde_json::json;
use sqlx::{Connection as _, PgConnection};

use super::steps::let_wait;
use crate::support::{Kind, TestDatabase, on_both};

on_both!(
    companies_are_added_changed_and_left_alone,
    a_date_in_a_file_is_for_the_daemon_to_judge,
    users_are_added_with_every_column,
    every_character_is_stored_as_it_came,
    an_absent_column_stays_and_an_empty_one_goes,
    a_user_in_several_companies_has_several_lines,
    a_bad_line_stores_nothing_and_stops_nobody,
    the_same_file_again_writes_nothing,
    a_changed_line_leaves_what_is_the_daemons,
    exemptions_need_a_reason_and_get_an_owner,
    a_batch_is_one_event_with_its_counts,
    a_large_batch_is_stored_whole,
);

fn now() -> Timestamp {
    "2026-12-01T10:00:00.000001Z".parse().unwrap()
}

fn company(line: u64, key: &str) -> CompanyLine {
    let change = CompanyChange {
        name: Some(format!("Company {key}")),
        time_zone: Some(Tz::Europe__Berlin),
        ..CompanyChange::default()
    };
    CompanyLine { line, external_id: key.to_owned(), change, ..CompanyLine::default() }
}

fn user(line: u64, key: &str, company: Option<&str>) -> UserLine {
    let change = UserChange {
        email: Some(format!("{key}@example.org").parse().unwrap()),
        name: Some(format!("User {key}")),
        ..UserChange::default()
    };
    let membership = company.map(|key| MembershipLine { company: key.to_owned(), ..MembershipLine::default() });
    UserLine { line, external_id: key.to_owned(), change, membership }
}

fn counts(outcome: &BatchOutcome) -> (u64, u64, u64, Vec<u64>) {
    let bad = outcome.bad.iter().map(|bad| bad.line).collect();
    (outcome.added, outcome.changed, outcome.unchanged, bad)
}

async fn import_companies(db: &TestDatabase, lines: Vec<CompanyLine>) -> BatchOutcome {
    db.store(1).await.import_companies(lines, "Jo", now()).await.unwrap()
}

async fn import_users(db: &TestDatabase, lines: Vec<UserLine>) -> BatchOutcome {
    db.store(2).await.import_users(lines, "Jo", now()).await.unwrap()
}

async fn companies_are_added_changed_and_left_alone(db: &TestDatabase) {
    let outcome = import_companies(db, vec![company(2, "a"), company(3, "b"), company(4, "c")]).await;
    assert_eq!(counts(&outcome), (3, 0, 0, vec![]));
    let order = "SELECT external_id FROM companies ORDER BY id";
    assert_eq!(db.rows(order).await.concat(), ["a", "b", "c"], "in the order of lines");

    let mut changed = company(3, "b");
    changed.change.notice_days = Edit::To(vec![14, 1]);
    changed.change.new_member_grace_days = Edit::To(3);
    changed.change.mfa_available = Some(false);
    changed.change.support_contact = Edit::To("the desk".to_owned());
    let nameless = CompanyLine { line: 5, external_id: "d".to_owned(), ..CompanyLine::default() };
    let outcome = import_companies(db, vec![company(2, "a"), changed, nameless]).await;
    assert_eq!(counts(&outcome), (0, 1, 1, vec![5]));
    let company = db.store(1).await.company("b").await.unwrap();
    assert_eq!((company.notice_days, company.new_member_grace_days), (Some(json!([14, 1])), Some(3)));
    assert_eq!((company.mfa_available, company.support_contact.as_deref()), (false, Some("the desk")));
    assert_eq!(db.value("SELECT revision FROM companies WHERE external_id = 'b'").await, "2");
    assert_eq!(db.value("SELECT revision FROM companies WHERE external_id = 'a'").await, "1");
}

async fn a_date_in_a_file_is_for_the_daemon_to_judge(db: &TestDatabase) {
    let date = "2020-01-15".parse().unwrap();
    let row = "SELECT enforcement_date, enforcement_set_by, revision FROM companies";
    import_companies(db, vec![company(2, "a")]).await;
    import_companies(db, vec![CompanyLine { enforcement_date: Edit::To(date), ..company(2, "a") }]).await;
    assert_eq!(db.rows(row).await, [["2020-01-15", "Jo", "2"]]);
    import_companies(db, vec![company(2, "a")]).await;
    assert_eq!(db.rows(row).await, [["2020-01-15", "Jo", "2"]], "a file without the column leaves the date");
    let cleared = CompanyLine { enforcement_date: Edit::Clear, ..company(2, "a") };
    import_companies(db, vec![cleared]).await;
    assert_eq!(db.rows(row).await, [["null", "null", "3"]]);
    let named = CompanyLine {
        enforcement_date: Edit::To(date),
        enforcement_set_by: Edit::To("Zoë".to_owned()),
        ..company(2, "a")
    };
    import_companies(db, vec![named]).await;
    assert_eq!(db.rows(row).await, [["2020-01-15", "Zoë", "4"]]);
}

async fn users_are_added_with_every_column(db: &TestDatabase) {
    import_companies(db, vec![company(2, "a")]).await;
    let mut line = user(2, "u-1", Some("a"));
    line.change = UserChange {
        locale: Edit::To("pt-BR".parse().unwrap()),
        time_zone: Edit::To(Tz::America__Sao_Paulo),
        country: Edit::To("br".parse().unwrap()),
        kind: Some(UserKind::Service),
        active: Some(false),
        sso: Some(true),
        payee: Some(true),
        mfa_enrolled_at: Edit::To(now()),
        mfa_method: Edit::To(Method::Authenticator),
        ..line.change
    };
    line.membership = Some(MembershipLine {
        company: "a".to_owned(),
        role: Some(Role::Admin),
        joined_at: Edit::To(now()),
        ..MembershipLine::default()
    });
    assert_eq!(counts(&import_users(db, vec![line]).await), (1, 0, 0, vec![]));
    let columns =
        "SELECT email, name, locale, time_zone, country, kind, active, sso, payee, mfa_enrolled_at, mfa_method,
         mfa_required_at, email_status, reviewed FROM users";
    let expected = [
        "u-1@example.org",
        "User u-1",
        "pt-BR",
        "America/Sao_Paulo",
        "BR",
        "service",
        "0",
        "1",
        "1",
        "2026-12-01T10:00:00.000001Z",
        "authenticator",
        "null",
        "ok",
        "0",
    ];
    assert_eq!(db.rows(columns).await, [expected]);
    let columns = "SELECT role, joined_at, exempt_until, require_at, reviewed FROM memberships";
    assert_eq!(db.rows(columns).await, [["admin", "2026-12-01T10:00:00.000001Z", "null", "null", "0"]]);
}

async fn every_character_is_stored_as_it_came(db: &TestDatabase) {
    import_companies(db, vec![company(2, "a")]).await;
    let names = ["\\N", "\\", "a\\tb\\", "\\.", "a\tb\r\nc", "'\"{},$1", "Zoë 用户 \u{1f600}"];
    let lines = (2..).zip(names).map(|(line, name)| {
        let mut line = user(line, &format!("u{line}"), Some("a"));
        line.external_id = format!("{name}{}", line.line);
        line.change.name = Some(name.to_owned());
        let membership = MembershipLine { exempt_reason: Edit::To(name.to_owned()), ..line.membership.unwrap() };
        line.membership = Some(MembershipLine { exempt_until: Edit::To(now()), ..membership });
        line
    });
    let lines: Vec<_> = lines.collect();
    assert_eq!(counts(&import_users(db, lines.clone()).await), (7, 0, 0, vec![]));
    let stored = "SELECT u.name FROM users AS u JOIN memberships AS m ON m.user_id = u.id AND m.exempt_reason = u.name
        ORDER BY u.id";
    assert_eq!(db.rows(stored).await.concat(), names);
    assert_eq!(counts(&import_users(db, lines).await), (0, 0, 7, vec![]));
}

async fn an_absent_column_stays_and_an_empty_one_goes(db: &TestDatabase) {
    let mut line = user(2, "u-1", None);
    line.change.country = Edit::To("DE".parse().unwrap());
    line.change.mfa_enrolled_at = Edit::To(now());
    line.change.mfa_method = Edit::To(Method::Sms);
    line.change.sso = Some(true);
    import_users(db, vec![line]).await;
    let bare = UserLine { line: 2, external_id: "u-1".to_owned(), ..UserLine::default() };
    assert_eq!(counts(&import_users(db, vec![bare.clone()]).await), (0, 0, 1, vec![]));

    let mut cleared = bare;
    cleared.change.country = Edit::Clear;
    cleared.change.mfa_enrolled_at = Edit::Clear;
    assert_eq!(counts(&import_users(db, vec![cleared]).await), (0, 1, 0, vec![]));
    let user = db.store(1).await.user("u-1").await.unwrap();
    assert_eq!((user.country, user.mfa_enrolled_at, user.mfa_method), (None, None, None), "no method without a date");
    assert_eq!((user.name.as_str(), user.sso), ("User u-1", true));
}

async fn a_user_in_several_companies_has_several_lines(db: &TestDatabase) {
    import_companies(db, vec![company(2, "a"), company(3, "b")]).await;
    let lines = vec![user(2, "u-1", Some("a")), user(3, "u-1", Some("b"))];
    assert_eq!(counts(&import_users(db, lines.clone()).await), (2, 0, 0, vec![]), "each adds a membership");
    assert_eq!(db.value("SELECT count(*) FROM users").await, "1");
    assert_eq!(db.value("SELECT count(*) FROM memberships").await, "2");
    assert_eq!(counts(&import_users(db, lines).await), (0, 0, 2, vec![]));
}

async fn a_bad_line_stores_nothing_and_stops_nobody(db: &TestDatabase) {
    import_companies(db, vec![company(2, "a")]).await;
    let mut nameless = user(3, "u-2", Some("a"));
    nameless.change.name = None;
    let mut methodical = user(4, "u-3", Some("a"));
    methodical.change.mfa_method = Edit::To(Method::Sms);
    let lines = vec![user(2, "u-1", Some("nobody")), nameless, methodical, user(5, "u-4", Some("a"))];
    let outcome = import_users(db, lines).await;
    assert_eq!(counts(&outcome), (1, 0, 0, vec![2, 3, 4]));
    assert!(outcome.bad[0].reason.contains("'nobody'"), "{:?}", outcome.bad);
    assert!(outcome.bad[1].reason.contains("name and email"), "{:?}", outcome.bad);
    assert_eq!(db.rows("SELECT external_id FROM users").await.concat(), ["u-4"]);

    let before = db.dump().await;
    let mut renamed = user(2, "u-4", Some("nobody"));
    renamed.change.name = Some("Renamed".to_owned());
    assert_eq!(counts(&import_users(db, vec![renamed]).await), (0, 0, 0, vec![2]));
    assert_eq!(db.dump().await, before, "a bad membership leaves its user too");
}

async fn the_same_file_again_writes_nothing(db: &TestDatabase) {
    import_companies(db, vec![company(2, "a")]).await;
    let mut line = user(2, "u-1", Some("a"));
    line.change.mfa_enrolled_at = Edit::To(now());
    import_users(db, vec![line.clone()]).await;
    let before = db.dump().await;
    assert_eq!(counts(&import_users(db, vec![line]).await), (0, 0, 1, vec![]));
    assert_eq!(counts(&import_companies(db, vec![company(2, "a")]).await), (0, 0, 1, vec![]));
    assert_eq!(db.dump().await, before);
}

async fn a_changed_line_leaves_what_is_the_daemons(db: &TestDatabase) {
    import_companies(db, vec![company(2, "a")]).await;
    import_users(db, vec![user(2, "u-1", Some("a"))]).await;
    db.execute(
        "UPDATE memberships SET require_at = '2027-01-20T00:00:00.000000Z', reviewed = true;
         UPDATE users SET mfa_required_at = '2027-01-20T00:00:00.000000Z', email_status = 'bounced';
         UPDATE users SET reviewed = true",
    )
    .await;
    let mut line = user(2, "u-1", Some("a"));
    line.change.name = Some("Renamed".to_owned());
    line.membership =
        Some(MembershipLine { company: "a".to_owned(), role: Some(Role::Admin), ..MembershipLine::default() });
    assert_eq!(counts(&import_users(db, vec![line.clone()]).await), (0, 1, 0, vec![]));
    let columns = "SELECT u.name, u.mfa_required_at, u.email_status, u.reviewed, m.role, m.require_at, m.reviewed
         FROM users AS u JOIN memberships AS m ON m.user_id = u.id";
    let required = "2027-01-20T00:00:00.000000Z";
    assert_eq!(db.rows(columns).await, [["Renamed", required, "bounced", "1", "admin", required, "1"]]);

    line.change.email = Some("new@example.org".parse().unwrap());
    line.change.sso = Some(true);
    import_users(db, vec![line]).await;
    assert_eq!(db.rows("SELECT email_status, reviewed FROM users").await, [["ok", "0"]], "the triggers see to it");
}

async fn exemptions_need_a_reason_and_get_an_owner(db: &TestDatabase) {
    import_companies(db, vec![company(2, "a")]).await;
    let exempt = |until, reason: Option<&str>| {
        let mut line = user(2, "u-1", Some("a"));
        line.membership = Some(MembershipLine {
            company: "a".to_owned(),
            exempt_until: until,
            exempt_reason: reason.map_or(Edit::Keep, |reason| Edit::To(reason.to_owned())),
            ..MembershipLine::default()
        });
        vec![line]
    };
    let outcome = import_users(db, exempt(Edit::To(now()), None)).await;
    assert!(outcome.bad[0].reason.contains("exempt_reason"), "{outcome:?}");
    let outcome = import_users(db, exempt(Edit::Keep, Some("leave"))).await;
    assert!(outcome.bad[0].reason.contains("exempt_until"), "{outcome:?}");
    assert_eq!(db.value("SELECT count(*) FROM users").await, "0");

    import_users(db, exempt(Edit::To(now()), Some("leave"))).await;
    let row = "SELECT exempt_until, exempt_reason, exempt_by FROM memberships";
    assert_eq!(db.rows(row).await, [["2026-12-01T10:00:00.000001Z", "leave", "Jo"]]);
    import_users(db, exempt(Edit::Clear, None)).await;
    assert_eq!(db.rows(row).await, [["null", "null", "null"]]);
}

async fn a_batch_is_one_event_with_its_counts(db: &TestDatabase) {
    import_companies(db, vec![company(2, "a")]).await;
    import_users(db, vec![user(2, "u-1", Some("a")), user(3, "u-2", Some("nobody"))]).await;
    import_users(db, vec![user(2, "u-1", Some("a"))]).await;
    let events = db.store(1).await.audit_page(&AuditFilter::default(), 0, 100).await.unwrap();
    let actions: Vec<_> = events.iter().map(|event| (event.actor.as_str(), event.action.as_str())).collect();
    assert_eq!(actions, [("Jo", "companies_imported"), ("Jo", "users_imported")], "none for what wrote nothing");
    let detail = &events[1].detail;
    assert_eq!((&detail["added"], &detail["changed"], &detail["rows"]), (&json!(1), &json!(0), &json!(2)));
    assert_eq!(detail["rows_sha256"].as_str().unwrap().len(), 64);
}

async fn a_large_batch_is_stored_whole(db: &TestDatabase) {
    import_companies(db, vec![company(2, "a")]).await;
    let lines = |count| (0..count).map(|number| user(number, &format!("u-{number}"), Some("a"))).collect();
    let store = db.store(3).await;
    assert_eq!(counts(&store.import_users(lines(1000), "Jo", now()).await.unwrap()), (1000, 0, 0, vec![]));
    assert_eq!(counts(&store.import_users(lines(1001), "Jo", now()).await.unwrap()), (1, 0, 1000, vec![]));
    assert_eq!(db.value("SELECT count(*) FROM memberships").await, "1001");
}

/// It is not there when the batch is looked at, and committed before the batch is.
#[tokio::test]
async fn a_user_whom_the_application_adds_meanwhile_is_changed_postgres() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    import_companies(db, vec![company(2, "a")]).await;
    let mut vendor = PgConnection::connect(&db.vendor_url()).await.unwrap();
    let mut open = vendor.begin().await.unwrap();
    sqlx::query(
        "INSERT INTO users (id, external_id, email, name) VALUES (gen_random_uuid(), 'x', 'old@example.org', 'X')",
    )
    .execute(&mut *open)
    .await
    .unwrap();
    let commits = async {
        let_wait(db, 1).await;
        open.commit().await.unwrap();
    };
    let lines = vec![user(2, "w", Some("a")), user(3, "x", Some("a"))];
    let (outcome, ()) = tokio::join!(import_users(db, lines), commits);
    assert_eq!(counts(&outcome), (2, 0, 0, vec![]), "the membership is new");
    let stored = "SELECT email FROM users ORDER BY external_id";
    assert_eq!(db.rows(stored).await.concat(), ["w@example.org", "x@example.org"]);
}
