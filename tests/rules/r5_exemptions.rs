//! Rule R5 for who is exempt: a week before the exemption lapses they are told from when MFA will be required of them, once
//! for each end that it has.

use super::world::{NOTHING, World, at, busy};
use crate::support::{TestDatabase, on_both};

on_both!(
    r5_exempt_is_told_a_week_before_it_lapses,
    r5_exempt_for_less_than_a_week_is_told_at_once,
    r5_exempt_prolonged_is_told_again,
    r5_exempt_taken_back_early_keeps_the_told_day,
    r5_exempt_keeps_the_grace_of_the_company,
    r5_exempt_who_knows_the_day_is_not_told_again,
    r5_exempt_and_enrolled_left_required_or_sso_is_told_nothing,
    r5_exempt_while_held_is_told_when_released,
    r5_exempt_is_told_of_a_moved_date,
    r5_exempt_is_told_of_a_later_date_beside_one_in_force,
    r5_exempt_whom_the_mail_did_not_reach_is_required_all_the_same,
    r5_exempt_before_any_date_is_told_after_it_lapsed,
);

/// The exemption lapses at noon of 10 February, long after the day of the company.
const UNTIL: &str = "exempt_until = '2027-02-10T12:00:00Z'";

async fn in_force(db: &TestDatabase) -> (World<'_>, mfa_enforcer::domain::ids::Id, super::world::User) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_membership(berlin, &user, UNTIL).await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-20 12:00").await;
    assert_eq!(world.received(&user).await, NOTHING);
    (world, berlin, user)
}

async fn r5_exempt_is_told_a_week_before_it_lapses(db: &TestDatabase) {
    let (world, _, user) = in_force(db).await;
    world.walk("2027-02-03 11:59").await;
    assert_eq!(world.received(&user).await, NOTHING);
    world.walk("2027-02-05 12:00").await;
    assert!(world.last_text(&user).contains("11 February 2027"), "{}", world.last_text(&user));
    world.walk("2027-02-20 12:00").await;
    assert_eq!(world.received(&user).await, ["2027-02-03 13:00 welcome", "2027-02-11 09:00 now_required"]);
    assert_eq!(world.required_since(&user).await, "2027-02-10 23:00");
    world.finish().await;
}

async fn r5_exempt_for_less_than_a_week_is_told_at_once(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_membership(berlin, &user, "exempt_until = '2026-12-04T12:00:00Z'").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2026-12-20 12:00").await;
    assert_eq!(world.received(&user).await[0], "2026-12-01 10:15 welcome", "when the others are told, and once");
    assert_eq!(world.received(&user).await.len(), 2, "and the reminder of 30 days");
    world.finish().await;
}

async fn r5_exempt_prolonged_is_told_again(db: &TestDatabase) {
    let (world, berlin, user) = in_force(db).await;
    world.walk("2027-02-05 12:00").await;
    world.set_membership(berlin, &user, "exempt_until = '2027-03-10T12:00:00Z'").await;
    world.walk("2027-03-03 11:59").await;
    assert_eq!(world.received(&user).await, ["2027-02-03 13:00 welcome"]);
    assert_eq!(world.required_since(&user).await, "");
    world.walk("2027-03-20 12:00").await;
    let told = ["2027-02-03 13:00 welcome", "2027-03-03 13:00 welcome", "2027-03-11 09:00 now_required"];
    assert_eq!(world.received(&user).await, told);
    assert_eq!(world.required_since(&user).await, "2027-03-10 23:00");
    world.finish().await;
}

async fn r5_exempt_taken_back_early_keeps_the_told_day(db: &TestDatabase) {
    let (world, berlin, user) = in_force(db).await;
    world.walk("2027-02-05 12:00").await;
    world.set_membership(berlin, &user, "exempt_until = NULL").await;
    world.walk("2027-02-20 12:00").await;
    assert_eq!(world.received(&user).await, ["2027-02-03 13:00 welcome", "2027-02-11 09:00 now_required"]);
    assert_eq!(world.required_since(&user).await, "2027-02-10 23:00");
    world.finish().await;
}

async fn r5_exempt_keeps_the_grace_of_the_company(db: &TestDatabase) {
    let (world, berlin, user) = in_force(db).await;
    world.set_company(berlin, "new_member_grace_days = 20").await;
    world.walk("2027-03-10 12:00").await;
    assert_eq!(world.received(&user).await, ["2027-02-03 13:00 welcome", "2027-02-24 09:00 now_required"]);
    assert_eq!(
        world.required_since(&user).await,
        "2027-02-23 23:00",
        "20 days after the word, though exempt for 7 of them"
    );
    world.finish().await;
}

