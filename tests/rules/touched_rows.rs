//! Rows that the vendor touches, replaces or takes back: they make nobody a late joiner, and forget nobody (R3, R4, R5).

use super::world::{World, busy};
use crate::support::{TestDatabase, on_both};

on_both!(
    r4_not_late_a_touched_row_makes_no_late_joiner,
    r4_not_late_a_touched_row_waits_for_the_announcement,
    r4_not_late_a_review_and_a_flip_see_each_other,
    r3_not_early_a_replaced_membership_keeps_the_date_that_was_told,
    r5_moved_who_was_left_out_for_a_while_is_told,
    r5_moved_a_mail_tells_only_what_it_carried,
    r1_eligible_only_who_unenrolls_too_late_for_reminders_is_told_at_once,
);

async fn r4_not_late_a_touched_row_makes_no_late_joiner(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.enroll(&user).await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-13 09:00").await;
    world.set_user(&user, "mfa_required_at = '2026-05-05T00:00:00Z'").await;
    world.set_user(&user, "payee = true").await;
    world.set_user(&user, "payee = false, mfa_required_at = NULL").await;
    world.walk("2027-01-15 12:00").await;
    assert_eq!(world.required_since(&user).await, "2027-01-14 23:00", "with all the others");
    world.finish().await;
}

async fn r4_not_late_a_touched_row_waits_for_the_announcement(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2027-01-15").await;
    world.run("2026-12-01 09:05").await;
    world.set_user(&user, "sso = true").await;
    world.set_user(&user, "sso = false").await;
    world.run("2026-12-01 09:10").await;
    assert_eq!(world.received(&user).await, Vec::<String>::new(), "a slip can still be taken back unseen");
    world.walk("2026-12-02 09:00").await;
    assert_eq!(world.received(&user).await, ["2026-12-01 10:20 announcement"]);
    world.finish().await;
}

/// On PostgreSQL the flip has to wait for whoever reviews members of its enforcement; on SQLite one is alone anyway.
async fn r4_not_late_a_review_and_a_flip_see_each_other(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let (there, back) = (world.member(berlin, "Europe/Berlin").await, world.member(berlin, "Europe/Berlin").await);
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-14 22:00").await;
    world.set_user(&back, "active = false").await;
    world.set_user(&back, "active = true").await;
    world.services.clock.set(super::world::at("2027-01-14 23:00"));
    let other = world.another_daemon(7).await;
    let tasks = mfa_enforcer::tasks::all();
    let [reconcile, enforce] = [&tasks[0], &tasks[1]];
    let (reviewed, flipped) = tokio::join!(
        mfa_enforcer::tasks::run_task(reconcile.as_ref(), &world.services),
        mfa_enforcer::tasks::run_task(enforce.as_ref(), &other),
    );
    assert!(reviewed.is_ok() && flipped.is_ok(), "{reviewed:?} {flipped:?}");
    world.walk("2027-01-15 12:00").await;
    for user in [&there, &back] {
        assert_eq!(world.required_since(user).await, "2027-01-14 23:00");
    }
    world.finish().await;
}

async fn r3_not_early_a_replaced_membership_keeps_the_date_that_was_told(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-20 09:00").await;
    let late = world.user("Europe/Berlin").await;
    world.join(berlin, &late).await;
    world.walk("2027-01-20 10:00").await;
    db.execute(&format!("DELETE FROM memberships WHERE user_id = '{}'", late.id)).await;
    world.join(berlin, &late).await;
    world.walk("2027-01-27 22:59").await;
    assert_eq!(world.required_since(&late).await, "");
    world.walk("2027-01-28 12:00").await;
    assert_eq!(world.required_since(&late).await, "2027-01-27 23:00", "as the welcome said");
    assert_eq!(world.received(&late).await, ["2027-01-20 10:00 welcome", "2027-01-28 09:00 now_required"]);
    world.finish().await;
}

async fn r5_moved_who_was_left_out_for_a_while_is_told(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2027-03-15").await;
    world.walk("2027-01-06 21:00").await;
    world.set_date(berlin, "2027-02-15").await;
    world.walk("2027-01-06 22:00").await;
    world.set_user(&user, "active = false").await;
    world.walk("2027-01-07 12:00").await;
    assert_eq!(world.skipped(&user).await.len(), 1);
    world.set_user(&user, "active = true").await;
    world.walk("2027-01-07 13:00").await;
    assert_eq!(world.received(&user).await.last().unwrap(), "2027-01-07 13:00 rescheduled");
    world.finish().await;
}

async fn r5_moved_a_mail_tells_only_what_it_carried(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let (one, two) = (world.company("Europe/Berlin").await, world.company("Europe/Berlin").await);
    let user = world.member(one, "Europe/Berlin").await;
    world.join(two, &user).await;
    world.set_date(one, "2027-01-30").await;
    world.set_date(two, "2027-01-25").await;
    world.mail.refuse(&user.address(), busy());
    world.run("2026-12-01 09:01").await;
    world.run("2026-12-01 09:20").await;
    world.clear_date(two).await;
    world.run("2026-12-01 09:21").await;
    world.mail.accept(&user.address());
    world.walk("2026-12-03 12:00").await;
    let received = world.received(&user).await;
    assert_eq!(received.len(), 1, "{received:?}: nothing is cancelled that was never told");
    assert!(received[0].ends_with("announcement"), "{received:?}");
    world.finish().await;
}

async fn r1_eligible_only_who_unenrolls_too_late_for_reminders_is_told_at_once(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.enroll(&user).await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-13 12:00").await;
    world.set_user(&user, "mfa_enrolled_at = NULL, mfa_method = NULL").await;
    world.walk("2027-01-15 12:00").await;
    assert_eq!(
        world.received(&user).await,
        ["2027-01-13 13:00 welcome", "2027-01-14 09:00 final_reminder", "2027-01-15 09:00 now_required"],
        "also the reminder of the fourteenth, though the others' was made before"
    );
    assert_eq!(world.required_since(&user).await, "2027-01-14 23:00");
    world.finish().await;
}
