//! `mfa-enforcer run`: the daemon.

use std::process::ExitCode;
use std::sync::Arc;

use chrono::TimeDelta;
use clap::Args;
use serde_json::json;

use super::context::{CLOCK_KEY, Context, connect_options, decide_clock, load_config};
use super::{CliError, GlobalArgs, Output};
use crate::app::{self, AppError, DaemonLock, Guard, LockError, Signals};
use crate::clock::{Clock, Randomness};
use crate::config::{ConfigError, Purpose};
use crate::store::SqlStore;
use crate::store::connect::{ConnectOptions, Schema};
use crate::tasks::{ShutdownTrigger, run_until_idle};
use crate::telemetry;

/// The daemon: sends what is due and makes MFA required on the day.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  mfa-enforcer run --once

Without --once it runs until SIGTERM or SIGINT (Ctrl-C), and then finishes the mail in flight; a
second one ends it at once. It brings the database up to date first. On SQLite one daemon runs on a file; on PostgreSQL any number share the work.")]
pub struct RunArgs {
    /// Run every task until nothing is due, mail included, then end: 1 when a task failed
    #[arg(long)]
    pub once: bool,
    /// Go ahead although this first run would at once require or mail many people
    #[arg(long)]
    pub accept_backlog: bool,
}

/// For how long the database may leave a statement unanswered where the settings do not limit it: what the daemon does in one
/// statement takes seconds.
const SILENCE_MOST: TimeDelta = TimeDelta::minutes(15);

/// Runs the command.
///
/// # Errors
/// When the daemon cannot start.
pub async fn run(
    global: &GlobalArgs,
    variables: impl Iterator<Item = (String, String)>,
    args: &RunArgs,
) -> Result<ExitCode, CliError> {
    let config = load_config(global, variables)?;
    let problems = config.problems(Purpose::Run);
    if !problems.is_empty() {
        return Err(ConfigError { problems }.into());
    }
    telemetry::logs::start(&config.telemetry).map_err(|error| CliError::Failed(error.to_string()))?;
    config.warnings().iter().for_each(|warning| tracing::warn!("{warning}"));
    let lock = config.database.sqlite_file().map(|file| DaemonLock::take(&file, Clock::System.now())).transpose()?;
    let randomness = Randomness::from_system();
    let options = connect_options(&config);
    let options = ConnectOptions { looks_again: true, silence: options.silence.or(Some(SILENCE_MOST)), ..options };
    let store = Arc::new(SqlStore::connect(&options, Schema::Migrate, randomness.clone()).await?);
    let clock = decide_clock(&config, store.as_ref(), global.at).await?;
    let context = Context { config, store, clock, output: Output::new(global.json) };
    let ended = run_in(&context, randomness, args).await;
    drop(lock);
    ended
}

async fn run_in(context: &Context, randomness: Randomness, args: &RunArgs) -> Result<ExitCode, CliError> {
    let Context { config, store, clock, .. } = context;
    let (trigger, shutdown) = ShutdownTrigger::new();
    let mut services = app::services(config, Arc::clone(store), clock.clone(), randomness, shutdown)?;
    services.policy.runs_through = !args.once;
    guard(context, args).await?;
    app::prepare(&services).await?;
    context.remember_instant().await?;
    if !args.once {
        app::run(config, services, trigger).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let signals = Signals::listen().map_err(AppError::Signals)?;
    let signals = tokio::spawn(signals.end(trigger));
    let errors = run_until_idle(&services).await;
    services.mailer.transport().close().await;
    signals.abort();
    let next_due = store.next_due(clock.now()).await?;
    let failures: Vec<String> = errors.iter().map(|(task, error)| format!("{task}: {error}")).collect();
    let result = json!({ "at": clock.now(), "next_due": next_due, "errors": failures });
    context.output.show(&result, |_| {
        let next = next_due.map_or("nothing is planned".to_owned(), |next| format!("next due {next}"));
        format!("Nothing more is due at {}; {next}.", clock.now())
    })?;
    if failures.is_empty() { Ok(ExitCode::SUCCESS) } else { Err(CliError::Failed(failures.join("\n"))) }
}

/// On the real clock: remembers that this database is driven by it, and has the first run guard look.
async fn guard(context: &Context, args: &RunArgs) -> Result<(), CliError> {
    let Context { config, store, clock, .. } = context;
    if clock.is_simulated() {
        return Ok(());
    }
    let limit = config.safety.first_run_limit;
    match app::first_run_guard(store.as_ref(), clock.now(), &config.policy(), limit, args.accept_backlog).await? {
        Guard::Pass => Ok(store.remember(CLOCK_KEY, "real").await?),
        Guard::Stop(text) => Err(CliError::Failed(text)),
    }
}

impl From<AppError> for CliError {
    fn from(error: AppError) -> Self {
        match error {
            AppError::Store(error) => Self::Store(error),
            other => Self::Failed(other.to_string()),
        }
    }
}

impl From<LockError> for CliError {
    fn from(error: LockError) -> Self {
        Self::Failed(error.to_string())
    }
}
