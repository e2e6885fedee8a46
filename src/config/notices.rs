//! `[notices]`: when notices go out, and what they say.

use std::path::PathBuf;

use chrono::{NaiveTime, TimeDelta};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::duration;

/// When notices go out, and what they say.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticesConfig {
    /// When reminders are due, in the reader's zone.
    #[serde(deserialize_with = "time")]
    pub send_at: NaiveTime,
    /// How many days before the date reminders are due.
    pub days_before: Vec<u16>,
    /// How long an announcement waits.
    #[serde(deserialize_with = "duration::any")]
    pub announce_delay: TimeDelta,
    /// The first moment of the day at which announcements may arrive.
    #[serde(deserialize_with = "time")]
    pub announce_from: NaiveTime,
    /// The first at which they may no longer.
    #[serde(deserialize_with = "time")]
    pub announce_until: NaiveTime,
    /// The sender.
    #[serde(default)]
    pub from: Option<String>,
    /// Where answers go.
    #[serde(default)]
    pub reply_to: Option<String>,
    /// What readers know the product as.
    pub product_name: String,
    /// Where they sign in.
    pub sign_in_url: String,
    /// The way from there to the second step.
    pub menu_path: Vec<String>,
    /// The button for an authenticator app.
    pub authenticator_label: String,
    /// The button for a phone number.
    pub phone_label: String,
    /// Whom readers ask.
    #[serde(default)]
    pub support_contact: Option<String>,
    /// A folder with other templates.
    #[serde(default)]
    pub template_dir: Option<PathBuf>,
}

fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveTime, D::Error> {
    let text = String::deserialize(deserializer)?;
    NaiveTime::parse_from_str(&text, "%H:%M")
        .map_err(|_| D::Error::custom(format!("'{text}' is not a time of day: write it as 09:00")))
}
