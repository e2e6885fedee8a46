//! R2 where it is hard: mails that are in flight, whose outcome is unknown, or that were refused; and days that are not UTC's.

use super::world::{NOTHING, World, at, busy, lost_answer, no_such_user};
use crate::support::{TestDatabase, on_both};
use mfa_enforcer::store::outcome::{MailOutcome, MailResult};

on_both!(
    r2_once_an_outcome_of_a_lapsed_claim_is_refused_while_another_sends,
    r2_once_a_mail_of_unknown_outcome_stays_so_when_it_is_refused_later,
    r2_once_what_is_repeated_says_the_same_again,
    r2_once_a_mail_of_unknown_outcome_stays_so_when_it_is_refused_for_good,
    r2_once_a_mail_that_was_refused_for_good_is_not_the_mail_of_the_day,
    r2_once_the_day_is_neither_utcs_nor_the_companys,
    r6_nothing_lost_of_what_was_in_flight_when_its_company_was_deleted,
);

/// The second claim is still at it: the first one's outcome must neither end nor lose it.
async fn r2_once_an_outcome_of_a_lapsed_claim_is_refused_while_another_sends(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2027-01-15").await;
    world.run_now().await;
    world.task("expand", "2026-12-01 09:15").await;
    let slow = world.claim().await;
    world.lease_over();
    let second = world.claim().await;
    assert_eq!(second.mails.len(), 1);
    let before = db.dump().await;
    for result in [
        MailResult::Failed { maybe_received: false },
        MailResult::Sent,
        MailResult::Released { next_attempt_at: None, maybe_received: false },
    ] {
        let outcome = MailOutcome {
            mail_id: slow.mails[0].message.mail_id,
            attempt: 1,
            at: world.now(),
            content_sha256: None,
            reply: "too late".to_owned(),
            result,
        };
        let recorded = world.services.store.record_outcomes(slow.id.unwrap(), world.now(), &[outcome]).await.unwrap();
        assert!(recorded.is_empty());
        assert_eq!(db.dump().await, before, "{result:?}");
    }
    world.lease_over();
    world.run_now().await;
    assert_eq!(world.received(&user).await.len(), 1);
    world.finish().await;
}

/// Received, but nobody knows; then refused several times. It stays that mail, and that one alone, until it is known to be sent.
async fn r2_once_a_mail_of_unknown_outcome_stays_so_when_it_is_refused_later(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    world.repeats_allowed.set(true);
    let (one, two) = (world.company("Europe/Berlin").await, world.company("Europe/Berlin").await);
    let user = world.member(one, "Europe/Berlin").await;
    world.join(two, &user).await;
    world.set_date(one, "2027-01-15").await;
    world.run_now().await;
    world.mail.refuse_next(lost_answer());
    world.run("2026-12-01 09:15").await;
    world.set_date(two, "2027-03-15").await;
    world.mail.refuse(&user.address(), busy());
    // The other company's announcement is due together with the repeated mail.
    world.walk("2026-12-01 11:00").await;
    assert_eq!(db.value("SELECT count(*) FROM mails WHERE maybe_received").await, "1");
    world.mail.accept(&user.address());
    world.walk("2026-12-02 12:00").await;
    let received = world.mails_to(&user);
    assert_eq!(received.len(), 3);
    assert_eq!(received[0].1.message_id, received[1].1.message_id, "the same mail once more");
    assert_eq!(world.received(&user).await[1].split_once(' ').unwrap().0, "2026-12-01");
    assert_eq!(world.received(&user).await[2], "2026-12-02 08:00 announcement", "what else there is waits");
    assert_eq!(db.value("SELECT count(*) FROM notices WHERE state = 'sent'").await, "2");
    assert_eq!(db.value("SELECT count(DISTINCT mail_id) FROM notices").await, "2", "one mail never carries more later");
    world.finish().await;
}

