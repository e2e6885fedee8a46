//! The audit trail's hash chain: each event's hash covers the event and the hash before it.

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::ids::Id;
use super::time::Timestamp;

/// The hash before the first event.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// One thing that was done, by whom, when, to what.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct AuditEvent {
    /// Its place in the trail: 1, 2, 3 without a gap.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// Who: a person, `sql` for a change that the daemon found, `daemon` for what it does by itself.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// The company it was done to, if one.
    pub company_id: Option<Id>,
    /// The id of what it was done to.
    pub subject: Option<String>,
    /// The particulars: ids, dates and counts, no names or addresses.
    pub detail: Value,
    /// The hash of the event before it.
    pub prev_hash: String,
    /// Its own.
    pub hash: String,
}

impl AuditEvent {
    /// What its hash must be: SHA-256, in hexadecimal, over one JSON array of its fields in order, with the keys of
    /// objects sorted (PostgreSQL's `jsonb` does not keep their order).
    #[must_use]
    pub fn computed_hash(&self) -> String {
        let fields = json!([
            self.seq,
            self.at.to_string(),
            self.actor,
            self.action,
            self.company_id.map(|id| id.to_string()),
            self.subject,
            sorted(&self.detail),
            self.prev_hash,
        ]);
        sha256_hex([fields.to_string()])
    }
}

/// SHA-256, in hexadecimal, of the parts, each followed by a line feed.
pub fn sha256_hex(parts: impl IntoIterator<Item = impl AsRef<[u8]>>) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part);
        digest.update(b"\n");
    }
    hex::encode(digest.finalize())
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let ordered: std::collections::BTreeMap<_, _> = fields.iter().collect();
            Value::Object(ordered.into_iter().map(|(key, value)| (key.clone(), sorted(value))).collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

/// Walks a trail from its first event on and finds the first place at which it is broken.
#[derive(Debug)]
pub struct Verifier {
    expected_head: Option<String>,
    head_seen: bool,
    /// How many events were walked.
    pub count: i64,
    /// The hash of the last event walked.
    pub hash: String,
}

impl Verifier {
    /// A verifier that also wants to meet `expected_head`, a hash noted down earlier.
    #[must_use]
    pub fn new(expected_head: Option<&str>) -> Self {
        let expected_head = expected_head.map(|hash| hash.trim().to_lowercase());
        Self { head_seen: expected_head.as_deref() == Some(GENESIS), expected_head, count: 0, hash: GENESIS.to_owned() }
    }

    /// Walks on to the next event.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn next(&mut self, event: &AuditEvent) -> Result<(), String> {
        let seq = self.count + 1;
        if event.seq != seq {
            return Err(format!("event {seq} is missing: the next one is {}", event.seq));
        }
        if event.prev_hash != self.hash {
            return Err(format!("event {seq} does not follow on the one before it"));
        }
        if event.computed_hash() != event.hash {
            return Err(format!("event {seq} ({}) was changed", event.action));
        }
        self.count = seq;
        self.hash.clone_from(&event.hash);
        self.head_seen |= self.expected_head.as_ref() == Some(&event.hash);
        Ok(())
    }

    /// Ends the walk, at a trail whose head row says `head_seq` and `head_hash`.
    ///
    /// # Errors
    /// What is missing at the end.
    pub fn finish(self, head_seq: i64, head_hash: &str) -> Result<(), String> {
        if (self.count, self.hash.as_str()) != (head_seq, head_hash) {
            return Err(format!(
                "the trail ends at event {}, but its head is event {head_seq}: the end was cut off",
                self.count
            ));
        }
        match self.expected_head {
            Some(hash) if !self.head_seen => {
                Err(format!("no event has the hash {hash}: the end was cut off, or the trail is another's"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
