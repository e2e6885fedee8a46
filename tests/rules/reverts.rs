//! R8 whole: a revert undoes exactly what its company requires, at every moment, and nothing that anybody else does.

use mfa_enforcer::domain::audit::sha256_hex;
use mfa_enforcer::domain::ids::Id;
use mfa_enforcer::store::StoreError;
use mfa_enforcer::store::enforcements::Ordered;
use mfa_enforcer::store::reconcile::Authority;

use super::world::{NOTHING, User, World, at};
use crate::support::{TestDatabase, on_both};

on_both!(
    r8_others_stand_when_one_company_reverts,
    r8_others_stand_when_the_flip_is_undone_in_its_middle,
    r8_others_stand_when_a_cancelled_date_is_undone_years_after,
    r8_others_stand_and_a_later_date_stays,
    r8_others_stand_and_a_later_date_that_is_held_stays,
    r8_others_stand_when_a_deleted_company_is_reverted,
    a_revert_and_a_cancellation_at_once_tell_that_it_was_required,
    r6_nothing_lost_whom_a_revert_frees_gets_reminders_that_are_made_already,
    r6_nothing_lost_whom_a_revert_frees_beside_a_held_date_gets_its_reminders,
    r8_others_stand_and_earlier_dates_are_undone_too,
    a_revert_takes_late_joiners_dates_with_it,
    a_revert_leaves_late_joiners_of_a_later_date_their_own,
    a_revert_tells_whom_it_concerns_once,
    a_revert_before_the_day_is_refused,
    a_revert_follows_what_was_written_with_sql,
    a_revert_makes_no_late_joiners,
    a_date_after_a_revert_begins_from_the_start,
    r11_provable_the_trail_vouches_for_who_was_freed,
    a_revert_of_many_is_one_act,
);

const JO: Authority<'static> = Authority { actor: "Jo", override_notice: false, reason: Some("locked out") };

fn refused(ordered: Result<Ordered, StoreError>) -> String {
    match ordered {
        Err(StoreError::Refused(words)) => words,
        other => panic!("not refused but {other:?}"),
    }
}

/// A company whose date 2027-01-15 has come, and its people.
async fn in_force(db: &TestDatabase, people: usize) -> (World<'_>, Id, Vec<User>) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let users = world.members(berlin, "Europe/Berlin", people).await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-16 12:00").await;
    (world, berlin, users)
}

/// Who is required, one `1` or `0` each.
async fn required(world: &World<'_>, users: &[User]) -> String {
    let mut required = String::new();
    for user in users {
        required.push(if world.required_since(user).await.is_empty() { '0' } else { '1' });
    }
    required
}

/// The daemon has nothing left to do about companies.
async fn assert_in_line(world: &World<'_>) {
    assert_eq!(world.services.store.unreconciled_companies(None, 10).await.unwrap(), []);
}

async fn r8_others_stand_when_one_company_reverts(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let [berlin, paris] = [world.company("Europe/Berlin").await, world.company("Europe/Paris").await];
    let users = world.members(berlin, "Europe/Berlin", 5).await;
    world.join(paris, &users[1]).await;
    world.set_user(&users[2], "payee = true").await;
    world.enroll(&users[3]).await;
    world.set_date(berlin, "2027-01-15").await;
    world.set_date(paris, "2027-01-20").await;
    world.walk("2027-01-19 12:00").await;
    let reminded = world.last_text(&users[1]);
    assert!(
        reminded.contains("from tomorrow") && reminded.contains("your account needs a second step already"),
        "{reminded}"
    );
    world.walk("2027-01-25 12:00").await;
    assert_eq!(required(&world, &users).await, "11111");
    let found = world.services.store.reversal(berlin).await.unwrap();
    assert_eq!((found.people, found.freed, found.required_elsewhere, found.required_as_payees), (5, 3, 1, 1));
    assert_eq!(world.order(berlin, &JO).revert().await.unwrap(), Ordered::Done);
    assert_in_line(&world).await;
    assert_eq!(required(&world, &users).await, "01100");
    assert_eq!(world.required_since(&users[1]).await, "2027-01-19 23:00", "since the other company's day");
    assert_eq!(world.required_since(&users[2]).await, "2026-12-01 09:00", "as a payee");
    assert_eq!(world.enforcements(berlin).await, ["2027-01-15 reverted"]);
    assert_eq!(world.enforcements(paris).await, ["2027-01-20 in_force"]);
    let row =
        db.rows(&format!("SELECT enforcement_date, enforcement_set_by FROM companies WHERE id = '{berlin}'")).await;
    assert_eq!(row, [["null", "null"]]);
    let before = db.dump().await;
    assert_eq!(world.order(berlin, &JO).revert().await.unwrap(), Ordered::StoodAlready);
    assert_eq!(db.dump().await, before, "twice is once");
    world.walk("2027-06-01 12:00").await;
    assert_eq!(required(&world, &users).await, "01100");
    for (user, is_bound) in [(&users[0], false), (&users[1], true), (&users[2], true)] {
        let text = world.last_text(user);
        assert!(text.contains("does not ask for a second step any more"), "{text}");
        assert_eq!(text.contains("Your account still needs a second step"), is_bound, "{text}");
        assert_eq!(text.contains("There is nothing to do"), !is_bound, "{text}");
        assert_eq!(text.contains("How to set up the second step"), is_bound, "{text}");
    }
    world.finish().await;
}

