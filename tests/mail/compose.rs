//! The mail itself, read back by Python's e-mail parser.

use std::io::Write as _;
use std::process::{Command, Stdio};

use mail_parser::{MessageParser, MimeHeaders as _};
use mfa_enforcer::domain::message::Message;
use mfa_enforcer::domain::notice::NoticeKind;
use mfa_enforcer::mail::compose::Composed;
use mfa_enforcer::mail::memory::MemoryTransport;
use mfa_enforcer::mail::transport::Transport;
use mfa_enforcer::mail::{Mailer, PrepareError, sample};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{mailer, notice_settings};

const PARSE: &str = r#"
import email, email.policy, json, sys
mail = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)
print(json.dumps({
    "headers": [[name, str(value)] for name, value in mail.items()],
    "to": [[a.display_name, a.addr_spec] for a in mail["To"].addresses],
    "defects": [str(d) for d in mail.defects] + [str(d) for v in mail.values() for d in v.defects],
    "parts": [[p.get_content_type(), p.get_content().replace("\r\n", "\n")] for p in mail.iter_parts()],
}))
"#;

fn parsed(mail: &Composed) -> Value {
    let mut python = Command::new("/usr/bin/python3")
        .args(["-c", PARSE])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("/usr/bin/python3 is missing");
    python.stdin.take().unwrap().write_all(&mail.bytes).unwrap();
    serde_json::from_slice(&python.wait_with_output().unwrap().stdout).unwrap()
}

fn header<'a>(mail: &'a Value, name: &str) -> Vec<&'a str> {
    let headers = mail["headers"].as_array().unwrap();
    headers.iter().filter(|pair| pair[0] == name).map(|pair| pair[1].as_str().unwrap()).collect()
}

fn sample() -> Message {
    sample::of_kind(NoticeKind::Announcement, true)
}

#[test]
fn another_program_reads_what_was_written() {
    let settings = notice_settings("reply_to = 'Lédger support <help@ledger.example>'");
    let mailer = Mailer::new(&settings, Transport::simulated(MemoryTransport::new())).unwrap();
    let mut message = sample();
    message.reader.name = "Zoë \"Zed\" Müller, 李".to_owned();
    message.notices[0].company =
        Some("Société Générale de l’Été et des très longues Dénominations, Filiale № 7".to_owned());
    let words = mailer.templates().render(&message).unwrap();
    let mail = mailer.prepare(&message).unwrap();
    let read = parsed(&mail);
    assert_eq!(read["defects"], json!([]));
    assert_eq!(header(&read, "From"), ["Ledger <no-reply@ledger.example>"]);
    assert_eq!(header(&read, "Reply-To"), ["Lédger support <help@ledger.example>"]);
    assert_eq!(read["to"], json!([["Zoë \"Zed\" Müller, 李", "ada@example.com"]]));
    assert_eq!(header(&read, "Subject"), [words.subject]);
    assert_eq!(header(&read, "Date"), ["Fri, 11 Dec 2026 08:00:00 +0000"]);
    assert_eq!(header(&read, "Message-ID"), [format!("<{}@ledger.example>", message.mail_id)]);
    assert_eq!(header(&read, "Message-ID"), [mail.message_id]);
    assert_eq!(header(&read, "Auto-Submitted"), ["auto-generated"]);
    assert_eq!(header(&read, "References"), [format!("<{}@ledger.example>", message.notices[0].enforcement_id)]);
    assert_eq!(header(&read, "List-Id"), ["<mfa-notices.ledger.example>"]);
    assert_eq!(header(&read, "Feedback-ID"), ["announcement:notice:mfa-enforcer"]);
    let parts = read["parts"].as_array().unwrap();
    assert_eq!((parts[0][0].as_str(), parts[1][0].as_str()), (Some("text/plain"), Some("text/html")));
    assert_eq!(parts[0][1].as_str().unwrap().trim_end(), words.text.trim_end());
    assert_eq!(parts[1][1].as_str().unwrap().trim_end(), words.html.trim_end());
    assert_eq!(mail.envelope.to()[0].to_string(), "ada@example.com");
    assert_eq!(mail.envelope.from().unwrap().to_string(), "no-reply@ledger.example");
}

