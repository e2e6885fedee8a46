//! R5: a date moved or cancelled is obeyed by the next statement, not the next tick, and everybody ends up knowing the date
//! that stands: whoever was told another one is told that it moved, whoever was told none gets the announcement.

use chrono::NaiveDate;
use mfa_enforcer::domain::ids::Id;
use mfa_enforcer::store::forecast::Proposal;
use mfa_enforcer::store::outcome::{MailOutcome, MailResult};

use super::world::{NOTHING, World, announced, at, busy, lost_answer, no_such_user};
use crate::support::{TestDatabase, on_both};

on_both!(
    r5_moved_before_the_announcement_nobody_hears_of_the_first_date,
    r5_moved_after_the_announcement_everybody_is_told,
    r5_moved_there_and_back_unseen,
    r5_moved_there_and_back_seen,
    r5_moved_there_and_back_unseen_by_who_is_reactivated_meanwhile,
    r5_moved_while_mail_is_on_its_way,
    r5_moved_while_mail_is_on_its_way_and_then_it_is_refused,
    r5_moved_who_was_told_nothing_gets_an_announcement,
    r5_moved_between_claim_and_flip,
    r5_moved_by_sql_is_obeyed_by_the_next_claim,
    r5_moved_by_sql_is_obeyed_by_the_next_expansion,
    r5_moved_zone_by_sql_is_obeyed_by_the_next_statement,
    r5_moved_earlier_and_later,
    r5_moved_in_force_tells_newcomers_only,
    r5_moved_once_the_flip_has_begun_it_completes,
    r5_moved_once_the_flip_has_begun_the_forecast_says_so,
    r5_moved_in_force_there_and_back_tells_the_newcomer_each_time,
    r5_moved_in_force_there_and_back_after_the_personal_date,
    r5_moved_claims_what_the_reader_was_told_then,
    r5_moved_after_a_repeat_that_was_refused,
    r5_moved_the_old_day_is_as_it_was_read_where_no_zone_is_known,
);

async fn r5_moved_before_the_announcement_nobody_hears_of_the_first_date(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2027-01-15").await;
    world.run("2026-12-01 09:00").await;
    world.run("2026-12-01 09:14").await;
    world.set_date(berlin, "2027-02-15").await;
    world.run("2026-12-01 09:15").await;
    assert_eq!(world.received(&user).await, NOTHING, "a new date, a new delay");
    world.walk("2026-12-02 09:00").await;
    assert_eq!(world.received(&user).await, ["2026-12-01 10:30 announcement"]);
    assert!(world.last_text(&user).contains("15 February 2027"));
    assert_eq!(world.enforcements(berlin).await, ["2027-01-15 superseded", "2027-02-15 scheduled"]);
    world.finish().await;
}

async fn r5_moved_after_the_announcement_everybody_is_told(db: &TestDatabase) {
    let (world, berlin, user) = announced(db).await;
    world.set_date(berlin, "2027-02-15").await;
    world.walk("2027-01-30 12:00").await;
    assert_eq!(
        world.received(&user).await,
        ["2026-12-01 10:15 announcement", "2026-12-03 10:15 rescheduled", "2027-01-16 09:00 reminder"]
    );
    assert_eq!(world.required_since(&user).await, "", "the fifteenth of January is a day like any other");
    world.walk("2027-02-16 12:00").await;
    assert_eq!(world.required_since(&user).await, "2027-02-14 23:00");
    world.finish().await;
}

async fn r5_moved_there_and_back_unseen(db: &TestDatabase) {
    let (world, berlin, user) = announced(db).await;
    world.set_date(berlin, "2027-02-15").await;
    world.run("2026-12-03 09:00").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-16 12:00").await;
    assert_eq!(
        world.received(&user).await,
        [
            "2026-12-01 10:15 announcement",
            "2026-12-16 09:00 reminder",
            "2027-01-01 09:00 reminder",
            "2027-01-08 09:00 reminder",
            "2027-01-12 09:00 reminder",
            "2027-01-14 09:00 final_reminder",
            "2027-01-15 09:00 now_required"
        ]
    );
    world.finish().await;
}

async fn r5_moved_there_and_back_seen(db: &TestDatabase) {
    let (world, berlin, user) = announced(db).await;
    world.set_date(berlin, "2027-02-15").await;
    world.walk("2026-12-05 09:00").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2026-12-06 09:00").await;
    assert_eq!(world.received(&user).await[1..], ["2026-12-03 10:15 rescheduled", "2026-12-05 10:15 rescheduled"]);
    let text = world.last_text(&user);
    assert!(text.contains("15 February 2027") && text.contains("15 January 2027"), "was, and is: {text}");
    world.finish().await;
}

