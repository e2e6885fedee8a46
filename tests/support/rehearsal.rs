//! A daemon on a simulated clock: the real tasks, mail into memory, and time that jumps to what is due next.

use std::sync::Arc;

use mfa_enforcer::clock::{Clock, Randomness};
use mfa_enforcer::config::Config;
use mfa_enforcer::domain::time::Timestamp;
use mfa_enforcer::mail::Mailer;
use mfa_enforcer::mail::memory::MemoryTransport;
use mfa_enforcer::mail::transport::Transport;
use mfa_enforcer::store::Store as _;
use mfa_enforcer::tasks::{Limits, Services, Shutdown, ShutdownTrigger, run_until_idle};

use super::TestDatabase;

/// The daemon.
pub struct Rehearsal {
    /// What the tasks work with.
    pub services: Services,
    /// Where mail goes.
    pub mail: MemoryTransport,
    _trigger: ShutdownTrigger,
}

impl Rehearsal {
    /// On a database, at an instant.
    pub async fn new(db: &TestDatabase, now: Timestamp) -> Self {
        let variables = [("MFA_ENFORCER__CLOCK__SIMULATED".to_owned(), "true".to_owned())];
        let config = Config::load(None, variables.into_iter()).unwrap();
        let mail = MemoryTransport::new();
        let (trigger, shutdown): (ShutdownTrigger, Shutdown) = ShutdownTrigger::new();
        let services = Services {
            store: Arc::new(db.store(7).await),
            clock: Clock::simulated(now),
            randomness: Randomness::seeded(7),
            mailer: Mailer::new(&config.notices, Transport::simulated(mail.clone())).unwrap().into(),
            intake: None,
            policy: config.policy(),
            limits: Limits::from_config(&config),
            shutdown,
        };
        Self { services, mail, _trigger: trigger }
    }

    /// What time it is.
    pub fn now(&self) -> Timestamp {
        self.services.clock.now()
    }

    /// Runs every task until nothing is left to do now. No task may fail.
    pub async fn settle(&self) {
        let errors = run_until_idle(&self.services).await;
        assert!(errors.is_empty(), "at {}: {errors:?}", self.now());
    }

    /// Lives through all that is due until `until`, or until nothing is planned any more.
    pub async fn live_until(&self, until: Option<Timestamp>) {
        loop {
            self.settle().await;
            match self.services.store.next_due(self.now()).await.unwrap() {
                Some(next) if until.is_none_or(|until| next < until) => self.services.clock.set(next),
                _ => break,
            }
        }
        if let Some(until) = until {
            self.services.clock.set(until);
        }
    }
}
