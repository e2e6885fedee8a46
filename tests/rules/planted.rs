//! Tests that planted faults have asked for (`tests/mutation`): each is what one of them would have broken unnoticed.

use std::sync::Mutex;

use async_trait::async_trait;
use chrono::TimeDelta;
use mfa_enforcer::clock::Clock;
use mfa_enforcer::config::Config;
use mfa_enforcer::domain::time::Timestamp;
use mfa_enforcer::mail::Mailer;
use mfa_enforcer::mail::compose::Composed;
use mfa_enforcer::mail::memory::MemoryTransport;
use mfa_enforcer::mail::transport::{SendError, SimulatedServer, Transport};
use mfa_enforcer::store::enforcements::Ordered;
use mfa_enforcer::store::reconcile::Authority;
use mfa_enforcer::tasks::ShutdownTrigger;

use super::world::{World, at, busy, lost_answer};
use crate::support::{Kind, TestDatabase, on_both};

on_both!(
    r2_once_the_day_of_a_mail_is_that_on_which_it_arrived,
    r2_once_the_day_of_a_mail_that_is_repeated_is_that_of_the_repeat,
    r2_once_no_mail_begins_that_its_lease_cannot_hold,
    r2_once_what_was_not_begun_keeps_what_is_not_known,
    r3_not_early_who_is_a_person_again_is_looked_at_first,
    r4_not_late_a_late_joiner_follows_the_day_that_moves_with_the_zone,
    r5_moved_while_a_mail_is_in_flight_that_nobody_hears_of,
    r5_moved_zone_takes_reminders_along_that_were_made,
    r5_cleared_while_it_flips_ends_once_it_has,
    r6_nothing_lost_of_what_was_not_begun,
    r7_latest_only_is_the_latest,
    r8_others_stand_and_so_does_a_late_joiners_later_day,
    r8_others_stand_for_who_leaves_and_is_looked_at_again,
    r9_one_bad_row_an_unknown_zone_of_a_user_in_the_mail,
    r9_one_bad_row_a_company_that_cannot_be_planned,
    r9_one_bad_row_a_milestone_that_cannot_be_expanded,
);

/// A mail server that does something when the first mail comes, and takes one at a time.
#[derive(Debug)]
struct Eventful<T> {
    mail: MemoryTransport,
    event: Mutex<Option<T>>,
    happens: fn(T),
}

#[async_trait]
impl<T: Send + std::fmt::Debug> SimulatedServer for Eventful<T> {
    async fn send(&self, mail: &Composed) -> Result<String, SendError> {
        if let Some(event) = self.event.lock().unwrap().take() {
            (self.happens)(event);
        }
        self.mail.send(mail).await
    }

    fn max_concurrent(&self) -> usize {
        1
    }
}

/// Puts such a server in place of the world's.
fn at_the_first_mail<T: Send + std::fmt::Debug + 'static>(world: &mut World<'_>, event: T, happens: fn(T)) {
    let variables = [("MFA_ENFORCER__CLOCK__SIMULATED".to_owned(), "true".to_owned())];
    let notices = Config::load(None, variables.into_iter()).unwrap().notices;
    let server = Eventful { mail: world.mail.clone(), event: Mutex::new(Some(event)), happens };
    world.services.mailer = Mailer::new(&notices, Transport::simulated(server)).unwrap().into();
}

/// It was tried on the first, and arrived on the second: that is the day on which no other may come.
async fn r2_once_the_day_of_a_mail_is_that_on_which_it_arrived(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let (one, two) = (world.company("Europe/Berlin").await, world.company("Europe/Berlin").await);
    let user = world.member(one, "Europe/Berlin").await;
    world.join(two, &user).await;
    world.set_date(one, "2027-01-15").await;
    world.mail.refuse(&user.address(), busy());
    world.walk("2026-12-02 09:00").await;
    world.mail.accept(&user.address());
    world.walk("2026-12-02 12:00").await;
    let first = world.mails_to(&user)[0].0;
    assert_eq!(first.date_in(user.zone).to_string(), "2026-12-02");
    world.set_date(two, "2027-03-15").await;
    world.walk("2026-12-03 12:00").await;
    assert_eq!(world.received(&user).await[1..], ["2026-12-03 08:00 announcement"]);
    world.finish().await;
}

