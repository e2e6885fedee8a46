//! The settings that decide, as the pure core wants them.

use std::collections::BTreeSet;

use chrono::{NaiveTime, TimeDelta};

use super::safety::SafetyPolicy;
use super::time::Daytime;
use super::values::CountryCode;

/// What the operator has decided for all companies. `config` builds it, once.
#[derive(Clone, Debug)]
pub struct Policy {
    /// How many calendar days ahead a date must at least be (R10).
    pub minimum_notice_days: u16,
    /// Whether users who sign in through their company's identity provider are left out of their company's enforcement.
    pub leave_out_sso: bool,
    /// How many days late joiners get where their company says nothing else.
    pub new_member_grace_days: u16,
    /// When reminders are due, in the reader's zone.
    pub send_at: NaiveTime,
    /// How many days before the date reminders are due where the company says nothing else; the largest first.
    pub days_before: Vec<u16>,
    /// How long an announcement waits, so that a slip can be taken back unseen.
    pub announce_delay: TimeDelta,
    /// The hours in which announcements may arrive, in the reader's zone.
    pub announce_hours: Daytime,
    /// Whether the tasks run day and night, and so will when those hours begin. Who runs them now and then may miss them.
    pub runs_through: bool,
    /// Where a person may use a phone number as second step.
    pub sms_countries: BTreeSet<CountryCode>,
    /// Where a payee may.
    pub payee_sms_countries: BTreeSet<CountryCode>,
    /// What speaks against requiring MFA on the day, and what is done about it.
    pub safety: SafetyPolicy,
}

impl Policy {
    /// How many days late joiners of a company get: its own, if it has any.
    #[must_use]
    pub fn grace_days(&self, own: Option<i64>) -> u16 {
        own.and_then(|days| u16::try_from(days).ok()).unwrap_or(self.new_member_grace_days)
    }
}

impl Default for Policy {
    /// The defaults of `config/default.toml`.
    fn default() -> Self {
        let time = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or_default();
        let countries = |codes: &str| codes.split(' ').filter_map(|code| code.parse().ok()).collect();
        Self {
            minimum_notice_days: 7,
            leave_out_sso: true,
            new_member_grace_days: 7,
            send_at: time(9),
            days_before: vec![30, 14, 7, 3, 1],
            announce_delay: TimeDelta::minutes(15),
            announce_hours: Daytime { from: time(8), until: time(20) },
            runs_through: true,
            sms_countries: countries("US CA MX GB IE FR DE ES IT AU NZ SG HK"),
            payee_sms_countries: countries("US"),
            safety: SafetyPolicy::default(),
        }
    }
}
