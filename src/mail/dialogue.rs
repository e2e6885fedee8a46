//! What is said over a line to hand one mail over (RFC 5321, 3.3).

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::{Response, Severity};

use super::compose::Composed;
use super::smtp_replies::Step;

/// Where a dialogue stopped.
pub(super) enum Stop {
    /// The server has not said that it takes such an address, so that it was not asked to.
    NeedsSmtpUtf8,
    /// The server refused, or the line broke.
    At(Step, SmtpError),
    /// The server agreed to something else than what it was asked.
    OutOfStep(Step, Response),
}

/// Says one mail. `handed_over` is set before the mail itself goes out: from then on the server may have it.
pub(super) async fn dialogue(
    connection: &mut AsyncSmtpConnection,
    mail: &Composed,
    handed_over: &AtomicBool,
) -> Result<Response, Stop> {
    let at = |step| move |error| Stop::At(step, error);
    let mut options = Vec::new();
    if mail.envelope.from().into_iter().chain(mail.envelope.to()).any(|address| !address.to_string().is_ascii()) {
        if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
            return Err(Stop::NeedsSmtpUtf8);
        }
        // Whoever takes such addresses takes eight bits as well (RFC 6531, 3.1).
        options = vec![MailParameter::SmtpUtfEight, MailParameter::Body(MailBodyParameter::EightBitMime)];
    }
    let sender = Mail::new(mail.envelope.from().cloned(), options);
    connection.command(sender).await.map_err(at(Step::Sender))?;
    for recipient in mail.envelope.to() {
        connection.command(Rcpt::new(recipient.clone(), Vec::new())).await.map_err(at(Step::Recipient))?;
    }
    let go_ahead = connection.command(Data).await.map_err(at(Step::Announce))?;
    if !go_ahead.has_code(354) {
        return Err(Stop::OutOfStep(Step::Announce, go_ahead));
    }
    handed_over.store(true, Ordering::Relaxed);
    let answer = connection.command(Content(&mail.bytes)).await.map_err(at(Step::Content))?;
    if answer.code().severity == Severity::PositiveCompletion {
        Ok(answer)
    } else {
        Err(Stop::OutOfStep(Step::Content, answer))
    }
}

/// A mail and the dot that ends it, in one piece: written in two, the second waits for the receiver's delayed
/// acknowledgement of the first.
struct Content<'a>(&'a [u8]);

impl fmt::Display for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = std::str::from_utf8(self.0).map_err(|_| fmt::Error)?;
        // RFC 5321, 4.5.2: a line that begins with a dot gets another.
        for line in text.split_inclusive("\r\n") {
            if line.starts_with('.') {
                f.write_str(".")?;
            }
            f.write_str(line)?;
        }
        f.write_str(if text.ends_with("\r\n") { ".\r\n" } else { "\r\n.\r\n" })
    }
}
