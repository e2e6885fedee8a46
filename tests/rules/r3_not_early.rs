//! R3: nobody is required before `enforce_at`, or before their own `require_at`.

use super::world::{NOTHING, World};
use crate::support::{TestDatabase, on_both};

on_both!(
    r3_not_early_not_a_microsecond,
    r3_not_early_in_the_companys_zone,
    r3_not_early_late_joiners_have_their_days_of_grace,
    r3_not_early_late_joiners_once_it_is_in_force,
    r3_not_early_a_companys_own_grace,
    r3_not_early_whose_exemption_ends_before_the_day,
    r3_not_early_whose_exemption_ends_on_the_day,
    r3_not_early_whose_exemption_ends_after_the_day,
    r3_not_early_who_is_reactivated,
    r3_not_early_who_was_told_keeps_the_common_date,
    r3_not_early_unreviewed_members_are_looked_at_first,
    r3_not_early_a_zone_that_moves_the_day,
    r3_not_early_who_comes_after_the_zone_moved_has_its_midnights,
    r3_not_early_a_payee_from_the_first_moment_on,
);

async fn r3_not_early_not_a_microsecond(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let members = world.members(berlin, "Europe/Berlin", 7).await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-14 12:00").await;
    world.services.clock.set("2027-01-14T22:59:59.999999Z".parse().unwrap());
    world.run_now().await;
    for user in &members {
        assert_eq!(world.required_since(user).await, "");
    }
    world.run("2027-01-14 23:00").await;
    for user in &members {
        assert_eq!(world.required_since(user).await, "2027-01-14 23:00");
    }
    world.finish().await;
}

async fn r3_not_early_in_the_companys_zone(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let honolulu = world.company("Pacific/Honolulu").await;
    let east = world.member(honolulu, "Pacific/Kiritimati").await;
    world.set_date(honolulu, "2027-01-15").await;
    world.walk("2027-01-15 09:59").await;
    // It has been the fifteenth in Kiritimati for a whole day.
    assert_eq!(world.required_since(&east).await, "");
    world.run("2027-01-15 10:00").await;
    assert_eq!(world.required_since(&east).await, "2027-01-15 10:00");
    world.finish().await;
}

async fn r3_not_early_late_joiners_have_their_days_of_grace(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let (first, late, early) = (
        world.member(berlin, "Europe/Berlin").await,
        world.user("Europe/Berlin").await,
        world.user("Europe/Berlin").await,
    );
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2026-12-20 09:00").await;
    world.join(berlin, &early).await;
    world.walk("2027-01-13 12:00").await;
    world.join(berlin, &late).await;
    world.walk("2027-01-25 12:00").await;
    // Seven days after the thirteenth at one in the afternoon end on the twentieth; the midnight after that counts.
    assert_eq!(world.required_since(&late).await, "2027-01-20 23:00");
    let received = world.received(&late).await;
    assert_eq!(received[..1], ["2027-01-13 13:00 welcome"]);
    assert_eq!(received.last().unwrap(), "2027-01-21 09:00 now_required");
    assert_eq!(world.required_since(&early).await, "2027-01-14 23:00", "long before the day: with all the others");
    assert_eq!(world.received(&early).await[0], "2026-12-20 10:00 welcome");
    assert_eq!(world.required_since(&first).await, "2027-01-14 23:00");
    world.finish().await;
}

async fn r3_not_early_late_joiners_once_it_is_in_force(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-02-01 20:30").await;
    let (late, enrolled) = (world.member(berlin, "America/New_York").await, world.user("Europe/Berlin").await);
    world.enroll(&enrolled).await;
    world.join(berlin, &enrolled).await;
    world.walk("2027-02-08 22:59").await;
    assert_eq!(world.required_since(&late).await, "");
    world.walk("2027-02-20 12:00").await;
    assert_eq!(world.required_since(&late).await, "2027-02-08 23:00");
    assert_eq!(world.received(&late).await, ["2027-02-01 15:30 welcome", "2027-02-08 18:00 now_required"]);
    assert_eq!(world.received(&enrolled).await, NOTHING);
    assert_eq!(world.required_since(&enrolled).await, "2027-02-08 23:00");
    world.finish().await;
}

async fn r3_not_early_a_companys_own_grace(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    world.set_date(berlin, "2026-12-09").await;
    world.walk("2026-12-12 22:30").await;
    world.set_company(berlin, "new_member_grace_days = 0").await;
    let none = world.member(berlin, "Europe/Berlin").await;
    world.walk("2026-12-14 12:00").await;
    assert_eq!(world.required_since(&none).await, "2026-12-12 23:00", "the next midnight");
    world.set_company(berlin, "new_member_grace_days = 30").await;
    let month = world.member(berlin, "Europe/Berlin").await;
    world.walk("2027-02-01 12:00").await;
    assert_eq!(world.required_since(&month).await, "2027-01-13 23:00");
    world.finish().await;
}

