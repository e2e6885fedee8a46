//! A made-up software vendor's customers and their people, for the demonstration and for tests: the same for the same
//! size, first day and randomness. Nobody in it exists, and no address in it can be written to (RFC 2606).

mod cast;
mod crowd;

use chrono::{NaiveDate, TimeDelta};
use chrono_tz::Tz;

use crate::clock::Randomness;
use crate::domain::methods::Method;
use crate::domain::time::{Timestamp, add_days, start_of_day};
use crate::domain::values::{CountryCode, EmailAddress, InvalidValue, Locale};
use crate::store::companies::CompanyChange;
use crate::store::edit::Edit;
use crate::store::import::{CompanyLine, MembershipLine, Role, UserChange, UserKind, UserLine};

/// The external id of the company that most people work for.
pub const MAIN: &str = "lumen-oak";
/// Its time zone: far west, so that a day there begins on the same day for almost every reader.
pub const MAIN_ZONE: Tz = Tz::America__Los_Angeles;
/// The external id of the other company.
pub const OTHER: &str = "fjord";
/// Its time zone.
pub const OTHER_ZONE: Tz = Tz::Europe__Oslo;

/// Companies and their people.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Two companies, neither with a date.
    pub companies: Vec<CompanyLine>,
    /// Who is there from the start.
    pub people: Vec<Person>,
    /// Two who join [`MAIN`] later.
    pub joiners: Vec<Person>,
}

/// A user, with the companies they belong to.
#[derive(Clone, Debug)]
pub struct Person {
    /// The vendor's own key: `u-001`, `u-002`, …
    pub external_id: String,
    /// Where notices go.
    pub email: EmailAddress,
    /// The name; one of them is hostile.
    pub name: String,
    /// The language, where it is known.
    pub locale: Option<Locale>,
    /// The time zone, where it is known.
    pub time_zone: Option<Tz>,
    /// The country, where it is known.
    pub country: Option<CountryCode>,
    /// Whether it is a person's account.
    pub kind: UserKind,
    /// Whether the account may sign in.
    pub active: bool,
    /// Whether it signs in through the company's identity provider.
    pub sso: bool,
    /// Whether it receives payments.
    pub payee: bool,
    /// Since when MFA is set up, and by which second step.
    pub enrolled: Option<(Timestamp, Method)>,
    /// Where the user works; never empty.
    pub memberships: Vec<Membership>,
}

/// A user's place at a company.
#[derive(Clone, Debug)]
pub struct Membership {
    /// The company's external id.
    pub company: &'static str,
    /// What the user may do there.
    pub role: Role,
    /// Until when the user is left out, if so.
    pub exempt_until: Option<Timestamp>,
}

impl Sample {
    /// `users` people who are there on `first_day`, the most telling ones first: a small sample has an admin, a name that
    /// wants to be a program, payees, an exemption and somebody in two companies before it has anybody ordinary.
    ///
    /// # Errors
    /// None that a test has not ruled out: the values are this module's own.
    pub fn new(users: usize, first_day: NaiveDate, randomness: &Randomness) -> Result<Self, InvalidValue> {
        let mut people = cast::people(first_day)?;
        people.truncate(users);
        crowd::fill(&mut people, users, first_day, randomness)?;
        let mut joiners = cast::joiners()?;
        for (place, person) in people.iter_mut().chain(&mut joiners).enumerate() {
            person.external_id = format!("u-{:03}", place + 1);
        }
        Ok(Self { companies: companies(), people, joiners })
    }

    /// The name of the first admin of this company, if it has one.
    #[must_use]
    pub fn admin_of(&self, company: &str) -> Option<&str> {
        let is_admin =
            |person: &&Person| person.memberships.iter().any(|one| one.company == company && one.role == Role::Admin);
        self.people.iter().find(is_admin).map(|person| person.name.as_str())
    }
}

/// What to import so that these people are there: one line for each membership.
#[must_use]
pub fn lines(people: &[Person], joined_at: Option<Timestamp>) -> Vec<UserLine> {
    let lines = people.iter().flat_map(|person| person.memberships.iter().map(move |one| person.line(one, joined_at)));
    (1..).zip(lines).map(|(line, user)| UserLine { line, ..user }).collect()
}

impl Person {
    /// Somebody who works for [`MAIN`], and of whom nothing else is known.
    fn new(name: &str, email: &str) -> Result<Self, InvalidValue> {
        Ok(Self {
            external_id: String::new(),
            email: email.parse()?,
            name: name.to_owned(),
            locale: None,
            time_zone: None,
            country: None,
            kind: UserKind::Person,
            active: true,
            sso: false,
            payee: false,
            enrolled: None,
            memberships: vec![Membership { company: MAIN, role: Role::Member, exempt_until: None }],
        })
    }

    fn at(self, zone: Tz, country: &str) -> Result<Self, InvalidValue> {
        Ok(Self { time_zone: Some(zone), country: Some(country.parse()?), ..self })
    }

    fn speaking(self, locale: &str) -> Result<Self, InvalidValue> {
        Ok(Self { locale: Some(locale.parse()?), ..self })
    }

