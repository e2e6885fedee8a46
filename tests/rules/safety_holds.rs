//! What speaks against a company's day is warned of twice before it, and holds it where the operator wants that.

use mfa_enforcer::domain::ids::Id;
use mfa_enforcer::domain::safety::{Response, SafetyPolicy};
use mfa_enforcer::store::StoreError;
use mfa_enforcer::store::enforcements::Ordered;
use mfa_enforcer::store::forecast::Proposal;
use mfa_enforcer::store::reconcile::Authority;

use super::world::{User, World, at, no_such_user};
use crate::support::{TestDatabase, on_both};

on_both!(
    safety_warns_a_week_and_a_day_before_once_each,
    safety_warns_of_what_is_exceeded_alone,
    safety_that_is_ignored_says_nothing,
    safety_warns_late_when_the_daemon_was_down,
    safety_does_not_warn_of_what_is_held_or_moved,
    safety_holds_where_no_admin_is_enrolled,
    safety_holds_where_too_few_are_enrolled,
    safety_holds_where_too_few_were_told,
    a_safety_hold_names_all_that_speaks_against_the_day,
    safety_counts_only_mail_of_this_company_with_this_date,
    safety_holds_nobody_who_is_ready,
    safety_holds_for_no_company_without_subjects,
    safety_that_warns_does_not_hold,
    r4_not_late_a_release_takes_the_risk_on,
    a_new_date_after_a_safety_hold_is_judged_anew,
    a_risk_that_is_over_is_shown_no_more,
    a_safety_hold_is_foretold,
    a_safety_hold_elsewhere_is_foretold,
);

const OVERRIDE: Authority<'static> = Authority { actor: "Jo", override_notice: true, reason: Some("we go ahead") };
const PLAIN: Authority<'static> = Authority { actor: "Jo", override_notice: false, reason: None };

const IGNORE_ALL: SafetyPolicy = SafetyPolicy {
    no_enrolled_admin: Response::Ignore,
    not_enrolled: Response::Ignore,
    not_enrolled_percent: 50,
    not_told: Response::Ignore,
    not_told_percent: 10,
};

/// A company in Berlin whose day is 2027-01-15, with an admin and nine members, of whom nobody is enrolled.
async fn company(db: &TestDatabase, safety: SafetyPolicy) -> (World<'_>, Id, Vec<User>) {
    let mut world = World::begin(db, "2026-12-01 09:00").await;
    world.policy().safety = safety;
    let berlin = world.company("Europe/Berlin").await;
    let users = world.members(berlin, "Europe/Berlin", 10).await;
    world.set_membership(berlin, &users[0], "role = 'admin'").await;
    world.set_date(berlin, "2027-01-15").await;
    world.run_now().await;
    (world, berlin, users)
}

/// When it was warned of what: `2027-01-07 23:00 7 no_enrolled_admin too_few_enrolled`.
async fn warnings(db: &TestDatabase) -> Vec<String> {
    let sql =
        "SELECT at, detail FROM audit_events WHERE action = 'enforcement_at_risk' AND actor = 'daemon' ORDER BY seq";
    let mut warnings = Vec::new();
    for row in db.rows(sql).await {
        let detail: serde_json::Value = serde_json::from_str(&row[1]).unwrap();
        let found = detail["findings"].as_array().unwrap().iter().map(|one| one["what"].as_str().unwrap());
        let words: Vec<String> =
            [row[0].clone(), detail["days"].to_string()].into_iter().chain(found.map(str::to_owned)).collect();
        warnings.push(words.join(" "));
    }
    warnings
}

async fn state(db: &TestDatabase) -> Vec<String> {
    let sql =
        "SELECT state, COALESCE(reason, '-') FROM enforcements WHERE company_id IS NOT NULL ORDER BY created_at, id";
    db.rows(sql).await.into_iter().map(|row| row.join(" ")).collect()
}

async fn required(db: &TestDatabase) -> String {
    db.value("SELECT count(*) FROM users WHERE mfa_required_at IS NOT NULL").await
}

