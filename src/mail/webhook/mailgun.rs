//! Mailgun: one event a call.

use serde::Deserialize;

use super::{Fate, Told, message_id, recipient, text};

#[derive(Deserialize)]
pub(super) struct Webhook {
    #[serde(rename = "event-data")]
    data: Data,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Data {
    event: String,
    #[serde(default, deserialize_with = "text")]
    severity: String,
    #[serde(default, deserialize_with = "text")]
    recipient: String,
    #[serde(default)]
    message: Message,
    #[serde(default)]
    delivery_status: DeliveryStatus,
}

#[derive(Default, Deserialize)]
struct Message {
    #[serde(default)]
    headers: Headers,
}

#[derive(Default, Deserialize)]
struct Headers {
    /// The Message-ID as we wrote it, without its angle brackets.
    #[serde(default, rename = "message-id", deserialize_with = "text")]
    message_id: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct DeliveryStatus {
    code: Option<u16>,
    enhanced_code: Option<String>,
    #[serde(default, deserialize_with = "text")]
    message: String,
    #[serde(default, deserialize_with = "text")]
    description: String,
}

pub(super) fn told(webhook: Webhook) -> Told {
    let Data { event, severity, recipient: address, message, delivery_status } = webhook.data;
    if event != "failed" {
        return Told::nothing();
    }
    let words = if delivery_status.message.is_empty() { delivery_status.description } else { delivery_status.message };
    // 605 and the like are Mailgun's own.
    let code = delivery_status.code.filter(|code| (200..600).contains(code)).map(|code| code.to_string());
    let said = match code {
        Some(code) if !words.starts_with(&code) => format!("{code} {words}"),
        _ => words,
    };
    let fate =
        Fate { permanent: severity == "permanent", status: delivery_status.enhanced_code.as_deref(), said: &said };
    let mut told = Told::default();
    let mail = message_id(&message.headers.message_id).or_else(|| recipient(&address));
    told.add(mail.map(|mail| fate.of(mail)));
    told
}
