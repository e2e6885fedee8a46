//! A copy of a database holds what the original holds, to the byte, and leaves no trace there.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use mfa_enforcer::clock::Randomness;
use mfa_enforcer::domain::audit::Verifier;
use mfa_enforcer::store::audit::{AuditFilter, AuditStore as _};
use mfa_enforcer::store::connect::Schema;
use mfa_enforcer::store::copy::{Source, copy_database};
use mfa_enforcer::store::{SqlStore, StoreError};
use tempfile::TempDir;

use crate::support::database::options;
use crate::support::vendor::{add_company, add_member, add_user, user_id};
use crate::support::{Kind, Rehearsal, TestDatabase, on_both};

on_both!(
    a_copy_holds_all_that_the_original_holds,
    a_copy_is_of_one_moment,
    a_copy_can_be_worked_on,
    a_source_of_another_version_is_left_alone,
);

/// A fresh database to copy into.
async fn target(folder: &TempDir) -> PathBuf {
    let file = folder.path().join("copy.db");
    let url = format!("sqlite://{}", file.display());
    let store = SqlStore::connect(&options(&url), Schema::Migrate, Randomness::seeded(1)).await.unwrap();
    store.close().await;
    file
}

fn source(db: &TestDatabase) -> Source<'_> {
    match db.kind() {
        Kind::Sqlite => Source::File(file_of(db)),
        Kind::Postgres => Source::Server(options(db.url())),
    }
}

fn file_of(db: &TestDatabase) -> PathBuf {
    db.url().trim_start_matches("sqlite://").into()
}

async fn copy(db: &TestDatabase, progress: &(dyn Fn(u64) + Send + Sync)) -> (TestDatabase, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = target(&folder).await;
    copy_database(&source(db), &file, progress).await.unwrap();
    (TestDatabase::open(&file).await, folder)
}

/// Something in every table, and values that a copy could stumble over.
async fn fill(db: &TestDatabase) {
    let company = add_company(db, 1).await;
    for number in 1..=3 {
        let user = add_user(db, number).await;
        add_member(db, company, user).await;
    }
    db.execute(
        "UPDATE companies SET enforcement_date = '2027-01-15', notice_days = '[30,  7]', external_id = 'it''s \"quoted\"';
         UPDATE users SET name = '', locale = NULL WHERE name = 'User 1';
         UPDATE users SET payee = true, mfa_enrolled_at = '0002-01-01T00:00:00.000001Z' WHERE name = 'User 2';
         UPDATE users SET name = '💡' || ' ' || 'ñ', mfa_enrolled_at = '9998-12-31T23:59:59.999999Z' WHERE name = 'User 3'",
    )
    .await;
    db.execute(&format!("UPDATE memberships SET role = 'admin' WHERE user_id = '{}'", user_id(3))).await;
    let rehearsal = Rehearsal::new(db, "2027-01-01T10:00:00Z".parse().unwrap()).await;
    rehearsal.live_until(Some("2027-02-01T00:00:00Z".parse().unwrap())).await;
    db.execute("INSERT INTO daemon_state (key, value) VALUES ('clock', 'real')").await;
    db.execute(
        "INSERT INTO mail_history (id, mail_id, at, attempt, outcome, reply)
         SELECT id, id, attempted_at, 1, 'deferred', '451 later' FROM mails",
    )
    .await;
    db.execute("INSERT INTO membership_changes (company_id, user_id, reviews) SELECT company_id, user_id, true FROM memberships").await;
    // What a trigger would change, it must find as it was: a review to come, a revision that is ahead.
    db.execute("UPDATE users SET payee = false WHERE name = 'User 2'; UPDATE companies SET enforcement_date = NULL")
        .await;
    for table in db.tables().await {
        assert_ne!(db.value(&format!("SELECT count(*) FROM {table}")).await, "0", "{table} is empty");
    }
}

async fn a_copy_holds_all_that_the_original_holds(db: &TestDatabase) {
    fill(db).await;
    if db.kind() == Kind::Sqlite {
        // SQLite takes text that is none, and members of nothing from connections that do not know of foreign keys.
        db.execute(
            "UPDATE users SET name = CAST(x'4a6ff8ff' AS TEXT) WHERE name = '';
             PRAGMA foreign_keys = OFF;
             INSERT INTO memberships (company_id, user_id, role) VALUES
                 ('0c000000-0000-4000-8000-0000000000ff', '0e000000-0000-4000-8000-0000000000ff', 'admin');
             PRAGMA foreign_keys = ON",
        )
        .await;
    }
    let bytes = "SELECT hex(CAST(name AS BLOB)) FROM users ORDER BY id";
    let before = db.dump().await;
    let (copied, folder) = copy(db, &|_| ()).await;
    assert_eq!(copied.dump().await, before);
    assert_eq!(db.dump().await, before);
    if db.kind() == Kind::Sqlite {
        assert_eq!(copied.rows(bytes).await, db.rows(bytes).await);
        assert_eq!(copied.rows(bytes).await[0], ["4A6FF8FF"]);
        let schema = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name";
        assert_eq!(copied.rows(schema).await, db.rows(schema).await, "no trigger is lost");
    }
    drop(folder);
}

