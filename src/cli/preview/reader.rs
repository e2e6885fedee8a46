//! What one user would be told about a company's date.

use chrono::{NaiveDate, TimeDelta};
use chrono_tz::Tz;
use uuid::Uuid;

use crate::cli::{CliError, Context};
use crate::domain::delivery::{self, MembershipFacts, NoticeFacts, UserFacts};
use crate::domain::expansion::required_at;
use crate::domain::ids::Id;
use crate::domain::message::{Message, Reader, Statement};
use crate::domain::methods;
use crate::domain::notice::{EnforcementState, NoticeKind};
use crate::domain::policy::Policy;
use crate::domain::schedule::{self, PlannedMilestone};
use crate::domain::time::{self, Timestamp};
use crate::domain::values::parse_notice_days;
use crate::store::companies::Company;
use crate::store::users::{Membership, User, UserDossier};

/// A user, a company, and a date that the one would be told of the other.
pub(super) struct Prospect {
    user: User,
    membership: Membership,
    company: Company,
    date: NaiveDate,
    enforce_at: Timestamp,
    /// The zone of the user's days.
    zone: Tz,
    /// The company's zone.
    company_zone: Tz,
    /// The date that the user was told last by the company.
    told_date: Option<NaiveDate>,
    policy: Policy,
    now: Timestamp,
}

impl Prospect {
    /// Reads what is known; `date` takes the place of the company's.
    ///
    /// # Errors
    /// When there is no such user, company or membership, or no date.
    pub async fn find(context: &Context, user: &str, company: &str, date: Option<NaiveDate>) -> Result<Self, CliError> {
        let company = context.store.company(company).await?;
        let user = context.store.user(user).await?;
        let dossier = context.store.user_dossier(&user.id.to_string()).await?;
        let told_date = told_date(context, &dossier, &company).await?;
        let membership = dossier.memberships.into_iter().find(|one| one.company_id == company.id).ok_or_else(|| {
            CliError::Failed(format!(
                "the user {} is no member of the company {}: `mfa-enforcer user show {}` lists the companies",
                user.id, company.id, user.id
            ))
        })?;
        let date = date.or(company.enforcement_date).ok_or_else(|| {
            CliError::Failed(format!("the company {} has no date yet: give one to try with --date", company.id))
        })?;
        let company_zone = time::zone(&company.time_zone).unwrap_or(Tz::UTC);
        Ok(Self {
            zone: user.time_zone.as_deref().and_then(time::zone).unwrap_or(company_zone),
            enforce_at: schedule::enforce_at(date, company_zone),
            policy: context.config.policy(),
            now: context.now(),
            user,
            membership,
            company,
            date,
            company_zone,
            told_date,
        })
    }

    /// What the user would be told by a notice of this kind.
    pub fn message(&self, kind: NoticeKind) -> Message {
        let Self { user, company, .. } = self;
        let country = user.country.as_deref().and_then(|code| code.parse().ok());
        let corrects = matches!(kind, NoticeKind::Rescheduled | NoticeKind::Cancelled);
        Message {
            mail_id: Id(Uuid::nil()),
            reader: Reader {
                user_id: user.id,
                address: user.email.clone(),
                name: user.name.clone(),
                locales: user.locale.iter().cloned().chain([company.locale.clone()]).collect(),
                zone: self.zone,
                methods: methods::methods(country, user.payee, &self.policy),
            },
            notices: vec![Statement {
                notice_id: Id(Uuid::nil()),
                enforcement_id: Id(Uuid::nil()),
                kind,
                company_id: Some(company.id),
                company: Some(company.name.clone()),
                support_contact: company.support_contact.clone(),
                set_by: company.enforcement_set_by.clone(),
                required_at: self.required_at(),
                told_date: corrects.then(|| self.supposedly_told()),
                required_otherwise: false,
                was_required: false,
                exempt_until: self.membership.exempt_until.filter(|_| kind == NoticeKind::Welcome),
            }],
            at: self.due_at(kind),
        }
    }

