//! What can go wrong with the store.

use thiserror::Error;

use crate::domain::values::InvalidValue;

/// Why the store did not do what it was asked; nothing of it was done. Each message says what to do.
#[derive(Debug, Error)]
pub enum StoreError {
    /// What was asked for breaks a rule.
    #[error("{0}")]
    Refused(String),
    /// There is no such row, or more than one.
    #[error("{0}")]
    NotFound(String),
    /// A value is not of the kind it should be.
    #[error(transparent)]
    Invalid(#[from] InvalidValue),
    /// The database cannot be opened as it is.
    #[error("{0}")]
    Unusable(String),
    /// A stored text is none of the names it should be.
    #[error("the database holds a value that it should not: {0}")]
    Corrupt(String),
    /// The database refused or could not be reached.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
}
