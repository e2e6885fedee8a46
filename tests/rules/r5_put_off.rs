//! R5 for whom a flip is yet to require, as it was interrupted, or as somebody kept their account locked (on PostgreSQL, nobody locks
//! accounts elsewhere): only a revert undoes a flip, and so they are required by it, whatever has become of the date meanwhile.

use mfa_enforcer::domain::ids::Id;
use mfa_enforcer::store::enforcements::Ordered;
use mfa_enforcer::store::reconcile::Authority;

use sqlx::{Connection as _, PgConnection};

use super::world::{User, World, at};
use crate::support::{Kind, TestDatabase, on_both};

on_both!(
    r5_rescheduled_is_not_told_to_whom_a_flip_has_not_reached,
    r4_newcomers_are_not_required_by_an_interrupted_flip_whose_date_is_gone,
);

const JO: Authority<'static> = Authority { actor: "Jo", override_notice: false, reason: None };

/// A company whose flip at 12:00 has required all of its people, who have been told a date before, but one: that one's account
/// was locked, and perhaps the membership as well.
async fn put_off(db: &TestDatabase, membership_as_well: bool) -> (World<'_>, Id, User) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let auckland = world.company("Pacific/Auckland").await;
    let user = world.members(auckland, "Europe/Berlin", 2).await.remove(0);
    world.set_date(auckland, "2027-01-15").await;
    world.walk("2027-01-14 10:59").await;
    world.task("enforce", "2027-01-14 11:00").await;
    assert_eq!(world.required_since(&user).await, "2027-01-14 11:00");
    db.execute(&format!("DELETE FROM requirements WHERE user_id = '{}'", user.id)).await;
    world.set_user(&user, "mfa_required_at = NULL").await;
    let date =
        "(SELECT flipped_at + interval '1 microsecond' FROM enforcements WHERE company_id = memberships.company_id)";
    world.set_membership(auckland, &user, &format!("require_at = {date}")).await;
    if membership_as_well {
        db.execute(
            "INSERT INTO membership_changes (company_id, user_id, moves_date, date_becomes)
             SELECT company_id, user_id, true, require_at FROM memberships WHERE require_at IS NOT NULL",
        )
        .await;
        world.set_membership(auckland, &user, "require_at = NULL").await;
    }
    (world, auckland, user)
}

/// What becomes of the date is to be told by now, in the moment in which the account is free; then they are required.
async fn is_required_and_told_no_more_than(db: &TestDatabase, world: &World<'_>, user: &User, notices: &[&str]) {
    let told = world.received(user).await.len();
    let mut vendor = PgConnection::connect(&db.vendor_url()).await.unwrap();
    let mut open = vendor.begin().await.unwrap();
    let sql = format!("SELECT id FROM users WHERE id = '{}' FOR UPDATE", user.id);
    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut *open).await.unwrap();
    world.task("reconcile", "2027-01-14 11:01").await;
    world.task("expand", "2027-01-14 11:17").await;
    open.rollback().await.unwrap();
    assert_eq!(world.task("deliver", "2027-01-14 11:17").await.detail["waiting"], 1);
    assert_eq!(world.required_since(user).await, "");
    world.walk("2027-01-14 11:19").await;
    assert_eq!(world.received(user).await[told..], *notices);
    assert_eq!(world.skipped(user).await.last().unwrap().split(' ').nth(1), Some("date_stands"));
}

#[tokio::test]
async fn r5_cancelled_is_not_told_to_whom_a_flip_put_off_postgres() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let (world, auckland, user) = put_off(db, true).await;
    world.clear_date(auckland).await;
    // As the others, who are told on their morning only while the date stands.
    is_required_and_told_no_more_than(db, &world, &user, &[]).await;
    world.walk("2027-02-01 12:00").await;
    assert_eq!(world.required_since(&user).await, "2027-01-14 11:17");
    // What required them is undone: now the date does not stand any more.
    let told = world.received(&user).await.len();
    assert_eq!(world.order(auckland, &JO).revert().await.unwrap(), Ordered::Done);
    world.walk("2027-02-02 12:00").await;
    assert_eq!(world.received(&user).await[told..], ["2027-02-01 13:15 cancelled"]);
    world.finish().await;
}

