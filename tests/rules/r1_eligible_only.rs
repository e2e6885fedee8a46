//! R1: no notice goes to somebody who at that moment must not get it, nor from an enforcement in another state than the kind
//! needs. What counts is the moment of sending: everybody here had the notice made for them first.

use super::world::{NOTHING, World};
use crate::support::{TestDatabase, on_both};

on_both!(
    r1_eligible_only_at_the_moment_of_sending,
    r1_eligible_only_when_notices_are_made,
    r1_eligible_only_who_unenrolls_is_back,
    r1_eligible_only_sso_users_are_left_out,
    r1_eligible_only_sso_users_are_included_where_the_operator_says_so,
    r1_eligible_only_payees_whatever_their_company_says,
    r1_eligible_only_a_former_payee_is_not_told,
    r1_eligible_only_nothing_while_held,
    r1_eligible_only_no_reminder_after_the_day,
    r1_eligible_only_cancelled_goes_to_those_who_were_told,
);

/// What makes a user ineligible, and the reason that is recorded.
const CHANGES: [(&str, &str); 6] = [
    ("UPDATE users SET mfa_enrolled_at = '2026-12-20T00:00:00Z' WHERE id = '{user}'", "enrolled"),
    ("UPDATE memberships SET exempt_until = '2027-03-01T00:00:00Z' WHERE user_id = '{user}'", "exempt"),
    ("UPDATE users SET active = false WHERE id = '{user}'", "inactive"),
    ("UPDATE users SET kind = 'service' WHERE id = '{user}'", "service_account"),
    ("DELETE FROM memberships WHERE user_id = '{user}'", "not_a_member"),
    ("UPDATE users SET sso = true WHERE id = '{user}'", "sso"),
];

async fn r1_eligible_only_at_the_moment_of_sending(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let members = world.members(berlin, "Europe/Berlin", CHANGES.len() + 3).await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-01 04:00").await;
    for user in &members {
        assert_eq!(world.notices(user).await, 3, "announcement, and the reminders of 30 and 14 days before");
    }
    // Between making and sending, and without another look at the rows: the claim alone has to see it.
    for ((change, _), user) in CHANGES.iter().zip(&members) {
        db.execute(&change.replace("{user}", &user.id.to_string())).await;
    }
    let [.., bounced, deleted, stays] = members.as_slice() else { panic!() };
    world.set_user(bounced, "email_status = 'bounced'").await;
    db.execute(&format!("DELETE FROM users WHERE id = '{}'", deleted.id)).await;
    world.task("deliver", "2027-01-01 08:00").await;

    for ((_, reason), user) in CHANGES.iter().zip(&members) {
        assert_eq!(world.received(user).await.len(), 2, "{reason}: announced, and reminded 30 days before");
        assert_eq!(world.skipped(user).await, [format!("reminder {reason}")]);
    }
    assert_eq!(world.skipped(bounced).await, ["reminder bounced"]);
    assert_eq!(world.skipped(deleted).await, ["reminder user_deleted"]);
    assert_eq!(world.received(stays).await.last().unwrap(), "2027-01-01 09:00 reminder");
    world.finish().await;
}

async fn r1_eligible_only_when_notices_are_made(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let members = world.members(berlin, "Europe/Berlin", CHANGES.len() + 1).await;
    for ((change, _), user) in CHANGES.iter().zip(&members) {
        db.execute(&change.replace("{user}", &user.id.to_string())).await;
    }
    world.set_user(&members[CHANGES.len()], "email_status = 'bounced'").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-16 12:00").await;
    let (bounced, others) = members.split_last().unwrap();
    for user in others {
        assert_eq!(world.received(user).await, NOTHING);
        assert_eq!(world.notices(user).await, 0, "nothing was ever made for {user:?}");
    }
    // What an address misses is kept for when it is corrected.
    assert_eq!(world.received(bounced).await, NOTHING);
    assert!(world.skipped(bounced).await.iter().all(|skipped| skipped.ends_with(" bounced")));
    world.finish().await;
}

async fn r1_eligible_only_who_unenrolls_is_back(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    let enrolled = world.member(berlin, "Europe/Berlin").await;
    world.enroll(&enrolled).await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2026-12-10 09:00").await;
    world.enroll(&user).await;
    world.walk("2027-01-10 12:00").await;
    assert_eq!(world.received(&user).await, ["2026-12-01 10:15 announcement"]);
    world.set_user(&user, "mfa_enrolled_at = NULL").await;
    world.set_user(&enrolled, "mfa_enrolled_at = NULL").await;
    world.walk("2027-01-16 12:00").await;
    let rest = ["2027-01-12 09:00 reminder", "2027-01-14 09:00 final_reminder", "2027-01-15 09:00 now_required"];
    assert_eq!(world.received(&user).await[1..], rest);
    assert_eq!(world.received(&enrolled).await, rest);
    assert_eq!(world.required_since(&user).await, "2027-01-14 23:00");
    world.finish().await;
}

async fn r1_eligible_only_sso_users_are_left_out(db: &TestDatabase) {
    assert_eq!(a_rollout_to_an_sso_user(db, true).await, NOTHING);
}

