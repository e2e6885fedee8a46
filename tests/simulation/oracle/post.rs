//! What the mail server was handed, and so what each reader knows.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use jiff::Timestamp;
use jiff::civil::Date;
use sha2::{Digest as _, Sha256};

use super::letter::{Letter, Section};
use super::look::Look;
use super::tables::{Id, Tables};
use super::{Answer, Step};

/// The mails of a world.
#[derive(Debug, Default)]
pub struct Post {
    /// In their order.
    handed: Vec<Rc<Handing>>,
    by_user: BTreeMap<Id, Vec<Rc<Handing>>>,
    /// By the mark of the claim.
    claims: BTreeMap<String, Claim>,
    /// Mails whose outcome a daemon may not know: it died while they were in flight, or slept.
    uncertain: BTreeSet<Id>,
}

/// When notices were taken to be sent: the tables before and after.
#[derive(Clone, Debug)]
pub struct Claim {
    pub was: Rc<Tables>,
    pub was_at: Timestamp,
    pub is: Rc<Tables>,
    pub at: Timestamp,
}

/// One message that the server was handed.
#[derive(Debug)]
pub struct Handing {
    pub at: Timestamp,
    pub to: String,
    pub answer: Answer,
    pub sha256: String,
    pub letter: Letter,
    pub mail: Id,
    pub user: Id,
    pub day: Date,
    /// When its notices were claimed, by the daemon's own clock.
    pub claimed_at: Timestamp,
    pub claim: Claim,
    pub told: Vec<Telling>,
}

/// One notice of it.
#[derive(Clone, Debug)]
pub struct Telling {
    pub notice: Id,
    pub kind: String,
    pub milestone: Id,
    pub enforcement: Id,
    /// None: the payee mandate.
    pub company: Option<Id>,
    /// When MFA becomes required, as the row says it was told.
    pub told_at: Option<Timestamp>,
    pub section: Section,
}

/// What a reader knows of a company's date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    Date(Timestamp),
    Cancelled,
}

impl Post {
    /// Takes note of claims, and of daemons that died.
    pub fn follow(&mut self, look: &Look<'_>) {
        let mut current = BTreeSet::new();
        for notice in look.is.notices.values().filter(|notice| notice.state == "sending") {
            let Some(mark) = &notice.claimed_by else { continue };
            current.insert(mark);
            self.claims.entry(mark.clone()).or_insert_with(|| Claim {
                was: Rc::clone(&look.was),
                was_at: look.was_at,
                is: Rc::clone(&look.is),
                at: look.now,
            });
        }
        self.claims.retain(|mark, _| current.contains(mark));
        if matches!(look.step, Step::Crashed { .. } | Step::Slept) {
            let in_flight = look.is.mails.iter().filter(|(_, mail)| mail.state == "sending");
            self.uncertain.extend(in_flight.map(|(id, _)| *id));
        }
    }

    /// Reads a message, and finds the rows that it was made from.
    pub fn receive(&mut self, look: &mut Look<'_>, raw: &[u8], to: &str, answer: Answer) -> Option<Handing> {
        let letter = match Letter::read(raw) {
            Ok(letter) => letter,
            Err(error) => {
                look.wrong("R11", format!("a mail to {to} cannot be read: {error}"));
                return None;
            }
        };
        let is = Rc::clone(&look.is);
        let bare = |id: &str| id.trim_matches(['<', '>']).to_owned();
        let row = is.mails.iter().find(|(_, mail)| bare(&mail.message_id) == bare(&letter.message_id));
        let Some((mail, row)) = row else {
            look.wrong("R11", format!("the mail {} to {to} has no row", letter.message_id));
            return None;
        };
        let carried: Vec<_> =
            is.notices.iter().filter(|(_, notice)| notice.mail == Some(*mail) && notice.state == "sending").collect();
        let claim = carried.iter().find_map(|(_, notice)| self.claims.get(notice.claimed_by.as_deref()?)).cloned();
        let Some(claim) = claim else {
            look.wrong("R1", format!("the mail {} to {to} is sent, but no notice of it is claimed", letter.message_id));
            return None;
        };
        let mut left = carried;
        let mut told = Vec::new();
        for section in &letter.sections {
            let this = left.iter().position(|(_, notice)| {
                let company = is.enforcements.get(&notice.enforcement).and_then(|e| e.company);
                notice.kind == section.kind
                    && (named_in(&claim.is, company, section) || named_in(&claim.was, company, section))
                    && section.when.as_ref().is_none_or(|when| notice.told_at.is_some_and(|told| when.is(told)))
            });
            let Some(this) = this else {
                look.wrong(
                    "R11",
                    format!("the mail {} to {to} says what none of its notices does: {section:?}", letter.message_id),
                );
                continue;
            };
            let (id, notice) = left.remove(this);
            told.push(Telling {
                notice: *id,
                kind: notice.kind.clone(),
                milestone: notice.milestone,
                enforcement: notice.enforcement,
                company: is.enforcements.get(&notice.enforcement).and_then(|e| e.company),
                told_at: notice.told_at,
                section: section.clone(),
            });
        }
        for (id, notice) in left {
            look.wrong(
                "R11",
                format!(
                    "the mail {} to {to} does not say what its notice {id} ({}) does",
                    letter.message_id, notice.kind
                ),
            );
        }
        Some(Handing {
            at: look.now,
            to: to.to_owned(),
            answer,
            sha256: hex::encode(Sha256::digest(raw)),
            letter,
            mail: *mail,
            user: row.user,
            day: row.sent_day,
            claimed_at: row.attempted_at,
            claim,
            told,
        })
    }

