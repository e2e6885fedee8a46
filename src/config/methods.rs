//! `[methods]`: which second steps people may choose from, and where.

use std::collections::BTreeSet;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::domain::values::CountryCode;

/// Where a phone number may be the second step.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MethodsSettings {
    /// For everybody.
    #[serde(deserialize_with = "countries")]
    pub sms_countries: BTreeSet<CountryCode>,
    /// For people who receive payments.
    #[serde(deserialize_with = "countries")]
    pub payee_sms_countries: BTreeSet<CountryCode>,
}

fn countries<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeSet<CountryCode>, D::Error> {
    let codes: Vec<String> = Vec::deserialize(deserializer)?;
    codes.iter().map(|code| code.parse().map_err(D::Error::custom)).collect()
}
