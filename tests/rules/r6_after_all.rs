//! R6: what could not be brought to a reader is not lost: it goes out when the address is right, or on a person's word.

use mfa_enforcer::domain::bounce::{Bounce, BouncedMail, Verdict};
use mfa_enforcer::store::StoreError;
use mfa_enforcer::store::notice_retry::{Retried, Retry};

use super::world::{User, World, announced, busy, no_such_user};
use crate::support::{TestDatabase, on_both};

on_both!(
    r6_after_all_a_corrected_address_gets_what_failed,
    r6_after_all_a_corrected_address_gets_what_came_back,
    r6_after_all_who_learned_it_since_is_not_told_again,
    r6_after_all_failed_notices_are_tried_again_on_a_persons_word,
    r6_after_all_an_address_that_came_back_needs_more_than_a_word,
    r6_after_all_each_attempt_is_on_record,
    r6_after_all_an_address_that_was_bad_from_the_start,
    r6_after_all_a_date_that_moved_while_mail_came_back,
    r6_after_all_an_address_corrected_before_the_mail_came_back,
    r6_after_all_an_address_that_is_good_again_on_a_persons_word,
);

/// The reader's last mail comes back: nobody is there.
async fn bounce(world: &World<'_>, user: &User, verdict: Verdict) {
    let (_, mail) = world.mails_to(user).pop().unwrap();
    let bounce = Bounce { mail: BouncedMail::Id(mail.mail_id), verdict, reply: "550 5.1.1 unknown".to_owned() };
    let recorded = world.services.store.record_bounce(&bounce, world.now()).await.unwrap();
    assert_eq!(recorded.mails, 1);
}

async fn r6_after_all_a_corrected_address_gets_what_failed(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.mail.refuse(&user.address(), no_such_user());
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2026-12-03 10:00").await;
    assert_eq!(world.mails_to(&user).len(), 0);
    world.mail.accept(&user.address());
    world.set_user(&user, "email = 'typo@example.com'").await;
    world.set_user(&user, &format!("email = '{}'", user.address().to_uppercase())).await;
    world.set_user(&user, &format!("email = '{}'", user.address())).await;
    world.walk("2026-12-04 09:00").await;
    assert_eq!(world.mails_to(&user).len(), 0, "back at the address that failed");
    world.set_user(&user, "email = 'right@example.com'").await;
    world.walk("2026-12-05 09:00").await;
    let kinds = db.rows("SELECT kind, state FROM notices").await;
    assert_eq!(kinds, [["announcement", "sent"]]);
    let addresses = db.rows("SELECT address FROM mails ORDER BY attempted_at").await.concat();
    assert_eq!(addresses, [user.address(), "right@example.com".to_owned()]);
    world.finish().await;
}

async fn r6_after_all_a_corrected_address_gets_what_came_back(db: &TestDatabase) {
    let (world, _, user) = announced(db).await;
    bounce(&world, &user, Verdict::NoSuchAddress).await;
    world.walk("2027-01-09 09:00").await;
    assert_eq!(world.mails_to(&user).len(), 1, "nothing more to an address at which nobody is");
    assert_eq!(world.skipped(&user).await, ["reminder bounced", "reminder bounced", "reminder bounced"]);
    world.set_user(&user, "email = 'right@example.com'").await;
    world.walk("2027-01-09 12:00").await;
    let sent = db.rows("SELECT kind FROM notices WHERE state = 'sent'").await;
    assert_eq!(sent, [["announcement"]], "which says all that the reminders would have");
    world.walk("2027-01-16 12:00").await;
    let sent = db.rows("SELECT kind FROM notices WHERE state = 'sent' ORDER BY due_at").await.concat();
    assert_eq!(sent, ["announcement", "reminder", "final_reminder", "now_required"]);
    world.finish().await;
}

