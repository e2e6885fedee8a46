//! The steps that bring a database to where a topic begins.

use mfa_enforcer::domain::ids::Id;
use mfa_enforcer::domain::policy::Policy;
use mfa_enforcer::domain::time::Timestamp;
use mfa_enforcer::store::SqlStore;
use mfa_enforcer::store::claim::ClaimTerms;
use mfa_enforcer::store::expand::ExpandStore as _;
use mfa_enforcer::store::reconcile::ReconcileStore as _;
use mfa_enforcer::store::review::ReviewStore as _;

use crate::support::TestDatabase;
use crate::support::vendor::{add_company, add_member, add_user};

/// When a date is set.
pub fn set_at() -> Timestamp {
    "2026-12-01T09:00:00Z".parse().unwrap()
}

/// When it is announced.
pub fn announced_at() -> Timestamp {
    "2026-12-01T09:15:00Z".parse().unwrap()
}

/// When it takes effect.
pub fn enforce_at() -> Timestamp {
    "2027-01-14T23:00:00Z".parse().unwrap()
}

/// A company with so many members, at whom nobody has looked.
pub async fn company_of(db: &TestDatabase, members: u32) -> Id {
    let company = add_company(db, 1).await;
    for number in 1..=members {
        let user = add_user(db, number).await;
        add_member(db, company, user).await;
    }
    company
}

/// A company in Berlin with this many members, all of them reviewed, and a date that nobody has acted on.
pub async fn with_a_date(db: &TestDatabase, store: &SqlStore, members: u32) -> Id {
    let company = company_of(db, members).await;
    store.review_users(set_at(), None, 1000).await.unwrap();
    store.review_memberships(set_at(), &Policy::default(), 1000).await.unwrap();
    db.execute("UPDATE companies SET enforcement_date = '2027-01-15'").await;
    company
}

/// The same, with the enforcement that follows from it.
pub async fn scheduled(db: &TestDatabase, store: &SqlStore, members: u32) -> Id {
    let company = with_a_date(db, store, members).await;
    let reconciled = store.reconcile_company(company, set_at(), &Policy::default(), true).await.unwrap();
    assert_eq!(reconciled.changes, ["planned"]);
    db.value("SELECT id FROM enforcements WHERE state = 'scheduled'").await.parse().unwrap()
}

/// The same, with its announcements made. Returns the enforcement.
pub async fn announced(db: &TestDatabase, store: &SqlStore, members: u32) -> Id {
    let enforcement = scheduled(db, store, members).await;
    for (milestone, _) in store.due_milestones(announced_at(), None, 10).await.unwrap() {
        while store.expand_chunk(milestone, announced_at(), &Policy::default(), 1000).await.unwrap().more {}
    }
    enforcement
}

/// Claims of up to `limit` notices, for five minutes.
pub fn terms(limit: i64) -> ClaimTerms {
    ClaimTerms { limit, lease: chrono::TimeDelta::minutes(5), message_id_domain: "ledger.example".to_owned() }
}

/// The actions in the trail, in order.
pub async fn actions(db: &TestDatabase) -> Vec<String> {
    db.rows("SELECT action FROM audit_events ORDER BY seq").await.concat()
}

/// Returns when so many wait for locks of PostgreSQL, or nobody has come to for a while.
pub async fn let_wait(db: &TestDatabase, many: u32) {
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    for _ in 0..2000 {
        if db.value(waiting).await == many.to_string() {
            break;
        }
    }
}
