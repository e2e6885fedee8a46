//! Hard calendars by hand: each instant below was worked out from the tz database's text, and not by a program. Those in
//! `calendars.rs` are lived through by the daemon; these ask the functions that it uses.

use chrono::{NaiveDate, NaiveTime};
use mfa_enforcer::config::Config;
use mfa_enforcer::domain::notice::NoticeKind;
use mfa_enforcer::domain::policy::Policy;
use mfa_enforcer::domain::schedule::{self, PlannedMilestone};
use mfa_enforcer::domain::time::{Timestamp, instant_at};

use super::world::at;

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn policy() -> Policy {
    Config::load(None, std::iter::empty()).unwrap().policy()
}

/// A zone, dates there, and the first instant of each in UTC.
const DATES: [(&str, &[(&str, &str)]); 33] = [
    // Clocks go from 00:00 to 01:00, so that the day begins at 01:00; and from 00:00 back to 23:00 of the day before.
    (
        "America/Santiago",
        &[
            ("2026-09-06", "2026-09-06 04:00"),
            ("2030-09-08", "2030-09-08 04:00"),
            ("2027-09-06", "2027-09-06 03:00"),
            ("2027-04-03", "2027-04-03 03:00"),
            ("2027-04-04", "2027-04-04 04:00"),
        ],
    ),
    (
        "Asia/Beirut",
        &[
            ("2027-03-28", "2027-03-27 22:00"),
            ("2027-03-29", "2027-03-28 21:00"),
            ("2027-10-31", "2027-10-30 22:00"),
            ("2027-10-30", "2027-10-29 21:00"),
        ],
    ),
    (
        "Africa/Cairo",
        &[
            ("2027-04-30", "2027-04-29 22:00"),
            ("2027-05-01", "2027-04-30 21:00"),
            ("2027-10-28", "2027-10-27 21:00"),
            ("2027-10-29", "2027-10-28 22:00"),
        ],
    ),
    (
        "America/Havana",
        &[
            ("2027-03-14", "2027-03-14 05:00"),
            ("2027-03-15", "2027-03-15 04:00"),
            ("2027-11-07", "2027-11-07 04:00"),
            ("2027-11-08", "2027-11-08 05:00"),
        ],
    ),
    (
        "America/Asuncion",
        &[("2024-10-06", "2024-10-06 04:00"), ("2025-03-23", "2025-03-23 03:00"), ("2027-10-03", "2027-10-03 03:00")],
    ),
    (
        "America/Sao_Paulo",
        &[("2018-11-04", "2018-11-04 03:00"), ("2019-02-17", "2019-02-17 03:00"), ("2027-11-07", "2027-11-07 03:00")],
    ),
    // All of Europe changes at 01:00 UTC: the Azores lose midnight and have it twice, eastern Greenland loses and repeats
    // the hour before it.
    (
        "Atlantic/Azores",
        &[
            ("2027-03-27", "2027-03-27 01:00"),
            ("2027-03-28", "2027-03-28 01:00"),
            ("2027-03-29", "2027-03-29 00:00"),
            ("2027-10-31", "2027-10-31 00:00"),
            ("2027-11-01", "2027-11-01 01:00"),
        ],
    ),
    (
        "America/Scoresbysund",
        &[
            ("2027-03-27", "2027-03-27 02:00"),
            ("2027-03-28", "2027-03-28 01:00"),
            ("2027-10-31", "2027-10-31 02:00"),
            ("2027-10-30", "2027-10-30 01:00"),
        ],
    ),
    ("America/Nuuk", &[("2027-03-28", "2027-03-28 01:00"), ("2027-10-31", "2027-10-31 02:00")]),
    ("Pacific/Easter", &[("2027-09-05", "2027-09-05 05:00"), ("2027-04-04", "2027-04-04 06:00")]),
    // Half hours, quarters of hours.
    (
        "Australia/Lord_Howe",
        &[
            ("2027-04-04", "2027-04-03 13:00"),
            ("2027-04-05", "2027-04-04 13:30"),
            ("2027-10-03", "2027-10-02 13:30"),
            ("2027-10-04", "2027-10-03 13:00"),
        ],
    ),
    (
        "Pacific/Chatham",
        &[
            ("2027-01-15", "2027-01-14 10:15"),
            ("2027-07-01", "2027-06-30 11:15"),
            ("2027-04-04", "2027-04-03 10:15"),
            ("2027-04-05", "2027-04-04 11:15"),
            ("2027-09-27", "2027-09-26 10:15"),
        ],
    ),
    ("Asia/Kathmandu", &[("2027-01-15", "2027-01-14 18:15")]),
    ("Australia/Eucla", &[("2027-01-15", "2027-01-14 15:15")]),
    ("America/St_Johns", &[("2027-01-15", "2027-01-15 03:30"), ("2027-07-01", "2027-07-01 02:30")]),
    ("Pacific/Marquesas", &[("2027-01-15", "2027-01-15 09:30")]),
    ("Australia/Adelaide", &[("2027-01-15", "2027-01-14 13:30"), ("2027-07-01", "2027-06-30 14:30")]),
    ("Asia/Tehran", &[("2022-03-22", "2022-03-21 20:30"), ("2027-07-01", "2027-06-30 20:30")]),
    // Both sides of the date line: 25 hours between the two ends.
    ("Pacific/Kiritimati", &[("2027-01-15", "2027-01-14 10:00"), ("2027-01-01", "2026-12-31 10:00")]),
    (
        "Pacific/Apia",
        &[
            ("2027-01-15", "2027-01-14 11:00"),
            ("2027-07-01", "2027-06-30 11:00"),
            ("2011-12-29", "2011-12-29 10:00"),
            ("2011-12-31", "2011-12-30 10:00"),
        ],
    ),
    ("Pacific/Pago_Pago", &[("2027-01-15", "2027-01-15 11:00"), ("2027-01-01", "2027-01-01 11:00")]),
    ("Pacific/Niue", &[("2027-01-15", "2027-01-15 11:00")]),
    ("Pacific/Auckland", &[("2027-01-01", "2026-12-31 11:00"), ("2027-07-01", "2027-06-30 12:00")]),
    // A day that there was not: it begins when the next one does.
    ("Pacific/Fakaofo", &[("2011-12-30", "2011-12-30 11:00")]),
    ("Pacific/Kwajalein", &[("1993-08-20", "1993-08-20 12:00"), ("1993-08-22", "1993-08-21 12:00")]),
    // An hour back for Ramadan, as the tz database foretells it.
    (
        "Africa/Casablanca",
        &[
            ("2027-02-07", "2027-02-06 23:00"),
            ("2027-02-08", "2027-02-08 00:00"),
            ("2027-03-14", "2027-03-14 00:00"),
            ("2027-03-15", "2027-03-14 23:00"),
        ],
    ),
    ("Africa/El_Aaiun", &[("2027-02-08", "2027-02-08 00:00"), ("2027-03-15", "2027-03-14 23:00")]),
    // Two hours at once; and winter time that is the exception.
    (
        "Antarctica/Troll",
        &[
            ("2027-03-28", "2027-03-28 00:00"),
            ("2027-03-29", "2027-03-28 22:00"),
            ("2027-10-31", "2027-10-30 22:00"),
            ("2027-11-01", "2027-11-01 00:00"),
        ],
    ),
    (
        "Europe/Dublin",
        &[("2027-01-15", "2027-01-15 00:00"), ("2027-07-01", "2027-06-30 23:00"), ("2027-03-28", "2027-03-28 00:00")],
    ),
    // Leap days, and years that end.
    (
        "America/New_York",
        &[
            ("2028-02-29", "2028-02-29 05:00"),
            ("2028-03-01", "2028-03-01 05:00"),
            ("2027-12-31", "2027-12-31 05:00"),
            ("2028-01-01", "2028-01-01 05:00"),
        ],
    ),
    (
        "Asia/Tokyo",
        &[("2028-02-29", "2028-02-28 15:00"), ("2028-01-01", "2027-12-31 15:00"), ("2040-02-29", "2040-02-28 15:00")],
    ),
    (
        "Europe/London",
        &[("2027-03-28", "2027-03-28 00:00"), ("2027-03-29", "2027-03-28 23:00"), ("2027-10-31", "2027-10-30 23:00")],
    ),
    ("Etc/GMT+12", &[("2027-01-15", "2027-01-15 12:00")]),
];

