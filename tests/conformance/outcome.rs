//! Outcomes: recorded on what the claim still holds, with an event.

use mfa_enforcer::domain::ids::Id;
use mfa_enforcer::domain::notice::NoticeKind;
use mfa_enforcer::domain::policy::Policy;
use mfa_enforcer::domain::time::Timestamp;
use mfa_enforcer::store::claim::{Claim, ClaimStore as _};
use mfa_enforcer::store::outcome::{MailOutcome, MailResult, OutcomeStore as _};

use super::steps::{actions, announced, announced_at, terms};
use crate::support::{TestDatabase, on_both};

on_both!(
    each_result_is_recorded,
    outcomes_of_another_claim_are_refused,
    recording_twice_is_recording_once,
    a_released_mail_is_as_if_never_claimed,
    a_released_mail_may_have_to_wait,
    what_was_deferred_is_claimed_again_with_its_mail,
);

fn later() -> Timestamp {
    "2026-12-01T09:16:00Z".parse().unwrap()
}

fn outcome(claim: &Claim, place: usize, result: MailResult) -> MailOutcome {
    MailOutcome {
        mail_id: claim.mails[place].message.mail_id,
        attempt: 1,
        at: later(),
        content_sha256: Some("ab".repeat(32)),
        reply: format!("answer {place}"),
        result,
    }
}

async fn claimed(db: &TestDatabase, members: u32) -> (mfa_enforcer::store::SqlStore, Claim) {
    let store = db.store(1).await;
    announced(db, &store, members).await;
    let claim = store.claim(&terms(10), announced_at(), &Policy::default()).await.unwrap();
    (store, claim)
}

async fn each_result_is_recorded(db: &TestDatabase) {
    let (store, claim) = claimed(db, 4).await;
    let next_attempt_at: Timestamp = "2026-12-01T09:20:00Z".parse().unwrap();
    let results = [
        MailResult::Sent,
        MailResult::Failed { maybe_received: false },
        MailResult::Deferred { next_attempt_at, maybe_received: false, refused: true },
        MailResult::Deferred { next_attempt_at, maybe_received: true, refused: true },
    ];
    let outcomes: Vec<_> =
        results.into_iter().enumerate().map(|(place, result)| outcome(&claim, place, result)).collect();
    let sent = store.record_outcomes(claim.id.unwrap(), later(), &outcomes).await.unwrap();
    assert_eq!(sent.into_iter().collect::<Vec<_>>(), [(NoticeKind::Announcement, 1)]);
    let rows = "SELECT n.state, n.next_attempt_at, n.claimed_by, l.state, l.maybe_received, l.sent_at, l.server_reply
        FROM notices AS n JOIN mails AS l ON l.id = n.mail_id ORDER BY l.server_reply";
    let (due, next, at) = ("2026-12-01T09:15:00.000000Z", "2026-12-01T09:20:00.000000Z", "2026-12-01T09:16:00.000000Z");
    assert_eq!(
        db.rows(rows).await,
        [
            ["sent", due, "null", "sent", "1", at, "answer 0"],
            ["failed", due, "null", "failed", "0", "null", "answer 1"],
            ["pending", next, "null", "deferred", "0", "null", "answer 2"],
            ["pending", next, "null", "deferred", "1", "null", "answer 3"],
        ]
    );
    assert_eq!(actions(db).await[2..], ["notices_sent", "notices_failed"]);
}

async fn outcomes_of_another_claim_are_refused(db: &TestDatabase) {
    let (store, claim) = claimed(db, 1).await;
    let before = db.dump().await;
    for result in [
        MailResult::Sent,
        MailResult::Failed { maybe_received: false },
        MailResult::Released { next_attempt_at: None, maybe_received: false },
    ] {
        let outcomes = [outcome(&claim, 0, result)];
        let another: Id = "0a000000-0000-4000-8000-00000000000f".parse().unwrap();
        assert!(store.record_outcomes(another, later(), &outcomes).await.unwrap().is_empty());
    }
    assert!(store.record_outcomes(claim.id.unwrap(), later(), &[]).await.unwrap().is_empty());
    assert_eq!(db.dump().await, before);
}

async fn recording_twice_is_recording_once(db: &TestDatabase) {
    let (store, claim) = claimed(db, 2).await;
    let outcomes =
        [outcome(&claim, 0, MailResult::Sent), outcome(&claim, 1, MailResult::Failed { maybe_received: false })];
    store.record_outcomes(claim.id.unwrap(), later(), &outcomes).await.unwrap();
    let before = db.dump().await;
    assert!(store.record_outcomes(claim.id.unwrap(), later(), &outcomes).await.unwrap().is_empty());
    assert_eq!(db.dump().await, before);
}

async fn a_released_mail_is_as_if_never_claimed(db: &TestDatabase) {
    let (store, claim) = claimed(db, 1).await;
    let outcomes = [outcome(&claim, 0, MailResult::Released { next_attempt_at: None, maybe_received: false })];
    store.record_outcomes(claim.id.unwrap(), later(), &outcomes).await.unwrap();
    let rows = "SELECT state, attempts, next_attempt_at, claimed_by, claimed_until FROM notices";
    assert_eq!(db.rows(rows).await, [["pending", "0", "2026-12-01T09:15:00.000000Z", "null", "null"]]);
    assert_eq!(db.value("SELECT maybe_received FROM mails").await, "0");
}

async fn a_released_mail_may_have_to_wait(db: &TestDatabase) {
    let (store, claim) = claimed(db, 1).await;
    let next_attempt_at: Timestamp = "2026-12-01T09:20:00Z".parse().unwrap();
    let result = MailResult::Released { next_attempt_at: Some(next_attempt_at), maybe_received: false };
    store.record_outcomes(claim.id.unwrap(), later(), &[outcome(&claim, 0, result)]).await.unwrap();
    let rows = "SELECT state, attempts, next_attempt_at, claimed_by FROM notices";
    assert_eq!(db.rows(rows).await, [["pending", "0", "2026-12-01T09:20:00.000000Z", "null"]]);
    assert!(store.claim(&terms(10), later(), &Policy::default()).await.unwrap().id.is_none(), "not yet");
    let again = store.claim(&terms(10), next_attempt_at, &Policy::default()).await.unwrap();
    assert_eq!((again.mails.len(), again.mails[0].attempt), (1, 1));
}

async fn what_was_deferred_is_claimed_again_with_its_mail(db: &TestDatabase) {
    let (store, claim) = claimed(db, 1).await;
    let next_attempt_at: Timestamp = "2026-12-01T09:20:00Z".parse().unwrap();
    let outcomes = [outcome(&claim, 0, MailResult::Deferred { next_attempt_at, maybe_received: false, refused: true })];
    store.record_outcomes(claim.id.unwrap(), later(), &outcomes).await.unwrap();
    assert!(store.claim(&terms(10), later(), &Policy::default()).await.unwrap().id.is_none(), "not yet");
    let again = store.claim(&terms(10), next_attempt_at, &Policy::default()).await.unwrap();
    assert_eq!(again.mails[0].message.mail_id, claim.mails[0].message.mail_id);
    assert_eq!((again.mails[0].attempt, again.mails[0].maybe_received), (2, false));
}
