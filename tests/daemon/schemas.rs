//! Tables in a schema of their own.

use crate::installation::Installation;
use crate::story::live_through_a_date;
use crate::support::{Kind, PgBouncer, TestDatabase};

/// A name that means another one where it is not quoted.
const SCHEMA: &str = "Ledger's \"MFA\", too";

async fn with_a_schema(db: TestDatabase) -> (Installation, TestDatabase) {
    db.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public").await;
    let mut installation = Installation::on(&db);
    installation.set("database.schema", SCHEMA);
    (installation, db)
}

async fn a_schema_has_everything(db: TestDatabase) {
    let (installation, db) = with_a_schema(db).await;
    let message = installation.fails(&["migrate"]).await;
    assert!(message.contains("make the schema that database.schema names first: CREATE SCHEMA"), "{message}");
    let quoted = format!("\"{}\"", SCHEMA.replace('"', "\"\""));
    db.execute(&format!("CREATE SCHEMA {quoted}; SET search_path = {quoted}")).await;
    installation.succeeds(&["migrate"]).await;
    assert_eq!(db.value("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").await, "0");
    live_through_a_date(&installation, &db, 1).await;
}

#[tokio::test]
async fn everything_is_in_the_schema_that_the_settings_name() {
    a_schema_has_everything(TestDatabase::new(Kind::Postgres).await).await;
}

#[tokio::test]
async fn so_it_is_through_a_pooler() {
    let pooler = PgBouncer::start(2, "");
    a_schema_has_everything(TestDatabase::by_way_of(|url| pooler.before(url)).await).await;
}
