//! The Event Webhook of `SendGrid`: a list of events.

use serde::Deserialize;

use super::{Fate, Told, message_id, recipient, text};

#[derive(Deserialize)]
pub(super) struct Event {
    #[serde(rename = "event")]
    what: String,
    #[serde(default, deserialize_with = "text")]
    email: String,
    /// The Message-ID as we wrote it.
    #[serde(default, rename = "smtp-id", deserialize_with = "text")]
    smtp_id: String,
    #[serde(rename = "type")]
    kind: Option<String>,
    status: Option<String>,
    #[serde(default, deserialize_with = "text")]
    reason: String,
    #[serde(default, deserialize_with = "text")]
    response: String,
}

pub(super) fn told(events: Vec<Event>) -> Told {
    let mut told = Told::default();
    for event in events {
        let status = event.status.as_deref();
        let fate = match event.what.as_str() {
            // This mail was not taken, for what it is or whom it is from, or as nobody answered.
            "bounce" if event.kind.as_deref() == Some("blocked") => {
                Fate { permanent: true, status: Some("5.7.0"), said: &event.reason }
            }
            "bounce" => Fate { permanent: true, status, said: &event.reason },
            // Not even tried: the address is on the provider's list of those that bounced, or is none.
            "dropped" if matches!(event.reason.as_str(), "Bounced Address" | "Invalid") => {
                Fate { permanent: true, status: None, said: &event.reason }
            }
            "deferred" => Fate { permanent: false, status, said: &event.response },
            _ => {
                told.ignored += 1;
                continue;
            }
        };
        let mail = message_id(&event.smtp_id).or_else(|| recipient(&event.email));
        told.add(mail.map(|mail| fate.of(mail)));
    }
    told
}
