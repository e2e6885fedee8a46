//! The oracle itself, on tables made by hand: it says nothing where all is well, and names the rule where it is not.

use std::rc::Rc;

use jiff::Timestamp;
use jiff::civil::date;

use super::tables::{Company, Enforcement, Id, Membership, Requirement, Tables, User};
use super::{Oracle, Order, Settings, Step};

const COMPANY: Id = Id(10);
const USER: Id = Id(20);
const ENFORCEMENT: Id = Id(30);

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A company in Berlin with one member and no date.
fn quiet() -> Tables {
    let mut tables = Tables::default();
    let company = Company {
        name: "Globex".to_owned(),
        time_zone: "Europe/Berlin".to_owned(),
        mfa_available: true,
        date: None,
        notice_days: None,
        grace_days: None,
    };
    let user = User {
        email: "ada@example.com".to_owned(),
        time_zone: None,
        person: true,
        active: true,
        sso: false,
        payee: false,
        enrolled: true,
        required_at: None,
        bounced: false,
    };
    let membership =
        Membership { admin: true, exempt_until: None, require_at: None, reviewed_as: None, exemption_told: None };
    Rc::make_mut(&mut tables.companies).insert(COMPANY, company);
    Rc::make_mut(&mut tables.users).insert(USER, user);
    Rc::make_mut(&mut tables.memberships).insert((COMPANY, USER), membership);
    tables
}

/// The same with the date 15 January 2027.
fn dated() -> Tables {
    let mut tables = quiet();
    Rc::make_mut(&mut tables.companies).get_mut(&COMPANY).unwrap().date = Some(date(2027, 1, 15));
    tables
}

/// The same with its enforcement.
fn planned() -> Tables {
    let mut tables = dated();
    let enforcement = Enforcement {
        company: Some(COMPANY),
        date: date(2027, 1, 15),
        time_zone: "Europe/Berlin".to_owned(),
        planned_time_zone: "Europe/Berlin".to_owned(),
        enforce_at: at("2027-01-14T23:00:00Z"),
        state: "scheduled".to_owned(),
        overridden: false,
        created_at: at("2026-12-01T12:00:00Z"),
        closed_at: None,
        reason: None,
        flipped_at: None,
        risk_accepted: false,
        warned_days: None,
        warning: None,
    };
    Rc::make_mut(&mut tables.enforcements).insert(ENFORCEMENT, enforcement);
    tables
}

/// The same in force, the member required since this instant.
fn in_force(since: &str) -> Tables {
    let mut tables = planned();
    let enforcement = Rc::make_mut(&mut tables.enforcements).get_mut(&ENFORCEMENT).unwrap();
    enforcement.state = "in_force".to_owned();
    enforcement.flipped_at = Some(at(since));
    let requirement = Requirement { user: USER, enforcement: ENFORCEMENT, required_at: at(since), cleared_at: None };
    Rc::make_mut(&mut tables.requirements).push(requirement);
    Rc::make_mut(&mut tables.users).get_mut(&USER).unwrap().required_at = Some(at(since));
    tables
}

