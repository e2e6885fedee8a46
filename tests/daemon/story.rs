//! A date's whole way through the real program: for databases that are reached in some way of their own.

use crate::installation::Installation;
use crate::process::eventually;
use crate::rows::{a_date, add_company_of, sent};
use crate::support::TestDatabase;

/// How many people the company of the story has.
pub const PEOPLE: u32 = 20;

/// On a migrated database: a date is set, everybody is told, everybody becomes required on the day, and the audit trail
/// is whole. `daemons` share the work meanwhile, and commands work beside them.
pub async fn live_through_a_date(installation: &Installation, db: &TestDatabase, daemons: usize) {
    let mut running = Vec::new();
    for _ in 0..daemons {
        running.push(installation.daemon().await);
    }
    let company = add_company_of(db, 1, PEOPLE).await.to_string();
    let date = a_date().to_string();
    installation.succeeds(&["enforcement", "set", &company, "--date", &date, "--yes"]).await;
    sent(db, PEOPLE as usize).await;
    assert_eq!(installation.mails().len(), PEOPLE as usize, "one mail each");
    for command in [&["status"][..], &["company", "show", &company], &["forecast", &company], &["notice", "list"]] {
        installation.succeeds(command).await;
    }
    let until = a_date().succ_opt().unwrap().to_string();
    let played = installation.succeeds(&["rehearse", "--until", &until, "--json"]).await;
    let played: serde_json::Value = serde_json::from_str(&played).unwrap();
    assert_eq!(played["summary"]["newly_required"], PEOPLE, "{played}");

    // As if the days had passed.
    db.execute("UPDATE enforcements SET enforce_at = created_at WHERE state = 'scheduled'").await;
    eventually("everybody is required", async || {
        let required = db.value("SELECT count(*) FROM users WHERE mfa_required_at IS NOT NULL").await;
        (required == PEOPLE.to_string()).then_some(())
    })
    .await;
    for daemon in running {
        daemon.signal("TERM");
        let ended = daemon.ended().await;
        assert_eq!(ended.code, Some(0));
        for line in ended.stderr.lines() {
            let complains = line.contains("\"ERROR\"") || line.contains("\"WARN\"");
            assert!(!complains || line.contains("nobody receives it"), "{line}");
        }
    }
    installation.succeeds(&["run", "--once"]).await;
    installation.succeeds(&["audit", "verify"]).await;
    assert_eq!(db.value("SELECT count(*) FROM requirements").await, PEOPLE.to_string(), "each once");
    assert_eq!(db.value("SELECT max(attempts) FROM notices").await, "1");
}
