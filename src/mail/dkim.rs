//! Signatures by which receivers see that a mail is from the sender's domain and was not changed (DKIM: RFC 6376, with
//! Ed25519 from RFC 8463). The same message has the same signature.
//!
//! Written here over ring, which is there for TLS: lettre's feature brings the `rsa` crate (RUSTSEC-2023-0071), and mail-auth a
//! DNS resolver with all that belongs to one.

use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use sha2::{Digest as _, Sha256};

use crate::domain::time::Timestamp;

/// The headers that are signed. Those of which a mail has none are signed as missing, so that none can be added (RFC 6376, 5.4).
const SIGNED: [&str; 13] = [
    "From",
    "Reply-To",
    "To",
    "Cc",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "References",
    "List-Id",
    "Feedback-ID",
    "MIME-Version",
    "Content-Type",
];

/// Signs mails of one domain.
pub struct Signer {
    domain: String,
    keys: Vec<Key>,
}

struct Key {
    selector: String,
    pair: Pair,
}

enum Pair {
    Rsa(Box<RsaKeyPair>),
    Ed25519(Box<Ed25519KeyPair>),
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let selectors: Vec<_> = self.keys.iter().map(|key| &key.selector).collect();
        f.debug_struct("Signer").field("domain", &self.domain).field("selectors", &selectors).finish_non_exhaustive()
    }
}

impl Signer {
    /// Reads the keys: each `SELECTOR:FILE`, with a private key in PEM.
    ///
    /// # Errors
    /// Which key is wrong, and the remedy; never what the file holds.
    pub fn read(domain: &str, keys: &[String]) -> Result<Self, String> {
        let keys = keys.iter().map(|key| Key::read(key)).collect::<Result<_, _>>()?;
        Ok(Self { domain: domain.to_owned(), keys })
    }

    /// The `DKIM-Signature` headers of a mail (RFC 5322, with CR LF line ends), to be put before it: one for each key.
    ///
    /// # Errors
    /// When a key cannot sign.
    pub fn headers(&self, mail: &str, at: Timestamp) -> Result<String, String> {
        if self.keys.is_empty() {
            return Ok(String::new());
        }
        let (head, body) = mail.split_once("\r\n\r\n").unwrap_or((mail, ""));
        let hash = BASE64_STANDARD.encode(Sha256::digest(relaxed_body(body)));
        let fields = unfolded(head);
        let mut signed = String::new();
        for name in SIGNED {
            if let Some((name, value)) = fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(name)) {
                signed.push_str(&relaxed_field(name, value));
                signed.push_str("\r\n");
            }
        }
        let names = SIGNED.join(":");
        self.keys
            .iter()
            .map(|key| {
                let (algorithm, domain, selector) = (key.pair.algorithm(), &self.domain, &key.selector);
                let unsigned = format!(
                    " v=1; a={algorithm}; c=relaxed/relaxed; d={domain}; s={selector}; t={};\r\n h={names};\r\n bh={hash};\r\n b=",
                    at.utc().timestamp()
                );
                let data = format!("{signed}{}", relaxed_field("DKIM-Signature", &unsigned));
                let signature = key.pair.sign(data.as_bytes())?;
                Ok(format!("DKIM-Signature:{unsigned}{}\r\n", folded(&signature)))
            })
            .collect()
    }
}

