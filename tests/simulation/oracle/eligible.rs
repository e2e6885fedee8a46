//! R1: whom a mail may go to, and R5 and R7: that what it says is so. Judged by the rows as they were when its notices were
//! claimed; what somebody changed while it was under way is no fault.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::calendar::{self, date_at, days_between, time_at};
use super::look::{
    Look, company_zone, days_before, is_payee, may_be_subject, moment, named, reader_zone, reminder_due,
};
use super::post::{Claim, Handing, Post, Telling, Told};
use super::tables::{Id, Tables};

/// Judges one message.
pub fn check(look: &mut Look<'_>, post: &Post, handing: &Handing) {
    let claim = &handing.claim;
    let address =
        |tables: &Tables| tables.users.get(&handing.user).is_some_and(|user| same_address(&user.email, &handing.to));
    if !address(&claim.was) && !address(&claim.is) {
        look.wrong("R1", format!("user {} is written to at {}, which is not their address", handing.user, handing.to));
    }
    if !same_address(&handing.letter.to, &handing.to) {
        look.wrong("R1", format!("a mail to {} goes to {}", handing.letter.to, handing.to));
    }
    for telling in &handing.told {
        let about = format!(
            "mail {} tells user {} '{}' of {}",
            handing.letter.message_id,
            handing.user,
            telling.kind,
            named(&look.is, telling.enforcement)
        );
        let before = permits(look, post, &claim.was, claim.was_at, handing, telling);
        let after = permits(look, post, &claim.is, claim.at, handing, telling);
        if let (Err(_), Err(why)) = (before, after) {
            look.wrong("R1", format!("{about}: {why}"));
        }
        check_date(look, post, handing, telling, &about);
        check_time(look, claim, handing, telling, &about);
    }
    check_otherwise(look, handing);
    let [earliest, latest] = look.as_seen();
    if handing.claimed_at > latest || handing.claimed_at < earliest.min(claim.was_at - super::look::HELD_UP) {
        look.wrong("R11", format!("mail {} was claimed at {}", handing.letter.message_id, handing.claimed_at));
    }
    check_order(look, handing);
}

/// Whether mail for the one goes to the other; names of hosts have a form in ASCII.
pub fn same_address(stored: &str, written: &str) -> bool {
    let stored = stored.trim();
    let (Some((name, host)), Some((to, at))) = (stored.rsplit_once('@'), written.rsplit_once('@')) else {
        return false;
    };
    name == to && (host.eq_ignore_ascii_case(at) || (!host.is_ascii() && at.contains("xn--")))
}

/// Whether the notice may be sent, by these rows.
fn permits(
    look: &Look<'_>,
    post: &Post,
    tables: &Tables,
    at: Timestamp,
    handing: &Handing,
    telling: &Telling,
) -> Result<(), String> {
    let user = tables.users.get(&handing.user).ok_or("the user is gone")?;
    let is_so = |holds: bool, otherwise: &str| if holds { Ok(()) } else { Err(otherwise.to_owned()) };
    is_so(!user.enrolled, "enrolled")?;
    is_so(user.active, "not active")?;
    is_so(user.person, "no person")?;
    is_so(!user.bounced, "the address bounced")?;
    let enforcement = tables.enforcements.get(&telling.enforcement).ok_or("the enforcement is not there")?;
    let kind = telling.kind.as_str();
    let required = tables.requires(handing.user, telling.enforcement);
    let Some(company) = telling.company else {
        is_so(is_payee(user), "no payee")?;
        return is_so(kind == "now_required" && required, "the mandate only says that it requires now");
    };
    let membership = tables.memberships.get(&(company, handing.user)).ok_or("not a member")?;
    is_so(may_be_subject(look.settings, user), "left out by SSO")?;
    if let Some(until) = membership.exempt_until {
        // The one exception: who is told before the exemption lapses.
        is_so(kind == "welcome" || until <= at, "exempt")?;
        is_so(until <= at + super::calendar::days(8), "exempt for longer than a week")?;
    }
    let state = enforcement.state.as_str();
    let allowed: &[&str] = match kind {
        "announcement" | "reminder" | "final_reminder" | "rescheduled" => &["scheduled"],
        "welcome" => &["scheduled", "in_force"],
        "now_required" => &["in_force"],
        "cancelled" => &["cancelled", "reverted"],
        _ => &[],
    };
    is_so(allowed.contains(&state), &format!("the enforcement is {state}"))?;
    match kind {
        "now_required" => is_so(required, "it does not require the user"),
        "cancelled" => {
            is_so(!tables.company_requires(handing.user, company), "the company requires the user")?;
            let told = post.told_otherwise(tables, handing, Some(company));
            // Of a date that is held nobody hears, so that whom a revert freed hears that.
            let held = tables.of_company(company).any(|(_, other)| other.is("held"));
            let dateless = tables.companies.get(&company).is_none_or(|row| row.date.is_none());
            is_so(dateless || (held && state == "reverted"), "the company has a date")?;
            let may_know = matches!(told, Some(Told::Date(_))) || post.has_unseen(tables, handing, Some(company));
            is_so(may_know, &format!("the user was told {told:?} last"))
        }
        _ => is_so(tables.stands(enforcement), "the company's row says otherwise"),
    }
}

