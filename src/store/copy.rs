//! Copying a whole database, of either kind, into a fresh SQLite file, without a trace in the original.
//!
//! Every row is read in one snapshot, as the text or the number that SQLite keeps for it, and written as it was read: by
//! one way for all tables, and a batch at a time, so that memory does not grow with the database.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use chrono::{DateTime, NaiveDate, Utc};
use futures::{StreamExt as _, TryStreamExt as _};
use sqlx::postgres::PgRow;
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{Arguments as _, AssertSqlSafe, Column as _, Connection as _, Row as _, TypeInfo as _, ValueRef as _};

use super::connect::{self, ConnectOptions};
use super::sql::{Database, Open, Pool, Tx};
use super::{SqlStore, StoreError};
use crate::domain::ids::Id;
use crate::domain::time::Timestamp;

/// How many values one statement writes: below what SQLite binds at most (32,766).
const VALUES_AT_ONCE: usize = 8_000;

/// Where to copy from.
#[derive(Clone, Debug)]
pub enum Source<'a> {
    /// An SQLite database.
    File(PathBuf),
    /// A database on a PostgreSQL server.
    Server(ConnectOptions<'a>),
}

/// A value as SQLite stores it.
enum Cell {
    Null,
    Int(i64),
    /// The bytes of a text, which need not be UTF-8.
    Text(Vec<u8>),
}

/// One of the tables of the copy.
struct Table {
    name: String,
    /// The names of its columns, and whether they hold text.
    columns: Vec<(String, bool)>,
}

/// Copies everything that the database `source` holds into the SQLite file `copy`, which has this program's tables and is
/// anybody's but a daemon's. `progress` is told how many rows there are so far.
///
/// The source is only read, in one snapshot of it, whoever writes there meanwhile.
///
/// # Returns
/// How many rows were copied.
///
/// # Errors
/// When the source cannot be read, or its schema is not this program's. Then the copy holds what it held before.
pub async fn copy_database(
    source: &Source<'_>,
    copy: &Path,
    progress: &(dyn Fn(u64) + Send + Sync),
) -> Result<u64, StoreError> {
    let file = match source {
        Source::Server(options) => {
            return copy_from(connect::read_postgres(options).await?, copy, progress, || true).await;
        }
        Source::File(file) => file.as_path(),
    };
    // SQLite leaves two files beside a database that is read, unless it is told that nobody writes there. Nobody does where
    // there is no log; and whoever begins to meanwhile is seen by the file's time.
    if let Some(before) = stamp_at_rest(file) {
        let is_at_rest = || stamp(file) == Some(before);
        let copied = copy_from(connect::read_sqlite(file, true).await?, copy, progress, is_at_rest).await;
        if is_at_rest() {
            return copied;
        }
    }
    copy_from(connect::read_sqlite(file, false).await?, copy, progress, || true).await
}

/// Copies, and keeps it if `is_sound` when all has been read.
async fn copy_from(
    source: Database,
    copy: &Path,
    progress: &(dyn Fn(u64) + Send + Sync),
    is_sound: impl Fn() -> bool,
) -> Result<u64, StoreError> {
    let mut copy = Copy::begin(copy).await?;
    let rows = copy.fill(source.begin_read().await?, progress).await?;
    if is_sound() {
        copy.commit().await?;
    }
    Ok(rows)
}

impl SqlStore {
    /// Closes every connection. An SQLite database is then one file again.
    pub async fn close(&self) {
        match self.database.pool() {
            Pool::Sqlite(pool) => pool.close().await,
            Pool::Postgres(pool) => pool.close().await,
        }
    }
}

type Stamp = (u64, SystemTime);

/// What a file's size and time are, if no other process has the database open, or has left work in it.
fn stamp_at_rest(file: &Path) -> Option<Stamp> {
    let real = file.canonicalize().ok()?;
    let beside = |ending: &str| {
        let mut name = real.clone().into_os_string();
        name.push(ending);
        Path::new(&name).exists()
    };
    if beside("-wal") || beside("-journal") { None } else { stamp(&real) }
}

fn stamp(file: &Path) -> Option<Stamp> {
    let facts = file.metadata().ok()?;
    Some((facts.len(), facts.modified().ok()?))
}

/// The copy, in one transaction: either all of it is there in the end, or nothing.
struct Copy {
    connection: SqliteConnection,
    tables: Vec<Table>,
    triggers: Vec<(String, String)>,
}

impl Copy {
    async fn begin(file: &Path) -> Result<Self, StoreError> {
        // The vendor's connections need not know of foreign keys: whoever is a member of nothing is copied as well.
        let options = SqliteConnectOptions::new().filename(file).foreign_keys(false);
        let mut connection = SqliteConnection::connect_with(&options).await?;
        let listed = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_sqlx%' ESCAPE '\\'
            AND name NOT LIKE 'sqlite%' ORDER BY name";
        let mut tables = Vec::new();
        for row in sqlx::query(listed).fetch_all(&mut connection).await? {
            let name: String = row.try_get(0)?;
            let listed = "SELECT name, lower(type) = 'text' FROM pragma_table_info($1) ORDER BY cid";
            let columns = sqlx::query(listed).bind(&name).fetch_all(&mut connection).await?;
            let columns = columns.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
            tables.push(Table { columns: columns.collect::<Result<_, sqlx::Error>>()?, name });
        }
        let listed = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name";
        let triggers = sqlx::query(listed).fetch_all(&mut connection).await?;
        let triggers = triggers.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
        let triggers = triggers.collect::<Result<_, sqlx::Error>>()?;
        let mut copy = Self { connection, tables, triggers };
        copy.execute("BEGIN IMMEDIATE").await?;
        Ok(copy)
    }

