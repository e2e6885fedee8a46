//! Fresh, migrated databases, each for one test alone, with plain SQL beside the store.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use chrono::{DateTime, Utc};
use mfa_enforcer::clock::Randomness;
use mfa_enforcer::domain::audit::sha256_hex;
use mfa_enforcer::domain::time::Timestamp;
use mfa_enforcer::store::SqlStore;
use mfa_enforcer::store::connect::{ConnectOptions, Schema};
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Column as _, Connection as _, Row as _, TypeInfo as _, ValueRef as _};
use tempfile::TempDir;
use tokio::sync::Mutex;
use url::Url;

use super::statements::{self, Recorder};

/// Names the PostgreSQL server on which the tests make their databases; `tests/run` starts one and sets it.
const SERVER: &str = "MFA_ENFORCER_TEST_POSTGRES";

/// Names a pooler, as `HOST:PORT`, through which everybody but the vendor comes to that server: `tests/run pooled` does.
const POOLER: &str = "MFA_ENFORCER_TEST_POOLER";

/// When set, everybody but the vendor has the role that only runs: `tests/run granted` does.
const GRANTED: &str = "MFA_ENFORCER_TEST_GRANTED";

/// The roles and what they may do, as operators are told.
pub const ROLES: &str = include_str!("../../docs/postgresql/roles.sql");
pub const GRANTS: &str = include_str!("../../docs/postgresql/grants.sql");

/// What a null is shown as.
const NULL: &str = "null";

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// SQLite, a file in a temporary folder.
    Sqlite,
    /// PostgreSQL, a database of its own on the tests' server.
    Postgres,
}

impl Kind {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Sqlite, Self::Postgres];
}

/// A migrated database that nothing has been written into yet. It goes away when it is dropped.
pub struct TestDatabase {
    kind: Kind,
    url: String,
    vendor: Mutex<Connection>,
    /// Whether it goes away with this.
    is_ours: bool,
    _folder: Option<TempDir>,
}

/// The connection of somebody who knows nothing of the store.
enum Connection {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl TestDatabase {
    /// Makes one.
    pub async fn new(kind: Kind) -> Self {
        match kind {
            Kind::Sqlite => {
                let folder = tempfile::tempdir().unwrap();
                let url = format!("sqlite://{}", folder.path().join("test.db").display());
                store(&url, 0, Schema::Migrate).await;
                let vendor = Connection::Sqlite(SqliteConnection::connect(&url).await.unwrap());
                Self { kind, url, vendor: Mutex::new(vendor), is_ours: true, _folder: Some(folder) }
            }
            Kind::Postgres => {
                let url = copy_of_template().await;
                let vendor = Connection::Postgres(PgConnection::connect(&url).await.unwrap());
                let url = as_asked(&url);
                Self { kind, url, vendor: Mutex::new(vendor), is_ours: true, _folder: None }
            }
        }
    }

    /// The same, made as fast and kept as near as can be: for whoever makes many. SQLite lies in memory where the system has a
    /// folder for that, and is copied from one that this process has migrated before.
    pub async fn in_memory(kind: Kind) -> Self {
        static MIGRATED: Mutex<Vec<u8>> = Mutex::const_new(Vec::new());
        if kind == Kind::Postgres {
            return Self::new(kind).await;
        }
        let folder = super::folder_in_memory();
        let file = folder.path().join("test.db");
        let mut migrated = MIGRATED.lock().await;
        if migrated.is_empty() {
            let template = Self::new(kind).await;
            template.execute(&format!("VACUUM INTO '{}'", file.display())).await;
            *migrated = std::fs::read(&file).unwrap();
        } else {
            std::fs::write(&file, &*migrated).unwrap();
        }
        drop(migrated);
        let url = format!("sqlite://{}", file.display());
        let vendor = Connection::Sqlite(SqliteConnection::connect(&url).await.unwrap());
        Self { kind, url, vendor: Mutex::new(vendor), is_ours: true, _folder: Some(folder) }
    }

