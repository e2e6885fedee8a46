//! Which settings there are: those of the compiled-in `config/default.toml`, each with the type of its default.

use toml::{Table, Value};

use super::problem::{ConfigError, Problem};

const DEFAULTS: &str = include_str!("../../config/default.toml");

/// What ends the key of a secret that is read from a file.
const FILE_SUFFIX: &str = "_file";

/// All settings with their defaults.
pub(super) struct Schema(Table);

impl Schema {
    /// The settings of this build. That its `default.toml` can be read is tested.
    pub(super) fn built_in() -> Result<Self, ConfigError> {
        DEFAULTS.parse().map(Self).map_err(|error: toml::de::Error| ConfigError {
            problems: vec![Problem::anywhere(format!("config/default.toml of this build: {}", error.message()))],
        })
    }

    /// The defaults, by section and key.
    pub(super) fn defaults(&self) -> &Table {
        &self.0
    }

    /// The default of `section.key`; none if there is no such setting.
    pub(super) fn default_of(&self, section: &str, key: &str) -> Option<&Value> {
        self.0.get(section)?.get(key)
    }

    /// For `url`: `url_file`, if that is a setting too. Then this one is a secret.
    pub(super) fn file_key(&self, section: &str, key: &str) -> Option<String> {
        let file_key = format!("{key}{FILE_SUFFIX}");
        self.default_of(section, &file_key).map(|_| file_key)
    }

    /// For `url_file`: `url`, if that is a setting. (`ca_file` holds no secret: there is no `ca`.)
    pub(super) fn secret_key<'k>(&self, section: &str, key: &'k str) -> Option<&'k str> {
        key.strip_suffix(FILE_SUFFIX).filter(|secret| self.default_of(section, secret).is_some())
    }

    /// All settings as `(section, key)`.
    pub(super) fn keys(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().flat_map(|(section, keys)| {
            keys.as_table().into_iter().flat_map(|keys| keys.keys()).map(move |key| (section.as_str(), key.as_str()))
        })
    }

    /// What to tell somebody who wrote a section that does not exist.
    pub(super) fn unknown_section(&self, section: &str) -> String {
        let sections = || self.0.keys().map(String::as_str);
        let hint = nearest(section, sections()).map_or_else(
            || format!("the sections are {}", sections().collect::<Vec<_>>().join(", ")),
            |near| format!("did you mean [{near}]?"),
        );
        format!("[{section}] is not a section: {hint}")
    }

    /// What to tell somebody who wrote a setting outside of a section.
    pub(super) fn no_section(&self, key: &str) -> String {
        let homes: Vec<_> = self.sections_with(key).map(|section| format!("[{section}]")).collect();
        if homes.is_empty() {
            format!("{key} stands in no section, and is not a setting")
        } else {
            format!("{key} stands in no section: put it under {}", homes.join(" or "))
        }
    }

    /// What to tell somebody who wrote a setting that `section` does not have.
    pub(super) fn unknown_key(&self, section: &str, key: &str) -> String {
        let keys = || self.keys().filter(|(name, _)| *name == section).map(|(_, key)| key);
        let hint = if let Some(home) = self.sections_with(key).next() {
            format!("{key} belongs in [{home}]")
        } else if let Some(near) = nearest(key, keys()) {
            format!("did you mean {section}.{near}?")
        } else {
            let known: Vec<_> = keys().collect();
            if known.is_empty() {
                format!("there is nothing to set in [{section}]")
            } else {
                format!("the settings of [{section}] are {}", known.join(", "))
            }
        };
        format!("{section}.{key} is not a setting: {hint}")
    }

    fn sections_with(&self, key: &str) -> impl Iterator<Item = &str> {
        self.keys().filter(move |(_, known)| *known == key).map(|(section, _)| section)
    }
}

/// The one of `known` that `given` is most likely a slip of, if any is near.
pub(super) fn nearest<T: AsRef<str>>(given: &str, known: impl Iterator<Item = T>) -> Option<T> {
    let given = given.to_lowercase();
    known
        .map(|name| (strsim::jaro_winkler(&given, &name.as_ref().to_lowercase()), name))
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .filter(|(likeness, _)| *likeness > 0.85)
        .map(|(_, name)| name)
}
