//! R5 and R6: each reader knows the date that stands for them, by the time at which they must.
//!
//! Judged by levels: once everything has been done, and mail works, and it is day for the reader, whoever may be written
//! to knows the date; or there is a reason, each of which is checked.

use std::rc::Rc;

use jiff::Timestamp;

use super::calendar::{date_at, days, minutes, next_between, plus_days, time_at, zone};
use super::history::History;
use super::look::{Look, announcement_due, effect, moment, named, now_required_due, reader_zone};
use super::owed::{had_mail, mailable, mailable_but_exempt, under_way};
use super::post::{Post, Told, told};
use super::tables::{Enforcement, Id, Notice, Tables};

/// Judges what everybody knows. All that is due has been done, mail included.
pub fn check(look: &mut Look<'_>, history: &History, post: &Post) {
    let is = Rc::clone(&look.is);
    for (company, user) in is.memberships.keys() {
        let freed = history.freed_since(*company, *user);
        let since = history.steady_since(*company, *user).max(history.company_since(*company)).max(freed);
        let Some(since) = since else { continue };
        let standing = is.of_company(*company).find(|(_, e)| is.stands(e) && (e.is("scheduled") || e.is("in_force")));
        if is.company_requires(*user, *company) {
            if let Some((id, enforcement)) = standing {
                check_required(look, history, post, (*company, *user), (id, enforcement));
            }
            continue;
        }
        if !mailable(look, &is, *company, *user) {
            if let Some((id, enforcement)) = standing {
                check_exempt(look, history, post, (*company, *user), (id, enforcement), since);
            }
            continue;
        }
        let last = post.told(&is, *user, Some(*company));
        match standing {
            Some((id, enforcement)) => {
                check_standing(look, history, post, (*company, *user), (id, enforcement), since, last);
            }
            None => check_cancelled(look, history, post, (*company, *user), since, last),
        }
    }
}

/// Who is required and did not enroll knows that, also who enrolled when the others were told and has un-enrolled since.
fn check_required(
    look: &mut Look<'_>,
    history: &History,
    post: &Post,
    (company, user): (Id, Id),
    (id, enforcement): (Id, &Enforcement),
) {
    let is = Rc::clone(&look.is);
    let since = history.steady_since(company, user).max(history.standing_since(id)).unwrap_or(look.now);
    let own = is.requirements.iter().filter(|r| r.user == user && r.enforcement == id && r.cleared_at.is_none());
    let Some(required) = own.map(|r| r.required_at).min() else { return };
    let zone = reader_zone(&is.users[&user], enforcement);
    if !enforcement.is("in_force")
        || !mailable(look, &is, company, user)
        || since.max(now_required_due(look.settings, required, &zone)) + days(1) > look.now
        || excused(look, post, user, id, &zone, true)
        || failed_for_good(&is, user, id)
    {
        return;
    }
    let knows = post
        .tellings(&is, user, Some(company))
        .any(|(_, telling)| telling.kind == "now_required" || (telling.kind == "welcome" && telling.section.already));
    let other = is.requirements.iter().any(|r| {
        r.user == user
            && r.enforcement != id
            && is.enforcements.get(&r.enforcement).is_some_and(|e| e.company == Some(company))
    });
    if !knows && !other {
        look.wrong(
            "R6",
            format!(
                "user {user} is required by {} since {required} and was never told so: {}",
                named(&is, id),
                notices_of(look, user, id)
            ),
        );
    }
}

/// Whose exemption is about to lapse knows from when they are required.
fn check_exempt(
    look: &mut Look<'_>,
    history: &History,
    post: &Post,
    (company, user): (Id, Id),
    (id, enforcement): (Id, &Enforcement),
    since: Timestamp,
) {
    let is = Rc::clone(&look.is);
    let Some(until) = is.memberships[&(company, user)].exempt_until else { return };
    let Some(standing) = history.standing_since(id) else { return };
    let zone = reader_zone(&is.users[&user], enforcement);
    let announced = announcement_due(look.settings, standing, &zone);
    // Nobody waits for it: it comes by day, as the announcement does.
    let (from, to) = (look.settings.announce_from, look.settings.announce_until);
    // A revert has the date to come announced anew.
    let freed = history.freed_since(company, user).map_or(since, |freed| announcement_due(look.settings, freed, &zone));
    let due = next_between((until - days(7)).max(since).max(announced).max(freed), from, to, &zone);
    if !mailable_but_exempt(look, &is, user)
        || until <= look.now
        || due > look.now
        || excused(look, post, user, id, &zone, false)
    {
        return;
    }
    let Some(want) = moment(&is, user, id) else { return };
    if want < until || !knows(look, post, (company, user), enforcement, want, &zone) {
        look.wrong(
            "R6",
            format!(
                "user {user} is exempt until {until}, and was told {:?} last, but should know of {want} by {}: {}",
                post.told(&is, user, Some(company)),
                named(&is, id),
                notices_of(look, user, id)
            ),
        );
    }
}

