//! How the store connects.

use chrono::TimeDelta;
use mfa_enforcer::clock::Randomness;
use mfa_enforcer::store::SqlStore;
use mfa_enforcer::store::companies::{CompanyChange, CompanyStore as _};
use mfa_enforcer::store::connect::{ConnectOptions, Schema};

use super::steps::set_at;
use crate::support::database::options;
use crate::support::vendor::add_company;
use crate::support::{Kind, TestDatabase};

#[tokio::test]
async fn a_row_that_the_vendor_left_locked_is_not_waited_for_for_ever() {
    let db = TestDatabase::new(Kind::Postgres).await;
    let company = add_company(&db, 1).await.to_string();
    // One connection, which has migrated before.
    let options = ConnectOptions { max_connections: 1, lock_timeout: TimeDelta::milliseconds(50), ..options(db.url()) };
    let store = SqlStore::connect(&options, Schema::Migrate, Randomness::seeded(1)).await.unwrap();
    let change = CompanyChange { mfa_available: Some(false), ..CompanyChange::default() };
    db.execute(&format!("BEGIN; UPDATE companies SET name = 'idle' WHERE id = '{company}'")).await;
    let refused = store.set_company(&company, change.clone(), "Jo", set_at()).await.unwrap_err();
    assert!(refused.to_string().contains("lock timeout"), "{refused}");
    db.execute("ROLLBACK").await;
    store.set_company(&company, change, "Jo", set_at()).await.unwrap();
}
