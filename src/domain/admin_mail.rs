//! Mail to a company's admins: what it says, and when they get it.

use chrono::NaiveDate;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::ids::Id;
use super::notice::{EnforcementState, HoldReason, NoticeKind, names};
use super::policy::Policy;
use super::schedule;
use super::time::{self, Timestamp};

names! {
    /// What a mail to an admin says.
    AdminMailKind {
        /// Somebody has decided something about the company's date.
        Decision = "decision",
        /// Who is ready for the date and who is not.
        Digest = "digest",
        /// How the day has gone.
        DayReport = "day_report",
    }
}

names! {
    /// What was decided.
    Action {
        /// A date was set.
        Set = "set",
        /// Another date was set in its place.
        Moved = "moved",
        /// The date was taken away before it came.
        Cancelled = "cancelled",
        /// The date was taken away after it had come: newcomers are not required any more.
        Ended = "ended",
        /// The date waits for a person.
        Held = "held",
        /// The date waits no longer.
        Released = "released",
        /// What the date required was undone.
        Reverted = "reverted",
    }
}

names! {
    /// Why a mail to an admin is not sent.
    AdminSkipReason {
        /// The user was deleted, cannot sign in any more, or is no admin of the company any more.
        NoAdmin = "no_admin",
        /// The admin does not want such mail.
        NotWanted = "not_wanted",
        /// Mail to the address came back.
        Bounced = "bounced",
        /// The date does not stand any more, or has come.
        OutOfState = "out_of_state",
        /// A digest whose day is over.
        Late = "late",
        /// A decision after which another was made.
        Superseded = "superseded",
        /// The date is about nobody.
        Nobody = "nobody",
    }
}

/// What is known of a mail to an admin at the moment of its claim.
#[derive(Clone, Copy, Debug)]
pub struct AdminMailFacts {
    /// What it says.
    pub kind: AdminMailKind,
    /// What mail the user wants; none: they are no admin of the company who can sign in.
    pub choice: Option<AdminMailChoice>,
    /// Mail to the address came back.
    pub bounced: bool,
    /// Where the enforcement stands.
    pub state: EnforcementState,
    /// Whether the company's day on which it was due is over.
    pub late: bool,
    /// Of a decision: whether another was made after it, of which the admin is told as well.
    pub superseded: bool,
}

/// Why a mail to an admin must not be sent now; none: it may.
#[must_use]
pub fn left_out(facts: &AdminMailFacts) -> Option<AdminSkipReason> {
    match facts.choice {
        None => return Some(AdminSkipReason::NoAdmin),
        Some(AdminMailChoice::None) => return Some(AdminSkipReason::NotWanted),
        Some(AdminMailChoice::Decisions) if facts.kind != AdminMailKind::Decision => {
            return Some(AdminSkipReason::NotWanted);
        }
        Some(_) => {}
    }
    if facts.bounced {
        return Some(AdminSkipReason::Bounced);
    }
    match facts.kind {
        AdminMailKind::Decision => facts.superseded.then_some(AdminSkipReason::Superseded),
        AdminMailKind::Digest if facts.state != EnforcementState::Scheduled => Some(AdminSkipReason::OutOfState),
        AdminMailKind::Digest => facts.late.then_some(AdminSkipReason::Late),
        AdminMailKind::DayReport => (facts.state != EnforcementState::InForce).then_some(AdminSkipReason::OutOfState),
    }
}

/// One mail to one admin of a company.
#[derive(Clone, Debug)]
pub struct AdminMessage {
    /// The row in `admin_mails`, and the name of the `.eml` file.
    pub mail_id: Id,
    /// Where it goes. Not parsed: what cannot be an address fails this mail alone.
    pub address: String,
    /// The admin's name as stored; may hold anything.
    pub name: String,
    /// Language tags, the best first: the admin's, then the company's. May be empty.
    pub locales: Vec<String>,
    /// The company.
    pub company_id: Id,
    /// The company's name.
    pub company: String,
    /// The key by which commands name the company.
    pub company_key: String,
    /// The enforcement that it is about.
    pub enforcement_id: Id,
    /// When the second step becomes required, or would have.
    pub required_at: Timestamp,
    /// The company's zone, in which its dates are.
    pub zone: Tz,
    /// When it is written.
    pub at: Timestamp,
    /// What it says.
    pub news: News,
}

/// What a mail to an admin says.
#[derive(Clone, Debug)]
pub enum News {
    /// What was decided.
    Decision(Box<Decision>),
    /// Who is ready for the date and who is not.
    Digest(Progress),
    /// How the day has gone.
    DayReport(Progress),
}

