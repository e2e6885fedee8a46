//! `mfa-enforcer company`: looking at companies, adding one, setting its columns.

use std::process::ExitCode;

use chrono_tz::Tz;
use clap::{Args, Subcommand};
use comfy_table::Table;

use super::output::{cell, maybe, pairs, say, table, yes_no};
use super::{ByArgs, CliError, Context, PAGE, values};
use crate::domain::values::{Locale, parse_zone};
use crate::store::companies::{Company, CompanyChange, CompanyOverview, ListedCompany};
use crate::store::edit::Edit;

/// Look at companies, add one, or set its columns.
#[derive(Clone, Debug, Subcommand)]
pub enum CompanyCommand {
    /// List all companies
    #[command(after_help = "\
Examples:
  mfa-enforcer company list
  mfa-enforcer company list --json")]
    List,
    /// Show one company, and how far its people are
    #[command(after_help = "\
Examples:
  mfa-enforcer company show acme
  mfa-enforcer company show acme --json")]
    Show {
        /// The company's id or external id
        #[arg(value_parser = values::key)]
        company: String,
    },
    /// Add a company
    #[command(after_help = "\
Examples:
  mfa-enforcer company add --name 'Initech, Inc.' --time-zone America/Chicago
  mfa-enforcer company add --name Hooli --time-zone UTC --external-id hooli")]
    Add(AddArgs),
    /// Set columns of a company; its date is set by `mfa-enforcer enforcement set`
    #[command(after_help = "\
Examples:
  mfa-enforcer company set acme --time-zone Europe/Paris --by 'Jo Diaz'
  mfa-enforcer company set acme --notice-days 30,7,1 --support-contact 'IT desk'
  mfa-enforcer company set acme --notice-days ''

An empty text takes a value away where the table allows none: the setting's default holds again.")]
    Set(SetArgs),
}

/// A new company.
#[derive(Args, Clone, Debug)]
pub struct AddArgs {
    /// Its name, as its people know it
    #[arg(long, value_parser = values::words)]
    name: String,
    /// Its time zone by its IANA name, such as Europe/Berlin
    #[arg(long, value_name = "ZONE", value_parser = parse_zone)]
    time_zone: Tz,
    #[command(flatten)]
    columns: ColumnArgs,
    #[command(flatten)]
    by: ByArgs,
}

/// What to set of a company.
#[derive(Args, Clone, Debug)]
pub struct SetArgs {
    /// The company's id or external id
    #[arg(value_parser = values::key)]
    company: String,
    /// Its name, as its people know it
    #[arg(long, value_parser = values::words)]
    name: Option<String>,
    /// Its time zone by its IANA name, such as Europe/Berlin; a date that stands is planned anew
    #[arg(long, value_name = "ZONE", value_parser = parse_zone)]
    time_zone: Option<Tz>,
    #[command(flatten)]
    columns: ColumnArgs,
    #[command(flatten)]
    by: ByArgs,
}

/// The columns that have a default.
#[derive(Args, Clone, Debug)]
struct ColumnArgs {
    /// The key by which your own application knows it
    #[arg(long, value_name = "KEY", value_parser = values::clearable(values::words))]
    external_id: Option<Edit<String>>,
    /// The language of its people, such as en or pt-BR
    #[arg(long, value_name = "TAG")]
    locale: Option<Locale>,
    /// Whether MFA has been rolled out to it
    #[arg(long, value_name = "true|false", action = clap::ArgAction::Set)]
    mfa_available: Option<bool>,
    /// How many days before the date reminders are due, such as 30,14,7,3,1
    #[arg(long, value_name = "DAYS", value_parser = values::clearable(values::notice_days))]
    notice_days: Option<Edit<Vec<u16>>>,
    /// How many days late joiners get, 0 to 365
    #[arg(long, value_name = "DAYS", value_parser = values::clearable(values::grace_days), allow_negative_numbers = true)]
    new_member_grace_days: Option<Edit<u16>>,
    /// Whom its people may ask
    #[arg(long, value_name = "WHOM", value_parser = values::clearable(values::words))]
    support_contact: Option<Edit<String>>,
}

