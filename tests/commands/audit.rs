//! `audit`: list, export, and what verification finds.

use super::sample::Sample;

/// Three events.
async fn trail() -> Sample {
    let sample = Sample::new().await;
    for command in ["company set acme --locale de", "company set globex --locale es", "user enroll u-1 --undo"] {
        sample.shell(&format!("mfa-enforcer user enroll u-1 --method authenticator; mfa-enforcer {command}"), &[]);
    }
    sample
}

#[tokio::test]
async fn the_trail_is_listed_exported_and_verified() {
    let sample = trail().await;
    let head = sample.db.value("SELECT hash FROM audit_events WHERE seq = 2").await;
    insta::assert_snapshot!(sample.transcript(&[
        "audit list",
        "audit list --company acme --json",
        "audit list --action user_enrolled",
        "audit list --after 1 --limit 1",
        "audit list --action gossip",
        "audit export",
        "audit export --to audit.jsonl",
        "audit verify",
        &format!("audit verify --head {head} --json"),
    ]));
    let exported = std::fs::read_to_string(sample.path().join("audit.jsonl")).unwrap();
    assert_eq!(exported, sample.shell("mfa-enforcer audit export", &[]).stdout);
}

#[tokio::test]
async fn an_empty_trail_is_sound() {
    let sample = Sample::new().await;
    insta::assert_snapshot!(sample.transcript(&["audit verify", "audit list", "audit export"]));
}

#[tokio::test]
async fn every_kind_of_tampering_is_found() {
    let sample = trail().await;
    let third = sample.db.value("SELECT hash FROM audit_events WHERE seq = 3").await;
    let mut text =
        sample.transcript(&["audit verify --head 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"]);
    sample.db.execute("UPDATE audit_events SET actor = 'nobody' WHERE seq = 2").await;
    text += &sample.transcript(&["audit verify", "audit verify --json"]);
    sample
        .db
        .execute("UPDATE audit_events SET actor = 'cli' WHERE seq = 2; DELETE FROM audit_events WHERE seq = 3")
        .await;
    text += &sample.transcript(&["audit verify"]);
    let second = sample.db.value("SELECT hash FROM audit_events WHERE seq = 2").await;
    sample
        .db
        .execute(&format!("UPDATE audit_head SET seq = 2, hash = '{second}'; DELETE FROM audit_events WHERE seq > 3"))
        .await;
    text += &sample.transcript(&["audit verify", &format!("audit verify --head {third}")]);
    sample.db.execute("UPDATE audit_head SET seq = 1").await;
    text += &sample.transcript(&["audit verify"]);
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn rubbish_about_the_trail_is_refused() {
    let sample = trail().await;
    let usage = ["audit verify --head 12ab", "audit list --after x", "audit list --limit 0"];
    let failed =
        ["audit list --company nobody", "audit export --to head.txt", "audit export --to no/such/folder.jsonl"];
    let text = sample.refusals(2, &usage).await + &sample.refusals(1, &failed).await;
    insta::assert_snapshot!(text);
}
