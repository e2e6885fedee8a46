//! R2 and R5 for a mail of several companies that is tried again while the row of one is being changed, or its date is held: it goes
//! whole, or what it does not carry counts as untold. (The vendor locks single rows on PostgreSQL alone.)

use mfa_enforcer::domain::ids::Id;
use mfa_enforcer::mail::transport::SendError;
use mfa_enforcer::store::enforcements::Ordered;
use mfa_enforcer::store::reconcile::Authority;
use sqlx::{Connection as _, PgConnection};

use super::world::{NOTHING, User, World, busy, lost_answer};
use crate::support::{Kind, TestDatabase, on_both};

on_both!(
    r2_once_what_was_held_when_a_refused_mail_was_tried_again_is_in_another,
    r5_cancelled_is_not_told_to_whom_a_refused_mail_would_have_told_a_date_that_was_held,
    r1_eligible_only_no_welcome_to_a_date_that_is_held_whatever_else_is_due,
);

const JO: Authority<'static> = Authority { actor: "Jo", override_notice: false, reason: None };

/// A member of two companies, whose announcements are in one mail, which the server has answered so. The second company.
async fn tried_once(db: &TestDatabase, answer: SendError) -> (World<'_>, Id, User) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let (one, two) = (world.company("Europe/Berlin").await, world.company("Europe/Berlin").await);
    let user = world.member(one, "Europe/Berlin").await;
    world.join(two, &user).await;
    world.set_date(one, "2027-01-15").await;
    world.set_date(two, "2027-01-20").await;
    world.run_now().await;
    world.mail.refuse_next(answer);
    world.run("2026-12-01 09:15").await;
    assert_eq!(db.rows("SELECT state FROM mails").await, [["deferred"]]);
    (world, two, user)
}

/// The mail is due again while a transaction of the vendor's writes `columns` of the company's row.
async fn tried_while_writing(db: &TestDatabase, world: &World<'_>, company: Id, columns: &str) {
    let mut vendor = PgConnection::connect(&db.vendor_url()).await.unwrap();
    let mut open = vendor.begin().await.unwrap();
    let sql = format!("UPDATE companies SET {columns} WHERE id = '{company}'");
    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut *open).await.unwrap();
    world.run("2026-12-01 10:15").await;
    world.run("2026-12-01 10:16").await;
    open.commit().await.unwrap();
}

#[tokio::test]
async fn r5_cancelled_is_not_told_to_whom_a_refused_mail_would_have_told_the_date_postgres() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let (world, two, user) = tried_once(db, busy()).await;
    tried_while_writing(db, &world, two, "enforcement_date = NULL").await;
    world.walk("2026-12-05 12:00").await;
    assert_eq!(world.received(&user).await, ["2026-12-01 11:15 announcement"]);
    world.finish().await;
}

#[tokio::test]
async fn r5_rescheduled_is_not_told_to_whom_a_refused_mail_would_have_told_the_date_postgres() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let (world, two, user) = tried_once(db, busy()).await;
    tried_while_writing(db, &world, two, "enforcement_date = '2027-02-10'").await;
    world.walk("2026-12-05 12:00").await;
    assert_eq!(world.received(&user).await, ["2026-12-01 11:15 announcement", "2026-12-02 08:00 announcement"]);
    world.finish().await;
}

#[tokio::test]
async fn r2_once_what_a_refused_mail_did_not_carry_is_in_another_postgres() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let (world, two, user) = tried_once(db, busy()).await;
    tried_while_writing(db, &world, two, "name = 'Another name'").await;
    world.walk("2026-12-05 12:00").await;
    let mails = world.mails_to(&user);
    assert_eq!(mails.len(), 2);
    assert_ne!(mails[0].1.message_id, mails[1].1.message_id);
    assert_eq!(db.value("SELECT count(*) FROM mails WHERE state = 'sent'").await, "2");
    world.finish().await;
}

