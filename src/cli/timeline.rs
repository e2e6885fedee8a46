//! A timeline as text, and the commands that look further: what `demo` and `rehearse` show alike.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::Path;

use chrono::Datelike as _;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::output::{cell, quoted};
use crate::domain::time::Timestamp;
use crate::rehearsal::timeline::{Line, What};

/// A command that looks into what was left behind.
#[derive(Debug, Serialize)]
pub(super) struct Command {
    command: String,
    tells: &'static str,
}

/// The variables that would lead elsewhere than the settings in a file: to another database, server, or clock.
pub(super) fn astray(variables: &[(String, String)]) -> Vec<&str> {
    let sections = ["MFA_ENFORCER__DATABASE__", "MFA_ENFORCER__SMTP__", "MFA_ENFORCER__CLOCK__"];
    let names = variables.iter().map(|(name, _)| name.as_str());
    let mut names: Vec<_> = names.filter(|name| sections.iter().any(|section| name.starts_with(section))).collect();
    names.sort_unstable();
    names
}

/// Commands of `program` with the settings in `config`, without the variables in `unset`, which would win over them: what to
/// add to that, and what it tells.
pub(super) fn commands(
    program: &str,
    unset: &[&str],
    config: &Path,
    commands: &[(String, &'static str)],
) -> Vec<Command> {
    let unset: Vec<_> = unset.iter().flat_map(|name| ["-u".to_owned(), quoted(name)]).collect();
    let env = if unset.is_empty() { String::new() } else { format!("env {} ", unset.join(" ")) };
    let program = format!("{env}{} --config {}", quoted(program), quoted(&config.display().to_string()));
    let command =
        |(arguments, tells): &(String, &'static str)| Command { command: format!("{program} {arguments}"), tells };
    commands.iter().map(command).collect()
}

/// The commands, each under what it tells.
pub(super) fn commands_text(commands: &[Command]) -> String {
    let lines: Vec<_> = commands.iter().map(|one| format!("  # {}\n  {}", one.tells, one.command)).collect();
    lines.join("\n")
}

/// The lines, by day.
pub(super) fn timeline_text(lines: &[Line]) -> String {
    let one_year = lines.first().map(|line| line.day.year()) == lines.last().map(|line| line.day.year());
    let format = if one_year { "%a %e %b" } else { "%a %e %b %Y" };
    let mut shown_day = None;
    let rows = lines.iter().map(|line| {
        let is_new = shown_day != Some(line.day);
        let day = if is_new { line.day.format(format).to_string() } else { String::new() };
        shown_day = Some(line.day);
        let is_of_date =
            matches!(line.what, What::DateSet | What::DateMoved | What::DateCancelled | What::Held | What::AtRisk);
        let people = if is_of_date { String::new() } else { line.people.to_string() };
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

/// Counts with what is counted: `3 sent, 2 skipped`.
pub(super) fn listed<K: Display>(counts: &BTreeMap<K, usize>) -> String {
    counts.iter().map(|(name, count)| format!("{count} {name}").replace('_', " ")).collect::<Vec<_>>().join(", ")
}

/// A bar on a terminal, elsewhere nothing: so many days from `begins_at`.
pub(super) struct DayBar {
    bar: ProgressBar,
    begins_at: Timestamp,
}

impl DayBar {
    /// At its beginning.
    pub(super) fn new(begins_at: Timestamp, days: u64) -> Self {
        let bar = ProgressBar::new(days);
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {msg}") {
            bar.set_style(style);
        }
        Self { bar, begins_at }
    }

    /// How far it is.
    pub(super) fn set(&self, now: Timestamp) {
        self.bar.set_position(u64::try_from((now.utc() - self.begins_at.utc()).num_days()).unwrap_or(0));
        self.bar.set_message(now.utc().format("%-d %B %Y").to_string());
    }

    /// Takes it away.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
