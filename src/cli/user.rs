//! `mfa-enforcer user`: all that is known of one user, enrollment and exemptions.

use std::process::ExitCode;

use chrono::{Datelike as _, NaiveDate};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::output::{cell, instant, maybe, maybe_instant, pairs, say, table, yes_no};
use super::{ByArgs, CliError, Context, notice, values};
use crate::domain::admin_mail::AdminMailChoice;
use crate::domain::methods::Method;
use crate::domain::time::{add_days, start_of_day};
use crate::domain::values::parse_zone;
use crate::store::admin_history::AdminMailRecord;
use crate::store::users::{Membership, RequirementRecord, User, UserDossier};

/// All that is known of one user; enrollment and exemptions.
#[derive(Clone, Debug, Subcommand)]
pub enum UserCommand {
    /// Show what was sent when, what the server answered, and when and why MFA became required
    #[command(after_help = "\
Examples:
  mfa-enforcer user show jo@example.org
  mfa-enforcer user show u-1 --json")]
    Show {
        /// The user's id, external id or e-mail address; also the id of a user who was deleted
        #[arg(value_parser = values::key)]
        user: String,
    },
    /// Record that a user has set up MFA, or no longer has
    #[command(after_help = "\
Examples:
  mfa-enforcer user enroll jo@example.org --method authenticator
  mfa-enforcer user enroll u-2 --undo --by 'Support desk'

Your sign-in service writes this itself, to users.mfa_enrolled_at and users.mfa_method; the command is for repairs.")]
    Enroll(EnrollArgs),
    /// Leave a user out of a company's enforcement for a while, or no longer
    #[command(after_help = "\
Examples:
  mfa-enforcer user exempt u-1 --company acme --until 2099-12-31 --reason Leave
  mfa-enforcer user exempt u-3 --company acme --end

The day given is the last one, in the company's time zone. The reason is kept on the audit trail: name no people in it.
What is required already stays required: an exemption clears nothing.")]
    Exempt(ExemptArgs),
    /// Choose what mail an admin gets about their company's dates
    #[command(after_help = "\
Examples:
  mfa-enforcer user admin-mail u-3 --company acme --want decisions
  mfa-enforcer user admin-mail u-3 --company acme --want all

all: decisions, digests and the report of the day; decisions: these alone; none: nothing.
Notices to them as members of the company are apart from it.")]
    AdminMail(AdminMailArgs),
}

/// Enrollment.
#[derive(Args, Clone, Debug)]
pub struct EnrollArgs {
    /// The user's id, external id or e-mail address
    #[arg(value_parser = values::key)]
    user: String,
    /// The second step that was set up
    #[arg(long, required_unless_present = "undo")]
    method: Option<MethodArg>,
    /// The user has MFA set up no longer
    #[arg(long, conflicts_with = "method")]
    undo: bool,
    #[command(flatten)]
    by: ByArgs,
}

/// A second step, as the command line names it.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum MethodArg {
    Authenticator,
    Sms,
}

/// An exemption.
#[derive(Args, Clone, Debug)]
pub struct ExemptArgs {
    /// The user's id, external id or e-mail address
    #[arg(value_parser = values::key)]
    user: String,
    /// The company's id or external id
    #[arg(long, value_parser = values::key)]
    company: String,
    /// The last exempt day, in the company's time zone
    #[arg(long, value_name = "DATE", value_parser = values::date, required_unless_present = "end")]
    until: Option<NaiveDate>,
    /// Why
    #[arg(long, value_parser = values::words, required_unless_present = "end")]
    reason: Option<String>,
    /// End the exemption
    #[arg(long, conflicts_with_all = ["until", "reason"])]
    end: bool,
    #[command(flatten)]
    by: ByArgs,
}

/// What mail an admin gets.
#[derive(Args, Clone, Debug)]
pub struct AdminMailArgs {
    /// The user's id, external id or e-mail address
    #[arg(value_parser = values::key)]
    user: String,
    /// The company's id or external id
    #[arg(long, value_parser = values::key)]
    company: String,
    /// What they get
    #[arg(long, value_parser = choice())]
    want: AdminMailChoice,
    #[command(flatten)]
    by: ByArgs,
}

