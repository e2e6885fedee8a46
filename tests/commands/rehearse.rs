//! `rehearse`: what it shows is what then happens, the original is not touched, and no mail leaves.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use chrono::TimeDelta;
use mfa_enforcer::domain::time::Timestamp;
use mfa_enforcer::store::daemon_state::DaemonStateStore as _;
use serde_json::{Value, json};

use super::sample::Sample;
use crate::support::vendor::{add_company, add_member, add_user};
use crate::support::{Kind, Rehearsal, TestDatabase, on_both};

on_both!(what_is_shown_is_what_then_happens, what_the_daemon_has_not_seen_yet_is_played);

/// Whatever a person would want to compare: who was told what when, who was not and why, who is required since when.
const STORY: [&str; 3] = [
    "SELECT n.user_id, n.kind, n.state, n.skip_reason, n.due_at, m.sent_at, m.sent_day, n.told_at FROM notices AS n
     LEFT JOIN mails AS m ON m.id = n.mail_id",
    "SELECT user_id, required_at, cleared_at FROM requirements",
    "SELECT company_id, enforcement_date, state, enforce_at, flipped_at FROM enforcements",
];

async fn story(db: &TestDatabase) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for sql in STORY {
        // The databases do not agree on where nulls stand.
        let mut of_query = db.rows(sql).await;
        of_query.sort();
        rows.append(&mut of_query);
    }
    rows
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Two companies on both sides of the world, and people of every sort; on 2 November 2026 the first date is planned.
async fn small_world(db: &TestDatabase) -> Rehearsal {
    let (berlin, angeles) = (add_company(db, 1).await, add_company(db, 2).await);
    for number in 1..=9 {
        let user = add_user(db, number).await;
        add_member(db, if number < 6 { berlin } else { angeles }, user).await;
        if number == 9 {
            add_member(db, berlin, user).await;
        }
    }
    let zones = [(2, "Pacific/Apia"), (3, "Pacific/Niue"), (7, "Asia/Kathmandu")];
    for (number, zone) in zones {
        db.execute(&format!("UPDATE users SET time_zone = '{zone}' WHERE name = 'User {number}'")).await;
    }
    db.execute(
        "UPDATE companies SET time_zone = 'America/Los_Angeles' WHERE name = 'Company 2';
         UPDATE users SET mfa_enrolled_at = '2026-01-01T00:00:00.000000Z', mfa_method = 'authenticator' WHERE name = 'User 4';
         UPDATE users SET kind = 'service' WHERE name = 'User 8';
         UPDATE users SET payee = true WHERE name = 'User 6';
         UPDATE memberships SET exempt_until = '2026-12-01T12:00:00.000000Z', exempt_reason = 'leave', exempt_by = 'Zoë'
             WHERE user_id IN (SELECT id FROM users WHERE name = 'User 5');
         UPDATE companies SET enforcement_date = '2026-12-10' WHERE name = 'Company 1'",
    )
    .await;
    let rehearsal = Rehearsal::new(db, at("2026-11-02T10:00:00Z")).await;
    rehearsal.settle().await;
    rehearsal.services.clock.set(at("2026-11-03T07:00:00Z"));
    rehearsal.settle().await;
    rehearsal.services.clock.set(at("2026-11-03T07:30:00Z"));
    remember(db, rehearsal.now()).await;
    rehearsal
}

async fn remember(db: &TestDatabase, now: Timestamp) {
    let store = db.store(3).await;
    store.remember("clock", "simulated").await.unwrap();
    store.remember("last_instant", &now.to_string()).await.unwrap();
}

fn rehearse(sample: &Sample, db: &TestDatabase, more: &str) -> Value {
    let line = format!("mfa-enforcer rehearse --json --from '{}' {more}", db.url());
    let seen = sample.shell(&line, &[]);
    assert_eq!((seen.code, seen.stderr.as_str()), (0, ""), "{line}\n{}", seen.stdout);
    serde_json::from_str(&seen.stdout).unwrap()
}

async fn played_equals_lived(db: &TestDatabase, rehearsal: &Rehearsal) -> Value {
    let sample = Sample::empty().await;
    let before = db.dump().await;
    let shown = rehearse(&sample, db, "--until 2026-12-31 --into copy.db");
    assert_eq!(db.dump().await, before, "the original is not what it was");
    let copy = TestDatabase::open(&sample.path().join("copy.db")).await;
    let played = story(&copy).await;

    rehearsal.live_until(Some(at("2027-01-01T00:00:00Z"))).await;
    let lived = story(db).await;
    assert_eq!(played, lived);
    let sent_since = format!(
        "SELECT count(*) FROM mails WHERE state = 'sent' AND sent_at >= '{}'",
        shown["begins_at"].as_str().unwrap()
    );
    assert_eq!(shown["summary"]["mails"].to_string(), db.value(&sent_since).await);
    let files = fs::read_dir(sample.path().join("copy.db.mails")).unwrap().count();
    assert_eq!(shown["summary"]["mails"], files);
    shown
}

