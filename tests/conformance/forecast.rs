//! A forecast is what then really happens: by day and kind, and by instant.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use mfa_enforcer::domain::ids::Id;
use mfa_enforcer::domain::time::Timestamp;
use mfa_enforcer::store::enforcements::Ordered;
use mfa_enforcer::store::forecast::{Outlook, Proposal};
use mfa_enforcer::store::reconcile::Authority;
use mfa_enforcer::tasks::dates::Order;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha12Rng;

use crate::support::vendor::{company_id, user_id};
use crate::support::{Rehearsal, TestDatabase, on_both};

on_both!(
    a_first_date_comes_as_foretold,
    a_moved_date_comes_as_foretold,
    a_cancelled_date_comes_as_foretold,
    a_released_date_comes_as_foretold,
    a_date_without_notice_comes_as_foretold,
    a_date_after_one_in_force_comes_as_foretold,
    going_back_to_the_date_in_force_comes_as_foretold,
    what_a_daemon_that_was_down_does_comes_as_foretold,
    a_date_written_with_plain_sql_comes_as_foretold,
    foretelling_changes_nothing,
);

const USERS: u32 = 48;

const ZONES: [Option<&str>; 9] = [
    None,
    Some("Pacific/Kiritimati"),
    Some("Pacific/Pago_Pago"),
    Some("America/New_York"),
    Some("Europe/Berlin"),
    Some("Asia/Tokyo"),
    Some("Asia/Kolkata"),
    Some("Mars/Olympus"),
    Some("America/Havana"),
];

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A company in Berlin and one in Los Angeles that share people of every sort, made from a seed.
async fn people(db: &TestDatabase, seed: u64) {
    let mut random = ChaCha12Rng::seed_from_u64(seed);
    let mut sql = String::new();
    for (number, zone) in [(1, "Europe/Berlin"), (2, "America/Los_Angeles")] {
        let id = company_id(number);
        writeln!(sql, "INSERT INTO companies (id, name, time_zone) VALUES ('{id}', 'Company {number}', '{zone}');")
            .unwrap();
    }
    let yes = |random: &mut ChaCha12Rng, percent: u32| random.random_range(0..100) < percent;
    for number in 0..USERS {
        let id = user_id(number);
        let zone = ZONES[random.random_range(0..ZONES.len())].map_or("NULL".to_owned(), |zone| format!("'{zone}'"));
        let enrolled = if yes(&mut random, 15) { "'2026-10-01T08:00:00.000000Z'" } else { "NULL" };
        let kind = if yes(&mut random, 5) { "service" } else { "person" };
        let (active, sso, payee) = (yes(&mut random, 95), yes(&mut random, 8), yes(&mut random, 8));
        let bounced = if yes(&mut random, 5) { "bounced" } else { "ok" };
        let address = if number % 16 == 5 { "no address".to_owned() } else { format!("user{number}@example.com") };
        writeln!(
            sql,
            "INSERT INTO users (id, email, name, time_zone, kind, active, sso, payee, mfa_enrolled_at, email_status) VALUES
             ('{id}', '{address}', 'User {number}', {zone}, '{kind}', {active}, {sso}, {payee}, {enrolled}, '{bounced}');"
        )
        .unwrap();
        for company in [1, 2] {
            if yes(&mut random, if company == 1 { 90 } else { 40 }) {
                let exempt = if yes(&mut random, 15) {
                    format!(
                        "'2027-0{}-{:02}T07:30:00.000000Z'",
                        random.random_range(1..=3),
                        random.random_range(1..=28)
                    )
                } else {
                    "NULL".to_owned()
                };
                let company = company_id(company);
                writeln!(
                    sql,
                    "INSERT INTO memberships (company_id, user_id, exempt_until) VALUES ('{company}', '{id}', {exempt});"
                )
                .unwrap();
            }
        }
    }
    db.execute(&sql).await;
}

/// A daemon that has seen these people, at noon in Berlin.
pub(super) async fn daemon(db: &TestDatabase, seed: u64) -> Rehearsal {
    people(db, seed).await;
    Rehearsal::new(db, at("2026-11-23T11:00:00Z")).await
}

fn key(company: Id) -> String {
    company.to_string()
}

pub(super) async fn foretold(daemon: &Rehearsal, company: u32, proposal: Proposal) -> Outlook {
    let services = &daemon.services;
    services.store.forecast(&key(company_id(company)), proposal, daemon.now(), &services.policy).await.unwrap()
}