/// They know the first date: another one is told to them no sooner than to everybody.
async fn r5_moved_there_and_back_unseen_by_who_is_reactivated_meanwhile(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2026-12-20 08:50").await;
    world.set_user(&user, "active = false").await;
    world.run("2026-12-20 09:00").await;
    world.set_user(&user, "active = true").await;
    world.set_date(berlin, "2027-02-15").await;
    world.run("2026-12-20 09:10").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2026-12-20 15:00").await;
    assert_eq!(world.received(&user).await, ["2026-12-01 10:15 announcement", "2026-12-16 09:00 reminder"]);
    world.set_user(&user, "active = false").await;
    world.run("2026-12-20 19:30").await;
    world.set_user(&user, "active = true").await;
    world.set_date(berlin, "2027-02-15").await;
    world.walk("2026-12-22 12:00").await;
    assert_eq!(world.received(&user).await[2..], ["2026-12-21 08:00 rescheduled"]);
    world.finish().await;
}

async fn r5_moved_while_mail_is_on_its_way(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2027-01-15").await;
    world.run_now().await;
    world.mail.refuse_next(lost_answer());
    world.run("2026-12-01 09:15").await;
    world.set_date(berlin, "2027-02-15").await;
    world.walk("2026-12-02 12:00").await;
    // What may have been received counts as told: the reader may know of January.
    assert_eq!(world.received(&user).await, ["2026-12-01 10:15 announcement", "2026-12-02 08:00 rescheduled"]);
    world.finish().await;
}

async fn r5_moved_while_mail_is_on_its_way_and_then_it_is_refused(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2027-01-15").await;
    world.run_now().await;
    world.task("expand", "2026-12-01 09:15").await;
    let claim = world.claim().await;
    world.set_date(berlin, "2027-02-15").await;
    world.task("reconcile", "2026-12-01 09:15").await;
    let refused = MailOutcome {
        mail_id: claim.mails[0].message.mail_id,
        attempt: 1,
        at: world.now(),
        content_sha256: None,
        reply: "451 try again later".to_owned(),
        result: MailResult::Deferred { next_attempt_at: at("2026-12-01 09:16"), maybe_received: false, refused: true },
    };
    world.services.store.record_outcomes(claim.id.unwrap(), world.now(), &[refused]).await.unwrap();
    world.walk("2026-12-02 12:00").await;
    assert_eq!(world.received(&user).await, ["2026-12-01 10:30 announcement"], "of the date that stands, once");
    assert!(world.last_text(&user).contains("15 February 2027"));
    assert_eq!(world.skipped(&user).await, ["announcement superseded"]);
    world.finish().await;
}

async fn r5_moved_who_was_told_nothing_gets_an_announcement(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let [told, untold] = [world.member(berlin, "Europe/Berlin").await, world.member(berlin, "Europe/Berlin").await];
    world.mail.refuse(&untold.address(), busy());
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2026-12-01 12:00").await;
    world.set_date(berlin, "2027-02-15").await;
    world.run_now().await;
    world.mail.accept(&untold.address());
    world.walk("2026-12-03 12:00").await;
    assert_eq!(world.received(&told).await[1..], ["2026-12-02 08:00 rescheduled"]);
    assert_eq!(world.received(&untold).await, ["2026-12-01 13:15 announcement"]);
    world.finish().await;
}

async fn r5_moved_between_claim_and_flip(db: &TestDatabase) {
    let (world, berlin, user) = announced(db).await;
    world.walk("2027-01-14 22:59").await;
    world.set_date(berlin, "2027-02-15").await;
    // The flip is due, and nobody has reconciled yet.
    let report = world.task("enforce", "2027-01-14 23:00").await;
    assert!(!report.changed, "{report:?}");
    let enforcement = world.enforcement(berlin).await;
    let flipped = world.services.store.flip_chunk(enforcement, world.now(), &world.services.policy, 10).await.unwrap();
    assert_eq!((flipped.required, flipped.began), (0, false), "also where it was found due before");
    assert_eq!(world.required_since(&user).await, "");
    world.walk("2027-02-14 23:00").await;
    assert_eq!(world.required_since(&user).await, "2027-02-14 23:00");
    world.finish().await;
}

