//! `mfa-enforcer status`: whether all is well, and if not, what a person can do about it.

use std::process::ExitCode;

use chrono::TimeDelta;
use clap::Args;
use secrecy::ExposeSecret as _;
use serde::Serialize;

use super::enforcement::remedy;
use super::outlook::{counted, people};
use super::output::{as_called, cell, instant, maybe_instant, pairs};
use super::{CliError, Context};
use crate::app::FIRST_RUN_KEY;
use crate::domain::time::Timestamp;
use crate::store::companies::key;
use crate::store::connect::shown;
use crate::store::daemon_state::TaskStatus;
use crate::store::safety::Risk;
use crate::store::status::{Figures, HeldEnforcement, UnknownZone};
use crate::store::unreachable::Unreachable;
use crate::tasks;

/// Tasks, backlog, what comes next, the last error; and what needs a person, with the command that helps.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  mfa-enforcer status
  mfa-enforcer status --json

Exit 1 when something needs a person: for a monitoring that looks now and then.")]
pub struct StatusArgs {}

/// How long mail may be overdue before a person should look.
const MAIL_OVERDUE: TimeDelta = TimeDelta::hours(1);
/// How long a daemon may be silent on top of three ticks before a person should look: a restart is shorter.
const SILENCE_ALLOWED: TimeDelta = TimeDelta::minutes(5);
/// How many held enforcements, and the like, are named; the others are counted.
const NAMED_MOST: usize = 5;

/// Where everything stands.
#[derive(Debug, Serialize)]
struct Status {
    now: Timestamp,
    clock: &'static str,
    database: String,
    has_run: bool,
    tasks: Vec<TaskStatus>,
    figures: Figures,
    next_due: Option<Timestamp>,
    /// Who gets every mail instead of those whom it is for.
    mail_redirected_to: Option<String>,
    held: Vec<HeldEnforcement>,
    at_risk: Vec<Risk>,
    unknown_zones: Vec<UnknownZone>,
    /// Whom no notice of a date has reached, because mail to them fails.
    never_reached: Vec<Unreachable>,
    well: bool,
    needs: Vec<Need>,
}

/// Something that needs a person.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Need {
    what: String,
    command: String,
}

impl Need {
    fn new(what: impl Into<String>, command: impl Into<String>) -> Self {
        Self { what: what.into(), command: as_called(&command.into()) }
    }
}