async fn safety_warns_a_week_and_a_day_before_once_each(db: &TestDatabase) {
    let (world, berlin, users) = company(db, SafetyPolicy::default()).await;
    world.walk("2027-01-07 22:59").await;
    assert!(warnings(db).await.is_empty());
    assert!(world.services.store.risks(world.now(), &world.services.policy).await.unwrap().is_empty());
    world.run("2027-01-07 23:00").await;
    world.run("2027-01-07 23:01").await;
    let first = "2027-01-07T23:00:00.000000Z 7 no_enrolled_admin too_few_enrolled";
    assert_eq!(warnings(db).await, [first]);
    let risks = world.services.store.risks(world.now(), &world.services.policy).await.unwrap();
    assert_eq!((risks.len(), risks[0].company_id, risks[0].findings.len()), (1, berlin, 2));
    let figures = world.services.store.risk_figures().await.unwrap();
    assert_eq!((figures.held, figures.at_risk), (0, 1));
    for user in &users[1..8] {
        world.enroll(user).await;
    }
    world.walk("2027-01-20 12:00").await;
    assert_eq!(warnings(db).await, [first, "2027-01-13T23:00:00.000000Z 1 no_enrolled_admin"]);
    assert_eq!(state(db).await, ["in_force -"]);
    assert_eq!(required(db).await, "10");
    world.finish().await;
}

async fn safety_warns_of_what_is_exceeded_alone(db: &TestDatabase) {
    let (world, _, users) = company(db, SafetyPolicy::default()).await;
    world.enroll(&users[0]).await;
    // Ten people, of whom five are enrolled: exactly half.
    for user in &users[1..5] {
        world.enroll(user).await;
    }
    world.walk("2027-01-20 12:00").await;
    assert!(warnings(db).await.is_empty());
    assert_eq!(
        db.value("SELECT warned_days FROM enforcements WHERE company_id IS NOT NULL").await,
        "1",
        "it was looked"
    );
    world.finish().await;
}

async fn safety_that_is_ignored_says_nothing(db: &TestDatabase) {
    let (world, _, _) = company(db, IGNORE_ALL).await;
    world.walk("2027-01-20 12:00").await;
    assert!(warnings(db).await.is_empty());
    assert_eq!(state(db).await, ["in_force -"]);
    world.finish().await;
}

async fn safety_warns_late_when_the_daemon_was_down(db: &TestDatabase) {
    let (world, _, _) = company(db, SafetyPolicy::default()).await;
    world.walk("2027-01-05 12:00").await;
    world.run("2027-01-14 10:00").await;
    assert_eq!(
        warnings(db).await,
        ["2027-01-14T10:00:00.000000Z 1 no_enrolled_admin too_few_enrolled"],
        "the later of the two alone"
    );
    world.walk("2027-01-20 12:00").await;
    assert_eq!(warnings(db).await.len(), 1);
    world.finish().await;
}

async fn safety_does_not_warn_of_what_is_held_or_moved(db: &TestDatabase) {
    let (world, berlin, _) = company(db, SafetyPolicy::default()).await;
    world.walk("2027-01-05 12:00").await;
    world.order(berlin, &PLAIN).hold().await.unwrap();
    world.walk("2027-01-14 12:00").await;
    assert!(warnings(db).await.is_empty(), "while held");
    world.order(berlin, &PLAIN).set_date("2027-02-15").await.unwrap();
    world.walk("2027-02-01 12:00").await;
    // Moved by SQL between the look and the daemon: its date does not stand.
    world.services.clock.set(at("2027-02-07 23:00"));
    world.set_date(berlin, "2027-03-15").await;
    world.try_task("warn").await.unwrap();
    assert!(warnings(db).await.is_empty(), "moved");
    world.walk("2027-03-08 12:00").await;
    assert_eq!(warnings(db).await, ["2027-03-07T23:00:00.000000Z 7 no_enrolled_admin too_few_enrolled"]);
    world.finish().await;
}

