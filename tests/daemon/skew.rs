//! A database whose machine's clock is not this one's.

use std::sync::{Arc, Mutex};

use mfa_enforcer::app::skew;
use mfa_enforcer::clock::Clock;

use crate::installation::Installation;
use crate::process::eventually;
use crate::rows::{add_company_of, notices, set_date};
use crate::support::{Kind, TestDatabase};

/// From now on, whoever connects to the database finds its clock ahead by so much.
async fn set_ahead(db: &TestDatabase, interval: &str) {
    db.execute(&format!(
        "CREATE OR REPLACE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql
         AS $$ SELECT pg_catalog.clock_timestamp() + interval '{interval}' $$"
    ))
    .await;
    let name = db.value("SELECT current_database()").await;
    db.execute(&format!("ALTER DATABASE {name} SET search_path = public, pg_catalog")).await;
}

#[tokio::test]
async fn what_is_due_by_the_databases_clock_is_due() {
    let db = TestDatabase::new(Kind::Postgres).await;
    set_ahead(&db, "1 hour").await;
    let mut installation = Installation::on(&db);
    // By this machine's clock it would be another half hour.
    installation.set("notices.announce_delay", "30m").set("http.listen", "");
    let company = add_company_of(&db, 1, 2).await;
    set_date(&db, company).await;
    let (daemon, port) = installation.serving_daemon().await;
    daemon.says("the database's clock is ahead of this machine's").await;
    let shown = eventually("the skew is measured", async || {
        let (_, metrics) = crate::asking::get(port, "/metrics").await;
        let line = metrics.lines().find_map(|line| line.strip_prefix("mfa_enforcer_clock_skew_seconds "))?;
        line.parse::<f64>().ok().filter(|seconds| *seconds != 0.0)
    })
    .await;
    assert!((shown - 3600.0).abs() < 30.0, "{shown}");
    let planned = "SELECT count(*) FROM milestones WHERE kind = 'announcement' AND due_at > pg_catalog.now() + interval '80 minutes'";
    eventually("the date is planned", async || (db.value(planned).await == "1").then_some(())).await;
    assert_eq!(notices(&db, "sent").await, 0);
    // As if the half hour had passed for the database alone.
    db.execute("UPDATE milestones SET due_at = pg_catalog.now() + interval '40 minutes' WHERE kind = 'announcement'")
        .await;
    crate::rows::sent(&db, 2).await;
    daemon.signal("TERM");
    let ended = daemon.ended().await;
    assert_eq!(ended.stderr.matches("the database's clock is ahead").count(), 1, "it is told once");
}

/// Beside daemons whose clocks are right it would accept too short a notice, and end what has not ended.
#[tokio::test]
async fn a_command_goes_by_the_databases_clock_as_well() {
    let db = TestDatabase::new(Kind::Postgres).await;
    let company = add_company_of(&db, 1, 2).await.to_string();
    set_ahead(&db, "10 days").await;
    let installation = Installation::on(&db);
    // Twelve days from now by this machine's clock, and two by the database's.
    let date = (Clock::System.now().utc().date_naive() + chrono::Days::new(12)).to_string();
    let said = installation.fails(&["enforcement", "set", &company, "--date", &date, "--yes"]).await;
    assert!(said.contains("--override-notice"), "{said}");
    assert_eq!(db.value("SELECT count(*) FROM enforcements WHERE company_id IS NOT NULL").await, "0");
}

#[tokio::test]
async fn a_clock_is_corrected_as_the_databases_moves() {
    let db = TestDatabase::new(Kind::Postgres).await;
    set_ahead(&db, "-5 seconds").await;
    let (store, clock) = (db.store(1).await, Clock::System.corrected());
    let log = Log::default();
    let writer = log.clone();
    let _heard = tracing::subscriber::set_default(
        tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish(),
    );
    let behind = || (Clock::System.now().utc() - clock.now().utc()).as_seconds_f64();
    let told = || log.0.lock().unwrap().split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count();

    for _ in 0..3 {
        skew::compare(&store, &clock).await.unwrap();
        assert!((behind() - 5.0).abs() < 1.0, "{}", behind());
        assert_eq!(told(), 1, "that it has begun");
    }
    set_ahead(&db, "0 seconds").await;
    for _ in 0..3 {
        skew::compare(&store, &clock).await.unwrap();
        assert!(behind().abs() < 1.0, "{}", behind());
        assert_eq!(told(), 2, "that it has ended");
    }
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("WARN") && log.contains("agree again"), "{log}");
}

#[tokio::test]
async fn a_step_of_the_machines_clock_requires_nobody_early() {
    let db = TestDatabase::new(Kind::Postgres).await;
    let installation = Installation::on(&db);
    let company = add_company_of(&db, 1, 2).await;
    set_date(&db, company).await;
    let machine = installation.folder().join("machine-clock");
    let set_machine = |time: &str| {
        let new = machine.with_extension("new");
        std::fs::write(&new, time).unwrap();
        std::fs::rename(new, &machine).unwrap();
    };
    set_machine("+0");
    let mut command = installation.command(&["run"]);
    command.env("LD_PRELOAD", faketime()).env("FAKETIME_TIMESTAMP_FILE", &machine);
    command.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    let daemon = crate::process::Process::start(&mut command);
    crate::rows::sent(&db, 2).await;

    set_machine("+400d");
    let later = add_company_of(&db, 2, 2).await;
    set_date(&db, later).await;
    crate::rows::sent(&db, 4).await;
    // The next tick begins after all of this, and its flips come before its mail.
    let again = add_company_of(&db, 3, 2).await;
    set_date(&db, again).await;
    crate::rows::sent(&db, 6).await;
    assert_eq!(db.value("SELECT count(*) FROM enforcements WHERE state = 'scheduled'").await, "3");
    assert_eq!(db.value("SELECT count(*) FROM users WHERE mfa_required_at IS NOT NULL").await, "0");
    let of_today = "SELECT count(*) FROM mails WHERE attempted_at < now() + interval '1 day'";
    assert_eq!(db.value(of_today).await, "6", "the records tell the database's time: {}", daemon.stderr());
}

/// The library that shows a program another time than the machine's.
fn faketime() -> std::path::PathBuf {
    let folders = std::fs::read_dir("/usr/lib").unwrap().map(|entry| entry.unwrap().path());
    let mut libraries = folders.map(|folder| folder.join("faketime/libfaketimeMT.so.1"));
    libraries.find(|library| library.exists()).expect("libfaketime is missing: install Debian's package 'faketime'")
}

/// What this test's thread logs.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_clock_that_is_not_compared_stays_as_it_is() {
    let db = TestDatabase::new(Kind::Postgres).await;
    set_ahead(&db, "1 hour").await;
    let store = db.store(1).await;
    let shown = "2027-01-15T09:00:00Z".parse().unwrap();
    let simulated = Clock::simulated(shown).corrected();
    skew::compare(&store, &simulated).await.unwrap();
    assert_eq!(simulated.now(), shown);
    let sqlite = TestDatabase::new(Kind::Sqlite).await;
    let clock = Clock::System.corrected();
    skew::compare(&sqlite.store(1).await, &clock).await.unwrap();
    assert_eq!(clock.correction(), Some(chrono::TimeDelta::zero()));
}
