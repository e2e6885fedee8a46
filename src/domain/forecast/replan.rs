//! What a company's enforcements become when its row is reconciled, without storing anything.

use std::collections::BTreeSet;

use super::person::{Course, Milestone};
use super::walk::made_id;
use crate::domain::ids::Id;
use crate::domain::notice::{EnforcementState, MilestoneState, NoticeKind};
use crate::domain::planning::{Change, CompanyFacts, Plan, Refresh};
use crate::domain::policy::Policy;
use crate::domain::schedule::{PlannedMilestone, is_over};
use crate::domain::time::{self, Timestamp};

/// A company's courses after its row was reconciled, and who is looked at.
#[derive(Clone, Debug, Default)]
pub struct Replanned {
    /// The courses.
    pub courses: Vec<Course>,
    /// Unreviewed members are looked at before that: nothing governed them, so that they are no late joiners.
    pub review_first: bool,
    /// All members are looked at after that: another course than before governs them.
    pub review_all: bool,
    /// What the company required is undone.
    pub reverted: bool,
    /// The courses, also of the people's other companies, that are held on their day, because something speaks against it.
    pub held_on_their_day: BTreeSet<Id>,
}

/// The company's courses after `changes`, which planning has found for its row.
///
/// `grace_days` are those of the company. The course of a new plan comes last.
#[must_use]
pub fn replanned(
    before: &[Course],
    company: &CompanyFacts,
    changes: Vec<Change>,
    grace_days: u16,
    now: Timestamp,
    policy: &Policy,
) -> Replanned {
    let mut courses = before.to_vec();
    let mut review_all = false;
    let mut planned = None;
    for (number, change) in (0..).zip(changes) {
        match change {
            Change::Plan(plan) => planned = new_course(company, &plan, grace_days),
            Change::Supersede(id) => close(of(&mut courses, id), EnforcementState::Superseded),
            Change::Cancel(id) => {
                close(of(&mut courses, id), EnforcementState::Cancelled);
                if let Some(course) = of(&mut courses, id) {
                    let due_at = now.plus(policy.announce_delay);
                    let planned = PlannedMilestone { kind: NoticeKind::Cancelled, days_before: None, due_at };
                    course.milestones.push(milestone(number, planned));
                }
            }
            Change::Refresh(refresh) => {
                if let Some(course) = of(&mut courses, refresh.id) {
                    apply_refresh(course, refresh);
                }
            }
            Change::Hold(id, _) => {
                if let Some(course) = of(&mut courses, id) {
                    course.state = EnforcementState::Held;
                }
            }
            Change::ReviewMembers => review_all = true,
            Change::CopyZone(id) => {
                if let (Some(course), Some(zone)) = (of(&mut courses, id), time::zone(&company.time_zone)) {
                    course.zone = zone;
                }
            }
            Change::Wait => {}
        }
    }
    let is_over = |course: &Course| matches!(course.state, EnforcementState::Cancelled | EnforcementState::Reverted);
    let review_first = before.iter().all(is_over);
    for course in &mut courses {
        course.stands = company.enforcement_date == Some(course.date);
    }
    courses.extend(planned);
    Replanned { courses, review_first, review_all, ..Replanned::default() }
}

/// A held course becomes what it is once it is released at `now`: its instants as `refresh` has them, `milestones` if it
/// has none, and a whole `announce_delay` before it is announced.
pub fn released(
    course: &mut Course,
    refresh: Refresh,
    milestones: &[PlannedMilestone],
    now: Timestamp,
    policy: &Policy,
) {
    course.state = EnforcementState::Scheduled;
    course.stands = true;
    apply_refresh(course, refresh);
    if course.milestones.is_empty() {
        course.milestones = numbered(milestones);
    }
    for milestone in &mut course.milestones {
        // Reminders whose day has passed while nothing was sent are left out.
        if milestone.planned.days_before.is_some_and(|days| is_over(course.date, days.into(), course.zone, now)) {
            milestone.state = MilestoneState::Dropped;
        }
        if milestone.planned.kind == NoticeKind::Announcement && milestone.state == MilestoneState::Pending {
            milestone.planned.due_at = milestone.planned.due_at.max(now.plus(policy.announce_delay));
        }
    }
}

fn numbered(milestones: &[PlannedMilestone]) -> Vec<Milestone> {
    milestones.iter().zip(1..).map(|(planned, number)| milestone(number, planned.clone())).collect()
}

fn of(courses: &mut [Course], id: Id) -> Option<&mut Course> {
    courses.iter_mut().find(|course| course.id == id)
}

fn new_course(company: &CompanyFacts, plan: &Plan, grace_days: u16) -> Option<Course> {
    Some(Course {
        id: made_id(0),
        company_id: Some(company.id),
        state: if plan.hold.is_some() { EnforcementState::Held } else { EnforcementState::Scheduled },
        date: company.enforcement_date?,
        enforce_at: plan.enforce_at,
        zone: plan.zone,
        stands: true,
        flipping: false,
        grace_days,
        milestones: numbered(&plan.milestones),
    })
}

/// A milestone as it is stored: late joiners' `welcome` is expanded from the start.
pub(super) fn milestone(number: u32, planned: PlannedMilestone) -> Milestone {
    let welcome = planned.kind == NoticeKind::Welcome;
    let state = if welcome { MilestoneState::Expanded } else { MilestoneState::Pending };
    Milestone { id: made_id(number), planned, state, cursor: None }
}

pub(super) fn close(course: Option<&mut Course>, state: EnforcementState) {
    let Some(course) = course else { return };
    course.state = state;
    for milestone in &mut course.milestones {
        if milestone.state == MilestoneState::Pending {
            milestone.state = MilestoneState::Dropped;
        }
    }
}

fn apply_refresh(course: &mut Course, refresh: Refresh) {
    let moved = course.enforce_at != refresh.enforce_at;
    course.enforce_at = refresh.enforce_at;
    course.zone = refresh.zone;
    if course.milestones.is_empty() {
        return; // held from the start: it gets its milestones when it is released
    }
    let addable = |days: Option<u16>| days.is_some_and(|days| refresh.addable.contains(&days));
    let mut missing = refresh.reminders;
    for milestone in &mut course.milestones {
        let Some(days) = milestone.planned.days_before else {
            if milestone.planned.kind == NoticeKind::NowRequired && milestone.state == MilestoneState::Pending {
                milestone.planned.due_at = refresh.enforce_at;
            }
            continue;
        };
        let wanted =
            missing.iter().position(|one| one.days_before == Some(days)).map(|place| missing.swap_remove(place));
        match (wanted, milestone.state) {
            (None, MilestoneState::Pending) => milestone.state = MilestoneState::Dropped,
            (Some(reminder), MilestoneState::Pending) => milestone.planned = reminder,
            (Some(reminder), state) if addable(Some(days)) && (state == MilestoneState::Dropped || moved) => {
                *milestone =
                    Milestone { id: milestone.id, planned: reminder, state: MilestoneState::Pending, cursor: None };
            }
            _ => {}
        }
    }
    missing.retain(|reminder| addable(reminder.days_before));
    course.milestones.extend(missing.into_iter().zip(1..).map(|(reminder, number)| milestone(number, reminder)));
}