/// The rules that are broken when one look shows the one and the next the other.
fn judged(before: (Tables, &str), after: (Tables, &str), step: &Step<'_>) -> Vec<&'static str> {
    let settings = Settings { safety: false, ..Settings::default() };
    let mut oracle = Oracle::new(settings);
    let acted = Step::Acted { text: "", order: None };
    oracle.judge(Rc::new(before.0), at(before.1), &acted);
    oracle.judge(Rc::new(after.0), at(after.1), step).into_iter().map(|violation| violation.rule).collect()
}

const SETTLED: Step<'static> = Step::Settled { mail_works: true };
const NONE: [&str; 0] = [];

#[test]
fn a_flip_on_its_day_is_right() {
    let before = (planned(), "2027-01-14T22:59:00Z");
    assert_eq!(judged(before, (in_force("2027-01-14T23:00:00Z"), "2027-01-14T23:00:00Z"), &SETTLED), NONE);
}

#[test]
fn a_flip_before_its_day_is_early() {
    let before = (planned(), "2027-01-14T22:58:00Z");
    let found = judged(before, (in_force("2027-01-14T22:59:00Z"), "2027-01-14T22:59:00Z"), &SETTLED);
    assert!(found.contains(&"R3"), "{found:?}");
}

#[test]
fn no_flip_on_its_day_is_late() {
    let before = (planned(), "2027-01-14T22:59:00Z");
    assert_eq!(judged(before, (planned(), "2027-01-14T23:00:00Z"), &SETTLED), ["R4"]);
}

#[test]
fn who_is_left_out_of_a_flip_is_missed() {
    let mut after = in_force("2027-01-14T23:00:00Z");
    Rc::make_mut(&mut after.requirements).clear();
    Rc::make_mut(&mut after.users).get_mut(&USER).unwrap().required_at = None;
    let before = (planned(), "2027-01-14T22:59:00Z");
    assert_eq!(judged(before, (after, "2027-01-14T23:00:00Z"), &SETTLED), ["R4"]);
}

#[test]
fn a_date_that_nobody_plans_for_is_forgotten() {
    assert_eq!(judged((quiet(), "2026-12-01T11:00:00Z"), (dated(), "2026-12-01T12:00:00Z"), &SETTLED), ["R5"]);
    let before = (dated(), "2026-12-01T11:59:00Z");
    assert_eq!(judged(before, (planned(), "2026-12-01T12:00:00Z"), &SETTLED), NONE);
}

#[test]
fn a_date_without_notice_must_be_held() {
    let mut soon = planned();
    Rc::make_mut(&mut soon.enforcements).get_mut(&ENFORCEMENT).unwrap().created_at = at("2027-01-09T12:00:00Z");
    let before = (dated(), "2027-01-09T11:59:00Z");
    assert_eq!(judged(before.clone(), (soon.clone(), "2027-01-09T12:00:00Z"), &SETTLED), ["R10"]);
    let held = Rc::make_mut(&mut soon.enforcements).get_mut(&ENFORCEMENT).unwrap();
    (held.state, held.reason) = ("held".to_owned(), Some("too_soon".to_owned()));
    assert_eq!(judged(before, (soon, "2027-01-09T12:00:00Z"), &SETTLED), NONE);
}

#[test]
fn only_a_revert_lets_go() {
    let required = || in_force("2027-01-14T23:00:00Z");
    let before = || (required(), "2027-01-20T12:00:00Z");
    let mut after = required();
    Rc::make_mut(&mut after.requirements)[0].cleared_at = Some(at("2027-01-20T12:01:00Z"));
    Rc::make_mut(&mut after.users).get_mut(&USER).unwrap().required_at = None;
    let found = judged(before(), (after.clone(), "2027-01-20T12:01:00Z"), &Step::Committed { daemon: 0 });
    assert_eq!(found, ["R8"]);
    let reverted = Rc::make_mut(&mut after.enforcements).get_mut(&ENFORCEMENT).unwrap();
    (reverted.state, reverted.closed_at) = ("reverted".to_owned(), Some(at("2027-01-20T12:01:00Z")));
    Rc::make_mut(&mut after.companies).get_mut(&COMPANY).unwrap().date = None;
    let order = Some(Order::Revert { company: COMPANY.to_string() });
    let found = judged(before(), (after, "2027-01-20T12:01:00Z"), &Step::Acted { text: "revert", order });
    assert_eq!(found, NONE);
}

#[test]
fn an_account_says_since_when_it_is_required() {
    let mut after = in_force("2027-01-14T23:00:00Z");
    Rc::make_mut(&mut after.users).get_mut(&USER).unwrap().required_at = Some(at("2027-01-15T00:00:00Z"));
    let before = (in_force("2027-01-14T23:00:00Z"), "2027-01-20T12:00:00Z");
    assert_eq!(judged(before, (after, "2027-01-20T12:01:00Z"), &SETTLED), ["R8"]);
}

#[test]
fn who_should_have_been_told_is_missed() {
    let open = |mut tables: Tables| {
        Rc::make_mut(&mut tables.users).get_mut(&USER).unwrap().enrolled = false;
        tables
    };
    let mut oracle = Oracle::new(Settings { safety: false, ..Settings::default() });
    let mut rules = |tables: Tables, now: &str, step: &Step<'_>| -> Vec<&'static str> {
        oracle.judge(Rc::new(open(tables)), at(now), step).into_iter().map(|violation| violation.rule).collect()
    };
    assert_eq!(rules(quiet(), "2026-12-01T11:00:00Z", &SETTLED), NONE);
    assert_eq!(rules(dated(), "2026-12-01T12:00:00Z", &Step::Acted { text: "a date", order: None }), NONE);
    assert_eq!(rules(planned(), "2026-12-01T12:00:00Z", &SETTLED), NONE);
    assert_eq!(rules(planned(), "2026-12-01T12:14:59Z", &SETTLED), NONE);
    assert_eq!(rules(planned(), "2026-12-01T12:15:00Z", &SETTLED), ["R6"]);
    // In the evening nobody is told.
    assert_eq!(rules(planned(), "2026-12-01T19:00:00Z", &SETTLED), NONE);
    // The reminder 30 days before, and still the announcement.
    assert_eq!(rules(planned(), "2026-12-16T08:00:00Z", &SETTLED), ["R6", "R6"]);
}
