//! Values that are parsed once, at the edge, into types that cannot be wrong.

use std::fmt;
use std::str::FromStr;

use chrono::NaiveDate;
use serde::Serialize;
use thiserror::Error;

use super::time;

/// Why a text is not a value of the kind it should be. Its message names the text and the remedy.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum InvalidValue {
    /// Not `YYYY-MM-DD`, or no day of the calendar.
    #[error("'{given}' is not a date: write it as YYYY-MM-DD{}", .iso.map(|iso| format!(", {iso}")).unwrap_or_default())]
    Date {
        /// What was given.
        given: String,
        /// What was probably meant, where that is plain.
        iso: Option<NaiveDate>,
    },
    /// Not a zone that the IANA time zone database has.
    #[error("'{given}' is not an IANA time zone: use a name such as Europe/Berlin{}", .nearest.as_ref().map(|name| format!(" (did you mean {name}?)")).unwrap_or_default())]
    TimeZone {
        /// What was given.
        given: String,
        /// The known name that comes closest, if any is near.
        nearest: Option<String>,
    },
    /// Not an address that mail can be sent to.
    #[error("'{given}' is not an e-mail address: write it as name@example.com")]
    Address {
        /// What was given.
        given: String,
    },
    /// Not two letters.
    #[error("'{given}' is not a country code: use two letters of ISO 3166-1, such as DE")]
    Country {
        /// What was given.
        given: String,
    },
    /// Not a language tag.
    #[error("'{given}' is not a locale: use a language tag such as en, pt-BR or zh-Hant")]
    Locale {
        /// What was given.
        given: String,
    },
    /// Not days before a date.
    #[error(
        "'{given}' is not a list of reminder days: give 1 to 20 whole numbers from 1 to 365, such as [30,14,7,3,1]"
    )]
    NoticeDays {
        /// What was given.
        given: String,
    },
    /// Empty, or with characters that no name has.
    #[error("'{given}' is not a name: it must have 1 to 200 characters and no control characters")]
    Name {
        /// What was given.
        given: String,
    },
}

/// Reads a calendar date in its ISO form (ISO 8601, extended).
///
/// # Errors
/// [`InvalidValue::Date`]; for `15/01/2027` and `01.15.2027` and the like it tells the ISO form of what was meant.
pub fn parse_date(text: &str) -> Result<NaiveDate, InvalidValue> {
    let is_iso = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| is_iso).ok_or_else(|| InvalidValue::Date {
        given: shown(text),
        iso: [
            "%d/%m/%Y",
            "%m/%d/%Y",
            "%d.%m.%Y",
            "%Y/%m/%d",
            "%d-%m-%Y",
            "%Y-%m-%d",
            "%Y%m%d",
            "%d %B %Y",
            "%B %d, %Y",
        ]
        .iter()
        .find_map(|format| NaiveDate::parse_from_str(text.trim(), format).ok())
        .filter(|date| (1970..=9999).contains(&chrono::Datelike::year(date))),
    })
}

/// Reads the name of an IANA time zone and gives it back as the database spells it.
///
/// # Errors
/// [`InvalidValue::TimeZone`], with the nearest known name.
pub fn parse_zone(text: &str) -> Result<chrono_tz::Tz, InvalidValue> {
    time::zone(text).ok_or_else(|| {
        let wanted = text.to_lowercase();
        let nearest = chrono_tz::TZ_VARIANTS
            .iter()
            .map(|zone| (strsim::jaro_winkler(&wanted, &zone.name().to_lowercase()), zone.name()))
            .max_by(|one, other| one.0.total_cmp(&other.0))
            .filter(|(likeness, _)| *likeness > 0.85);
        InvalidValue::TimeZone { given: shown(text), nearest: nearest.map(|(_, name)| name.to_owned()) }
    })
}

/// Reads reminder days: a JSON array of whole numbers from 1 to 365, given back without repeats, the largest first.
///
/// # Errors
/// [`InvalidValue::NoticeDays`].
pub fn parse_notice_days(text: &str) -> Result<Vec<u16>, InvalidValue> {
    let days: Vec<u16> = serde_json::from_str(text).unwrap_or_default();
    if days.is_empty() || days.len() > 20 || days.iter().any(|day| !(1..=365).contains(day)) {
        return Err(InvalidValue::NoticeDays { given: shown(text) });
    }
    let sorted: std::collections::BTreeSet<u16> = days.into_iter().collect();
    Ok(sorted.into_iter().rev().collect())
}

