//! What is said at once to a mail server that takes several commands at once (RFC 2920).

use mfa_enforcer::mail::transport::SendError;

use crate::scripted::{Scripted, to};
use crate::support::mail;

#[tokio::test]
async fn all_before_the_mail_is_said_at_once() {
    let server = Scripted::start().await;
    server.pipelines();
    let transport = to(&[server.port], "");
    for sent in 1..=3 {
        transport.send(&mail()).await.unwrap();
        // MAIL and RCPT have something behind them, DATA waits for its answer.
        assert_eq!(server.pipelined(), 2 * sent);
    }
    assert_eq!(server.heard("connect"), 1);
}

#[tokio::test]
async fn a_server_that_does_not_offer_it_is_asked_one_by_one() {
    let server = Scripted::start().await;
    to(&[server.port], "").send(&mail()).await.unwrap();
    assert_eq!(server.pipelined(), 0);
}

#[tokio::test]
async fn each_refusal_is_of_what_was_refused() {
    for (command, answer) in [("mail", "451 4.3.0 later"), ("rcpt", "550 5.1.1 nobody here"), ("data", "554 5.6.0 no")]
    {
        let server = Scripted::start().await;
        server.pipelines();
        let transport = to(&[server.port], "");
        if command == "mail" {
            server.answer("mail", answer);
            server.answer("rcpt", "503 5.5.1 no sender");
            server.answer("data", "503 5.5.1 no recipient");
        } else if command == "rcpt" {
            server.answer("rcpt", answer);
            server.answer("data", "554 5.5.1 no valid recipients");
        } else {
            server.answer("data", answer);
        }
        let error = transport.send(&mail()).await.unwrap_err();
        assert_eq!(error.reply(), answer, "{command}");
        assert_eq!(matches!(error, SendError::Permanent { .. }), command != "mail", "{command}");
        // The line is good for the next mail, once the server has been told to forget this one.
        transport.send(&mail()).await.unwrap();
        assert_eq!((server.heard("connect"), server.heard("rset")), (1, 1), "{command}");
    }
}

#[tokio::test]
async fn a_server_that_waits_for_a_mail_to_nobody_gets_none() {
    let server = Scripted::start().await;
    server.pipelines();
    let transport = to(&[server.port], "");
    server.answer("rcpt", "550 5.1.1 nobody here");
    let error = transport.send(&mail()).await.unwrap_err();
    assert!(matches!(&error, SendError::Permanent { reply } if reply == "550 5.1.1 nobody here"), "{error}");
    transport.send(&mail()).await.unwrap();
    assert_eq!((server.heard("connect"), server.heard("."), server.heard("rset")), (2, 1, 0));
}

#[tokio::test]
async fn a_line_that_ends_between_answers_is_begun_anew() {
    let server = Scripted::start().await;
    server.pipelines();
    let transport = to(&[server.port], "");
    transport.send(&mail()).await.unwrap();
    server.answer("rcpt", "");
    transport.send(&mail()).await.unwrap();
    assert_eq!((server.heard("connect"), server.heard(".")), (2, 2));
}
