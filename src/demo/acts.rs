//! Carries out what a script says that people do.

use std::collections::VecDeque;

use async_trait::async_trait;

use super::script::{Act, Script};
use crate::domain::time::Timestamp;
use crate::rehearsal::play::{People, PlayError};
use crate::sample::{Sample, lines};
use crate::store::enforcements::Ordered;
use crate::store::reconcile::Authority;
use crate::tasks::Services;
use crate::tasks::dates::Order;

/// On whose word people are imported and join.
const PEOPLE_SYSTEM: &str = "people system";
/// On whose word enrollments are recorded.
const SIGN_IN: &str = "sign-in service";
/// Who sets a date where a sample is too small to have an admin.
const NOBODY: &str = "an admin";

/// The people of a sample, who follow a script.
#[derive(Debug)]
pub struct Cast<'a> {
    sample: &'a Sample,
    acts: VecDeque<(Timestamp, Act)>,
}

impl<'a> Cast<'a> {
    /// With all of `script` before them.
    #[must_use]
    pub fn new(sample: &'a Sample, script: &Script) -> Self {
        Self { sample, acts: script.acts.iter().cloned().collect() }
    }
}

#[async_trait]
impl People for Cast<'_> {
    fn next_at(&self) -> Option<Timestamp> {
        self.acts.front().map(|(at, _)| *at)
    }

    async fn act(&mut self, services: &Services) -> Result<(), PlayError> {
        let now = services.clock.now();
        while self.next_at().is_some_and(|at| at <= now) {
            if let Some((_, act)) = self.acts.pop_front() {
                carry_out(services, self.sample, &act).await?;
            }
        }
        Ok(())
    }
}

async fn carry_out(services: &Services, sample: &Sample, act: &Act) -> Result<(), PlayError> {
    let (store, now) = (services.store.as_ref(), services.clock.now());
    let outcome = match act {
        Act::Import => {
            let companies = store.import_companies(sample.companies.clone(), PEOPLE_SYSTEM, now).await?;
            if companies.bad.is_empty() {
                store.import_users(lines(&sample.people, None), PEOPLE_SYSTEM, now).await?
            } else {
                companies
            }
        }
        Act::Join(person) => {
            let lines = lines(std::slice::from_ref(person.as_ref()), Some(now));
            store.import_users(lines, PEOPLE_SYSTEM, now).await?
        }
        Act::Enroll { user, method } => {
            store.enroll(user, *method, &services.policy, SIGN_IN, now).await?;
            return Ok(());
        }
        Act::SetDate { company, date, reason } => {
            let actor = sample.admin_of(company).unwrap_or(NOBODY);
            let authority = Authority { actor, override_notice: false, reason: *reason };
            let (policy, chunk) = (&services.policy, services.limits.chunk);
            let order = Order { store, company, authority: &authority, now, policy, chunk };
            return match order.set_date(*date).await? {
                Ordered::Done | Ordered::StoodAlready => Ok(()),
                Ordered::Deferred => Err(PlayError::Act(format!("the date of {company} was put off"))),
            };
        }
    };
    match outcome.bad.first() {
        Some(bad) => Err(PlayError::Act(format!("the sample was not stored: line {}: {}", bad.line, bad.reason))),
        None => Ok(()),
    }
}