fn check_standing(
    look: &mut Look<'_>,
    history: &History,
    post: &Post,
    (company, user): (Id, Id),
    (id, enforcement): (Id, &Enforcement),
    since: Timestamp,
    last: Option<Told>,
) {
    let is = Rc::clone(&look.is);
    let (Some(want), Some(standing)) = (moment(&is, user, id), history.standing_since(id)) else { return };
    let zone = reader_zone(&is.users[&user], enforcement);
    if knows(look, post, (company, user), enforcement, want, &zone) {
        return;
    }
    let since = since.max(standing);
    let subject = history.subject_since(company, user).unwrap_or(look.now);
    let steady = history.steady_since(company, user).unwrap_or(look.now);
    // Whom a revert frees is told as others are told of a new date, whenever they came.
    let freed = history.freed_since(company, user).is_some_and(|freed| freed >= since);
    // So is who came while it was held from the start.
    let begun = history.first_stood(id).unwrap_or(enforcement.created_at).max(enforcement.created_at);
    let due = if freed || steady <= begun {
        announcement_due(look.settings, since, &zone)
    } else if subject > begun && steady == subject && last.is_none() {
        // Who came later is told at once.
        since
    } else {
        // Who was enrolled, bounced or the like for a while is back on the schedule.
        return;
    };
    if due > look.now || excused(look, post, user, id, &zone, subject <= enforcement.created_at) {
        return;
    }
    // Planned by the company's older zone, it may come some hours later.
    let rezoned = history.company_since(company).is_some_and(|since| since > enforcement.created_at);
    let soon = look.now..=since + days(1) + minutes(120);
    // So may what somebody exempt is told before the exemption lapses, by day, where it was ended meanwhile; and the
    // announcement to somebody who came just before it was made.
    let by_plan = |kind: &str| rezoned || kind == "welcome" || kind == "announcement";
    let mut planned = is.notices.values().filter(|n| n.user == user && n.enforcement == id && n.state == "pending");
    if planned.any(|n| by_plan(&n.kind) && soon.contains(&n.due_at)) {
        return;
    }
    let rule = if last.is_some() { "R5" } else { "R6" };
    look.wrong(
        rule,
        format!(
            "user {user} was told {last:?} last, but should know of {want} by {}, since {due}: {}",
            named(&is, id),
            notices_of(look, user, id)
        ),
    );
}

/// Whether the user knows the date: they were told this instant, or this day, or the company's date by its older zone.
fn knows(
    look: &Look<'_>,
    post: &Post,
    (company, user): (Id, Id),
    enforcement: &Enforcement,
    want: Timestamp,
    zone: &jiff::tz::TimeZone,
) -> bool {
    let is = &look.is;
    let Some((_, telling)) = post.tellings(is, user, Some(company)).next() else { return false };
    let Told::Date(date) = told(telling) else { return false };
    let read = telling.section.when.as_ref().map(|when| when.local.date());
    let same_date = is.enforcements.get(&telling.enforcement).is_some_and(|of| of.date == enforcement.date);
    date == want || read == Some(date_at(want, zone)) || same_date && effect(enforcement) == Some(want)
}

fn check_cancelled(
    look: &mut Look<'_>,
    history: &History,
    post: &Post,
    (company, user): (Id, Id),
    since: Timestamp,
    last: Option<Told>,
) {
    let is = Rc::clone(&look.is);
    if is.companies[&company].date.is_some() || !matches!(last, Some(Told::Date(_))) {
        return;
    }
    // Of the enforcements that are over, the last is what the cancellation is of.
    let over = is.of_company(company).filter(|(_, e)| e.closed_at.is_some()).max_by_key(|(_, e)| e.closed_at);
    let Some((id, enforcement)) = over else { return };
    let closed = enforcement.closed_at.unwrap_or(look.now);
    // The user has been there, and may have been written to, since before; or they were left out, and are back before it is
    // no news any more.
    let back = history.subject_since(company, user).is_some_and(|subject| subject > closed && subject == since);
    if since > closed && !(back && since < closed + days(89)) {
        return;
    }
    let failed = |n: &Notice| n.user == user && n.enforcement == id && n.kind == "cancelled" && n.state == "failed";
    if is.notices.values().any(failed) {
        return;
    }
    let zone = reader_zone(&is.users[&user], enforcement);
    let due = announcement_due(look.settings, closed.max(since), &zone);
    if due > look.now || excused(look, post, user, id, &zone, true) {
        return;
    }
    look.wrong(
        "R5",
        format!(
            "user {user} was told {last:?} of company {company}, which has no date, and is not told so, since {due}: {}",
            notices_of(look, user, id)
        ),
    );
}

