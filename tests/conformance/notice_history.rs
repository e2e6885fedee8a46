//! What was sent: listed with what became of it, filtered, and shown whole (R11).

use mfa_enforcer::domain::ids::{Id, PAYEE_MANDATE};
use mfa_enforcer::domain::notice::{NoticeKind, NoticeState, SkipReason};
use mfa_enforcer::store::StoreError;
use mfa_enforcer::store::notice_history::{NoticeFilter, NoticeHistoryStore as _};
use uuid::Uuid;

use crate::support::vendor::{add_company, add_member, add_user, company_id, user_id};
use crate::support::{TestDatabase, on_both};

on_both!(
    a_notice_tells_what_became_of_it,
    every_filter_must_hold,
    pages_follow_each_other,
    a_notice_outlives_its_user_and_its_mail,
    an_unknown_notice_is_answered_with_where_to_look,
);

/// The id of the notice with this number.
pub(super) fn notice_id(number: u32) -> Id {
    Id(Uuid::from_u128(0x0a00_0000_0000_4000_8000_0000_0000_0000 + u128::from(number)))
}

/// The id of the enforcement, milestone or mail with this number.
pub(super) fn history_id(number: u32) -> Id {
    Id(Uuid::from_u128(0x0b00_0000_0000_4000_8000_0000_0000_0000 + u128::from(number)))
}

/// Company 1 with users 1 and 2, whose notices have been sent (1 and 3), skipped (2) and are yet to come (4 and 5, the
/// fifth of the payee mandate).
pub(super) async fn a_history(db: &TestDatabase) {
    let company = add_company(db, 1).await;
    for number in [1, 2] {
        let user = add_user(db, number).await;
        add_member(db, company, user).await;
    }
    db.execute(&format!(
        "INSERT INTO enforcements
             (id, company_id, enforcement_date, time_zone, planned_time_zone, enforce_at, state, set_by, created_at)
         VALUES ('{}', '{company}', '2027-01-15', 'Europe/Berlin', 'Europe/Berlin', '2027-01-14T23:00:00.000000Z',
             'scheduled', 'sql', '2026-12-01T10:00:00.000000Z')",
        history_id(1)
    ))
    .await;
    db.execute(&format!(
        "INSERT INTO mails (id, user_id, address, locale, message_id, state, maybe_received, sent_day, attempted_at,
             sent_at, server_reply, content_sha256)
         VALUES ('{}', '{}', 'then@example.org', 'en', '<m@example.org>', 'sent', true, '2026-12-01',
             '2026-12-01T10:15:00.000000Z', '2026-12-01T10:15:01.500000Z', '250 2.0.0 Ok', 'abc')",
        history_id(30),
        user_id(1)
    ))
    .await;
    let mandate = PAYEE_MANDATE;
    let (of_company, mail) = (history_id(1), format!("'{}'", history_id(30)));
    let none = "NULL".to_owned();
    for (number, user, enforcement, kind, state, skip, mail) in [
        (1, 1, of_company, "announcement", "sent", "NULL", &mail),
        (2, 2, of_company, "announcement", "skipped", "'enrolled'", &none),
        (3, 1, of_company, "welcome", "sent", "NULL", &mail),
        (4, 2, of_company, "reminder", "pending", "NULL", &none),
        (5, 2, mandate, "now_required", "pending", "NULL", &none),
    ] {
        db.execute(&format!(
            "INSERT INTO notices (id, kind, milestone_id, enforcement_id, user_id, due_at, state, skip_reason, attempts,
                 next_attempt_at, mail_id)
             VALUES ('{}', '{kind}', '{}', '{enforcement}', '{}', '2026-12-0{number}T10:15:00.000000Z', '{state}', {skip},
                 1, '2026-12-0{number}T10:20:00.000000Z', {mail})",
            notice_id(number),
            history_id(10 + number),
            user_id(user)
        ))
        .await;
    }
}

async fn listed(db: &TestDatabase, filter: NoticeFilter) -> Vec<Id> {
    let page = db.store(1).await.notices_page(&filter, None, 100).await.unwrap();
    page.into_iter().map(|record| record.id).collect()
}

