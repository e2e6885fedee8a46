//! Holding what is to come: nothing is sent and nobody becomes required, and what was released goes on where it stood.

use mfa_enforcer::domain::ids::Id;
use mfa_enforcer::store::StoreError;
use mfa_enforcer::store::enforcements::Ordered;
use mfa_enforcer::store::reconcile::Authority;

use super::world::{NOTHING, World, at};
use crate::support::{TestDatabase, on_both};

on_both!(
    r1_eligible_only_nothing_is_sent_while_a_person_holds,
    r4_not_late_what_was_held_past_its_day_flips_once_it_is_released,
    r10_notice_given_a_release_is_judged_anew,
    r7_latest_only_reminders_that_passed_while_held_are_left_out,
    r5_moved_who_knows_the_date_is_not_told_again_after_a_release,
    what_missed_the_readers_hours_while_held_waits_for_the_next,
    a_date_cancelled_while_held_past_its_day_required_nobody,
    a_hold_follows_what_was_written_with_sql,
    what_cannot_be_held_is_refused,
    r10_notice_given_what_a_person_finds_held_stays_held,
    r4_not_late_what_is_held_keeps_nobody_else_waiting,
);

const JO: Authority<'static> = Authority { actor: "Jo", override_notice: false, reason: Some("not ready") };
const OVERRIDE: Authority<'static> = Authority { actor: "Jo", override_notice: true, reason: Some("agreed") };

fn refused(ordered: Result<Ordered, StoreError>) -> String {
    match ordered {
        Err(StoreError::Refused(words)) => words,
        other => panic!("not refused but {other:?}"),
    }
}

/// A company with two people, who know that the day is 2027-01-15.
async fn announced(db: &TestDatabase) -> (World<'_>, Id) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    world.members(berlin, "Europe/Berlin", 2).await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2026-12-02 12:00").await;
    (world, berlin)
}

async fn r1_eligible_only_nothing_is_sent_while_a_person_holds(db: &TestDatabase) {
    let (world, berlin) = announced(db).await;
    let user = world.all_users()[0];
    assert_eq!(world.order(berlin, &JO).hold().await.unwrap(), Ordered::Done);
    assert_eq!(world.order(berlin, &JO).hold().await.unwrap(), Ordered::StoodAlready);
    assert_eq!(world.enforcements(berlin).await, ["2027-01-15 held"]);
    let late = world.member(berlin, "Europe/Berlin").await;
    world.walk("2027-03-01 12:00").await;
    assert_eq!(world.received(&user).await, ["2026-12-01 10:15 announcement"]);
    assert_eq!(world.received(&late).await, NOTHING);
    assert_eq!(world.required_since(&user).await, "");
    let sql = "SELECT actor, detail FROM audit_events WHERE action = 'enforcement_held'";
    let events = db.rows(sql).await;
    assert_eq!(events.len(), 1, "once");
    assert!(events[0][0] == "Jo" && events[0][1].contains("not ready"), "{events:?}");
    world.finish().await;
}

async fn r4_not_late_what_was_held_past_its_day_flips_once_it_is_released(db: &TestDatabase) {
    let (world, berlin) = announced(db).await;
    let user = world.all_users()[0];
    world.order(berlin, &JO).hold().await.unwrap();
    world.walk("2027-01-20 12:00").await;
    assert!(refused(world.order(berlin, &JO).release().await).contains("is in the past"));
    assert_eq!(world.order(berlin, &OVERRIDE).release().await.unwrap(), Ordered::Done);
    world.run("2027-01-20 12:01").await;
    assert_eq!(world.required_since(&user).await, "2027-01-20 12:01");
    assert_eq!(world.enforcements(berlin).await, ["2027-01-15 in_force"]);
    assert_eq!(world.received(&user).await[1..], ["2027-01-20 13:01 now_required"]);
    world.finish().await;
}

async fn r10_notice_given_a_release_is_judged_anew(db: &TestDatabase) {
    let (world, berlin) = announced(db).await;
    world.order(berlin, &JO).hold().await.unwrap();
    world.walk("2027-01-09 12:00").await;
    assert!(refused(world.order(berlin, &JO).release().await).contains("7 days' notice"));
    assert_eq!(world.order(berlin, &OVERRIDE).release().await.unwrap(), Ordered::Done);
    let overridden = db.value("SELECT notice_overridden FROM enforcements WHERE state = 'scheduled'").await;
    assert_eq!(overridden, "1");
    world.finish().await;
}

