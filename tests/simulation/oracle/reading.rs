//! Reads the tables by plain SQL.

use std::collections::BTreeMap;
use std::rc::Rc;

use jiff::Timestamp;

use super::tables::{Company, Enforcement, Id, Mail, Membership, Milestone, Notice, Requirement, Tables, User};
use crate::support::{Kind, TestDatabase};

/// What was read last.
#[derive(Debug, Default)]
pub struct Known {
    text: BTreeMap<String, String>,
    tables: Tables,
}

/// What is read of each table; `~`: text that somebody else writes.
const COLUMNS: [(&str, &[&str]); 8] = [
    (
        "companies",
        &["id", "~name", "~time_zone", "mfa_available", "enforcement_date", "~notice_days", "new_member_grace_days"],
    ),
    (
        "users",
        &[
            "id",
            "~email",
            "~time_zone",
            "kind",
            "active",
            "sso",
            "payee",
            "mfa_enrolled_at",
            "mfa_required_at",
            "email_status",
        ],
    ),
    ("memberships", &["company_id", "user_id", "role", "exempt_until", "require_at", "reviewed_as", "exemption_told"]),
    (
        "enforcements",
        &[
            "id",
            "company_id",
            "enforcement_date",
            "~time_zone",
            "~planned_time_zone",
            "enforce_at",
            "state",
            "notice_overridden",
            "created_at",
            "closed_at",
            "reason",
            "flipped_at",
            "risk_accepted",
            "warned_days",
            "warning",
        ],
    ),
    ("milestones", &["id", "enforcement_id", "kind", "days_before", "due_at", "state"]),
    (
        "notices",
        &[
            "id",
            "kind",
            "milestone_id",
            "enforcement_id",
            "user_id",
            "due_at",
            "state",
            "skip_reason",
            "attempts",
            "next_attempt_at",
            "claimed_by",
            "mail_id",
            "told_at",
        ],
    ),
    (
        "mails",
        &[
            "id",
            "user_id",
            "~address",
            "message_id",
            "state",
            "maybe_received",
            "sent_day",
            "attempted_at",
            "sent_at",
            "server_reply",
            "content_sha256",
        ],
    ),
    ("requirements", &["user_id", "enforcement_id", "required_at", "cleared_at"]),
];

impl Tables {
    /// As they are now. What is as it was is not read again.
    pub async fn read(db: &TestDatabase, known: &mut Known) -> Self {
        // What the vendor writes need not be UTF-8 on SQLite.
        let text = |column: &str| match db.kind() {
            Kind::Sqlite => format!("hex(CAST({column} AS BLOB))"),
            Kind::Postgres => format!("encode(convert_to(CAST({column} AS text), 'UTF8'), 'hex')"),
        };
        let column = |name: &str| match name.strip_prefix('~') {
            Some(name) => format!("CASE WHEN {name} IS NOT NULL THEN {} END", text(name)),
            None => name.to_owned(),
        };
        let mut tables = Self::default();
        match db.kind() {
            // A tenth of the time that it takes to fetch field by field.
            Kind::Sqlite => {
                let selects = COLUMNS.map(|(table, columns)| {
                    let fields: Vec<_> =
                        columns.iter().map(|name| format!("COALESCE({}, 'null')", column(name))).collect();
                    let row = fields.join(" || char(31) || ");
                    format!("SELECT '{table}', group_concat({row}, char(30)) FROM {table}")
                });
                for row in db.rows(&selects.join(";\n")).await {
                    let [table, rows] = <[String; 2]>::try_from(row).unwrap();
                    if known.text.get(&table) == Some(&rows) {
                        tables.share(&table, &known.tables);
                        continue;
                    }
                    for fields in rows.split('\u{1e}').filter(|row| *row != "null") {
                        tables.take(&table, &mut Row(fields.split('\u{1f}').collect::<Vec<_>>().into_iter()));
                    }
                    known.text.insert(table, rows);
                }
            }
            Kind::Postgres => {
                for (table, columns) in COLUMNS {
                    let fields: Vec<_> = columns.iter().map(|name| column(name)).collect();
                    for row in db.rows(&format!("SELECT {} FROM {table}", fields.join(", "))).await {
                        tables.take(table, &mut Row(row.iter().map(String::as_str).collect::<Vec<_>>().into_iter()));
                    }
                }
            }
        }
        if !Rc::ptr_eq(&tables.requirements, &known.tables.requirements) {
            Rc::make_mut(&mut tables.requirements).sort_by_key(|r| (r.required_at, r.user, r.enforcement));
        }
        known.tables = tables.clone();
        tables
    }