async fn r8_others_stand_when_the_flip_is_undone_in_its_middle(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let [berlin, paris] = [world.company("Europe/Berlin").await, world.company("Europe/Paris").await];
    let users = world.members(berlin, "Europe/Berlin", 8).await;
    world.join(paris, &users[0]).await;
    world.set_date(berlin, "2027-01-15").await;
    world.set_date(paris, "2027-01-10").await;
    world.walk("2027-01-14 22:00").await;
    world.services.clock.set(at("2027-01-14 23:00"));
    let (enforcement, store) = (world.enforcement(berlin).await, &world.services.store);
    for _ in 0..2 {
        assert!(store.flip_chunk(enforcement, world.now(), &world.services.policy, 3).await.unwrap().more);
    }
    assert_eq!(required(&world, &users).await, "11111100");
    assert_eq!(world.order(berlin, &JO).revert().await.unwrap(), Ordered::Done);
    assert_in_line(&world).await;
    assert_eq!(required(&world, &users).await, "10000000");
    let flipped = store.flip_chunk(enforcement, world.now(), &world.services.policy, 3).await.unwrap();
    assert_eq!((flipped.required, flipped.more, flipped.began), (0, false, false));
    world.walk("2027-03-01 12:00").await;
    assert_eq!(required(&world, &users).await, "10000000", "nobody else became required");
    assert_eq!(world.received(&users[7]).await.last().unwrap(), "2027-01-15 08:00 cancelled");
    world.finish().await;
}

async fn r8_others_stand_when_a_cancelled_date_is_undone_years_after(db: &TestDatabase) {
    let (world, berlin, users) = in_force(db, 3).await;
    world.set_user(&users[1], "payee = true").await;
    world.clear_date(berlin).await;
    world.walk("2027-02-01 12:00").await;
    assert_eq!(world.enforcements(berlin).await, ["2027-01-15 cancelled"]);
    assert_eq!(required(&world, &users).await, "111", "clearing the date un-requires nobody");
    let told = world.received(&users[0]).await.len();
    world.walk("2031-05-05 12:00").await;
    assert_eq!(world.order(berlin, &JO).revert().await.unwrap(), Ordered::Done);
    assert_eq!(world.order(berlin, &JO).revert().await.unwrap(), Ordered::StoodAlready);
    assert_eq!(required(&world, &users).await, "010");
    assert_eq!(world.enforcements(berlin).await, ["2027-01-15 reverted"]);
    assert_in_line(&world).await;
    world.walk("2031-06-05 12:00").await;
    assert_eq!(world.received(&users[0]).await[told..], ["2031-05-05 14:15 cancelled"]);
    world.finish().await;
}

