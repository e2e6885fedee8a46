//! Exemptions: memberships left out of their company's enforcement for a while, with a reason and an owner.

use async_trait::async_trait;
use serde::Serialize;
use serde_json::json;

use super::audit::{self, NewEvent};
use super::companies::{self, Lock};
use super::sql::Tx;
use super::users::{self, User};
use super::values::bind;
use super::{SqlStore, StoreError};
use crate::domain::ids::Id;
use crate::domain::time::Timestamp;

/// An exemption as it stands now.
#[derive(Clone, Debug, Serialize)]
pub struct ExemptionOutcome {
    /// The user.
    pub user_id: Id,
    /// The company from whose enforcement the user is left out.
    pub company_id: Id,
    /// Until when; none: not any more.
    pub exempt_until: Option<Timestamp>,
    /// Since when MFA is required for the user. An exemption clears nothing that is required already.
    pub mfa_required_at: Option<Timestamp>,
}

/// Use-cases about exemptions. Keys and `by` as in [`users::UserStore`] and [`companies::CompanyStore`].
#[async_trait]
pub trait ExemptionStore {
    /// Leaves a user out of a company's enforcement until an instant, which must be to come.
    async fn exempt(
        &self,
        user: &str,
        company: &str,
        until: Timestamp,
        reason: &str,
        by: &str,
        now: Timestamp,
    ) -> Result<ExemptionOutcome, StoreError>;

    /// Ends a user's exemption.
    async fn end_exemption(
        &self,
        user: &str,
        company: &str,
        by: &str,
        now: Timestamp,
    ) -> Result<ExemptionOutcome, StoreError>;
}

#[async_trait]
impl ExemptionStore for SqlStore {
    async fn exempt(
        &self,
        user: &str,
        company: &str,
        until: Timestamp,
        reason: &str,
        by: &str,
        now: Timestamp,
    ) -> Result<ExemptionOutcome, StoreError> {
        if until <= now {
            return Err(StoreError::Refused(format!(
                "the exemption would have ended at {until}, and it is {now}: give a day that is not over"
            )));
        }
        let mut tx = self.database.begin().await?;
        let membership = locked_membership(&mut tx, user, company).await?;
        tx.execute(
            "UPDATE memberships SET exempt_until = $3, exempt_reason = $4, exempt_by = $5
             WHERE company_id = $1 AND user_id = $2",
            bind![membership.company_id, membership.user.id, until, reason, by],
        )
        .await?;
        let detail = json!({ "exempt_until": until, "was_exempt_until": membership.exempt_until, "reason": reason });
        membership.record(&mut tx, "exempted", detail, by, now).await?;
        tx.commit().await?;
        Ok(membership.outcome(Some(until)))
    }

    async fn end_exemption(
        &self,
        user: &str,
        company: &str,
        by: &str,
        now: Timestamp,
    ) -> Result<ExemptionOutcome, StoreError> {
        let mut tx = self.database.begin().await?;
        let membership = locked_membership(&mut tx, user, company).await?;
        let Some(was_until) = membership.exempt_until else {
            return Err(StoreError::Refused(format!(
                "the user {} is not exempt at the company {}: there is nothing to end",
                membership.user.id, membership.company_id
            )));
        };
        tx.execute(
            "UPDATE memberships SET exempt_until = NULL, exempt_reason = NULL, exempt_by = NULL
             WHERE company_id = $1 AND user_id = $2",
            bind![membership.company_id, membership.user.id],
        )
        .await?;
        membership.record(&mut tx, "exemption_ended", json!({ "exempt_until": was_until }), by, now).await?;
        tx.commit().await?;
        Ok(membership.outcome(None))
    }
}

pub(super) struct LockedMembership {
    pub(super) company_id: Id,
    pub(super) user: User,
    exempt_until: Option<Timestamp>,
}

pub(super) async fn locked_membership(tx: &mut Tx, user: &str, company: &str) -> Result<LockedMembership, StoreError> {
    let company = companies::find(tx, company, Lock::No).await?;
    let user = users::find_locked(tx, user).await?;
    let sql = format!(
        "SELECT m.exempt_until FROM memberships AS m WHERE m.company_id = $1 AND m.user_id = $2{}",
        tx.dialect().for_update("m")
    );
    match tx.fetch_optional(&sql, bind![company.id, user.id]).await? {
        Some(row) => Ok(LockedMembership { company_id: company.id, exempt_until: row.get("exempt_until")?, user }),
        None => Err(StoreError::NotFound(format!(
            "the user {} is not a member of the company {}: `mfa-enforcer user show {}` lists the memberships",
            user.id, company.id, user.id
        ))),
    }
}

impl LockedMembership {
    async fn record(
        &self,
        tx: &mut Tx,
        action: &str,
        detail: serde_json::Value,
        by: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let subject = Some(self.user.id.to_string());
        let event = NewEvent { actor: by, action, company_id: Some(self.company_id), subject, detail };
        audit::append(tx, now, vec![event]).await
    }

    fn outcome(&self, exempt_until: Option<Timestamp>) -> ExemptionOutcome {
        ExemptionOutcome {
            user_id: self.user.id,
            company_id: self.company_id,
            exempt_until,
            mfa_required_at: self.user.mfa_required_at,
        }
    }
}
