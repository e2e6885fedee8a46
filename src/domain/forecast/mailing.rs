//! What goes out to a person on their way: as the tasks `expand` and `deliver` have it.

use chrono::NaiveDate;
use chrono_tz::Tz;

use super::person::{Course, Event, Milestone, Notice};
use super::walk::{Walk, made_id};
use crate::domain::delivery::{self, Decision, Mailed, NoticeFacts};
use crate::domain::expansion::{self, Enforcement, MemberFacts};
use crate::domain::ids::Id;
use crate::domain::notice::{EnforcementState, MilestoneState, NoticeKind, NoticeState};
use crate::domain::schedule::PlannedMilestone;
use crate::domain::time::Timestamp;

impl Walk<'_> {
    pub(super) fn expand(&mut self) {
        let mut due: Vec<(Timestamp, Id, usize, usize)> = Vec::new();
        for (place, course) in self.courses.iter().enumerate() {
            for (at, milestone) in course.milestones.iter().enumerate() {
                let ready = milestone.state == MilestoneState::Pending && milestone.planned.due_at <= self.now;
                if ready && course.may_expand(milestone.planned.kind) {
                    due.push((milestone.planned.due_at, milestone.id, place, at));
                }
            }
        }
        due.sort_unstable();
        for (_, _, place, at) in due {
            self.courses[place].milestones[at].state = MilestoneState::Expanded;
            let (course, milestone) = (&self.courses[place], &self.courses[place].milestones[at]);
            if milestone.cursor.is_some_and(|cursor| self.person.id <= cursor) || self.has_notice_of(milestone.id) {
                continue;
            }
            let Some(member) = self.member(course) else { continue };
            let announced_at = course.announced_at();
            let enforcement = Enforcement { date: course.date, enforce_at: course.enforce_at, announced_at };
            if let Some((kind, due_at)) = expansion::owed(&milestone.planned, enforcement, &member, self.policy) {
                self.push_notice(course.id, milestone.id, kind, due_at);
            }
        }
    }

    /// The person as a member who may be owed a notice of the course.
    fn member(&self, course: &Course) -> Option<MemberFacts> {
        let membership = self.person.memberships.iter().find(|one| Some(one.company_id) == course.company_id)?;
        let facts = &self.person.facts;
        if !self.is_subject(membership) || facts.enrolled || facts.bounced {
            return None;
        }
        let tie = self.tie(course.id);
        Some(MemberFacts {
            zone: self.person.zone.unwrap_or(course.zone),
            require_at: membership.require_at,
            told_date: membership.told_date,
            told_at: membership.told_at,
            telling: self.is_telling(course.id),
            required: tie.required,
            required_before: tie.required_before,
        })
    }

    pub(super) fn deliver(&mut self) {
        loop {
            let mut due: Vec<&Notice> = self.person.notices.iter().filter(|notice| self.may_claim(notice)).collect();
            if !due.iter().any(|notice| notice.next_attempt_at <= self.now) {
                return;
            }
            due.retain(|notice| notice.due_at <= self.now);
            due.sort_unstable_by_key(|notice| (notice.due_at, notice.id));
            let Some(zone) = due.first().and_then(|first| self.reader_zone(first)) else { return };
            let facts: Vec<NoticeFacts> = due.iter().filter_map(|notice| self.notice_facts(notice)).collect();
            let today = self.now.date_in(zone);
            let mailed: Vec<Id> =
                self.person.mails.iter().filter(|mail| mail.is_of(today, zone)).map(|mail| mail.id).collect();
            let decision = delivery::decide(Some(&self.person.facts), &facts, &mailed, zone, self.now, self.policy);
            self.carry_out(&decision, &facts, today);
        }
    }

    fn carry_out(&mut self, decision: &Decision, facts: &[NoticeFacts], today: NaiveDate) {
        for notice in &mut self.person.notices {
            if decision.send.contains(&notice.id) {
                notice.state = if self.person.addressable { NoticeState::Sent } else { NoticeState::Failed };
            } else if let Some((_, reason)) = decision.skip.iter().find(|(id, _)| *id == notice.id) {
                notice.state = NoticeState::Skipped;
                notice.skipped_for_now = notice.mail.is_none() && reason.may_pass(notice.kind);
            } else if let Some((_, until)) = decision.wait.iter().find(|(id, _)| *id == notice.id) {
                notice.next_attempt_at = *until;
            }
        }
        if decision.send.is_empty() || !self.person.addressable {
            return;
        }
        let mail = decision.mail.map_or_else(|| self.make_id(), |mail| mail.id);
        self.person.mails.push(Mailed { id: mail, day: today, at: self.now });
        for sent in facts.iter().filter(|one| decision.send.contains(&one.id)) {
            let Some(course) = self.courses.iter().find(|one| one.id == sent.enforcement_id) else { continue };
            let company = course.company_id;
            if let Some(told) = self.person.memberships.iter_mut().find(|one| Some(one.company_id) == company) {
                let tells = sent.kind.tells_date();
                told.told_date = tells.then_some(sent.date);
                told.told_at = tells.then(|| expansion::required_at(course.enforce_at, told.require_at));
            }
            let (enforcement_id, kind) = (sent.enforcement_id, sent.kind);
            self.events.push(Event::Mailed { enforcement_id, kind, at: self.now, day: today });
        }
    }

    fn notice_facts(&self, notice: &Notice) -> Option<NoticeFacts> {
        let course = self.courses.iter().find(|one| one.id == notice.enforcement_id)?;
        let membership = self.person.memberships.iter().find(|one| Some(one.company_id) == course.company_id);
        let mut facts = NoticeFacts {
            id: notice.id,
            kind: notice.kind,
            due_at: notice.due_at,
            next_attempt_at: notice.next_attempt_at,
            enforcement_id: course.id,
            state: course.state,
            date: course.date,
            company_id: course.company_id,
            company_date: membership.and_then(|one| one.company_date),
            company_date_held: self
                .courses
                .iter()
                .any(|one| one.company_id == course.company_id && one.state == EnforcementState::Held),
            membership: membership.map(|one| delivery::MembershipFacts {
                exempt_until: one.exempt_until,
                require_at: one.require_at,
                // A flip is foretold to be over at once.
                flipping: false,
            }),
            required: self.tie(course.id).required,
            required_before: self.tie(course.id).required_before,
            told_date: membership.and_then(|one| one.told_date),
            told_at: membership.and_then(|one| one.told_at),
            required_at: expansion::required_at(course.enforce_at, membership.and_then(|one| one.require_at)),
            mail: notice.mail,
        };
        facts.kind = facts.fitting_kind();
        Some(facts)
    }

    fn may_claim(&self, notice: &Notice) -> bool {
        let course = self.courses.iter().find(|course| course.id == notice.enforcement_id);
        notice.state == NoticeState::Pending && course.is_some_and(|course| course.may_claim(notice.kind, self.now))
    }

    /// The zone of the person's days, for a mail that begins with this notice.
    fn reader_zone(&self, notice: &Notice) -> Option<Tz> {
        let course = self.courses.iter().find(|course| course.id == notice.enforcement_id)?;
        let company_zone = if course.company_id.is_some() { course.zone } else { self.person.home_zone };
        Some(self.person.zone.unwrap_or(company_zone))
    }

    /// Makes one notice at a milestone of its kind at which there is none yet (R2): there is always one more round of
    /// welcomes. One that was skipped for a reason that has passed is due again.
    pub(super) fn add_notice(&mut self, enforcement: Id, kind: NoticeKind, due_at: Timestamp) {
        let wanted = if kind == NoticeKind::Rescheduled { NoticeKind::Announcement } else { kind };
        let Some(place) = self.courses.iter().position(|course| course.id == enforcement) else { return };
        let of_kind = |one: &&Milestone| one.planned.kind == wanted;
        let milestones = || self.courses[place].milestones.iter().filter(of_kind);
        let latest = milestones().next_back().map(|one| one.id);
        if let Some(notice) =
            self.person.notices.iter_mut().find(|one| {
                Some(one.milestone_id) == latest && one.state == NoticeState::Skipped && one.skipped_for_now
            })
        {
            (notice.state, notice.kind, notice.due_at, notice.next_attempt_at) =
                (NoticeState::Pending, kind, due_at, due_at);
            return;
        }
        let ready = |one: &&Milestone| one.state == MilestoneState::Expanded || wanted == NoticeKind::Announcement;
        let free = milestones().filter(ready).map(|one| one.id).find(|id| !self.has_notice_of(*id));
        let id = match free {
            Some(id) => id,
            None if wanted == NoticeKind::Welcome && latest.is_some() => {
                let id = self.make_id();
                let planned = PlannedMilestone { kind: wanted, days_before: None, due_at: self.now };
                let round = Milestone { id, planned, state: MilestoneState::Expanded, cursor: None };
                self.courses[place].milestones.push(round);
                id
            }
            None => return,
        };
        self.push_notice(enforcement, id, kind, due_at);
    }

    /// Makes the reminders whose notices were made while the person was left out, or no member, and that are yet to come.
    pub(super) fn add_missed_reminders(&mut self, enforcement: Id) {
        let is_to_come = |state| matches!(state, EnforcementState::Scheduled | EnforcementState::Held);
        let found = self.courses.iter().find(|one| one.id == enforcement && is_to_come(one.state));
        let Some((course, member)) = found.and_then(|course| Some((course, self.member(course)?))) else { return };
        let enforcement =
            Enforcement { date: course.date, enforce_at: course.enforce_at, announced_at: course.announced_at() };
        let missed: Vec<(Id, NoticeKind, Timestamp)> = course
            .milestones
            .iter()
            .filter(|one| one.state == MilestoneState::Expanded && one.planned.kind.is_reminder())
            .filter(|one| !self.has_notice_of(one.id))
            .filter_map(|one| {
                let (kind, due_at) = expansion::owed(&one.planned, enforcement, &member, self.policy)?;
                (due_at > self.now).then_some((one.id, kind, due_at))
            })
            .collect();
        let id = course.id;
        for (milestone, kind, due_at) in missed {
            self.push_notice(id, milestone, kind, due_at);
        }
    }

    fn push_notice(&mut self, enforcement_id: Id, milestone_id: Id, kind: NoticeKind, due_at: Timestamp) {
        let (id, state) = (self.make_id(), NoticeState::Pending);
        let next_attempt_at = due_at;
        self.person.notices.push(Notice {
            id,
            kind,
            milestone_id,
            enforcement_id,
            state,
            due_at,
            next_attempt_at,
            mail: None,
            skipped_for_now: false,
            date_stood: false,
        });
    }

    fn make_id(&mut self) -> Id {
        self.made += 1;
        made_id(0x1_0000 + self.made)
    }
}
