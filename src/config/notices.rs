//! `[notices]`: when notices go out, from whom, and what they call things.

use std::net::IpAddr;
use std::path::PathBuf;

use chrono::{NaiveTime, TimeDelta};
use lettre::message::Mailbox;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use url::Url;

use super::logo::Logo;
use super::{color, duration};
use crate::domain::values::{is_hidden, shown};

/// When notices go out, from whom, and what they call things.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticeSettings {
    /// When reminders are due, in the reader's zone.
    #[serde(deserialize_with = "time_of_day")]
    pub send_at: NaiveTime,
    /// How many days before the date reminders are due where the company says nothing else.
    pub days_before: Vec<u16>,
    /// How long an announcement waits, so that a slip can be taken back unseen.
    #[serde(deserialize_with = "duration::any")]
    pub announce_delay: TimeDelta,
    /// The first moment of the day at which announcements may arrive, in the reader's zone.
    #[serde(deserialize_with = "time_of_day")]
    pub announce_from: NaiveTime,
    /// The first moment of the day at which they may no longer.
    #[serde(deserialize_with = "time_of_day")]
    pub announce_until: NaiveTime,
    /// The sender: `Name <address>` or an address alone. `run` needs one.
    #[serde(default)]
    pub from: Option<String>,
    /// Where answers go, if not to the sender.
    #[serde(default)]
    pub reply_to: Option<String>,
    /// The keys that mails are signed with (DKIM), each `SELECTOR:FILE`.
    pub dkim_keys: Vec<String>,
    /// The domain for which they sign, if not the sender's.
    #[serde(default)]
    pub dkim_domain: Option<String>,
    /// The name under which readers know the product.
    pub product_name: String,
    /// Where readers sign in.
    pub sign_in_url: String,
    /// The menus from there to the second step, in order.
    pub menu_path: Vec<String>,
    /// What the button for an authenticator app says.
    pub authenticator_label: String,
    /// What the button for a phone number says.
    pub phone_label: String,
    /// Whom readers ask when their company has not said whom.
    #[serde(default)]
    pub support_contact: Option<String>,
    /// A picture to stand above notices: a PNG, JPEG or GIF file, which goes with each mail.
    #[serde(default)]
    pub logo: Option<PathBuf>,
    /// The product's colour, of links and the line above notices, as `#0b57d0`.
    pub brand_color: String,
    /// What stands at the end of each notice, such as the vendor's postal address.
    #[serde(default)]
    pub footer: Option<String>,
    /// Whether the day comes with the announcement as an entry for the reader's calendar.
    pub calendar: bool,
    /// The languages that notices are written in, by their tags; empty: all that there are. English is always one.
    pub languages: Vec<String>,
    /// A folder whose files take the place of the built-in templates of the same name, one by one.
    #[serde(default)]
    pub template_dir: Option<PathBuf>,
}