/// What the server says of the repeated mail says nothing of the first.
async fn r2_once_a_mail_of_unknown_outcome_stays_so_when_it_is_refused_for_good(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    world.repeats_allowed.set(true);
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2027-01-15").await;
    world.run_now().await;
    world.mail.refuse_next(lost_answer());
    world.run("2026-12-01 09:15").await;
    world.mail.refuse(&user.address(), no_such_user());
    world.walk("2026-12-01 12:00").await;
    assert_eq!(db.rows("SELECT state, maybe_received FROM mails").await, [["failed", "1"]]);
    world.finish().await;
}

/// A mail that may have been received told the reader of another date: sent again, it must not take that for the one before.
async fn r2_once_what_is_repeated_says_the_same_again(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    world.repeats_allowed.set(true);
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2026-12-02 09:00").await;
    world.set_date(berlin, "2027-02-15").await;
    world.run_now().await;
    world.mail.refuse_next(lost_answer());
    world.walk("2026-12-03 09:00").await;
    world.clear_date(berlin).await;
    world.run_now().await;
    world.mail.refuse_next(lost_answer());
    world.walk("2026-12-04 09:00").await;
    let mails = world.mails_to(&user);
    let text = |at: usize| String::from_utf8_lossy(&mails[at].1.bytes).replace("=\r\n", "");
    assert_eq!(mails.len(), 5);
    for (first, again, before) in [(1, 2, "15 January 2027"), (3, 4, "15 February 2027")] {
        assert_eq!(mails[first].1.message_id, mails[again].1.message_id);
        for at in [first, again] {
            assert!(text(at).contains(before), "{before} is missing: {}", text(at));
        }
    }
    assert_eq!(world.skipped(&user).await, NOTHING);
    world.finish().await;
}

async fn r2_once_a_mail_that_was_refused_for_good_is_not_the_mail_of_the_day(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let (one, two) = (world.company("Europe/Berlin").await, world.company("Europe/Berlin").await);
    let user = world.member(one, "Europe/Berlin").await;
    world.join(two, &user).await;
    world.set_date(one, "2027-01-15").await;
    world.run_now().await;
    world.mail.refuse_next(no_such_user());
    world.run("2026-12-01 09:15").await;
    assert_eq!(db.value("SELECT state FROM notices").await, "failed");
    world.set_date(two, "2027-03-15").await;
    world.walk("2026-12-01 10:00").await;
    assert_eq!(world.received(&user).await, ["2026-12-01 10:30 announcement"]);
    world.finish().await;
}

/// Two mails within two hours, with midnight in UTC between them: it is one day where the reader is.
async fn r2_once_the_day_is_neither_utcs_nor_the_companys(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 12:00").await;
    let (one, two) = (world.company("Europe/Berlin").await, world.company("America/New_York").await);
    let (east, west) = (world.member(one, "Asia/Tokyo").await, world.member(one, "Pacific/Honolulu").await);
    world.join(two, &east).await;
    world.join(two, &west).await;
    world.services.clock.set(at("2026-12-01 22:50"));
    world.set_date(one, "2027-01-15").await;
    world.walk("2026-12-01 23:50").await;
    world.set_date(two, "2027-03-15").await;
    world.walk("2026-12-03 20:00").await;
    let of_east = ["2026-12-02 08:05 announcement", "2026-12-03 08:00 announcement"];
    assert_eq!(world.received(&east).await, of_east);
    let of_west = ["2026-12-01 13:05 announcement", "2026-12-02 08:00 announcement"];
    assert_eq!(world.received(&west).await, of_west);
    world.finish().await;
}

/// The daemon died, and nothing else is due: what it had claimed is taken up, and not taken for what a locked row keeps.
async fn r6_nothing_lost_of_what_was_in_flight_when_its_company_was_deleted(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2027-01-15").await;
    world.run_now().await;
    world.task("expand", "2026-12-01 09:15").await;
    assert_eq!(world.claim().await.mails.len(), 1);
    db.execute(&format!("DELETE FROM memberships; DELETE FROM companies WHERE id = '{berlin}'")).await;
    world.lease_over();
    world.run_now().await;
    assert_eq!(world.skipped(&user).await, ["announcement not_a_member"]);
    assert_eq!(db.value("SELECT count(*) FROM notices WHERE state IN ('pending', 'sending')").await, "0");
    world.finish().await;
}
