//! What is answered to each command (RFC 2033, RFC 5321), and to a mail: for each of its recipients what became of it.

use std::borrow::Cow;

use smtp_proto::Request;

use crate::domain::bounce::{Bounce, BouncedMail};
use crate::domain::ids::Id;
use crate::mail::dsn::{self, NoBounce, Report, SIZE_MOST};
use crate::mail::return_path::ReturnPath;
use crate::tasks::Services;
use crate::tasks::intake::{self, Taken};
use crate::telemetry::metrics::LMTP;

/// How many recipients one mail may have.
const RECIPIENTS_MOST: usize = 100;

/// What comes next.
pub(super) enum Step {
    /// An answer.
    Say(String),
    /// An answer, and then a mail.
    TakeMail(String),
    /// The last answer.
    End(String),
}

/// How far a mail server has come with the mail that it hands over.
pub(super) struct Transaction {
    return_path: ReturnPath,
    greeted: bool,
    begun: bool,
    /// The mails of ours to whose return paths it is addressed.
    mails: Vec<Id>,
}

impl Transaction {
    pub(super) fn new(return_path: ReturnPath) -> Self {
        Self { return_path, greeted: false, begun: false, mails: Vec::new() }
    }

    fn name(&self) -> &str {
        self.return_path.mailbox().domain()
    }

    /// What is said first.
    pub(super) fn greeting(&self) -> String {
        format!("220 {} LMTP mfa-enforcer takes bounces", self.name())
    }

    /// The answer to a command.
    pub(super) fn answer(&mut self, request: Request<Cow<'_, str>>) -> Step {
        let reply = match request {
            Request::Lhlo { .. } => {
                self.forget();
                self.greeted = true;
                let extensions = "250-PIPELINING\r\n250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250-SMTPUTF8";
                format!("250-{}\r\n{extensions}\r\n250 SIZE {SIZE_MOST}", self.name())
            }
            Request::Mail { .. } if !self.greeted => "503 5.5.1 Say LHLO first".to_owned(),
            Request::Mail { .. } if self.begun => "503 5.5.1 A mail was begun already".to_owned(),
            Request::Mail { from } if from.size > SIZE_MOST => "552 5.3.4 That is too large".to_owned(),
            Request::Mail { .. } => {
                self.begun = true;
                "250 2.1.0 OK".to_owned()
            }
            Request::Rcpt { .. } if !self.begun => "503 5.5.1 Say MAIL FROM first".to_owned(),
            Request::Rcpt { .. } if self.mails.len() >= RECIPIENTS_MOST => "452 4.5.3 Too many recipients".to_owned(),
            Request::Rcpt { to } => match self.return_path.mail_of(&to.address) {
                Some(mail) => {
                    self.mails.push(mail);
                    "250 2.1.5 OK".to_owned()
                }
                None => "550 5.1.1 That is no return path of a mail from here".to_owned(),
            },
            Request::Data if self.mails.is_empty() => "503 5.5.1 There is nobody to take it".to_owned(),
            Request::Data => return Step::TakeMail("354 Go on, and end with a dot".to_owned()),
            Request::Rset => {
                self.forget();
                "250 2.0.0 OK".to_owned()
            }
            Request::Noop { .. } => "250 2.0.0 OK".to_owned(),
            Request::Quit => return Step::End("221 2.0.0 Goodbye".to_owned()),
            _ => "502 5.5.1 That is not done here".to_owned(),
        };
        Step::Say(reply)
    }

    /// The answers to a mail, one line for each recipient; none: it was too large. It is taken when what it says is recorded.
    pub(super) async fn deliver(&mut self, mail: Option<Vec<u8>>, services: &Services) -> String {
        let reading =
            tokio::task::spawn_blocking(move || mail.map_or(Err(NoBounce::TooLarge), |mail| dsn::read(&mail)));
        let read = reading.await;
        let mut replies = Vec::new();
        for mail in std::mem::take(&mut self.mails) {
            replies.push(match &read {
                Ok(Ok(report)) => record(report, mail, services).await,
                Ok(Err(NoBounce::TooLarge)) => "552 5.3.4 That is too large".to_owned(),
                Ok(Err(reason)) => {
                    tracing::info!(%mail, %reason, "what came to a return path is no bounce");
                    "250 2.0.0 That is no bounce, and of no interest here".to_owned()
                }
                Err(error) => {
                    tracing::error!(%mail, %error, "what came to a return path could not be read");
                    "451 4.3.0 That could not be read".to_owned()
                }
            });
        }
        self.forget();
        replies.join("\r\n")
    }

    fn forget(&mut self) {
        self.begun = false;
        self.mails.clear();
    }
}

async fn record(report: &Report, mail: Id, services: &Services) -> String {
    let bounce = Bounce { mail: BouncedMail::Id(mail), verdict: report.verdict, reply: report.reply.clone() };
    match intake::record(services, &bounce, LMTP).await {
        Ok(Taken::Recorded) => "250 2.0.0 Recorded".to_owned(),
        Ok(Taken::TooSoon) => "451 4.3.0 That mail is still being sent, try again later".to_owned(),
        Ok(Taken::NotOurs) => "250 2.0.0 That mail is not on record any more".to_owned(),
        Err(error) => {
            tracing::warn!(%mail, %error, "a bounce could not be recorded, and stays with the mail server");
            "451 4.3.0 That could not be recorded, try again later".to_owned()
        }
    }
}
