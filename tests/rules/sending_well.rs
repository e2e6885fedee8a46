//! How mail is sent: within the limits of `[smtp]`, and for how long a mail is tried.

use chrono::TimeDelta;
use mfa_enforcer::app;
use mfa_enforcer::clock::Clock;
use mfa_enforcer::config::Config;
use mfa_enforcer::domain::time::Timestamp;
use mfa_enforcer::mail::limits::RateLimits;
use mfa_enforcer::tasks::{self, ShutdownTrigger};

use super::world::{NOTHING, User, World, at, busy, mailbox_full, no_line, no_turn};
use crate::support::{TestDatabase, on_both};

on_both!(
    r9_one_bad_row_a_full_mailbox_is_given_up_in_the_end,
    r6_nothing_lost_while_the_mail_server_is_away,
    r6_nothing_lost_a_mailbox_that_is_full_after_an_outage_has_its_full_time,
    r6_nothing_lost_an_outage_after_a_refusal_is_waited_for,
    r6_nothing_lost_while_the_daemon_was_down,
    r9_one_bad_row_a_busy_domain_holds_up_no_other,
    a_mail_without_a_turn_was_not_tried,
    who_is_behind_a_mail_without_a_turn_keeps_their_place,
    a_mail_without_a_line_keeps_nobody_waiting,
    the_limit_of_all_mail_is_kept_to,
    the_limits_of_the_settings_are_those_of_the_daemon,
    a_wait_for_all_mail_ends_with_the_daemon,
);

/// A user who was told that MFA is required, or cannot be: nothing comes after `now_required`.
async fn required(world: &World<'_>) -> User {
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2026-12-09").await;
    world.walk("2026-12-09 07:59").await;
    user
}

async fn last_notice(db: &TestDatabase) -> Vec<String> {
    let sql = "SELECT n.state, l.server_reply FROM notices AS n JOIN mails AS l ON l.id = n.mail_id WHERE n.kind = 'now_required'";
    db.rows(sql).await.concat()
}

async fn r9_one_bad_row_a_full_mailbox_is_given_up_in_the_end(db: &TestDatabase) {
    let mut world = World::begin(db, "2026-12-01 09:00").await;
    world.services.limits.retry_most = TimeDelta::hours(4);
    let user = required(&world).await;
    world.mail.refuse(&user.address(), mailbox_full());
    world.walk("2026-12-14 07:59").await;
    assert_eq!(last_notice(db).await, ["pending", "452 4.2.2 mailbox full"]);
    world.walk("2026-12-14 13:00").await;
    assert_eq!(last_notice(db).await, ["failed", "given up after 5 days: 452 4.2.2 mailbox full"]);
    world.mail.accept(&user.address());
    world.walk("2026-12-20 10:00").await;
    assert!(!world.received(&user).await.iter().any(|line| line.ends_with("now_required")));
    world.finish().await;
}

async fn r6_nothing_lost_while_the_mail_server_is_away(db: &TestDatabase) {
    let mut world = World::begin(db, "2026-12-01 09:00").await;
    world.services.limits.retry_most = TimeDelta::hours(8);
    let user = required(&world).await;
    world.mail.refuse(&user.address(), busy());
    world.walk("2026-12-20 09:00").await;
    world.mail.accept(&user.address());
    world.walk("2026-12-20 18:00").await;
    assert!(world.received(&user).await.last().unwrap().ends_with(" now_required"));
    world.finish().await;
}

async fn r6_nothing_lost_a_mailbox_that_is_full_after_an_outage_has_its_full_time(db: &TestDatabase) {
    let mut world = World::begin(db, "2026-12-01 09:00").await;
    world.services.limits.retry_most = TimeDelta::hours(4);
    let user = required(&world).await;
    world.mail.refuse(&user.address(), busy());
    world.walk("2026-12-20 09:00").await;
    world.mail.refuse(&user.address(), mailbox_full());
    world.walk("2026-12-24 09:00").await;
    assert_eq!(last_notice(db).await, ["pending", "452 4.2.2 mailbox full"]);
    world.walk("2026-12-25 18:00").await;
    assert_eq!(last_notice(db).await, ["failed", "given up after 5 days: 452 4.2.2 mailbox full"]);
    world.finish().await;
}

async fn r6_nothing_lost_an_outage_after_a_refusal_is_waited_for(db: &TestDatabase) {
    let mut world = World::begin(db, "2026-12-01 09:00").await;
    world.services.limits.retry_most = TimeDelta::hours(4);
    let user = required(&world).await;
    world.mail.refuse(&user.address(), mailbox_full());
    world.walk("2026-12-10 09:00").await;
    world.mail.refuse(&user.address(), busy());
    world.walk("2026-12-20 09:00").await;
    world.mail.accept(&user.address());
    world.walk("2026-12-20 18:00").await;
    assert!(world.received(&user).await.last().unwrap().ends_with(" now_required"));
    world.finish().await;
}

