//! A thin layer over sqlx that lets one statement run on both databases: typed values in, typed columns out.

use std::sync::Arc;

use sqlx::postgres::{PgPool, PgRow, Postgres};
use sqlx::sqlite::{Sqlite, SqlitePool, SqliteRow};
use sqlx::{AssertSqlSafe, Decode, Executor, Row as _, Transaction, Type};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::StoreError;
use super::checkpoint::{Checkpoint, Observer};
use super::dialect::Dialect;
use super::reach::{Leavings, Silence, explained};
use super::session::Session;
use super::values::{Value, postgres_arguments, sqlite_arguments};

/// A row that was read.
pub enum Row {
    /// From SQLite.
    Sqlite(SqliteRow),
    /// From PostgreSQL.
    Postgres(PgRow),
}

impl Row {
    /// The column of this name.
    ///
    /// # Errors
    /// When there is none, or its value does not fit the type.
    pub fn get<T>(&self, column: &str) -> Result<T, StoreError>
    where
        T: for<'r> Decode<'r, Sqlite> + Type<Sqlite> + for<'r> Decode<'r, Postgres> + Type<Postgres>,
    {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    /// The column of this name, as text that somebody else wrote; none where it is null. What is not UTF-8, which SQLite
    /// stores as it comes, arrives with replacement characters: one bad name must not stop the others (R9).
    ///
    /// # Errors
    /// When there is none.
    pub fn text(&self, column: &str) -> Result<Option<String>, StoreError> {
        Ok(match self {
            Self::Sqlite(row) => {
                row.try_get::<Option<Vec<u8>>, _>(column)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            }
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    /// The column of this name, whose text is one of an enum's names.
    ///
    /// # Errors
    /// When there is none, or the text is no such name.
    pub fn name<T: std::str::FromStr<Err = String>>(&self, column: &str) -> Result<T, StoreError> {
        self.get::<String>(column)?.parse().map_err(StoreError::Corrupt)
    }
}

/// How PostgreSQL goes about what follows in a transaction, once it has work: see `Tx::expect_batches`.
pub const FOR_BATCHES: &str = "SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL enable_hashjoin = off; \
     SET LOCAL enable_mergejoin = off; SET LOCAL enable_material = off; SET LOCAL enable_seqscan = off; \
     SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = on; SET LOCAL enable_incremental_sort = on; \
     SET LOCAL mfa_enforcer.derives = 'on'";

/// The same for what takes the first rows of an order: see `Tx::expect_order`. (What has to be sorted all the same would
/// seem to cost so much that it is compiled.)
pub const FOR_ORDER: &str = "SET LOCAL enable_sort = off; SET LOCAL enable_incremental_sort = off; SET LOCAL jit = off";

/// The same for what only looks up and writes rows by their keys: see [`Tx::expect_keys`].
const FOR_KEYS: &str =
    "SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off";

/// How many transactions share a piece of work: PostgreSQL works for each on a processor of its own, and while one waits for the
/// disk.
const MOST_AT_ONCE: usize = 4;

/// Who has waited for a row sees what it has become, whatever the database's default is: a flip that waited for a review would not
/// know of the members that this has looked at.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

/// A database: its pool of connections, what lasts on them, and whoever watches them.
#[derive(Clone, Debug)]
pub struct Database {
    pool: Pool,
    session: Session,
    leavings: Leavings,
    silence: Silence,
    observer: Option<Arc<dyn Observer>>,
    /// The right to wait for other transactions within one: see [`Database::beside`].
    waits_for_others: Arc<Semaphore>,
    /// The right to write to SQLite, which has one writer and gives nobody their turn: who writes again at once would keep
    /// others of this process waiting until they give up.
    writes: Arc<Semaphore>,
}

/// A pool of connections.
#[derive(Clone, Debug)]
pub enum Pool {
    /// To the embedded database.
    Sqlite(SqlitePool),
    /// To the server.
    Postgres(PgPool),
}

impl Database {
    /// The database that this pool's connections lead to.
    #[must_use]
    pub fn new(pool: Pool) -> Self {
        Self {
            pool,
            session: Session::Own,
            leavings: Leavings::default(),
            silence: Silence::default(),
            observer: None,
            waits_for_others: Arc::new(Semaphore::new(1)),
            writes: Arc::new(Semaphore::new(1)),
        }
    }

    /// The same database on a server whose sessions last as `session` says.
    #[must_use]
    pub fn with_session(self, session: Session) -> Self {
        Self { session, ..self }
    }

    /// The same database, which tells here which connections its pool is to leave, and how long the server may be silent.
    pub(super) fn with_reach(self, leavings: Leavings, silence: Silence) -> Self {
        Self { leavings, silence, ..self }
    }

    /// The same database, whose server may take as long as it likes.
    pub(super) fn patient(&self) -> Self {
        Self { silence: Silence::default(), ..self.clone() }
    }

    /// The same database under the eyes of `observer`.
    #[must_use]
    pub fn with_observer(self, observer: Arc<dyn Observer>) -> Self {
        Self { observer: Some(observer), ..self }
    }

    /// Its pool, for work that is not a use-case of the store.
    #[must_use]
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// How many transactions may share a piece of work: one on SQLite, which has one writer, and under the eyes of an observer,
    /// who is to see one step after the other.
    #[must_use]
    pub fn at_once(&self) -> usize {
        match &self.pool {
            Pool::Postgres(pool) if self.observer.is_none() => {
                usize::try_from(pool.options().get_max_connections()).unwrap_or(usize::MAX).min(MOST_AT_ONCE)
            }
            Pool::Sqlite(_) | Pool::Postgres(_) => 1,
        }
    }

    /// How many transactions may go on beside one that waits for them, and the right to be that one; none: there can be no
    /// others, or somebody has the right. (Two that hold a connection each and wait for further ones could wait for ever; and
    /// behind a pooler, which lends all daemons together as many sessions as it pleases, one of them could.)
    #[must_use]
    pub fn beside(&self) -> Option<(usize, OwnedSemaphorePermit)> {
        if matches!(self.session, Session::Lent { .. }) {
            return None;
        }
        let beside = self.at_once() - 1;
        let right = Arc::clone(&self.waits_for_others).try_acquire_owned().ok()?;
        (beside > 0).then_some((beside, right))
    }

    /// Begins a transaction that may write. On SQLite it takes the write lock at once: one that first reads and then
    /// wants to write would fail when another has written in between, without waiting.
    ///
    /// # Errors
    /// When the database cannot be reached or stays locked.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        reached(self.observer.as_ref(), Checkpoint::Begin).await?;
        match &self.pool {
            Pool::Sqlite(pool) => {
                let turn = Arc::clone(&self.writes).acquire_owned().await.ok();
                let open = Open::Sqlite(pool.begin_with("BEGIN IMMEDIATE").await?);
                Ok(Tx { turn, ..self.transaction(open) })
            }
            Pool::Postgres(pool) => Ok(self.transaction(self.begin_on(pool, BEGIN).await?)),
        }
    }

    /// Begins a transaction that only reads, and sees one state of the database throughout.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn begin_read(&self) -> Result<Tx, StoreError> {
        reached(self.observer.as_ref(), Checkpoint::Begin).await?;
        let open = match &self.pool {
            Pool::Sqlite(pool) => Open::Sqlite(pool.begin().await?),
            Pool::Postgres(pool) => self.begin_on(pool, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?,
        };
        Ok(self.transaction(open))
    }

    async fn begin_on(&self, pool: &PgPool, begin: &'static str) -> Result<Open, StoreError> {
        match self.silence.after_acquiring(pool).bounds(self.session.begin(pool, begin)).await {
            Ok(tx) => Ok(Open::Postgres(tx)),
            Err(error) => Err(explained(pool, error).await),
        }
    }

    fn transaction(&self, open: Open) -> Tx {
        Tx {
            open,
            keeps_statements: self.session.keeps_statements(),
            expects_batches: false,
            leavings: self.leavings.clone(),
            silence: self.silence,
            observer: self.observer.clone(),
            turn: None,
        }
    }

    /// The rows of one statement outside any transaction.
    ///
    /// # Errors
    /// What the database answers.
    pub async fn fetch_all(&self, sql: &str, values: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        reached(self.observer.as_ref(), Checkpoint::Alone(sql)).await?;
        match &self.pool {
            Pool::Sqlite(pool) => Ok(sqlite_rows(pool, sql, values).await?),
            Pool::Postgres(pool) => {
                let rows = self.postgres_rows(pool, sql, values);
                match self.silence.after_acquiring(pool).bounds(rows).await {
                    Ok(rows) => Ok(rows),
                    Err(error) => {
                        self.leavings.note(&error);
                        Err(explained(pool, error).await)
                    }
                }
            }
        }
    }

    async fn postgres_rows(&self, pool: &PgPool, sql: &str, values: Vec<Value>) -> Result<Vec<Row>, sqlx::Error> {
        if self.session.keeps_statements() {
            return postgres_rows(pool, sql, values, true).await;
        }
        // What is parsed has to be carried out by the same server.
        let mut tx = self.session.begin(pool, BEGIN).await?;
        let rows = postgres_rows(&mut *tx, sql, values, false).await?;
        tx.commit().await?;
        Ok(rows)
    }

    /// The first row of one statement outside any transaction, if there is one.
    ///
    /// # Errors
    /// What the database answers.
    pub async fn fetch_optional(&self, sql: &str, values: Vec<Value>) -> Result<Option<Row>, StoreError> {
        Ok(self.fetch_all(sql, values).await?.into_iter().next())
    }
}

async fn reached(observer: Option<&Arc<dyn Observer>>, point: Checkpoint<'_>) -> Result<(), StoreError> {
    match observer {
        Some(observer) => observer.reached(point).await,
        None => Ok(()),
    }
}

/// A transaction. Dropped without [`Tx::commit`], it is rolled back.
pub struct Tx {
    open: Open,
    /// Whether a statement that is prepared is there the next time.
    keeps_statements: bool,
    expects_batches: bool,
    leavings: Leavings,
    silence: Silence,
    observer: Option<Arc<dyn Observer>>,
    /// The turn at writing to SQLite.
    turn: Option<OwnedSemaphorePermit>,
}

/// The databases' own transactions.
pub enum Open {
    /// On SQLite.
    Sqlite(Transaction<'static, Sqlite>),
    /// On PostgreSQL.
    Postgres(Transaction<'static, Postgres>),
}

impl Tx {
    /// The database's own transaction, for work that is not a use-case of the store.
    pub fn open(&mut self) -> &mut Open {
        &mut self.open
    }

    /// Which SQL it speaks.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        match self.open {
            Open::Sqlite(_) => Dialect::Sqlite,
            Open::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Has PostgreSQL plan what follows as statements about batches, each anew.
    ///
    /// A plan that was made when a table was small, or before it was ever analysed, reads all of it for each batch when it
    /// has grown; and one that takes a small table into memory compares all of it with each row. One that was made when all
    /// notices had been sent goes through all that are due, by the small indexes of these, and through the batch for each.
    /// Nested loops and plain indexes come to rows by their keys and in the order of the batch, which is the order in which
    /// everybody locks them.
    /// And what is written to `users.mfa_required_at` from here on agrees with the requirements (see the trigger
    /// `users_required_elsewhere`). Not asked for where there may be no work: planning costs more than looking.
    ///
    /// # Errors
    /// What the database answers.
    pub async fn expect_batches(&mut self) -> Result<(), StoreError> {
        if !self.expects_batches {
            self.expect(FOR_BATCHES).await?;
            self.expects_batches = true;
        }
        Ok(())
    }

    /// Has PostgreSQL come to the first rows of an order by an index in that order, until [`Tx::expect_batches`].
    ///
    /// It does not know how many rows there have come to be in a small index since it looked at the table last, nor, in a
    /// plan for all values, how few are wanted: it would sort all that is open each time.
    ///
    /// # Errors
    /// What the database answers.
    pub async fn expect_order(&mut self) -> Result<(), StoreError> {
        self.expects_batches = false;
        self.expect(FOR_ORDER).await
    }

    /// Has PostgreSQL come to the rows of what follows by their keys, however small their tables were when a plan was made.
    ///
    /// Unlike [`Tx::expect_batches`] it leaves plans to be kept: foreign keys are checked by one statement a row, and making
    /// its plan anew takes longer than the check.
    ///
    /// # Errors
    /// What the database answers.
    pub async fn expect_keys(&mut self) -> Result<(), StoreError> {
        self.expect(FOR_KEYS).await
    }

    async fn expect(&mut self, settings: &'static str) -> Result<(), StoreError> {
        if let Open::Postgres(tx) = &mut self.open {
            let set = self.silence.bounds(sqlx::raw_sql(settings).execute(&mut **tx)).await;
            set.inspect_err(|error| self.leavings.note(error))?;
        }
        Ok(())
    }

    /// Carries out a statement.
    ///
    /// # Returns
    /// How many rows it changed.
    ///
    /// # Errors
    /// What the database answers.
    pub async fn execute(&mut self, sql: &str, values: Vec<Value>) -> Result<u64, StoreError> {
        reached(self.observer.as_ref(), Checkpoint::Statement(sql)).await?;
        let changed = match &mut self.open {
            Open::Sqlite(tx) => {
                let arguments = sqlite_arguments(values).map_err(sqlx::Error::Encode)?;
                let done = sqlx::query_with(AssertSqlSafe(sql), arguments).execute(&mut **tx).await;
                done.map(|done| done.rows_affected())
            }
            Open::Postgres(tx) => {
                let arguments = postgres_arguments(values).map_err(sqlx::Error::Encode)?;
                let query = sqlx::query_with(AssertSqlSafe(sql), arguments).persistent(self.keeps_statements);
                self.silence.bounds(query.execute(&mut **tx)).await.map(|done| done.rows_affected())
            }
        };
        Ok(changed.inspect_err(|error| self.leavings.note(error))?)
    }

    /// The rows of a statement.
    ///
    /// # Errors
    /// What the database answers.
    pub async fn fetch_all(&mut self, sql: &str, values: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        reached(self.observer.as_ref(), Checkpoint::Statement(sql)).await?;
        let rows = match &mut self.open {
            Open::Sqlite(tx) => sqlite_rows(&mut **tx, sql, values).await,
            Open::Postgres(tx) => {
                self.silence.bounds(postgres_rows(&mut **tx, sql, values, self.keeps_statements)).await
            }
        };
        Ok(rows.inspect_err(|error| self.leavings.note(error))?)
    }

    /// The first row of a statement, if there is one.
    ///
    /// # Errors
    /// What the database answers.
    pub async fn fetch_optional(&mut self, sql: &str, values: Vec<Value>) -> Result<Option<Row>, StoreError> {
        Ok(self.fetch_all(sql, values).await?.into_iter().next())
    }

    /// The way to send rows as COPY has them; none where the database knows no COPY.
    pub fn copying(&mut self) -> Option<Copying<'_>> {
        match &mut self.open {
            Open::Sqlite(_) => None,
            Open::Postgres(tx) => {
                Some(Copying { tx, leavings: &self.leavings, silence: self.silence, observer: self.observer.as_ref() })
            }
        }
    }

    /// Makes the transaction's changes last.
    ///
    /// # Errors
    /// What the database answers; then nothing of it has lasted, unless the line broke just then.
    pub async fn commit(self) -> Result<(), StoreError> {
        reached(self.observer.as_ref(), Checkpoint::Commit).await?;
        match self.open {
            Open::Sqlite(tx) => tx.commit().await?,
            Open::Postgres(tx) => self.silence.bounds(tx.commit()).await?,
        }
        // Whoever watches may take their time.
        drop(self.turn);
        reached(self.observer.as_ref(), Checkpoint::Committed).await
    }

    /// Undoes all of it. Dropped, it is undone as well, but somewhat later: what it has locked may be passed over meanwhile.
    ///
    /// # Errors
    /// What the database answers.
    pub async fn rollback(self) -> Result<(), StoreError> {
        match self.open {
            Open::Sqlite(tx) => tx.rollback().await?,
            Open::Postgres(tx) => self.silence.bounds(tx.rollback()).await?,
        }
        Ok(())
    }
}

/// Sends rows as COPY has them, within a transaction on PostgreSQL.
pub struct Copying<'tx> {
    tx: &'tx mut Transaction<'static, Postgres>,
    leavings: &'tx Leavings,
    silence: Silence,
    observer: Option<&'tx Arc<dyn Observer>>,
}

impl Copying<'_> {
    /// Carries out a `COPY … FROM STDIN` with these rows.
    ///
    /// # Errors
    /// What the database answers.
    pub async fn rows(&mut self, sql: &str, rows: &str) -> Result<(), StoreError> {
        reached(self.observer, Checkpoint::Statement(sql)).await?;
        let copied = async {
            let mut copy = self.tx.copy_in_raw(sql).await?;
            copy.send(rows.as_bytes()).await?;
            copy.finish().await
        };
        Ok(self.silence.bounds(copied).await.map(drop).inspect_err(|error| self.leavings.note(error))?)
    }
}

// The statements are this module's own constants and formatted column lists; what came from outside is always bound.
async fn sqlite_rows<'c, E>(executor: E, sql: &str, values: Vec<Value>) -> Result<Vec<Row>, sqlx::Error>
where
    E: Executor<'c, Database = Sqlite>,
{
    let arguments = sqlite_arguments(values).map_err(sqlx::Error::Encode)?;
    let rows = sqlx::query_with(AssertSqlSafe(sql), arguments).fetch_all(executor).await?;
    Ok(rows.into_iter().map(Row::Sqlite).collect())
}

async fn postgres_rows<'c, E>(executor: E, sql: &str, values: Vec<Value>, keep: bool) -> Result<Vec<Row>, sqlx::Error>
where
    E: Executor<'c, Database = Postgres>,
{
    let arguments = postgres_arguments(values).map_err(sqlx::Error::Encode)?;
    let rows = sqlx::query_with(AssertSqlSafe(sql), arguments).persistent(keep).fetch_all(executor).await?;
    Ok(rows.into_iter().map(Row::Postgres).collect())
}
