//! `[safety]`: what needs a second look.

use serde::Deserialize;

use super::range;
use crate::domain::safety::{Response, SafetyPolicy};

/// What needs a second look.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SafetySettings {
    /// How many people a first run may at once mail or require without being told to.
    #[serde(deserialize_with = "range::number::<_, _, 0, 1_000_000_000>")]
    pub first_run_limit: u32,
    /// What is done where none of a company's admins is enrolled.
    pub no_enrolled_admin: Response,
    /// What is done where more than `not_enrolled_percent` of a company's people are not enrolled.
    pub not_enrolled: Response,
    /// In percent.
    #[serde(deserialize_with = "range::number::<_, _, 0, 100>")]
    pub not_enrolled_percent: u8,
    /// What is done where more than `not_told_percent` of those have no accepted mail that tells the date.
    pub not_told: Response,
    /// In percent.
    #[serde(deserialize_with = "range::number::<_, _, 0, 100>")]
    pub not_told_percent: u8,
}

impl SafetySettings {
    /// What the pure core must know of them.
    pub(super) fn policy(&self) -> SafetyPolicy {
        SafetyPolicy {
            no_enrolled_admin: self.no_enrolled_admin,
            not_enrolled: self.not_enrolled,
            not_enrolled_percent: self.not_enrolled_percent,
            not_told: self.not_told,
            not_told_percent: self.not_told_percent,
        }
    }
}
