//! R7: per user and enforcement only the latest due notice is sent; an overdue announcement beats reminders; days left are
//! counted at sending.

use super::world::{NOTHING, World, at, busy, mailbox_full};
use crate::support::{TestDatabase, on_both};

on_both!(
    r7_latest_only_after_downtime_over_two_reminders,
    r7_latest_only_an_overdue_announcement_beats_reminders,
    r7_latest_only_after_refusals,
    r7_latest_only_nothing_is_claimed_before_all_is_made,
    r7_latest_only_days_left_are_counted_at_sending,
    r7_latest_only_no_reminder_comes_before_the_announcement,
    r7_latest_only_now_required_beats_all,
    r7_latest_only_a_final_reminder_that_is_put_off_yields_on_the_day,
    r7_latest_only_a_late_joiners_reminders_count_to_their_own_day,
);

async fn r7_latest_only_after_downtime_over_two_reminders(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-02 12:00").await;
    world.run("2027-01-13 09:00").await;
    assert_eq!(world.received(&user).await[3..], ["2027-01-13 10:00 reminder"]);
    assert!(world.last_text(&user).contains("In 2 days"), "{}", world.last_text(&user));
    assert_eq!(world.skipped(&user).await, ["reminder superseded"]);
    world.walk("2027-01-15 12:00").await;
    assert_eq!(world.received(&user).await[4..], ["2027-01-14 09:00 final_reminder", "2027-01-15 09:00 now_required"]);
    world.finish().await;
}

async fn r7_latest_only_an_overdue_announcement_beats_reminders(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2027-01-15").await;
    world.run_now().await;
    world.run("2027-01-03 12:00").await;
    assert_eq!(world.received(&user).await, ["2027-01-03 13:00 announcement"]);
    assert_eq!(world.skipped(&user).await, ["reminder superseded", "reminder superseded"]);
    world.finish().await;
}

async fn r7_latest_only_after_refusals(db: &TestDatabase) {
    let mut world = World::begin(db, "2026-12-01 09:00").await;
    world.services.limits.retry_most = chrono::TimeDelta::hours(12);
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-07 12:00").await;
    world.mail.refuse(&user.address(), busy());
    world.walk("2027-01-12 07:59").await;
    world.mail.accept(&user.address());
    // The reminder of seven days before is still tried when that of three days before is due.
    world.run("2027-01-12 08:00").await;
    assert_eq!(world.received(&user).await[3..], ["2027-01-12 09:00 reminder"]);
    assert!(world.last_text(&user).contains("In 3 days"));
    assert_eq!(world.skipped(&user).await, ["reminder superseded"]);
    world.finish().await;
}

async fn r7_latest_only_nothing_is_claimed_before_all_is_made(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-07 12:00").await;
    assert_eq!(world.notices(&user).await, 4, "that of seven days before is made for the next morning");
    // The tasks run beside each other: on the thirteenth the one that delivers comes first.
    world.task("deliver", "2027-01-13 12:00").await;
    assert_eq!(world.received(&user).await.len(), 3, "three days before is due as well, and not made yet");
    world.run_now().await;
    assert_eq!(world.received(&user).await[3..], ["2027-01-13 13:00 reminder"]);
    world.finish().await;
}

async fn r7_latest_only_days_left_are_counted_at_sending(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-08 07:00").await;
    for (instant, left) in [("2027-01-10 12:00", "In 5 days"), ("2027-01-12 08:00", "In 3 days")] {
        world.run(instant).await;
        assert!(world.last_text(&user).contains(left), "{}", world.last_text(&user));
    }
    world.finish().await;
}

/// A date that is set in the afternoon eight days ahead: in New York it falls on the day before, seven days from now, so that
/// the reminder was due this morning, before anybody had heard of the date.
async fn r7_latest_only_no_reminder_comes_before_the_announcement(db: &TestDatabase) {
    for (number, (set_at, date)) in
        [("2027-01-07 17:30", "2027-01-15"), ("2027-01-11 17:30", "2027-01-26"), ("2027-01-11 22:00", "2027-01-26")]
            .into_iter()
            .enumerate()
    {
        let db = if number == 0 { db } else { &TestDatabase::new(db.kind()).await };
        let world = World::begin(db, set_at).await;
        let berlin = world.company("Europe/Berlin").await;
        let mut users = Vec::new();
        for zone in
            ["America/New_York", "America/Los_Angeles", "Pacific/Honolulu", "Europe/Berlin", "Pacific/Kiritimati"]
        {
            users.push(world.member(berlin, zone).await);
        }
        world.set_date(berlin, date).await;
        world.run_now().await;
        for user in &users {
            assert_eq!(world.received(user).await, NOTHING, "{set_at}: a slip can still be taken back");
        }
        world.walk("2027-01-26 12:00").await;
        for user in &users {
            let received = world.received(user).await;
            assert!(received[0].ends_with(" announcement"), "{set_at}: {received:?}");
        }
        world.finish().await;
    }
}

async fn r7_latest_only_now_required_beats_all(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-14 07:00").await;
    world.run("2027-01-15 12:00").await;
    assert_eq!(world.received(&user).await.last().unwrap(), "2027-01-15 13:00 now_required");
    assert_eq!(world.received(&user).await.len(), 6);
    assert_eq!(world.skipped(&user).await, ["final_reminder out_of_state"]);
    world.finish().await;
}

async fn r7_latest_only_a_late_joiners_reminders_count_to_their_own_day(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-11 02:00").await;
    let late = world.member(berlin, "Europe/Berlin").await;
    world.services.clock.set(at("2027-01-11 02:00"));
    world.walk("2027-01-14 12:00").await;
    // Required from the nineteenth on: what is said on the fourteenth must not say tomorrow.
    let text = world.last_text(&late);
    assert!(text.contains("In 5 days") && !text.contains("Tomorrow"), "{text}");
    world.walk("2027-01-20 12:00").await;
    assert_eq!(world.required_since(&late).await, "2027-01-18 23:00");
    world.finish().await;
}

/// What is put off until after its day has nothing to say any more: another mail says what is so now.
async fn r7_latest_only_a_final_reminder_that_is_put_off_yields_on_the_day(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-14 07:59").await;
    world.mail.refuse(&user.address(), mailbox_full());
    world.walk("2027-01-15 07:59").await;
    world.mail.accept(&user.address());
    world.walk("2027-01-16 09:00").await;
    let received = world.received(&user).await;
    assert_eq!(received[received.len() - 2..], ["2027-01-12 09:00 reminder", "2027-01-15 09:00 now_required"]);
    assert_eq!(world.skipped(&user).await, ["final_reminder out_of_state"]);
    world.finish().await;
}
