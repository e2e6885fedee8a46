//! Mails that come back to the daemon: from a Maildir, by LMTP, and from providers.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::ops::Add as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use mfa_enforcer::config::bounces::BounceSettings;
use mfa_enforcer::domain::ids::Id;
use mfa_enforcer::mail::return_path::ReturnPath;
use serde_json::{Value, json};

use crate::asking::metrics;
use crate::installation::Installation;
use crate::process::eventually;
use crate::rows::{add_company_of, sent, set_date};
use crate::support::{Kind, TestDatabase, on_both};

on_both!(what_came_back_is_read_from_a_maildir, what_came_back_is_taken_by_lmtp, what_came_back_is_told_by_a_provider,);

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
    assert!(message.contains("bounces: bounces.maildir = \"nowhere\": nowhere/cur cannot be used"), "{message}");
    assert!(message.contains("it must be a Maildir that the daemon's user may read and write"), "{message}");
}

#[tokio::test]
async fn what_comes_back_of_mail_to_one_address_is_left_alone() {
    let db = TestDatabase::new(Kind::Sqlite).await;
    let mut installation = with_maildir(&db);
    installation.set("smtp.redirect_all_to", "staging@ledger.app");
    let daemon = installation.daemon().await;
    let mails = mails_of(&db, 1).await;
    deliver(&installation, "1.a", &report(return_path().of(mails[0]).as_ref(), "5.1.1"));
    daemon.says("no bounces are recorded").await;
    drop(daemon);
    installation.succeeds(&["run", "--once"]).await;
    assert_eq!((files(&installation, "new").len(), bounced(&db).await.as_str()), (1, "0"));
}

