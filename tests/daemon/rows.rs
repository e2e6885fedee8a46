//! Rows as the vendor's application writes them while the daemon runs, and what it makes of them.

use chrono::{Days, NaiveDate, Timelike as _};
use mfa_enforcer::clock::Clock;
use mfa_enforcer::domain::ids::Id;

use crate::process::eventually;
use crate::support::TestDatabase;
use crate::support::vendor::{add_company, add_member, add_user, user_id};

/// A zone where it is noon, so that announcements may go out whenever the test runs.
pub fn zone_at_noon() -> String {
    match 12 - i64::from(Clock::System.now().utc().hour()) {
        0 => "Etc/GMT".to_owned(),
        // POSIX counts westward.
        ahead => format!("Etc/GMT{:+}", -ahead),
    }
}

/// Some weeks ahead.
pub fn a_date() -> NaiveDate {
    Clock::System.now().utc().date_naive() + Days::new(35)
}

/// Adds a company where it is noon, with so many people who have not set up MFA.
pub async fn add_company_of(db: &TestDatabase, number: u32, people: u32) -> Id {
    let company = add_company(db, number).await;
    db.execute(&format!("UPDATE companies SET time_zone = '{}' WHERE id = '{company}'", zone_at_noon())).await;
    for person in 0..people {
        let user = add_user(db, number * 1000 + person).await;
        add_member(db, company, user).await;
    }
    company
}

/// Gives the company a date.
pub async fn set_date(db: &TestDatabase, company: Id) {
    db.execute(&format!("UPDATE companies SET enforcement_date = '{}' WHERE id = '{company}'", a_date())).await;
}

/// Adds somebody who receives payments, and so is required and told at once.
pub async fn add_payee(db: &TestDatabase, number: u32) -> Id {
    let user = add_user(db, number).await;
    db.execute(&format!("UPDATE users SET payee = true WHERE id = '{}'", user_id(number))).await;
    user
}

/// How many notices are in this state.
pub async fn notices(db: &TestDatabase, state: &str) -> usize {
    db.value(&format!("SELECT count(*) FROM notices WHERE state = '{state}'")).await.parse().unwrap()
}

/// Waits until so many notices are sent.
pub async fn sent(db: &TestDatabase, count: usize) {
    eventually(&format!("{count} notices are sent"), async || (notices(db, "sent").await >= count).then_some(())).await;
}
