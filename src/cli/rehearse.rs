//! `mfa-enforcer rehearse`: what will happen until some day, played on a copy of a database.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use chrono::{NaiveDate, TimeDelta};
use chrono_tz::Tz;
use clap::Args;
use indicatif::ProgressBar;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

use super::context::{CLOCK_KEY, Context, LAST_INSTANT_KEY};
use super::output::{cell, instant, say};
use super::timeline::{Command, DayBar, astray, commands, commands_text, listed, timeline_text};
use super::{CliError, GlobalArgs, Output, values};
use crate::app;
use crate::clock::{Clock, Randomness};
use crate::config::Config;
use crate::config::database::{self, DatabaseSettings};
use crate::domain::time::{Timestamp, add_days, start_of_day};
use crate::mail::file::FileTransport;
use crate::mail::transport::Transport;
use crate::rehearsal::outcome::Outcome;
use crate::rehearsal::place::{Place, PlaceError};
use crate::rehearsal::play::{Failure, Nobody, pass_time};
use crate::rehearsal::tables::{Before, Tables};
use crate::rehearsal::timeline::{self, Line};
use crate::store::SqlStore;
use crate::store::connect::{self, ConnectOptions, Schema};
use crate::store::copy::{Source, copy_database};
use crate::store::daemon_state::DaemonStateStore as _;
use crate::tasks::ShutdownTrigger;

/// The setting that says whose time it is.
const SIMULATED: &str = "MFA_ENFORCER__CLOCK__SIMULATED";

/// What will happen until some day if nobody does anything, played on a copy of a database.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  mfa-enforcer rehearse --until 2027-03-31
  mfa-enforcer rehearse --until 2027-03-31 --into copy.db --json

The database is only read, in one snapshot, and may be in use. The copy is an SQLite file with a simulated clock, which goes
on from now (of a database with a simulated clock: from its last instant) to the end of the day, in UTC. The tasks are those of
`run`, with the same settings, but every mail goes into a folder, whatever smtp.url says. The copy holds names and
addresses: it is its owner's alone to read, and is yours to remove.")]
pub struct RehearseArgs {
    /// The database, by its URL or its file [default: database.url, where a password is not seen by others]
    #[arg(long, value_name = "DATABASE")]
    from: Option<SecretString>,
    /// The last day to play
    #[arg(long, value_name = "DATE", value_parser = values::date)]
    until: NaiveDate,
    /// Where mail is written to [default: a folder beside the copy]
    #[arg(long, value_name = "DIR")]
    mails: Option<PathBuf>,
    /// The copy, which must not be there yet [default: in a new folder]
    #[arg(long, value_name = "FILE")]
    into: Option<PathBuf>,
}

/// All that the command says.
#[derive(Debug, Serialize)]
struct Shown {
    from: String,
    begins_at: Timestamp,
    until: NaiveDate,
    timeline: Vec<Line>,
    summary: Outcome,
    failures: Vec<Failure>,
    database: String,
    mails: String,
    config: String,
    commands: Vec<Command>,
}

