//! The people with names of their own: each stands for something that goes wrong in practice.

use chrono::NaiveDate;
use chrono_tz::Tz;

use super::{MAIN_ZONE, OTHER, Person};
use crate::domain::methods::Method::{Authenticator, Sms};
use crate::domain::time::{add_days, start_of_day};
use crate::domain::values::InvalidValue;
use crate::store::import::UserKind;

/// How long after the first day the exemption ends.
const EXEMPT_DAYS: i64 = 24;

/// A name that tries to be a program, to close an attribute and to add a header.
const HOSTILE: &str = "<script>alert(\"Bobby\")</script> '{{ 7*7 }}'\r\nBcc: everybody@lumen-oak.example";

/// Them all, the most telling first.
pub(super) fn people(first_day: NaiveDate) -> Result<Vec<Person>, InvalidValue> {
    let exempt_until = start_of_day(add_days(first_day, EXEMPT_DAYS), MAIN_ZONE);
    let of = Person::new;
    let mut people = vec![
        of("Zoë Lindqvist", "zoe.lindqvist@lumen-oak.example")?.at(MAIN_ZONE, "US")?.admin(),
        of("Łukasz Wójcik", "lukasz.wojcik@fjord.example")?.at(Tz::Europe__Warsaw, "PL")?.also_working_for(OTHER),
        of(HOSTILE, "bobby@lumen-oak.example")?.at(Tz::America__New_York, "US")?,
        of("小林 健", "kobayashi.ken@lumen-oak.example")?.at(Tz::Asia__Tokyo, "JP")?.speaking("ja")?,
        of("Bjørn Haugen", "bjorn.haugen@fjord.example")?.at(Tz::Europe__Oslo, "NO")?.working_for(OTHER).admin(),
        Person { payee: true, ..of("Maya Robinson", "maya.robinson@lumen-oak.example")?.at(MAIN_ZONE, "US")? },
        Person { payee: true, ..of("Jürgen Weiß", "jürgen@weiß-verlag.example")?.at(Tz::Europe__Berlin, "DE")? },
        of("Siobhán O'Brien", "siobhan.obrien@lumen-oak.example")?
            .at(Tz::Europe__Dublin, "IE")?
            .exempt_until(exempt_until),
        Person { kind: UserKind::Service, ..of("Invoice importer", "invoices@lumen-oak.example")? },
        Person { sso: true, ..of("Tom & Jerry Okafor", "tj.okafor@lumen-oak.example")?.at(MAIN_ZONE, "US")? },
        of("Ñandú Pereyra", "nandu.pereyra@lumen-oak.example")?,
        of("Camille Lefèvre", "camille@atelier-élan.example")?.at(Tz::Europe__Paris, "FR")?.speaking("fr")?,
        of("Priya Raman", "priya.raman@lumen-oak.example")?.at(Tz::Asia__Kolkata, "IN")?.enrolled(
            first_day,
            90,
            Authenticator,
        ),
        of("Grace Whitfield", "grace.whitfield@lumen-oak.example")?.at(MAIN_ZONE, "US")?.enrolled(first_day, 30, Sms),
        Person {
            payee: true,
            ..of("Inês Carvalho", "ines.carvalho@lumen-oak.example")?.at(Tz::Europe__Lisbon, "PT")?.enrolled(
                first_day,
                200,
                Authenticator,
            )
        },
        Person { active: false, ..of("Walter Pike", "walter.pike@lumen-oak.example")?.at(MAIN_ZONE, "US")? },
        of("ليلى حداد", "leila.haddad@lumen-oak.example")?.at(Tz::Asia__Beirut, "LB")?,
        of("Ewa Kowalczyk", "ewa.kowalczyk@fjord.example")?.at(Tz::Europe__Warsaw, "PL")?.working_for(OTHER).enrolled(
            first_day,
            60,
            Authenticator,
        ),
        of("Noah Feldman", "noah.feldman@lumen-oak.example")?
            .at(Tz::America__New_York, "US")?
            .enrolled(first_day, 15, Sms),
        of("Aroha Ngata", "aroha.ngata@lumen-oak.example")?.at(Tz::Pacific__Auckland, "NZ")?,
    ];
    // Known by the country alone: the days are the company's.
    people.push(Person { country: Some("MX".parse()?), ..of("María José Peña", "mj.pena@lumen-oak.example")? });
    Ok(people)
}

/// Who joins later: one before the day, one after it.
pub(super) fn joiners() -> Result<Vec<Person>, InvalidValue> {
    Ok(vec![
        Person::new("Mei-Lin Huang", "meilin.huang@lumen-oak.example")?.at(Tz::Asia__Singapore, "SG")?,
        Person::new("Amaia Etxeberria", "amaia.etxeberria@lumen-oak.example")?.at(Tz::Europe__Madrid, "ES")?,
    ])
}
