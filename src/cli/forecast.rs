//! `mfa-enforcer forecast`: every mail and flip to come for a company, by day. Nothing is changed.

use std::process::ExitCode;

use chrono::NaiveDate;
use clap::Args;
use serde::Serialize;

use super::outlook::{count, local, people, required_line, summary, zone_of};
use super::output::{cell, instant, table};
use super::{CliError, Context, values};
use crate::store::forecast::{Outlook, Proposal};
use crate::store::unreachable::Unreachable;

/// Every mail and flip to come for a company, by day; nothing is changed.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  mfa-enforcer forecast acme
  mfa-enforcer forecast acme --date 2027-01-15
  mfa-enforcer forecast acme --date 2027-01-15 --json

Days are those of each reader's own time zone. What people do in between (enroll, join, leave) is not foreseen.")]
pub struct ForecastArgs {
    /// The company's id or external id
    #[arg(value_parser = values::key)]
    company: String,
    /// What if this was set as the company's date now
    #[arg(long, value_parser = values::date)]
    date: Option<NaiveDate>,
}

/// What is foreseen, and whom mail does not reach.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    outlook: Outlook,
    never_reached: Vec<Unreachable>,
}

/// Runs the command.
///
/// # Errors
/// What the store refuses, and when the results cannot be written.
pub async fn run(context: &Context, args: &ForecastArgs) -> Result<ExitCode, CliError> {
    let proposal = args.date.map_or(Proposal::Nothing, Proposal::Date);
    let policy = context.config.policy();
    let outlook = context.store.forecast(&args.company, proposal, context.now(), &policy).await?;
    let never_reached = context.store.unreachable(Some(outlook.company.id), &policy).await?;
    context.output.show(&Shown { outlook, never_reached }, |shown| {
        let unreached = shown.never_reached.iter().map(|one| {
            let people = people(one.people.unsigned_abs());
            format!("not reached by mail about {}: {people}", one.enforcement_date)
        });
        [forecast_text(&shown.outlook)].into_iter().chain(unreached).collect::<Vec<_>>().join("\n\n")
    })?;
    Ok(ExitCode::SUCCESS)
}

fn forecast_text(outlook: &Outlook) -> String {
    let mut parts = vec![summary(outlook)];
    if let Some(objection) = &outlook.objection {
        parts.insert(0, format!("This date would be refused: {objection}.\nIf it was allowed all the same:"));
    }
    let forecast = &outlook.forecast;
    if !forecast.mails.is_empty() {
        let rows = forecast.mails.iter().map(|mail| {
            vec![
                mail.day.format("%a %Y-%m-%d").to_string(),
                cell(mail.kind),
                count(mail.people),
                instant(mail.from),
                instant(mail.until),
            ]
        });
        parts.push(table(&["reader's day", "mail", "people", "from", "until"], rows).trim_fmt());
    }
    let zone = zone_of(&outlook.company);
    if !forecast.required.is_empty() {
        let rows = forecast.required.iter().map(|row| {
            let what = if row.is_flip { "the company's day" } else { "a personal date" };
            format!("{}: MFA required for {} ({what})", instant(row.at), required_line(row, zone))
        });
        parts.push(rows.collect::<Vec<_>>().join("\n"));
    }
    if !forecast.exempt.is_empty() {
        let rows = forecast.exempt.iter().map(|row| {
            let then = match row.required_at {
                _ if row.required_already => "required already, and stays so".to_owned(),
                Some(at) => format!("then required from {}", local(at, zone)),
                None => "not required afterwards, as far as is known now".to_owned(),
            };
            format!("{} exempt until {}: {then}", people(row.people), local(row.until, zone))
        });
        parts.push(rows.collect::<Vec<_>>().join("\n"));
    }
    parts.join("\n\n")
}
