//! What is to come for a company's people, by day: the ways of all of them, added up.

mod mailing;
mod person;
mod replan;
mod undo;
mod walk;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::Serialize;

pub use person::{Course, Event, Membership, Milestone, Notice, Person, Tie};
pub use replan::{Replanned, released, replanned};
pub use undo::reverted;
pub use walk::{made_id, walk};

use super::ids::Id;
use super::notice::{EnforcementState, NoticeKind};
use super::policy::Policy;
use super::time::Timestamp;

/// All that is to come for a company's people, as far as it is known now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Forecast {
    /// How many people and service accounts are members.
    pub members: u64,
    /// How many of them get mail.
    pub mailed: u64,
    /// When the first mail goes out.
    pub first_mail_at: Option<Timestamp>,
    /// The mails, by the reader's day and kind.
    pub mails: Vec<MailDay>,
    /// Who becomes required, by instant.
    pub required: Vec<RequiredAt>,
    /// Who is exempt, by the end of that and what follows.
    pub exempt: Vec<ExemptUntil>,
    /// Who gets no mail, or is not required, and why.
    pub left_out: LeftOut,
}

/// The mails of one kind on one day of their readers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MailDay {
    /// The day, as each reader sees it.
    pub day: NaiveDate,
    /// What they say.
    pub kind: NoticeKind,
    /// To how many people.
    pub people: u64,
    /// When the first goes out.
    pub from: Timestamp,
    /// When the last does.
    pub until: Timestamp,
}

/// Who becomes required at one instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RequiredAt {
    /// When.
    pub at: Timestamp,
    /// Whether it is the company's day; if not, it is a personal date.
    pub is_flip: bool,
    /// How many people.
    pub people: u64,
    /// How many of them have set up MFA already.
    pub enrolled: u64,
    /// For how many of them MFA is required already, by another enforcement.
    pub required_already: u64,
}

/// Who is exempt until one instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExemptUntil {
    /// Until when.
    pub until: Timestamp,
    /// When the company requires them after it; none: not newly, as far as is known now.
    pub required_at: Option<Timestamp>,
    /// Whether they are required already, which an exemption changes nothing about.
    pub required_already: bool,
    /// How many people.
    pub people: u64,
}

/// Who is left out now, and why: each member is counted once, for the first reason that holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Service accounts.
    pub service_accounts: u64,
    /// Accounts that are not active.
    pub inactive: u64,
    /// People who sign in through the company's identity provider.
    pub sso: u64,
    /// Exempt people.
    pub exempt: u64,
    /// People who have set up MFA: they get no mail, and are required on the day.
    pub enrolled: u64,
    /// People whose address was refused for good: they get no mail, and are required on the day.
    pub bounced: u64,
    /// People whose stored address is none: nothing can be sent to them, and they are required on the day.
    pub no_address: u64,
}

/// What is to be told to a person.
struct ToTell {
    enforcement_id: Id,
    before: Timestamp,
    /// Whether they know it.
    already: bool,
}

impl ToTell {
    fn is_told(&self, events: &[Event]) -> bool {
        let tells = |event: &Event| {
            matches!(event, Event::Mailed { enforcement_id, at, .. }
                if *enforcement_id == self.enforcement_id && *at < self.before)
        };
        self.already || events.iter().any(tells)
    }
}

/// Adds up the ways of a company's people. It holds days, kinds and instants, no people.
#[derive(Debug)]
pub struct Tally {
    company_id: Id,
    forecast: Forecast,
    mails: BTreeMap<(NaiveDate, NoticeKind), MailDay>,
    required: BTreeMap<Timestamp, RequiredAt>,
    exempt: BTreeMap<(Timestamp, Option<Timestamp>, bool), u64>,
    /// How many people whom the date to come will require, and who are not enrolled, will have been told it by then.
    told: u64,
}

impl Tally {
    /// For the people of this company.
    #[must_use]
    pub fn new(company_id: Id) -> Self {
        Self {
            company_id,
            forecast: Forecast::default(),
            mails: BTreeMap::new(),
            required: BTreeMap::new(),
            exempt: BTreeMap::new(),
            told: 0,
        }
    }