/// The day comes and goes, and the enforcement is held for `reason`: nobody is required, nobody is told.
async fn held_on_the_day(db: &TestDatabase, world: &World<'_>, berlin: Id, reason: &str) {
    world.walk("2027-01-20 12:00").await;
    assert_eq!(state(db).await, [format!("held {reason}")]);
    assert_eq!(required(db).await, "0");
    assert_eq!(db.value("SELECT count(*) FROM notices WHERE kind = 'now_required'").await, "0");
    let sql = "SELECT at, actor, company_id FROM audit_events WHERE action = 'enforcement_held'";
    assert_eq!(
        db.rows(sql).await,
        [["2027-01-14T23:00:00.000000Z".to_owned(), "daemon".to_owned(), berlin.to_string()]]
    );
    assert_eq!(world.services.store.risk_figures().await.unwrap().held, 1);
    assert_eq!(world.services.store.held_enforcements().await.unwrap()[0].reason.as_deref(), Some(reason));
}

async fn safety_holds_where_no_admin_is_enrolled(db: &TestDatabase) {
    let (world, berlin, users) = company(db, SafetyPolicy { no_enrolled_admin: Response::Hold, ..IGNORE_ALL }).await;
    for user in &users[1..] {
        world.enroll(user).await;
    }
    // Neither an account that is not active nor a service's counts as an admin.
    for (user, columns) in [(&users[1], "active = false"), (&users[2], "kind = 'service'")] {
        world.set_membership(berlin, user, "role = 'admin'").await;
        world.set_user(user, columns).await;
    }
    held_on_the_day(db, &world, berlin, "no_enrolled_admin").await;
    world.finish().await;
}

async fn safety_holds_where_too_few_are_enrolled(db: &TestDatabase) {
    let (world, berlin, users) = company(db, SafetyPolicy { not_enrolled: Response::Hold, ..IGNORE_ALL }).await;
    // Four of nine: who is exempt, or left out by SSO, does not count.
    for user in &users[..5] {
        world.enroll(user).await;
    }
    world.set_user(&users[0], "sso = true").await;
    held_on_the_day(db, &world, berlin, "too_few_enrolled").await;
    world.finish().await;
}

async fn safety_holds_where_too_few_were_told(db: &TestDatabase) {
    let mut world = World::begin(db, "2026-12-01 09:00").await;
    world.policy().safety = SafetyPolicy { not_told: Response::Hold, ..IGNORE_ALL };
    let berlin = world.company("Europe/Berlin").await;
    let users = world.members(berlin, "Europe/Berlin", 10).await;
    for user in &users[..2] {
        world.mail.refuse(&user.address(), no_such_user());
    }
    world.set_date(berlin, "2027-01-15").await;
    held_on_the_day(db, &world, berlin, "too_few_told").await;
    world.finish().await;
}

async fn a_safety_hold_names_all_that_speaks_against_the_day(db: &TestDatabase) {
    let safety = SafetyPolicy { no_enrolled_admin: Response::Hold, not_enrolled: Response::Warn, ..IGNORE_ALL };
    let (world, berlin, _) = company(db, safety).await;
    held_on_the_day(db, &world, berlin, "no_enrolled_admin").await;
    let held = world.services.store.held_enforcements().await.unwrap();
    let findings: Vec<_> = held[0].findings.iter().map(ToString::to_string).collect();
    assert_eq!(findings, ["no admin is enrolled (of 1)", "10 of 10 are not enrolled (more than 50 %)"]);
    world.order(berlin, &OVERRIDE).release().await.unwrap();
    let store = &world.services.store;
    assert!(store.risks(world.now(), &world.services.policy).await.unwrap().is_empty(), "it was accepted");
    assert_eq!(store.risk_figures().await.unwrap().at_risk, 0);
    world.order(berlin, &PLAIN).hold().await.unwrap();
    let held = world.services.store.held_enforcements().await.unwrap();
    assert_eq!(held[0].findings, [], "a person holds for their own reasons");
    world.finish().await;
}

async fn safety_counts_only_mail_of_this_company_with_this_date(db: &TestDatabase) {
    let mut world = World::begin(db, "2026-12-01 09:00").await;
    world.policy().safety = SafetyPolicy { not_told: Response::Hold, ..IGNORE_ALL };
    let [berlin, paris] = [world.company("Europe/Berlin").await, world.company("Europe/Paris").await];
    let user = world.member(berlin, "Europe/Berlin").await;
    world.join(paris, &user).await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2026-12-02 12:00").await;
    assert_eq!(world.mails_to(&user).len(), 1);
    // From now on nothing reaches them: neither that the date has moved, nor the other company's date.
    world.mail.refuse(&user.address(), no_such_user());
    world.set_date(berlin, "2027-01-20").await;
    world.set_date(paris, "2027-01-15").await;
    world.walk("2027-01-25 12:00").await;
    assert_eq!(world.enforcements(berlin).await, ["2027-01-15 superseded", "2027-01-20 held"]);
    assert_eq!(world.enforcements(paris).await, ["2027-01-15 held"]);
    world.finish().await;
}