async fn r6_after_all_who_learned_it_since_is_not_told_again(db: &TestDatabase) {
    let (world, _, user) = announced(db).await;
    world.walk("2026-12-17 09:00").await;
    assert_eq!(world.received(&user).await.last().unwrap(), "2026-12-16 09:00 reminder");
    bounce(&world, &user, Verdict::Refused).await;
    world.walk("2027-01-02 09:00").await;
    assert_eq!(world.received(&user).await.last().unwrap(), "2027-01-01 09:00 reminder", "the next is tried");
    world.set_user(&user, "email = 'new@example.com'").await;
    world.walk("2027-01-04 12:00").await;
    let all = Retry::Failed { company_id: None, user_id: None };
    let store = &world.services.store;
    assert_eq!(store.retry_notices(all, true, "jo", world.now()).await.unwrap(), Retried::default());
    world.run_now().await;
    assert_eq!(world.mail.received().len(), 3, "the announcement and two reminders");
    world.finish().await;
}

async fn r6_after_all_failed_notices_are_tried_again_on_a_persons_word(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let (berlin, oslo) = (world.company("Europe/Berlin").await, world.company("Europe/Oslo").await);
    let (user, other) = (world.member(berlin, "Europe/Berlin").await, world.member(oslo, "Europe/Oslo").await);
    for user in [&user, &other] {
        world.mail.refuse(&user.address(), no_such_user());
    }
    world.set_date(berlin, "2027-01-15").await;
    world.set_date(oslo, "2027-01-15").await;
    world.walk("2026-12-03 10:00").await;
    for user in [&user, &other] {
        world.mail.accept(&user.address());
    }
    let store = &world.services.store;
    let of_berlin = Retry::Failed { company_id: Some(berlin), user_id: None };
    let retried = store.retry_notices(of_berlin, false, "jo", world.now()).await.unwrap();
    assert_eq!((retried.notices, retried.bounced.len()), (1, 0));
    world.run_now().await;
    assert_eq!(world.received(&user).await, ["2026-12-03 11:00 announcement"]);
    assert_eq!(world.mails_to(&other).len(), 0);
    let trail = db.rows("SELECT actor FROM audit_events WHERE action = 'notice_retried'").await;
    assert_eq!(trail, [["jo"]]);

    let id = db.value("SELECT id FROM notices WHERE state = 'sent'").await.parse().unwrap();
    let refused = store.retry_notices(Retry::One(id), false, "jo", world.now()).await.unwrap_err();
    assert!(matches!(refused, StoreError::Refused(_)), "{refused}");
    assert!(refused.to_string().contains("was sent"), "{refused}");
    world.finish().await;
}

async fn r6_after_all_an_address_that_came_back_needs_more_than_a_word(db: &TestDatabase) {
    let (world, berlin, user) = announced(db).await;
    bounce(&world, &user, Verdict::NoSuchAddress).await;
    world.run("2026-12-03 10:00").await;
    let store = &world.services.store;
    let failed = Retry::Failed { company_id: Some(berlin), user_id: Some(user.id) };
    let retried = store.retry_notices(failed, false, "jo", world.now()).await.unwrap();
    assert_eq!(retried, Retried { notices: 0, admin_mails: 0, addresses: 0, bounced: vec![user.id] });
    let retried = store.retry_notices(failed, true, "jo", world.now()).await.unwrap();
    assert_eq!(retried, Retried { notices: 1, admin_mails: 0, addresses: 1, bounced: vec![] });
    world.run_now().await;
    assert_eq!(world.mails_to(&user).len(), 2);
    // Another mail: what is said of the first means that alone.
    let ids: Vec<_> = world.mails_to(&user).into_iter().map(|(_, mail)| mail.mail_id).collect();
    assert_ne!(ids[0], ids[1]);
    let late = Bounce { mail: BouncedMail::Id(ids[0]), verdict: Verdict::Refused, reply: "550 5.7.1 no".to_owned() };
    store.record_bounce(&late, world.now()).await.unwrap();
    assert_eq!(db.value("SELECT state FROM notices WHERE kind = 'announcement'").await, "sent");
    let notice = db.value("SELECT id FROM notices WHERE kind = 'announcement'").await.parse().unwrap();
    let history = store.notice(notice).await.unwrap().history;
    assert!(history.iter().any(|said| said.outcome == "no_such_address"), "of every mail: {history:?}");
    // It comes back again, with the same words.
    world.run("2026-12-03 11:00").await;
    bounce(&world, &user, Verdict::NoSuchAddress).await;
    assert_eq!(db.value("SELECT state FROM notices WHERE kind = 'announcement'").await, "failed");
    world.repeats_allowed.set(true);
    world.finish().await;
}

