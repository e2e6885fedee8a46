//! R9: one bad address, name, time zone or row never stops the others.

use mfa_enforcer::config::Config;
use mfa_enforcer::mail::Mailer;
use mfa_enforcer::mail::transport::Transport;
use sqlx::{Connection as _, PgConnection};

use super::world::{NOTHING, World, busy};
use crate::support::{Kind, TestDatabase, on_both};

on_both!(
    r9_one_bad_row_addresses_that_are_none,
    r9_one_bad_row_names_that_attack,
    r9_one_bad_row_an_unknown_zone_of_a_user,
    r9_one_bad_row_an_unknown_zone_of_a_company_holds_a_new_date,
    r9_one_bad_row_an_unknown_zone_of_a_company_keeps_what_is_planned,
    r9_one_bad_row_notice_days_that_are_none,
    r9_one_bad_row_other_columns,
    r9_one_bad_row_a_refused_address_stops_no_other,
    r9_one_bad_row_dates_at_the_ends_of_time,
    r9_one_bad_row_a_company_without_a_name,
    r9_one_bad_row_a_mail_that_a_library_panics_over,
);

async fn r9_one_bad_row_addresses_that_are_none(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let bad = [
        "",
        " ",
        "jo",
        "@",
        "jo@",
        "jo@example.com\r\nBcc: all@example.com",
        "a b@example.com",
        "jo@exa mple.com",
        "\u{202e}@\u{202e}",
    ];
    let members = world.members(berlin, "Europe/Berlin", bad.len() * 2).await;
    for (address, user) in bad.iter().zip(members.iter().step_by(2)) {
        world.set_user(user, &format!("email = '{address}'")).await;
    }
    let long = format!("{}@example.com", "x".repeat(5000));
    let last = world.member(berlin, "Europe/Berlin").await;
    world.set_user(&last, &format!("email = '{long}'")).await;
    world.set_date(berlin, "2026-12-09").await;
    world.walk("2026-12-09 12:00").await;
    for (good, bad) in members.iter().skip(1).step_by(2).zip(members.iter().step_by(2)) {
        assert_eq!(world.received(good).await.len(), 5);
        for user in [good, bad] {
            assert_eq!(world.required_since(user).await, "2026-12-08 23:00", "required all the same");
        }
    }
    let good: std::collections::BTreeSet<_> =
        members.iter().skip(1).step_by(2).map(super::world::User::address).collect();
    for (_, mail) in world.inbox() {
        let to = mail.envelope.to()[0].to_string();
        assert!(good.contains(&to), "{to:?} is no address");
    }
    assert_eq!(db.value("SELECT count(*) FROM notices WHERE state NOT IN ('sent', 'failed', 'skipped')").await, "0");
    world.finish().await;
}

async fn r9_one_bad_row_names_that_attack(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    world.set_company(berlin, "name = 'Acme\r\nBcc: all@example.com', support_contact = '{{ 7 * 7 }}'").await;
    let names = [
        "",
        "Eve\r\nBcc: all@example.com",
        "<script>alert(1)</script>",
        "{{ product }}",
        "{% raw %}",
        "\u{202e}evE",
        "\"; DROP TABLE users --",
        "=?utf-8?q?=0d=0aBcc:_x?=",
    ];
    let members = world.members(berlin, "Europe/Berlin", names.len()).await;
    for (name, user) in names.iter().zip(&members) {
        world.set_user(user, &format!("name = '{name}'")).await;
    }
    let long = world.member(berlin, "Europe/Berlin").await;
    world.set_user(&long, &format!("name = '{}'", "ä".repeat(10_000))).await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2026-12-02 12:00").await;
    for user in members.iter().chain([&long]) {
        let mails = world.mails_to(user);
        assert_eq!(mails.len(), 1);
        let text = String::from_utf8_lossy(&mails[0].1.bytes).into_owned();
        let (headers, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(!headers.to_lowercase().contains("\nbcc:"), "{headers}");
        assert!(!body.contains("<script>"), "{body}");
        assert_eq!(mails[0].1.envelope.to().len(), 1);
    }
    world.finish().await;
}

async fn r9_one_bad_row_an_unknown_zone_of_a_user(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let zones = ["Mars/Olympus", "", "CEST", "europe/berlin ", "+01:00", "../../etc/passwd"];
    let members = world.members(berlin, "(Europe/Berlin)", zones.len()).await;
    for (zone, user) in zones.iter().zip(&members) {
        world.set_user(user, &format!("time_zone = '{zone}'")).await;
    }
    let east = world.member(berlin, "Asia/Kathmandu").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2026-12-17 12:00").await;
    for user in &members {
        let expected = ["2026-12-01 10:15 announcement", "2026-12-16 09:00 reminder"];
        assert_eq!(world.received(user).await, expected, "as on the company's clocks");
    }
    assert_eq!(world.received(&east).await, ["2026-12-01 15:00 announcement", "2026-12-16 09:00 reminder"]);
    world.finish().await;
}

async fn r9_one_bad_row_an_unknown_zone_of_a_company_holds_a_new_date(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let (mars, berlin) = (world.company("Mars/Olympus").await, world.company("Europe/Berlin").await);
    let (lost, found) = (world.member(mars, "Europe/Berlin").await, world.member(berlin, "Europe/Berlin").await);
    world.set_date(mars, "2027-01-15").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2026-12-05 12:00").await;
    assert_eq!(db.value("SELECT reason FROM enforcements WHERE state = 'held'").await, "unknown_time_zone");
    assert_eq!(world.received(&lost).await, NOTHING);
    assert_eq!(world.received(&found).await.len(), 1);
    world.set_company(mars, "time_zone = 'America/New_York'").await;
    world.walk("2027-01-16 12:00").await;
    assert_eq!(world.received(&lost).await[0], "2026-12-05 13:15 announcement", "once it is known, as if set then");
    assert_eq!(world.required_since(&lost).await, "2027-01-15 05:00");
    world.finish().await;
}

async fn r9_one_bad_row_an_unknown_zone_of_a_company_keeps_what_is_planned(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "(Europe/Berlin)").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2026-12-05 12:00").await;
    world.set_company(berlin, "time_zone = 'Mars/Olympus'").await;
    world.walk("2027-01-16 12:00").await;
    assert_eq!(world.received(&user).await.len(), 7, "{:?}", world.received(&user).await);
    assert_eq!(world.required_since(&user).await, "2027-01-14 23:00");
    world.finish().await;
}

