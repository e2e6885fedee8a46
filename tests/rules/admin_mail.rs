//! Mail to admins: decisions, digests and the report of the day; each once, and apart from notices.

use mfa_enforcer::mail::compose::Composed;
use mfa_enforcer::store::claim::ClaimTerms;
use mfa_enforcer::store::reconcile::Authority;

use super::world::{User, World, at, busy, no_such_user, no_turn, shown};
use crate::support::{TestDatabase, on_both};

on_both!(
    every_decision_is_told_to_all_admins,
    a_decision_of_the_vendor_s_application_is_told,
    a_date_that_is_held_says_why_and_how_to_release_it,
    decisions_at_once_are_told_once,
    digests_come_weekly_then_daily_and_the_report_after_the_day,
    a_digest_names_who_is_not_ready_and_who_was_never_reached,
    an_admin_can_do_without,
    admin_mail_is_apart_from_notices,
    a_crash_repeats_an_admin_s_mail_with_its_message_id,
    what_is_refused_is_tried_again,
    what_has_no_turn_is_not_asked_for_again_and_again,
    what_is_not_true_any_more_is_not_sent,
    a_long_sleep_gives_no_digests_of_days_that_are_over,
    of_decisions_that_follow_each_other_the_last_is_told,
    a_decision_that_was_put_off_is_not_told_after_another,
    going_back_to_the_date_in_force_is_told,
    a_later_date_beside_one_in_force_says_whom_it_tells,
    the_day_is_reported_though_it_came_before_any_digest,
    a_date_that_concerns_nobody_gives_no_digests,
    an_admin_s_corrected_address_gets_what_failed,
);

fn jo() -> Authority<'static> {
    Authority { actor: "Jo Doe", override_notice: false, reason: None }
}

/// A company with two admins, who are enrolled, and three members, who are not.
async fn company(db: &TestDatabase) -> (World<'_>, mfa_enforcer::domain::ids::Id, Vec<User>, Vec<User>) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let admins = world.members(berlin, "Europe/Berlin", 2).await;
    for admin in &admins {
        world.set_membership(berlin, admin, "role = 'admin'").await;
        world.enroll(admin).await;
    }
    let members = world.members(berlin, "Europe/Berlin", 3).await;
    world.run_now().await;
    (world, berlin, admins, members)
}

/// What an admin was told, such as `2026-12-01 10:00 decision`, by their own clock.
async fn told(world: &World<'_>, admin: &User) -> Vec<String> {
    let sql =
        format!("SELECT sent_at, kind FROM admin_mails WHERE user_id = '{}' AND state = 'sent' ORDER BY id", admin.id);
    let rows = world.db.rows(&sql).await;
    rows.iter().map(|row| format!("{} {}", shown(row[0].parse().unwrap(), admin.zone), row[1])).collect()
}

fn text(mail: &Composed) -> String {
    let parsed = mail_parser::MessageParser::default().parse(&mail.bytes).unwrap();
    let body = parsed.body_text(0).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    format!("{} | {body}", parsed.subject().unwrap())
}

/// The last mail that an admin got, subject and text on one line.
fn last(world: &World<'_>, admin: &User) -> String {
    text(&world.mails_to(admin).pop().expect("a mail").1)
}

