//! Bringing a database's schema up to date, and refusing one that this program does not know.

use sqlx::migrate::{Migration, Migrator};
use sqlx::{AssertSqlSafe, SqlSafeStr as _};

use super::connect::Schema;
use super::sql::{Database, Open, Pool, Row};
use super::values::bind;
use super::{StoreError, migrations};

/// Who migrates a database on a server holds this advisory lock until its transaction ends.
const MIGRATING: i64 = 0x6d66_615f_656e_666f;

/// Where sqlx remembers what was applied, as it makes it itself.
const MADE: &str = "CREATE TABLE IF NOT EXISTS _sqlx_migrations (
    version bigint PRIMARY KEY,
    description text NOT NULL,
    installed_on timestamptz NOT NULL DEFAULT now(),
    success boolean NOT NULL,
    checksum bytea NOT NULL,
    execution_time bigint NOT NULL
)";
const APPLIED: &str = "SELECT version, checksum FROM _sqlx_migrations ORDER BY version";

/// Sees to it that the schema of the database, which messages call `place`, is the one that this program knows.
///
/// # Errors
/// When it is newer, or made by other migrations; or older, and not to be migrated.
pub(super) async fn check_schema(database: &Database, schema: Schema, place: &str) -> Result<(), StoreError> {
    let (migrations, table) = match database.pool() {
        Pool::Sqlite(_) => (&migrations::SQLITE, "SELECT name FROM sqlite_master WHERE name = '_sqlx_migrations'"),
        Pool::Postgres(_) => (&migrations::POSTGRES, "SELECT 1 WHERE to_regclass('_sqlx_migrations') IS NOT NULL"),
    };
    let known = migrations.iter().map(|migration| migration.version).max().unwrap_or(0);
    let applied = match database.fetch_optional(table, vec![]).await? {
        Some(_) => database.fetch_all(APPLIED, vec![]).await?,
        None => Vec::new(),
    };
    let found = applied.last().map_or(Ok(0), |row| row.get("version"))?;
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
    let unusable = |why: String| StoreError::Unusable(format!("cannot bring the database {place} up to date: {why}"));
    missing(migrations, &applied)?.map_err(unusable)?;
    // Where nothing is missing, nothing is asked for that a role with few privileges may not do.
    if found < known {
        match database.pool() {
            Pool::Sqlite(pool) => migrations.run(pool).await.map_err(|error| unusable(error.to_string()))?,
            Pool::Postgres(_) => {
                migrate_server(database, migrations).await.map_err(|error| unusable(with_remedy(&error)))?;
            }
        }
    }
    Ok(())
}

/// The migrations that were not applied, in order; or why those that were are not ours.
fn missing<'a>(migrations: &'a Migrator, applied: &[Row]) -> Result<Result<Vec<&'a Migration>, String>, StoreError> {
    let mut missing = Vec::new();
    for migration in migrations.iter() {
        let checksum = applied.iter().find_map(|row| match row.get::<i64>("version") {
            Ok(version) if version == migration.version => Some(row.get::<Vec<u8>>("checksum")),
            _ => None,
        });
        match checksum.transpose()? {
            None => missing.push(migration),
            Some(checksum) if checksum == *migration.checksum => {}
            Some(_) => {
                let why = format!("migration {} there is another than this mfa-enforcer's", migration.version);
                return Ok(Err(why));
            }
        }
    }
    Ok(Ok(missing))
}

/// Applies what is missing in one transaction, which also works through a pooler that lends a session for no longer. It
/// waits for locks as long as it takes: for another daemon that migrates, and for tables in use.
async fn migrate_server(database: &Database, migrations: &Migrator) -> Result<(), StoreError> {
    let mut tx = database.patient().begin().await?;
    for sql in ["SET LOCAL lock_timeout = 0", "SET LOCAL statement_timeout = 0"] {
        tx.execute(sql, vec![]).await?;
    }
    tx.execute("SELECT pg_advisory_xact_lock($1)", bind![MIGRATING]).await?;
    tx.execute(MADE, vec![]).await?;
    let applied = tx.fetch_all(APPLIED, vec![]).await?;
    for migration in missing(migrations, &applied)?.map_err(StoreError::Corrupt)? {
        if let Open::Postgres(open) = tx.open() {
            let script = AssertSqlSafe(migration.sql.as_str()).into_sql_str();
            sqlx::raw_sql(script).execute(&mut **open).await?;
        }
        let (description, checksum) = (migration.description.to_string(), hex::encode(&*migration.checksum));
        tx.execute(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES ($1, $2, true, decode($3, 'hex'), -1)",
            bind![migration.version, description, checksum],
        )
        .await?;
    }
    tx.commit().await
}

/// The error, and what to do about it where that is known.
fn with_remedy(error: &StoreError) -> String {
    match error {
        StoreError::Forbidden(error) => {
            format!(
                "{error}; run `mfa-enforcer migrate` as the role that owns the tables, and then docs/postgresql/grants.sql"
            )
        }
        StoreError::Database(error) if is_without_schema(error) => {
            format!("{error}; make the schema that database.schema names first: CREATE SCHEMA")
        }
        error => error.to_string(),
    }
}

fn is_without_schema(error: &sqlx::Error) -> bool {
    // invalid_schema_name
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).is_some_and(|code| code == "3F000")
}
