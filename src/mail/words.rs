//! What templates are given. Every context is flat, so that a variable that does not exist can be found at load.

use serde::Serialize;

use super::language::Language;
use crate::config::notices::NoticeSettings;
use crate::domain::message::{Message, Statement};
use crate::domain::methods::Method;
use crate::domain::schedule;
use crate::domain::time::Timestamp;

/// What the templates of a kind are given, for one statement.
#[derive(Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "templates ask yes or no")]
pub(super) struct SectionWords<'a> {
    /// The product's name.
    product: &'a str,
    /// The company's name; none for the vendor's own rule about those who receive payments.
    company: Option<String>,
    /// The date on which the second step becomes required, in the reader's zone, with its weekday.
    date: String,
    /// That date with the time and the zone.
    when: String,
    /// The date that the reader was told before.
    told: Option<String>,
    /// Days from the day of writing to the date, both in the reader's zone.
    days_left: i64,
    /// Whether it is required already.
    already_required: bool,
    /// Whether something else requires it of the reader already.
    required_otherwise: bool,
    /// Whether it was required, and is no longer.
    was_required: bool,
    /// The day on which the reader's exemption ends, if they are told because of that.
    exempt_until: Option<String>,
    /// Whether the mail has other statements as well.
    several: bool,
    /// This statement's subject (empty while that is rendered).
    pub(super) headline: String,
}

impl<'a> SectionWords<'a> {
    pub(super) fn new(
        statement: &Statement,
        message: &Message,
        language: Language,
        settings: &'a NoticeSettings,
    ) -> Self {
        let zone = message.reader.zone;
        let date = language.date(statement.required_at.date_in(zone));
        let told = statement.told_date.map(|told| language.date(told));
        Self {
            product: &settings.product_name,
            company: statement.company.as_deref().map(clean),
            told: if statement.kind.tells_date() { told } else { told.or_else(|| Some(date.clone())) },
            when: language.moment(statement.required_at, zone),
            date,
            days_left: schedule::days_left(statement.required_at, message.at, zone),
            already_required: is_required(statement, message.at),
            required_otherwise: statement.required_otherwise,
            was_required: statement.was_required,
            exempt_until: statement.exempt_until.map(|until| language.date(until.date_in(zone))),
            several: message.notices.len() > 1,
            headline: String::new(),
        }
    }
}

/// What `frame/subject.txt` is given.
#[derive(Serialize)]
pub(super) struct SubjectWords<'a> {
    /// The subject of the statement that matters most.
    pub(super) headline: &'a str,
    /// How many other statements there are.
    pub(super) others: usize,
}

/// What `frame/contact.txt` is given.
#[derive(PartialEq, Serialize)]
pub(super) struct ContactWords<'a> {
    /// The product's name.
    product: &'a str,
    /// The company whose statement a question may be about.
    company: Option<String>,
    /// Whom to ask: the company's choice, or the vendor's.
    contact: Option<String>,
}

impl<'a> ContactWords<'a> {
    /// Whom to ask about each statement, without repeats.
    pub(super) fn all(message: &Message, settings: &'a NoticeSettings) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for statement in &message.notices {
            let own = statement.support_contact.as_deref().map(clean).filter(|contact| !contact.is_empty());
            let of_vendor = if own.is_some() { None } else { settings.support_contact.clone() };
            let company = statement.company.as_deref().filter(|_| of_vendor.is_none()).map(clean);
            let words = Self { product: &settings.product_name, company, contact: own.or(of_vendor) };
            if !all.contains(&words) {
                all.push(words);
            }
        }
        all
    }
}

