//! How the daemon ends: in order on a signal, and without harm when it is killed.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use crate::installation::Installation;
use crate::process::{Ended, eventually};
use crate::rows::{add_company_of, notices, sent, set_date};
use crate::servers::Sink;
use crate::support::{Kind, TestDatabase, on_both};

on_both!(sigterm_finishes_what_is_in_flight, sigint_finishes_what_is_in_flight, a_killed_daemon_is_followed_by_another);

async fn sigterm_finishes_what_is_in_flight(db: &TestDatabase) {
    finishes_what_is_in_flight(db, "TERM").await;
}

async fn sigint_finishes_what_is_in_flight(db: &TestDatabase) {
    finishes_what_is_in_flight(db, "INT").await;
}

async fn finishes_what_is_in_flight(db: &TestDatabase, signal: &str) {
    const PEOPLE: u32 = 8;
    // The mail server answers only some seconds after it has taken a mail.
    let sink = Sink::start(&["-W", ".:2"]);
    let mut installation = Installation::on(db);
    installation.set("smtp.url", &format!("smtp://127.0.0.1:{}", sink.port)).set("smtp.max_connections", "1");
    let daemon = installation.daemon().await;
    let company = add_company_of(db, 1, PEOPLE).await;
    set_date(db, company).await;
    eventually("a mail is in flight", async || (!sink.mails().is_empty()).then_some(())).await;
    assert_eq!(notices(db, "sending").await + notices(db, "sent").await, PEOPLE as usize);
    daemon.signal(signal);
    let Ended { code, stderr, .. } = daemon.ended().await;
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stderr.contains(&format!("\"signal\":\"SIG{signal}\"")) && stderr.contains("\"ended\""), "{stderr}");

    // What the mail server took is recorded, the rest is as if it had never been claimed.
    let finished = notices(db, "sent").await;
    assert_eq!(finished, sink.mails().len());
    assert!((1..PEOPLE as usize).contains(&finished), "{finished}");
    assert_eq!(
        db.value("SELECT count(*) FROM mails WHERE server_reply LIKE '2%' AND sent_at IS NOT NULL").await,
        finished.to_string()
    );
    let released = db
        .rows(
            "SELECT attempts, claimed_by, claimed_until, next_attempt_at = due_at FROM notices WHERE state = 'pending'",
        )
        .await;
    assert_eq!(released.len(), PEOPLE as usize - finished);
    assert!(
        released.iter().all(|row| row[..3] == ["0", "null", "null"] && ["1", "t"].contains(&row[3].as_str())),
        "{released:?}"
    );

    // The next daemon goes on at once, and repeats nothing.
    let quick = Sink::start(&[]);
    installation.set("smtp.url", &format!("smtp://127.0.0.1:{}", quick.port));
    let daemon = installation.daemon().await;
    sent(db, PEOPLE as usize).await;
    drop(daemon);
    assert_eq!(quick.mails().len(), PEOPLE as usize - finished);
}

/// R6: only what was in flight may be repeated, and nothing is lost.
async fn a_killed_daemon_is_followed_by_another(db: &TestDatabase) {
    const PEOPLE: u32 = 8;
    let sink = Sink::start(&["-W", ".:1"]);
    let mut installation = Installation::on(db);
    installation.set("smtp.url", &format!("smtp://127.0.0.1:{}", sink.port)).set("smtp.max_connections", "1");
    installation.set("schedule.lease", "6s").set("smtp.timeout", "4s").set("schedule.claim_batch", "2");
    let killed = installation.daemon().await;
    let company = add_company_of(db, 1, PEOPLE).await;
    set_date(db, company).await;
    sent(db, 1).await;
    killed.signal("KILL");
    assert_eq!(killed.ended().await.code, None);
    let before = notices(db, "sent").await;

    let quick = Sink::start(&[]);
    installation.set("smtp.url", &format!("smtp://127.0.0.1:{}", quick.port));
    let daemon = installation.daemon().await;
    sent(db, PEOPLE as usize).await;
    drop(daemon);
    assert_eq!(quick.mails().len(), PEOPLE as usize - before, "what was sent is not sent again");
    assert_eq!(
        db.value("SELECT count(DISTINCT user_id) FROM mails WHERE sent_at IS NOT NULL").await,
        PEOPLE.to_string()
    );
}

#[tokio::test]
async fn the_service_manager_is_told() {
    let db = TestDatabase::new(Kind::Sqlite).await;
    let installation = Installation::on(&db);
    let path = installation.folder().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let mut command = installation.command(&["run"]);
    let daemon = crate::process::Process::start(command.env("NOTIFY_SOCKET", &path));
    let told = |wanted: &str| {
        let mut text = [0; 256];
        // The watchdog is told as well, at its own times.
        while let Ok(length) = manager.recv(&mut text) {
            if std::str::from_utf8(&text[..length]).unwrap().lines().any(|line| line == wanted) {
                return;
            }
        }
        panic!("{wanted} was not told: {}", daemon.stderr());
    };
    told("READY=1");
    // At once: whoever is told that it is ready may end it.
    daemon.signal("TERM");
    told("STOPPING=1");
    let Ended { code, stderr, .. } = daemon.ended().await;
    assert_eq!(code, Some(0), "{stderr}");
}