#[test]
fn calendars_dates_begin_when_they_were_worked_out_to() {
    for (zone, dates) in DATES {
        let zone: chrono_tz::Tz = zone.parse().unwrap();
        for (day, expected) in dates {
            assert_eq!(schedule::enforce_at(date(day), zone), at(expected), "{zone} {day}");
        }
    }
}

/// So many days before, and the instant.
type Told = &'static [(u16, &'static str)];

/// A company's zone and date; a reader's zone; so many days before (none: the day itself), when the reader is told.
const READERS: [(&str, &str, &str, Told); 13] = [
    (
        "Europe/Berlin",
        "2027-04-05",
        "Europe/Berlin",
        &[(14, "2027-03-22 08:00"), (7, "2027-03-29 07:00"), (0, "2027-04-05 07:00")],
    ),
    // Eleven at night, the day before yesterday's eve.
    ("Pacific/Kiritimati", "2027-01-15", "Pacific/Pago_Pago", &[(1, "2027-01-12 20:00"), (0, "2027-01-14 10:00")]),
    ("Pacific/Kiritimati", "2027-01-15", "Pacific/Niue", &[(1, "2027-01-12 20:00"), (0, "2027-01-14 10:00")]),
    ("Pacific/Pago_Pago", "2027-01-15", "Pacific/Kiritimati", &[(1, "2027-01-14 19:00"), (0, "2027-01-15 19:00")]),
    ("Pacific/Niue", "2027-01-15", "Pacific/Apia", &[(1, "2027-01-14 20:00"), (0, "2027-01-15 20:00")]),
    (
        "Australia/Lord_Howe",
        "2027-04-11",
        "Australia/Lord_Howe",
        &[(14, "2027-03-27 22:00"), (7, "2027-04-03 22:30"), (0, "2027-04-10 22:30")],
    ),
    (
        "Antarctica/Troll",
        "2027-03-29",
        "Antarctica/Troll",
        &[(3, "2027-03-26 09:00"), (1, "2027-03-28 07:00"), (0, "2027-03-29 07:00")],
    ),
    (
        "Europe/Berlin",
        "2027-04-05",
        "Pacific/Chatham",
        &[(3, "2027-04-01 19:15"), (1, "2027-04-03 20:15"), (0, "2027-04-04 22:00")],
    ),
    (
        "Asia/Kathmandu",
        "2028-03-01",
        "America/New_York",
        &[(30, "2028-01-30 14:00"), (1, "2028-02-28 14:00"), (0, "2028-02-29 18:15")],
    ),
    ("America/New_York", "2028-03-30", "America/New_York", &[(30, "2028-02-29 14:00"), (14, "2028-03-16 13:00")]),
    (
        "Pacific/Auckland",
        "2027-01-01",
        "America/Los_Angeles",
        &[(30, "2026-12-01 17:00"), (1, "2026-12-30 17:00"), (0, "2026-12-31 17:00")],
    ),
    (
        "Africa/Casablanca",
        "2027-02-08",
        "Africa/Casablanca",
        &[(3, "2027-02-05 08:00"), (1, "2027-02-07 09:00"), (0, "2027-02-08 09:00")],
    ),
    ("America/Santiago", "2027-09-05", "America/Santiago", &[(1, "2027-09-04 13:00"), (0, "2027-09-05 12:00")]),
];

