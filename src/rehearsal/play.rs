//! Lets time pass: the clock moves from one instant at which something is due to the next, and at each the tasks work.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::Serialize;
use thiserror::Error;

use crate::domain::time::Timestamp;
use crate::store::StoreError;
use crate::tasks::{Services, run_until_idle};

/// Why time in lapse has come to an end before its time.
#[derive(Debug, Error)]
pub enum PlayError {
    /// The store refused, or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What people do was not taken as it is.
    #[error("{0}")]
    Act(String),
}

/// A task that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Its name.
    pub task: &'static str,
    /// Why it failed.
    pub error: String,
    /// When it did first.
    pub first_at: Timestamp,
    /// How often it did for this reason.
    pub times: u64,
}

/// What people do meanwhile.
#[async_trait]
pub trait People: Send {
    /// When somebody does something next.
    fn next_at(&self) -> Option<Timestamp>;

    /// Carries out what people do up to the clock's instant.
    ///
    /// # Errors
    /// The first thing that is not taken.
    async fn act(&mut self, services: &Services) -> Result<(), PlayError>;
}

/// Nobody, who does nothing.
#[derive(Clone, Copy, Debug)]
pub struct Nobody;

#[async_trait]
impl People for Nobody {
    fn next_at(&self) -> Option<Timestamp> {
        None
    }

    async fn act(&mut self, _: &Services) -> Result<(), PlayError> {
        Ok(())
    }
}

/// Lets time pass from the clock's instant, at which everything that is due is done, until before `until`, or until
/// nothing more comes. `progress` is told how far the clock is.
///
/// # Returns
/// The tasks that failed. As with the daemon, the others go on, and what failed is tried again when something is next due.
///
/// # Errors
/// [`PlayError`], which ends it.
pub async fn pass_time(
    services: &Services,
    people: &mut dyn People,
    until: Timestamp,
    progress: &(dyn Fn(Timestamp) + Send + Sync),
) -> Result<Vec<Failure>, PlayError> {
    let mut failures: BTreeMap<(&'static str, String), (Timestamp, u64)> = BTreeMap::new();
    loop {
        let now = services.clock.now();
        progress(now);
        people.act(services).await?;
        for (task, error) in run_until_idle(services).await {
            failures.entry((task, error.to_string())).or_insert((now, 0)).1 += 1;
        }
        let due = services.store.next_due(now).await?;
        match people.next_at().into_iter().chain(due).min() {
            Some(next) if next < until => services.clock.set(next),
            _ => break,
        }
    }
    let failure = |((task, error), (first_at, times))| Failure { task, error, first_at, times };
    Ok(failures.into_iter().map(failure).collect())
}
