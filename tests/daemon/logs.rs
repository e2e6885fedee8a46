//! What the daemon logs: for machines or for people, and nothing that is nobody's business. (That no test's log shows an
//! address or a password is seen to in `process.rs`.)

use crate::installation::Installation;
use crate::process::Process;
use crate::rows::{add_company_of, sent, set_date};
use crate::servers::Sink;
use crate::support::{TestDatabase, on_both};

on_both!(json_lines_unless_on_a_terminal, nothing_is_shown_at_the_finest_level);

async fn ended(daemon: Process) -> String {
    daemon.signal("TERM");
    let ended = daemon.ended().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.stdout, "");
    ended.stderr
}

async fn json_lines_unless_on_a_terminal(db: &TestDatabase) {
    let mut installation = Installation::on(db);
    let log = ended(installation.daemon().await).await;
    let events: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let messages: Vec<&str> = events.iter().map(|event| event["message"].as_str().unwrap()).collect();
    for message in ["started", "ending: mail in flight is finished first", "the audit trail's head", "ended"] {
        assert!(messages.contains(&message), "{message} is not in {messages:?}");
    }
    assert!(events.iter().all(|event| event["timestamp"].is_string() && event["level"].is_string()));

    installation.set("telemetry.log_format", "human");
    let log = ended(installation.daemon().await).await;
    assert!(log.contains(" INFO mfa_enforcer::app: started mail=file:mails"), "{log}");
    assert!(!log.contains('\u{1b}') && !log.contains("{\""), "{log}");
}

async fn nothing_is_shown_at_the_finest_level(db: &TestDatabase) {
    // Refuses mail for good, and names the address, as servers do.
    let sink = Sink::start(&["-B", "550 5.1.1 <user1@example.com>: User unknown", "-f", "RCPT"]);
    let mut installation = Installation::on(db);
    installation.set("smtp.url", &format!("smtp://127.0.0.1:{}", sink.port));
    installation.set("smtp.username", "mfa").set("smtp.password", "hush-smtp");
    installation.set("telemetry.log", "trace");
    let daemon = installation.daemon().await;
    let company = add_company_of(db, 1, 2).await;
    set_date(db, company).await;
    daemon.says("a mail was not sent").await;
    drop(sink);
    let taken = Sink::start(&[]);
    let log = ended(daemon).await;
    assert!(log.contains("u***@e***.com") && log.contains("550 5.1.1 u***@e***.com User unknown"), "{log}");
    // Whole it is kept where it is proof.
    let whole = "SELECT count(*) FROM mails WHERE server_reply LIKE '%<user1@example.com>%'";
    assert_ne!(db.value(whole).await, "0");
    installation.set("smtp.url", &format!("smtp://127.0.0.1:{}", taken.port));
    let other = add_company_of(db, 2, 2).await;
    set_date(db, other).await;
    let daemon = installation.daemon().await;
    sent(db, 2).await;
    assert!(ended(daemon).await.contains("\"level\":\"DEBUG\""));
}
