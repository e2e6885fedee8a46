//! `mfa-enforcer notice`: what was sent to whom, what was not and why.

use std::process::ExitCode;

use clap::builder::PossibleValuesParser;
use clap::builder::TypedValueParser as _;
use clap::{Args, Subcommand};
use comfy_table::Table;

use super::output::{cell, instant, maybe, maybe_instant, pairs, table};
use super::preview::{self, PreviewArgs};
use super::retry::{self, RetryArgs};
use super::send_test::{self, SendTestArgs};
use super::{CliError, Context, GlobalArgs, PAGE, values};
use crate::domain::ids::Id;
use crate::domain::notice::{NoticeKind, NoticeState};
use crate::store::notice_history::{NoticeDetail, NoticeFilter, NoticeRecord};

/// What was sent to whom, what was not and why.
#[derive(Clone, Debug, Subcommand)]
pub enum NoticeCommand {
    /// List notices, in about the order in which they were made
    #[command(after_help = "\
Examples:
  mfa-enforcer notice list
  mfa-enforcer notice list --company acme --state sent --json
  mfa-enforcer notice list --user jo@example.org --kind reminder --limit 20")]
    List(ListArgs),
    /// Show one notice, the mail that carried it, and all that was said about that
    #[command(after_help = "\
Examples:
  mfa-enforcer notice show 01980000-0000-7000-8000-000000000001")]
    Show {
        /// The notice's id
        #[arg(value_parser = values::id)]
        notice: Id,
    },
    /// Try again what could not be sent
    Retry(RetryArgs),
    /// Show what notices look like, or would to one user, without sending any
    Preview(PreviewArgs),
    /// Really send one made-up notice, to see whether and how it arrives
    SendTest(SendTestArgs),
}

/// Which notices; everything that is given must hold.
#[derive(Args, Clone, Debug)]
pub struct ListArgs {
    /// About this company's enforcements: its id or external id
    #[arg(long, value_parser = values::key)]
    company: Option<String>,
    /// To this user: the id, external id or e-mail address; also the id of a user who was deleted
    #[arg(long, value_parser = values::key)]
    user: Option<String>,
    /// Of this kind
    #[arg(long, value_parser = kind())]
    kind: Option<NoticeKind>,
    /// In this state
    #[arg(long, value_parser = state())]
    state: Option<NoticeState>,
    /// At most so many [default: all]
    #[arg(long, value_name = "COUNT", value_parser = values::count)]
    limit: Option<u32>,
}

pub(super) fn kind() -> impl clap::builder::TypedValueParser<Value = NoticeKind> {
    let names = NoticeKind::ALL.iter().map(|kind| kind.as_str());
    PossibleValuesParser::new(names).try_map(|name| name.parse::<NoticeKind>())
}

fn state() -> impl clap::builder::TypedValueParser<Value = NoticeState> {
    let names = NoticeState::ALL.iter().map(|state| state.as_str());
    PossibleValuesParser::new(names).try_map(|name| name.parse::<NoticeState>())
}

