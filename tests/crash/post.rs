//! What a mail server has stored.

use std::collections::BTreeMap;

use crate::mail::servers::Sink;

/// The Message-IDs of the whole mails that came in, by address.
pub fn received(sink: &Sink) -> BTreeMap<String, Vec<String>> {
    let mut received: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in sink.mails() {
        let Ok(text) = std::fs::read_to_string(file) else { continue }; // taken away: the mail was cut off
        let line =
            |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned());
        let (Some(to), Some(message_id)) = (line("X-Rcpt-Args:"), line("Message-ID:")) else { continue };
        // What was cut off by a kill was never accepted.
        let boundary = text.lines().rev().find(|line| !line.is_empty()).unwrap_or_default();
        if boundary.starts_with("--=_") && boundary.ends_with("--") {
            let address = to.split('>').next().unwrap_or_default().trim_start_matches('<').to_owned();
            received.entry(address).or_default().push(message_id);
        }
    }
    received
}

/// How often each Message-ID came in.
pub fn copies(received: &BTreeMap<String, Vec<String>>) -> BTreeMap<String, usize> {
    let mut copies = BTreeMap::new();
    received.values().flatten().for_each(|id| *copies.entry(id.clone()).or_default() += 1);
    copies
}
