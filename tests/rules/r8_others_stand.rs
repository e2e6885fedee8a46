//! R8: one company cancelling or moving never clears what another company, or being a payee, demands; leaving a company
//! clears nothing.

use super::world::{User, World};
use crate::support::{TestDatabase, on_both};
use mfa_enforcer::domain::ids::Id;

on_both!(
    r8_others_stand_when_one_company_cancels_before_the_day,
    r8_others_stand_when_one_company_clears_its_date_in_force,
    r8_others_stand_when_a_company_is_deleted,
    r8_others_stand_for_who_leaves,
    r8_others_stand_for_who_is_a_payee_no_more,
    r8_others_stand_when_the_vendor_saves_the_whole_row,
);

async fn at_two_companies(db: &TestDatabase) -> (World<'_>, [Id; 2], User) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let companies = [world.company("Europe/Berlin").await, world.company("Europe/Berlin").await];
    let user = world.member(companies[0], "Europe/Berlin").await;
    world.join(companies[1], &user).await;
    world.set_date(companies[0], "2027-01-15").await;
    world.set_date(companies[1], "2027-02-15").await;
    (world, companies, user)
}

async fn uncleared(db: &TestDatabase) -> Vec<Vec<String>> {
    db.rows(
        "SELECT e.enforcement_date FROM requirements AS r JOIN enforcements AS e ON e.id = r.enforcement_id
         WHERE r.cleared_at IS NULL ORDER BY e.enforcement_date",
    )
    .await
}

async fn r8_others_stand_when_one_company_cancels_before_the_day(db: &TestDatabase) {
    let (world, [one, _], user) = at_two_companies(db).await;
    world.walk("2026-12-10 12:00").await;
    world.clear_date(one).await;
    world.walk("2027-02-16 12:00").await;
    assert_eq!(world.required_since(&user).await, "2027-02-14 23:00");
    assert_eq!(uncleared(db).await, [["2027-02-15"]]);
    assert_eq!(
        world.received(&user).await[..3],
        ["2026-12-01 10:15 announcement + announcement", "2026-12-10 13:15 cancelled", "2027-01-16 09:00 reminder"]
    );
    world.finish().await;
}

async fn r8_others_stand_when_one_company_clears_its_date_in_force(db: &TestDatabase) {
    let (world, [one, two], user) = at_two_companies(db).await;
    world.walk("2027-02-20 12:00").await;
    for company in [one, two] {
        world.clear_date(company).await;
        world.walk("2027-03-01 12:00").await;
        assert_eq!(world.required_since(&user).await, "2027-01-14 23:00");
        assert_eq!(uncleared(db).await, [["2027-01-15"], ["2027-02-15"]]);
    }
    world.finish().await;
}

async fn r8_others_stand_when_a_company_is_deleted(db: &TestDatabase) {
    let (world, [one, two], user) = at_two_companies(db).await;
    world.walk("2027-01-20 12:00").await;
    db.execute(&format!("DELETE FROM companies WHERE id = '{two}'")).await;
    world.walk("2027-03-01 12:00").await;
    assert_eq!(world.enforcements(two).await, ["2027-02-15 cancelled"], "what was open");
    assert!(
        world.received(&user).await.iter().all(|line| !line.contains("2027-02")),
        "{:?}",
        world.received(&user).await
    );
    db.execute(&format!("DELETE FROM companies WHERE id = '{one}'")).await;
    world.walk("2027-03-05 12:00").await;
    assert_eq!(world.required_since(&user).await, "2027-01-14 23:00");
    assert_eq!(uncleared(db).await, [["2027-01-15"]]);
    world.finish().await;
}

async fn r8_others_stand_for_who_leaves(db: &TestDatabase) {
    let (world, [one, two], user) = at_two_companies(db).await;
    world.walk("2027-01-20 12:00").await;
    db.execute(&format!("DELETE FROM memberships WHERE company_id = '{one}'")).await;
    world.walk("2027-01-21 12:00").await;
    assert_eq!(world.required_since(&user).await, "2027-01-14 23:00");
    db.execute(&format!("DELETE FROM memberships WHERE company_id = '{two}'")).await;
    world.walk("2027-02-20 12:00").await;
    assert_eq!(uncleared(db).await, [["2027-01-15"]], "and nothing new for who had left");
    world.finish().await;
}

async fn r8_others_stand_for_who_is_a_payee_no_more(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_user(&user, "payee = true").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-20 12:00").await;
    world.clear_date(berlin).await;
    world.walk("2027-01-21 12:00").await;
    world.set_user(&user, "payee = false").await;
    world.walk("2027-01-22 12:00").await;
    assert_eq!(world.required_since(&user).await, "2026-12-01 09:00");
    assert_eq!(uncleared(db).await, [["1970-01-01"], ["2027-01-15"]]);
    world.finish().await;
}

async fn r8_others_stand_when_the_vendor_saves_the_whole_row(db: &TestDatabase) {
    let (world, _, user) = at_two_companies(db).await;
    world.walk("2027-01-20 12:00").await;
    // An application that read the row before the day, and saves it after.
    world.set_user(&user, "mfa_required_at = NULL, name = 'Ada'").await;
    world.run("2027-01-20 12:01").await;
    assert_eq!(world.required_since(&user).await, "2027-01-14 23:00", "put right by the next tick");
    world.set_user(&user, "mfa_required_at = '2020-01-01T00:00:00Z'").await;
    world.run("2027-01-20 12:02").await;
    assert_eq!(world.required_since(&user).await, "2027-01-14 23:00");
    world.finish().await;
}