/// An e-mail address that a mail can be addressed to (RFC 5321, with the SMTPUTF8 extension of RFC 6531).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for EmailAddress {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let parsed: Result<lettre::Address, _> = text.parse();
        match parsed {
            // RFC 5321, 4.5.3.1: a path has at most 256 octets, its angle brackets included.
            Ok(address) if text.len() <= 254 && !text.chars().any(|c| c.is_control() || c.is_whitespace()) => {
                Ok(Self(address.to_string()))
            }
            _ => Err(InvalidValue::Address { given: shown(text) }),
        }
    }
}

/// A country by its two-letter code (ISO 3166-1 alpha-2), in upper case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CountryCode([u8; 2]);

impl FromStr for CountryCode {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        match text.as_bytes() {
            [one, two] if one.is_ascii_alphabetic() && two.is_ascii_alphabetic() => {
                Ok(Self([one.to_ascii_uppercase(), two.to_ascii_uppercase()]))
            }
            _ => Err(InvalidValue::Country { given: shown(text) }),
        }
    }
}

impl fmt::Display for CountryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{}", char::from(*byte)))
    }
}

/// A language tag (BCP 47), such as `en`, `pt-BR` or `zh-Hant`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locale(String);

impl Locale {
    /// The tag as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Locale {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let mut parts = text.split(['-', '_']);
        let language = parts.next().unwrap_or_default();
        let is_tag = (2..=3).contains(&language.len())
            && language.bytes().all(|byte| byte.is_ascii_alphabetic())
            && parts.all(|part| (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        if is_tag { Ok(Self(text.replace('_', "-"))) } else { Err(InvalidValue::Locale { given: shown(text) }) }
    }
}

/// Checks the name of a person or company and gives it back without surrounding white space.
///
/// # Errors
/// [`InvalidValue::Name`] for an empty or overlong name, or one with a control character (a line feed would end a mail
/// header).
pub fn parse_name(text: &str) -> Result<String, InvalidValue> {
    let name = text.trim();
    if name.is_empty() || name.chars().count() > 200 || name.chars().any(char::is_control) {
        return Err(InvalidValue::Name { given: shown(text) });
    }
    Ok(name.to_owned())
}

/// Whether a character is not seen, but steers or hides what is: marks of direction (UAX 9), fillers, tags, characters without a
/// width, and those for private use.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{e000}'..='\u{f8ff}' | '\u{feff}'
        | '\u{e0000}'..='\u{e007f}')
}

/// A given text as an error message may show it: on one line, and not long.
#[must_use]
pub fn shown(text: &str) -> String {
    const MOST: usize = 80;
    let printable = text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c });
    if text.chars().count() <= MOST { printable.collect() } else { printable.take(MOST).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_in_another_form_is_answered_with_the_iso_form() {
        assert_eq!(parse_date("2027-01-15").unwrap().to_string(), "2027-01-15");
        assert_eq!(
            parse_date("15/01/2027").unwrap_err().to_string(),
            "'15/01/2027' is not a date: write it as YYYY-MM-DD, 2027-01-15"
        );
        assert_eq!(
            parse_date("2027-02-30").unwrap_err().to_string(),
            "'2027-02-30' is not a date: write it as YYYY-MM-DD"
        );
        assert!(parse_date("2027-1-5").is_err());
    }

    #[test]
    fn a_misspelt_zone_is_answered_with_the_nearest() {
        assert!(parse_zone("Europe/Berlin").is_ok());
        assert!(parse_zone("Europe/Berln").unwrap_err().to_string().contains("did you mean Europe/Berlin?"));
    }

    #[test]
    fn addresses_names_countries_and_locales() {
        assert!("jo@example.org".parse::<EmailAddress>().is_ok());
        assert!("用户@例え.jp".parse::<EmailAddress>().is_ok());
        for bad in ["", "jo", "jo@", "jo@x\r\nBcc: a@b.c", "a b@c.de"] {
            assert!(bad.parse::<EmailAddress>().is_err(), "{bad:?}");
        }
        assert!(parse_name("Zoë\r\nBcc: x@y.z").is_err());
        assert_eq!("de".parse::<CountryCode>().unwrap().to_string(), "DE");
        assert!("DEU".parse::<CountryCode>().is_err());
        assert_eq!("pt_BR".parse::<Locale>().unwrap().as_str(), "pt-BR");
        assert!("english language".parse::<Locale>().is_err());
        assert_eq!(parse_notice_days("[1,30,7,7]").unwrap(), [30, 7, 1]);
        assert!(parse_notice_days("[0]").is_err());
    }
}
