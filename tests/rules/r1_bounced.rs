//! R1 and R5: whose mail came back was not told, and where nobody is, nothing more is sent.

use mfa_enforcer::domain::bounce::{Bounce, BouncedMail, Verdict};

use super::world::{NOTHING, User, World, announced};
use crate::support::{TestDatabase, on_both};

on_both!(
    r1_eligible_only_nothing_goes_to_an_address_that_bounced,
    r1_eligible_only_a_bounce_between_two_mails_counts_at_once,
    r1_eligible_only_a_mail_that_was_refused_is_the_only_one,
    r1_eligible_only_a_mail_whose_sender_died_may_come_back,
    r5_moved_whose_mail_came_back_was_told_no_date,
    r5_moved_whose_mail_is_late_was_told,
);

/// The last mail of a user comes back.
async fn bounce(world: &World<'_>, user: &User, verdict: Verdict) {
    let (_, mail) = world.mails_to(user).pop().expect("a mail");
    let bounce = Bounce { mail: BouncedMail::Id(mail.mail_id), verdict, reply: "550 no".to_owned() };
    assert_eq!(world.services.store.record_bounce(&bounce, world.now()).await.unwrap().mails, 1);
}

async fn r1_eligible_only_nothing_goes_to_an_address_that_bounced(db: &TestDatabase) {
    let (world, berlin, user) = announced(db).await;
    let other = world.member(berlin, "Europe/Berlin").await;
    world.walk("2026-12-04 09:00").await;
    bounce(&world, &user, Verdict::NoSuchAddress).await;
    world.walk("2027-01-16 09:00").await;
    assert_eq!(world.received(&user).await, ["2026-12-01 10:15 announcement"]);
    assert!(world.received(&other).await.len() > 3, "the others hear of it");
    assert_eq!(world.required_since(&user).await, "2027-01-14 23:00", "mail or no mail");
    world.set_user(&user, "email = 'corrected@example.com'").await;
    assert_eq!(db.value(&format!("SELECT email_status FROM users WHERE id = '{}'", user.id)).await, "ok");
    world.finish().await;
}

async fn r1_eligible_only_a_bounce_between_two_mails_counts_at_once(db: &TestDatabase) {
    let (world, _, user) = announced(db).await;
    world.walk("2026-12-16 07:59").await;
    // The reminder is made; then the announcement comes back after all.
    world.task("expand", "2026-12-16 08:00").await;
    bounce(&world, &user, Verdict::NoSuchAddress).await;
    world.run("2026-12-16 08:00").await;
    assert_eq!(world.received(&user).await, ["2026-12-01 10:15 announcement"]);
    assert_eq!(world.skipped(&user).await, ["reminder bounced"]);
    world.finish().await;
}

async fn r1_eligible_only_a_mail_that_was_refused_is_the_only_one(db: &TestDatabase) {
    let (world, _, user) = announced(db).await;
    bounce(&world, &user, Verdict::Refused).await;
    world.walk("2026-12-17 09:00").await;
    assert_eq!(world.received(&user).await, ["2026-12-01 10:15 announcement", "2026-12-16 09:00 reminder"]);
    assert_eq!(world.skipped(&user).await, NOTHING);
    world.finish().await;
}

/// The daemon died when the server had taken the mail; before it could be sent again its date was moved, and it came back.
async fn r1_eligible_only_a_mail_whose_sender_died_may_come_back(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2027-01-15").await;
    world.run_now().await;
    world.task("expand", "2026-12-01 09:15").await;
    let mail = world.claim().await.mails.remove(0).message.mail_id;
    world.set_date(berlin, "2027-02-15").await;
    world.lease_over();
    world.run_now().await;
    let bounce = Bounce { mail: BouncedMail::Id(mail), verdict: Verdict::Refused, reply: "550 no".to_owned() };
    assert_eq!(world.services.store.record_bounce(&bounce, world.now()).await.unwrap().mails, 1);
    world.walk("2026-12-04 12:00").await;
    assert_eq!(world.received(&user).await.concat().split(' ').next_back(), Some("announcement"));
    world.finish().await;
}

async fn r5_moved_whose_mail_came_back_was_told_no_date(db: &TestDatabase) {
    let (world, berlin, user) = announced(db).await;
    let other = world.member(berlin, "Europe/Berlin").await;
    world.walk("2026-12-04 09:00").await;
    bounce(&world, &user, Verdict::Refused).await;
    world.set_date(berlin, "2027-02-15").await;
    world.walk("2026-12-06 12:00").await;
    assert_eq!(world.received(&user).await.last().unwrap(), "2026-12-04 10:15 announcement");
    assert!(world.received(&other).await.last().unwrap().ends_with(" rescheduled"));
    world.finish().await;
}

async fn r5_moved_whose_mail_is_late_was_told(db: &TestDatabase) {
    let (world, berlin, user) = announced(db).await;
    bounce(&world, &user, Verdict::Delayed).await;
    world.set_date(berlin, "2027-02-15").await;
    world.walk("2026-12-06 12:00").await;
    assert!(world.received(&user).await.last().unwrap().ends_with(" rescheduled"));
    world.finish().await;
}
