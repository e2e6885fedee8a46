//! R3, R4 and R8: who is required, from when, and that nobody is forgotten or let go.

use std::collections::BTreeSet;
use std::rc::Rc;

use jiff::Timestamp;

use super::history::History;
use super::look::{Look, effect, is_payee, is_subject, named};
use super::post::Post;
use super::tables::{Id, MANDATE, Requirement, Tables};
use super::{Order, Step};

/// Judges the requirements.
pub fn check(look: &mut Look<'_>, history: &History, post: &Post) {
    check_new(look, history, post);
    check_cleared(look);
    check_users(look);
    if look.settled() {
        check_missing(look, history);
    }
}

/// R3: each requirement that has appeared may be there.
fn check_new(look: &mut Look<'_>, history: &History, post: &Post) {
    let (was, is) = (Rc::clone(&look.was), Rc::clone(&look.is));
    let known: BTreeSet<_> = was.requirements.iter().map(key).collect();
    for requirement in is.requirements.iter().filter(|r| !known.contains(&key(r))) {
        let about = format!("user {} is required by {}", requirement.user, named(&is, requirement.enforcement));
        let before = permits(look, history, (&was, &is), requirement);
        let after = permits(look, history, (&is, &is), requirement);
        if let (Err(_), Err(why)) = (before, after) {
            look.wrong("R3", format!("{about}: {why}"));
        }
        if requirement.required_at > look.now {
            look.wrong("R3", format!("{about} from {}, which is to come", requirement.required_at));
        }
        check_surprise(look, history, post, requirement, &about);
    }
}

fn key(requirement: &Requirement) -> (Id, Id, Timestamp) {
    (requirement.user, requirement.enforcement, requirement.required_at)
}

/// Whether the requirement may be made, by these rows. `after` has the enforcement as the flip left it.
fn permits(
    look: &Look<'_>,
    history: &History,
    (rows, after): (&Tables, &Tables),
    requirement: &Requirement,
) -> Result<(), String> {
    let is_so = |holds: bool, otherwise: &str| if holds { Ok(()) } else { Err(otherwise.to_owned()) };
    let user = rows.users.get(&requirement.user).ok_or("the user is not there")?;
    if requirement.enforcement == MANDATE {
        return is_so(is_payee(user), "no payee");
    }
    let enforcement = after.enforcements.get(&requirement.enforcement).ok_or("there is no such enforcement")?;
    let company = enforcement.company.ok_or("it has no company")?;
    let membership = rows.memberships.get(&(company, requirement.user)).ok_or("not a member")?;
    is_so(is_subject(look.settings, user, membership), "not somebody whom it is about")?;
    let began = history.began(requirement.enforcement).or_else(|| effect(enforcement));
    let began = began.unwrap_or(enforcement.enforce_at);
    is_so(began <= look.now, &format!("it takes effect at {began}"))?;
    is_so(
        began <= requirement.required_at,
        &format!("from {}, but it takes effect at {began}", requirement.required_at),
    )?;
    if let Some(personal) = membership.require_at {
        is_so(personal <= look.now, &format!("their own date is {personal}"))?;
        is_so(personal <= requirement.required_at, &format!("their own date is {personal}"))?;
    }
    // Once begun, a flip completes; after it only who comes while the date stands is required.
    let flipping =
        look.was.enforcements.get(&requirement.enforcement).is_none_or(|e| e.is("in_force") && e.flipped_at.is_none());
    is_so(
        flipping
            || rows.stands(enforcement)
            || after.requirements.iter().any(|r| {
                r.user == requirement.user && r.enforcement == requirement.enforcement && r.cleared_at.is_some()
            }),
        "the company's row says otherwise",
    )
}

/// Who came late is told, and has days of grace.
fn check_surprise(look: &mut Look<'_>, history: &History, post: &Post, requirement: &Requirement, about: &str) {
    let is = Rc::clone(&look.is);
    let Some(enforcement) = is.enforcements.get(&requirement.enforcement) else { return };
    let Some(company) = enforcement.company else { return };
    let Some(since) = history.subject_since(company, requirement.user) else { return };
    let grace =
        is.companies.get(&company).and_then(|row| row.grace_days).unwrap_or(look.settings.new_member_grace_days);
    let open = |tables: &Tables| tables.users.get(&requirement.user).is_none_or(|user| !user.enrolled);
    // A date that was held from the start is made for all when it is released.
    let stood_before = history.first_stood(requirement.enforcement).is_some_and(|stood| stood <= since);
    // The days of grace are those that the company gave when they came.
    let same_grace = history.company_since(company).is_none_or(|changed| changed <= since);
    let late = since > enforcement.created_at && stood_before && same_grace && open(&look.was) && open(&is);
    let told_before = post.tellings(&is, requirement.user, Some(company)).next().is_some();
    // What was to tell them waited before they came back, since the date was held; their own date is of that time.
    let told_when_held = look.was.notices.values().any(|notice| {
        let of_them = (notice.user, notice.enforcement) == (requirement.user, requirement.enforcement);
        of_them && notice.kind == "welcome" && notice.state == "pending" && notice.due_at <= since
    });
    let already = look.was.company_requires(requirement.user, company);
    if late
        && !told_when_held
        && !told_before
        && !already
        && look.now < since + super::calendar::days(grace) - super::calendar::minutes(120)
    {
        look.wrong("R3", format!("{about}, but came only at {since} and was told nothing: {grace} days are theirs"));
    }
}

