//! `mfa-enforcer enforcement`: setting, moving and taking away a company's date, holding and releasing it, undoing what it
//! required, and the history.

use std::process::ExitCode;

use chrono::NaiveDate;
use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::json;

mod history;

use self::history::history_text;
pub use self::history::remedy;
use super::confirm::confirm;
use super::outlook::{local, named, people, reversal_lines, summary, zone_of};
use super::output::{pairs, say, write_line};
use super::{ByArgs, CliError, Context, values};
use crate::domain::notice::HoldReason;
use crate::domain::policy::Policy;
use crate::domain::time::Timestamp;
use crate::store::StoreError;
use crate::store::enforcements::Ordered;
use crate::store::forecast::{Outlook, Proposal};
use crate::store::holds::hold_reason;
use crate::store::reconcile::Authority;
use crate::store::revert::Reversal;
use crate::tasks::dates::Order;

/// Set, move or take away a company's date; hold, release or revert it; see the history.
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
    Cancel(ReasonArgs),
    /// Release a company's held enforcement: it is scheduled, judged anew from now
    #[command(after_help = "\
Examples:
  mfa-enforcer enforcement release acme --by 'Jo Diaz'
  mfa-enforcer enforcement release acme --override-notice --reason agreed --yes

`mfa-enforcer status` lists what is held, why, and the command that helps.")]
    Release(ReleaseArgs),
    /// Hold a company's date that is to come: nothing is sent and nobody becomes required until it is released
    #[command(after_help = "\
Examples:
  mfa-enforcer enforcement hold acme --yes
  mfa-enforcer enforcement hold acme --reason 'the help desk is not ready' --yes

`mfa-enforcer enforcement release COMPANY` goes on with it. A date that has come is undone by
`mfa-enforcer enforcement revert COMPANY`.")]
    Hold(ReasonArgs),
    /// Undo a company's date that has come: whom it requires is required no longer
    #[command(after_help = "\
Examples:
  mfa-enforcer enforcement revert acme --yes
  mfa-enforcer enforcement revert acme --reason 'locked out by mistake' --yes

Who is required by another company as well, or as a payee, stays required. Who was told the date and has not enrolled
hears that it is required no longer. A later date that is set already stays.")]
    Revert(ReasonArgs),
    /// Show all enforcements of a company, and what became of each
    #[command(after_help = "\
Examples:
  mfa-enforcer enforcement show acme
  mfa-enforcer enforcement show acme --json")]
    Show {
        /// The company's id or external id
        #[arg(value_parser = values::key)]
        company: String,
    },
}

/// Which date, for whom.
#[derive(Args, Clone, Debug)]
pub struct SetArgs {
    /// The company's id or external id
    #[arg(value_parser = values::key)]
    company: String,
    /// The day, in the company's time zone, from which on everybody needs MFA, such as 2027-01-15
    #[arg(long, value_parser = values::date)]
    date: NaiveDate,
    #[command(flatten)]
    leave: OverrideArgs,
    #[command(flatten)]
    go: GoArgs,
}

