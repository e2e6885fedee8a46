//! How the store connects.

use std::cell::Cell;
use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use chrono::TimeDelta;
use mfa_enforcer::clock::Randomness;
use mfa_enforcer::domain::policy::Policy;
use mfa_enforcer::store::checkpoint::{Checkpoint, Observer};
use mfa_enforcer::store::companies::{CompanyChange, CompanyStore as _};
use mfa_enforcer::store::connect::{ConnectOptions, Schema};
use mfa_enforcer::store::enforce::EnforceStore as _;
use mfa_enforcer::store::recheck::RecheckStore as _;
use mfa_enforcer::store::reconcile::ReconcileStore as _;
use mfa_enforcer::store::{SqlStore, StoreError};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection, Row as _};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use super::steps::{enforce_at, scheduled, set_at};
use crate::support::database::options;
use crate::support::vendor::{add_company, company_id};
use crate::support::{Kind, PgBouncer, TestDatabase};

#[tokio::test]
async fn a_row_that_the_vendor_left_locked_is_not_waited_for_for_ever() {
    let db = TestDatabase::new(Kind::Postgres).await;
    let company = add_company(&db, 1).await.to_string();
    // One connection, which has migrated before.
    let options = ConnectOptions { max_connections: 1, lock_timeout: TimeDelta::milliseconds(50), ..options(db.url()) };
    let store = SqlStore::connect(&options, Schema::Migrate, Randomness::seeded(1)).await.unwrap();
    let change = CompanyChange { mfa_available: Some(false), ..CompanyChange::default() };
    db.execute(&format!("BEGIN; UPDATE companies SET name = 'idle' WHERE id = '{company}'")).await;
    let refused = store.set_company(&company, change.clone(), "Jo", set_at()).await.unwrap_err();
    assert!(refused.to_string().contains("lock timeout"), "{refused}");
    db.execute("ROLLBACK").await;
    store.set_company(&company, change, "Jo", set_at()).await.unwrap();
}

#[tokio::test]
async fn what_a_transaction_goes_by_ends_with_it_where_a_pooler_lends_the_session() {
    let pooler = PgBouncer::start(1, "");
    let db = TestDatabase::by_way_of(|url| pooler.before(url)).await;
    let store = db.store(1).await;
    let enforcement = scheduled(&db, &store, 3).await;
    assert_eq!(store.flip_chunk(enforcement, enforce_at(), &Policy::default(), 10).await.unwrap().required, 3);
    // The vendor is lent the one session next. (Plain texts: nothing is prepared in it.)
    let lent = PgConnectOptions::from_str(db.url()).unwrap().extra_float_digits(None);
    let mut vendor = PgConnection::connect_with(&lent).await.unwrap();
    let settings =
        "SELECT current_setting('lock_timeout') || ' ' || COALESCE(current_setting('mfa_enforcer.derives', true), '')";
    let shown = sqlx::raw_sql(settings).fetch_one(&mut vendor).await.unwrap();
    assert_eq!(shown.get::<String, _>(0), "0 ");
    sqlx::raw_sql("UPDATE users SET mfa_required_at = NULL").execute(&mut vendor).await.unwrap();
    assert_eq!(db.value("SELECT count(*) FROM users WHERE NOT reviewed").await, "3", "whoever else writes it is seen");
}

#[tokio::test]
async fn who_writes_to_sqlite_without_a_pause_lets_others_in_between() {
    let db = TestDatabase::new(Kind::Sqlite).await;
    let store = db.store(1).await;
    let written = Cell::new(0_u32);
    let without_a_pause = async {
        loop {
            store.recheck_sso_users(written.get().is_multiple_of(2)).await.unwrap();
            written.set(written.get() + 1);
        }
    };
    let others = async {
        for _ in 0..30 {
            let before = written.get();
            store.cancel_orphans(set_at()).await.unwrap();
            let meanwhile = written.get() - before;
            assert!(meanwhile <= 2, "{meanwhile} others came first");
        }
    };
    tokio::select! {
        () = without_a_pause => {}
        () = others => {}
    }
    assert!(written.get() > 10);
}