async fn every_decision_is_told_to_all_admins(db: &TestDatabase) {
    let (world, berlin, admins, _) = company(db).await;
    let reasoned = Authority { reason: Some("Audit week"), ..jo() };
    world.order(berlin, &jo()).set_date("2027-01-15").await.unwrap();
    world.run("2026-12-01 09:01").await;
    let set = last(&world, &admins[0]);
    assert!(set.starts_with("Company 1: a second step at sign-in from Friday, 15 January 2027 | "), "{set}");
    for said in [
        "Jo Doe has set a date for Company 1",
        "from Friday, 15 January 2027, 00:00 (Europe/Berlin). In UTC it is Thursday, 14 January 2027, 23:00.",
        "3 people are written to by e-mail, from Tuesday, 1 December 2026, 10:15 (Europe/Berlin) on.",
        "mfa-enforcer enforcement cancel",
    ] {
        assert!(set.contains(said), "{said}: {set}");
    }
    assert_eq!(last(&world, &admins[1]).replace("User 2", "User 1").replace("user2", "user1"), set);

    world.order(berlin, &jo()).set_date("2027-02-15").await.unwrap();
    world.run("2026-12-01 09:02").await;
    let moved = last(&world, &admins[0]);
    assert!(moved.starts_with("Company 1: moved from Friday, 15 January 2027 to Monday, 15 February 2027"), "{moved}");

    world.order(berlin, &reasoned).hold().await.unwrap();
    world.run("2026-12-01 09:03").await;
    let held = last(&world, &admins[0]);
    assert!(held.contains("Jo Doe has put on hold") && held.contains("Reason given: Audit week"), "{held}");
    assert!(held.contains("nobody is written to") && held.contains("mfa-enforcer enforcement release"), "{held}");

    world.order(berlin, &jo()).release().await.unwrap();
    world.run("2026-12-01 09:04").await;
    let released = last(&world, &admins[0]);
    assert!(
        released.contains("Jo Doe has released") && released.contains("mfa-enforcer enforcement hold"),
        "{released}"
    );

    world.order(berlin, &jo()).cancel().await.unwrap();
    world.run("2026-12-01 09:05").await;
    let cancelled = last(&world, &admins[0]);
    assert!(cancelled.contains("Monday, 15 February 2027 is cancelled"), "{cancelled}");

    world.order(berlin, &jo()).set_date("2027-01-15").await.unwrap();
    world.walk("2027-01-15 12:00").await;
    world.order(berlin, &jo()).revert().await.unwrap();
    world.run_now().await;
    let reverted = last(&world, &admins[0]);
    assert!(
        reverted.contains("Jo Doe has undone what Company 1 required from Friday, 15 January 2027 on"),
        "{reverted}"
    );
    let decisions = "SELECT count(*) FROM admin_mails WHERE kind = 'decision' AND state = 'sent'";
    assert_eq!(db.value(decisions).await, "14", "seven, to two admins");
    world.finish().await;
}

async fn a_decision_of_the_vendor_s_application_is_told(db: &TestDatabase) {
    let (world, berlin, admins, _) = company(db).await;
    world.set_company(berlin, "enforcement_date = '2027-01-15', enforcement_set_by = 'Kim Roe'").await;
    world.run("2026-12-01 09:01").await;
    assert!(
        last(&world, &admins[0]).contains("| Hello User 1, Kim Roe has set a date"),
        "{}",
        last(&world, &admins[0])
    );
    world.clear_date(berlin).await;
    world.run("2026-12-01 09:02").await;
    let cancelled = last(&world, &admins[0]);
    assert!(cancelled.contains("Somebody who is not named has cancelled"), "{cancelled}");
    // After the day, taking the date away ends it for newcomers.
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-15 12:00").await;
    world.clear_date(berlin).await;
    world.run_now().await;
    let ended = last(&world, &admins[0]);
    assert!(ended.contains("after it had come") && ended.contains("mfa-enforcer enforcement revert"), "{ended}");
    world.finish().await;
}

async fn a_date_that_is_held_says_why_and_how_to_release_it(db: &TestDatabase) {
    let (world, berlin, admins, _) = company(db).await;
    world.set_company(berlin, "external_id = 'acme', enforcement_date = '2026-12-03'").await;
    world.run("2026-12-01 09:01").await;
    let held = last(&world, &admins[0]);
    assert!(held.contains("Why: the date leaves people less time than they are to have."), "{held}");
    assert!(held.contains("mfa-enforcer enforcement release acme --override-notice --reason 'WHY'"), "{held}");
    world.finish().await;
}

async fn decisions_at_once_are_told_once(db: &TestDatabase) {
    let (world, berlin, admins, _) = company(db).await;
    world.order(berlin, &jo()).set_date("2027-01-15").await.unwrap();
    world.walk("2027-01-15 12:00").await;
    world.order(berlin, &jo()).set_date("2027-03-15").await.unwrap();
    world.run("2027-01-15 12:01").await;
    let before = told(&world, &admins[0]).await.len();
    // It undoes the date in force and takes back the later one.
    world.order(berlin, &jo()).revert().await.unwrap();
    world.run("2027-01-15 12:02").await;
    world.run_now().await;
    assert_eq!(told(&world, &admins[0]).await.len(), before + 1);
    world.finish().await;
}

