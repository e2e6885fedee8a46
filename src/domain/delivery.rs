//! Which of a user's due notices go into a mail now, and what becomes of the others: rules R1, R2 and R7.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use chrono_tz::Tz;

use super::ids::Id;
use super::notice::{EnforcementState, NoticeKind, SkipReason};
use super::policy::Policy;
use super::schedule;
use super::time::{self, Timestamp};

/// What is known of a user at the moment of the decision.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "columns of a row, each a yes or no of its own")]
pub struct UserFacts {
    /// A person's account, not a service's.
    pub person: bool,
    /// Active.
    pub active: bool,
    /// Signs in through the company's identity provider.
    pub sso: bool,
    /// Receives payments.
    pub payee: bool,
    /// Has set up MFA.
    pub enrolled: bool,
    /// The address was refused for good.
    pub bounced: bool,
}

/// What is known of a user's membership in the company that the notice is from.
#[derive(Clone, Copy, Debug)]
pub struct MembershipFacts {
    /// Left out until then.
    pub exempt_until: Option<Timestamp>,
    /// Not required before.
    pub require_at: Option<Timestamp>,
    /// Whether a flip of the company is yet to require the member, of which this notice does not tell: it is not over, or it put them
    /// off, as somebody kept the account locked.
    pub flipping: bool,
}

impl MembershipFacts {
    /// Whether the membership is left out at `now`.
    #[must_use]
    pub fn is_exempt(self, now: Timestamp) -> bool {
        self.exempt_until.is_some_and(|until| until > now)
    }

    /// Whether it is left out at `now`, but so soon no longer that the member is told what comes then.
    #[must_use]
    pub fn lapses_soon(self, now: Timestamp) -> bool {
        self.is_exempt(now) && self.exempt_until.is_some_and(|until| until <= now.plus(LAPSE_NOTICE))
    }
}

/// What is known of a due notice.
#[derive(Clone, Debug)]
pub struct NoticeFacts {
    /// The notice.
    pub id: Id,
    /// What it says.
    pub kind: NoticeKind,
    /// Since when it is due.
    pub due_at: Timestamp,
    /// When it was to be sent: then, or later, if it was put off.
    pub next_attempt_at: Timestamp,
    /// The enforcement it is from.
    pub enforcement_id: Id,
    /// Where that stands.
    pub state: EnforcementState,
    /// The date of that.
    pub date: NaiveDate,
    /// The company of that; none: it is the payee mandate.
    pub company_id: Option<Id>,
    /// The date that the company's row has now.
    pub company_date: Option<NaiveDate>,
    /// Whether that date is held, so that nobody hears of it.
    pub company_date_held: bool,
    /// The membership in the company; none: the user is no member.
    pub membership: Option<MembershipFacts>,
    /// Whether this enforcement requires the user already.
    pub required: bool,
    /// Whether another enforcement of the company does.
    pub required_before: bool,
    /// The date that the user was told last by this company.
    pub told_date: Option<NaiveDate>,
    /// From when that mail told them that MFA is required.
    pub told_at: Option<Timestamp>,
    /// From when the enforcement requires the user.
    pub required_at: Timestamp,
    /// The mail that an earlier attempt was made with.
    pub mail: Option<EarlierMail>,
}

/// An attempt that was made before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EarlierMail {
    /// The mail.
    pub id: Id,
    /// Whether the reader may have received it.
    pub maybe_received: bool,
    /// Whether it is tried again.
    pub again: Again,
}

/// Whether a mail that was tried before is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// With what it carried and is still to be said.
    Now,
    /// Once the rest of what it carried can go with it, which is in somebody's hands for a moment: what may have been received is
    /// repeated whole.
    WithTheRest,
    /// Another is made: it is on record as sent, or as failed, without this; or it was not received, and must not count as having
    /// told what it would not carry.
    Never,
}

