//! What the tables say, read by plain SQL.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;

use crate::support::{Kind, TestDatabase};

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
    pub companies: BTreeMap<Id, Company>,
    pub users: BTreeMap<Id, User>,
    /// By company and user.
    pub memberships: BTreeMap<(Id, Id), Membership>,
    pub enforcements: BTreeMap<Id, Enforcement>,
    pub milestones: BTreeMap<Id, Milestone>,
    pub notices: BTreeMap<Id, Notice>,
    pub mails: BTreeMap<Id, Mail>,
    pub requirements: Vec<Requirement>,
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
    /// As they are now.
    pub async fn read(db: &TestDatabase) -> Self {
        // What the vendor writes need not be UTF-8 on SQLite.
        let text = |column: &str| match db.kind() {
            Kind::Sqlite => format!("hex(CAST({column} AS BLOB))"),
            Kind::Postgres => format!("encode(convert_to({column}, 'UTF8'), 'hex')"),
        };
        let (name, zone, email, days) =
            (text("name"), text("time_zone"), text("email"), text("CAST(notice_days AS text)"));
        let mut tables = Self::default();
        for mut row in select(
            db,
            &format!(
                "SELECT id, {name}, {zone}, mfa_available, enforcement_date, \
                 CASE WHEN notice_days IS NOT NULL THEN {days} END, new_member_grace_days FROM companies"
            ),
        )
        .await
        {
            let id = row.id();
            let company = Company {
                name: row.hex(),
                time_zone: row.hex(),
                mfa_available: row.flag(),
                date: row.optional(|text| text.parse().unwrap()),
                notice_days: row.optional(|text| unhex(&text)),
                grace_days: row.optional(|text| text.parse().unwrap()),
            };
            tables.companies.insert(id, company);
        }
        for mut row in select(
            db,
            &format!(
                "SELECT id, {email}, CASE WHEN time_zone IS NOT NULL THEN {zone} END, kind, active, sso, payee, \
                 mfa_enrolled_at, mfa_required_at, email_status FROM users"
            ),
        )
        .await
        {
            let id = row.id();
            let user = User {
                email: row.hex(),
                time_zone: row.optional(|text| unhex(&text)),
                person: row.text() == "person",
                active: row.flag(),
                sso: row.flag(),
                payee: row.flag(),
                enrolled: row.optional(|_| ()).is_some(),
                required_at: row.maybe_instant(),
                bounced: row.text() == "bounced",
            };
            tables.users.insert(id, user);
        }
        for mut row in select(
            db,
            "SELECT company_id, user_id, role, exempt_until, require_at, reviewed_as, exemption_told FROM memberships",
        )
        .await
        {
            let key = (row.id(), row.id());
            let membership = Membership {
                admin: row.text() == "admin",
                exempt_until: row.maybe_instant(),
                require_at: row.maybe_instant(),
                reviewed_as: row.maybe_text(),
                exemption_told: row.maybe_instant(),
            };
            tables.memberships.insert(key, membership);
        }
        tables.read_plans(db, &zone, &text("planned_time_zone")).await;
        tables.read_deeds(db, &text("address")).await;
        tables
    }

    async fn read_plans(&mut self, db: &TestDatabase, zone: &str, planned_zone: &str) {
        for mut row in select(
            db,
            &format!(
                "SELECT id, company_id, enforcement_date, {zone}, {planned_zone}, enforce_at, state, \
                 notice_overridden, created_at, closed_at, reason, flipped_at, risk_accepted, warned_days, \
                 warning FROM enforcements"
            ),
        )
        .await
        {
            let id = row.id();
            let enforcement = Enforcement {
                company: row.optional(|text| Id::new(&text)),
                date: row.text().parse().unwrap(),
                time_zone: row.hex(),
                planned_time_zone: row.hex(),
                enforce_at: row.instant(),
                state: row.text(),
                overridden: row.flag(),
                created_at: row.instant(),
                closed_at: row.maybe_instant(),
                reason: row.maybe_text(),
                flipped_at: row.maybe_instant(),
                risk_accepted: row.flag(),
                warned_days: row.optional(|text| text.parse().unwrap()),
                warning: row.maybe_text(),
            };
            self.enforcements.insert(id, enforcement);
        }
        for mut row in select(db, "SELECT id, enforcement_id, kind, days_before, due_at, state FROM milestones").await {
            let id = row.id();
            let milestone = Milestone {
                enforcement: row.id(),
                kind: row.text(),
                days_before: row.optional(|text| text.parse().unwrap()),
                due_at: row.instant(),
                state: row.text(),
            };
            self.milestones.insert(id, milestone);
        }
    }

    async fn read_deeds(&mut self, db: &TestDatabase, address: &str) {
        for mut row in select(
            db,
            "SELECT id, kind, milestone_id, enforcement_id, user_id, due_at, state, skip_reason, attempts, \
             next_attempt_at, claimed_by, mail_id, told_at FROM notices",
        )
        .await
        {
            let id = row.id();
            let notice = Notice {
                kind: row.text(),
                milestone: row.id(),
                enforcement: row.id(),
                user: row.id(),
                due_at: row.instant(),
                state: row.text(),
                skip_reason: row.maybe_text(),
                attempts: row.text().parse().unwrap(),
                next_attempt_at: row.instant(),
                claimed_by: row.maybe_text(),
                mail: row.optional(|text| Id::new(&text)),
                told_at: row.maybe_instant(),
            };
            self.notices.insert(id, notice);
        }
        for mut row in select(
            db,
            &format!(
                "SELECT id, user_id, {address}, message_id, state, maybe_received, sent_day, attempted_at, sent_at, \
                 server_reply, content_sha256 FROM mails"
            ),
        )
        .await
        {
            let id = row.id();
            let mail = Mail {
                user: row.id(),
                address: row.hex(),
                message_id: row.text(),
                state: row.text(),
                maybe_received: row.flag(),
                sent_day: row.text().parse().unwrap(),
                attempted_at: row.instant(),
                sent_at: row.maybe_instant(),
                reply: row.maybe_text(),
                sha256: row.maybe_text(),
            };
            self.mails.insert(id, mail);
        }
        for mut row in select(
            db,
            "SELECT user_id, enforcement_id, required_at, cleared_at FROM requirements \
             ORDER BY required_at, user_id, enforcement_id",
        )
        .await
        {
            self.requirements.push(Requirement {
                user: row.id(),
                enforcement: row.id(),
                required_at: row.instant(),
                cleared_at: row.maybe_instant(),
            });
        }
    }

    /// The requirements of an enforcement of a user that are not cleared.
    pub fn requires(&self, user: Id, enforcement: Id) -> bool {
        let this = |r: &&Requirement| r.user == user && r.enforcement == enforcement && r.cleared_at.is_none();
        self.requirements.iter().any(|r| this(&r))
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

/// One row, read from left to right.
struct Row(std::vec::IntoIter<String>);

impl Row {
    fn text(&mut self) -> String {
        self.0.next().unwrap()
    }

    fn optional<T>(&mut self, read: impl FnOnce(String) -> T) -> Option<T> {
        let text = self.text();
        (text != "null").then(|| read(text))
    }

    fn maybe_text(&mut self) -> Option<String> {
        self.optional(|text| text)
    }

    fn id(&mut self) -> Id {
        Id::new(&self.text())
    }

    fn flag(&mut self) -> bool {
        self.text() == "1"
    }

    fn hex(&mut self) -> String {
        unhex(&self.text())
    }

    fn instant(&mut self) -> Timestamp {
        self.text().parse().unwrap()
    }

    fn maybe_instant(&mut self) -> Option<Timestamp> {
        self.optional(|text| text.parse().unwrap())
    }
}

async fn select(db: &TestDatabase, sql: &str) -> impl Iterator<Item = Row> {
    db.rows(sql).await.into_iter().map(|row| Row(row.into_iter()))
}

fn unhex(text: &str) -> String {
    String::from_utf8_lossy(&hex::decode(text).unwrap()).into_owned()
}