/// It says whether something else requires the reader already.
fn check_otherwise(look: &mut Look<'_>, handing: &Handing) {
    let claim = &handing.claim;
    let so = |telling: &Telling| {
        [&claim.was, &claim.is].map(|rows| rows.required_otherwise(handing.user, telling.enforcement))
    };
    // What is required now says so by itself.
    let says = |telling: &&Telling| !matches!(telling.kind.as_str(), "now_required" | "welcome");
    let may = handing.told.iter().any(|telling| so(telling).contains(&true));
    let must = handing.told.iter().filter(says).any(|telling| so(telling) == [true; 2]);
    let said = handing.letter.needed_already;
    if said && !may || must && !said {
        look.wrong("R5", format!("mail {} says {said} of what else requires its reader", handing.letter.message_id));
    }
}

/// The reader's zone; who has none has the one of each company that the mail speaks of, and where it speaks of the payee
/// mandate too, that of any company of theirs.
fn zones_of(handing: &Handing) -> Vec<TimeZone> {
    let claim = &handing.claim;
    let spoken_of = handing.told.iter().flat_map(|telling| [(&claim.was, telling), (&claim.is, telling)]);
    let zones = spoken_of.flat_map(|(rows, telling)| {
        let of_telling = rows.users.get(&handing.user).zip(rows.enforcements.get(&telling.enforcement));
        let homes = rows.memberships.keys().filter(|(_, user)| *user == handing.user && telling.company.is_none());
        let homes = homes.filter_map(|(company, _)| calendar::zone(&rows.companies.get(company)?.time_zone));
        of_telling.map(|(user, enforcement)| reader_zone(user, enforcement)).into_iter().chain(homes)
    });
    zones.collect()
}

