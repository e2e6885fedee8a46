//! What a daemon must not do unasked: run beside another on one file, surprise many people, mix clocks.

use std::os::unix::fs::{PermissionsExt as _, symlink};

use crate::installation::Installation;
use crate::process::Ended;
use crate::rows::{add_company_of, add_payee, notices, set_date};
use crate::support::{Kind, TestDatabase, on_both};

on_both!(
    a_first_run_that_would_surprise_many_people_stops,
    a_run_on_nobody_is_no_first_run,
    a_database_of_a_simulated_clock_is_refused_by_the_real_one,
    a_database_of_the_real_clock_is_refused_by_a_simulated_one,
);

/// Runs the daemon, which must refuse; the database must stay as it is.
async fn refused(db: &TestDatabase, installation: &Installation, arguments: &[&str]) -> String {
    let before = db.dump().await;
    let message = installation.fails(arguments).await;
    assert_eq!(db.dump().await, before);
    message
}

#[tokio::test]
async fn a_second_daemon_on_one_file_is_refused() {
    let db = TestDatabase::new(Kind::Sqlite).await;
    let file = db.url().strip_prefix("sqlite://").unwrap();
    let installation = Installation::on(&db);
    let holder = installation.daemon().await;
    let second = installation.fails(&["run"]).await;
    let expected = format!("mfa-enforcer: another daemon runs on this database: process {} since 20", holder.id());
    assert!(second.starts_with(&expected), "{second}");
    assert!(second.ends_with(&format!(" (its lock is {file}.lock); stop it first")), "{second}");

    // Under another name it is the same file.
    let mut elsewhere = Installation::on(&db);
    symlink(file, elsewhere.folder().join("link.db")).unwrap();
    elsewhere.set("database.url", "sqlite://link.db");
    assert!(elsewhere.fails(&["run", "--once"]).await.starts_with(&expected));
    // Commands that are no daemon work beside it.
    elsewhere.succeeds(&["company", "list"]).await;

    holder.signal("KILL");
    assert_eq!(holder.ended().await.code, None);
    elsewhere.succeeds(&["run", "--once"]).await;
}

#[tokio::test]
async fn a_lock_is_its_owners_and_no_link() {
    let db = TestDatabase::new(Kind::Sqlite).await;
    let lock = format!("{}.lock", db.url().strip_prefix("sqlite://").unwrap());
    let installation = Installation::on(&db);
    symlink(installation.folder().join("elsewhere"), &lock).unwrap();
    let message = installation.fails(&["run", "--once"]).await;
    assert!(message.ends_with(".lock: it is a link, which is not followed: remove it"), "{message}");
    assert!(!installation.folder().join("elsewhere").exists());

    std::fs::remove_file(&lock).unwrap();
    installation.succeeds(&["run", "--once"]).await;
    assert_eq!(std::fs::metadata(&lock).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn a_database_that_is_not_there_yet_is_made_and_locked() {
    let mut installation = Installation::bare();
    installation.set("database.url", "sqlite://real.db");
    symlink("real.db", installation.folder().join("link.db")).unwrap();
    let mut by_link = Installation::bare();
    by_link.set("database.url", &format!("sqlite://{}", installation.folder().join("link.db").display()));
    let holder = by_link.daemon().await;
    let second = installation.fails(&["run"]).await;
    assert!(second.contains(&format!("process {} since", holder.id())), "{second}");
}

async fn a_first_run_that_would_surprise_many_people_stops(db: &TestDatabase) {
    let installation = Installation::on(db);
    for number in [1, 2] {
        let company = add_company_of(db, number, 10).await;
        set_date(db, company).await;
    }
    add_payee(db, 3).await;
    let message = refused(db, &installation, &["run"]).await;
    assert!(
        message.contains("would at once require or mail 21 people, more than safety.first_run_limit = 20"),
        "{message}"
    );
    for line in ["Company 1 announcement 10", "Company 2 announcement 10", "(payees of all companies) required 1"] {
        let squeezed = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(message.lines().any(|shown| squeezed(shown) == line), "{line} is not in\n{message}");
    }
    assert!(message.contains("--accept-backlog"), "{message}");
    assert_eq!(refused(db, &installation, &["run", "--once"]).await, message);

    installation.succeeds(&["run", "--once", "--accept-backlog"]).await;
    assert_eq!(notices(db, "sent").await, 21);
    // Whoever has accepted once is not asked again.
    let company = add_company_of(db, 4, 30).await;
    set_date(db, company).await;
    installation.succeeds(&["run", "--once"]).await;
    assert_eq!(notices(db, "sent").await, 51);
}

async fn a_run_on_nobody_is_no_first_run(db: &TestDatabase) {
    let installation = Installation::on(db);
    installation.succeeds(&["run", "--once"]).await;
    let company = add_company_of(db, 1, 21).await;
    set_date(db, company).await;
    let message = refused(db, &installation, &["run"]).await;
    assert!(message.contains("require or mail 21 people"), "{message}");

    // A daemon that was up while people came has been run on them, also when it could not end in order.
    db.execute("UPDATE companies SET enforcement_date = NULL").await;
    installation.succeeds(&["run", "--once"]).await;
    db.execute("DELETE FROM daemon_state WHERE key = 'first_run'").await;
    set_date(db, company).await;
    installation.succeeds(&["run", "--once"]).await;
    assert_eq!(notices(db, "sent").await, 21);
}

async fn a_database_of_a_simulated_clock_is_refused_by_the_real_one(db: &TestDatabase) {
    let mut installation = Installation::on(db);
    installation.set("clock.simulated", "true");
    installation.succeeds(&["run", "--once", "--at", "2027-01-15T09:00:00Z"]).await;
    installation.set("clock.simulated", "false");
    let message = refused(db, &installation, &["run"]).await;
    assert_eq!(
        message,
        "mfa-enforcer: this database is driven by a simulated clock, and the settings say clock.simulated = false: set it \
         to true, or name another database in database.url"
    );
    let Ended { code, stderr, .. } = installation.run(&["run", "--once", "--at", "2027-01-15T09:00:00Z"]).await;
    assert_eq!(code, Some(2));
    assert!(stderr.contains("--at needs a simulated clock"), "{stderr}");
}

async fn a_database_of_the_real_clock_is_refused_by_a_simulated_one(db: &TestDatabase) {
    let mut installation = Installation::on(db);
    installation.succeeds(&["run", "--once"]).await;
    installation.set("clock.simulated", "true");
    let message = refused(db, &installation, &["run", "--once", "--at", "2027-01-15T09:00:00Z"]).await;
    assert_eq!(
        message,
        "mfa-enforcer: this database is driven by the real clock, and the settings say clock.simulated = true: set it to \
         false, or name another database in database.url"
    );
}

#[tokio::test]
async fn a_simulated_clock_sends_no_mail_beyond_this_machine() {
    let db = TestDatabase::new(Kind::Sqlite).await;
    let mut installation = Installation::on(&db);
    installation.set("clock.simulated", "true").set("smtp.url", "smtp://mail.ledger.app:587");
    let message = refused(&db, &installation, &["run", "--once", "--at", "2027-01-15T09:00:00Z"]).await;
    assert_eq!(
        message,
        "mfa-enforcer: a setting is wrong:\n  smtp.url names mail.ledger.app, but clock.simulated is true: then mail goes \
         only into a folder (file:DIR) or to a mail server on this machine"
    );
}