async fn r1_eligible_only_sso_users_are_included_where_the_operator_says_so(db: &TestDatabase) {
    let expected = [
        "2026-12-01 10:15 announcement",
        "2026-12-02 09:00 reminder",
        "2026-12-06 09:00 reminder",
        "2026-12-08 09:00 final_reminder",
    ];
    assert_eq!(a_rollout_to_an_sso_user(db, false).await, expected);
}

async fn a_rollout_to_an_sso_user(db: &TestDatabase, leave_out: bool) -> Vec<String> {
    let mut world = World::begin(db, "2026-12-01 09:00").await;
    world.policy().leave_out_sso = leave_out;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_user(&user, "sso = true").await;
    world.set_date(berlin, "2026-12-09").await;
    world.walk("2026-12-09 00:00").await;
    assert_eq!(world.required_since(&user).await.is_empty(), leave_out);
    world.finish().await;
    world.received(&user).await
}

async fn r1_eligible_only_payees_whatever_their_company_says(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let [sso, exempt, enrolled, service, inactive] = {
        let members = world.members(berlin, "Europe/Berlin", 5).await;
        [members[0], members[1], members[2], members[3], members[4]]
    };
    world.set_user(&sso, "sso = true").await;
    world.set_membership(berlin, &exempt, "exempt_until = '2028-01-01T00:00:00Z'").await;
    world.enroll(&enrolled).await;
    world.set_user(&service, "kind = 'service'").await;
    world.set_user(&inactive, "active = false").await;
    let alone = world.user("America/New_York").await;
    db.execute("UPDATE users SET payee = true").await;
    world.run("2026-12-01 15:00").await;
    for user in [&sso, &exempt] {
        assert_eq!(world.received(user).await, ["2026-12-01 16:00 now_required"]);
    }
    assert_eq!(world.received(&alone).await, ["2026-12-01 10:00 now_required"], "of no company at all");
    for user in [&sso, &exempt, &enrolled, &alone] {
        assert_eq!(world.required_since(user).await, "2026-12-01 15:00");
    }
    for user in [&service, &inactive] {
        assert_eq!(world.received(user).await, NOTHING);
        assert_eq!(world.required_since(user).await, "");
    }
    assert_eq!(world.received(&enrolled).await, NOTHING);
    // The inactive one comes back: the mandate holds for active persons.
    world.set_user(&inactive, "active = true").await;
    world.run("2026-12-02 15:00").await;
    assert_eq!(world.received(&inactive).await, ["2026-12-02 16:00 now_required"]);
    world.finish().await;
}

async fn r1_eligible_only_a_former_payee_is_not_told(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let user = world.user("Europe/Berlin").await;
    world.set_user(&user, "payee = true").await;
    world.task("reconcile", "2026-12-01 09:00").await;
    world.set_user(&user, "payee = false").await;
    world.task("deliver", "2026-12-01 09:00").await;
    assert_eq!(world.received(&user).await, NOTHING);
    assert_eq!(world.skipped(&user).await, ["now_required not_a_payee"]);
    world.finish().await;
}

async fn r1_eligible_only_nothing_while_held(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-01 04:00").await;
    assert_eq!(world.received(&user).await.len(), 2);
    // The reminder of 14 days before is made, and due at eight.
    world.set_company(berlin, "mfa_available = false").await;
    world.walk("2027-01-20 12:00").await;
    assert_eq!(world.enforcements(berlin).await, ["2027-01-15 held"]);
    assert_eq!(world.received(&user).await.len(), 2, "nothing since");
    assert_eq!(world.skipped(&user).await, NOTHING, "and nothing is given up: it may be released");
    let late = world.member(berlin, "Europe/Berlin").await;
    world.walk("2027-01-30 12:00").await;
    assert_eq!(world.received(&late).await, NOTHING, "nor a welcome");
    assert_eq!(world.required_since(&user).await, "", "nor is anybody required");
    world.finish().await;
}

async fn r1_eligible_only_no_reminder_after_the_day(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-14 04:00").await;
    // The final reminder is made, and the daemon is away until the day has come, but not yet the morning.
    world.run("2027-01-14 23:30").await;
    assert_eq!(world.received(&user).await.len(), 5, "{:?}", world.received(&user).await);
    assert_eq!(world.skipped(&user).await, ["final_reminder out_of_state"]);
    world.walk("2027-01-15 12:00").await;
    assert_eq!(world.received(&user).await[5..], ["2027-01-15 09:00 now_required"]);
    world.finish().await;
}

async fn r1_eligible_only_cancelled_goes_to_those_who_were_told(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let [told, untold, enrolled] = {
        let members = world.members(berlin, "Europe/Berlin", 3).await;
        [members[0], members[1], members[2]]
    };
    world.mail.refuse(&untold.address(), super::world::busy());
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2026-12-03 09:00").await;
    world.mail.accept(&untold.address());
    world.enroll(&enrolled).await;
    world.clear_date(berlin).await;
    world.walk("2026-12-05 09:00").await;
    assert_eq!(world.received(&told).await, ["2026-12-01 10:15 announcement", "2026-12-03 10:15 cancelled"]);
    assert_eq!(world.received(&untold).await, NOTHING, "nothing was ever received, so nothing is taken back");
    assert_eq!(world.received(&enrolled).await, ["2026-12-01 10:15 announcement"]);
    world.finish().await;
}
