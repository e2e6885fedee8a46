//! Mail: what a notice says in words, the mail that carries it, and the ways it leaves the house.
//!
//! [`templates`] turns a [`Message`] into words, [`compose`] makes a mail of them, [`transport`] hands it over.
//! [`Mailer`] is the three together.

mod admin_words;
mod answers;
mod blanks;
pub mod calendar;
pub mod compose;
mod dialogue;
mod dkim;
pub mod dsn;
mod encryption;
pub mod file;
mod form_letter;
mod language;
mod letters;
pub mod limits;
mod line;
mod line_limit;
pub mod maildir;
pub mod memory;
mod messages;
mod mjml;
mod relay;
mod relay_health;
pub mod return_path;
pub mod sample;
pub mod smtp;
mod smtp_replies;
pub mod template_files;
mod template_tags;
pub mod templates;
pub mod transport;
pub mod webhook;
mod words;
mod wrap;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use lettre::Address;
use thiserror::Error;

use crate::config::notices::NoticeSettings;
use crate::domain::admin_mail::AdminMessage;
use crate::domain::message::Message;
use compose::{Composed, Sender, UnusableAddress};
use letters::Letters;
use limits::RateLimits;
use return_path::ReturnPath;
use templates::{Rendered, TemplateError, Templates};
use transport::{SendError, Transport};

/// Writes mails and hands them over.
#[derive(Debug)]
pub struct Mailer {
    templates: Templates,
    sender: Sender,
    transport: Transport,
    limits: RateLimits,
    letters: Letters,
}

/// Why a message could not be made into a mail. It fails that message alone, for good.
#[derive(Debug, Error)]
pub enum PrepareError {
    /// The reader's address is none.
    #[error(transparent)]
    Address(#[from] UnusableAddress),
    /// The templates cannot say it.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The picture has a kind that mail has no name for.
    #[error("the picture of notices.logo has no media type: use a PNG file")]
    Logo,
    /// The entry for the calendar cannot be attached.
    #[error("the entry for the calendar cannot be attached")]
    Calendar,
    /// The mail cannot be signed.
    #[error("the mail cannot be signed: {0}")]
    Signature(String),
    /// The mail cannot be put together.
    #[error("the mail cannot be put together: {0}")]
    Mail(#[from] lettre::error::Error),
    /// A fault in the program, or in a library, met this mail.
    #[error("the program has a fault that keeps the mail from being written: {0}")]
    Fault(String),
}

/// Why there is no mailer.
#[derive(Debug, Error)]
pub enum MailerError {
    /// A template is wrong.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The sender is missing or wrong.
    #[error("{0}")]
    Sender(String),
}

impl Mailer {
    /// Loads the templates, renders each of them once, and reads the sender.
    ///
    /// # Errors
    /// [`MailerError`]: the first template that is wrong, with its file and line, or what is wrong with the sender.
    pub fn new(settings: &NoticeSettings, transport: Transport) -> Result<Self, MailerError> {
        let sender = Sender::from_settings(settings).map_err(MailerError::Sender)?;
        let templates = Templates::load(settings)?;
        Ok(Self { templates, sender, transport, limits: RateLimits::default(), letters: Letters::default() })
    }

    /// The same, with every mail for `address` instead of its reader; none: as usual.
    #[must_use]
    pub fn redirected(self, address: Option<Address>) -> Self {
        Self { sender: self.sender.redirected(address), ..self }
    }

    /// The same within `limits`; without them there are none.
    #[must_use]
    pub fn limited(self, limits: RateLimits) -> Self {
        Self { limits, ..self }
    }

    /// The same, with every mail coming back to a return path of its own; none: to the sender.
    #[must_use]
    pub fn with_return_path(self, return_path: Option<ReturnPath>) -> Self {
        Self { sender: self.sender.with_return_path(return_path), ..self }
    }

    /// The mail that says `message`. The same message gives the same bytes.
    ///
    /// # Errors
    /// [`PrepareError`], which is about this message alone.
    pub fn prepare(&self, message: &Message) -> Result<Composed, PrepareError> {
        let addressed = message.into();
        let write = || self.sender.form_letter(&addressed, &self.templates.draft(message)?);
        contained(|| {
            if self.templates.leave_blanks() {
                return self.sender.copy(&addressed, self.letters.for_message(message, write)?.as_ref());
            }
            self.sender.copy(&addressed, &write()?)
        })
    }

    /// The mail to an admin that says `message`. The same message gives the same bytes.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare).
    pub fn prepare_admin(&self, message: &AdminMessage) -> Result<Composed, PrepareError> {
        contained(|| self.sender.compose(&message.into(), &self.templates.render_admin(message)?))
    }

    /// The HTML as a page of its own, with the picture in it rather than beside it.
    #[must_use]
    pub fn page(&self, rendered: &Rendered) -> String {
        self.sender.with_picture(&rendered.html)
    }

    /// Hands one mail over and gives back what the server answered.
    ///
    /// # Errors
    /// [`SendError`]: refused for good, or worth another attempt.
    pub async fn send(&self, mail: &Composed) -> Result<String, SendError> {
        self.transport.send(mail).await
    }

    /// The same, where `following` is the mail that is sent next or forgotten: see [`Transport::send_before`].
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn send_before(&self, mail: &Composed, following: Option<&Composed>) -> Result<String, SendError> {
        self.transport.send_before(mail, following).await
    }

    /// The right-hand side of Message-IDs: the sender's domain.
    #[must_use]
    pub fn message_id_domain(&self) -> &str {
        self.sender.domain()
    }

    /// How many mails may leave within a minute. Whoever sends asks first.
    #[must_use]
    pub fn limits(&self) -> &RateLimits {
        &self.limits
    }

    /// The words, for previews.
    #[must_use]
    pub fn templates(&self) -> &Templates {
        &self.templates
    }

    /// The way out.
    #[must_use]
    pub fn transport(&self) -> &Transport {
        &self.transport
    }
}

/// What `write` gives. A panic over one mail is that mail's error, and stops no other (R9).
fn contained(write: impl FnOnce() -> Result<Composed, PrepareError>) -> Result<Composed, PrepareError> {
    // What is kept from mail to mail is only added to when it is whole.
    catch_unwind(AssertUnwindSafe(write)).unwrap_or_else(|panic| Err(PrepareError::Fault(said_by(&*panic))))
}

/// What a panic says.
fn said_by(panic: &(dyn Any + Send)) -> String {
    let formatted = panic.downcast_ref::<String>().map(String::as_str);
    formatted.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it does not say why").to_owned()
}