async fn what_is_shown_is_what_then_happens(db: &TestDatabase) {
    let rehearsal = small_world(db).await;
    let shown = played_equals_lived(db, &rehearsal).await;
    assert_eq!((&shown["begins_at"], &shown["until"]), (&json!("2026-11-03T07:30:00.000000Z"), &json!("2026-12-31")));
    let lines = shown["timeline"].as_array().unwrap();
    let has = |what: &str, day: &str, people: u64| {
        lines.iter().any(|line| line["what"] == what && line["day"] == day && line["people"] == people)
    };
    assert!(has("required", "2026-12-10", 6), "{shown:#}");
    assert!(has("exemption_ended", "2026-12-01", 1), "{shown:#}");
    assert!(lines.iter().all(|line| line["day"].as_str().unwrap() >= "2026-11-02"), "{shown:#}");
    assert_eq!(shown["summary"]["dates_in_force"], 1);
    assert_eq!(shown["summary"]["required"], 7, "the payee was required before");
    assert_eq!(shown["failures"], json!([]));
}

/// Written with SQL and not seen by any daemon: a date, one that is too soon, and a member.
async fn what_the_daemon_has_not_seen_yet_is_played(db: &TestDatabase) {
    let rehearsal = small_world(db).await;
    db.execute("UPDATE companies SET enforcement_date = '2026-11-05' WHERE name = 'Company 2'").await;
    let user = add_user(db, 10).await;
    add_member(db, crate::support::vendor::company_id(1), user).await;
    let shown = played_equals_lived(db, &rehearsal).await;
    assert_eq!(shown["summary"]["held"], 1);
    let held = shown["timeline"].as_array().unwrap().iter().find(|line| line["what"] == "held").unwrap();
    assert_eq!((&held["company"], &held["day"]), (&json!("Company 2"), &json!("2026-11-02")), "its zone's day");
    assert_eq!(held["note"], "Thu 5 Nov 2026: notice too short");
    assert_eq!(shown["summary"]["sent_by_kind"]["welcome"], 2, "the member, and whose exemption ends");
}

#[tokio::test]
async fn no_mail_can_leave() {
    let db = TestDatabase::new(Kind::Sqlite).await;
    small_world(&db).await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    let sample = Sample::empty().await;
    let line = format!("mfa-enforcer rehearse --json --from '{}' --until 2026-12-31 --mails kept", db.url());
    let seen = sample.shell(&line, &[("MFA_ENFORCER__SMTP__URL", &url)]);
    assert_eq!(seen.code, 0, "{}", seen.stderr);
    let shown: Value = serde_json::from_str(&seen.stdout).unwrap();
    assert!(shown["summary"]["mails"].as_u64().unwrap() > 10, "{shown:#}");
    assert_eq!(
        fs::read_dir(sample.path().join("kept")).unwrap().count() as u64,
        shown["summary"]["mails"].as_u64().unwrap()
    );
    listener.set_nonblocking(true).unwrap();
    let called = listener.accept().map(|_| ()).map_err(|error| error.kind());
    assert_eq!(called, Err(std::io::ErrorKind::WouldBlock), "somebody called the mail server");
}

/// Nothing is set but the database: neither a sender nor where mail goes, and the clock is the real one.
#[tokio::test]
async fn a_database_on_the_real_clock_goes_on_from_now() {
    let sample = Sample::empty().await;
    let db = TestDatabase::new(Kind::Sqlite).await;
    let (company, user) = (add_company(&db, 1).await, add_user(&db, 1).await);
    add_member(&db, company, user).await;
    db.store(1).await.remember("clock", "real").await.unwrap();
    let today = mfa_enforcer::clock::Clock::System.now();
    let day = |days: i64| today.plus(TimeDelta::days(days)).utc().date_naive();
    db.execute(&format!("UPDATE companies SET enforcement_date = '{}'", day(40))).await;
    let before = db.dump().await;
    let line = format!(
        "unset MFA_ENFORCER__SMTP__URL MFA_ENFORCER__CLOCK__SIMULATED; mfa-enforcer rehearse --json --until {}",
        day(50)
    );
    let seen = sample.shell(&line, &[("MFA_ENFORCER__DATABASE__URL", db.url())]);
    assert_eq!(seen.code, 0, "{}", seen.stderr);
    let shown: Value = serde_json::from_str(&seen.stdout).unwrap();
    let begins_at = at(shown["begins_at"].as_str().unwrap());
    assert!(begins_at >= today && begins_at < today.plus(TimeDelta::minutes(2)), "{shown:#}");
    assert_eq!(shown["summary"]["newly_required"], 1);
    assert_eq!(db.dump().await, before);
    // No daemon on the real clock will take the copy for a real one.
    let url = format!("sqlite://{}", shown["database"].as_str().unwrap());
    let real = [
        ("MFA_ENFORCER__CLOCK__SIMULATED", "false"),
        ("MFA_ENFORCER__DATABASE__URL", url.as_str()),
        ("MFA_ENFORCER__NOTICES__FROM", "Security <security@test.invalid>"),
    ];
    let seen = sample.shell("mfa-enforcer run --once", &real);
    assert!(seen.code == 1 && seen.stderr.contains("driven by a simulated clock"), "{}", seen.stderr);
}

