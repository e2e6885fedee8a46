//! `[safety]`: what needs a second look.

use serde::Deserialize;

use super::range;

/// What needs a second look.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SafetySettings {
    /// How many people a first run may at once mail or require without being told to.
    #[serde(deserialize_with = "range::number::<_, _, 0, 1_000_000_000>")]
    pub first_run_limit: u32,
}
