//! R5 for dates that are taken away: who was told hears of it, once, and nobody else does.

use mfa_enforcer::store::reconcile::Authority;

use super::world::{NOTHING, World, announced, at};
use crate::support::{TestDatabase, on_both};

on_both!(
    r5_cancelled_before_the_announcement_nobody_hears_of_it,
    r5_cancelled_after_the_announcement,
    r5_cancelled_while_somebody_is_being_required_is_not_told_to_them,
    r5_cancelled_and_set_again_at_once,
    r5_cancelled_and_set_again_later,
    r5_cancelled_and_another_date_set_at_once,
    r5_cleared_in_force_unrequires_nobody_and_ends_it_for_newcomers,
    r5_cleared_in_force_is_obeyed_by_the_next_claim,
    r5_cancelled_in_force_and_to_come_is_said_once,
    r5_cancelled_who_was_left_out_hears_of_it_when_back,
    r5_cancelled_long_ago_is_told_to_nobody,
    r5_reverted_while_exempt_is_told_afterwards,
    r5_reverted_beside_a_held_date_is_told_to_who_is_back,
);

async fn r5_cancelled_before_the_announcement_nobody_hears_of_it(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2027-01-15").await;
    world.run_now().await;
    world.services.clock.set(at("2026-12-01 09:14"));
    world.clear_date(berlin).await;
    world.walk("2027-01-20 12:00").await;
    assert_eq!(world.received(&user).await, NOTHING);
    assert_eq!(world.required_since(&user).await, "");
    assert_eq!(world.enforcements(berlin).await, ["2027-01-15 cancelled"]);
    world.finish().await;
}

async fn r5_cancelled_after_the_announcement(db: &TestDatabase) {
    let (world, berlin, user) = announced(db).await;
    world.clear_date(berlin).await;
    world.walk("2027-01-20 12:00").await;
    assert_eq!(world.received(&user).await[1..], ["2026-12-03 10:15 cancelled"]);
    assert_eq!(world.required_since(&user).await, "");
    world.finish().await;
}

/// Whom a flip has passed over, as their account was locked, is required after all.
async fn r5_cancelled_while_somebody_is_being_required_is_not_told_to_them(db: &TestDatabase) {
    let (world, berlin, user) = announced(db).await;
    let enforcement = world.enforcement(berlin).await;
    world.clear_date(berlin).await;
    world.run("2026-12-03 09:10").await;
    world.task("expand", "2026-12-03 09:25").await;
    let due = "SELECT count(*) FROM notices WHERE kind = 'cancelled' AND state = 'pending'";
    assert_eq!(db.value(due).await, "1");
    db.execute(&format!(
        "INSERT INTO requirements (user_id, enforcement_id, required_at)
         VALUES ('{}', '{enforcement}', '2026-12-03T09:25:00.000000Z')",
        user.id
    ))
    .await;
    world.task("deliver", "2026-12-03 09:26").await;
    assert_eq!(db.rows("SELECT skip_reason FROM notices WHERE kind = 'cancelled'").await.concat(), ["date_stands"]);
}

async fn r5_cancelled_and_set_again_at_once(db: &TestDatabase) {
    let (world, berlin, user) = announced(db).await;
    world.clear_date(berlin).await;
    world.run("2026-12-03 09:10").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2026-12-17 12:00").await;
    assert_eq!(world.received(&user).await[1..], ["2026-12-16 09:00 reminder"], "the slip was taken back unseen");
    assert_eq!(world.enforcements(berlin).await, ["2027-01-15 cancelled", "2027-01-15 scheduled"]);
    world.finish().await;
}

async fn r5_cancelled_and_set_again_later(db: &TestDatabase) {
    let (world, berlin, user) = announced(db).await;
    world.clear_date(berlin).await;
    world.walk("2026-12-05 09:00").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2026-12-06 12:00").await;
    assert_eq!(world.received(&user).await[1..], ["2026-12-03 10:15 cancelled", "2026-12-05 10:15 announcement"]);
    world.finish().await;
}

