//! Opening a database.

use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

use chrono::TimeDelta;
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use url::Url;

use super::migrate::check_schema;
use super::sql::{Database, Pool};
use super::{SqlStore, StoreError, server};
use crate::clock::Randomness;
use crate::config::database::Pooling;

/// How to reach a database.
#[derive(Clone, Debug)]
pub struct ConnectOptions<'a> {
    /// `sqlite://FILE` or `postgres://…`.
    pub url: &'a str,
    /// How many connections to keep at most.
    pub max_connections: u32,
    /// How long to wait for a connection.
    pub timeout: TimeDelta,
    /// How long one statement may take, on PostgreSQL; none: as the server says.
    pub statement_timeout: Option<TimeDelta>,
    /// For how long PostgreSQL may say nothing before the connection is given up; none: as the system says.
    pub silence: Option<TimeDelta>,
    /// How long one statement may wait for what another transaction has locked, on PostgreSQL: [`LOCK_TIMEOUT`].
    pub lock_timeout: TimeDelta,
    /// How long a transaction may stand open while it waits for this program, on PostgreSQL: [`IDLE_TIMEOUT`] at most.
    pub idle_timeout: TimeDelta,
    /// The schema in which the tables are, on PostgreSQL; none: as the server's `search_path` says.
    pub schema: Option<&'a str>,
    /// Whose session a connection to PostgreSQL works in.
    pub pooling: Pooling,
    /// Whether the same looks for work are taken again and again, and so may be planned once.
    pub looks_again: bool,
}

impl<'a> ConnectOptions<'a> {
    /// One connection to the database at `url`, with no limit but those of the server and of patience.
    #[must_use]
    pub fn new(url: &'a str) -> Self {
        Self {
            url,
            max_connections: 1,
            timeout: TimeDelta::seconds(10),
            statement_timeout: None,
            silence: None,
            lock_timeout: LOCK_TIMEOUT,
            idle_timeout: IDLE_TIMEOUT,
            schema: None,
            pooling: Pooling::Detect,
            looks_again: false,
        }
    }
}

/// How long a statement waits for a lock. The tables are shared with the vendor's application: one transaction that it
/// left idle must not stop the daemon, whose task fails instead, says so, and is run again by the next tick.
pub const LOCK_TIMEOUT: TimeDelta = TimeDelta::seconds(5);

/// How long the server keeps a transaction open for a program from which nothing comes. One that hangs, or whose machine was
/// paused or cut off, holds the locks of its transaction, such as that on the head of the audit trail: after this the others go
/// on. In order, nothing but a moment's deciding comes between the statements of a transaction.
pub const IDLE_TIMEOUT: TimeDelta = TimeDelta::seconds(30);

/// How many prepared statements a connection keeps: more than there are, so that a tick prepares nothing. (sqlx keeps a
/// hundred by itself, and going through more in turn finds none of them again.)
pub(super) const STATEMENTS_MOST: usize = 1000;

/// What to do where the schema is older than the binary's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schema {
    /// Bring it up to date.
    Migrate,
    /// Refuse, and say how to bring it up to date.
    Expect,
}

impl SqlStore {
    /// Opens the database at `options.url`. An SQLite file that does not exist is made only with [`Schema::Migrate`].
    ///
    /// # Errors
    /// When the database cannot be reached, or its schema is newer than this binary, or older and not to be migrated.
    pub async fn connect(
        options: &ConnectOptions<'_>,
        schema: Schema,
        randomness: Randomness,
    ) -> Result<Self, StoreError> {
        let place = shown(options.url);
        let timeout = options.timeout.to_std().unwrap_or(Duration::from_secs(10));
        let database = if options.url.starts_with("sqlite:") {
            Database::new(Pool::Sqlite(open_sqlite(options, schema, timeout, &place).await?))
        } else if options.url.starts_with("postgres:") || options.url.starts_with("postgresql:") {
            server::open(options, timeout, &place).await?
        } else {
            return Err(StoreError::Unusable(format!(
                "database.url is neither sqlite://FILE nor postgres://…: it is '{place}'"
            )));
        };
        check_schema(&database, schema, &place).await?;
        Ok(Self { database, randomness })
    }
}

