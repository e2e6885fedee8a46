//! What a mail server's answer, or its silence, means for the mail.

use std::error::Error;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::response::{Code, Response, Severity};
use secrecy::{ExposeSecret as _, SecretString};

use super::transport::{About, SendError, shorten};
use crate::domain::paces::Throttle;

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

/// Why a mail was not taken, and what that says of the mail server.
#[derive(Debug)]
pub(super) struct Failure {
    /// What it means for the mail.
    pub(super) error: SendError,
    /// Whether the server cannot be worked with at all, so that another may do better.
    pub(super) of_server: bool,
    /// Whether it may be about one line alone: the end of one that was in use before, so that a new one to the same server will
    /// do; or one that is closed without a word, where those that are open will do.
    pub(super) of_line: bool,
    /// What the server asks for less of.
    pub(super) throttle: Option<Throttle>,
}

impl Failure {
    /// The server cannot be worked with, and has asked for nothing.
    fn of_server(reply: &str, maybe_received: bool) -> Self {
        let error = SendError::Transient { reply: shorten(reply), about: About::AllMail, maybe_received };
        Self { error, of_server: true, of_line: false, throttle: None }
    }

    /// Whether there was no line on which the mail could be offered.
    pub(super) fn is_no_line(&self) -> bool {
        self.error.about() == About::NoLine
    }
}

/// The server refused, or the line broke.
pub(super) fn stopped(place: &str, step: Step, error: &SmtpError) -> Failure {
    match error.status() {
        Some(code) => refused(step, code, error),
        None => broken(place, step, error),
    }
}

/// The server refused, with a reply.
///
/// Only what is about this mail may be for good. A refused sender, a demand for authentication or encryption, or a
/// server that does not relay is about all mail: the operator will mend it, and nobody must be forgotten meanwhile.
fn refused(step: Step, code: Code, error: &SmtpError) -> Failure {
    let text = error.source().map(ToString::to_string).unwrap_or_default();
    let reply = shorten(&format!("{code} {text}"));
    let number = u16::from(code);
    let of_one_mail = matches!(step, Step::Recipient | Step::Announce | Step::Content)
        && number != CLOSING
        && !is_about_all_mail(number, &text);
    let error = match of_one_mail {
        true if code.severity == Severity::PermanentNegativeCompletion => SendError::Permanent { reply },
        true => SendError::Transient { reply, about: About::ThisMail, maybe_received: false },
        false => SendError::Transient { reply, about: About::AllMail, maybe_received: false },
    };
    let closing = number == CLOSING;
    // A server closes a line that has waited for long enough, or on which it has taken as many mails as it takes on one.
    let of = if step == Step::Recipient { Throttle::AfterRecipient } else { Throttle::AllMail };
    let throttle = (closing || is_policy_for_now(&text)).then_some(of);
    Failure { error, of_server: closing, of_line: closing, throttle }
}

/// The server takes no addresses beyond ASCII.
pub(super) fn needs_smtputf8() -> Failure {
    let reply = "the mail server takes no addresses with letters beyond ASCII (SMTPUTF8)".to_owned();
    Failure { error: SendError::Permanent { reply }, of_server: false, of_line: false, throttle: None }
}

/// 421: the server closes the line (RFC 5321, 3.8).
const CLOSING: u16 = 421;

/// Whether a server takes no mail for now (4.3.2), or this one not for now by its policy (4.7.x, under which rate limits are
/// told): it asks for less, as it does by closing the line.
fn is_policy_for_now(text: &str) -> bool {
    matches!(enhanced(text), Some((4, 7, _) | (4, 3, 2)))
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
        Some((_, 1, 1 | 2 | 3 | 6 | 10)) => false,
        // The sender's address; the mail system, the protocol, security and policy.
        Some((_, 1, 7 | 8) | (_, 3 | 5 | 7, _)) => true,
        // Relaying has no code of its own.
        _ => text.to_ascii_lowercase().contains("relay"),
    }
}

/// The enhanced status code with which a reply begins, such as `5.1.1`: class, subject and detail.
fn enhanced(text: &str) -> Option<(u16, u16, u16)> {
    let mut numbers = text.split_whitespace().next()?.split('.').map(|number| number.parse().ok());
    let (class, subject, detail) = (numbers.next()??, numbers.next()??, numbers.next()??);
    (matches!(class, 4 | 5) && numbers.next().is_none()).then_some((class, subject, detail))
}

/// The line broke, or what came over it was no reply.
fn broken(place: &str, step: Step, error: &SmtpError) -> Failure {
    let reply = format!("{} {place}: {}", step.words(), innermost(error));
    Failure { of_line: true, ..Failure::of_server(&reply, step == Step::Content) }
}

/// The server agreed to something else than what it was asked.
pub(super) fn out_of_step(place: &str, step: Step, response: &Response) -> Failure {
    let reply = format!("{place} is out of step, it answered: {}", answer(response));
    Failure { of_line: true, ..Failure::of_server(&reply, step == Step::Content) }
}

/// Time ran out.
pub(super) fn silent(place: &str, within: Duration, handed_over: bool) -> Failure {
    let seconds = (within.as_secs_f32() * 10.0).round() / 10.0;
    Failure::of_server(&format!("no answer from {place} within {seconds} s"), handed_over)
}

/// The mail's turn does not come in time: no fault of the server's, and nothing was said to it.
pub(super) fn no_turn(place: &str) -> SendError {
    let reply = format!("not sent: there are others before it for {place}, which takes one after the other");
    SendError::Transient { reply: shorten(&reply), about: About::NoTurn, maybe_received: false }
}

