//! What a company's enforcements become when what they require is undone, without storing anything.

use super::person::{Course, Milestone};
use super::replan::{Replanned, close, milestone};
use super::walk::Walk;
use crate::domain::ids::Id;
use crate::domain::notice::{EnforcementState, MilestoneState, NoticeKind, NoticeState};
use crate::domain::policy::Policy;
use crate::domain::schedule::PlannedMilestone;
use crate::domain::time::Timestamp;

/// What the company requires is undone at `now`, above all by the course `undone`; a course that is yet to come stays.
pub fn reverted(after: &mut Replanned, undone: Course, now: Timestamp, policy: &Policy) {
    let (id, tell_at) = (undone.id, now.plus(policy.announce_delay));
    after.reverted = true;
    let place = after.courses.iter().position(|course| course.id == id).unwrap_or_else(|| {
        after.courses.push(undone);
        after.courses.len() - 1
    });
    let open = after.courses.iter().position(|course| course.id != id && is_open(course));
    let told_by_open = open.is_some_and(|open| after.courses[open].state == EnforcementState::Scheduled);
    let course = &mut after.courses[place];
    if course.state != EnforcementState::Cancelled {
        close(Some(course), EnforcementState::Reverted);
    }
    course.state = EnforcementState::Reverted;
    if !told_by_open {
        tell_undone(course, tell_at);
    }
    if let Some(open) = open {
        announce_again(&mut after.courses[open], tell_at);
    }
}

fn is_open(course: &Course) -> bool {
    matches!(course.state, EnforcementState::Scheduled | EnforcementState::Held)
}

fn announce_again(course: &mut Course, due_at: Timestamp) {
    for milestone in &mut course.milestones {
        if milestone.planned.kind == NoticeKind::Announcement && milestone.state == MilestoneState::Expanded {
            milestone.state = MilestoneState::Pending;
            milestone.planned.due_at = due_at;
            milestone.cursor = None;
        }
    }
}

fn tell_undone(course: &mut Course, due_at: Timestamp) {
    let planned = PlannedMilestone { kind: NoticeKind::Cancelled, days_before: None, due_at };
    match course.milestones.iter_mut().find(|one| one.planned.kind == NoticeKind::Cancelled) {
        Some(told) => *told = Milestone { id: told.id, ..milestone(0, planned) },
        None => course.milestones.push(milestone(0, planned)),
    }
}

impl Walk<'_> {
    /// The company requires the person no more, and their personal date goes with what it belonged to.
    pub(super) fn undo(&mut self, replanned: &Replanned) {
        if !replanned.reverted {
            return;
        }
        let company = replanned.courses.iter().find_map(|course| course.company_id);
        let next = replanned.courses.iter().find(|course| is_open(course)).map(|course| course.enforce_at);
        let of_company = |id: Id| self.courses.iter().any(|course| course.id == id && course.company_id == company);
        let was_required =
            self.person.ties.iter().any(|tie| (tie.required || tie.required_before) && of_company(tie.enforcement_id));
        for membership in self.person.memberships.iter_mut().filter(|one| Some(one.company_id) == company) {
            membership.require_at = membership.require_at.filter(|at| next.is_some_and(|next| *at >= next));
            membership.reviewed &= next.is_none() || !was_required;
        }
        for tie in &mut self.person.ties {
            let course = self.courses.iter().find(|course| course.id == tie.enforcement_id);
            if course.is_some_and(|course| course.company_id == company) {
                (tie.required, tie.required_before) = (false, false);
            }
        }
        let reopened = |milestone: Id| {
            let milestones = replanned.courses.iter().flat_map(|course| &course.milestones);
            let is_it = |one: &&Milestone| one.id == milestone && one.state == MilestoneState::Pending;
            milestones.into_iter().find(is_it).map(|one| one.planned.due_at)
        };
        for notice in &mut self.person.notices {
            let is_skipped = notice.state == NoticeState::Skipped && notice.date_stood;
            if let Some(due_at) = reopened(notice.milestone_id).filter(|_| is_skipped) {
                (notice.state, notice.due_at, notice.next_attempt_at) = (NoticeState::Pending, due_at, due_at);
            }
        }
    }
}
