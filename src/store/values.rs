//! What can be bound to a statement, and how each database is given it.

use std::sync::Arc;

use chrono::NaiveDate;
use serde::Serialize;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArguments, PgTypeInfo, Postgres};
use sqlx::sqlite::{Sqlite, SqliteArguments, SqliteTypeInfo};
use sqlx::{Arguments, Decode, Encode, Type};
use uuid::Uuid;

use super::StoreError;
use super::batch::Batch;
use crate::domain::ids::Id;
use crate::domain::time::Timestamp;

impl Type<Sqlite> for Id {
    fn type_info() -> SqliteTypeInfo {
        <String as Type<Sqlite>>::type_info()
    }
}

impl Encode<'_, Sqlite> for Id {
    fn encode_by_ref(&self, buffer: &mut <Sqlite as sqlx::Database>::ArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Sqlite>::encode(self.to_string(), buffer)
    }
}

impl<'r> Decode<'r, Sqlite> for Id {
    fn decode(value: <Sqlite as sqlx::Database>::ValueRef<'r>) -> Result<Self, BoxDynError> {
        Ok(<String as Decode<Sqlite>>::decode(value)?.parse()?)
    }
}

impl Type<Postgres> for Id {
    fn type_info() -> PgTypeInfo {
        <Uuid as Type<Postgres>>::type_info()
    }
}

impl Encode<'_, Postgres> for Id {
    fn encode_by_ref(&self, buffer: &mut <Postgres as sqlx::Database>::ArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Postgres>::encode_by_ref(&self.0, buffer)
    }
}

impl<'r> Decode<'r, Postgres> for Id {
    fn decode(value: <Postgres as sqlx::Database>::ValueRef<'r>) -> Result<Self, BoxDynError> {
        Ok(Self(<Uuid as Decode<Postgres>>::decode(value)?))
    }
}

impl Type<Sqlite> for Timestamp {
    fn type_info() -> SqliteTypeInfo {
        <String as Type<Sqlite>>::type_info()
    }
}

impl Encode<'_, Sqlite> for Timestamp {
    fn encode_by_ref(&self, buffer: &mut <Sqlite as sqlx::Database>::ArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Sqlite>::encode(self.to_string(), buffer)
    }
}

impl<'r> Decode<'r, Sqlite> for Timestamp {
    fn decode(value: <Sqlite as sqlx::Database>::ValueRef<'r>) -> Result<Self, BoxDynError> {
        Ok(<String as Decode<Sqlite>>::decode(value)?.parse()?)
    }
}

impl Type<Postgres> for Timestamp {
    fn type_info() -> PgTypeInfo {
        <chrono::DateTime<chrono::Utc> as Type<Postgres>>::type_info()
    }
}

impl Encode<'_, Postgres> for Timestamp {
    fn encode_by_ref(&self, buffer: &mut <Postgres as sqlx::Database>::ArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Postgres>::encode_by_ref(&self.utc(), buffer)
    }
}

impl<'r> Decode<'r, Postgres> for Timestamp {
    fn decode(value: <Postgres as sqlx::Database>::ValueRef<'r>) -> Result<Self, BoxDynError> {
        Ok(Self::new(<chrono::DateTime<chrono::Utc> as Decode<Postgres>>::decode(value)?))
    }
}

/// A batch of ids, bound as one value: see [`Dialect::ids`]; or read as one: see [`Dialect::gathered`].
#[derive(Clone, Debug)]
pub struct Ids(pub Vec<Id>);

impl Type<Sqlite> for Ids {
    fn type_info() -> SqliteTypeInfo {
        <String as Type<Sqlite>>::type_info()
    }
}

impl Encode<'_, Sqlite> for Ids {
    fn encode_by_ref(&self, buffer: &mut <Sqlite as sqlx::Database>::ArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Sqlite>::encode(serde_json::to_string(&self.0)?, buffer)
    }
}

impl Type<Postgres> for Ids {
    fn type_info() -> PgTypeInfo {
        <Vec<Uuid> as Type<Postgres>>::type_info()
    }
}

impl Encode<'_, Postgres> for Ids {
    fn encode_by_ref(&self, buffer: &mut <Postgres as sqlx::Database>::ArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let ids: Vec<Uuid> = self.0.iter().map(|id| id.0).collect();
        Encode::<Postgres>::encode_by_ref(&ids, buffer)
    }
}