pub(super) async fn order(daemon: &Rehearsal, company: u32, proposal: Proposal) {
    let authority = Authority { actor: "Zoë", override_notice: true, reason: Some("a test") };
    let company = key(company_id(company));
    let services = &daemon.services;
    let order = Order {
        store: services.store.as_ref(),
        company: &company,
        authority: &authority,
        now: daemon.now(),
        policy: &services.policy,
        chunk: 7,
    };
    let ordered = match proposal {
        Proposal::Date(date) => order.set_date(date).await,
        Proposal::Cancel => order.cancel_date().await,
        Proposal::Release => order.release().await,
        Proposal::Hold => order.hold().await,
        Proposal::Revert => order.revert().await,
        Proposal::Nothing => Ok(Ordered::Done),
    };
    assert_eq!(ordered.unwrap(), Ordered::Done);
}

pub(super) fn date(text: &str) -> Proposal {
    Proposal::Date(text.parse().unwrap())
}

/// What is foretold for a company if something is done, and what comes when it is done.
pub(super) async fn comes_as_foretold(
    db: &TestDatabase,
    daemon: &Rehearsal,
    company: u32,
    proposal: Proposal,
) -> Outlook {
    let (since, before) = (daemon.now(), required(db, company).await);
    let foretold = foretold(daemon, company, proposal).await;
    order(daemon, company, proposal).await;
    daemon.live_until(None).await;
    let mails: BTreeMap<(String, String), u64> = foretold
        .forecast
        .mails
        .iter()
        .map(|mail| ((mail.day.to_string(), mail.kind.to_string()), mail.people))
        .collect();
    assert_eq!(mails, sent_since(db, company, since).await, "the mails, seed by seed");
    let mut expected = before;
    for row in &foretold.forecast.required {
        *expected.entry(row.at.to_string()).or_default() += row.people;
    }
    assert_eq!(expected, required(db, company).await, "who becomes required");
    foretold
}

/// How many mails went out on behalf of a company, by the reader's day and kind.
async fn sent_since(db: &TestDatabase, company: u32, since: Timestamp) -> BTreeMap<(String, String), u64> {
    let rows = db
        .rows(&format!(
            "SELECT l.sent_day, n.kind, count(*) FROM notices AS n JOIN mails AS l ON l.id = n.mail_id
             JOIN enforcements AS e ON e.id = n.enforcement_id
             WHERE e.company_id = '{}' AND n.state = 'sent' AND l.sent_at >= '{since}' GROUP BY l.sent_day, n.kind",
            company_id(company)
        ))
        .await;
    rows.into_iter().map(|row| ((row[0].clone(), row[1].clone()), row[2].parse().unwrap())).collect()
}

/// How many people a company's enforcements require, by instant.
async fn required(db: &TestDatabase, company: u32) -> BTreeMap<String, u64> {
    let rows = db
        .rows(&format!(
            "SELECT r.required_at, count(*) FROM requirements AS r JOIN enforcements AS e ON e.id = r.enforcement_id
             WHERE e.company_id = '{}' GROUP BY r.required_at",
            company_id(company)
        ))
        .await;
    rows.into_iter().map(|row| (row[0].clone(), row[1].parse().unwrap())).collect()
}

pub(super) fn people_of(outlook: &Outlook, kind: &str) -> u64 {
    outlook.forecast.mails.iter().filter(|mail| mail.kind.as_str() == kind).map(|mail| mail.people).sum()
}

async fn a_first_date_comes_as_foretold(db: &TestDatabase) {
    let daemon = daemon(db, 1).await;
    let foretold = comes_as_foretold(db, &daemon, 1, date("2027-01-15")).await;
    assert!(people_of(&foretold, "announcement") > 20 && people_of(&foretold, "reminder") > 60);
    assert!(foretold.forecast.required.iter().any(|row| row.is_flip && row.people > 20 && row.enrolled > 0));
    assert!(!foretold.forecast.exempt.is_empty());
    assert!(foretold.forecast.left_out.no_address > 0);
}

async fn a_moved_date_comes_as_foretold(db: &TestDatabase) {
    let daemon = daemon(db, 2).await;
    order(&daemon, 1, date("2027-01-15")).await;
    // Another company's announcement falls on the days of this one's reminders.
    daemon.live_until(Some(at("2026-12-16T07:30:00Z"))).await;
    order(&daemon, 2, date("2027-01-20")).await;
    daemon.live_until(Some(at("2027-01-05T13:00:00Z"))).await;
    db.execute(&format!(
        "INSERT INTO users (id, email, name) VALUES ('{0}', 'late@example.com', 'Late');
         INSERT INTO memberships (company_id, user_id) VALUES ('{1}', '{0}')",
        user_id(900),
        company_id(1)
    ))
    .await;
    daemon.live_until(Some(at("2027-01-06T13:00:00Z"))).await;
    let foretold = comes_as_foretold(db, &daemon, 1, date("2027-01-28")).await;
    assert!(people_of(&foretold, "rescheduled") > 20);
}

