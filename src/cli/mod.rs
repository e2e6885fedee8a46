//! The commands, one file each. Results go to standard output, messages to standard error; exit 0 means done, 1 failed,
//! 2 wrong usage.

pub mod audit;
pub mod check;
pub mod company;
pub mod confirm;
pub mod context;
pub mod demo;
pub mod enforcement;
mod error;
pub mod forecast;
pub mod import;
pub mod migrate;
pub mod notice;
pub mod outlook;
pub mod output;
pub mod preview;
pub mod rehearse;
pub mod retry;
pub mod run;
pub mod send_test;
pub mod status;
mod timeline;
pub mod user;
pub mod values;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, Parser, Subcommand};

pub use self::context::Context;
pub use self::error::CliError;
pub use self::output::Output;
use crate::domain::time::Timestamp;
use crate::domain::values::shown;

/// How many rows a list reads, and writes, at a time.
pub(crate) const PAGE: i64 = 500;

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "mfa-enforcer",
    version,
    about = "Tells people in time, and makes MFA required for whole companies on the day their admin picked",
    after_help = "\
Examples:
  mfa-enforcer demo
  mfa-enforcer migrate
  mfa-enforcer company list
  mfa-enforcer user show jo@example.org --json

Exit codes: 0 done, 1 failed, 2 wrong usage. Each command has its own --help with examples."
)]
pub struct Cli {
    /// What all commands understand.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What all commands understand, before or after the command's name.
#[derive(Args, Clone, Debug)]
pub struct GlobalArgs {
    /// The settings file; what it leaves out is as in config/default.toml
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Write results as JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// What time it is, with clock.simulated = true [default: the database's last instant]
    #[arg(long, global = true, value_name = "INSTANT", value_parser = values::instant)]
    pub at: Option<Timestamp>,
}

/// On whose word something is changed.
#[derive(Args, Clone, Debug)]
pub struct ByArgs {
    /// On whose word: the person that the audit trail names
    #[arg(long, value_name = "WHO", default_value = "cli", value_parser = values::person)]
    pub by: String,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// A whole rollout in time lapse, on SQLite, mail into a folder, nothing else needed
    Demo(demo::DemoArgs),
    /// Look at companies, add one, or set its columns
    #[command(subcommand)]
    Company(company::CompanyCommand),
    /// Set, move or take away a company's date; release what is held; see the history
    #[command(subcommand)]
    Enforcement(enforcement::EnforcementCommand),
    /// Every mail and flip to come for a company, by day; nothing is changed
    Forecast(forecast::ForecastArgs),
    /// What will happen until some day, played on a copy of a database; nothing is changed or sent
    Rehearse(rehearse::RehearseArgs),
    /// Add and change companies or users from a file
    Import(import::ImportArgs),
    /// All that is known of one user; enrollment and exemptions
    #[command(subcommand)]
    User(user::UserCommand),
    /// What was sent to whom, what was not and why
    #[command(subcommand)]
    Notice(notice::NoticeCommand),
    /// Read the audit trail, and prove that nobody has touched it
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// The daemon: sends what is due and makes MFA required on the day
    Run(run::RunArgs),
    /// Tasks, backlog, what comes next; what needs a person, with the command that helps
    Status(status::StatusArgs),
    /// Look at settings, templates, database and mail server, and say what is wrong
    Check(check::CheckArgs),
    /// Bring the database up to date, or make it
    Migrate(migrate::MigrateArgs),
}

/// Does what the command line asks, with the settings among `variables` (the environment's), and says how it went.
pub async fn run(
    arguments: impl IntoIterator<Item = OsString>,
    variables: impl Iterator<Item = (String, String)>,
) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let program = arguments.first().map_or_else(|| "mfa-enforcer".into(), |name| name.to_string_lossy().into_owned());
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return answer_parse_error(error),
    };
    if let Some(file) = &cli.global.config {
        output::name_settings_file(file);
    }
    match dispatch(&cli, &program, variables).await {
        Ok(code) => code,
        Err(error) => {
            if !error.is_closed_pipe() {
                output::say(&error.to_string());
            }
            error.exit_code()
        }
    }
}

async fn dispatch(
    cli: &Cli,
    program: &str,
    variables: impl Iterator<Item = (String, String)>,
) -> Result<ExitCode, CliError> {
    let variables: Vec<_> = variables.collect();
    // Awaited by the commands that need a database that is up to date.
    let context = Context::open(&cli.global, variables.clone().into_iter());
    match &cli.command {
        Command::Demo(args) => Box::pin(demo::run(&cli.global, program, &variables, args)).await,
        Command::Company(command) => company::run(&context.await?, command).await,
        Command::Enforcement(command) => enforcement::run(&context.await?, command).await,
        Command::Forecast(args) => forecast::run(&context.await?, args).await,
        Command::Rehearse(args) => Box::pin(rehearse::run(&cli.global, program, &variables, args)).await,
        Command::Import(args) => import::run(&context.await?, args).await,
        Command::User(command) => user::run(&context.await?, command).await,
        Command::Notice(command) => notice::run(&cli.global, variables.into_iter(), command).await,
        Command::Audit(command) => audit::run(&context.await?, command).await,
        Command::Run(args) => run::run(&cli.global, variables.into_iter(), args).await,
        Command::Status(args) => status::run(&context.await?, args).await,
        Command::Check(args) => check::run(&cli.global, variables.into_iter(), args).await,
        Command::Migrate(args) => migrate::run(&cli.global, variables.into_iter(), args).await,
    }
}

/// Help and version are results; everything else is a message.
fn answer_parse_error(mut error: clap::Error) -> ExitCode {
    for kind in [ContextKind::InvalidValue, ContextKind::InvalidArg, ContextKind::InvalidSubcommand] {
        if let Some(ContextValue::String(given)) = error.get(kind) {
            let given = shown(given);
            error.insert(kind, ContextValue::String(given));
        }
    }
    let asked_nothing = error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
    if error.use_stderr() && !asked_nothing {
        let text = error.to_string();
        output::say(text.strip_prefix("error: ").unwrap_or(&text).trim_end());
        return ExitCode::from(2);
    }
    match error.print() {
        Ok(()) if asked_nothing => ExitCode::from(2),
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => CliError::Output(error).exit_code(),
    }
}
