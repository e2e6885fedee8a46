//! Snapshots of what readers read: every kind, for every sort of reader.

use chrono_tz::Tz;
use mfa_enforcer::domain::message::Message;
use mfa_enforcer::domain::notice::NoticeKind;
use mfa_enforcer::mail::sample;
use mfa_enforcer::mail::templates::{Rendered, Templates};

use crate::support::notice_settings;

fn rendered(message: &Message) -> Rendered {
    Templates::load(&notice_settings("")).unwrap().render(message).unwrap()
}

/// Subject and text as one page.
fn page(message: &Message) -> String {
    let rendered = rendered(message);
    assert!(rendered.text.lines().all(|line| line.chars().count() <= 76), "{}", rendered.text);
    for part in [&rendered.subject, &rendered.text, &rendered.html] {
        assert!(!part.contains("!\n") && !part.contains("MFA") && !part.to_lowercase().contains("urgent"), "{part}");
    }
    assert!(!rendered.subject.contains('!') && !rendered.text.contains('!'), "{}", rendered.text);
    format!("Subject: {}\n\n{}", rendered.subject, rendered.text)
}

#[test]
fn every_kind_from_a_company_to_a_reader_with_text_messages() {
    for kind in NoticeKind::ALL {
        insta::assert_snapshot!(format!("{kind}"), page(&sample::of_kind(*kind, true)));
    }
}

#[test]
fn every_kind_from_the_vendor_to_payees() {
    for kind in NoticeKind::ALL {
        let mut message = sample::message(*kind, sample::reader(false), vec![sample::statement(*kind, None, 1)]);
        message.reader.zone = Tz::Asia__Tokyo;
        insta::assert_snapshot!(format!("{kind}_payee_abroad"), page(&message));
    }
}

#[test]
fn a_payee_in_the_us_reads_local_dates_and_may_use_text_messages() {
    let mut message = sample::of_kind(NoticeKind::Announcement, true);
    message.reader.zone = Tz::America__New_York;
    message.notices[0].company = None;
    insta::assert_snapshot!("announcement_payee_us", page(&message));
}

#[test]
fn a_reader_in_another_zone_without_text_messages() {
    let mut message = sample::of_kind(NoticeKind::Reminder, false);
    message.reader.zone = Tz::Pacific__Kiritimati;
    message.reader.name = "Nguyễn Thị Minh Khai".to_owned();
    message.notices[0].company = Some("Société Générale de l’Été".to_owned());
    message.notices[0].support_contact = Some("it-hilfe@societe.example".to_owned());
    insta::assert_snapshot!("reminder_utf8_without_text_messages", page(&message));
}

#[test]
fn two_companies_with_two_dates_and_one_that_cancelled() {
    let mut contact = sample::statement(NoticeKind::Reminder, Some("Initech"), 9);
    contact.support_contact = Some("it@initech.example".to_owned());
    let notices = vec![
        sample::statement(NoticeKind::Cancelled, Some("Hooli"), 1),
        sample::statement(NoticeKind::Announcement, Some("Globex"), 2),
        contact,
    ];
    let message = sample::message(NoticeKind::Announcement, sample::reader(true), notices);
    insta::assert_snapshot!("several", page(&message));
    insta::assert_snapshot!("several_html", rendered(&message).html);
}

#[test]
fn a_hostile_name_is_only_text() {
    let mut message = sample::of_kind(NoticeKind::Announcement, true);
    message.reader.name = "<script>alert(1)</script>".to_owned();
    message.notices[0].company =
        Some("<img src=x onerror=alert(1)>\"; DROP TABLE users; --\r\nBcc: eve@evil.example".to_owned());
    message.notices[0].support_contact = Some("<a href=\"https://evil.example\">here</a>".to_owned());
    let rendered = rendered(&message);
    assert!(
        !rendered.html.contains("<script>")
            && !rendered.html.contains("<img")
            && !rendered.html.contains("<a href=\"https://evil")
    );
    insta::assert_snapshot!("hostile", page(&message));
    insta::assert_snapshot!("hostile_html", rendered.html);
}

#[test]
fn days_left_are_counted_when_the_mail_is_written() {
    let subject = |hours_before: i64| {
        let mut message = sample::of_kind(NoticeKind::FinalReminder, true);
        message.at = message.notices[0].required_at.plus(chrono::TimeDelta::hours(-hours_before));
        rendered(&message).subject
    };
    assert!(subject(1).starts_with("Tomorrow: "), "{}", subject(1));
    assert!(subject(24).starts_with("Tomorrow: "), "{}", subject(24));
    assert!(subject(25).starts_with("In 2 days: "), "{}", subject(25));
    assert!(subject(-3).starts_with("Today: "), "{}", subject(-3));
}

#[test]
fn somebody_who_is_required_already_is_welcomed_so() {
    let mut message = sample::of_kind(NoticeKind::Welcome, false);
    message.at = message.notices[0].required_at;
    insta::assert_snapshot!("welcome_required", page(&message));
}

#[test]
fn who_was_required_is_told_that_it_is_over() {
    let mut message = sample::of_kind(NoticeKind::Cancelled, true);
    message.notices[0].was_required = true;
    insta::assert_snapshot!("cancelled_reverted", page(&message));
    insta::assert_snapshot!("cancelled_reverted_html", rendered(&message).html);
}

#[test]
fn who_is_required_by_something_else_is_told_so() {
    for kind in NoticeKind::ALL {
        let mut message = sample::of_kind(*kind, true);
        message.notices[0].required_otherwise = true;
        insta::assert_snapshot!(format!("{kind}_required_otherwise"), page(&message));
    }
}

