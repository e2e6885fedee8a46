//! What templates are given. Every context is flat, so that a variable that does not exist can be found at load.

use chrono_tz::Tz;
use serde::Serialize;

use super::blanks::Greeted;
use super::language::Language;
use crate::config::notices::NoticeSettings;
use crate::domain::admin_mail::AdminMessage;
use crate::domain::message::{Message, Reader, Statement};
use crate::domain::methods::Method;
use crate::domain::schedule;
use crate::domain::time::Timestamp;
use crate::domain::values::is_hidden;

/// The Content-ID of the picture above a notice (RFC 2392): the same in each mail, which is only looked up within it.
pub(super) const LOGO_ID: &str = "logo@mfa-enforcer";

/// A variable that a template may use.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub meaning: &'static str,
}

/// A type that templates are given, with what its fields mean: the one place where variables are named.
macro_rules! words {
    (
        $(#[$meta:meta])*
        $name:ident { $( $(#[doc = $meaning:literal])+ $field:ident: $type:ty, )* }
    ) => {
        $(#[$meta])*
        #[derive(PartialEq, Serialize)]
        pub(super) struct $name<'a> {
            $( $(#[doc = $meaning])+ pub(super) $field: $type, )*
        }

        impl $name<'_> {
            /// The variables.
            pub(super) const VARIABLES: &'static [Variable] =
                &[$( Variable { name: stringify!($field), meaning: concat!($($meaning),+) } ),*];
        }
    };
}

pub(super) use words;

words! {
    /// What the templates of a kind are given, for one statement.
    SectionWords {
        /// The language tag, such as `en`
        language: &'a str,
        /// The product's name
        product: &'a str,
        /// The company's name; the product's for the vendor's own rule about those who receive payments
        company: String,
        /// Whether it is about that rule
        payees: bool,
        /// The date on which the second step becomes required, in the reader's zone, with its weekday
        date: String,
        /// That date with the time and the zone
        when: String,
        /// The same moment in UTC, with date and time
        when_utc: String,
        /// The date that the reader was told before; none: they were told none
        told: Option<String>,
        /// Days from the day of writing to the date, both in the reader's zone; 0 when it has come
        days_left: i64,
        /// Whether it is required already
        already_required: bool,
        /// Whether something else than this notice's date requires it of the reader already
        required_otherwise: bool,
        /// Of `cancelled`: whether it had come, and was reverted
        was_required: bool,
        /// Of `welcome`: the day on which the reader's exemption ends, if they are told because of that
        exempt_until: Option<String>,
        /// Who set the date, if a person gave their name
        set_by: Option<String>,
        /// Whether the mail has other notices as well
        several: bool,
        /// The notice's subject; empty while that is rendered
        headline: String,
    }
}

impl<'a> SectionWords<'a> {
    pub(super) fn new(
        statement: &Statement,
        message: &Message,
        language: &'a Language,
        settings: &'a NoticeSettings,
    ) -> Result<Self, String> {
        let zone = message.reader.zone;
        let date = language.date(statement.required_at.date_in(zone));
        let told = statement.told_date.map(|told| language.date(told));
        Ok(Self {
            language: language.tag(),
            product: &settings.product_name,
            company: named(statement).unwrap_or_else(|| settings.product_name.clone()),
            payees: statement.company.is_none(),
            told: if statement.kind.tells_date() { told } else { told.or_else(|| Some(date.clone())) },
            when: language.moment(statement.required_at, zone, true)?,
            when_utc: language.moment(statement.required_at, Tz::UTC, false)?,
            date,
            days_left: schedule::days_left(statement.required_at, message.at, zone).max(0),
            already_required: is_required(statement, message.at),
            required_otherwise: statement.required_otherwise,
            was_required: statement.was_required,
            exempt_until: statement.exempt_until.map(|until| language.date(until.date_in(zone))),
            set_by: statement.set_by.as_deref().and_then(who_to_show),
            several: message.notices.len() > 1,
            headline: String::new(),
        })
    }
}

words! {
    /// What `frame/subject.txt` is given.
    SubjectWords {
        /// The language tag, such as `en`
        language: &'a str,
        /// The subject of the notice that matters most
        headline: &'a str,
        /// How many other notices there are
        others: usize,
    }
}

words! {
    /// What `frame/contact.txt` is given.
    ContactWords {
        /// The language tag, such as `en`
        language: &'a str,
        /// The product's name
        product: &'a str,
        /// The company whose notice a question may be about; none where the vendor is asked
        company: Option<String>,
        /// Whom to ask: the company's choice, or the vendor's; none: neither has named anybody
        contact: Option<String>,
    }
}

impl<'a> ContactWords<'a> {
    /// Whom to ask about each statement, without repeats.
    pub(super) fn all(message: &Message, language: &'a Language, settings: &'a NoticeSettings) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for statement in &message.notices {
            let own = statement.support_contact.as_deref().map(clean).filter(|contact| !contact.is_empty());
            let of_vendor = if own.is_some() { None } else { settings.support_contact.clone() };
            let company = named(statement).filter(|_| of_vendor.is_none());
            let words =
                Self { language: language.tag(), product: &settings.product_name, company, contact: own.or(of_vendor) };
            if !all.contains(&words) {
                all.push(words);
            }
        }
        all
    }
}

words! {
    /// What `frame/body.txt` and `frame/body.mjml` are given.
    FrameWords {
        /// The language tag, such as `en`
        language: &'a str,
        /// The product's name
        product: &'a str,
        /// Where the reader signs in
        sign_in_url: &'a str,
        /// The menus from there to the second step
        menu: String,
        /// What the button for an authenticator app says
        authenticator_label: &'a str,
        /// What the button for a phone number says
        phone_label: &'a str,
        /// Whether this reader may use text messages
        by_text: bool,
        /// Whether the second step is required of the reader already: by all that the mail states, or by something else
        already_required: bool,
        /// Whether there is anything to set up
        to_do: bool,
        /// Whether there are several notices
        several: bool,
        /// How many notices there are
        count: usize,
        /// Where the picture above the notice is, within the mail; none: there is none
        logo: Option<String>,
        /// The product's colour, such as `#0b57d0`
        brand_color: &'a str,
        /// What stands at the end; none: nothing
        footer: Option<&'a str>,
        /// What to call the reader; none: the stored name cannot be one
        name: Option<String>,
        /// Where the mail goes
        address: String,
        /// The mail's subject
        subject: &'a str,
        /// The notices, rendered
        sections: &'a [String],
        /// Whom to ask, rendered
        contacts: &'a [String],
    }
}

impl<'a> FrameWords<'a> {
    pub(super) fn new(
        message: &Message,
        greeted: &Greeted,
        language: &'a Language,
        settings: &'a NoticeSettings,
        subject: &'a str,
        sections: &'a [String],
        contacts: &'a [String],
    ) -> Self {
        let mut demands = message.notices.iter().filter(|statement| statement.kind.tells_date()).peekable();
        let required_otherwise = message.notices.iter().any(|statement| statement.required_otherwise);
        Self {
            by_text: message.reader.methods.contains(&Method::Sms),
            to_do: required_otherwise || demands.peek().is_some(),
            already_required: required_otherwise || demands.all(|statement| is_required(statement, message.at)),
            several: message.notices.len() > 1,
            count: message.notices.len(),
            name: greeted.name.clone(),
            address: greeted.address.clone(),
            ..Self::bare(language, settings, subject, sections, contacts)
        }
    }

    /// What is the same for every reader.
    fn bare(
        language: &'a Language,
        settings: &'a NoticeSettings,
        subject: &'a str,
        sections: &'a [String],
        contacts: &'a [String],
    ) -> Self {
        Self {
            language: language.tag(),
            product: &settings.product_name,
            sign_in_url: &settings.sign_in_url,
            menu: settings.menu_path.join(" → "),
            authenticator_label: &settings.authenticator_label,
            phone_label: &settings.phone_label,
            by_text: false,
            already_required: false,
            to_do: false,
            several: false,
            count: 1,
            logo: settings.logo.as_ref().map(|_| format!("cid:{LOGO_ID}")),
            brand_color: &settings.brand_color,
            footer: settings.footer.as_deref(),
            name: None,
            address: String::new(),
            subject,
            sections,
            contacts,
        }
    }
}

impl<'a> FrameWords<'a> {
    /// Around what admins read: there is nothing for them to set up.
    pub(super) fn for_admin(
        message: &AdminMessage,
        language: &'a Language,
        settings: &'a NoticeSettings,
        subject: &'a str,
        sections: &'a [String],
        contacts: &'a [String],
    ) -> Self {
        Self {
            name: name_to_show(&message.name),
            address: clean(&message.address),
            ..Self::bare(language, settings, subject, sections, contacts)
        }
    }
}

impl Reader {
    /// By which name the reader is greeted, and where they are reached, as it is shown.
    pub(super) fn greeted(&self) -> Greeted {
        Greeted { name: name_to_show(&self.name), address: clean(&self.address) }
    }
}

/// The name of the statement's company, if it has one.
fn named(statement: &Statement) -> Option<String> {
    statement.company.as_deref().map(clean).filter(|name| !name.is_empty())
}

/// Whether what the statement tells of has come.
pub(super) fn is_required(statement: &Statement, at: Timestamp) -> bool {
    statement.kind.tells_date() && statement.required_at <= at
}

/// A stored text as a reader may see it: on one line, without what steers a terminal or the direction of writing, and
/// not long.
pub(super) fn clean(text: &str) -> String {
    const MOST: usize = 120;
    let visible = text.chars().map(|c| if c.is_control() { ' ' } else { c }).filter(|c| !is_hidden(*c));
    let text: String = visible.collect();
    // Headers would take `=?` for the beginning of an encoded word (RFC 2047), and show what is hidden in that.
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ").replace("=?", "= ?");
    if text.chars().count() <= MOST { text } else { text.chars().take(MOST - 1).chain(['…']).collect() }
}

/// Who set a date, by name or address.
pub(super) fn who_to_show(stored: &str) -> Option<String> {
    let is_address = stored.parse::<lettre::Address>().is_ok();
    name_to_show(stored).or_else(|| is_address.then(|| clean(stored)))
}

/// The name, unless it cannot be a person's: mail programs make links of what looks like an address or a telephone number, so
/// that a stranger who signed up under such a name could have us send it.
pub(super) fn name_to_show(stored: &str) -> Option<String> {
    const MOST: usize = 60;
    let name = clean(stored);
    let is_odd = name.contains(['<', '>', '/', '\\', ':', ';', '"', '{', '}', '%', '=']) || is_like_a_link(&name);
    (!name.is_empty() && !is_odd && name.chars().count() <= MOST).then_some(name)
}

/// Whether mail programs may make a link of it: a dot within a word, but for initials, an `@`, or many digits.
pub(super) fn is_like_a_link(name: &str) -> bool {
    let ends =
        |word: &str| word.split('.').skip(1).any(|part| part.chars().filter(|c| c.is_alphanumeric()).count() > 1);
    name.contains("//")
        || name.contains('@')
        || name.split(' ').any(ends)
        || name.chars().filter(char::is_ascii_digit).count() > 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_greeted_and_other_things_are_not() {
        for name in ["Ada Lovelace", "Zoë O'Brien", "J. R. R. Tolkien", "李小龍", "Nguyễn Văn A", "J.R. Ewing"] {
            assert_eq!(name_to_show(name).as_deref(), Some(name));
        }
        for odd in [
            "",
            " \r\n",
            "<script>alert(1)</script>",
            "\"; DROP TABLE users",
            "win.example",
            "http://a.b",
            "a@b",
            "Visit t.co now",
            "call 1-800-555-0199",
        ] {
            assert_eq!(name_to_show(odd), None, "{odd:?}");
        }
        assert_eq!(name_to_show("Eve\r\nBcc").as_deref(), Some("Eve Bcc"));
    }

    #[test]
    fn a_stored_text_is_shown_on_one_line_and_in_its_own_direction() {
        assert_eq!(clean("Acme\r\n\tInc\u{202e}g\u{ad}pj\u{e002}"), "Acme Incgpj");
        assert_eq!(clean("=?utf-8?q?=E2=80=AEx?="), "= ?utf-8?q?=E2=80=AEx?=");
        assert_eq!(clean(&"x".repeat(500)).chars().count(), 120);
    }
}
