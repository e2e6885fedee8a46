//! What can go wrong with the store.

use std::borrow::Cow;

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
    /// The role that the database was reached as lacks a privilege.
    #[error("the role in database.url may not do this: {0}; its owner can grant it, see docs/postgresql/grants.sql")]
    Forbidden(#[source] sqlx::Error),
    /// Others work on the same rows, and did not give them up in time.
    #[error("others are at work on what this needs: {0}; try again")]
    Busy(#[source] sqlx::Error),
    /// The database refused or could not be reached.
    #[error("the database failed: {0}")]
    Database(#[source] sqlx::Error),
}

/// PostgreSQL's `insufficient_privilege`.
const FORBIDDEN: &str = "42501";
/// PostgreSQL's `lock_not_available`.
const LOCKED: &str = "55P03";
/// PostgreSQL's classes of errors in values, of broken constraints, in statements, and of functions.
const REFUSALS: [&str; 4] = ["22", "23", "42", "P0"];
/// PostgreSQL's `unique_violation`.
const TWICE: &str = "23505";
/// PostgreSQL's `lock_not_available` and `deadlock_detected`, and `SQLITE_BUSY`.
const BUSY: [&str; 3] = [LOCKED, "40P01", "5"];

impl StoreError {
    /// Whether somebody has kept a row locked for longer than a statement waits.
    pub(super) fn is_of_a_lock(&self) -> bool {
        matches!(self, Self::Busy(error) if code(error).as_deref() == Some(LOCKED))
    }

    /// Whether the database was reached, and took exception to what it was given: it would again.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self, Self::Database(error) if code(error).is_some_and(|code| REFUSALS.iter().any(|class| code.starts_with(class))))
    }

    /// Of a row that nobody had when it was looked for: somebody else has just made it.
    pub(super) fn of_a_race(self) -> Self {
        match self {
            Self::Database(error) if code(&error).as_deref() == Some(TWICE) => Self::Busy(error),
            other => other,
        }
    }
}

fn code(error: &sqlx::Error) -> Option<Cow<'_, str>> {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code)
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match code(&error).as_deref() {
            Some(FORBIDDEN) => Self::Forbidden(error),
            Some(code) if BUSY.contains(&code) => Self::Busy(error),
            _ => Self::Database(error),
        }
    }
}
