//! Every statement of the store, explained.

use std::collections::BTreeMap;

use serde_json::Value;

use super::scans::scans;
use super::seed::database_of_a_million;
use crate::support::{TestDatabase, statements};

/// Tables with a row or more for each user, mail or event. (Companies, their enforcements and milestones are some ten thousand, and
/// are read in milliseconds.)
const LARGE: &[&str] =
    &["users", "memberships", "notices", "mails", "mail_history", "requirements", "audit_events", "admin_mails"];

/// A statement that may read a large table from beginning to end.
#[derive(Debug)]
#[expect(dead_code, reason = "the reason is for readers")]
struct Exception {
    /// What its text has.
    with: &'static str,
    /// Which table.
    table: &'static str,
    /// Why.
    because: &'static str,
}

const FIRST_RUN: &str = "it is asked once in a database's life, when nothing has been looked at yet";

const STATUS: &str = "a person asks for `status`, which counts everything";
const STATUS_HAS: &str = "AS scheduled, (SELECT count(*) FROM enforcements WHERE state = 'in_force'";

const BY_ENFORCEMENT: &str =
    "a person looks at one company, or reverts it; an index by enforcement would cost each account that is flipped";

const EXCEPTIONS: &[Exception] = &[
    Exception {
        with: "UPDATE users SET reviewed = false WHERE sso",
        table: "users",
        because: "the operator has changed enforcement.sso_users: everybody whom it is about is looked at again",
    },
    Exception {
        with: "SELECT r.user_id, r.enforcement_id, e.company_id, r.required_at FROM requirements AS r",
        table: "requirements",
        because: "a rehearsal tells what became of everybody, from a copy in SQLite",
    },
    Exception { with: STATUS_HAS, table: "mails", because: STATUS },
    Exception { with: STATUS_HAS, table: "admin_mails", because: STATUS },
    Exception { with: "SELECT reviewed FROM users ORDER BY reviewed", table: "users", because: FIRST_RUN },
    Exception { with: "'required' AS what", table: "users", because: FIRST_RUN },
    Exception { with: "'required' AS what", table: "memberships", because: FIRST_RUN },
    Exception { with: "'required' AS what", table: "requirements", because: FIRST_RUN },
    Exception {
        with: "AS r WHERE r.enforcement_id = e.id AND r.cleared_at IS NULL) AS required",
        table: "requirements",
        because: BY_ENFORCEMENT,
    },
    Exception { with: "SELECT DISTINCT user_id FROM requirements", table: "requirements", because: BY_ENFORCEMENT },
    Exception { with: "UPDATE requirements SET cleared_at = $2", table: "requirements", because: BY_ENFORCEMENT },
    Exception {
        with: "EXISTS (SELECT 1 FROM requirements AS r WHERE r.enforcement_id = e.id AND r.cleared_at IS NULL)))",
        table: "requirements",
        because: BY_ENFORCEMENT,
    },
];

/// What a parameter may be of which PostgreSQL cannot tell: it is told by whoever binds it.
const TYPES: &[&str] = &["uuid", "timestamptz", "text", "bigint", "boolean", "date", "jsonb"];

fn one_line(sql: &str) -> String {
    sql.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether it is data that a plan is made for.
fn is_explained(sql: &str) -> bool {
    let first = sql.split_whitespace().next().unwrap_or_default();
    ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"].contains(&first)
}

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
    let folder = statements::folder().unwrap_or_else(|| panic!("no statements were written down: run tests/run plans"));
    let all = statements::read(&folder);
    let db = database_of_a_million().await;
    db.execute("SET plan_cache_mode = force_generic_plan").await;
    let first_columns = first_columns(&db).await;
    let (mut explained, mut wrong, mut used) = (0, Vec::new(), vec![false; EXCEPTIONS.len()]);
    for sql in all.iter().filter(|sql| is_explained(sql)) {
        explained += 1;
        for table in scans(&plan(&db, sql).await, &first_columns).iter().filter(|table| LARGE.contains(&table.as_str()))
        {
            match EXCEPTIONS
                .iter()
                .position(|exception| exception.table == table && one_line(sql).contains(exception.with))
            {
                Some(place) => used[place] = true,
                None => wrong.push(format!("{table} is read whole by:\n{sql}\n")),
            }
        }
    }
    println!("{explained} statements");
    assert!(explained > 200, "the store has more statements than {explained}");
    assert!(wrong.is_empty(), "{} of {explained}:\n{}", wrong.len(), wrong.join("\n"));
    let unused: Vec<_> =
        EXCEPTIONS.iter().zip(used).filter(|(_, used)| !used).map(|(exception, _)| exception).collect();
    assert!(unused.is_empty(), "take away what is no exception any more: {unused:?}");
}
