//! `mfa-enforcer demo`: a whole rollout in time lapse, on SQLite, with mail into a folder.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use chrono::{Datelike as _, NaiveDate};
use clap::Args;
use serde::Serialize;

use super::context::{Context, open_store};
use super::output::cell;
use super::timeline::{Command, DayBar, astray, commands, commands_text, listed, timeline_text};
use super::{CliError, GlobalArgs, Output, values};
use crate::app::{self, DaemonLock};
use crate::clock::{Clock, Randomness};
use crate::config::Config;
use crate::demo::acts::Cast;
use crate::demo::folder::{DemoFolder, FolderError};
use crate::demo::letter::{self, Letter};
use crate::demo::script::Script;
use crate::demo::summary::Summary;
use crate::rehearsal::play::{PlayError, pass_time};
use crate::rehearsal::tables::{Before, Tables};
use crate::rehearsal::timeline::{self, Line};
use crate::sample::{MAIN, Sample};
use crate::store::connect::Schema;
use crate::tasks::ShutdownTrigger;

/// A whole rollout in time lapse, on SQLite, mail into a folder, nothing else needed.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  mfa-enforcer demo
  mfa-enforcer demo --users 100 --days 60 --seed 7
  mfa-enforcer demo --start 2027-06-01 --dir rehearsal --json

A made-up company sets a date, people are told in time, the day comes: the tasks are those of `run`, and only the clock is
simulated. Everything that is printed is read back from the database. The same seed, size, days and start give the same
bytes. No settings file or variable is read, and nothing leaves the folder.")]
pub struct DemoArgs {
    /// What chance is drawn from: another seed, other people
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How many people there are at the start, 1 to 10000
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    users: u32,
    /// How many days ahead the first date is, 7 to 365
    #[arg(long, value_name = "N", default_value_t = 35, value_parser = clap::value_parser!(u16).range(7..=365))]
    days: u16,
    /// The first day
    #[arg(long, value_name = "DATE", default_value = "2027-02-23", value_parser = first_day)]
    start: NaiveDate,
    /// The folder, which is made anew
    #[arg(long, value_name = "DIR", default_value = "mfa-enforcer-demo")]
    dir: PathBuf,
}

fn first_day(text: &str) -> Result<NaiveDate, String> {
    let date = values::date(text)?;
    if (2000..2200).contains(&date.year()) {
        Ok(date)
    } else {
        Err(format!("'{date}' is out of the demonstration's reach: give a day from 2000-01-01 to 2199-12-31"))
    }
}

/// All that the command says.
#[derive(Debug, Serialize)]
struct Shown {
    users: u32,
    seed: u64,
    start: NaiveDate,
    days: u16,
    timeline: Vec<Line>,
    mail: Option<Letter>,
    summary: Summary,
    config: String,
    database: String,
    mails: String,
    commands: Vec<Command>,
}

/// Runs the command. `program` is how it was called.
///
/// # Errors
/// When the folder is not a demonstration's, or anything at all goes wrong.
pub async fn run(
    global: &GlobalArgs,
    program: &str,
    variables: &[(String, String)],
    args: &DemoArgs,
) -> Result<ExitCode, CliError> {
    if global.config.is_some() || global.at.is_some() {
        return Err(CliError::Usage(
            "demo brings its own settings and its own clock: leave --config and --at out (--start sets the first day)"
                .to_owned(),
        ));
    }
    let folder = DemoFolder::claim(&args.dir)?;
    let lock = DaemonLock::take(&folder.database(), Clock::System.now())?;
    folder.clear()?;
    folder.write_config()?;
    let shown = rehearse(global, program, &astray(variables), args, &folder).await?;
    drop(lock);
    Output::new(global.json).show(&shown, Shown::text)?;
    Ok(ExitCode::SUCCESS)
}