async fn r5_cancelled_and_another_date_set_at_once(db: &TestDatabase) {
    let (world, berlin, user) = announced(db).await;
    world.clear_date(berlin).await;
    world.run("2026-12-03 09:10").await;
    world.set_date(berlin, "2027-03-15").await;
    world.walk("2026-12-06 12:00").await;
    assert_eq!(world.received(&user).await[1..], ["2026-12-03 10:25 rescheduled"]);
    world.finish().await;
}

async fn r5_cleared_in_force_unrequires_nobody_and_ends_it_for_newcomers(db: &TestDatabase) {
    let (world, berlin, user) = announced(db).await;
    world.walk("2027-01-20 09:00").await;
    let (told, untold) = (world.member(berlin, "Europe/Berlin").await, world.user("Europe/Berlin").await);
    world.run("2027-01-20 09:00").await;
    assert_eq!(world.received(&told).await, ["2027-01-20 10:00 welcome"]);
    world.services.clock.set(at("2027-01-21 09:00"));
    world.clear_date(berlin).await;
    world.join(berlin, &untold).await;
    world.walk("2027-02-15 09:00").await;
    assert_eq!(world.required_since(&user).await, "2027-01-14 23:00");
    assert_eq!(world.received(&user).await.last().unwrap(), "2027-01-15 09:00 now_required", "and nothing after it");
    assert_eq!(world.received(&told).await[1..], ["2027-01-21 10:15 cancelled"]);
    assert_eq!(world.received(&untold).await, NOTHING);
    for newcomer in [&told, &untold] {
        assert_eq!(world.required_since(newcomer).await, "");
    }
    world.finish().await;
}

async fn r5_cleared_in_force_is_obeyed_by_the_next_claim(db: &TestDatabase) {
    let (world, berlin, _) = announced(db).await;
    world.walk("2027-01-20 09:00").await;
    let late = world.member(berlin, "Europe/Berlin").await;
    world.task("reconcile", "2027-01-20 09:00").await;
    assert_eq!(world.notices(&late).await, 1, "a welcome");
    world.clear_date(berlin).await;
    world.task("deliver", "2027-01-20 09:00").await;
    assert_eq!(world.received(&late).await, NOTHING, "of a date that holds for newcomers no more");
    world.walk("2027-02-15 09:00").await;
    assert_eq!(world.received(&late).await, NOTHING);
    world.finish().await;
}

async fn r5_cancelled_in_force_and_to_come_is_said_once(db: &TestDatabase) {
    let (world, berlin, _) = announced(db).await;
    world.walk("2027-01-20 09:00").await;
    world.set_date(berlin, "2027-03-15").await;
    world.walk("2027-01-20 10:00").await;
    let late = world.member(berlin, "Europe/Berlin").await;
    world.walk("2027-01-21 09:00").await;
    world.clear_date(berlin).await;
    world.walk("2027-01-25 09:00").await;
    assert_eq!(world.received(&late).await, ["2027-01-20 11:00 welcome", "2027-01-21 10:15 cancelled"]);
    assert_eq!(world.enforcements(berlin).await, ["2027-01-15 cancelled", "2027-03-15 cancelled"]);
    world.finish().await;
}

