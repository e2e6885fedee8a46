//! What providers tell of mails that came back, each in its own shape of JSON; and one shape of our own, for whoever else has
//! something to tell.
//!
//! Which shape it is, is seen by a key that only that one has. A complaint (somebody has pressed 'spam') is no bounce.

mod mailgun;
mod own;
mod postmark;
mod sendgrid;
mod ses;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::return_path::ReturnPath;
use super::transport::shorten;
use crate::domain::bounce::{Bounce, BouncedMail, Verdict};

/// What a call tells.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The mails that came back.
    pub bounces: Vec<Bounce>,
    /// How much else it tells that is of no interest here.
    pub ignored: usize,
    /// What a person has to do before anything is told, and how.
    pub to_confirm: Option<String>,
}

impl Told {
    /// Nothing of interest.
    fn nothing() -> Self {
        Self { ignored: 1, ..Self::default() }
    }

    fn add(&mut self, bounce: Option<Bounce>) {
        match bounce {
            Some(bounce) => self.bounces.push(bounce),
            None => self.ignored += 1,
        }
    }
}

/// Reads a call's body. Return paths are known again by `return_path`.
///
/// # Errors
/// What is wrong with it.
pub fn read(body: &[u8], return_path: Option<&ReturnPath>) -> Result<Told, String> {
    let value: Value = serde_json::from_slice(body).map_err(|error| format!("this is not JSON: {error}"))?;
    let has = |key: &str| value.get(key).is_some();
    if value.is_array() {
        Ok(sendgrid::told(parse("SendGrid's events", value)?))
    } else if has("event-data") {
        Ok(mailgun::told(parse("a Mailgun webhook", value)?))
    } else if has("RecordType") {
        Ok(postmark::told(&parse("a Postmark webhook", value)?))
    } else if has("TopicArn") {
        ses::told_by_sns(parse("an Amazon SNS message", value)?, return_path)
    } else if has("notificationType") || has("eventType") {
        Ok(ses::told(parse("an Amazon SES notification", value)?, return_path))
    } else if has("bounces") {
        own::told(&parse("a list of bounces", value)?, return_path)
    } else {
        Err("this is none of the shapes that are known: send {\"bounces\": [...]}, or what Amazon SES, Postmark, SendGrid or Mailgun send".to_owned())
    }
}

fn parse<T: DeserializeOwned>(shape: &str, value: Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|error| format!("this looks like {shape}, but {error}"))
}

/// What came of a mail, as providers say it.
struct Fate<'a> {
    permanent: bool,
    status: Option<&'a str>,
    said: &'a str,
}

impl Fate<'_> {
    fn of(&self, mail: BouncedMail) -> Bounce {
        // `smtp; 550 5.1.1 …`, as in reports of mail servers.
        let said = match self.said.split_once(';') {
            Some((kind, said)) if kind.trim().eq_ignore_ascii_case("smtp") => said,
            _ => self.said,
        };
        let reply = shorten(said);
        let status = self.status.filter(|status| !status.is_empty());
        let verdict = if self.permanent { Verdict::of_failure_said(status, &reply) } else { Verdict::Delayed };
        let reply = if reply.is_empty() { status.map_or("no reason was given".to_owned(), shorten) } else { reply };
        Bounce { mail, verdict, reply }
    }
}

/// A Message-ID with its angle brackets, which some leave out; none if it is empty.
fn message_id(text: &str) -> Option<BouncedMail> {
    let text = text.trim().trim_start_matches('<').trim_end_matches('>');
    let fits = !text.is_empty() && !text.chars().any(char::is_control);
    fits.then(|| BouncedMail::MessageId(format!("<{text}>")))
}

/// An address, of `jo@example.org` or `Jo <jo@example.org>`; none if it is empty, or what no address has is in it.
fn recipient(text: &str) -> Option<BouncedMail> {
    let text = text.rsplit_once('<').map_or(text, |(_, address)| address).trim().trim_end_matches('>');
    let fits = !text.is_empty() && !text.chars().any(char::is_control);
    fits.then(|| BouncedMail::Address(text.to_owned()))
}

/// Text that may be missing, or null.
fn text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Option::<String>::deserialize(deserializer).map(Option::unwrap_or_default)
}