/// Somebody writes while it is copied: what they write is in it whole, or not at all.
async fn a_copy_is_of_one_moment(db: &TestDatabase) {
    fill(db).await;
    let (before, url, kind) = (db.dump().await, db.vendor_url(), db.kind());
    let written = AtomicBool::new(false);
    let (copied, _folder) = copy(db, &|_| {
        if !written.swap(true, Ordering::Relaxed) {
            let (url, file) = (url.clone(), PathBuf::from(url.trim_start_matches("sqlite://")));
            let writing = std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(write_everywhere(kind, &url, &file));
            });
            writing.join().unwrap();
        }
    })
    .await;
    let after = db.dump().await;
    assert_ne!(before, after);
    let copy = copied.dump().await;
    assert!(copy == before || copy == after, "a copy of two moments:\n{copy}\n\nbefore:\n{before}\n\nafter:\n{after}");
}

/// In tables that were copied already and in others, by a connection that then closes, so that SQLite brings it into the
/// file itself.
async fn write_everywhere(kind: Kind, url: &str, file: &Path) {
    const CHANGES: &str =
        "UPDATE audit_events SET actor = 'late'; UPDATE companies SET locale = 'de'; UPDATE users SET locale = 'de';
        UPDATE memberships SET role = 'admin'; UPDATE task_runs SET errors = errors + 1;
        INSERT INTO daemon_state (key, value) VALUES ('late', 'x')";
    use sqlx::Connection as _;
    match kind {
        Kind::Sqlite => {
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
            let mut connection = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
            sqlx::raw_sql(CHANGES).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        }
        Kind::Postgres => {
            let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
            sqlx::raw_sql(CHANGES).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        }
    }
}

/// The trail is whole, and the daemon goes on with it.
async fn a_copy_can_be_worked_on(db: &TestDatabase) {
    fill(db).await;
    let (copied, _folder) = copy(db, &|_| ()).await;
    let there = Rehearsal::new(db, "2027-02-01T00:00:00Z".parse().unwrap()).await;
    let here = Rehearsal::new(&copied, "2027-02-01T00:00:00Z".parse().unwrap()).await;
    there.settle().await;
    here.settle().await;
    let counts = "SELECT (SELECT count(*) FROM requirements), (SELECT count(*) FROM notices), (SELECT max(seq) FROM audit_events)";
    assert_eq!(copied.rows(counts).await, db.rows(counts).await);
    let store = copied.store(1).await;
    let mut verifier = Verifier::new(None);
    for event in store.audit_page(&AuditFilter::default(), 0, 10_000).await.unwrap() {
        verifier.next(&event).unwrap();
    }
    let (seq, hash) = store.audit_head().await.unwrap();
    verifier.finish(seq, &hash).unwrap();
}

async fn a_source_of_another_version_is_left_alone(db: &TestDatabase) {
    for (sql, remedy) in [
        ("UPDATE _sqlx_migrations SET version = 9999 WHERE version = 2", "run the newer version that made it"),
        ("DELETE FROM _sqlx_migrations WHERE version > 1", "run `mfa-enforcer migrate`"),
    ] {
        db.execute(sql).await;
        let folder = tempfile::tempdir().unwrap();
        let file = target(&folder).await;
        let refused = copy_database(&source(db), &file, &|_| ()).await;
        assert!(matches!(&refused, Err(StoreError::Unusable(text)) if text.contains(remedy)), "{refused:?}");
    }
}

#[tokio::test]
async fn many_rows_are_copied_in_batches() {
    let db = TestDatabase::new(Kind::Sqlite).await;
    db.execute(
        "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 5001)
         INSERT INTO users (id, email, name, payee) SELECT printf('%08x-0000-7000-8000-000000000000', n), 'u@example.org', 'U', n % 2 FROM n",
    )
    .await;
    let seen = std::sync::Mutex::new(Vec::new());
    let (copied, _folder) = copy(&db, &|rows| seen.lock().unwrap().push(rows)).await;
    assert_eq!(copied.dump().await, db.dump().await);
    let seen = seen.into_inner().unwrap();
    assert!(seen.is_sorted() && seen.windows(2).all(|pair| pair[1] - pair[0] <= 1000), "{seen:?}");
}

/// A database that nobody uses is one file, before and after.
#[tokio::test]
async fn no_file_is_left_beside_the_original() {
    let folder = tempfile::tempdir().unwrap();
    let original = target(&folder).await;
    let bytes = std::fs::read(&original).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let file = target(&elsewhere).await;
    copy_database(&Source::File(original.clone()), &file, &|_| ()).await.unwrap();
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["copy.db"]);
    assert_eq!(std::fs::read(&original).unwrap(), bytes);
}

/// Nobody uses it when the copy begins, and then somebody does.
#[tokio::test]
async fn who_begins_to_write_meanwhile_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let original = target(&folder).await;
    let filled = TestDatabase::open(&original).await;
    fill(&filled).await;
    let before = filled.dump().await;
    drop(filled);
    // A connection that is dropped is closed by a thread of its own.
    let log = folder.path().join("copy.db-wal");
    while log.exists() {
        tokio::task::yield_now().await;
    }
    let elsewhere = tempfile::tempdir().unwrap();
    let file = target(&elsewhere).await;
    let written = AtomicBool::new(false);
    let write = |_| {
        if !written.swap(true, Ordering::Relaxed) {
            let original = original.clone();
            let writing = std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(write_everywhere(Kind::Sqlite, "", &original));
            });
            writing.join().unwrap();
        }
    };
    copy_database(&Source::File(original.clone()), &file, &write).await.unwrap();
    let (copy, after) =
        (TestDatabase::open(&file).await.dump().await, TestDatabase::open(&original).await.dump().await);
    assert_ne!(before, after);
    assert!(copy == before || copy == after, "a copy of two moments:\n{copy}\n\nbefore:\n{before}\n\nafter:\n{after}");
}