async fn r8_others_stand_and_a_later_date_stays(db: &TestDatabase) {
    let (world, berlin, users) = in_force(db, 3).await;
    let joined = world.member(berlin, "Europe/Berlin").await;
    world.walk("2027-01-18 12:00").await;
    world.set_date(berlin, "2027-06-15").await;
    world.walk("2027-02-01 12:00").await;
    let told: Vec<usize> = [world.received(&users[0]).await.len(), world.received(&joined).await.len()].into();
    assert_eq!(world.order(berlin, &JO).revert().await.unwrap(), Ordered::Done);
    assert_in_line(&world).await;
    assert_eq!(world.enforcements(berlin).await, ["2027-01-15 reverted", "2027-06-15 scheduled"]);
    let date = db.value(&format!("SELECT enforcement_date FROM companies WHERE id = '{berlin}'")).await;
    assert_eq!(date, "2027-06-15");
    assert_eq!(required(&world, &users).await, "000");
    world.walk("2027-06-16 12:00").await;
    assert_eq!(
        world.received(&users[0]).await[told[0]..][..2],
        ["2027-02-01 13:15 rescheduled", "2027-05-16 09:00 reminder"],
        "they know of the date to come"
    );
    assert_eq!(world.received(&joined).await[told[1]..][..1], ["2027-05-16 09:00 reminder"], "who knew it already");
    assert_eq!(required(&world, &users).await, "111");
    assert_eq!(world.required_since(&users[0]).await, "2027-06-14 22:00");
    world.finish().await;
}

async fn r8_others_stand_and_a_later_date_that_is_held_stays(db: &TestDatabase) {
    let (world, berlin, users) = in_force(db, 1).await;
    let joined = world.member(berlin, "Europe/Berlin").await;
    world.walk("2027-01-18 12:00").await;
    world.set_date(berlin, "2027-06-15").await;
    world.walk("2027-02-01 12:00").await;
    world.order(berlin, &JO).hold().await.unwrap();
    let told = world.received(&users[0]).await.len();
    let told_joined = world.received(&joined).await;
    assert_eq!(told_joined.last().unwrap(), "2027-01-18 13:15 rescheduled", "who was told the later date");
    assert_eq!(world.order(berlin, &JO).revert().await.unwrap(), Ordered::Done);
    assert_eq!(world.enforcements(berlin).await, ["2027-01-15 reverted", "2027-06-15 held"]);
    assert!(refused(world.order(berlin, &JO).revert().await).contains("is held, and nothing is in force"));
    world.walk("2027-03-01 12:00").await;
    assert_eq!(world.received(&users[0]).await[told..], ["2027-02-01 13:15 cancelled"], "nothing requires them");
    assert!(world.last_text(&users[0]).contains("does not ask for a second step any more"));
    assert_eq!(world.received(&joined).await, told_joined);
    assert_eq!(world.skipped(&joined).await.last().unwrap(), "cancelled date_stands");
    world.order(berlin, &JO).release().await.unwrap();
    world.walk("2027-03-02 12:00").await;
    assert_eq!(world.received(&users[0]).await[told + 1..], ["2027-03-01 13:15 announcement"]);
    assert_eq!(world.received(&joined).await, told_joined, "who knows the date already");
    world.finish().await;
}

/// Reminders are made for the easternmost reader: those of others are made hours before they are due.
async fn r6_nothing_lost_whom_a_revert_frees_gets_reminders_that_are_made_already(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let tokyo = world.company("Asia/Tokyo").await;
    let user = world.member(tokyo, "Pacific/Pago_Pago").await;
    world.set_date(tokyo, "2027-01-15").await;
    world.walk("2027-01-20 12:00").await;
    world.set_date(tokyo, "2027-04-07").await;
    world.walk("2027-03-22 23:00").await;
    let told = world.received(&user).await.len();
    assert_eq!(world.order(tokyo, &JO).revert().await.unwrap(), Ordered::Done);
    world.walk("2027-03-24 12:00").await;
    assert_eq!(world.received(&user).await[told..], ["2027-03-22 12:15 rescheduled", "2027-03-23 09:00 reminder"]);
    world.finish().await;
}

/// The reminder was made before the hold, without whom the older date required.
async fn r6_nothing_lost_whom_a_revert_frees_beside_a_held_date_gets_its_reminders(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let tokyo = world.company("Asia/Tokyo").await;
    let user = world.member(tokyo, "Pacific/Pago_Pago").await;
    world.set_date(tokyo, "2027-01-15").await;
    world.walk("2027-01-20 12:00").await;
    world.set_date(tokyo, "2027-04-07").await;
    world.walk("2027-03-22 23:00").await;
    let told = world.received(&user).await.len();
    world.order(tokyo, &JO).hold().await.unwrap();
    assert_eq!(world.order(tokyo, &JO).revert().await.unwrap(), Ordered::Done);
    world.walk("2027-03-22 23:05").await;
    world.order(tokyo, &JO).release().await.unwrap();
    world.walk("2027-03-24 12:00").await;
    assert_eq!(world.received(&user).await[told..], ["2027-03-22 12:20 rescheduled", "2027-03-23 09:00 reminder"]);
    world.finish().await;
}