    fn share(&mut self, table: &str, known: &Self) {
        match table {
            "companies" => self.companies = Rc::clone(&known.companies),
            "users" => self.users = Rc::clone(&known.users),
            "memberships" => self.memberships = Rc::clone(&known.memberships),
            "enforcements" => self.enforcements = Rc::clone(&known.enforcements),
            "milestones" => self.milestones = Rc::clone(&known.milestones),
            "notices" => self.notices = Rc::clone(&known.notices),
            "mails" => self.mails = Rc::clone(&known.mails),
            "requirements" => self.requirements = Rc::clone(&known.requirements),
            _ => panic!("no table is called {table}"),
        }
    }

    fn take(&mut self, table: &str, row: &mut Row<'_>) {
        match table {
            "companies" => drop(Rc::make_mut(&mut self.companies).insert(row.id(), Company::new(row))),
            "users" => drop(Rc::make_mut(&mut self.users).insert(row.id(), User::new(row))),
            "memberships" => {
                drop(Rc::make_mut(&mut self.memberships).insert((row.id(), row.id()), Membership::new(row)));
            }
            "enforcements" => drop(Rc::make_mut(&mut self.enforcements).insert(row.id(), Enforcement::new(row))),
            "milestones" => drop(Rc::make_mut(&mut self.milestones).insert(row.id(), Milestone::new(row))),
            "notices" => drop(Rc::make_mut(&mut self.notices).insert(row.id(), Notice::new(row))),
            "mails" => drop(Rc::make_mut(&mut self.mails).insert(row.id(), Mail::new(row))),
            "requirements" => Rc::make_mut(&mut self.requirements).push(Requirement::new(row)),
            _ => panic!("no table is called {table}"),
        }
    }
}

impl Company {
    fn new(row: &mut Row<'_>) -> Self {
        Self {
            name: row.hex(),
            time_zone: row.hex(),
            mfa_available: row.flag(),
            date: row.optional(|text| text.parse().unwrap()),
            notice_days: row.optional(unhex),
            grace_days: row.optional(|text| text.parse().unwrap()),
        }
    }
}

impl User {
    fn new(row: &mut Row<'_>) -> Self {
        Self {
            email: row.hex(),
            time_zone: row.optional(unhex),
            person: row.text() == "person",
            active: row.flag(),
            sso: row.flag(),
            payee: row.flag(),
            enrolled: row.optional(|_| ()).is_some(),
            required_at: row.maybe_instant(),
            bounced: row.text() == "bounced",
        }
    }
}

impl Membership {
    fn new(row: &mut Row<'_>) -> Self {
        Self {
            admin: row.text() == "admin",
            exempt_until: row.maybe_instant(),
            require_at: row.maybe_instant(),
            reviewed_as: row.maybe_text(),
            exemption_told: row.maybe_instant(),
        }
    }
}

impl Enforcement {
    fn new(row: &mut Row<'_>) -> Self {
        Self {
            company: row.optional(Id::new),
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
        }
    }
}

impl Milestone {
    fn new(row: &mut Row<'_>) -> Self {
        Self {
            enforcement: row.id(),
            kind: row.text(),
            days_before: row.optional(|text| text.parse().unwrap()),
            due_at: row.instant(),
            state: row.text(),
        }
    }
}

impl Notice {
    fn new(row: &mut Row<'_>) -> Self {
        Self {
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
            mail: row.optional(Id::new),
            told_at: row.maybe_instant(),
        }
    }
}

impl Mail {
    fn new(row: &mut Row<'_>) -> Self {
        Self {
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
        }
    }
}

impl Requirement {
    fn new(row: &mut Row<'_>) -> Self {
        Self { user: row.id(), enforcement: row.id(), required_at: row.instant(), cleared_at: row.maybe_instant() }
    }
}

/// One row, read from left to right.
struct Row<'a>(std::vec::IntoIter<&'a str>);

impl Row<'_> {
    fn field(&mut self) -> &str {
        self.0.next().unwrap()
    }

    fn text(&mut self) -> String {
        self.field().to_owned()
    }

    fn optional<T>(&mut self, read: impl FnOnce(&str) -> T) -> Option<T> {
        let text = self.field();
        (text != "null").then(|| read(text))
    }

    fn maybe_text(&mut self) -> Option<String> {
        self.optional(str::to_owned)
    }

    fn id(&mut self) -> Id {
        Id::new(self.field())
    }

    fn flag(&mut self) -> bool {
        self.field() == "1"
    }

    fn hex(&mut self) -> String {
        unhex(self.field())
    }

    fn instant(&mut self) -> Timestamp {
        instant(self.field())
    }

    fn maybe_instant(&mut self) -> Option<Timestamp> {
        self.optional(instant)
    }
}

fn instant(text: &str) -> Timestamp {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn unhex(text: &str) -> String {
    String::from_utf8_lossy(&hex::decode(text).unwrap()).into_owned()
}