impl News {
    /// Whether it is about a date that concerns nobody.
    #[must_use]
    pub fn is_about_nobody(&self) -> bool {
        match self {
            Self::Decision(_) => false,
            Self::Digest(progress) | Self::DayReport(progress) => progress.subjects == 0,
        }
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> AdminMailKind {
        match self {
            Self::Decision(_) => AdminMailKind::Decision,
            Self::Digest(_) => AdminMailKind::Digest,
            Self::DayReport(_) => AdminMailKind::DayReport,
        }
    }
}

/// What was decided, by whom and what comes of it.
#[derive(Clone, Debug)]
pub struct Decision {
    /// What.
    pub action: Action,
    /// By whom, as they gave it; none: nobody is named.
    pub by: Option<String>,
    /// When.
    pub decided_at: Timestamp,
    /// For `moved`: the date before.
    pub was: Option<NaiveDate>,
    /// Why, in a person's words.
    pub reason: Option<String>,
    /// For `held`: why, where the daemon itself holds.
    pub held: Option<HoldReason>,
    /// How many people are written to because of it.
    pub people: u64,
    /// From when on; none: nobody is.
    pub first_mail_at: Option<Timestamp>,
    /// Of one that takes something back: another date of the company that goes on to stand.
    pub stands: Option<NaiveDate>,
    /// Whether an earlier date of the company is in force beside this one.
    pub beside_in_force: bool,
    /// Whether the date leaves less than the minimum notice by now, so that nobody releases it without an override.
    pub too_soon: bool,
}

/// Who is ready and who is not.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// How many people the date is about.
    pub subjects: u64,
    /// How many of them are enrolled.
    pub enrolled: u64,
    /// Some of those who are not.
    pub waiting: Vec<Contact>,
    /// How many of them were never reached by any notice of the date, because their mail fails.
    pub unreachable: u64,
    /// Some of those.
    pub unreached: Vec<Contact>,
    /// What comes next, and when; none: nothing is planned.
    pub next: Option<(NoticeKind, Timestamp)>,
}

/// Somebody, for an admin to know them by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Contact {
    /// The row in `users`.
    pub user_id: Id,
    /// The name as stored.
    pub name: String,
    /// The address as stored.
    pub email: String,
}

names! {
    /// What mail about a company's dates an admin of it wants.
    AdminMailChoice {
        /// All of it.
        All = "all",
        /// Decisions alone.
        Decisions = "decisions",
        /// None.
        None = "none",
    }
}

/// When the admins get the next digest after `now`, or after the last one the report of the day.
///
/// Digests come at `notices.send_at` of the company's day: every week from before the first of the `reminders`, which are
/// days before the date, and every day in the last week.
#[must_use]
pub fn next_report(
    date: NaiveDate,
    enforce_at: Timestamp,
    zone: Tz,
    reminders: &[u16],
    now: Timestamp,
    policy: &Policy,
) -> Timestamp {
    digests(date, zone, reminders, policy)
        .find(|instant| *instant > now)
        .unwrap_or_else(|| schedule::now_required_due_at(enforce_at, zone, policy))
}

/// Whether a digest of the company's day of `now` has been due by then: one of an earlier day is worth nothing any more.
#[must_use]
pub fn digest_today(date: NaiveDate, zone: Tz, reminders: &[u16], now: Timestamp, policy: &Policy) -> bool {
    digests(date, zone, reminders, policy).any(|at| at <= now && at.date_in(zone) == now.date_in(zone))
}

fn digests<'a>(
    date: NaiveDate,
    zone: Tz,
    reminders: &[u16],
    policy: &'a Policy,
) -> impl Iterator<Item = Timestamp> + use<'a> {
    let most = reminders.iter().copied().max().unwrap_or(7).max(7).div_ceil(7) * 7;
    let days = (1..=most).rev().filter(|days| *days <= 7 || days % 7 == 0);
    days.map(move |days| time::instant_at(time::add_days(date, -i64::from(days)), policy.send_at, zone))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_come_weekly_and_then_daily_and_the_report_last() {
        let (zone, policy) = (Tz::Europe__Berlin, Policy::default());
        let date = NaiveDate::from_ymd_opt(2027, 1, 15).unwrap();
        let enforce_at = schedule::enforce_at(date, zone);
        let mut now: Timestamp = "2026-06-01T00:00:00Z".parse().unwrap();
        let mut days = Vec::new();
        for _ in 0..12 {
            now = next_report(date, enforce_at, zone, &policy.days_before, now, &policy);
            days.push((now.date_in(zone) - date).num_days());
        }
        assert_eq!(days, [-35, -28, -21, -14, -7, -6, -5, -4, -3, -2, -1, 0]);
        assert_eq!(now.to_string(), "2027-01-15T08:00:00.000000Z", "at nine of the day itself");
        assert_eq!(next_report(date, enforce_at, zone, &[90, 7], now, &policy), now);
        let january: Timestamp = "2026-10-01T00:00:00Z".parse().unwrap();
        let first = next_report(date, enforce_at, zone, &[90, 7], january, &policy);
        assert_eq!((first.date_in(zone) - date).num_days(), -91, "before the company's own first reminder");
    }
}