/// Its answer was lost on the first day, so that it is the same mail on the second.
async fn r2_once_the_day_of_a_mail_that_is_repeated_is_that_of_the_repeat(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 18:00").await;
    world.repeats_allowed.set(true);
    let (one, two) = (world.company("Europe/Berlin").await, world.company("Europe/Berlin").await);
    let user = world.member(one, "Europe/Berlin").await;
    world.join(two, &user).await;
    world.set_date(one, "2027-01-15").await;
    world.mail.refuse(&user.address(), lost_answer());
    world.walk("2026-12-02 07:30").await;
    world.mail.accept(&user.address());
    world.walk("2026-12-02 12:00").await;
    let attempted = db.value("SELECT attempted_at FROM mails").await;
    assert!(attempted.starts_with("2026-12-02"), "{attempted}");
    world.set_date(two, "2027-03-15").await;
    world.walk("2026-12-03 12:00").await;
    let received = world.received(&user).await;
    assert_eq!(received.last().unwrap(), "2026-12-03 08:00 announcement");
    world.finish().await;
}

/// The first mail takes nearly as long as the lease: the others are claimed anew before they are sent.
async fn r2_once_no_mail_begins_that_its_lease_cannot_hold(db: &TestDatabase) {
    let mut world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    world.members(berlin, "Europe/Berlin", 4).await;
    world.set_date(berlin, "2027-01-15").await;
    world.run_now().await;
    let later = at("2026-12-01 09:15").plus(world.services.limits.lease - TimeDelta::seconds(1));
    let clock = world.services.clock.clone();
    at_the_first_mail(&mut world, (clock, later), |(clock, later): (Clock, Timestamp)| clock.set(later));
    world.run("2026-12-01 09:15").await;
    assert_eq!(world.inbox().len(), 4);
    let begun = db.rows("SELECT attempted_at FROM mails ORDER BY attempted_at, id").await.concat();
    let later = later.to_string();
    assert_eq!(begun, ["2026-12-01T09:15:00.000000Z", later.as_str(), later.as_str(), later.as_str()]);
    world.finish().await;
}

/// One mail of unknown outcome is claimed again, and given back because the daemon ends.
async fn r2_once_what_was_not_begun_keeps_what_is_not_known(db: &TestDatabase) {
    let mut world = World::begin(db, "2026-12-01 09:00").await;
    world.repeats_allowed.set(true);
    let berlin = world.company("Europe/Berlin").await;
    let users = world.members(berlin, "Europe/Berlin", 2).await;
    world.set_date(berlin, "2027-01-15").await;
    world.run_now().await;
    world.mail.refuse(&users[0].address(), busy());
    world.mail.refuse(&users[1].address(), lost_answer());
    world.run("2026-12-01 09:15").await;
    let (trigger, shutdown) = ShutdownTrigger::new();
    world.services.shutdown = shutdown;
    at_the_first_mail(&mut world, trigger, |trigger: ShutdownTrigger| trigger.request());
    // Both are due again by then.
    world.services.clock.set(at("2026-12-01 12:00"));
    world.try_task("deliver").await.unwrap();
    let unknown = format!("SELECT maybe_received FROM mails WHERE user_id = '{}'", users[1].id);
    assert_eq!(db.value(&unknown).await, "1");
    assert_eq!(db.value("SELECT count(*) FROM notices WHERE state = 'sending'").await, "0", "it was given back");
}

async fn r3_not_early_who_is_a_person_again_is_looked_at_first(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let (known, robot) = (world.member(berlin, "Europe/Berlin").await, world.member(berlin, "Europe/Berlin").await);
    world.set_user(&robot, "kind = 'service'").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-14 22:00").await;
    world.set_user(&robot, "kind = 'person'").await;
    world.task("enforce", "2027-01-14 23:00").await;
    assert_eq!(world.required_since(&known).await, "2027-01-14 23:00");
    assert_eq!(world.required_since(&robot).await, "", "nobody has told them");
    world.walk("2027-01-30 12:00").await;
    assert_eq!(world.required_since(&robot).await, "2027-01-21 23:00", "after their days of grace");
    world.finish().await;
}