fn choice() -> impl TypedValueParser<Value = AdminMailChoice> {
    let names = AdminMailChoice::ALL.iter().map(|choice| choice.as_str());
    PossibleValuesParser::new(names).try_map(|name| name.parse::<AdminMailChoice>())
}

/// Runs the command.
///
/// # Errors
/// What the store refuses, and when the results cannot be written.
pub async fn run(context: &Context, command: &UserCommand) -> Result<ExitCode, CliError> {
    match command {
        UserCommand::Show { user } => {
            let dossier = context.store.user_dossier(user).await?;
            context.output.show(&dossier, dossier_text)?;
        }
        UserCommand::Enroll(args) => enroll(context, args).await?,
        UserCommand::Exempt(args) => exempt(context, args).await?,
        UserCommand::AdminMail(args) => admin_mail(context, args).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn enroll(context: &Context, args: &EnrollArgs) -> Result<(), CliError> {
    let (by, now) = (args.by.by.as_str(), context.now());
    let method = match args.method {
        Some(MethodArg::Authenticator) => Some(Method::Authenticator),
        Some(MethodArg::Sms) => Some(Method::Sms),
        None => None,
    };
    let (user, changed) = match method {
        Some(method) => context.store.enroll(&args.user, method, &context.config.policy(), by, now).await?,
        None => context.store.unenroll(&args.user, by, now).await?,
    };
    if changed {
        context.remember_instant().await?;
    } else {
        say("nothing changed: it was so before");
    }
    context.output.show(&user, |user| match (user.mfa_enrolled_at, &user.mfa_method) {
        (Some(since), method) => {
            format!("User {} is enrolled since {}, by {}.", user.id, instant(since), maybe(method.as_ref()))
        }
        (None, _) => format!("User {} is not enrolled.", user.id),
    })
}

async fn exempt(context: &Context, args: &ExemptArgs) -> Result<(), CliError> {
    let (by, now) = (args.by.by.as_str(), context.now());
    let outcome = if let (Some(last_day), Some(reason)) = (args.until, &args.reason) {
        let company = context.store.company(&args.company).await?;
        let zone = parse_zone(&company.time_zone).map_err(|error| {
            CliError::Failed(format!(
                "the company {} has no usable time zone: {error}; correct it with `mfa-enforcer company set {} --time-zone ZONE`",
                company.id, company.id
            ))
        })?;
        let until = start_of_day(add_days(last_day, 1), zone);
        if until <= now {
            return Err(CliError::Failed(format!(
                "--until {last_day} is over in {}: give today or a later day; --end ends an exemption at once",
                zone.name()
            )));
        }
        if until.utc().year() > values::LAST_YEAR {
            return Err(CliError::Failed(format!(
                "--until {last_day} is later than what is kept: give a day before {}-12-31",
                values::LAST_YEAR
            )));
        }
        context.store.exempt(&args.user, &company.id.to_string(), until, reason, by, now).await?
    } else {
        context.store.end_exemption(&args.user, &args.company, by, now).await?
    };
    context.remember_instant().await?;
    if let (Some(_), Some(since)) = (outcome.exempt_until, outcome.mfa_required_at) {
        say(&format!(
            "MFA is required for this user since {}, and stays so: an exemption clears nothing",
            instant(since)
        ));
    }
    context.output.show(&outcome, |outcome| {
        let (user, company) = (outcome.user_id, outcome.company_id);
        match outcome.exempt_until {
            Some(until) => format!("User {user} is exempt at company {company} until {}.", instant(until)),
            None => format!("User {user} is exempt at company {company} no longer."),
        }
    })
}

async fn admin_mail(context: &Context, args: &AdminMailArgs) -> Result<(), CliError> {
    let AdminMailArgs { user, company, want, by } = args;
    context.store.choose_admin_mail(user, company, *want, &by.by, context.now()).await?;
    context.remember_instant().await?;
    let dossier = context.store.user_dossier(user).await?;
    let company_id = context.store.company(company).await?.id;
    let is_admin = |one: &Membership| one.company_id == company_id && one.role == "admin";
    if !dossier.memberships.iter().any(is_admin) {
        say(&format!("{} is no admin of {} now: this holds once they are", cell(user), cell(company)));
    }
    let chosen = json!({ "user": user, "company": company, "admin_mail": want });
    context.output.show(&chosen, |_| match want {
        AdminMailChoice::All => format!("{} gets all mail to admins of {}.", cell(user), cell(company)),
        AdminMailChoice::Decisions => format!("{} gets decisions about {} alone.", cell(user), cell(company)),
        AdminMailChoice::None => format!("{} gets no mail to admins of {}.", cell(user), cell(company)),
    })
}

fn dossier_text(dossier: &UserDossier) -> String {
    let head = match &dossier.user {
        Some(user) => user_text(user),
        None => format!("id  {}\nThe user was deleted; this is what is left of the history.", dossier.user_id),
    };
    let sections = [
        ("Memberships", memberships_text(&dossier.memberships)),
        ("Notices", (!dossier.notices.is_empty()).then(|| notice::user_table(&dossier.notices).trim_fmt())),
        ("Mail as an admin", admin_mails_text(&dossier.admin_mails)),
        ("Required by", requirements_text(&dossier.requirements)),
    ];
    sections.into_iter().fold(head, |text, (title, section)| {
        format!("{text}\n\n{title}\n{}", section.unwrap_or_else(|| "none".to_owned()))
    })
}

fn user_text(user: &User) -> String {
    pairs(&[
        ("id", cell(user.id)),
        ("external_id", maybe(user.external_id.as_ref())),
        ("email", cell(&user.email)),
        ("email_status", cell(&user.email_status)),
        ("name", cell(&user.name)),
        ("locale", maybe(user.locale.as_ref())),
        ("time_zone", maybe(user.time_zone.as_ref())),
        ("country", maybe(user.country.as_ref())),
        ("kind", cell(&user.kind)),
        ("active", yes_no(user.active)),
        ("sso", yes_no(user.sso)),
        ("payee", yes_no(user.payee)),
        ("mfa_enrolled_at", maybe_instant(user.mfa_enrolled_at)),
        ("mfa_method", maybe(user.mfa_method.as_ref())),
        ("mfa_required_at", maybe_instant(user.mfa_required_at)),
    ])
}

fn memberships_text(memberships: &[Membership]) -> Option<String> {
    let header = [
        "company",
        "external id",
        "name",
        "role",
        "admin mail",
        "joined",
        "require at",
        "exempt until",
        "by",
        "reason",
    ];
    let rows = memberships.iter().map(|membership| {
        vec![
            cell(membership.company_id),
            maybe(membership.company_external_id.as_ref()),
            cell(&membership.company_name),
            cell(&membership.role),
            if membership.role == "admin" { cell(membership.admin_mail) } else { "-".to_owned() },
            maybe_instant(membership.joined_at),
            maybe_instant(membership.require_at),
            maybe_instant(membership.exempt_until),
            maybe(membership.exempt_by.as_ref()),
            maybe(membership.exempt_reason.as_ref()),
        ]
    });
    (!memberships.is_empty()).then(|| table(&header, rows).trim_fmt())
}

fn admin_mails_text(mails: &[AdminMailRecord]) -> Option<String> {
    let header = ["id", "due", "kind", "state", "why", "company", "sent", "to", "server reply"];
    let rows = mails.iter().map(|mail| {
        vec![
            cell(mail.id),
            instant(mail.due_at),
            cell(mail.kind),
            cell(mail.state),
            maybe(mail.skip_reason),
            cell(mail.company_id),
            maybe_instant(mail.sent_at),
            maybe(mail.address.as_ref()),
            maybe(mail.server_reply.as_ref()),
        ]
    });
    (!mails.is_empty()).then(|| table(&header, rows).trim_fmt())
}

fn requirements_text(requirements: &[RequirementRecord]) -> Option<String> {
    let header = ["since", "cleared", "enforcement", "date", "state", "company"];
    let rows = requirements.iter().map(|requirement| {
        vec![
            instant(requirement.required_at),
            maybe_instant(requirement.cleared_at),
            cell(requirement.enforcement_id),
            maybe(requirement.enforcement_date),
            maybe(requirement.enforcement_state),
            requirement.company_id.map_or_else(|| "(payee mandate)".to_owned(), cell),
        ]
    });
    (!requirements.is_empty()).then(|| table(&header, rows).trim_fmt())
}
