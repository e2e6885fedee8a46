//! From a company's row to its enforcements: what has to change so that they say what the row says.

use chrono::NaiveDate;
use chrono_tz::Tz;

use super::ids::Id;
use super::notice::{EnforcementState, HoldReason};
use super::policy::Policy;
use super::schedule::{self, PlannedMilestone};
use super::time::{self, Timestamp};
use super::values::parse_notice_days;

/// What a company's row says.
#[derive(Clone, Debug)]
pub struct CompanyFacts {
    /// Its id.
    pub id: Id,
    /// The date from which MFA is to be required.
    pub enforcement_date: Option<NaiveDate>,
    /// The zone's name, known or not.
    pub time_zone: String,
    /// Whether MFA is available for the company.
    pub mfa_available: bool,
    /// The company's own reminder days, as JSON.
    pub notice_days: Option<String>,
}

/// An enforcement of the company that is open or in force.
#[derive(Clone, Debug)]
pub struct EnforcementFacts {
    /// Its id.
    pub id: Id,
    /// The date it was planned from.
    pub enforcement_date: NaiveDate,
    /// The name of the zone it was planned from.
    pub time_zone: String,
    /// The known zone in which its instants were computed.
    pub planned_time_zone: String,
    /// When it takes effect.
    pub enforce_at: Timestamp,
    /// Where it stands.
    pub state: EnforcementState,
    /// Why it is held, if it is; or a person's words.
    pub reason: Option<String>,
    /// Whether its flip has been through all members.
    pub flipped: bool,
    /// When its announcement is due; none: it has no milestones yet.
    pub announced_at: Option<Timestamp>,
}

impl EnforcementFacts {
    /// Why the daemon holds it, if it does.
    #[must_use]
    pub fn hold_reason(&self) -> Option<HoldReason> {
        let held = self.state == EnforcementState::Held;
        self.reason.as_deref().filter(|_| held).and_then(|reason| reason.parse().ok())
    }
}

/// One step from the enforcements as they are to what the row says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Make a new enforcement.
    Plan(Plan),
    /// Close an enforcement because another date took its place.
    Supersede(Id),
    /// Close an enforcement because the date was taken away.
    Cancel(Id),
    /// Bring a scheduled enforcement's instants and reminders up to date.
    Refresh(Refresh),
    /// Take over the name of a zone without computing anything anew: nobody knows the zone, or the day has come.
    CopyZone(Id),
    /// Hold a scheduled enforcement.
    Hold(Id, HoldReason),
    /// Have all members looked at: another enforcement than before governs them.
    ReviewMembers,
    /// Look again later: a flip under way has to be completed first.
    Wait,
}

/// A new enforcement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Why it is held from the start; none: it is scheduled.
    pub hold: Option<HoldReason>,
    /// The zone in which its instants are computed.
    pub zone: Tz,
    /// When it takes effect.
    pub enforce_at: Timestamp,
    /// Its milestones; a held one gets them when it is released.
    pub milestones: Vec<PlannedMilestone>,
}

/// A scheduled enforcement as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refresh {
    /// The enforcement.
    pub id: Id,
    /// The zone in which its instants are computed.
    pub zone: Tz,
    /// When it takes effect.
    pub enforce_at: Timestamp,
    /// The reminders that it should have. One that it has keeps its place even when its day has come.
    pub reminders: Vec<PlannedMilestone>,
    /// The days before the date of those that may still be added or made anew: later than today and the announcement.
    pub addable: Vec<u16>,
}

/// The reminder days of a company: its own, if they can be read, else the operator's.
#[must_use]
pub fn reminder_days(notice_days: Option<&str>, policy: &Policy) -> Vec<u16> {
    notice_days.and_then(|text| parse_notice_days(text).ok()).unwrap_or_else(|| policy.days_before.clone())
}

/// The earliest date that leaves the minimum notice (R10), in the company's zone.
#[must_use]
pub fn earliest_date(now: Timestamp, zone: Tz, policy: &Policy) -> NaiveDate {
    time::add_days(now.date_in(zone), i64::from(policy.minimum_notice_days))
}

/// Why a date cannot simply be scheduled when it is seen at `now` (R9, R10); none: it can.
#[must_use]
pub fn judge(
    company: &CompanyFacts,
    date: NaiveDate,
    now: Timestamp,
    overridden: bool,
    policy: &Policy,
) -> Option<HoldReason> {
    if !company.mfa_available {
        return Some(HoldReason::MfaNotAvailable);
    }
    let Some(zone) = time::zone(&company.time_zone) else {
        return Some(HoldReason::UnknownTimeZone);
    };
    if date < now.date_in(zone) {
        Some(HoldReason::DateInPast)
    } else if date < earliest_date(now, zone, policy) && !overridden {
        Some(HoldReason::NoticeTooShort)
    } else {
        None
    }
}