    async fn execute(&mut self, sql: &str) -> Result<(), StoreError> {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut self.connection).await?;
        Ok(())
    }

    async fn commit(mut self) -> Result<(), StoreError> {
        self.execute("COMMIT").await?;
        Ok(self.connection.close().await?)
    }

    /// Puts what `source` holds in place of what is there. No trigger looks at it: the rows are what they were.
    async fn fill(&mut self, mut source: Tx, progress: &(dyn Fn(u64) + Send + Sync)) -> Result<u64, StoreError> {
        for (name, _) in self.triggers.clone() {
            self.execute(&format!("DROP TRIGGER {name}")).await?;
        }
        let mut rows = 0;
        for table in std::mem::take(&mut self.tables) {
            self.execute(&format!("DELETE FROM {}", table.name)).await?;
            rows += self.fill_table(&table, &mut source, rows, progress).await?;
        }
        for (_, sql) in self.triggers.clone() {
            self.execute(&sql).await?;
        }
        Ok(rows)
    }

    async fn fill_table(
        &mut self,
        table: &Table,
        source: &mut Tx,
        before: u64,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<u64, StoreError> {
        let names: Vec<&str> = table.columns.iter().map(|(name, _)| name.as_str()).collect();
        let sql = format!("SELECT {} FROM {}", names.join(", "), table.name);
        let batch = VALUES_AT_ONCE / names.len().max(1);
        let mut rows = match source.open() {
            Open::Sqlite(tx) => sqlx::query(AssertSqlSafe(sql))
                .fetch(&mut **tx)
                .map_err(StoreError::from)
                .and_then(async |row| sqlite_cells(&row))
                .boxed(),
            // Once: it need not be there the next time.
            Open::Postgres(tx) => sqlx::query(AssertSqlSafe(sql))
                .persistent(false)
                .fetch(&mut **tx)
                .map_err(StoreError::from)
                .and_then(async |row| postgres_cells(&row))
                .boxed(),
        };
        let (mut waiting, mut count) = (Vec::with_capacity(batch), 0);
        while let Some(row) = rows.try_next().await? {
            waiting.push(row);
            count += 1;
            if waiting.len() == batch {
                self.insert(table, &mut waiting).await?;
                progress(before + count);
            }
        }
        self.insert(table, &mut waiting).await?;
        progress(before + count);
        Ok(count)
    }

    async fn insert(&mut self, table: &Table, rows: &mut Vec<Vec<Cell>>) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = table.columns.iter().map(|(name, _)| name.as_str()).collect();
        // Bytes that become text are not looked at: what is not UTF-8 arrives as it is.
        let places: Vec<&str> =
            table.columns.iter().map(|(_, is_text)| if *is_text { "CAST(? AS TEXT)" } else { "?" }).collect();
        let places = vec![format!("({})", places.join(", ")); rows.len()].join(", ");
        let sql = format!("INSERT INTO {} ({}) VALUES {places}", table.name, names.join(", "));
        let mut values = SqliteArguments::default();
        for cell in rows.drain(..).flatten() {
            match cell {
                Cell::Null => values.add(None::<i64>),
                Cell::Int(number) => values.add(number),
                Cell::Text(bytes) => values.add(bytes),
            }
            .map_err(sqlx::Error::Encode)?;
        }
        sqlx::query_with(AssertSqlSafe(sql), values).execute(&mut self.connection).await?;
        Ok(())
    }
}

fn sqlite_cells(row: &SqliteRow) -> Result<Vec<Cell>, StoreError> {
    let cell = |at: usize| {
        let value = row.try_get_raw(at)?;
        Ok(match value.type_info().name() {
            _ if value.is_null() => Cell::Null,
            "INTEGER" | "BOOLEAN" => Cell::Int(row.try_get_unchecked(at)?),
            _ => Cell::Text(row.try_get_unchecked(at)?),
        })
    };
    (0..row.len()).map(cell).collect()
}

fn postgres_cells(row: &PgRow) -> Result<Vec<Cell>, StoreError> {
    let cell = |at: usize| {
        if row.try_get_raw(at)?.is_null() {
            return Ok(Cell::Null);
        }
        let column = row.column(at);
        let text = match column.type_info().name() {
            "INT4" => return Ok(Cell::Int(row.try_get::<i32, _>(at)?.into())),
            "INT8" => return Ok(Cell::Int(row.try_get(at)?)),
            "BOOL" => return Ok(Cell::Int(row.try_get::<bool, _>(at)?.into())),
            "TEXT" => row.try_get(at)?,
            "UUID" => row.try_get::<Id, _>(at)?.to_string(),
            "TIMESTAMPTZ" => Timestamp::new(row.try_get::<DateTime<Utc>, _>(at)?).to_string(),
            "DATE" => row.try_get::<NaiveDate, _>(at)?.to_string(),
            "JSONB" => row.try_get::<serde_json::Value, _>(at)?.to_string(),
            other => return Err(StoreError::Corrupt(format!("the column {} is of type {other}", column.name()))),
        };
        Ok(Cell::Text(text.into_bytes()))
    };
    (0..row.len()).map(cell).collect()
}
