//! The audit trail: read in order, and every way of tampering with it found.

use mfa_enforcer::domain::audit::{AuditEvent, GENESIS, Verifier};
use mfa_enforcer::store::SqlStore;
use mfa_enforcer::store::audit::{AuditFilter, AuditStore as _};
use serde_json::json;

use crate::support::vendor::company_id;
use crate::support::{TestDatabase, on_both};

on_both!(
    pages_are_in_order_and_filtered,
    an_untouched_trail_verifies,
    a_changed_column_is_found,
    a_removed_or_exchanged_event_is_found,
    an_inserted_event_is_found,
    a_cut_end_is_found,
);

/// Five events whose fields are hard to keep: nested JSON, text beyond ASCII, quotes, nulls.
fn trail() -> Vec<AuditEvent> {
    let mut events: Vec<AuditEvent> = Vec::new();
    for seq in 1..=5_i64 {
        let mut event = AuditEvent {
            seq,
            at: format!("2027-01-1{seq}T08:00:00.00000{seq}Z").parse().unwrap(),
            actor: "Zoë O'Hara 用户".to_owned(),
            action: if seq % 2 == 0 { "enforcement.planned" } else { "required" }.to_owned(),
            company_id: (seq > 2).then(|| company_id(1)),
            subject: (seq != 1).then(|| format!("subject-{seq}")),
            detail: json!({ "zone": "Europe/Berlin", "count": seq, "before": { "b": null, "a": [1, "\u{1f512}"] } }),
            prev_hash: events.last().map_or_else(|| GENESIS.to_owned(), |last| last.hash.clone()),
            hash: String::new(),
        };
        event.hash = event.computed_hash();
        events.push(event);
    }
    events
}

/// Writes a trail as the store does: its events, then the head.
async fn written(db: &TestDatabase) -> (SqlStore, Vec<AuditEvent>) {
    let events = trail();
    for event in &events {
        insert(db, event).await;
    }
    let last = &events[events.len() - 1];
    db.execute(&format!("UPDATE audit_head SET seq = {}, hash = '{}'", last.seq, last.hash)).await;
    (db.store(1).await, events)
}

async fn insert(db: &TestDatabase, event: &AuditEvent) {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let or_null = |text: Option<String>| text.map_or_else(|| "NULL".to_owned(), |text| quoted(&text));
    db.execute(&format!(
        "INSERT INTO audit_events (seq, at, actor, action, company_id, subject, detail, prev_hash, hash)
         VALUES ({}, '{}', {}, '{}', {}, {}, {}, '{}', '{}')",
        event.seq,
        event.at,
        quoted(&event.actor),
        event.action,
        or_null(event.company_id.map(|id| id.to_string())),
        or_null(event.subject.clone()),
        quoted(&event.detail.to_string()),
        event.prev_hash,
        event.hash
    ))
    .await;
}

/// Walks the stored trail in pages of two.
async fn verify(store: &SqlStore, expected_head: Option<&str>) -> Result<(), String> {
    let mut verifier = Verifier::new(expected_head);
    let mut after = 0;
    loop {
        let page = store.audit_page(&AuditFilter::default(), after, 2).await.map_err(|error| error.to_string())?;
        let Some(last) = page.last() else { break };
        after = last.seq;
        for event in &page {
            verifier.next(event)?;
        }
    }
    let (seq, hash) = store.audit_head().await.map_err(|error| error.to_string())?;
    verifier.finish(seq, &hash)
}

async fn pages_are_in_order_and_filtered(db: &TestDatabase) {
    let (store, events) = written(db).await;
    let all = AuditFilter::default();
    assert_eq!(store.audit_page(&all, 0, 100).await.unwrap(), events);
    assert_eq!(store.audit_page(&all, 1, 2).await.unwrap(), events[1..3]);
    assert_eq!(store.audit_page(&all, 5, 2).await.unwrap(), []);

    let of_company = AuditFilter { company_id: Some(company_id(1)), action: None };
    assert_eq!(store.audit_page(&of_company, 0, 100).await.unwrap(), events[2..]);
    let planned = AuditFilter { company_id: Some(company_id(1)), action: Some("enforcement.planned".to_owned()) };
    assert_eq!(store.audit_page(&planned, 0, 100).await.unwrap(), events[3..4]);
    let elsewhere = AuditFilter { company_id: Some(company_id(2)), action: None };
    assert_eq!(store.audit_page(&elsewhere, 0, 100).await.unwrap(), []);
}

