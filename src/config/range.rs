//! Whole numbers with a least and a greatest value.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// For `#[serde(deserialize_with = "range::number::<_, _, 1, 100>")]`: a whole number from `LEAST` to `MOST`.
///
/// # Errors
/// That it is another number, as the deserialiser's error.
pub fn number<'de, D, N, const LEAST: i64, const MOST: i64>(deserializer: D) -> Result<N, D::Error>
where
    D: Deserializer<'de>,
    N: TryFrom<i64>,
{
    let given = i64::deserialize(deserializer)?;
    let number = if (LEAST..=MOST).contains(&given) { N::try_from(given).ok() } else { None };
    number.ok_or_else(|| D::Error::custom(format!("{given} is not a whole number from {LEAST} to {MOST}")))
}
