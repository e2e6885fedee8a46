//! What is said over a line to hand mails over (RFC 5321, 3.3), in as few round trips as the server allows (RFC 2920): where it
//! takes several commands at once, a mail and the announcement of the one that follows it go out in one piece, so that each
//! mail costs one write and one answer.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Ehlo, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::{Response, Severity};

use super::compose::Composed;
use super::line_limit::OpenLine;
use super::smtp_replies::Step;
use crate::domain::ids::Id;

/// A line to a server that has been greeted.
pub(super) struct Speaker {
    pub(super) connection: AsyncSmtpConnection,
    /// Whether the server takes several commands at once (RFC 2920).
    pipelining: bool,
    /// The mail that was announced behind the last one, with the steps whose answers are yet to be read.
    announced: Option<(Id, Vec<Step>)>,
    _open: OpenLine,
}

/// Where a dialogue stopped.
pub(super) enum Stop {
    /// The server has not said that it takes such an address, so that it was not asked to.
    NeedsSmtpUtf8,
    /// The server refused, and waits for the next mail.
    Refused(Step, SmtpError),
    /// The line broke, or the server refused and is not where it should be: nothing more is to be said on this line.
    Broken(Step, SmtpError),
    /// The server agreed to something else than what it was asked.
    OutOfStep(Step, Response),
}

impl Speaker {
    /// Asks the server once more what it can do: lettre keeps nothing of pipelining. (It may be asked at any time: RFC 5321,
    /// 4.1.4.)
    pub(super) async fn new(
        mut connection: AsyncSmtpConnection,
        hello: &ClientId,
        open: OpenLine,
    ) -> Result<Self, SmtpError> {
        let pipelining = match connection.command(Ehlo::new(hello.clone())).await {
            Ok(answer) => answer.message().any(|line| line.trim().eq_ignore_ascii_case("PIPELINING")),
            Err(error) if error.status().is_some() => false,
            Err(error) => return Err(error),
        };
        Ok(Self { connection, pipelining, announced: None, _open: open })
    }

    /// The mail that it has announced already, and that alone may be said next.
    pub(super) fn announced(&self) -> Option<Id> {
        self.announced.as_ref().map(|(mail, _)| *mail)
    }

    /// Says one mail, and announces the one that follows it where the server allows. `handed_over` is set before the mail
    /// itself goes out: from then on the server may have it.
    pub(super) async fn say(
        &mut self,
        mail: &Composed,
        following: Option<&Composed>,
        handed_over: &AtomicBool,
    ) -> Result<Response, Stop> {
        match self.announced.take() {
            Some((_, steps)) => self.agreement(&steps, Vec::with_capacity(steps.len())).await?,
            None => self.announce(mail).await?,
        }
        let mut content = Content { mail: &mail.bytes, commands: String::new() };
        let following = following.filter(|_| self.pipelining);
        // One that is not to be announced here is found out when its turn comes.
        if let Some((id, commands)) = following.and_then(|mail| Some((mail.mail_id, self.commands(mail).ok()?))) {
            content.commands = together(&commands);
            self.announced = Some((id, commands.iter().map(|(step, _)| *step).collect()));
        }
        handed_over.store(true, Ordering::Relaxed);
        let answer = self.connection.command(content).await;
        let answer = answer.map_err(|error| stop(Step::Content, error))?;
        if answer.code().severity == Severity::PositiveCompletion {
            Ok(answer)
        } else {
            Err(Stop::OutOfStep(Step::Content, answer))
        }
    }

