//! Opening a database, and bringing its schema up to date.

use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

use chrono::TimeDelta;
use sqlx::Connection as _;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use url::Url;

use super::sql::{Database, Pool};
use super::{SqlStore, StoreError, migrations};
use crate::clock::Randomness;

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
    /// How long one statement may wait for what another transaction has locked, on PostgreSQL: [`LOCK_TIMEOUT`].
    pub lock_timeout: TimeDelta,
}

/// How long a statement waits for a lock. The tables are shared with the vendor's application: one transaction that it
/// left idle must not stop the daemon, whose task fails instead, says so, and is run again by the next tick.
pub const LOCK_TIMEOUT: TimeDelta = TimeDelta::seconds(5);

/// How many prepared statements a connection keeps: more than there are, so that a tick prepares nothing. (sqlx keeps a
/// hundred by itself, and going through more in turn finds none of them again.)
const STATEMENTS_MOST: usize = 1000;

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
            Database::new(Pool::Postgres(open_postgres(options, timeout, &place).await?))
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
    let database = Database::new(Pool::Postgres(open_postgres(&options, timeout, &place).await?));
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
        .connect_with(connect)
        .await
        .map_err(unusable)
}

async fn open_postgres(
    options: &ConnectOptions<'_>,
    timeout: Duration,
    place: &str,
) -> Result<sqlx::PgPool, StoreError> {
    let unusable = |error: sqlx::Error| {
        StoreError::Unusable(format!(
            "cannot reach the database {place}: {error}; see database.url, and whether PostgreSQL runs there"
        ))
    };
    let mut connect = PgConnectOptions::from_str(options.url).map_err(unusable)?.application_name("mfa-enforcer");
    connect = connect.statement_cache_capacity(STATEMENTS_MOST);
    connect = connect.options([("lock_timeout", options.lock_timeout.num_milliseconds().to_string())]);
    if let Some(limit) = options.statement_timeout {
        connect = connect.options([("statement_timeout", limit.num_milliseconds().to_string())]);
    }
    // The pool tries again until its time is out, and then tells only that: one attempt of our own tells the cause.
    let attempt = tokio::time::timeout(timeout, PgConnection::connect_with(&connect)).await;
    let first = attempt.map_err(|_| unusable(sqlx::Error::PoolTimedOut))?.map_err(unusable)?;
    drop(first);
    PgPoolOptions::new()
        .max_connections(options.max_connections)
        .acquire_timeout(timeout)
        .connect_with(connect)
        .await
        .map_err(unusable)
}

async fn check_schema(database: &Database, schema: Schema, place: &str) -> Result<(), StoreError> {
    let (migrations, table) = match database.pool() {
        Pool::Sqlite(_) => (&migrations::SQLITE, "SELECT name FROM sqlite_master WHERE name = '_sqlx_migrations'"),
        Pool::Postgres(_) => (&migrations::POSTGRES, "SELECT 1 WHERE to_regclass('_sqlx_migrations') IS NOT NULL"),
    };
    let known = migrations.iter().map(|migration| migration.version).max().unwrap_or(0);
    let found: i64 = if database.fetch_optional(table, vec![]).await?.is_some() {
        let row = database
            .fetch_optional("SELECT COALESCE(max(version), 0) AS version FROM _sqlx_migrations", vec![])
            .await?;
        row.map_or(Ok(0), |row| row.get("version"))?
    } else {
        0
    };
    if found > known {
        return Err(StoreError::Unusable(format!(
            "the database {place} has schema {found}, and this mfa-enforcer knows only up to {known}: run the newer version that made it"
        )));
    }
    if found < known && schema == Schema::Expect {
        return Err(StoreError::Unusable(format!(
            "the database {place} has schema {found}, and this mfa-enforcer needs {known}: run `mfa-enforcer migrate` with database.url set to it"
        )));
    }
    if schema == Schema::Migrate {
        let migrated = match database.pool() {
            Pool::Sqlite(pool) => migrations.run(pool).await,
            Pool::Postgres(pool) => migrate_patiently(migrations, pool).await,
        };
        migrated
            .map_err(|error| StoreError::Unusable(format!("cannot bring the database {place} up to date: {error}")))?;
    }
    Ok(())
}

/// Runs the migrations on a connection of the pool that waits for locks as long as it takes: for another daemon that
/// migrates, and for tables in use.
async fn migrate_patiently(migrations: &Migrator, pool: &sqlx::PgPool) -> Result<(), MigrateError> {
    let mut connection = pool.acquire().await?;
    sqlx::query("SET lock_timeout = 0").execute(&mut *connection).await?;
    migrations.run(&mut *connection).await?;
    sqlx::query("RESET lock_timeout").execute(&mut *connection).await?;
    Ok(())
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
