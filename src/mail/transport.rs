//! The ways out: a folder, a mail server, or a simulated one, behind one type.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use thiserror::Error;

use super::compose::Composed;
use super::file::FileTransport;
use super::smtp::SmtpTransport;
use crate::config::smtp::{MailTarget, SmtpSettings};
use crate::telemetry::metrics::{PERMANENT, TRANSIENT, UNKNOWN};

/// What keeps a mail from being taken: itself, or something that would meet any other as well.
///
/// Where mail servers differ in that, the last of these holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    /// The mail, or whom it is for: others are taken meanwhile.
    ThisMail,
    /// Nothing: no mail server was asked, because each wants one mail after the other, and others come first; or because none
    /// works just now, as another mail has found out.
    NoTurn,
    /// Nothing: no mail server was asked, because mail for its domain goes one after the other. It may be sent again after so
    /// long; others are taken meanwhile.
    PutOff(Duration),
    /// The mail server, the way there, the sender, or a policy: no mail is forgotten for that.
    AllMail,
    /// Nothing: mail goes out, and no line came free for this one in time.
    NoLine,
}

/// Why a mail was not sent.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SendError {
    /// Refused for good: this mail will never be taken.
    #[error("refused for good: {reply}")]
    Permanent {
        /// What the server said, on one line of at most 500 characters.
        reply: String,
    },
    /// Worth another attempt.
    #[error("not sent for now: {reply}")]
    Transient {
        /// What the server said or what happened, on one line of at most 500 characters.
        reply: String,
        /// What it is about.
        about: About,
        /// Whether the server may have taken the mail all the same: the line broke, or time ran out, after it was
        /// handed over.
        maybe_received: bool,
    },
}

impl SendError {
    /// What the server said or what happened.
    #[must_use]
    pub fn reply(&self) -> &str {
        match self {
            Self::Permanent { reply } | Self::Transient { reply, .. } => reply,
        }
    }

    /// What keeps the mail from being taken.
    pub(super) fn about(&self) -> About {
        match self {
            Self::Permanent { .. } => About::ThisMail,
            Self::Transient { about, .. } => *about,
        }
    }

    /// The same with `change` made to what the server said.
    pub(super) fn map_reply(mut self, change: impl FnOnce(&str) -> String) -> Self {
        match &mut self {
            Self::Permanent { reply } | Self::Transient { reply, .. } => *reply = change(reply),
        }
        self
    }

    /// The class under which it is counted in `mfa_enforcer_smtp_errors_total`: `permanent`, `transient` or `unknown`
    /// (the server may have taken the mail).
    #[must_use]
    pub fn class(&self) -> &'static str {
        match self {
            Self::Permanent { .. } => PERMANENT,
            Self::Transient { maybe_received: false, .. } => TRANSIENT,
            Self::Transient { maybe_received: true, .. } => UNKNOWN,
        }
    }
}

/// A mail server that is no more than a program of ours: it keeps what it takes in memory, or simulates the ways of real ones.
#[async_trait]
pub trait SimulatedServer: std::fmt::Debug + Send + Sync {
    /// Takes one mail and gives back the answer, on one line of at most 500 characters.
    async fn send(&self, mail: &Composed) -> Result<String, SendError>;

    /// How many mails it takes at the same time.
    fn max_concurrent(&self) -> usize;
}

/// A way out for mail.
#[derive(Debug)]
pub enum Transport {
    /// Into a folder, one `.eml` file per mail.
    File(FileTransport),
    /// To a simulated mail server, for tests and previews: nothing leaves the process.
    Simulated(Arc<dyn SimulatedServer>),
    /// To a mail server, or to one of several.
    Smtp(SmtpTransport),
}

impl Transport {
    /// The way out that the settings name. Nothing is connected or written yet.
    ///
    /// # Errors
    /// One message that names the key and the remedy, without any secret.
    pub fn from_settings(settings: &SmtpSettings) -> Result<Self, String> {
        match settings.target()? {
            None => Err("smtp.url is not set: say where mail goes, such as smtps://mail.example.com".to_owned()),
            Some(MailTarget::Folder(folder)) => Ok(Self::File(FileTransport::new(folder))),
            Some(MailTarget::Servers(servers)) => SmtpTransport::new(servers, settings).map(Self::Smtp),
        }
    }