#[test]
fn the_same_message_gives_the_same_bytes() {
    let (one, other) = (mailer().prepare(&sample()).unwrap(), mailer().prepare(&sample()).unwrap());
    assert_eq!((&one.bytes, &one.sha256), (&other.bytes, &other.sha256));
    assert_eq!(one.sha256.len(), 64);
    insta::assert_snapshot!("eml", String::from_utf8(one.bytes).unwrap().replace("\r\n", "\n"));
}

#[test]
fn a_hostile_name_adds_no_header() {
    let mut message = sample();
    message.reader.name = "Eve\r\nBcc: all\r\n\r\n<script>".to_owned();
    message.notices[0].company = Some("Acme\nX-Evil: 1".to_owned());
    let read = parsed(&mailer().prepare(&message).unwrap());
    assert_eq!(read["to"], json!([["Eve Bcc: all <script>", "ada@example.com"]]));
    assert!(header(&read, "Bcc").is_empty() && header(&read, "X-Evil").is_empty());
    assert_eq!(read["headers"].as_array().unwrap().len(), 11, "{read}");
}

/// A picture of one pixel.
const PIXEL: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0:~\x9bU\0\0\0\nIDATx\x9cc`\0\0\0\x02\0\x01H\xaf\xa4q\0\0\0\0IEND\xaeB`\x82";

#[test]
fn a_logo_goes_with_the_mail_and_nothing_is_fetched() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), PIXEL).unwrap();
    let settings = notice_settings(&format!("logo = '{}'\nfooter = 'Ledger <Ltd>, Mainz'", file.path().display()));
    assert_eq!(settings.problems(), Vec::<String>::new());
    let mailer = Mailer::new(&settings, Transport::simulated(MemoryTransport::new())).unwrap();
    let mail = mailer.prepare(&sample()).unwrap();
    let read = MessageParser::default().parse(&mail.bytes).unwrap();
    let html = read.body_html(0).unwrap();
    let source = html.split("<img src=\"cid:").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    assert!(html.contains("alt=\"Ledger\"") && html.contains("Ledger &lt;Ltd&gt;, Mainz"), "{html}");
    let logo = read.parts.iter().find(|part| part.content_id() == Some(source)).unwrap();
    assert_eq!((logo.contents(), logo.content_type().unwrap().subtype()), (PIXEL, Some("png")));
    assert!(read.body_text(0).unwrap().trim_end().ends_with("\nLedger <Ltd>, Mainz"));
    let elsewhere = ["src=\"http", "url(", "@import", "<link"];
    assert!(elsewhere.iter().all(|reference| !html.contains(reference)), "{html}");
    let again = Mailer::new(&settings, Transport::simulated(MemoryTransport::new())).unwrap();
    assert_eq!(again.prepare(&sample()).unwrap().sha256, mail.sha256);
}

#[test]
fn the_mails_about_one_enforcement_are_a_thread() {
    let mut message = sample();
    let mut second = sample::statement(NoticeKind::Reminder, Some("Initech"), 2);
    message.notices.extend([second.clone(), second.clone()]);
    let (one, two) = (message.notices[0].enforcement_id, second.enforcement_id);
    let read = parsed(&mailer().prepare(&message).unwrap());
    assert_eq!(header(&read, "References"), [format!("<{one}@ledger.example> <{two}@ledger.example>")]);
    assert_eq!(header(&read, "Feedback-ID"), ["announcement-reminder:notice:mfa-enforcer"]);
    second.kind = NoticeKind::FinalReminder;
    message.notices = vec![second];
    let later = parsed(&mailer().prepare(&message).unwrap());
    assert_eq!(header(&later, "References"), [format!("<{two}@ledger.example>")]);
}