async fn a_notice_tells_what_became_of_it(db: &TestDatabase) {
    a_history(db).await;
    let store = db.store(1).await;
    let records = store.notices_page(&NoticeFilter::default(), None, 100).await.unwrap();
    assert_eq!(records.len(), 5);

    let sent = &records[0];
    assert_eq!((sent.kind, sent.state, sent.skip_reason), (NoticeKind::Announcement, NoticeState::Sent, None));
    assert_eq!((sent.company_id, sent.enforcement_id, sent.user_id), (Some(company_id(1)), history_id(1), user_id(1)));
    assert_eq!(sent.email.as_deref(), Some("then@example.org"), "where it went, not where it would go now");
    assert_eq!(sent.sent_at.unwrap().to_string(), "2026-12-01T10:15:01.500000Z");
    assert_eq!((sent.mail_id, sent.server_reply.as_deref()), (Some(history_id(30)), Some("250 2.0.0 Ok")));

    let skipped = &records[1];
    assert_eq!((skipped.state, skipped.skip_reason), (NoticeState::Skipped, Some(SkipReason::Enrolled)));
    assert_eq!(skipped.email.as_deref(), Some("user2@example.com"));
    assert_eq!((skipped.sent_at, skipped.mail_id, skipped.server_reply.as_deref()), (None, None, None));
    assert_eq!(records[4].company_id, None, "the payee mandate is no company's");

    let detail = store.notice(notice_id(1)).await.unwrap();
    assert_eq!((detail.record.id, detail.milestone_id, detail.attempts), (notice_id(1), history_id(11), 1));
    assert_eq!(detail.enforcement_date.unwrap().to_string(), "2027-01-15");
    assert_eq!(detail.next_attempt_at.to_string(), "2026-12-01T10:20:00.000000Z");
    let mail = detail.mail.unwrap();
    assert_eq!((mail.id, mail.state.as_str(), mail.address.as_str()), (history_id(30), "sent", "then@example.org"));
    assert_eq!((mail.message_id.as_str(), mail.content_sha256.as_deref()), ("<m@example.org>", Some("abc")));
    assert!(store.notice(notice_id(4)).await.unwrap().mail.is_none());
}

async fn every_filter_must_hold(db: &TestDatabase) {
    a_history(db).await;
    let none = NoticeFilter::default;
    let ids = |numbers: &[u32]| numbers.iter().map(|number| notice_id(*number)).collect::<Vec<_>>();
    let of_company = NoticeFilter { company_id: Some(company_id(1)), ..none() };
    assert_eq!(listed(db, of_company).await, ids(&[1, 2, 3, 4]));
    assert_eq!(listed(db, NoticeFilter { user_id: Some(user_id(2)), ..none() }).await, ids(&[2, 4, 5]));
    assert_eq!(listed(db, NoticeFilter { kind: Some(NoticeKind::Announcement), ..none() }).await, ids(&[1, 2]));
    assert_eq!(listed(db, NoticeFilter { state: Some(NoticeState::Pending), ..none() }).await, ids(&[4, 5]));
    let all = NoticeFilter {
        company_id: Some(company_id(1)),
        user_id: Some(user_id(2)),
        kind: Some(NoticeKind::Reminder),
        state: Some(NoticeState::Pending),
    };
    assert_eq!(listed(db, all.clone()).await, ids(&[4]));
    assert_eq!(listed(db, NoticeFilter { user_id: Some(user_id(1)), ..all }).await, []);
}

async fn pages_follow_each_other(db: &TestDatabase) {
    a_history(db).await;
    let store = db.store(1).await;
    let (mut after, mut seen) = (None, vec![]);
    loop {
        let page = store.notices_page(&NoticeFilter::default(), after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        seen.extend(page.iter().map(|record| record.id));
    }
    assert_eq!(seen, listed(db, NoticeFilter::default()).await);
}

async fn a_notice_outlives_its_user_and_its_mail(db: &TestDatabase) {
    a_history(db).await;
    db.execute("DELETE FROM users; DELETE FROM mails").await;
    let detail = db.store(1).await.notice(notice_id(1)).await.unwrap();
    assert_eq!((detail.record.email, detail.record.mail_id), (None, Some(history_id(30))));
    assert!(detail.mail.is_none());
}

async fn an_unknown_notice_is_answered_with_where_to_look(db: &TestDatabase) {
    let refused = db.store(1).await.notice(notice_id(1)).await.unwrap_err();
    assert!(matches!(&refused, StoreError::NotFound(message) if message.contains("notice list")), "{refused}");
}
