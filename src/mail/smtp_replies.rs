//! What a mail server's answer, or its silence, means for the mail.

use std::error::Error;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::response::{Code, Response, Severity};
use secrecy::{ExposeSecret as _, SecretString};

use super::transport::{SendError, shorten};

/// How far a mail had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Reaching the server and greeting it.
    Connect,
    /// STARTTLS.
    Encrypt,
    /// AUTH.
    Authenticate,
    /// MAIL FROM.
    Sender,
    /// RCPT TO.
    Recipient,
    /// DATA.
    Announce,
    /// The mail itself.
    Content,
}

impl Step {
    fn words(self) -> &'static str {
        match self {
            Self::Connect => "cannot connect to",
            Self::Encrypt => "cannot encrypt the line to",
            Self::Authenticate => "cannot authenticate at",
            Self::Sender => "after MAIL FROM, lost the line to",
            Self::Recipient => "after RCPT TO, lost the line to",
            Self::Announce => "after DATA, lost the line to",
            Self::Content => "after the mail was handed over, lost the line to",
        }
    }
}

/// The server took the mail.
pub(super) fn accepted(response: &Response) -> String {
    answer(response)
}

/// The server refused, with a reply.
///
/// Only what is about this mail may be for good. A refused sender, a demand for authentication or encryption, or a
/// server that does not relay is about all mail: the operator will mend it, and nobody must be forgotten meanwhile.
pub(super) fn refused(step: Step, code: Code, error: &SmtpError) -> SendError {
    let text = error.source().map(ToString::to_string).unwrap_or_default();
    let reply = shorten(&format!("{code} {text}"));
    let of_one_mail = matches!(step, Step::Recipient | Step::Announce | Step::Content);
    if code.severity == Severity::PermanentNegativeCompletion && of_one_mail && !is_about_all_mail(code.into(), &text) {
        SendError::Permanent { reply }
    } else {
        SendError::Transient { reply, maybe_received: false }
    }
}

/// Whether a refusal would meet any other mail as well. Servers may say so only after RCPT TO (Postfix does by default),
/// so the step does not tell; the enhanced status code does (RFC 3463, and its registry at IANA).
fn is_about_all_mail(code: u16, text: &str) -> bool {
    // Authentication and encryption: RFC 4954 and RFC 3207.
    if matches!(code, 530 | 534 | 535 | 538) {
        return true;
    }
    match enhanced(text) {
        // The recipient's address, whatever its name and the words about it are.
        Some((1, 1 | 2 | 3 | 6 | 10)) => false,
        // The sender's address; the mail system, the protocol, security and policy.
        Some((1, 7 | 8) | (3 | 5 | 7, _)) => true,
        // Relaying has no code of its own.
        _ => text.to_ascii_lowercase().contains("relay"),
    }
}

/// The subject and the detail of the enhanced status code with which a reply begins, such as 1.1 of `5.1.1`.
fn enhanced(text: &str) -> Option<(u16, u16)> {
    let mut numbers = text.split_whitespace().next()?.split('.');
    let (class, subject, detail) = (numbers.next()?, numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?);
    (matches!(class, "4" | "5") && numbers.next().is_none()).then_some((subject, detail))
}

/// The line broke, or what came over it was no reply.
pub(super) fn broken(place: &str, step: Step, error: &SmtpError) -> SendError {
    SendError::Transient {
        reply: shorten(&format!("{} {place}: {}", step.words(), innermost(error))),
        maybe_received: step == Step::Content,
    }
}

/// The server agreed to something else than what it was asked.
pub(super) fn out_of_step(place: &str, step: Step, response: &Response) -> SendError {
    SendError::Transient {
        reply: shorten(&format!("{place} is out of step, it answered: {}", answer(response))),
        maybe_received: step == Step::Content,
    }
}

/// There is no line, or none that may be used. Whatever the server said, it is about all mail and has taken none.
pub(super) fn not_connected(
    place: &str,
    step: Step,
    cause: &str,
    credentials: Option<&(String, SecretString)>,
) -> SendError {
    let text = match credentials {
        Some((name, password)) => without_secrets(cause, name, password),
        None => cause.to_owned(),
    };
    let remedy = remedy(step, &text);
    SendError::Transient { reply: shorten(&format!("{} {place}: {text}{remedy}", step.words())), maybe_received: false }
}

/// What an operator can do about it, where that is plain.
fn remedy(step: Step, text: &str) -> &'static str {
    if text.contains("UnknownIssuer") {
        "; if its certificate is from an authority of your own, name that in smtp.ca_file"
    } else if text.contains("not valid for name") || text.contains("NotValidForName") {
        "; smtp.url must name the host that the certificate is for"
    } else if text.contains("STARTTLS is not supported") {
        "; use smtps:// or another port, as nothing is sent without encryption"
    } else if step == Step::Authenticate {
        "; check smtp.username and smtp.password"
    } else {
        ""
    }
}

/// What a client's error comes down to, with the server's code if it gave one.
pub(super) fn cause(error: &SmtpError) -> String {
    error.status().map_or_else(|| innermost(error), |code| format!("{code} {}", innermost(error)))
}

/// The cause of causes, which says what happened.
fn innermost(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// The text without the password, even where a server repeats the line that held it.
fn without_secrets(text: &str, name: &str, password: &SecretString) -> String {
    let password = password.expose_secret();
    let plain = BASE64_STANDARD.encode(format!("\0{name}\0{password}"));
    [plain, BASE64_STANDARD.encode(password), password.to_owned()]
        .iter()
        .filter(|secret| !secret.is_empty())
        .fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "***"))
}

fn answer(response: &Response) -> String {
    shorten(&format!("{} {}", response.code(), response.message().collect::<Vec<_>>().join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_shown_to_nobody_even_when_the_server_repeats_it() {
        let credentials = ("mailer".to_owned(), SecretString::from("s3cret"));
        let lines = ["500 unknown: AUTH PLAIN AG1haWxlcgBzM2NyZXQ=", "500 unknown: czNjcmV0", "535 's3cret' is wrong"];
        for line in lines {
            let error = not_connected("mail.example.com:587", Step::Authenticate, line, Some(&credentials));
            assert!(error.reply().contains("***"), "{error}");
            for secret in ["s3cret", "AG1haWxlcgBzM2NyZXQ=", "czNjcmV0"] {
                assert!(!error.reply().contains(secret), "{error}");
            }
        }
    }

    #[test]
    fn a_reply_is_one_line_and_not_long() {
        let error = not_connected("mail.example.com:25", Step::Connect, &"no\r\n".repeat(1000), None);
        assert_eq!(error.reply().chars().count(), 500);
        assert!(!error.reply().contains(char::is_control));
    }
}
