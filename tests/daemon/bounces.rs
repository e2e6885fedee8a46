//! Mails that come back to the daemon: from a Maildir, by LMTP, and from providers.

use std::fs;
use std::path::PathBuf;

use mfa_enforcer::config::bounces::BounceSettings;
use mfa_enforcer::domain::ids::Id;
use mfa_enforcer::mail::return_path::ReturnPath;

use crate::installation::Installation;
use crate::process::eventually;
use crate::rows::{add_company_of, sent, set_date};
use crate::support::{Kind, TestDatabase, on_both};

on_both!(what_came_back_is_read_from_a_maildir);

const KEY: &str = "hush-key-of-bounces";

/// An installation whose mails come back to `bounces@mail.ledger.app`.
fn installation(db: &TestDatabase) -> Installation {
    let mut made = Installation::on(db);
    made.set("bounces.address", "bounces@mail.ledger.app").set("bounces.key", KEY);
    made
}

/// The same with a Maildir.
fn with_maildir(db: &TestDatabase) -> Installation {
    let mut made = installation(db);
    for folder in ["new", "cur", "tmp"] {
        fs::create_dir_all(made.folder().join("came-back").join(folder)).unwrap();
    }
    made.set("bounces.maildir", "came-back");
    made
}

fn return_path() -> ReturnPath {
    let settings = format!("address = 'bounces@mail.ledger.app'\nkey = '{KEY}'");
    let settings: BounceSettings = toml::from_str(&settings).unwrap();
    ReturnPath::from_settings(&settings).unwrap().unwrap()
}

/// What a mail server reports of a mail that came back to this address.
fn report(to: &str, status: &str) -> String {
    format!(
        "Delivered-To: {to}\nTo: {to}\nSubject: Undelivered\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n\
         --b\nContent-Type: text/plain\n\nIt could not be delivered.\n\n\
         --b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.com\n\n\
         Final-Recipient: rfc822; user1000@example.com\nAction: failed\nStatus: {status}\n\
         Diagnostic-Code: smtp; 550 {status} <user1000@example.com>: no\n\n--b--\n"
    )
}

/// Tells so many people a date; gives back the ids of their mails.
async fn mails_of(db: &TestDatabase, people: u32) -> Vec<Id> {
    let company = add_company_of(db, 1, people).await;
    set_date(db, company).await;
    sent(db, people as usize).await;
    let rows = db.rows("SELECT id FROM mails ORDER BY address").await;
    rows.iter().map(|row| row[0].parse().unwrap()).collect()
}

async fn bounced(db: &TestDatabase) -> String {
    db.value("SELECT count(*) FROM users WHERE email_status = 'bounced'").await
}

/// The names of the files in a folder of the Maildir.
fn files(installation: &Installation, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(installation.folder().join("came-back").join(folder)).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn deliver(installation: &Installation, name: &str, mail: &str) -> PathBuf {
    let path = installation.folder().join("came-back/new").join(name);
    fs::write(&path, mail).unwrap();
    path
}

async fn what_came_back_is_read_from_a_maildir(db: &TestDatabase) {
    let installation = with_maildir(db);
    let daemon = installation.daemon().await;
    let mails = mails_of(db, 4).await;
    let path = |mail: usize| return_path().of(mails[mail]).to_string();
    deliver(&installation, "1.a", &report(&path(0), "5.1.1"));
    deliver(&installation, "2.b", &report(&path(1), "5.7.1"));
    deliver(
        &installation,
        "3.c",
        &format!("Delivered-To: {}\nAuto-Submitted: auto-replied\n\n550 5.1.1 away", path(2)),
    );
    // The id of one mail with the signature of another.
    let forged = format!("{}{}", &path(3)[.."bounces+".len() + 26], &path(0)["bounces+".len() + 26..]);
    deliver(&installation, "4.d", &report(&forged, "5.1.1"));
    fs::create_dir(installation.folder().join("came-back/new/5.e")).unwrap();
    eventually("all are read", async || (files(&installation, "new") == ["5.e"]).then_some(())).await;
    assert_eq!(files(&installation, "cur"), ["1.a:2,S", "2.b:2,S", "3.c:2,S", "4.d:2,S"]);
    let states = db.rows("SELECT email_status FROM users ORDER BY email").await.concat();
    assert_eq!(states, ["bounced", "ok", "ok", "ok"]);
    let failed = db.value("SELECT count(*) FROM mails WHERE state = 'failed' AND NOT maybe_received").await;
    assert_eq!(failed, "2");
    daemon.says("cannot be read, and stays there").await;
    daemon.signal("TERM");
    assert_eq!(daemon.ended().await.code, Some(0));

    // As if the daemon had died before the file was put away.
    let before = db.value("SELECT seq FROM audit_head").await;
    deliver(&installation, "1.a", &report(&path(0), "5.1.1"));
    installation.succeeds(&["run", "--once"]).await;
    assert_eq!(
        (files(&installation, "new"), db.value("SELECT seq FROM audit_head").await),
        (vec!["5.e".to_owned()], before)
    );
}

#[tokio::test]
async fn a_maildir_that_is_not_there_is_named() {
    let db = TestDatabase::new(Kind::Sqlite).await;
    let mut installation = installation(&db);
    installation.set("bounces.maildir", "nowhere");
    let message = installation.fails(&["run", "--once"]).await;
    assert!(message.contains("bounces: bounces.maildir = \"nowhere\": nowhere/cur cannot be read"), "{message}");
    assert!(message.contains("create the Maildir"), "{message}");
}

#[tokio::test]
async fn what_comes_back_of_mail_to_one_address_is_left_alone() {
    let db = TestDatabase::new(Kind::Sqlite).await;
    let mut installation = with_maildir(&db);
    installation.set("smtp.redirect_all_to", "staging@ledger.app");
    let daemon = installation.daemon().await;
    let mails = mails_of(&db, 1).await;
    deliver(&installation, "1.a", &report(&return_path().of(mails[0]).to_string(), "5.1.1"));
    daemon.says("no bounces are recorded").await;
    drop(daemon);
    installation.succeeds(&["run", "--once"]).await;
    assert_eq!((files(&installation, "new").len(), bounced(&db).await.as_str()), (1, "0"));
}
