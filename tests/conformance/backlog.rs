//! What a first run would do at once, counted without changing anything.

use mfa_enforcer::domain::policy::Policy;
use mfa_enforcer::store::backlog::{BacklogLine, BacklogStore as _, Population};
use mfa_enforcer::store::review::ReviewStore as _;

use super::steps::{announced, announced_at, enforce_at, scheduled, set_at, with_a_date};
use crate::support::vendor::{add_company, add_member, add_user, company_id, user_id};
use crate::support::{TestDatabase, on_both};

on_both!(
    an_empty_database_has_none,
    whom_a_daemon_has_looked_at_is_known,
    a_date_that_nobody_has_seen_would_be_announced,
    a_date_that_would_be_held_does_nothing,
    payees_would_be_required_and_told,
    what_is_due_counts_by_company_and_kind,
    who_is_left_out_is_not_counted,
);

fn line(company: Option<&str>, what: &str, people: i64) -> BacklogLine {
    BacklogLine { company: company.map(str::to_owned), what: what.to_owned(), people }
}

async fn an_empty_database_has_none(db: &TestDatabase) {
    let backlog = db.store(1).await.backlog(set_at(), &Policy::default()).await.unwrap();
    assert_eq!((backlog.people, backlog.lines.len()), (0, 0));
}

async fn whom_a_daemon_has_looked_at_is_known(db: &TestDatabase) {
    let store = db.store(1).await;
    assert_eq!(store.population().await.unwrap(), Population::Nobody);
    add_user(db, 1).await;
    assert_eq!(store.population().await.unwrap(), Population::Strangers);
    store.review_users(set_at(), None, 10).await.unwrap();
    add_user(db, 2).await;
    assert_eq!(store.population().await.unwrap(), Population::Known);
}

async fn a_date_that_nobody_has_seen_would_be_announced(db: &TestDatabase) {
    let store = db.store(1).await;
    with_a_date(db, &store, 3).await;
    let before = db.dump().await;
    let backlog = store.backlog(set_at(), &Policy::default()).await.unwrap();
    assert_eq!(backlog.people, 3);
    assert_eq!(backlog.lines, [line(Some("Company 1"), "announcement", 3)]);
    assert_eq!(db.dump().await, before, "it only counts");
}

async fn a_date_that_would_be_held_does_nothing(db: &TestDatabase) {
    let store = db.store(1).await;
    with_a_date(db, &store, 3).await;
    for held in
        ["mfa_available = false", "mfa_available = true, enforcement_date = '2026-12-02'", "time_zone = 'Mars/Olympus'"]
    {
        db.execute(&format!("UPDATE companies SET {held}")).await;
        assert_eq!(store.backlog(set_at(), &Policy::default()).await.unwrap().people, 0, "{held}");
    }
}

async fn payees_would_be_required_and_told(db: &TestDatabase) {
    let store = db.store(1).await;
    with_a_date(db, &store, 3).await;
    db.execute("UPDATE companies SET enforcement_date = NULL; UPDATE users SET payee = true").await;
    db.execute(&format!("UPDATE users SET mfa_enrolled_at = '2026-01-01T00:00:00Z' WHERE id = '{}'", user_id(1))).await;
    let backlog = store.backlog(set_at(), &Policy::default()).await.unwrap();
    assert_eq!(backlog.people, 3);
    assert_eq!(backlog.lines.len(), 2, "{:?}", backlog.lines);
    assert!(
        backlog.lines.contains(&line(None, "required", 3)) && backlog.lines.contains(&line(None, "now_required", 2))
    );
}

async fn what_is_due_counts_by_company_and_kind(db: &TestDatabase) {
    let store = db.store(1).await;
    announced(db, &store, 3).await;
    let backlog = store.backlog(announced_at(), &Policy::default()).await.unwrap();
    assert_eq!((backlog.people, backlog.lines), (3, vec![line(Some("Company 1"), "announcement", 3)]));
    let backlog = store.backlog(enforce_at(), &Policy::default()).await.unwrap();
    assert_eq!(backlog.people, 3, "each once");
    assert!(backlog.lines.contains(&line(Some("Company 1"), "required", 3)), "{:?}", backlog.lines);
    db.execute("UPDATE enforcements SET state = 'held' WHERE state = 'scheduled'").await;
    assert_eq!(store.backlog(enforce_at(), &Policy::default()).await.unwrap().people, 0);
}

async fn who_is_left_out_is_not_counted(db: &TestDatabase) {
    let store = db.store(1).await;
    scheduled(db, &store, 6).await;
    add_company(db, 2).await;
    add_member(db, company_id(2), user_id(1)).await;
    for (number, change) in
        ["active = false", "kind = 'service'", "sso = true", "mfa_enrolled_at = '2026-01-01T00:00:00Z'"]
            .iter()
            .enumerate()
    {
        db.execute(&format!("UPDATE users SET {change} WHERE id = '{}'", user_id(u32::try_from(number).unwrap() + 1)))
            .await;
    }
    db.execute(&format!(
        "UPDATE memberships SET exempt_until = '2028-01-01T00:00:00Z' WHERE user_id = '{}'",
        user_id(5)
    ))
    .await;
    let backlog = store.backlog(announced_at(), &Policy::default()).await.unwrap();
    assert_eq!((backlog.people, backlog.lines), (1, vec![line(Some("Company 1"), "announcement", 1)]));
    let everybody = Policy { leave_out_sso: false, ..Policy::default() };
    assert_eq!(store.backlog(announced_at(), &everybody).await.unwrap().people, 2);
}