async fn r7_latest_only_reminders_that_passed_while_held_are_left_out(db: &TestDatabase) {
    let (world, berlin) = announced(db).await;
    let user = world.all_users()[0];
    // The evening before a reminder, which is made already, and released after two of them would have gone out.
    world.walk("2026-12-15 20:00").await;
    world.order(berlin, &JO).hold().await.unwrap();
    world.walk("2027-01-04 12:00").await;
    world.order(berlin, &JO).release().await.unwrap();
    world.walk("2027-01-20 12:00").await;
    let received = world.received(&user).await;
    assert_eq!(
        received[1..],
        [
            "2027-01-08 09:00 reminder",
            "2027-01-12 09:00 reminder",
            "2027-01-14 09:00 final_reminder",
            "2027-01-15 09:00 now_required"
        ]
    );
    world.finish().await;
}

async fn r5_moved_who_knows_the_date_is_not_told_again_after_a_release(db: &TestDatabase) {
    let (world, berlin) = announced(db).await;
    let user = world.all_users()[0];
    world.order(berlin, &JO).hold().await.unwrap();
    let late = world.member(berlin, "Europe/Berlin").await;
    world.walk("2026-12-10 12:00").await;
    world.order(berlin, &JO).release().await.unwrap();
    world.walk("2026-12-10 18:00").await;
    assert_eq!(world.received(&user).await, ["2026-12-01 10:15 announcement"]);
    assert_eq!(world.received(&late).await.len(), 1, "{:?}", world.received(&late).await);
    world.finish().await;
}

/// The announcement was put off until a morning on which the date was held: a release at night does not send it there and then.
async fn what_missed_the_readers_hours_while_held_waits_for_the_next(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 20:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2026-12-01 21:00").await;
    assert_eq!(world.order(berlin, &JO).hold().await.unwrap(), Ordered::Done);
    world.walk("2026-12-03 22:00").await;
    assert_eq!(world.order(berlin, &JO).release().await.unwrap(), Ordered::Done);
    world.walk("2026-12-04 12:00").await;
    assert_eq!(world.received(&user).await, ["2026-12-04 08:00 announcement"]);
    world.finish().await;
}

async fn a_date_cancelled_while_held_past_its_day_required_nobody(db: &TestDatabase) {
    let (world, berlin) = announced(db).await;
    let user = world.all_users()[0];
    world.order(berlin, &JO).hold().await.unwrap();
    world.walk("2027-01-20 12:00").await;
    world.order(berlin, &JO).cancel().await.unwrap();
    world.walk("2027-01-21 12:00").await;
    assert_eq!(world.received(&user).await[1..], ["2027-01-20 13:15 cancelled"]);
    assert!(world.last_text(&user).contains("has cancelled the date from which you would have needed"));
    world.finish().await;
}

async fn a_hold_follows_what_was_written_with_sql(db: &TestDatabase) {
    let (world, berlin) = announced(db).await;
    world.set_date(berlin, "2027-02-15").await;
    assert_eq!(world.order(berlin, &JO).hold().await.unwrap(), Ordered::Done);
    assert_eq!(world.enforcements(berlin).await, ["2027-01-15 superseded", "2027-02-15 held"]);
    assert_eq!(world.services.store.unreconciled_companies(None, 10).await.unwrap(), []);
    let moves = "SELECT actor, action FROM audit_events WHERE action LIKE 'enforcement%' ORDER BY seq";
    assert_eq!(
        db.rows(moves).await[1..],
        [["sql", "enforcement_superseded"], ["sql", "enforcement_scheduled"], ["Jo", "enforcement_held"]]
    );
    // A first date that no daemon has seen, and members whom none has seen either: they are no late joiners.
    let paris = world.company("Europe/Paris").await;
    let user = world.member(paris, "Europe/Paris").await;
    world.set_date(paris, "2027-03-15").await;
    assert_eq!(world.order(paris, &JO).hold().await.unwrap(), Ordered::Done);
    world.walk("2026-12-05 12:00").await;
    world.order(paris, &JO).release().await.unwrap();
    world.walk("2026-12-07 12:00").await;
    assert_eq!(world.received(&user).await, ["2026-12-05 13:15 announcement"]);
    world.finish().await;
}

