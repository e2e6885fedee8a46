//! The languages that notices are written in, and how each writes dates.

use chrono::{Datelike, NaiveDate};
use chrono_tz::Tz;
use icu_calendar::{Date, Gregorian};
use icu_datetime::FixedCalendarDateTimeFormatter;
use icu_datetime::fieldsets::YMDE;
use icu_locale_core::Locale;
use unic_langid::LanguageIdentifier;

use super::messages::{Markup, Messages};
use super::template_files::LocaleFiles;
use super::templates::TemplateError;
use crate::domain::time::Timestamp;

/// The language that there always is, and that has every message.
pub(super) const ENGLISH: &str = "en";

/// A language that notices are written in.
pub(super) struct Language {
    tag: String,
    /// The file with its words, the operator's if there is one.
    place: String,
    /// The tag with its likely script and region (UTS 35), to compare with readers' languages.
    likely: LanguageIdentifier,
    messages: Messages,
    /// How dates are written.
    dates: Locale,
}

type DateFormatter = FixedCalendarDateTimeFormatter<Gregorian, YMDE>;

impl Language {
    /// Reads a language's files.
    ///
    /// # Errors
    /// [`TemplateError`], with the file.
    pub(super) fn read(files: &LocaleFiles) -> Result<Self, TemplateError> {
        let place = files.sources.last().map_or_else(String::new, |file| file.place.clone());
        let wrong = |reason: String| TemplateError::Wrong { place: place.clone(), line: None, reason };
        let no_tag = |error: &dyn std::fmt::Display| {
            wrong(format!("'{}' is no language tag ({error}): name the file such as pt-BR.ftl", files.tag))
        };
        let language: LanguageIdentifier = files.tag.parse().map_err(|error| no_tag(&error))?;
        if language.to_string() != files.tag {
            return Err(wrong(format!("'{}' is written '{language}': name the file {language}.ftl", files.tag)));
        }
        // British dates for English, with the day before the month as most of the world has it: 15 January 2027.
        let dates = if files.tag == ENGLISH { "en-GB" } else { &files.tag };
        let dates: Locale = dates.parse().map_err(|error| no_tag(&error))?;
        DateFormatter::try_new((&dates).into(), YMDE::long())
            .map_err(|error| wrong(format!("dates cannot be written in '{}': {error}", files.tag)))?;
        let messages = Messages::read(&language, &files.sources)?;
        Ok(Self { tag: files.tag.clone(), place, likely: likely(language), messages, dates })
    }

    /// The language tag (BCP 47).
    pub(super) fn tag(&self) -> &str {
        &self.tag
    }

    /// Its words.
    pub(super) fn messages(&self) -> &Messages {
        &self.messages
    }

    /// A date with its weekday: *Friday, 15 January 2027*.
    pub(super) fn date(&self, date: NaiveDate) -> String {
        let (month, day) = (date.month(), date.day());
        let gregorian = u8::try_from(month)
            .ok()
            .zip(u8::try_from(day).ok())
            .and_then(|(month, day)| Date::try_new_gregorian(date.year(), month, day).ok());
        // Made anew each time, in a microsecond or two: it cannot be shared between threads.
        let formatter = DateFormatter::try_new((&self.dates).into(), YMDE::long()).ok();
        // Every date of ours is one of that calendar, and the formatter was tried when the language was read.
        let written = gregorian.zip(formatter).map(|(date, formatter)| formatter.format(&date).to_string());
        let written = written.unwrap_or_else(|| date.to_string());
        if day != 1 {
            return written;
        }
        // Some languages write the first of a month as the first, and not as one: CLDR has no form for it.
        match self.messages.say("day-one", Markup::Plain, |_| Err(String::new())) {
            Ok(first) => written.replacen(" 1 ", &format!(" {first} "), 1),
            Err(_) => written,
        }
    }

    /// An instant as clocks in `zone` show it: *Friday, 15 January 2027, 00:00*, and with the zone named *(Europe/Berlin)*.
    pub(super) fn moment(&self, instant: Timestamp, zone: Tz, named: bool) -> Result<String, String> {
        let message = if named { "moment-in" } else { "moment" };
        self.messages.say(message, Markup::Plain, |variable| match variable {
            "date" => Ok(self.date(instant.date_in(zone)).into()),
            "time" => Ok(instant.utc().with_timezone(&zone).format("%H:%M").to_string().into()),
            "zone" => Ok(zone.name().replace('_', " ").into()),
            _ => Err("it has no value here".to_owned()),
        })
    }

    /// A message that needs nothing.
    pub(super) fn say(&self, message: &str) -> Result<String, String> {
        self.say_with(message, &[])
    }

