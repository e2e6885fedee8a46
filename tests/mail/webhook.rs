//! What providers tell of mails that came back: `webhooks/` holds one call of each, written after their documentation.

use mfa_enforcer::domain::bounce::{Bounce, BouncedMail, Verdict};
use mfa_enforcer::domain::ids::Id;
use mfa_enforcer::mail::webhook::{Told, read};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::return_path;

fn mail() -> Id {
    "01980000-0000-7000-8000-0000000000aa".parse().unwrap()
}

fn call(name: &str) -> String {
    let path = format!("{}/tests/mail/webhooks/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    text.replace("RETURN_PATH", return_path().of(mail()).as_ref()).replace("MAIL_ID", &mail().to_string())
}

fn told(body: &str) -> Told {
    read(body.as_bytes(), Some(&return_path())).unwrap_or_else(|error| panic!("{error}: {body}"))
}

fn bounce(mail: BouncedMail, verdict: Verdict, reply: &str) -> Bounce {
    Bounce { mail, verdict, reply: reply.to_owned() }
}

fn by_message_id() -> BouncedMail {
    BouncedMail::MessageId(format!("<{}@ledger.example>", mail()))
}

fn by_address() -> BouncedMail {
    BouncedMail::Address("jo@initech.example".to_owned())
}

/// As SNS sends a message on.
fn in_sns(message: &str) -> String {
    let envelope = json!({
        "Type": "Notification", "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324", "Message": message,
        "TopicArn": "arn:aws:sns:eu-west-1:888888888888:bounces", "Timestamp": "2027-01-04T09:00:06.000Z",
        "SignatureVersion": "1", "Signature": "EXAMPLE", "SigningCertURL": "https://sns.example/cert.pem",
        "UnsubscribeURL": "https://sns.example/unsubscribe",
    });
    envelope.to_string()
}

#[test]
fn amazon_ses_names_the_return_path() {
    let said = "550 5.1.1 <jo@initech.example>... User unknown";
    let expected =
        Told { bounces: vec![bounce(BouncedMail::Id(mail()), Verdict::NoSuchAddress, said)], ..Told::default() };
    assert_eq!(told(&call("ses_bounce")), expected);
    assert_eq!(told(&in_sns(&call("ses_bounce"))), expected);
    let delayed = "421 4.4.1 Unable to connect to remote host";
    assert_eq!(told(&call("ses_delay")).bounces, [bounce(BouncedMail::Id(mail()), Verdict::Delayed, delayed)]);
    let transient = call("ses_bounce").replace("\"Permanent\"", "\"Transient\"");
    assert_eq!(told(&transient).bounces[0].verdict, Verdict::Delayed);
    let unknown = call("ses_bounce").replace("\"Permanent\"", "\"Undetermined\"").replace("\"status\": \"5.1.1\",", "");
    let unknown = unknown.replace("smtp; 550 5.1.1 <jo@initech.example>... User unknown", "");
    assert_eq!(told(&unknown).bounces, [bounce(BouncedMail::Id(mail()), Verdict::Refused, "5.7.0")]);
    assert_eq!(told(&in_sns(&call("ses_complaint"))), Told { ignored: 1, ..Told::default() });
    assert_eq!(told(&in_sns("Successfully validated SNS topic for Amazon SES event publishing.")).ignored, 1);
}

#[test]
fn a_mail_of_another_program_in_the_same_account_is_none_of_ours() {
    let other = call("ses_bounce").replace(&return_path().of(mail()).to_string(), "shop@ledger.example");
    assert_eq!(told(&other), Told { ignored: 1, ..Told::default() });
    // Where mails have no return path of their own, the Message-ID counts, and last the address.
    let which = |body: &str| read(body.as_bytes(), None).unwrap().bounces.remove(0).mail;
    assert_eq!(which(&other), by_message_id());
    let mut bare: Value = serde_json::from_str(&other).unwrap();
    bare["mail"].as_object_mut().unwrap().remove("headers");
    assert_eq!(which(&bare.to_string()), by_address());
}

#[test]
fn a_subscription_is_confirmed_by_a_person() {
    let told = told(&call("sns_confirmation"));
    assert_eq!((told.bounces.len(), told.ignored), (0, 1));
    let how = told.to_confirm.unwrap();
    assert!(
        how.contains("arn:aws:sns:eu-west-1:888888888888:bounces") && how.contains("https://sns.eu-west-1"),
        "{how}"
    );
}

#[test]
fn postmark_names_the_address() {
    let said = "550 5.1.1 The email account that you tried to reach does not exist";
    assert_eq!(told(&call("postmark_bounce")).bounces, [bounce(by_address(), Verdict::NoSuchAddress, said)]);
    for (kind, verdict) in [
        ("BadEmailAddress", Some(Verdict::NoSuchAddress)),
        ("SpamNotification", Some(Verdict::Refused)),
        ("SoftBounce", Some(Verdict::Delayed)),
        ("AutoResponder", None),
        ("Unsubscribe", None),
    ] {
        let told = told(&call("postmark_bounce").replace("HardBounce", kind));
        assert_eq!(told.bounces.first().map(|bounce| bounce.verdict), verdict, "{kind}");
        assert_eq!(told.bounces.len() + told.ignored, 1);
    }
    assert_eq!(told(&call("postmark_complaint")), Told { ignored: 1, ..Told::default() });
}

#[test]
fn sendgrid_sends_events_in_lists() {
    let told = told(&call("sendgrid_events"));
    let expected = [
        bounce(by_message_id(), Verdict::Delayed, "450 4.2.1 try again later"),
        bounce(by_message_id(), Verdict::NoSuchAddress, "550 5.1.1 The email account does not exist"),
        bounce(by_message_id(), Verdict::Refused, "unable to get mx info"),
        bounce(by_message_id(), Verdict::NoSuchAddress, "Bounced Address"),
    ];
    assert_eq!((told.bounces.as_slice(), told.ignored), (&expected[..], 3));
}

#[test]
fn mailgun_leaves_out_the_brackets_of_message_ids() {
    let said = "550 5.1.1 The email account that you tried to reach does not exist.";
    assert_eq!(told(&call("mailgun_failed")).bounces, [bounce(by_message_id(), Verdict::NoSuchAddress, said)]);
    let delayed = bounce(by_message_id(), Verdict::Delayed, "452 4.2.2 over quota");
    assert_eq!(told(&call("mailgun_temporary")).bounces, [delayed]);
    assert_eq!(told(&call("mailgun_complained")), Told { ignored: 1, ..Told::default() });
}

#[test]
fn whoever_else_has_something_to_tell_uses_our_own_shape() {
    let path = return_path().of(mail()).to_string();
    let list = json!({ "bounces": [
        { "message_id": format!("<{}@ledger.example>", mail()), "permanent": true, "status": "5.1.1", "diagnostic": "550 5.1.1 no\r\nsuch user" },
        { "return_path": path, "permanent": true, "status": "5.7.1" },
        { "recipient": "Jo <jo@initech.example>", "permanent": false, "status": null },
        { "recipient": "jo@initech.example", "permanent": true },
        { "return_path": "bounces+forged@mail.ledger.example", "permanent": true },
    ] });
    let expected = [
        bounce(by_message_id(), Verdict::NoSuchAddress, "550 5.1.1 no such user"),
        bounce(BouncedMail::Id(mail()), Verdict::Refused, "5.7.1"),
        bounce(by_address(), Verdict::Delayed, "no reason was given"),
        bounce(by_address(), Verdict::NoSuchAddress, "no reason was given"),
    ];
    let told = told(&list.to_string());
    assert_eq!((told.bounces.as_slice(), told.ignored), (&expected[..], 1));
}

#[test]
fn what_is_wrong_with_a_call_is_said() {
    for (body, expected) in [
        ("", "this is not JSON: "),
        ("{}", "this is none of the shapes that are known: send {\"bounces\": [...]}"),
        ("7", "this is none of the shapes"),
        (r#"{"bounces": [{"recipient": "a@b"}]}"#, "this looks like a list of bounces, but missing field `permanent`"),
        (r#"{"bounces": [{"recipient": "a@b", "permanent": true, "stauts": "5.1.1"}]}"#, "unknown field `stauts`"),
        (r#"{"bounces": [{"permanent": true}]}"#, "bounces[0] must name its mail by exactly one of"),
        (r#"{"bounces": [{"recipient": "a@b", "message_id": "<a@b>", "permanent": true}]}"#, "exactly one of"),
        (r#"[{"email": "a@b"}]"#, "this looks like SendGrid's events, but missing field `event`"),
        (r#"{"RecordType": 1}"#, "this looks like a Postmark webhook, but invalid type"),
        (r#"{"event-data": {}}"#, "this looks like a Mailgun webhook, but missing field `event`"),
        (r#"{"notificationType": "Bounce"}"#, "this looks like an Amazon SES notification, but missing field `mail`"),
    ] {
        let error = read(body.as_bytes(), None).unwrap_err();
        assert!(error.contains(expected), "{body}: {error}");
    }
    assert!(read("[".repeat(100_000).as_bytes(), None).is_err());
}

proptest! {
    /// Whatever is left out or of another type, a call is read or refused.
    #[test]
    fn a_damaged_call_does_no_harm(
        name in prop::sample::select(vec!["ses_bounce", "ses_delay", "sns_confirmation", "postmark_bounce", "sendgrid_events", "mailgun_failed"]),
        at: prop::sample::Index,
        length in 1..40_usize,
        by in "[\\x00-\\x7f]{0,3}",
    ) {
        let mut text = call(name);
        let from = at.index(text.len());
        let to = (from + length).min(text.len());
        text.replace_range(from..to, &by);
        let _ = read(text.as_bytes(), Some(&return_path()));
    }
}
