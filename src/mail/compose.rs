//! The mail that carries a message: headers, parts and bytes, the same for the same message.

use std::time::SystemTime;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use lettre::Address;
use lettre::address::Envelope;
use lettre::message::header::{ContentTransferEncoding, ContentType, Date, HeaderName, HeaderValue, Headers, To};
use lettre::message::{Attachment, Mailbox, Mailboxes, MultiPart, SinglePart};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::PrepareError;
use super::blanks::Greeted;
use super::dkim::Signer;
use super::form_letter::{ANY_MAIL, FormLetter, OpenLines};
use super::return_path::ReturnPath;
use super::templates::Rendered;
use super::words::{LOGO_ID, clean, is_like_a_link, name_to_show};
use crate::config::logo::Logo;
use crate::config::notices::NoticeSettings;
use crate::domain::admin_mail::AdminMessage;
use crate::domain::ids::Id;
use crate::domain::message::Message;
use crate::domain::time::Timestamp;

/// A mail, ready to be handed over.
#[derive(Clone)]
pub struct Composed {
    /// The row in `mails`, and the name of the `.eml` file.
    pub mail_id: Id,
    /// The Message-ID, in its angle brackets: one for all attempts.
    pub message_id: String,
    /// Whom it is from and for, as the mail server is told.
    pub envelope: Envelope,
    /// The mail itself (RFC 5322), with CR LF line ends.
    pub bytes: Vec<u8>,
    /// The SHA-256 of `bytes`, in hexadecimal.
    pub sha256: String,
}

impl Composed {
    /// The domain that it goes to, as DNS knows it: in ASCII and lower case.
    pub(super) fn recipient_domain(&self) -> String {
        self.envelope.to().first().map(domain).unwrap_or_default()
    }
}

fn domain(address: &Address) -> String {
    let domain = address.domain();
    url::Host::parse(domain).map_or_else(|_| domain.to_lowercase(), |host| host.to_string())
}

impl std::fmt::Debug for Composed {
    /// Without the address, which is nobody's business in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Composed").field("mail_id", &self.mail_id).field("sha256", &self.sha256).finish_non_exhaustive()
    }
}

/// An address that no mail can be sent to. (It is not shown: this message is logged.)
#[derive(Debug, Error, PartialEq, Eq)]
#[error("the stored address is not an e-mail address: correct it in users.email")]
pub struct UnusableAddress;

/// What a mail's headers are made from. Ids and names of our own alone, but for the address and the name.
#[derive(Clone, Debug)]
pub struct Addressed<'a> {
    mail_id: Id,
    address: &'a str,
    name: &'a str,
    at: Timestamp,
    /// The enforcements that it is about.
    threads: Vec<Id>,
    /// What filters sort it by.
    list: &'static str,
    /// How large providers report complaints about it.
    feedback: String,
}

impl<'a> From<&'a Message> for Addressed<'a> {
    fn from(message: &'a Message) -> Self {
        let kinds = message.notices.iter().map(|notice| notice.kind.as_str());
        Self {
            mail_id: message.mail_id,
            address: &message.reader.address,
            name: &message.reader.name,
            at: message.at,
            threads: message.notices.iter().map(|notice| notice.enforcement_id).collect(),
            list: "mfa-notices",
            feedback: format!("{}:notice", joined(kinds, "-")),
        }
    }
}

impl<'a> From<&'a AdminMessage> for Addressed<'a> {
    fn from(message: &'a AdminMessage) -> Self {
        Self {
            mail_id: message.mail_id,
            address: &message.address,
            name: &message.name,
            at: message.at,
            threads: vec![message.enforcement_id],
            list: "mfa-admins",
            feedback: format!("{}:admin", message.news.kind()),
        }
    }
}

/// Whom mail is from.
#[derive(Debug)]
pub struct Sender {
    from: Mailbox,
    reply_to: Option<Mailbox>,
    /// The picture above notices.
    logo: Option<Logo>,
    signer: Signer,
    /// Where mails come back to; none: to the sender.
    return_path: Option<ReturnPath>,
    /// Who gets every mail instead of the reader.
    redirect: Option<Address>,
}

impl Sender {
    /// The sender that the settings name.
    ///
    /// # Errors
    /// What is missing or wrong, with the remedy.
    pub fn from_settings(settings: &NoticeSettings) -> Result<Self, String> {
        let from = settings.sender()?.ok_or_else(|| {
            "notices.from is not set: name the sender, such as \"Ledger <no-reply@example.com>\"".to_owned()
        })?;
        let sendable = |mailbox: Mailbox| match address(mailbox.email.as_ref()) {
            Ok(email) => Ok(Mailbox { email, ..mailbox }),
            Err(UnusableAddress) => Err(format!("'{}' in [notices] is not an e-mail address", mailbox.email)),
        };
        let logo = settings.logo.as_deref().map(Logo::read).transpose()?;
        let from = sendable(from)?;
        let signer = Signer::read(settings.dkim_domain.as_deref().unwrap_or(from.email.domain()), &settings.dkim_keys)?;
        let reply_to = settings.reply_to()?.map(sendable).transpose()?;
        Ok(Self { from, reply_to, logo, signer, return_path: None, redirect: None })
    }

