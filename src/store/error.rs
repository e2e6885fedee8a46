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
/// PostgreSQL's `lock_not_available` and `deadlock_detected`.
const LOCKED: [&str; 2] = ["55P03", "40P01"];
/// PostgreSQL's classes of errors in values, of broken constraints, in statements, and of functions.
const REFUSALS: [&str; 4] = ["22", "23", "42", "P0"];
/// The length of PostgreSQL's codes (SQLSTATE); those of SQLite are shorter.
const SQLSTATE_LENGTH: usize = 5;
/// `SQLITE_CONSTRAINT`, which is the low byte of the codes that say which.
const SQLITE_CONSTRAINT: u32 = 19;
/// PostgreSQL's `unique_violation` and `foreign_key_violation`.
const RACES: [&str; 2] = ["23505", "23503"];
/// `SQLITE_BUSY`.
const SQLITE_BUSY: &str = "5";

impl StoreError {
    /// Whether somebody has kept a row locked for longer than a statement waits, or waits for this one's in turn.
    pub(super) fn is_of_a_lock(&self) -> bool {
        matches!(self, Self::Busy(error) if code(error).is_some_and(|code| LOCKED.contains(&&*code)))
    }

    /// Whether the database was reached, and took exception to what it was given, or gave what cannot be used: it would again.
    pub(crate) fn is_refusal(&self) -> bool {
        use sqlx::Error::{ColumnDecode, Database, Decode, Encode};
        match self {
            Self::Busy(_) | Self::Unusable(_) => false,
            Self::Database(error @ Database(_)) => code(error).is_some_and(|code| is_code_of_refusal(&code)),
            Self::Database(error) => matches!(error, ColumnDecode { .. } | Decode(_) | Encode(_)),
            Self::Refused(_) | Self::NotFound(_) | Self::Invalid(_) | Self::Corrupt(_) | Self::Forbidden(_) => true,
        }
    }

    /// Whether it may be of a row that nobody had when it was looked for, and somebody else has just made; or that was there, and is gone.
    pub(super) fn is_of_a_race(&self) -> bool {
        matches!(self, Self::Database(error) if is_race(error))
    }

    /// Of a row that somebody else has just made.
    pub(super) fn of_a_race(self) -> Self {
        match self {
            Self::Database(error) if is_race(&error) => Self::Busy(error),
            other => other,
        }
    }
}

fn is_race(error: &sqlx::Error) -> bool {
    code(error).is_some_and(|code| RACES.contains(&&*code))
}

fn is_code_of_refusal(code: &str) -> bool {
    if code.len() == SQLSTATE_LENGTH {
        return REFUSALS.iter().any(|class| code.starts_with(class));
    }
    code.parse().is_ok_and(|code: u32| code & 0xff == SQLITE_CONSTRAINT)
}

fn code(error: &sqlx::Error) -> Option<Cow<'_, str>> {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code)
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match code(&error).as_deref() {
            Some(FORBIDDEN) => Self::Forbidden(error),
            Some(code) if LOCKED.contains(&code) || code == SQLITE_BUSY => Self::Busy(error),
            _ => Self::Database(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_database_would_refuse_again_is_told_by_its_code() {
        // PostgreSQL: a value out of range, a broken check, no such column, a trigger's exception.
        for code in ["22003", "23514", "42703", "P0001"] {
            assert!(is_code_of_refusal(code), "{code}");
        }
        // SQLite: a broken check, a second row of the same key, a trigger's abort.
        for code in ["275", "1555", "1811"] {
            assert!(is_code_of_refusal(code), "{code}");
        }
        // PostgreSQL: no more connections, a full disk, shutting down; SQLite: locked, full, a failed read, which begins with 23.
        for code in ["53300", "53100", "57P01", "5", "13", "2314"] {
            assert!(!is_code_of_refusal(code), "{code}");
        }
    }

    #[test]
    fn what_may_pass_by_itself_is_no_refusal() {
        assert!(StoreError::Forbidden(sqlx::Error::RowNotFound).is_refusal());
        assert!(StoreError::Corrupt(String::new()).is_refusal());
        assert!(!StoreError::Busy(sqlx::Error::RowNotFound).is_refusal());
        assert!(!StoreError::Unusable(String::new()).is_refusal());
        for error in [sqlx::Error::PoolTimedOut, sqlx::Error::WorkerCrashed, std::io::Error::other("").into()] {
            assert!(!StoreError::Database(error).is_refusal());
        }
    }
}
