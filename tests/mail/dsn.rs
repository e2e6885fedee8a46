//! What mail servers report, in the forms in which they do: `reports/` holds one of each. `postfix.eml` is one that Postfix 3.7 wrote
//! of a mail of ours; the others are written after theirs.

use mfa_enforcer::domain::bounce::{BouncedMail, Verdict};
use mfa_enforcer::domain::ids::Id;
use mfa_enforcer::mail::dsn::{NoBounce, SIZE_MOST, bounce, mail_in_headers, read};
use proptest::prelude::*;

use crate::support::return_path;

fn mail() -> Id {
    "01980000-0000-7000-8000-0000000000aa".parse().unwrap()
}

/// A report of this name about our mail, with the line ends of the network.
fn report(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/mail/reports/{name}.eml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let text = text.replace("RETURN_PATH", return_path().of(mail()).as_ref());
    text.replace("MAIL_ID", &mail().to_string()).replace('\n', "\r\n").into_bytes()
}

fn without_returns(bytes: &[u8]) -> Vec<u8> {
    String::from_utf8(bytes.to_vec()).unwrap().replace("\r\n", "\n").into_bytes()
}

#[test]
fn reports_are_read_in_every_form_in_which_they_come() {
    for (name, verdict, reply) in [
        ("postfix", Verdict::NoSuchAddress, "550 5.1.1 <jo@initech.example>: Recipient address rejected: User unknown"),
        ("postfix_delayed", Verdict::Delayed, "connect to mx.initech.example[192.0.2.25]:25: Connection timed out"),
        ("exim", Verdict::NoSuchAddress, "550 5.2.1 <jo@initech.example>: mailbox is disabled"),
        (
            "exchange_online",
            Verdict::NoSuchAddress,
            "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient jo@initech.example not found by SMTP address lookup",
        ),
        (
            "gmail",
            Verdict::NoSuchAddress,
            "550-5.1.1 The email account that you tried to reach does not exist. Please try 550-5.1.1 double-checking the \
             recipient's email address for typos or 550-5.1.1 unnecessary spaces. For more information, go to 550 5.1.1 \
             https://support.google.example/mail/?p=NoSuchUser a1-20020a05si - gsmtp",
        ),
        ("ses", Verdict::Refused, "552 5.2.2 The email account that you tried to reach is over quota"),
    ] {
        let bytes = report(name);
        for bytes in [&bytes, &without_returns(&bytes)] {
            assert_eq!(mail_in_headers(bytes, &return_path()), Some(mail()), "{name}");
            let bounce = bounce(bytes, mail()).unwrap_or_else(|reason| panic!("{name}: {reason}"));
            assert_eq!((bounce.verdict, bounce.reply.as_str()), (verdict, reply), "{name}");
            assert_eq!(bounce.mail, BouncedMail::Id(mail()));
        }
    }
}

#[test]
fn what_is_no_report_of_a_failure_is_no_bounce() {
    for (name, reason) in [
        ("out_of_office", NoBounce::NoReport),
        ("qmail", NoBounce::NoReport),
        ("read_receipt", NoBounce::NoReport),
        ("expanded", NoBounce::Delivered),
    ] {
        assert_eq!(mail_in_headers(&report(name), &return_path()), Some(mail()), "{name}");
        assert_eq!(read(&report(name)), Err(reason), "{name}");
    }
    assert_eq!(read(b""), Err(NoBounce::NoReport));
    let cut = report("postfix");
    let at = String::from_utf8_lossy(&cut).find("Final-Recipient").unwrap();
    assert_eq!(read(&cut[..at]), Err(NoBounce::NoStatus));
    assert_eq!(read(&[report("postfix"), vec![b'x'; SIZE_MOST]].concat()), Err(NoBounce::TooLarge));
}

#[test]
fn a_status_in_letters_beyond_ascii_or_in_base64_is_read_as_well() {
    let text = String::from_utf8(report("ses")).unwrap();
    let fields = "Reporting-MTA: dns; mx.initech.example\r\n\r\nAction: failed\r\nFinal-Recipient: utf-8; 用户@例え.example\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 用户 unknown\r\n";
    let encoded = data_encoding::BASE64.encode(fields.as_bytes());
    let (before, rest) = text.split_once("Content-Type: message/delivery-status").unwrap();
    let (_, after) = rest.split_once("Status: 5.2.2").unwrap();
    for (encoding, body) in [("8bit", fields), ("base64", encoded.as_str())] {
        let head =
            format!("Content-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n");
        let said = read(format!("{before}{head}{body}{after}").as_bytes()).unwrap();
        assert_eq!((said.verdict, said.reply.as_str()), (Verdict::NoSuchAddress, "550 5.1.1 用户 unknown"));
    }
}

#[test]
fn whom_a_forged_report_names_is_not_believed() {
    let forged = String::from_utf8(report("postfix")).unwrap();
    let path = return_path().of(mail()).to_string();
    let other = return_path().of(Id::FIRST).to_string();
    // The id of one mail with the signature of another.
    let swapped = format!("{}{}", &path[..path.len() - 36], &other[other.len() - 36..]);
    for address in [swapped.as_str(), "bounces@mail.ledger.example", "jo@initech.example", ""] {
        let forged = forged.replace(&path, address);
        assert_eq!(mail_in_headers(forged.as_bytes(), &return_path()), None, "{address}");
    }
    // What stands in the mail that comes back is not whom the report is for.
    let head = "From: eve@evil.example\r\nTo: bounces@mail.ledger.example\r\n\r\n";
    assert_eq!(mail_in_headers(format!("{head}{forged}").as_bytes(), &return_path()), None);
}

#[test]
fn parts_in_parts_without_end_are_not_gone_into() {
    let head = "Content-Type: multipart/report; report-type=delivery-status; boundary=x\r\n\r\n--x\r\n";
    let nested = "Content-Type: message/rfc822\r\n\r\n".repeat(30_000);
    let digests = "Content-Type: multipart/digest; boundary=x\r\n\r\n--x\r\n".repeat(15_000);
    let many = "\r\n--x\r\n\r\ntext".repeat(50_000);
    for body in [nested, digests, many] {
        assert_eq!(read(format!("{head}{body}").as_bytes()), Err(NoBounce::NoStatus));
    }
    let groups = "Action: failed\r\n\r\n".repeat(50_000);
    let said = read(format!("{head}Content-Type: message/delivery-status\r\n\r\n{groups}").as_bytes()).unwrap();
    assert_eq!(said.reply, "no reason was given");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn rubbish_is_no_report(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(read(&bytes).is_err());
        prop_assert_eq!(mail_in_headers(&bytes, &return_path()), None);
    }

    /// Whatever is changed on the way, reading ends, and what is read can be stored.
    #[test]
    fn a_damaged_report_does_no_harm(
        name in prop::sample::select(vec!["postfix", "exim", "exchange_online", "gmail", "ses", "expanded", "postfix_delayed"]),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 1..20),
    ) {
        let mut bytes = report(name);
        for (at, byte, how) in changes {
            let at = at.index(bytes.len().max(1));
            match how {
                0 => bytes.insert(at.min(bytes.len()), byte),
                1 if at < bytes.len() => drop(bytes.remove(at)),
                2 => bytes.truncate(at.max(1)),
                _ => if let Some(there) = bytes.get_mut(at) { *there = byte },
            }
        }
        let _ = mail_in_headers(&bytes, &return_path());
        if let Ok(said) = read(&bytes) {
            prop_assert!(said.reply.chars().count() <= 500 && !said.reply.contains(char::is_control));
        }
    }
}