#[tokio::test]
async fn r5_rescheduled_is_not_told_to_whom_a_flip_put_off_postgres() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let (world, auckland, user) = put_off(db, false).await;
    world.set_date(auckland, "2027-06-15").await;
    is_required_and_told_no_more_than(db, &world, &user, &["2027-01-14 12:17 now_required"]).await;
    let told = world.received(&user).await.len();
    // What required them is undone: now the later date concerns them.
    world.walk("2027-01-20 12:00").await;
    assert_eq!(world.order(auckland, &JO).revert().await.unwrap(), Ordered::Done);
    world.walk("2027-05-17 12:00").await;
    assert_eq!(world.received(&user).await[told..], ["2027-01-20 13:15 rescheduled", "2027-05-15 09:00 reminder"]);
    world.finish().await;
}

/// The daemon was killed behind the first chunk.
async fn r5_rescheduled_is_not_told_to_whom_a_flip_has_not_reached(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let auckland = world.company("Pacific/Auckland").await;
    let user = world.members(auckland, "Europe/Berlin", 2).await.remove(1);
    world.set_date(auckland, "2027-01-15").await;
    world.walk("2027-01-14 10:59").await;
    let (enforcement, at_noon) = (world.enforcement(auckland).await, at("2027-01-14 11:00"));
    let flipped = world.services.store.flip_chunk(enforcement, at_noon, &world.services.policy, 1).await.unwrap();
    assert_eq!((flipped.required, flipped.more), (1, true));
    world.set_date(auckland, "2027-06-15").await;
    let told = world.received(&user).await.len();
    world.task("reconcile", "2027-01-14 11:01").await;
    world.task("expand", "2027-01-14 11:17").await;
    assert_eq!(world.task("deliver", "2027-01-14 11:17").await.detail["waiting"], 1);
    world.walk("2027-01-14 11:19").await;
    assert_eq!(world.required_since(&user).await, "2027-01-14 11:17");
    assert_eq!(world.received(&user).await[told..], ["2027-01-14 12:17 now_required"]);
    assert_eq!(world.skipped(&user).await.last().unwrap(), "rescheduled date_stands");
    world.walk("2027-01-20 11:19").await;
    world.finish().await;
}

/// The daemon was killed behind the first chunk, and the date taken back before somebody joined, and another was reactivated.
async fn r4_newcomers_are_not_required_by_an_interrupted_flip_whose_date_is_gone(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let auckland = world.company("Pacific/Auckland").await;
    let members = world.members(auckland, "Europe/Berlin", 3).await;
    world.set_date(auckland, "2027-01-15").await;
    world.walk("2026-12-20 10:00").await;
    world.set_user(&members[2], "active = false").await;
    world.walk("2027-01-14 10:59").await;
    let (enforcement, at_noon) = (world.enforcement(auckland).await, at("2027-01-14 11:00"));
    let flipped = world.services.store.flip_chunk(enforcement, at_noon, &world.services.policy, 1).await.unwrap();
    assert_eq!((flipped.required, flipped.more), (1, true));
    world.clear_date(auckland).await;
    let newcomer = world.member(auckland, "Europe/Berlin").await;
    world.set_user(&members[2], "active = true").await;
    for task in ["reconcile", "enforce", "reconcile"] {
        world.task(task, "2027-01-14 11:01").await;
    }
    assert_eq!(world.required_since(&members[1]).await, "2027-01-14 11:01");
    world.walk("2027-02-14 12:00").await;
    assert_eq!((world.required_since(&newcomer).await, world.received(&newcomer).await), (String::new(), vec![]));
    assert_eq!(world.required_since(&members[2]).await, "");
    world.finish().await;
}
