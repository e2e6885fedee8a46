//! The settings: loaded and checked once, when the program starts.
//!
//! `config/default.toml` is compiled in and names every setting (`schema.rs`); a file lies over it, and the environment
//! over that (`source.rs`, `overrides.rs`). What is wrong is collected and told all at once (`problem.rs`). One file per
//! section holds what the rest of the program gets. What settings must be refused for beyond that is in `refusals.rs`.

pub mod bounces;
pub mod called;
pub mod clock;
mod color;
pub mod database;
pub mod duration;
pub mod enforcement;
pub mod http;
pub mod logo;
pub mod methods;
pub mod notices;
mod overrides;
mod problem;
mod range;
mod refusals;
pub mod retention;
pub mod safety;
pub mod schedule;
mod schema;
pub mod smtp;
mod source;
pub mod telemetry;
mod value;

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;
use toml::{Table, Value};

use self::overrides::Overrides;
pub use self::problem::{ConfigError, Origin, Problem};
pub use self::refusals::Purpose;
use self::schema::Schema;
use crate::domain::policy::Policy;
use crate::domain::time::Daytime;

/// Every setting.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the data lives.
    pub database: database::DatabaseSettings,
    /// Whose time it is.
    pub clock: clock::ClockSettings,
    /// How often tasks run, and how much they take at a time.
    pub schedule: schedule::ScheduleSettings,
    /// Whom a date binds, and how soon.
    pub enforcement: enforcement::EnforcementSettings,
    /// When notices go out, and what they say.
    pub notices: notices::NoticeSettings,
    /// Where mail goes.
    pub smtp: smtp::SmtpSettings,
    /// Where mails that came back arrive.
    pub bounces: bounces::BounceSettings,
    /// Where health and metrics are served.
    pub http: http::HttpSettings,
    /// Where a phone number may be the second step.
    pub methods: methods::MethodsSettings,
    /// What needs a second look.
    pub safety: safety::SafetySettings,
    /// How long history is kept.
    pub retention: retention::RetentionSettings,
    /// What is logged, and how.
    pub telemetry: telemetry::TelemetrySettings,
}

/// The sender while the clock is simulated and no other is set. Nobody outside this machine can be written to then.
const SAMPLE_SENDER: &str = "Example Security <security@example.com>";

impl Config {
    /// The defaults, with `file` over them and the settings among the environment's `variables` over that.
    ///
    /// # Errors
    /// [`ConfigError`] with everything that is wrong.
    pub fn load(file: Option<&Path>, variables: impl Iterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        let schema = Schema::built_in()?;
        let mut problems = Vec::new();
        let mut overrides = Overrides::default();
        if let Some(path) = file {
            let layer = source::file(path, &schema, &mut problems);
            overrides.add_layer(&layer, &schema, &mut problems);
        }
        let layer = source::environment(variables, &schema, &mut problems);
        overrides.add_layer(&layer, &schema, &mut problems);
        overrides.drop_mistyped(&schema, &mut problems);
        overrides.read_secret_files(&schema, &mut problems);

        let config = deserialize(&schema, &overrides).map_err(|refused| problems.extend(refused));
        if let Ok(config) = &config {
            // Where a section has lost a value that is wrong by itself, what goes with it would seem wrong too.
            let is_sound = |message: &String| {
                let section = message.split('.').next().unwrap_or_default();
                !problems.iter().any(|problem| problem.message.split('.').next() == Some(section))
            };
            let messages: Vec<_> = config.contradictions().into_iter().filter(is_sound).collect();
            problems.extend(messages.into_iter().map(|message| overrides.locate(message)));
        }
        match config {
            Ok(config) if problems.is_empty() => Ok(config),
            _ => {
                problems.sort_by(|one, other| one.origin.cmp(&other.origin));
                Err(ConfigError { problems })
            }
        }
    }

    /// What the pure core must know.
    #[must_use]
    pub fn policy(&self) -> Policy {
        let days: BTreeSet<u16> = self.notices.days_before.iter().copied().collect();
        Policy {
            minimum_notice_days: self.enforcement.minimum_notice_days,
            leave_out_sso: self.enforcement.sso_users == enforcement::SsoUsers::LeaveOut,
            new_member_grace_days: self.enforcement.new_member_grace_days,
            send_at: self.notices.send_at,
            days_before: days.into_iter().rev().collect(),
            announce_delay: self.notices.announce_delay,
            announce_hours: Daytime { from: self.notices.announce_from, until: self.notices.announce_until },
            runs_through: true,
            sms_countries: self.methods.sms_countries.clone(),
            payee_sms_countries: self.methods.payee_sms_countries.clone(),
            safety: self.safety.policy(),
        }
    }
}

/// The settings among this process's environment. What is not Unicode arrives with replacement characters.
pub fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
}

/// Reads everything at once; only if that fails, each override alone upon the defaults, so as to find all culprits.
fn deserialize(schema: &Schema, overrides: &Overrides) -> Result<Config, Vec<Problem>> {
    let mut defaults = Table::new();
    for (section, keys) in schema.defaults() {
        let set = keys.as_table().into_iter().flatten().filter(|(_, default)| !value::is_unset(default));
        let set = set.map(|(key, default)| (key.clone(), default.clone())).collect();
        defaults.insert(section.clone(), Value::Table(set));
    }

    let mut whole = defaults.clone();
    for (section, key, given, _) in overrides.iter() {
        overrides::put(&mut whole, section, key, given);
    }
    let is_simulated = overrides.get("clock", "simulated").is_some_and(|given| given.as_bool() == Some(true));
    if is_simulated && overrides.get("notices", "from").is_none() {
        overrides::put(&mut whole, "notices", "from", &Value::String(SAMPLE_SENDER.to_owned()));
    }
    whole.try_into().map_err(|whole_error: toml::de::Error| {
        let culprits: Vec<_> = overrides
            .iter()
            .filter_map(|(section, key, given, origin)| {
                let mut alone = defaults.clone();
                overrides::put(&mut alone, section, key, given);
                let error = alone.try_into::<Config>().err()?;
                let message = value::refusal(schema, section, key, given, error.message());
                Some(Problem::at(origin.clone(), message))
            })
            .collect();
        if culprits.is_empty() { vec![Problem::anywhere(whole_error.message())] } else { culprits }
    })
}

#[cfg(test)]
mod tests;