    /// The same on PostgreSQL, where everybody but the vendor comes by the way that `to` makes of its URL.
    pub async fn by_way_of(to: impl FnOnce(&str) -> String) -> Self {
        let mut made = Self::new(Kind::Postgres).await;
        made.url = to(&made.url);
        made
    }

    /// An SQLite file that is there already, and stays.
    pub async fn open(file: &Path) -> Self {
        let url = format!("sqlite://{}", file.display());
        let vendor = Connection::Sqlite(SqliteConnection::connect(&url).await.unwrap());
        Self { kind: Kind::Sqlite, url, vendor: Mutex::new(vendor), is_ours: true, _folder: None }
    }

    /// A PostgreSQL database that is there already, and stays.
    pub async fn on(url: &str) -> Self {
        let vendor = Connection::Postgres(PgConnection::connect(url).await.unwrap());
        let (kind, url) = (Kind::Postgres, url.to_owned());
        Self { kind, url, vendor: Mutex::new(vendor), is_ours: false, _folder: None }
    }

    /// In an empty database on a server of the caller's own, which is migrated, and stays.
    pub async fn on_own_server(url: &str) -> Self {
        store(url, 0, Schema::Migrate).await;
        Self::on(url).await
    }

    /// Connects anew, after the server was away.
    pub async fn reconnect(&self) -> Result<(), String> {
        let mut vendor = self.vendor.lock().await;
        *vendor = match self.kind {
            Kind::Sqlite => SqliteConnection::connect(&self.url).await.map(Connection::Sqlite),
            Kind::Postgres => PgConnection::connect(&self.url).await.map(Connection::Postgres),
        }
        .map_err(|error| error.to_string())?;
        Ok(())
    }

    /// Which database it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// As in `database.url`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The way to it that the vendor's application goes.
    pub fn vendor_url(&self) -> String {
        match self.kind {
            Kind::Sqlite => self.url.clone(),
            Kind::Postgres => on_server(Url::parse(&self.url).unwrap().path()),
        }
    }

    /// A store on it, as another daemon or command would open one; `seed` makes its ids and jitter.
    pub async fn store(&self, seed: u64) -> SqlStore {
        store(&self.url, seed, Schema::Expect).await
    }

    /// Carries out plain SQL, several statements too, as the vendor's application would.
    pub async fn execute(&self, sql: &str) {
        self.try_execute(sql).await.unwrap_or_else(|error| panic!("{error}\nin: {sql}"));
    }

    /// The same where the database may refuse it; then with what it answers.
    pub async fn try_execute(&self, sql: &str) -> Result<(), String> {
        self.fetch(sql).await.map(drop).map_err(|error| error.to_string())
    }

    /// The rows of a query, in one form for both databases: instants as in the design, booleans 1 and 0, JSON compact.
    pub async fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        self.try_rows(sql).await.unwrap_or_else(|error| panic!("{error}\nin: {sql}"))
    }

    /// The same where the database may refuse it; then with what it answers.
    pub async fn try_rows(&self, sql: &str) -> Result<Vec<Vec<String>>, String> {
        let rows = self.fetch(sql).await.map_err(|error| error.to_string())?;
        Ok(rows.into_iter().map(|row| row.into_iter().map(|(_, value)| value).collect()).collect())
    }

    /// The one value that a query gives, in the form of [`Self::rows`].
    pub async fn value(&self, sql: &str) -> String {
        let rows = self.rows(sql).await;
        match rows.as_slice() {
            [row] if row.len() == 1 => row[0].clone(),
            _ => panic!("not one value but {rows:?}\nin: {sql}"),
        }
    }

    /// The names of its tables, in order.
    pub async fn tables(&self) -> Vec<String> {
        let listed = match self.kind {
            Kind::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table'",
            Kind::Postgres => "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()",
        };
        let mut names = self.rows(listed).await.concat();
        names.retain(|name| name != "_sqlx_migrations");
        names.sort();
        names
    }