    /// The same, with every mail for `address` instead of its reader; none: as usual.
    #[must_use]
    pub fn redirected(self, address: Option<Address>) -> Self {
        Self { redirect: address, ..self }
    }

    /// The same, with every mail coming back to a return path of its own; none: to the sender.
    #[must_use]
    pub fn with_return_path(self, return_path: Option<ReturnPath>) -> Self {
        Self { return_path, ..self }
    }

    /// The sender's domain.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.from.email.domain()
    }

    /// The mail to whom `message` is addressed, in the words of `rendered`.
    ///
    /// # Errors
    /// [`PrepareError::Address`] when the reader's address is none.
    pub fn compose(&self, message: &Addressed<'_>, rendered: &Rendered) -> Result<Composed, PrepareError> {
        self.copy(message, &self.form_letter(message, rendered)?)
    }

    /// The mail in the words of `draft`, but for whom it is addressed to.
    pub(super) fn form_letter(&self, message: &Addressed<'_>, draft: &Rendered) -> Result<FormLetter, PrepareError> {
        let (draft, open) = OpenLines::take_from(draft);
        // No words of ours hold this: quoted-printable has no `=_`, and an id is unguessable.
        let boundary = format!("=_{}", ANY_MAIL.0.simple());
        // Whatever is in them, so that what is filled in later is encoded as all the rest.
        let part = |kind, text: String| {
            SinglePart::builder().header(kind).header(ContentTransferEncoding::QuotedPrintable).body(text)
        };
        let html = part(ContentType::TEXT_HTML, draft.html);
        let parts = MultiPart::alternative().boundary(&boundary).singlepart(part(ContentType::TEXT_PLAIN, draft.text));
        let parts = match &self.logo {
            None => parts.singlepart(html),
            Some(logo) => {
                let media_type = ContentType::parse(logo.media_type).map_err(|_| PrepareError::Logo)?;
                let logo = Attachment::new_inline(LOGO_ID.to_owned()).body(logo.bytes.clone(), media_type);
                let related = MultiPart::related().boundary(format!("{boundary}_"));
                parts.multipart(related.singlepart(html).singlepart(logo))
            }
        };
        let mut whole = parts;
        if !draft.calendar.is_empty() {
            let mut mixed = MultiPart::mixed().boundary(format!("{boundary}+")).multipart(whole);
            for part in &draft.calendar {
                let media_type = format!("text/calendar; charset=utf-8; method={}", part.method);
                let media_type = ContentType::parse(&media_type).map_err(|_| PrepareError::Calendar)?;
                let name = if part.method == "CANCEL" { "cancelled.ics" } else { "date.ics" };
                mixed = mixed.singlepart(Attachment::new(name.to_owned()).body(part.text.clone(), media_type));
            }
            whole = mixed;
        }
        let nobody = address(UNADDRESSED.trim_start_matches("To: ").trim_end())?;
        let mut builder = lettre::Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, nobody))
            .subject(draft.subject.as_str())
            .date(SystemTime::UNIX_EPOCH)
            .message_id(Some(self.message_id(*ANY_MAIL)));
        for (name, value) in self.marks(message) {
            builder = builder.raw_header(HeaderValue::new(HeaderName::new_from_ascii_str(name), value));
        }
        if let Some(reply_to) = &self.reply_to {
            builder = builder.reply_to(reply_to.clone());
        }
        let mut mail = builder.multipart(whole)?;
        // It is written with whom the mail is for.
        mail.headers_mut().remove::<Date>();
        let mail = String::from_utf8(mail.formatted()).map_err(|error| PrepareError::Signature(error.to_string()))?;
        Ok(FormLetter::new(mail, open))
    }

    /// The copy of a form letter for whom `message` is addressed to.
    pub(super) fn copy(&self, message: &Addressed<'_>, letter: &FormLetter) -> Result<Composed, PrepareError> {
        let reader = address(message.address)?;
        let to = self.redirect.clone().unwrap_or_else(|| reader.clone());
        // No phrase begins with a dot (RFC 5322, 4.1), and one without a space goes unquoted.
        let is_phrase = |name: &String| !name.is_empty() && !name.starts_with('.');
        let name = Some(clean(message.name)).filter(|name| is_phrase(name) && !is_like_a_link(name));
        let mut heading = Headers::new();
        heading.set(To::from(Mailboxes::from(Mailbox::new(name, to.clone()))));
        heading.set(Date::from(SystemTime::from(message.at.utc())));
        if self.redirect.is_some() {
            heading.insert_raw(HeaderValue::new(HeaderName::new_from_ascii_str("X-Original-To"), reader.to_string()));
        }
        let greeted = Greeted { name: name_to_show(message.name), address: clean(message.address) };
        let copy = Copy { mail_id: message.mail_id, heading: heading.to_string(), greeted };
        let mail = letter.copy(&copy);
        let signatures = self.signer.headers(&mail, message.at).map_err(PrepareError::Signature)?;
        let bytes = if signatures.is_empty() { mail } else { signatures + &mail }.into_bytes();
        let sha256 = hex::encode(Sha256::digest(&bytes));
        let envelope = Envelope::new(Some(self.comes_back_to(message.mail_id)), vec![to])?;
        let message_id = self.message_id(message.mail_id);
        Ok(Composed { mail_id: message.mail_id, message_id, envelope, bytes, sha256 })
    }

    fn message_id(&self, mail: Id) -> String {
        format!("<{mail}@{}>", self.from.email.domain())
    }
}

