//! Claims: whole users, under a lease, each notice by one daemon alone.

use chrono::TimeDelta;
use mfa_enforcer::domain::policy::Policy;
use mfa_enforcer::store::claim::ClaimStore as _;

use super::steps::{announced, announced_at, enforce_at, set_at, terms};
use crate::support::vendor::{add_company, add_member, company_id, user_id};
use crate::support::{TestDatabase, on_both};

on_both!(
    nothing_due_is_no_claim,
    what_is_claimed_is_marked_with_its_mail,
    claims_are_limited_and_do_not_overlap,
    a_lapsed_claim_is_taken_over_with_its_mail,
    what_may_not_be_sent_is_put_aside,
    a_mail_says_what_its_reader_has_to_know,
    claims_at_the_same_time_do_not_overlap,
);

async fn nothing_due_is_no_claim(db: &TestDatabase) {
    let store = db.store(1).await;
    announced(db, &store, 2).await;
    let before = db.dump().await;
    let claim = store.claim(&terms(10), set_at(), &Policy::default()).await.unwrap();
    assert!(claim.id.is_none() && claim.mails.is_empty());
    assert_eq!(db.dump().await, before);
}

async fn what_is_claimed_is_marked_with_its_mail(db: &TestDatabase) {
    let store = db.store(1).await;
    announced(db, &store, 1).await;
    let claim = store.claim(&terms(10), announced_at(), &Policy::default()).await.unwrap();
    let (id, mail) = (claim.id.unwrap(), &claim.mails[0]);
    assert_eq!((claim.until, claim.skipped, claim.waiting), (Some(announced_at().plus(TimeDelta::minutes(5))), 0, 0));
    assert_eq!((mail.attempt, mail.maybe_received, mail.due_at), (1, false, announced_at()));
    let notice = "SELECT state, attempts, claimed_by, claimed_until, mail_id FROM notices";
    let mail_id = mail.message.mail_id.to_string();
    assert_eq!(
        db.rows(notice).await,
        [[
            "sending".to_owned(),
            "1".to_owned(),
            id.to_string(),
            "2026-12-01T09:20:00.000000Z".to_owned(),
            mail_id.clone()
        ]]
    );
    let row = "SELECT id, user_id, address, message_id, state, maybe_received, sent_day FROM mails";
    assert_eq!(
        db.rows(row).await,
        [[
            mail_id.clone(),
            user_id(1).to_string(),
            "user1@example.com".to_owned(),
            format!("<{mail_id}@ledger.example>"),
            "sending".to_owned(),
            "1".to_owned(),
            "2026-12-01".to_owned()
        ]]
    );
}

async fn claims_are_limited_and_do_not_overlap(db: &TestDatabase) {
    let store = db.store(1).await;
    announced(db, &store, 5).await;
    let mut users = Vec::new();
    for expected in [2, 2, 1, 0] {
        let claim = store.claim(&terms(2), announced_at(), &Policy::default()).await.unwrap();
        assert_eq!(claim.mails.len(), expected);
        users.extend(claim.mails.iter().map(|mail| mail.message.reader.user_id));
    }
    users.sort();
    assert_eq!(users, [1, 2, 3, 4, 5].map(user_id));
}

async fn a_lapsed_claim_is_taken_over_with_its_mail(db: &TestDatabase) {
    let store = db.store(1).await;
    announced(db, &store, 1).await;
    let first = store.claim(&terms(10), announced_at(), &Policy::default()).await.unwrap();
    let until = first.until.unwrap();
    let held = store.claim(&terms(10), until, &Policy::default()).await.unwrap();
    assert!(held.id.is_none(), "to the last microsecond");
    let another = db.store(2).await;
    let second = another.claim(&terms(10), until.plus(TimeDelta::microseconds(1)), &Policy::default()).await.unwrap();
    assert_ne!(second.id, first.id);
    let (one, two) = (&first.mails[0], &second.mails[0]);
    assert_eq!(one.message.mail_id, two.message.mail_id);
    assert_eq!((two.attempt, two.maybe_received), (2, true));
    assert_eq!(db.value("SELECT count(*) FROM mails").await, "1");
}

