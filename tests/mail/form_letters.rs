//! What is written once for many readers reads to each as if it were written for them alone.

use std::sync::LazyLock;

use mfa_enforcer::domain::ids::Id;
use mfa_enforcer::domain::message::Message;
use mfa_enforcer::mail::memory::MemoryTransport;
use mfa_enforcer::mail::transport::Transport;
use mfa_enforcer::mail::{Mailer, sample};
use proptest::prelude::*;

use crate::support::{mailer, notice_settings};

/// A mailer that writes each mail anew, with the same words: a template does more with the name than write it.
fn one_by_one() -> (Mailer, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("frame")).unwrap();
    let own = include_str!("../../email_templates/frame/body.txt").to_owned()
        + "{% if name %}{% set kept = name | upper %}{% endif %}";
    std::fs::write(folder.path().join("frame/body.txt"), own).unwrap();
    let settings = notice_settings(&format!("template_dir = '{}'", folder.path().display()));
    (Mailer::new(&settings, Transport::simulated(MemoryTransport::new())).unwrap(), folder)
}

fn addressed(message: &Message, name: &str, address: &str) -> Message {
    let mut message = message.clone();
    name.clone_into(&mut message.reader.name);
    address.clone_into(&mut message.reader.address);
    message
}

const READERS: [(&str, &str); 8] = [
    ("Ada Lovelace", "ada@example.com"),
    ("", "nobody@example.com"),
    ("Zoë O'Brien & Söhne", "zoe+mfa@example.com"),
    ("李小龍", "li@xn--fiqs8s.example"),
    (".", "dot@example.com"),
    ("=3D =?utf-8?q?x?=", "equals@example.com"),
    (
        "Hubert Blaine Wolfeschlegelsteinhausenbergerdorff Senior",
        "a-rather-long-name-for-a-mailbox@department.example.com",
    ),
    ("<script>alert(1)</script>", "o'neill@example.com"),
];

#[test]
fn a_copy_is_the_mail_that_would_be_written_for_its_reader() {
    let (fast, (slow, _folder)) = (mailer(), one_by_one());
    for (case, message) in sample::gallery() {
        for (at, (name, address)) in READERS.into_iter().enumerate() {
            let mut message = addressed(&message, name, address);
            message.mail_id = Id(uuid::Uuid::from_u128(at as u128 + 1));
            for _ in 0..2 {
                let (copy, alone) = (fast.prepare(&message).unwrap(), slow.prepare(&message).unwrap());
                let (copy, alone) = (String::from_utf8(copy.bytes).unwrap(), String::from_utf8(alone.bytes).unwrap());
                assert!(copy == alone, "{case} for {name:?}:\n{copy}\n----\n{alone}");
            }
        }
    }
}

#[test]
fn what_readers_are_called_is_encoded_as_all_the_rest() {
    let mailer = mailer();
    let (_, message) = sample::gallery().swap_remove(0);
    let mail = mailer.prepare(&addressed(&message, "Zoë O'Brien & Söhne", "zoe@example.com")).unwrap();
    assert!(mail.bytes.is_ascii(), "in quoted-printable");
    let read = mail_parser::MessageParser::default().parse(&mail.bytes).unwrap();
    let (text, html) = (read.body_text(0).unwrap(), read.body_html(0).unwrap());
    assert!(text.contains("Zoë O'Brien & Söhne,"), "{text}");
    assert!(html.contains("Brien &amp; Söhne,"), "{html}");
}

#[test]
fn entries_for_calendars_are_each_readers_own() {
    let settings = notice_settings("calendar = true");
    let mailer = || Mailer::new(&settings, Transport::simulated(MemoryTransport::new())).unwrap();
    let (_, message) = sample::gallery().swap_remove(0);
    let mut other = addressed(&message, "Ada Lovelace", "ada@example.com");
    other.reader.user_id = Id(uuid::Uuid::from_u128(7));
    let after_another = mailer();
    after_another.prepare(&addressed(&message, "Zebulon Pike", "zebulon@example.com")).unwrap();
    let [one, other] = [after_another, mailer()].map(|mailer| mailer.prepare(&other).unwrap().bytes);
    assert!(one == other, "{}", String::from_utf8_lossy(&one));
}

#[test]
fn what_another_reader_is_told_is_in_no_copy() {
    let mailer = mailer();
    for (case, message) in sample::gallery() {
        mailer.prepare(&addressed(&message, "Zebulon Pike", "zebulon@example.com")).unwrap();
        let mut other = addressed(&message, "Ada Lovelace", "ada@example.com");
        other.mail_id = Id(uuid::Uuid::from_u128(7));
        let copy = String::from_utf8(mailer.prepare(&other).unwrap().bytes).unwrap();
        for foreign in ["Zebulon", "zebulon@", &message.mail_id.to_string(), &message.mail_id.0.simple().to_string()] {
            assert!(!copy.contains(foreign), "{case}: {foreign} in\n{copy}");
        }
        for own in ["Ada Lovelace", "ada@example.com", &other.mail_id.to_string()] {
            assert!(copy.contains(own), "{case}: no {own} in\n{copy}");
        }
    }
}

#[test]
fn what_the_words_depend_on_is_told_apart() {
    let mailer = mailer();
    let message = sample::of_kind(mfa_enforcer::domain::notice::NoticeKind::Reminder, true);
    let words = |message: &Message| {
        let mail = mailer.prepare(message).unwrap();
        let read = mail_parser::MessageParser::default().parse(&mail.bytes).unwrap();
        format!("{:?}\n{}", read.subject(), read.body_text(0).unwrap())
    };
    let first = words(&message);
    let differences: [fn(&mut Message); 8] = [
        |message| message.reader.locales = vec!["de".to_owned()],
        |message| message.reader.zone = chrono_tz::Tz::Asia__Tokyo,
        |message| message.reader.methods.truncate(1),
        |message| message.reader.name = String::new(),
        |message| message.notices[0].company = Some("Other".to_owned()),
        |message| message.notices[0].set_by = Some("Bob Builder".to_owned()),
        |message| message.notices[0].required_otherwise = true,
        |message| message.at = message.notices[0].required_at,
    ];
    for (at, change) in differences.into_iter().enumerate() {
        let mut changed = message.clone();
        change(&mut changed);
        assert_ne!(words(&changed), first, "change {at}");
        assert_eq!(words(&message), first, "after change {at}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_the_name_is(name in "\\PC{0,70}", number in 0_u32..99) {
        static SLOW: LazyLock<(Mailer, tempfile::TempDir)> = LazyLock::new(one_by_one);
        let (fast, (slow, _folder)) = (mailer(), &*SLOW);
        let message = sample::of_kind(mfa_enforcer::domain::notice::NoticeKind::Announcement, true);
        let message = addressed(&message, &name, &format!("u{number}@example.com"));
        prop_assert_eq!(fast.prepare(&message).unwrap().bytes, slow.prepare(&message).unwrap().bytes);
    }
}
