//! R5 and R10: each enforcement is in the state that its company's row asks for, and got there by a way that there is.

use std::rc::Rc;

use jiff::Timestamp;

use super::Order;
use super::calendar::{date_at, days_between, zone};
use super::history::History;
use super::look::{Look, effect, named};
use super::tables::{Enforcement, Id, MANDATE, Tables};

/// Judges the enforcements.
pub fn check(look: &mut Look<'_>, history: &History) {
    let (was, is) = (Rc::clone(&look.was), Rc::clone(&look.is));
    for (id, before) in was.enforcements.iter() {
        match is.enforcements.get(id) {
            None => look.wrong("R11", format!("{} is gone", named(&was, *id))),
            Some(after) => check_change(look, *id, before, after),
        }
    }
    for (id, new) in is.enforcements.iter() {
        if !was.enforcements.contains_key(id) {
            check_new(look, *id, new);
        }
    }
    if let Some(order) = look.order() {
        check_order(look, order);
    }
    if look.settled() {
        check_settled(look, history);
    }
}

fn check_change(look: &mut Look<'_>, id: Id, before: &Enforcement, after: &Enforcement) {
    let about = named(&look.is, id);
    if (before.company, before.date, before.created_at) != (after.company, after.date, after.created_at) {
        look.wrong("R11", format!("{about} was rewritten: it was {before:?}"));
    }
    if before.flipped_at.is_some() && before.flipped_at != after.flipped_at {
        look.wrong("R11", format!("{about} was flipped at {:?}, and now at {:?}", before.flipped_at, after.flipped_at));
    }
    if before.state == after.state {
        return;
    }
    let company = after.company;
    let ordered = |this: fn(&Order) -> Option<&String>| {
        look.order().and_then(this).is_some_and(|text| Some(Id::new(text)) == company)
    };
    let stood = look.was.stands(after) || look.is.stands(after);
    let left = !look.was.stands(after) || !look.is.stands(after);
    let allowed = match (before.state.as_str(), after.state.as_str()) {
        ("scheduled", "in_force") => {
            if effect(after).is_some_and(|effect| effect > look.now) {
                look.wrong("R3", format!("{about} takes effect before its time"));
            }
            stood
        }
        ("scheduled", "held") => {
            let unavailable = !available(&look.was, after) || !available(&look.is, after);
            may_be_unsafe(look, after)
                || unavailable && after.reason.as_deref() == Some("mfa_not_available")
                || ordered(|order| if let Order::Hold { company } = order { Some(company) } else { None })
        }
        ("held", "scheduled") => {
            let by_order = ordered(|order| match order {
                Order::Release { company, .. } | Order::Set { company, .. } => Some(company),
                _ => None,
            });
            // It was held because nobody knew its zone.
            by_order || before.reason.as_deref().is_some_and(|reason| reason.contains("zone"))
        }
        ("scheduled" | "held" | "in_force", "cancelled" | "superseded") => {
            left || other_in_force(&look.is, id, company)
        }
        // It took effect since the last look.
        ("scheduled", "reverted") => {
            let order = ordered(|order| if let Order::Revert { company } = order { Some(company) } else { None });
            order && stood && effect(after).is_some_and(|effect| effect <= look.now)
        }
        // What was required under a date that is over is undone too.
        ("in_force" | "cancelled" | "superseded", "reverted") => {
            ordered(|order| if let Order::Revert { company } = order { Some(company) } else { None })
        }
        _ => false,
    };
    if !allowed {
        look.wrong("R5", format!("{about} was {} ({:?}, now {:?})", before.state, before.reason, after.reason));
    }
    if after.closed() != after.closed_at.is_some() {
        look.wrong("R11", format!("{about} was closed at {:?}", after.closed_at));
    }
    if (before.state.as_str(), after.state.as_str()) == ("held", "scheduled") {
        let overridden =
            matches!(look.order(), Some(Order::Release { overridden: true, .. } | Order::Set { overridden: true, .. }));
        check_notice(look, id, after, look.now, overridden);
    }
}