async fn with_one_connection(url: &str) -> SqlStore {
    let options = ConnectOptions { max_connections: 1, ..options(url) };
    SqlStore::connect(&options, Schema::Expect, Randomness::seeded(1)).await.unwrap()
}

#[tokio::test]
async fn a_connection_that_can_only_read_is_left_once_a_write_was_refused() {
    let db = TestDatabase::new(Kind::Postgres).await;
    let company = add_company(&db, 1).await.to_string();
    let name = db.value("SELECT current_database()").await;
    // As a server that was the first, and is one of the others now: whoever connects later is led to the first.
    db.execute(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on")).await;
    let store = with_one_connection(&db.vendor_url()).await;
    db.execute(&format!("ALTER DATABASE {name} RESET default_transaction_read_only")).await;
    let change = CompanyChange { mfa_available: Some(false), ..CompanyChange::default() };
    let refused = store.set_company(&company, change.clone(), "Jo", set_at()).await.unwrap_err();
    assert!(refused.to_string().contains("read-only transaction"), "{refused}");
    store.set_company(&company, change, "Jo", set_at()).await.unwrap();
}

/// What a setting is for the store's transactions, on a database of which this is said of it.
async fn seen(db: &TestDatabase, setting: &str, of_database: (&str, &str)) -> String {
    let name = db.value("SELECT current_database()").await;
    db.execute(&format!("ALTER DATABASE {name} SET {} = '{}'", of_database.0, of_database.1)).await;
    db.execute(&format!(
        "CREATE OR REPLACE FUNCTION notes_setting() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN NEW.enforcement_set_by := current_setting('{setting}'); RETURN NEW; END $$;
         DROP TRIGGER IF EXISTS notes_setting ON companies;
         CREATE TRIGGER notes_setting BEFORE UPDATE ON companies FOR EACH ROW EXECUTE FUNCTION notes_setting()"
    ))
    .await;
    let store = with_one_connection(db.url()).await;
    db.execute("UPDATE companies SET mfa_available = true").await;
    let change = CompanyChange { mfa_available: Some(false), ..CompanyChange::default() };
    store.set_company(&company_id(1).to_string(), change, "Jo", set_at()).await.unwrap();
    db.value("SELECT enforcement_set_by FROM companies").await
}

/// A database whose defaults are not those that the store counts on.
async fn transactions_are_what_they_must_be(db: &TestDatabase) {
    add_company(db, 1).await;
    for (of_database, own) in [("off", "local"), ("on", "on"), ("remote_apply", "remote_apply")] {
        assert_eq!(seen(db, "synchronous_commit", ("synchronous_commit", of_database)).await, own);
    }
    for level in ["repeatable read", "serializable"] {
        let of_database = ("default_transaction_isolation", level);
        assert_eq!(seen(db, "transaction_isolation", of_database).await, "read committed");
    }
    for (limit, own) in [("0", "5s"), ("1min", "5s"), ("10s", "5s"), ("3s", "1500ms")] {
        assert_eq!(seen(db, "lock_timeout", ("statement_timeout", limit)).await, own);
    }
}

#[tokio::test]
async fn commits_are_kept_and_what_was_waited_for_is_seen_whatever_the_database_does_by_default() {
    transactions_are_what_they_must_be(&TestDatabase::new(Kind::Postgres).await).await;
}

#[tokio::test]
async fn so_it_is_where_a_pooler_lends_the_session() {
    // What a database says of itself is said to whoever comes anew.
    let pooler = PgBouncer::start(1, "server_lifetime = 0\n");
    transactions_are_what_they_must_be(&TestDatabase::by_way_of(|url| pooler.before(url)).await).await;
}

#[tokio::test]
async fn a_connection_whose_transaction_sqlite_itself_has_ended_is_left() {
    let db = TestDatabase::new(Kind::Sqlite).await;
    let company = add_company(&db, 1).await.to_string();
    // As it does when the disk is full.
    db.execute("CREATE TRIGGER full BEFORE INSERT ON audit_events BEGIN SELECT RAISE(ROLLBACK, 'full'); END").await;
    let store = with_one_connection(db.url()).await;
    let change = CompanyChange { mfa_available: Some(false), ..CompanyChange::default() };
    assert!(store.set_company(&company, change.clone(), "Jo", set_at()).await.is_err());
    db.execute("DROP TRIGGER full").await;
    store.set_company(&company, change, "Jo", set_at()).await.unwrap();
}

/// A line to a database on which nothing arrives any more, from the first statement in a transaction on: as when the machine
/// loses its power, or the network loses the way. Lines that are opened after that lead to one that works.
#[derive(Debug, Default)]
struct Outage {
    opened: AtomicUsize,
    /// How many of the lines are dead.
    dead: AtomicUsize,
}

impl Outage {
    /// The URL by which the lines lead that this is about.
    async fn before(self: &Arc<Self>, url: &str) -> String {
        let mut url = Url::parse(url).unwrap();
        let server = (url.host_str().unwrap().to_owned(), url.port().unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
        let outage = Arc::clone(self);
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let line = outage.opened.fetch_add(1, Ordering::SeqCst);
                let server = TcpStream::connect(&server).await.unwrap();
                let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
                tokio::spawn(Arc::clone(&outage).carry(line, from_client, to_server));
                tokio::spawn(Arc::clone(&outage).carry(line, from_server, to_client));
            }
        });
        url.to_string()
    }

    async fn carry(self: Arc<Self>, line: usize, mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) {
        let mut bytes = vec![0; 65536];
        while let Ok(read @ 1..) = from.read(&mut bytes).await {
            if line < self.dead.load(Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
            to.write_all(&bytes[..read]).await.unwrap();
        }
    }

    fn begin(&self) {
        self.dead.store(self.opened.load(Ordering::SeqCst), Ordering::SeqCst);
    }
}

