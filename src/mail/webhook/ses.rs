//! Amazon SES, through Amazon SNS: `Bounce` notifications and events, in SNS' envelope or raw.

use serde::Deserialize;

use super::{Fate, Told, message_id, parse, recipient, text};
use crate::domain::bounce::BouncedMail;
use crate::mail::return_path::ReturnPath;

/// What SNS wraps around it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Envelope {
    #[serde(rename = "Type")]
    kind: String,
    topic_arn: String,
    message: String,
    #[serde(default, rename = "SubscribeURL")]
    subscribe_url: Option<String>,
}

/// What SES says.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Notification {
    #[serde(rename = "notificationType", alias = "eventType")]
    what: String,
    mail: Mail,
    bounce: Option<BounceObject>,
    delivery_delay: Option<DelayObject>,
}

#[derive(Deserialize)]
struct Mail {
    #[serde(default, deserialize_with = "text")]
    source: String,
    #[serde(default)]
    headers: Vec<Header>,
}

#[derive(Deserialize)]
struct Header {
    name: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BounceObject {
    bounce_type: String,
    #[serde(default = "general")]
    bounce_sub_type: String,
    bounced_recipients: Vec<Recipient>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DelayObject {
    delayed_recipients: Vec<Recipient>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recipient {
    email_address: String,
    status: Option<String>,
    #[serde(default, deserialize_with = "text")]
    diagnostic_code: String,
}

fn general() -> String {
    "General".to_owned()
}

pub(super) fn told_by_sns(envelope: Envelope, return_path: Option<&ReturnPath>) -> Result<Told, String> {
    match envelope.kind.as_str() {
        "SubscriptionConfirmation" => {
            let url = envelope.subscribe_url.unwrap_or_default();
            let how = format!("if {:?} is a topic of yours, open {url:?}", envelope.topic_arn);
            Ok(Told { to_confirm: Some(how), ..Told::nothing() })
        }
        "Notification" => {
            // SNS itself says something now and then, such as that a topic is set up.
            let Ok(value) = serde_json::from_str(&envelope.message) else { return Ok(Told::nothing()) };
            Ok(told(parse("an Amazon SES notification in an Amazon SNS message", value)?, return_path))
        }
        _ => Ok(Told::nothing()),
    }
}

pub(super) fn told(notification: Notification, return_path: Option<&ReturnPath>) -> Told {
    let Notification { what, mail, bounce, delivery_delay } = notification;
    let (permanent, fallback, recipients) = match (what.as_str(), bounce, delivery_delay) {
        ("Bounce", Some(bounce), _) => match bounce.bounce_type.as_str() {
            "Permanent" => (true, None, bounce.bounced_recipients),
            // A full mailbox, too large, refused content: not tried again. `General` may be an answer of somebody on holiday.
            "Transient" if bounce.bounce_sub_type != "General" => (true, Some("5.2.2"), bounce.bounced_recipients),
            "Transient" => (false, None, bounce.bounced_recipients),
            // `Undetermined`: not tried again, and nobody knows why.
            _ => (true, Some("5.7.0"), bounce.bounced_recipients),
        },
        ("DeliveryDelay", _, Some(delay)) => (false, None, delay.delayed_recipients),
        _ => return Told::nothing(),
    };
    let mut told = Told::default();
    for one in &recipients {
        let fate = Fate { permanent, status: one.status.as_deref().or(fallback), said: &one.diagnostic_code };
        told.add(mail.which(one, return_path).map(|mail| fate.of(mail)));
    }
    told
}

impl Mail {
    /// SES has a Message-ID of its own for each mail: ours stands in the headers, where the topic is set to have them.
    fn which(&self, one: &Recipient, return_path: Option<&ReturnPath>) -> Option<BouncedMail> {
        if let Some(path) = return_path {
            return path.mail_of(&self.source).map(BouncedMail::Id);
        }
        let header = self.headers.iter().find(|header| header.name.eq_ignore_ascii_case("Message-ID"));
        header.map_or_else(|| recipient(&one.email_address), |header| message_id(&header.value))
    }
}