/// Whether its day has come, and something may speak against it: `safety` judges whether it does.
fn may_be_unsafe(look: &Look<'_>, enforcement: &Enforcement) -> bool {
    let measures = [look.settings.no_enrolled_admin, look.settings.not_enrolled, look.settings.not_told];
    measures.contains(&super::Measure::Hold) && effect(enforcement).is_some_and(|at| at <= look.now)
}

/// Whether MFA is available to its company.
fn available(tables: &Tables, enforcement: &Enforcement) -> bool {
    let row = enforcement.company.and_then(|company| tables.companies.get(&company));
    row.is_none_or(|row| row.mfa_available)
}

fn other_in_force(tables: &Tables, id: Id, company: Option<Id>) -> bool {
    company.is_some_and(|company| tables.of_company(company).any(|(other, e)| other != id && e.is("in_force")))
}

fn check_new(look: &mut Look<'_>, id: Id, new: &Enforcement) {
    if id == MANDATE {
        return;
    }
    let about = named(&look.is, id);
    if !look.was.stands(new) && !look.is.stands(new) {
        look.wrong("R5", format!("{about} is new, but the company's row says otherwise"));
    }
    if new.created_at < look.as_seen()[0] || new.created_at > look.now {
        look.wrong("R11", format!("{about} is new, and was created at {}", new.created_at));
    }
    let overridden =
        matches!(look.order(), Some(Order::Set { overridden: true, .. } | Order::Release { overridden: true, .. }));
    if new.overridden && !overridden {
        look.wrong("R10", format!("{about} is overridden, which nobody ordered"));
    }
    match new.state.as_str() {
        "scheduled" | "in_force" => {
            check_notice(look, id, new, new.created_at, overridden);
            if !available(&look.was, new) && !available(&look.is, new) {
                look.wrong("R10", format!("{about} is not held, though MFA is not available to the company"));
            }
            if zone(&new.time_zone).is_none() {
                look.wrong("R9", format!("{about} is not held, though its zone is unknown"));
            }
        }
        "held" => {
            if new.reason.is_none() {
                look.wrong("R10", format!("{about} is held without a reason"));
            }
            // What nobody had seen of a date is seen when somebody holds it.
            let ordered =
                matches!(look.order(), Some(Order::Hold { company }) if Some(Id::new(company)) == new.company);
            let soon = too_soon(look, new, new.created_at);
            let available = available(&look.was, new) && available(&look.is, new);
            // Without a minimum notice the day may have come already.
            if !ordered && !may_be_unsafe(look, new) && soon == Some(false) && available {
                look.wrong("R10", format!("{about} is held for {:?}, which is not so", new.reason));
            }
        }
        // Between two looks it may have been made and closed again.
        _ => {}
    }
    if new.is("in_force") && effect(new).is_some_and(|effect| effect > look.now) {
        look.wrong("R3", format!("{about} takes effect before its time"));
    }
}

/// Less than the minimum notice was left at this instant; unknown where the zone is.
fn too_soon(look: &Look<'_>, enforcement: &Enforcement, seen: Timestamp) -> Option<bool> {
    let zone = zone(&enforcement.time_zone)?;
    Some(days_between(date_at(seen, &zone), enforcement.date) < look.settings.minimum_notice_days)
}

fn check_notice(look: &mut Look<'_>, id: Id, enforcement: &Enforcement, seen: Timestamp, overridden: bool) {
    if !overridden && too_soon(look, enforcement, seen) == Some(true) {
        look.wrong("R10", format!("{} stands since {seen}, without the minimum notice", named(&look.is, id)));
    }
}