#[test]
fn a_name_that_mail_programs_would_make_a_link_of_is_left_out() {
    for name in ["http://evil.example/win", "Visit t.co now", "win@evil.example", "call 1-800-555-0199"] {
        let mut message = sample();
        message.reader.name = name.to_owned();
        let mail = mailer().prepare(&message).unwrap();
        let text = String::from_utf8(mail.bytes.clone()).unwrap();
        assert_eq!(parsed(&mail)["to"], json!([["", "ada@example.com"]]));
        assert!(text.contains("\r\nHello,\r\n") && !text.contains(name), "{text}");
    }
    let mut message = sample();
    message.notices[0].company = Some("=?utf-8?q?=E2=80=AEgro.live?= Inc".to_owned());
    let subject = header(&parsed(&mailer().prepare(&message).unwrap()), "Subject")[0].to_owned();
    assert!(subject.contains("= ?utf-8?q?=E2=80=AEgro.live?= Inc"), "{subject}");
}

#[test]
fn a_name_that_no_phrase_begins_with_is_left_out_of_the_address() {
    for name in [".", ".Net"] {
        let mut message = sample();
        message.reader.name = name.to_owned();
        let text = String::from_utf8(mailer().prepare(&message).unwrap().bytes).unwrap();
        assert!(text.contains("\r\nTo: ada@example.com\r\n"), "{text}");
    }
}

#[test]
fn an_address_that_is_none_fails_its_mail_alone() {
    let mailer = mailer();
    for bad in [
        "",
        "jo",
        "jo@",
        "@example.com",
        "jo@x\r\nRCPT TO:<eve@example.com>",
        "a b@example.com",
        "jo@exa mple.com",
        &"x".repeat(300),
    ] {
        let mut message = sample();
        message.reader.address = bad.to_owned();
        let error = mailer.prepare(&message).unwrap_err();
        assert!(matches!(error, PrepareError::Address(_)), "{bad:?}: {error}");
    }
    assert!(mailer.prepare(&sample()).is_ok());
}

#[test]
fn international_addresses_are_written_as_servers_take_them() {
    let to = |address: &str| {
        let mut message = sample();
        message.reader.address = address.to_owned();
        mailer().prepare(&message).unwrap().envelope.to()[0].to_string()
    };
    assert_eq!(to("jo@Bücher.example"), "jo@xn--bcher-kva.example");
    assert_eq!(to("用户@例え.jp"), "用户@xn--r8jz45g.jp");
    assert_eq!(to(" jo@example.com "), "jo@example.com");
}

