//! What people do with a company's date: set it and take it away. Each is one transaction, under the name of who asked for
//! it; the daemon has nothing left to do afterwards. So are the orders of [`holds`](super::holds) and
//! [`revert`](super::revert).

use async_trait::async_trait;
use chrono::NaiveDate;
use chrono_tz::Tz;
use serde_json::json;

use super::audit::{self, NewEvent};
use super::companies::{self, Company, Lock};
use super::reconcile::{Authority, Reconciled, current_enforcements, lock_company};
use super::sql::Tx;
use super::values::bind;
use super::{SqlStore, StoreError};
use crate::domain::notice::{EnforcementState, HoldReason};
use crate::domain::planning::{self, CompanyFacts, EnforcementFacts};
use crate::domain::policy::Policy;
use crate::domain::time::{self, Timestamp};

/// What became of an order about a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ordered {
    /// It was carried out.
    Done,
    /// Things stood so already.
    StoodAlready,
    /// Nothing was done: members wait to be reviewed first. Review, and ask again.
    Deferred,
}

/// Use-cases about dates. A company's key is its id or external id. With `patient`, a first date and a
/// release wait while members are unreviewed: who was there before is no late joiner.
#[async_trait]
pub trait EnforcementStore {
    /// Sets or moves a company's date.
    async fn set_date(
        &self,
        company: &str,
        date: NaiveDate,
        authority: &Authority<'_>,
        now: Timestamp,
        policy: &Policy,
        patient: bool,
    ) -> Result<Ordered, StoreError>;

    /// Takes a company's date away. What is to come is cancelled; what is in force ends for newcomers, and for nobody else.
    async fn cancel_date(
        &self,
        company: &str,
        authority: &Authority<'_>,
        now: Timestamp,
        policy: &Policy,
    ) -> Result<Ordered, StoreError>;
}

#[async_trait]
impl EnforcementStore for SqlStore {
    async fn set_date(
        &self,
        company: &str,
        date: NaiveDate,
        authority: &Authority<'_>,
        now: Timestamp,
        policy: &Policy,
        patient: bool,
    ) -> Result<Ordered, StoreError> {
        let mut order = Order::begin(self, company).await?;
        let known = order.enforcements.iter().any(|one| one.enforcement_date == date);
        if known && order.company.enforcement_date == Some(date) {
            return Ok(Ordered::StoodAlready);
        }
        let mut authority = authority.clone();
        if !known {
            authority.override_notice = order.judge(date, &authority, now, policy, &[HoldReason::NoticeTooShort])?;
        }
        if patient && order.enforcements.is_empty() && order.has_unreviewed_members(now).await? {
            return Ok(Ordered::Deferred);
        }
        let sql = "UPDATE companies SET enforcement_date = $2, enforcement_set_by = $3 WHERE id = $1";
        order.tx.execute(sql, bind![order.company.id, date, authority.actor]).await?;
        order.reconcile_and_commit(self, &authority, now, policy).await
    }

    async fn cancel_date(
        &self,
        company: &str,
        authority: &Authority<'_>,
        now: Timestamp,
        policy: &Policy,
    ) -> Result<Ordered, StoreError> {
        let mut order = Order::begin(self, company).await?;
        if order.company.enforcement_date.is_none() && order.enforcements.is_empty() {
            return Ok(Ordered::StoodAlready);
        }
        let sql = "UPDATE companies SET enforcement_date = NULL, enforcement_set_by = NULL WHERE id = $1";
        order.tx.execute(sql, bind![order.company.id]).await?;
        order.reconcile_and_commit(self, authority, now, policy).await
    }
}

/// An order under way: the company's row and its enforcements are locked.
pub(super) struct Order {
    pub tx: Tx,
    pub company: Company,
    enforcements: Vec<EnforcementFacts>,
    /// Whether the daemon has acted on the row as it is.
    in_line: bool,
}

impl Order {
    pub async fn begin(store: &SqlStore, key: &str) -> Result<Self, StoreError> {
        let mut tx = store.database.begin().await?;
        let company = companies::find(&mut tx, key, Lock::ForUpdate).await?;
        let enforcements = current_enforcements(&mut tx, company.id).await?;
        let sql = "SELECT revision = reconciled_revision AS in_line FROM companies WHERE id = $1";
        let row = tx.fetch_optional(sql, bind![company.id]).await?;
        let in_line = row.map_or(Ok(false), |row| row.get("in_line"))?;
        Ok(Self { tx, company, enforcements, in_line })
    }