async fn r5_exempt_who_knows_the_day_is_not_told_again(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2026-12-02 12:00").await;
    world.set_membership(berlin, &user, "exempt_until = '2027-01-13T12:00:00Z'").await;
    world.walk("2027-01-15 12:00").await;
    let told = ["2026-12-01 10:15 announcement", "2027-01-14 09:00 final_reminder", "2027-01-15 09:00 now_required"];
    assert_eq!(world.received(&user).await, told, "it lapses before the day, which they know");
    world.finish().await;
}

async fn r5_exempt_and_enrolled_left_required_or_sso_is_told_nothing(db: &TestDatabase) {
    let (world, berlin, user) = in_force(db).await;
    let [enrolled, sso, inactive, required] = {
        let users = world.members(berlin, "Europe/Berlin", 4).await;
        users.try_into().unwrap()
    };
    world.walk("2027-01-30 12:00").await;
    for exempt in [&enrolled, &sso, &inactive, &required] {
        world.set_membership(berlin, exempt, UNTIL).await;
    }
    world.enroll(&enrolled).await;
    world.enroll(&user).await;
    world.set_user(&sso, "sso = true").await;
    world.set_user(&inactive, "active = false").await;
    world.run_now().await;
    let before = world.inbox().len();
    world.walk("2027-02-09 12:00").await;
    assert_eq!(world.inbox().len(), before);
    world.set_user(&user, "mfa_enrolled_at = NULL").await;
    world.walk("2027-02-09 13:00").await;
    assert_eq!(world.received(&user).await, ["2027-02-09 13:00 welcome"], "who un-enrolls meanwhile is told then");
    world.finish().await;
}

async fn r5_exempt_while_held_is_told_when_released(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_membership(berlin, &user, "exempt_until = '2026-12-20T12:00:00Z'").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2026-12-10 12:00").await;
    world.set_company(berlin, "mfa_available = false").await;
    world.walk("2026-12-15 12:00").await;
    assert_eq!(world.received(&user).await, NOTHING);
    let held = format!("UPDATE enforcements SET state = 'scheduled', reason = NULL WHERE company_id = '{berlin}'");
    world.set_company(berlin, "mfa_available = true").await;
    db.execute(&held).await;
    world.walk("2026-12-15 13:00").await;
    assert_eq!(world.received(&user).await, ["2026-12-15 13:00 welcome"]);
    world.finish().await;
}

async fn r5_exempt_is_told_of_a_moved_date(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_membership(berlin, &user, "exempt_until = '2026-12-20T12:00:00Z'").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2026-12-15 12:00").await;
    world.set_date(berlin, "2027-02-15").await;
    world.walk("2026-12-18 12:00").await;
    assert_eq!(world.received(&user).await, ["2026-12-13 13:00 welcome", "2026-12-15 13:15 welcome"]);
    assert!(world.last_text(&user).contains("15 February 2027"), "{}", world.last_text(&user));
    world.walk("2027-01-20 12:00").await;
    assert_eq!(world.required_since(&user).await, "");
    world.finish().await;
}

async fn r5_exempt_is_told_of_a_later_date_beside_one_in_force(db: &TestDatabase) {
    let (world, berlin, user) = in_force(db).await;
    world.walk("2027-02-05 12:00").await;
    world.set_date(berlin, "2027-03-20").await;
    world.walk("2027-02-06 12:00").await;
    assert_eq!(world.received(&user).await, ["2027-02-03 13:00 welcome", "2027-02-05 13:15 welcome"]);
    assert!(world.last_text(&user).contains("20 March 2027"), "{}", world.last_text(&user));
    world.walk("2027-03-19 12:00").await;
    assert_eq!(world.required_since(&user).await, "");
    world.walk("2027-03-20 12:00").await;
    assert_eq!(world.required_since(&user).await, "2027-03-19 23:00");
    world.finish().await;
}

async fn r5_exempt_whom_the_mail_did_not_reach_is_required_all_the_same(db: &TestDatabase) {
    let (mut world, _, user) = in_force(db).await;
    world.services.limits.retry_first = chrono::TimeDelta::hours(2);
    world.services.limits.retry_most = chrono::TimeDelta::hours(6);
    world.mail.refuse(&user.address(), busy());
    world.walk("2027-02-10 22:59").await;
    assert_eq!(world.required_since(&user).await, "");
    world.walk("2027-02-12 12:00").await;
    assert_eq!(world.required_since(&user).await, "2027-02-10 23:00");
    world.mail.accept(&user.address());
    world.walk("2027-02-13 12:00").await;
    assert_eq!(world.received(&user).await.len(), 1, "the latest alone");
    world.finish().await;
}

async fn r5_exempt_before_any_date_is_told_after_it_lapsed(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_membership(berlin, &user, "exempt_until = '2026-12-10T12:00:00Z'").await;
    world.walk("2026-12-20 12:00").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2026-12-20 13:00").await;
    assert_eq!(
        world.received(&user).await,
        ["2026-12-20 13:15 announcement"],
        "as everybody else: {}",
        at("2026-12-20 12:15")
    );
    world.finish().await;
}
