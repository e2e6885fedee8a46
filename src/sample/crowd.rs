//! Everybody else: drawn at random, in the proportions of a company that works everywhere.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use chrono_tz::Tz;

use super::{MAIN_ZONE, OTHER, Person};
use crate::clock::Randomness;
use crate::domain::methods::{Method, methods};
use crate::domain::policy::Policy;
use crate::domain::values::InvalidValue;
use crate::store::import::UserKind;

/// Where people live, with the names they have there: as they are written, and as an address has them.
struct Place {
    zone: Tz,
    country: &'static str,
    locale: Option<&'static str>,
    given: [(&'static str, &'static str); 4],
    family: [(&'static str, &'static str); 4],
}

/// The places of those who work for the main company.
const PLACES: [Place; 9] = [
    Place {
        zone: MAIN_ZONE,
        country: "US",
        locale: None,
        given: [("Ava", "ava"), ("Marcus", "marcus"), ("Thuy", "thuy"), ("Denise", "denise")],
        family: [("Carter", "carter"), ("Nguyen", "nguyen"), ("Brooks", "brooks"), ("Yazzie", "yazzie")],
    },
    Place {
        zone: Tz::America__New_York,
        country: "US",
        locale: Some("en-US"),
        given: [("Renée", "renee"), ("Malik", "malik"), ("Joan", "joan"), ("Rafael", "rafael")],
        family: [("D'Angelo", "dangelo"), ("Goldberg", "goldberg"), ("Ortiz", "ortiz"), ("Washington", "washington")],
    },
    Place {
        zone: Tz::America__Toronto,
        country: "CA",
        locale: None,
        given: [("Chloé", "chloe"), ("Liam", "liam"), ("Anjali", "anjali"), ("Owen", "owen")],
        family: [("Tremblay", "tremblay"), ("Singh", "singh"), ("MacLeod", "macleod"), ("Bélanger", "belanger")],
    },
    Place {
        zone: Tz::Europe__London,
        country: "GB",
        locale: Some("en-GB"),
        given: [("Amelia", "amelia"), ("Rhys", "rhys"), ("Olu", "olu"), ("Isla", "isla")],
        family: [("Ashworth", "ashworth"), ("Llewellyn", "llewellyn"), ("Adeyemi", "adeyemi"), ("Fraser", "fraser")],
    },
    Place {
        zone: Tz::Europe__Berlin,
        country: "DE",
        locale: Some("de"),
        given: [("Jörg", "joerg"), ("Anneliese", "anneliese"), ("Çağla", "cagla"), ("Felix", "felix")],
        family: [("Müller", "mueller"), ("Großmann", "grossmann"), ("Yıldız", "yildiz"), ("Krüger", "krueger")],
    },
    Place {
        zone: Tz::America__Sao_Paulo,
        country: "BR",
        locale: Some("pt-BR"),
        given: [("João", "joao"), ("Beatriz", "beatriz"), ("Antônio", "antonio"), ("Luíza", "luiza")],
        family: [("Araújo", "araujo"), ("Gonçalves", "goncalves"), ("Silva", "silva"), ("Conceição", "conceicao")],
    },
    Place {
        zone: Tz::Asia__Tokyo,
        country: "JP",
        locale: Some("ja"),
        given: [("さくら", "sakura"), ("大輔", "daisuke"), ("陽子", "yoko"), ("蓮", "ren")],
        family: [("佐藤", "sato"), ("山本", "yamamoto"), ("渡辺", "watanabe"), ("伊藤", "ito")],
    },
    Place {
        zone: Tz::Australia__Sydney,
        country: "AU",
        locale: Some("en-AU"),
        given: [("Kirra", "kirra"), ("Angus", "angus"), ("Dimitri", "dimitri"), ("Matilda", "matilda")],
        family: [("Nolan", "nolan"), ("Papadopoulos", "papadopoulos"), ("Tran", "tran"), ("Hughes", "hughes")],
    },
    Place {
        zone: Tz::Africa__Nairobi,
        country: "KE",
        locale: None,
        given: [("Wanjiru", "wanjiru"), ("Kamau", "kamau"), ("Amina", "amina"), ("Baraka", "baraka")],
        family: [("Otieno", "otieno"), ("Mwangi", "mwangi"), ("Hassan", "hassan"), ("Njoroge", "njoroge")],
    },
];

/// Where those live who work for the other company.
const NORTH: Place = Place {
    zone: Tz::Europe__Oslo,
    country: "NO",
    locale: Some("nb"),
    given: [("Åse", "ase"), ("Sigrid", "sigrid"), ("Øyvind", "oyvind"), ("Håkon", "hakon")],
    family: [("Bø", "bo"), ("Sæther", "saether"), ("Nygård", "nygard"), ("Lien", "lien")],
};

/// Adds people until there are `users`.
pub(super) fn fill(
    people: &mut Vec<Person>,
    users: usize,
    first_day: NaiveDate,
    randomness: &Randomness,
) -> Result<(), InvalidValue> {
    let mut taken: BTreeSet<String> = people.iter().map(|person| person.email.to_string()).collect();
    while people.len() < users {
        // Every seventh works for the other company, so that a small sample has some as well.
        let elsewhere = people.len() % 7 == 6;
        let place = if elsewhere { &NORTH } else { &PLACES[randomness.below(PLACES.len())] };
        let person = draw(place, elsewhere, &mut taken, first_day, randomness)?;
        people.push(person);
    }
    Ok(())
}

fn draw(
    place: &Place,
    elsewhere: bool,
    taken: &mut BTreeSet<String>,
    first_day: NaiveDate,
    randomness: &Randomness,
) -> Result<Person, InvalidValue> {
    let one_in = |count| randomness.below(count) == 0;
    let given = place.given[randomness.below(place.given.len())];
    let family = place.family[randomness.below(place.family.len())];
    let name =
        if place.country == "JP" { format!("{} {}", family.0, given.0) } else { format!("{} {}", given.0, family.0) };
    let email = free_address(given.1, family.1, if elsewhere { "fjord" } else { "lumen-oak" }, taken);
    let mut person = Person::new(&name, &email)?.at(place.zone, place.country)?;
    if elsewhere {
        person = person.working_for(OTHER);
    }
    if let Some(locale) = place.locale.filter(|_| !one_in(2)) {
        person = person.speaking(locale)?;
    }
    if one_in(10) {
        person.time_zone = None;
    }
    if one_in(10) {
        person.country = None;
    }
    person.payee = one_in(12);
    person.sso = one_in(15);
    person.active = !one_in(25);
    if one_in(40) {
        person.kind = UserKind::Service;
    }
    if one_in(4) {
        let may_use = methods(person.country, person.payee, &Policy::default());
        let method = may_use.get(randomness.below(may_use.len())).copied().unwrap_or(Method::Authenticator);
        let days_before = i64::try_from(10 + randomness.below(300)).unwrap_or(10);
        person = person.enrolled(first_day, days_before, method);
    }
    Ok(person)
}

/// An address that nobody has yet.
fn free_address(given: &str, family: &str, domain: &str, taken: &mut BTreeSet<String>) -> String {
    let mut address = format!("{given}.{family}@{domain}.example");
    let mut number = 2;
    while !taken.insert(address.clone()) {
        address = format!("{given}.{family}{number}@{domain}.example");
        number += 1;
    }
    address
}
