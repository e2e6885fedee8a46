//! What lasts from one transaction to the next on a connection to PostgreSQL: a session of one's own, or one that a pooler
//! (PgBouncer in transaction mode) lends for each.

use sqlx::postgres::{PgPool, Postgres};
use sqlx::{AssertSqlSafe, Transaction};

/// Whose session a connection works in.
#[derive(Clone, Debug)]
pub enum Session {
    /// The connection's own: settings and prepared statements last as long as it does.
    Own,
    /// Another one for each transaction. Nothing lasts: every transaction begins with these settings, and every statement
    /// is prepared without a name, in the transaction that carries it out.
    Lent {
        /// Statements to follow `BEGIN`, each with a semicolon before it.
        settings: String,
    },
}

impl Session {
    /// Lent, with these settings for each transaction.
    pub(super) fn lent(settings: &[(&'static str, String)]) -> Self {
        let settings = settings.iter().map(|(name, value)| {
            // A path is a list of names, the others are numbers.
            let value = if *name == SEARCH_PATH { value.clone() } else { format!("'{value}'") };
            format!("; SET LOCAL {name} = {value}")
        });
        Self::Lent { settings: settings.collect() }
    }

    /// Whether a statement that is prepared is there in the next transaction.
    pub(super) fn keeps_statements(&self) -> bool {
        matches!(self, Self::Own)
    }

    /// Begins a transaction with the statement `begin`, and with its settings, in one round trip.
    pub(super) async fn begin(
        &self,
        pool: &PgPool,
        begin: &'static str,
    ) -> sqlx::Result<Transaction<'static, Postgres>> {
        match self {
            Self::Own => pool.begin_with(begin).await,
            Self::Lent { settings } => pool.begin_with(AssertSqlSafe(format!("{begin}{settings}"))).await,
        }
    }
}

/// The setting that names the schema.
pub(super) const SEARCH_PATH: &str = "search_path";
