//! `[schedule]`: how often, how much and how long.

use chrono::TimeDelta;
use serde::Deserialize;

use super::{duration, range};

/// How often tasks run, and how much they take at a time.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleSettings {
    /// The time between two runs of a task: at least a second, and a part of a second is cut off.
    #[serde(deserialize_with = "duration::seconds")]
    pub tick: TimeDelta,
    /// How long claimed notices are held for who claimed them.
    #[serde(deserialize_with = "duration::positive")]
    pub lease: TimeDelta,
    /// How many notices are claimed at a time.
    #[serde(deserialize_with = "range::number::<_, _, 1, 10_000>")]
    pub claim_batch: u32,
    /// How many rows one transaction of a set-wise act (expanding, flipping) changes.
    #[serde(deserialize_with = "range::number::<_, _, 1, 100_000>")]
    pub chunk: u32,
    /// The wait before the second try of a mail; doubled for each further one.
    #[serde(deserialize_with = "duration::positive")]
    pub retry_first: TimeDelta,
    /// The longest wait between two tries.
    #[serde(deserialize_with = "duration::positive")]
    pub retry_most: TimeDelta,
    /// For how long a mail is tried that the mail server puts off for its own sake.
    #[serde(deserialize_with = "duration::positive")]
    pub retry_for: TimeDelta,
}
