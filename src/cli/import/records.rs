//! A file's records: from each line, CSV or JSON, values under the columns' names.

use std::io::{self, BufRead};

use serde_json::{Map, Value as Json};

use super::Format;
use super::columns::{self, UnknownColumn};
use super::csv::Csv;
use super::lines::{Line, Lines};
use crate::cli::CliError;
use crate::store::import::BadLine;

/// One line's values.
pub(super) struct Record {
    /// The line's number, from 1.
    pub(super) line: u64,
    /// The columns it has, each with its value as text; empty: nothing.
    pub(super) fields: Vec<(&'static str, String)>,
}

/// Reads records.
pub(super) struct Records {
    lines: Lines,
    name: String,
    allowed: &'static [&'static str],
    shape: Shape,
}

enum Shape {
    /// CSV, with the columns that the header names.
    Csv(Box<Csv>, Vec<&'static str>),
    Jsonl,
}

impl Records {
    /// Begins to read the file of this name. A CSV header is read and judged at once.
    pub(super) fn new(
        reader: Box<dyn BufRead + Send>,
        format: Format,
        allowed: &'static [&'static str],
        name: &str,
    ) -> Result<Self, CliError> {
        let mut lines = Lines::new(reader);
        let shape = match format {
            Format::Jsonl => Shape::Jsonl,
            Format::Csv => {
                let first = lines.next_line().map_err(|error| unreadable(name, &error))?;
                let mut csv = Box::new(Csv::new());
                let header = header(&mut csv, first, allowed);
                Shape::Csv(csv, header.map_err(|reason| CliError::Failed(format!("{name}:{reason}")))?)
            }
        };
        Ok(Self { lines, name: name.to_owned(), allowed, shape })
    }

    /// The next record, or the line that is none.
    pub(super) fn next_record(&mut self) -> Result<Option<Result<Record, BadLine>>, CliError> {
        let line = self.lines.next_line().map_err(|error| unreadable(&self.name, &error))?;
        let Some(Line { number, text }) = line else { return Ok(None) };
        let fields = text.and_then(|text| match &mut self.shape {
            Shape::Csv(csv, header) => csv_fields(csv, header, &text),
            Shape::Jsonl => json_fields(self.allowed, &text),
        });
        Ok(Some(match fields {
            Ok(fields) => Ok(Record { line: number, fields }),
            Err(reason) => Err(BadLine { line: number, reason }),
        }))
    }
}

fn unreadable(name: &str, error: &io::Error) -> CliError {
    CliError::Failed(format!("cannot read {name}: {error}"))
}

fn header(csv: &mut Csv, first: Option<Line>, allowed: &'static [&'static str]) -> Result<Vec<&'static str>, String> {
    let Some(Line { number, text }) = first else {
        return Err(format!("1: the file is empty: its first line must name columns, such as {}", allowed.join(",")));
    };
    let text = text.map_err(|reason| format!("{number}: {reason}"))?;
    let mut header = Vec::new();
    for given in csv.values(&text).map_err(|reason| format!("{number}: {reason}"))? {
        let column = columns::known(allowed, &given).map_err(|unknown| match (unknown, given.find([';', '\t'])) {
            (UnknownColumn::Other { .. }, Some(_)) => {
                format!("{number}: the columns are not separated by commas: save the file as comma-separated values")
            }
            (unknown, _) => format!("{number}: {unknown}"),
        })?;
        if header.contains(&column) {
            return Err(format!("{number}: the column '{column}' stands there twice: leave one out"));
        }
        header.push(column);
    }
    if !header.contains(&"external_id") {
        return Err(format!("{number}: there is no column external_id, by which each line is known: add it"));
    }
    Ok(header)
}

fn csv_fields(csv: &mut Csv, header: &[&'static str], text: &str) -> Result<Vec<(&'static str, String)>, String> {
    let values = csv.values(text)?;
    if values.len() != header.len() {
        return Err(format!(
            "the line has {} values, and the header names {} columns: put values that hold a comma in quotes",
            values.len(),
            header.len()
        ));
    }
    Ok(header.iter().copied().zip(values).collect())
}

fn json_fields(allowed: &'static [&'static str], text: &str) -> Result<Vec<(&'static str, String)>, String> {
    let object: Map<String, Json> = serde_json::from_str(text).map_err(|error| {
        if text.trim_start().starts_with('[') {
            "the line is a JSON array: write one JSON object a line (jq -c '.[]' makes them of an array)".to_owned()
        } else {
            // The parser was given one line and counts it as line 1.
            let error = error.to_string().replace(" at line 1 column", " at column");
            format!("the line is not one JSON object: {error}")
        }
    })?;
    object
        .into_iter()
        .map(|(given, value)| {
            let column = columns::known(allowed, &given).map_err(|unknown| unknown.to_string())?;
            let text = match value {
                Json::Null => String::new(),
                Json::String(text) => text.trim().to_owned(),
                Json::Bool(_) | Json::Number(_) | Json::Array(_) => value.to_string(),
                Json::Object(_) => return Err(format!("{column}: a JSON object is no value: write text or a number")),
            };
            Ok((column, text))
        })
        .collect()
}
