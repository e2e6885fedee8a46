//! Encryption and authentication: what is refused is refused before any credentials are sent.

use std::path::Path;

use base64::Engine as _;
use mfa_enforcer::mail::transport::{SendError, Transport};
use serde_json::{Value, json};

use crate::servers::{Aiosmtpd, Certificates, count, received};
use crate::support::{mail, smtp_settings};

const PASSWORD: &str = "correct horse";

fn options(certificates: &Certificates, name: &str, implicit: bool) -> Value {
    json!({
        "cert": certificates.path(&format!("{name}.pem")), "key": certificates.path(&format!("{name}.key")),
        "implicit_tls": implicit, "user": "mailer", "password": PASSWORD,
    })
}

fn transport(scheme: &str, port: u16, ca_file: Option<&Path>, password: &str) -> Transport {
    let ca = ca_file.map(|file| format!("ca_file = '{}'\n", file.display())).unwrap_or_default();
    let settings = format!(
        "url = '{scheme}://localhost:{port}'\ntls = 'required'\nusername = 'mailer'\npassword = '{password}'\n{ca}"
    );
    Transport::from_settings(&smtp_settings(&settings)).unwrap()
}

/// Asserts that nothing was taken for certain, and that neither credentials nor mail reached the server.
fn assert_nothing_given_away(error: &SendError, server: Aiosmtpd) {
    assert!(matches!(error, SendError::Transient { maybe_received: false, .. }), "{error}");
    let told = server.end();
    let plain = base64::prelude::BASE64_STANDARD.encode(format!("\0mailer\0{PASSWORD}"));
    let all = received(&told);
    for secret in ["AUTH ", "MAIL FROM", PASSWORD, &plain] {
        assert!(!all.contains(secret), "{all}");
    }
    assert_eq!(count(&told, "mail"), 0);
}

#[tokio::test]
async fn a_trusted_server_gets_the_credentials_and_the_mail() {
    let certificates = Certificates::make();
    for (scheme, implicit) in [("smtps", true), ("smtp", false)] {
        let server = Aiosmtpd::start(&options(&certificates, "right", implicit));
        let transport = transport(scheme, server.port, Some(&certificates.path("ca.pem")), PASSWORD);
        transport.test().await.unwrap();
        assert_eq!(transport.send(&mail()).await.unwrap(), "250 2.0.0 queued as 7");
        let told = server.end();
        assert_eq!(count(&told, "mail"), 1);
        assert!(received(&told).contains("AUTH PLAIN"), "{scheme}");
    }
}

/// It takes a mail with `250` and no words, which is an answer like any other.
#[tokio::test]
async fn what_a_server_of_few_words_takes_is_taken() {
    let certificates = Certificates::make();
    for (scheme, implicit) in [("smtps", true), ("smtp", false)] {
        let mut options = options(&certificates, "right", implicit);
        options["taken"] = "250".into();
        let server = Aiosmtpd::start(&options);
        let transport = transport(scheme, server.port, Some(&certificates.path("ca.pem")), PASSWORD);
        for _ in 0..2 {
            assert_eq!(transport.send(&mail()).await.unwrap(), "250", "{scheme}");
        }
        let told = server.end();
        assert_eq!((count(&told, "mail"), count(&told, "connected")), (2, 1));
    }
}

#[tokio::test]
async fn an_unknown_authority_is_refused_before_credentials_are_sent() {
    let certificates = Certificates::make();
    for (scheme, implicit) in [("smtps", true), ("smtp", false)] {
        let server = Aiosmtpd::start(&options(&certificates, "right", implicit));
        let error = transport(scheme, server.port, None, PASSWORD).send(&mail()).await.unwrap_err();
        assert!(error.reply().contains("UnknownIssuer") && error.reply().contains("smtp.ca_file"), "{error}");
        assert_nothing_given_away(&error, server);
    }
}

#[tokio::test]
async fn a_certificate_for_another_host_is_refused_before_credentials_are_sent() {
    let certificates = Certificates::make();
    for (scheme, implicit) in [("smtps", true), ("smtp", false)] {
        let server = Aiosmtpd::start(&options(&certificates, "wrong", implicit));
        let transport = transport(scheme, server.port, Some(&certificates.path("ca.pem")), PASSWORD);
        let error = transport.send(&mail()).await.unwrap_err();
        assert!(error.reply().contains("smtp.url must name the host"), "{error}");
        assert_nothing_given_away(&error, server);
    }
}

#[tokio::test]
async fn a_server_without_starttls_is_refused_before_credentials_are_sent() {
    let server = Aiosmtpd::start(&json!({ "user": "mailer", "password": PASSWORD }));
    let error = transport("smtp", server.port, None, PASSWORD).send(&mail()).await.unwrap_err();
    assert!(error.reply().contains("STARTTLS is not supported"), "{error}");
    assert_nothing_given_away(&error, server);
}

#[tokio::test]
async fn what_is_slipped_in_before_encryption_is_not_taken_for_an_answer() {
    let certificates = Certificates::make();
    let mut options = options(&certificates, "right", false);
    options["inject"] = json!("250-localhost\r\n250 AUTH PLAIN\r\n235 welcome\r\n250 sender\r\n250 recipient");
    let server = Aiosmtpd::start(&options);
    let transport = transport("smtp", server.port, Some(&certificates.path("ca.pem")), PASSWORD);
    let error = transport.send(&mail()).await.unwrap_err();
    assert!(error.reply().starts_with("cannot encrypt the line to localhost:"), "{error}");
    assert_nothing_given_away(&error, server);
}

#[tokio::test]
async fn a_refused_password_is_mended_by_the_operator_and_shown_to_nobody() {
    let certificates = Certificates::make();
    let server = Aiosmtpd::start(&options(&certificates, "right", true));
    let transport = transport("smtps", server.port, Some(&certificates.path("ca.pem")), "wrong battery");
    let error = transport.send(&mail()).await.unwrap_err();
    assert!(matches!(&error, SendError::Transient { maybe_received: false, .. }), "{error}");
    assert!(error.reply().contains("535") && error.reply().contains("check smtp.username"), "{error}");
    assert!(!error.reply().contains("battery"), "{error}");
    assert_eq!(count(&server.end(), "mail"), 0);
}

#[tokio::test]
async fn credentials_in_the_url_are_decoded() {
    let server = Aiosmtpd::start(&json!({ "user": "mail@er", "password": "p/w:ä" }));
    let url = format!("url = 'smtp://mail%40er:p%2Fw%3A%C3%A4@127.0.0.1:{}'", server.port);
    let transport = Transport::from_settings(&smtp_settings(&url)).unwrap();
    transport.send(&mail()).await.unwrap();
    assert!(!format!("{transport:?} {transport}").contains("p/w"), "{transport:?}");
    assert_eq!(count(&server.end(), "mail"), 1);
}