#[test]
fn calendars_readers_are_told_when_it_was_worked_out_to() {
    let policy = policy();
    for (zone, day, reader_zone, told) in READERS {
        let (zone, reader_zone): (chrono_tz::Tz, chrono_tz::Tz) = (zone.parse().unwrap(), reader_zone.parse().unwrap());
        let enforce_at = schedule::enforce_at(date(day), zone);
        for (days, expected) in told {
            let milestone = match days {
                0 => PlannedMilestone { kind: NoticeKind::NowRequired, days_before: None, due_at: enforce_at },
                _ => schedule::reminder(date(day), zone, *days, &policy),
            };
            let due_at = schedule::notice_due_at(&milestone, enforce_at, enforce_at, reader_zone, &policy);
            assert_eq!(due_at, at(expected), "{zone} {day}, {days} days before, in {reader_zone}");
            assert!(milestone.due_at <= due_at, "{zone} {day}, {days} days before, in {reader_zone}: made too late");
        }
    }
}

/// One announcement, and when it arrives where.
const ARRIVALS: [(&str, &[(&str, &str)]); 3] = [
    (
        "2027-01-14 10:00",
        &[
            ("Pacific/Kiritimati", "2027-01-14 18:00"), // midnight
            ("Pacific/Honolulu", "2027-01-14 18:00"),   // midnight, a day earlier
            ("Pacific/Pago_Pago", "2027-01-14 19:00"),  // eleven at night
            ("Pacific/Chatham", "2027-01-14 18:15"),
            ("Europe/Berlin", "2027-01-14 10:00"),
            ("Asia/Tokyo", "2027-01-14 10:00"),   // seven in the evening
            ("Asia/Magadan", "2027-01-14 21:00"), // nine
        ],
    ),
    // Eight in the morning sharp, and eight in the evening sharp.
    ("2027-06-01 06:00", &[("Europe/Berlin", "2027-06-01 06:00"), ("Europe/London", "2027-06-01 07:00")]),
    ("2027-06-01 18:00", &[("Europe/Berlin", "2027-06-02 06:00"), ("Europe/London", "2027-06-01 18:00")]),
];