    /// All that it holds, as text in one order: equal before and after where nothing was to change.
    pub async fn dump(&self) -> String {
        let mut lines = Vec::new();
        for table in self.tables().await {
            let rows = self.fetch(&format!("SELECT * FROM {table}")).await.unwrap();
            let mut of_table: Vec<String> = rows
                .iter()
                .map(|row| {
                    let fields: Vec<String> = row.iter().map(|(name, value)| format!("{name}={value}")).collect();
                    format!("{table}: {}", fields.join(" | "))
                })
                .collect();
            of_table.sort();
            lines.append(&mut of_table);
        }
        lines.join("\n")
    }

    async fn fetch(&self, sql: &str) -> Result<Vec<Vec<(String, String)>>, sqlx::Error> {
        let statements = sqlx::raw_sql(AssertSqlSafe(sql));
        Ok(match &mut *self.vendor.lock().await {
            Connection::Sqlite(connection) => {
                statements.fetch_all(connection).await?.iter().map(sqlite_fields).collect()
            }
            Connection::Postgres(connection) => {
                statements.fetch_all(connection).await?.iter().map(postgres_fields).collect()
            }
        })
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if self.kind == Kind::Postgres && self.is_ours {
            // A thread of its own, because the test's runtime cannot be waited for from here.
            let name = Url::parse(&self.url).unwrap().path().trim_start_matches('/').to_owned();
            let removal = std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let mut server = PgConnection::connect(&server_url()).await.unwrap();
                    let sql = format!("DROP DATABASE {name} WITH (FORCE)");
                    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut server).await.unwrap();
                });
            });
            if removal.join().is_err() {
                eprintln!("the database {} was left behind", self.url);
            }
        }
    }
}

/// How the tests connect.
pub fn options(url: &str) -> ConnectOptions<'_> {
    ConnectOptions { max_connections: 4, ..ConnectOptions::new(url) }
}

async fn store(url: &str, seed: u64, schema: Schema) -> SqlStore {
    let options = options(url);
    let store = SqlStore::connect(&options, schema, Randomness::seeded(seed)).await.unwrap();
    let kind = if url.starts_with("sqlite:") { Kind::Sqlite } else { Kind::Postgres };
    match statements::folder(kind) {
        Some(folder) => store.with_observer(Arc::new(Recorder::new(folder))),
        None => store,
    }
}

/// The server on which the tests make their databases.
pub fn server_url() -> String {
    std::env::var(SERVER).unwrap_or_else(|_| {
        panic!("{SERVER} is not set: run tests/run, which starts a PostgreSQL for the tests (CONTRIBUTING.md)")
    })
}

/// The same database, by way of the tests' pooler where they have one, and as the role that only runs where they have that.
fn as_asked(url: &str) -> String {
    let mut url = Url::parse(url).unwrap();
    if let Ok(pooler) = std::env::var(POOLER) {
        let (host, port) = pooler.split_once(':').unwrap_or_else(|| panic!("{POOLER} is not HOST:PORT"));
        url.set_host(Some(host)).unwrap();
        url.set_port(Some(port.parse().unwrap())).unwrap();
    }
    if is_granted() {
        url.set_username("mfa_enforcer").unwrap();
    }
    url.to_string()
}

fn is_granted() -> bool {
    std::env::var_os(GRANTED).is_some()
}

/// Gives the role that only runs what operators are told to give it, in the schema `public` of this database.
async fn grant(database: &str) {
    let mut owner = PgConnection::connect(database).await.unwrap();
    let made = "DO $$ BEGIN CREATE ROLE mfa_enforcer LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$";
    run(&mut owner, made).await;
    run(&mut owner, &GRANTS.replace("search_path = mfa;", "search_path = public;")).await;
    owner.close().await.unwrap();
}

