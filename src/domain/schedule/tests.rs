//! Properties of what a date means, for every pair of zones and the dates to 2040.

use chrono::NaiveTime;
use proptest::prelude::*;

use super::*;
use crate::domain::expansion::{Enforcement, MemberFacts, owed};
use crate::domain::time::tests::{any_date, any_instant, any_zone};

fn local(instant: Timestamp, zone: Tz) -> (NaiveDate, NaiveTime) {
    let local = instant.utc().with_timezone(&zone).naive_local();
    (local.date(), local.time())
}

/// Looks at one reminder of one date for one reader.
fn check_reminder(date: NaiveDate, company: Tz, reader: Tz, days: u16) {
    let policy = Policy::default();
    let enforce_at = enforce_at(date, company);
    let reminder = reminder(date, company, days, &policy);
    let due = notice_due_at(&reminder, enforce_at, enforce_at, reader, &policy);
    let of = || format!("{date} in {company}, {days} days before, for a reader in {reader}");
    assert!(due < enforce_at, "{}: due {due}, enforced {enforce_at}", of());
    assert!(reminder.due_at <= due, "{}: made {} for {due}", of(), reminder.due_at);
    let (day, time) = local(due, reader);
    assert_eq!(day, time::add_days(enforce_at.date_in(reader), -i64::from(days)), "{}", of());
    assert!(time >= policy.send_at, "{}: {time}", of());
    assert_eq!(days_left(enforce_at, due, reader), i64::from(days), "{}", of());
}

/// Every pair of zones, on the days around which clocks change somewhere.
#[test]
fn every_reminder_precedes_the_day_for_every_pair_of_zones() {
    let dates = ["2027-03-28", "2027-04-04", "2027-10-31"].map(|date| date.parse().unwrap());
    for company in chrono_tz::TZ_VARIANTS {
        for (place, reader) in chrono_tz::TZ_VARIANTS.iter().enumerate() {
            check_reminder(dates[place % dates.len()], company, *reader, 1);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn every_reminder_precedes_the_day(date in any_date(), company in any_zone(), reader in any_zone(), days in 1_u16..=365) {
        check_reminder(date, company, reader, days);
    }

    /// R7: nobody is reminded on or before the day on which they are to hear of the date.
    #[test]
    fn reminders_come_after_the_announcement(
        company in any_zone(), reader in any_zone(), now in any_instant(), ahead in 7_i64..60,
    ) {
        let policy = Policy::default();
        let date = time::add_days(now.date_in(company), ahead);
        let planned = milestones(date, company, &policy.days_before, now, &policy);
        let announcement = planned.iter().find(|one| one.kind == NoticeKind::Announcement).unwrap();
        let enforcement =
            Enforcement { date, enforce_at: enforce_at(date, company), announced_at: Some(announcement.due_at) };
        let member = MemberFacts {
            zone: reader,
            require_at: None,
            told_date: None,
            told_at: None,
            telling: false,
            required: false,
            required_before: false,
        };
        let due = |milestone: &PlannedMilestone| owed(milestone, enforcement, &member, &policy);
        let (_, announced) = due(announcement).unwrap();
        for reminder in planned.iter().filter(|one| one.kind.is_reminder()) {
            if let Some((kind, at)) = due(reminder) {
                prop_assert!(kind.is_reminder());
                prop_assert!(at.date_in(reader) > announced.date_in(reader), "reminded {at}, announced {announced}");
            }
        }
    }

    /// R3: a personal date is a midnight of the company, at least the days of grace away, and not before `enforce_at`.
    #[test]
    fn r3_not_early_personal_dates(
        now in any_instant(), date in any_date(), zone in any_zone(), grace in 0_u16..=365,
    ) {
        let enforce_at = enforce_at(date, zone);
        let at = require_at(now, enforce_at, grace, zone);
        let earliest = now.plus(TimeDelta::days(i64::from(grace)));
        prop_assert!(at >= enforce_at && at >= earliest);
        prop_assert_eq!(at, time::start_of_day(at.date_in(zone), zone), "no midnight");
        prop_assert!(at == enforce_at || at < earliest.plus(TimeDelta::hours(26)), "later than need be");
    }

    #[test]
    fn announcements_arrive_within_their_hours(due in any_instant(), reader in any_zone()) {
        let policy = Policy::default();
        let at = policy.announce_hours.first_from(due, reader);
        let (_, time) = local(at, reader);
        prop_assert!(at >= due && at <= due.plus(TimeDelta::hours(14)), "{due} becomes {at}");
        prop_assert!((policy.announce_hours.from..policy.announce_hours.until).contains(&time), "{time}");
    }

    #[test]
    fn now_required_comes_on_the_day_and_not_before(date in any_date(), company in any_zone(), reader in any_zone()) {
        let policy = Policy::default();
        let enforce_at = enforce_at(date, company);
        let at = now_required_due_at(enforce_at, reader, &policy);
        prop_assert!(at >= enforce_at);
        prop_assert_eq!(at.date_in(reader), enforce_at.date_in(reader));
        prop_assert!(local(at, reader).1 >= policy.send_at);
    }
}
