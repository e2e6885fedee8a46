//! Tables that batches are written to.

use std::borrow::Cow;

use serde::Serialize;

use super::Planned;
use crate::store::StoreError;
use crate::store::dialect::ColumnType;
use crate::store::sql::Tx;
use crate::store::values::{Rows, bind};

/// A table whose rows are read into `T`: its name, its key and its other columns.
pub(super) struct Target<T: 'static> {
    pub(super) table: &'static str,
    pub(super) key: &'static [Column<T>],
    pub(super) columns: &'static [Column<T>],
}

/// A column: its name, its type, and its value as the text that PostgreSQL reads; none: null.
pub(super) type Column<T> = (&'static str, ColumnType, for<'row> fn(&'row T) -> Option<Cow<'row, str>>);

impl<T: Serialize + PartialEq> Target<T> {
    /// Adds the rows that are new and sets those that changed.
    pub(super) async fn write(&self, tx: &mut Tx, planned: &[&Planned<T>]) -> Result<(), StoreError> {
        let rows = |wanted: fn(&Planned<T>) -> bool| -> Vec<&T> {
            planned.iter().filter(|row| wanted(row)).map(|row| &row.after).collect()
        };
        self.insert(tx, &rows(Planned::is_new)).await?;
        self.update(tx, &rows(Planned::is_changed)).await
    }

    /// Adds these rows. PostgreSQL is sent them as COPY has them, which spares it the reading of JSON and writes a page of rows at
    /// a time.
    async fn insert(&self, tx: &mut Tx, rows: &[&T]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let table = self.table;
        let all = self.all_columns();
        let names = listed(&all, str::to_owned);
        if let Some(mut copying) = tx.copying() {
            return copying.rows(&format!("COPY {table} ({names}) FROM STDIN"), &self.copied(rows)).await;
        }
        let values = listed(&all, |name| format!("r.{name}"));
        let rows_table = tx.dialect().rows(1, "r", &all);
        let sql = format!("INSERT INTO {table} ({names}) SELECT {values} FROM {rows_table}");
        tx.execute(&sql, bind![Rows::of(rows)?]).await.map(drop)
    }

    /// Sets all columns of these rows, found by their keys.
    async fn update(&self, tx: &mut Tx, rows: &[&T]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let table = self.table;
        let all = self.all_columns();
        let (key, columns) = all.split_at(self.key.len());
        let set = listed(columns, |name| format!("{name} = r.{name}"));
        let found: Vec<String> = key.iter().map(|(name, _)| format!("t.{name} = r.{name}")).collect();
        let found = found.join(" AND ");
        let rows_table = tx.dialect().rows(1, "r", &all);
        let sql = format!("UPDATE {table} AS t SET {set} FROM {rows_table} WHERE {found}");
        tx.execute(&sql, bind![Rows::of(rows)?]).await.map(drop)
    }

    fn all_columns(&self) -> Vec<(&'static str, ColumnType)> {
        self.key.iter().chain(self.columns).map(|(name, kind, _)| (*name, *kind)).collect()
    }

    /// The rows in the text format of COPY.
    fn copied(&self, rows: &[&T]) -> String {
        let mut text = String::new();
        for row in rows {
            for (place, (_, _, value)) in self.key.iter().chain(self.columns).enumerate() {
                if place > 0 {
                    text.push('\t');
                }
                match value(row) {
                    Some(value) => push_escaped(&mut text, &value),
                    None => text.push_str("\\N"),
                }
            }
            text.push('\n');
        }
        text
    }
}

/// Adds a value, in which a backslash takes away what tabs, line ends and backslashes mean.
fn push_escaped(text: &mut String, value: &str) {
    let mut rest = value;
    while let Some(at) = rest.find(['\\', '\t', '\n', '\r']) {
        let (before, from) = rest.split_at(at);
        text.push_str(before);
        text.push('\\');
        text.push(match from.as_bytes().first() {
            Some(b'\t') => 't',
            Some(b'\n') => 'n',
            Some(b'\r') => 'r',
            _ => '\\',
        });
        rest = from.get(1..).unwrap_or_default();
    }
    text.push_str(rest);
}

/// A boolean as text.
pub(super) fn flag(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

fn listed(columns: &[(&'static str, ColumnType)], shape: impl Fn(&str) -> String) -> String {
    let names: Vec<String> = columns.iter().map(|(name, _)| shape(name)).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGET: Target<[Option<&'static str>; 2]> = Target {
        table: "t",
        key: &[("id", ColumnType::Text, |row| row[0].map(Cow::from))],
        columns: &[("name", ColumnType::Text, |row| row[1].map(Cow::from))],
    };

    #[test]
    fn copied_rows_keep_every_character() {
        let rows = [[Some("1"), Some("a\tb\\N\r\nzoë\\")], [Some(""), None], [Some("\\."), Some("\\N")]];
        let rows: Vec<_> = rows.iter().collect();
        assert_eq!(TARGET.copied(&rows), "1\ta\\tb\\\\N\\r\\nzoë\\\\\n\t\\N\n\\\\.\t\\\\N\n");
    }
}
