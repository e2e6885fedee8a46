//! A million rows, set-wise.

use crate::support::{Kind, TestDatabase};

/// A database with a million rows in each large table.
pub async fn database_of_a_million() -> TestDatabase {
    let db = TestDatabase::new(Kind::Postgres).await;
    let began = std::time::Instant::now();
    db.execute(include_str!("seed.sql")).await;
    println!("seeded in {} s", began.elapsed().as_secs());
    db
}

/// A database with sixty thousand notices of three companies, all of them due since PostgreSQL has looked at them.
pub async fn database_of_a_few_companies() -> TestDatabase {
    let db = TestDatabase::new(Kind::Postgres).await;
    db.execute(include_str!("few.sql")).await;
    db
}
