//! Spans of time as settings write them: `10s`, `15m`, `1h30m`.

use chrono::TimeDelta;
use serde::de::Error as _;
use serde::{Deserialize as _, Deserializer};
use thiserror::Error;

/// Why a text is not a duration.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("'{given}' is not a duration: write a number and a unit (ms, s, m, h, d), such as 10s, 15m or 1h30m")]
pub struct InvalidDuration {
    /// What was given.
    given: String,
}

/// Reads whole numbers, each with a unit (`ms`, `s`, `m`, `h`, `d`), and adds them up.
///
/// # Errors
/// [`InvalidDuration`] for anything else, and for more than ten years.
pub fn parse(text: &str) -> Result<TimeDelta, InvalidDuration> {
    sum(text.trim())
        .filter(|total| *total <= TimeDelta::days(3660))
        .ok_or_else(|| InvalidDuration { given: text.chars().take(80).collect() })
}

fn sum(text: &str) -> Option<TimeDelta> {
    let mut rest = text;
    let mut total = TimeDelta::zero();
    loop {
        let (number, after) = split_before(rest, |c| !c.is_ascii_digit());
        let (unit, after) = split_before(after, |c| !c.is_ascii_alphabetic());
        let number = number.parse().ok()?;
        let part = match unit {
            "ms" => TimeDelta::try_milliseconds(number),
            "s" => TimeDelta::try_seconds(number),
            "m" => TimeDelta::try_minutes(number),
            "h" => TimeDelta::try_hours(number),
            "d" => TimeDelta::try_days(number),
            _ => None,
        }?;
        total = total.checked_add(&part)?;
        rest = after.trim_start();
        if rest.is_empty() {
            return Some(total);
        }
    }
}

fn split_before(text: &str, is_next: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(is_next).unwrap_or(text.len()))
}

/// For `#[serde(deserialize_with)]`: a duration, which may be none at all (`0s`).
///
/// # Errors
/// [`InvalidDuration`], as the deserialiser's error.
pub fn any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TimeDelta, D::Error> {
    parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
}

/// For `#[serde(deserialize_with)]`: a duration longer than none.
///
/// # Errors
/// [`InvalidDuration`], as the deserialiser's error, or that it is none.
pub fn positive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TimeDelta, D::Error> {
    let span = any(deserializer)?;
    if span > TimeDelta::zero() {
        Ok(span)
    } else {
        Err(D::Error::custom("0s is too short: it must be longer than nothing"))
    }
}

/// For `#[serde(deserialize_with)]`: a duration of a second or more.
///
/// # Errors
/// [`InvalidDuration`], as the deserialiser's error, or that it is shorter.
pub fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TimeDelta, D::Error> {
    let text = String::deserialize(deserializer)?;
    let span = parse(&text).map_err(D::Error::custom)?;
    if span < TimeDelta::seconds(1) {
        return Err(D::Error::custom(format!("{} is too short: it must be at least 1s", text.trim())));
    }
    Ok(span)
}

/// For `#[serde(default, deserialize_with)]`: a duration longer than none, or not set.
///
/// # Errors
/// As [`positive`].
pub fn optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<TimeDelta>, D::Error> {
    positive(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_units_are_added_up() {
        assert_eq!(parse("10s").unwrap(), TimeDelta::seconds(10));
        assert_eq!(parse("1h30m").unwrap(), TimeDelta::minutes(90));
        assert_eq!(parse(" 1d 250ms ").unwrap(), TimeDelta::milliseconds(86_400_250));
        assert_eq!(parse("0s").unwrap(), TimeDelta::zero());
    }

    #[test]
    fn anything_else_is_refused_with_the_form() {
        for bad in ["", "10", "s", "10 s", "-5s", "1.5h", "10S", "5 minutes", "99999999999999999999s", "4000d", "1hé"]
        {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
        assert!(parse("ten").unwrap_err().to_string().starts_with("'ten' is not a duration: write a number"));
    }
}
