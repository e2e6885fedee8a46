//! People, and what becomes of them.

use chrono::TimeDelta;
use mfa_enforcer::domain::time::Timestamp;

use super::{Making, zones};
use crate::simulation::plan::{Deed, Row};
use crate::support::vendor::{company_id, user_id};

/// Addresses to which no mail can be written, or that look so.
const ODD_ADDRESSES: [&str; 7] =
    ["no address", "", "jo@", "Jörg@exämple.de", "\"a b\"@example.com", "shared@example.com", "SHARED@example.com"];

impl Making {
    pub(super) fn make_people(&mut self) {
        for user in 1..=self.users {
            let at = if self.dice.chance(75) { self.begins } else { self.moment() };
            self.add_user(user, at);
            let in_companies = self.dice.weighted(&[(1, 0), (12, 1), (5, 2), (2, 3)]);
            for _ in 0..in_companies {
                let company = self.some_company();
                let joins = if self.dice.chance(70) { at.plus(TimeDelta::microseconds(2)) } else { self.moment() };
                self.join(user, company, joins);
            }
            let days = (self.ends.utc() - self.begins.utc()).num_days();
            for _ in 0..self.dice.between(0, 1 + days / 60) {
                let at = self.moment();
                self.change(user, at);
            }
        }
        // A whole department comes at once.
        if self.dice.chance(25) {
            let (at, company) = (self.moment(), self.some_company());
            let first = self.users + 1;
            self.users += u32::try_from(self.dice.between(4, 12)).expect("it is small");
            for user in first..=self.users {
                self.add_user(user, at);
                self.join(user, company, at.plus(TimeDelta::microseconds(1)));
            }
        }
    }

    fn some_company(&mut self) -> u32 {
        u32::try_from(self.dice.between(1, self.companies.into())).expect("it is small")
    }

    fn add_user(&mut self, user: u32, at: Timestamp) {
        let dice = &self.dice;
        let text = |given: Option<String>| given.map_or("NULL".to_owned(), |text| format!("'{text}'"));
        let email =
            if dice.chance(8) { (*dice.pick(&ODD_ADDRESSES)).to_owned() } else { format!("user{user}@example.com") };
        let zone = match dice.weighted(&[(5, 0), (5, 1), (1, 2)]) {
            0 => None,
            1 => Some(zones::known(dice).name().to_owned()),
            _ => Some(zones::rubbish(dice).to_owned()),
        };
        let country = dice.pick(&["NULL", "'US'", "'DE'", "'JP'", "'??'"]).to_string();
        let kind = if dice.chance(6) { "service" } else { "person" };
        let flag = |dice: &super::Dice, percent| if dice.chance(percent) { "TRUE" } else { "FALSE" };
        let (active, sso, payee) = (flag(dice, 92), flag(dice, 10), flag(dice, 8));
        let enrolled = dice.chance(20).then(|| at.plus(TimeDelta::hours(-dice.between(0, 10_000))).to_string());
        let locale = dice.pick(&["NULL", "'en'", "'de'", "'tlh'"]).to_string();
        self.sql(
            at,
            format!(
                "INSERT INTO users (id, email, name, locale, time_zone, country, kind, active, sso, payee, mfa_enrolled_at)
                 VALUES ('{}', '{email}', 'User {user}', {locale}, {}, {country}, '{kind}', {active}, {sso}, {payee}, {})",
                user_id(user),
                text(zone),
                text(enrolled)
            ),
        );
    }

    fn join(&mut self, user: u32, company: u32, at: Timestamp) {
        let role = if self.dice.chance(25) { "admin" } else { "member" };
        let joined = if self.dice.chance(50) { "NULL".to_owned() } else { format!("'{at}'") };
        self.sql(
            at,
            format!(
                "INSERT INTO memberships (company_id, user_id, role, joined_at) VALUES ('{}', '{}', '{role}', {joined})",
                company_id(company),
                user_id(user)
            ),
        );
    }