impl Decode<'_, Sqlite> for Ids {
    fn decode(value: <Sqlite as sqlx::Database>::ValueRef<'_>) -> Result<Self, BoxDynError> {
        Ok(Self(serde_json::from_str(<&str as Decode<Sqlite>>::decode(value)?)?))
    }
}

impl Decode<'_, Postgres> for Ids {
    fn decode(value: <Postgres as sqlx::Database>::ValueRef<'_>) -> Result<Self, BoxDynError> {
        let ids: Vec<Uuid> = Decode::<Postgres>::decode(value)?;
        Ok(Self(ids.into_iter().map(Id).collect()))
    }
}

/// A batch of rows, bound as one value: see [`Dialect::rows`]. It is written as JSON once, however often it is bound.
#[derive(Clone, Debug)]
pub struct Rows(Arc<str>);

impl Rows {
    /// The rows, each of which becomes an object with the columns as its fields.
    ///
    /// # Errors
    /// When a row is not to be written as JSON.
    pub fn of<T: Serialize>(rows: &[T]) -> Result<Self, StoreError> {
        let text = serde_json::to_string(rows);
        Ok(Self(text.map_err(|error| sqlx::Error::Encode(Box::new(error)))?.into()))
    }
}

impl Type<Sqlite> for Rows {
    fn type_info() -> SqliteTypeInfo {
        <String as Type<Sqlite>>::type_info()
    }
}

impl Encode<'_, Sqlite> for Rows {
    fn encode_by_ref(&self, buffer: &mut <Sqlite as sqlx::Database>::ArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Sqlite>::encode(self.0.to_string(), buffer)
    }
}

impl Type<Postgres> for Rows {
    fn type_info() -> PgTypeInfo {
        <serde_json::Value as Type<Postgres>>::type_info()
    }
}

impl Encode<'_, Postgres> for Rows {
    fn encode_by_ref(&self, buffer: &mut <Postgres as sqlx::Database>::ArgumentBuffer) -> Result<IsNull, BoxDynError> {
        // The version of jsonb's wire format, and the text.
        buffer.push(1);
        buffer.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }
}

/// Declares what can be bound, with a conversion from each type and from its `Option`.
macro_rules! values {
    ($($variant:ident($type:ty),)*) => {
        /// A value to bind. Each is typed also when it is null: PostgreSQL wants to know.
        #[derive(Clone, Debug)]
        pub enum Value {
            $(#[doc = stringify!($type)] $variant(Option<$type>),)*
            /// Rows: the last of the values.
            Batch(Batch),
        }

        $(impl From<$type> for Value {
            fn from(value: $type) -> Self { Self::$variant(Some(value)) }
        }
        impl From<Option<$type>> for Value {
            fn from(value: Option<$type>) -> Self { Self::$variant(value) }
        })*

        pub(super) fn sqlite_arguments(values: Vec<Value>) -> Result<SqliteArguments, BoxDynError> {
            let mut arguments = SqliteArguments::default();
            for value in values {
                match value {
                    $(Value::$variant(value) => Arguments::add(&mut arguments, value)?,)*
                    Value::Batch(batch) => batch.add_to_sqlite(&mut arguments)?,
                }
            }
            Ok(arguments)
        }

        pub(super) fn postgres_arguments(values: Vec<Value>) -> Result<PgArguments, BoxDynError> {
            let mut arguments = PgArguments::default();
            for value in values {
                match value {
                    $(Value::$variant(value) => Arguments::add(&mut arguments, value)?,)*
                    Value::Batch(batch) => batch.add_to_postgres(&mut arguments)?,
                }
            }
            Ok(arguments)
        }
    };
}

values! {
    Id(Id),
    Ids(Ids),
    Instant(Timestamp),
    Date(NaiveDate),
    Text(String),
    Int(i64),
    Bool(bool),
    Json(serde_json::Value),
    Rows(Rows),
}

impl From<Batch> for Value {
    fn from(batch: Batch) -> Self {
        Self::Batch(batch)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(Some(value.to_owned()))
    }
}

impl From<Option<&str>> for Value {
    fn from(value: Option<&str>) -> Self {
        Self::Text(value.map(str::to_owned))
    }
}

/// The values to bind, in the order of `$1`, `$2`, …
macro_rules! bind {
    ($($value:expr),* $(,)?) => { vec![$($crate::store::values::Value::from($value)),*] };
}
pub(crate) use bind;