/// Runs the command.
///
/// # Errors
/// What the store refuses, and when the results cannot be written.
pub async fn run(
    global: &GlobalArgs,
    variables: impl Iterator<Item = (String, String)>,
    command: &NoticeCommand,
) -> Result<ExitCode, CliError> {
    match command {
        NoticeCommand::List(args) => list(&Context::open(global, variables).await?, args).await?,
        NoticeCommand::Show { notice } => {
            let context = Context::open(global, variables).await?;
            let detail = context.store.notice(*notice).await?;
            context.output.show(&detail, detail_text)?;
        }
        NoticeCommand::Retry(args) => retry::run(&Context::open(global, variables).await?, args).await?,
        NoticeCommand::Preview(args) => preview::run(global, variables, args).await?,
        NoticeCommand::SendTest(args) => send_test::run(global, variables, args).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(context: &Context, args: &ListArgs) -> Result<(), CliError> {
    let filter = NoticeFilter {
        company_id: match &args.company {
            Some(key) => Some(context.store.company(key).await?.id),
            None => None,
        },
        user_id: match &args.user {
            Some(key) => Some(context.store.user_dossier(key).await?.user_id),
            None => None,
        },
        kind: args.kind,
        state: args.state,
    };
    let mut writer = context.output.list(notices_table);
    let mut after = None;
    let mut left = args.limit.map_or(i64::MAX, i64::from);
    while left > 0 {
        let page = context.store.notices_page(&filter, after, left.min(PAGE)).await?;
        writer.page(&page)?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        left -= i64::try_from(page.len()).unwrap_or(left);
    }
    writer.finish("No such notices.")
}

fn notices_table(rows: &[NoticeRecord]) -> Table {
    let header = ["id", "due", "kind", "state", "why", "user", "e-mail", "company", "sent", "server reply"];
    table(
        &header,
        rows.iter().map(|notice| {
            vec![
                cell(notice.id),
                instant(notice.due_at),
                cell(notice.kind),
                cell(notice.state),
                maybe(notice.skip_reason),
                cell(notice.user_id),
                maybe(notice.email.as_ref()),
                maybe(notice.company_id),
                maybe_instant(notice.sent_at),
                maybe(notice.server_reply.as_ref()),
            ]
        }),
    )
}

/// The notices of one user.
pub(super) fn user_table(rows: &[NoticeRecord]) -> Table {
    let header = ["id", "due", "kind", "state", "why", "enforcement", "sent", "to", "server reply"];
    table(
        &header,
        rows.iter().map(|notice| {
            vec![
                cell(notice.id),
                instant(notice.due_at),
                cell(notice.kind),
                cell(notice.state),
                maybe(notice.skip_reason),
                cell(notice.enforcement_id),
                maybe_instant(notice.sent_at),
                maybe(notice.mail_id.and(notice.email.as_ref())),
                maybe(notice.server_reply.as_ref()),
            ]
        }),
    )
}

fn detail_text(detail: &NoticeDetail) -> String {
    let record = &detail.record;
    let mut lines = vec![
        ("id", cell(record.id)),
        ("kind", cell(record.kind)),
        ("state", cell(record.state)),
        ("skip_reason", maybe(record.skip_reason)),
        ("due_at", instant(record.due_at)),
        ("user_id", cell(record.user_id)),
        ("email", maybe(record.email.as_ref())),
        ("company_id", record.company_id.map_or_else(|| "- (payee mandate)".to_owned(), cell)),
        ("enforcement_id", cell(record.enforcement_id)),
        ("enforcement_date", maybe(detail.enforcement_date)),
        ("milestone_id", cell(detail.milestone_id)),
        ("attempts", cell(detail.attempts)),
        ("next_attempt_at", instant(detail.next_attempt_at)),
        ("mail_id", maybe(record.mail_id)),
        ("sent_at", maybe_instant(record.sent_at)),
        ("server_reply", maybe(record.server_reply.as_ref())),
    ];
    if let Some(mail) = &detail.mail {
        lines.extend([
            ("mail state", cell(&mail.state)),
            ("address", cell(&mail.address)),
            ("locale", cell(&mail.locale)),
            ("message_id", cell(&mail.message_id)),
            ("attempted_at", instant(mail.attempted_at)),
            ("content_sha256", maybe(mail.content_sha256.as_ref())),
            ("bounced_at", maybe_instant(mail.bounced_at)),
        ]);
    }
    let mut text = pairs(&lines);
    if !detail.history.is_empty() {
        let header = ["at", "attempt", "outcome", "what was said"];
        let rows = detail
            .history
            .iter()
            .map(|said| vec![instant(said.at), maybe(said.attempt), cell(&said.outcome), cell(&said.reply)]);
        text = format!("{text}\n\n{}", table(&header, rows));
    }
    text
}
