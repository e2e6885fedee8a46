//! A batch of rows as a table within a statement.
//!
//! PostgreSQL is given an array for each column, which costs a tenth of what reading JSON does and tells it how many rows there
//! are when it plans. SQLite has no arrays, and is given one JSON array of rows.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value as Json, json};
use sqlx::Arguments as _;
use sqlx::error::BoxDynError;
use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;
use uuid::Uuid;

use super::dialect::Dialect;
use crate::domain::ids::Id;
use crate::domain::time::Timestamp;

/// The values of one column, a value for each row.
#[derive(Clone, Debug)]
pub enum Cells {
    /// Ids.
    Ids(Vec<Id>),
    /// Instants.
    Instants(Vec<Option<Timestamp>>),
    /// Dates.
    Dates(Vec<NaiveDate>),
    /// Texts.
    Texts(Vec<Option<String>>),
    /// Whole numbers.
    Ints(Vec<i64>),
    /// True or false.
    Bools(Vec<bool>),
}

impl Cells {
    /// Texts of which none is null.
    pub(super) fn texts<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        Self::Texts(texts.map(|text| Some(text.to_owned())).collect())
    }

    fn len(&self) -> usize {
        match self {
            Self::Ids(cells) => cells.len(),
            Self::Instants(cells) => cells.len(),
            Self::Dates(cells) => cells.len(),
            Self::Texts(cells) => cells.len(),
            Self::Ints(cells) => cells.len(),
            Self::Bools(cells) => cells.len(),
        }
    }

    /// The type of the array on PostgreSQL.
    fn array_type(&self) -> &'static str {
        match self {
            Self::Ids(_) => "uuid[]",
            Self::Instants(_) => "timestamptz[]",
            Self::Dates(_) => "date[]",
            Self::Texts(_) => "text[]",
            Self::Ints(_) => "bigint[]",
            Self::Bools(_) => "boolean[]",
        }
    }

    fn json(&self, row: usize) -> Json {
        match self {
            Self::Ids(cells) => json!(cells[row]),
            Self::Instants(cells) => json!(cells[row]),
            Self::Dates(cells) => json!(cells[row]),
            Self::Texts(cells) => json!(cells[row]),
            Self::Ints(cells) => json!(cells[row]),
            Self::Bools(cells) => json!(cells[row]),
        }
    }

    fn add_as_array(&self, arguments: &mut PgArguments) -> Result<(), BoxDynError> {
        match self {
            Self::Ids(cells) => arguments.add(cells.iter().map(|id| id.0).collect::<Vec<Uuid>>()),
            Self::Instants(cells) => {
                arguments.add(cells.iter().map(|at| at.map(Timestamp::utc)).collect::<Vec<Option<DateTime<Utc>>>>())
            }
            Self::Dates(cells) => arguments.add(cells),
            Self::Texts(cells) => arguments.add(cells),
            Self::Ints(cells) => arguments.add(cells),
            Self::Bools(cells) => arguments.add(cells),
        }
    }
}

/// Rows, column by column. To be bound last, as it takes a parameter for each column on PostgreSQL.
#[derive(Clone, Debug)]
pub struct Batch(Arc<[(&'static str, Cells)]>);

impl Batch {
    /// The rows of these columns, which are all of one length.
    pub(super) fn new<const N: usize>(columns: [(&'static str, Cells); N]) -> Self {
        debug_assert!(columns.windows(2).all(|pair| pair[0].1.len() == pair[1].1.len()));
        Self(Arc::new(columns))
    }

    /// The table `batch`, whose parameters begin with `$first`.
    pub(super) fn table(&self, dialect: Dialect, first: usize) -> String {
        let names: Vec<&str> = self.0.iter().map(|(name, _)| *name).collect();
        match dialect {
            Dialect::Sqlite => {
                let fields = names.iter().enumerate().map(|(place, name)| format!("value ->> {place} AS {name}"));
                let fields: Vec<String> = fields.collect();
                format!("(SELECT {} FROM json_each(${first})) AS batch", fields.join(", "))
            }
            Dialect::Postgres => {
                let arrays = self.0.iter().zip(first..);
                let parameters: Vec<String> =
                    arrays.map(|((_, cells), place)| format!("${place}::{}", cells.array_type())).collect();
                format!("unnest({}) AS batch({})", parameters.join(", "), names.join(", "))
            }
        }
    }

    pub(super) fn add_to_sqlite(&self, arguments: &mut SqliteArguments) -> Result<(), BoxDynError> {
        let rows = self.0.first().map_or(0, |(_, cells)| cells.len());
        let rows: Vec<Json> =
            (0..rows).map(|row| self.0.iter().map(|(_, cells)| cells.json(row)).collect::<Json>()).collect();
        arguments.add(serde_json::to_string(&rows)?)
    }

    pub(super) fn add_to_postgres(&self, arguments: &mut PgArguments) -> Result<(), BoxDynError> {
        self.0.iter().try_for_each(|(_, cells)| cells.add_as_array(arguments))
    }
}