#[async_trait]
impl Observer for Outage {
    async fn reached(&self, point: Checkpoint<'_>) -> Result<(), StoreError> {
        if self.dead.load(Ordering::SeqCst) == 0 && matches!(point, Checkpoint::Statement(_)) {
            self.begin();
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_server_that_is_gone_without_a_word_is_not_waited_for_for_ever() {
    let db = TestDatabase::new(Kind::Postgres).await;
    let company = add_company(&db, 1).await.to_string();
    let outage = Arc::new(Outage::default());
    let url = outage.before(db.url()).await;
    let options = ConnectOptions { max_connections: 1, silence: Some(TimeDelta::milliseconds(500)), ..options(&url) };
    let store = SqlStore::connect(&options, Schema::Expect, Randomness::seeded(1)).await.unwrap();
    let store = store.with_observer(Arc::<Outage>::clone(&outage));
    let change = CompanyChange { mfa_available: Some(false), ..CompanyChange::default() };
    let given_up = store.set_company(&company, change.clone(), "Jo", set_at()).await.unwrap_err();
    assert!(given_up.to_string().contains("no answer within 0.5 s"), "{given_up}");
    store.set_company(&company, change.clone(), "Jo", set_at()).await.unwrap();
    // That which was in no use as well.
    outage.begin();
    let change = CompanyChange { mfa_available: Some(true), ..change };
    store.set_company(&company, change, "Jo", set_at()).await.unwrap();
}

#[tokio::test]
async fn a_database_in_which_not_every_name_can_be_written_is_refused() {
    let db = TestDatabase::new(Kind::Postgres).await;
    let mut url = Url::parse(&db.vendor_url()).unwrap();
    let name = format!("{}_latin1", url.path().trim_start_matches('/'));
    let mut server = PgConnection::connect(url.as_str()).await.unwrap();
    let made = format!("CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'");
    sqlx::query(sqlx::AssertSqlSafe(made)).execute(&mut server).await.unwrap();
    url.set_path(&name);
    let refused = SqlStore::connect(&options(url.as_str()), Schema::Migrate, Randomness::seeded(1)).await;
    sqlx::query(sqlx::AssertSqlSafe(format!("DROP DATABASE \"{name}\" WITH (FORCE)")))
        .execute(&mut server)
        .await
        .unwrap();
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("encoding LATIN1") && refused.contains("ENCODING 'UTF8'"), "{refused}");
}