    /// Files it.
    pub fn keep(&mut self, handing: Handing) {
        let handing = Rc::new(handing);
        self.uncertain.remove(&handing.mail);
        if matches!(handing.answer, Answer::Lost | Answer::Broken | Answer::DiesBefore | Answer::DiesAfter) {
            self.uncertain.insert(handing.mail);
        }
        self.by_user.entry(handing.user).or_default().push(Rc::clone(&handing));
        self.handed.push(handing);
    }

    pub fn all(&self) -> &[Rc<Handing>] {
        &self.handed
    }

    pub fn to_user(&self, user: Id) -> &[Rc<Handing>] {
        self.by_user.get(&user).map_or(&[], Vec::as_slice)
    }

    /// Whether a daemon may not know what became of the mail.
    pub fn uncertain(&self, mail: Id) -> bool {
        self.uncertain.contains(&mail)
    }

    /// The latest that the user was told of the company, by mails that were or may have been received.
    pub fn told(&self, tables: &Tables, user: Id, company: Option<Id>) -> Option<Told> {
        self.tellings(tables, user, company).next().map(|(_, telling)| told(telling))
    }

    /// The same, by other mails than this one, which may be here for the second time.
    pub fn told_otherwise(&self, tables: &Tables, handing: &Handing, company: Option<Id>) -> Option<Told> {
        let mut others = self.tellings(tables, handing.user, company).filter(|(other, _)| other.mail != handing.mail);
        others.next().map(|(_, telling)| told(telling))
    }

    /// Whether a mail to the same user died with its daemon before it was handed over, since another than this one told of the
    /// company: the daemon has to take it for received, and nobody knows what it said.
    pub fn has_unseen(&self, tables: &Tables, handing: &Handing, company: Option<Id>) -> bool {
        let letters = self.to_user(handing.user);
        let seen = |mail: &Id| letters.iter().any(|letter| letter.mail == *mail);
        let last = self.tellings(tables, handing.user, company).find(|(other, _)| other.mail != handing.mail);
        let last = last.map(|(other, _)| other.claimed_at);
        tables.mails.iter().any(|(id, mail)| {
            let since = last.is_none_or(|last| mail.attempted_at > last);
            mail.user == handing.user && mail.maybe_received && since && !seen(id)
        })
    }

    /// All that the user was told of the company, the latest first.
    pub fn tellings<'a>(
        &'a self,
        tables: &'a Tables,
        user: Id,
        company: Option<Id>,
    ) -> impl Iterator<Item = (&'a Handing, &'a Telling)> {
        let letters = self.to_user(user).iter().rev();
        letters
            .filter(|handing| {
                handing.answer.received()
                    || (handing.answer != Answer::Accepted
                        && tables.mails.get(&handing.mail).is_some_and(|mail| mail.maybe_received))
            })
            .flat_map(move |handing| {
                let of_company = handing.told.iter().filter(move |telling| telling.company == company);
                of_company.map(move |telling| (&**handing, telling))
            })
    }
}

/// What a reader knows after this.
pub fn told(telling: &Telling) -> Told {
    match telling.told_at {
        Some(date) if telling.kind != "cancelled" => Told::Date(date),
        _ => Told::Cancelled,
    }
}

/// Whether a section is about this company.
fn named_in(tables: &Tables, company: Option<Id>, section: &Section) -> bool {
    let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    match company {
        None => section.words.contains(" asks everyone who receives payments "),
        Some(company) => tables
            .companies
            .get(&company)
            .is_none_or(|company| letters(&section.words).contains(&letters(&company.name))),
    }
}
