//! Since when things have been as they are.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use jiff::Timestamp;

use super::look::{Look, effect, is_subject};
use super::tables::{Id, Tables};

/// What the tables have said over time, as far as the rules ask for it.
#[derive(Debug, Default)]
pub struct History {
    /// Since when all that matters of a membership and its user has been as it is.
    steady: BTreeMap<(Id, Id), Timestamp>,
    /// Since when a member has been one whom an enforcement of the company is about.
    subject: BTreeMap<(Id, Id), Timestamp>,
    /// Who has ceased to be one, which no daemon may have seen yet, and since when they had been.
    ceased: BTreeMap<(Id, Id), Timestamp>,
    /// Since when an enforcement has been in its state, with the company's row saying so.
    standing: BTreeMap<Id, Timestamp>,
    /// When each enforcement was not held for the first time, as far as was seen.
    first_stood: BTreeMap<Id, Timestamp>,
    /// Since when a company's row has been as it is.
    company: BTreeMap<Id, Timestamp>,
    /// When an enforcement takes effect, as it was when its flip began: a zone that is moved then comes too late.
    began: BTreeMap<Id, Timestamp>,
    /// Who was to be required when an enforcement's flip began.
    flipping: BTreeMap<Id, BTreeSet<Id>>,
    /// Whom a company requires.
    required: BTreeSet<(Id, Id)>,
    /// Since when it no longer requires somebody.
    freed: BTreeMap<(Id, Id), Timestamp>,
    last_settled: Option<Timestamp>,
}

impl History {
    /// Takes note of what has changed.
    pub fn follow(&mut self, look: &Look<'_>) {
        let (was, is, now) = (&look.was, &look.is, look.now);
        self.steady.retain(|key, _| is.memberships.contains_key(key));
        self.subject.retain(|key, _| is.memberships.contains_key(key));
        self.ceased.retain(|key, _| is.memberships.contains_key(key));
        for (key, membership) in is.memberships.iter() {
            let Some(user) = is.users.get(&key.1) else { continue };
            let same = was.users.get(&key.1).is_some_and(|before| {
                let mut before = before.clone();
                before.required_at = user.required_at;
                before == *user
            }) && was.memberships.get(key).is_some_and(|before| {
                before.exempt_until == membership.exempt_until && before.admin == membership.admin
            });
            if !same || !self.steady.contains_key(key) {
                self.steady.insert(*key, now);
            }
            if is_subject(look.settings, user, membership) {
                let since = self.ceased.remove(key).unwrap_or(now);
                self.subject.entry(*key).or_insert(since);
            } else if let Some(since) = self.subject.remove(key) {
                self.ceased.insert(*key, since);
            }
        }
        for (id, enforcement) in is.enforcements.iter() {
            let same = was
                .enforcements
                .get(id)
                .is_some_and(|before| before.state == enforcement.state && before.enforce_at == enforcement.enforce_at);
            if !is.stands(enforcement) {
                self.standing.remove(id);
            } else if !same || !self.standing.contains_key(id) {
                self.standing.insert(*id, now);
            }
            if !enforcement.is("held") {
                self.first_stood.entry(*id).or_insert(now);
            }
            if enforcement.is("in_force") && !self.flipping.contains_key(id) {
                self.flipping.insert(*id, members_due(look, is, *id));
                self.began.extend(effect(enforcement).map(|at| (*id, at)));
            }
        }
        for (id, company) in is.companies.iter() {
            if was.companies.get(id) != Some(company) || !self.company.contains_key(id) {
                self.company.insert(*id, now);
            }
        }
        self.company.retain(|id, _| is.companies.contains_key(id));
        if !Rc::ptr_eq(&was.requirements, &is.requirements) {
            let open = is.requirements.iter().filter(|r| r.cleared_at.is_none());
            let required = open.filter_map(|r| Some((is.enforcements.get(&r.enforcement)?.company?, r.user))).collect();
            for freed in self.required.difference(&required) {
                self.freed.insert(*freed, now);
            }
            self.required = required;
        }
    }

    /// All that is due at this instant has been done.
    pub fn settled(&mut self, now: Timestamp) {
        self.last_settled = Some(now);
        self.ceased.clear();
    }

    pub fn last_settled(&self) -> Option<Timestamp> {
        self.last_settled
    }

    pub fn steady_since(&self, company: Id, user: Id) -> Option<Timestamp> {
        self.steady.get(&(company, user)).copied()
    }

    pub fn subject_since(&self, company: Id, user: Id) -> Option<Timestamp> {
        self.subject.get(&(company, user)).copied()
    }

    /// Since when the company no longer requires the user, if ever it did.
    pub fn freed_since(&self, company: Id, user: Id) -> Option<Timestamp> {
        self.freed.get(&(company, user)).copied()
    }

    pub fn first_stood(&self, enforcement: Id) -> Option<Timestamp> {
        self.first_stood.get(&enforcement).copied()
    }

    /// When it took effect, if its flip has begun.
    pub fn began(&self, enforcement: Id) -> Option<Timestamp> {
        self.began.get(&enforcement).copied()
    }

    pub fn standing_since(&self, enforcement: Id) -> Option<Timestamp> {
        self.standing.get(&enforcement).copied()
    }

    pub fn company_since(&self, company: Id) -> Option<Timestamp> {
        self.company.get(&company).copied()
    }

    /// Who was to be required when the flip began.
    pub fn due_at_flip(&self, enforcement: Id) -> impl Iterator<Item = Id> {
        self.flipping.get(&enforcement).into_iter().flatten().copied()
    }
}

fn members_due(look: &Look<'_>, tables: &Tables, id: Id) -> BTreeSet<Id> {
    let Some(company) = tables.enforcements[&id].company else { return BTreeSet::new() };
    let of_company = tables.memberships.iter().filter(|((of, _), _)| *of == company);
    let due = of_company.filter(|((_, user), membership)| {
        let subject = tables.users.get(user).is_some_and(|user| is_subject(look.settings, user, membership));
        subject && membership.require_at.is_none_or(|personal| personal <= look.was_at)
    });
    due.map(|((_, user), _)| *user).collect()
}
