//! The day as an entry for the reader's calendar (iCalendar, RFC 5545 and RFC 5546), where the operator wants that. It is
//! sent with the date, replaced when the date moves and taken away when it is cancelled: by the same UID each time.

use icalendar::{Calendar, Component as _, Event, EventLike as _, EventStatus, Property};

use super::language::Language;
use super::words::SectionWords;
use crate::config::notices::NoticeSettings;
use crate::domain::audit::sha256_hex;
use crate::domain::message::{Message, Statement};
use crate::domain::notice::NoticeKind;
use crate::domain::time;

/// What a mail has for the calendar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalendarPart {
    /// What the calendar is to do with it (RFC 5546): `PUBLISH` or `CANCEL`.
    pub method: &'static str,
    /// The entries, with CR LF line ends.
    pub text: String,
}

/// Who sends entries, as calendars name them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Organizer<'a> {
    /// The address that mail is from.
    pub address: &'a str,
    /// Its domain, under which entries have their names.
    pub domain: &'a str,
}

/// The entries of a message: those to keep, and those to take away.
///
/// # Errors
/// What the language cannot say.
pub(super) fn parts(
    message: &Message,
    organizer: Organizer<'_>,
    language: &Language,
    settings: &NoticeSettings,
) -> Result<Vec<CalendarPart>, String> {
    let mut parts = Vec::new();
    for method in ["PUBLISH", "CANCEL"] {
        let mut calendar = Calendar::empty();
        calendar.append_property(("VERSION", "2.0"));
        calendar.append_property(("PRODID", "-//mfa-enforcer//EN"));
        calendar.append_property(("METHOD", method));
        for statement in message.notices.iter().filter(|statement| method_of(statement, message) == Some(method)) {
            calendar.push(event(statement, message, method, organizer, language, settings)?);
        }
        if !calendar.components.is_empty() {
            parts.push(CalendarPart { method, text: calendar.to_string() });
        }
    }
    Ok(parts)
}

/// What the calendar does about a statement; none: it is not about a day to come of a company.
fn method_of(statement: &Statement, message: &Message) -> Option<&'static str> {
    let is_to_come = statement.required_at > message.at && statement.company_id.is_some();
    match statement.kind {
        NoticeKind::Announcement | NoticeKind::Welcome | NoticeKind::Rescheduled => is_to_come.then_some("PUBLISH"),
        NoticeKind::Cancelled => is_to_come.then_some("CANCEL"),
        NoticeKind::Reminder | NoticeKind::FinalReminder | NoticeKind::NowRequired => None,
    }
}

fn event(
    statement: &Statement,
    message: &Message,
    method: &str,
    organizer: Organizer<'_>,
    language: &Language,
    settings: &NoticeSettings,
) -> Result<Event, String> {
    let words = SectionWords::new(statement, message, language, settings)?;
    let company = statement.company_id.map(|id| id.to_string()).unwrap_or_default();
    // One for each company and reader, whatever its date; an id of the tables is nobody's business.
    let uid = sha256_hex([company, message.reader.user_id.to_string()]);
    let title = language
        .say_with("subject-from", &[("date", &words.date), ("company", &words.company), ("product", words.product)])?;
    let sign_in = language.say_with("step-sign-in", &[("sign_in_url", &settings.sign_in_url)])?;
    let open = language.say_with("step-open", &[("product", words.product)])?;
    let day = statement.required_at.date_in(message.reader.zone);
    let mut event = Event::new();
    event
        .uid(&format!("{uid}@{}", organizer.domain))
        .timestamp(message.at.utc())
        // RFC 5545, 3.8.7.4: the later one counts, so that the time of writing will do; from 2024 on it fits for 68 years.
        .sequence(u32::try_from(message.at.utc().timestamp() - SEQUENCE_EPOCH).unwrap_or(0))
        .summary(&title)
        .description(&format!("{sign_in}\n{open}"))
        .url(&settings.sign_in_url)
        .starts(day)
        // RFC 5545, 3.6.1: the end is not part of it.
        .ends(time::add_days(day, 1));
    event.append_property(Property::new("ORGANIZER", format!("mailto:{}", organizer.address)));
    // Nobody is busy because of it.
    event.append_property(Property::new("TRANSP", "TRANSPARENT"));
    event.status(if method == "CANCEL" { EventStatus::Cancelled } else { EventStatus::Confirmed });
    Ok(event.done())
}

/// 2024-01-01T00:00:00Z in seconds since 1970.
const SEQUENCE_EPOCH: i64 = 1_704_067_200;
