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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_as_the_reader_s_clocks_show_it() {
        let instant: Timestamp = "2027-01-14T23:00:00Z".parse().unwrap();
        let told = |zone| Language::English.moment(instant, zone);
        assert_eq!(told(Tz::Europe__Berlin), "Friday, 15 January 2027, 00:00 (Europe/Berlin)");
        assert_eq!(told(Tz::America__New_York), "Thursday, 14 January 2027, 18:00 (America/New York)");
        assert_eq!(told(Tz::Asia__Kathmandu), "Friday, 15 January 2027, 04:45 (Asia/Kathmandu)");
    }

    #[test]
    fn the_best_language_is_the_first_there_is() {
        for locales in [vec![], vec!["en_GB".to_owned()], vec!["xx".to_owned(), "EN".to_owned()], vec![String::new()]] {
            assert_eq!(Language::best(&locales), Language::English);
        }
    }
}
