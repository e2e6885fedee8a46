//! Instants, dates and zones: all the calendar arithmetic there is.
//!
//! A date is a date in some zone; an instant is UTC in microseconds. Every function here is told the zone, and none
//! asks a clock.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, SecondsFormat, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An instant in UTC, exact to the microsecond (what both databases keep).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(DateTime<Utc>);

impl Timestamp {
    /// The instant, cut to whole microseconds.
    #[must_use]
    pub fn new(instant: DateTime<Utc>) -> Self {
        Self(DateTime::from_timestamp_micros(instant.timestamp_micros()).unwrap_or(instant))
    }

    /// The instant as chrono's type.
    #[must_use]
    pub fn utc(self) -> DateTime<Utc> {
        self.0
    }

    /// The calendar date in `zone`.
    #[must_use]
    pub fn date_in(self, zone: Tz) -> NaiveDate {
        self.0.with_timezone(&zone).date_naive()
    }

    /// This instant moved by `by`; instants outside chrono's range stay where they are.
    #[must_use]
    pub fn plus(self, by: TimeDelta) -> Self {
        self.0.checked_add_signed(by).map_or(self, Self)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = chrono::ParseError;

    /// Reads RFC 3339.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        DateTime::parse_from_rfc3339(text).map(|instant| Self::new(instant.with_timezone(&Utc)))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The zone of this IANA name, if the zone rules compiled in know it.
#[must_use]
pub fn zone(name: &str) -> Option<Tz> {
    name.parse().ok()
}

/// The instant at which clocks in `zone` first show `time` or later on `date`.
///
/// Where clocks go back and show it twice, the first of the two; where they skip it, the first instant that exists
/// after the gap (on the next day, if a zone skips a whole day, as `Pacific/Apia` did on 2011-12-30).
#[must_use]
pub fn instant_at(date: NaiveDate, time: NaiveTime, zone: Tz) -> Timestamp {
    const MINUTES_SEARCHED: i64 = 49 * 60;
    let wanted = date.and_time(time);
    (0..MINUTES_SEARCHED)
        .filter_map(|minutes| wanted.checked_add_signed(TimeDelta::minutes(minutes)))
        .find_map(|local| zone.from_local_datetime(&local).earliest())
        .map_or_else(|| Timestamp::new(wanted.and_utc()), |instant| Timestamp::new(instant.with_timezone(&Utc)))
}

/// The first instant of the local day `date` in `zone`.
#[must_use]
pub fn start_of_day(date: NaiveDate, zone: Tz) -> Timestamp {
    instant_at(date, NaiveTime::MIN, zone)
}

/// `date` moved by `days`, which may be negative; dates outside chrono's range stay where they are.
#[must_use]
pub fn add_days(date: NaiveDate, days: i64) -> NaiveDate {
    let count = Days::new(days.unsigned_abs());
    let moved = if days < 0 { date.checked_sub_days(count) } else { date.checked_add_days(count) };
    moved.unwrap_or(date)
}

/// The hours of the day in which unexpected mail may arrive, in the reader's zone: from `from`, before `until`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Daytime {
    /// The first moment of the day at which mail may arrive.
    pub from: NaiveTime,
    /// The first moment of the day at which it may no longer.
    pub until: NaiveTime,
}

impl Daytime {
    /// The first instant at or after `instant` that is within these hours in `zone`.
    #[must_use]
    pub fn first_from(self, instant: Timestamp, zone: Tz) -> Timestamp {
        let local = instant.utc().with_timezone(&zone);
        if local.time() < self.from {
            instant_at(local.date_naive(), self.from, zone)
        } else if local.time() >= self.until {
            instant_at(add_days(local.date_naive(), 1), self.from, zone)
        } else {
            instant
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Any zone that the zone rules know.
    pub fn any_zone() -> impl Strategy<Value = Tz> {
        proptest::sample::select(chrono_tz::TZ_VARIANTS.to_vec())
    }

    /// A date from 2026 to 2040.
    pub fn any_date() -> impl Strategy<Value = NaiveDate> {
        let first = date("2026-01-01");
        (0_i64..15 * 365).prop_map(move |days| add_days(first, days))
    }

    /// An instant from 2026 to 2040, to the microsecond.
    pub fn any_instant() -> impl Strategy<Value = Timestamp> {
        let first: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        (0_i64..15 * 365 * 86_400_000_000).prop_map(move |micros| first.plus(TimeDelta::microseconds(micros)))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn a_day_starts_where_the_day_before_ends(date in any_date(), zone in any_zone()) {
            let start = start_of_day(date, zone);
            prop_assert_eq!(start.date_in(zone), date);
            prop_assert!(start.plus(TimeDelta::microseconds(-1)).date_in(zone) < date);
        }

        #[test]
        fn an_instant_is_the_same_after_a_round_trip(instant in any_instant()) {
            prop_assert_eq!(instant.to_string().parse::<Timestamp>().unwrap(), instant);
        }
    }

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn start(day: &str, name: &str) -> String {
        start_of_day(date(day), zone(name).unwrap()).to_string()
    }

    #[test]
    fn a_day_starts_at_its_first_instant_that_exists() {
        assert_eq!(start("2027-01-15", "Europe/Berlin"), "2027-01-14T23:00:00.000000Z");
        assert_eq!(start("2027-01-15", "Pacific/Kiritimati"), "2027-01-14T10:00:00.000000Z");
        // Clocks in Beirut and Santiago jump from 00:00 to 01:00.
        assert_eq!(start("2027-03-28", "Asia/Beirut"), "2027-03-27T22:00:00.000000Z");
        assert_eq!(start("2027-09-05", "America/Santiago"), "2027-09-05T04:00:00.000000Z");
        // Clocks in Havana go back from 01:00 to 00:00, so that midnight comes twice.
        assert_eq!(start("2027-11-07", "America/Havana"), "2027-11-07T04:00:00.000000Z");
        // Samoa skipped this whole day.
        assert_eq!(start("2011-12-30", "Pacific/Apia"), "2011-12-30T10:00:00.000000Z");
    }

    #[test]
    fn daytime_waits_for_the_reader_to_be_awake() {
        let hours = Daytime {
            from: NaiveTime::from_hms_opt(8, 0, 0).unwrap(),
            until: NaiveTime::from_hms_opt(20, 0, 0).unwrap(),
        };
        let first =
            |instant: &str, name: &str| hours.first_from(instant.parse().unwrap(), zone(name).unwrap()).to_string();
        assert_eq!(first("2027-01-15T10:30:00Z", "Europe/Berlin"), "2027-01-15T10:30:00.000000Z");
        assert_eq!(first("2027-01-15T19:00:00Z", "Europe/Berlin"), "2027-01-16T07:00:00.000000Z");
        assert_eq!(first("2027-01-15T10:30:00Z", "America/New_York"), "2027-01-15T13:00:00.000000Z");
    }
}
