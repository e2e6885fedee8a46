//! `[telemetry]`: what is logged, and how.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use tracing_subscriber::EnvFilter;

/// What is logged, and how.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TelemetrySettings {
    /// Levels, also by part of the program, as `tracing_subscriber`'s `EnvFilter` reads them.
    #[serde(deserialize_with = "directives")]
    pub log: String,
    /// In which form.
    pub log_format: LogFormat,
}

/// In which form logs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people on a terminal, JSON otherwise.
    Auto,
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

fn directives<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    match EnvFilter::try_new(&text) {
        Ok(_) => Ok(text),
        Err(error) => Err(D::Error::custom(format!(
            "'{text}' does not say what to log ({error}): write a level such as info, also by part, such as \
             info,mfa_enforcer::mail=debug"
        ))),
    }
}
