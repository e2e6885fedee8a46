//! One person's way through all that is to come: which mails they get when, and when they become required.
//!
//! Nothing is decided here. Each step asks the functions that the tasks ask, in the order in which the tasks run.

use std::collections::BTreeSet;

use chrono_tz::Tz;
use uuid::Uuid;

use super::person::{Course, Event, Membership, Milestone, Person, Tie};
use super::replan::{self, Replanned};
use crate::domain::delivery::LAPSE_NOTICE;
use crate::domain::ids::{Id, PAYEE_MANDATE};
use crate::domain::notice::{EnforcementState, MilestoneState, NoticeKind, NoticeState};
use crate::domain::policy::Policy;
use crate::domain::review::{self, Governing};
use crate::domain::schedule;
use crate::domain::time::Timestamp;

/// Ids of what is made on the way: they sort after all that are stored, as those made later do.
#[must_use]
pub fn made_id(number: u32) -> Id {
    Id(Uuid::from_u128((0xf000 << 112) + u128::from(number)))
}

/// How many steps one person's way may have; more are only the repeated waits of a notice that cannot go out.
const STEPS_MOST: u32 = 1000;

/// Walks a person through `courses` from `now` on. Their company's become what `replanned` says at once, as when a date is
/// set.
#[must_use]
pub fn walk(person: Person, courses: &[Course], replanned: &Replanned, now: Timestamp, policy: &Policy) -> Vec<Event> {
    let courses = courses.to_vec();
    let mut walk = Walk {
        person,
        courses,
        policy,
        now,
        made: 0,
        events: Vec::new(),
        held_on_their_day: &replanned.held_on_their_day,
    };
    if replanned.review_first {
        walk.end_exemptions();
        walk.review();
    }
    walk.replan(replanned);
    for _ in 0..STEPS_MOST {
        walk.end_exemptions();
        walk.review();
        walk.tell_exempt();
        walk.end_personal_dates();
        walk.enforce();
        walk.expand();
        walk.deliver();
        match walk.next_due() {
            Some(next) => walk.now = next,
            None => break,
        }
    }
    walk.events
}

/// A person on their way.
pub(super) struct Walk<'a> {
    pub(super) person: Person,
    pub(super) courses: Vec<Course>,
    pub(super) policy: &'a Policy,
    pub(super) now: Timestamp,
    pub(super) made: u32,
    pub(super) events: Vec<Event>,
    /// The courses that are held on their day.
    held_on_their_day: &'a BTreeSet<Id>,
}

