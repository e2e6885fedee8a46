//! What speaks against requiring MFA on the day: measured, warned of before it, and obeyed where the operator wants it.

use std::fmt;

use chrono::NaiveDate;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::notice::HoldReason;
use super::time::{self, Timestamp};

/// How many days before the date it is looked whether anything speaks against it, the earliest first.
pub const WARNING_DAYS: [u16; 2] = [7, 1];

/// What to do where a measure is exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Response {
    /// Nothing.
    Ignore,
    /// Warn before the day.
    Warn,
    /// Warn, and hold the enforcement on the day.
    Hold,
}

/// What the operator has decided.
#[derive(Clone, Copy, Debug)]
pub struct SafetyPolicy {
    /// Where none of the company's admins is enrolled.
    pub no_enrolled_admin: Response,
    /// Where too many people are not enrolled.
    pub not_enrolled: Response,
    /// How many of them may not be, in percent.
    pub not_enrolled_percent: u8,
    /// Where too many of those who are not enrolled have not been told the date.
    pub not_told: Response,
    /// How many of those may not have been, in percent.
    pub not_told_percent: u8,
}

impl SafetyPolicy {
    /// Whether any measure holds.
    #[must_use]
    pub fn may_hold(&self) -> bool {
        [self.no_enrolled_admin, self.not_enrolled, self.not_told].contains(&Response::Hold)
    }
}

impl Default for SafetyPolicy {
    /// The defaults of `config/default.toml`.
    fn default() -> Self {
        Self {
            no_enrolled_admin: Response::Warn,
            not_enrolled: Response::Warn,
            not_enrolled_percent: 50,
            not_told: Response::Warn,
            not_told_percent: 10,
        }
    }
}

/// A company in numbers, before its day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// Admins who are active persons.
    pub admins: u64,
    /// How many of them are enrolled.
    pub enrolled_admins: u64,
    /// Active persons who are neither exempt nor left out by SSO.
    pub subjects: u64,
    /// How many of them are enrolled.
    pub enrolled: u64,
    /// To how many of the others a mail that tells this date was sent, and the mail server took it.
    pub told: u64,
}

/// A measure that is exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Which; also the reason where it holds.
    pub what: HoldReason,
    /// How many speak against the day.
    pub count: u64,
    /// Of how many.
    pub of: u64,
    /// Up to how many percent would have done.
    pub percent: u8,
    /// What is done about it.
    pub response: Response,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, of, percent, .. } = self;
        match self.what {
            HoldReason::NoEnrolledAdmin if *of == 0 => f.write_str("it has no admin"),
            HoldReason::NoEnrolledAdmin => write!(f, "no admin is enrolled (of {of})"),
            HoldReason::TooFewTold => {
                write!(f, "{count} of the {of} who are not enrolled were not told (more than {percent} %)")
            }
            _ => write!(f, "{count} of {of} are not enrolled (more than {percent} %)"),
        }
    }
}