async fn safety_holds_nobody_who_is_ready(db: &TestDatabase) {
    let hold = Response::Hold;
    let all = SafetyPolicy { no_enrolled_admin: hold, not_enrolled: hold, not_told: hold, ..IGNORE_ALL };
    let (world, _, users) = company(db, all).await;
    for user in &users[..5] {
        world.enroll(user).await;
    }
    world.walk("2027-01-14 23:00").await;
    assert_eq!(state(db).await, ["in_force -"]);
    assert_eq!(required(db).await, "10");
    world.finish().await;
}

async fn safety_holds_for_no_company_without_subjects(db: &TestDatabase) {
    let hold = Response::Hold;
    let all = SafetyPolicy { no_enrolled_admin: hold, not_enrolled: hold, not_told: hold, ..IGNORE_ALL };
    let (world, _, users) = company(db, all).await;
    for user in &users {
        world.set_user(user, "sso = true").await;
    }
    world.walk("2027-01-15 12:00").await;
    assert_eq!(state(db).await, ["in_force -"]);
    assert!(warnings(db).await.is_empty());
    world.finish().await;
}

async fn safety_that_warns_does_not_hold(db: &TestDatabase) {
    // What would hold is not exceeded: everybody was told.
    let (warn, hold) = (Response::Warn, Response::Hold);
    let all = SafetyPolicy { no_enrolled_admin: warn, not_enrolled: warn, not_told: hold, ..IGNORE_ALL };
    let (world, _, _) = company(db, all).await;
    world.walk("2027-01-15 12:00").await;
    assert_eq!(state(db).await, ["in_force -"]);
    assert_eq!(required(db).await, "10");
    world.finish().await;
}

async fn r4_not_late_a_release_takes_the_risk_on(db: &TestDatabase) {
    let (world, berlin, _) = company(db, SafetyPolicy { no_enrolled_admin: Response::Hold, ..IGNORE_ALL }).await;
    world.walk("2027-01-15 12:00").await;
    assert_eq!(state(db).await, ["held no_enrolled_admin"]);
    let refused = world.order(berlin, &PLAIN).release().await;
    assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
    assert_eq!(world.order(berlin, &OVERRIDE).release().await.unwrap(), Ordered::Done);
    world.run("2027-01-15 12:01").await;
    assert_eq!(state(db).await, ["in_force we go ahead"]);
    assert_eq!(required(db).await, "10");
    assert_eq!(db.value("SELECT risk_accepted FROM enforcements WHERE company_id IS NOT NULL").await, "1");
    world.finish().await;
}

async fn a_new_date_after_a_safety_hold_is_judged_anew(db: &TestDatabase) {
    let (world, berlin, users) = company(db, SafetyPolicy { no_enrolled_admin: Response::Hold, ..IGNORE_ALL }).await;
    world.walk("2027-01-15 12:00").await;
    world.order(berlin, &PLAIN).set_date("2027-02-15").await.unwrap();
    world.walk("2027-02-15 12:00").await;
    assert_eq!(state(db).await, ["superseded no_enrolled_admin", "held no_enrolled_admin"]);
    // One that a person held and released has accepted no risk.
    world.order(berlin, &PLAIN).set_date("2027-03-15").await.unwrap();
    world.order(berlin, &PLAIN).hold().await.unwrap();
    world.order(berlin, &PLAIN).release().await.unwrap();
    world.walk("2027-03-15 12:00").await;
    assert_eq!(state(db).await[2], "held no_enrolled_admin");
    world.enroll(&users[0]).await;
    world.order(berlin, &PLAIN).set_date("2027-04-15").await.unwrap();
    world.walk("2027-04-15 12:00").await;
    assert_eq!(state(db).await[3], "in_force -");
    world.finish().await;
}