impl Walk<'_> {
    /// The next instant at which anything is due; as the store's question of the same name.
    fn next_due(&self) -> Option<Timestamp> {
        let notices = self.person.notices.iter().filter(|notice| notice.state == NoticeState::Pending);
        let milestones = self.courses.iter().flat_map(|course| &course.milestones);
        let flips = self.courses.iter().filter(|course| course.flips());
        let memberships = self.person.memberships.iter();
        let lapses = memberships.clone().filter_map(|one| one.exempt_until).map(|until| until.plus(-LAPSE_NOTICE));
        notices
            .map(|notice| notice.next_attempt_at)
            .chain(milestones.filter(|one| one.state == MilestoneState::Pending).map(|one| one.planned.due_at))
            .chain(flips.map(|course| course.enforce_at))
            .chain(memberships.flat_map(|one| [one.require_at, one.exempt_until]).flatten())
            .chain(lapses)
            .filter(|at| *at > self.now)
            .min()
    }

    fn end_exemptions(&mut self) {
        for membership in &mut self.person.memberships {
            if membership.exempt_until.is_some_and(|until| until <= self.now) {
                membership.exempt_until = None;
                membership.reviewed = false;
            }
        }
    }

    fn review(&mut self) {
        if !self.person.reviewed {
            self.person.reviewed = true;
            self.person.memberships.iter_mut().for_each(|membership| membership.reviewed = false);
            self.review_payee();
        }
        for place in 0..self.person.memberships.len() {
            if !self.person.memberships[place].reviewed {
                self.review_membership(place);
            }
        }
    }

    fn review_payee(&mut self) {
        let facts = &self.person.facts;
        if facts.payee && facts.active && facts.person && !self.tie(PAYEE_MANDATE).required {
            // Whom anything required before, was told then.
            let tell = !facts.enrolled && !self.person.required && !self.person.ties.iter().any(|tie| tie.required);
            self.require(PAYEE_MANDATE);
            if tell {
                self.add_notice(PAYEE_MANDATE, NoticeKind::NowRequired, self.now);
            }
        }
    }

    fn review_membership(&mut self, place: usize) {
        let membership = self.person.memberships[place].clone();
        let course = self.courses.iter().find(|course| course.governs(membership.company_id));
        let governing = course.map(governing);
        let id = course.map(|course| course.id);
        let member = review::MembershipFacts {
            subject: self.is_subject(&membership),
            was_subject: membership.was_subject,
            enrolled: self.person.facts.enrolled,
            reader_zone: self.person.zone.or(course.map(|course| course.zone)).unwrap_or(Tz::UTC),
            told_date: membership.told_date,
            told_at: membership.told_at,
            telling: id.is_some_and(|id| self.is_telling(id)),
            required: id.is_some_and(|id| self.tie(id).required),
            required_before: id.is_some_and(|id| self.tie(id).required_before),
            told_required: self.person.notices.iter().any(|one| {
                let is_of_it = Some(one.enforcement_id) == id && one.kind == NoticeKind::NowRequired;
                is_of_it && one.state != NoticeState::Skipped
            }),
            require_at: membership.require_at,
        };
        let outcome = review::review(governing, &member, self.now, self.policy);
        let reviewed = &mut self.person.memberships[place];
        reviewed.reviewed = true;
        reviewed.was_subject = Some(member.subject);
        reviewed.require_at = outcome.require_at.or(reviewed.require_at);
        if let Some(id) = id {
            for (kind, due_at) in outcome.notices {
                self.add_notice(id, kind, due_at);
            }
            if member.subject && !member.enrolled {
                self.add_missed_reminders(id);
            }
        }
        if member.subject && !member.enrolled {
            self.tell_undone_after_all(&membership);
        }
        self.require_member(place);
    }

    /// Who was left out when a date that they know was taken back hears so when they are back.
    fn tell_undone_after_all(&mut self, membership: &Membership) {
        if membership.told_date.is_none() {
            return;
        }
        let of_company = self.courses.iter().filter(|course| course.company_id == Some(membership.company_id));
        let held = of_company.clone().any(|course| course.state == EnforcementState::Held);
        let no_date = membership.company_date.is_none();
        let undone = of_company.filter(|course| no_date || held && course.state == EnforcementState::Reverted);
        let told = undone.filter_map(|course| {
            let is_told =
                |one: &&Milestone| one.planned.kind == NoticeKind::Cancelled && one.state == MilestoneState::Expanded;
            course.milestones.iter().find(is_told).map(|one| (one.planned.due_at, course.id, course.zone))
        });
        let Some((told_at, id, zone)) = told.max_by_key(|(due_at, id, _)| (*due_at, *id)) else { return };
        let tie = self.tie(id);
        let zone = self.person.zone.unwrap_or(zone);
        let due_at = review::undone_due_at(told_at, zone, self.now, self.policy);
        if let Some(due_at) = due_at.filter(|_| !tie.required && !tie.required_before) {
            self.add_notice(id, NoticeKind::Cancelled, due_at);
        }
    }

    /// Who is exempt, and soon no longer, is told what comes then.
    fn tell_exempt(&mut self) {
        let facts = &self.person.facts;
        if !facts.person || !facts.active || facts.enrolled || facts.sso && self.policy.leave_out_sso {
            return;
        }
        for place in 0..self.person.memberships.len() {
            let membership = self.person.memberships[place].clone();
            let Some(exempt_until) = membership.exempt_until.filter(|until| {
                let soon = *until > self.now && *until <= self.now.plus(LAPSE_NOTICE);
                soon && membership.exemption_told != Some(*until)
            }) else {
                continue;
            };
            let Some(course) = self.courses.iter().find(|course| {
                course.governs(membership.company_id)
                    && course.state != EnforcementState::Held
                    && course.announced_at().is_some_and(|at| at <= self.now)
            }) else {
                continue;
            };
            let (id, tie) = (course.id, self.tie(course.id));
            if tie.required || tie.required_before {
                continue;
            }
            let member = review::ExemptFacts {
                exempt_until,
                reader_zone: self.person.zone.unwrap_or(course.zone),
                told_date: membership.told_date,
                told_at: membership.told_at,
                require_at: membership.require_at,
            };
            let outcome = review::before_lapse(governing(course), &member, self.now, self.policy);
            let told = &mut self.person.memberships[place];
            (told.require_at, told.exemption_told) = (outcome.require_at, Some(exempt_until));
            for (kind, due_at) in outcome.notices {
                self.add_notice(id, kind, due_at);
            }
        }
    }

    /// Requires the member whose company's enforcement is in force and stands, if their own date has come.
    /// Returns the enforcement that requires the member now, and its zone.
    fn require_member(&mut self, place: usize) -> Option<(Id, Tz)> {
        let membership = &self.person.memberships[place];
        let due = membership.require_at.is_none_or(|at| at <= self.now) && self.is_subject(membership);
        let in_force = self
            .courses
            .iter()
            .find(|course| course.governs(membership.company_id) && course.state == EnforcementState::InForce);
        let (id, zone) = in_force.map(|course| (course.id, course.zone)).filter(|_| due)?;
        self.require(id);
        (!self.tie(id).required_before).then_some((id, zone))
    }

    fn forget_told_exemption(&mut self, company: Option<Id>) {
        for membership in self.person.memberships.iter_mut().filter(|one| Some(one.company_id) == company) {
            membership.exemption_told = None;
        }
    }

    /// The company's courses become what a new plan makes of them.
    fn replan(&mut self, replanned: &Replanned) {
        for course in &replanned.courses {
            let Some(place) = self.courses.iter().position(|one| one.id == course.id) else {
                self.courses.push(course.clone());
                self.forget_told_exemption(course.company_id);
                continue;
            };
            let before = std::mem::replace(&mut self.courses[place], course.clone());
            let closed = course.state != before.state
                && before.state != EnforcementState::Cancelled
                && matches!(
                    course.state,
                    EnforcementState::Superseded | EnforcementState::Cancelled | EnforcementState::Reverted
                );
            let moved = (course.enforce_at != before.enforce_at).then_some(course.enforce_at);
            if closed || moved.is_some() {
                for membership in &mut self.person.memberships {
                    if Some(membership.company_id) == course.company_id
                        && membership.require_at == Some(before.enforce_at)
                    {
                        membership.require_at = moved.filter(|_| !closed);
                    }
                }
            }
            if closed {
                self.forget_told_exemption(course.company_id);
            }
            let reopened = |id| {
                let state = |course: &Course| course.milestones.iter().find(|one| one.id == id).map(|one| one.state);
                let (before, after) = (state(&before), state(course));
                before == Some(MilestoneState::Expanded)
                    && (after == Some(MilestoneState::Pending) && !replanned.reverted
                        || after == Some(MilestoneState::Dropped))
            };
            self.person.notices.retain(|notice| {
                let unsent = notice.state == NoticeState::Pending && notice.enforcement_id == course.id;
                !(unsent && (closed || notice.mail.is_none() && reopened(notice.milestone_id)))
            });
        }
        for membership in &mut self.person.memberships {
            let ours = replanned.courses.iter().any(|course| course.company_id == Some(membership.company_id));
            membership.reviewed &= !(replanned.review_all && ours);
        }
        self.undo(replanned);
    }

    fn end_personal_dates(&mut self) {
        for place in 0..self.person.memberships.len() {
            let Some(own) = self.person.memberships[place].require_at.filter(|at| *at <= self.now) else { continue };
            let required = self.require_member(place);
            self.person.memberships[place].require_at = None;
            if let Some((id, zone)) = required.filter(|_| !self.person.facts.enrolled) {
                let due_at = schedule::now_required_due_at(own, self.person.zone.unwrap_or(zone), self.policy);
                self.add_notice(id, NoticeKind::NowRequired, due_at.max(self.now));
            }
        }
    }

    fn enforce(&mut self) {
        for place in 0..self.courses.len() {
            let course = &self.courses[place];
            let (id, company, flipping) = (course.id, course.company_id, course.flipping);
            if !course.flips() || course.enforce_at > self.now {
                continue;
            }
            if !flipping && self.held_on_their_day.contains(&id) {
                self.courses[place].state = EnforcementState::Held;
                continue;
            }
            for other in &mut self.courses {
                if other.company_id == company && other.state == EnforcementState::InForce {
                    other.state = EnforcementState::Superseded;
                }
            }
            self.courses[place].state = EnforcementState::InForce;
            for milestone in &mut self.courses[place].milestones {
                if milestone.state == MilestoneState::Pending && milestone.planned.kind != NoticeKind::NowRequired {
                    milestone.state = MilestoneState::Dropped;
                }
            }
            let own = self.person.memberships.iter().find(|one| Some(one.company_id) == company);
            let own_date_has_come = own.is_some_and(|one| one.require_at.is_none_or(|at| at <= self.now));
            let taken_back = own.is_some_and(|one| one.company_date.is_none());
            if self.tie(id).on_the_day && own_date_has_come {
                self.require(id);
            }
            if flipping && taken_back {
                replan::close(self.courses.get_mut(place), EnforcementState::Cancelled);
            }
        }
    }

    pub(super) fn is_subject(&self, membership: &Membership) -> bool {
        let facts = &self.person.facts;
        let exempt = membership.exempt_until.is_some_and(|until| until > self.now);
        facts.person && facts.active && !exempt && !(facts.sso && self.policy.leave_out_sso)
    }

    pub(super) fn is_telling(&self, enforcement: Id) -> bool {
        self.person.notices.iter().any(|notice| {
            notice.enforcement_id == enforcement
                && matches!(notice.kind, NoticeKind::Announcement | NoticeKind::Rescheduled | NoticeKind::Welcome)
                && matches!(notice.state, NoticeState::Pending | NoticeState::Sending)
        })
    }

    pub(super) fn has_notice_of(&self, milestone: Id) -> bool {
        self.person.notices.iter().any(|notice| notice.milestone_id == milestone)
    }

    pub(super) fn tie(&self, enforcement: Id) -> Tie {
        let tie = self.person.ties.iter().find(|tie| tie.enforcement_id == enforcement).copied();
        tie.unwrap_or(Tie { enforcement_id: enforcement, required: false, required_before: false, on_the_day: false })
    }

    fn require(&mut self, enforcement: Id) {
        let tie = self.tie(enforcement);
        if tie.required {
            return;
        }
        let company = self.courses.iter().find(|course| course.id == enforcement).and_then(|course| course.company_id);
        let siblings: Vec<Id> = self
            .courses
            .iter()
            .filter(|course| course.company_id == company && course.id != enforcement)
            .map(|course| course.id)
            .collect();
        self.person.ties.retain(|tie| tie.enforcement_id != enforcement);
        self.person.ties.push(Tie { required: true, ..tie });
        for tie in &mut self.person.ties {
            tie.required_before |= siblings.contains(&tie.enforcement_id);
        }
        self.events.push(Event::Required { enforcement_id: enforcement, at: self.now });
    }
}

fn governing(course: &Course) -> Governing {
    Governing {
        state: course.state,
        date: course.date,
        enforce_at: course.enforce_at,
        zone: course.zone,
        grace_days: course.grace_days,
        announced_at: course.announced_at(),
        more_to_come: course.more_to_come(),
    }
}
