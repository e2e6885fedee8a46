//! R10: a date that leaves too little notice, lies in the past, or belongs to a company where MFA is not available cannot be
//! refused when it is written with plain SQL: it is held, and waits.

use super::world::{NOTHING, World};
use crate::support::{TestDatabase, on_both};

on_both!(
    r10_notice_given_exactly_seven_days,
    r10_notice_given_days_are_the_companys,
    r10_notice_given_a_date_in_the_past_is_held,
    r10_notice_given_where_mfa_is_not_available,
    r10_notice_given_where_mfa_is_taken_away_and_no_zone_known,
    r10_notice_given_held_becomes_another_date,
    r10_notice_given_held_and_cleared,
    r10_notice_given_judged_from_when_it_is_seen,
    r10_notice_given_a_shorter_minimum_changes_nothing_that_stands,
    r10_notice_given_moved_too_soon_is_held,
);

async fn state(world: &World<'_>, company: mfa_enforcer::domain::ids::Id) -> String {
    let sql = format!(
        "SELECT state, COALESCE(reason, '-') FROM enforcements WHERE company_id = '{company}' ORDER BY created_at DESC, id DESC LIMIT 1"
    );
    world.db.rows(&sql).await.concat().join(" ")
}

async fn r10_notice_given_exactly_seven_days(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let (six, seven) = (world.company("Europe/Berlin").await, world.company("Europe/Berlin").await);
    let users = [world.member(six, "Europe/Berlin").await, world.member(seven, "Europe/Berlin").await];
    world.set_date(six, "2026-12-07").await;
    world.set_date(seven, "2026-12-08").await;
    world.walk("2026-12-10 12:00").await;
    assert_eq!(state(&world, six).await, "held notice_too_short");
    assert_eq!(state(&world, seven).await, "in_force -");
    assert_eq!(world.received(&users[0]).await, NOTHING);
    assert_eq!(world.required_since(&users[0]).await, "");
    assert_eq!(world.required_since(&users[1]).await, "2026-12-07 23:00");
    let held = "SELECT actor, action FROM audit_events WHERE action = 'enforcement_held'";
    assert_eq!(db.rows(held).await, [["sql", "enforcement_held"]]);
    world.finish().await;
}

async fn r10_notice_given_days_are_the_companys(db: &TestDatabase) {
    // Eleven in the morning in London is the first of December in Honolulu, and the second in Kiritimati.
    let world = World::begin(db, "2026-12-01 11:00").await;
    let (west, east) = (world.company("Pacific/Honolulu").await, world.company("Pacific/Kiritimati").await);
    world.set_date(west, "2026-12-08").await;
    world.set_date(east, "2026-12-08").await;
    world.run_now().await;
    assert_eq!(state(&world, west).await, "scheduled -");
    assert_eq!(state(&world, east).await, "held notice_too_short");
    world.set_date(east, "2026-12-09").await;
    world.run_now().await;
    assert_eq!(state(&world, east).await, "scheduled -");
    world.finish().await;
}

async fn r10_notice_given_a_date_in_the_past_is_held(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2026-11-30").await;
    world.walk("2026-12-10 12:00").await;
    assert_eq!(state(&world, berlin).await, "held date_in_past");
    assert_eq!(world.required_since(&user).await, "");
    assert_eq!(world.received(&user).await, NOTHING);
    world.finish().await;
}

async fn r10_notice_given_where_mfa_is_not_available(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_company(berlin, "mfa_available = false").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-16 12:00").await;
    assert_eq!(state(&world, berlin).await, "held mfa_not_available");
    assert_eq!(world.required_since(&user).await, "");
    assert_eq!(world.received(&user).await, NOTHING);
    // It does not come alive by itself: the date is over, and somebody has to say what is meant.
    world.set_company(berlin, "mfa_available = true").await;
    world.walk("2027-01-17 12:00").await;
    assert_eq!(state(&world, berlin).await, "held mfa_not_available");
    world.finish().await;
}

async fn r10_notice_given_where_mfa_is_taken_away_and_no_zone_known(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2026-12-02 12:00").await;
    world.set_company(berlin, "time_zone = 'Europe/Berlin '").await;
    world.set_company(berlin, "mfa_available = false").await;
    world.walk("2026-12-02 13:00").await;
    assert_eq!(state(&world, berlin).await, "held mfa_not_available");
    world.walk("2027-01-16 12:00").await;
    assert_eq!(world.required_since(&user).await, "");
    world.finish().await;
}

async fn r10_notice_given_held_becomes_another_date(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2026-12-03").await;
    world.run_now().await;
    world.set_date(berlin, "2026-12-20").await;
    world.walk("2026-12-21 12:00").await;
    assert_eq!(world.enforcements(berlin).await, ["2026-12-03 superseded", "2026-12-20 in_force"]);
    assert_eq!(world.received(&user).await[0], "2026-12-01 10:15 announcement");
    assert_eq!(world.required_since(&user).await, "2026-12-19 23:00");
    world.finish().await;
}

async fn r10_notice_given_held_and_cleared(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2026-12-03").await;
    world.run_now().await;
    world.clear_date(berlin).await;
    world.walk("2026-12-21 12:00").await;
    assert_eq!(world.enforcements(berlin).await, ["2026-12-03 cancelled"]);
    assert_eq!(world.received(&user).await, NOTHING);
    world.finish().await;
}

async fn r10_notice_given_judged_from_when_it_is_seen(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.run_now().await;
    world.set_date(berlin, "2026-12-20").await;
    // The daemon is away for two weeks: nobody would be told in time.
    world.run("2026-12-14 09:00").await;
    assert_eq!(state(&world, berlin).await, "held notice_too_short");
    world.walk("2026-12-21 09:00").await;
    assert_eq!(world.received(&user).await, NOTHING);
    world.finish().await;
}

async fn r10_notice_given_a_shorter_minimum_changes_nothing_that_stands(db: &TestDatabase) {
    let mut world = World::begin(db, "2026-12-01 09:00").await;
    world.policy().minimum_notice_days = 0;
    let (today, berlin) = (world.company("Europe/Berlin").await, world.company("Europe/Berlin").await);
    let user = world.member(today, "Europe/Berlin").await;
    world.set_date(today, "2026-12-01").await;
    world.set_date(berlin, "2026-12-05").await;
    world.run_now().await;
    assert_eq!(state(&world, today).await, "in_force -");
    assert_eq!(world.received(&user).await, ["2026-12-01 10:00 now_required"]);
    // Judged when the date changes, and only then.
    world.policy().minimum_notice_days = 30;
    world.walk("2026-12-06 12:00").await;
    assert_eq!(state(&world, berlin).await, "in_force -");
    world.finish().await;
}

async fn r10_notice_given_moved_too_soon_is_held(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2026-12-10 09:00").await;
    world.set_date(berlin, "2026-12-12").await;
    world.walk("2027-01-20 12:00").await;
    assert_eq!(world.enforcements(berlin).await, ["2027-01-15 superseded", "2026-12-12 held"]);
    assert_eq!(
        world.received(&user).await,
        ["2026-12-01 10:15 announcement"],
        "nobody hears of it until it is released"
    );
    assert_eq!(world.required_since(&user).await, "", "neither on the one day nor on the other");
    world.finish().await;
}
