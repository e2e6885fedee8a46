//! What is said over a line to hand one mail over (RFC 5321, 3.3), in as few round trips as the server allows (RFC 2920).

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Ehlo, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::{Response, Severity};

use super::compose::Composed;
use super::smtp_replies::Step;

/// A line to a server that has been greeted.
pub(super) struct Speaker {
    pub(super) connection: AsyncSmtpConnection,
    /// Whether the server takes several commands at once (RFC 2920).
    pipelining: bool,
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
    pub(super) async fn new(mut connection: AsyncSmtpConnection, hello: &ClientId) -> Result<Self, SmtpError> {
        let pipelining = match connection.command(Ehlo::new(hello.clone())).await {
            Ok(answer) => answer.message().any(|line| line.trim().eq_ignore_ascii_case("PIPELINING")),
            Err(error) if error.status().is_some() => false,
            Err(error) => return Err(error),
        };
        Ok(Self { connection, pipelining })
    }

    /// Says one mail. `handed_over` is set before the mail itself goes out: from then on the server may have it.
    pub(super) async fn say(&mut self, mail: &Composed, handed_over: &AtomicBool) -> Result<Response, Stop> {
        let commands = self.commands(mail)?;
        if self.pipelining {
            self.announce_at_once(&commands).await?;
        } else {
            self.announce(&commands).await?;
        }
        handed_over.store(true, Ordering::Relaxed);
        let answer = self.connection.command(Content(&mail.bytes)).await;
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

    async fn announce(&mut self, commands: &[(Step, String)]) -> Result<(), Stop> {
        for (step, command) in commands {
            let answer = self.connection.command(command).await.map_err(|error| stop(*step, error))?;
            agreed(*step, answer)?;
        }
        Ok(())
    }

    /// All commands in one piece. Each has its answer, also behind one that was refused.
    async fn announce_at_once(&mut self, commands: &[(Step, String)]) -> Result<(), Stop> {
        let together: String = commands.iter().map(|(_, command)| command.as_str()).collect();
        let mut answers = vec![self.connection.command(together).await];
        while answers.len() < commands.len() && !answers.iter().any(is_broken) {
            answers.push(self.connection.read_response().await);
        }
        // Where it agreed to DATA all the same, it waits for a mail that nobody is to get.
        let usable = !answers.iter().any(is_broken) && !answers.last().is_some_and(Result::is_ok);
        for ((step, _), answer) in commands.iter().zip(answers) {
            match answer {
                Ok(answer) => agreed(*step, answer)?,
                Err(error) if usable => return Err(Stop::Refused(*step, error)),
                Err(error) => return Err(Stop::Broken(*step, error)),
            }
        }
        Ok(())
    }
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
/// acknowledgement of the first.
struct Content<'a>(&'a [u8]);

impl fmt::Display for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = std::str::from_utf8(self.0).map_err(|_| fmt::Error)?;
        // RFC 5321, 4.5.2: a line that begins with a dot gets another.
        let mut parts = text.split("\r\n.");
        f.write_str(if text.starts_with('.') { "." } else { "" })?;
        f.write_str(parts.next().unwrap_or_default())?;
        for part in parts {
            f.write_str("\r\n..")?;
            f.write_str(part)?;
        }
        f.write_str(if text.ends_with("\r\n") { ".\r\n" } else { "\r\n.\r\n" })
    }
}