/// The header field of a form letter in whose place those of its copies stand.
pub(super) const UNADDRESSED: &str = "To: unaddressed@mfa-enforcer.invalid\r\n";

/// What is another in each copy of a form letter.
pub(super) struct Copy {
    /// The row in `mails`.
    pub(super) mail_id: Id,
    /// The header fields that say whom it is for, and when it was written.
    pub(super) heading: String,
    /// What the blanks are filled in with.
    pub(super) greeted: Greeted,
}

impl Sender {
    /// The page with the picture written into it.
    pub(super) fn with_picture(&self, html: &str) -> String {
        let Some(logo) = &self.logo else { return html.to_owned() };
        let data = format!("data:{};base64,{}", logo.media_type, BASE64_STANDARD.encode(&logo.bytes));
        html.replace(&format!("cid:{LOGO_ID}"), &data)
    }

    /// The envelope's sender. What came back of a redirected mail would be about another address than its reader's: so
    /// it names none.
    fn comes_back_to(&self, mail: Id) -> Address {
        match &self.return_path {
            None => self.from.email.clone(),
            Some(path) if self.redirect.is_some() => path.mailbox().clone(),
            Some(path) => path.of(mail),
        }
    }

    /// The headers by which programs know these mails.
    fn marks(&self, message: &Addressed<'_>) -> [(&'static str, String); 4] {
        let domain = self.domain();
        let threads = message.threads.iter().map(|enforcement| format!("<{enforcement}@{domain}>"));
        [
            // RFC 3834: keeps vacation answers away.
            ("Auto-Submitted", "auto-generated".to_owned()),
            // RFC 5322, 3.6.4: the mails about one enforcement are a thread.
            ("References", joined(threads, " ")),
            // RFC 2919: what filters sort by.
            ("List-Id", format!("<{}.{domain}>", message.list)),
            // How large providers report complaints: by what was sent, and last who sends it.
            ("Feedback-ID", format!("{}:mfa-enforcer", message.feedback)),
        ]
    }
}

/// Without repeats, in the order of their first.
fn joined<T: Into<String>>(items: impl Iterator<Item = T>, between: &str) -> String {
    let mut unique: Vec<String> = Vec::new();
    for item in items.map(Into::into) {
        if !unique.contains(&item) {
            unique.push(item);
        }
    }
    unique.join(between)
}

/// Reads an address, with an international domain in the form that every mail server takes (IDNA).
pub(super) fn address(text: &str) -> Result<Address, UnusableAddress> {
    let text = text.trim();
    // RFC 5321, 4.5.3.1: a path has at most 256 octets, its angle brackets included.
    if text.len() > 254 || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(UnusableAddress);
    }
    let parsed: Address = text.parse().map_err(|_| UnusableAddress)?;
    if parsed.domain().is_ascii() {
        return Ok(parsed);
    }
    match url::Host::parse(parsed.domain()) {
        Ok(url::Host::Domain(domain)) => Address::new(parsed.user(), domain).map_err(|_| UnusableAddress),
        Ok(_) | Err(_) => Err(UnusableAddress),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_one_however_it_is_written() {
        for (address, expected) in [
            ("ada@Example.COM", "example.com"),
            ("ada@BÜCHER.example", "xn--bcher-kva.example"),
            ("ada@xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("ada@[192.0.2.1]", "[192.0.2.1]"),
        ] {
            assert_eq!(domain(&address.parse().unwrap()), expected);
        }
    }
}
