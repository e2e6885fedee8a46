//! What keeps the daemon from starting: each message names the value, the place and the remedy, and nothing is changed.

use std::fs;

use crate::installation::{Installation, free_port};
use crate::support::{Kind, TestDatabase, on_both};

on_both!(a_schema_newer_than_the_program_is_refused, settings_without_which_no_mail_can_go);

async fn a_schema_newer_than_the_program_is_refused(db: &TestDatabase) {
    let installation = Installation::on(db);
    let (success, checksum) = if db.kind() == Kind::Sqlite { ("1", "x'00'") } else { ("true", "'\\x00'") };
    db.execute(&format!(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'of tomorrow', {success}, {checksum}, 1)"
    ))
    .await;
    let before = db.dump().await;
    for arguments in [&["run"][..], &["run", "--once"], &["migrate"], &["company", "list"]] {
        let message = installation.fails(arguments).await;
        assert!(
            message.ends_with(
                "has schema 9999, and this mfa-enforcer knows only up to 8: run the newer version that made it"
            ),
            "{message}"
        );
    }
    assert_eq!(db.dump().await, before);
}

async fn settings_without_which_no_mail_can_go(db: &TestDatabase) {
    let mut installation = Installation::on(db);
    let before = db.dump().await;
    installation.unset("smtp.url");
    let message = installation.fails(&["run"]).await;
    assert!(
        message.starts_with("mfa-enforcer: a setting is wrong:\n  smtp.url is not set: write smtps://"),
        "{message}"
    );
    installation.set("smtp.url", "file:mails").unset("notices.from");
    let message = installation.fails(&["run"]).await;
    assert_eq!(
        message,
        "mfa-enforcer: a setting is wrong:\n  notices.from is not set: name the sender, such as \"Acme Security \
         <security@acme.com>\""
    );
    installation.set("schedule.tick", "200ms").set("smtp.passwort", "hush");
    let message = installation.fails(&["run"]).await;
    assert!(
        message.contains("MFA_ENFORCER__SCHEDULE__TICK: schedule.tick: 200ms is too short: it must be at least 1s"),
        "{message}"
    );
    assert!(message.contains("did you mean MFA_ENFORCER__SMTP__PASSWORD?"), "{message}");
    assert_eq!(db.dump().await, before);
}

#[tokio::test]
async fn a_database_that_does_not_answer() {
    let mut installation = Installation::bare();
    let port = free_port();
    let url = format!("postgres://mfa:hush@127.0.0.1:{port}/ledger");
    installation.set("database.url", &url).set("database.connect_timeout", "1s");
    for arguments in [&["run"][..], &["company", "list"]] {
        let message = installation.fails(arguments).await;
        let expected = format!("mfa-enforcer: cannot reach the database postgres://mfa:***@127.0.0.1:{port}/ledger: ");
        assert!(message.starts_with(&expected), "{message}");
        assert!(message.contains("Connection refused") && message.contains("see database.url"), "{message}");
    }
    installation.set("database.url", "sqlite://no-such-folder/mfa.db");
    let message = installation.fails(&["run"]).await;
    assert_eq!(
        message,
        "mfa-enforcer: cannot write the database no-such-folder/mfa.db: No such file or directory (os error 2); see \
         database.url"
    );
}

#[tokio::test]
async fn a_wrong_template_stops_the_start_with_its_file_and_line() {
    let db = TestDatabase::new(Kind::Sqlite).await;
    let mut installation = Installation::on(&db);
    let folder = installation.folder().join("templates/reminder");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("body.txt"), "Hello\n\n{{ comapny }} wants\n").unwrap();
    installation.set("notices.template_dir", "templates");
    let before = db.dump().await;
    let message = installation.fails(&["run"]).await;
    assert!(
        message.starts_with(
            "mfa-enforcer: templates/reminder/body.txt:3: there is no variable 'comapny' here: use one of "
        ),
        "{message}"
    );
    assert_eq!(db.dump().await, before);
}

#[tokio::test]
async fn a_port_that_is_taken() {
    let db = TestDatabase::new(Kind::Sqlite).await;
    let mut installation = Installation::on(&db);
    let (_first, port) = installation.serving_daemon().await;
    let other = TestDatabase::new(Kind::Sqlite).await;
    installation.set("database.url", other.url());
    assert_eq!(
        installation.fails(&["run"]).await,
        format!(
            "mfa-enforcer: http.listen: 127.0.0.1:{port} is taken by another program: stop it, choose another port, or set \
             http.listen to \"\" to serve nothing"
        )
    );
}