async fn r9_one_bad_row_notice_days_that_are_none(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let mut members = Vec::new();
    for days in ["[]", "{}", "\"x\"", "[0]", "[-1]", "[1.5]", "[100000]", "[[7]]", "null", "7"] {
        let company = world.company("Europe/Berlin").await;
        world.set_company(company, &format!("notice_days = '{days}'")).await;
        members.push(world.member(company, "Europe/Berlin").await);
        world.set_date(company, "2026-12-20").await;
    }
    let own = world.company("Europe/Berlin").await;
    world.set_company(own, "notice_days = '[2, 5]'").await;
    let user = world.member(own, "Europe/Berlin").await;
    world.set_date(own, "2026-12-20").await;
    world.walk("2026-12-20 00:00").await;
    for member in &members {
        let days: Vec<_> = world.received(member).await.into_iter().map(|line| line[8..10].to_owned()).collect();
        assert_eq!(days, ["01", "06", "13", "17", "19"], "as the operator has it");
    }
    let expected = ["2026-12-01 10:15 announcement", "2026-12-15 09:00 reminder", "2026-12-18 09:00 reminder"];
    assert_eq!(world.received(&user).await, expected);
    world.finish().await;
}

async fn r9_one_bad_row_other_columns(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let members = world.members(berlin, "Europe/Berlin", 4).await;
    world.set_company(berlin, "locale = '!!'").await;
    world.set_user(&members[0], "country = 'Germany', locale = '\u{0}x'".replace('\u{0}', "_").as_str()).await;
    world.set_user(&members[1], "country = '', locale = 'xx-YY-zz'").await;
    world.set_user(&members[2], "country = 'ÄÖ', locale = ''").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2026-12-02 12:00").await;
    for user in &members {
        assert_eq!(world.received(user).await, ["2026-12-01 10:15 announcement"]);
    }
    world.finish().await;
}

async fn r9_one_bad_row_a_refused_address_stops_no_other(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let members = world.members(berlin, "Europe/Berlin", 30).await;
    for (number, user) in members.iter().enumerate() {
        match number % 3 {
            0 => world.mail.refuse(&user.address(), busy()),
            1 => world.mail.refuse(&user.address(), super::world::no_such_user()),
            _ => {}
        }
    }
    world.set_date(berlin, "2026-12-09").await;
    world.walk("2026-12-01 12:00").await;
    for user in members.iter().skip(2).step_by(3) {
        assert_eq!(world.received(user).await, ["2026-12-01 10:15 announcement"]);
    }
    assert_eq!(world.inbox().len(), 10);
    world.finish().await;
}

async fn r9_one_bad_row_dates_at_the_ends_of_time(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let mut companies = Vec::new();
    for (date, zone) in [
        ("9998-12-31", "Pacific/Honolulu"),
        ("9998-12-31", "Pacific/Kiritimati"),
        ("0002-01-01", "Pacific/Kiritimati"),
        ("0002-01-01", "Pacific/Honolulu"),
    ] {
        let company = world.company(zone).await;
        world.member(company, "Pacific/Kiritimati").await;
        world.set_date(company, date).await;
        companies.push(company);
    }
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-16 12:00").await;
    assert_eq!(world.required_since(&user).await, "2027-01-14 23:00");
    assert_eq!(world.enforcements(companies[0]).await, ["9998-12-31 scheduled"]);
    assert_eq!(world.enforcements(companies[2]).await, ["0002-01-01 held"]);
    world.finish().await;
}

