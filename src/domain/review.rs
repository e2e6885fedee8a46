//! What becomes of a membership that the daemon has not looked at since it was made or changed.

use chrono::{NaiveDate, TimeDelta};
use chrono_tz::Tz;

use super::expansion::required_at;
use super::notice::{EnforcementState, NoticeKind};
use super::policy::Policy;
use super::schedule;
use super::time::Timestamp;

/// The enforcement that governs the company now.
#[derive(Clone, Copy, Debug)]
pub struct Governing {
    /// Where it stands: `scheduled`, `held` or `in_force`.
    pub state: EnforcementState,
    /// Its date.
    pub date: NaiveDate,
    /// When it takes effect.
    pub enforce_at: Timestamp,
    /// The company's zone, as it was planned in.
    pub zone: Tz,
    /// How many days late joiners get.
    pub grace_days: u16,
    /// When its announcement is due; none: it was held from the start, and is announced to all when released.
    pub announced_at: Option<Timestamp>,
    /// Whether an announcement or a reminder that is yet to be made will reach whoever is there.
    pub more_to_come: bool,
}

/// A membership to be looked at.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "facts about a row, each a yes or no of its own")]
pub struct MembershipFacts {
    /// An active person who is neither exempt nor left out by SSO.
    pub subject: bool,
    /// Whether they were one when the daemon looked last; none: it never has.
    pub was_subject: Option<bool>,
    /// Has set up MFA.
    pub enrolled: bool,
    /// The zone of the member's days.
    pub reader_zone: Tz,
    /// The date that the company told them last.
    pub told_date: Option<NaiveDate>,
    /// From when that mail told them that MFA is required.
    pub told_at: Option<Timestamp>,
    /// Whether a notice of this enforcement that tells the date is on its way to them.
    pub telling: bool,
    /// Whether this enforcement requires them already.
    pub required: bool,
    /// Whether an earlier enforcement of the company does.
    pub required_before: bool,
    /// Whether they have its `now_required` notice.
    pub told_required: bool,
    /// The personal date they have.
    pub require_at: Option<Timestamp>,
}

/// What the look came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// A personal date to set.
    pub require_at: Option<Timestamp>,
    /// Notices to make, with when they are due.
    pub notices: Vec<(NoticeKind, Timestamp)>,
}

/// Looks at a membership at `now`, under the enforcement that governs its company.
///
/// Who comes late (was never seen before, was reactivated, or came out of an exemption) and was not told the date is told at
/// once, and gets a personal date. Who was there and was not told, because they were enrolled, is back on the schedule;
/// where nothing of it is left to come, they are told at once, and keep the date everybody has. Who was told a personal date keeps it, whatever becomes of the row. Whom an earlier date of the
/// company requires already has nothing to prepare for, and no date to wait for.
#[must_use]
pub fn review(governing: Option<Governing>, member: &MembershipFacts, now: Timestamp, policy: &Policy) -> Outcome {
    let mut outcome = Outcome::default();
    let Some(governing) = governing.filter(|_| member.subject) else { return outcome };
    let Some(announced_at) = governing.announced_at else { return outcome };
    let in_force = governing.state == EnforcementState::InForce;
    let required = member.required || member.required_before;
    let told = required || member.told_date == Some(governing.date);
    let told_another = member.told_date.is_some() && !told;
    // A date in force has no `rescheduled` to come: who was told another one is told of it as if they came late.
    let comes_late = member.was_subject != Some(true) || in_force && told_another;
    if !told {
        if comes_late && !(member.telling && member.was_subject.is_some()) {
            outcome.require_at =
                Some(schedule::require_at(now, governing.enforce_at, governing.grace_days, governing.zone));
        }
        if !member.enrolled && !member.telling && (comes_late || !governing.more_to_come) {
            outcome.notices.push(if told_another && !in_force {
                // Until then the move can be taken back unseen.
                let unseen = announced_at > now;
                let due = if unseen { policy.announce_hours.first_from(announced_at, member.reader_zone) } else { now };
                (NoticeKind::Rescheduled, due)
            } else {
                (NoticeKind::Welcome, now)
            });
        }
    } else if !required && member.require_at.is_none() {
        // The company's own date, as it was told before its zone moved, is no date of theirs.
        let is_own = |told_at: &Timestamp| told_at.date_in(governing.zone) > governing.date;
        outcome.require_at = member.told_at.filter(|told_at| is_own(told_at) && *told_at > now);
    }
    if in_force && !member.enrolled && !member.told_required && !member.required_before {
        let at = required_at(governing.enforce_at, outcome.require_at.or(member.require_at));
        // Whose own date is yet to come hears of it then, by the zone that they have then.
        if at <= now {
            let due = schedule::now_required_due_at(at, member.reader_zone, policy);
            outcome.notices.push((NoticeKind::NowRequired, due.max(now)));
        }
    }
    outcome
}

/// How long after a date was taken back who was left out for a while is still told so when they are back.
pub const UNDONE_NEWS: TimeDelta = TimeDelta::days(90);

/// When a member who was told a date hears that it was taken back, if they were left out when the others heard it, `told_at`;
/// none: that is long ago, and the date long over.
#[must_use]
pub fn undone_due_at(told_at: Timestamp, reader_zone: Tz, now: Timestamp, policy: &Policy) -> Option<Timestamp> {
    (told_at.plus(UNDONE_NEWS) > now).then(|| policy.announce_hours.first_from(now.max(told_at), reader_zone))
}

/// An exempt member, who would otherwise be a subject, and is neither enrolled nor required by the company.
#[derive(Clone, Copy, Debug)]
pub struct ExemptFacts {
    /// When the exemption lapses.
    pub exempt_until: Timestamp,
    /// The zone of the member's days.
    pub reader_zone: Tz,
    /// The date that the company told them last.
    pub told_date: Option<NaiveDate>,
    /// From when that mail told them that MFA is required.
    pub told_at: Option<Timestamp>,
    /// The personal date they have.
    pub require_at: Option<Timestamp>,
}

/// What a member is told at `now` because their exemption is about to lapse: from when MFA will be required of them, unless
/// they know that day. The days of grace that others get after they were told run while they are exempt still.
#[must_use]
pub fn before_lapse(governing: Governing, member: &ExemptFacts, now: Timestamp, policy: &Policy) -> Outcome {
    let grace = now.plus(TimeDelta::days(i64::from(governing.grace_days)));
    let earliest = grace.max(member.exempt_until);
    let date = schedule::personal_date(earliest, governing.enforce_at, governing.zone);
    let date = member.require_at.map_or(date, |own| own.max(date));
    let day = |at: Timestamp| at.date_in(member.reader_zone);
    let knows = member.told_date == Some(governing.date) && member.told_at.is_some_and(|told| day(told) == day(date));
    let due = policy.announce_hours.first_from(now, member.reader_zone);
    Outcome { require_at: Some(date), notices: if knows { vec![] } else { vec![(NoticeKind::Welcome, due)] } }
}
