//! `check`: what is wrong with an installation, all of it at once.

use std::fs;

use crate::installation::{Installation, free_port};
use crate::process::Ended;
use crate::servers::Sink;
use crate::support::{Kind, TestDatabase, on_both};

on_both!(an_installation_that_can_work_passes);

/// What `check` shows, with the folder and the port left out; it must keep secrets there as well.
fn shown(installation: &Installation, ended: &Ended, port: u16) -> String {
    assert_eq!(ended.stderr, "");
    assert!(!ended.stdout.contains("hush"), "{}", ended.stdout);
    let folder = format!("{}/", installation.folder().display());
    ended.stdout.replace(&folder, "").replace(&port.to_string(), "PORT")
}

async fn an_installation_that_can_work_passes(db: &TestDatabase) {
    let sink = Sink::start(&[]);
    let mut installation = Installation::on(db);
    installation.set("smtp.url", &format!("smtp://127.0.0.1:{}", sink.port));
    installation.set("smtp.username", "mfa").set("smtp.password", "hush-smtp");
    let before = db.dump().await;
    let ended = installation.run(&["check"]).await;
    let shown = shown(&installation, &ended, sink.port);
    let lines: Vec<String> = shown.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(lines[0], "settings ok from the defaults and the environment");
    assert_eq!(lines[1], "templates ok built in; every kind of notice can be written");
    assert!(lines[2].starts_with("database ok ") && lines[2].ends_with(" is up to date"), "{shown}");
    assert_eq!(lines[3], "clock ok the system's");
    assert!(lines[4].starts_with("mail ok ") && lines[4].ends_with(" is ready to take it"), "{shown}");
    assert_eq!((ended.code, lines.len()), (Some(0), 5), "{shown}");

    let json: serde_json::Value = serde_json::from_str(&installation.succeeds(&["check", "--json"]).await).unwrap();
    assert_eq!(json["ok"], true);
    let parts: Vec<&str> =
        json["parts"].as_array().unwrap().iter().map(|part| part["name"].as_str().unwrap()).collect();
    assert_eq!(parts, ["settings", "templates", "database", "clock", "mail"]);
    assert_eq!(db.dump().await, before, "nothing is changed");
    assert!(sink.mails().is_empty(), "nothing is sent");
}

#[tokio::test]
async fn everything_that_is_wrong_is_shown_at_once() {
    let mut installation = Installation::bare();
    let port = free_port();
    fs::create_dir_all(installation.folder().join("templates/welcome")).unwrap();
    fs::write(installation.folder().join("templates/welcome/subject.txt"), "{% if %}").unwrap();
    installation.set("notices.template_dir", "templates").set("notices.from", "no-reply@example.com");
    installation.set("smtp.url", &format!("smtp://127.0.0.1:{port}"));
    // A database that nobody has migrated yet.
    fs::write(installation.folder().join("empty.db"), "").unwrap();
    installation.set("database.url", "sqlite://empty.db");
    let ended = installation.run(&["check"]).await;
    assert_eq!(ended.code, Some(1));
    insta::assert_snapshot!(shown(&installation, &ended, port));
}

#[tokio::test]
async fn settings_that_cannot_be_read_come_first() {
    let installation = Installation::bare();
    fs::write(
        installation.folder().join("mfa.toml"),
        "[smtp]\npasswort = 'hush'\ntls = 'sometimes'\n[database]\nurl = 'mysql://root:hush@db/x'\n",
    )
    .unwrap();
    let ended = installation.run(&["--config", "mfa.toml", "check"]).await;
    assert_eq!(ended.code, Some(1));
    insta::assert_snapshot!(shown(&installation, &ended, 0));
}

#[tokio::test]
async fn settings_and_database_must_mean_the_same_clock() {
    let db = TestDatabase::new(Kind::Sqlite).await;
    let mut installation = Installation::on(&db);
    // A simulated clock without an instant is no problem yet.
    installation.set("clock.simulated", "true");
    installation.succeeds(&["check"]).await;
    installation.succeeds(&["run", "--once", "--at", "2027-01-15T09:00:00Z"]).await;
    installation.succeeds(&["check"]).await;
    installation.set("clock.simulated", "false");
    let ended = installation.run(&["check"]).await;
    assert_eq!(ended.code, Some(1));
    let line = ended.stdout.lines().find(|line| line.starts_with("clock")).unwrap();
    assert!(line.contains("WRONG") && line.contains("set it to true, or name another database"), "{line}");
}

#[tokio::test]
async fn a_key_that_cannot_sign_is_found() {
    let mut installation = Installation::bare();
    installation.set("notices.dkim_keys", "[\"2027a:/nowhere/key.pem\"]");
    let ended = installation.run(&["check"]).await;
    assert_eq!(ended.code, Some(1));
    assert!(ended.stdout.contains("mail       WRONG"), "{}", ended.stdout);
    assert!(ended.stdout.contains("which cannot be read as a private key in PEM"), "{}", ended.stdout);
}

#[tokio::test]
async fn where_bounces_cannot_come_in_is_found() {
    let mut installation = Installation::bare();
    installation.set("bounces.address", "bounces@mail.ledger.app").set("bounces.key", "hush-key-of-bounces");
    installation.set("bounces.maildir", "came-back").set("bounces.lmtp_socket", "run/lmtp");
    let ended = installation.run(&["check"]).await;
    assert!(ended.stdout.contains("bounces    WRONG"), "{}", ended.stdout);
    assert!(ended.stdout.contains("bounces.maildir = \"came-back\": came-back/cur cannot be used"), "{}", ended.stdout);
    assert!(ended.stdout.contains("bounces.lmtp_socket = \"run/lmtp\": run is no folder"), "{}", ended.stdout);
    for folder in ["came-back/new", "came-back/cur", "run"] {
        fs::create_dir_all(installation.folder().join(folder)).unwrap();
    }
    let ended = installation.run(&["check"]).await;
    assert!(ended.stdout.contains("bounces    ok           can be taken"), "{}", ended.stdout);
    assert_eq!(fs::read_dir(installation.folder().join("came-back/new")).unwrap().count(), 0);
}
