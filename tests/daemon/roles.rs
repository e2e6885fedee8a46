//! A role that may do no more than it must, made as operators are told to make it.

use crate::installation::Installation;
use crate::story::live_through_a_date;
use crate::support::TestDatabase;
use crate::support::database::{GRANTS, ROLES};
use crate::support::private_postgres::PrivatePostgres;

/// The program as `role`, in the schema that the documents name.
fn installation(server: &PrivatePostgres, role: &str) -> Installation {
    let mut installation = Installation::bare();
    installation.set("database.url", &format!("postgres://{role}:hush-db@127.0.0.1:{}/ledger", server.port));
    installation.set("database.schema", "mfa");
    installation
}

#[tokio::test]
async fn a_role_that_only_runs_can_do_everything_and_no_more() {
    let server = PrivatePostgres::start(&[], "");
    server.execute("postgres", "CREATE DATABASE ledger").await;
    server.execute("ledger", ROLES).await;
    let (owner, runs) = (installation(&server, "mfa_enforcer_owner"), installation(&server, "mfa_enforcer"));

    let message = runs.fails(&["migrate"]).await;
    assert!(message.contains("as the role that owns the tables"), "{message}");
    owner.succeeds(&["migrate"]).await;
    let message = runs.fails(&["status"]).await;
    assert!(message.contains("permission denied") && message.contains("see docs/postgresql/grants.sql"), "{message}");
    server.execute("ledger", &format!("SET ROLE mfa_enforcer_owner; {GRANTS}")).await;
    runs.succeeds(&["migrate"]).await;

    let vendor = TestDatabase::on(&format!("postgres://postgres@127.0.0.1:{}/ledger", server.port)).await;
    vendor.execute("SET search_path = mfa").await;
    live_through_a_date(&runs, &vendor, 2).await;

    vendor.execute("SET ROLE mfa_enforcer").await;
    for forbidden in [
        "UPDATE audit_events SET actor = 'somebody else'",
        "DELETE FROM audit_events",
        "TRUNCATE audit_events",
        "DELETE FROM audit_head",
        "DELETE FROM users",
        "DELETE FROM mails",
        "UPDATE mail_history SET outcome = 'sent'",
        "ALTER TABLE audit_events DISABLE TRIGGER ALL",
        "CREATE TABLE mfa.mine (id bigint)",
        "INSERT INTO _sqlx_migrations VALUES (99, '', now(), true, '', 0)",
    ] {
        let refused = vendor.try_execute(forbidden).await.expect_err(forbidden);
        assert!(refused.contains("permission denied") || refused.contains("must be owner"), "{forbidden}: {refused}");
    }
}

#[tokio::test]
async fn a_privilege_that_is_missing_is_named_while_the_daemon_runs() {
    let server = PrivatePostgres::start(&[], "");
    server.execute("postgres", "CREATE DATABASE ledger").await;
    server.execute("ledger", ROLES).await;
    installation(&server, "mfa_enforcer_owner").succeeds(&["migrate"]).await;
    server.execute("ledger", &GRANTS.replace("mails, admin_mails TO", "mails TO")).await;
    let runs = installation(&server, "mfa_enforcer");
    let message = runs.fails(&["run", "--once"]).await;
    assert!(message.contains("permission denied for table admin_mails"), "{message}");
    assert!(message.contains("see docs/postgresql/grants.sql"), "{message}");
}
