//! Postmark: one record a call.

use serde::Deserialize;

use super::{Fate, Told, recipient, text};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Call {
    record_type: String,
    #[serde(default, rename = "Type", deserialize_with = "text")]
    kind: String,
    #[serde(default, deserialize_with = "text")]
    email: String,
    #[serde(default, deserialize_with = "text")]
    details: String,
}

/// Postmark writes a Message-ID of its own into each mail: the address is all that we know it by.
pub(super) fn told(call: &Call) -> Told {
    let mut told = Told::default();
    if call.record_type != "Bounce" {
        return Told::nothing();
    }
    let status = match call.kind.as_str() {
        "HardBounce" | "BadEmailAddress" => None,
        // Content or policy, of this mail or its sender.
        "Blocked" | "SpamNotification" | "DMARCPolicy" | "VirusNotification" => Some("5.7.0"),
        "SoftBounce" | "Transient" | "DnsError" | "Undetermined" | "Unknown" => Some("4.0.0"),
        // Answers of people, subscriptions, complaints, and what never became a mail.
        _ => return Told::nothing(),
    };
    let fate = Fate { permanent: status != Some("4.0.0"), status, said: &call.details };
    told.add(recipient(&call.email).map(|mail| fate.of(mail)));
    told
}
