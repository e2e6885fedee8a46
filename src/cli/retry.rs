//! `mfa-enforcer notice retry`: what could not be sent is due again.

use clap::Args;

use super::outlook::counted;
use super::output::say;
use super::{ByArgs, CliError, Context, values};
use crate::domain::ids::Id;
use crate::store::notice_retry::{Retried, Retry};

/// Which notices.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  mfa-enforcer notice retry --company acme
  mfa-enforcer notice retry --user jo@example.org --anyway
  mfa-enforcer notice retry 01980000-0000-7000-8000-000000000003

Each notice is judged as at its first time: who has enrolled meanwhile, or whose date
has moved, is not written to. The mail keeps its Message-ID. An address that is
corrected in users.email needs no command.")]
pub struct RetryArgs {
    /// One notice that failed or was put off, by its id
    #[arg(value_parser = values::id, required_unless_present_any = ["company", "user"], conflicts_with_all = ["company", "user"])]
    notice: Option<Id>,
    /// All that failed of this company: its id or external id
    #[arg(long, value_parser = values::key)]
    company: Option<String>,
    /// All that failed to this user: the id, external id or e-mail address
    #[arg(long, value_parser = values::key)]
    user: Option<String>,
    /// Also to addresses from which mail came back: they are good again
    #[arg(long)]
    anyway: bool,
    #[command(flatten)]
    by: ByArgs,
}

/// Runs the command.
///
/// # Errors
/// What the store refuses, and when the results cannot be written.
pub async fn run(context: &Context, args: &RetryArgs) -> Result<(), CliError> {
    let which = match args.notice {
        Some(id) => Retry::One(id),
        None => Retry::Failed {
            company_id: match &args.company {
                Some(key) => Some(context.store.company(key).await?.id),
                None => None,
            },
            user_id: match &args.user {
                Some(key) => Some(context.store.user(key).await?.id),
                None => None,
            },
        },
    };
    let retried = context.store.retry_notices(which, args.anyway, &args.by.by, context.now()).await?;
    context.output.show(&retried, |retried: &Retried| {
        let parts =
            [(retried.notices, "notice"), (retried.admin_mails, "mail to admins"), (retried.addresses, "address")];
        let parts: Vec<_> = parts.into_iter().filter(|(count, _)| *count > 0).collect();
        match parts.as_slice() {
            [] => "Nothing is tried again.".to_owned(),
            [(count, _)] if *count == 1 => format!("{} is tried again, and judged anew.", named(&parts)),
            _ => format!("{} are tried again, and judged anew.", named(&parts)),
        }
    })?;
    if !retried.bounced.is_empty() {
        let users: Vec<_> = retried.bounced.iter().take(5).map(ToString::to_string).collect();
        let more = if retried.bounced.len() > users.len() { ", …" } else { "" };
        say(&format!(
            "left alone: mail to {} came back ({}{more}); correct the address in users.email, or add --anyway if it is good again",
            counted(retried.bounced.len(), "user"),
            users.join(", ")
        ));
    }
    Ok(())
}

/// `1 notice and 2 addresses`.
fn named(parts: &[(u64, &str)]) -> String {
    let one = |(count, what): &(u64, &str)| match *what {
        "address" if *count != 1 => format!("{count} addresses"),
        "address" => "1 address".to_owned(),
        what => match what.split_once(' ') {
            Some((noun, rest)) => format!("{} {rest}", counted(*count, noun)),
            None => counted(*count, what),
        },
    };
    parts.iter().map(one).collect::<Vec<_>>().join(" and ")
}
