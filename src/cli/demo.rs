//! `mfa-enforcer demo`: a whole rollout in time lapse, on SQLite, with mail into a folder.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use chrono::{Datelike as _, NaiveDate};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::context::{Context, open_store};
use super::output::cell;
use super::{CliError, GlobalArgs, Output, values};
use crate::app::{self, DaemonLock};
use crate::clock::{Clock, Randomness};
use crate::config::Config;
use crate::demo::folder::{DemoFolder, FolderError};
use crate::demo::letter::{self, Letter};
use crate::demo::play::{self, PlayError};
use crate::demo::script::Script;
use crate::demo::summary::Summary;
use crate::demo::tables::Tables;
use crate::demo::timeline::{self, Line, What};
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

/// A command that looks into the folder.
#[derive(Debug, Serialize)]
struct Command {
    command: String,
    tells: &'static str,
}

/// Runs the command. `program` is how it was called.
///
/// # Errors
/// When the folder is not a demonstration's, or anything at all goes wrong.
pub async fn run(global: &GlobalArgs, program: &str, args: &DemoArgs) -> Result<ExitCode, CliError> {
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
    let shown = rehearse(global, program, args, &folder).await?;
    drop(lock);
    Output::new(global.json).show(&shown, Shown::text)?;
    Ok(ExitCode::SUCCESS)
}

async fn rehearse(global: &GlobalArgs, program: &str, args: &DemoArgs, folder: &DemoFolder) -> Result<Shown, CliError> {
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
    let progress = progress_bar(args);
    let begins_at = script.begins_at;
    play::play(&services, &sample, &script, &|now| {
        let days = (now.utc() - begins_at.utc()).num_days();
        progress.set_position(u64::try_from(days).unwrap_or(0));
        progress.set_message(now.utc().format("%-d %B %Y").to_string());
    })
    .await?;
    progress.finish_and_clear();
    context.remember_instant().await?;

    let people = sample.people.iter().chain(&sample.joiners).map(|person| person.external_id.as_str());
    let tables = Tables::read(context.store.as_ref(), people).await?;
    let unreadable = |error: io::Error| CliError::Failed(format!("cannot read the mails: {error}"));
    let mail_files = folder.mail_files().map_err(unreadable)?.len();
    let head = context.store.audit_head().await?;
    Ok(Shown {
        users: args.users,
        seed: args.seed,
        start: args.start,
        days: args.days,
        timeline: timeline::lines(&tables),
        mail: letter::choose(&tables).map(|mail| Letter::read(folder, mail)).transpose().map_err(unreadable)?,
        summary: Summary::count(&tables, mail_files, &head),
        config: folder.config().display().to_string(),
        database: folder.database().display().to_string(),
        mails: folder.mails().display().to_string(),
        commands: commands(program, folder, &sample),
    })
}

/// A bar on a terminal; elsewhere nothing.
fn progress_bar(args: &DemoArgs) -> ProgressBar {
    let bar = ProgressBar::new(u64::from(args.days) + 30);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {msg}") {
        bar.set_style(style);
    }
    bar
}

fn commands(program: &str, folder: &DemoFolder, sample: &Sample) -> Vec<Command> {
    let program = format!("{} --config {}", quoted(program), quoted(&folder.config().display().to_string()));
    let user = sample.people.get(1).or(sample.people.first()).map_or("u-001", |person| person.external_id.as_str());
    [
        ("status".to_owned(), "whether all is well"),
        ("notice list --state skipped".to_owned(), "what was not sent, and why"),
        (format!("user show {user}"), "all about one person: sent what, when, required by what"),
        (format!("enforcement show {MAIN}"), "the dates of a company, the moved one included"),
        ("audit verify".to_owned(), "whether anybody has touched the audit trail"),
    ]
    .map(|(arguments, tells)| Command { command: format!("{program} {arguments}"), tells })
    .into()
}

/// A word as a shell reads it as one.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+:@,=".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
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
            (summary.mails, "mails", format!("{} files in {}", summary.mail_files, self.mails)),
            (summary.audit_events, "audit events", trail.to_owned()),
        ];
        let lines = lines.map(|(count, what, note)| format!("{count:>7} {what:<12}  {}", cell(note)));
        format!("In the end\n\n{}", lines.join("\n"))
    }

    fn commands_text(&self) -> String {
        let commands = self.commands.iter().map(|one| format!("  # {}\n  {}", one.tells, one.command));
        format!(
            "Look around in the database {} and the mails in {}\n\n{}",
            self.database,
            self.mails,
            commands.collect::<Vec<_>>().join("\n")
        )
    }
}

fn timeline_text(lines: &[Line]) -> String {
    let one_year = lines.first().map(|line| line.day.year()) == lines.last().map(|line| line.day.year());
    let format = if one_year { "%a %e %b" } else { "%a %e %b %Y" };
    let mut shown_day = None;
    let rows = lines.iter().map(|line| {
        let is_new = shown_day != Some(line.day);
        let day = if is_new { line.day.format(format).to_string() } else { String::new() };
        shown_day = Some(line.day);
        let is_date = matches!(line.what, What::DateSet | What::DateMoved);
        let people = if is_date { String::new() } else { line.people.to_string() };
        let parts: Vec<&str> = line.company.iter().chain([&line.note]).map(String::as_str).collect();
        let rest: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        [day, line.title(), people, cell(rest.join(": "))]
    });
    let header = ["DAY", "WHAT", "PEOPLE", "WHERE AND WHY"].map(str::to_owned);
    let rows: Vec<[String; 4]> = [header].into_iter().chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let (days, titles, people) = (width(0), width(1), width(2));
    let aligned = rows.iter().map(|[day, title, count, rest]| {
        format!("{day:<days$}  {title:<titles$}  {count:>people$}  {rest}").trim_end().to_owned()
    });
    aligned.collect::<Vec<_>>().join("\n")
}

fn letter_text(letter: &Letter) -> String {
    let head = [("From", &letter.from), ("To", &letter.to), ("Date", &letter.date), ("Subject", &letter.subject)];
    let head = head.iter().map(|(name, value)| format!("  {name}: {}", cell(value)));
    let body = letter.text.lines().map(|line| format!("  {}", cell(line)).trim_end().to_owned());
    let lines: Vec<String> = head.chain([String::new()]).chain(body).collect();
    format!("One of the mails: {}\n\n{}", letter.file, lines.join("\n"))
}

fn listed<K: std::fmt::Display>(counts: &BTreeMap<K, usize>) -> String {
    counts.iter().map(|(name, count)| format!("{count} {name}").replace('_', " ")).collect::<Vec<_>>().join(", ")
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
            other => Self::Failed(format!("the demonstration has failed: {other}")),
        }
    }
}
