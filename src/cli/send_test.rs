//! `mfa-enforcer notice send-test`: one made-up notice, really sent.

use clap::Args;
use serde_json::json;

use super::context::load_config;
use super::preview::known_language;
use super::{CliError, GlobalArgs, Output, notice, values};
use crate::clock::{Clock, Randomness};
use crate::config::Purpose;
use crate::domain::notice::NoticeKind;
use crate::mail::return_path::ReturnPath;
use crate::mail::transport::Transport;
use crate::mail::{Mailer, sample};

/// Where to, and what.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  mfa-enforcer notice send-test --to jo@example.org
  mfa-enforcer notice send-test --to jo@example.org --language de

It goes by the way of all mail (smtp.url), signed as all mail, to made-up people's words: so one sees whether it arrives, in
which folder, and how it looks there. It needs no database and leaves no trace in one.")]
pub struct SendTestArgs {
    /// The address to send it to
    #[arg(long, value_name = "ADDR", value_parser = values::key)]
    to: String,
    /// This kind
    #[arg(long, value_parser = notice::kind(), default_value = "announcement")]
    kind: NoticeKind,
    /// In this language [default: English]
    #[arg(long, value_name = "TAG")]
    language: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// When the settings or templates are wrong, and when the mail server does not take the mail.
pub async fn run(
    global: &GlobalArgs,
    variables: impl Iterator<Item = (String, String)>,
    args: &SendTestArgs,
) -> Result<(), CliError> {
    let config = load_config(global, variables)?;
    if let Some(problem) = config.problems(Purpose::Run).first() {
        return Err(CliError::Failed(problem.to_string()));
    }
    let transport = Transport::from_settings(&config.smtp).map_err(CliError::Failed)?;
    let redirect = config.smtp.redirect().map_err(CliError::Failed)?;
    let mailer = Mailer::new(&config.notices, transport).map_err(|error| CliError::Failed(error.to_string()))?;
    let return_path = ReturnPath::from_settings(&config.bounces).map_err(CliError::Failed)?;
    let mailer = mailer.redirected(redirect).with_return_path(return_path);
    let now = Clock::System.now();
    let mut message = sample::of_kind_now(args.kind, now);
    message.mail_id = Randomness::from_system().id(now);
    message.reader.address.clone_from(&args.to);
    if let Some(tag) = &args.language {
        message.reader.locales = vec![known_language(tag, &mailer.templates().languages())?.to_owned()];
    }
    let mail = mailer.prepare(&message).map_err(|error| CliError::Failed(error.to_string()))?;
    let reply = mailer.send(&mail).await.map_err(|error| CliError::Failed(format!("not sent: {error}")))?;
    let to: Vec<String> = mail.envelope.to().iter().map(ToString::to_string).collect();
    let shown = json!({ "to": to, "message_id": mail.message_id, "reply": reply });
    Output::new(global.json).show(&shown, |_| {
        format!("Sent {} to {}: {reply}\nIts Message-ID is {}.", args.kind, to.join(", "), mail.message_id)
    })
}
