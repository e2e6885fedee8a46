//! Settings that are well formed and still cannot be worked with.

use std::net::IpAddr;

use secrecy::ExposeSecret as _;

use super::Config;
use super::problem::Problem;

/// What the settings are to be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// `check`: everything that would embarrass in production.
    Check,
    /// `run`: as `check`, but values made for examples are let through where mail only goes into a folder.
    Run,
}

/// Where mail would go.
enum Target {
    Folder,
    Server { host: String },
}

impl Config {
    /// What keeps these settings from being used for `purpose`; empty if nothing does.
    ///
    /// No mail server or folder; no sender; a simulated clock with a mail server elsewhere; values made for examples.
    #[must_use]
    pub fn problems(&self, purpose: Purpose) -> Vec<Problem> {
        let mut problems = Vec::new();
        let target = self.target();
        match &target {
            None => problems.push(Problem::anywhere(
                "smtp.url is not set: give smtp://HOST:PORT or smtps://HOST:PORT, or file:DIR to write mail into a \
                 folder and send none",
            )),
            Some(Target::Server { host }) if self.clock.simulated && !is_loopback(host) => {
                problems.push(Problem::anywhere(format!(
                    "smtp.url leads to {host}, but clock.simulated is true: then mail goes only into a folder \
                     (file:DIR) or to a mail server on this machine"
                )));
            }
            Some(_) => {}
        }
        if self.notices.from.is_none() {
            problems.push(Problem::anywhere(
                "notices.from is not set: give the sender, such as \"Acme Security <security@acme.com>\"",
            ));
        }
        let reaches_nobody = matches!(target, Some(Target::Folder)) && purpose == Purpose::Run;
        if !self.clock.simulated && !reaches_nobody {
            problems.extend(self.example_values());
        }
        problems
    }

    /// What somebody who starts the daemon should know each time, though it may be meant.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if matches!(self.target(), Some(Target::Folder)) {
            warnings.push("smtp.url is a folder (file:): mail is written there, and nobody receives it".to_owned());
        }
        if self.clock.simulated {
            warnings.push("clock.simulated is true: time moves only as commands tell it to".to_owned());
        }
        warnings
    }

    /// Settings that are well formed one by one and do not go together.
    pub(super) fn contradictions(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.notices.announce_from >= self.notices.announce_until {
            problems.push(Problem::anywhere(format!(
                "notices.announce_from ({}) must be earlier than notices.announce_until ({})",
                self.notices.announce_from.format("%H:%M"),
                self.notices.announce_until.format("%H:%M"),
            )));
        }
        let timeout = self.smtp.timeout.num_milliseconds();
        if timeout >= self.schedule.lease.num_milliseconds() {
            problems.push(Problem::anywhere(
                "smtp.timeout must be shorter than schedule.lease: no mail could be sent while its lease lasts",
            ));
        }
        if self.schedule.retry_first > self.schedule.retry_most {
            problems.push(Problem::anywhere("schedule.retry_first must not be longer than schedule.retry_most"));
        }
        problems
    }

    /// Values that were left as in an example.
    fn example_values(&self) -> Vec<Problem> {
        let notices = &self.notices;
        let server = match self.target() {
            Some(Target::Server { host }) => Some(host),
            _ => None,
        };
        let named = [
            ("notices.from", notices.from.as_ref().map(ToString::to_string)),
            ("notices.reply_to", notices.reply_to.as_ref().map(ToString::to_string)),
            ("notices.sign_in_url", Some(notices.sign_in_url.clone())),
            ("notices.support_contact", notices.support_contact.clone()),
            ("smtp.url", server),
        ];
        let product =
            (notices.product_name == "Example").then(|| ("notices.product_name", notices.product_name.clone()));
        let left = named.into_iter().filter_map(|(key, given)| Some((key, given.filter(|given| is_example(given))?)));
        left.chain(product)
            .map(|(key, given)| Problem::anywhere(format!("{key} is '{given}', made for an example: give your own")))
            .collect()
    }

    fn target(&self) -> Option<Target> {
        let url = self.smtp.url.as_ref()?.expose_secret();
        if url.starts_with("file:") {
            return Some(Target::Folder);
        }
        let host = url::Url::parse(url).ok()?.host_str()?.trim_matches(['[', ']']).to_owned();
        Some(Target::Server { host })
    }
}

/// Whether a host is this machine's own (RFC 6761 for the name).
fn is_loopback(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost") || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

/// Whether a text names a host that is reserved for examples and tests (RFC 2606).
fn is_example(text: &str) -> bool {
    text.to_ascii_lowercase().split(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '-')).any(|word| {
        let labels: Vec<_> = word.trim_matches('.').rsplit('.').collect();
        match labels.as_slice() {
            ["com" | "net" | "org", "example", ..] => true,
            [last, _, ..] => matches!(*last, "example" | "invalid" | "test"),
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_this_machine() {
        assert!(
            ["localhost", "LOCALHOST", "a.localhost", "127.0.0.1", "127.9.9.9", "::1"].iter().all(|h| is_loopback(h))
        );
        assert!(["mail.acme.com", "10.0.0.1", "localhost.acme.com"].iter().all(|host| !is_loopback(host)));
    }

    #[test]
    fn hosts_made_for_examples() {
        for text in
            ["https://app.example.com/in", "Jo <jo@Example.ORG>", "mail.acme.test", "a@b.invalid", "x@y.example"]
        {
            assert!(is_example(text), "{text}");
        }
        for text in ["security@acme.com", "https://acme.com/example.html", "example", "our test page", "Example Test"] {
            assert!(!is_example(text), "{text}");
        }
    }

    #[test]
    fn the_sample_sender_is_one() {
        assert!(is_example(super::super::SAMPLE_SENDER));
    }
}