async fn r6_nothing_lost_while_the_daemon_was_down(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let user = required(&world).await;
    world.mail.refuse(&user.address(), mailbox_full());
    world.run("2026-12-25 09:00").await;
    assert_eq!(last_notice(db).await, ["pending", "452 4.2.2 mailbox full"]);
    world.mail.accept(&user.address());
    world.walk("2026-12-25 12:00").await;
    assert!(world.received(&user).await.last().unwrap().ends_with(" now_required"));
    world.finish().await;
}

/// The limits of these settings, by the world's clock.
fn limit(world: &mut World<'_>, variables: &[(&str, &str)]) {
    let clock = world.services.clock.clone();
    limit_by(&clock, world, variables);
}

fn limit_by(clock: &Clock, world: &mut World<'_>, variables: &[(&str, &str)]) {
    let config = limited(variables);
    let variables = [("MFA_ENFORCER__CLOCK__SIMULATED".to_owned(), "true".to_owned())];
    let notices = Config::load(None, variables.into_iter()).unwrap().notices;
    let transport = mfa_enforcer::mail::transport::Transport::simulated(world.mail.clone());
    let mailer = mfa_enforcer::mail::Mailer::new(&notices, transport).unwrap();
    world.services.mailer = mailer.limited(RateLimits::new(&config.smtp, clock)).into();
}

fn limited(variables: &[(&str, &str)]) -> Config {
    let fixed =
        [("CLOCK__SIMULATED", "true"), ("NOTICES__FROM", "no-reply@ledger.example"), ("SMTP__URL", "file:mail")];
    let all = fixed.iter().chain(variables);
    Config::load(None, all.map(|(name, value)| (format!("MFA_ENFORCER__{name}"), (*value).to_owned()))).unwrap()
}

fn arrivals(world: &World<'_>, users: &[User]) -> Vec<Timestamp> {
    let mut arrivals: Vec<_> = users.iter().flat_map(|user| world.mails_to(user)).map(|(at, _)| at).collect();
    arrivals.sort_unstable();
    arrivals
}

async fn r9_one_bad_row_a_busy_domain_holds_up_no_other(db: &TestDatabase) {
    let mut world = World::begin(db, "2026-12-01 09:00").await;
    limit(&mut world, &[("SMTP__MAX_PER_MINUTE_PER_DOMAIN", "6")]);
    let berlin = world.company("Europe/Berlin").await;
    let crowd = world.members(berlin, "Europe/Berlin", 12).await;
    let others = world.members(berlin, "Europe/Berlin", 3).await;
    for (number, user) in others.iter().enumerate() {
        world.set_user(user, &format!("email = 'jo@other{number}.example'")).await;
    }
    for user in crowd.iter().step_by(2) {
        world.set_user(user, &format!("email = '{}'", user.address().replace("example.com", "EXAMPLE.com"))).await;
    }
    world.set_date(berlin, "2027-01-15").await;
    world.run_now().await;
    world.run("2026-12-01 09:15").await;
    let arrived = |world: &World<'_>| {
        let mut domains: Vec<_> =
            world.inbox().iter().map(|(_, mail)| mail.envelope.to()[0].domain().to_lowercase()).collect();
        domains.sort();
        domains
    };
    assert_eq!(arrived(&world), ["example.com", "other0.example", "other1.example", "other2.example"]);
    // Each that was put off has a place of its own, and no attempt is counted.
    let places =
        db.rows("SELECT next_attempt_at FROM notices WHERE state = 'pending' AND attempts = 0 ORDER BY 1").await;
    let due = at("2026-12-01 09:15");
    let expected: Vec<_> = (1..12).map(|number| due.plus(TimeDelta::seconds(10 * number)).to_string()).collect();
    assert_eq!(places.concat(), expected);
    world.walk("2026-12-01 09:17").await;
    assert_eq!(arrived(&world).len(), 15);
    assert_eq!(db.value("SELECT max(attempts) FROM notices").await, "1");
    world.finish().await;
}

async fn the_limit_of_all_mail_is_kept_to(db: &TestDatabase) {
    let mut world = World::begin(db, "2026-12-01 09:00").await;
    limit(&mut world, &[("SMTP__MAX_PER_MINUTE", "12")]);
    let berlin = world.company("Europe/Berlin").await;
    let crowd = world.members(berlin, "Europe/Berlin", 14).await;
    world.set_date(berlin, "2027-01-15").await;
    world.run_now().await;
    world.run("2026-12-01 09:15").await;
    assert_eq!(arrivals(&world, &crowd).len(), 2, "a sixth at once");
    world.walk("2026-12-01 09:17").await;
    let arrivals = arrivals(&world, &crowd);
    assert_eq!(arrivals.len(), 14);
    let first_minute = arrivals.iter().filter(|at| **at < arrivals[0].plus(TimeDelta::minutes(1))).count();
    assert_eq!(first_minute, 12);
    world.finish().await;
}