async fn a_revert_and_a_cancellation_at_once_tell_that_it_was_required(db: &TestDatabase) {
    let (world, berlin, users) = in_force(db, 1).await;
    world.set_date(berlin, "2027-06-15").await;
    world.walk("2027-02-01 21:00").await;
    assert_eq!(world.order(berlin, &JO).revert().await.unwrap(), Ordered::Done);
    world.walk("2027-02-02 04:00").await;
    world.clear_date(berlin).await;
    world.walk("2027-02-02 12:00").await;
    assert_eq!(world.received(&users[0]).await.last().unwrap(), "2027-02-02 08:00 cancelled");
    let text = world.last_text(&users[0]);
    assert!(text.contains("You had needed it since Friday, 15 January 2027"), "{text}");
    world.finish().await;
}

async fn r8_others_stand_when_a_deleted_company_is_reverted(db: &TestDatabase) {
    let (world, berlin, users) = in_force(db, 2).await;
    let paris = world.company("Europe/Paris").await;
    world.join(paris, &users[1]).await;
    world.set_date(paris, "2027-02-15").await;
    world.walk("2027-02-16 12:00").await;
    db.execute(&format!("DELETE FROM companies WHERE id = '{berlin}'")).await;
    world.walk("2027-02-17 12:00").await;
    assert_eq!(required(&world, &users).await, "11");
    assert_eq!(world.order(berlin, &JO).revert().await.unwrap(), Ordered::Done);
    assert_eq!(world.order(berlin, &JO).revert().await.unwrap(), Ordered::StoodAlready);
    assert_eq!(required(&world, &users).await, "01");
    world.walk("2027-03-01 12:00").await;
    assert_eq!(world.enforcements(berlin).await, ["2027-01-15 reverted"]);
    // One that is deleted and reverted before the daemon saw it go.
    db.execute(&format!("DELETE FROM companies WHERE id = '{paris}'")).await;
    assert_eq!(world.order(paris, &JO).revert().await.unwrap(), Ordered::Done);
    world.walk("2027-03-02 12:00").await;
    assert_eq!(required(&world, &users).await, "00");
    assert_eq!(world.enforcements(paris).await, ["2027-02-15 reverted"]);
    let nobody = mfa_enforcer::domain::ids::PAYEE_MANDATE;
    assert!(matches!(world.order(nobody, &JO).revert().await, Err(StoreError::NotFound(_))));
    world.finish().await;
}

async fn r8_others_stand_and_earlier_dates_are_undone_too(db: &TestDatabase) {
    let (world, berlin, users) = in_force(db, 3).await;
    world.set_date(berlin, "2027-06-15").await;
    // Who leaves before the second day is required by the first one alone.
    db.execute(&format!("DELETE FROM memberships WHERE user_id = '{}'", users[2].id)).await;
    world.walk("2027-06-16 12:00").await;
    assert_eq!(world.enforcements(berlin).await, ["2027-01-15 superseded", "2027-06-15 in_force"]);
    assert_eq!(world.order(berlin, &JO).revert().await.unwrap(), Ordered::Done);
    assert_eq!(required(&world, &users).await, "000");
    assert_eq!(world.enforcements(berlin).await, ["2027-01-15 superseded", "2027-06-15 reverted"]);
    let events = "SELECT count(*) FROM audit_events WHERE action = 'enforcement_reverted' AND actor = 'Jo'";
    assert_eq!(db.value(events).await, "2");
    world.finish().await;
}

async fn a_revert_takes_late_joiners_dates_with_it(db: &TestDatabase) {
    let (world, berlin, _) = in_force(db, 1).await;
    let late = world.member(berlin, "Europe/Berlin").await;
    world.run("2027-01-16 13:00").await;
    assert_eq!(world.received(&late).await, ["2027-01-16 14:00 welcome"]);
    world.order(berlin, &JO).revert().await.unwrap();
    assert_eq!(db.value("SELECT count(*) FROM memberships WHERE require_at IS NOT NULL").await, "0");
    world.walk("2027-03-01 12:00").await;
    assert_eq!(world.required_since(&late).await, "");
    assert_eq!(
        world.received(&late).await,
        ["2027-01-16 14:00 welcome", "2027-01-17 08:00 cancelled"],
        "the next day: one mail a day"
    );
    assert!(world.last_text(&late).contains("has cancelled the date from which you would have needed"));
    world.finish().await;
}