    /// Walks a person through `courses`, of which the company's become `replanned` at once, and adds what happens at
    /// this company.
    pub fn add(&mut self, person: Person, courses: &[Course], replanned: &Replanned, now: Timestamp, policy: &Policy) {
        self.forecast.members += 1;
        self.count_left_out(&person, now, policy);
        let enrolled = person.facts.enrolled;
        let exempt_until = self.membership(&person).and_then(|one| one.exempt_until).filter(|until| *until > now);
        let required_already = person.required;
        let course = |id: Id| replanned.courses.iter().chain(courses).find(|course| course.id == id);
        let to_tell = self.to_be_told(&person, replanned, policy);
        let events = walk(person, courses, replanned, now, policy);
        self.told += u64::from(to_tell.is_some_and(|to_tell| to_tell.is_told(&events)));
        let (mut mailed, mut required_at, mut required) = (false, None, required_already);
        for event in events {
            match event {
                Event::Mailed { enforcement_id, kind, at, day } if self.is_ours(course(enforcement_id)) => {
                    mailed = true;
                    self.add_mail(day, kind, at);
                }
                Event::Required { enforcement_id, at } if self.is_ours(course(enforcement_id)) => {
                    required_at = required_at.or(Some(at));
                    let flips_at = course(enforcement_id)
                        .filter(|course| course.state == EnforcementState::Scheduled)
                        .map(|course| course.enforce_at.max(now));
                    let row = self.required.entry(at).or_insert(RequiredAt {
                        at,
                        is_flip: flips_at == Some(at),
                        people: 0,
                        enrolled: 0,
                        required_already: 0,
                    });
                    row.people += 1;
                    row.enrolled += u64::from(enrolled);
                    row.required_already += u64::from(required);
                    required = true;
                }
                Event::Required { .. } => required = true,
                Event::Mailed { .. } => {}
            }
        }
        self.forecast.mailed += u64::from(mailed);
        if let Some(until) = exempt_until {
            *self.exempt.entry((until, required_at, required_already)).or_default() += 1;
        }
    }

    /// How many of those whom the date to come will require, and who are not enrolled, will have been told it by then.
    #[must_use]
    pub fn told(&self) -> u64 {
        self.told
    }

    /// What was added up.
    #[must_use]
    pub fn finish(self) -> Forecast {
        let mails: Vec<MailDay> = self.mails.into_values().collect();
        Forecast {
            first_mail_at: mails.iter().map(|mail| mail.from).min(),
            mails,
            required: self.required.into_values().collect(),
            exempt: self
                .exempt
                .into_iter()
                .map(|((until, required_at, required_already), people)| ExemptUntil {
                    until,
                    required_at,
                    required_already,
                    people,
                })
                .collect(),
            ..self.forecast
        }
    }

    /// The person, if the date to come is to be told to them before it comes.
    fn to_be_told(&self, person: &Person, replanned: &Replanned, policy: &Policy) -> Option<ToTell> {
        let coming = replanned.courses.iter().find(|one| one.stands && one.state == EnforcementState::Scheduled)?;
        let membership = self.membership(person)?;
        let facts = &person.facts;
        let exempt = membership.exempt_until.is_some_and(|until| until > coming.enforce_at);
        let subject = facts.person && facts.active && !exempt && !(facts.sso && policy.leave_out_sso);
        (subject && !facts.enrolled).then_some(ToTell {
            enforcement_id: coming.id,
            before: coming.enforce_at,
            already: membership.told_date == Some(coming.date),
        })
    }

    fn is_ours(&self, course: Option<&Course>) -> bool {
        course.is_some_and(|course| course.company_id == Some(self.company_id))
    }

    fn membership<'a>(&self, person: &'a Person) -> Option<&'a Membership> {
        person.memberships.iter().find(|one| one.company_id == self.company_id)
    }

    fn add_mail(&mut self, day: NaiveDate, kind: NoticeKind, at: Timestamp) {
        let row = self.mails.entry((day, kind)).or_insert(MailDay { day, kind, people: 0, from: at, until: at });
        row.people += 1;
        row.from = row.from.min(at);
        row.until = row.until.max(at);
    }

    fn count_left_out(&mut self, person: &Person, now: Timestamp, policy: &Policy) {
        let exempt = self.membership(person).is_some_and(|one| one.exempt_until.is_some_and(|until| until > now));
        let (facts, left_out) = (&person.facts, &mut self.forecast.left_out);
        let count = if !facts.person {
            &mut left_out.service_accounts
        } else if !facts.active {
            &mut left_out.inactive
        } else if facts.sso && policy.leave_out_sso {
            &mut left_out.sso
        } else if exempt {
            &mut left_out.exempt
        } else if facts.enrolled {
            &mut left_out.enrolled
        } else if facts.bounced {
            &mut left_out.bounced
        } else if !person.addressable {
            &mut left_out.no_address
        } else {
            return;
        };
        *count += 1;
    }
}
