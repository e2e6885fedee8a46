//! One look: the tables before and after what happened, and what the rules say of a company, a user and an enforcement.

use std::rc::Rc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::calendar::{self, at, date_at, first_instant, plus_days, zone};
use super::tables::{Company, Enforcement, Id, MANDATE, Membership, Tables, User};
use super::{Order, Settings, Step, Violation};

/// How long a daemon may be held up between looking at its clock and writing down what it did.
pub const HELD_UP: SignedDuration = SignedDuration::from_mins(45);

/// The tables before and after, and what was found wrong.
pub struct Look<'a> {
    pub settings: &'a Settings,
    pub was: Rc<Tables>,
    /// The earlier of the two instants, where the clock was set back.
    pub was_at: Timestamp,
    pub is: Rc<Tables>,
    pub now: Timestamp,
    pub step: &'a Step<'a>,
    pub found: Vec<Violation>,
}

impl<'a> Look<'a> {
    pub fn new(
        settings: &'a Settings,
        (was, was_at): (Rc<Tables>, Timestamp),
        (is, now): (Rc<Tables>, Timestamp),
        step: &'a Step<'a>,
    ) -> Self {
        Self { settings, was, was_at: was_at.min(now), is, now, step, found: Vec::new() }
    }

    /// Notes that a rule is broken.
    pub fn wrong(&mut self, rule: &'static str, text: impl Into<String>) {
        self.found.push(Violation { rule, text: format!("{} (at {})", text.into(), self.now) });
    }

    /// What the daemon may take for now: it may have been held up since it looked at its clock, or while it waited.
    pub fn as_seen(&self) -> [Timestamp; 2] {
        [self.was_at.min(self.now) - HELD_UP, self.now]
    }

    /// Whether it was the vendor or a person who changed something.
    pub fn acted(&self) -> bool {
        matches!(self.step, Step::Acted { .. })
    }

    pub fn order(&self) -> Option<&'a Order> {
        match self.step {
            Step::Acted { order, .. } => order.as_ref(),
            _ => None,
        }
    }

    /// Whether all that is due has been done.
    pub fn settled(&self) -> bool {
        matches!(self.step, Step::Settled { .. })
    }

    /// The same, mail included.
    pub fn mailed(&self) -> bool {
        matches!(self.step, Step::Settled { mail_works: true })
    }
}

/// Whether an enforcement of a company is about this member at all: an active person, not exempt, not left out by SSO.
pub fn is_subject(settings: &Settings, user: &User, membership: &Membership) -> bool {
    may_be_subject(settings, user) && membership.exempt_until.is_none()
}

/// The same, an exemption notwithstanding.
pub fn may_be_subject(settings: &Settings, user: &User) -> bool {
    user.person && user.active && !(user.sso && settings.leave_out_sso)
}

/// Whether the payee mandate is about this user.
pub fn is_payee(user: &User) -> bool {
    user.payee && user.person && user.active
}

/// When an enforcement takes effect, where that can be said: its zone is known, its date is of our time.
pub fn effect(enforcement: &Enforcement) -> Option<Timestamp> {
    let zone = zone(&enforcement.time_zone).or_else(|| zone(&enforcement.planned_time_zone))?;
    (enforcement.date.year() >= 1970).then(|| first_instant(enforcement.date, &zone))
}

/// The zone in which a company's dates are.
pub fn company_zone(enforcement: &Enforcement) -> Option<TimeZone> {
    zone(&enforcement.time_zone).or_else(|| zone(&enforcement.planned_time_zone))
}

/// The reader's zone: their own, or else the company's.
pub fn reader_zone(user: &User, enforcement: &Enforcement) -> TimeZone {
    let own = user.time_zone.as_deref().and_then(zone);
    own.or_else(|| company_zone(enforcement)).unwrap_or(TimeZone::UTC)
}

/// From when the enforcement requires this user.
pub fn moment(tables: &Tables, user: Id, id: Id) -> Option<Timestamp> {
    let enforcement = tables.enforcements.get(&id)?;
    let effect = effect(enforcement)?;
    let company = enforcement.company?;
    let personal = tables.memberships.get(&(company, user)).and_then(|membership| membership.require_at);
    Some(personal.map_or(effect, |personal| personal.max(effect)))
}

/// The days before the date on which a company's members are reminded, the most first.
pub fn days_before(settings: &Settings, company: &Company) -> Vec<i32> {
    let own = company.notice_days.as_deref().and_then(|text| serde_json::from_str::<Vec<i32>>(text).ok());
    // A list with a number that cannot be is none.
    let own = own.filter(|days| days.iter().all(|days| (1..=365).contains(days)));
    let mut days = own.unwrap_or_else(|| settings.days_before.clone());
    days.sort_unstable_by(|a, b| b.cmp(a));
    days.dedup();
    days
}

/// When the reminder so many days before the date is due for a reader in this zone.
pub fn reminder_due(settings: &Settings, effect: Timestamp, days: i32, reader: &TimeZone) -> Timestamp {
    at(plus_days(date_at(effect, reader), -days), settings.send_at, reader)
}

/// When a reader in this zone is to be told that MFA is required since this instant.
pub fn now_required_due(settings: &Settings, moment: Timestamp, reader: &TimeZone) -> Timestamp {
    moment.max(at(date_at(moment, reader), settings.send_at, reader))
}

/// When somebody may be told what was decided at this instant, at the soonest.
pub fn announcement_due(settings: &Settings, decided: Timestamp, reader: &TimeZone) -> Timestamp {
    let ready = decided + calendar::minutes(settings.announce_delay_minutes);
    calendar::next_between(ready, settings.announce_from, settings.announce_until, reader)
}

/// The day at this instant for a user, wherever that is said for them: by their own zone, or by one of their companies'.
pub fn days_of(tables: &Tables, user: Id, now: Timestamp) -> Vec<Date> {
    let Some(row) = tables.users.get(&user) else { return Vec::new() };
    if let Some(own) = row.time_zone.as_deref().and_then(zone) {
        return vec![date_at(now, &own)];
    }
    // A company that is gone, or whose zone is unknown, is still in its enforcements.
    let mut zones: Vec<TimeZone> = tables.enforcements.values().filter_map(company_zone).collect();
    zones.extend(tables.companies.values().filter_map(|company| zone(&company.time_zone)));
    zones.push(TimeZone::UTC);
    let mut days: Vec<Date> = zones.iter().map(|zone| date_at(now, zone)).collect();
    days.sort_unstable();
    days.dedup();
    days
}

/// How an enforcement is spoken of.
pub fn named(tables: &Tables, id: Id) -> String {
    if id == MANDATE {
        return "the payee mandate".to_owned();
    }
    match tables.enforcements.get(&id) {
        None => format!("enforcement {id}"),
        Some(enforcement) => format!(
            "enforcement {id} ({} of {} for {}, {})",
            enforcement.state,
            enforcement.company.map_or_else(String::new, |company| company.to_string()),
            enforcement.date,
            enforcement.time_zone
        ),
    }
}
