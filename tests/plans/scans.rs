//! What a plan reads from beginning to end.

use serde_json::Value;

/// The tables that this plan, as `EXPLAIN (FORMAT JSON)` shows it, scans sequentially, and the indexes that it reads whole.
pub fn scans(plan: &Value) -> Vec<String> {
    let mut found = Vec::new();
    collect(plan, &mut found);
    found.sort();
    found.dedup();
    found
}

fn collect(node: &Value, found: &mut Vec<String>) {
    match node {
        Value::Array(nodes) => nodes.iter().for_each(|node| collect(node, found)),
        Value::Object(fields) => {
            if let (Some(Value::String(kind)), Some(Value::String(table))) =
                (fields.get("Node Type"), fields.get("Relation Name"))
                && kind == "Seq Scan"
            {
                found.push(table.clone());
            }
            fields.values().for_each(|value| collect(value, found));
        }
        _ => {}
    }
}