/// R8: only a revert clears, and then exactly what its company requires.
fn check_cleared(look: &mut Look<'_>) {
    let (was, is) = (Rc::clone(&look.was), Rc::clone(&look.is));
    let reverted = match look.order() {
        Some(Order::Revert { company }) => Some(Id::new(company)),
        _ => None,
    };
    let open: BTreeSet<_> = is.requirements.iter().filter(|r| r.cleared_at.is_none()).map(key).collect();
    for requirement in was.requirements.iter().filter(|r| r.cleared_at.is_none()) {
        if !open.contains(&key(requirement)) {
            let company = was.enforcements.get(&requirement.enforcement).and_then(|e| e.company);
            if reverted.is_none() || company != reverted {
                look.wrong(
                    "R8",
                    format!(
                        "user {} is no longer required by {}",
                        requirement.user,
                        named(&is, requirement.enforcement)
                    ),
                );
            }
        }
    }
    if let Some(company) = reverted {
        for requirement in is.requirements.iter().filter(|r| r.cleared_at.is_none()) {
            if is.enforcements.get(&requirement.enforcement).is_some_and(|e| e.company == Some(company)) {
                look.wrong(
                    "R8",
                    format!("user {} is still required by {}", requirement.user, named(&is, requirement.enforcement)),
                );
            }
        }
    }
    let mut seen = BTreeSet::new();
    for requirement in is.requirements.iter().filter(|r| r.cleared_at.is_none()) {
        if !seen.insert((requirement.user, requirement.enforcement)) {
            look.wrong(
                "R2",
                format!("user {} is required twice by {}", requirement.user, named(&is, requirement.enforcement)),
            );
        }
    }
}

/// R8: an account says since when it is required: the earliest requirement that is not cleared.
fn check_users(look: &mut Look<'_>) {
    if look.acted() && look.order().is_none() {
        return;
    }
    let (was, is) = (Rc::clone(&look.was), Rc::clone(&look.is));
    for (id, user) in is.users.iter() {
        let earliest = earliest(&is, *id);
        if user.required_at != earliest {
            let by_others = was.users.get(id).is_some_and(|before| {
                before.required_at == user.required_at && before.required_at != self::earliest(&was, *id)
            });
            if look.settled() || !by_others {
                look.wrong(
                    "R8",
                    format!("user {id} is required since {:?}, but should be since {earliest:?}", user.required_at),
                );
            }
        }
    }
}

fn earliest(tables: &Tables, user: Id) -> Option<Timestamp> {
    let own = tables.requirements.iter().filter(|r| r.user == user && r.cleared_at.is_none());
    own.map(|r| r.required_at).min()
}

/// R4: all that must be required is.
fn check_missing(look: &mut Look<'_>, history: &History) {
    let is = Rc::clone(&look.is);
    for (id, user) in is.users.iter() {
        if is_payee(user) && !is.requires(*id, MANDATE) {
            look.wrong("R4", format!("user {id} is a payee, and not required"));
        }
    }
    for ((company, user), membership) in is.memberships.iter() {
        if membership.exempt_until.is_some_and(|until| until <= look.now) {
            look.wrong("R4", format!("the exemption of user {user} in company {company} is over, and still stands"));
        }
    }
    for (id, enforcement) in is.enforcements.iter() {
        let Some(company) = enforcement.company else { continue };
        let stands = is.stands(enforcement);
        if enforcement.is("scheduled") && stands && effect(enforcement).is_some_and(|effect| effect <= look.now) {
            look.wrong("R4", format!("{} has not taken effect", named(&is, *id)));
        }
        if !enforcement.is("in_force") {
            continue;
        }
        if enforcement.flipped_at.is_none() {
            look.wrong("R4", format!("the flip of {} has not ended", named(&is, *id)));
        }
        let due: Vec<Id> = if stands {
            is.memberships.keys().filter(|(of, _)| *of == company).map(|(_, user)| *user).collect()
        } else {
            // Who came to it later is not required by a date that was taken back.
            let began = enforcement.flipped_at.unwrap_or(look.now);
            let there = |user: &Id| history.steady_since(company, *user).is_some_and(|since| since < began);
            history.due_at_flip(*id).filter(there).collect()
        };
        for user in due {
            let (Some(row), Some(membership)) = (is.users.get(&user), is.memberships.get(&(company, user))) else {
                continue;
            };
            let now = membership.require_at.is_none_or(|personal| personal <= look.now);
            if now && is_subject(look.settings, row, membership) && !is.requires(user, *id) {
                look.wrong("R4", format!("user {user} is not required by {}", named(&is, *id)));
            }
        }
    }
    let _ = matches!(look.step, Step::Settled { .. });
}