#[tokio::test]
async fn the_files_are_new_and_private_and_the_commands_work() {
    let sample = Sample::new().await;
    let line = "mfa-enforcer --config mfa-enforcer.toml rehearse --until 2027-01-31";
    for folder in ["mfa-enforcer-rehearsal", "mfa-enforcer-rehearsal-2"] {
        let seen = sample.shell(line, &[]);
        assert_eq!((seen.code, seen.stderr.as_str()), (0, ""), "{}", seen.stdout);
        let mode =
            |path: &str| fs::metadata(sample.path().join(folder).join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(""), mode("mfa-enforcer.db"), mode("config.toml")), (0o700, 0o600, 0o600));
        assert!(!sample.path().join(folder).join("mfa-enforcer.db-wal").exists(), "the copy is one file");
        let looks: Vec<&str> = seen.stdout.lines().filter(|line| line.contains("mfa-enforcer --config ")).collect();
        assert_eq!(looks.len(), 4, "{}", seen.stdout);
        for look in looks {
            let look = look.replace("COMPANY", "acme").replace("USER", "u-1");
            // The environment still names the original, and says more than the settings' file.
            let seen = sample.shell(look.trim(), &[]);
            assert_eq!(seen.code, 0, "{look}\n{}{}", seen.stdout, seen.stderr);
            assert!(
                !look.ends_with("status") || seen.stdout.contains(&format!("{folder}/mfa-enforcer.db")),
                "{}",
                seen.stdout
            );
        }
    }
    let settings = fs::read_to_string(sample.path().join("mfa-enforcer-rehearsal/config.toml")).unwrap();
    assert!(settings.contains("minimum_notice_days = 10"), "{settings}");
}

#[tokio::test]
async fn what_a_person_sees() {
    let sample = Sample::new().await;
    let text = sample.transcript(&["rehearse --until 2027-01-31 --into copy.db", "rehearse --until 2026-12-02"]);
    insta::assert_snapshot!(text);
}

fn files(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[tokio::test]
async fn what_cannot_be_is_refused_and_leaves_nothing_behind() {
    let sample = Sample::new().await;
    let before = files(sample.path());
    let mut text = sample
        .refusals(
            2,
            &[
                "rehearse",
                "rehearse --until 31/03/2027",
                "rehearse --until 2026-11-30",
                "rehearse --until 2027-01-31 --from nowhere.db",
                "rehearse --until 2027-01-31 --from mysql://jo:s3cret@db/app",
                "rehearse --until 2027-01-31 --from jo:s3cret@db/app",
                "rehearse --until 2027-01-31 --into 'what?.db'",
            ],
        )
        .await;
    sample.db.execute("INSERT INTO daemon_state (key, value) VALUES ('first_run', 'x')").await;
    text += &sample
        .refusals(
            1,
            &[
                "rehearse --until 2027-01-31 --from sqlite://nowhere.db",
                "rehearse --until 2027-01-31 --from head.txt",
                "rehearse --until 2027-01-31 --from postgres://jo:s3cret@127.0.0.1:1/app",
                "rehearse --until 2027-01-31 --into head.txt",
                "rehearse --until 2027-01-31 --into nowhere/copy.db",
                "rehearse --until 2027-01-31 --mails .",
                "rehearse --until 2027-01-31 --into copy.db --mails head.txt/mails",
            ],
        )
        .await;
    assert_eq!(files(sample.path()), before);
    let answers = text.lines().filter(|line| !line.starts_with('$'));
    assert!(answers.clone().all(|line| !line.contains("s3cret")), "{text}");
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn a_database_of_another_version_is_refused() {
    let sample = Sample::new().await;
    let before = files(sample.path());
    sample.db.execute("UPDATE _sqlx_migrations SET version = 9999 WHERE version = 2").await;
    let newer = sample.refusals(1, &["rehearse --until 2027-01-31"]).await;
    sample.db.execute("DELETE FROM _sqlx_migrations WHERE version > 1").await;
    let older = sample.refusals(1, &["rehearse --until 2027-01-31"]).await;
    assert_eq!(files(sample.path()), before);
    assert!(newer.contains("run the newer version that made it"), "{newer}");
    assert!(older.contains("run `mfa-enforcer migrate`"), "{older}");
}
