//! `[clock]`: whose time it is.

use serde::Deserialize;

/// Whose time it is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockSettings {
    /// Whether time stands still and moves only as commands tell it to, instead of the system's clock.
    pub simulated: bool,
}