/// What becomes of a user's due notices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// These go into one mail.
    pub send: Vec<Id>,
    /// The mail to try again rather than a new one, so that its Message-ID stays.
    pub mail: Option<EarlierMail>,
    /// These are not sent, each for its reason.
    pub skip: Vec<(Id, SkipReason)>,
    /// These wait, each until its instant.
    pub wait: Vec<(Id, Timestamp)>,
}

impl NoticeFacts {
    /// Whether an earlier attempt may have brought it to the reader already: then it is only repeated.
    fn maybe_received(&self) -> bool {
        self.mail.is_some_and(|mail| mail.maybe_received)
    }

    /// Whether a flip is yet to require its reader.
    fn is_flipping(&self) -> bool {
        self.membership.is_some_and(|membership| membership.flipping)
    }

    /// What it says to a reader who was told this meanwhile: to whom no date was told, none is moved, and to whom another
    /// was, this one is not the first (R5). What may have been received is only repeated.
    #[must_use]
    pub fn fitting_kind(&self) -> NoticeKind {
        match (self.kind, self.told_date) {
            _ if self.maybe_received() => self.kind,
            (NoticeKind::Rescheduled, None) => NoticeKind::Announcement,
            (NoticeKind::Announcement, Some(told)) if told != self.date => NoticeKind::Rescheduled,
            (kind, _) => kind,
        }
    }
}

/// How long before an exemption lapses the member is told what comes then.
pub const LAPSE_NOTICE: chrono::TimeDelta = chrono::TimeDelta::days(7);
/// How long to wait for a requirement that is about to be made, and for the rest of a mail.
const MOMENT: chrono::TimeDelta = chrono::TimeDelta::seconds(30);

/// Why a user must not get this notice now (R1); none: they may.
#[must_use]
pub fn ineligible(
    user: Option<&UserFacts>,
    notice: &NoticeFacts,
    reader_zone: Tz,
    now: Timestamp,
    policy: &Policy,
) -> Option<SkipReason> {
    let Some(user) = user else {
        return Some(SkipReason::UserDeleted);
    };
    if !user.person {
        return Some(SkipReason::ServiceAccount);
    }
    if !user.active {
        return Some(SkipReason::Inactive);
    }
    if user.enrolled {
        return Some(SkipReason::Enrolled);
    }
    if user.bounced {
        return Some(SkipReason::Bounced);
    }
    let left_out = if notice.company_id.is_none() {
        (!user.payee).then_some(SkipReason::NotAPayee)
    } else {
        match notice.membership {
            None => Some(SkipReason::NotAMember),
            Some(membership) if notice.kind == NoticeKind::Welcome && membership.lapses_soon(now) => None,
            Some(membership) if membership.is_exempt(now) => Some(SkipReason::Exempt),
            Some(_) if user.sso && policy.leave_out_sso => Some(SkipReason::Sso),
            Some(_) => None,
        }
    };
    left_out.or_else(|| out_of_state(notice, reader_zone))
}

/// Why a notice has nothing to say any more, for the state of its enforcement and what the user was told (R1, R5).
fn out_of_state(notice: &NoticeFacts, reader_zone: Tz) -> Option<SkipReason> {
    if !notice.kind.allowed_in(notice.state) {
        return Some(match notice.state {
            EnforcementState::Superseded => SkipReason::Superseded,
            EnforcementState::Cancelled => SkipReason::Cancelled,
            EnforcementState::Reverted => SkipReason::Reverted,
            _ => SkipReason::OutOfState,
        });
    }
    match notice.kind {
        // Whom it requires in spite of that, as it began to before, it stands for.
        NoticeKind::Cancelled if notice.required || notice.company_date.is_some() && !freed_beside_held(notice) => {
            Some(SkipReason::DateStands)
        }
        // So does the earlier date for whom that requires: they have nothing to prepare for.
        NoticeKind::Announcement | NoticeKind::Rescheduled | NoticeKind::Cancelled if notice.required_before => {
            Some(SkipReason::DateStands)
        }
        NoticeKind::Cancelled if notice.told_date.is_none() => Some(SkipReason::NotTold),
        // A date that does not stand any more requires nobody new (R5).
        NoticeKind::NowRequired
            if !notice.required && notice.company_id.is_some() && notice.company_date != Some(notice.date) =>
        {
            Some(SkipReason::Superseded)
        }
        NoticeKind::Announcement | NoticeKind::Rescheduled
            if notice.told_date == Some(notice.date) && !notice.maybe_received() =>
        {
            Some(SkipReason::AlreadyTold)
        }
        NoticeKind::Welcome if knows_day(notice, reader_zone) && !notice.maybe_received() => {
            Some(SkipReason::AlreadyTold)
        }
        _ => None,
    }
}