/// The turn of the mail's domain does not come now, but after `wait`: no fault of its own, and nothing was said to the server.
pub(super) fn put_off(place: &str, wait: Duration) -> SendError {
    let reply = format!("not sent: {place} takes one mail after the other for this domain");
    SendError::Transient { reply: shorten(&reply), about: About::PutOff(wait), maybe_received: false }
}

/// No line comes free in time: each is busy with others.
pub(super) fn no_line(place: &str) -> SendError {
    let reply = format!("not sent: there are others before it on all lines to {place}");
    SendError::Transient { reply: shorten(&reply), about: About::NoLine, maybe_received: false }
}

/// The line that was opened for the mail was there so late that the answer might not come in time; it is for others now.
pub(super) fn late_line(place: &str) -> Failure {
    let reply = format!("not sent: {place} took so long to greet that too little time was left");
    let error = SendError::Transient { reply: shorten(&reply), about: About::NoLine, maybe_received: false };
    Failure { error, of_server: false, of_line: false, throttle: None }
}

/// The server takes no more lines than it has, on which others come first; it has been asked for less with that.
pub(super) fn no_more_lines(place: &str, said: &str) -> Failure {
    let reply = format!("not sent: there are others before it for {place}, which takes no more lines: {said}");
    let error = SendError::Transient { reply: shorten(&reply), about: About::NoLine, maybe_received: false };
    Failure { error, of_server: false, of_line: false, throttle: None }
}

/// There is no line: the server cannot be reached, as the system says.
pub(super) fn not_reached(place: &str, error: &std::io::Error) -> Failure {
    Failure::of_server(&format!("{} {place}: {error}", Step::Connect.words()), false)
}

/// The server does not offer to encrypt the line, without which nothing is said.
pub(super) fn no_encryption(place: &str) -> Failure {
    Failure::of_server(&unusable(place, Step::Encrypt, "STARTTLS is not supported on this server", None), false)
}

/// The line cannot be encrypted: nothing has been said on it that anybody must not hear.
pub(super) fn not_encrypted(place: &str, step: Step, error: &std::io::Error) -> Failure {
    let failure = Failure::of_server(&unusable(place, step, &error.to_string(), None), false);
    Failure { of_line: step == Step::Connect, ..failure }
}

/// There is no line, or none that may be used. Whatever the server said, it is about all mail and has taken none.
pub(super) fn not_connected(
    place: &str,
    step: Step,
    error: &SmtpError,
    credentials: Option<&(String, SecretString)>,
) -> Failure {
    let said = error.source().map(ToString::to_string).unwrap_or_default();
    let is_throttled = error.status().is_some_and(|code| u16::from(code) == CLOSING || is_policy_for_now(&said));
    let throttle = is_throttled.then_some(Throttle::AllMail);
    let of_line = step == Step::Connect && error.status().is_none();
    Failure { of_line, throttle, ..Failure::of_server(&unusable(place, step, &cause(error), credentials), false) }
}

/// What an operator reads who has no line, without any secret.
fn unusable(place: &str, step: Step, cause: &str, credentials: Option<&(String, SecretString)>) -> String {
    let text = without_secrets(cause, credentials);
    let remedy = remedy(step, &text);
    shorten(&format!("{} {place}: {text}{remedy}", step.words()))
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
fn cause(error: &SmtpError) -> String {
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
pub(super) fn without_secrets(text: &str, credentials: Option<&(String, SecretString)>) -> String {
    let Some((name, password)) = credentials else { return text.to_owned() };
    let password = password.expose_secret();
    let plain = BASE64_STANDARD.encode(format!("\0{name}\0{password}"));
    [plain, BASE64_STANDARD.encode(password), password.to_owned()]
        .iter()
        .filter(|secret| !secret.is_empty())
        .fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "***"))
}

fn answer(response: &Response) -> String {
    shorten(format!("{} {}", response.code(), response.message().collect::<Vec<_>>().join(" ")).trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_shown_to_nobody_even_when_the_server_repeats_it() {
        let credentials = ("mailer".to_owned(), SecretString::from("s3cret"));
        let lines = ["500 unknown: AUTH PLAIN AG1haWxlcgBzM2NyZXQ=", "500 unknown: czNjcmV0", "535 's3cret' is wrong"];
        for line in lines {
            let reply = unusable("mail.example.com:587", Step::Authenticate, line, Some(&credentials));
            assert!(reply.contains("***"), "{reply}");
            for secret in ["s3cret", "AG1haWxlcgBzM2NyZXQ=", "czNjcmV0"] {
                assert!(!reply.contains(secret), "{reply}");
            }
        }
    }

    #[test]
    fn a_reply_is_one_line_and_not_long() {
        let reply = unusable("mail.example.com:25", Step::Connect, &"no\r\n".repeat(1000), None);
        assert_eq!(reply.chars().count(), 500);
        assert!(!reply.contains(char::is_control));
    }

    #[test]
    fn what_asks_for_less_is_told_from_what_does_not() {
        for text in ["4.7.0 Too many", "4.7.1 slow down", "4.7.650 x", "4.3.2 no"] {
            assert!(is_policy_for_now(text), "{text}");
        }
        for text in ["", "4.2.1 greylisted", "4.3.0 x", "5.7.1 no", "5.3.2 no", "4.7", "4.7.1.2 x", "no 4.7.1"] {
            assert!(!is_policy_for_now(text), "{text}");
        }
    }
}