async fn r5_cancelled_who_was_left_out_hears_of_it_when_back(db: &TestDatabase) {
    let (world, berlin, _) = announced(db).await;
    let late = world.members(berlin, "Europe/Berlin", 4).await;
    world.walk("2026-12-04 12:00").await;
    let [exempt, slow, inactive, stranger] = late.try_into().unwrap();
    world.set_membership(berlin, &exempt, "exempt_until = '2026-12-10T06:00:00Z'").await;
    world.set_user(&inactive, "active = false").await;
    world.set_user(&stranger, "mfa_enrolled_at = '2026-12-04T12:00:00Z'").await;
    world.run_now().await;
    world.clear_date(berlin).await;
    world.run_now().await;
    // Its notice is made, and waits, when this one is left out.
    world.walk("2026-12-04 12:10").await;
    world.set_membership(berlin, &slow, "exempt_until = '2026-12-08T12:00:00Z'").await;
    world.walk("2026-12-08 21:00").await;
    assert_eq!(world.received(&slow).await[1..], ["2026-12-08 13:00 cancelled"]);
    world.set_user(&inactive, "active = true").await;
    world.walk("2026-12-12 12:00").await;
    assert_eq!(world.received(&inactive).await[1..], ["2026-12-09 08:00 cancelled"], "by day");
    assert_eq!(world.received(&exempt).await[1..], ["2026-12-10 08:00 cancelled"]);
    world.set_user(&stranger, "mfa_enrolled_at = NULL").await;
    world.set_user(&exempt, "active = false").await;
    world.walk("2026-12-13 12:00").await;
    world.set_user(&exempt, "active = true").await;
    world.walk("2026-12-20 12:00").await;
    assert_eq!(world.received(&stranger).await[1..], ["2026-12-12 13:00 cancelled"], "who un-enrolls as well");
    assert_eq!(world.received(&exempt).await[1..], ["2026-12-10 08:00 cancelled"], "once");
    world.finish().await;
}

async fn r5_cancelled_long_ago_is_told_to_nobody(db: &TestDatabase) {
    let (world, berlin, user) = announced(db).await;
    world.set_user(&user, "active = false").await;
    world.run_now().await;
    world.clear_date(berlin).await;
    world.walk("2027-03-10 12:00").await;
    world.set_user(&user, "active = true").await;
    world.walk("2027-03-12 12:00").await;
    assert_eq!(world.received(&user).await.len(), 1);
    world.finish().await;
}

async fn r5_reverted_while_exempt_is_told_afterwards(db: &TestDatabase) {
    let (world, berlin, user) = announced(db).await;
    world.walk("2027-01-16 12:00").await;
    assert_eq!(world.received(&user).await.last().unwrap(), "2027-01-15 09:00 now_required");
    world.set_membership(berlin, &user, "exempt_until = '2027-02-01T12:00:00Z'").await;
    world.run_now().await;
    let jo = Authority { actor: "Jo", override_notice: false, reason: None };
    world.order(berlin, &jo).revert().await.unwrap();
    world.walk("2027-02-01 11:00").await;
    let told = world.received(&user).await.len();
    world.walk("2027-02-03 12:00").await;
    assert_eq!(world.received(&user).await[told..], ["2027-02-01 13:00 cancelled"]);
    assert!(world.last_text(&user).contains("does not ask for a second step any more"));
    world.finish().await;
}

/// While another date is held, what was undone is news to who was left out as to everybody else.
async fn r5_reverted_beside_a_held_date_is_told_to_who_is_back(db: &TestDatabase) {
    let (world, berlin, user) = announced(db).await;
    world.walk("2027-01-16 12:00").await;
    world.set_date(berlin, "2027-01-18").await;
    world.walk("2027-01-16 13:00").await;
    assert_eq!(world.enforcements(berlin).await, ["2027-01-15 in_force", "2027-01-18 held"]);
    world.set_user(&user, "active = false").await;
    world.run_now().await;
    let jo = Authority { actor: "Jo", override_notice: false, reason: None };
    world.order(berlin, &jo).revert().await.unwrap();
    world.walk("2027-01-25 12:00").await;
    let told = world.received(&user).await.len();
    world.set_user(&user, "active = true").await;
    world.walk("2027-01-27 12:00").await;
    assert_eq!(world.received(&user).await[told..], ["2027-01-25 13:00 cancelled"]);
    assert!(world.last_text(&user).contains("does not ask for a second step any more"));
    world.finish().await;
}
