//! `mfa-enforcer enforcement`: setting, moving and taking away a company's date, releasing what is held, and the history.

use std::process::ExitCode;

use chrono::NaiveDate;
use clap::{Args, Subcommand};
use serde::Serialize;

use super::confirm::confirm;
use super::outlook::{local, named, summary, zone_of};
use super::output::{cell, instant, maybe, pairs, say, table, write_line, yes_no};
use super::{ByArgs, CliError, Context, values};
use crate::domain::notice::HoldReason;
use crate::domain::policy::Policy;
use crate::store::enforcement_history::{EnforcementHistory, EnforcementRecord, MilestoneRecord};
use crate::store::enforcements::Ordered;
use crate::store::forecast::{Outlook, Proposal};
use crate::store::reconcile::Authority;
use crate::tasks::dates::Order;

/// Set, move or take away a company's date; release what is held; see the history.
#[derive(Clone, Debug, Subcommand)]
pub enum EnforcementCommand {
    /// Set a company's date; a company that has one: it moves
    #[command(after_help = "\
Examples:
  mfa-enforcer enforcement set acme --date 2027-01-15
  mfa-enforcer enforcement set acme --date 2027-02-01 --by 'Jo Diaz' --yes

It says what will happen, and asks; --yes skips the question. The same by day, with nothing changed, is said by
`mfa-enforcer forecast COMPANY --date DATE`. A date that leaves too little notice needs --override-notice and --reason.")]
    Set(SetArgs),
    /// Take a company's date away
    #[command(after_help = "\
Examples:
  mfa-enforcer enforcement cancel acme --yes
  mfa-enforcer enforcement cancel acme --reason 'merger postponed' --yes

Who was told the date hears that it does not stand any more. Who is required already stays required.")]
    Cancel(CancelArgs),
    /// Release a company's held enforcement: it is scheduled, judged anew from now
    #[command(after_help = "\
Examples:
  mfa-enforcer enforcement release acme --by 'Jo Diaz'
  mfa-enforcer enforcement release acme --override-notice --reason agreed --yes

`mfa-enforcer status` lists what is held, why, and the command that helps.")]
    Release(ReleaseArgs),
    /// Show all enforcements of a company, and what became of each
    #[command(after_help = "\
Examples:
  mfa-enforcer enforcement show acme
  mfa-enforcer enforcement show acme --json")]
    Show {
        /// The company's id or external id
        company: String,
    },
}

/// Which date, for whom.
#[derive(Args, Clone, Debug)]
pub struct SetArgs {
    /// The company's id or external id
    company: String,
    /// The day, in the company's time zone, from which on everybody needs MFA, such as 2027-01-15
    #[arg(long, value_parser = values::date)]
    date: NaiveDate,
    #[command(flatten)]
    leave: OverrideArgs,
    #[command(flatten)]
    go: GoArgs,
}

/// Whose date to take away.
#[derive(Args, Clone, Debug)]
pub struct CancelArgs {
    /// The company's id or external id
    company: String,
    /// Why, for the audit trail
    #[arg(long, value_name = "WHY", value_parser = values::words)]
    reason: Option<String>,
    #[command(flatten)]
    go: GoArgs,
}

/// What to release.
#[derive(Args, Clone, Debug)]
pub struct ReleaseArgs {
    /// The company's id or external id
    company: String,
    #[command(flatten)]
    leave: OverrideArgs,
    #[command(flatten)]
    go: GoArgs,
}

/// Leave for less than the minimum notice.
#[derive(Args, Clone, Debug)]
struct OverrideArgs {
    /// Allow less than the minimum notice; needs --reason
    #[arg(long)]
    override_notice: bool,
    /// Why, for the audit trail
    #[arg(long, value_name = "WHY", value_parser = values::words)]
    reason: Option<String>,
}