async fn a_revert_leaves_late_joiners_of_a_later_date_their_own(db: &TestDatabase) {
    let (world, berlin, _) = in_force(db, 1).await;
    world.set_date(berlin, "2027-02-01").await;
    world.walk("2027-01-28 12:00").await;
    let late = world.member(berlin, "Europe/Berlin").await;
    world.run("2027-01-28 13:00").await;
    world.order(berlin, &JO).revert().await.unwrap();
    world.walk("2027-02-10 12:00").await;
    assert_eq!(world.required_since(&late).await, "2027-02-04 23:00", "their days of grace, not the company's day");
    world.finish().await;
}

async fn a_revert_tells_whom_it_concerns_once(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let users = world.members(berlin, "Europe/Berlin", 4).await;
    world.enroll(&users[1]).await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-20 12:00").await;
    world.enroll(&users[2]).await;
    // Who joined and was told nothing hears nothing.
    let joined = world.member(berlin, "Europe/Berlin").await;
    world.order(berlin, &JO).revert().await.unwrap();
    world.walk("2027-01-20 12:10").await;
    assert_eq!(world.received(&users[0]).await.last().unwrap(), "2027-01-15 09:00 now_required");
    world.walk("2027-03-01 12:00").await;
    assert_eq!(world.received(&users[0]).await.last().unwrap(), "2027-01-20 13:15 cancelled");
    let text = world.last_text(&users[0]);
    assert!(text.contains("does not ask for a second step any more"), "{text}");
    assert!(text.contains("You had needed it since Friday, 15 January 2027"), "{text}");
    assert_eq!(world.received(&users[1]).await, NOTHING);
    assert_eq!(world.received(&users[2]).await.last().unwrap(), "2027-01-15 09:00 now_required");
    assert_eq!(world.received(&joined).await, NOTHING);
    world.finish().await;
}

async fn a_revert_before_the_day_is_refused(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    world.member(berlin, "Europe/Berlin").await;
    assert!(refused(world.order(berlin, &JO).revert().await).contains("requires nobody"));
    world.set_date(berlin, "2027-01-15").await;
    let words = refused(world.order(berlin, &JO).revert().await);
    assert!(words.contains("enforcement cancel") && words.contains("enforcement hold"), "{words}");
    world.walk("2027-01-14 22:59").await;
    assert!(refused(world.order(berlin, &JO).revert().await).contains("has not come"));
    world.order(berlin, &JO).cancel().await.unwrap();
    assert!(refused(world.order(berlin, &JO).revert().await).contains("requires nobody"));
    world.finish().await;
}

async fn a_revert_follows_what_was_written_with_sql(db: &TestDatabase) {
    // A date cleared, and one moved, that no daemon has seen.
    let (world, berlin, users) = in_force(db, 2).await;
    world.clear_date(berlin).await;
    world.order(berlin, &JO).revert().await.unwrap();
    assert_in_line(&world).await;
    assert_eq!(world.enforcements(berlin).await, ["2027-01-15 reverted"]);
    assert_eq!(required(&world, &users).await, "00");
    let paris = world.company("Europe/Paris").await;
    let user = world.member(paris, "Europe/Paris").await;
    world.set_date(paris, "2027-02-15").await;
    world.walk("2027-02-16 12:00").await;
    world.set_date(paris, "2027-06-15").await;
    world.order(paris, &JO).revert().await.unwrap();
    assert_in_line(&world).await;
    assert_eq!(world.enforcements(paris).await, ["2027-02-15 reverted", "2027-06-15 scheduled"]);
    assert_eq!(world.required_since(&user).await, "");
    // A flip under way whose date was cleared: the daemon would complete it first.
    let rome = world.company("Europe/Rome").await;
    let romans = world.members(rome, "Europe/Rome", 5).await;
    world.set_date(rome, "2027-03-15").await;
    world.walk("2027-03-14 22:00").await;
    world.services.clock.set(at("2027-03-14 23:00"));
    let enforcement = world.enforcement(rome).await;
    assert!(world.services.store.flip_chunk(enforcement, world.now(), &world.services.policy, 2).await.unwrap().more);
    world.clear_date(rome).await;
    world.order(rome, &JO).revert().await.unwrap();
    assert_in_line(&world).await;
    world.walk("2027-03-20 12:00").await;
    assert_eq!(required(&world, &romans).await, "00000");
    assert_eq!(world.enforcements(rome).await, ["2027-03-15 reverted"]);
    world.finish().await;
}

