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
