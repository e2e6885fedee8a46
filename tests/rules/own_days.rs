//! Personal dates and the welcomes that tell them, where planted faults have asked for a test (`tests/mutation`).

use super::world::{World, announced, at, busy};
use crate::support::{TestDatabase, on_both};

on_both!(
    r3_not_early_who_joins_a_second_company_is_looked_at_first,
    r3_not_early_a_shorter_exemption_keeps_the_told_day,
    r3_not_early_a_mail_never_tells_a_day_before_the_companys,
    a_mail_has_the_zone_of_what_it_carries,
    now_required_follows_the_zone_of_a_company_in_force,
    now_required_follows_who_moves,
    the_company_s_day_of_an_older_zone_is_nobody_s_own,
    r5_a_welcome_to_a_date_that_was_moved_is_not_overdue,
);

/// Their row was looked at long ago: it is the membership that nobody has seen.
async fn r3_not_early_who_joins_a_second_company_is_looked_at_first(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let (berlin, other) = (world.company("Europe/Berlin").await, world.company("Europe/Berlin").await);
    let known = world.member(berlin, "Europe/Berlin").await;
    let late = world.member(other, "Europe/Berlin").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-14 22:00").await;
    world.join(berlin, &late).await;
    db.execute(&format!("UPDATE users SET reviewed = true WHERE id = '{}'", late.id)).await;
    world.task("enforce", "2027-01-14 23:00").await;
    assert_eq!(world.required_since(&known).await, "2027-01-14 23:00");
    assert_eq!(world.required_since(&late).await, "", "nobody has told them, and they have a week");
    world.walk("2027-01-30 12:00").await;
    assert_eq!(world.required_since(&late).await, "2027-01-21 23:00");
    world.finish().await;
}

/// A late joiner was told their own day; then the company's moves beyond it.
async fn r3_not_early_a_mail_never_tells_a_day_before_the_companys(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-12 12:00").await;
    let late = world.member(berlin, "Europe/Berlin").await;
    world.walk("2027-01-13 12:00").await;
    assert!(world.last_text(&late).contains("20 January 2027"), "{}", world.last_text(&late));
    world.set_date(berlin, "2027-03-15").await;
    world.walk("2027-01-14 12:00").await;
    let text = world.last_text(&late);
    assert!(text.contains("15 March 2027"), "{text}");
    world.services.clock.set(at("2027-01-14 13:00"));
    world.walk("2027-03-16 12:00").await;
    assert_eq!(world.required_since(&late).await, "2027-03-14 23:00");
    world.finish().await;
}

/// The company gives no days of grace, so that nothing but what they were told speaks for the later day.
async fn r3_not_early_a_shorter_exemption_keeps_the_told_day(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_company(berlin, "new_member_grace_days = 0").await;
    world.set_membership(berlin, &user, "exempt_until = '2027-02-10T12:00:00Z'").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-02-05 12:00").await;
    assert!(world.last_text(&user).contains("11 February 2027"), "{}", world.last_text(&user));
    world.set_membership(berlin, &user, "exempt_until = '2027-02-07T12:00:00Z'").await;
    world.walk("2027-02-20 12:00").await;
    assert_eq!(world.received(&user).await, ["2027-02-03 13:00 welcome", "2027-02-11 09:00 now_required"]);
    assert_eq!(world.required_since(&user).await, "2027-02-10 23:00");
    world.finish().await;
}

async fn a_mail_has_the_zone_of_what_it_carries(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let [dublin, indiana] = [world.company("Europe/Dublin").await, world.company("America/Indiana/Indianapolis").await];
    let user = world.member(dublin, "Europe/Dublin").await;
    world.join(indiana, &user).await;
    world.set_user(&user, "time_zone = NULL").await;
    world.set_date(dublin, "2027-01-15").await;
    world.walk("2027-01-14 23:52").await;
    world.set_date(indiana, "2027-03-15").await;
    // The other company's announcement is due, and waits for the morning there.
    world.walk("2027-01-15 09:00").await;
    assert_eq!(world.received(&user).await.last().unwrap(), "2027-01-15 09:00 now_required");
    let text = world.last_text(&user).replace("\r\n", " ");
    assert!(text.contains("Friday, 15 January 2027, 00:00 (Europe/Dublin)"), "{text}");
    world.walk("2027-01-17 12:00").await;
    assert_eq!(world.received(&user).await.last().unwrap(), "2027-01-16 13:00 announcement", "one mail a day");
    world.finish().await;
}