async fn a_revert_makes_no_late_joiners(db: &TestDatabase) {
    let (world, berlin, users) = in_force(db, 1).await;
    world.clear_date(berlin).await;
    world.walk("2027-02-01 12:00").await;
    // A date and a member that no daemon has seen: who is there before the date is no late joiner.
    let joined = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2027-06-15").await;
    world.order(berlin, &JO).revert().await.unwrap();
    assert_in_line(&world).await;
    assert_eq!(required(&world, &users).await, "0");
    world.walk("2027-02-02 12:00").await;
    assert_eq!(world.received(&joined).await, ["2027-02-01 13:15 announcement"]);
    assert_eq!(world.received(&users[0]).await.last().unwrap(), "2027-02-01 13:15 rescheduled");
    world.finish().await;
}

async fn a_date_after_a_revert_begins_from_the_start(db: &TestDatabase) {
    let (world, berlin, users) = in_force(db, 1).await;
    world.order(berlin, &JO).revert().await.unwrap();
    world.walk("2027-02-01 12:00").await;
    let told = world.received(&users[0]).await.len();
    world.set_date(berlin, "2027-03-15").await;
    world.walk("2027-03-16 12:00").await;
    assert_eq!(world.received(&users[0]).await[told..][..1], ["2027-02-01 13:15 announcement"]);
    assert_eq!(world.required_since(&users[0]).await, "2027-03-14 23:00");
    world.order(berlin, &JO).revert().await.unwrap();
    assert_eq!(world.required_since(&users[0]).await, "");
    assert_eq!(world.enforcements(berlin).await, ["2027-01-15 reverted", "2027-03-15 reverted"]);
    // A date set before anybody was told of the revert: they were told another one.
    world.set_date(berlin, "2027-05-15").await;
    world.walk("2027-03-17 12:00").await;
    assert_eq!(world.received(&users[0]).await.last().unwrap(), "2027-03-16 13:15 rescheduled");
    world.finish().await;
}

async fn r11_provable_the_trail_vouches_for_who_was_freed(db: &TestDatabase) {
    let (world, berlin, _) = in_force(db, 5).await;
    let enforcement = world.enforcement(berlin).await;
    let sql = format!(
        "SELECT enforcement_id, user_id, required_at FROM requirements WHERE enforcement_id = '{enforcement}' ORDER BY user_id"
    );
    let lines: Vec<String> = db.rows(&sql).await.into_iter().map(|row| row.join(" ")).collect();
    world.order(berlin, &JO).revert().await.unwrap();
    let detail = db.value("SELECT detail FROM audit_events WHERE action = 'enforcement_reverted'").await;
    let detail: serde_json::Value = serde_json::from_str(&detail).unwrap();
    assert_eq!((&detail["cleared"], &detail["reason"]), (&5.into(), &"locked out".into()));
    assert_eq!(detail["sha256"], sha256_hex(lines.iter()));
    assert_eq!(db.value("SELECT count(*) FROM requirements WHERE cleared_at IS NOT NULL").await, "5");
    world.finish().await;
}

async fn a_revert_of_many_is_one_act(db: &TestDatabase) {
    let mut world = World::begin(db, "2026-12-01 09:00").await;
    world.services.limits.chunk = 5000;
    let berlin = world.company("Europe/Berlin").await;
    // People who are enrolled get no mail.
    let number = "SELECT 1 AS n UNION ALL SELECT n + 1 FROM numbers WHERE n < 12000";
    let id = match db.kind() {
        crate::support::Kind::Sqlite => "printf('00000000-0000-4000-8000-%012d', n)",
        crate::support::Kind::Postgres => "('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid",
    };
    db.execute(&format!(
        "INSERT INTO users (id, email, name, mfa_enrolled_at) WITH RECURSIVE numbers AS ({number})
         SELECT {id}, 'many@example.com', 'Many', '2026-11-01T00:00:00.000000Z' FROM numbers"
    ))
    .await;
    db.execute(&format!("INSERT INTO memberships (company_id, user_id) SELECT '{berlin}', id FROM users")).await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-16 12:00").await;
    let required = "SELECT count(*) FROM users WHERE mfa_required_at IS NOT NULL";
    assert_eq!(db.value(required).await, "12000");
    world.order(berlin, &JO).revert().await.unwrap();
    assert_eq!(db.value(required).await, "0");
    world.finish().await;
}