async fn the_limits_of_the_settings_are_those_of_the_daemon(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let mut config = limited(&[("SMTP__MAX_PER_MINUTE", "6")]);
    let folder = tempfile::tempdir().unwrap();
    config.smtp.url = Some(format!("file:{}", folder.path().display()).into());
    let berlin = world.company("Europe/Berlin").await;
    world.members(berlin, "Europe/Berlin", 3).await;
    world.set_date(berlin, "2027-01-15").await;
    let services = &world.services;
    let (clock, randomness, shutdown) =
        (services.clock.clone(), services.randomness.clone(), services.shutdown.clone());
    let services = app::services(&config, services.store.clone(), clock, randomness, shutdown).unwrap();
    for instant in ["2026-12-01 09:00", "2026-12-01 09:15"] {
        services.clock.set(at(instant));
        let errors = mfa_enforcer::tasks::run_until_idle(&services).await;
        assert!(errors.is_empty(), "{errors:?}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    assert_eq!(world.received(&world.all_users()[0]).await, NOTHING);
}

/// On a clock that goes, the next mail waits in place for the limit of all mail: but not when it is time to end.
async fn a_wait_for_all_mail_ends_with_the_daemon(db: &TestDatabase) {
    let mut world = World::begin(db, "2026-12-01 09:00").await;
    let (trigger, shutdown) = ShutdownTrigger::new();
    world.services.shutdown = shutdown;
    limit_by(&Clock::System, &mut world, &[("SMTP__MAX_PER_MINUTE", "1")]);
    let berlin = world.company("Europe/Berlin").await;
    world.members(berlin, "Europe/Berlin", 3).await;
    world.set_date(berlin, "2027-01-15").await;
    world.run_now().await;
    world.task("expand", "2026-12-01 09:15").await;
    let end = async {
        while world.mail.attempts() == 0 {
            tokio::task::yield_now().await;
        }
        trigger.request();
    };
    let (report, ()) = tokio::join!(world.try_task("deliver"), end);
    assert_eq!(report.unwrap().detail["sent"], 1);
    let given_back = "SELECT attempts, next_attempt_at, claimed_by FROM notices WHERE state = 'pending'";
    let as_before = ["0", "2026-12-01T09:15:00.000000Z", "null"];
    assert_eq!(db.rows(given_back).await, [as_before, as_before]);
    world.finish().await;
}

async fn a_mail_without_a_turn_was_not_tried(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let user = required(&world).await;
    world.mail.refuse_next(busy());
    world.run("2026-12-09 08:00").await;
    for minute in 10..15 {
        world.mail.refuse_next(no_turn());
        world.run(&format!("2026-12-09 08:{minute}")).await;
    }
    world.run("2026-12-09 12:00").await;
    assert!(world.received(&user).await.last().unwrap().ends_with(" now_required"));
    let sql = "SELECT attempts FROM notices WHERE kind = 'now_required'";
    assert_eq!(db.value(sql).await, "2", "the first, which was put off, and the last");
    assert_eq!(db.value("SELECT count(*) FROM mail_history").await, "1");
    world.finish().await;
}

/// Nothing is put off, and another daemon may take it at once: this one asks no more until its next tick, and then with a few.
async fn who_is_behind_a_mail_without_a_turn_keeps_their_place(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    world.members(berlin, "Europe/Berlin", 30).await;
    world.set_date(berlin, "2027-01-15").await;
    world.run_now().await;
    world.task("expand", "2026-12-01 09:15").await;
    let deliver = tasks::Deliver::default();
    let run = async || tasks::run_task(&deliver, &world.services).await.unwrap().detail["sent"].as_u64().unwrap();
    world.mail.refuse_next(no_turn());
    assert_eq!((run().await, world.mail.attempts()), (0, 1));
    let places = "SELECT count(*), max(attempts), count(claimed_by), max(next_attempt_at), count(mail_id) FROM notices WHERE state = 'pending'";
    let as_before = db.rows(places).await;
    assert_eq!(as_before[0][..4], ["30", "0", "0", "2026-12-01T09:15:00.000000Z"]);
    world.mail.refuse_next(no_turn());
    assert_eq!((run().await, world.mail.attempts()), (0, 2));
    assert_eq!(db.rows(places).await, as_before, "no others were claimed");
    assert_eq!(run().await, 30);
    world.collect();
    world.finish().await;
}

/// It was not tried either, and is claimed again.
async fn a_mail_without_a_line_keeps_nobody_waiting(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let crowd = world.members(berlin, "Europe/Berlin", 3).await;
    world.set_date(berlin, "2027-01-15").await;
    world.run_now().await;
    world.task("expand", "2026-12-01 09:15").await;
    world.mail.refuse_next(no_line());
    assert_eq!(world.try_task("deliver").await.unwrap().detail["sent"], 3);
    assert_eq!(db.rows("SELECT state, attempts FROM notices").await, vec![["sent", "1"]; 3]);
    assert!(crowd.iter().all(|user| world.mails_to(user).len() == 1));
    world.finish().await;
}
