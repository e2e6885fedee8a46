//! The only place with SQL. [`Store`] is one object-safe trait; each of its topics is a file, and each method is a whole
//! use-case in one transaction. [`SqlStore`] carries them out on SQLite and PostgreSQL with the same statements.

pub mod admin_claim;
pub mod admin_history;
pub mod admin_mail;
pub mod audit;
pub mod backlog;
mod batch;
pub mod bounces;
pub mod checkpoint;
pub mod claim;
mod claim_facts;
pub mod companies;
pub mod connect;
pub mod copy;
pub mod daemon_state;
mod dialect;
mod earlier_mails;
pub mod edit;
pub mod enforce;
pub mod enforcement_history;
pub mod enforcements;
mod error;
pub mod exemptions;
pub mod expand;
mod first_members;
mod flip_chunk;
pub mod forecast;
mod forecast_facts;
pub mod holds;
pub mod import;
pub mod lapses;
pub mod membership_changes;
mod migrate;
mod migrations;
mod milestones;
pub mod notice_history;
pub mod notice_retry;
pub mod outcome;
mod overdue;
pub mod people;
mod personal_notices;
mod predicate;
mod reach;
pub mod recheck;
pub mod reconcile;
mod requirements;
pub mod revert;
pub mod review;
pub mod safety;
mod server;
pub mod session;
mod side_by_side;
mod sql;
pub mod status;
pub mod unreachable;
pub mod users;
mod values;

pub use error::StoreError;
pub use sql::{FOR_BATCHES, FOR_ORDER};

use std::sync::Arc;

use crate::clock::Randomness;
use checkpoint::Observer;

/// Everything that the daemon and its commands ask of a database.
pub trait Store:
    admin_claim::AdminClaimStore
    + admin_history::AdminHistoryStore
    + admin_mail::AdminMailStore
    + audit::AuditStore
    + backlog::BacklogStore
    + bounces::BounceStore
    + claim::ClaimStore
    + companies::CompanyStore
    + daemon_state::DaemonStateStore
    + enforce::EnforceStore
    + enforcement_history::EnforcementHistoryStore
    + enforcements::EnforcementStore
    + exemptions::ExemptionStore
    + expand::ExpandStore
    + forecast::ForecastStore
    + holds::HoldStore
    + import::ImportStore
    + lapses::LapseStore
    + membership_changes::MembershipChangeStore
    + notice_history::NoticeHistoryStore
    + notice_retry::NoticeRetryStore
    + outcome::OutcomeStore
    + people::PeopleStore
    + recheck::RecheckStore
    + reconcile::ReconcileStore
    + revert::RevertStore
    + review::ReviewStore
    + safety::SafetyStore
    + status::StatusStore
    + unreachable::UnreachableStore
    + users::UserStore
    + Send
    + Sync
{
}

impl Store for SqlStore {}

/// The store on SQLite or PostgreSQL.
#[derive(Clone, Debug)]
pub struct SqlStore {
    database: sql::Database,
    randomness: Randomness,
}

impl SqlStore {
    /// The same store, with every step that it takes in its database under the eyes of `observer`: for simulations.
    #[must_use]
    pub fn with_observer(self, observer: Arc<dyn Observer>) -> Self {
        Self { database: self.database.with_observer(observer), ..self }
    }
}
