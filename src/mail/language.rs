//! The languages that notices are written in, and what templates cannot say: dates.

use chrono::NaiveDate;
use chrono_tz::Tz;

use crate::domain::time::Timestamp;

/// A language that notices are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    English,
}

impl Language {
    /// The first of a reader's languages that there is; English for everybody else.
    pub(super) fn best(locales: &[String]) -> Self {
        let primary = |tag: &String| tag.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
        locales.iter().map(primary).find_map(|language| Self::named(&language)).unwrap_or(Self::English)
    }

    fn named(primary: &str) -> Option<Self> {
        (primary == "en").then_some(Self::English)
    }

    /// The language tag (BCP 47).
    pub(super) fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
        }
    }

    /// A date with its weekday: *Friday, 15 January 2027*.
    pub(super) fn date(self, date: NaiveDate) -> String {
        match self {
            Self::English => date.format("%A, %-d %B %Y").to_string(),
        }
    }

    /// An instant as clocks in `zone` show it, with the zone named: *Friday, 15 January 2027, 00:00 (Europe/Berlin)*.
    pub(super) fn moment(self, instant: Timestamp, zone: Tz) -> String {
        let time = instant.utc().with_timezone(&zone).format("%H:%M");
        format!("{}, {time} ({})", self.date(instant.date_in(zone)), zone.name().replace('_', " "))
    }
}
