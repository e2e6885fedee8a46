//! A revert in the middle of a flip on PostgreSQL: what the chunk under way makes required is cleared as well.

use mfa_enforcer::domain::policy::Policy;
use mfa_enforcer::store::enforce::EnforceStore as _;
use mfa_enforcer::store::enforcements::Ordered;
use mfa_enforcer::store::reconcile::Authority;
use mfa_enforcer::store::revert::RevertStore as _;
use sqlx::{Connection as _, PgConnection};

use super::steps::{enforce_at, let_wait, scheduled};
use crate::support::vendor::company_id;
use crate::support::{Kind, TestDatabase};

#[tokio::test]
async fn a_revert_clears_what_the_chunk_under_way_requires() {
    const JO: Authority<'static> = Authority { actor: "Jo", override_notice: false, reason: None };
    let db = &TestDatabase::new(Kind::Postgres).await;
    let store = db.store(1).await;
    let enforcement = scheduled(db, &store, 3).await;
    let (company, policy) = (company_id(1).to_string(), Policy::default());
    assert!(store.flip_chunk(enforcement, enforce_at(), &policy, 1).await.unwrap().more);

    // As the next chunk does it.
    let mut other = PgConnection::connect(&db.vendor_url()).await.unwrap();
    let mut held = other.begin().await.unwrap();
    let sql = "SELECT id FROM enforcements WHERE company_id IS NOT NULL FOR NO KEY UPDATE";
    sqlx::query(sql).execute(&mut *held).await.unwrap();
    let sql = "INSERT INTO requirements (user_id, enforcement_id, required_at)
        SELECT m.user_id, e.id, e.enforce_at FROM memberships AS m JOIN enforcements AS e ON e.company_id = m.company_id
        ON CONFLICT DO NOTHING";
    sqlx::query(sql).execute(&mut *held).await.unwrap();
    let flipping = async {
        let_wait(db, 1).await;
        held.commit().await.unwrap();
    };
    let (reverted, ()) = tokio::join!(store.revert(&company, &JO, enforce_at(), &policy, true), flipping);
    assert_eq!(reverted.unwrap(), Ordered::Done);
    assert_eq!(db.value("SELECT count(*) FROM requirements").await, "3");
    assert_eq!(db.value("SELECT count(*) FROM requirements WHERE cleared_at IS NULL").await, "0");
}