/// What it says is what is so.
fn check_date(look: &mut Look<'_>, post: &Post, handing: &Handing, telling: &Telling, about: &str) {
    let claim = &handing.claim;
    let (section, id, user) = (&telling.section, telling.enforcement, handing.user);
    if let Some(when) = &section.when {
        let mut so: Vec<Timestamp> = [&claim.was, &claim.is].iter().filter_map(|t| moment(t, user, id)).collect();
        if matches!(telling.kind.as_str(), "now_required" | "welcome") {
            let own = look.is.requirements.iter().filter(|r| r.user == user && r.enforcement == id);
            so.extend(own.map(|r| r.required_at));
        }
        if !so.is_empty() && !so.iter().any(|instant| when.is(*instant)) {
            look.wrong("R5", format!("{about} for {} in {}, but it is so from {so:?}", when.local, when.zone));
        }
        let zones: Vec<_> = zones_of(handing).iter().filter_map(|zone| Some(zone.iana_name()?.to_owned())).collect();
        if !zones.contains(&when.zone) && telling.company.is_some() {
            look.wrong("R5", format!("{about} with the zone {}, but the reader's is {zones:?}", when.zone));
        }
        if let Some(days) = section.days_left {
            let counted =
                |at| calendar::zone(&when.zone).map(|zone| days_between(date_at(at, &zone), when.local.date()));
            if ![handing.claimed_at, look.now].into_iter().any(|at| counted(at) == Some(days)) {
                look.wrong("R7", format!("{about} with {days} days left until {}", when.local));
            }
        }
    }
    let before = post.told_otherwise(&look.is, handing, telling.company);
    if let (Some(told), Some(Told::Date(date))) = (section.told, before) {
        let days = [&claim.was, &claim.is].map(|tables| local_date(tables, user, id, date));
        if !days.contains(&Some(told)) && !post.has_unseen(&look.is, handing, telling.company) {
            look.wrong("R5", format!("{about} as a change of {told}, but the user was told {days:?}"));
        }
    }
}

fn local_date(tables: &Tables, user: Id, enforcement: Id, instant: Timestamp) -> Option<Date> {
    let zone = reader_zone(tables.users.get(&user)?, tables.enforcements.get(&enforcement)?);
    Some(date_at(instant, &zone))
}

/// It comes at its time: not before it is due, in the hours in which it may, and no later one is due already.
fn check_time(look: &mut Look<'_>, claim: &Claim, handing: &Handing, telling: &Telling, about: &str) {
    if let Some(notice) = look.is.notices.get(&telling.notice)
        && notice.due_at > handing.claimed_at
    {
        look.wrong("R7", format!("{about}, which is due at {}", notice.due_at));
    }
    let zones = zones_of(handing);
    let at_once = look.is.milestones.get(&telling.milestone).is_some_and(|milestone| milestone.kind == "welcome");
    if matches!(telling.kind.as_str(), "announcement" | "rescheduled" | "cancelled") && !at_once {
        let hours = look.settings.announce_from..look.settings.announce_until;
        if !zones.iter().any(|zone| hours.contains(&time_at(handing.claimed_at, zone))) {
            look.wrong("R7", format!("{about} outside the hours of the day"));
        }
    }
    let days = look.is.milestones.get(&telling.milestone).and_then(|milestone| milestone.days_before);
    let (Some(days), Some(company)) = (days, telling.company) else { return };
    // All the rows agree that a later one was due.
    let later = |tables: &Tables| {
        let enforcement = tables.enforcements.get(&telling.enforcement)?;
        let zone = reader_zone(tables.users.get(&handing.user)?, enforcement);
        company_zone(enforcement)?;
        let effect = super::look::effect(enforcement)?;
        let of_company = days_before(look.settings, tables.companies.get(&company)?);
        let due = |days: &i32| reminder_due(look.settings, effect, *days, &zone) <= handing.claimed_at;
        of_company.into_iter().filter(|other| *other < days).find(due)
    };
    if let (Some(_), Some(later)) = (later(&claim.was), later(&claim.is)) {
        look.wrong("R7", format!("{about}, the reminder {days} days before, when that of {later} days was due"));
    }
}

/// The earliest date first.
fn check_order(look: &mut Look<'_>, handing: &Handing) {
    let dates: Vec<_> = handing.told.iter().filter_map(|telling| telling.told_at).collect();
    if !dates.is_sorted() {
        let told: Vec<_> = handing.told.iter().map(|telling| (&telling.kind, telling.told_at)).collect();
        look.wrong("R2", format!("mail {} lists its dates out of order: {told:?}", handing.letter.message_id));
    }
    for (at, telling) in handing.told.iter().enumerate() {
        if handing.told[..at].iter().any(|other| other.company == telling.company) {
            look.wrong("R7", format!("mail {} speaks twice of one company", handing.letter.message_id));
        }
    }
}
