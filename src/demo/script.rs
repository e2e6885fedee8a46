//! What people do during a demonstration, and when.

use chrono::{NaiveDate, NaiveTime, TimeDelta};

use crate::clock::Randomness;
use crate::domain::methods::{Method, methods};
use crate::domain::policy::Policy;
use crate::domain::time::{Timestamp, add_days, instant_at};
use crate::sample::{MAIN, MAIN_ZONE, OTHER, Person, Sample};
use crate::store::import::UserKind;

/// How much later the main company's date is in the end.
const MOVED_DAYS: i64 = 7;
/// How much later than that the other company's date is.
const OTHER_DAYS: i64 = 7;

/// Something that somebody does.
#[derive(Clone, Debug)]
pub enum Act {
    /// The vendor's application brings companies and people.
    Import,
    /// An admin sets, or moves, a company's date.
    SetDate {
        /// The company's external id.
        company: &'static str,
        /// The date.
        date: NaiveDate,
        /// Why.
        reason: Option<&'static str>,
    },
    /// A user sets up MFA.
    Enroll {
        /// The user's external id.
        user: String,
        /// The second step they choose.
        method: Method,
    },
    /// Somebody joins.
    Join(Box<Person>),
}

/// How long after the last act a demonstration goes on at most.
const MOST_AFTERWARDS: TimeDelta = TimeDelta::days(90);

/// Everything that people do, in order.
#[derive(Clone, Debug)]
pub struct Script {
    /// When it begins.
    pub begins_at: Timestamp,
    /// What they do at which instant.
    pub acts: Vec<(Timestamp, Act)>,
}

impl Script {
    /// A rollout whose first date is `days` after `first_day`. Some people set up MFA on a day on which they get mail, some
    /// in the evening before, some never.
    #[must_use]
    pub fn new(sample: &Sample, first_day: NaiveDate, days: i64, policy: &Policy, randomness: &Randomness) -> Self {
        let on = |day, hour, minute| instant_at(add_days(first_day, day), clock_time(hour, minute), MAIN_ZONE);
        let (begins_at, set_at) = (on(0, 7, 30), on(0, 9, 30));
        let set = |company, day, reason| Act::SetDate { company, date: add_days(first_day, day), reason };
        let last_day = days + MOVED_DAYS;
        let moved_on = moving_day(days, policy);
        let mut acts = vec![
            (begins_at, Act::Import),
            (set_at, set(MAIN, days, None)),
            (set_at, set(OTHER, last_day + OTHER_DAYS, None)),
            (on(moved_on, 11, 0), set(MAIN, last_day, Some("Stocktaking week"))),
        ];
        let joining_days = [moved_on + 2, last_day + 2];
        for (person, day) in sample.joiners.iter().zip(joining_days) {
            acts.push((on(day, 10, 0), Act::Join(Box::new(person.clone()))));
        }
        let mail_days = mail_days(days, moved_on, last_day, policy);
        for person in sample.people.iter().filter(|person| may_enroll(person)) {
            // As likely as two of the days: never.
            if let Some(day) = mail_days.get(randomness.below(mail_days.len() + 2)) {
                let zone = person.time_zone.unwrap_or(MAIN_ZONE);
                let (day, hour) = if *day > 0 && randomness.below(5) == 0 { (day - 1, 17) } else { (*day, 10) };
                let about = TimeDelta::minutes(i64::try_from(randomness.below(6 * 60)).unwrap_or(0));
                let at = instant_at(add_days(first_day, day), clock_time(hour, 0), zone).plus(about);
                let act = Act::Enroll { user: person.external_id.clone(), method: choose(person, policy, randomness) };
                acts.push((at.max(set_at.plus(TimeDelta::hours(1) + about)), act));
            }
        }
        acts.sort_by_key(|(at, _)| *at);
        Self { begins_at, acts }
    }

    /// When it is over, whatever is still to come.
    #[must_use]
    pub fn ends_at(&self) -> Timestamp {
        self.acts.last().map_or(self.begins_at, |(at, _)| *at).plus(MOST_AFTERWARDS)
    }
}

/// The last day before a reminder on which there is still something to move: its mail is then ready, and not sent.
fn moving_day(days: i64, policy: &Policy) -> i64 {
    let eves = policy.days_before.iter().map(|before| days - i64::from(*before) - 1);
    eves.filter(|eve| *eve >= 3).min_by_key(|eve| (eve - days / 2).abs()).unwrap_or(1)
}

/// The days on which most people get mail: when the date is announced, and before and on the date that stands then.
fn mail_days(days: i64, moved_on: i64, last_day: i64, policy: &Policy) -> Vec<i64> {
    let before = |day| policy.days_before.iter().map(move |before| day - i64::from(*before));
    let of_first = before(days).filter(|day| (1..moved_on).contains(day));
    let of_last = before(last_day).filter(|day| *day > moved_on);
    let mut all: Vec<i64> = [0, last_day].into_iter().chain(of_first).chain(of_last).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn may_enroll(person: &Person) -> bool {
    person.kind == UserKind::Person
        && person.active
        && !person.sso
        && person.enrolled.is_none()
        && person.memberships.iter().all(|one| one.exempt_until.is_none())
}

fn choose(person: &Person, policy: &Policy, randomness: &Randomness) -> Method {
    let may_use = methods(person.country, person.payee, policy);
    may_use.get(randomness.below(may_use.len())).copied().unwrap_or(Method::Authenticator)
}

fn clock_time(hour: u32, minute: u32) -> NaiveTime {
    NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or_default()
}
