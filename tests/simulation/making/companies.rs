//! Companies, and what their admins do about dates.

use chrono::{NaiveDate, TimeDelta};
use chrono_tz::Tz;
use mfa_enforcer::domain::time::{Timestamp, add_days, start_of_day};

use super::Making;
use super::moments::{self, about, of_date};
use super::zones;
use crate::simulation::plan::{Deed, Order, Row};
use crate::support::vendor::company_id;

/// Days before that companies choose themselves.
const NOTICE_DAYS: [&str; 8] =
    ["'[30,7,1]'", "'[]'", "'[1]'", "'[60,45,30,14,7,3,2,1]'", "NULL", "'[7,7,7]'", "'\"soon\"'", "'[2,400,-1]'"];

/// A company's story as far as it has been told.
struct Story {
    company: u32,
    zone: Tz,
    at: Timestamp,
    date: Option<NaiveDate>,
    /// Every date that it has had.
    past: Vec<NaiveDate>,
    changes: Vec<NaiveDate>,
}

impl Making {
    pub(super) fn make_companies(&mut self) {
        for company in 1..=self.companies {
            let zone = zones::known(&self.dice);
            let name = if self.dice.chance(4) { zones::rubbish(&self.dice).to_owned() } else { zone.name().to_owned() };
            let at = if self.dice.chance(70) { self.begins } else { self.moment() };
            let locale = *self.dice.pick(&["en", "en", "de", "xx-rubbish"]);
            let available = if self.dice.chance(94) { "TRUE" } else { "FALSE" };
            let grace = *self.dice.pick(&["NULL", "NULL", "NULL", "0", "1", "14"]);
            let days = if self.dice.chance(70) { "NULL" } else { *self.dice.pick(&NOTICE_DAYS) };
            self.sql(
                at,
                format!(
                    "INSERT INTO companies (id, name, time_zone, locale, mfa_available, new_member_grace_days, notice_days)
                     VALUES ('{}', 'Company {company}', '{name}', '{locale}', {available}, {grace}, {days})",
                    company_id(company)
                ),
            );
            let days = (self.ends.utc() - at.utc()).num_days() + 100;
            let changes = moments::changes(zone, at.date_in(zone), days);
            let first = at.plus(TimeDelta::minutes(self.dice.between(0, 60 * 24 * 45)));
            let mut story = Story { company, zone, at: first, date: None, past: Vec::new(), changes };
            while story.at < self.ends {
                self.chapter(&mut story);
            }
            if self.dice.chance(6) {
                let at = self.moment();
                self.sql(at, format!("DELETE FROM companies WHERE id = '{}'", company_id(company)));
            }
        }
    }

    /// One thing that happens to a company, and when the next does.
    fn chapter(&mut self, story: &mut Story) {
        let Some(date) = story.date else {
            let date = self.some_date(story);
            self.set_date(story, date);
            self.wait(story);
            return;
        };
        match self.dice.weighted(&[
            (34, 0),
            (10, 1),
            (8, 2),
            (7, 3),
            (12, 4),
            (7, 5),
            (7, 6),
            (5, 7),
            (4, 8),
            (4, 9),
            (2, 10),
            (3, 11),
        ]) {
            // The day comes and goes.
            0 => {
                story.at = story.at.max(start_of_day(add_days(date, 1), story.zone));
                story.at = story.at.plus(TimeDelta::hours(self.dice.between(0, 24 * 60)));
                if self.dice.chance(50) {
                    story.date = None;
                }
                return;
            }
            1 => {
                let date = self.some_date(story);
                self.set_date(story, date);
            }
            2 => self.set_date(story, add_days(date, self.dice.between(1, 40))),
            3 => self.set_date(story, add_days(date, -self.dice.between(1, 20))),
            // A, B, and A again.
            4 => {
                let today = story.at.date_in(story.zone);
                let again: Vec<_> = story.past.iter().rev().take(4).filter(|day| **day > today).copied().collect();
                let date = if again.is_empty() { self.some_date(story) } else { *self.dice.pick(&again) };
                self.set_date(story, date);
            }
            5 => self.cancel(story),
            6 => {
                self.order(story, Order::Hold);
                story.at = story.at.plus(TimeDelta::minutes(self.dice.between(0, 60 * 24 * 12)));
                let overriding = self.dice.chance(50);
                self.order(story, Order::Release { overriding });
            }
            7 => {
                let overriding = self.dice.chance(60);
                self.order(story, Order::Release { overriding });
            }
            8 => {
                self.order(story, Order::Revert);
                if self.dice.chance(70) {
                    story.date = None;
                }
            }
            9 => self.move_away(story),
            10 => {
                let available = if self.dice.chance(50) { "TRUE" } else { "FALSE" };
                self.column(story, &format!("mfa_available = {available}"));
            }
            _ => {
                let days = *self.dice.pick(&NOTICE_DAYS);
                let grace = *self.dice.pick(&["NULL", "0", "3", "30"]);
                self.column(story, &format!("notice_days = {days}, new_member_grace_days = {grace}"));
            }
        }
        self.wait(story);
    }