async fn an_untouched_trail_verifies(db: &TestDatabase) {
    let empty = db.store(1).await;
    assert_eq!(empty.audit_head().await.unwrap(), (0, GENESIS.to_owned()));
    assert_eq!(verify(&empty, None).await, Ok(()));

    let (store, events) = written(db).await;
    assert_eq!(store.audit_head().await.unwrap(), (5, events[4].hash.clone()));
    assert_eq!(verify(&store, None).await, Ok(()));
    assert_eq!(verify(&store, Some(&events[2].hash)).await, Ok(()), "a head that was noted down when it was event 3's");
}

async fn a_changed_column_is_found(db: &TestDatabase) {
    let (store, events) = written(db).await;
    let other = "00000000-0000-4000-8000-00000000beef";
    for change in [
        "at = '2027-01-13T08:00:00.000004Z'",
        "actor = 'sql'",
        "action = 'exempted'",
        &format!("company_id = '{other}'"),
        "company_id = NULL",
        "subject = NULL",
        r#"detail = '{"count":4}'"#,
        "prev_hash = 'ff'",
        "hash = 'ff'",
    ] {
        db.execute(&format!("UPDATE audit_events SET {change} WHERE seq = 3")).await;
        let found = verify(&store, None).await.expect_err(change);
        assert!(found.starts_with("event 3"), "{change}: {found}");
        db.execute("DELETE FROM audit_events WHERE seq = 3").await;
        insert(db, &events[2]).await;
    }
    assert_eq!(verify(&store, None).await, Ok(()));

    // Whoever changes an event and gives it the hash that fits is found at the next one.
    let mut forged = AuditEvent { actor: "sql".to_owned(), ..events[2].clone() };
    forged.hash = forged.computed_hash();
    db.execute("DELETE FROM audit_events WHERE seq = 3").await;
    insert(db, &forged).await;
    assert_eq!(verify(&store, None).await.unwrap_err(), "event 4 does not follow on the one before it");
}

async fn a_removed_or_exchanged_event_is_found(db: &TestDatabase) {
    let (store, events) = written(db).await;
    db.execute("DELETE FROM audit_events WHERE seq = 1").await;
    assert_eq!(verify(&store, None).await.unwrap_err(), "event 1 is missing: the next one is 2");
    insert(db, &events[0]).await;
    db.execute("DELETE FROM audit_events WHERE seq IN (2, 3)").await;
    assert_eq!(verify(&store, None).await.unwrap_err(), "event 2 is missing: the next one is 4");

    let (mut second, mut third) = (events[1].clone(), events[2].clone());
    (second.seq, third.seq) = (3, 2);
    insert(db, &second).await;
    insert(db, &third).await;
    assert_eq!(verify(&store, None).await.unwrap_err(), "event 2 does not follow on the one before it");
}

async fn an_inserted_event_is_found(db: &TestDatabase) {
    let (store, events) = written(db).await;
    let mut forged = AuditEvent { seq: 6, prev_hash: events[4].hash.clone(), ..events[0].clone() };
    forged.hash = forged.computed_hash();
    insert(db, &forged).await;
    let found = verify(&store, None).await.unwrap_err();
    assert!(found.contains("ends at event 6, but its head is event 5"), "{found}");

    db.execute("UPDATE audit_events SET seq = -seq WHERE seq > 3; UPDATE audit_events SET seq = 1 - seq WHERE seq < 0")
        .await;
    let mut between = AuditEvent { seq: 4, prev_hash: events[2].hash.clone(), ..events[0].clone() };
    between.hash = between.computed_hash();
    insert(db, &between).await;
    assert_eq!(verify(&store, None).await.unwrap_err(), "event 5 does not follow on the one before it");
}

async fn a_cut_end_is_found(db: &TestDatabase) {
    let (store, events) = written(db).await;
    db.execute("DELETE FROM audit_events WHERE seq > 3").await;
    let found = verify(&store, None).await.unwrap_err();
    assert!(found.contains("ends at event 3, but its head is event 5"), "{found}");

    // Whoever cuts the head too is found by a head that was noted down elsewhere.
    db.execute(&format!("UPDATE audit_head SET seq = 3, hash = '{}'", events[2].hash)).await;
    assert_eq!(verify(&store, None).await, Ok(()));
    let found = verify(&store, Some(&events[4].hash)).await.unwrap_err();
    assert!(found.contains("the end was cut off"), "{found}");
}