impl ColumnArgs {
    fn change(self, name: Option<String>, time_zone: Option<Tz>) -> CompanyChange {
        CompanyChange {
            name,
            time_zone,
            locale: self.locale,
            mfa_available: self.mfa_available,
            notice_days: self.notice_days.unwrap_or_default(),
            new_member_grace_days: self.new_member_grace_days.unwrap_or_default(),
            support_contact: self.support_contact.unwrap_or_default(),
            external_id: self.external_id.unwrap_or_default(),
        }
    }
}

/// Runs the command.
///
/// # Errors
/// What the store refuses, and when the results cannot be written.
pub async fn run(context: &Context, command: &CompanyCommand) -> Result<ExitCode, CliError> {
    match command {
        CompanyCommand::List => list(context).await?,
        CompanyCommand::Show { company } => {
            let overview = context.store.company_overview(company, context.now()).await?;
            context.output.show(&overview, overview_text)?;
        }
        CompanyCommand::Add(args) => add(context, args.clone()).await?,
        CompanyCommand::Set(args) => set(context, args.clone()).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(context: &Context) -> Result<(), CliError> {
    let mut writer = context.output.list(companies_table);
    let mut after = None;
    loop {
        let page = context.store.companies_page(after, PAGE).await?;
        writer.page(&page)?;
        match page.last() {
            Some(last) => after = Some(last.company.id),
            None => break,
        }
    }
    writer.finish("No companies yet: `mfa-enforcer company add` or `mfa-enforcer import companies` adds some.")
}

async fn add(context: &Context, args: AddArgs) -> Result<(), CliError> {
    let new = args.columns.change(Some(args.name), Some(args.time_zone));
    let company = context.store.add_company(new, &args.by.by, context.now()).await?;
    context.remember_instant().await?;
    context.output.show(&company, |company| format!("Added company {} ({}).", cell(&company.name), company.id))
}

async fn set(context: &Context, args: SetArgs) -> Result<(), CliError> {
    let change = args.columns.change(args.name, args.time_zone);
    if change == CompanyChange::default() {
        return Err(CliError::Usage(format!(
            "nothing to set for '{}': give at least one column, such as --time-zone Europe/Berlin",
            args.company
        )));
    }
    let (company, columns) = context.store.set_company(&args.company, change, &args.by.by, context.now()).await?;
    if columns.is_empty() {
        say("nothing changed: the company has these values already");
    } else {
        context.remember_instant().await?;
    }
    context.output.show(&company, |company| company_text(company, vec![]))
}

fn companies_table(rows: &[ListedCompany]) -> Table {
    let header = ["id", "external id", "name", "time zone", "mfa available", "date", "state"];
    table(
        &header,
        rows.iter().map(|ListedCompany { company, enforcement_state }| {
            vec![
                cell(company.id),
                maybe(company.external_id.as_ref()),
                cell(&company.name),
                cell(&company.time_zone),
                yes_no(company.mfa_available),
                maybe(company.enforcement_date),
                maybe(*enforcement_state),
            ]
        }),
    )
}

fn overview_text(overview: &CompanyOverview) -> String {
    let counts = vec![
        ("state", maybe(overview.listed.enforcement_state)),
        ("members", format!("{}, {} of them admins", overview.members, overview.admins)),
        ("enrolled", format!("{}; active persons who are not: {}", overview.enrolled, overview.not_enrolled)),
        ("exempt", overview.exempt.to_string()),
        ("required", overview.required.to_string()),
    ];
    company_text(&overview.listed.company, counts)
}

fn company_text(company: &Company, more: Vec<(&str, String)>) -> String {
    let setting = |value: Option<String>, name: &str| value.unwrap_or_else(|| format!("- (as {name})"));
    let mut lines = vec![
        ("id", cell(company.id)),
        ("external_id", maybe(company.external_id.as_ref())),
        ("name", cell(&company.name)),
        ("time_zone", cell(&company.time_zone)),
        ("locale", cell(&company.locale)),
        ("mfa_available", yes_no(company.mfa_available)),
        ("enforcement_date", maybe(company.enforcement_date)),
        ("enforcement_set_by", maybe(company.enforcement_set_by.as_ref())),
        ("notice_days", setting(company.notice_days.as_ref().map(cell), "notices.days_before")),
        (
            "new_member_grace_days",
            setting(company.new_member_grace_days.map(cell), "enforcement.new_member_grace_days"),
        ),
        ("support_contact", maybe(company.support_contact.as_ref())),
    ];
    lines.extend(more);
    pairs(&lines)
}