async fn a_cancelled_date_comes_as_foretold(db: &TestDatabase) {
    let daemon = daemon(db, 3).await;
    order(&daemon, 1, date("2027-01-15")).await;
    order(&daemon, 2, date("2027-01-15")).await;
    daemon.live_until(Some(at("2027-01-08T08:30:00Z"))).await;
    let foretold = comes_as_foretold(db, &daemon, 1, Proposal::Cancel).await;
    assert!(people_of(&foretold, "cancelled") > 20 && foretold.forecast.required.is_empty());
}

async fn a_released_date_comes_as_foretold(db: &TestDatabase) {
    let daemon = daemon(db, 4).await;
    db.execute(&format!(
        "UPDATE companies SET mfa_available = false, enforcement_date = '2027-01-15' WHERE id = '{}'",
        company_id(1)
    ))
    .await;
    daemon.live_until(Some(at("2027-01-05T08:30:00Z"))).await;
    let held = foretold(&daemon, 1, Proposal::Nothing).await;
    assert!(held.forecast.mails.is_empty() && held.forecast.required.is_empty());
    db.execute(&format!("UPDATE companies SET mfa_available = true WHERE id = '{}'", company_id(1))).await;
    daemon.settle().await;
    let foretold = comes_as_foretold(db, &daemon, 1, Proposal::Release).await;
    assert!(people_of(&foretold, "announcement") > 15);
}

async fn a_date_without_notice_comes_as_foretold(db: &TestDatabase) {
    let daemon = daemon(db, 5).await;
    let foretold = comes_as_foretold(db, &daemon, 1, date("2026-11-23")).await;
    assert_eq!(people_of(&foretold, "announcement"), 0);
    assert!(people_of(&foretold, "now_required") > 20);
}

async fn a_date_after_one_in_force_comes_as_foretold(db: &TestDatabase) {
    let daemon = daemon(db, 6).await;
    order(&daemon, 1, date("2027-01-15")).await;
    daemon.live_until(Some(at("2027-01-14T23:30:00Z"))).await;
    let foretold = comes_as_foretold(db, &daemon, 1, date("2027-03-01")).await;
    assert!(foretold.in_force.is_some());
}

async fn going_back_to_the_date_in_force_comes_as_foretold(db: &TestDatabase) {
    let daemon = daemon(db, 10).await;
    order(&daemon, 1, date("2027-01-15")).await;
    daemon.live_until(Some(at("2027-01-20T12:00:00Z"))).await;
    order(&daemon, 1, date("2027-03-01")).await;
    daemon.live_until(Some(at("2027-02-20T12:00:00Z"))).await;
    let foretold = comes_as_foretold(db, &daemon, 1, date("2027-01-15")).await;
    assert!(foretold.coming.is_none() && !foretold.forecast.required.is_empty());
}

async fn what_a_daemon_that_was_down_does_comes_as_foretold(db: &TestDatabase) {
    let daemon = daemon(db, 7).await;
    order(&daemon, 1, date("2027-01-15")).await;
    daemon.live_until(Some(at("2026-12-10T12:00:00Z"))).await;
    for later in ["2027-01-03T21:00:00Z", "2027-01-20T03:00:00Z"] {
        let copy = daemon.now();
        daemon.services.clock.set(at(later));
        let ahead = foretold(&daemon, 1, Proposal::Nothing).await;
        assert!(people_of(&ahead, "now_required") > 20, "{ahead:?}");
        daemon.services.clock.set(copy);
    }
    daemon.services.clock.set(at("2027-01-03T21:00:00Z"));
    comes_as_foretold(db, &daemon, 1, Proposal::Nothing).await;
}

async fn a_date_written_with_plain_sql_comes_as_foretold(db: &TestDatabase) {
    let daemon = daemon(db, 8).await;
    for day in ["2027-01-15", "2027-02-10"] {
        let id = company_id(1);
        db.execute(&format!("UPDATE companies SET enforcement_date = '{day}' WHERE id = '{id}'")).await;
        if day == "2027-01-15" {
            daemon.live_until(Some(at("2026-12-20T09:00:00Z"))).await;
            db.execute(&format!("UPDATE companies SET time_zone = 'Asia/Tokyo' WHERE id = '{id}'")).await;
        }
    }
    comes_as_foretold(db, &daemon, 1, Proposal::Nothing).await;
}

async fn foretelling_changes_nothing(db: &TestDatabase) {
    let daemon = daemon(db, 9).await;
    order(&daemon, 1, date("2027-01-15")).await;
    let before = db.dump().await;
    let orders = [Proposal::Cancel, Proposal::Release, Proposal::Hold, Proposal::Revert];
    for proposal in [Proposal::Nothing, date("2027-02-01"), date("2020-01-01")].into_iter().chain(orders) {
        foretold(&daemon, 1, proposal).await;
    }
    assert_eq!(db.dump().await, before);
}