/// On whose word, and whether to ask.
#[derive(Args, Clone, Debug)]
struct GoArgs {
    #[command(flatten)]
    by: ByArgs,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Runs the command.
///
/// # Errors
/// What is refused, with nothing changed, and when the results cannot be written.
pub async fn run(context: &Context, command: &EnforcementCommand) -> Result<ExitCode, CliError> {
    let policy = context.config.policy();
    match command {
        EnforcementCommand::Set(args) => {
            let authority = authority(&args.go, Some(&args.leave), args.leave.reason.as_deref())?;
            let act = Act { company: &args.company, proposal: Proposal::Date(args.date), authority, yes: args.go.yes };
            act.carry_out(context, &policy).await
        }
        EnforcementCommand::Cancel(args) => {
            let authority = authority(&args.go, None, args.reason.as_deref())?;
            let act = Act { company: &args.company, proposal: Proposal::Cancel, authority, yes: args.go.yes };
            act.carry_out(context, &policy).await
        }
        EnforcementCommand::Release(args) => {
            let authority = authority(&args.go, Some(&args.leave), args.leave.reason.as_deref())?;
            let act = Act { company: &args.company, proposal: Proposal::Release, authority, yes: args.go.yes };
            act.carry_out(context, &policy).await
        }
        EnforcementCommand::Show { company } => {
            let history = context.store.enforcement_history(company).await?;
            context.output.show(&history, history_text)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn authority<'a>(
    go: &'a GoArgs,
    leave: Option<&OverrideArgs>,
    reason: Option<&'a str>,
) -> Result<Authority<'a>, CliError> {
    let override_notice = leave.is_some_and(|leave| leave.override_notice);
    if override_notice && reason.is_none() {
        return Err(CliError::Usage(
            "--override-notice needs a reason, for the audit trail: add --reason 'WHY'".to_owned(),
        ));
    }
    Ok(Authority { actor: &go.by.by, override_notice, reason })
}

/// What a person wants to happen to a company's date.
struct Act<'a> {
    company: &'a str,
    proposal: Proposal,
    authority: Authority<'a>,
    yes: bool,
}

/// What came of it, as JSON.
#[derive(Serialize)]
struct Acted<'a> {
    changed: bool,
    #[serde(flatten)]
    outlook: &'a Outlook,
}

impl Act<'_> {
    /// Says what will happen, asks, and has it done.
    async fn carry_out(&self, context: &Context, policy: &Policy) -> Result<ExitCode, CliError> {
        let now = context.now();
        let outlook = context.store.forecast(self.company, self.proposal, now, policy).await?;
        if outlook.stands_already {
            context.output.show(&Acted { changed: false, outlook: &outlook }, |_| {
                format!("Nothing changed: {}.", self.standing(&outlook))
            })?;
            return Ok(ExitCode::SUCCESS);
        }
        self.refuse(&outlook)?;
        let will = format!("{}\n", summary(&outlook));
        if context.output.is_json() {
            say(&will);
        } else {
            write_line(&will)?;
        }
        if !confirm(self.yes)? {
            say("nothing was changed");
            return Ok(ExitCode::FAILURE);
        }
        let order = Order {
            store: context.store.as_ref(),
            company: self.company,
            authority: &self.authority,
            now,
            policy,
            chunk: context.config.schedule.chunk.into(),
        };
        let ordered = match self.proposal {
            Proposal::Date(date) => order.set_date(date).await?,
            Proposal::Cancel => order.cancel_date().await?,
            Proposal::Release => order.release().await?,
            Proposal::Nothing => Ordered::StoodAlready,
        };
        context.remember_instant().await?;
        let changed = ordered == Ordered::Done;
        context.output.show(&Acted { changed, outlook: &outlook }, |_| self.done(&outlook))?;
        Ok(ExitCode::SUCCESS)
    }

    /// What the store would refuse, before anybody is asked.
    fn refuse(&self, outlook: &Outlook) -> Result<(), CliError> {
        let Some(objection) = &outlook.objection else { return Ok(()) };
        let overridden = self.authority.override_notice
            && match outlook.hold {
                Some(HoldReason::NoticeTooShort) => true,
                Some(HoldReason::DateInPast) => self.proposal == Proposal::Release,
                _ => false,
            };
        if overridden { Ok(()) } else { Err(CliError::Failed(objection.clone())) }
    }

    fn standing(&self, outlook: &Outlook) -> String {
        let company = named(&outlook.company);
        match (self.proposal, &outlook.coming) {
            (Proposal::Date(date), Some(coming)) => {
                let zone = zone_of(&outlook.company);
                let state = coming.state;
                let release = format!("; `mfa-enforcer enforcement release {}` releases it", outlook.company.key());
                let release = if state.as_str() == "held" { release } else { String::new() };
                format!(
                    "{company} has the date {date} already: it is {state}, {}{release}",
                    local(coming.enforce_at, zone)
                )
            }
            (Proposal::Date(date), None) => format!("{company} has the date {date} already: it is in force"),
            (Proposal::Release, _) => format!("{company} has no held enforcement"),
            _ => format!("{company} has no date"),
        }
    }

    fn done(&self, outlook: &Outlook) -> String {
        let (company, key) = (named(&outlook.company), outlook.company.key());
        match self.proposal {
            Proposal::Date(date) => {
                format!("Set: {company} has the date {date}. `mfa-enforcer forecast {key}` says what comes, by day.")
            }
            Proposal::Release => format!("Released. `mfa-enforcer forecast {key}` says what comes, by day."),
            Proposal::Cancel | Proposal::Nothing => format!("Cancelled: {company} has no date any more."),
        }
    }
}