    /// A message as plain text, with these variables.
    pub(super) fn say_with(&self, message: &str, values: &[(&str, &str)]) -> Result<String, String> {
        self.messages.say(message, Markup::Plain, |variable| {
            let value = values.iter().find(|(name, _)| *name == variable);
            value.map(|(_, value)| (*value).to_owned().into()).ok_or_else(|| "it has no value here".to_owned())
        })
    }

    /// How well it suits a reader who wants `wanted`: none, another language or script.
    fn suits(&self, wanted: &LanguageIdentifier) -> Option<u8> {
        let same_script = (self.likely.language, self.likely.script) == (wanted.language, wanted.script);
        same_script.then_some(u8::from(self.likely.region == wanted.region))
    }
}

impl std::fmt::Debug for Language {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Language").field("tag", &self.tag).finish_non_exhaustive()
    }
}

/// Every language that notices are written in; English first.
#[derive(Debug)]
pub(super) struct Languages(Vec<Language>);

impl Languages {
    /// Reads every language. Those that are not in `wanted`, if there is anything in it, are left out, but English.
    ///
    /// # Errors
    /// [`TemplateError`]: among others where a language has other messages than English has.
    pub(super) fn read(locales: &[LocaleFiles], wanted: &[String]) -> Result<Self, TemplateError> {
        let mut all = locales.iter().map(Language::read).collect::<Result<Vec<_>, _>>()?;
        all.sort_by_key(|language| language.tag != ENGLISH);
        let built_in = locales.iter().find(|locale| locale.tag == ENGLISH).and_then(|locale| locale.sources.first());
        let english =
            Messages::read(&LanguageIdentifier::default(), built_in.ok_or(TemplateError::NoEnglish).map(Some)?)?;
        for other in &all {
            compare(&english, other)?;
        }
        if !wanted.is_empty() {
            let known = |tag: &String| all.iter().any(|language| language.tag == *tag);
            if let Some(unknown) = wanted.iter().find(|tag| !known(tag)) {
                let known = all.iter().map(|language| language.tag.clone()).collect::<Vec<_>>().join(", ");
                return Err(TemplateError::UnknownLanguage { tag: unknown.clone(), known });
            }
            all.retain(|language| language.tag == ENGLISH || wanted.contains(&language.tag));
        }
        Ok(Self(all))
    }

    /// All of them, English first.
    pub(super) fn all(&self) -> &[Language] {
        &self.0
    }

    /// The language of this tag; English where there is none.
    pub(super) fn named(&self, tag: &str) -> &Language {
        self.0.iter().find(|language| language.tag == tag).unwrap_or(&self.0[0])
    }

    /// The first of a reader's languages that there is, in their region's form or another; English for everybody else.
    pub(super) fn best(&self, locales: &[String]) -> &Language {
        let tag = |locale: &String| plain(locale).parse().ok();
        let best_of = |wanted: LanguageIdentifier| {
            let suited = self.0.iter().filter_map(|language| Some((language.suits(&wanted)?, language)));
            suited.max_by_key(|(rank, language)| (*rank, std::cmp::Reverse(language.tag.len()))).map(|(_, best)| best)
        };
        locales.iter().filter_map(tag).map(likely).find_map(best_of).unwrap_or(&self.0[0])
    }
}

/// A locale without what is no part of the language: what POSIX adds (`de_DE.UTF-8`), and extensions (`de-DE-u-co-phonebk`).
/// Mandarin and Cantonese are written as Chinese is.
fn plain(locale: &str) -> String {
    let name = locale.trim().split(['.', '@']).next().unwrap_or_default();
    let mut parts: Vec<&str> = name.split(['-', '_']).take_while(|part| part.len() > 1).collect();
    let script = parts.len() > 1;
    match parts.first().map(|first| first.to_ascii_lowercase()).as_deref() {
        Some("cmn") => parts[0] = "zh",
        Some("yue") => parts.splice(..1, if script { vec!["zh"] } else { vec!["zh", "HK"] }).for_each(drop),
        _ => {}
    }
    parts.join("-")
}

fn likely(mut language: LanguageIdentifier) -> LanguageIdentifier {
    language.maximize();
    language
}

/// What a sentence must not lose in another language, or in an operator's own words: without it a reader does not know when,
/// where or whom.
const KEPT: [&str; 15] = [
    "date",
    "time",
    "zone",
    "when",
    "when_utc",
    "told",
    "exempt_until",
    "sign_in_url",
    "menu",
    "authenticator_label",
    "phone_label",
    "contact",
    "was",
    "first_mail",
    "next_date",
];
/// What has no value for some readers, so that only sentences that are chosen by it may have it.
const OPTIONAL: [&str; 9] = ["told", "exempt_until", "set_by", "name", "contact", "was", "reason", "held", "stands"];

