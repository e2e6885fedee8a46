//! Where mails come back to.

use lettre::Address;
use mfa_enforcer::domain::notice::NoticeKind;
use mfa_enforcer::mail::Mailer;
use mfa_enforcer::mail::memory::MemoryTransport;
use mfa_enforcer::mail::return_path::ReturnPath;
use mfa_enforcer::mail::sample;
use mfa_enforcer::mail::transport::Transport;

use crate::servers::Sink;
use crate::support::{bounce_settings, mail, mailer, notice_settings, return_path, smtp_settings};

fn with_return_path(transport: Transport) -> Mailer {
    Mailer::new(&notice_settings(""), transport).unwrap().with_return_path(Some(return_path()))
}

#[tokio::test]
async fn each_mail_comes_back_to_an_address_of_its_own_and_is_from_the_sender_still() {
    let sink = Sink::start(&[]);
    let url = format!("url = 'smtp://127.0.0.1:{}'", sink.port);
    let mailer = with_return_path(Transport::from_settings(&smtp_settings(&url)).unwrap());
    let message = sample::of_kind(NoticeKind::Announcement, true);
    let mail = mailer.prepare(&message).unwrap();
    mailer.send(&mail).await.unwrap();
    let kept = std::fs::read_to_string(&sink.mails()[0]).unwrap();
    let envelope = kept.split("X-Mail-Args: <").nth(1).unwrap().split('>').next().unwrap();
    assert_eq!(return_path().mail_of(envelope), Some(message.mail_id), "{envelope}");
    assert!(kept.contains("\nFrom: Ledger <no-reply@ledger.example>\n"), "{kept}");
    assert!(!kept.contains("Return-Path"), "whoever delivers it writes that");
}

#[test]
fn without_an_address_mails_come_back_to_the_sender() {
    assert_eq!(mail().envelope.from().unwrap().to_string(), "no-reply@ledger.example");
    let none = ReturnPath::from_settings(&bounce_settings("address = ''\nkey = ''")).unwrap();
    assert!(none.is_none());
}

#[test]
fn a_mail_that_goes_to_another_address_names_no_mail_in_its_return_path() {
    let elsewhere: Address = "staging@ledger.example".parse().unwrap();
    let mailer = with_return_path(Transport::simulated(MemoryTransport::new())).redirected(Some(elsewhere));
    let message = sample::of_kind(NoticeKind::Announcement, true);
    let mail = mailer.prepare(&message).unwrap();
    assert_eq!(mail.envelope.from().unwrap().to_string(), "bounces@mail.ledger.example");
}

/// A server without SMTPUTF8 takes every mail whose reader's address it can take.
#[test]
fn a_return_path_is_plain_ascii_also_in_an_international_domain() {
    let settings = bounce_settings("address = 'bounces@bücher.example'");
    let path = ReturnPath::from_settings(&settings).unwrap().unwrap().of(mail().mail_id);
    assert!(path.to_string().is_ascii() && path.domain() == "xn--bcher-kva.example", "{path}");
}

#[test]
fn the_words_and_the_signature_are_the_same_with_and_without() {
    let message = sample::of_kind(NoticeKind::Announcement, true);
    let with = with_return_path(Transport::simulated(MemoryTransport::new())).prepare(&message).unwrap();
    assert_eq!(with.sha256, mailer().prepare(&message).unwrap().sha256);
}