    /// What is said before the mail itself, each command with its step.
    fn commands(&self, mail: &Composed) -> Result<Vec<(Step, String)>, Stop> {
        let mut options = Vec::new();
        let addresses = mail.envelope.from().into_iter().chain(mail.envelope.to());
        if addresses.map(AsRef::<str>::as_ref).any(|address| !address.is_ascii()) {
            if !self.connection.server_info().supports_feature(Extension::SmtpUtfEight) {
                return Err(Stop::NeedsSmtpUtf8);
            }
            // Whoever takes such addresses takes eight bits as well (RFC 6531, 3.1).
            options = vec![MailParameter::SmtpUtfEight, MailParameter::Body(MailBodyParameter::EightBitMime)];
        }
        let sender = Mail::new(mail.envelope.from().cloned(), options).to_string();
        let recipients =
            mail.envelope.to().iter().map(|to| (Step::Recipient, Rcpt::new(to.clone(), vec![]).to_string()));
        Ok([(Step::Sender, sender)].into_iter().chain(recipients).chain([(Step::Announce, Data.to_string())]).collect())
    }

    async fn announce(&mut self, mail: &Composed) -> Result<(), Stop> {
        let commands = self.commands(mail)?;
        if self.pipelining {
            let steps: Vec<Step> = commands.iter().map(|(step, _)| *step).collect();
            let first = self.connection.command(together(&commands)).await;
            return self.agreement(&steps, vec![first]).await;
        }
        for (step, command) in commands {
            let answer = self.connection.command(command).await.map_err(|error| stop(step, error))?;
            agreed(step, answer)?;
        }
        Ok(())
    }

    /// Reads the answers to commands that went out in one piece, behind those that are there already. Each has one, also behind
    /// one that was refused.
    async fn agreement(&mut self, steps: &[Step], mut answers: Vec<Result<Response, SmtpError>>) -> Result<(), Stop> {
        while answers.len() < steps.len() && !answers.iter().any(is_broken) {
            answers.push(self.connection.read_response().await);
        }
        // Where it agreed to DATA all the same, it waits for a mail that nobody is to get.
        let usable = !answers.iter().any(is_broken) && !answers.last().is_some_and(Result::is_ok);
        for (step, answer) in steps.iter().zip(answers) {
            match answer {
                Ok(answer) => agreed(*step, answer)?,
                Err(error) if usable => return Err(Stop::Refused(*step, error)),
                Err(error) => return Err(Stop::Broken(*step, error)),
            }
        }
        Ok(())
    }
}

fn together(commands: &[(Step, String)]) -> String {
    commands.iter().map(|(_, command)| command.as_str()).collect()
}

/// Whether this is no answer: then nothing that comes after it is any.
fn is_broken(answer: &Result<Response, SmtpError>) -> bool {
    answer.as_ref().is_err_and(|error| error.status().is_none())
}

fn stop(step: Step, error: SmtpError) -> Stop {
    if error.status().is_some() { Stop::Refused(step, error) } else { Stop::Broken(step, error) }
}

/// Whether the server agreed to what it was asked: to DATA with nothing but 354.
fn agreed(step: Step, answer: Response) -> Result<(), Stop> {
    if step == Step::Announce && !answer.has_code(354) { Err(Stop::OutOfStep(step, answer)) } else { Ok(()) }
}

/// A mail and the dot that ends it, in one piece: written in two, the second waits for the receiver's delayed
/// acknowledgement of the first. And the commands that go out with it: "The actual transfer of message content is explicitly
/// allowed to be the first 'command' in a group" (RFC 2920, 3.1).
struct Content<'a> {
    mail: &'a [u8],
    commands: String,
}

impl fmt::Display for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = std::str::from_utf8(self.mail).map_err(|_| fmt::Error)?;
        // RFC 5321, 4.5.2: a line that begins with a dot gets another.
        let mut parts = text.split("\r\n.");
        f.write_str(if text.starts_with('.') { "." } else { "" })?;
        f.write_str(parts.next().unwrap_or_default())?;
        for part in parts {
            f.write_str("\r\n..")?;
            f.write_str(part)?;
        }
        f.write_str(if text.ends_with("\r\n") { ".\r\n" } else { "\r\n.\r\n" })?;
        f.write_str(&self.commands)
    }
}
