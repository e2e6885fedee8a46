//! The oracle: it looks at what the tables say and at what the mail server was handed, and says which of the rules R1 to
//! R11 was broken.
//!
//! It is written from the rules alone and imports nothing of the daemon: it reads the tables by plain SQL
//! ([`tables`]), computes dates by jiff ([`calendar`]) and reads mails as their readers do ([`letter`]). What happened
//! before is kept in [`history`] and [`post`]; each other file is a rule or a group of rules that belong together.

#![allow(dead_code, reason = "who tells the oracle what happened may tell more than the rules ask for")]

mod calendar;
mod eligible;
mod history;
mod letter;
mod look;
mod once;
mod owed;
mod personal;
mod plans;
mod post;
mod provable;
mod reading;
mod required;
mod safety;
mod states;
mod tables;
#[cfg(test)]
mod tests;
mod told;

use std::rc::Rc;

use jiff::Timestamp;
use jiff::civil::{Date, Time, time};

use crate::support::TestDatabase;
use history::History;
use look::Look;
use owed::Owed;
use post::Post;
use provable::Trail;
use reading::Known;
use tables::Tables;

/// The daemon's settings that the rules depend on.
#[derive(Clone, Debug)]
pub struct Settings {
    pub minimum_notice_days: i32,
    pub announce_delay_minutes: i64,
    pub announce_from: Time,
    /// Announcements arrive before this.
    pub announce_until: Time,
    pub send_at: Time,
    pub days_before: Vec<i32>,
    pub new_member_grace_days: i32,
    pub leave_out_sso: bool,
    pub retry_most_minutes: i64,
    pub lease_minutes: i64,
    /// Whether `[safety]` is judged.
    pub safety: bool,
    pub no_enrolled_admin: Measure,
    pub not_enrolled: Measure,
    pub not_enrolled_percent: usize,
    pub not_told: Measure,
    pub not_told_percent: usize,
}

/// What is done about a risk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    Ignore,
    Warn,
    Hold,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            minimum_notice_days: 7,
            announce_delay_minutes: 15,
            announce_from: time(8, 0, 0, 0),
            announce_until: time(20, 0, 0, 0),
            send_at: time(9, 0, 0, 0),
            days_before: vec![30, 14, 7, 3, 1],
            new_member_grace_days: 7,
            leave_out_sso: true,
            retry_most_minutes: 60,
            lease_minutes: 5,
            safety: true,
            no_enrolled_admin: Measure::Warn,
            not_enrolled: Measure::Warn,
            not_enrolled_percent: 50,
            not_told: Measure::Warn,
            not_told_percent: 10,
        }
    }
}

/// A rule that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// `R1` to `R11`, or `safety`.
    pub rule: &'static str,
    /// Who, what, when, and why it should not be so.
    pub text: String,
}

/// What has just happened.
#[derive(Clone, Debug)]
pub enum Step<'a> {
    /// Somebody changed the rows: the vendor's SQL, an import, or a command; then with its order, if it succeeded.
    Acted { text: &'a str, order: Option<Order> },
    /// The mail server was handed a message for this envelope address, and will answer so. The daemon still waits.
    Handed { daemon: usize, raw: &'a [u8], to: &'a str, answer: Answer },
    /// A daemon died: its futures were dropped.
    Crashed { daemon: usize },
    /// A daemon's transaction was committed.
    Committed { daemon: usize },
    /// A daemon has run every task until nothing was left to do at this instant, without error and crash.
    /// `mail_works`: the server took all mail that it was offered at this instant.
    Settled { mail_works: bool },
    /// The daemons did not run since they last settled.
    Slept,
}

/// What the mail server did with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Accepted,
    RefusedForNow,
    RefusedForGood,
    /// It has the message, and the daemon does not get to know.
    Lost,
    /// The line broke before the data: it does not have the message.
    Broken,
    /// The daemon dies before the server has the message.
    DiesBefore,
    /// The server has the message, and the daemon dies before it gets to know.
    DiesAfter,
}

impl Answer {
    /// Whether the server has the message.
    pub fn received(self) -> bool {
        matches!(self, Self::Accepted | Self::Lost | Self::DiesAfter)
    }
}

/// What a person ordered by a command that succeeded. Companies and users by their ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    Set {
        company: String,
        date: Date,
        overridden: bool,
    },
    Cancel {
        company: String,
    },
    Hold {
        company: String,
    },
    Release {
        company: String,
        overridden: bool,
    },
    Revert {
        company: String,
    },
    Exempt {
        company: String,
        user: String,
        until: Option<Timestamp>,
    },
    /// `notice retry`: what was given up may be sent again.
    Retry {
        user: String,
    },
}

/// Looks on, and remembers.
pub struct Oracle {
    settings: Settings,
    before: Option<(Rc<Tables>, Timestamp)>,
    history: History,
    post: Post,
    owed: Owed,
    trail: Trail,
    known: Known,
}

impl Oracle {
    /// One that has seen nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            before: None,
            history: History::default(),
            post: Post::default(),
            owed: Owed::default(),
            trail: Trail::default(),
            known: Known::default(),
        }
    }

    /// Looks at the tables and at what happened. Every rule that it sees broken now; none: all is as it should be.
    pub async fn look(&mut self, db: &TestDatabase, now: Timestamp, step: Step<'_>) -> Vec<Violation> {
        let is = Rc::new(Tables::read(db, &mut self.known).await);
        let mut found = self.judge(is, now, &step);
        if matches!(step, Step::Settled { .. }) {
            let wrong = self.trail.follow(db, false).await;
            found.extend(wrong.into_iter().map(|text| Violation { rule: "R11", text }));
        }
        found
    }

    /// The same, of tables that have been read.
    fn judge(&mut self, is: Rc<Tables>, now: Timestamp, step: &Step<'_>) -> Vec<Violation> {
        let (was, was_at) = self.before.clone().unwrap_or_else(|| (Rc::clone(&is), now));
        let mut look = Look::new(&self.settings, (was, was_at), (Rc::clone(&is), now), step);
        self.history.follow(&look);
        self.post.follow(&look);
        if let Step::Handed { raw, to, answer, .. } = step
            && let Some(handing) = self.post.receive(&mut look, raw, to, *answer)
        {
            eligible::check(&mut look, &self.post, &handing);
            once::check(&mut look, &self.post, &handing);
            self.post.keep(handing);
        }
        required::check(&mut look, &self.history, &self.post);
        states::check(&mut look, &self.history);
        if self.settings.safety {
            safety::check(&mut look, &self.history, &self.post);
        }
        personal::check(&mut look, &self.post);
        plans::check(&mut look);
        provable::check(&mut look, &self.post);
        if look.settled() {
            self.owed.check(&mut look, &self.history, &self.post);
            self.history.settled(now);
        }
        if look.mailed() {
            told::check(&mut look, &self.history, &self.post);
        }
        self.before = Some((is, now));
        look.found
    }

    /// The end of a world: whether all of it can be proved.
    pub async fn finish(&mut self, db: &TestDatabase, now: Timestamp) -> Vec<Violation> {
        let wrong = self.trail.follow(db, true).await;
        let mut found: Vec<Violation> = wrong.into_iter().map(|text| Violation { rule: "R11", text }).collect();
        found.extend(self.trail.vouches(&Tables::read(db, &mut self.known).await));
        for violation in &mut found {
            violation.text = format!("{} (at the end, {now})", violation.text);
        }
        found
    }
}
