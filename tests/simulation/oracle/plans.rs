//! The instants that are stored: due when the rules say, for each milestone and each reader.

use std::rc::Rc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::calendar::{minutes, time_at};
use super::look::{Look, effect, moment, named, now_required_due, reader_zone, reminder_due};
use super::tables::{Id, Notice, Tables};

/// Judges notices that are new, or due at another time than before.
pub fn check(look: &mut Look<'_>) {
    let (was, is) = (Rc::clone(&look.was), Rc::clone(&look.is));
    for (id, notice) in is.notices.iter() {
        if was.notices.get(id).is_some_and(|before| before.due_at == notice.due_at) {
            continue;
        }
        let allowed = due(look, &was, notice).into_iter().chain(due(look, &is, notice)).collect::<Vec<_>>();
        if !allowed.is_empty() && !allowed.iter().any(|allowed| allowed.contains(notice.due_at)) {
            look.wrong(
                "R7",
                format!(
                    "the '{}' to user {} of {} is due at {}, but should be at {allowed:?}",
                    notice.kind,
                    notice.user,
                    named(&is, notice.enforcement),
                    notice.due_at
                ),
            );
        }
        let planned = ["announcement", "rescheduled", "reminder", "final_reminder"].contains(&notice.kind.as_str());
        let stands = |rows: &Tables| rows.enforcements.get(&notice.enforcement).is_some_and(|e| rows.stands(e));
        // One that was planned and expanded since the last look may have stood in between.
        let is_known = was.enforcements.contains_key(&notice.enforcement);
        if planned && is_known && !was.notices.contains_key(id) && !stands(&was) && !stands(&is) {
            look.wrong(
                "R5",
                format!(
                    "a '{}' of {} is made, though the company's row says otherwise",
                    notice.kind,
                    named(&is, notice.enforcement)
                ),
            );
        }
        let milestone = is.milestones.get(&notice.milestone);
        if milestone.is_none_or(|milestone| milestone.enforcement != notice.enforcement) {
            look.wrong("R11", format!("notice {id} has no milestone of its enforcement"));
        }
    }
}

/// When something may be due.
#[derive(Debug)]
enum Allowed {
    /// At any time: it was made when it was due.
    AtOnce,
    OneOf(Vec<Timestamp>),
    /// From then on, in the hours of the day in this zone.
    ByDayFrom(Timestamp, TimeZone, std::ops::Range<jiff::civil::Time>),
}

impl Allowed {
    fn contains(&self, instant: Timestamp) -> bool {
        match self {
            Self::AtOnce => true,
            Self::OneOf(instants) => instants.contains(&instant),
            Self::ByDayFrom(from, zone, hours) => *from <= instant && hours.contains(&time_at(instant, zone)),
        }
    }
}

/// By these rows; nothing where they do not say.
fn due(look: &Look<'_>, tables: &Tables, notice: &Notice) -> Option<Allowed> {
    let enforcement = tables.enforcements.get(&notice.enforcement)?;
    enforcement.company?;
    let effect = effect(enforcement)?;
    let zone = reader_zone(tables.users.get(&notice.user)?, enforcement);
    let settings = look.settings;
    let hours = settings.announce_from..settings.announce_until;
    let delay = minutes(settings.announce_delay_minutes);
    let milestone = look.is.milestones.get(&notice.milestone)?;
    // Who comes late is told at once, also where it is another date that they were told.
    if milestone.kind == "welcome" {
        return None;
    }
    let days = milestone.days_before;
    Some(match notice.kind.as_str() {
        "reminder" | "final_reminder" => Allowed::OneOf(vec![reminder_due(settings, effect, days?, &zone)]),
        "now_required" => {
            let (user, id) = (notice.user, notice.enforcement);
            let moments = [required_at(&look.is, user, id), moment(&look.was, user, id), moment(&look.is, user, id)];
            let moments = moments.into_iter().flatten();
            let dues: Vec<_> = moments.map(|moment| now_required_due(settings, moment, &zone)).collect();
            // Who comes back when that is over is told at once, and whose company has moved to where it is.
            let over = |due: &Timestamp| *due <= look.now;
            let of_all = [effect, enforcement.enforce_at].map(|at| now_required_due(settings, at, &zone));
            if at_once(look, notice) && of_all.iter().chain(&dues).any(over) {
                return Some(Allowed::AtOnce);
            }
            Allowed::OneOf(dues)
        }
        // The same; sending waits for the hours.
        "announcement" | "rescheduled" if at_once(look, notice) && notice.due_at >= enforcement.created_at + delay => {
            Allowed::AtOnce
        }
        "announcement" | "rescheduled" => Allowed::ByDayFrom(enforcement.created_at + delay, zone, hours),
        // One that was ended first, and is undone beside another date, has told since it was ended.
        "cancelled" if enforcement.is("reverted") => {
            Allowed::ByDayFrom(milestone.due_at.min(enforcement.closed_at? + delay), zone, hours)
        }
        "cancelled" => Allowed::ByDayFrom(enforcement.closed_at? + delay, zone, hours),
        _ => return None,
    })
}

/// Whether it is due when it was made.
fn at_once(look: &Look<'_>, notice: &Notice) -> bool {
    let [earliest, latest] = look.as_seen();
    (earliest..=latest).contains(&notice.due_at)
}

fn required_at(tables: &Tables, user: Id, enforcement: Id) -> Option<Timestamp> {
    let own = tables.requirements.iter().filter(|r| r.user == user && r.enforcement == enforcement);
    own.filter(|r| r.cleared_at.is_none()).map(|r| r.required_at).max()
}