/// What was ordered is so.
fn check_order(look: &mut Look<'_>, order: &Order) {
    let is = Rc::clone(&look.is);
    let open = |company: &str| is.of_company(Id::new(company)).find(|(_, e)| e.is("scheduled") || e.is("held"));
    let in_force = |company: &str| is.of_company(Id::new(company)).find(|(_, e)| e.is("in_force"));
    let date = |company: &str| is.companies.get(&Id::new(company)).and_then(|row| row.date);
    let done = match order {
        Order::Set { company, date: set, .. } => {
            let standing = open(company).or_else(|| in_force(company));
            date(company) == Some(*set) && standing.is_some_and(|(_, e)| e.date == *set)
        }
        // A flip under way is completed first, and ended then.
        Order::Cancel { company } => {
            let flipping = |(_, e): (Id, &Enforcement)| e.flipped_at.is_none();
            date(company).is_none() && open(company).is_none() && in_force(company).is_none_or(flipping)
        }
        Order::Hold { company } => open(company).is_some_and(|(_, e)| e.is("held")),
        Order::Release { company, .. } => {
            open(company).is_none_or(|(_, e)| e.is("scheduled"))
                && (open(company).is_some() || in_force(company).is_some())
        }
        Order::Revert { company } => {
            let before = Id::new(company);
            let was = Rc::clone(&look.was);
            let reverted = was.of_company(before).filter(|(_, e)| e.is("in_force"));
            let mut gone = reverted.map(|(id, e)| {
                let after = is.enforcements.get(&id).is_some_and(|after| after.is("reverted"));
                after
                    && (was.companies.get(&before).is_none_or(|row| row.date != Some(e.date))
                        || date(company).is_none())
            });
            let kept = was.of_company(before).filter(|(id, e)| {
                (e.is("scheduled") || e.is("held")) && was.stands(e) && is.enforcements.contains_key(id)
            });
            let came = |e: &Enforcement| effect(e).is_some_and(|effect| effect <= look.now);
            let mut kept = kept.map(|(id, e)| {
                let after = &is.enforcements[&id];
                let stays = after.state == e.state && date(company) == Some(e.date);
                // It took effect since the last look, and was what is undone.
                stays || came(e) && after.is("reverted")
            });
            in_force(company).is_none() && gone.all(|gone| gone) && kept.all(|kept| kept)
        }
        Order::Exempt { company, user, until } => {
            let membership = is.memberships.get(&(Id::new(company), Id::new(user)));
            membership.is_some_and(|membership| membership.exempt_until == *until)
        }
        Order::Retry { .. } => true,
    };
    if !done {
        look.wrong("R5", format!("{order:?} was carried out, but is not so"));
    }
}

/// All that the rows ask for is so.
fn check_settled(look: &mut Look<'_>, history: &History) {
    let is = Rc::clone(&look.is);
    for (id, enforcement) in is.enforcements.iter() {
        let Some(company) = enforcement.company else { continue };
        let open = enforcement.is("scheduled") || enforcement.is("held");
        if !open && !enforcement.is("in_force") {
            continue;
        }
        let about = named(&is, *id);
        let Some(row) = is.companies.get(&company) else {
            look.wrong("R5", format!("{about} is open, but its company is gone"));
            continue;
        };
        if enforcement.is("scheduled") && !row.mfa_available {
            look.wrong("R10", format!("{about} stands, but MFA is not available to the company"));
        }
        let moved = enforcement.is("in_force")
            && row.date.is_some()
            && is.of_company(company).any(|(_, e)| (e.is("scheduled") || e.is("held")) && Some(e.date) == row.date);
        if row.date != Some(enforcement.date) && !moved {
            look.wrong("R5", format!("{about} is open, but the company's date is {:?}", row.date));
        }
        if open && row.time_zone != enforcement.time_zone {
            look.wrong("R5", format!("{about} is open, but the company's zone is {}", row.time_zone));
        }
        if open && effect(enforcement).is_some_and(|effect| effect != enforcement.enforce_at) {
            look.wrong(
                "R3",
                format!("{about} takes effect at {}, not at {:?}", enforcement.enforce_at, effect(enforcement)),
            );
        }
    }
    for (company, row) in is.companies.iter() {
        let Some(date) = row.date else { continue };
        let standing = is.of_company(*company).filter(|(_, e)| e.date == date && !e.closed()).count();
        if standing != 1 {
            let since = history.company_since(*company);
            look.wrong(
                "R5",
                format!(
                    "company {company} has the date {date} in {} since {since:?}, and {standing} enforcements of it",
                    row.time_zone
                ),
            );
        }
    }
}
