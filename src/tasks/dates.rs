//! People's orders about dates, carried out at once: the members are reviewed first, as `reconcile` does, so that who was
//! there before the date is no late joiner.

use chrono::NaiveDate;

use super::reconcile::PATIENT_ROUNDS;
use super::review::{Place, review_rows};
use crate::domain::policy::Policy;
use crate::domain::time::Timestamp;
use crate::store::enforcements::Ordered;
use crate::store::reconcile::Authority;
use crate::store::{Store, StoreError};

/// Whose date, on whose word, and by which rules.
#[derive(Clone, Copy)]
pub struct Order<'a> {
    /// The database.
    pub store: &'a dyn Store,
    /// The company's id or external id.
    pub company: &'a str,
    /// On whose word, and with which leave.
    pub authority: &'a Authority<'a>,
    /// What time it is.
    pub now: Timestamp,
    /// What the operator has decided.
    pub policy: &'a Policy,
    /// How many rows are reviewed in one transaction.
    pub chunk: i64,
}

impl Order<'_> {
    /// Sets or moves the date.
    ///
    /// # Errors
    /// What the store refuses; then nothing was changed.
    pub async fn set_date(&self, date: NaiveDate) -> Result<Ordered, StoreError> {
        let Self { store, company, authority, now, policy, .. } = *self;
        for _ in 0..PATIENT_ROUNDS {
            match store.set_date(company, date, authority, now, policy, true).await? {
                Ordered::Deferred => self.review().await?,
                ordered => return Ok(ordered),
            }
        }
        store.set_date(company, date, authority, now, policy, false).await
    }

    /// Takes the date away.
    ///
    /// # Errors
    /// What the store refuses; then nothing was changed.
    pub async fn cancel_date(&self) -> Result<Ordered, StoreError> {
        self.store.cancel_date(self.company, self.authority, self.now, self.policy).await
    }

    /// Releases the held enforcement.
    ///
    /// # Errors
    /// What the store refuses; then nothing was changed.
    pub async fn release(&self) -> Result<Ordered, StoreError> {
        let Self { store, company, authority, now, policy, .. } = *self;
        for _ in 0..PATIENT_ROUNDS {
            match store.release(company, authority, now, policy, true).await? {
                Ordered::Deferred => self.review().await?,
                ordered => return Ok(ordered),
            }
        }
        store.release(company, authority, now, policy, false).await
    }

    /// Holds the scheduled enforcement.
    ///
    /// # Errors
    /// What the store refuses; then nothing was changed.
    pub async fn hold(&self) -> Result<Ordered, StoreError> {
        let Self { store, company, authority, now, policy, .. } = *self;
        for _ in 0..PATIENT_ROUNDS {
            match store.hold(company, authority, now, policy, true).await? {
                Ordered::Deferred => self.review().await?,
                ordered => return Ok(ordered),
            }
        }
        store.hold(company, authority, now, policy, false).await
    }

    /// Undoes what the company requires.
    ///
    /// # Errors
    /// What the store refuses; then nothing was changed.
    pub async fn revert(&self) -> Result<Ordered, StoreError> {
        let Self { store, company, authority, now, policy, .. } = *self;
        for _ in 0..PATIENT_ROUNDS {
            match store.revert(company, authority, now, policy, true).await? {
                Ordered::Deferred => self.review().await?,
                ordered => return Ok(ordered),
            }
        }
        store.revert(company, authority, now, policy, false).await
    }

    async fn review(&self) -> Result<(), StoreError> {
        review_rows(self.store, &|| self.now, self.policy, self.chunk, &|| false, &mut |_, _| (), &mut Place::default())
            .await
            .map(drop)
    }
}
