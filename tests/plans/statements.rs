//! Every statement of the store, explained.

use serde_json::Value;

use super::scans::scans;
use super::seed::database_of_a_million;
use crate::support::{TestDatabase, statements};

/// Tables with a row or more for each user, mail or event.
const LARGE: &[&str] = &[
    "users",
    "memberships",
    "notices",
    "mails",
    "mail_history",
    "requirements",
    "audit_events",
    "admin_mails",
    "milestones",
    "enforcements",
    "companies",
];

/// A statement that may read a large table from beginning to end.
struct Exception {
    /// What its text has.
    with: &'static str,
    /// Which table.
    table: &'static str,
    /// Why.
    because: &'static str,
}

const EXCEPTIONS: &[Exception] = &[];

/// Whether it is data that a plan is made for.
fn is_explained(sql: &str) -> bool {
    let first = sql.split_whitespace().next().unwrap_or_default();
    ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"].contains(&first)
}

/// The plan that serves for all values: what PostgreSQL may choose for a statement that is prepared once.
async fn plan(db: &TestDatabase, sql: &str) -> Value {
    db.execute(&format!("PREPARE looked_at AS {sql}")).await;
    let count = "SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = 'looked_at'";
    let count: usize = db.value(count).await.parse().unwrap();
    let nulls = if count == 0 { String::new() } else { format!("({})", vec!["NULL"; count].join(", ")) };
    let lines = db.rows(&format!("EXPLAIN (FORMAT JSON) EXECUTE looked_at{nulls}")).await.concat();
    db.execute("DEALLOCATE looked_at").await;
    serde_json::from_str(&lines.join("\n")).unwrap()
}

#[tokio::test]
#[ignore = "it needs the statements that other tests write down, and a million rows: tests/run plans"]
async fn no_statement_reads_a_large_table_from_beginning_to_end() {
    let folder = statements::folder().unwrap_or_else(|| panic!("no statements were written down: run tests/run plans"));
    let all = statements::read(&folder);
    let db = database_of_a_million().await;
    db.execute("SET plan_cache_mode = force_generic_plan").await;
    let (mut explained, mut wrong, mut used) = (0, Vec::new(), vec![false; EXCEPTIONS.len()]);
    for sql in all.iter().filter(|sql| is_explained(sql)) {
        explained += 1;
        for table in scans(&plan(&db, sql).await).iter().filter(|table| LARGE.contains(&table.as_str())) {
            match EXCEPTIONS.iter().position(|exception| exception.table == table && sql.contains(exception.with)) {
                Some(place) => used[place] = true,
                None => wrong.push(format!("{table} is read whole by:\n{sql}\n")),
            }
        }
    }
    println!("{explained} statements");
    assert!(explained > 200, "the store has more statements than {explained}");
    assert!(wrong.is_empty(), "{} of {explained}:\n{}", wrong.len(), wrong.join("\n"));
    for (exception, _) in EXCEPTIONS.iter().zip(used).filter(|(_, used)| !used) {
        panic!("nothing reads {} whole any more ({}): take the exception away", exception.table, exception.because);
    }
}