async fn digests_come_weekly_then_daily_and_the_report_after_the_day(db: &TestDatabase) {
    let (world, berlin, admins, _) = company(db).await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-03-01 12:00").await;
    let expected = [
        "2026-12-01 10:00 decision",
        "2026-12-11 09:00 digest",
        "2026-12-18 09:00 digest",
        "2026-12-25 09:00 digest",
        "2027-01-01 09:00 digest",
        "2027-01-08 09:00 digest",
        "2027-01-09 09:00 digest",
        "2027-01-10 09:00 digest",
        "2027-01-11 09:00 digest",
        "2027-01-12 09:00 digest",
        "2027-01-13 09:00 digest",
        "2027-01-14 09:00 digest",
        "2027-01-15 09:00 day_report",
    ];
    for admin in &admins {
        assert_eq!(told(&world, admin).await, expected);
    }
    let report = last(&world, &admins[0]);
    assert!(report.starts_with("Company 1: the second step is required now, 2 of 5 have it | "), "{report}");
    assert!(report.contains("Whoever has not set it up is led through it at their next sign-in"), "{report}");
    world.finish().await;
}

async fn a_digest_names_who_is_not_ready_and_who_was_never_reached(db: &TestDatabase) {
    let (world, berlin, admins, members) = company(db).await;
    world.mail.refuse(&members[1].address(), no_such_user());
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2026-12-20 12:00").await;
    let digest = last(&world, &admins[0]);
    for said in [
        "Company 1: in 28 days a second step at sign-in, 2 of 5 are ready",
        "2 of 5 people at Company 1 have set up the second step for",
        "[################------------------------] 40 %",
        "Not ready: 3 people - User 3 (user3@example.com) - User 4 (user4@example.com) - User 5 (user5@example.com)",
        "Never reached: 1 person",
        "mail to their address fails",
    ] {
        assert!(digest.contains(said), "{said}: {digest}");
    }
    let never = digest.split("Never reached").nth(1).unwrap();
    assert!(never.contains("- User 4 (user4@example.com)") && !never.contains("User 3"), "{never}");
    let unreachable = world.services.store.unreachable(Some(berlin), &world.services.policy).await.unwrap();
    assert_eq!((unreachable.len(), unreachable[0].people, unreachable[0].example), (1, 1, members[1].id));
    // Whom a later notice reaches, or who enrolls, is on the list no more.
    world.mail.accept(&members[1].address());
    world.walk("2027-01-02 12:00").await;
    assert!(world.services.store.unreachable(None, &world.services.policy).await.unwrap().is_empty());
    assert!(!last(&world, &admins[0]).contains("Never reached"));
    world.finish().await;
}

async fn an_admin_can_do_without(db: &TestDatabase) {
    let (world, berlin, admins, _) = company(db).await;
    world.set_membership(berlin, &admins[0], "admin_mail = 'decisions'").await;
    world.set_membership(berlin, &admins[1], "admin_mail = 'none'").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-16 12:00").await;
    assert_eq!(told(&world, &admins[0]).await, ["2026-12-01 10:00 decision"]);
    assert!(world.mails_to(&admins[1]).is_empty());
    world.finish().await;
}

async fn admin_mail_is_apart_from_notices(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let admin = world.member(berlin, "Europe/Berlin").await;
    world.set_membership(berlin, &admin, "role = 'admin'").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-16 12:00").await;
    let of_notices = "SELECT kind FROM notices WHERE state = 'sent' ORDER BY due_at";
    let kinds = ["announcement", "reminder", "reminder", "reminder", "reminder", "final_reminder", "now_required"];
    assert_eq!(db.rows(of_notices).await.concat(), kinds, "an admin is a member as well, and told both");
    assert_eq!(told(&world, &admin).await.len(), 13);
    world.finish().await;
}

async fn a_crash_repeats_an_admin_s_mail_with_its_message_id(db: &TestDatabase) {
    let (world, berlin, admins, _) = company(db).await;
    world.set_date(berlin, "2027-01-15").await;
    world.task("reconcile", "2026-12-01 09:00").await;
    world.services.store.make_decisions(world.now(), 100).await.unwrap();
    let terms = ClaimTerms {
        limit: 10,
        lease: world.services.limits.lease,
        message_id_domain: world.services.mailer.message_id_domain().to_owned(),
    };
    let policy = &world.services.policy;
    let claim = world.services.store.claim_admin_mails(&terms, world.now(), policy).await.unwrap().unwrap();
    assert_eq!(claim.mails.len(), 2);
    // Another daemon finds nothing while the claim holds.
    assert!(world.services.store.claim_admin_mails(&terms, world.now(), policy).await.unwrap().is_none());
    let handed = world.services.mailer.prepare_admin(&claim.mails[0].message).unwrap();
    world.lease_over();
    world.run_now().await;
    let sent: Vec<_> = world.mails_to(&admins[0]);
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].1.message_id, handed.message_id);
    assert_eq!(db.rows("SELECT DISTINCT attempts, state FROM admin_mails").await, [["2", "sent"]]);
    world.finish().await;
}