async fn r5_moved_by_sql_is_obeyed_by_the_next_claim(db: &TestDatabase) {
    for (number, change) in ["enforcement_date = '2027-02-15'", "enforcement_date = NULL"].into_iter().enumerate() {
        let db = if number == 0 { db } else { &TestDatabase::new(db.kind()).await };
        let world = World::begin(db, "2026-12-01 09:00").await;
        let berlin = world.company("Europe/Berlin").await;
        let user = world.member(berlin, "Europe/Berlin").await;
        world.set_date(berlin, "2027-01-15").await;
        world.run_now().await;
        world.task("expand", "2026-12-01 09:15").await;
        assert_eq!(world.notices(&user).await, 1);
        world.set_company(berlin, change).await;
        world.task("deliver", "2026-12-01 09:15").await;
        assert_eq!(world.received(&user).await, NOTHING, "{change}");
        world.walk("2026-12-02 12:00").await;
        assert_eq!(world.received(&user).await.len(), 1 - number, "{change}");
        world.finish().await;
    }
}

async fn r5_moved_by_sql_is_obeyed_by_the_next_expansion(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2027-01-15").await;
    world.run_now().await;
    let due = world.services.store.due_milestones(at("2026-12-01 09:15"), None, 10).await.unwrap();
    world.set_date(berlin, "2027-02-15").await;
    world.task("expand", "2026-12-01 09:15").await;
    for (milestone, _) in due {
        let expanded =
            world.services.store.expand_chunk(milestone, world.now(), &world.services.policy, 10).await.unwrap();
        assert_eq!((expanded.notices, expanded.more), (0, false), "also where it was found due before");
    }
    assert_eq!(world.notices(&user).await, 0);
    world.finish().await;
}

async fn r5_moved_zone_by_sql_is_obeyed_by_the_next_statement(db: &TestDatabase) {
    let (world, berlin, user) = announced(db).await;
    world.walk("2027-01-14 07:00").await;
    world.set_company(berlin, "time_zone = 'America/New_York'").await;
    world.task("deliver", "2027-01-14 08:00").await;
    world.task("expand", "2027-01-14 08:00").await;
    world.task("enforce", "2027-01-14 23:00").await;
    assert_eq!(world.received(&user).await.len(), 5, "no final reminder, before the zone is understood");
    assert_eq!(world.required_since(&user).await, "");
    world.walk("2027-01-15 12:00").await;
    assert_eq!(world.required_since(&user).await, "2027-01-15 05:00");
    world.finish().await;
}

async fn r5_moved_earlier_and_later(db: &TestDatabase) {
    let (world, berlin, user) = announced(db).await;
    world.set_date(berlin, "2026-12-20").await;
    world.walk("2026-12-14 12:00").await;
    world.set_date(berlin, "2026-12-24").await;
    world.walk("2026-12-25 12:00").await;
    assert_eq!(
        world.received(&user).await,
        [
            "2026-12-01 10:15 announcement",
            "2026-12-03 10:15 rescheduled",
            "2026-12-06 09:00 reminder",
            "2026-12-13 09:00 reminder",
            "2026-12-14 13:15 rescheduled",
            "2026-12-17 09:00 reminder",
            "2026-12-21 09:00 reminder",
            "2026-12-23 09:00 final_reminder",
            "2026-12-24 09:00 now_required"
        ]
    );
    assert_eq!(world.required_since(&user).await, "2026-12-23 23:00");
    world.finish().await;
}

async fn r5_moved_in_force_tells_newcomers_only(db: &TestDatabase) {
    let (world, berlin, user) = announced(db).await;
    world.walk("2027-01-20 09:00").await;
    world.set_date(berlin, "2027-03-15").await;
    world.walk("2027-02-01 09:00").await;
    let late = world.member(berlin, "Europe/Berlin").await;
    // The row is looked at again, before and after the second day.
    for instant in ["2027-03-01 12:00", "2027-03-20 09:00", "2027-03-25 09:00"] {
        db.execute(&format!("UPDATE memberships SET reviewed = false WHERE user_id = '{}'", user.id)).await;
        world.walk(instant).await;
    }
    assert_eq!(world.required_since(&user).await, "2027-01-14 23:00", "since the first of the dates");
    assert_eq!(world.received(&user).await.last().unwrap(), "2027-01-15 09:00 now_required", "and hears no more");
    assert_eq!(world.required_since(&late).await, "2027-03-14 23:00");
    assert_eq!(
        world.received(&late).await,
        [
            "2027-02-01 10:00 welcome",
            "2027-02-13 09:00 reminder",
            "2027-03-01 09:00 reminder",
            "2027-03-08 09:00 reminder",
            "2027-03-12 09:00 reminder",
            "2027-03-14 09:00 final_reminder",
            "2027-03-15 09:00 now_required"
        ]
    );
    assert_eq!(world.enforcements(berlin).await, ["2027-01-15 superseded", "2027-03-15 in_force"]);
    world.finish().await;
}

