//! R6: a crash at any instruction loses no notice, no flip, no audit event; and what repeats is only a mail that was in
//! flight, with the same Message-ID.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use mfa_enforcer::tasks::{Services, run_until_idle};

use super::world::{NOTHING, User, World, at, busy};
use crate::support::{Kind, TestDatabase, on_both};

on_both!(
    r6_nothing_lost_in_a_campaign_that_crashes_again_and_again,
    r6_nothing_lost_in_a_flip_that_crashes_again_and_again,
    r6_nothing_lost_wherever_a_campaign_crashes_once,
    r6_nothing_lost_when_outcomes_cannot_be_recorded,
    r6_nothing_lost_after_refusals_the_announcement_waits_for_the_morning,
);

/// Runs until the daemon has waited `waits` times for its database, and then drops everything, as a kill would. Tells
/// whether it came to its end before.
async fn crash_after(waits: usize, run: impl Future) -> bool {
    let mut run = pin!(run);
    let mut left = waits;
    std::future::poll_fn(|context| match run.as_mut().poll(context) {
        Poll::Ready(_) => Poll::Ready(true),
        Poll::Pending if left == 0 => Poll::Ready(false),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

/// The connections of daemons that are gone are closed by the database, which takes a moment.
async fn bury(db: &TestDatabase) {
    if db.kind() == Kind::Postgres {
        let theirs = "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'mfa-enforcer'";
        db.execute(&format!("SELECT pg_terminate_backend(pid) {theirs}")).await;
        while db.value(&format!("SELECT count(*) {theirs}")).await != "0" {
            tokio::task::yield_now().await;
        }
    }
}

async fn campaign(db: &TestDatabase, count: usize) -> (World<'_>, Vec<User>) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    world.repeats_allowed.set(true);
    let berlin = world.company("Europe/Berlin").await;
    let members = world.members(berlin, "Europe/Berlin", count).await;
    world.set_date(berlin, "2027-01-15").await;
    (world, members)
}

/// Daemons that crash a little later each, until one comes to its end. Returns how many crashed.
async fn crash_again_and_again(world: &World<'_>, instant: &str) -> u64 {
    let mut crashes = 0;
    world.services.clock.set(at(instant));
    loop {
        let daemon: Services = world.another_daemon(100 + crashes).await;
        let waits = usize::try_from(3 + crashes * 7).unwrap();
        let ended = crash_after(waits, run_until_idle(&daemon)).await;
        world.collect();
        drop(daemon);
        bury(world.db).await;
        if ended {
            return crashes;
        }
        crashes += 1;
        world.lease_over();
    }
}

async fn r6_nothing_lost_in_a_campaign_that_crashes_again_and_again(db: &TestDatabase) {
    let (world, members) = campaign(db, 12).await;
    let mut crashes = 0;
    for instant in ["2026-12-01 09:00", "2026-12-01 10:15", "2027-01-01 08:00"] {
        crashes += crash_again_and_again(&world, instant).await;
    }
    assert!(crashes > 10, "{crashes}");
    for user in &members {
        let mails = world.mails_to(user);
        let mut ids: Vec<_> = mails.iter().map(|(_, mail)| mail.message_id.clone()).collect();
        ids.dedup();
        assert_eq!(ids.len(), 2, "an announcement and a reminder, each under one Message-ID: {ids:?}");
        assert_eq!(db.value(&sent_to(user)).await, "2");
    }
    assert_eq!(db.value("SELECT count(*) FROM notices WHERE state NOT IN ('sent', 'skipped')").await, "0");
    world.finish().await;
}

fn sent_to(user: &User) -> String {
    format!("SELECT count(*) FROM notices WHERE user_id = '{}' AND state = 'sent'", user.id)
}

async fn r6_nothing_lost_in_a_flip_that_crashes_again_and_again(db: &TestDatabase) {
    let (world, members) = campaign(db, 12).await;
    world.walk("2027-01-14 12:00").await;
    let crashes = crash_again_and_again(&world, "2027-01-14 23:00").await;
    assert!(crashes > 3, "{crashes}");
    for user in &members {
        assert!(!world.required_since(user).await.is_empty());
    }
    assert_eq!(db.value("SELECT count(*) FROM requirements").await, "12", "each exactly once");
    let counted = "SELECT detail FROM audit_events WHERE action = 'users_required' ORDER BY seq";
    let required: u64 = db
        .rows(counted)
        .await
        .iter()
        .map(|row| serde_json::from_str::<serde_json::Value>(&row[0]).unwrap()["required"].as_u64().unwrap())
        .sum();
    assert_eq!(required, 12, "and each is in the trail, once");
    assert_eq!(db.value("SELECT count(*) FROM audit_events WHERE action = 'enforcement_in_force'").await, "1");
    world.finish().await;
}

async fn r6_nothing_lost_wherever_a_campaign_crashes_once(db: &TestDatabase) {
    let (world, members) = campaign(db, 4).await;
    world.run_now().await;
    // One campaign after the other, each of which crashes somewhat later than the one before.
    let step = 8;
    for campaign in 0.. {
        let day = mfa_enforcer::domain::time::add_days("2026-12-01".parse().unwrap(), campaign);
        world.set_date(crate::support::vendor::company_id(1), &format!("{}", day + chrono::Days::new(400))).await;
        world.services.clock.set(at(&format!("{day} 09:00")));
        let planner = world.another_daemon(9000 + u64::try_from(campaign).unwrap()).await;
        assert!(run_until_idle(&planner).await.is_empty());
        drop(planner);
        world.services.clock.set(at(&format!("{day} 09:15")));
        let before = world.inbox().len();
        let daemon = world.another_daemon(u64::try_from(campaign).unwrap() + 50).await;
        let ended = crash_after(usize::try_from(campaign).unwrap() * step, run_until_idle(&daemon)).await;
        world.collect();
        drop(daemon);
        bury(db).await;
        world.lease_over();
        let healthy = world.another_daemon(7000 + u64::try_from(campaign).unwrap()).await;
        assert!(run_until_idle(&healthy).await.is_empty());
        world.collect();
        let mails = world.inbox().split_off(before);
        for user in &members {
            let theirs: std::collections::BTreeSet<_> = mails
                .iter()
                .filter(|(_, mail)| mail.envelope.to()[0].to_string() == user.address())
                .map(|(_, mail)| mail.mail_id)
                .collect();
            assert_eq!(theirs.len(), 1, "campaign {campaign}: one mail, however often");
        }
        if ended {
            assert!(campaign > 5, "{campaign} crashes are not many");
            break;
        }
    }
    world.finish().await;
}

async fn r6_nothing_lost_when_outcomes_cannot_be_recorded(db: &TestDatabase) {
    let (world, members) = campaign(db, 3).await;
    world.run_now().await;
    world.task("expand", "2026-12-01 09:15").await;
    let claim = world.claim().await;
    for mail in &claim.mails {
        let composed = world.services.mailer.prepare(&mail.message).unwrap();
        world.services.mailer.send(&composed).await.unwrap();
    }
    world.collect();
    assert_eq!(world.inbox().len(), 3, "sent; and then the daemon dies");
    world.lease_over();
    world.run_now().await;
    for user in &members {
        let mails = world.mails_to(user);
        assert_eq!(mails.len(), 2);
        assert_eq!(mails[0].1.message_id, mails[1].1.message_id, "so that mail programs can tell");
        assert_eq!(db.value(&sent_to(user)).await, "1");
    }
    world.finish().await;
}

/// It was tried again in the hours of the day: that is no wait for them.
async fn r6_nothing_lost_after_refusals_the_announcement_waits_for_the_morning(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2027-01-15").await;
    world.run_now().await;
    world.mail.refuse(&user.address(), busy());
    world.run("2026-12-01 09:15").await;
    world.run("2026-12-01 12:00").await;
    world.mail.accept(&user.address());
    world.run("2026-12-01 22:00").await;
    assert_eq!(world.received(&user).await, NOTHING);
    world.walk("2026-12-02 12:00").await;
    assert_eq!(world.received(&user).await, ["2026-12-02 08:00 announcement"]);
    world.finish().await;
}