/// Their personal date was the company's own day.
async fn r4_not_late_a_late_joiner_follows_the_day_that_moves_with_the_zone(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let company = world.company("Pacific/Honolulu").await;
    let old = world.member(company, "Europe/Berlin").await;
    world.set_date(company, "2027-03-15").await;
    world.walk("2026-12-10 12:00").await;
    let late = world.member(company, "Europe/Berlin").await;
    world.walk("2026-12-20 12:00").await;
    world.set_company(company, "time_zone = 'Asia/Tokyo'").await;
    world.walk("2027-03-20 12:00").await;
    for user in [&old, &late] {
        assert_eq!(world.required_since(user).await, "2027-03-14 15:00");
    }
    world.finish().await;
}

/// A daemon has claimed the announcement and dies: the reader may have read it. Then the date moves.
async fn r5_moved_while_a_mail_is_in_flight_that_nobody_hears_of(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2027-01-15").await;
    world.run_now().await;
    world.task("expand", "2026-12-01 09:15").await;
    assert_eq!(world.claim().await.mails.len(), 1);
    world.set_date(berlin, "2027-02-15").await;
    world.walk("2026-12-03 12:00").await;
    let told = world.received(&user).await;
    assert!(told.last().unwrap().ends_with("rescheduled"), "{told:?}");
    world.finish().await;
}

/// The reminder is made, and due in the morning, when the zone of company and reader moves.
async fn r5_moved_zone_takes_reminders_along_that_were_made(db: &TestDatabase) {
    let world = World::begin(db, "2027-02-01 12:00").await;
    let company = world.company("Europe/Berlin").await;
    let user = world.member(company, "(America/New_York)").await;
    world.set_date(company, "2027-04-05").await;
    world.walk("2027-03-28 12:00").await;
    world.set_company(company, "time_zone = 'America/New_York'").await;
    world.walk("2027-04-06 12:00").await;
    let received = world.received(&user).await;
    assert!(received.contains(&"2027-03-29 09:00 reminder".to_owned()), "{received:?}");
    assert_eq!(received.iter().filter(|one| one.ends_with("reminder")).count(), 5, "{received:?}");
    world.finish().await;
}

async fn r5_cleared_while_it_flips_ends_once_it_has(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let members = world.members(berlin, "Europe/Berlin", 8).await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-14 12:00").await;
    world.services.clock.set(at("2027-01-14 23:00"));
    let enforcement = world.enforcement(berlin).await;
    world.services.store.flip_chunk(enforcement, world.now(), &world.services.policy, 3).await.unwrap();
    world.clear_date(berlin).await;
    world.task("reconcile", "2027-01-14 23:00").await;
    world.run("2027-01-14 23:01").await;
    world.run("2027-01-14 23:02").await;
    assert_eq!(world.enforcements(berlin).await, ["2027-01-15 cancelled"]);
    for user in &members {
        assert_ne!(world.required_since(user).await, "");
    }
    world.finish().await;
}

async fn r6_nothing_lost_of_what_was_not_begun(db: &TestDatabase) {
    let mut world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let users = world.members(berlin, "Europe/Berlin", 7).await;
    world.set_date(berlin, "2027-01-15").await;
    world.run_now().await;
    let (trigger, shutdown) = ShutdownTrigger::new();
    world.services.shutdown = shutdown;
    at_the_first_mail(&mut world, trigger, |trigger: ShutdownTrigger| trigger.request());
    world.task("expand", "2026-12-01 09:15").await;
    world.try_task("deliver").await.unwrap();
    assert_eq!(world.inbox().len(), 1, "the mail in flight is finished, and no other begun");
    world.services.shutdown = ShutdownTrigger::new().1;
    world.run("2026-12-01 09:16").await;
    for user in &users {
        assert_eq!(world.mails_to(user).len(), 1);
    }
    world.finish().await;
}

/// All three are called a reminder: which one was sent is told by its milestone.
async fn r7_latest_only_is_the_latest(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2026-12-10 12:00").await;
    world.run("2027-01-08 12:00").await;
    let sent = "SELECT s.days_before FROM notices AS n JOIN milestones AS s ON s.id = n.milestone_id
        WHERE n.state = 'sent' AND n.kind = 'reminder'";
    assert_eq!(db.value(sent).await, "7");
    assert_eq!(world.skipped(&user).await, ["reminder superseded"; 2]);
    world.finish().await;
}