/// SQLite stores text as it comes, also what is not UTF-8 (an import of Latin-1, say).
#[tokio::test]
async fn r9_one_bad_row_text_that_is_not_utf8() {
    let db = &TestDatabase::new(Kind::Sqlite).await;
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let (bad, good) = (world.member(berlin, "Europe/Berlin").await, world.member(berlin, "Europe/Berlin").await);
    let latin = "CAST(x'4a6f73e9' AS TEXT)";
    world.set_user(&bad, &format!("name = {latin}, locale = {latin}, country = {latin}, time_zone = {latin}")).await;
    world.set_company(berlin, &format!("name = {latin}, support_contact = {latin}")).await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-15 12:00").await;
    for user in [&bad, &good] {
        assert_eq!(world.required_since(user).await, "2027-01-14 23:00");
        assert_eq!(world.mails_to(user).len(), 7, "the announcement, five reminders and the day");
    }
    world.finish().await;
}

async fn r9_one_bad_row_a_company_without_a_name(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_company(berlin, "name = ''").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-16 12:00").await;
    let text = world.last_text(&user);
    assert!(text.contains(" now asks for a second step") && !text.contains("payments"), "{text}");
    world.finish().await;
}

/// In German a greeting is chosen by a number whose zeros are too many for the library of the words: built with checks for
/// overflow, as tests are, it panics.
async fn r9_one_bad_row_a_mail_that_a_library_panics_over(db: &TestDatabase) {
    let mut world = World::begin(db, "2026-12-01 09:00").await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("locales")).unwrap();
    let greeting = format!("hello = {{ 1.{} ->\n    [one] Guten Tag\n   *[other] Hallo\n }}\n", "0".repeat(30));
    std::fs::write(folder.path().join("locales/de.ftl"), greeting).unwrap();
    let variables = [
        ("MFA_ENFORCER__CLOCK__SIMULATED".to_owned(), "true".to_owned()),
        ("MFA_ENFORCER__NOTICES__TEMPLATE_DIR".to_owned(), folder.path().display().to_string()),
    ];
    let notices = Config::load(None, variables.into_iter()).unwrap().notices;
    world.services.mailer = Mailer::new(&notices, Transport::simulated(world.mail.clone())).unwrap().into();
    let berlin = world.company("Europe/Berlin").await;
    let members = world.members(berlin, "Europe/Berlin", 8).await;
    for user in &members[..2] {
        world.set_membership(berlin, user, "role = 'admin'").await;
    }
    world.set_user(&members[1], "locale = 'de'").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2026-12-02 12:00").await;
    for (number, user) in members.iter().enumerate() {
        let expected: &[&str] = if number == 1 { &[] } else { &["2026-12-01 10:15 announcement"] };
        assert_eq!(world.received(user).await, expected, "one mail in German among those of others");
    }
    for table in ["mails", "admin_mails"] {
        let sql = format!("SELECT server_reply FROM {table} WHERE user_id = '{}'", members[1].id);
        let reply = db.value(&sql).await;
        assert!(reply.starts_with("the program has a fault that keeps the mail from being written: "), "{reply}");
        let sql = format!("SELECT state FROM {table} WHERE user_id = '{}'", members[1].id);
        assert_eq!(db.value(&sql).await, "failed");
    }
    assert_eq!(db.value("SELECT count(*) FROM admin_mails WHERE state = 'sent'").await, "1", "and among two admins'");
    world.finish().await;
}

/// As a transaction of the vendor's does that was left open; the company's notices alone fill several claims.
#[tokio::test]
async fn r9_one_bad_row_a_company_whose_row_is_kept_locked_stops_no_other_postgres() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let mut world = World::begin(db, "2026-12-01 09:00").await;
    world.services.limits.claim_batch = 2;
    let (berlin, paris) = (world.company("Europe/Berlin").await, world.company("Europe/Paris").await);
    let crowd = world.members(berlin, "Europe/Berlin", 8).await;
    let other = world.members(paris, "Europe/Paris", 3).await;
    world.set_date(berlin, "2027-01-15").await;
    world.set_date(paris, "2027-01-15").await;
    world.run_now().await;
    world.task("expand", "2026-12-01 09:15").await;
    let mut vendor = PgConnection::connect(&db.vendor_url()).await.unwrap();
    let mut open = vendor.begin().await.unwrap();
    let sql = format!("SELECT id FROM companies WHERE id = '{berlin}' FOR UPDATE");
    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut *open).await.unwrap();
    let report = world.try_task("deliver").await.unwrap();
    assert_eq!(report.detail["sent"], 3);
    assert!(other.iter().all(|user| world.mails_to(user).len() == 1));
    open.rollback().await.unwrap();
    world.run_now().await;
    assert!(crowd.iter().all(|user| world.mails_to(user).len() == 1));
    world.finish().await;
}
