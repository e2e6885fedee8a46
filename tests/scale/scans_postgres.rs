//! What a plan reads from beginning to end.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

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

/// Whether this plan goes through a batch time and again, for each row that it has found before.
pub fn repeats_its_batch(plan: &Value) -> bool {
    match plan {
        Value::Array(nodes) => nodes.iter().any(repeats_its_batch),
        Value::Object(fields) => {
            let is = |fields: &Map<String, Value>, name: &str, value: &str| {
                fields.get(name).and_then(Value::as_str).is_some_and(|found| found == value)
            };
            let is_repeated = |inner: &Value| {
                let inner = inner.as_object();
                inner.is_some_and(|inner| {
                    is(inner, "Parent Relationship", "Inner") && is(inner, "Function Name", "unnest")
                })
            };
            let joins = is(fields, "Node Type", "Nested Loop");
            let inner = fields.get("Plans").and_then(Value::as_array);
            joins && inner.is_some_and(|plans| plans.iter().any(is_repeated)) || fields.values().any(repeats_its_batch)
        }
        _ => false,
    }
}

fn goes_through_an_index(node: &Map<String, Value>, first_columns: &BTreeMap<String, String>) -> bool {
    let text = |name: &str| node.get(name).and_then(Value::as_str).unwrap_or_default();
    let Some(first) = first_columns.get(text("Index Name")) else { return false };
    text("Node Type").starts_with("Index") && !text("Index Cond").contains(first)
}
