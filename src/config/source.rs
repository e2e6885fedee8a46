//! Where settings come from: a file and the environment, read into entries that know where they stood.

use std::path::Path;

use toml::Value;
use toml::de::{DeTable, DeValue};

use super::problem::{Origin, Problem};
use super::schema::{Schema, nearest};
use super::value;

/// One setting that somebody gave.
pub(super) struct Entry {
    pub(super) section: String,
    pub(super) key: String,
    pub(super) value: Value,
    pub(super) origin: Origin,
}

/// How the names of the environment variables begin that are settings.
const PREFIX: &str = "MFA_ENFORCER__";

/// The settings of a file; what is wrong with it goes to `problems`.
pub(super) fn file(path: &Path, schema: &Schema, problems: &mut Vec<Problem>) -> Vec<Entry> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            problems.push(Problem::anywhere(format!("cannot read the settings file {}: {error}", path.display())));
            return Vec::new();
        }
    };
    let at = |offset: usize| {
        let line = 1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count();
        Origin::File { path: path.to_owned(), line }
    };
    let (names, values) = match parse(&text) {
        Ok(parsed) => parsed,
        Err(errors) => {
            problems.extend(errors.iter().map(|error| {
                let offset = error.span().map_or(0, |span| span.start);
                Problem::at(at(offset), not_toml(error.message()))
            }));
            return Vec::new();
        }
    };

    let mut entries = Vec::new();
    for (name, content) in &names {
        let section = name.get_ref().as_ref();
        let DeValue::Table(keys) = content.get_ref() else {
            problems.push(Problem::at(at(name.span().start), schema.no_section(section)));
            continue;
        };
        if !schema.defaults().contains_key(section) {
            problems.push(Problem::at(at(name.span().start), schema.unknown_section(section)));
            continue;
        }
        for name in keys.keys() {
            let key = name.get_ref().as_ref();
            let origin = at(name.span().start);
            match values.get(section).and_then(|values| values.get(key)) {
                Some(value) if schema.default_of(section, key).is_some() => {
                    entries.push(Entry { section: section.into(), key: key.into(), value: value.clone(), origin });
                }
                _ => problems.push(Problem::at(origin, schema.unknown_key(section, key))),
            }
        }
    }
    entries
}

/// The settings in these environment variables; what is wrong with them goes to `problems`.
pub(super) fn environment(
    variables: impl Iterator<Item = (String, String)>,
    schema: &Schema,
    problems: &mut Vec<Problem>,
) -> Vec<Entry> {
    let mut given: Vec<_> = variables.filter(|(name, _)| name.starts_with(PREFIX)).collect();
    given.sort();
    let mut entries = Vec::new();
    for (name, text) in given {
        let Some((section, key)) = schema.keys().find(|(section, key)| variable(section, key) == name) else {
            problems.push(Problem::at(Origin::Environment(name.clone()), unknown_variable(&name, schema)));
            continue;
        };
        let origin = Origin::Environment(name);
        if text.contains(char::REPLACEMENT_CHARACTER) {
            problems.push(Problem::at(origin, format!("{section}.{key}: the value is not UTF-8")));
            continue;
        }
        let Some(default) = schema.default_of(section, key) else { continue };
        if let Some(value) = value::from_text(&text, default) {
            entries.push(Entry { section: section.into(), key: key.into(), value, origin });
        } else {
            let message = value::mismatch(schema, section, key, &Value::String(text));
            problems.push(Problem::at(origin, message));
        }
    }
    entries
}

/// The text as TOML: once with the places of all names, once with plain values. Or all of its mistakes.
fn parse(text: &str) -> Result<(DeTable<'_>, toml::Table), Vec<toml::de::Error>> {
    let (names, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return Err(errors);
    }
    let values = text.parse().map_err(|error| vec![error])?;
    Ok((names.into_inner(), values))
}

fn not_toml(reason: &str) -> String {
    let hint = if reason.contains("duplicate") { "" } else { " (is a text without its quotes?)" };
    format!("not TOML: {reason}{hint}")
}

fn variable(section: &str, key: &str) -> String {
    format!("{PREFIX}{section}__{key}").to_uppercase()
}

fn unknown_variable(name: &str, schema: &Schema) -> String {
    let known = schema.keys().map(|(section, key)| format!("{section}__{key}").to_uppercase());
    match nearest(name.trim_start_matches(PREFIX), known) {
        Some(near) => format!("there is no such setting: did you mean {PREFIX}{near}?"),
        None => format!("there is no such setting: the names are made as in {}", variable("smtp", "url")),
    }
}
