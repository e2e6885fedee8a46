//! The plan of a world: everything that will happen in it but for the daemons' own doing, made before it begins, so that
//! it can be repeated, and made smaller.

use std::fmt;

use chrono::{NaiveDate, TimeDelta};
use mfa_enforcer::domain::time::Timestamp;

use crate::support::Kind;
use crate::support::vendor::{company_id, user_id};

/// Everything that is given.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What it was made from.
    pub seed: u64,
    /// Which database.
    pub kind: Kind,
    /// When the daemons start.
    pub begins: Timestamp,
    /// When it is over.
    pub ends: Timestamp,
    /// What the operator has decided.
    pub settings: Settings,
    /// What the machines may do.
    pub machines: Machines,
    /// What people and the vendor's application do, in order of time.
    pub events: Vec<Event>,
}

/// What the operator has decided otherwise than by default.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whether users who sign in through their company's identity provider are left out.
    pub leave_out_sso: bool,
    /// R10.
    pub minimum_notice_days: u16,
    /// How long an announcement waits.
    pub announce_delay: TimeDelta,
    /// What is done about a date with no enrolled admin, with too few enrolled, with too few told.
    pub safety: [Safety; 3],
    /// Rows in one transaction of a set-wise act.
    pub chunk: i64,
    /// Notices claimed at a time.
    pub claim_batch: i64,
}

/// What is done about one risk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Safety {
    Ignore,
    Warn,
    Hold,
}

impl Safety {
    /// As in the settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ignore => "ignore",
            Self::Warn => "warn",
            Self::Hold => "hold",
        }
    }
}

/// What the machines may do. Each is switched off by itself when a failure is made smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a trouble that is there or is not")]
pub struct Machines {
    /// How many daemons run on the database.
    pub daemons: usize,
    /// In how many of 100 rounds the tasks of all daemons run side by side, not one after the other.
    pub side_by_side: i64,
    /// Daemons die at any point.
    pub crashes: bool,
    /// The database fails at any point.
    pub database_errors: bool,
    /// Daemons are held up at any point, for minutes, while the others go on.
    pub stalls: bool,
    /// The mail server is not always well.
    pub mail_troubles: bool,
    /// The clock jumps back a little.
    pub clock_jumps: bool,
    /// All daemons run at the same time, as they like: what happens is not the same each time. On PostgreSQL only.
    pub unwatched: bool,
}

impl Machines {
    /// One daemon, and nothing goes wrong.
    pub const CALM: Self = Self {
        daemons: 1,
        side_by_side: 0,
        crashes: false,
        database_errors: false,
        stalls: false,
        mail_troubles: false,
        clock_jumps: false,
        unwatched: false,
    };
}

/// Something that happens.
#[derive(Clone, Debug)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// While the daemons are at work, not before.
    pub amid: bool,
    /// What.
    pub deed: Deed,
}

/// What may happen.
#[derive(Clone, Debug)]
pub enum Deed {
    /// The vendor's application runs this. What the database refuses has not happened.
    Sql(String),
    /// The vendor's application reads a whole row, to write it back some time.
    ReadRow(Row),
    /// The vendor's application writes the whole row back as it was read, with some of its columns changed.
    WriteRow(Row, &'static str),
    /// A person gives an order about a company's date.
    Order { company: u32, what: Order },
    /// A person leaves a user out of a company's enforcement.
    Exempt { company: u32, user: u32, until: Timestamp },
    /// A person ends that.
    EndExemption { company: u32, user: u32 },
    /// A person records that a user has enrolled, or no longer is.
    Enroll { user: u32, enrolled: bool },
    /// The mail server changes.
    Mail(Weather),
    /// The mail server knows nobody of this address any more, or does again.
    Mailbox { user: u32, gone: bool },
    /// No daemon runs for a while.
    Sleep(TimeDelta),
    /// The clock jumps back.
    ClockBack(TimeDelta),
    /// What is to come is foretold; from now on nobody interferes.
    Foretell,
}

/// A row of the vendor's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Row {
    User(u32),
    Company(u32),
}

/// An order about a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Set { date: NaiveDate, overriding: bool },
    Cancel,
    Hold,
    Release { overriding: bool },
    Revert,
}

/// How the mail server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// It takes everything.
    Fair,
    /// It refuses some for now, and some for good.
    Choosy,
    /// Lines break, before the mail has gone over or after; some hang until time is out.
    Stormy,
    /// Nobody answers.
    Down,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = if self.amid { "amid" } else { "    " };
        write!(f, "{} {when}  ", self.at.utc().format("%Y-%m-%d %H:%M:%S%.6f"))?;
        match &self.deed {
            Deed::Sql(sql) => write!(f, "sql: {}", named(sql)),
            Deed::ReadRow(row) => write!(f, "the vendor reads {row:?}"),
            Deed::WriteRow(row, "") => write!(f, "the vendor writes {row:?} back as it was read"),
            Deed::WriteRow(row, but) => write!(f, "the vendor writes {row:?} back as it was read, but with {but}"),
            Deed::Order { company, what } => write!(f, "company {company}: {what:?}"),
            other => write!(f, "{other:?}"),
        }
    }
}

/// A text with the ids of companies and users in words.
pub fn named(text: &str) -> String {
    let mut named = text.to_owned();
    for (pattern, word) in [(company_id(0), "company"), (user_id(0), "user")] {
        let pattern = pattern.to_string();
        let prefix = &pattern[..28];
        while let Some(at) = named.find(prefix) {
            let Some(number) = named.get(at + 28..at + 36).and_then(|hex| u32::from_str_radix(hex, 16).ok()) else {
                break;
            };
            named.replace_range(at..at + 36, &format!("{word} {number}"));
        }
    }
    named.split_whitespace().collect::<Vec<_>>().join(" ")
}
