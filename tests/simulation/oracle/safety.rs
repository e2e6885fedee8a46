//! What speaks against requiring MFA on the day: the warnings 7 days and 1 day before, and the holds on the day.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::Measure;
use super::calendar::{first_instant, plus_days};
use super::history::History;
use super::look::{Look, company_zone, effect, is_subject, named};
use super::post::{Post, Told, told};
use super::tables::{Enforcement, Id, Tables};

/// How many days before the date a warning is given.
const WARNED: [i32; 2] = [7, 1];

/// What may speak against a date, by the names that its holds have.
const RISKS: [&str; 3] = ["no_enrolled_admin", "too_few_enrolled", "too_few_told"];

/// Judges warnings and holds.
pub fn check(look: &mut Look<'_>, history: &History, post: &Post) {
    let (was, is) = (Rc::clone(&look.was), Rc::clone(&look.is));
    for (id, after) in is.enforcements.iter() {
        let before = was.enforcements.get(id);
        let about = named(&is, *id);
        let risks = |rows: &Tables, measures: &[Measure]| exceeded(look, rows, post, after, measures);
        let (warned, held) = (
            [&was, &is].map(|rows| risks(rows, &[Measure::Warn, Measure::Hold])),
            [&was, &is].map(|rows| risks(rows, &[Measure::Hold])),
        );
        if before.and_then(|before| before.warned_days) != after.warned_days {
            if let Some(days) = after.warned_days
                && warning_due(after, days).is_none_or(|due| due > look.now)
            {
                look.wrong("safety", format!("{about} is warned of {days} days before its date too early"));
            }
            let said: BTreeSet<_> = said(after);
            if !warned
                .iter()
                .any(|warned| warned.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>() == said)
            {
                look.wrong("safety", format!("{about} is warned of {said:?}, but it is {warned:?}"));
            }
        }
        // What is new may have been scheduled between two looks, with its day come already.
        let was_scheduled = before.is_none_or(|before| before.is("scheduled"));
        let of_safety = after
            .reason
            .as_deref()
            .is_some_and(|reason| before.is_some() && reason != "mfa_not_available" || RISKS.contains(&reason));
        if was_scheduled && after.is("held") && look.order().is_none() && of_safety {
            let reasons: BTreeSet<_> = held.iter().flatten().copied().collect();
            if !after.reason.as_deref().is_some_and(|reason| reasons.contains(&reason)) || after.risk_accepted {
                look.wrong("safety", format!("{about} is held for {:?}, but the risks are {reasons:?}", after.reason));
            }
        }
        let accepted = before.unwrap_or(after).risk_accepted;
        if was_scheduled && after.is("in_force") && !accepted && held.iter().all(|held| !held.is_empty()) {
            look.wrong("safety", format!("{about} takes effect in spite of {held:?}"));
        }
        let due = WARNED.into_iter().filter(|days| warning_due(after, *days).is_some_and(|due| due <= look.now)).min();
        let standing = history.standing_since(*id);
        let steady =
            due.and_then(|days| warning_due(after, days)).zip(standing).is_some_and(|(due, since)| since < due);
        // The clock may have jumped back since a later one.
        let behind = due.is_some_and(|due| after.warned_days.is_none_or(|warned| warned > due));
        if look.settled() && after.is("scheduled") && steady && behind {
            look.wrong(
                "safety",
                format!("{about} was to be warned {due:?} days before, but was {:?}", after.warned_days),
            );
        }
    }
}

/// When the warning so many days before is given.
fn warning_due(enforcement: &Enforcement, days: i32) -> Option<jiff::Timestamp> {
    effect(enforcement)?;
    Some(first_instant(plus_days(enforcement.date, -days), &company_zone(enforcement)?))
}

/// What its warning says that is wrong.
fn said(enforcement: &Enforcement) -> BTreeSet<String> {
    let warning =
        enforcement.warning.as_deref().map(|text| serde_json::from_str::<Vec<serde_json::Value>>(text).unwrap());
    warning.unwrap_or_default().iter().map(|risk| risk["what"].as_str().unwrap_or_default().to_owned()).collect()
}

/// The measures of these kinds that are exceeded.
fn exceeded(
    look: &Look<'_>,
    tables: &Tables,
    post: &Post,
    enforcement: &Enforcement,
    kinds: &[Measure],
) -> BTreeSet<&'static str> {
    let settings = look.settings;
    let Some(company) = enforcement.company else { return BTreeSet::new() };
    let members: Vec<_> = tables
        .memberships
        .range((company, Id(0))..=(company, Id(u128::MAX)))
        .filter_map(|((_, id), membership)| Some((*id, membership, tables.users.get(id)?)))
        .collect();
    let subjects: Vec<_> =
        members.iter().filter(|(_, membership, user)| is_subject(settings, user, membership)).collect();
    if subjects.is_empty() {
        return BTreeSet::new();
    }
    let admins = members.iter().filter(|(_, membership, user)| membership.admin && user.person && user.active);
    let no_admin = !admins.into_iter().any(|(_, _, user)| user.enrolled);
    let open: Vec<_> = subjects.iter().filter(|(_, _, user)| !user.enrolled).collect();
    let untold = open.iter().filter(|(id, _, _)| !was_told(tables, post, *id, company, enforcement)).count();
    let found = [
        (settings.no_enrolled_admin, no_admin),
        (settings.not_enrolled, open.len() * 100 > settings.not_enrolled_percent * subjects.len()),
        (settings.not_told, untold * 100 > settings.not_told_percent * open.len()),
    ];
    RISKS.into_iter().zip(found).filter(|(_, (kind, is))| *is && kinds.contains(kind)).map(|(name, _)| name).collect()
}

/// Whether the server accepted a mail that told the user this date of the company.
fn was_told(tables: &Tables, post: &Post, user: Id, company: Id, enforcement: &Enforcement) -> bool {
    post.tellings(tables, user, Some(company)).any(|(handing, telling)| {
        let accepted = tables.mails.get(&handing.mail).is_some_and(|mail| mail.state == "sent");
        let date = tables.enforcements.get(&telling.enforcement).map(|of| of.date);
        accepted && date == Some(enforcement.date) && matches!(told(telling), Told::Date(_))
    })
}