#[test]
fn who_is_exempt_is_told_when_that_ends() {
    let mut message = sample::of_kind(NoticeKind::Welcome, true);
    message.notices[0].exempt_until = Some(message.notices[0].required_at.plus(chrono::TimeDelta::hours(-12)));
    insta::assert_snapshot!("welcome_exempt", page(&message));
}

#[test]
fn a_contact_of_the_vendor_stands_in_for_the_company_s() {
    let templates = Templates::load(&notice_settings("support_contact = 'help@ledger.example'")).unwrap();
    let text = templates.render(&sample::of_kind(NoticeKind::Reminder, true)).unwrap().text;
    assert!(text.contains("Questions? Ask help@ledger.example."), "{text}");
}

#[test]
fn the_reader_s_language_is_chosen_then_the_company_s_then_english() {
    let greeting = |locales: &[&str]| {
        let mut message = sample::of_kind(NoticeKind::Reminder, true);
        message.reader.locales = locales.iter().map(|locale| (*locale).to_owned()).collect();
        rendered(&message).text.lines().next().unwrap().to_owned()
    };
    let english = "Hello Ada Lovelace,";
    let cases: [(&[&str], &str); 17] = [
        (&[], english),
        (&["en-US"], english),
        (&["de"], "Guten Tag Ada Lovelace,"),
        (&["de_AT.UTF-8"], "Guten Tag Ada Lovelace,"),
        (&["ES-419"], "Hola, Ada Lovelace:"),
        (&["pt-BR", "de"], "Olá, Ada Lovelace,"),
        (&["nl", "fr-CA"], "Bonjour Ada Lovelace,"),
        (&["it"], "Buongiorno Ada Lovelace,"),
        (&["zh-TW"], "Ada Lovelace，您好："),
        (&["zh-Hant-HK"], "Ada Lovelace，您好："),
        (&["de-DE-u-co-phonebk", "it"], "Guten Tag Ada Lovelace,"),
        (&["fr-FR-x-private"], "Bonjour Ada Lovelace,"),
        (&["yue-HK"], "Ada Lovelace，您好："),
        (&["cmn-Hant-TW"], "Ada Lovelace，您好："),
        // Simplified Chinese is another script.
        (&["zh-CN", "zh"], english),
        (&["zh", "de"], "Guten Tag Ada Lovelace,"),
        (&["no language", "", "x"], english),
    ];
    for (locales, expected) in cases {
        assert_eq!(greeting(locales), expected, "{locales:?}");
    }
}

#[test]
fn only_the_languages_that_are_wanted_are_used() {
    let templates = Templates::load(&notice_settings("languages = ['de']")).unwrap();
    let mut message = sample::of_kind(NoticeKind::Reminder, true);
    message.reader.locales = vec!["fr".to_owned()];
    assert!(templates.render(&message).unwrap().text.starts_with("Hello"));
    message.reader.locales = vec!["fr".to_owned(), "de".to_owned()];
    assert!(templates.render(&message).unwrap().text.starts_with("Guten Tag"));
}

#[test]
fn every_kind_in_every_language() {
    for language in ["de", "es", "fr", "it", "pt", "zh-Hant"] {
        let pages = NoticeKind::ALL.iter().map(|kind| {
            let mut message = sample::of_kind(*kind, *kind != NoticeKind::Reminder);
            message.reader.locales = vec![language.to_owned()];
            let Rendered { subject, text, .. } = rendered(&message);
            assert!(!subject.contains(['!', '！']) && !text.contains(['!', '！']), "{text}");
            format!("Subject: {subject}\n\n{text}")
        });
        insta::assert_snapshot!(format!("in_{language}"), pages.collect::<Vec<_>>().join("\n\n"));
    }
}

/// What a browser shows of a page, on one line.
fn visible(html: &str) -> String {
    let body = html.split_once("</head>").unwrap().1;
    // Between lines and blocks there is room, within a line there is none.
    let body = ["<br", "<p", "<h", "<li", "<div"]
        .iter()
        .fold(body.to_owned(), |body, tag| body.replace(tag, &format!(" {tag}")));
    let text: String = body.split('<').map(|part| part.split_once('>').map_or("", |(_, text)| text)).collect();
    let entities = [("&#39;", "'"), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#x27;", "'"), ("&amp;", "&")];
    let text = entities.iter().fold(text, |text, (entity, c)| text.replace(entity, c));
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn html_and_text_say_the_same() {
    let templates = Templates::load(&notice_settings("")).unwrap();
    for message in sample::messages() {
        let Rendered { text, html, .. } = templates.render(&message).unwrap();
        let html = visible(&html);
        for paragraph in text.split("\n\n").filter(|paragraph| !paragraph.starts_with("1. ")) {
            let words = paragraph.split_whitespace().filter(|word| !matches!(*word, "*" | "--"));
            let words = words.collect::<Vec<_>>().join(" ");
            assert!(html.contains(words.trim_end_matches(':')), "{words}\n\n{html}");
        }
    }
}

#[test]
fn every_kind_in_html() {
    let sections = NoticeKind::ALL.iter().map(|kind| {
        let html = rendered(&sample::of_kind(*kind, false)).html;
        html.split("<h1").nth(1).unwrap().split("<h2").next().unwrap().to_owned()
    });
    insta::assert_snapshot!("html_sections", sections.collect::<Vec<_>>().join("\n"));
    insta::assert_snapshot!("announcement_html", rendered(&sample::of_kind(NoticeKind::Announcement, true)).html);
}
