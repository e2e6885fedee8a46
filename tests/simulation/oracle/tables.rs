//! What the tables say.

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use jiff::Timestamp;
use jiff::civil::Date;

/// The enforcement without a company.
pub const MANDATE: Id = Id(1);

/// An id of any table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub u128);

impl Id {
    /// From the text of the tables.
    pub fn new(text: &str) -> Self {
        Self(u128::from_str_radix(&text.replace('-', ""), 16).unwrap_or_else(|_| panic!("not an id: {text}")))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = format!("{:032x}", self.0);
        write!(f, "{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// All that the oracle looks at.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    pub companies: Rc<BTreeMap<Id, Company>>,
    pub users: Rc<BTreeMap<Id, User>>,
    /// By company and user.
    pub memberships: Rc<BTreeMap<(Id, Id), Membership>>,
    pub enforcements: Rc<BTreeMap<Id, Enforcement>>,
    pub milestones: Rc<BTreeMap<Id, Milestone>>,
    pub notices: Rc<BTreeMap<Id, Notice>>,
    pub mails: Rc<BTreeMap<Id, Mail>>,
    /// In their order.
    pub requirements: Rc<Vec<Requirement>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Company {
    pub name: String,
    pub time_zone: String,
    pub mfa_available: bool,
    pub date: Option<Date>,
    pub notice_days: Option<String>,
    pub grace_days: Option<i32>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "it is a row")]
pub struct User {
    pub email: String,
    pub time_zone: Option<String>,
    pub person: bool,
    pub active: bool,
    pub sso: bool,
    pub payee: bool,
    pub enrolled: bool,
    pub required_at: Option<Timestamp>,
    pub bounced: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    pub admin: bool,
    pub exempt_until: Option<Timestamp>,
    pub require_at: Option<Timestamp>,
    pub reviewed_as: Option<String>,
    pub exemption_told: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enforcement {
    pub company: Option<Id>,
    pub date: Date,
    pub time_zone: String,
    pub planned_time_zone: String,
    pub enforce_at: Timestamp,
    pub state: String,
    pub overridden: bool,
    pub created_at: Timestamp,
    pub closed_at: Option<Timestamp>,
    pub reason: Option<String>,
    pub flipped_at: Option<Timestamp>,
    pub risk_accepted: bool,
    pub warned_days: Option<i32>,
    pub warning: Option<String>,
}

impl Enforcement {
    /// Whether its date is still to come, or has come.
    pub fn is(&self, state: &str) -> bool {
        self.state == state
    }

    /// Whether it is over.
    pub fn closed(&self) -> bool {
        matches!(self.state.as_str(), "cancelled" | "superseded" | "reverted")
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Milestone {
    pub enforcement: Id,
    pub kind: String,
    pub days_before: Option<i32>,
    pub due_at: Timestamp,
    pub state: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub kind: String,
    pub milestone: Id,
    pub enforcement: Id,
    pub user: Id,
    pub due_at: Timestamp,
    pub state: String,
    pub skip_reason: Option<String>,
    pub attempts: i32,
    pub next_attempt_at: Timestamp,
    pub claimed_by: Option<String>,
    pub mail: Option<Id>,
    pub told_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    pub user: Id,
    pub address: String,
    pub message_id: String,
    pub state: String,
    pub maybe_received: bool,
    pub sent_day: Date,
    pub attempted_at: Timestamp,
    pub sent_at: Option<Timestamp>,
    pub reply: Option<String>,
    pub sha256: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    pub user: Id,
    pub enforcement: Id,
    pub required_at: Timestamp,
    pub cleared_at: Option<Timestamp>,
}

impl Tables {
    /// The requirements of an enforcement of a user that are not cleared.
    pub fn requires(&self, user: Id, enforcement: Id) -> bool {
        let this = |r: &&Requirement| r.user == user && r.enforcement == enforcement && r.cleared_at.is_none();
        self.requirements.iter().any(|r| this(&r))
    }

    /// Whether another enforcement than this requires the user.
    pub fn required_otherwise(&self, user: Id, enforcement: Id) -> bool {
        self.requirements.iter().any(|r| r.user == user && r.enforcement != enforcement && r.cleared_at.is_none())
    }

    /// Whether any enforcement of the company requires the user.
    pub fn company_requires(&self, user: Id, company: Id) -> bool {
        self.requirements.iter().any(|r| {
            r.user == user
                && r.cleared_at.is_none()
                && self.enforcements.get(&r.enforcement).is_some_and(|e| e.company == Some(company))
        })
    }

    /// The enforcements of a company.
    pub fn of_company(&self, company: Id) -> impl Iterator<Item = (Id, &Enforcement)> {
        self.enforcements.iter().filter(move |(_, e)| e.company == Some(company)).map(|(id, e)| (*id, e))
    }

    /// Whether the company's row says what the enforcement was planned from.
    pub fn stands(&self, enforcement: &Enforcement) -> bool {
        let Some(company) = enforcement.company else { return true };
        self.companies
            .get(&company)
            .is_some_and(|row| row.date == Some(enforcement.date) && row.time_zone == enforcement.time_zone)
    }
}