    /// Something becomes of a user.
    fn change(&mut self, user: u32, at: Timestamp) {
        let company = self.some_company();
        let soon = at.plus(TimeDelta::minutes(self.dice.between(0, 60 * 24 * 20)));
        let of = format!("WHERE company_id = '{}' AND user_id = '{}'", company_id(company), user_id(user));
        match self.dice.weighted(&[
            (18, 0),
            (8, 1),
            (8, 2),
            (8, 3),
            (10, 4),
            (4, 5),
            (4, 6),
            (4, 7),
            (4, 8),
            (5, 9),
            (5, 10),
            (14, 11),
            (4, 12),
            (2, 13),
        ]) {
            0 => self.enroll(user, at, true),
            1 => {
                self.enroll(user, at, true);
                self.enroll(user, soon, false);
            }
            2 => self.join(user, company, at),
            3 => {
                self.sql(at, format!("DELETE FROM memberships {of}"));
                if self.dice.chance(60) {
                    self.join(user, company, soon);
                }
            }
            4 => {
                self.set_user(user, at, "active = FALSE");
                if self.dice.chance(80) {
                    self.set_user(user, soon, "active = TRUE");
                }
            }
            5 => {
                let kind = *self.dice.pick(&["'service'", "'person'"]);
                self.set_user(user, at, &format!("kind = {kind}"));
                self.set_user(user, soon, "kind = 'person'");
            }
            6 => {
                let sso = *self.dice.pick(&["TRUE", "FALSE"]);
                self.set_user(user, at, &format!("sso = {sso}"));
                self.set_user(user, soon, "sso = FALSE");
            }
            7 => {
                let payee = *self.dice.pick(&["TRUE", "FALSE"]);
                self.set_user(user, at, &format!("payee = {payee}"));
            }
            8 => {
                let zone = zones::known(&self.dice);
                self.set_user(user, at, &format!("time_zone = '{}', country = 'FR'", zone.name()));
            }
            9 => {
                self.add(at, Deed::Mailbox { user, gone: true });
                let back = *self.dice.pick(&[true, false]);
                if back {
                    self.add(soon, Deed::Mailbox { user, gone: false });
                    self.set_user(user, soon, &format!("email = 'user{user}@example.org'"));
                }
            }
            10 => self.set_user(user, at, &format!("email = 'new{user}@example.com'")),
            11 => self.exempt(user, company, at, &of),
            12 => self.save_whole_row(user, at, soon),
            _ => self.sql(at, format!("DELETE FROM users WHERE id = '{}'", user_id(user))),
        }
    }

    fn set_user(&mut self, user: u32, at: Timestamp, assignment: &str) {
        self.sql(at, format!("UPDATE users SET {assignment} WHERE id = '{}'", user_id(user)));
    }

    fn enroll(&mut self, user: u32, at: Timestamp, enrolled: bool) {
        if self.dice.chance(25) {
            self.add(at, Deed::Enroll { user, enrolled });
        } else if enrolled {
            self.set_user(user, at, &format!("mfa_enrolled_at = '{at}', mfa_method = 'authenticator'"));
        } else {
            self.set_user(user, at, "mfa_enrolled_at = NULL, mfa_method = NULL");
        }
    }

    fn exempt(&mut self, user: u32, company: u32, at: Timestamp, of: &str) {
        let span = TimeDelta::minutes(match self.dice.below(4) {
            0 => self.dice.between(1, 60 * 24),
            1 => self.dice.between(60 * 24, 60 * 24 * 8),
            _ => self.dice.between(60 * 24 * 8, 60 * 24 * 80),
        });
        let until =
            if self.dice.chance(40) { self.moment().max(at.plus(TimeDelta::seconds(1))) } else { at.plus(span) };
        if self.dice.chance(60) {
            self.add(at, Deed::Exempt { company, user, until });
        } else {
            self.sql(
                at,
                format!(
                    "UPDATE memberships SET exempt_until = '{until}', exempt_reason = 'leave', exempt_by = 'hr' {of}"
                ),
            );
        }
        let between = (until.utc() - at.utc()).num_seconds().max(1);
        let later = at.plus(TimeDelta::seconds(self.dice.between(0, between)));
        match self.dice.below(6) {
            0 => self.add(later, Deed::EndExemption { company, user }),
            1 => self.sql(later, format!("UPDATE memberships SET exempt_until = NULL {of}")),
            2 => {
                let until = until.plus(TimeDelta::days(self.dice.between(-3, 20)));
                self.sql(later, format!("UPDATE memberships SET exempt_until = '{until}' {of}"));
            }
            _ => {}
        }
    }

    /// The vendor's application reads a row, and writes it back later with one change.
    fn save_whole_row(&mut self, user: u32, at: Timestamp, soon: Timestamp) {
        self.add(at, Deed::ReadRow(Row::User(user)));
        let but = *self.dice.pick(&["", "name = 'Renamed'", "active = TRUE", "country = 'US'", "locale = 'fr'"]);
        self.add(soon, Deed::WriteRow(Row::User(user), but));
    }
}