/// What is exceeded and not ignored. A company whose enforcement requires nobody is never at risk.
#[must_use]
pub fn findings(measured: &Measured, policy: &SafetyPolicy) -> Vec<Finding> {
    if measured.subjects == 0 {
        return Vec::new();
    }
    let exceeds = |count: u64, of: u64, percent: u8| count * 100 > of * u64::from(percent);
    let finding = |what, response, count, of, percent| {
        let asked = response != Response::Ignore;
        asked.then_some(Finding { what, count, of, percent, response })
    };
    let not_enrolled = measured.subjects.saturating_sub(measured.enrolled);
    let not_told = not_enrolled.saturating_sub(measured.told);
    let SafetyPolicy { not_enrolled_percent, not_told_percent, .. } = *policy;
    [
        finding(HoldReason::NoEnrolledAdmin, policy.no_enrolled_admin, measured.admins, measured.admins, 0)
            .filter(|_| measured.enrolled_admins == 0),
        finding(HoldReason::TooFewEnrolled, policy.not_enrolled, not_enrolled, measured.subjects, not_enrolled_percent)
            .filter(|one| exceeds(one.count, one.of, one.percent)),
        finding(HoldReason::TooFewTold, policy.not_told, not_told, not_enrolled, not_told_percent)
            .filter(|one| exceeds(one.count, one.of, one.percent)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Why the enforcement is held on the day; none: it is not.
#[must_use]
pub fn hold(findings: &[Finding]) -> Option<HoldReason> {
    findings.iter().find(|one| one.response == Response::Hold).map(|one| one.what)
}

/// A scheduled enforcement, as far as its warnings depend on it.
#[derive(Clone, Copy, Debug)]
pub struct Watched {
    /// Its date.
    pub date: NaiveDate,
    /// The zone in which its instants were computed.
    pub zone: Tz,
    /// When it was made: what was to be looked at before then is not.
    pub created_at: Timestamp,
    /// How many days before the date it was looked at last.
    pub warned_days: Option<i64>,
}

impl Watched {
    /// Which look is due at `now`, in days before the date; none: none is, or it was taken. Of several the latest.
    #[must_use]
    pub fn due(&self, now: Timestamp) -> Option<u16> {
        let come = WARNING_DAYS.into_iter().rev().find(|days| self.looked_at(*days) <= now);
        come.filter(|days| self.is_owed(*days))
    }

    /// When the next look after `now` is due.
    #[must_use]
    pub fn next(&self, now: Timestamp) -> Option<Timestamp> {
        let owed = WARNING_DAYS.into_iter().filter(|days| self.is_owed(*days));
        owed.map(|days| self.looked_at(days)).find(|at| *at > now)
    }

    /// The first instant of the company's day that is so many days before the date.
    fn looked_at(&self, days: u16) -> Timestamp {
        time::start_of_day(time::add_days(self.date, -i64::from(days)), self.zone)
    }

    fn is_owed(&self, days: u16) -> bool {
        self.created_at <= self.looked_at(days) && self.warned_days.is_none_or(|warned| warned > i64::from(days))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn company(subjects: u64, enrolled: u64, told: u64) -> Measured {
        Measured { admins: 2, enrolled_admins: 1, subjects, enrolled, told }
    }

    fn found(measured: &Measured) -> Vec<&'static str> {
        findings(measured, &SafetyPolicy::default()).iter().map(|one| one.what.as_str()).collect()
    }

    #[test]
    fn a_share_is_exceeded_by_more_than_its_percents() {
        assert_eq!(found(&company(10, 5, 5)), [""; 0], "exactly half");
        assert_eq!(found(&company(10, 4, 6)), ["too_few_enrolled"]);
        assert_eq!(found(&company(20, 10, 9)), [""; 0], "exactly a tenth");
        assert_eq!(found(&company(20, 10, 8)), ["too_few_told"]);
        assert_eq!(found(&company(1, 0, 0)), ["too_few_enrolled", "too_few_told"]);
        assert_eq!(found(&company(7, 7, 0)), [""; 0], "nobody is left who could have been told");
    }

    #[test]
    fn an_admin_who_is_enrolled_is_enough() {
        let none = Measured { enrolled_admins: 0, ..company(10, 9, 1) };
        assert_eq!(found(&none), ["no_enrolled_admin"]);
        assert_eq!(found(&Measured { admins: 0, ..none }), ["no_enrolled_admin"]);
        assert_eq!(found(&Measured { enrolled_admins: 1, ..none }), [""; 0]);
    }

    #[test]
    fn nobody_is_at_risk_where_nobody_is_required() {
        assert_eq!(found(&Measured::default()), [""; 0]);
    }

    #[test]
    fn only_what_is_to_hold_holds() {
        let worst = Measured { admins: 1, subjects: 4, ..Measured::default() };
        let (ignore, hold_it) = (Response::Ignore, Response::Hold);
        let reason = |policy: SafetyPolicy| hold(&findings(&worst, &policy));
        let warn = SafetyPolicy::default();
        assert_eq!(reason(warn), None);
        assert_eq!(reason(SafetyPolicy { not_told: hold_it, ..warn }), Some(HoldReason::TooFewTold));
        assert_eq!(reason(SafetyPolicy { not_enrolled: hold_it, ..warn }), Some(HoldReason::TooFewEnrolled));
        assert_eq!(reason(SafetyPolicy { no_enrolled_admin: hold_it, ..warn }), Some(HoldReason::NoEnrolledAdmin));
        let ignored = SafetyPolicy { no_enrolled_admin: ignore, not_enrolled: ignore, not_told: ignore, ..warn };
        assert_eq!(findings(&worst, &ignored), []);
        let all = SafetyPolicy { not_enrolled_percent: 100, not_told_percent: 100, ..warn };
        assert_eq!(findings(&worst, &all).len(), 1, "a hundred percent is never exceeded");
    }

    #[test]
    fn looks_are_taken_at_the_companys_midnights_once_each() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let created_at = at("2026-12-01T09:00:00Z");
        let date = NaiveDate::from_ymd_opt(2027, 1, 15).unwrap();
        let watched = Watched { date, zone: Tz::Europe__Berlin, created_at, warned_days: None };
        assert_eq!(watched.due(at("2027-01-07T22:59:59Z")), None);
        assert_eq!(watched.next(at("2027-01-07T22:59:59Z")), Some(at("2027-01-07T23:00:00Z")));
        assert_eq!(watched.due(at("2027-01-07T23:00:00Z")), Some(7));
        let warned = Watched { warned_days: Some(7), ..watched };
        assert_eq!(warned.due(at("2027-01-10T00:00:00Z")), None);
        assert_eq!(warned.next(at("2027-01-07T23:00:00Z")), Some(at("2027-01-13T23:00:00Z")));
        assert_eq!(warned.due(at("2027-01-13T23:00:00Z")), Some(1));
        assert_eq!(watched.due(at("2027-01-14T00:00:00Z")), Some(1), "the latest of those that were missed");
        let twice = Watched { warned_days: Some(1), ..watched };
        assert_eq!((twice.due(at("2027-01-14T10:00:00Z")), twice.next(created_at)), (None, None));
        let late = Watched { created_at: at("2027-01-10T00:00:00Z"), ..watched };
        assert_eq!(late.due(at("2027-01-10T00:00:01Z")), None, "made after the look was due");
        assert_eq!(late.due(at("2027-01-13T23:00:00Z")), Some(1));
    }
}