/// Hands over a mail by LMTP, with Python's client: the codes for each recipient, and after the mail for each that was taken.
fn hand_over(installation: &Installation, recipients: &[&str], mail: &str) -> Value {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/daemon/lmtp_client.py");
    let mut client = Command::new("/usr/bin/python3")
        .args([script, installation.folder().join("lmtp").to_str().unwrap()])
        .args(recipients)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("/usr/bin/python3 is missing: install Debian's package 'python3'");
    client.stdin.take().unwrap().write_all(mail.as_bytes()).unwrap();
    let output = client.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

async fn what_came_back_is_taken_by_lmtp(db: &TestDatabase) {
    let mut installation = installation(db);
    installation.set("bounces.lmtp_socket", "lmtp");
    let daemon = installation.daemon().await;
    let mode = fs::metadata(installation.folder().join("lmtp")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    let mails = mails_of(db, 3).await;
    let paths: Vec<String> = mails.iter().map(|mail| return_path().of(*mail).to_string()).collect();
    let [one, two, three] = [&paths[0], &paths[1], &paths[2]];

    let forged = format!("{}{}", &one[.."bounces+".len() + 26], &two["bounces+".len() + 26..]);
    let strangers = [forged.as_str(), "bounces@mail.ledger.app", "postmaster@mail.ledger.app"];
    assert_eq!(
        hand_over(&installation, &strangers, "x"),
        json!({ "recipients": [550, 550, 550], "mail": 503, "replies": [] })
    );
    let answer = hand_over(&installation, &[&one.to_uppercase(), "jo@ledger.app"], &report(one, "5.1.1"));
    assert_eq!(answer, json!({ "recipients": [250, 550], "mail": 354, "replies": [250] }));
    assert_eq!(bounced(db).await, "1", "it is recorded before it is taken");
    let away = "Auto-Submitted: auto-replied\n\n550 5.1.1 away\n.\n..\n";
    assert_eq!(hand_over(&installation, &[two], away)["replies"], json!([250]));
    let large = report(two, "5.1.1") + &"x".repeat(70).add("\n").repeat(15_000);
    assert_eq!(hand_over(&installation, &[two], &large)["replies"], json!([552]));
    assert_eq!(bounced(db).await, "1");

    db.execute("ALTER TABLE mail_history RENAME TO mail_history_away").await;
    assert_eq!(hand_over(&installation, &[two], &report(two, "5.1.1"))["replies"], json!([451]));
    db.execute("ALTER TABLE mail_history_away RENAME TO mail_history").await;
    assert_eq!(hand_over(&installation, &[two, three, two], &report(two, "5.1.1"))["replies"], json!([250, 250, 250]));
    assert_eq!(bounced(db).await, "3");

    daemon.signal("TERM");
    assert_eq!(daemon.ended().await.code, Some(0));
    assert!(!installation.folder().join("lmtp").exists(), "the socket goes with the daemon");
}

#[tokio::test]
async fn a_socket_that_a_dead_daemon_has_left_is_taken_over_and_nothing_else_is() {
    let db = TestDatabase::new(Kind::Sqlite).await;
    let mut installation = installation(&db);
    installation.set("bounces.lmtp_socket", "lmtp");
    let socket = installation.folder().join("lmtp");
    let mut daemon = installation.daemon().await;
    daemon.signal("KILL");
    eventually("it is dead", async || daemon.has_ended().then_some(())).await;
    assert!(socket.exists());
    let daemon = installation.daemon().await;
    let mut silent = BufReader::new(UnixStream::connect(&socket).unwrap());
    let mut said = String::new();
    silent.read_line(&mut said).unwrap();
    assert!(said.starts_with("220 mail.ledger.app LMTP"), "{said}");
    daemon.signal("TERM");
    assert_eq!(daemon.ended().await.code, Some(0), "whoever says nothing does not hold it up");
    said.clear();
    silent.read_to_string(&mut said).unwrap();
    assert_eq!(said, "421 4.3.2 Ending, come back later\r\n");

    let other = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let message = installation.fails(&["run"]).await;
    assert!(message.contains("bounces.lmtp_socket: another program listens on lmtp"), "{message}");
    drop(other);
    fs::remove_file(&socket).unwrap();
    fs::write(&socket, "precious").unwrap();
    let message = installation.fails(&["run"]).await;
    assert!(message.contains("lmtp is there and is no socket"), "{message}");
    assert_eq!(fs::read_to_string(&socket).unwrap(), "precious");
}

#[tokio::test]
async fn whoever_speaks_no_lmtp_is_told_so_and_sent_away() {
    let db = TestDatabase::new(Kind::Sqlite).await;
    let mut installation = installation(&db);
    installation.set("bounces.lmtp_socket", "lmtp");
    let _daemon = installation.daemon().await;
    let answers = |said: &[u8]| {
        let mut line = UnixStream::connect(installation.folder().join("lmtp")).unwrap();
        // It may be sent away before it has said everything.
        let _ = line.write_all(said);
        let mut answers = Vec::new();
        let _ = line.read_to_end(&mut answers);
        let answers = String::from_utf8(answers).unwrap();
        answers.lines().filter_map(|line| line.split_once(' ')).map(|(code, _)| code.to_owned()).collect::<Vec<_>>()
    };
    let commands =
        b"EHLO x\r\nMAIL FROM:<>\r\nLHLO x\r\nRCPT TO:<a@b>\r\nDATA\r\nMAIL FROM:<> SIZE=9999999\r\nMAIL FROM:<>\r\n\
        MAIL FROM:<>\r\nRSET\r\nNOOP\r\nRCPT TO:a\r\nVRFY x\r\nQUIT\r\n";
    let expected = ["220", "502", "503", "250", "503", "503", "552", "250", "503", "250", "250", "501", "502", "221"];
    assert_eq!(answers(commands), expected, "pipelined");
    let rubbish = answers(&b"GET / HTTP/1.1\r\n".repeat(30));
    assert_eq!((rubbish.len(), rubbish[1].as_str(), rubbish.last().map(String::as_str)), (22, "500", Some("421")));
    let endless = answers(&b"x".repeat(100_000));
    assert_eq!(endless, ["220", "421"]);
}

/// What is answered to a call: the status, and the body.
fn post(port: u16, authorization: &str, body: &[u8]) -> (u16, Value) {
    let mut line = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let (length, authorization) = (body.len(), if authorization.is_empty() { "X-None: x" } else { authorization });
    let head = format!(
        "POST /v1/bounces HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: text/plain; charset=UTF-8\r\n\
         Content-Length: {length}\r\n{authorization}\r\n\r\n"
    );
    line.write_all(head.as_bytes()).unwrap();
    // Who is not let in, or sends too much, is answered before everything was said.
    let _ = line.write_all(body);
    let mut answer = Vec::new();
    let _ = line.read_to_end(&mut answer);
    let answer = String::from_utf8(answer).unwrap();
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    let kind = if status == 200 { "application/json" } else { "application/problem+json" };
    assert!(head.contains(&format!("content-type: {kind}")), "{answer}");
    (status, serde_json::from_str(body).unwrap())
}

async fn what_came_back_is_told_by_a_provider(db: &TestDatabase) {
    const BEARER: &str = "Authorization: Bearer hush-token-of-hooks";
    let mut installation = installation(db);
    installation.set("bounces.webhook_token", "hush-token-of-hooks");
    let (daemon, port) = installation.serving_daemon().await;
    let mails = mails_of(db, 3).await;
    let list = |mail: Value| json!({ "bounces": [mail] }).to_string().into_bytes();
    let by_path =
        list(json!({ "return_path": return_path().of(mails[0]).to_string(), "permanent": true, "status": "5.1.1" }));

    let basic = |pair: &str| format!("Authorization: Basic {}", BASE64_STANDARD.encode(pair));
    let strangers = [
        "",
        "Authorization: Bearer ",
        "Authorization: Bearer hush-token-of-hook",
        "Authorization: Token hush-token-of-hooks",
    ];
    for stranger in
        strangers.map(str::to_owned).into_iter().chain([basic("hush-token-of-hooks:x"), basic("hush-token-of-hooks")])
    {
        assert_eq!(post(port, &stranger, &by_path).0, 401, "{stranger}");
    }
    assert_eq!(bounced(db).await, "0");
    assert_eq!(post(port, BEARER, &by_path), (200, json!({ "recorded": 1, "ignored": 0 })));
    assert_eq!(post(port, &basic("any:hush-token-of-hooks"), &by_path), (200, json!({ "recorded": 1, "ignored": 0 })));
    assert_eq!(bounced(db).await, "1");
    let metrics = metrics(port).await;
    assert_eq!(metrics["mfa_enforcer_bounces_total{verdict=\"no_such_address\",source=\"webhook\"}"], "2");
    assert_eq!(metrics["mfa_enforcer_bounces_total{verdict=\"refused\",source=\"maildir\"}"], "0");

    let address = db.value(&format!("SELECT address FROM mails WHERE id = '{}'", mails[1])).await;
    let by_address = list(json!({ "recipient": address, "permanent": false, "status": "4.2.2" }));
    assert_eq!(post(port, BEARER, &by_address), (200, json!({ "recorded": 1, "ignored": 0 })));
    let stranger = list(json!({ "recipient": "nobody@ledger.app", "permanent": true }));
    assert_eq!(post(port, BEARER, &stranger), (200, json!({ "recorded": 0, "ignored": 1 })));
    assert_eq!(bounced(db).await, "1");

    let (status, problem) = post(port, BEARER, b"{}");
    assert_eq!((status, problem["status"].as_u64()), (400, Some(400)));
    assert!(problem["detail"].as_str().unwrap().contains("none of the shapes that are known"), "{problem}");
    assert_eq!(post(port, BEARER, &vec![b' '; 1024 * 1024 + 1]).0, 413);
    let confirmation = json!({ "Type": "SubscriptionConfirmation", "TopicArn": "arn:x", "Message": "", "SubscribeURL": "https://sns.example/confirm" });
    assert_eq!(post(port, BEARER, confirmation.to_string().as_bytes()), (200, json!({ "recorded": 0, "ignored": 1 })));
    daemon.says("waits for you").await;

    db.execute("ALTER TABLE mail_history RENAME TO mail_history_away").await;
    assert_eq!(post(port, BEARER, &by_address).0, 503);
    db.execute("ALTER TABLE mail_history_away RENAME TO mail_history").await;
    assert_eq!(post(port, BEARER, &by_address).0, 200);
    drop(daemon);

    installation.unset("bounces.webhook_token");
    let (_daemon, port) = installation.serving_daemon().await;
    assert_eq!(post(port, BEARER, &by_path).0, 404);
}
