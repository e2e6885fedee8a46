//! Every statement of the store, explained.

use std::collections::BTreeMap;

use mfa_enforcer::store::{FOR_BATCHES, FOR_ORDER};
use serde_json::Value;

use super::exceptions::Judgement;
use super::seed::{database_of_a_few_companies, database_of_a_million};
use super::{scans_postgres, scans_sqlite};
use crate::support::{Kind, TestDatabase, statements};

/// What a parameter may be of which PostgreSQL cannot tell: it is told by whoever binds it.
const TYPES: &[&str] = &["uuid", "timestamptz", "text", "bigint", "boolean", "date", "jsonb"];

/// Whether it is data that a plan is made for.
fn is_explained(sql: &str) -> bool {
    let first = sql.split_whitespace().next().unwrap_or_default();
    ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"].contains(&first)
}

/// Whether it comes to rows by a batch of keys, and does not only choose some of those that it finds otherwise.
fn begins_with_a_batch(sql: &str) -> bool {
    sql.replace("IN (SELECT id FROM unnest($", "").contains("unnest($")
}

/// Whether it takes the first of the notices that are due, or of the members whom nobody has looked at, or whose day it is.
fn takes_from_the_queue(sql: &str) -> bool {
    sql.contains("n.next_attempt_at <= $1") && sql.contains("n.next_attempt_at, n.user_id LIMIT $2")
        || sql.contains("NOT m.reviewed") && sql.contains("ORDER BY m.company_id, m.user_id LIMIT")
        || sql.contains("ORDER BY m.exempt_until") && sql.contains("m.exemption_told")
        || sql.contains("ORDER BY m.require_at LIMIT")
}

/// Whoever has this text comes to what waits by this index, and does not go through all companies or all that is held.
const WAYS: [(&str, &str); 3] = [
    ("n.enforcement_id >= $3", "notices_open"),
    ("m.exempt_until <= $2", "memberships_exempt"),
    ("m.require_at <= $1", "memberships_require_at"),
];

/// The plan that serves for all values: what PostgreSQL may choose for a statement that is prepared once.
async fn plan(db: &TestDatabase, sql: &str) -> Value {
    prepare(db, sql, Vec::new()).await.unwrap_or_else(|error| panic!("{error}\nin: {sql}"));
    let count = "SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = 'looked_at'";
    let count: usize = db.value(count).await.parse().unwrap();
    let nulls = if count == 0 { String::new() } else { format!("({})", vec!["NULL"; count].join(", ")) };
    let lines = db.rows(&format!("EXPLAIN (FORMAT JSON) EXECUTE looked_at{nulls}")).await.concat();
    db.execute("DEALLOCATE looked_at").await;
    serde_json::from_str(&lines.join("\n")).unwrap()
}

/// Prepares it with these types of parameters, and where PostgreSQL cannot tell one, with the first that will do.
async fn prepare(db: &TestDatabase, sql: &str, types: Vec<&'static str>) -> Result<(), String> {
    let declared = if types.is_empty() { String::new() } else { format!("({})", types.join(", ")) };
    let Err(error) = db.try_execute(&format!("PREPARE looked_at{declared} AS {sql}")).await else { return Ok(()) };
    let Some((_, unknown)) = error.split_once("could not determine data type of parameter $") else {
        return Err(error);
    };
    let place: usize = unknown.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap();
    for candidate in TYPES {
        let mut types = types.clone();
        types.resize(types.len().max(place), "unknown");
        types[place - 1] = candidate;
        if Box::pin(prepare(db, sql, types)).await.is_ok() {
            return Ok(());
        }
    }
    Err(error)
}

/// The first column of each index that is not partial.
async fn first_columns(db: &TestDatabase) -> BTreeMap<String, String> {
    let listed = "SELECT i.relname, pg_get_indexdef(i.oid, 1, true) FROM pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid
        WHERE x.indpred IS NULL AND i.relnamespace = current_schema()::regnamespace";
    db.rows(listed).await.into_iter().map(|row| (row[0].clone(), row[1].clone())).collect()
}

#[tokio::test]
#[ignore = "it needs the statements that other tests write down, and a million rows: tests/run plans"]
async fn no_statement_reads_a_large_table_from_beginning_to_end() {
    let mut judgement = Judgement::default();
    let db = database_of_a_million().await;
    db.execute("SET plan_cache_mode = force_generic_plan").await;
    let first_columns = first_columns(&db).await;
    for sql in statements::read(Kind::Postgres).iter().filter(|sql| is_explained(sql)) {
        judgement.add("PostgreSQL", sql, &scans_postgres::scans(&plan(&db, sql).await, &first_columns));
    }
    // Who counts on what was so when the tables were looked at last does not know how much is due since.
    db.execute(
        "UPDATE notices SET state = 'sent', mail_id = COALESCE(mail_id, id), claimed_by = NULL, claimed_until = NULL
         WHERE state IN ('pending', 'sending')",
    )
    .await;
    db.execute("ANALYZE notices").await;
    db.execute(&FOR_BATCHES.replace("SET LOCAL", "SET")).await;
    db.execute("SET plan_cache_mode = force_generic_plan").await;
    let mut repeating = Vec::new();
    for sql in statements::read(Kind::Postgres).iter().filter(|sql| begins_with_a_batch(sql)) {
        if scans_postgres::repeats_its_batch(&plan(&db, sql).await) {
            repeating.push(format!("its batch is gone through again and again by:\n{sql}\n"));
        }
    }
    assert!(repeating.is_empty(), "{}", repeating.join("\n"));
    let db = database_of_a_few_companies().await;
    db.execute(&format!("{FOR_BATCHES}; {FOR_ORDER}").replace("SET LOCAL", "SET")).await;
    db.execute("SET plan_cache_mode = force_generic_plan").await;
    let (mut claims, mut by_way) = (0, [0; WAYS.len()]);
    for sql in statements::read(Kind::Postgres).iter().filter(|sql| takes_from_the_queue(sql)) {
        claims += 1;
        let plan = plan(&db, sql).await;
        assert!(!scans_postgres::sorts_a_queue(&plan), "all that waits is sorted for each claim by:\n{sql}");
        for ((with, index), met) in WAYS.iter().zip(&mut by_way) {
            if sql.contains(with) {
                *met += 1;
                assert!(scans_postgres::goes_by(&plan, index), "not by {index}:\n{sql}");
            }
        }
    }
    assert!(by_way.iter().all(|met| *met >= 2), "each looks, and locks what it has found: {by_way:?}");
    assert!(claims >= 8, "who claims what is due, and what is due to nobody; who looks at members, and locks them");
    // SQLite plans without a look at the tables, unless somebody has it analyse them.
    let db = TestDatabase::new(Kind::Sqlite).await;
    let indexes = scans_sqlite::Indexes::of(&db).await;
    for sql in statements::read(Kind::Sqlite).iter().filter(|sql| is_explained(sql)) {
        judgement.add("SQLite", sql, &indexes.scans(&db, sql).await);
    }
    judgement.pass();
}
