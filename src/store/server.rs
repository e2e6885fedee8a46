//! Opening a database on a PostgreSQL server, with or without a pooler before it.

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::{Connection as _, Row as _};

use super::StoreError;
use super::connect::{ConnectOptions, STATEMENTS_MOST};
use super::reach::{Leavings, Silence};
use super::session::{SEARCH_PATH, Session};
use super::sql::{Database, Pool};
use crate::config::database::Pooling;

/// What a server, or a pooler, answers to a setting that it does not take at the start of a connection.
const PROTOCOL_VIOLATION: &str = "08P01";

/// How PostgreSQL plans what looks for work: once for a connection, and by indexes, whatever the tables hold just then.
///
/// By itself it makes a plan for these very values each time, which takes ten times as long as looking does where there is
/// nothing to do. A plan for all values that was made while a table was small would read all of it later; one that may only
/// come to rows by indexes and nested loops is good for both. (A penalty of this size would be compiled: `jit`.)
const PLANNED_ONCE: [(&str, &str); 6] = [
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("enable_material", "off"),
    ("jit", "off"),
];

/// What is committed outlives a crash of the server: a mail that was sent would be sent again as another, and be on no record.
/// Where the database does not wait for that, the daemon does (`off` and no other value is less than this one).
const KEPT_COMMIT: (&str, &str) = ("synchronous_commit", "local");

/// Opens a pool of connections to the server that `options` name; messages call it `place`.
pub(super) async fn open(options: &ConnectOptions<'_>, timeout: Duration, place: &str) -> Result<Database, StoreError> {
    let unusable = |error: sqlx::Error| {
        let remedy = remedy(&error);
        StoreError::Unusable(format!("cannot reach the database {place}: {error}; {remedy}"))
    };
    let bare = PgConnectOptions::from_str(options.url)
        .map_err(unusable)?
        .application_name("mfa-enforcer")
        .statement_cache_capacity(STATEMENTS_MOST)
        // No number here has a fraction, and a pooler may not know of it.
        .extra_float_digits(None);
    let mut settings = settings(options);
    let own = bare.clone().options(settings.iter().cloned());
    let own = if options.looks_again { own.options(PLANNED_ONCE) } else { own };
    // The pool tries again until its time is out, and then tells only that: one attempt of our own tells the cause.
    let attempt = async {
        match options.pooling {
            Pooling::Session => reach(&own).await.map(|said| (said, true)),
            Pooling::Transaction => reach(&bare).await.map(|said| (said, false)),
            Pooling::Detect => detect(&own, &bare, &settings).await,
        }
    };
    let reached = tokio::time::timeout(timeout, attempt).await;
    let (said, has_session) = reached.map_err(|_| unusable(sqlx::Error::PoolTimedOut))?.map_err(unusable)?;
    if said.encoding != "UTF8" {
        return Err(StoreError::Unusable(format!(
            "the database {place} has the encoding {}, which not every name can be written in: make another by \
             CREATE DATABASE … TEMPLATE template0 ENCODING 'UTF8'",
            said.encoding
        )));
    }
    if said.synchronous_commit == "off" {
        settings.push((KEPT_COMMIT.0, KEPT_COMMIT.1.to_owned()));
    }
    // Or a statement would be given up before it is known that somebody keeps a row locked, which others must not wait for.
    let limit = options.statement_timeout.map_or(said.statement_timeout, |limit| limit.num_milliseconds());
    if limit > 0 && limit / 2 < options.lock_timeout.num_milliseconds() {
        settings.push(("lock_timeout", (limit / 2).max(1).to_string()));
    }
    let (session, connect) = if has_session {
        (Session::Own, own.options(settings.iter().cloned()))
    } else {
        (Session::lent(&settings), bare)
    };
    let silence = Silence(options.silence.and_then(|limit| limit.to_std().ok()));
    let leavings = Leavings::default();
    let told = leavings.clone();
    let pool = PgPoolOptions::new()
        .max_connections(options.max_connections)
        .acquire_timeout(timeout)
        // Its own tests wait: before for as long as for any connection, and after for ever.
        .test_before_acquire(false)
        .before_acquire(move |connection, about| {
            let spared = told.spare(about.age);
            Box::pin(async move { if spared { silence.is_alive(connection).await } else { Ok(false) } })
        })
        .after_release(move |connection, _| Box::pin(silence.is_alive(connection)))
        .connect_with(connect)
        .await
        .map_err(unusable)?;
    Ok(Database::new(Pool::Postgres(pool)).with_session(session).with_reach(leavings, silence))
}