/// What helps a held enforcement.
#[must_use]
pub fn remedy(reason: Option<&str>, key: &str) -> String {
    match reason.and_then(|reason| reason.parse().ok()) {
        Some(HoldReason::MfaNotAvailable) => format!(
            "once your account representative has MFA made available: mfa-enforcer company set {key} --mfa-available true, \
             then mfa-enforcer enforcement release {key}"
        ),
        Some(HoldReason::UnknownTimeZone) => format!("mfa-enforcer company set {key} --time-zone ZONE"),
        Some(HoldReason::DateInPast) => format!("mfa-enforcer enforcement set {key} --date YYYY-MM-DD"),
        Some(HoldReason::NoticeTooShort) => format!(
            "mfa-enforcer enforcement set {key} --date YYYY-MM-DD, or \
             mfa-enforcer enforcement release {key} --override-notice --reason 'WHY'"
        ),
        None => format!("mfa-enforcer enforcement release {key}"),
    }
}

fn history_text(history: &EnforcementHistory) -> String {
    if history.enforcements.is_empty() {
        return format!(
            "{} has never had a date: `mfa-enforcer enforcement set {} --date YYYY-MM-DD` sets one.",
            named(&history.company),
            history.company.key()
        );
    }
    let mut parts = vec![named(&history.company)];
    parts.extend(history.enforcements.iter().map(|one| enforcement_text(one, &history.company.key())));
    parts.join("\n\n")
}

fn enforcement_text(one: &EnforcementRecord, key: &str) -> String {
    let zone = crate::domain::time::zone(&one.time_zone).unwrap_or(chrono_tz::Tz::UTC);
    let at = |at| format!("{} ({})", instant(at), local(at, zone));
    let mut lines = vec![
        ("date", cell(one.enforcement_date)),
        ("state", cell(one.state)),
        ("id", cell(one.id)),
        ("enforce_at", at(one.enforce_at)),
        ("set_by", cell(&one.set_by)),
        ("created_at", at(one.created_at)),
        ("reason", maybe(one.reason.as_ref())),
        ("notice_overridden", yes_no(one.notice_overridden)),
        ("required", one.required.to_string()),
    ];
    lines.extend(one.flipped_at.map(|flipped| ("flipped_at", at(flipped))));
    lines.extend(one.closed_at.map(|closed| ("closed_at", at(closed))));
    if one.state.as_str() == "held" {
        lines.push(("remedy", remedy(one.reason.as_deref(), key)));
    }
    if one.milestones.is_empty() {
        return pairs(&lines);
    }
    let milestones = table(&["  milestone", "due", "state", "notices"], one.milestones.iter().map(milestone_row));
    format!("{}\n{}", pairs(&lines), milestones.trim_fmt())
}

fn milestone_row(milestone: &MilestoneRecord) -> Vec<String> {
    let days = milestone.days_before.map(|days| format!(", {days} days before")).unwrap_or_default();
    let notices: Vec<String> = milestone.notices.iter().map(|(state, count)| format!("{count} {state}")).collect();
    vec![
        format!("  {}{days}", milestone.kind),
        instant(milestone.due_at),
        cell(milestone.state),
        if notices.is_empty() { "-".to_owned() } else { notices.join(", ") },
    ]
}