/// Whether what required the reader was undone while another date of the company is held: nothing else tells them before
/// that is released. Who was told that other date hears of it by what becomes of it.
fn freed_beside_held(notice: &NoticeFacts) -> bool {
    notice.state == EnforcementState::Reverted && notice.company_date_held && notice.told_date != notice.company_date
}

/// Whether the reader was told this date, and their own day as it is now.
fn knows_day(notice: &NoticeFacts, reader_zone: Tz) -> bool {
    let day = |at: Timestamp| at.date_in(reader_zone);
    notice.told_date == Some(notice.date) && notice.told_at.is_none_or(|told| day(told) == day(notice.required_at))
}

/// A mail that a user got, is getting or may have got.
#[derive(Clone, Copy, Debug)]
pub struct Mailed {
    /// The mail.
    pub id: Id,
    /// The user's local day, as it was written down then.
    pub day: NaiveDate,
    /// When it went.
    pub at: Timestamp,
}

impl Mailed {
    /// Whether it was that day's mail. Who has no zone of their own may have been written to by the days of another company:
    /// it counts for its day there and for its day here.
    #[must_use]
    pub fn is_of(&self, day: NaiveDate, reader_zone: Tz) -> bool {
        self.day == day || self.at.date_in(reader_zone) == day
    }
}

/// Decides on all of a user's due notices at once.
///
/// `reader_zone` is the zone of the user's days; `mailed_today` names the mails that the user got, is getting or may have
/// got on the local day of `now`.
#[must_use]
pub fn decide(
    user: Option<&UserFacts>,
    notices: &[NoticeFacts],
    mailed_today: &[Id],
    reader_zone: Tz,
    now: Timestamp,
    policy: &Policy,
) -> Decision {
    let mut decision = Decision::default();
    let mut by_enforcement: BTreeMap<Id, Vec<&NoticeFacts>> = BTreeMap::new();
    // What else there is to say comes after it.
    let one_awaits_its_rest =
        notices.iter().any(|notice| notice.mail.is_some_and(|mail| mail.again == Again::WithTheRest));
    for notice in notices {
        match ineligible(user, notice, reader_zone, now, policy) {
            Some(reason) => decision.skip.push((notice.id, reason)),
            None if notice.kind == NoticeKind::NowRequired && !notice.required => {
                decision.wait.push((notice.id, until_required(notice, reader_zone, now, policy)));
            }
            // What becomes of the date depends on the flip.
            None if notice.is_flipping() || one_awaits_its_rest => {
                decision.wait.push((notice.id, now.plus(MOMENT)));
            }
            None => by_enforcement.entry(notice.enforcement_id).or_default().push(notice),
        }
    }
    let mut latest = Vec::new();
    for of_one in by_enforcement.into_values() {
        let chosen = latest_only(&of_one);
        decision.skip.extend(
            of_one.iter().filter(|notice| notice.id != chosen.id).map(|notice| (notice.id, SkipReason::Superseded)),
        );
        latest.push(chosen);
    }
    cancelled_once(&mut latest, &mut decision);
    one_a_day(&latest, mailed_today, reader_zone, now, policy, &mut decision);
    decision
}