impl NoticeSettings {
    /// What cannot work: each message names the key, the value and the remedy.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut found = Vec::new();
        if self.announce_from >= self.announce_until {
            found.push(format!(
                "notices.announce_from = \"{}\" is not before notices.announce_until = \"{}\": announcements could never go out; make it earlier",
                self.announce_from.format("%H:%M"),
                self.announce_until.format("%H:%M")
            ));
        }
        let days = &self.days_before;
        if days.is_empty() || days.len() > 20 || days.iter().any(|day| !(1..=365).contains(day)) {
            found.push(format!(
                "notices.days_before = {days:?}: give 1 to 20 whole numbers from 1 to 365, such as [30, 14, 7, 3, 1]"
            ));
        }
        found.extend(mailbox("notices.from", self.from.as_deref()).err());
        found.extend(mailbox("notices.reply_to", self.reply_to.as_deref()).err());
        found.extend(sign_in_url_problem(&self.sign_in_url));
        let labels = self.menu_path.iter().map(|label| ("notices.menu_path", label));
        let texts = [
            ("notices.product_name", Some(&self.product_name)),
            ("notices.authenticator_label", Some(&self.authenticator_label)),
            ("notices.phone_label", Some(&self.phone_label)),
            ("notices.support_contact", self.support_contact.as_ref()),
            ("notices.footer", self.footer.as_ref()),
        ];
        let texts = texts.into_iter().filter_map(|(key, text)| text.map(|text| (key, text)));
        found.extend(texts.chain(labels).filter_map(|(key, text)| text_problem(key, text)));
        if self.menu_path.is_empty() {
            found.push(
                "notices.menu_path = []: name the menus on the way to the second step, in order; links alone look like phishing"
                    .to_owned(),
            );
        }
        found.extend(self.dkim_domain.as_deref().and_then(dkim_domain_problem));
        found.extend(color::problem("notices.brand_color", &self.brand_color));
        found.extend(self.logo.as_deref().and_then(|path| Logo::read(path).err()));
        if let Some(dir) = self.template_dir.as_ref().filter(|dir| !dir.is_dir()) {
            found.push(format!(
                "notices.template_dir = \"{}\" is not a folder: create it, or remove the key to use the built-in templates",
                dir.display()
            ));
        }
        found
    }

    /// What must be set before mail goes to real people: a sender, and nothing left over from the examples.
    #[must_use]
    pub fn problems_for_real_mail(&self) -> Vec<String> {
        let mut found = Vec::new();
        if self.from.is_none() {
            found.push(
                "notices.from is not set: name the sender, such as \"Ledger <no-reply@example.com>\", with an address that your mail server may send from"
                    .to_owned(),
            );
        }
        let addresses = [("notices.from", &self.from), ("notices.reply_to", &self.reply_to)];
        for (key, text) in addresses.into_iter().filter_map(|(key, text)| text.as_ref().map(|text| (key, text))) {
            let domain = mailbox(key, Some(text)).ok().flatten().map(|mailbox| mailbox.email.domain().to_owned());
            if domain.is_some_and(|domain| is_reserved(&domain)) {
                found.push(format!("{key} = \"{text}\" is an example: put an address of yours in its place"));
            }
        }
        let host = Url::parse(&self.sign_in_url).ok().and_then(|url| url.host_str().map(str::to_owned));
        if host.is_some_and(|host| is_reserved(&host)) {
            found.push(format!(
                "notices.sign_in_url = \"{}\" is an example: put the address of your sign-in page in its place",
                self.sign_in_url
            ));
        }
        if self.product_name == EXAMPLE_PRODUCT {
            found.push(format!(
                "notices.product_name = \"{EXAMPLE_PRODUCT}\" is an example: put the name that your users know in its place"
            ));
        }
        found
    }

    /// The sender, if one is set.
    ///
    /// # Errors
    /// As [`problems`](Self::problems).
    pub fn sender(&self) -> Result<Option<Mailbox>, String> {
        mailbox("notices.from", self.from.as_deref())
    }

    /// Where answers go, if set.
    ///
    /// # Errors
    /// As [`problems`](Self::problems).
    pub fn reply_to(&self) -> Result<Option<Mailbox>, String> {
        mailbox("notices.reply_to", self.reply_to.as_deref())
    }
}

/// The product's name in `config/default.toml`.
const EXAMPLE_PRODUCT: &str = "Example App";

/// Reads `Name <address>` or an address alone. A control character would end the header, so that none is let in.
fn mailbox(key: &str, text: Option<&str>) -> Result<Option<Mailbox>, String> {
    text.map(|text| {
        text.parse().ok().filter(|_| !text.chars().any(char::is_control)).ok_or_else(|| {
            format!("{key} = {text:?} is not a mail address: write it as \"Ledger <no-reply@example.com>\", or as the address alone")
        })
    })
    .transpose()
}

fn sign_in_url_problem(text: &str) -> Option<String> {
    let remedy = "write the address of your sign-in page, such as \"https://example.com/sign-in\"";
    let wrong = |why: &str| Some(format!("notices.sign_in_url = {text:?} {why}: {remedy}"));
    let Ok(url) = Url::parse(text) else { return wrong("is not a web address") };
    let plain_is_fine = url.host_str().is_some_and(is_loopback);
    if url.scheme() != "https" && !(url.scheme() == "http" && plain_is_fine) {
        return wrong("does not begin with https://");
    }
    if url.host_str().is_none() || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return wrong("is not a web address");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return wrong("has a user name in it, which every reader would see");
    }
    None
}

fn dkim_domain_problem(domain: &str) -> Option<String> {
    let is_label = |label: &str| {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        (1..=63).contains(&label.len()) && label.bytes().all(inner) && !label.starts_with('-') && !label.ends_with('-')
    };
    let is_domain = domain.len() <= 253 && domain.contains('.') && domain.split('.').all(is_label);
    (!is_domain).then(|| {
        format!(
            "notices.dkim_domain = {:?} is no domain: write it as mail.example.com (an international one in its form with xn--)",
            shown(domain)
        )
    })
}

fn text_problem(key: &str, text: &str) -> Option<String> {
    let fits =
        !text.trim().is_empty() && text.chars().count() <= 120 && !text.chars().any(|c| c.is_control() || is_hidden(c));
    (!fits).then(|| format!("{key} = {text:?}: give 1 to 120 characters on one line, all of which can be seen"))
}

/// Whether a host is this machine by its name or number.
pub(super) fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

/// Whether a host is one of the names that are nobody's (RFC 2606, RFC 6761).
pub(super) fn is_reserved(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    ["example.com", "example.net", "example.org", "example", "invalid", "test"]
        .iter()
        .any(|name| host.strip_suffix(name).is_some_and(|before| before.is_empty() || before.ends_with('.')))
}

fn time_of_day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveTime, D::Error> {
    let text = String::deserialize(deserializer)?;
    NaiveTime::parse_from_str(&text, "%H:%M")
        .map_err(|_| D::Error::custom(format!("'{text}' is not a time of day: write it as 09:00")))
}
