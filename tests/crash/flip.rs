//! Killed in the middle of a flip, twice.

use super::daemon::{Daemon, add_company_of, kill_at};
use crate::support::{TestDatabase, on_both};

on_both!(a_flip_that_is_killed_is_finished_and_requires_everybody_once);

const PEOPLE: usize = 400;

async fn a_flip_that_is_killed_is_finished_and_requires_everybody_once(db: &TestDatabase) {
    let folder = tempfile::tempdir().unwrap();
    let daemon = Daemon { db, mail: format!("file:{}", folder.path().display()) };
    add_company_of(db, PEOPLE, "2027-01-15").await;
    db.execute("UPDATE companies SET notice_days = '[365]'; UPDATE users SET mfa_enrolled_at = '2026-01-01T00:00:00Z'")
        .await;
    daemon.run("2026-12-01T09:00:00Z");
    daemon.run("2027-01-14T22:59:59Z");
    let required = async || db.value("SELECT count(*) FROM requirements").await.parse::<usize>().unwrap();
    assert_eq!(required().await, 0);

    for at_least in [PEOPLE / 8, PEOPLE / 3] {
        kill_at(daemon.start("2027-01-14T23:00:00Z"), at_least, required).await;
        let done = required().await;
        assert!((at_least..PEOPLE).contains(&done), "{done} of {PEOPLE}");
        assert_eq!(
            db.rows("SELECT state, flipped_at FROM enforcements WHERE company_id IS NOT NULL").await,
            [["in_force", "null"]]
        );
        daemon.succeed(&["audit", "verify"]);
    }
    daemon.run("2027-01-14T23:00:10Z");

    let once = "SELECT count(*), count(DISTINCT user_id) FROM requirements WHERE cleared_at IS NULL";
    assert_eq!(db.rows(once).await, [[PEOPLE.to_string(), PEOPLE.to_string()]]);
    let agree = "SELECT count(*) FROM users AS u JOIN requirements AS r ON r.user_id = u.id WHERE u.mfa_required_at = r.required_at";
    assert_eq!(db.value(agree).await, PEOPLE.to_string());
    assert_eq!(db.value("SELECT count(*) FROM enforcements WHERE flipped_at IS NULL").await, "0");
    let told = "SELECT detail FROM audit_events WHERE action = 'users_required'";
    let in_trail: u64 = db
        .rows(told)
        .await
        .iter()
        .map(|row| serde_json::from_str::<serde_json::Value>(&row[0]).unwrap()["required"].as_u64().unwrap())
        .sum();
    assert_eq!(in_trail, PEOPLE as u64, "each is in the trail once");
    assert_eq!(db.value("SELECT count(*) FROM audit_events WHERE action = 'enforcement_in_force'").await, "1");
    daemon.succeed(&["audit", "verify"]);
}