async fn r6_after_all_each_attempt_is_on_record(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.mail.refuse_next(busy());
    world.mail.refuse_next(busy());
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2026-12-03 10:00").await;
    bounce(&world, &user, Verdict::Delayed).await;
    world.run("2026-12-03 11:00").await;
    bounce(&world, &user, Verdict::Refused).await;
    let id = db.value("SELECT id FROM notices").await.parse().unwrap();
    let notice = world.services.store.notice(id).await.unwrap();
    let said: Vec<_> = notice.history.iter().map(|said| (said.attempt, said.outcome.as_str())).collect();
    let expected =
        [(Some(1), "not_sent"), (Some(2), "not_sent"), (None, "accepted"), (None, "delayed"), (None, "refused")];
    assert_eq!(said, expected);
    assert!(notice.history[0].reply.starts_with("451 "), "{:?}", notice.history[0]);
    assert_eq!(notice.record.server_reply.as_deref(), Some("550 5.1.1 unknown"));
    assert!(notice.mail.unwrap().bounced_at.is_some());
    world.finish().await;
}

async fn r6_after_all_an_address_that_was_bad_from_the_start(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_user(&user, "email_status = 'bounced'").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2026-12-03 10:00").await;
    assert_eq!(world.mails_to(&user).len(), 0);
    let unreachable = world.services.store.unreachable(None, &world.services.policy).await.unwrap();
    assert_eq!(unreachable.len(), 1);
    world.set_user(&user, "email = 'right@example.com'").await;
    world.walk("2026-12-03 12:00").await;
    assert_eq!(db.rows("SELECT kind, state FROM notices").await, [["announcement", "sent"]]);
    world.finish().await;
}

async fn r6_after_all_a_date_that_moved_while_mail_came_back(db: &TestDatabase) {
    let (world, berlin, user) = announced(db).await;
    world.walk("2026-12-17 09:00").await;
    bounce(&world, &user, Verdict::NoSuchAddress).await;
    world.set_date(berlin, "2027-06-15").await;
    world.walk("2026-12-18 12:00").await;
    world.set_user(&user, "email = 'right@example.com'").await;
    world.walk("2026-12-18 14:00").await;
    let sql =
        "SELECT n.kind FROM notices AS n JOIN mails AS l ON l.id = n.mail_id WHERE l.address = 'right@example.com'";
    assert_eq!(db.rows(sql).await, [["rescheduled"]], "the announcement had arrived");
    world.finish().await;
}

async fn r6_after_all_an_address_corrected_before_the_mail_came_back(db: &TestDatabase) {
    let (world, _, user) = announced(db).await;
    world.set_user(&user, "email = 'right@example.com'").await;
    world.run_now().await;
    bounce(&world, &user, Verdict::NoSuchAddress).await;
    assert_eq!(db.value("SELECT email_status FROM users").await, "ok");
    world.walk("2026-12-03 12:00").await;
    let sql = "SELECT l.address, n.state FROM notices AS n JOIN mails AS l ON l.id = n.mail_id";
    assert_eq!(db.rows(sql).await, [["right@example.com", "sent"]]);
    world.finish().await;
}

async fn r6_after_all_an_address_that_is_good_again_on_a_persons_word(db: &TestDatabase) {
    let (world, berlin, user) = announced(db).await;
    // All notices have arrived; what came back was something else.
    world.set_user(&user, "email_status = 'bounced'").await;
    let unreachable = world.services.store.unreachable(Some(berlin), &world.services.policy).await.unwrap();
    assert_eq!(unreachable.len(), 1, "nothing more reaches them");
    let store = &world.services.store;
    let theirs = Retry::Failed { company_id: None, user_id: Some(user.id) };
    let left = store.retry_notices(theirs, false, "jo", world.now()).await.unwrap();
    assert_eq!(left.bounced, [user.id]);
    let retried = store.retry_notices(theirs, true, "jo", world.now()).await.unwrap();
    assert_eq!((retried.notices, retried.addresses), (0, 1));
    world.walk("2026-12-17 09:00").await;
    assert_eq!(world.received(&user).await, ["2026-12-01 10:15 announcement", "2026-12-16 09:00 reminder"]);
    world.finish().await;
}
