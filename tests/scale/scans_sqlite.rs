//! What SQLite reads from beginning to end.

use std::collections::BTreeMap;

use super::exceptions::LARGE;
use crate::support::TestDatabase;

/// Partial in name only: it has all that is required.
const NOT_SMALL: &str = "requirements_once";

/// The indexes of a database: the table of each, and whether it is small.
pub struct Indexes(BTreeMap<String, (String, bool)>);

impl Indexes {
    /// Those of this one.
    pub async fn of(db: &TestDatabase) -> Self {
        let listed =
            "SELECT name, tbl_name, COALESCE(sql, '') LIKE '% WHERE %' FROM sqlite_master WHERE type = 'index'";
        let rows = db.rows(listed).await;
        let described = |row: Vec<String>| {
            let is_small = row[2] == "1" && row[0] != NOT_SMALL;
            (row[0].clone(), (row[1].clone(), is_small))
        };
        Self(rows.into_iter().map(described).collect())
    }

    /// The large tables that a statement reads whole, or, time and again, from somewhere to its end: a range without an end, where
    /// nothing says how many rows will do.
    pub async fn scans(&self, db: &TestDatabase, sql: &str) -> Vec<String> {
        let steps = db.rows(&format!("EXPLAIN QUERY PLAN {sql}")).await;
        let details = steps.iter().map(|step| step[3].as_str());
        let mut found: Vec<String> = details
            .filter(|detail| {
                detail.starts_with("SCAN")
                    || !sql.contains("LIMIT") && detail.ends_with(">?)") && !detail.contains("<?")
            })
            .flat_map(|detail| self.tables(detail, sql))
            .collect();
        found.sort();
        found.dedup();
        found
    }

    /// The table of one step of a plan; none: it is read by an index that is small. A step says under which alias; that may
    /// stand for several tables.
    fn tables(&self, detail: &str, sql: &str) -> Vec<String> {
        let words: Vec<&str> = detail.split_whitespace().collect();
        match words.iter().find_map(|word| self.0.get(*word)) {
            Some((_, true)) => Vec::new(),
            Some((table, false)) => vec![table.clone()],
            None => {
                let alias = words.get(1).copied().unwrap_or_default();
                let text: Vec<&str> =
                    sql.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty()).collect();
                let is_called = |table: &str| {
                    table == alias
                        || text.windows(3).any(|words| words[0] == table && words[1] == "AS" && words[2] == alias)
                };
                LARGE.iter().filter(|table| is_called(table)).map(|table| (*table).to_owned()).collect()
            }
        }
    }
}