/// What each transaction goes by.
fn settings(options: &ConnectOptions<'_>) -> Vec<(&'static str, String)> {
    let mut settings = vec![
        ("lock_timeout", options.lock_timeout.num_milliseconds().to_string()),
        ("idle_in_transaction_session_timeout", options.idle_timeout.num_milliseconds().to_string()),
    ];
    if let Some(limit) = options.statement_timeout {
        settings.push(("statement_timeout", limit.num_milliseconds().to_string()));
    }
    if let Some(schema) = options.schema {
        settings.push((SEARCH_PATH, format!("\"{}\"", schema.replace('"', "\"\""))));
    }
    settings
}

/// Whether a connection gets a session of its own. A pooler in transaction mode cannot keep a setting that a connection starts with: it
/// refuses it, or was told to ignore it.
async fn detect(
    own: &PgConnectOptions,
    bare: &PgConnectOptions,
    settings: &[(&'static str, String)],
) -> sqlx::Result<(Said, bool)> {
    match reach(own).await {
        Ok(said) if settings.first().is_some_and(|(_, wanted)| *wanted == said.lock_timeout) => {
            return Ok((said, true));
        }
        Err(error) if !is_refusal_of_settings(&error) => return Err(error),
        Ok(_) | Err(_) => {}
    }
    let said = reach(bare).await?;
    tracing::info!("a pooler in transaction mode stands before the database: nothing is kept between transactions");
    Ok((said, false))
}

/// What a server says of itself.
struct Said {
    /// For how many milliseconds the session waits for a lock.
    lock_timeout: String,
    /// In which encoding the database is.
    encoding: String,
    /// What a commit waits for.
    synchronous_commit: String,
    /// For how many milliseconds the session lets a statement run; 0: without a limit.
    statement_timeout: i64,
}

/// Connects once.
async fn reach(options: &PgConnectOptions) -> sqlx::Result<Said> {
    let mut connection = PgConnection::connect_with(options).await?;
    // By the simple protocol, which a pooler lends one session for.
    let sql = "SELECT setting, current_setting('server_encoding'), current_setting('synchronous_commit'),
             (SELECT CAST(setting AS bigint) FROM pg_settings WHERE name = 'statement_timeout')
         FROM pg_settings WHERE name = 'lock_timeout'";
    let row = sqlx::raw_sql(sql).fetch_one(&mut connection).await?;
    let said = Said {
        lock_timeout: row.try_get(0)?,
        encoding: row.try_get(1)?,
        synchronous_commit: row.try_get(2)?,
        statement_timeout: row.try_get(3)?,
    };
    connection.close().await?;
    Ok(said)
}

fn is_refusal_of_settings(error: &sqlx::Error) -> bool {
    let said = error.as_database_error();
    said.is_some_and(|said| {
        said.code().as_deref() == Some(PROTOCOL_VIOLATION) && said.message().contains("startup parameter")
    })
}

/// What to do about it.
fn remedy(error: &sqlx::Error) -> &'static str {
    let text = error.to_string();
    if is_refusal_of_settings(error) {
        "a pooler stands before it: set database.pooling to \"transaction\", name the schema in database.schema, and leave \
         options out of database.url"
    } else if text.contains("invalid peer certificate") || text.contains("Invalid certificate") {
        "see sslrootcert in database.url: it names the file with the certificate of the authority that signed the server's, \
         which must be for the name of its host"
    } else if text.contains("server does not support TLS") {
        "it does not speak TLS: set ssl = on in its postgresql.conf, or sslmode=disable in database.url if nobody is in between"
    } else if matches!(error, sqlx::Error::Io(error) if error.kind() == std::io::ErrorKind::NotFound) {
        "see sslrootcert, sslcert and sslkey in database.url, or the folder of the server's socket: there is no such file"
    } else {
        "see database.url, and whether PostgreSQL runs there"
    }
}
