//! What notices say, the mails that carry them, and how mail servers take them.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that panics has failed, as it should"
)]

#[path = "mail/admin_words.rs"]
mod admin_words;
#[path = "mail/compose.rs"]
mod compose;
#[path = "mail/dkim.rs"]
mod dkim;
#[path = "mail/dsn.rs"]
mod dsn;
#[path = "mail/form_letters.rs"]
mod form_letters;
#[path = "mail/paces.rs"]
mod paces;
#[path = "mail/pipelining.rs"]
mod pipelining;
#[path = "mail/relays.rs"]
mod relays;
#[path = "mail/return_path.rs"]
mod return_path;
#[path = "mail/scripted.rs"]
mod scripted;
#[path = "mail/servers.rs"]
#[allow(dead_code, reason = "shared with the crash tests, which need more of it")]
mod servers;
#[path = "mail/settings.rs"]
mod settings;
#[path = "mail/smtp.rs"]
mod smtp;
#[path = "mail/support.rs"]
mod support;
#[path = "mail/templates.rs"]
mod templates;
#[path = "mail/tls.rs"]
mod tls;
#[path = "mail/transports.rs"]
mod transports;
#[path = "mail/webhook.rs"]
mod webhook;
#[path = "mail/words.rs"]
mod words;
