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
    /// All that went to this address, and is not known to have come back.
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
}
