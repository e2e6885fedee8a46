//! R3: the dates of those who came late or whose exemption ends: the first midnight of their company after the days of
//! grace, never before the company's own date.

use std::rc::Rc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::calendar::{date_at, days, first_instant, first_midnight_from, plus_days, time_at};
use super::look::{Look, company_zone, effect, named};
use super::post::{Post, Told, told as told_by};
use super::tables::{Id, Tables};

/// Judges personal dates that the daemon has set.
pub fn check(look: &mut Look<'_>, post: &Post) {
    let (was, is) = (Rc::clone(&look.was), Rc::clone(&look.is));
    for (key, membership) in is.memberships.iter() {
        let Some(personal) = membership.require_at else { continue };
        let before = was.memberships.get(key);
        if before.is_some_and(|before| before.require_at == Some(personal)) || look.acted() && look.order().is_none() {
            continue;
        }
        let mut allowed: Vec<Timestamp> =
            candidates(look, post, &was, *key).into_iter().chain(candidates(look, post, &is, *key)).collect();
        allowed.sort_unstable();
        allowed.dedup();
        if !allowed.contains(&personal) {
            look.wrong(
                "R3",
                format!(
                    "user {} of company {} is given {personal} as their date (it was {:?}), but should have one of {allowed:?}",
                    key.1,
                    key.0,
                    before.and_then(|before| before.require_at)
                ) + &format!("; {:?}", is.of_company(key.0).filter(|(_, e)| !e.closed()).collect::<Vec<_>>()),
            );
        }
    }
    for (id, enforcement) in is.enforcements.iter() {
        let own = effect(enforcement);
        let new = was.enforcements.get(id).is_none_or(|before| before.enforce_at != enforcement.enforce_at);
        if new && own.is_some_and(|own| own != enforcement.enforce_at) {
            look.wrong("R3", format!("{} takes effect at {}, not at {own:?}", named(&is, *id), enforcement.enforce_at));
        }
    }
}

/// The dates that these rows allow, for who is seen between the two looks.
fn candidates(look: &Look<'_>, post: &Post, tables: &Tables, (company, user): (Id, Id)) -> Vec<Timestamp> {
    let Some(row) = tables.companies.get(&company) else { return Vec::new() };
    let grace = row.grace_days.unwrap_or(look.settings.new_member_grace_days);
    let exemptions = [&look.was, &look.is].map(|tables| tables.memberships.get(&(company, user))?.exempt_until);
    let mut found = Vec::new();
    let before = look.was.memberships.get(&(company, user)).and_then(|membership| membership.require_at);
    // Who was told their own date, left, and came back, has that.
    let told = post.tellings(tables, user, Some(company)).next().map(|(_, telling)| telling);
    for (id, enforcement) in tables.of_company(company).filter(|(_, e)| !e.closed()) {
        if let Some(Told::Date(at)) = told.filter(|telling| telling.enforcement == id).map(told_by) {
            found.push(at);
        }
        let (Some(zone), Some(effect)) = (company_zone(enforcement), effect(enforcement)) else { continue };
        // In another zone it is the same day.
        let older = look.was.enforcements.get(&id).and_then(company_zone);
        if let (Some(before), Some(older)) = (before, older) {
            found.push(first_instant(date_at(before, &older), &zone).max(effect));
        }
        for seen in look.as_seen() {
            for graced in [seen + days(grace), calendar_days_later(seen, grace, &zone)] {
                found.push(first_midnight_from(graced, &zone).max(effect));
                for until in exemptions.into_iter().flatten() {
                    found.push(first_midnight_from(graced.max(until), &zone).max(effect));
                }
            }
        }
    }
    found
}

/// The same time of day so many days later.
fn calendar_days_later(seen: Timestamp, count: i32, zone: &TimeZone) -> Timestamp {
    let day = plus_days(date_at(seen, zone), count);
    zone.to_timestamp(day.to_datetime(time_at(seen, zone))).unwrap_or_else(|_| first_instant(day, zone))
}
