//! What a date means: the instant at which it takes effect, its milestones, and when each notice is due for its reader.

use chrono::{NaiveDate, TimeDelta};
use chrono_tz::Tz;

use super::notice::NoticeKind;
use super::policy::Policy;
use super::time::{self, Timestamp};

/// One point of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedMilestone {
    /// What its notices say.
    pub kind: NoticeKind,
    /// For reminders, how many days before the date.
    pub days_before: Option<u16>,
    /// When its notices are to be made: early enough for the easternmost reader.
    pub due_at: Timestamp,
}

/// The instant at which a date takes effect: the first instant of that day in the company's zone.
#[must_use]
pub fn enforce_at(date: NaiveDate, zone: Tz) -> Timestamp {
    time::start_of_day(date, zone)
}

/// The milestones of an enforcement on `date` that is planned at `now`, in the order in which they are due.
///
/// Reminders on or before the day of the announcement are left out. The `welcome` milestone is where late joiners'
/// notices belong; it has no notices of its own.
#[must_use]
pub fn milestones(
    date: NaiveDate,
    zone: Tz,
    days_before: &[u16],
    now: Timestamp,
    policy: &Policy,
) -> Vec<PlannedMilestone> {
    let announced = now.plus(policy.announce_delay);
    let announcement_day = announcement_day(announced, zone, policy);
    let bare = |kind, due_at| PlannedMilestone { kind, days_before: None, due_at };
    let reminders = days_before.iter().filter(|days| time::add_days(date, -i64::from(**days)) > announcement_day);
    [bare(NoticeKind::Welcome, now), bare(NoticeKind::Announcement, announced)]
        .into_iter()
        .chain(reminders.map(|days| reminder(date, zone, *days, policy)))
        .chain([bare(NoticeKind::NowRequired, enforce_at(date, zone))])
        .collect()
}

/// The company's day on which an announcement that is due at `announced` goes out.
#[must_use]
pub fn announcement_day(announced: Timestamp, zone: Tz, policy: &Policy) -> NaiveDate {
    policy.announce_hours.first_from(announced, zone).date_in(zone)
}

/// The reminder `days` before `date`.
#[must_use]
pub fn reminder(date: NaiveDate, zone: Tz, days: u16, policy: &Policy) -> PlannedMilestone {
    let kind = if days == 1 { NoticeKind::FinalReminder } else { NoticeKind::Reminder };
    PlannedMilestone { kind, days_before: Some(days), due_at: expand_reminder_at(enforce_at(date, zone), days, policy) }
}

/// Whether the company's day of the reminder `days` before `date` has passed at `now`.
#[must_use]
pub fn is_over(date: NaiveDate, days: i64, zone: Tz, now: Timestamp) -> bool {
    time::add_days(date, -days) < now.date_in(zone)
}

/// An instant before that at which the easternmost reader is due the reminder of `days` before.
///
/// `enforce_at` falls on L somewhere between 00:00 and 24:00 in the reader's zone, so that `send_at` on L is at most
/// 24 hours minus `send_at` earlier than it; three hours more than cover every change of the clocks in between.
#[must_use]
pub fn expand_reminder_at(enforce_at: Timestamp, days: u16, policy: &Policy) -> Timestamp {
    let from_midnight = policy.send_at.signed_duration_since(chrono::NaiveTime::MIN);
    enforce_at.plus(from_midnight - TimeDelta::days(i64::from(days) + 1) - TimeDelta::hours(3))
}

/// When a notice is due, for a reader in `reader_zone`.
///
/// `milestone_due_at` is when its milestone was due, `required_at` when MFA becomes required for this reader: the later
/// of `enforce_at` and the membership's `require_at`.
#[must_use]
pub fn notice_due_at(
    milestone: &PlannedMilestone,
    enforce_at: Timestamp,
    required_at: Timestamp,
    reader_zone: Tz,
    policy: &Policy,
) -> Timestamp {
    match milestone.kind {
        NoticeKind::Announcement | NoticeKind::Rescheduled | NoticeKind::Cancelled => {
            policy.announce_hours.first_from(milestone.due_at, reader_zone)
        }
        NoticeKind::Reminder | NoticeKind::FinalReminder => {
            let day = enforce_at.date_in(reader_zone);
            let days = i64::from(milestone.days_before.unwrap_or(1));
            time::instant_at(time::add_days(day, -days), policy.send_at, reader_zone)
        }
        NoticeKind::NowRequired => now_required_due_at(required_at, reader_zone, policy),
        NoticeKind::Welcome => milestone.due_at,
    }
}

/// When somebody who becomes required at `required_at` is told so: then, or at `send_at` of that day, whichever is later.
#[must_use]
pub fn now_required_due_at(required_at: Timestamp, reader_zone: Tz, policy: &Policy) -> Timestamp {
    required_at.max(time::instant_at(required_at.date_in(reader_zone), policy.send_at, reader_zone))
}

/// The personal date of a late joiner or of somebody whose exemption ended, seen at `now`: the first midnight of the
/// company at least `grace_days` later, never before `enforce_at`.
#[must_use]
pub fn require_at(now: Timestamp, enforce_at: Timestamp, grace_days: u16, company_zone: Tz) -> Timestamp {
    personal_date(now.plus(TimeDelta::days(i64::from(grace_days))), enforce_at, company_zone)
}

/// The first midnight of the company at or after `earliest`, never before `enforce_at`.
#[must_use]
pub fn personal_date(earliest: Timestamp, enforce_at: Timestamp, company_zone: Tz) -> Timestamp {
    let day = earliest.date_in(company_zone);
    let midnight = (0..3)
        .map(|days| time::start_of_day(time::add_days(day, days), company_zone))
        .find(|midnight| *midnight >= earliest)
        .unwrap_or(earliest);
    midnight.max(enforce_at)
}

/// How many days a reader has left: from today to the day on which MFA becomes required, both in the reader's zone.
#[must_use]
pub fn days_left(required_at: Timestamp, now: Timestamp, reader_zone: Tz) -> i64 {
    required_at.date_in(reader_zone).signed_duration_since(now.date_in(reader_zone)).num_days()
}

#[cfg(test)]
mod tests;
