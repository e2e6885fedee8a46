//! The mails, read by somebody else's mail reader.

use mail_parser::{MessageParser, MimeHeaders as _};

use super::stage::Stage;

/// The mails that are notices: what admins get has no steps.
fn notices(stage: &Stage) -> Vec<(String, Vec<u8>)> {
    let for_admins = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains("\nList-Id: <mfa-admins.");
    stage.mails("mfa-enforcer-demo").into_iter().filter(|(_, bytes)| !for_admins(bytes)).collect()
}

#[test]
fn every_mail_is_for_one_reader_and_says_the_same_twice() {
    let stage = Stage::new();
    stage.done("mfa-enforcer demo");
    let mut hostile = 0;
    let mut readers = std::collections::BTreeSet::new();
    for (name, bytes) in notices(&stage) {
        let mail = MessageParser::default().parse(&bytes).unwrap();
        let to = mail.to().unwrap();
        assert_eq!(to.iter().count(), 1, "{name}");
        assert!(mail.cc().is_none() && mail.bcc().is_none(), "{name}");
        assert_eq!(mail.header("Auto-Submitted").unwrap().as_text(), Some("auto-generated"));
        let subject = mail.subject().unwrap();
        assert!(!subject.contains(['\r', '\n', '!']), "{subject}");
        assert_eq!((mail.text_body_count(), mail.html_body_count(), mail.attachment_count()), (1, 1, 0), "{name}");
        let (text, html) = (mail.body_text(0).unwrap(), mail.body_html(0).unwrap());
        assert!(text.contains("https://app.tallybook.example/sign-in") && html.contains("tallybook.example"), "{name}");
        assert!(mail.parts.iter().all(|part| part.attachment_name().is_none()));
        assert!(!html.to_lowercase().contains("<script"), "{name}");
        assert!(
            !mail.subject().unwrap().contains("49") && !text.contains("'49"),
            "a name was run as a template: {name}"
        );
        let reader = to.first().unwrap();
        let address = reader.address().unwrap().to_owned();
        if address == "bobby@lumen-oak.example" {
            hostile += 1;
            assert_eq!(reader.name(), None, "a name that mail programs would make a link of is left out");
            assert!(
                text.starts_with("Hello,\r\n") || text.starts_with("Hello,\n"),
                "a name that is none greets nobody"
            );
            assert!(!html.contains("alert("), "{html}");
            assert!(!String::from_utf8_lossy(&bytes).contains("\nBcc:"), "{name}");
        }
        readers.insert((address, reader.name().unwrap_or_default().to_owned()));
    }
    assert!(hostile >= 2, "the hostile name was written to");
    let known = |address: &str, name: &str| readers.contains(&(address.to_owned(), name.to_owned()));
    assert!(known("kobayashi.ken@lumen-oak.example", "小林 健"), "{readers:?}");
    assert!(known("leila.haddad@lumen-oak.example", "ليلى حداد"));
    assert!(known("camille@xn--atelier-lan-ibb.example", "Camille Lefèvre"), "a domain in the form that servers take");
    assert!(known("jürgen@xn--wei-verlag-73a.example", "Jürgen Weiß"), "{readers:?}");
    let never = ["invoices@", "tj.okafor@", "walter.pike@", "priya.raman@"];
    assert!(readers.iter().all(|(address, _)| never.iter().all(|start| !address.starts_with(start))));
}

#[test]
fn each_reader_is_told_their_own_steps() {
    let stage = Stage::new();
    stage.done("mfa-enforcer demo");
    for (_, bytes) in notices(&stage) {
        let mail = MessageParser::default().parse(&bytes).unwrap();
        let address = mail.to().unwrap().first().unwrap().address().unwrap().to_owned();
        let text = mail.body_text(0).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
        let by_phone = text.contains("Add Phone Number");
        match address.split('@').next().unwrap() {
            "zoe.lindqvist" | "aroha.ngata" | "meilin.huang" | "maya.robinson" => assert!(by_phone, "{address}"),
            "kobayashi.ken" | "leila.haddad" | "nandu.pereyra" | "jürgen" | "lukasz.wojcik" => {
                assert!(!by_phone, "{address}");
            }
            _ => {}
        }
    }
}
