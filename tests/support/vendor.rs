//! Rows as the vendor's application writes them, with plain SQL: the columns that have no default, and no more.

use mfa_enforcer::domain::ids::Id;
use uuid::Uuid;

use super::TestDatabase;

/// The id of the company with this number.
pub fn company_id(number: u32) -> Id {
    Id(Uuid::from_u128(0x0c00_0000_0000_4000_8000_0000_0000_0000 + u128::from(number)))
}

/// The id of the user with this number.
pub fn user_id(number: u32) -> Id {
    Id(Uuid::from_u128(0x0e00_0000_0000_4000_8000_0000_0000_0000 + u128::from(number)))
}

/// Adds a company in Berlin.
pub async fn add_company(db: &TestDatabase, number: u32) -> Id {
    let id = company_id(number);
    db.execute(&format!(
        "INSERT INTO companies (id, name, time_zone) VALUES ('{id}', 'Company {number}', 'Europe/Berlin')"
    ))
    .await;
    id
}

/// Adds a user who belongs to no company.
pub async fn add_user(db: &TestDatabase, number: u32) -> Id {
    let id = user_id(number);
    db.execute(&format!(
        "INSERT INTO users (id, email, name) VALUES ('{id}', 'user{number}@example.com', 'User {number}')"
    ))
    .await;
    id
}

/// Makes the user a member of the company.
pub async fn add_member(db: &TestDatabase, company: Id, user: Id) {
    db.execute(&format!("INSERT INTO memberships (company_id, user_id) VALUES ('{company}', '{user}')")).await;
}
