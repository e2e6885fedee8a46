//! R2: at most one notice per milestone and user, at most one mail per user and local day; no mail repeats but after a
//! crash, and then with the same Message-ID.

use super::world::{World, at, busy, lost_answer, no_such_user, shown};
use crate::support::{TestDatabase, on_both};
use mfa_enforcer::tasks::run_until_idle;

on_both!(
    r2_once_two_companies_one_mail,
    r2_once_the_mail_lists_each_company_the_earliest_date_first,
    r2_once_a_reminder_yields_on_the_same_day,
    r2_once_everything_else_waits_for_the_morning,
    r2_once_running_again_does_nothing,
    r2_once_two_daemons_do_not_double,
    r2_once_a_lapsed_claim_is_taken_up_with_the_same_message_id,
    r2_once_an_outcome_of_a_lapsed_claim_is_refused,
    r2_once_a_lost_answer_repeats_the_mail_and_not_another,
    r2_once_refused_mail_is_tried_again_and_arrives_once,
    r2_once_refused_for_good_is_not_tried_again,
    r2_once_the_readers_day_counts,
    r2_once_the_day_of_who_has_no_zone_is_that_of_each_company,
);

async fn r2_once_two_companies_one_mail(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let (one, two) = (world.company("Europe/Berlin").await, world.company("Europe/Paris").await);
    let user = world.member(one, "Europe/Berlin").await;
    world.join(two, &user).await;
    world.set_date(one, "2027-01-15").await;
    world.set_date(two, "2027-01-29").await;
    world.walk("2027-02-01 12:00").await;
    let expected = [
        "2026-12-01 10:15 announcement + announcement",
        "2026-12-16 09:00 reminder",
        "2026-12-30 09:00 reminder",
        "2027-01-01 09:00 reminder",
        "2027-01-08 09:00 reminder",
        "2027-01-12 09:00 reminder",
        "2027-01-14 09:00 final_reminder",
        // The day itself, and 14 days before the other date.
        "2027-01-15 09:00 now_required + reminder",
        "2027-01-22 09:00 reminder",
        "2027-01-26 09:00 reminder",
        "2027-01-28 09:00 final_reminder",
        "2027-01-29 09:00 now_required",
    ];
    assert_eq!(world.received(&user).await, expected);
    let (_, first) = &world.mails_to(&user)[0];
    let text = String::from_utf8_lossy(&first.bytes);
    assert!(text.contains("Company 1") && text.contains("Company 2"), "both are named: {text}");
    assert_eq!(world.required_since(&user).await, "2027-01-14 23:00", "the earlier one");
    assert_eq!(db.value("SELECT count(*) FROM requirements").await, "2");
    world.finish().await;
}

async fn r2_once_the_mail_lists_each_company_the_earliest_date_first(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let mut user = None;
    for (name, date) in [("Later", "2027-02-05"), ("First", "2027-01-15"), ("Second", "2027-01-29")] {
        let company = world.company("Europe/Berlin").await;
        world.set_company(company, &format!("name = '{name}', enforcement_date = '{date}'")).await;
        match &user {
            None => user = Some(world.member(company, "Asia/Tokyo").await),
            Some(user) => world.join(company, user).await,
        }
    }
    let user = user.unwrap();
    world.walk("2026-12-02 12:00").await;
    assert_eq!(world.received(&user).await, ["2026-12-01 18:15 announcement + announcement + announcement"]);
    let text = world.last_text(&user).replace('\n', " ");
    let order = ["First", "15 January 2027", "Second", "29 January 2027", "Later", "5 February 2027"];
    let mut rest = text.as_str();
    for word in order {
        rest = rest.split_once(word).unwrap_or_else(|| panic!("no '{word}' in its place: {text}")).1;
    }
    world.finish().await;
}

async fn r2_once_a_reminder_yields_on_the_same_day(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let (one, two) = (world.company("Europe/Berlin").await, world.company("Europe/Berlin").await);
    let user = world.member(one, "Europe/Berlin").await;
    world.join(two, &user).await;
    world.set_date(one, "2027-01-15").await;
    world.walk("2027-01-01 06:59").await;
    // The other date is announced at 08:15, the reminder is due at 09:00 of the same day.
    world.set_date(two, "2027-03-15").await;
    world.walk("2027-01-02 12:00").await;
    assert_eq!(world.received(&user).await[2..], ["2027-01-01 08:14 announcement"]);
    assert_eq!(world.skipped(&user).await, ["reminder same_day"]);
    world.finish().await;
}

