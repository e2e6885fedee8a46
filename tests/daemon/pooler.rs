//! PostgreSQL behind a real PgBouncer in transaction mode: nothing lasts from one transaction to the next.

use crate::installation::Installation;
use crate::story::live_through_a_date;
use crate::support::{PgBouncer, TestDatabase};

/// Fewer connections to the server than the program has to the pooler, so that they change hands all the time.
const FEW: u32 = 2;

/// Takes away what the tests' template has brought along.
const EMPTIED: &str = "DROP SCHEMA public CASCADE; CREATE SCHEMA public";

#[tokio::test]
async fn two_daemons_and_every_command_work_through_a_small_pool() {
    let pooler = PgBouncer::start(FEW, "");
    let db = TestDatabase::by_way_of(|url| pooler.before(url)).await;
    db.execute(EMPTIED).await;
    let installation = Installation::on(&db);
    installation.succeeds(&["migrate"]).await;
    installation.succeeds(&["migrate"]).await;
    live_through_a_date(&installation, &db, 2).await;
}

#[tokio::test]
async fn an_import_has_more_batches_than_the_pool_has_connections() {
    let pooler = PgBouncer::start(FEW, "");
    let db = TestDatabase::by_way_of(|url| pooler.before(url)).await;
    let installation = Installation::on(&db);
    let users: Vec<String> = (0..6000).map(|number| format!("n-{number},n{number}@example.org,N")).collect();
    std::fs::write(installation.folder().join("users.csv"), format!("external_id,email,name\n{}\n", users.join("\n")))
        .unwrap();
    let file = installation.folder().join("users.csv").display().to_string();
    let said = installation.succeeds(&["import", "users", &file]).await;
    assert_eq!(said, "6000 lines: 6000 added, 0 changed, 0 unchanged, 0 bad.\n");
    let said = installation.succeeds(&["import", "users", &file]).await;
    assert_eq!(said, "6000 lines: 0 added, 0 changed, 6000 unchanged, 0 bad.\n");
}

#[tokio::test]
async fn a_pooler_that_ignores_settings_is_known_all_the_same() {
    let pooler = PgBouncer::start(FEW, "ignore_startup_parameters = options");
    let db = TestDatabase::by_way_of(|url| pooler.before(url)).await;
    let mut installation = Installation::on(&db);
    installation.set("telemetry.log", "debug");
    let known = installation.run(&["run", "--once"]).await;
    assert!(known.stderr.contains("a pooler in transaction mode stands before the database"), "{known:?}");
    assert_eq!(known.code, Some(0));
}

#[tokio::test]
async fn what_a_pooler_refuses_is_told_with_what_to_do() {
    let pooler = PgBouncer::start(FEW, "");
    let db = TestDatabase::by_way_of(|url| pooler.before(url)).await;
    let mut installation = Installation::on(&db);
    installation.set("database.pooling", "session");
    let message = installation.fails(&["status"]).await;
    assert!(message.contains("set database.pooling to \"transaction\""), "{message}");
    installation.set("database.pooling", "transaction");
    installation.succeeds(&["status"]).await;
    // Settings go with each transaction.
    installation.set("database.statement_timeout", "1ms");
    db.execute("CREATE OR REPLACE FUNCTION slow(anything anyelement) RETURNS boolean LANGUAGE sql AS 'SELECT pg_sleep(30) IS NULL'").await;
    db.execute(
        "ALTER TABLE daemon_state RENAME TO stored; CREATE VIEW daemon_state AS SELECT * FROM stored WHERE slow(key)",
    )
    .await;
    db.execute("INSERT INTO stored (key, value) VALUES ('clock', 'real')").await;
    let message = installation.fails(&["status"]).await;
    assert!(message.contains("statement timeout"), "{message}");
}
