//! The way to a PostgreSQL: why no connection comes, and which connections are of no use any more.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnection, PgPool};
use sqlx::{Connection as _, Error};
use tokio::time::timeout;

use super::StoreError;

/// How long the attempt may take that tells why no connection came.
const ATTEMPT: Duration = Duration::from_secs(2);
/// The SQLSTATE of a write where nothing can be written.
const READ_ONLY: &str = "25006";

/// How long a connection that is not in use may take to show that it leads somewhere.
const SIGN_OF_LIFE: Duration = Duration::from_secs(2);

/// For how long the server may leave something unanswered before its connection is given up; none: for as long as the system
/// takes the connection for one. That is for ever where the server's machine goes without a word after the question has
/// come there (RFC 1122, 4.2.3.6: nothing is sent that would show it).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Silence(pub(super) Option<Duration>);

impl Silence {
    /// The same where a connection has to come from this pool first.
    pub(super) fn after_acquiring(self, pool: &PgPool) -> Self {
        Self(self.0.map(|limit| limit + pool.options().get_acquire_timeout()))
    }

    /// What comes of waiting for an answer.
    pub(super) fn bounds<'a, T>(
        self,
        answer: impl Future<Output = Result<T, Error>> + Send + 'a,
    ) -> impl Future<Output = Result<T, Error>> + Send + 'a {
        // Every statement of the store is in here: apart, so that what waits for many of them stays small.
        let answer = Box::pin(answer);
        async move {
            let Some(limit) = self.0 else { return answer.await };
            timeout(limit, answer).await.unwrap_or_else(|_| Err(silent(limit)))
        }
    }

    /// Whether a connection that is not in use leads somewhere.
    pub(super) async fn is_alive(self, connection: &mut PgConnection) -> Result<bool, Error> {
        let limit = self.0.unwrap_or(SIGN_OF_LIFE).min(SIGN_OF_LIFE);
        Self(Some(limit)).bounds(connection.ping()).await.map(|()| true)
    }
}

fn silent(limit: Duration) -> Error {
    let text = format!("no answer within {} s, so that this connection is given up", limit.as_secs_f64());
    Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, text))
}

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