/// Every language has the messages that the built-in English has, no others but terms of its own, and what matters in each.
fn compare(english: &Messages, other: &Language) -> Result<(), TemplateError> {
    let is_term = |name: &str| name.starts_with('-');
    for (name, uses) in other.messages.all().filter(|(name, _)| !is_term(name)) {
        let wrong = |reason| Err(TemplateError::Wrong { place: uses.place.clone(), line: Some(uses.line), reason });
        let Some(original) = english.uses(name) else {
            return wrong(format!("there is no message '{name}': take its name from {ENGLISH}.ftl"));
        };
        let lost = |name: &&str| original.variables.contains(*name) && !uses.variables.contains(*name);
        if let Some(lost) = KEPT.iter().find(|name| lost(name)) {
            return wrong(format!("'{name}' leaves out ${lost}, which its reader needs: put it in"));
        }
        let added = |name: &&str| uses.variables.contains(*name) && !original.variables.contains(*name);
        if let Some(added) = OPTIONAL.iter().find(|name| added(name)) {
            return wrong(format!("'{name}' has ${added}, which some of its readers have no value for: leave it out"));
        }
    }
    let names = english.all().map(|(name, _)| name);
    let missing: Vec<_> = names.filter(|name| !is_term(name) && other.messages.uses(name).is_none()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let reason = format!("these messages are missing: {}; translate them from {ENGLISH}.ftl", missing.join(", "));
    Err(TemplateError::Wrong { place: other.place.clone(), line: None, reason })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::mail::{template_files, template_tags};

    fn languages() -> Languages {
        Languages::read(&template_files::read(None).unwrap().locales, &[]).unwrap()
    }

    #[test]
    fn a_moment_is_told_as_the_reader_s_clocks_show_it() {
        let languages = languages();
        let instant: Timestamp = "2027-01-14T23:00:00Z".parse().unwrap();
        let told = |tag, zone| languages.named(tag).moment(instant, zone, true).unwrap();
        assert_eq!(told("en", Tz::Europe__Berlin), "Friday, 15 January 2027, 00:00 (Europe/Berlin)");
        assert_eq!(told("en", Tz::America__New_York), "Thursday, 14 January 2027, 18:00 (America/New York)");
        assert_eq!(told("en", Tz::Asia__Kathmandu), "Friday, 15 January 2027, 04:45 (Asia/Kathmandu)");
        assert_eq!(told("de", Tz::Europe__Berlin), "Freitag, 15. Januar 2027, 00:00 Uhr (Europe/Berlin)");
        assert_eq!(told("es", Tz::Europe__Berlin), "viernes, 15 de enero de 2027, 00:00 (Europe/Berlin)");
        assert_eq!(told("fr", Tz::Europe__Berlin), "vendredi 15 janvier 2027 à 00:00 (Europe/Berlin)");
        assert_eq!(told("it", Tz::Europe__Berlin), "venerdì 15 gennaio 2027, 00:00 (Europe/Berlin)");
        assert_eq!(told("pt", Tz::Europe__Berlin), "sexta-feira, 15 de janeiro de 2027, 00:00 (Europe/Berlin)");
        assert_eq!(told("zh-Hant", Tz::Europe__Berlin), "2027年1月15日星期五 00:00（Europe/Berlin）");
        let first = NaiveDate::from_ymd_opt(2027, 1, 1).unwrap();
        let firsts = ["en", "de", "fr", "pt", "it", "zh-Hant"].map(|tag| languages.named(tag).date(first));
        let expected = [
            "Friday, 1 January 2027",
            "Freitag, 1. Januar 2027",
            "vendredi 1er janvier 2027",
            "sexta-feira, 1º de janeiro de 2027",
            "venerdì 1º gennaio 2027",
            "2027年1月1日星期五",
        ];
        assert_eq!(firsts, expected);
        assert_eq!(languages.named("en").moment(instant, Tz::UTC, false).unwrap(), "Thursday, 14 January 2027, 23:00");
    }

    /// That each is there in every language is checked when they are read.
    #[test]
    fn every_message_is_used() {
        let files = template_files::read(None).unwrap();
        let languages = languages();
        let said = files.templates.iter().flat_map(|file| template_tags::messages(&file.source));
        let mut used: BTreeSet<String> = said
            .filter_map(|(_, message)| message)
            .chain(["moment", "moment-in", "day-one", "admin-somebody"].map(str::to_owned))
            .collect();
        for language in languages.all() {
            used.extend(language.messages().all().flat_map(|(_, uses)| uses.messages.clone()));
        }
        for language in languages.all() {
            let unused: Vec<_> =
                language.messages().all().map(|(name, _)| name).filter(|name| !used.contains(*name)).collect();
            assert!(unused.is_empty(), "{} has messages that nothing says: {unused:?}", language.tag());
        }
    }
}