async fn a_risk_that_is_over_is_shown_no_more(db: &TestDatabase) {
    let (world, _, users) =
        company(db, SafetyPolicy { not_enrolled: Response::Ignore, ..SafetyPolicy::default() }).await;
    world.walk("2027-01-08 12:00").await;
    let (store, policy) = (&world.services.store, &world.services.policy);
    assert_eq!(store.risks(world.now(), policy).await.unwrap().len(), 1);
    world.enroll(&users[0]).await;
    assert!(store.risks(world.now(), policy).await.unwrap().is_empty());
    world.walk("2027-01-14 12:00").await;
    assert_eq!(store.risk_figures().await.unwrap().at_risk, 0, "since the last look");
    world.finish().await;
}

async fn a_safety_hold_is_foretold(db: &TestDatabase) {
    let (world, berlin, users) =
        company(db, SafetyPolicy { not_enrolled: Response::Hold, not_told: Response::Hold, ..IGNORE_ALL }).await;
    let foretell = async |proposal| {
        let (store, policy) = (&world.services.store, &world.services.policy);
        store.forecast(&berlin.to_string(), proposal, world.now(), policy).await.unwrap()
    };
    let outlook = foretell(Proposal::Nothing).await;
    assert!(outlook.forecast.required.is_empty(), "{outlook:?}");
    let found: Vec<_> = outlook.held_for.iter().map(|one| one.what.as_str()).collect();
    assert_eq!(found, ["too_few_enrolled"], "everybody will have been told");
    for user in &users[8..] {
        world.set_user(user, "email = 'no address'").await;
    }
    let found: Vec<_> = foretell(Proposal::Nothing).await.held_for.iter().map(|one| one.what.as_str()).collect();
    assert_eq!(found, ["too_few_enrolled", "too_few_told"], "but for those to whom no mail can be addressed");
    for user in &users[8..] {
        world.set_user(user, &format!("email = '{}'", user.address())).await;
    }
    let outlook = foretell(Proposal::Date("2027-02-15".parse().unwrap())).await;
    assert_eq!(outlook.held_for.len(), 1);
    for user in &users[..5] {
        world.enroll(user).await;
    }
    let outlook = foretell(Proposal::Nothing).await;
    assert!(outlook.held_for.is_empty());
    assert_eq!(outlook.forecast.required[0].people, 10);
    // With too little time to tell anybody.
    let outlook = foretell(Proposal::Date("2026-12-01".parse().unwrap())).await;
    let found: Vec<_> = outlook.held_for.iter().map(|one| one.what.as_str()).collect();
    assert_eq!(found, ["too_few_told"]);
    world.finish().await;
}

/// What another company tells nobody, because it is held on its day, leaves the reader's day to a reminder.
async fn a_safety_hold_elsewhere_is_foretold(db: &TestDatabase) {
    let mut world = World::begin(db, "2026-12-01 09:00").await;
    world.policy().safety = SafetyPolicy { not_enrolled: Response::Hold, ..IGNORE_ALL };
    let (tokyo, york) = (world.company("Asia/Tokyo").await, world.company("America/New_York").await);
    world.set_company(tokyo, "notice_days = '[2,1]'").await;
    let user = world.member(tokyo, "Asia/Tokyo").await;
    world.join(york, &user).await;
    world.set_date(tokyo, "2027-01-16").await;
    world.set_date(york, "2027-01-14").await;
    world.walk("2027-01-10 12:00").await;
    let (store, policy) = (&world.services.store, &world.services.policy);
    let outlook = store.forecast(&tokyo.to_string(), Proposal::Nothing, world.now(), policy).await.unwrap();
    let foretold: Vec<_> = outlook.forecast.mails.iter().map(|mail| format!("{} {}", mail.day, mail.kind)).collect();
    assert_eq!(foretold, ["2027-01-14 reminder", "2027-01-15 final_reminder"]);
    world.walk("2027-01-16 00:00").await;
    assert!(
        world
            .received(&user)
            .await
            .ends_with(&["2027-01-14 09:00 reminder".to_owned(), "2027-01-15 09:00 final_reminder".to_owned()])
    );
    world.finish().await;
}
