//! `mfa-enforcer migrate`: brings the database up to date, or makes it.

use std::process::ExitCode;

use clap::Args;
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::context::{load_config, open_store};
use super::{CliError, GlobalArgs, Output};
use crate::clock::Randomness;
use crate::store::connect::{Schema, shown};

/// Bring the database up to date, or make it.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  mfa-enforcer migrate
  mfa-enforcer migrate --config mfa-enforcer.toml

It may run at any time and as often as one likes: what is up to date stays as it is. Make a backup first.")]
pub struct MigrateArgs {}

/// Runs the command.
///
/// # Errors
/// When the settings are wrong, or the database cannot be brought up to date.
pub async fn run(
    global: &GlobalArgs,
    variables: impl Iterator<Item = (String, String)>,
    MigrateArgs {}: &MigrateArgs,
) -> Result<ExitCode, CliError> {
    let config = load_config(global, variables)?;
    open_store(&config, Schema::Migrate, Randomness::from_system()).await?;
    let database = shown(config.database.url.expose_secret());
    Output::new(global.json).show(&json!({ "database": database, "up_to_date": true }), |_| {
        format!("The database {database} is up to date.")
    })?;
    Ok(ExitCode::SUCCESS)
}
