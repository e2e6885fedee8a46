//! `[bounces]`: where mails that came back arrive, and how they are known.

use std::path::PathBuf;

use lettre::Address;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::notices::is_reserved;

/// Where mails that came back arrive, and how they are known.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BounceSettings {
    /// The mailbox that they go to; none: they go to the sender.
    #[serde(default)]
    pub address: Option<String>,
    /// With what the address of each mail is signed, so that nobody else can make one up.
    #[serde(default)]
    pub key: Option<SecretString>,
    /// The Maildir that the mailbox is.
    #[serde(default)]
    pub maildir: Option<PathBuf>,
    /// The Unix socket on which the mailbox's mail is taken by LMTP.
    #[serde(default)]
    pub lmtp_socket: Option<PathBuf>,
    /// What whoever posts bounces to `/v1/bounces` must know; none: nobody may.
    #[serde(default)]
    pub webhook_token: Option<SecretString>,
}

/// The longest local part that leaves room for what is added to it (RFC 5321, 4.5.3.1.1: at most 64 octets in all).
const LOCAL_MOST: usize = 15;

/// The shortest secret that cannot be guessed.
const SECRET_LEAST: usize = 16;

impl BounceSettings {
    /// What cannot work: each message names the key, the value (unless secret) and the remedy.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut found: Vec<_> = self.address.as_deref().and_then(address_problem).into_iter().collect();
        if self.address.is_some() && self.key.is_none() {
            found.push(
                "bounces.address is set without a key: set bounces.key_file to a file with a secret, such as one from `openssl rand -hex 32`"
                    .to_owned(),
            );
        }
        let ways = [("maildir", &self.maildir), ("lmtp_socket", &self.lmtp_socket)];
        for (key, path) in ways.into_iter().filter_map(|(key, path)| path.as_ref().map(|path| (key, path))) {
            if self.address.is_none() {
                found.push(format!(
                    "bounces.{key} = \"{}\" is set without an address: set bounces.address to the one whose mail arrives there",
                    path.display()
                ));
            }
        }
        let secrets = [("key", &self.key), ("webhook_token", &self.webhook_token)];
        for (key, secret) in secrets.into_iter().filter_map(|(key, secret)| secret.as_ref().map(|secret| (key, secret)))
        {
            if secret.expose_secret().chars().count() < SECRET_LEAST {
                found.push(format!(
                    "bounces.{key} is too short (it is not shown): give at least {SECRET_LEAST} characters, such as from `openssl rand -hex 32`"
                ));
            }
        }
        found
    }

    /// Whether there is a way by which bounces come.
    #[must_use]
    pub fn takes_any(&self) -> bool {
        self.maildir.is_some() || self.lmtp_socket.is_some() || self.webhook_token.is_some()
    }

    /// What must not be left over from the examples before mail goes to real people.
    #[must_use]
    pub fn problems_for_real_mail(&self) -> Vec<String> {
        let is_example = |text: &&String| text.rsplit_once('@').is_some_and(|(_, domain)| is_reserved(domain));
        let address = self.address.as_ref().filter(is_example);
        let problem =
            |text| format!("bounces.address = \"{text}\" is an example: put an address of yours in its place");
        address.map(problem).into_iter().collect()
    }
}

fn address_problem(text: &str) -> Option<String> {
    let wrong = |why: &str| Some(format!("bounces.address = {text:?} {why}"));
    let Ok(address) = text.parse::<Address>() else {
        return wrong("is not a mail address: write it as bounces@mail.example.com");
    };
    let local = address.user();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if local.contains('+') {
        return wrong("has a '+': leave it and what follows it out, as each mail gets one of its own");
    }
    if local.len() > LOCAL_MOST || !local.chars().all(is_plain) {
        return wrong(&format!(
            "has a name that leaves no room for what each mail adds to it: give one of at most {LOCAL_MOST} letters, digits, dots and hyphens, such as bounces"
        ));
    }
    None
}
