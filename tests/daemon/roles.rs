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

    write_as_the_vendors_application(&vendor).await;
    vendor.execute("SET search_path = mfa; SET ROLE mfa_enforcer").await;
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

/// A role that has its own tables alone, and does not look for names in this schema.
async fn write_as_the_vendors_application(vendor: &TestDatabase) {
    vendor
        .execute(
            "CREATE ROLE ledger; GRANT USAGE ON SCHEMA mfa TO ledger;
             GRANT SELECT, INSERT, UPDATE, DELETE ON mfa.companies, mfa.users, mfa.memberships TO ledger;
             SET search_path = public; SET ROLE ledger",
        )
        .await;
    vendor.execute("UPDATE mfa.users SET email = 'new.' || email").await;
    assert_eq!(vendor.value("SELECT count(*) FROM mfa.users WHERE NOT reviewed").await, "0");
    vendor.execute("UPDATE mfa.users SET mfa_required_at = NULL").await;
    assert_eq!(vendor.value("SELECT count(*) FROM mfa.users WHERE NOT reviewed").await, "20", "it is to be mended");
    vendor.execute("DELETE FROM mfa.memberships; DELETE FROM mfa.users; DELETE FROM mfa.companies; RESET ROLE").await;
    assert_eq!(vendor.value("SELECT count(*) FROM mfa.enforcements WHERE company_deleted").await, "1");
    // What is done in the owner's name is done by these tables' triggers alone.
    let of_his_own = "CREATE TABLE public.ours (id uuid); GRANT ALL ON public.ours TO ledger; SET ROLE ledger;
         CREATE TRIGGER ours BEFORE DELETE ON public.ours FOR EACH ROW EXECUTE FUNCTION mfa.mfa_enforcer_company_deleted()";
    let refused = vendor.try_execute(of_his_own).await.unwrap_err();
    assert!(refused.contains("permission denied for function"), "{refused}");
    vendor.execute("RESET ROLE").await;
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
