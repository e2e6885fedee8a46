//! What admins read: every case, in every language.

use mail_parser::MessageParser;
use mfa_enforcer::domain::admin_mail::{AdminMessage, News};
use mfa_enforcer::mail::sample;
use mfa_enforcer::mail::templates::{Rendered, Templates};

use crate::support::{mailer, notice_settings};

/// Subject and text as one page, after a look at what no mail of ours has.
fn page(templates: &Templates, message: &AdminMessage) -> String {
    let Rendered { subject, text, html, .. } = templates.render_admin(message).unwrap();
    assert!(text.lines().all(|line| line.chars().count() <= 76), "{text}");
    for part in [&subject, &text] {
        assert!(
            !part.contains(['!', '！']) && !part.contains("MFA") && !part.to_lowercase().contains("urgent"),
            "{part}"
        );
    }
    // Nothing is fetched, and nothing is left of the templates.
    assert!(!html.contains("src=\"http") && !html.contains("{{") && !text.contains("{{"), "{html}");
    format!("Subject: {subject}\n\n{text}")
}

#[test]
fn every_mail_to_an_admin() {
    let templates = Templates::load(&notice_settings("")).unwrap();
    for (name, message) in sample::admin_gallery() {
        insta::assert_snapshot!(format!("admin_{name}"), page(&templates, &message));
    }
}

#[test]
fn every_mail_to_an_admin_in_every_language() {
    let templates = Templates::load(&notice_settings("")).unwrap();
    for language in ["de", "es", "fr", "it", "pt", "zh-Hant"] {
        let pages = sample::admin_gallery().into_iter().map(|(_, mut message)| {
            message.locales = vec![language.to_owned()];
            page(&templates, &message)
        });
        insta::assert_snapshot!(format!("admin_in_{language}"), pages.collect::<Vec<_>>().join("\n\n"));
    }
}

#[test]
fn hostile_names_are_only_text() {
    let templates = Templates::load(&notice_settings("")).unwrap();
    for (name, mut message) in sample::admin_gallery() {
        let hostile = "<script>alert(1)</script>\r\nBcc: all@evil.example {{ product }} { $when }";
        hostile.clone_into(&mut message.name);
        hostile.clone_into(&mut message.company);
        match &mut message.news {
            News::Decision(decision) => {
                decision.by = Some(hostile.to_owned());
                decision.reason = Some(hostile.to_owned());
            }
            News::Digest(progress) | News::DayReport(progress) => {
                for contact in progress.waiting.iter_mut().chain(&mut progress.unreached) {
                    hostile.clone_into(&mut contact.name);
                }
            }
        }
        let rendered = templates.render_admin(&message).unwrap();
        assert!(!rendered.html.contains("<script>") && !rendered.subject.contains('\n'), "{name}");
        let mail = mailer().prepare_admin(&message).unwrap();
        let parsed = MessageParser::default().parse(&mail.bytes).unwrap();
        assert!(parsed.bcc().is_none() && parsed.to().unwrap().first().unwrap().name().is_none(), "{name}");
        // Whoever calls themselves so is not shown as having decided.
        let text = parsed.body_text(0).unwrap().into_owned();
        assert!(!text.contains("</script> Bcc: all@evil.example {{ product }} { $when } has"), "{text}");
    }
}

#[test]
fn a_mail_to_an_admin_is_known_by_its_headers() {
    let (_, message) = sample::admin_gallery().remove(0);
    let mail = mailer().prepare_admin(&message).unwrap();
    let text = String::from_utf8_lossy(&mail.bytes).into_owned();
    for header in [
        format!("Message-ID: <{}@ledger.example>\r\n", message.mail_id),
        format!("References: <{}@ledger.example>\r\n", message.enforcement_id),
        "List-Id: <mfa-admins.ledger.example>\r\n".to_owned(),
        "Feedback-ID: decision:admin:mfa-enforcer\r\n".to_owned(),
        "Auto-Submitted: auto-generated\r\n".to_owned(),
    ] {
        assert!(text.contains(&header), "{header}: {text}");
    }
    assert_eq!(mailer().prepare_admin(&message).unwrap().bytes, mail.bytes, "the same message gives the same bytes");
}