#[test]
fn calendars_announcements_arrive_when_it_was_worked_out_to() {
    let policy = policy();
    for (due_at, arrivals) in ARRIVALS {
        for (zone, expected) in arrivals {
            let milestone = PlannedMilestone { kind: NoticeKind::Announcement, days_before: None, due_at: at(due_at) };
            let arrives_at =
                schedule::notice_due_at(&milestone, at(due_at), at(due_at), zone.parse().unwrap(), &policy);
            assert_eq!(arrives_at, at(expected), "{due_at} in {zone}");
        }
    }
}

/// A company's zone; when somebody is seen, days of grace, when the company's date takes effect, and their own.
const GRACE: [(&str, &str, u16, &str, &str); 6] = [
    ("America/Santiago", "2027-08-29 04:00", 7, "2027-08-01 04:00", "2027-09-05 04:00"), // the first instant of a day without midnight
    ("America/Santiago", "2027-08-29 04:01", 7, "2027-08-01 04:00", "2027-09-06 03:00"),
    ("Pacific/Kiritimati", "2027-01-01 09:59", 7, "2027-01-01 00:00", "2027-01-08 10:00"),
    ("Pacific/Kiritimati", "2027-01-01 10:01", 7, "2027-01-01 00:00", "2027-01-09 10:00"),
    ("Europe/Berlin", "2027-03-22 12:00", 7, "2027-01-01 00:00", "2027-03-29 22:00"), // clocks change in between
    ("Europe/Berlin", "2027-03-22 12:00", 0, "2027-06-01 22:00", "2027-06-01 22:00"),
];

#[test]
fn calendars_days_of_grace_end_when_it_was_worked_out_to() {
    for (zone, seen_at, days, enforce_at, expected) in GRACE {
        let require_at = schedule::require_at(at(seen_at), at(enforce_at), days, zone.parse().unwrap());
        assert_eq!(require_at, at(expected), "{zone}, seen at {seen_at}");
    }
}

/// A zone, a local time that is skipped or comes twice, and the instant at which it, or what comes after it, is there first.
const TIMES: [(&str, &str, &str, &str); 8] = [
    ("Europe/Berlin", "2027-03-28", "02:30", "2027-03-28 01:00"),
    ("Europe/Berlin", "2027-10-31", "02:30", "2027-10-31 00:30"),
    ("America/Scoresbysund", "2027-03-27", "23:30", "2027-03-28 01:00"),
    ("America/Scoresbysund", "2027-10-30", "23:30", "2027-10-31 00:30"),
    ("Australia/Lord_Howe", "2027-10-03", "02:15", "2027-10-02 15:30"),
    ("Australia/Lord_Howe", "2027-04-04", "01:45", "2027-04-03 14:45"),
    ("Antarctica/Troll", "2027-03-28", "02:59", "2027-03-28 01:00"),
    ("Pacific/Apia", "2011-12-30", "09:00", "2011-12-30 10:00"),
];

#[test]
fn calendars_skipped_and_repeated_times_are_there_when_it_was_worked_out_to() {
    for (zone, day, time, expected) in TIMES {
        let time = NaiveTime::parse_from_str(time, "%H:%M").unwrap();
        let found: Timestamp = instant_at(date(day), time, zone.parse().unwrap());
        assert_eq!(found, at(expected), "{zone} {day} {time}");
    }
}

/// When MFA becomes required, a moment before, a reader's zone, and the days that they have left.
const DAYS_LEFT: [(&str, &str, &str, i64); 4] = [
    ("2027-01-14 10:00", "2027-01-13 11:00", "Pacific/Kiritimati", 1), // the 15th, at midnight; the 14th, at one
    ("2027-01-14 10:00", "2027-01-14 09:59", "Pacific/Kiritimati", 1),
    ("2027-01-15 11:00", "2027-01-15 10:59", "Pacific/Niue", 1),
    ("2027-01-15 11:00", "2027-01-15 11:00", "Pacific/Niue", 0),
];

#[test]
fn calendars_days_left_are_as_many_as_was_worked_out() {
    for (required_at, now, zone, days) in DAYS_LEFT {
        let left = schedule::days_left(at(required_at), at(now), zone.parse().unwrap());
        assert_eq!(left, days, "{required_at} at {now} in {zone}");
    }
}
