//! The way to a PostgreSQL: why no connection comes, and which connections are of no use any more.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnection, PgPool};
use sqlx::{Connection as _, Error};

use super::StoreError;

/// How long the attempt may take that tells why no connection came.
const ATTEMPT: Duration = Duration::from_secs(2);
/// The SQLSTATE of a write where nothing can be written.
const READ_ONLY: &str = "25006";

/// Which of a pool's connections are to be left. One to a server that has become read-only, as one does that was the first
/// and is so no more, may stay so for as long as it lives: a new one leads to where everybody is led now.
#[derive(Clone, Debug, Default)]
pub(super) struct Leavings(Arc<Mutex<Option<Instant>>>);

impl Leavings {
    /// Learns from an error: after a write that was refused as read-only, all connections of that time are to be left.
    pub(super) fn note(&self, error: &Error) {
        if error.as_database_error().and_then(sqlx::error::DatabaseError::code).is_some_and(|code| code == READ_ONLY) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        }
    }

    /// Whether a connection of this age goes on to be used.
    pub(super) fn spare(&self, age: Duration) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_none_or(|since| age < since.elapsed())
    }
}

/// The error, or where the pool gave up waiting for a connection, why none came: the pool itself does not tell.
pub(super) async fn explained(pool: &PgPool, error: Error) -> StoreError {
    if !matches!(error, Error::PoolTimedOut) {
        return error.into();
    }
    let attempt = tokio::time::timeout(ATTEMPT, PgConnection::connect_with(&pool.connect_options())).await;
    let cause = match attempt {
        Err(_) => "it does not answer".to_owned(),
        Ok(Err(error)) => error.to_string(),
        Ok(Ok(_)) => format!("it answers, but all of this process's {} connections are busy", pool.size()),
    };
    let waited = pool.options().get_acquire_timeout().as_secs();
    StoreError::Unusable(format!("no connection to the database within {waited} s: {cause}"))
}