    /// To a simulated mail server.
    #[must_use]
    pub fn simulated(server: impl SimulatedServer + 'static) -> Self {
        Self::Simulated(Arc::new(server))
    }

    /// Hands one mail over and gives back the answer, on one line of at most 500 characters.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn send(&self, mail: &Composed) -> Result<String, SendError> {
        self.send_before(mail, None).await
    }

    /// The same, where `following` is the mail that the caller [sends](Self::send) next, or [forgets](Self::forget): a mail
    /// server is told of it at once, which saves a round trip.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn send_before(&self, mail: &Composed, following: Option<&Composed>) -> Result<String, SendError> {
        match self {
            Self::File(folder) => folder.send(mail).await,
            Self::Simulated(server) => server.send(mail).await,
            Self::Smtp(server) => server.send(mail, following).await,
        }
    }

    /// How long a mail has to wait for its domain before it is worth [sending](Self::send); none: it need not.
    #[must_use]
    pub fn put_off(&self, mail: &Composed) -> Option<Duration> {
        match self {
            Self::File(_) | Self::Simulated(_) => None,
            Self::Smtp(server) => server.put_off(mail),
        }
    }

    /// Does without a mail that was said to follow.
    pub fn forget(&self, mail: &Composed) {
        if let Self::Smtp(server) = self {
            server.forget(mail);
        }
    }

    /// Tries the way out without sending: the folder can be written to, or each server answers, encrypts and
    /// authenticates as it must.
    ///
    /// # Errors
    /// What is wrong and the remedy, without any secret.
    pub async fn test(&self) -> Result<(), String> {
        match self {
            Self::File(folder) => folder.test().await,
            Self::Simulated(_) => Ok(()),
            Self::Smtp(server) => server.test().await,
        }
    }

    /// Whether mail goes into a folder, where nobody is told anything.
    #[must_use]
    pub fn is_file(&self) -> bool {
        matches!(self, Self::File(_))
    }

    /// Whether mail stays on this machine: a folder, a simulated mail server, or servers on the loopback.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match self {
            Self::File(_) | Self::Simulated(_) => true,
            Self::Smtp(server) => server.is_loopback(),
        }
    }

    /// How many mails can be on their way at the same time; more wait for their turn, within their time-out.
    #[must_use]
    pub fn max_concurrent(&self) -> usize {
        match self {
            // One after the other, so that a rehearsal gives the same audit trail again.
            Self::File(_) => 1,
            Self::Simulated(server) => server.max_concurrent(),
            Self::Smtp(server) => server.max_concurrent(),
        }
    }

    /// No mail waits any longer for a mail server that has asked for less: the daemon ends. What is on its way is finished.
    pub fn end(&self) {
        if let Self::Smtp(server) = self {
            server.end();
        }
    }

    /// Says goodbye to the mail server on every line that is not in use. For an orderly end.
    pub async fn close(&self) {
        if let Self::Smtp(server) = self {
            server.close().await;
        }
    }
}

impl std::fmt::Display for Transport {
    /// Where mail goes, without any secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(folder) => write!(f, "file:{}", folder.folder().display()),
            Self::Simulated(_) => f.write_str("a simulated mail server"),
            Self::Smtp(server) => server.fmt(f),
        }
    }
}

/// A reply as it may be stored and logged: on one line, of at most 500 characters.
pub(super) fn shorten(reply: &str) -> String {
    shorten_to(500, reply)
}

/// The same, of at most `most` characters.
pub(super) fn shorten_to(most: usize, reply: &str) -> String {
    let words: Vec<_> =
        reply.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect();
    let line = words.join(" ");
    if line.chars().count() <= most { line } else { line.chars().take(most - 1).chain(['…']).collect() }
}
