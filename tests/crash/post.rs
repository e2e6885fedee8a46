//! What a mail server has stored.

use std::collections::BTreeMap;
use std::path::Path;

use crate::mail::servers::Sink;

/// A whole mail that came in.
pub struct Mail {
    /// To whom it goes.
    pub address: String,
    pub message_id: String,
    /// What the daemon called itself that brought it: `smtp.hello_name`.
    pub bringer: String,
}

/// The whole mails that came in.
pub fn mails(sink: &Sink) -> Vec<Mail> {
    sink.mails().iter().filter_map(|file| read(file)).collect()
}

/// None: it was cut off, and never accepted.
fn read(file: &Path) -> Option<Mail> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned());
    let (to, message_id, bringer) = (line("X-Rcpt-Args:")?, line("Message-ID:")?, line("X-Helo-Args:")?);
    let boundary = text.lines().rev().find(|line| !line.is_empty()).unwrap_or_default();
    let is_whole = boundary.starts_with("--=_") && boundary.ends_with("--");
    let address = to.split('>').next().unwrap_or_default().trim_start_matches('<').to_owned();
    is_whole.then_some(Mail { address, message_id, bringer })
}

/// The Message-IDs of the whole mails that came in, by address.
pub fn received(sink: &Sink) -> BTreeMap<String, Vec<String>> {
    let mut received: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for mail in mails(sink) {
        received.entry(mail.address).or_default().push(mail.message_id);
    }
    received
}

/// How often each Message-ID came in.
pub fn copies(received: &BTreeMap<String, Vec<String>>) -> BTreeMap<String, usize> {
    let mut copies = BTreeMap::new();
    received.values().flatten().for_each(|id| *copies.entry(id.clone()).or_default() += 1);
    copies
}