/// Whose date, and why.
#[derive(Args, Clone, Debug)]
pub struct ReasonArgs {
    /// The company's id or external id
    #[arg(value_parser = values::key)]
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
    #[arg(value_parser = values::key)]
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
        EnforcementCommand::Release(args) => {
            let authority = authority(&args.go, Some(&args.leave), args.leave.reason.as_deref())?;
            let act = Act { company: &args.company, proposal: Proposal::Release, authority, yes: args.go.yes };
            act.carry_out(context, &policy).await
        }
        EnforcementCommand::Cancel(args) => args.carry_out(Proposal::Cancel, context, &policy).await,
        EnforcementCommand::Hold(args) => args.carry_out(Proposal::Hold, context, &policy).await,
        EnforcementCommand::Revert(args) => args.carry_out(Proposal::Revert, context, &policy).await,
        EnforcementCommand::Show { company } => {
            let history = context.store.enforcement_history(company).await?;
            context.output.show(&history, history_text)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

impl ReasonArgs {
    async fn carry_out(&self, proposal: Proposal, context: &Context, policy: &Policy) -> Result<ExitCode, CliError> {
        let authority = authority(&self.go, None, self.reason.as_deref())?;
        if proposal == Proposal::Hold {
            hold_reason(authority.reason)?;
        }
        Act { company: &self.company, proposal, authority, yes: self.go.yes }.carry_out(context, policy).await
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
        let outlook = match context.store.forecast(self.company, self.proposal, now, policy).await {
            Err(StoreError::NotFound(missing)) if self.proposal == Proposal::Revert => {
                return self.revert_deleted(context, policy, missing).await;
            }
            outlook => outlook?,
        };
        if outlook.stands_already {
            context.output.show(&Acted { changed: false, outlook: &outlook }, |_| {
                format!("Nothing changed: {}.", self.standing(&outlook))
            })?;
            return Ok(ExitCode::SUCCESS);
        }
        self.refuse(&outlook)?;
        if !self.ask(context, &summary(&outlook))? {
            return Ok(ExitCode::FAILURE);
        }
        let order = self.order(context, now, policy);
        let ordered = match self.proposal {
            Proposal::Date(date) => order.set_date(date).await?,
            Proposal::Cancel => order.cancel_date().await?,
            Proposal::Release => order.release().await?,
            Proposal::Hold => order.hold().await?,
            Proposal::Revert => order.revert().await?,
            Proposal::Nothing => Ordered::StoodAlready,
        };
        context.remember_instant().await?;
        let changed = ordered == Ordered::Done;
        let outlook = Outlook { company: context.store.company(self.company).await?, ..outlook };
        context.output.show(&Acted { changed, outlook: &outlook }, |_| self.done(&outlook))?;
        Ok(ExitCode::SUCCESS)
    }

    /// A company whose row is gone has no outlook, and may still require people.
    async fn revert_deleted(&self, context: &Context, policy: &Policy, missing: String) -> Result<ExitCode, CliError> {
        let reversal = match self.company.parse() {
            Ok(id) => context.store.reversal(id).await?,
            Err(_) => Reversal::default(),
        };
        let will = format!("company             {} (deleted)\n{}", self.company, pairs(&reversal_lines(&reversal)));
        if reversal.enforcement_id.is_some() && !self.ask(context, &will)? {
            return Ok(ExitCode::FAILURE);
        }
        let ordered = self.order(context, context.now(), policy).revert().await.map_err(|error| match error {
            StoreError::NotFound(_) => StoreError::NotFound(missing),
            error => error,
        })?;
        context.remember_instant().await?;
        let acted = json!({ "changed": ordered == Ordered::Done, "company_id": self.company, "reversal": reversal });
        context.output.show(&acted, |_| match ordered {
            Ordered::Done => "Reverted: the deleted company requires nobody any more.".to_owned(),
            _ => "Nothing changed: the deleted company was reverted already, and requires nobody.".to_owned(),
        })?;
        Ok(ExitCode::SUCCESS)
    }

    fn order<'a>(&'a self, context: &'a Context, now: Timestamp, policy: &'a Policy) -> Order<'a> {
        Order {
            store: context.store.as_ref(),
            company: self.company,
            authority: &self.authority,
            now,
            policy,
            chunk: context.config.schedule.chunk.into(),
        }
    }

    /// Says what will happen, and asks whether it shall.
    fn ask(&self, context: &Context, will: &str) -> Result<bool, CliError> {
        let will = format!("{will}\n");
        if context.output.is_json() {
            say(&will);
        } else {
            write_line(&will)?;
        }
        let go = confirm(self.yes)?;
        if !go {
            say("nothing was changed");
        }
        Ok(go)
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
            (Proposal::Hold, Some(coming)) => format!("the date {} of {company} is held already", coming.date),
            (Proposal::Revert, _) => format!("{company} was reverted already, and requires nobody"),
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
            Proposal::Hold => {
                format!(
                    "Held. `mfa-enforcer enforcement release {key}` goes on with it; `mfa-enforcer status` lists it."
                )
            }
            Proposal::Revert => {
                let freed = outlook.reversal.as_ref().map_or(0, |reversal| reversal.freed);
                format!("Reverted: {company} requires nobody any more. Required by nothing else: {}.", people(freed))
            }
            Proposal::Cancel | Proposal::Nothing => format!("Cancelled: {company} has no date any more."),
        }
    }
}