async fn now_required_follows_the_zone_of_a_company_in_force(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let moving = world.company("America/New_York").await;
    world.set_date(moving, "2026-12-20").await;
    world.walk("2027-01-04 12:00").await;
    let [late, at_home] =
        [world.member(moving, "America/New_York").await, world.member(moving, "America/New_York").await];
    world.set_user(&late, "time_zone = NULL").await;
    world.walk("2027-01-05 12:00").await;
    world.set_company(moving, "time_zone = 'Pacific/Efate'").await;
    world.walk("2027-01-13 12:00").await;
    assert_eq!(world.required_since(&late).await, "2027-01-12 05:00", "the day they were told");
    assert_eq!(world.required_since(&at_home).await, "2027-01-12 05:00");
    // Told in New York's time here: at the company's new place it is 16:00, and 09:00 has passed.
    assert_eq!(world.received(&late).await, ["2027-01-04 07:00 welcome", "2027-01-12 00:00 now_required"]);
    assert_eq!(world.received(&at_home).await, ["2027-01-04 07:00 welcome", "2027-01-12 09:00 now_required"]);
    world.finish().await;
}

async fn now_required_follows_who_moves(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    world.set_date(berlin, "2026-12-20").await;
    world.walk("2027-01-04 12:00").await;
    let user = world.member(berlin, "Asia/Almaty").await;
    world.walk("2027-01-08 12:00").await;
    world.set_user(&user, "time_zone = 'Asia/Tokyo'").await;
    world.walk("2027-01-14 12:00").await;
    assert_eq!(world.required_since(&user).await, "2027-01-11 23:00");
    // Told in Almaty's time here: 09:00 in Tokyo.
    assert_eq!(world.received(&user).await, ["2027-01-04 17:00 welcome", "2027-01-12 05:00 now_required"]);
    world.finish().await;
}

async fn the_company_s_day_of_an_older_zone_is_nobody_s_own(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let moving = world.company("Africa/Casablanca").await;
    let [away, there] = [world.member(moving, "Europe/Berlin").await, world.member(moving, "Europe/Berlin").await];
    world.set_date(moving, "2027-01-15").await;
    world.walk("2026-12-02 12:00").await;
    world.set_company(moving, "time_zone = 'Africa/Cairo'").await;
    world.run_now().await;
    world.set_user(&away, "active = false").await;
    world.walk("2026-12-05 12:00").await;
    world.set_user(&away, "active = true").await;
    world.walk("2027-01-16 12:00").await;
    for user in [&away, &there] {
        assert_eq!(world.required_since(user).await, "2027-01-14 22:00");
    }
    world.finish().await;
}

/// To a date in force, put off by the mail server before the date is moved: it waits in case the date comes back.
async fn r5_a_welcome_to_a_date_that_was_moved_is_not_overdue(db: &TestDatabase) {
    let (world, berlin, _) = announced(db).await;
    world.walk("2027-01-16 12:00").await;
    let late = world.member(berlin, "Europe/Berlin").await;
    world.mail.refuse(&late.address(), busy());
    world.run_now().await;
    world.set_date(berlin, "2027-04-15").await;
    world.mail.accept(&late.address());
    world.walk("2027-01-25 12:00").await;
    assert_eq!(world.received(&late).await, ["2027-01-16 13:15 announcement"]);
    assert_eq!(db.value("SELECT count(*) FROM notices WHERE kind = 'welcome' AND state = 'pending'").await, "1");
    let figures = world.services.store.figures(world.now()).await.unwrap();
    assert_eq!((figures.due_notices, figures.oldest_due), (0, None));
    assert_eq!(world.services.store.backlog(world.now(), &world.services.policy).await.unwrap().people, 0);
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-02-15 12:00").await;
    assert_eq!(world.received(&late).await[1], "2027-01-25 13:00 welcome");
    world.finish().await;
}