#[test]
fn without_a_sender_there_is_no_mailer() {
    let mut settings = notice_settings("");
    settings.from = None;
    let error = Mailer::new(&settings, Transport::simulated(MemoryTransport::new())).unwrap_err();
    assert!(error.to_string().starts_with("notices.from is not set"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever is stored, a mail is made or this one fails, and no stored text becomes a header of its own.
    #[test]
    fn whatever_is_stored_is_only_text(name in ".{0,80}", company in ".{0,80}", contact in ".{0,40}", address in "(.{0,20}@)?.{0,20}") {
        let mailer = mailer();
        let mut message = sample();
        message.reader.name = name;
        message.notices[0].company = Some(company);
        message.notices[0].support_contact = Some(contact);
        let mail = mailer.prepare(&message).unwrap();
        let text = String::from_utf8(mail.bytes).unwrap();
        let (headers, _) = text.split_once("\r\n\r\n").unwrap();
        let names: Vec<_> = headers.split("\r\n").filter(|line| !line.starts_with([' ', '\t'])).map(|line| line.split(':').next().unwrap()).collect();
        prop_assert_eq!(names, ["From", "To", "Date", "Subject", "Message-ID", "Auto-Submitted", "References", "List-Id", "Feedback-ID", "MIME-Version", "Content-Type"]);
        prop_assert!(headers.is_ascii());
        message.reader.address = address;
        if let Err(error) = mailer.prepare(&message) {
            prop_assert!(matches!(error, PrepareError::Address(_)), "{}", error);
        }
    }
}

/// What Python's icalendar reads in a mail's attachments: method, UID, SEQUENCE, day, status and summary of each entry.
fn entries(mail: &Composed) -> Vec<Vec<String>> {
    const SCRIPT: &str = "
import email, email.policy, json, sys, icalendar
mail = email.message_from_binary_file(sys.stdin.buffer, policy=email.policy.default)
for part in mail.walk():
    if part.get_content_type() != 'text/calendar':
        continue
    calendar = icalendar.Calendar.from_ical(part.get_content())
    assert part.get_content_disposition() == 'attachment' and part.get_param('method') == calendar['METHOD']
    for event in calendar.walk('VEVENT'):
        assert event['ORGANIZER'] == 'mailto:no-reply@ledger.example' and event['TRANSP'] == 'TRANSPARENT'
        assert (event['DTEND'].dt - event['DTSTART'].dt).days == 1
        assert event['URL'] == 'https://app.ledger.example/sign-in' and event['DTSTAMP'].dt
        print(json.dumps([calendar['METHOD'], event['UID'], str(event['SEQUENCE']), str(event['DTSTART'].dt),
            event['STATUS'], event['SUMMARY'], event['DESCRIPTION']]))
";
    let mut child = Command::new("/usr/bin/python3")
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("/usr/bin/python3 is missing");
    child.stdin.take().unwrap().write_all(&mail.bytes).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "install Debian's package 'python3-icalendar'");
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_day_comes_as_one_entry_that_moves_and_goes_with_it() {
    let settings = notice_settings("calendar = true");
    let sending = Mailer::new(&settings, Transport::simulated(MemoryTransport::new())).unwrap();
    let of_kind = |kind, days| {
        let mut message = sample::of_kind(kind, true);
        message.at = message.at.plus(chrono::TimeDelta::days(days));
        message.notices[0].company = Some("Smith, Jones; & \\ Söhne".to_owned());
        entries(&sending.prepare(&message).unwrap())
    };
    let announced = of_kind(NoticeKind::Announcement, 0);
    let [method, uid, sequence, day, status, summary, description] = &announced[0][..] else { panic!("{announced:?}") };
    assert_eq!([method, day, status], ["PUBLISH", "2027-01-15", "CONFIRMED"]);
    assert_eq!(
        summary,
        "From Friday, 15 January 2027, Smith, Jones; & \\ Söhne needs a second step when you sign in to Ledger"
    );
    assert_eq!(
        description,
        "Sign in at https://app.ledger.example/sign-in\nOr open Ledger as you always do: you do not need the link."
    );
    let number = |text: &str| text.parse::<u32>().unwrap();
    let moved = of_kind(NoticeKind::Rescheduled, 1);
    assert_eq!([&moved[0][0], &moved[0][1], &moved[0][4]], ["PUBLISH", uid, "CONFIRMED"]);
    assert!(number(&moved[0][2]) > number(sequence));
    let cancelled = of_kind(NoticeKind::Cancelled, 2);
    assert_eq!([&cancelled[0][0], &cancelled[0][1], &cancelled[0][4]], ["CANCEL", uid, "CANCELLED"]);
    assert!(number(&cancelled[0][2]) > number(&moved[0][2]));
    // Late joiners have it too; reminders, and what has come already, do not.
    assert_eq!(of_kind(NoticeKind::Welcome, 0).len(), 1);
    assert!(of_kind(NoticeKind::Reminder, 0).is_empty() && of_kind(NoticeKind::Welcome, 60).is_empty());
    // Of several companies each has its own; by default there is none.
    let (_, several) = sample::gallery().into_iter().find(|(name, _)| name == "several-companies").unwrap();
    let several = entries(&sending.prepare(&several).unwrap());
    assert_eq!(several.iter().map(|entry| entry[0].as_str()).collect::<Vec<_>>(), ["PUBLISH", "CANCEL"]);
    assert_ne!(several[0][1], several[1][1]);
    assert!(entries(&mailer().prepare(&sample::of_kind(NoticeKind::Announcement, true)).unwrap()).is_empty());
}
