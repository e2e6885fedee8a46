//! Killed in the middle of a campaign, twice.

use std::collections::{BTreeMap, BTreeSet};

use super::daemon::{Daemon, add_company_of, address, kill_at};
use super::post::{copies, received};
use crate::mail::servers::Sink;
use crate::support::{TestDatabase, on_both};

on_both!(a_campaign_that_is_killed_is_finished_and_repeats_only_what_was_in_flight);

const PEOPLE: usize = 240;

async fn a_campaign_that_is_killed_is_finished_and_repeats_only_what_was_in_flight(db: &TestDatabase) {
    let sink = Sink::start(&[]);
    let daemon = Daemon { db, mail: format!("smtp://127.0.0.1:{}", sink.port) };
    add_company_of(db, PEOPLE, "2027-01-15").await;
    daemon.run("2026-12-01T09:00:00Z");
    assert_eq!(sink.mails().len(), 0, "an announcement waits");

    // How many copies there were of each mail when it was known to be sent: it must stay so.
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for (instant, at_least) in [("2026-12-01T09:15:00Z", PEOPLE / 5), ("2026-12-01T09:30:00Z", PEOPLE / 2)] {
        kill_at(daemon.start(instant), at_least, async || sink.mails().len()).await;
        let copies = copies(&received(&sink));
        for id in db.rows("SELECT message_id FROM mails WHERE state = 'sent'").await.concat() {
            known.entry(id.clone()).or_insert(copies[&id]);
        }
    }
    assert!(!known.is_empty() && known.len() < PEOPLE, "{} were known to be sent", known.len());
    daemon.run("2026-12-01T09:45:00Z");

    let received = received(&sink);
    for number in 1..=PEOPLE {
        let ids = received.get(&address(number)).unwrap_or_else(|| panic!("{} got no mail", address(number)));
        let ids: BTreeSet<_> = ids.iter().collect();
        assert_eq!(ids.len(), 1, "{} got two different mails: {ids:?}", address(number));
    }
    let copies = copies(&received);
    for (id, before) in known {
        assert_eq!(copies[&id], before, "{id} was known to be sent, and was sent again");
    }
    assert_eq!(received.len(), PEOPLE);
    let states = "SELECT state, count(*) FROM notices GROUP BY state";
    assert_eq!(db.rows(states).await, [["sent".to_owned(), PEOPLE.to_string()]]);
    let mails = "SELECT state, count(*) FROM mails GROUP BY state";
    assert_eq!(db.rows(mails).await, [["sent".to_owned(), PEOPLE.to_string()]]);
    daemon.succeed(&["audit", "verify"]);
}
