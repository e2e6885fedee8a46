//! Four daemons that share a campaign, and the day of many companies.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use mfa_enforcer::clock::Clock;

use super::house::House;
use super::peer::{Peer, slow_down_mail};
use super::people::{TOLD, add_company_of, add_enrolled_company_of, give_date, let_the_day_come};
use super::post::mails;
use crate::process::eventually;
use crate::support::{Kind, folder_in_memory};

const PEERS: usize = 4;
const PEOPLE: usize = 1200;
/// The companies whose day comes at the same instant, and how many people each has.
const COMPANIES: std::ops::Range<u32> = 10..18;
const STAFF: usize = 50;

#[tokio::test]
async fn daemons_share_a_campaign_and_a_day() {
    let mut house = House::new(Kind::Postgres, folder_in_memory()).await;
    slow_down_mail(&mut house);
    for (name, value) in [("smtp.max_connections", "40"), ("schedule.claim_batch", "40"), ("schedule.chunk", "20")] {
        house.installation.set(name, value);
    }
    let mut peers = Vec::new();
    for number in 1..=PEERS {
        peers.push(Peer::start(&mut house, &format!("daemon{number}.example")).await);
    }
    let mut companies = Vec::new();
    for number in COMPANIES {
        companies.push(add_enrolled_company_of(&house.db, number, STAFF).await);
    }
    let staff = companies.len() * STAFF;
    eventually_counts(&house, "SELECT count(*) FROM memberships WHERE reviewed", staff).await;
    for &company in &companies {
        house.db.execute(&give_date(company)).await;
    }
    eventually_counts(&house, "SELECT count(*) FROM enforcements WHERE state = 'scheduled'", companies.len()).await;
    add_company_of(&house.db, TOLD, PEOPLE).await;
    eventually_counts(&house, "SELECT count(*) FROM notices WHERE state = 'sent'", PEOPLE / 20).await;

    // The day comes in the middle of the campaign.
    let day = Clock::System.now().plus(TimeDelta::seconds(1));
    let days: Vec<_> = companies.iter().map(|&company| let_the_day_come(company, day)).collect();
    house.db.execute(&days.join("; ")).await;
    let flipped = "SELECT count(*) FROM enforcements WHERE company_id IS NOT NULL AND flipped_at IS NOT NULL";
    eventually_counts(&house, flipped, companies.len()).await;
    for sent in (PEOPLE / 4..=PEOPLE).step_by(PEOPLE / 4) {
        eventually_counts(&house, "SELECT count(*) FROM notices WHERE state = 'sent'", sent).await;
    }

    let received = mails(&house.sink);
    let addresses: BTreeSet<_> = received.iter().map(|mail| &mail.address).collect();
    assert_eq!((received.len(), addresses.len()), (PEOPLE, PEOPLE), "each has one mail");
    let (required, begun) = ("FROM requirements WHERE cleared_at IS NULL", "WHERE action = 'enforcement_in_force'");
    for (query, expected) in [
        (format!("SELECT count(*) {required}"), staff),
        (format!("SELECT count(DISTINCT user_id) {required}"), staff),
        (format!("SELECT count(*) {required} AND required_at < '{day}'"), 0),
        ("SELECT sum((detail->>'required')::int) FROM audit_events WHERE action = 'users_required'".to_owned(), staff),
        (format!("SELECT count(*) FROM audit_events {begun}"), companies.len()),
        (format!("SELECT count(DISTINCT company_id) FROM audit_events {begun}"), companies.len()),
        ("SELECT sum((detail->>'mails')::int) FROM audit_events WHERE action = 'notices_sent'".to_owned(), PEOPLE),
    ] {
        assert_eq!(house.number(&query).await, expected, "{query}");
    }
    let mut sent = Vec::new();
    for peer in peers {
        sent.push(peer.sent().await);
        peer.end().await;
    }
    assert!(sent.iter().all(|&sent| sent > 0.0), "each daemon took part: {sent:?}");
    assert!((sent.iter().sum::<f64>() - f64::from(u32::try_from(PEOPLE).unwrap())).abs() < 0.5, "{sent:?}");
    house.installation.succeeds(&["audit", "verify"]).await;
}

async fn eventually_counts(house: &House, query: &str, expected: usize) {
    eventually(query, async || (house.number(query).await >= expected).then_some(())).await;
}
