//! Which keys a file has had already.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::domain::audit::sha256_hex;

/// The keys seen so far, as 64 bits of their SHA-256: sixteen bytes a line, whatever the keys' length. In a file of a
/// million lines the odds that two different keys are taken for one are one to forty million.
#[derive(Debug, Default)]
pub(super) struct SeenKeys(HashMap<u64, u64>);

impl SeenKeys {
    /// The line that had this key before; or none, and the key belongs to `line` from now on.
    pub(super) fn first_line(&mut self, key: &[&str], line: u64) -> Option<u64> {
        let digest = sha256_hex(key);
        let fingerprint = u64::from_str_radix(digest.get(..16).unwrap_or_default(), 16).unwrap_or_default();
        match self.0.entry(fingerprint) {
            Entry::Occupied(seen) => Some(*seen.get()),
            Entry::Vacant(free) => {
                free.insert(line);
                None
            }
        }
    }
}
