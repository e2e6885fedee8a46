//! What was given in all layers together: later layers over earlier ones, and secrets read from their files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::problem::{Origin, Problem};
use super::schema::Schema;
use super::source::Entry;
use super::value;

/// The settings that were given, by section and key, in place of their defaults.
#[derive(Default)]
pub(super) struct Overrides(BTreeMap<(String, String), (Value, Origin)>);

impl Overrides {
    /// Lays one more layer over those before. A secret and the file it is to be read from take each other's place; both
    /// in one layer are a problem.
    pub(super) fn add_layer(&mut self, layer: &[Entry], schema: &Schema, problems: &mut Vec<Problem>) {
        let is_given = |section: &str, key: &str| {
            layer.iter().any(|entry| entry.section == section && entry.key == key && !value::is_unset(&entry.value))
        };
        let mut kept = Vec::new();
        for entry in layer {
            let (section, key) = (&entry.section, &entry.key);
            let has_file = schema.file_key(section, key).is_some_and(|file_key| is_given(section, &file_key));
            if !has_file {
                kept.push(entry);
            } else if !value::is_unset(&entry.value) {
                problems.push(Problem::at(
                    entry.origin.clone(),
                    format!("{section}.{key} and {section}.{key}_file are both given: keep one of them"),
                ));
            }
        }
        for Entry { section, key, value, origin } in kept {
            let other = if let Some(secret) = schema.secret_key(section, key) {
                Some(secret.to_owned()).filter(|_| !value::is_unset(value))
            } else {
                schema.file_key(section, key)
            };
            if let Some(other) = other {
                self.0.remove(&(section.clone(), other));
            }
            self.0.insert((section.clone(), key.clone()), (value.clone(), origin.clone()));
        }
    }

    /// Removes values of another type than their default's.
    pub(super) fn drop_mistyped(&mut self, schema: &Schema, problems: &mut Vec<Problem>) {
        self.0.retain(|(section, key), (given, origin)| {
            let fits = schema.default_of(section, key).is_some_and(|default| value::is_like(given, default));
            if !fits {
                problems.push(Problem::at(origin.clone(), value::mismatch(schema, section, key, given)));
            }
            fits
        });
    }

    /// Puts the content of each secret's file in the place of its name.
    pub(super) fn read_secret_files(&mut self, schema: &Schema, problems: &mut Vec<Problem>) {
        let mut read = Vec::new();
        self.0.retain(|(section, key), (given, origin)| {
            let Some(secret) = schema.secret_key(section, key) else { return true };
            if let Some(path) = given.as_str().filter(|path| !path.is_empty()) {
                match secret_in(Path::new(path)) {
                    Ok(text) => read.push((
                        (section.clone(), secret.to_owned()),
                        (Value::String(text), Origin::SecretFile(PathBuf::from(path))),
                    )),
                    Err(reason) => problems.push(Problem::at(origin.clone(), format!("{section}.{key}: {reason}"))),
                }
            }
            false
        });
        self.0.extend(read);
    }

    /// Whether `section.key` was given, and is not empty.
    pub(super) fn get(&self, section: &str, key: &str) -> Option<&Value> {
        let (given, _) = self.0.get(&(section.to_owned(), key.to_owned()))?;
        Some(given).filter(|given| !value::is_unset(given))
    }

    /// The problem of which `message` tells, where the setting stands whose name the message begins with.
    pub(super) fn locate(&self, message: String) -> Problem {
        let origin = self.iter().find_map(|(section, key, _, origin)| {
            let rest = message.strip_prefix(section)?.strip_prefix('.')?.strip_prefix(key)?;
            (!rest.starts_with(|c: char| c.is_alphanumeric() || c == '_')).then(|| origin.clone())
        });
        Problem { origin, message }
    }

    /// All of the overrides.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str, &Value, &Origin)> {
        self.0.iter().map(|((section, key), (given, origin))| (section.as_str(), key.as_str(), given, origin))
    }
}

/// Sets one setting in `table`, or takes it out where it stands for 'not set'.
pub(super) fn put(table: &mut Table, section: &str, key: &str, given: &Value) {
    if let Some(keys) = table.get_mut(section).and_then(Value::as_table_mut) {
        if value::is_unset(given) {
            keys.remove(key);
        } else {
            keys.insert(key.to_owned(), given.clone());
        }
    }
}

fn secret_in(path: &Path) -> Result<String, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let secret = text.trim_matches(['\r', '\n']);
    if secret.is_empty() { Err(format!("{} is empty", path.display())) } else { Ok(secret.to_owned()) }
}