    /// A date as admins choose them: mostly weeks ahead, now and then today, in the past, or when clocks change.
    fn some_date(&mut self, story: &Story) -> NaiveDate {
        let today = story.at.date_in(story.zone);
        if self.dice.chance(15) {
            let later: Vec<_> = story.changes.iter().filter(|day| **day > today).take(3).copied().collect();
            if !later.is_empty() {
                return add_days(*self.dice.pick(&later), self.dice.between(0, 1));
            }
        }
        let days = self.dice.weighted(&[
            (1, -3),
            (1, 0),
            (2, 1),
            (2, 3),
            (3, 6),
            (4, 7),
            (4, 8),
            (4, 10),
            (6, 15),
            (8, 21),
            (8, 31),
            (8, 33),
            (5, 45),
            (3, 70),
        ]);
        add_days(today, days)
    }

    fn set_date(&mut self, story: &mut Story, date: NaiveDate) {
        let at = story.at;
        if self.dice.chance(60) {
            let overriding = self.dice.chance(20);
            self.order(story, Order::Set { date, overriding });
        } else if self.dice.chance(10) {
            let row = Row::Company(story.company);
            self.add(at.plus(TimeDelta::minutes(-self.dice.between(1, 5_000))), Deed::ReadRow(row));
            self.add(at, Deed::WriteRow(row, ""));
        } else {
            self.column(story, &format!("enforcement_date = '{date}'"));
        }
        story.date = Some(date);
        story.past.push(date);
        self.moments.note(&self.dice, at, date, story.zone);
    }

    fn cancel(&mut self, story: &mut Story) {
        if self.dice.chance(50) {
            self.order(story, Order::Cancel);
        } else {
            self.column(story, "enforcement_date = NULL");
        }
        story.date = None;
    }

    fn move_away(&mut self, story: &mut Story) {
        let name = if self.dice.chance(25) {
            zones::rubbish(&self.dice).to_owned()
        } else {
            story.zone = zones::known(&self.dice);
            story.zone.name().to_owned()
        };
        self.column(story, &format!("time_zone = '{name}'"));
        if self.dice.chance(30) {
            // It was a slip.
            story.at = story.at.plus(TimeDelta::seconds(self.dice.between(0, 1_200)));
            let name = story.zone.name();
            self.column(story, &format!("time_zone = '{name}'"));
        }
    }

    fn order(&mut self, story: &Story, what: Order) {
        self.add(story.at, Deed::Order { company: story.company, what });
    }

    fn column(&mut self, story: &Story, assignment: &str) {
        self.sql(story.at, format!("UPDATE companies SET {assignment} WHERE id = '{}'", company_id(story.company)));
    }

    /// When the next thing happens: often at an instant at which something is due, soon after, or the same moment.
    fn wait(&mut self, story: &mut Story) {
        let now = story.at;
        let next = match (self.dice.below(10), story.date) {
            (0, _) => now.plus(TimeDelta::seconds(self.dice.between(0, 40))),
            (1 | 2, _) => {
                let announced = now.plus(TimeDelta::minutes(15));
                about(&self.dice, announced)
            }
            (3..=7, Some(date)) => {
                let due = of_date(&self.dice, date, story.zone);
                about(&self.dice, due)
            }
            _ => now.plus(TimeDelta::hours(self.dice.between(1, 24 * 40))),
        };
        story.at = if next > now { next } else { now.plus(TimeDelta::minutes(self.dice.between(1, 60 * 24 * 3))) };
    }
}