async fn what_cannot_be_held_is_refused(db: &TestDatabase) {
    let (world, berlin) = announced(db).await;
    let own = Authority { reason: Some("unknown_time_zone"), ..JO };
    assert!(refused(world.order(berlin, &own).hold().await).contains("in other words"));
    let paris = world.company("Europe/Paris").await;
    assert!(refused(world.order(paris, &JO).hold().await).contains("has no date to come"));
    // In the middle of the flip, and after it.
    world.walk("2027-01-14 22:00").await;
    world.members(berlin, "Europe/Berlin", 4).await;
    world.run("2027-01-14 22:30").await;
    world.services.clock.set(at("2027-01-14 23:00"));
    let enforcement = world.enforcement(berlin).await;
    let flipped = world.services.store.flip_chunk(enforcement, world.now(), &world.services.policy, 2).await.unwrap();
    assert!(flipped.began && flipped.more);
    let before = db.dump().await;
    assert!(refused(world.order(berlin, &JO).hold().await).contains("enforcement revert"));
    world.run_now().await;
    assert!(refused(world.order(berlin, &JO).hold().await).contains("enforcement revert"));
    assert_ne!(db.dump().await, before, "the flip went on");
    world.finish().await;
}

/// A date too soon, by SQL, that the daemon has not seen: who holds it finds it held, and can release it at once.
async fn r10_notice_given_what_a_person_finds_held_stays_held(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    world.member(berlin, "Europe/Berlin").await;
    world.run_now().await;
    world.set_company(berlin, "enforcement_date = '2026-12-03'").await;
    let who = Authority { actor: "Jo", override_notice: false, reason: None };
    assert_eq!(world.order(berlin, &who).hold().await.unwrap(), Ordered::StoodAlready);
    assert_eq!(world.enforcements(berlin).await, ["2026-12-03 held"]);
    let boss = Authority { actor: "Jo", override_notice: true, reason: Some("agreed") };
    assert_eq!(world.order(berlin, &boss).release().await.unwrap(), Ordered::Done);
    assert_eq!(world.enforcements(berlin).await, ["2026-12-03 scheduled"]);
    world.finish().await;
}

/// The others are come to one after the other, and are more than a claim goes through.
async fn r4_not_late_what_is_held_keeps_nobody_else_waiting(db: &TestDatabase) {
    const OTHERS: usize = 25;
    let world = World::begin(db, "2026-12-01 09:00").await;
    let held = world.company("Europe/Berlin").await;
    let (crowd, gone) = (world.members(held, "Europe/Berlin", 3).await, world.member(held, "Europe/Berlin").await);
    let mut others = Vec::new();
    for number in 0..OTHERS {
        let company = world.company("Europe/Berlin").await;
        others.extend(world.members(company, "Europe/Berlin", 1 + usize::from(number == 0)).await);
        world.set_date(company, "2027-01-15").await;
    }
    world.set_date(held, "2027-01-15").await;
    world.run_now().await;
    world.task("expand", "2026-12-01 09:15").await;
    world.order(held, &JO).hold().await.unwrap();
    let away = others.pop().unwrap();
    for user in [&gone, &away] {
        db.execute(&format!("DELETE FROM users WHERE id = '{}'", user.id)).await;
    }
    let detail = world.try_task("deliver").await.unwrap().detail;
    assert_eq!((&detail["sent"], &detail["skipped"]), (&OTHERS.into(), &1.into()), "{detail}");
    assert!(others.iter().all(|user| world.mails_to(user).len() == 1));
    assert!(crowd.iter().all(|user| world.mails_to(user).is_empty()));
    world.order(held, &OVERRIDE).release().await.unwrap();
    world.run_now().await;
    assert!(crowd.iter().all(|user| world.mails_to(user).len() == 1));
    world.finish().await;
}