async fn r3_not_early_whose_exemption_ends_before_the_day(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let (soon, late) = (world.member(berlin, "Europe/Berlin").await, world.member(berlin, "Europe/Berlin").await);
    world.set_membership(berlin, &soon, "exempt_until = '2026-12-20T12:00:00Z', exempt_reason = 'leave'").await;
    world.set_membership(berlin, &late, "exempt_until = '2027-01-12T12:00:00Z', exempt_reason = 'leave'").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-25 12:00").await;
    assert_eq!(world.received(&soon).await[0], "2026-12-13 13:00 welcome", "a week before it ends");
    assert_eq!(world.required_since(&soon).await, "2027-01-14 23:00");
    assert_eq!(world.received(&late).await[0], "2027-01-05 13:00 welcome");
    assert_eq!(world.required_since(&late).await, "2027-01-14 23:00", "with everybody: the week is over");
    let ended = "SELECT count(*) FROM audit_events WHERE action = 'exemption_ended'";
    assert_eq!(db.value(ended).await, "2");
    assert_eq!(db.rows("SELECT exempt_until, exempt_reason FROM memberships").await, [["null", "null"]; 2]);
    world.finish().await;
}

async fn r3_not_early_whose_exemption_ends_on_the_day(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_membership(berlin, &user, "exempt_until = '2027-01-14T23:00:00Z'").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-14 12:00").await;
    // The tasks run beside each other: the flip may come before the exemption is found to have ended.
    world.task("enforce", "2027-01-14 23:00").await;
    assert_eq!(world.required_since(&user).await, "", "exempt until the daemon has ended it");
    world.walk("2027-01-30 12:00").await;
    assert_eq!(world.received(&user).await, ["2027-01-08 08:00 welcome", "2027-01-15 09:00 now_required"]);
    assert_eq!(world.required_since(&user).await, "2027-01-14 23:00");
    world.finish().await;
}

async fn r3_not_early_whose_exemption_ends_after_the_day(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_membership(berlin, &user, "exempt_until = '2027-02-01T09:00:00Z'").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-25 08:59").await;
    assert_eq!(world.received(&user).await, NOTHING);
    world.walk("2027-02-20 12:00").await;
    assert_eq!(world.received(&user).await, ["2027-01-25 10:00 welcome", "2027-02-02 09:00 now_required"]);
    assert_eq!(world.required_since(&user).await, "2027-02-01 23:00", "the midnight after it ends");
    world.finish().await;
}

async fn r3_not_early_who_is_reactivated(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_user(&user, "active = false").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-13 09:00").await;
    world.set_user(&user, "active = true").await;
    world.walk("2027-01-25 12:00").await;
    assert_eq!(world.received(&user).await[0], "2027-01-13 10:00 welcome");
    assert_eq!(world.required_since(&user).await, "2027-01-20 23:00");
    world.finish().await;
}

async fn r3_not_early_who_was_told_keeps_the_common_date(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2026-12-20 09:00").await;
    world.set_user(&user, "active = false").await;
    world.walk("2027-01-12 12:00").await;
    world.set_user(&user, "active = true").await;
    world.walk("2027-01-25 12:00").await;
    assert_eq!(
        world.received(&user).await,
        [
            "2026-12-01 10:15 announcement",
            "2026-12-16 09:00 reminder",
            "2027-01-14 09:00 final_reminder",
            "2027-01-15 09:00 now_required"
        ]
    );
    assert_eq!(world.required_since(&user).await, "2027-01-14 23:00");
    world.finish().await;
}

async fn r3_not_early_unreviewed_members_are_looked_at_first(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let known = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-14 22:00").await;
    let late = world.member(berlin, "Europe/Berlin").await;
    world.task("enforce", "2027-01-14 23:00").await;
    assert_eq!(world.required_since(&known).await, "2027-01-14 23:00");
    assert_eq!(world.required_since(&late).await, "", "nobody has told them, and they have a week");
    world.walk("2027-01-30 12:00").await;
    assert_eq!(world.required_since(&late).await, "2027-01-21 23:00");
    world.finish().await;
}

async fn r3_not_early_a_zone_that_moves_the_day(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let company = world.company("Europe/Berlin").await;
    let user = world.member(company, "(Europe/Berlin)").await;
    world.set_date(company, "2027-01-15").await;
    world.walk("2027-01-14 22:00").await;
    // An hour before the day begins in Berlin, it turns out that the company is in New York.
    world.set_company(company, "time_zone = 'America/New_York'").await;
    world.task("enforce", "2027-01-14 23:00").await;
    world.walk("2027-01-15 04:59").await;
    assert_eq!(world.required_since(&user).await, "");
    world.walk("2027-01-15 15:00").await;
    assert_eq!(world.required_since(&user).await, "2027-01-15 05:00");
    assert_eq!(world.enforcements(company).await, ["2027-01-15 in_force"], "the same one");
    world.finish().await;
}

async fn r3_not_early_a_payee_from_the_first_moment_on(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2026-12-10 12:00").await;
    world.set_user(&user, "payee = true").await;
    world.walk("2027-01-16 12:00").await;
    assert_eq!(world.required_since(&user).await, "2026-12-10 12:00");
    let of_user = "SELECT required_at FROM requirements ORDER BY required_at";
    assert_eq!(db.rows(of_user).await, [["2026-12-10T12:00:00.000000Z"], ["2027-01-14T23:00:00.000000Z"]]);
    world.finish().await;
}

async fn r3_not_early_who_comes_after_the_zone_moved_has_its_midnights(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-20 09:00").await;
    world.set_company(berlin, "time_zone = 'Pacific/Galapagos'").await;
    world.walk("2027-01-20 10:00").await;
    let late = world.member(berlin, "Europe/Berlin").await;
    world.walk("2027-02-05 12:00").await;
    assert_eq!(world.required_since(&late).await, "2027-01-28 06:00", "the company's midnight, as it is by now");
    assert_eq!(world.required_since(&user).await, "2027-01-14 23:00", "what was in force keeps its instant");
    world.finish().await;
}