async fn r5_moved_once_the_flip_has_begun_it_completes(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let members = world.members(berlin, "Europe/Berlin", 8).await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-14 12:00").await;
    world.services.clock.set(at("2027-01-14 23:00"));
    let enforcement = world.enforcement(berlin).await;
    world.services.store.flip_chunk(enforcement, world.now(), &world.services.policy, 3).await.unwrap();
    for change in ["enforcement_date = NULL", "enforcement_date = '2027-03-15'"] {
        world.set_company(berlin, change).await;
        world.task("reconcile", "2027-01-14 23:00").await;
    }
    world.walk("2027-01-16 12:00").await;
    for user in &members {
        assert_eq!(world.required_since(user).await, "2027-01-14 23:00");
    }
    assert_eq!(world.enforcements(berlin).await, ["2027-01-15 in_force", "2027-03-15 scheduled"]);
    world.finish().await;
}

async fn r5_moved_in_force_there_and_back_tells_the_newcomer_each_time(db: &TestDatabase) {
    let (world, berlin, user) = announced(db).await;
    world.walk("2027-01-20 09:00").await;
    let late = world.member(berlin, "Europe/Berlin").await;
    world.walk("2027-01-21 09:00").await;
    for day in [22, 24] {
        world.set_date(berlin, "2027-03-15").await;
        world.walk(&format!("2027-01-{day} 09:00")).await;
        world.set_date(berlin, "2027-01-15").await;
        world.walk(&format!("2027-01-{} 09:00", day + 1)).await;
    }
    world.walk("2027-02-10 09:00").await;
    assert_eq!(
        world.received(&late).await,
        [
            "2027-01-20 10:00 welcome",
            "2027-01-21 10:15 rescheduled",
            "2027-01-22 10:00 welcome",
            "2027-01-23 10:15 rescheduled",
            "2027-01-24 10:00 welcome",
            "2027-02-01 09:00 now_required"
        ]
    );
    assert_eq!(world.required_since(&late).await, "2027-01-31 23:00", "a week after the last word");
    assert_eq!(
        world.received(&user).await.last().unwrap(),
        "2027-01-15 09:00 now_required",
        "required: hears nothing of it"
    );
    world.finish().await;
}

async fn r5_moved_in_force_there_and_back_after_the_personal_date(db: &TestDatabase) {
    let (world, berlin, _) = announced(db).await;
    world.walk("2027-01-20 09:00").await;
    let late = world.member(berlin, "Europe/Berlin").await;
    world.walk("2027-01-25 09:00").await;
    world.set_date(berlin, "2027-03-15").await;
    world.walk("2027-02-05 09:00").await;
    assert_eq!(world.required_since(&late).await, "", "the day that was told does not stand");
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-02-20 09:00").await;
    assert_eq!(
        world.received(&late).await,
        [
            "2027-01-20 10:00 welcome",
            "2027-01-25 10:15 rescheduled",
            "2027-02-05 10:00 welcome",
            "2027-02-13 09:00 now_required"
        ]
    );
    assert_eq!(world.required_since(&late).await, "2027-02-12 23:00");
    world.finish().await;
}

async fn r5_moved_claims_what_the_reader_was_told_then(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2027-01-15").await;
    world.run_now().await;
    world.task("expand", "2026-12-01 09:15").await;
    let claim = world.claim().await;
    world.set_date(berlin, "2027-02-15").await;
    world.task("reconcile", "2026-12-01 09:15").await;
    world.task("expand", "2026-12-01 09:30").await;
    assert_eq!(
        db.value("SELECT kind FROM notices WHERE state = 'pending'").await,
        "rescheduled",
        "it may be told by now"
    );
    let refused = MailOutcome {
        mail_id: claim.mails[0].message.mail_id,
        attempt: 1,
        at: world.now(),
        content_sha256: None,
        reply: "451 try again later".to_owned(),
        result: MailResult::Deferred { next_attempt_at: at("2026-12-01 09:31"), maybe_received: false, refused: true },
    };
    world.services.store.record_outcomes(claim.id.unwrap(), world.now(), &[refused]).await.unwrap();
    world.walk("2026-12-02 12:00").await;
    assert_eq!(world.received(&user).await, ["2026-12-01 10:30 announcement"], "of the first date they never heard");
    assert!(!world.last_text(&user).contains("15 January 2027"), "{}", world.last_text(&user));
    world.finish().await;
}