/// Opens an SQLite file of the schema that this program knows, for reading only. `at_rest`: nobody writes to it; then
/// neither locks are taken nor files made beside it.
///
/// # Errors
/// When it cannot be opened, or its schema is newer or older.
pub(super) async fn read_sqlite(file: &Path, at_rest: bool) -> Result<Database, StoreError> {
    let place = file.display().to_string();
    let connect = SqliteConnectOptions::new().filename(file).read_only(true).immutable(at_rest);
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(connect).await;
    let unreadable =
        |error| StoreError::Unusable(format!("cannot read the database {place}: {error}; see whether it is one"));
    let database = Database::new(Pool::Sqlite(pool.map_err(unreadable)?));
    match check_schema(&database, Schema::Expect, &place).await {
        Err(StoreError::Database(error)) => Err(unreadable(error)),
        checked => checked.map(|()| database),
    }
}

/// Opens a database on a server, of the schema that this program knows, by one connection.
///
/// # Errors
/// When it cannot be reached, or its schema is newer or older.
pub(super) async fn read_postgres(options: &ConnectOptions<'_>) -> Result<Database, StoreError> {
    let place = shown(options.url);
    let options = ConnectOptions { max_connections: 1, ..options.clone() };
    let timeout = options.timeout.to_std().unwrap_or(Duration::from_secs(10));
    let database = server::open(&options, timeout, &place).await?;
    check_schema(&database, Schema::Expect, &place).await?;
    Ok(database)
}

async fn open_sqlite(
    options: &ConnectOptions<'_>,
    schema: Schema,
    timeout: Duration,
    place: &str,
) -> Result<sqlx::SqlitePool, StoreError> {
    let unusable = |error: sqlx::Error| {
        StoreError::Unusable(format!(
            "cannot open the database {place}: {error}; see database.url, and run `mfa-enforcer migrate` if it does not exist yet"
        ))
    };
    let connect = SqliteConnectOptions::from_str(options.url)
        .map_err(unusable)?
        .create_if_missing(schema == Schema::Migrate)
        .journal_mode(SqliteJournalMode::Wal)
        // WAL with NORMAL may lose the last commits with the power, and a mail that was sent would be sent again.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .statement_cache_capacity(STATEMENTS_MOST)
        .busy_timeout(timeout);
    SqlitePoolOptions::new()
        .max_connections(options.max_connections.min(4))
        .acquire_timeout(timeout)
        // SQLite itself rolls back what met a full disk, and sqlx goes on taking the transaction for open: such a
        // connection would begin none ever again.
        .before_acquire(|connection, _| Box::pin(std::future::ready(Ok(!connection.is_in_transaction()))))
        .connect_with(connect)
        .await
        .map_err(unusable)
}

/// A database's URL as messages may show it: where the database is, and nothing that may hold a secret. A server's
/// parameters can be a password or a key as well.
#[must_use]
pub fn shown(url: &str) -> String {
    let Ok(mut parsed) = Url::parse(url) else { return "(not a URL)".to_owned() };
    if parsed.scheme() == "sqlite" {
        return url.to_owned();
    }
    if parsed.password().is_some() && parsed.set_password(Some("***")).is_err() {
        return "(a URL with a password)".to_owned();
    }
    parsed.set_query(None);
    parsed.set_fragment(None);
    parsed.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_its_secrets() {
        for (url, expected) in [
            ("postgres://jo:s3cret@db:5432/app", "postgres://jo:***@db:5432/app"),
            ("postgres://db/app?user=jo&password=s3cret", "postgres://db/app"),
            ("postgresql://jo@db/app?sslkey=s3cret#s3cret", "postgresql://jo@db/app"),
            ("mysql://db/app?password=s3cret", "mysql://db/app"),
            ("postgres://jo:s3cret@db:port/app", "(not a URL)"),
            ("sqlite://data/mfa.db?mode=rwc", "sqlite://data/mfa.db?mode=rwc"),
        ] {
            assert_eq!(shown(url), expected);
        }
    }
}
