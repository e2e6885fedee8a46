//! The only place with SQL. [`Store`] is one object-safe trait; each of its topics is a file, and each method is a whole
//! use-case in one transaction. [`SqlStore`] carries them out on SQLite and PostgreSQL with the same statements.

pub mod audit;
pub mod companies;
pub mod connect;
pub mod daemon_state;
mod dialect;
pub mod edit;
mod error;
pub mod exemptions;
pub mod import;
pub mod notice_history;
mod sql;
pub mod users;

pub use error::StoreError;

use crate::clock::Randomness;

/// Everything that the daemon and its commands ask of a database.
pub trait Store:
    audit::AuditStore
    + companies::CompanyStore
    + daemon_state::DaemonStateStore
    + exemptions::ExemptionStore
    + import::ImportStore
    + notice_history::NoticeHistoryStore
    + users::UserStore
    + Send
    + Sync
{
}

impl<T> Store for T where
    T: audit::AuditStore
        + companies::CompanyStore
        + daemon_state::DaemonStateStore
        + exemptions::ExemptionStore
        + import::ImportStore
        + notice_history::NoticeHistoryStore
        + users::UserStore
        + Send
        + Sync
{
}

/// The store on SQLite or PostgreSQL.
#[derive(Clone, Debug)]
pub struct SqlStore {
    database: sql::Database,
    randomness: Randomness,
}
