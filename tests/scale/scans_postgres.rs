//! What a plan reads from beginning to end.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The indexes of what waits.
const QUEUES: [&str; 5] =
    ["notices_due", "notices_open", "memberships_unreviewed", "memberships_exempt", "memberships_require_at"];

/// The tables that this plan, as `EXPLAIN (FORMAT JSON)` shows it, reads whole: sequentially, or by an index of which it does not
/// know the first column, by these `first_columns`. A partial index is small, and may be read whole.
pub fn scans(plan: &Value, first_columns: &BTreeMap<String, String>) -> Vec<String> {
    let mut found = Vec::new();
    collect(plan, first_columns, &mut found);
    found.sort();
    found.dedup();
    found
}

fn collect(node: &Value, first_columns: &BTreeMap<String, String>, found: &mut Vec<String>) {
    match node {
        Value::Array(nodes) => nodes.iter().for_each(|node| collect(node, first_columns, found)),
        Value::Object(fields) => {
            let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
            if text("Node Type") == "Seq Scan" || goes_through_an_index(fields, first_columns) {
                found.push(text("Relation Name").to_owned());
            }
            // What is read in the order of an index until there is enough.
            let ends_early = text("Node Type") == "Limit";
            for (name, value) in fields {
                match value {
                    Value::Array(inner) if ends_early && name == "Plans" => {
                        for node in inner {
                            let is_bare =
                                node.as_object().is_some_and(|node| goes_through_an_index(node, first_columns));
                            collect(
                                if is_bare { node.get("Plans").unwrap_or(&Value::Null) } else { node },
                                first_columns,
                                found,
                            );
                        }
                    }
                    value => collect(value, first_columns, found),
                }
            }
        }
        _ => {}
    }
}

/// Whether this plan goes through a batch time and again: for each row of a table that it has come to in another way.
pub fn repeats_its_batch(plan: &Value) -> bool {
    any_node(plan, &|node| {
        let sides = node.get("Plans").and_then(Value::as_array).filter(|_| is(node, "Node Type", "Nested Loop"));
        sides.is_some_and(|sides| {
            let mut nodes = sides.iter().filter_map(Value::as_object);
            nodes.any(|side| is(side, "Parent Relationship", "Inner") && is_of_a_batch(side))
                && sides.iter().any(|side| any_node(side, &is_of_a_table) && !any_node(side, &is_of_a_batch))
        })
    })
}

/// Whether this plan sorts what waits, however much that is, instead of taking it in the order of its index.
pub fn sorts_a_queue(plan: &Value) -> bool {
    any_node(plan, &|node| {
        let waits = |node: &Map<String, Value>| QUEUES.iter().any(|index| is(node, "Index Name", index));
        (is(node, "Node Type", "Sort") || is(node, "Node Type", "Incremental Sort"))
            && node.get("Plans").is_some_and(|inner| any_node(inner, &waits))
    })
}

/// Whether this plan uses the index.
pub fn goes_by(plan: &Value, index: &str) -> bool {
    any_node(plan, &|node| is(node, "Index Name", index))
}

fn is_of_a_table(node: &Map<String, Value>) -> bool {
    node.contains_key("Relation Name")
}

fn is_of_a_batch(node: &Map<String, Value>) -> bool {
    is(node, "Node Type", "Function Scan")
}

fn any_node(plan: &Value, found: &dyn Fn(&Map<String, Value>) -> bool) -> bool {
    match plan {
        Value::Array(nodes) => nodes.iter().any(|node| any_node(node, found)),
        Value::Object(fields) => found(fields) || fields.values().any(|value| any_node(value, found)),
        _ => false,
    }
}

fn is(node: &Map<String, Value>, name: &str, value: &str) -> bool {
    node.get(name).and_then(Value::as_str).is_some_and(|found| found == value)
}

fn goes_through_an_index(node: &Map<String, Value>, first_columns: &BTreeMap<String, String>) -> bool {
    let text = |name: &str| node.get(name).and_then(Value::as_str).unwrap_or_default();
    let Some(first) = first_columns.get(text("Index Name")) else { return false };
    text("Node Type").starts_with("Index") && !text("Index Cond").contains(first)
}
