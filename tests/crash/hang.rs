//! A daemon that hangs, in the middle of its work, until others have done it; then it wakes up.

use std::collections::{BTreeMap, BTreeSet};

use super::house::{CONNECTIONS, House};
use super::peer::{Peer, slow_down_mail};
use super::people::{add_company_of, address};
use super::post::mails;
use crate::process::{Process, eventually};
use crate::support::{Kind, folder_in_memory};

/// Companies that are told one after the other, and how many people each has.
const FIRST: u32 = 1;
const SECOND: u32 = 2;
const THIRD: u32 = 3;
const PEOPLE: [usize; 3] = [60, 12, 6];
/// The daemon that hangs, to the mail server.
const HUNG: &str = "hung.example";

/// The role of the daemon that hangs, whose transactions take their time once they have locked notices: it is to be stopped there.
const SLOW: &str = "CREATE ROLE hung SUPERUSER LOGIN;
    CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.2); RETURN NULL; END';
    CREATE TRIGGER slow AFTER UPDATE ON notices FOR EACH STATEMENT WHEN (current_user = 'hung') EXECUTE FUNCTION slow()";

/// The outcomes of mails, as they are on record.
const RECORDED: &str =
    "SELECT l.id, l.state, l.attempted_at, l.sent_at, l.server_reply, l.content_sha256, n.state, n.attempts
    FROM mails AS l JOIN notices AS n ON n.mail_id = l.id";

#[tokio::test]
async fn what_a_hanging_daemon_held_is_done_by_the_other_and_stays_so() {
    let mut house = House::new(Kind::Postgres, folder_in_memory()).await;
    slow_down_mail(&mut house);
    for (name, value) in [("schedule.claim_batch", "4"), ("schedule.lease", "8s"), ("smtp.timeout", "4s")] {
        house.installation.set(name, value);
    }
    let other = Peer::start(&mut house, "other.example").await;
    house.db.execute(SLOW).await;
    let url = house.cluster.as_ref().unwrap().url("house");
    house.installation.set("database.url", &url.replace("postgres@", "hung@"));
    let hung = Peer::start(&mut house, HUNG).await;

    add_company_of(&house.db, FIRST, PEOPLE[0]).await;
    let on_its_lines = hang(&house, &hung.process).await;
    let sent = "SELECT count(*) FROM notices WHERE state = 'sent'";
    let are_sent =
        async |count| eventually("all are told", async || (house.number(sent).await == count).then_some(())).await;
    are_sent(PEOPLE[0]).await;
    let recorded = house.rows(RECORDED).await;
    hung.process.signal("CONT");

    // Both go on; then the one that hung does, alone. So it is done with what it still had.
    add_company_of(&house.db, SECOND, PEOPLE[1]).await;
    are_sent(PEOPLE[0] + PEOPLE[1]).await;
    let came_to_other = other.outcomes().await;
    other.end().await;
    add_company_of(&house.db, THIRD, PEOPLE[2]).await;
    let all: usize = PEOPLE.iter().sum();
    are_sent(all).await;
    let outcomes = came_to_other + hung.outcomes().await;
    hung.end().await;

    let recorded_now = house.rows(RECORDED).await;
    assert!(
        recorded.iter().all(|row| recorded_now.contains(row)),
        "the other's outcomes stand: {recorded:?}, {recorded_now:?}"
    );
    let in_trail = "SELECT sum((detail->>'mails')::int) FROM audit_events WHERE action = 'notices_sent'";
    assert_eq!(house.number(in_trail).await, all, "no mail is recorded twice");
    assert_eq!(house.rows("SELECT DISTINCT state FROM mails").await, [["sent"]]);
    // Each daemon counts what it has tried to send: what the one that hung could not record comes beside what is on record.
    assert!(outcomes > f64::from(u32::try_from(all).unwrap()), "it had outcomes to record: {outcomes}");
    let repeated = prove_mails(&house, all);
    assert!(on_its_lines.is_subset(&repeated), "what was on its lines is sent again: {on_its_lines:?}, {repeated:?}");
    house.installation.succeeds(&["audit", "verify"]).await;
}

/// Stops the daemon in the middle of a transaction that has changed notices, with mails on its lines; gives back these.
async fn hang(house: &House, daemon: &Process) -> BTreeSet<String> {
    let connections = "SELECT count(*) FILTER (WHERE state = 'active'), count(l.pid)
        FROM pg_stat_activity AS a LEFT JOIN pg_locks AS l
            ON l.pid = a.pid AND l.relation = 'notices'::regclass AND l.mode = 'RowExclusiveLock'
        WHERE usename = 'hung'";
    eventually("it is in the middle of everything", async || {
        daemon.signal("STOP");
        // What the server was doing for it comes to its end.
        let locked = eventually("all of it stands still", async || {
            let [active, locked]: [String; 2] = house.rows(connections).await.concat().try_into().unwrap();
            (is_stopped(daemon) && active == "0").then_some(locked)
        })
        .await;
        let sending = house.rows("SELECT message_id FROM mails WHERE state = 'sending'").await.concat();
        let sending: BTreeSet<_> = sending.into_iter().collect();
        let brought = mails(&house.sink).into_iter().filter(|mail| mail.bringer == HUNG);
        let on_lines: BTreeSet<_> = brought.map(|mail| mail.message_id).filter(|id| sending.contains(id)).collect();
        if locked == "0" || on_lines.is_empty() {
            daemon.signal("CONT");
            return None;
        }
        Some(on_lines)
    })
    .await
}

fn is_stopped(daemon: &Process) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.id())).unwrap();
    status.lines().any(|line| line.starts_with("State:\tT"))
}

/// Everybody has their mail; gives back those that came twice: once from each daemon, and no more than a daemon may have had
/// on its lines or not recorded yet.
fn prove_mails(house: &House, all: usize) -> BTreeSet<String> {
    let mut bringers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut addressed: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for mail in mails(&house.sink) {
        addressed.entry(mail.address).or_default().insert(mail.message_id.clone());
        bringers.entry(mail.message_id).or_default().push(mail.bringer);
    }
    for (company, people) in [FIRST, SECOND, THIRD].into_iter().zip(PEOPLE) {
        for person in 1..=people {
            let ids = addressed.get(&address(company, person)).map_or(0, BTreeSet::len);
            assert_eq!(ids, 1, "person {person} of company {company} has one mail, perhaps several times");
        }
    }
    assert_eq!((addressed.len(), bringers.len()), (all, all), "nobody else has any");
    bringers.retain(|_, bringers| bringers.len() > 1);
    for (id, bringers) in &mut bringers {
        bringers.sort();
        assert_eq!(bringers[..], [HUNG, "other.example"], "{id}");
    }
    assert!(bringers.len() <= CONNECTIONS + 128, "{} came twice", bringers.len());
    bringers.into_keys().collect()
}
