//! Delivery status notifications: what mail servers write of a mail that they could not deliver (RFC 3464).
//!
//! Only a report in that form counts. Whatever else comes to a return path is no bounce: answers of people who are on
//! holiday, receipts, and the prose that some old mail servers write.

use mail_parser::parsers::MessageStream;
use mail_parser::{Address, HeaderValue, Message, MessageParser, MimeHeaders as _};
use thiserror::Error;

use super::return_path::ReturnPath;
use super::transport::shorten;
use crate::domain::bounce::{Bounce, BouncedMail, Verdict};
use crate::domain::ids::Id;

/// The largest mail that is read, in bytes.
pub const SIZE_MOST: usize = 1024 * 1024;

/// How many parts of a report are looked at: the second is the one that counts.
const PARTS_MOST: usize = 20;
/// How many recipients of a report are looked at: our mails have one, which may stand for several elsewhere.
const RECIPIENTS_MOST: usize = 100;

/// The headers in which a mail server leaves whom it delivered to, and last what the sender wrote.
const ADDRESSEES: [&str; 4] = ["Delivered-To", "X-Original-To", "Envelope-To", "To"];

/// What a report says of the mail that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What it means for the mail and the address.
    pub verdict: Verdict,
    /// What the last mail server said, on one line of at most 500 characters.
    pub reply: String,
}

/// Why a mail is no bounce.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum NoBounce {
    /// Nobody reports so much.
    #[error("it is larger than 1 MB")]
    TooLarge,
    /// It is written by a person, by a program in their name, or by a mail server in a way of its own.
    #[error("it is no delivery status notification (RFC 3464)")]
    NoReport,
    /// It says nothing of any recipient.
    #[error("it is a delivery status notification without a status")]
    NoStatus,
    /// The mail has arrived.
    #[error("it says that the mail was delivered")]
    Delivered,
}

/// What the mail in `bytes` reports. Where it tells of several recipients, because ours stands for several, the best of
/// them counts.
///
/// # Errors
/// [`NoBounce`], when it reports nothing that went wrong.
pub fn read(bytes: &[u8]) -> Result<Report, NoBounce> {
    if bytes.len() > SIZE_MOST {
        return Err(NoBounce::TooLarge);
    }
    let head = MessageParser::default().parse_headers(bytes).ok_or(NoBounce::NoReport)?;
    let boundary = boundary(&head).ok_or(NoBounce::NoReport)?;
    let status = status_part(bytes, boundary.as_bytes()).ok_or(NoBounce::NoStatus)?;
    let mut best: Option<Report> = None;
    for group in status.replace("\r\n", "\n").split("\n\n").take(RECIPIENTS_MOST) {
        match of_recipient(group) {
            Some(Err(delivered)) => return Err(delivered),
            Some(Ok(report)) if best.as_ref().is_none_or(|best| report.verdict > best.verdict) => best = Some(report),
            None | Some(Ok(_)) => {}
        }
    }
    best.ok_or(NoBounce::NoStatus)
}

/// The same, of the mail with this id.
///
/// # Errors
/// As [`read`].
pub fn bounce(bytes: &[u8], mail: Id) -> Result<Bounce, NoBounce> {
    let Report { verdict, reply } = read(bytes)?;
    Ok(Bounce { mail: BouncedMail::Id(mail), verdict, reply })
}

/// The mail whose return path the mail in `bytes` was delivered to, by its headers.
#[must_use]
pub fn mail_in_headers(bytes: &[u8], return_path: &ReturnPath) -> Option<Id> {
    let head = MessageParser::default().parse_headers(bytes)?;
    let values = ADDRESSEES.iter().flat_map(|name| head.header_values(*name));
    values.flat_map(addresses).find_map(|address| return_path.mail_of(&address))
}

fn addresses(value: &HeaderValue) -> Vec<String> {
    match value {
        HeaderValue::Address(list) => {
            let list: Vec<_> = match list {
                Address::List(list) => list.iter().collect(),
                Address::Group(groups) => groups.iter().flat_map(|group| &group.addresses).collect(),
            };
            list.into_iter().filter_map(|one| one.address()).map(str::to_owned).collect()
        }
        HeaderValue::Text(text) => text.split([',', ' ']).map(|one| one.trim_matches(['<', '>']).to_owned()).collect(),
        _ => Vec::new(),
    }
}

/// What stands between the parts of a report of the right type.
fn boundary<'x>(head: &'x Message) -> Option<&'x str> {
    let content_type = head.content_type()?;
    let is = |text: Option<&str>, expected: &str| text.is_some_and(|text| text.eq_ignore_ascii_case(expected));
    let is_report = content_type.ctype().eq_ignore_ascii_case("multipart")
        && is(content_type.subtype(), "report")
        && is(content_type.attribute("report-type"), "delivery-status");
    content_type.attribute("boundary").filter(|_| is_report)
}

/// The part that is for machines, decoded. The parts are gone through one after the other, without looking into them:
/// however deep somebody has nested what comes back, it costs nothing.
fn status_part(bytes: &[u8], boundary: &[u8]) -> Option<String> {
    let mut stream = MessageStream::new(bytes);
    if !stream.seek_next_part(boundary) {
        return None;
    }
    for _ in 0..PARTS_MOST {
        if stream.is_multipart_end() || stream.is_eof() {
            return None;
        }
        stream.skip_crlf();
        let (_, part) = stream.mime_part(boundary);
        let head = MessageParser::default().parse_headers(&part)?;
        let is_status = head.content_type().is_some_and(|kind| {
            let subtype = kind.subtype().unwrap_or_default().to_ascii_lowercase();
            kind.ctype().eq_ignore_ascii_case("message")
                && matches!(subtype.as_str(), "delivery-status" | "global-delivery-status")
        });
        if is_status {
            let part = MessageParser::default().parse(&part)?;
            return Some(String::from_utf8_lossy(part.parts.first()?.contents()).into_owned());
        }
    }
    None
}

/// What a group of fields says of its recipient; none where it is of none.
fn of_recipient(group: &str) -> Option<Result<Report, NoBounce>> {
    let fields = MessageParser::new().default_header_text().parse_headers(group.trim_start())?;
    let field = |name: &'static str| fields.header(name).and_then(HeaderValue::as_text).unwrap_or_default().trim();
    let first_word = |text: &str| text.split([' ', '\t', ';', '(']).next().unwrap_or_default().to_ascii_lowercase();
    let diagnostic = field("Diagnostic-Code");
    let said = diagnostic.split_once(';').map_or(diagnostic, |(_, said)| said).trim();
    let status = Some(first_word(field("Status"))).filter(|status| !status.is_empty());
    let verdict = match first_word(field("Action")).as_str() {
        "failed" => Verdict::of_failure_said(status.as_deref(), said),
        "delayed" => Verdict::Delayed,
        "delivered" | "relayed" | "expanded" => return Some(Err(NoBounce::Delivered)),
        _ => return None,
    };
    let reply =
        if said.is_empty() { status.unwrap_or_else(|| "no reason was given".to_owned()) } else { shorten(said) };
    Some(Ok(Report { verdict, reply }))
}