/// The plan of a new enforcement of `company` on `date`, made at `now`.
#[must_use]
pub fn plan(company: &CompanyFacts, date: NaiveDate, now: Timestamp, overridden: bool, policy: &Policy) -> Plan {
    let hold = judge(company, date, now, overridden, policy);
    let zone = time::zone(&company.time_zone).unwrap_or(Tz::UTC);
    let milestones = if hold.is_some() { Vec::new() } else { milestones(company, date, zone, now, policy) };
    Plan { hold, zone, enforce_at: schedule::enforce_at(date, zone), milestones }
}

/// The milestones of an enforcement of `company` on `date` that is scheduled at `now`.
#[must_use]
pub fn milestones(
    company: &CompanyFacts,
    date: NaiveDate,
    zone: Tz,
    now: Timestamp,
    policy: &Policy,
) -> Vec<PlannedMilestone> {
    let days = reminder_days(company.notice_days.as_deref(), policy);
    schedule::milestones(date, zone, &days, now, policy)
}

/// What has to change. `overridden` allows less than the minimum notice. Carried out, and asked again: nothing.
#[must_use]
pub fn reconcile(
    company: &CompanyFacts,
    open: Option<&EnforcementFacts>,
    in_force: Option<&EnforcementFacts>,
    now: Timestamp,
    overridden: bool,
    policy: &Policy,
) -> Vec<Change> {
    let Some(date) = company.enforcement_date else {
        return without_date(open, in_force);
    };
    match (open, in_force) {
        (Some(open), _) if open.enforcement_date == date => same_date(company, open, date, now, policy),
        (open, Some(in_force)) if in_force.enforcement_date == date => {
            let back = open.map(|open| [Change::Supersede(open.id), Change::ReviewMembers]).into_iter().flatten();
            let zone = (in_force.time_zone != company.time_zone).then_some(Change::CopyZone(in_force.id));
            back.chain(zone).collect()
        }
        (open, _) => {
            let moved = open.map(|open| Change::Supersede(open.id));
            moved.into_iter().chain([Change::Plan(plan(company, date, now, overridden, policy))]).collect()
        }
    }
}

/// Clearing the date cancels what is to come, and ends for newcomers what is in force once its flip is complete (R5).
fn without_date(open: Option<&EnforcementFacts>, in_force: Option<&EnforcementFacts>) -> Vec<Change> {
    let cancelled = open.map(|open| Change::Cancel(open.id));
    let ended = in_force.map(|in_force| if in_force.flipped { Change::Cancel(in_force.id) } else { Change::Wait });
    cancelled.into_iter().chain(ended).collect()
}

fn same_date(
    company: &CompanyFacts,
    open: &EnforcementFacts,
    date: NaiveDate,
    now: Timestamp,
    policy: &Policy,
) -> Vec<Change> {
    let moved = open.time_zone != company.time_zone;
    let known = time::zone(&company.time_zone);
    let scheduled = open.state == EnforcementState::Scheduled;
    if known.is_some() && !scheduled && open.reason.as_deref() == Some(HoldReason::UnknownTimeZone.as_str()) {
        return vec![Change::Supersede(open.id), Change::Plan(plan(company, date, now, false, policy))];
    }
    let zone = match known {
        Some(zone) => (scheduled || moved).then(|| Change::Refresh(refresh(company, open, zone, now, policy))),
        None => moved.then_some(Change::CopyZone(open.id)),
    };
    let hold = scheduled && !company.mfa_available;
    zone.into_iter().chain(hold.then_some(Change::Hold(open.id, HoldReason::MfaNotAvailable))).collect()
}

/// A scheduled enforcement's instants and reminders as the zone rules and the company's days have them at `now`.
#[must_use]
pub fn refresh(company: &CompanyFacts, open: &EnforcementFacts, zone: Tz, now: Timestamp, policy: &Policy) -> Refresh {
    let date = open.enforcement_date;
    let today = now.date_in(zone);
    let announced = open.announced_at.map_or(today, |at| schedule::announcement_day(at, zone, policy));
    let days = reminder_days(company.notice_days.as_deref(), policy);
    Refresh {
        id: open.id,
        zone,
        enforce_at: schedule::enforce_at(date, zone),
        reminders: days.iter().map(|days| schedule::reminder(date, zone, *days, policy)).collect(),
        addable: days
            .into_iter()
            .filter(|days| time::add_days(date, -i64::from(*days)) > today.max(announced))
            .collect(),
    }
}

#[cfg(test)]
mod tests;