async fn what_is_refused_is_tried_again(db: &TestDatabase) {
    let (world, berlin, admins, members) = company(db).await;
    world.mail.refuse(&admins[0].address(), busy());
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2026-12-01 12:00").await;
    assert!(world.mails_to(&admins[0]).is_empty());
    assert_eq!(world.mails_to(&admins[1]).len(), 1, "one who cannot be reached stops nobody else");
    assert_eq!(world.mails_to(&members[0]).len(), 1);
    world.mail.accept(&admins[0].address());
    world.walk("2026-12-01 14:00").await;
    assert_eq!(world.mails_to(&admins[0]).len(), 1);
    assert_eq!(db.value("SELECT count(DISTINCT message_id) FROM admin_mails").await, "2");
    world.finish().await;
}

/// Nothing has changed that another run would have to do with.
async fn what_has_no_turn_is_not_asked_for_again_and_again(db: &TestDatabase) {
    let (world, berlin, admins, _) = company(db).await;
    world.order(berlin, &jo()).set_date("2027-01-15").await.unwrap();
    for (decisions, changed) in [(1, true), (0, false)] {
        world.mail.refuse_next(no_turn());
        let report = world.try_task("digest").await.unwrap();
        assert_eq!((&report.detail["decisions"], report.changed), (&decisions.into(), changed), "{}", report.detail);
    }
    assert_eq!((told(&world, &admins[0]).await.len(), world.mail.attempts()), (0, 2));
    world.run("2026-12-01 09:02").await;
    assert_eq!(told(&world, &admins[0]).await, ["2026-12-01 10:02 decision"]);
    world.finish().await;
}

async fn what_is_not_true_any_more_is_not_sent(db: &TestDatabase) {
    let (world, berlin, admins, _) = company(db).await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2026-12-11 07:00").await;
    world.mail.refuse(&admins[0].address(), busy());
    world.walk("2026-12-11 09:00").await;
    world.order(berlin, &jo()).hold().await.unwrap();
    world.set_membership(berlin, &admins[0], "role = 'member'").await;
    world.mail.accept(&admins[0].address());
    world.walk("2026-12-12 12:00").await;
    let skipped = "SELECT kind, skip_reason FROM admin_mails WHERE state = 'skipped' ORDER BY id";
    assert_eq!(db.rows(skipped).await, [["digest", "no_admin"]]);
    assert_eq!(told(&world, &admins[1]).await.last().unwrap(), "2026-12-11 10:00 decision");
    // While it is held, no digests.
    world.walk("2026-12-30 12:00").await;
    assert_eq!(told(&world, &admins[1]).await.len(), 3);
    world.finish().await;
}

async fn a_long_sleep_gives_no_digests_of_days_that_are_over(db: &TestDatabase) {
    let (world, berlin, admins, _) = company(db).await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2026-12-02 07:00").await;
    world.run("2027-01-12 07:00").await;
    assert_eq!(told(&world, &admins[0]).await, ["2026-12-01 10:00 decision"]);
    world.walk("2027-01-12 12:00").await;
    assert_eq!(told(&world, &admins[0]).await[1..], ["2027-01-12 09:00 digest"]);
    // The report is of use later, too.
    world.run("2027-01-20 07:00").await;
    assert_eq!(told(&world, &admins[0]).await[2..], ["2027-01-20 08:00 day_report"]);
    world.finish().await;
}

async fn of_decisions_that_follow_each_other_the_last_is_told(db: &TestDatabase) {
    let (world, berlin, admins, _) = company(db).await;
    world.order(berlin, &jo()).set_date("2027-01-15").await.unwrap();
    world.services.clock.set(at("2026-12-01 09:01"));
    world.order(berlin, &jo()).hold().await.unwrap();
    world.services.clock.set(at("2026-12-01 09:02"));
    world.order(berlin, &jo()).release().await.unwrap();
    // Found together: the last one says what stands.
    world.run("2026-12-01 09:03").await;
    assert_eq!(told(&world, &admins[0]).await, ["2026-12-01 10:03 decision"]);
    assert!(last(&world, &admins[0]).contains("Jo Doe has released"), "{}", last(&world, &admins[0]));
    world.finish().await;
}