    /// Says for each kind why the user would not get it now (R1), if there is a reason.
    pub fn say_what_keeps_it_away(&self, kinds: &[NoticeKind]) {
        let user = UserFacts {
            person: self.user.kind == "person",
            active: self.user.active,
            sso: self.user.sso,
            payee: self.user.payee,
            enrolled: self.user.mfa_enrolled_at.is_some(),
            bounced: self.user.email_status == "bounced",
        };
        for kind in kinds {
            if let Some(reason) =
                delivery::ineligible(Some(&user), &self.facts(*kind), self.zone, self.now, &self.policy)
            {
                super::note(*kind, reason);
            }
        }
    }

    /// The notice as if it were due now, and its enforcement where this kind is sent.
    fn facts(&self, kind: NoticeKind) -> NoticeFacts {
        let state = EnforcementState::ALL.iter().copied().find(|state| kind.allowed_in(*state));
        let cancels = kind == NoticeKind::Cancelled;
        NoticeFacts {
            id: Id(Uuid::nil()),
            kind,
            due_at: self.now,
            next_attempt_at: self.now,
            enforcement_id: Id(Uuid::nil()),
            state: state.unwrap_or(EnforcementState::Scheduled),
            date: self.date,
            company_id: Some(self.company.id),
            company_date: (!cancels).then_some(self.date),
            company_date_held: false,
            membership: Some(MembershipFacts {
                exempt_until: self.membership.exempt_until,
                require_at: self.membership.require_at,
                flipping: false,
            }),
            required: !cancels,
            required_before: false,
            told_date: if cancels { Some(self.supposedly_told()) } else { self.told_date },
            told_at: None,
            required_at: self.required_at(),
            mail: None,
        }
    }

    fn required_at(&self) -> Timestamp {
        required_at(self.enforce_at, self.membership.require_at)
    }

    /// The date that a correction corrects: what the user was told, or else a week earlier.
    fn supposedly_told(&self) -> NaiveDate {
        self.told_date.unwrap_or_else(|| time::add_days(self.date, -7))
    }

    /// When a notice of this kind would be due.
    fn due_at(&self, kind: NoticeKind) -> Timestamp {
        let at = |due_at| PlannedMilestone { kind, days_before: None, due_at };
        let milestone = match kind {
            NoticeKind::Reminder => return self.next_reminder_at(),
            NoticeKind::FinalReminder => self.reminder(1),
            NoticeKind::NowRequired => at(self.enforce_at),
            NoticeKind::Welcome => at(self.now),
            NoticeKind::Announcement | NoticeKind::Rescheduled | NoticeKind::Cancelled => {
                at(self.now.plus(self.policy.announce_delay))
            }
        };
        self.notice_due_at(&milestone)
    }

    /// When the next reminder before the final one is due, or else was.
    fn next_reminder_at(&self) -> Timestamp {
        let own = self.company.notice_days.as_ref().and_then(|days| parse_notice_days(&days.to_string()).ok());
        let mut days = own.unwrap_or_else(|| self.policy.days_before.clone());
        days.retain(|days| *days > 1);
        days.sort_unstable_by(|one, other| other.cmp(one));
        let due: Vec<_> = days.into_iter().map(|days| self.notice_due_at(&self.reminder(days))).collect();
        let next = due.iter().find(|due| **due > self.now).or(due.last());
        next.copied().unwrap_or_else(|| self.required_at().plus(-TimeDelta::days(2)))
    }

    fn reminder(&self, days: u16) -> PlannedMilestone {
        schedule::reminder(self.date, self.company_zone, days, &self.policy)
    }

    fn notice_due_at(&self, milestone: &PlannedMilestone) -> Timestamp {
        schedule::notice_due_at(milestone, self.enforce_at, self.required_at(), self.zone, &self.policy)
    }
}

/// The date in the last mail that the user got from the company; none after a cancellation.
async fn told_date(context: &Context, dossier: &UserDossier, company: &Company) -> Result<Option<NaiveDate>, CliError> {
    let of_company = dossier.notices.iter().filter(|notice| notice.company_id == Some(company.id));
    match of_company.filter(|notice| notice.sent_at.is_some()).max_by_key(|notice| notice.sent_at) {
        Some(last) if last.kind.tells_date() => Ok(context.store.notice(last.id).await?.enforcement_date),
        _ => Ok(None),
    }
}
