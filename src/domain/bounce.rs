//! What it means that a mail came back: for the mail, and for the address.

use serde::Serialize;

use super::ids::Id;

/// What somebody further on said about a mail that the mail server had taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounce {
    /// Which mail came back.
    pub mail: BouncedMail,
    /// What that means.
    pub verdict: Verdict,
    /// What was said, on one line of at most 500 characters.
    pub reply: String,
}

/// Which mail came back, as far as whoever says so knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BouncedMail {
    /// The one with this id, named by a return path that only we can have written.
    Id(Id),
    /// The one with this Message-ID, in its angle brackets.
    MessageId(String),
    /// The last that went to this address.
    Address(String),
}

/// What a bounce means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nobody can be reached at the address: no more mail goes there.
    NoSuchAddress,
    /// This mail was refused for good, for what it is or whom it is from: another may be taken.
    Refused,
    /// Not delivered yet, and still tried.
    Delayed,
}

impl Verdict {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::NoSuchAddress, Self::Refused, Self::Delayed];

    /// What a delivery that failed for good means, by its enhanced status code (RFC 3463 and its registry at IANA), such as
    /// `5.1.1`. What has none, or says nothing in particular (`5.0.0`), is about the address: so it is with servers that
    /// know no better words for a mailbox that is not there.
    #[must_use]
    pub fn of_failure(status: Option<&str>) -> Self {
        let numbers: Vec<u16> = status.unwrap_or("5.0.0").split('.').filter_map(|number| number.parse().ok()).collect();
        match numbers[..] {
            // The sender's address (1.7, 1.8), a full mailbox (2.2) or one that takes no such length (2.3), lists (2.4).
            [5, 1, 7 | 8] | [5, 2, 2..=4] => Self::Refused,
            // The address, the mailbox, no way to the domain (4.1, 4.3 and 4.4 where it does not exist), or nothing in particular.
            [5, 0..=2, _] | [5, 4, 1 | 3 | 4] => Self::NoSuchAddress,
            // The mail system, routing, the protocol, the content, security and policy; and who gave up waiting (4.x).
            _ => Self::Refused,
        }
    }

    /// The same where somebody has also repeated what the last mail server said, such as `550 5.1.1 no such user`: that
    /// counts where the status says nothing in particular.
    #[must_use]
    pub fn of_failure_said(status: Option<&str>, said: &str) -> Self {
        let is_particular = |status: &&str| !status.ends_with(".0.0");
        // Whoever says that a mail was blocked does not say that nobody is there, whatever the code: that is the safer guess.
        let blocked = enhanced_code(said).is_some_and(|code| Self::of_failure(Some(code)) == Self::Refused);
        let words = said.to_ascii_lowercase();
        if blocked || BLOCKED.iter().any(|word| words.contains(word)) {
            return Self::Refused;
        }
        let status = status.filter(is_particular).or_else(|| enhanced_code(said).filter(is_particular)).or(status);
        match reply_code(said) {
            // Given up (4xx), or about this mail rather than its reader: too much of it (552), or just not taken (554).
            Some(400..=499 | 552 | 554) if !status.as_ref().is_some_and(is_particular) => Self::Refused,
            _ => Self::of_failure(status),
        }
    }

    /// The name under which it is stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoSuchAddress => "no_such_address",
            Self::Refused => "refused",
            Self::Delayed => "delayed",
        }
    }
}

/// Words of mail servers that refuse a mail for what it is or where it comes from.
const BLOCKED: [&str; 7] = ["spam", "blocked", "block list", "blocklist", "blacklist", "policy", "reputation"];

/// The reply code with which a mail server's answer begins, such as 550.
fn reply_code(said: &str) -> Option<u16> {
    let code = said.trim_start().get(..3)?;
    code.parse().ok().filter(|code| (200..600).contains(code))
}

/// The enhanced status code at the beginning of a mail server's answer, such as `5.1.1` in `550-5.1.1 …` or `550 #5.1.1 …`.
fn enhanced_code(said: &str) -> Option<&str> {
    let is_code = |text: &&str| {
        let numbers: Vec<&str> = text.split('.').collect();
        let is_number = |text: &&str| (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        matches!(numbers[..], ["4" | "5", subject, detail] if is_number(&subject) && is_number(&detail))
    };
    let words = said.split(|c: char| c.is_whitespace() || "-#:;,()<>[]".contains(c)).filter(|word| !word.is_empty());
    words.take(2).find(is_code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_about_the_address_stops_mail_and_what_is_about_the_mail_does_not() {
        for status in ["5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1", "5.0.0", "5.4.4"] {
            assert_eq!(Verdict::of_failure(Some(status)), Verdict::NoSuchAddress, "{status}");
        }
        for status in ["5.1.8", "5.2.2", "5.3.4", "5.4.6", "5.6.1", "5.7.1", "5.7.26", "4.4.7", "rubbish", "5.1.1.1"] {
            assert_eq!(Verdict::of_failure(Some(status)), Verdict::Refused, "{status}");
        }
        assert_eq!(Verdict::of_failure(None), Verdict::NoSuchAddress);
    }
    #[test]
    fn what_the_last_server_said_counts_where_the_status_says_nothing() {
        let unknown = Verdict::NoSuchAddress;
        for (status, said, verdict) in [
            (Some("5.0.0"), "550 5.1.1 <jo@example.org>: user unknown", unknown),
            (Some("5.0.0"), "550-5.7.26 This mail has been blocked", Verdict::Refused),
            (Some("5.0.0"), "552 #5.2.2 mailbox full", Verdict::Refused),
            (Some("5.1.1"), "554 5.7.1 not from you", Verdict::Refused),
            (Some("5.0.0"), "550 blocked by policy of a list", Verdict::Refused),
            (Some("5.0.0"), "550 Message rejected as Spam", Verdict::Refused),
            (Some("5.0.0"), "550 no such user", unknown),
            (Some("5.0.0"), "", unknown),
            (None, "550 5.1.10 RESOLVER.ADR.RecipientNotFound", unknown),
            (None, "552 mailbox full", Verdict::Refused),
            (None, "554 5.0.0 not today", Verdict::Refused),
            (Some("5.0.0"), "451 4.0.0 later", Verdict::Refused),
            (Some("5.0.0"), "421 192.0.2.1 is busy", Verdict::Refused),
            (Some("5.0.0"), "550 Exim 4.94.2 says no", unknown),
            (None, "é 5", unknown),
        ] {
            assert_eq!(Verdict::of_failure_said(status, said), verdict, "{status:?} {said}");
        }
    }
}
