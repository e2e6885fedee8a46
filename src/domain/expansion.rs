//! Which notice a member is owed for a milestone, and when.

use chrono::NaiveDate;
use chrono_tz::Tz;

use super::notice::NoticeKind;
use super::policy::Policy;
use super::schedule::{self, PlannedMilestone};
use super::time::Timestamp;

/// A member who may be owed a notice: an active person, neither enrolled, exempt, left out by SSO nor unreachable.
#[derive(Clone, Copy, Debug)]
pub struct MemberFacts {
    /// The zone of the member's days: their own, or the company's.
    pub zone: Tz,
    /// The personal date.
    pub require_at: Option<Timestamp>,
    /// The date that the company told this member last.
    pub told_date: Option<NaiveDate>,
    /// From when that mail told them that MFA is required.
    pub told_at: Option<Timestamp>,
    /// Whether a notice of this enforcement that tells the date is on its way to them.
    pub telling: bool,
    /// Whether this enforcement requires them already.
    pub required: bool,
    /// Whether an earlier enforcement of the company does.
    pub required_before: bool,
}

/// An enforcement, as far as its notices depend on it.
#[derive(Clone, Copy, Debug)]
pub struct Enforcement {
    /// Its date.
    pub date: NaiveDate,
    /// When it takes effect.
    pub enforce_at: Timestamp,
    /// When its announcement is due.
    pub announced_at: Option<Timestamp>,
}

/// The notice that `member` is owed for `milestone`, and when it is due; none, if they have nothing to be told.
///
/// Whoever was told another date is told that it moved, whoever was told this one is not told again (R5); nor is a late
/// joiner whose own date, which they were told, stays as it is. Who is required already by an earlier date of the company
/// has nothing to prepare for. Reminders on or before the reader's day of the announcement are left out: where the date
/// falls on the day before, they come a day sooner than the company's.
#[must_use]
pub fn owed(
    milestone: &PlannedMilestone,
    enforcement: Enforcement,
    member: &MemberFacts,
    policy: &Policy,
) -> Option<(NoticeKind, Timestamp)> {
    let required_at = required_at(enforcement.enforce_at, member.require_at);
    let kind = match milestone.kind {
        NoticeKind::Announcement => match member.told_date {
            _ if member.required_before || member.telling => return None,
            Some(told) if told == enforcement.date || member.told_at == Some(required_at) => return None,
            Some(_) => NoticeKind::Rescheduled,
            None => NoticeKind::Announcement,
        },
        NoticeKind::Cancelled if member.told_date.is_none() || member.required || member.required_before => {
            return None;
        }
        // Whose own date is later hears of it when that comes.
        NoticeKind::NowRequired if required_at > enforcement.enforce_at => return None,
        _ if member.required_before => return None,
        kind => kind,
    };
    let due_at = schedule::notice_due_at(milestone, enforcement.enforce_at, required_at, member.zone, policy);
    let announced_on = enforcement.announced_at.map(|at| schedule::announcement_day(at, member.zone, policy));
    let too_soon = kind.is_reminder() && announced_on.is_some_and(|day| due_at.date_in(member.zone) <= day);
    (!too_soon).then_some((kind, due_at))
}

/// When an enforcement that takes effect at `enforce_at` requires a member with this personal date (R3).
#[must_use]
pub fn required_at(enforce_at: Timestamp, require_at: Option<Timestamp>) -> Timestamp {
    require_at.map_or(enforce_at, |own| own.max(enforce_at))
}