/// Runs the command with the settings among `variables`. `program` is how it was called.
///
/// # Errors
/// When the database cannot be copied, or the copy not be played.
pub async fn run(
    global: &GlobalArgs,
    program: &str,
    variables: &[(String, String)],
    args: &RehearseArgs,
) -> Result<ExitCode, CliError> {
    let astray = astray(variables);
    // Whatever clock the original has, the copy's is simulated.
    let variables = variables
        .iter()
        .filter(|(name, _)| name != SIMULATED)
        .cloned()
        .chain([(SIMULATED.to_owned(), "true".to_owned())]);
    let config = Config::load(global.config.as_deref(), variables)?;
    let url = args.from.as_ref().map_or_else(|| Ok(config.database.url.clone()), url)?;
    let source = source(&config.database, &url)?;
    let from = connect::shown(url.expose_secret());

    let place = Place::make(args.into.as_deref(), args.mails.as_deref())?;
    let copied = copy(&source, &place, args, global.at).await;
    let (store, begins_at) = copied.inspect_err(|_| place.remove_copy())?;
    place.write_settings(original_settings(global)?)?;
    let clock = Clock::simulated(begins_at);
    let context = Context { config, store: Arc::new(store.clone()), clock, output: Output::new(global.json) };
    let (tables, failures) = play(&context, &place, args.until).await?;
    store.close().await;

    let commands = [
        ("status".to_owned(), "whether all is well then"),
        ("notice list".to_owned(), "who was sent what, and what was not sent and why"),
        ("enforcement show COMPANY".to_owned(), "the dates of a company"),
        ("user show USER".to_owned(), "all about one person"),
    ];
    let shown = Shown {
        from,
        begins_at,
        until: args.until,
        timeline: timeline::lines(&tables),
        summary: Outcome::count(&tables),
        failures,
        database: place.database().display().to_string(),
        mails: place.mails().display().to_string(),
        config: place.settings().display().to_string(),
        commands: self::commands(program, &astray, place.settings(), &commands),
    };
    context.output.show(&shown, Shown::text)?;
    for failure in &shown.failures {
        say(&format!(
            "the task {} failed {} times, first at {}: {}",
            failure.task,
            failure.times,
            instant(failure.first_at),
            failure.error
        ));
    }
    Ok(if shown.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The URL of what was named: a file's name will do.
fn url(from: &SecretString) -> Result<SecretString, CliError> {
    /// What would mean something else in a URL.
    const AWKWARD: &AsciiSet = &CONTROLS.add(b'%').add(b'?').add(b'#');
    let text = from.expose_secret();
    if text.starts_with("sqlite:") || text.starts_with("postgres://") || text.starts_with("postgresql://") {
        return Ok(from.clone());
    }
    if !text.contains("://") && Path::new(text).is_file() {
        return Ok(format!("sqlite://{}", utf8_percent_encode(text, AWKWARD)).into());
    }
    let named = if text.contains(['@', '=']) { "(not shown: it may hold a password)" } else { text };
    Err(CliError::Usage(format!(
        "--from {named} is neither a file nor the URL of a database: give sqlite://FILE, the name of an SQLite file that \
         is there, or postgres://…"
    )))
}

fn source<'a>(settings: &'a DatabaseSettings, url: &'a SecretString) -> Result<Source<'a>, CliError> {
    let url = url.expose_secret();
    let Some(file) = database::sqlite_file(url) else {
        return Ok(Source::Server(ConnectOptions {
            timeout: settings.connect_timeout,
            // A table is read by one statement, and a large one takes its time.
            statement_timeout: Some(TimeDelta::zero()),
            // Its last rows may still be written down when all have come; it locks nothing.
            idle_timeout: TimeDelta::zero(),
            schema: settings.schema.as_deref(),
            pooling: settings.pooling,
            ..ConnectOptions::new(url)
        }));
    };
    if file.is_file() {
        Ok(Source::File(file))
    } else {
        Err(CliError::Failed(format!(
            "there is no database '{}' to copy: name one with --from, or in database.url",
            file.display()
        )))
    }
}

/// Copies the database, and marks the copy. Returns it, and the instant from which it goes on.
async fn copy(
    source: &Source<'_>,
    place: &Place,
    args: &RehearseArgs,
    at: Option<Timestamp>,
) -> Result<(SqlStore, Timestamp), CliError> {
    let url = format!("sqlite://{}", place.database().display());
    let options = ConnectOptions { max_connections: 4, ..ConnectOptions::new(&url) };
    let store = SqlStore::connect(&options, Schema::Migrate, Randomness::from_system()).await?;
    let bar = ProgressBar::new_spinner();
    let copied = copy_database(source, place.database(), &|rows| bar.set_message(format!("{rows} rows copied"))).await;
    bar.finish_and_clear();
    copied?;
    let begins_at = begin(&store, at).await?;
    if end(args.until) <= begins_at {
        return Err(CliError::Usage(format!(
            "--until {} is over: the database is at {}; give a later day",
            args.until,
            instant(begins_at)
        )));
    }
    store.remember(CLOCK_KEY, "simulated").await?;
    store.remember(LAST_INSTANT_KEY, &begins_at.to_string()).await?;
    Ok((store, begins_at))
}

/// The instant from which the copy goes on.
async fn begin(store: &SqlStore, at: Option<Timestamp>) -> Result<Timestamp, CliError> {
    let is_simulated = store.remembered(CLOCK_KEY).await?.as_deref() == Some("simulated");
    let last = store.remembered(LAST_INSTANT_KEY).await?.filter(|_| is_simulated);
    let last = last.and_then(|text| values::instant(&text).ok());
    match at {
        Some(_) if !is_simulated => Err(CliError::Usage(
            "--at is for databases with a simulated clock: this one goes on from now; leave --at out".to_owned(),
        )),
        at => Ok(at.or(last).unwrap_or_else(|| Clock::System.now())),
    }
}

/// The end of the day, in UTC.
fn end(until: NaiveDate) -> Timestamp {
    start_of_day(add_days(until, 1), Tz::UTC)
}

async fn play(context: &Context, place: &Place, until: NaiveDate) -> Result<(Tables, Vec<Failure>), CliError> {
    let (begins_at, until) = (context.now(), end(until));
    let (_trigger, shutdown) = ShutdownTrigger::new();
    // The only way out that there is: no mail can leave, whatever the settings say.
    let transport = Transport::File(FileTransport::new(place.mails().to_path_buf()));
    transport.test().await.map_err(CliError::Failed)?;
    let store = Arc::clone(&context.store);
    let clock = context.clock.clone();
    let services =
        app::services_sending_by(transport, &context.config, store, clock, Randomness::from_system(), shutdown)?;
    let store = context.store.as_ref();
    let before = Before::read(store, begins_at, until).await?;
    app::prepare(&services).await?;
    let days = (until.utc() - begins_at.utc()).num_days();
    let bar = DayBar::new(begins_at, u64::try_from(days).unwrap_or(0));
    let failures = pass_time(&services, &mut Nobody, until, &|now| bar.set(now)).await;
    bar.finish();
    context.remember_instant().await?;
    Ok((Tables::read(store, before).await?, failures?))
}

/// What the settings file says, so that the copy is looked at with the same.
fn original_settings(global: &GlobalArgs) -> Result<toml::Table, CliError> {
    let Some(file) = &global.config else { return Ok(toml::Table::new()) };
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string());
    let table = text.and_then(|text| text.parse().map_err(|error: toml::de::Error| error.to_string()));
    table.map_err(|error| CliError::Failed(format!("cannot read {} again: {error}", file.display())))
}

impl Shown {
    fn text(&self) -> String {
        let timeline = if self.timeline.is_empty() {
            "Nothing happens until then.".to_owned()
        } else {
            timeline_text(&self.timeline)
        };
        [self.head(), timeline, self.summary_text(), self.commands_text()].join("\n\n")
    }

    fn head(&self) -> String {
        format!(
            "What will happen if nobody does anything, from {} to the end of {} (UTC),\n\
             played on a copy of {}.\n\
             Nothing was changed there, and no mail has left. A mail's day is its reader's.",
            instant(self.begins_at),
            self.until.format("%a %-d %b %Y"),
            cell(&self.from),
        )
    }

    fn summary_text(&self) -> String {
        let sum = &self.summary;
        let mails = if sum.mails == 0 {
            String::new()
        } else {
            let people = if sum.people_mailed == 1 { "person" } else { "people" };
            format!("to {} {people}: {}; in {}", sum.people_mailed, listed(&sum.sent_by_kind), self.mails)
        };
        let required = format!("{} of them not enrolled; {} in all", sum.newly_required_not_enrolled, sum.required);
        let mut lines = vec![
            (sum.mails, "mails", mails),
            (sum.dates_in_force, "dates in force", String::new()),
            (sum.newly_required, "newly required", required),
        ];
        let skipped: usize = sum.skipped_because.values().sum();
        let more = [
            (sum.admin_mails, "mails to admins", String::new()),
            (skipped, "not sent", listed(&sum.skipped_because)),
            (sum.failed, "failed", "mails that were refused for good: see `notice list --state failed`".to_owned()),
            (sum.waiting, "waiting", "notices that are due: their date is held, or they are put off".to_owned()),
            (sum.warnings, "warnings", "of what speaks against a date".to_owned()),
            (sum.held, "dates held", "they wait for a person: see `status`".to_owned()),
        ];
        lines.extend(more.into_iter().filter(|(count, _, _)| *count > 0));
        let lines = lines.into_iter().map(|(count, what, note)| format!("{count:>7} {what:<15}  {}", cell(note)));
        format!("In the end\n\n{}", lines.map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n"))
    }

    fn commands_text(&self) -> String {
        format!("Look around in the copy {}\n\n{}", cell(&self.database), commands_text(&self.commands))
    }
}

impl From<PlaceError> for CliError {
    fn from(error: PlaceError) -> Self {
        match error {
            PlaceError::Name(_) => Self::Usage(error.to_string()),
            other => Self::Failed(other.to_string()),
        }
    }
}