/// A company that takes back all of its dates, one in force and one to come, says so once.
fn cancelled_once(latest: &mut Vec<&NoticeFacts>, decision: &mut Decision) {
    let mut last: BTreeMap<Option<Id>, (Timestamp, Id)> = BTreeMap::new();
    for notice in latest.iter().filter(|notice| notice.kind == NoticeKind::Cancelled) {
        let rank = (notice.due_at, notice.id);
        last.entry(notice.company_id).and_modify(|last| *last = rank.max(*last)).or_insert(rank);
    }
    latest.retain(|notice| {
        let is_last = last.get(&notice.company_id).is_none_or(|(_, id)| *id == notice.id);
        let stays = notice.kind != NoticeKind::Cancelled || is_last || notice.maybe_received();
        if !stays {
            decision.skip.push((notice.id, SkipReason::Superseded));
        }
        stays
    });
}

/// When to look again whether the reader is required: on their day, if that has moved since the notice was made; soon, if it
/// has come.
fn until_required(notice: &NoticeFacts, reader_zone: Tz, now: Timestamp, policy: &Policy) -> Timestamp {
    if notice.required_at > now {
        schedule::now_required_due_at(notice.required_at, reader_zone, policy)
    } else {
        now.plus(MOMENT)
    }
}

/// The one notice of an enforcement to send (R7): the latest due, but an overdue announcement rather than a reminder.
fn latest_only<'a>(notices: &[&'a NoticeFacts]) -> &'a NoticeFacts {
    let mut chosen = notices[0];
    for notice in &notices[1..] {
        let rank = |notice: &NoticeFacts| (!notice.kind.is_reminder(), notice.due_at, notice.id);
        if rank(notice) > rank(chosen) {
            chosen = notice;
        }
    }
    chosen
}

/// At most one mail per local day (R2): what is due together goes together; after the day's mail, reminders are dropped
/// and everything else waits for the next morning. A mail that may have been received is only repeated, never changed.
fn one_a_day(
    latest: &[&NoticeFacts],
    mailed_today: &[Id],
    reader_zone: Tz,
    now: Timestamp,
    policy: &Policy,
    decision: &mut Decision,
) {
    let earlier = latest.iter().filter_map(|notice| notice.mail).filter(|mail| mail.again == Again::Now);
    let mail = earlier.max_by_key(|mail| (mail.maybe_received, mail.id));
    let another_today = mailed_today.iter().any(|id| mail.is_none_or(|mail| mail.id != *id));
    let repeats = mail.filter(|mail| mail.maybe_received);
    let tomorrow =
        time::instant_at(time::add_days(now.date_in(reader_zone), 1), policy.announce_hours.from, reader_zone);
    for notice in latest {
        let belongs = repeats.is_none_or(|mail| notice.mail.map(|earlier| earlier.id) == Some(mail.id));
        if belongs && !another_today {
            let awake = waking_hour(notice, reader_zone, now, policy);
            if awake > now {
                decision.wait.push((notice.id, awake));
            } else {
                decision.send.push(notice.id);
            }
        } else if notice.kind.is_reminder() && notice.mail.is_none() {
            decision.skip.push((notice.id, SkipReason::SameDay));
        } else {
            decision.wait.push((notice.id, tomorrow));
        }
    }
    decision.mail = if decision.send.is_empty() { None } else { mail };
}

/// When a notice that keeps hours may be sent: in the hours of the reader's day. Where the daemon only runs now and then, what
/// was put off until then before has waited enough: it must not miss the hours for ever.
fn waking_hour(notice: &NoticeFacts, reader_zone: Tz, now: Timestamp, policy: &Policy) -> Timestamp {
    let in_hours = |instant| policy.announce_hours.first_from(instant, reader_zone);
    let local_time = notice.next_attempt_at.utc().with_timezone(&reader_zone).time();
    let has_waited =
        !policy.runs_through && notice.next_attempt_at > notice.due_at && local_time == policy.announce_hours.from;
    if notice.kind.keeps_hours() && !has_waited { in_hours(now) } else { now }
}

#[cfg(test)]
mod tests;