async fn rehearse(
    global: &GlobalArgs,
    program: &str,
    astray: &[&str],
    args: &DemoArgs,
    folder: &DemoFolder,
) -> Result<Shown, CliError> {
    // The environment is left out: its database may be a real one.
    let config = Config::load(Some(&folder.config()), std::iter::empty())?;
    let policy = config.policy();
    let chance = Randomness::seeded(args.seed);
    let users = usize::try_from(args.users).unwrap_or(usize::MAX);
    let sample = Sample::new(users, args.start, &chance).map_err(|error| CliError::Failed(error.to_string()))?;
    let script = Script::new(&sample, args.start, args.days.into(), &policy, &chance);

    let store = Arc::new(open_store(&config, Schema::Migrate, chance.clone()).await?);
    let clock = Clock::simulated(script.begins_at);
    let context = Context { config, store, clock: clock.clone(), output: Output::new(global.json) };
    context.remember_instant().await?;
    let (_trigger, shutdown) = ShutdownTrigger::new();
    let services = app::services(&context.config, Arc::clone(&context.store), clock, chance, shutdown)?;
    app::prepare(&services).await?;
    let bar = DayBar::new(script.begins_at, u64::from(args.days) + 30);
    let mut cast = Cast::new(&sample, &script);
    let failures = pass_time(&services, &mut cast, script.ends_at(), &|now| bar.set(now)).await;
    bar.finish();
    if let Some(failure) = failures?.first() {
        return Err(CliError::Failed(format!(
            "the demonstration has failed: task {} failed: {}",
            failure.task, failure.error
        )));
    }
    context.remember_instant().await?;

    let tables = Tables::read(context.store.as_ref(), Before::default()).await?;
    let unreadable = |error: io::Error| CliError::Failed(format!("cannot read the mails: {error}"));
    let mail_files = folder.mail_files().map_err(unreadable)?.len();
    let (_, head) = context.store.audit_head().await?;
    Ok(Shown {
        users: args.users,
        seed: args.seed,
        start: args.start,
        days: args.days,
        timeline: timeline::lines(&tables),
        mail: letter::choose(&tables).map(|mail| Letter::read(folder, mail)).transpose().map_err(unreadable)?,
        summary: Summary::count(&tables, mail_files, head),
        config: folder.config().display().to_string(),
        database: folder.database().display().to_string(),
        mails: folder.mails().display().to_string(),
        commands: commands(program, astray, &folder.config(), &looks(&sample)),
    })
}

/// What shows more of what has happened, and what it tells.
fn looks(sample: &Sample) -> [(String, &'static str); 5] {
    let user = sample.people.get(1).or(sample.people.first()).map_or("u-001", |person| person.external_id.as_str());
    [
        ("status".to_owned(), "whether all is well"),
        ("notice list --state skipped".to_owned(), "what was not sent, and why"),
        (format!("user show {user}"), "all about one person: sent what, when, required by what"),
        (format!("enforcement show {MAIN}"), "the dates of a company, the moved one included"),
        ("audit verify".to_owned(), "whether anybody has touched the audit trail"),
    ]
}

impl Shown {
    fn text(&self) -> String {
        let mut parts = vec![self.head(), timeline_text(&self.timeline)];
        parts.extend(self.mail.as_ref().map(letter_text));
        parts.push(self.summary_text());
        parts.push(self.commands_text());
        parts.join("\n\n")
    }

    fn head(&self) -> String {
        format!(
            "A rollout in time lapse: {} {}, a date {} days ahead, from {} (seed {}).\n\
             The clock is simulated, the tasks are those of `run`. Every line is read back from the database;\n\
             a mail's day is its reader's.",
            self.users,
            if self.users == 1 { "person" } else { "people" },
            self.days,
            self.start.format("%A, %-d %B %Y"),
            self.seed
        )
    }

    fn summary_text(&self) -> String {
        let summary = &self.summary;
        let because = listed(&summary.skipped_because);
        let because = if because.is_empty() { because } else { format!(" ({because})") };
        let users = format!(
            "{} enrolled; required for {}, {} of whom are led through it at their next sign-in",
            summary.enrolled, summary.required, summary.required_not_enrolled
        );
        let trail = if summary.audit_sound { "an unbroken chain of hashes" } else { "THE CHAIN OF HASHES IS BROKEN" };
        let lines = [
            (summary.users, "users", users),
            (summary.notices, "notices", format!("{}{because}", listed(&summary.notices_by_state))),
            (
                summary.mails + summary.admin_mails,
                "mails",
                format!("{} of them to admins; {} files in {}", summary.admin_mails, summary.mail_files, self.mails),
            ),
            (summary.audit_events, "audit events", trail.to_owned()),
        ];
        let lines = lines.map(|(count, what, note)| format!("{count:>7} {what:<12}  {}", cell(note)));
        format!("In the end\n\n{}", lines.join("\n"))
    }

    fn commands_text(&self) -> String {
        format!(
            "Look around in the database {} and the mails in {}\n\n{}",
            self.database,
            self.mails,
            commands_text(&self.commands)
        )
    }
}

fn letter_text(letter: &Letter) -> String {
    let head = [("From", &letter.from), ("To", &letter.to), ("Date", &letter.date), ("Subject", &letter.subject)];
    let head = head.iter().map(|(name, value)| format!("  {name}: {}", cell(value)));
    let body = letter.text.lines().map(|line| format!("  {}", cell(line)).trim_end().to_owned());
    let lines: Vec<String> = head.chain([String::new()]).chain(body).collect();
    format!("One of the mails: {}\n\n{}", letter.file, lines.join("\n"))
}

impl From<FolderError> for CliError {
    fn from(error: FolderError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<PlayError> for CliError {
    fn from(error: PlayError) -> Self {
        match error {
            PlayError::Store(error) => Self::Store(error),
            PlayError::Act(problem) => Self::Failed(format!("the demonstration has failed: {problem}")),
        }
    }
}
