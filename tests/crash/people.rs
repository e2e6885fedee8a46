//! A vendor's companies and people, in plain SQL, as many as are wanted.

use mfa_enforcer::domain::ids::Id;
use mfa_enforcer::domain::time::Timestamp;

use crate::rows::{a_date, zone_at_noon};
use crate::support::vendor::{company_id, user_id};
use crate::support::{Kind, TestDatabase};

/// The company whose people get notices.
pub const TOLD: u32 = 1;
/// The company whose people are enrolled, so that they get none; its day comes.
pub const FLIPPED: u32 = 2;

/// Writes a company where it is noon, with so many people, who are to be told of its date some weeks ahead.
pub async fn add_company_of(db: &TestDatabase, number: u32, people: usize) -> Id {
    let company = add_dateless_company_of(db, number, people).await;
    db.execute(&give_date(company)).await;
    company
}

/// The same without a date.
pub async fn add_dateless_company_of(db: &TestDatabase, number: u32, people: usize) -> Id {
    add(db, number, people, false).await
}

/// The same with people who are enrolled, so that they get no notices. It has no date yet: its people are to be known before,
/// as who is first seen after a date was told has a date of their own.
pub async fn add_enrolled_company_of(db: &TestDatabase, number: u32, people: usize) -> Id {
    add(db, number, people, true).await
}

async fn add(db: &TestDatabase, number: u32, people: usize, are_enrolled: bool) -> Id {
    let (company, zone) = (company_id(number), zone_at_noon());
    let before = number << 24;
    let prefix = user_id(before).to_string()[..28].to_owned();
    let (numbers, id, instant) = match db.kind() {
        Kind::Sqlite => (
            format!("RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {people})"),
            format!("'{prefix}' || printf('%08x', {before} + n)"),
            "",
        ),
        Kind::Postgres => (
            format!("numbers(n) AS (SELECT * FROM generate_series(1, {people}))"),
            format!("('{prefix}' || lpad(to_hex({before} + n), 8, '0'))::uuid"),
            "timestamptz ",
        ),
    };
    let enrolled = if are_enrolled { format!("{instant}'2026-01-01T00:00:00Z'") } else { "NULL".to_owned() };
    for sql in [
        format!("INSERT INTO companies (id, name, time_zone) VALUES ('{company}', 'Company {number}', '{zone}')"),
        format!(
            "WITH {numbers} INSERT INTO users (id, email, name, mfa_enrolled_at)
             SELECT {id}, 'user' || ({before} + n) || '@example.com', 'User ' || n, {enrolled} FROM numbers"
        ),
        format!("WITH {numbers} INSERT INTO memberships (company_id, user_id) SELECT '{company}', {id} FROM numbers"),
    ] {
        db.execute(&sql).await;
    }
    company
}

/// Gives the company a date some weeks ahead.
pub fn give_date(company: Id) -> String {
    format!("UPDATE companies SET enforcement_date = '{}' WHERE id = '{company}'", a_date())
}

/// Where the `person`th of a company's people gets mail.
pub fn address(company: u32, person: usize) -> String {
    format!("user{}@example.com", (usize::try_from(company).unwrap() << 24) + person)
}

/// As if the days until the company's date had passed but for this last moment. To be said again until its enforcement is in
/// force: a daemon that starts computes anew when the day begins.
pub fn let_the_day_come(company: Id, begins: Timestamp) -> String {
    format!("UPDATE enforcements SET enforce_at = '{begins}' WHERE state = 'scheduled' AND company_id = '{company}'")
}