/// What `frame/body.txt` and `frame/body.html` are given.
#[derive(Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "templates ask yes or no")]
pub(super) struct FrameWords<'a> {
    /// The language tag.
    language: &'static str,
    /// The product's name.
    product: &'a str,
    /// The way to the second step.
    sign_in_url: &'a str,
    menu_path: &'a [String],
    authenticator_label: &'a str,
    phone_label: &'a str,
    /// Whether this reader may use text messages.
    by_text: bool,
    /// Whether the second step is required of the reader already: by all that the mail states, or by something else.
    already_required: bool,
    /// Whether there is anything to set up.
    to_do: bool,
    /// Whether there are several statements.
    several: bool,
    /// What to call the reader, if the stored name can be one.
    name: Option<String>,
    /// Where the mail goes.
    address: String,
    /// The mail's subject.
    pub(super) subject: &'a str,
    /// The statements, rendered.
    pub(super) sections: &'a [String],
    /// Whom to ask, rendered.
    pub(super) contacts: &'a [String],
}

impl<'a> FrameWords<'a> {
    pub(super) fn new(
        message: &Message,
        language: Language,
        settings: &'a NoticeSettings,
        subject: &'a str,
        sections: &'a [String],
        contacts: &'a [String],
    ) -> Self {
        let mut demands = message.notices.iter().filter(|statement| statement.kind.tells_date()).peekable();
        let required_otherwise = message.notices.iter().any(|statement| statement.required_otherwise);
        Self {
            language: language.tag(),
            product: &settings.product_name,
            sign_in_url: &settings.sign_in_url,
            menu_path: &settings.menu_path,
            authenticator_label: &settings.authenticator_label,
            phone_label: &settings.phone_label,
            by_text: message.reader.methods.contains(&Method::Sms),
            to_do: required_otherwise || demands.peek().is_some(),
            already_required: required_otherwise || demands.all(|statement| is_required(statement, message.at)),
            several: message.notices.len() > 1,
            name: name_to_greet(&message.reader.name),
            address: clean(&message.reader.address),
            subject,
            sections,
            contacts,
        }
    }
}

fn is_required(statement: &Statement, at: Timestamp) -> bool {
    statement.kind.tells_date() && statement.required_at <= at
}

/// A stored text as a reader may see it: on one line, without what steers a terminal or the direction of writing, and
/// not long.
pub(super) fn clean(text: &str) -> String {
    const MOST: usize = 120;
    let visible = text.chars().map(|c| if c.is_control() { ' ' } else { c }).filter(|c| !steers_writing(*c));
    let text: String = visible.collect();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= MOST { text } else { text.chars().take(MOST - 1).chain(['…']).collect() }
}

/// Unicode's invisible marks that reorder or hide what follows (UAX 9), and other characters without a width.
fn steers_writing(c: char) -> bool {
    matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// The name, unless it cannot be a person's: mail programs make links of what looks like an address, so that a stranger
/// who signed up under such a name could have us send it.
fn name_to_greet(stored: &str) -> Option<String> {
    let name = clean(stored);
    let has_dot_inside = name.split(' ').any(|word| word.trim_end_matches('.').contains('.') && word.len() > 4);
    let is_odd = name.contains(['<', '>', '@', '/', '\\', ':', ';', '"', '{', '}', '%', '='])
        || has_dot_inside
        || name.chars().count() > 60;
    (!name.is_empty() && !is_odd).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_greeted_and_other_things_are_not() {
        for name in ["Ada Lovelace", "Zoë O'Brien", "J. R. R. Tolkien", "李小龍", "Nguyễn Văn A", "J.R. Ewing"] {
            assert_eq!(name_to_greet(name).as_deref(), Some(name));
        }
        for odd in
            ["", " \r\n", "<script>alert(1)</script>", "\"; DROP TABLE users", "win.example", "http://a.b", "a@b"]
        {
            assert_eq!(name_to_greet(odd), None, "{odd:?}");
        }
        assert_eq!(name_to_greet("Eve\r\nBcc").as_deref(), Some("Eve Bcc"));
    }

    #[test]
    fn a_stored_text_is_shown_on_one_line_and_in_its_own_direction() {
        assert_eq!(clean("Acme\r\n\tInc\u{202e}gpj"), "Acme Incgpj");
        assert_eq!(clean(&"x".repeat(500)).chars().count(), 120);
    }
}