async fn r5_moved_after_a_repeat_that_was_refused(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2027-01-15").await;
    world.run_now().await;
    world.mail.refuse_next(lost_answer());
    world.run("2026-12-01 09:15").await;
    world.mail.refuse(&user.address(), no_such_user());
    world.walk("2026-12-01 12:00").await;
    assert_eq!(db.rows("SELECT state, maybe_received FROM mails").await, [["failed", "1"]]);
    world.mail.accept(&user.address());
    world.set_date(berlin, "2027-02-15").await;
    world.walk("2026-12-03 12:00").await;
    let told = ["2026-12-01 10:15 announcement", "2026-12-02 08:00 rescheduled"];
    assert_eq!(world.received(&user).await, told, "they may know of January");
    world.finish().await;
}

/// Whose zone nobody knows reads the days of each company in that company's.
async fn r5_moved_the_old_day_is_as_it_was_read_where_no_zone_is_known(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let (berlin, tokyo) = (world.company("Europe/Berlin").await, world.company("Asia/Tokyo").await);
    let user = world.member(tokyo, "Asia/Tokyo").await;
    world.join(berlin, &user).await;
    world.set_user(&user, "time_zone = 'Mars/Olympus'").await;
    world.set_date(tokyo, "2027-01-15").await;
    world.walk("2026-12-03 01:00").await;
    world.set_date(berlin, "2027-03-15").await;
    world.run("2026-12-03 08:00").await;
    world.set_date(tokyo, "2027-02-15").await;
    world.run("2026-12-03 08:01").await;
    world.run("2026-12-03 08:30").await;
    let text = world.last_text(&user);
    assert!(text.contains("15 March 2027"), "one mail tells both: {text}");
    assert!(text.contains("15 January 2027") && !text.contains("14 January 2027"), "{text}");
    world.finish().await;
}

/// What people are told of a flip under way is what comes: it completes whatever becomes of the date.
async fn r5_moved_once_the_flip_has_begun_the_forecast_says_so(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let (berlin, tokyo) = (world.company("Europe/Berlin").await, world.company("Europe/Berlin").await);
    let cancelled = world.members(berlin, "Europe/Berlin", 8).await;
    let moved = world.members(tokyo, "Europe/Berlin", 8).await;
    for company in [berlin, tokyo] {
        world.set_date(company, "2027-01-15").await;
    }
    world.walk("2027-01-14 12:00").await;
    world.services.clock.set(at("2027-01-14 23:00"));
    let store = &world.services.store;
    for company in [berlin, tokyo] {
        let enforcement = world.enforcement(company).await;
        store.flip_chunk(enforcement, world.now(), &world.services.policy, 3).await.unwrap();
    }
    let (policy, now) = (&world.services.policy, world.now());
    let outlook = |company: Id, proposal| async move {
        store.forecast(&company.to_string(), proposal, now, policy).await.unwrap().forecast
    };
    let taken_back = outlook(berlin, Proposal::Cancel).await;
    assert_eq!(taken_back.required.iter().map(|one| one.people).sum::<u64>(), 5, "{taken_back:?}");
    assert!(taken_back.mails.is_empty(), "{taken_back:?}");
    let date = NaiveDate::from_ymd_opt(2027, 2, 20).unwrap();
    let later = outlook(tokyo, Proposal::Date(date)).await;
    let required: Vec<_> = later.required.iter().map(|one| (one.people, one.required_already)).collect();
    assert_eq!(required, [(5, 0), (8, 8)], "{later:?}");
    let foretold: Vec<_> =
        later.mails.iter().map(|mail| format!("{} {} {}", mail.day, mail.kind, mail.people)).collect();
    assert_eq!(foretold, ["2027-01-15 now_required 8"]);
    world.clear_date(berlin).await;
    world.set_date(tokyo, "2027-02-20").await;
    world.walk("2027-02-21 12:00").await;
    for user in cancelled.iter().chain(&moved) {
        assert_eq!(world.required_since(user).await, "2027-01-14 23:00");
    }
    for user in &moved {
        assert_eq!(world.received(user).await.last().unwrap(), "2027-01-15 09:00 now_required");
    }
    for user in &cancelled {
        assert_eq!(world.received(user).await.last().unwrap(), "2027-01-14 09:00 final_reminder");
    }
    world.finish().await;
}