/// Whether nothing can or may be sent to the user now.
fn excused(look: &Look<'_>, post: &Post, user: Id, id: Id, zone: &jiff::tz::TimeZone, by_day: bool) -> bool {
    let is = &look.is;
    let hours = look.settings.announce_from..look.settings.announce_until;
    let today = date_at(look.now, zone);
    let letters = post.to_user(user);
    // What had to wait because there was a mail on the day comes in the morning.
    let waited = had_mail(look, post, user, plus_days(today, -1), look.now - days(1));
    let by_day = by_day || waited;
    let hours = if waited { hours.start.max(look.settings.send_at)..hours.end } else { hours };
    (by_day && !hours.contains(&time_at(look.now, zone)))
        || had_mail(look, post, user, today, look.now)
        || waits_elsewhere(look, user, &hours)
        || under_way(look, is, user, Some(id))
        // Who could not be reached at all is told on their day, like everybody.
        || letters.iter().all(|handing| handing.answer == super::Answer::RefusedForGood) && !letters.is_empty()
        || letters.iter().any(|handing| {
            handing.answer == super::Answer::RefusedForGood
                && handing.told.iter().any(|telling| telling.enforcement == id)
        })
}

/// Whether it is night for who has no zone of their own at another company, from which a notice is due as well: what is due
/// together comes by the days of the one that was due first.
fn waits_elsewhere(look: &Look<'_>, user: Id, hours: &std::ops::Range<jiff::civil::Time>) -> bool {
    let is = &look.is;
    let Some(row) = is.users.get(&user).filter(|row| row.time_zone.as_deref().and_then(zone).is_none()) else {
        return false;
    };
    let mut due = is.notices.values().filter(|n| n.user == user && n.state == "pending" && n.due_at <= look.now);
    let asleep = due.any(|notice| {
        let of = is.enforcements.get(&notice.enforcement);
        of.is_some_and(|of| !hours.contains(&time_at(look.now, &reader_zone(row, of))))
    });
    asleep || put_off_elsewhere(look, user)
}

/// Whether a notice of who has no zone of their own was due together with a mail of another company, and waits for the morning
/// there.
pub fn put_off_elsewhere(look: &Look<'_>, user: Id) -> bool {
    let is = &look.is;
    if is.users.get(&user).is_none_or(|row| row.time_zone.as_deref().and_then(zone).is_some()) {
        return false;
    }
    let homes = is.memberships.keys().filter(|(_, member)| *member == user);
    let homes: Vec<_> = homes.filter_map(|(company, _)| zone(&is.companies.get(company)?.time_zone)).collect();
    let morning = look.settings.announce_from;
    let mut due = is.notices.values().filter(|n| n.user == user && n.state == "pending" && n.due_at <= look.now);
    due.any(|notice| {
        let put_off = notice.next_attempt_at > look.now.max(notice.due_at);
        put_off && homes.len() > 1 && homes.iter().any(|home| time_at(notice.next_attempt_at, home) == morning)
    })
}

/// Whether the notice that tells so failed for good, as it does without a mail where the address was none. It is
/// tried again at another address, once the daemon has looked.
fn failed_for_good(tables: &Tables, user: Id, enforcement: Id) -> bool {
    let tells = |kind: &str| kind == "now_required" || kind == "welcome";
    let mut notices = tables.notices.values().filter(|n| n.user == user && n.enforcement == enforcement);
    notices.any(|n| n.state == "failed" && tells(&n.kind))
}

fn notices_of(look: &Look<'_>, user: Id, enforcement: Id) -> String {
    let of_user = look.is.notices.values().filter(|notice| notice.user == user && notice.enforcement == enforcement);
    let said: Vec<String> = of_user
        .map(|n| {
            format!("'{}' {} {:?} due {}", n.kind, n.state, n.skip_reason.as_deref().unwrap_or_default(), n.due_at)
        })
        .collect();
    if said.is_empty() { "there is no notice".to_owned() } else { said.join("; ") }
}