#[tokio::test]
async fn r2_once_a_mail_of_unknown_outcome_waits_for_all_that_it_carried_postgres() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let (world, two, user) = tried_once(db, lost_answer()).await;
    world.repeats_allowed.set(true);
    tried_while_writing(db, &world, two, "name = 'Another name'").await;
    assert_eq!(world.mails_to(&user).len(), 1);
    world.walk("2026-12-05 12:00").await;
    let mails = world.mails_to(&user);
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[0].1.message_id, mails[1].1.message_id);
    assert_eq!(world.received(&user).await[1], "2026-12-01 11:16 announcement + announcement");
    assert_eq!(db.rows("SELECT state FROM mails").await, [["sent"]]);
    world.finish().await;
}

async fn r2_once_what_was_held_when_a_refused_mail_was_tried_again_is_in_another(db: &TestDatabase) {
    let (world, two, user) = tried_once(db, busy()).await;
    assert_eq!(world.order(two, &JO).hold().await.unwrap(), Ordered::Done);
    world.walk("2026-12-03 12:00").await;
    assert_eq!(world.mails_to(&user).len(), 1);
    assert_eq!(world.order(two, &JO).release().await.unwrap(), Ordered::Done);
    world.walk("2026-12-05 12:00").await;
    let mails = world.mails_to(&user);
    assert_eq!(mails.len(), 2);
    assert_ne!(mails[0].1.message_id, mails[1].1.message_id);
    assert!(world.received(&user).await.iter().all(|received| received.ends_with(" announcement")));
    world.finish().await;
}

async fn r5_cancelled_is_not_told_to_whom_a_refused_mail_would_have_told_a_date_that_was_held(db: &TestDatabase) {
    let (world, two, user) = tried_once(db, busy()).await;
    assert_eq!(world.order(two, &JO).hold().await.unwrap(), Ordered::Done);
    world.walk("2026-12-03 12:00").await;
    world.clear_date(two).await;
    world.walk("2026-12-05 12:00").await;
    assert_eq!(world.mails_to(&user).len(), 1);
    world.finish().await;
}

/// It does not wait for weeks; and what is on record as sent is not tried again.
#[tokio::test]
async fn r2_once_a_mail_of_unknown_outcome_does_not_wait_for_what_is_held_postgres() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let (world, two, user) = tried_once(db, lost_answer()).await;
    world.repeats_allowed.set(true);
    assert_eq!(world.order(two, &JO).hold().await.unwrap(), Ordered::Done);
    world.walk("2026-12-03 12:00").await;
    let record = "SELECT state, sent_at FROM mails ORDER BY attempted_at LIMIT 1";
    let recorded = db.rows(record).await;
    assert_eq!((world.mails_to(&user).len(), recorded[0][0].as_str()), (2, "sent"));
    assert_eq!(world.order(two, &JO).release().await.unwrap(), Ordered::Done);
    world.walk("2026-12-05 12:00").await;
    let mails = world.mails_to(&user);
    let ids: Vec<_> = mails.iter().map(|(_, mail)| &mail.message_id).collect();
    assert!(ids.len() == 3 && ids[0] == ids[1] && ids[1] != ids[2], "{ids:?}");
    assert_eq!(db.rows(record).await, recorded);
    assert_eq!(world.skipped(&user).await, NOTHING);
    world.finish().await;
}

async fn r1_eligible_only_no_welcome_to_a_date_that_is_held_whatever_else_is_due(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let companies = [world.company("Europe/Berlin").await, world.company("Europe/Berlin").await];
    for company in companies {
        world.set_date(company, "2027-01-15").await;
    }
    world.walk("2026-12-03 09:00").await;
    let user = world.user("Europe/Berlin").await;
    for company in companies {
        world.join(company, &user).await;
    }
    world.mail.refuse_next(busy());
    world.run("2026-12-03 10:00").await;
    assert_eq!(world.order(companies[1], &JO).hold().await.unwrap(), Ordered::Done);
    world.walk("2026-12-05 12:00").await;
    let received: Vec<_> = world.received(&user).await.iter().map(|one| one[17..].to_owned()).collect();
    assert_eq!(received, ["welcome"]);
    world.finish().await;
}