/// Runs the command.
///
/// # Errors
/// When the database fails, and when the results cannot be written.
pub async fn run(context: &Context, StatusArgs {}: &StatusArgs) -> Result<ExitCode, CliError> {
    let (store, now) = (&context.store, context.now());
    let mut status = Status {
        now,
        clock: if context.clock.is_simulated() { "simulated" } else { "real" },
        database: shown(context.config.database.url.expose_secret()),
        has_run: store.remembered(FIRST_RUN_KEY).await?.is_some(),
        tasks: store.task_statuses().await?,
        figures: store.figures(now).await?,
        next_due: store.next_due(now).await?,
        mail_redirected_to: context.config.smtp.redirect_all_to.clone(),
        held: store.held_enforcements().await?,
        at_risk: store.risks(now, &context.config.policy()).await?,
        unknown_zones: store.unknown_zones().await?,
        never_reached: store.unreachable(None, &context.config.policy()).await?,
        well: true,
        needs: vec![],
    };
    status.needs = status.needs(context.config.schedule.tick * 3 + SILENCE_ALLOWED);
    status.well = status.needs.is_empty();
    context.output.show(&status, Status::text)?;
    Ok(if status.well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// People whom no notice has reached, in words.
fn never_reached(one: &Unreachable) -> String {
    let company = cell(&one.company);
    let state = if one.in_force { "in force" } else { "to come" };
    format!("{} at {company} ({}, {state})", people(one.people.unsigned_abs()), one.enforcement_date)
}

fn unreachable_need(one: &Unreachable) -> Need {
    let key = key(one.company_external_id.as_deref(), one.company_id);
    let what = format!("mail does not reach {}", never_reached(one));
    let command = format!(
        "mfa-enforcer user show {}; then correct users.email, or, where it is right: \
         mfa-enforcer notice retry --company {key} --anyway",
        one.example
    );
    Need::new(what, command)
}

fn risk_need(risk: &Risk) -> Need {
    let key = key(risk.company_external_id.as_deref(), risk.company_id);
    let findings: Vec<String> = risk.findings.iter().map(ToString::to_string).collect();
    let what = format!("{} is at risk for {}: {}", risk.enforcement_date, cell(&risk.company), findings.join("; "));
    let command = format!(
        "mfa-enforcer enforcement show {key}; to wait: mfa-enforcer enforcement hold {key}, or \
         mfa-enforcer enforcement set {key} --date YYYY-MM-DD"
    );
    Need::new(what, command)
}

impl Status {
    /// What needs a person; the daemon may be silent for `silence`.
    fn needs(&self, silence: TimeDelta) -> Vec<Need> {
        let mut needs = Vec::new();
        let figures = &self.figures;
        let longer_than = |at: Option<Timestamp>, span| at.filter(|at| at.plus(span) < self.now);
        for task in self.tasks.iter().filter(|task| task.errors > 0) {
            let error = task.last_error.as_deref().unwrap_or("no reason was recorded");
            let what =
                format!("task {} has failed {} in a row: {}", task.task, counted(task.errors, "time"), cell(error));
            needs.push(Need::new(what, "journalctl -u mfa-enforcer"));
        }
        if let Some(silent) = self.silent_since(silence) {
            needs.push(Need::new(silent, "systemctl status mfa-enforcer, or mfa-enforcer run"));
        }
        if let Some(since) = longer_than(figures.oldest_flip, silence) {
            let what = format!("{} due and not complete, since {}", counted(figures.due_flips, "flip"), instant(since));
            needs.push(Need::new(
                what,
                "mfa-enforcer run --once, unless a daemon runs: then journalctl -u mfa-enforcer",
            ));
        }
        if let Some(since) = longer_than(figures.oldest_due, MAIL_OVERDUE) {
            let what = format!("{} overdue, since {}", counted(figures.due_notices, "notice"), instant(since));
            needs.push(Need::new(
                what,
                "mfa-enforcer run --once, unless a daemon runs: then journalctl -u mfa-enforcer",
            ));
        }
        if let Some(since) = longer_than(figures.oldest_put_off, MAIL_OVERDUE) {
            let what = format!(
                "the mail server has put off {}, due since {}",
                counted(figures.put_off_notices, "notice"),
                instant(since)
            );
            needs.push(Need::new(what, "mfa-enforcer notice list --state pending, and the mail server's log"));
        }
        needs.extend(self.held_needs());
        needs.extend(self.risk_needs());
        // What has come leads them through the set-up when they sign in.
        needs.extend(self.never_reached.iter().filter(|one| !one.in_force).take(NAMED_MOST).map(unreachable_need));
        needs.extend(self.unknown_zones.iter().filter(|zone| zone.scheduled > 0).take(NAMED_MOST).map(|zone| {
            let named = cell(&zone.time_zone);
            let what = format!(
                "the time zone '{named}', of {}, is none: plans keep the one before",
                counted(zone.scheduled, "scheduled date")
            );
            Need::new(what, format!("mfa-enforcer company set {} --time-zone ZONE", zone.example))
        }));
        needs
    }

    /// Whether the daemon says nothing any more, on the real clock, though it has run.
    fn silent_since(&self, silence: TimeDelta) -> Option<String> {
        if self.clock != "real" || !self.has_run {
            return None;
        }
        let missing = tasks::names().into_iter().find(|name| !self.tasks.iter().any(|task| task.task == *name));
        if let Some(name) = missing {
            return Some(format!("task {name} has not run yet"));
        }
        // A long campaign keeps `deliver` busy; that it ends is seen by what is overdue.
        let succeeded = self.tasks.iter().filter(|task| task.task != "deliver").filter_map(|task| task.last_success_at);
        let latest = succeeded.min()?;
        (latest.plus(silence) < self.now)
            .then(|| format!("the daemon is silent: no task has succeeded since {}", instant(latest)))
    }

    fn held_needs(&self) -> Vec<Need> {
        let mut needs: Vec<Need> = self
            .held
            .iter()
            .take(NAMED_MOST)
            .map(|held| {
                let key = key(held.company_external_id.as_deref(), held.company_id);
                let reason = held.reason.as_deref().unwrap_or("no reason was given");
                let mut what =
                    format!("{} is held for {}: {}", held.enforcement_date, cell(&held.company), cell(reason));
                if !held.findings.is_empty() {
                    let findings: Vec<String> = held.findings.iter().map(ToString::to_string).collect();
                    what = format!("{what}: {}", findings.join("; "));
                }
                Need::new(what, remedy(held.reason.as_deref(), &key))
            })
            .collect();
        if self.held.len() > NAMED_MOST {
            let what = format!("{} more held", counted(self.held.len() as u64 - NAMED_MOST as u64, "enforcement"));
            needs.push(Need::new(what, "mfa-enforcer status --json"));
        }
        needs
    }

    fn risk_needs(&self) -> Vec<Need> {
        let mut needs: Vec<Need> = self.at_risk.iter().take(NAMED_MOST).map(risk_need).collect();
        if self.at_risk.len() > NAMED_MOST {
            let what = format!("{} more at risk", counted(self.at_risk.len() as u64 - NAMED_MOST as u64, "date"));
            needs.push(Need::new(what, "mfa-enforcer status --json"));
        }
        needs
    }

    fn text(&self) -> String {
        let figures = &self.figures;
        let since = |at: Option<Timestamp>| at.map(|at| format!(" (since {})", instant(at))).unwrap_or_default();
        let next = self.next_due.map_or_else(|| "nothing is planned".to_owned(), instant);
        let mut lines = vec![
            ("clock", format!("{}, {}", self.clock, instant(self.now))),
            ("database", cell(&self.database)),
            ("tasks", self.tasks_line()),
            ("dates", format!("{} scheduled, {} in force, {} held", figures.scheduled, figures.in_force, figures.held)),
            (
                "due now",
                format!(
                    "{}{}, {}{}",
                    counted(figures.due_notices, "notice"),
                    since(figures.oldest_due),
                    counted(figures.due_flips, "flip"),
                    since(figures.oldest_flip)
                ),
            ),
            ("next due", next),
            (
                "mail",
                format!(
                    "last sent {}, {} put off{}, {} failed for good{}",
                    maybe_instant(figures.last_sent_at),
                    counted(figures.put_off_notices, "notice"),
                    since(figures.oldest_put_off),
                    figures.failed_notices,
                    match figures.failed_admin_mails {
                        0 => String::new(),
                        count => format!(", and {count} to admins"),
                    }
                ),
            ),
        ];
        if let Some(address) = &self.mail_redirected_to {
            lines.push(("redirected", format!("every mail goes to {} alone (smtp.redirect_all_to)", cell(address))));
        }
        if figures.unreconciled > 0 {
            lines.push((
                "companies",
                format!("{} changed, acted on with the next tick", counted(figures.unreconciled, "row")),
            ));
        }
        let unreached: Vec<String> = self.never_reached.iter().take(NAMED_MOST).map(never_reached).collect();
        if !unreached.is_empty() {
            lines.push(("not reached", unreached.join(", ")));
        }
        let zones: Vec<String> = self
            .unknown_zones
            .iter()
            .take(NAMED_MOST)
            .map(|zone| format!("{} ('{}')", zone.companies, cell(&zone.time_zone)))
            .collect();
        if !zones.is_empty() {
            lines.push(("zones", format!("companies with an unknown one: {}", zones.join(", "))));
        }
        let mut text = pairs(&lines);
        if self.well {
            text.push_str("\nAll is well.");
        } else {
            text.push_str("\nThis needs a person:");
            let needs = self.needs.iter().map(|need| format!("\n- {}\n  {}", need.what, need.command));
            text.extend(needs);
        }
        text
    }

    fn tasks_line(&self) -> String {
        if self.tasks.is_empty() {
            return "none has run yet".to_owned();
        }
        let one = |task: &TaskStatus| match task.errors {
            0 => format!("{} {}", task.task, maybe_instant(task.last_success_at)),
            errors => {
                format!(
                    "{} failed {} (last success {})",
                    task.task,
                    counted(errors, "time"),
                    maybe_instant(task.last_success_at)
                )
            }
        };
        self.tasks.iter().map(one).collect::<Vec<_>>().join(", ")
    }
}
