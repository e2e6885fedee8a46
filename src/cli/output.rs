//! Where results and messages go: tables or JSON on standard output, messages on standard error.

use std::fmt::Display;
use std::io::{self, Write as _};

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use super::CliError;
pub use crate::config::called::{as_called, name_settings_file, quoted};
use crate::domain::time::Timestamp;

/// How results are written: for people, or as JSON.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    json: bool,
}

impl Output {
    /// Results as JSON, or else for people.
    #[must_use]
    pub fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether results are written as JSON.
    #[must_use]
    pub fn is_json(self) -> bool {
        self.json
    }

    /// Writes one result: as one JSON value, or as the text made of it.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn show<T: Serialize>(self, value: &T, text: impl FnOnce(&T) -> String) -> Result<(), CliError> {
        let text = if self.json { to_json(value)? } else { as_called(&text(value)) };
        write_line(&text)
    }

    /// Begins a list that is written page by page: as one JSON array, or as tables made of the pages.
    #[must_use]
    pub fn list<T: Serialize>(self, table: fn(&[T]) -> Table) -> ListWriter<T> {
        ListWriter { json: self.json, table, count: 0 }
    }
}

/// Writes a list page by page, and holds no more than a page.
#[derive(Debug)]
pub struct ListWriter<T> {
    json: bool,
    table: fn(&[T]) -> Table,
    count: u64,
}

impl<T: Serialize> ListWriter<T> {
    /// Writes the next page.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn page(&mut self, rows: &[T]) -> Result<(), CliError> {
        let mut text = String::new();
        if self.json {
            for row in rows {
                text.push_str(if self.count == 0 { "[\n" } else { ",\n" });
                text.push_str(&to_json_line(row)?);
                self.count += 1;
            }
        } else if !rows.is_empty() {
            text = (self.table)(rows).trim_fmt();
            text.push('\n');
            self.count += u64::try_from(rows.len()).unwrap_or(0);
        }
        write(&text)
    }

    /// Ends the list; for people, with `nothing` when it has no rows.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn finish(self, nothing: &str) -> Result<(), CliError> {
        match (self.json, self.count) {
            (true, 0) => write_line("[]"),
            (true, _) => write_line("\n]"),
            (false, 0) => write_line(nothing),
            (false, _) => Ok(()),
        }
    }
}

/// A message on standard error.
pub fn say(message: &str) {
    // Where standard error is closed there is nobody left to tell.
    let _ = writeln!(io::stderr().lock(), "mfa-enforcer: {}", printable_lines(&as_called(message)));
}

/// Writes one line, or several, of results.
///
/// # Errors
/// When standard output cannot be written.
pub fn write_line(text: &str) -> Result<(), CliError> {
    write(&format!("{text}\n"))
}

fn write(text: &str) -> Result<(), CliError> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    Ok(stdout.flush()?)
}

/// A table without lines, so that other programs can cut it as well.
#[must_use]
pub fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header.iter().map(|name| name.to_uppercase()));
    table.add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}

/// Names and values, one pair a line, the values in one column.
#[must_use]
pub fn pairs(pairs: &[(&str, String)]) -> String {
    let width = pairs.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let lines: Vec<String> = pairs.iter().map(|(name, value)| format!("{name:width$}  {value}")).collect();
    lines.join("\n")
}

/// A value as a cell of a table; a name may hold anything, but nothing that a terminal acts on is written.
#[must_use]
pub fn cell(value: impl Display) -> String {
    value.to_string().chars().map(printable).collect()
}

/// The same for a value that may be missing.
#[must_use]
pub fn maybe(value: Option<impl Display>) -> String {
    value.map_or_else(|| "-".to_owned(), cell)
}

/// An instant to the second.
#[must_use]
pub fn instant(instant: Timestamp) -> String {
    instant.utc().to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

/// The same for one that may be missing.
#[must_use]
pub fn maybe_instant(value: Option<Timestamp>) -> String {
    maybe(value.map(instant))
}

/// `yes` or `no`.
#[must_use]
pub fn yes_no(value: bool) -> String {
    if value { "yes" } else { "no" }.to_owned()
}

fn printable_lines(text: &str) -> String {
    text.chars().map(|c| if c == '\n' { c } else { printable(c) }).collect()
}

/// Neither a control character nor one that turns the direction of writing around.
fn printable(c: char) -> char {
    let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if c.is_control() || turns { '\u{fffd}' } else { c }
}

fn to_json<T: Serialize>(value: &T) -> Result<String, CliError> {
    serde_json::to_string_pretty(value).map_err(|error| unwritable(&error))
}

/// A value as JSON on one line.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn to_json_line<T: Serialize>(value: &T) -> Result<String, CliError> {
    serde_json::to_string(value).map_err(|error| unwritable(&error))
}

fn unwritable(error: &serde_json::Error) -> CliError {
    CliError::Failed(format!("cannot write the result as JSON: {error}"))
}
