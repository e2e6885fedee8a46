//! What a command works with: the settings, the store, the clock and where results go.

use std::path::Path;
use std::sync::Arc;

use chrono::TimeDelta;
use secrecy::ExposeSecret as _;

use super::{CliError, GlobalArgs, Output, values};
use crate::app::skew;
use crate::clock::{Clock, Randomness};
use crate::config::Config;
use crate::domain::time::Timestamp;
use crate::store::connect::{ConnectOptions, IDLE_TIMEOUT, LOCK_TIMEOUT, Schema};
use crate::store::{SqlStore, Store};

/// The key under which a database remembers by which clock it is driven.
pub const CLOCK_KEY: &str = "clock";
/// The key under which a database remembers the last instant of a simulated clock.
pub const LAST_INSTANT_KEY: &str = "last_instant";

/// What a command works with.
#[derive(Clone)]
pub struct Context {
    /// The settings.
    pub config: Config,
    /// The database.
    pub store: Arc<dyn Store>,
    /// What time it is.
    pub clock: Clock,
    /// Where results go.
    pub output: Output,
}

impl Context {
    /// Opens the database that the settings name, and decides whose time it is.
    ///
    /// # Errors
    /// When the settings are wrong, the database cannot be used, or the two do not agree on the clock.
    pub async fn open(
        global: &GlobalArgs,
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, CliError> {
        let config = load_config(global, variables)?;
        let store = open_store(&config, Schema::Expect, Randomness::from_system()).await?;
        let clock = decide_clock(&config, &store, global.at).await?;
        Ok(Self { config, store: Arc::new(store), clock, output: Output::new(global.json) })
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// To be called after the database was changed: with a simulated clock, the database remembers so, and the instant.
    ///
    /// # Errors
    /// What the database answers.
    pub async fn remember_instant(&self) -> Result<(), CliError> {
        if !self.clock.is_simulated() {
            return Ok(());
        }
        let now = self.now();
        let last = self.store.remembered(LAST_INSTANT_KEY).await?.and_then(|text| text.parse().ok());
        self.store.remember(CLOCK_KEY, "simulated").await?;
        if last.is_none_or(|last: Timestamp| last < now) {
            self.store.remember(LAST_INSTANT_KEY, &now.to_string()).await?;
        }
        Ok(())
    }
}

/// Loads the settings.
///
/// # Errors
/// When they are wrong, or do not allow what `global` asks for.
pub fn load_config(global: &GlobalArgs, variables: impl Iterator<Item = (String, String)>) -> Result<Config, CliError> {
    let config = Config::load(global.config.as_deref().map(Path::new), variables)?;
    if global.at.is_some() && !config.clock.simulated {
        return Err(CliError::Usage(
            "--at needs a simulated clock: set clock.simulated = true (a database that was driven so stays so), or leave --at out"
                .to_owned(),
        ));
    }
    Ok(config)
}

/// Opens the database that the settings name.
///
/// # Errors
/// When it cannot be reached or used.
pub async fn open_store(config: &Config, schema: Schema, randomness: Randomness) -> Result<SqlStore, CliError> {
    Ok(SqlStore::connect(&connect_options(config), schema, randomness).await?)
}

/// How the settings say to reach the database.
#[must_use]
pub fn connect_options(config: &Config) -> ConnectOptions<'_> {
    ConnectOptions {
        url: config.database.url.expose_secret(),
        max_connections: config.database.max_connections,
        timeout: config.database.connect_timeout,
        statement_timeout: config.database.statement_timeout,
        // The server itself ends what takes longer, and says so.
        silence: config.database.statement_timeout.map(|limit| limit + TimeDelta::seconds(30)),
        lock_timeout: LOCK_TIMEOUT,
        // Nobody holds a lock for longer than a claim.
        idle_timeout: config.schedule.lease.min(IDLE_TIMEOUT),
        schema: config.database.schema.as_deref(),
        pooling: config.database.pooling,
        looks_again: false,
    }
}

/// Whether the database may be driven by the clock that the settings ask for.
///
/// # Errors
/// When it was driven by the other kind of clock.
pub async fn agree_on_clock(config: &Config, store: &(impl Store + ?Sized)) -> Result<(), CliError> {
    let driven_by = store.remembered(CLOCK_KEY).await?;
    match (config.clock.simulated, driven_by.as_deref()) {
        (false, Some("simulated")) => Err(CliError::Failed(
            "this database is driven by a simulated clock, and the settings say clock.simulated = false: set it to true, or name another database in database.url"
                .to_owned(),
        )),
        (true, Some("real")) => Err(CliError::Failed(
            "this database is driven by the real clock, and the settings say clock.simulated = true: set it to false, or name another database in database.url"
                .to_owned(),
        )),
        _ => Ok(()),
    }
}

/// The clock that the settings ask for, if the database allows it: the real one is the database's, for a command as for the
/// daemons that it works beside.
///
/// # Errors
/// When the database was driven by the other kind of clock, or a simulated clock has no instant to show.
pub async fn decide_clock(config: &Config, store: &dyn Store, at: Option<Timestamp>) -> Result<Clock, CliError> {
    agree_on_clock(config, store).await?;
    if !config.clock.simulated {
        let clock = Clock::System.corrected();
        skew::compare(store, &clock).await?;
        return Ok(clock);
    }
    let instant = match at {
        Some(at) => at,
        None => match store.remembered(LAST_INSTANT_KEY).await? {
            Some(last) => values::instant(&last).map_err(|error| {
                CliError::Failed(format!("the database's last instant is damaged: {error}; give one with --at"))
            })?,
            None => {
                return Err(CliError::Usage(
                    "the clock is simulated, and this database has no last instant yet: give one, such as --at 2027-01-15T09:00:00Z"
                        .to_owned(),
                ));
            }
        },
    };
    Ok(Clock::simulated(instant))
}
