//! Identifiers of rows.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The id of a row: a UUID (RFC 9562), written hyphenated and in lower case.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Id(pub Uuid);

/// The id of the payee mandate, the seeded enforcement that belongs to no company. Both migrations insert it.
pub const PAYEE_MANDATE: Id = Id(Uuid::from_u128(1));

impl Id {
    /// The id before all others: where paging in the order of ids begins.
    pub const FIRST: Self = Self(Uuid::nil());
    /// The id after all others (RFC 9562, section 5.10): where a range that has no other end ends.
    pub const LAST: Self = Self(Uuid::max());
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Id {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}