async fn what_may_not_be_sent_is_put_aside(db: &TestDatabase) {
    let store = db.store(1).await;
    let enforcement = announced(db, &store, 4).await;
    db.execute(&format!("UPDATE users SET mfa_enrolled_at = '2026-12-01T09:10:00Z' WHERE id = '{}'", user_id(1))).await;
    db.execute(&format!("DELETE FROM users WHERE id = '{}'", user_id(2))).await;
    // The third got a mail today already.
    db.execute(&format!(
        "INSERT INTO mails (id, user_id, address, locale, message_id, state, maybe_received, sent_day, attempted_at)
         VALUES ('0d000000-0000-4000-8000-000000000001', '{}', 'x', 'en', '<x>', 'sent', true, '2026-12-01', '2026-12-01T08:00:00.000000Z')",
        user_id(3)
    ))
    .await;
    let claim = store.claim(&terms(10), announced_at(), &Policy::default()).await.unwrap();
    assert_eq!((claim.mails.len(), claim.skipped, claim.waiting), (1, 2, 1));
    let rows = "SELECT user_id, state, skip_reason, next_attempt_at FROM notices ORDER BY user_id";
    let row = |number, rest: [&str; 3]| [vec![user_id(number).to_string()], rest.map(str::to_owned).to_vec()].concat();
    let due = "2026-12-01T09:15:00.000000Z";
    assert_eq!(
        db.rows(rows).await,
        [
            row(1, ["skipped", "enrolled", due]),
            row(2, ["skipped", "user_deleted", due]),
            row(3, ["pending", "null", "2026-12-02T07:00:00.000000Z"]),
            row(4, ["sending", "null", due]),
        ]
    );
    let trail = "SELECT detail FROM audit_events WHERE action = 'notices_skipped'";
    let detail: serde_json::Value = serde_json::from_str(&db.value(trail).await).unwrap();
    assert_eq!(
        (&detail["count"], &detail["reasons"]),
        (&2.into(), &serde_json::json!({ "enrolled": 1, "user_deleted": 1 }))
    );
    db.execute(&format!("UPDATE enforcements SET state = 'held' WHERE id = '{enforcement}'")).await;
    let held = store.claim(&terms(10), enforce_at(), &Policy::default()).await.unwrap();
    assert!(held.id.is_none(), "while it is held nothing is claimed, not even what lapsed");
}

async fn a_mail_says_what_its_reader_has_to_know(db: &TestDatabase) {
    let store = db.store(1).await;
    announced(db, &store, 1).await;
    add_company(db, 2).await;
    add_member(db, company_id(2), user_id(1)).await;
    db.execute("UPDATE users SET country = 'DE', locale = 'de', time_zone = 'Asia/Kathmandu'").await;
    db.execute(&format!("UPDATE companies SET support_contact = 'help@acme.example' WHERE id = '{}'", company_id(1)))
        .await;
    let claim = store.claim(&terms(10), announced_at(), &Policy::default()).await.unwrap();
    let message = &claim.mails[0].message;
    let reader = &message.reader;
    assert_eq!((reader.address.as_str(), reader.name.as_str()), ("user1@example.com", "User 1"));
    assert_eq!((reader.zone, reader.methods.len()), (chrono_tz::Asia::Kathmandu, 2));
    assert_eq!(reader.locales, ["de", "en"]);
    let [notice] = message.notices.as_slice() else { panic!("{message:?}") };
    assert_eq!(
        (notice.company.as_deref(), notice.support_contact.as_deref()),
        (Some("Company 1"), Some("help@acme.example"))
    );
    assert_eq!((notice.required_at, notice.told_date), (enforce_at(), None));
}

async fn claims_at_the_same_time_do_not_overlap(db: &TestDatabase) {
    let (one, two) = (db.store(1).await, db.store(2).await);
    announced(db, &one, 40).await;
    let policy = Policy::default();
    let mut users = Vec::new();
    for _ in 0..40 {
        let terms = terms(7);
        let (first, second) =
            tokio::join!(one.claim(&terms, announced_at(), &policy), two.claim(&terms, announced_at(), &policy));
        let claims = [first.unwrap(), second.unwrap()];
        if claims.iter().all(|claim| claim.id.is_none()) {
            break;
        }
        users.extend(claims.iter().flat_map(|claim| &claim.mails).map(|mail| mail.message.reader.user_id));
    }
    users.sort();
    assert_eq!(users, (1..=40).map(user_id).collect::<Vec<_>>(), "each once");
}