    fn enrolled(self, first_day: NaiveDate, days_before: i64, method: Method) -> Self {
        let at = start_of_day(add_days(first_day, -days_before), MAIN_ZONE).plus(TimeDelta::hours(10));
        Self { enrolled: Some((at, method)), ..self }
    }

    fn working_for(self, company: &'static str) -> Self {
        Self { memberships: vec![Membership { company, role: Role::Member, exempt_until: None }], ..self }
    }

    fn also_working_for(mut self, company: &'static str) -> Self {
        self.memberships.push(Membership { company, role: Role::Member, exempt_until: None });
        self
    }

    fn admin(mut self) -> Self {
        self.memberships.iter_mut().for_each(|one| one.role = Role::Admin);
        self
    }

    fn exempt_until(mut self, until: Timestamp) -> Self {
        self.memberships.iter_mut().for_each(|one| one.exempt_until = Some(until));
        self
    }

    fn line(&self, membership: &Membership, joined_at: Option<Timestamp>) -> UserLine {
        let change = UserChange {
            email: Some(self.email.clone()),
            name: Some(self.name.clone()),
            locale: Edit::given(self.locale.clone()),
            time_zone: Edit::given(self.time_zone),
            country: Edit::given(self.country),
            kind: Some(self.kind),
            active: Some(self.active),
            sso: Some(self.sso),
            payee: Some(self.payee),
            mfa_enrolled_at: Edit::given(self.enrolled.map(|(at, _)| at)),
            mfa_method: Edit::given(self.enrolled.map(|(_, method)| method)),
        };
        let exempt = membership.exempt_until;
        let membership = MembershipLine {
            admin_mail: None,
            company: membership.company.to_owned(),
            role: Some(membership.role),
            joined_at: Edit::given(joined_at),
            exempt_until: Edit::given(exempt),
            exempt_reason: Edit::given(exempt.map(|_| "Parental leave".to_owned())),
            exempt_by: Edit::Keep,
        };
        UserLine { line: 0, external_id: self.external_id.clone(), change, membership: Some(membership) }
    }
}

fn companies() -> Vec<CompanyLine> {
    let company = |line, external_id: &str, name: &str, zone, support_contact: Option<&str>| CompanyLine {
        line,
        external_id: external_id.to_owned(),
        change: CompanyChange {
            name: Some(name.to_owned()),
            time_zone: Some(zone),
            support_contact: Edit::given(support_contact.map(str::to_owned)),
            ..CompanyChange::default()
        },
        ..CompanyLine::default()
    };
    vec![
        company(1, MAIN, "Lumen & Oak", MAIN_ZONE, Some("it@lumen-oak.example")),
        company(2, OTHER, "Fjord Freight", OTHER_ZONE, None),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(users: usize, seed: u64) -> Sample {
        Sample::new(users, NaiveDate::from_ymd_opt(2027, 2, 23).unwrap(), &Randomness::seeded(seed)).unwrap()
    }

    #[test]
    fn forty_people_are_of_every_sort() {
        for seed in 0..50 {
            let Sample { people, joiners, .. } = sample(40, seed);
            assert_eq!((people.len(), joiners.len()), (40, 2));
            let count = |wanted: fn(&Person) -> bool| people.iter().filter(|person| wanted(person)).count();
            assert!(count(|one| one.payee && one.enrolled.is_none() && one.country == "US".parse().ok()) >= 1);
            assert!(count(|one| one.payee && one.enrolled.is_none() && one.country != "US".parse().ok()) >= 1);
            assert!(count(|one| one.enrolled.is_some()) >= 5);
            assert!(count(|one| one.country.is_none()) >= 1 && count(|one| one.time_zone.is_none()) >= 1);
            assert!(count(|one| one.kind == UserKind::Service) >= 1 && count(|one| one.sso) >= 1);
            assert!(count(|one| !one.active) >= 1 && count(|one| one.memberships.len() == 2) >= 1);
            assert!(count(|one| one.memberships.iter().any(|place| place.role == Role::Admin)) >= 2);
            assert!(count(|one| one.memberships[0].exempt_until.is_some()) >= 1);
            assert!(count(|one| !one.name.is_ascii()) >= 5 && count(|one| !one.email.as_str().is_ascii()) >= 2);
            assert!(count(|one| one.name.contains('<') && one.name.contains('\n')) == 1);
            let emails: std::collections::BTreeSet<_> = people.iter().map(|one| one.email.as_str()).collect();
            assert_eq!(emails.len(), 40, "every address is one person's");
        }
    }

    #[test]
    fn any_size_and_seed_will_do() {
        assert_eq!(format!("{:?}", sample(400, 7)), format!("{:?}", sample(400, 7)));
        assert_ne!(format!("{:?}", sample(400, 7)), format!("{:?}", sample(400, 8)));
        assert_eq!(sample(1, 1).people.len(), 1);
        assert_eq!(sample(1, 1).admin_of(MAIN), Some("Zoë Lindqvist"));
        assert_eq!(lines(&sample(40, 1).people, None).len(), 41, "one person has two places");
    }
}
