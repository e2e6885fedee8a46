//! What happens is told to the oracle; what it finds wrong ends the world.

use mfa_enforcer::domain::time::Timestamp;

use super::failure::Failure;
use crate::simulation::plan::{Order, Plan};
use crate::support::TestDatabase;

/// What became of a mail that was handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The server took it, and said so.
    Accepted,
    /// The server refused it for now.
    RefusedForNow,
    /// The server refused it for good.
    RefusedForGood,
    /// The server took it, and its answer was lost.
    Lost,
    /// The server never had it, and the daemon knows.
    Broken,
    /// The daemon died with the mail in its hand.
    DiedBefore,
    /// The daemon died when the server had taken it.
    DiedAfter,
}

/// See above.
pub struct Judge {}

impl Judge {
    pub fn new(_plan: &Plan) -> Self {
        Self {}
    }

    pub async fn acted(
        &mut self,
        _db: &TestDatabase,
        _now: Timestamp,
        _text: &str,
        _order: Option<(u32, Order)>,
    ) -> Result<(), Failure> {
        Ok(())
    }

    pub async fn handed(
        &mut self,
        _db: &TestDatabase,
        _now: Timestamp,
        _daemon: usize,
        _raw: &[u8],
        _to: &str,
        _fate: Fate,
    ) -> Result<(), Failure> {
        Ok(())
    }

    pub async fn crashed(&mut self, _db: &TestDatabase, _now: Timestamp, _daemon: usize) -> Result<(), Failure> {
        Ok(())
    }

    pub async fn committed(&mut self, _db: &TestDatabase, _now: Timestamp, _daemon: usize) -> Result<(), Failure> {
        Ok(())
    }

    pub async fn settled(&mut self, _db: &TestDatabase, _now: Timestamp, _mail_works: bool) -> Result<(), Failure> {
        Ok(())
    }

    pub async fn slept(&mut self, _db: &TestDatabase, _now: Timestamp) -> Result<(), Failure> {
        Ok(())
    }

    pub async fn finish(&mut self, _db: &TestDatabase, _now: Timestamp) -> Result<(), Failure> {
        Ok(())
    }
}
