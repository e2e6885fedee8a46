//! `[database]`: where the data lives.

use std::path::PathBuf;

use chrono::TimeDelta;
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::{duration, range};

/// Where the data lives, and how to talk to it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseSettings {
    /// `sqlite://…` or `postgres://…`; a secret, since it may hold a password.
    #[serde(deserialize_with = "url")]
    pub url: SecretString,
    /// How many connections are opened at most.
    #[serde(deserialize_with = "range::number::<_, _, 1, 1000>")]
    pub max_connections: u32,
    /// How long to wait for a connection.
    #[serde(deserialize_with = "duration::positive")]
    pub connect_timeout: TimeDelta,
    /// How long one statement may run; none: as long as the server allows.
    #[serde(default, deserialize_with = "duration::optional")]
    pub statement_timeout: Option<TimeDelta>,
    /// The schema in which the tables are; none: the server's `search_path` says.
    #[serde(default)]
    pub schema: Option<String>,
    /// Whether a pooler that lends a session for one transaction stands before the database.
    pub pooling: Pooling,
}

/// Whose session of PostgreSQL a connection works in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pooling {
    /// To be found out, by what becomes of a setting at the start of a connection.
    Detect,
    /// It is the connection's own: no pooler, or one in session mode.
    Session,
    /// It is lent by a pooler in transaction mode.
    Transaction,
}

/// Which database a URL speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseKind {
    /// SQLite, in a file.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

impl DatabaseSettings {
    /// Which database the URL speaks of.
    #[must_use]
    pub fn kind(&self) -> DatabaseKind {
        if self.url.expose_secret().starts_with("sqlite:") { DatabaseKind::Sqlite } else { DatabaseKind::Postgres }
    }

    /// The file of an SQLite database; none for PostgreSQL.
    #[must_use]
    pub fn sqlite_file(&self) -> Option<PathBuf> {
        sqlite_file(self.url.expose_secret())
    }
}

/// The file of the SQLite database at `url`; none if the URL is of another kind.
#[must_use]
pub fn sqlite_file(url: &str) -> Option<PathBuf> {
    let rest = url.strip_prefix("sqlite:")?;
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let path = rest.split('?').next().unwrap_or(rest);
    Some(PathBuf::from(percent_decode_str(path).decode_utf8_lossy().into_owned()))
}

fn url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    let text = String::deserialize(deserializer)?;
    let is_known = match text.strip_prefix("sqlite:") {
        // A database in memory would be gone with the command that made it.
        Some(file) => !file.trim_start_matches('/').is_empty() && !file.contains(":memory:"),
        None => ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme)) && parses(&text),
    };
    if is_known { Ok(text.into()) } else { Err(D::Error::custom("not the URL of a database")) }
}

fn parses(text: &str) -> bool {
    url::Url::parse(text).is_ok()
}
