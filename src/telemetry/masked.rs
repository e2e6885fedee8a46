//! Addresses as logs may show them.

use std::fmt;

/// Shows an e-mail address so that its owner would recognise it and nobody could write to it: `j***@e***.org`.
///
/// What is not an address is not shown at all.
#[derive(Clone, Copy)]
pub struct Masked<'a>(pub &'a str);

impl fmt::Display for Masked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((local, domain)) = self.0.rsplit_once('@') else { return f.write_str("***") };
        write!(f, "{}***@{}***", first(local), first(domain))?;
        match domain.rsplit_once('.') {
            Some((_, last)) if !last.is_empty() && last.chars().all(char::is_alphanumeric) => write!(f, ".{last}"),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Masked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Shows a text that somebody else wrote, such as a mail server's reply, with every word masked that may hold an
/// address.
#[derive(Clone, Copy)]
pub struct MaskedText<'a>(pub &'a str);

impl fmt::Display for MaskedText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.split_inclusive(char::is_whitespace).try_for_each(|piece| {
            let word = piece.trim_end();
            let (word, space) = piece.split_at(word.len());
            if word.contains('@') {
                let inner = word.trim_matches(|c: char| !c.is_alphanumeric());
                write!(f, "{}{space}", Masked(if inner.contains('@') { inner } else { word }))
            } else {
                f.write_str(piece)
            }
        })
    }
}

/// The first character, if it cannot do harm in a log.
fn first(text: &str) -> &str {
    match text.char_indices().nth(1) {
        Some((end, _)) if text.starts_with(char::is_alphanumeric) => text.get(..end).unwrap_or_default(),
        // A single character would be all there is.
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_recognised_and_not_revealed() {
        for (address, shown) in [
            ("jo.doe@example.org", "j***@e***.org"),
            ("jo+mfa@mail.example.co.uk", "j***@m***.uk"),
            ("x@y.de", "***@y***.de"),
            ("用户@例え.jp", "用***@例***.jp"),
            ("jo@localhost", "j***@l***"),
            ("\"a@b\"@example.org", "***@e***.org"),
            ("jo@example.org\r\nlevel=ERROR", "j***@e***"),
            ("jo", "***"),
            ("", "***"),
            ("@", "***@***"),
        ] {
            assert_eq!(Masked(address).to_string(), shown, "{address:?}");
            assert_eq!(format!("{:?}", Masked(address)), shown);
        }
    }

    #[test]
    fn a_reply_tells_what_was_wrong_and_not_with_whom() {
        for (reply, shown) in [
            ("550 5.1.1 <jo.doe@example.org>: User unknown", "550 5.1.1 j***@e***.org User unknown"),
            ("no mailbox here by jo@example.org.", "no mailbox here by j***@e***.org"),
            ("to=<a@b.org>,<jo.doe@example.org> denied", "t***@e***.org denied"),
            ("a @ b", "a ***@*** b"),
            ("552 mailbox full", "552 mailbox full"),
            ("", ""),
        ] {
            assert_eq!(MaskedText(reply).to_string(), shown, "{reply:?}");
        }
    }
}