/// Another date is near, and somebody has joined too late for it: they keep their own day when the first one is undone.
async fn r8_others_stand_and_so_does_a_late_joiners_later_day(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let old = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-16 12:00").await;
    world.set_date(berlin, "2027-02-15").await;
    world.walk("2027-02-12 12:00").await;
    let late = world.member(berlin, "Europe/Berlin").await;
    world.walk("2027-02-13 12:00").await;
    let who = Authority { actor: "Jo", override_notice: false, reason: None };
    assert_eq!(world.order(berlin, &who).revert().await.unwrap(), Ordered::Done);
    world.walk("2027-02-28 12:00").await;
    assert_eq!(world.required_since(&old).await, "2027-02-14 23:00");
    assert_eq!(world.required_since(&late).await, "2027-02-19 23:00", "a week after they were told");
    world.finish().await;
}

async fn r8_others_stand_for_who_leaves_and_is_looked_at_again(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let (one, two) = (world.company("Europe/Berlin").await, world.company("Europe/Berlin").await);
    let user = world.member(one, "Europe/Berlin").await;
    world.join(two, &user).await;
    world.set_date(one, "2027-01-15").await;
    world.walk("2027-01-16 12:00").await;
    db.execute(&format!("DELETE FROM memberships WHERE company_id = '{one}' AND user_id = '{}'", user.id)).await;
    world.set_user(&user, "sso = true, reviewed = false").await;
    world.walk("2027-01-20 12:00").await;
    assert_eq!(world.required_since(&user).await, "2027-01-14 23:00", "leaving clears nothing");
    world.finish().await;
}

/// The mail names the reader's day: that of their company, where nobody knows their own zone.
async fn r9_one_bad_row_an_unknown_zone_of_a_user_in_the_mail(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let auckland = world.company("Pacific/Auckland").await;
    let user = world.member(auckland, "Pacific/Auckland").await;
    world.set_user(&user, "time_zone = 'Mars/Olympus'").await;
    world.set_date(auckland, "2027-01-15").await;
    world.walk("2026-12-03 12:00").await;
    let text = world.last_text(&user);
    assert!(text.contains("from Friday, 15 January 2027, 00:00 (Pacific/Auckland)"), "{text}");
    world.finish().await;
}

/// Has the database refuse new rows of a table where the condition holds.
async fn refuse(db: &TestDatabase, table: &str, condition: &str) {
    let sql = match db.kind() {
        Kind::Sqlite => format!(
            "CREATE TRIGGER refusal BEFORE INSERT ON {table} WHEN {condition} BEGIN SELECT RAISE(ABORT, 'refused'); END"
        ),
        Kind::Postgres => format!(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$;
             CREATE TRIGGER refusal BEFORE INSERT ON {table} FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION refuse()"
        ),
    };
    db.execute(&sql).await;
}

async fn r9_one_bad_row_a_company_that_cannot_be_planned(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let mut companies = Vec::new();
    for _ in 0..3 {
        let company = world.company("Europe/Berlin").await;
        world.member(company, "Europe/Berlin").await;
        companies.push(company);
    }
    world.run_now().await;
    refuse(db, "enforcements", &format!("NEW.company_id = '{}'", companies[1])).await;
    for company in &companies {
        world.set_date(*company, "2027-01-15").await;
    }
    let failed = world.try_task("reconcile").await.unwrap_err();
    assert!(failed.to_string().contains("1 of"), "{failed}");
    assert_eq!(world.enforcements(companies[0]).await, ["2027-01-15 scheduled"]);
    assert_eq!(world.enforcements(companies[1]).await.len(), 0);
    assert_eq!(world.enforcements(companies[2]).await, ["2027-01-15 scheduled"]);
}

async fn r9_one_bad_row_a_milestone_that_cannot_be_expanded(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let mut companies = Vec::new();
    for _ in 0..3 {
        let company = world.company("Europe/Berlin").await;
        companies.push((company, world.member(company, "Europe/Berlin").await));
        world.set_date(company, "2027-01-15").await;
    }
    world.run_now().await;
    let bad = world.enforcement(companies[1].0).await;
    refuse(db, "notices", &format!("NEW.enforcement_id = '{bad}'")).await;
    world.services.clock.set(at("2026-12-01 09:15"));
    let failed = world.try_task("expand").await.unwrap_err();
    assert!(failed.to_string().starts_with("1 of 3 failed"), "{failed}");
    let counts = [world.notices(&companies[0].1).await, world.notices(&companies[1].1).await];
    assert_eq!((counts, world.notices(&companies[2].1).await), ([1, 0], 1));
}