async fn r2_once_everything_else_waits_for_the_morning(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let (one, two) = (world.company("Europe/Berlin").await, world.company("Europe/Berlin").await);
    let user = world.member(one, "Europe/Berlin").await;
    world.join(two, &user).await;
    world.set_date(one, "2027-01-15").await;
    world.walk("2026-12-01 10:00").await;
    world.set_date(two, "2027-03-15").await;
    world.walk("2026-12-02 12:00").await;
    let expected = ["2026-12-01 10:15 announcement", "2026-12-02 08:00 announcement"];
    assert_eq!(world.received(&user).await, expected);
    world.finish().await;
}

async fn r2_once_running_again_does_nothing(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let members = world.members(berlin, "Europe/Berlin", 7).await;
    world.set_date(berlin, "2027-01-15").await;
    for instant in ["2026-12-01 09:00", "2026-12-01 09:15", "2026-12-16 08:00", "2027-01-15 09:00"] {
        world.run(instant).await;
        db.execute("DELETE FROM task_runs").await;
        let before = db.dump().await;
        world.run(instant).await;
        world.another_daemon(9).await;
        db.execute("DELETE FROM task_runs").await;
        assert_eq!(db.dump().await, before, "at {instant}");
    }
    assert_eq!(world.received(&members[0]).await.len(), 3);
    world.finish().await;
}

async fn r2_once_two_daemons_do_not_double(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let members = world.members(berlin, "Europe/Berlin", 60).await;
    world.set_date(berlin, "2026-12-09").await;
    let other = world.another_daemon(2).await;
    for instant in ["2026-12-01 09:00", "2026-12-01 09:15", "2026-12-06 08:00", "2026-12-08 23:00", "2026-12-09 08:00"]
    {
        world.services.clock.set(at(instant));
        let (one, two) = tokio::join!(run_until_idle(&world.services), run_until_idle(&other));
        world.collect();
        assert!(one.is_empty() && two.is_empty(), "{one:?} {two:?}");
        // What one has passed over because the other was at it is done by the next tick at the latest.
        world.run_now().await;
    }
    for user in &members {
        let expected = ["2026-12-01 10:15 announcement", "2026-12-06 09:00 reminder", "2026-12-09 09:00 now_required"];
        assert_eq!(world.received(user).await, expected);
        assert_eq!(world.required_since(user).await, "2026-12-08 23:00");
    }
    assert_eq!(db.value("SELECT count(*) FROM requirements").await, "60");
    world.finish().await;
}

async fn r2_once_a_lapsed_claim_is_taken_up_with_the_same_message_id(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2027-01-15").await;
    world.run_now().await;
    world.task("expand", "2026-12-01 09:15").await;
    let dead = world.claim().await;
    let [mail] = dead.mails.as_slice() else { panic!("{dead:?}") };
    world.run("2026-12-01 09:16").await;
    assert!(world.mails_to(&user).is_empty(), "the claim still holds");
    world.lease_over();
    world.run_now().await;
    let received = world.mails_to(&user);
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].1.mail_id, mail.message.mail_id, "the mail that may have been sent, not another");
    assert_eq!(db.value("SELECT attempts FROM notices WHERE state = 'sent'").await, "2");
    world.finish().await;
}

async fn r2_once_an_outcome_of_a_lapsed_claim_is_refused(db: &TestDatabase) {
    use mfa_enforcer::store::outcome::{MailOutcome, MailResult};
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2027-01-15").await;
    world.run_now().await;
    world.task("expand", "2026-12-01 09:15").await;
    let slow = world.claim().await;
    world.lease_over();
    world.run_now().await;
    let before = db.dump().await;
    let outcome = MailOutcome {
        mail_id: slow.mails[0].message.mail_id,
        attempt: 1,
        at: world.now(),
        content_sha256: None,
        reply: "451 too late".to_owned(),
        result: MailResult::Failed { maybe_received: false },
    };
    let recorded = world.services.store.record_outcomes(slow.id.unwrap(), world.now(), &[outcome]).await.unwrap();
    assert!(recorded.is_empty());
    assert_eq!(db.dump().await, before, "the claim that came after it knows better");
    assert_eq!(world.received(&user).await.len(), 1);
    world.finish().await;
}