fn on_server(database: &str) -> String {
    let mut url = Url::parse(&server_url()).unwrap_or_else(|error| panic!("{SERVER} is not a URL: {error}"));
    url.set_path(database);
    url.to_string()
}

/// A copy of the migrated template, which whoever comes first makes: copying is ten times as fast as migrating.
async fn copy_of_template() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let mut server = PgConnection::connect(&server_url())
        .await
        .unwrap_or_else(|error| panic!("no PostgreSQL answers at {SERVER}: {error}; run tests/run, which starts one"));
    let template = template(&mut server).await;
    // Several tests of one process may run at a time, and several processes: nextest has one for each test.
    let name = format!("mfa_enforcer_test_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    run(&mut server, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
    run(&mut server, &format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
    on_server(&name)
}

async fn template(server: &mut PgConnection) -> String {
    let granted = if is_granted() { "granted_" } else { "" };
    let name = format!("mfa_enforcer_template_{granted}{}", &migrations_sha256()[..16]);
    if !exists(server, &name).await {
        // One process makes it, under another name until it is whole; the others wait.
        run(server, "SELECT pg_advisory_lock(2027)").await;
        if !exists(server, &name).await {
            run(server, "DROP DATABASE IF EXISTS mfa_enforcer_unfinished WITH (FORCE)").await;
            run(server, "CREATE DATABASE mfa_enforcer_unfinished TEMPLATE template0").await;
            let unfinished = on_server("mfa_enforcer_unfinished");
            store(&unfinished, 0, Schema::Migrate).await.close().await;
            if is_granted() {
                grant(&unfinished).await;
            }
            run(server, &format!("ALTER DATABASE mfa_enforcer_unfinished RENAME TO {name}")).await;
        }
        run(server, "SELECT pg_advisory_unlock(2027)").await;
    }
    name
}

async fn exists(server: &mut PgConnection, database: &str) -> bool {
    let sql = "SELECT 1 FROM pg_database WHERE datname = $1";
    sqlx::query(sql).bind(database).fetch_optional(server).await.unwrap().is_some()
}

async fn run(server: &mut PgConnection, sql: &str) {
    let done = sqlx::raw_sql(AssertSqlSafe(sql)).execute(server).await;
    done.unwrap_or_else(|error| panic!("{error}\nin: {sql}"));
}

/// Names the template after what it was made from, so that a server that is used again gives no old one.
fn migrations_sha256() -> String {
    let folder = super::project_folder().join("migrations/postgres");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    sha256_hex(files.iter().map(|file| std::fs::read(file).unwrap()))
}

fn sqlite_fields(row: &SqliteRow) -> Vec<(String, String)> {
    // SQLite stores text that is none as it comes.
    let text = |at: usize| {
        let bytes = row.try_get_unchecked::<Option<Vec<u8>>, _>(at).unwrap();
        bytes.map_or_else(|| NULL.to_owned(), |bytes| String::from_utf8_lossy(&bytes).into_owned())
    };
    (0..row.len()).map(|at| (row.column(at).name().to_owned(), text(at))).collect()
}

fn postgres_fields(row: &PgRow) -> Vec<(String, String)> {
    let text = |at: usize| {
        let value = row.try_get_raw(at).unwrap();
        if value.is_null() {
            return NULL.to_owned();
        }
        match row.column(at).type_info().name() {
            "TIMESTAMPTZ" => Timestamp::new(row.try_get::<DateTime<Utc>, _>(at).unwrap()).to_string(),
            "BOOL" => u8::from(row.try_get::<bool, _>(at).unwrap()).to_string(),
            "JSONB" => row.try_get::<serde_json::Value, _>(at).unwrap().to_string(),
            _ => value.as_str().unwrap().to_owned(),
        }
    };
    (0..row.len()).map(|at| (row.column(at).name().to_owned(), text(at))).collect()
}
