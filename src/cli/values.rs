//! How values on the command line are read: each once, into a type that cannot be wrong.

use chrono::{Datelike as _, NaiveDate};

use crate::domain::ids::Id;
use crate::domain::time::Timestamp;
use crate::domain::values::{self, shown};
use crate::store::edit::Edit;

/// The last year of which dates and instants are kept whole: one may be added to any of its days.
pub const LAST_YEAR: i32 = 9998;

/// Reads an instant.
///
/// # Errors
/// With the form that it should have.
pub fn instant(text: &str) -> Result<Timestamp, String> {
    text.parse::<Timestamp>().ok().filter(|instant| (1970..=LAST_YEAR).contains(&instant.utc().year())).ok_or_else(
        || {
            let day = values::parse_date(text).map_or_else(|_| "2027-01-15".to_owned(), |date| date.to_string());
            format!("'{}' is not an instant: write it with time and zone, as {day}T09:00:00Z", shown(text))
        },
    )
}

/// Reads a date.
///
/// # Errors
/// With the ISO form.
pub fn date(text: &str) -> Result<NaiveDate, String> {
    let date = values::parse_date(text).map_err(|error| error.to_string())?;
    if (1..=LAST_YEAR).contains(&date.year()) {
        Ok(date)
    } else {
        Err(format!("'{}' is no year that is kept: use one from 0001 to {LAST_YEAR}", shown(text)))
    }
}

/// Reads the id of a row.
///
/// # Errors
/// With the form that it should have.
pub fn id(text: &str) -> Result<Id, String> {
    text.parse().map_err(|_| {
        format!("'{}' is not an id: copy one from a list, such as 01980000-0000-7000-8000-000000000001", shown(text))
    })
}

/// Reads reminder days: `30,14,7,3,1`, or the same in brackets.
///
/// # Errors
/// With the form that they should have.
pub fn notice_days(text: &str) -> Result<Vec<u16>, String> {
    let text = text.trim();
    let list = if text.starts_with('[') { text.to_owned() } else { format!("[{text}]") };
    values::parse_notice_days(&list).map_err(|_| {
        format!(
            "'{}' is not a list of reminder days: give 1 to 20 whole numbers from 1 to 365, such as 30,14,7,3,1",
            shown(text)
        )
    })
}

/// Reads days of grace.
///
/// # Errors
/// With the numbers that are allowed.
pub fn grace_days(text: &str) -> Result<u16, String> {
    text.parse()
        .ok()
        .filter(|days| *days <= 365)
        .ok_or_else(|| format!("'{}' is not a number of days: give a whole number from 0 to 365", shown(text)))
}

/// Reads how many rows are wanted.
///
/// # Errors
/// With the numbers that are allowed.
pub fn count(text: &str) -> Result<u32, String> {
    text.parse()
        .ok()
        .filter(|count| *count > 0)
        .ok_or_else(|| format!("'{}' is not a number of rows: give a whole number from 1", shown(text)))
}

/// Reads a name, a key, a reason: a few words on one line.
///
/// # Errors
/// When there are none, too many, or control characters among them.
pub fn words(text: &str) -> Result<String, String> {
    values::parse_name(text)
        .map_err(|_| format!("'{}' cannot be stored: give 1 to 200 characters without control characters", shown(text)))
}

/// Reads who gives an order.
///
/// # Errors
/// As [`words`], and for what the audit trail calls the machine.
pub fn person(text: &str) -> Result<String, String> {
    let name = words(text)?;
    if ["sql", "daemon"].contains(&name.to_ascii_lowercase().as_str()) {
        return Err(format!("'{name}' is what the audit trail calls what nobody ordered: give the name of a person"));
    }
    Ok(name)
}

/// Reads by what a row is named: its id, its external id, a user's address.
///
/// # Errors
/// When it can be none of them.
pub fn key(text: &str) -> Result<String, String> {
    const LONGEST_ADDRESS: usize = 254; // RFC 5321, 4.5.3.1.3: a path without its brackets
    let key = text.trim();
    if key.is_empty() || key.chars().count() > LONGEST_ADDRESS || key.chars().any(char::is_control) {
        return Err(format!(
            "'{}' names nothing: give an id or external id, of at most 254 characters on one line",
            shown(text)
        ));
    }
    Ok(key.to_owned())
}

/// Makes a reader of values that may also be taken away, by an empty text.
pub fn clearable<T, E: ToString>(
    read: impl Fn(&str) -> Result<T, E> + Clone,
) -> impl Fn(&str) -> Result<Edit<T>, String> + Clone {
    move |text| {
        if text.is_empty() { Ok(Edit::Clear) } else { read(text).map(Edit::To).map_err(|error| error.to_string()) }
    }
}
