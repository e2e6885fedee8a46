//! `[smtp]`: where mail goes.

use std::path::PathBuf;

use chrono::TimeDelta;
use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

use super::{duration, range};

/// Where mail goes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmtpConfig {
    /// `file:DIR`, `smtp://…` or `smtps://…`.
    #[serde(default, deserialize_with = "secret")]
    pub url: Option<SecretString>,
    /// The name to sign in with.
    #[serde(default)]
    pub username: Option<String>,
    /// Its password.
    #[serde(default, deserialize_with = "secret")]
    pub password: Option<SecretString>,
    /// Whether to encrypt.
    pub tls: Tls,
    /// Certificates to trust beside the system's.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// How long one mail may take.
    #[serde(deserialize_with = "duration::positive")]
    pub timeout: TimeDelta,
    /// How many mails are handed over at the same time.
    #[serde(deserialize_with = "range::number::<_, _, 1, 100>")]
    pub max_connections: u32,
    /// What the daemon calls itself.
    #[serde(default)]
    pub hello_name: Option<String>,
}

/// Whether to encrypt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tls {
    /// Unless the host is the loopback.
    Auto,
    /// Always.
    Required,
    /// Never.
    None,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    String::deserialize(deserializer).map(|text| Some(text.into()))
}
