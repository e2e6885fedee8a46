//! What a forecast has to know: enforcements and what they still have to do, and the people they are about.

use chrono::NaiveDate;
use chrono_tz::Tz;

use crate::domain::delivery::{EarlierMail, Mailed, UserFacts};
use crate::domain::ids::Id;
use crate::domain::notice::{EnforcementState, MilestoneState, NoticeKind, NoticeState};
use crate::domain::schedule::PlannedMilestone;
use crate::domain::time::Timestamp;

/// An enforcement and what it still has to do.
#[derive(Clone, Debug)]
pub struct Course {
    /// The enforcement.
    pub id: Id,
    /// Its company; none: the payee mandate.
    pub company_id: Option<Id>,
    /// Where it stands.
    pub state: EnforcementState,
    /// Its date.
    pub date: NaiveDate,
    /// When it takes effect.
    pub enforce_at: Timestamp,
    /// The zone in which its instants are computed.
    pub zone: Tz,
    /// Whether the company's row still says so (R5).
    pub stands: bool,
    /// Whether its flip has begun: it is completed whatever the row says (R5).
    pub flipping: bool,
    /// How many days late joiners get.
    pub grace_days: u16,
    /// Its milestones, in any state.
    pub milestones: Vec<Milestone>,
}

impl Course {
    /// Whether it is the one that the row of `company` stands for.
    #[must_use]
    pub fn governs(&self, company: Id) -> bool {
        use EnforcementState::{Held, InForce, Scheduled};
        self.company_id == Some(company) && self.stands && matches!(self.state, Scheduled | Held | InForce)
    }

    /// Whether it takes effect at its instant.
    #[must_use]
    pub fn flips(&self) -> bool {
        self.state == EnforcementState::Scheduled && (self.stands || self.flipping)
    }

    /// Whether, as it stands, the notices of its milestones of this kind are made (R1, R5).
    #[must_use]
    pub fn may_expand(&self, kind: NoticeKind) -> bool {
        match kind {
            NoticeKind::Announcement | NoticeKind::Reminder | NoticeKind::FinalReminder => {
                self.state == EnforcementState::Scheduled && self.stands
            }
            NoticeKind::NowRequired => self.state == EnforcementState::InForce,
            NoticeKind::Cancelled => kind.allowed_in(self.state),
            NoticeKind::Rescheduled | NoticeKind::Welcome => false,
        }
    }

    /// When its announcement is due; none: it has no milestones yet.
    #[must_use]
    pub fn announced_at(&self) -> Option<Timestamp> {
        let announcement = self.milestones.iter().find(|one| one.planned.kind == NoticeKind::Announcement);
        announcement.map(|one| one.planned.due_at)
    }

    /// Whether an announcement or a reminder that is yet to be made will reach whoever is there.
    #[must_use]
    pub fn more_to_come(&self) -> bool {
        let reaches = |kind: NoticeKind| kind == NoticeKind::Announcement || kind.is_reminder();
        self.milestones.iter().any(|one| one.state == MilestoneState::Pending && reaches(one.planned.kind))
    }

    /// Whether its notices of this kind may be claimed at `now`: it is not held, its date stands for those whom it does not
    /// require yet (R5), and all that is due is expanded (R7).
    #[must_use]
    pub fn may_claim(&self, kind: NoticeKind, now: Timestamp) -> bool {
        let unexpanded = |one: &Milestone| one.state == MilestoneState::Pending && one.planned.due_at <= now;
        self.state != EnforcementState::Held
            && (self.stands || self.state != EnforcementState::Scheduled && kind != NoticeKind::Welcome)
            && !self.milestones.iter().any(unexpanded)
    }
}

/// A milestone of a course.
#[derive(Clone, Debug)]
pub struct Milestone {
    /// Its id.
    pub id: Id,
    /// What it is.
    pub planned: PlannedMilestone,
    /// Where it stands.
    pub state: MilestoneState,
    /// The last member that has been through, if it was begun.
    pub cursor: Option<Id>,
}

/// A person, and all that decides what they get.
#[derive(Clone, Debug)]
pub struct Person {
    /// The user.
    pub id: Id,
    /// The user's row.
    pub facts: UserFacts,
    /// Whether a mail can be addressed to them at all. If not, every attempt fails.
    pub addressable: bool,
    /// Whether the daemon has looked at the row.
    pub reviewed: bool,
    /// Whether anything requires them already.
    pub required: bool,
    /// The user's own zone, if it is known.
    pub zone: Option<Tz>,
    /// The zone of a company they work for.
    pub home_zone: Tz,
    /// Where they belong.
    pub memberships: Vec<Membership>,
    /// What binds them to each course.
    pub ties: Vec<Tie>,
    /// Their notices of these courses, in any state.
    pub notices: Vec<Notice>,
    /// The mails that they got, are getting or may have got lately.
    pub mails: Vec<Mailed>,
}

/// A membership.
#[derive(Clone, Debug)]
pub struct Membership {
    /// The company.
    pub company_id: Id,
    /// The date in the company's row, as it will be.
    pub company_date: Option<NaiveDate>,
    /// Left out until then.
    pub exempt_until: Option<Timestamp>,
    /// The end of an exemption of which the member was told already.
    pub exemption_told: Option<Timestamp>,
    /// The personal date.
    pub require_at: Option<Timestamp>,
    /// Whether the daemon has looked at the row.
    pub reviewed: bool,
    /// What it found when it looked last: a subject of the enforcement, or not; none: it never has.
    pub was_subject: Option<bool>,
    /// The date that the company told them last.
    pub told_date: Option<NaiveDate>,
    /// From when that mail told them that MFA is required.
    pub told_at: Option<Timestamp>,
}

/// What binds a person to an enforcement.
#[derive(Clone, Copy, Debug)]
pub struct Tie {
    /// The enforcement.
    pub enforcement_id: Id,
    /// Whether it requires them already.
    pub required: bool,
    /// Whether an earlier one of the same company does.
    pub required_before: bool,
    /// Whether it would require them at its instant, as the rows are now.
    pub on_the_day: bool,
}

/// A notice.
#[derive(Clone, Debug)]
pub struct Notice {
    /// Its id.
    pub id: Id,
    /// What it says.
    pub kind: NoticeKind,
    /// The milestone it belongs to.
    pub milestone_id: Id,
    /// The enforcement it is from.
    pub enforcement_id: Id,
    /// Where it stands.
    pub state: NoticeState,
    /// Since when it is due.
    pub due_at: Timestamp,
    /// When it is to be tried.
    pub next_attempt_at: Timestamp,
    /// The mail that an earlier attempt was made with.
    pub mail: Option<EarlierMail>,
    /// Whether it was skipped for a reason that may pass.
    pub skipped_for_now: bool,
    /// Whether it was skipped because a date stood for the person.
    pub date_stood: bool,
}

/// What happens to the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A notice goes out.
    Mailed {
        /// The enforcement it is from.
        enforcement_id: Id,
        /// What it says.
        kind: NoticeKind,
        /// When.
        at: Timestamp,
        /// On which day of the reader.
        day: NaiveDate,
    },
    /// An enforcement requires them.
    Required {
        /// The enforcement.
        enforcement_id: Id,
        /// When.
        at: Timestamp,
    },
}