async fn a_decision_that_was_put_off_is_not_told_after_another(db: &TestDatabase) {
    let (world, berlin, admins, _) = company(db).await;
    world.mail.refuse(&admins[0].address(), busy());
    world.order(berlin, &jo()).set_date("2027-01-15").await.unwrap();
    world.run("2026-12-01 09:00").await;
    world.mail.accept(&admins[0].address());
    world.services.clock.set(at("2026-12-01 09:00").plus(chrono::TimeDelta::milliseconds(500)));
    world.order(berlin, &jo()).cancel().await.unwrap();
    world.walk("2026-12-02 12:00").await;
    assert_eq!(told(&world, &admins[0]).await.len(), 1);
    assert!(last(&world, &admins[0]).contains("has cancelled the date"), "{}", last(&world, &admins[0]));
    let skipped = "SELECT skip_reason FROM admin_mails WHERE state = 'skipped'";
    assert_eq!(db.rows(skipped).await, [["superseded"]]);
    world.finish().await;
}

async fn going_back_to_the_date_in_force_is_told(db: &TestDatabase) {
    let (world, berlin, admins, _) = company(db).await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-16 12:00").await;
    world.set_date(berlin, "2027-02-20").await;
    world.run("2027-01-16 12:01").await;
    world.set_date(berlin, "2027-01-15").await;
    world.run("2027-01-16 12:02").await;
    let back = last(&world, &admins[0]);
    assert!(back.starts_with("Company 1: Saturday, 20 February 2027 is cancelled"), "{back}");
    world.finish().await;
}

async fn a_later_date_beside_one_in_force_says_whom_it_tells(db: &TestDatabase) {
    let (world, berlin, admins, _) = company(db).await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-16 12:00").await;
    world.order(berlin, &jo()).set_date("2027-02-20").await.unwrap();
    world.run("2027-01-16 12:01").await;
    let later = last(&world, &admins[0]);
    assert!(later.contains("Nobody is written to because of it"), "all are required already: {later}");
    assert!(later.contains("mfa-enforcer enforcement hold"), "what is in force must not be undone with it: {later}");
    world.order(berlin, &jo()).revert().await.unwrap();
    world.run("2027-01-16 12:02").await;
    let reverted = last(&world, &admins[0]);
    assert!(reverted.contains("Another date of Company 1 goes on to stand: Saturday, 20 February 2027."), "{reverted}");
    world.finish().await;
}

async fn the_day_is_reported_though_it_came_before_any_digest(db: &TestDatabase) {
    let (world, berlin, admins, _) = company(db).await;
    let overriding = Authority { override_notice: true, reason: Some("Audit"), ..jo() };
    world.order(berlin, &overriding).set_date("2026-12-01").await.unwrap();
    world.walk("2026-12-01 12:00").await;
    assert_eq!(told(&world, &admins[0]).await, ["2026-12-01 10:00 decision", "2026-12-01 10:00 day_report"]);
    let decision = text(&world.mails_to(&admins[0])[0].1);
    assert!(decision.contains("mfa-enforcer enforcement revert"), "it has come: {decision}");
    world.finish().await;
}

async fn a_date_that_concerns_nobody_gives_no_digests(db: &TestDatabase) {
    let (world, berlin, admins, _) = company(db).await;
    db.execute("UPDATE users SET sso = true").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-20 12:00").await;
    assert_eq!(told(&world, &admins[0]).await, ["2026-12-01 10:00 decision"]);
    world.finish().await;
}

async fn an_admin_s_corrected_address_gets_what_failed(db: &TestDatabase) {
    let (world, berlin, admins, _) = company(db).await;
    world.mail.refuse(&admins[0].address(), no_such_user());
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2026-12-02 12:00").await;
    assert!(told(&world, &admins[0]).await.is_empty());
    assert_eq!(world.services.store.figures(world.now()).await.unwrap().failed_admin_mails, 1);
    world.set_user(&admins[0], "email = 'right@example.com'").await;
    world.walk("2026-12-02 13:00").await;
    assert_eq!(told(&world, &admins[0]).await, ["2026-12-02 13:00 decision"]);
    world.finish().await;
}