impl Key {
    fn read(text: &str) -> Result<Self, String> {
        // A key itself, put there by mistake, is not to be shown.
        let is_path = text.len() <= 300 && !text.contains("-----") && !text.chars().any(char::is_control);
        let named =
            if is_path { format!("{text:?}") } else { "an entry (not shown: it may be a key itself)".to_owned() };
        let wrong = |why: &str| format!("notices.dkim_keys has {named}, which {why}");
        let (selector, file) = text
            .split_once(':')
            .ok_or_else(|| wrong("is no SELECTOR:FILE: write it as \"2027a:/etc/mfa-enforcer/dkim.pem\""))?;
        let is_name = |label: &str| {
            !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        };
        if !selector.split('.').all(is_name) {
            return Err(wrong(
                "begins with no selector: use letters, digits and hyphens, as in the name of its DNS record",
            ));
        }
        let key = PrivateKeyDer::from_pem_file(Path::new(file)).map_err(|error| {
            wrong(&format!("cannot be read as a private key in PEM, without a passphrase: {error}"))
        })?;
        let kinds = "is no RSA key of 2048 to 4096 bits and no Ed25519 key: make one with `openssl genpkey`";
        let pair = match &key {
            PrivateKeyDer::Pkcs1(der) => {
                RsaKeyPair::from_der(der.secret_pkcs1_der()).map(|pair| Pair::Rsa(Box::new(pair))).ok()
            }
            PrivateKeyDer::Pkcs8(der) => {
                let rsa = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).map(|pair| Pair::Rsa(Box::new(pair)));
                // As openssl writes it, without the public key.
                let ed25519 = || Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der());
                rsa.ok().or_else(|| ed25519().map(|pair| Pair::Ed25519(Box::new(pair))).ok())
            }
            _ => None,
        };
        Ok(Self { selector: selector.to_owned(), pair: pair.ok_or_else(|| wrong(kinds))? })
    }
}

impl Pair {
    fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "rsa-sha256",
            Self::Ed25519(_) => "ed25519-sha256",
        }
    }

    /// The signature in base64.
    fn sign(&self, data: &[u8]) -> Result<String, String> {
        match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                // The random numbers blind the computation: the signature does not depend on them.
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), data, &mut signature)
                    .map_err(|_| "the RSA key of notices.dkim_keys cannot sign".to_owned())?;
                Ok(BASE64_STANDARD.encode(signature))
            }
            // RFC 8463, 3: what is signed is the hash.
            Self::Ed25519(pair) => Ok(BASE64_STANDARD.encode(pair.sign(&Sha256::digest(data)))),
        }
    }
}

/// The headers, each with its name and its value, which may go over several lines.
fn unfolded(head: &str) -> Vec<(&str, String)> {
    let mut fields: Vec<(&str, String)> = Vec::new();
    for line in head.split("\r\n") {
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push_str(line);
            }
        } else if let Some((name, value)) = line.split_once(':') {
            fields.push((name, value.to_owned()));
        }
    }
    fields
}

/// A header as it is signed, without its line end (RFC 6376, 3.4.2).
fn relaxed_field(name: &str, value: &str) -> String {
    format!("{}:{}", name.trim().to_ascii_lowercase(), value.split_ascii_whitespace().collect::<Vec<_>>().join(" "))
}

/// The body as it is signed (RFC 6376, 3.4.4).
fn relaxed_body(body: &str) -> String {
    let mut relaxed = String::with_capacity(body.len() + 2);
    for line in body.trim_end_matches("\r\n").split("\r\n") {
        let mut blank = false;
        for c in line.trim_end_matches([' ', '\t']).chars() {
            let is_blank = c == ' ' || c == '\t';
            if !is_blank {
                relaxed.push(c);
            } else if !blank {
                relaxed.push(' ');
            }
            blank = is_blank;
        }
        relaxed.push_str("\r\n");
    }
    let content = relaxed.trim_end_matches("\r\n").len();
    relaxed.truncate(content);
    if !relaxed.is_empty() {
        relaxed.push_str("\r\n");
    }
    relaxed
}

/// Base64 in lines that fit (RFC 5322, 2.1.1).
fn folded(base64: &str) -> String {
    const WIDTH: usize = 72;
    let lines: Vec<_> = (0..base64.len()).step_by(WIDTH).map(|at| &base64[at..base64.len().min(at + WIDTH)]).collect();
    lines.join("\r\n ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 6376, 3.4.5.
    #[test]
    fn what_is_signed_is_as_the_standard_has_it() {
        assert_eq!(relaxed_body(" C \r\nD \t E\r\n\r\n\r\n"), " C\r\nD E\r\n");
        let fields = unfolded("A: X\r\nB : Y\t\r\n\tZ  ");
        let signed: Vec<_> = fields.iter().map(|(name, value)| relaxed_field(name, value)).collect();
        assert_eq!(signed, ["a:X", "b:Y Z"]);
    }

    #[test]
    fn an_empty_body_is_nothing() {
        for empty in ["", "\r\n", "\r\n\r\n", " \r\n\t\r\n"] {
            assert_eq!(relaxed_body(empty), "", "{empty:?}");
        }
    }
}
