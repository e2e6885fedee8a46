//! Everything in which the SQL of the two databases differs, each with the reason.

/// Which SQL a database speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite, embedded.
    Sqlite,
    /// PostgreSQL, 13 or newer.
    Postgres,
}

/// The type of a column in a batch of rows bound as one JSON array.
#[derive(Clone, Copy, Debug)]
pub enum ColumnType {
    /// An id.
    Id,
    /// An instant.
    Instant,
    /// A date.
    Date,
    /// Text.
    Text,
    /// A whole number.
    Int,
    /// True or false.
    Bool,
    /// JSON.
    Json,
}

impl Dialect {
    /// A lock that only the rows' next writers wait for: `FOR UPDATE` of the table with this alias.
    ///
    /// SQLite has no row locks and needs none: a transaction that writes is alone.
    #[must_use]
    pub fn for_update(self, alias: &str) -> String {
        self.postgres_only(&format!(" FOR NO KEY UPDATE OF {alias}"))
    }

    /// The same lock, passing over rows that another daemon has locked.
    #[must_use]
    pub fn for_update_skip_locked(self, alias: &str) -> String {
        self.postgres_only(&format!(" FOR NO KEY UPDATE OF {alias} SKIP LOCKED"))
    }

    /// Keeps the rows as they are until the end of the transaction (R5: a date cannot move between look and act).
    #[must_use]
    pub fn for_share(self, alias: &str) -> String {
        self.postgres_only(&format!(" FOR SHARE OF {alias}"))
    }

    /// The same, passing over rows that somebody is changing: one open transaction of the vendor's must not stop the rest.
    #[must_use]
    pub fn for_share_skip_locked(self, alias: &str) -> String {
        self.postgres_only(&format!(" FOR SHARE OF {alias} SKIP LOCKED"))
    }

    /// Whether nobody waits to change this row of `table`: a condition.
    ///
    /// PostgreSQL lets one who shares a row pass another who waits for it, so that daemons which share it in turn would keep an
    /// admin who stops a campaign waiting for as long as that lasts. Who waits for a row holds a lock of its place in the table.
    #[must_use]
    pub fn unless_awaited(self, table: &str, alias: &str) -> String {
        match self {
            Self::Sqlite => "true".to_owned(),
            Self::Postgres => format!(
                "{alias}.ctid NOT IN (SELECT CAST('(' || page || ',' || tuple || ')' AS tid) FROM pg_catalog.pg_locks
                 WHERE locktype = 'tuple' AND relation = CAST('{table}' AS regclass)
                     AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()))"
            ),
        }
    }

    /// A batch of ids, bound as [`Ids`](super::values::Ids) to `$parameter`, as the table `batch(id)`.
    ///
    /// PostgreSQL knows how many there are when it plans, as it does not of JSON.
    #[must_use]
    pub fn ids(self, parameter: usize) -> String {
        match self {
            Self::Sqlite => format!("(SELECT value AS id FROM json_each(${parameter})) AS batch"),
            Self::Postgres => format!("unnest(${parameter}::uuid[]) AS batch(id)"),
        }
    }

    /// The ids of many rows as one value, to be read as [`Ids`](super::values::Ids).
    #[must_use]
    pub fn gathered(self, id: &str) -> String {
        match self {
            Self::Sqlite => format!("json_group_array({id})"),
            Self::Postgres => format!("array_agg({id})"),
        }
    }

    /// A batch of rows, bound as one JSON array of objects to `$parameter`, as a table with this alias.
    ///
    /// One bound value whatever the number of rows: no limit of parameters, and one statement to prepare. The databases
    /// differ in how they unfold JSON; SQLite's columns have no types of their own.
    #[must_use]
    pub fn rows(self, parameter: usize, alias: &str, columns: &[(&str, ColumnType)]) -> String {
        match self {
            Self::Sqlite => {
                let fields: Vec<String> =
                    columns.iter().map(|(name, _)| format!("value ->> '$.{name}' AS {name}")).collect();
                format!("(SELECT {} FROM json_each(${parameter})) AS {alias}", fields.join(", "))
            }
            Self::Postgres => {
                let fields: Vec<String> = columns
                    .iter()
                    .map(|(name, kind)| {
                        let kind = match kind {
                            ColumnType::Id => "uuid",
                            ColumnType::Instant => "timestamptz",
                            ColumnType::Date => "date",
                            ColumnType::Text => "text",
                            ColumnType::Int => "bigint",
                            ColumnType::Bool => "boolean",
                            ColumnType::Json => "jsonb",
                        };
                        format!("{name} {kind}")
                    })
                    .collect();
                format!("jsonb_to_recordset(${parameter}) AS {alias}({})", fields.join(", "))
            }
        }
    }

    fn postgres_only(self, text: &str) -> String {
        match self {
            Self::Sqlite => String::new(),
            Self::Postgres => text.to_owned(),
        }
    }
}