async fn r2_once_a_lost_answer_repeats_the_mail_and_not_another(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    world.repeats_allowed.set(true);
    let (one, two) = (world.company("Europe/Berlin").await, world.company("Europe/Berlin").await);
    let user = world.member(one, "Europe/Berlin").await;
    world.join(two, &user).await;
    world.set_date(one, "2027-01-15").await;
    world.run_now().await;
    world.mail.refuse_next(lost_answer());
    world.run("2026-12-01 09:15").await;
    assert_eq!(world.mails_to(&user).len(), 1, "received, but nobody knows");
    world.set_date(two, "2027-03-15").await;
    world.walk("2026-12-02 12:00").await;
    let received = world.mails_to(&user);
    assert_eq!(received[0].1.message_id, received[1].1.message_id, "the same mail once more");
    assert_eq!(received.len(), 3);
    assert_eq!(shown(received[2].0, user.zone), "2026-12-02 08:00", "what else there is waits for the next morning");
    world.finish().await;
}

async fn r2_once_refused_mail_is_tried_again_and_arrives_once(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2027-01-15").await;
    world.run_now().await;
    for _ in 0..6 {
        world.mail.refuse_next(busy());
    }
    world.walk("2026-12-02 09:00").await;
    assert_eq!(world.mail.attempts(), 7);
    assert_eq!(world.mails_to(&user).len(), 1);
    assert_eq!(db.value("SELECT attempts FROM notices").await, "7");
    assert_eq!(db.value("SELECT count(*) FROM mails").await, "1", "one mail, whatever the number of attempts");
    world.finish().await;
}

async fn r2_once_refused_for_good_is_not_tried_again(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let members = world.members(berlin, "Europe/Berlin", 3).await;
    world.mail.refuse(&members[1].address(), no_such_user());
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2026-12-05 09:00").await;
    assert_eq!(world.mail.attempts(), 3);
    assert_eq!(
        db.rows("SELECT state, count(*) FROM notices GROUP BY state ORDER BY state").await,
        [["failed", "1"], ["sent", "2"]]
    );
    world.finish().await;
}

async fn r2_once_the_readers_day_counts(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let (one, two) = (world.company("Pacific/Kiritimati").await, world.company("Pacific/Honolulu").await);
    // Nine in the morning on the first of December in Honolulu is nine in the morning on the second in Kiritimati.
    let west = world.member(one, "Pacific/Honolulu").await;
    world.join(two, &west).await;
    world.set_date(one, "2027-01-15").await;
    world.walk("2026-12-01 19:00").await;
    assert_eq!(world.received(&west).await, ["2026-12-01 08:00 announcement"]);
    world.set_date(two, "2027-02-15").await;
    world.walk("2026-12-03 00:00").await;
    let expected = ["2026-12-01 08:00 announcement", "2026-12-02 08:00 announcement"];
    assert_eq!(world.received(&west).await, expected, "though it was the third by then where the first company is");
    world.finish().await;
}

/// Who has no zone of their own has the days of the company that writes: no mail comes on such a day that had one.
async fn r2_once_the_day_of_who_has_no_zone_is_that_of_each_company(db: &TestDatabase) {
    let world = World::begin(db, "2027-01-10 22:00").await;
    let (angeles, tokyo) = (world.company("America/Los_Angeles").await, world.company("Asia/Tokyo").await);
    let user = world.member(angeles, "(America/Los_Angeles)").await;
    world.join(tokyo, &user).await;
    world.set_date(angeles, "2027-03-01").await;
    world.walk("2027-01-10 22:50").await;
    assert_eq!(world.received(&user).await, ["2027-01-10 14:15 announcement"]);
    world.set_date(tokyo, "2027-03-08").await;
    world.walk("2027-03-10 12:00").await;
    let received = world.received(&user).await;
    assert_eq!(received[1], "2027-01-11 15:00 announcement", "the next morning there: {received:?}");
    world.finish().await;
}