    /// Has what was written since the daemon last looked come first, as the daemon would have it. Returns its events.
    pub async fn catch_up(
        &mut self,
        store: &SqlStore,
        now: Timestamp,
        policy: &Policy,
    ) -> Result<Vec<NewEvent<'static>>, StoreError> {
        if self.in_line {
            return Ok(Vec::new());
        }
        let facts = self.facts().await?;
        let (_, events) = store.reconcile_locked(&mut self.tx, &facts, now, policy, &Authority::SQL).await?;
        self.enforcements = current_enforcements(&mut self.tx, self.company.id).await?;
        Ok(events)
    }

    /// Keeps what was done, with its events.
    pub async fn finish(
        mut self,
        now: Timestamp,
        events: Vec<NewEvent<'_>>,
        ordered: Ordered,
    ) -> Result<Ordered, StoreError> {
        audit::append(&mut self.tx, now, events).await?;
        self.tx.commit().await?;
        Ok(ordered)
    }

    /// Whether catching up would plan a date of a company that has none: who is there by then is no late joiner.
    pub fn would_plan_first(&self) -> bool {
        !self.in_line && self.enforcements.is_empty()
    }

    pub fn of_state(&self, state: EnforcementState) -> Option<EnforcementFacts> {
        self.enforcements.iter().find(|one| one.state == state).cloned()
    }

    pub async fn facts(&mut self) -> Result<CompanyFacts, StoreError> {
        let gone = || StoreError::NotFound(format!("the company {} is gone", self.company.id));
        lock_company(&mut self.tx, self.company.id).await?.ok_or_else(gone)
    }

    /// Whether a member, or an exemption that has passed, has to be looked at first.
    pub async fn has_unreviewed_members(&mut self, now: Timestamp) -> Result<bool, StoreError> {
        let sql = "SELECT 1 AS found FROM memberships WHERE company_id = $1 AND NOT reviewed
            UNION ALL SELECT 1 FROM memberships WHERE company_id = $1 AND exempt_until <= $2
            UNION ALL SELECT 1 FROM users AS u JOIN memberships AS m ON m.user_id = u.id AND m.company_id = $1 WHERE NOT u.reviewed
            LIMIT 1";
        Ok(self.tx.fetch_optional(sql, bind![self.company.id, now]).await?.is_some())
    }

    /// Judges the date. Returns whether it stands by an override alone.
    pub fn judge(
        &self,
        date: NaiveDate,
        authority: &Authority<'_>,
        now: Timestamp,
        policy: &Policy,
        overridable: &[HoldReason],
    ) -> Result<bool, StoreError> {
        let Some(hold) = planning::judge(&company_facts(&self.company), date, now, false, policy) else {
            return Ok(false);
        };
        if !overridable.contains(&hold) || !authority.override_notice {
            let releasing = overridable.contains(&HoldReason::DateInPast);
            return Err(StoreError::Refused(refusal(&self.company, date, hold, releasing, now, policy)));
        }
        if authority.reason.is_none() {
            return Err(StoreError::Refused(
                "the minimum notice is overridden only with a reason, for the audit trail: add --reason 'WHY'"
                    .to_owned(),
            ));
        }
        Ok(true)
    }

    async fn reconcile_and_commit(
        mut self,
        store: &SqlStore,
        authority: &Authority<'_>,
        now: Timestamp,
        policy: &Policy,
    ) -> Result<Ordered, StoreError> {
        let facts = self.facts().await?;
        let (Reconciled { deferred, .. }, mut events) =
            store.reconcile_locked(&mut self.tx, &facts, now, policy, authority).await?;
        if deferred && events.is_empty() {
            // A flip under way is completed first; the daemon ends it then. That a person asked for it is known here.
            events.push(NewEvent {
                actor: authority.actor,
                action: "company_date_cleared",
                company_id: Some(self.company.id),
                subject: Some(self.company.id.to_string()),
                detail: json!({ "was": self.company.enforcement_date, "reason": authority.reason }),
            });
        }
        self.finish(now, events, Ordered::Done).await
    }
}

/// What of a company's row decides.
pub(super) fn company_facts(company: &Company) -> CompanyFacts {
    CompanyFacts {
        id: company.id,
        enforcement_date: company.enforcement_date,
        time_zone: company.time_zone.clone(),
        mfa_available: company.mfa_available,
        notice_days: company.notice_days.as_ref().map(ToString::to_string),
    }
}

/// Why a date is refused, or why one that is held is not released: the value, the place and the remedy.
pub(super) fn refusal(
    company: &Company,
    date: NaiveDate,
    hold: HoldReason,
    releasing: bool,
    now: Timestamp,
    policy: &Policy,
) -> String {
    let key = company.key();
    let zone = time::zone(&company.time_zone).unwrap_or(Tz::UTC);
    let (today, earliest) = (now.date_in(zone), planning::earliest_date(now, zone, policy));
    match hold {
        HoldReason::MfaNotAvailable => format!(
            "MFA is not available for the company '{key}' yet: ask your account representative. Once it is, \
             `mfa-enforcer company set {key} --mfa-available true` says so"
        ),
        HoldReason::UnknownTimeZone => format!(
            "the company '{key}' has the time zone '{}', which is no IANA time zone, so that nobody knows when its days \
             begin: set one with `mfa-enforcer company set {key} --time-zone Europe/Berlin`",
            company.time_zone
        ),
        HoldReason::DateInPast if releasing => format!(
            "{date} is in the past: today is {today} at the company '{key}' ({}). To have it take effect at once, add \
             --override-notice --reason 'WHY'; `mfa-enforcer enforcement set {key} --date {earliest}`, or later, sets another",
            company.time_zone
        ),
        HoldReason::DateInPast => format!(
            "{date} is in the past: today is {today} at the company '{key}' ({}). The earliest date is {earliest}",
            company.time_zone
        ),
        HoldReason::NoticeTooShort => format!(
            "{date} is too soon for the company '{key}': people get at least {} days' notice \
             (enforcement.minimum_notice_days), so that the earliest date is {earliest}. To go ahead all the same, add \
             --override-notice --reason 'WHY'",
            policy.minimum_notice_days
        ),
        // No date is judged so.
        HoldReason::Requested | HoldReason::NoEnrolledAdmin | HoldReason::TooFewEnrolled | HoldReason::TooFewTold => {
            format!("{date} is held for the company '{key}': `mfa-enforcer enforcement release {key}` releases it")
        }
    }
}
