//! What is said at once to a mail server that takes several commands at once (RFC 2920).

use std::pin::pin;
use std::time::Duration;

use futures::poll;
use mfa_enforcer::domain::ids::Id;
use mfa_enforcer::mail::compose::Composed;
use mfa_enforcer::mail::transport::SendError;

use crate::scripted::{Scripted, pass, to};
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

/// Only 354 asks for it (RFC 5321, 4.2.2): whatever else follows DATA, the server would take a mail for commands.
#[tokio::test]
async fn a_mail_goes_out_when_it_was_asked_for() {
    for pipelines in [false, true] {
        let server = Scripted::start().await;
        if pipelines {
            server.pipelines();
        }
        server.answer("data", "250 2.0.0 fine");
        let error = to(&[server.port], "").send(&mail()).await.unwrap_err();
        assert!(matches!(error, SendError::Transient { maybe_received: false, .. }), "{error}");
        assert_eq!(server.heard("."), 0);
    }
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

/// Mails that follow each other.
fn mails<const N: usize>() -> [Composed; N] {
    std::array::from_fn(|place| {
        let mail_id: Id = format!("00000000-0000-7000-8000-{place:012}").parse().unwrap();
        Composed { mail_id, ..mail() }
    })
}

#[tokio::test]
async fn a_mail_goes_out_with_the_announcement_of_the_next() {
    let server = Scripted::start().await;
    server.pipelines();
    let transport = to(&[server.port], "");
    let [one, two, three] = mails();
    transport.send_before(&one, Some(&two)).await.unwrap();
    transport.send_before(&two, Some(&three)).await.unwrap();
    transport.send(&three).await.unwrap();
    // MAIL and RCPT of each have something behind them, and so have the first two mails.
    assert_eq!((server.pipelined(), server.heard("."), server.heard("connect")), (8, 3, 1));
}

#[tokio::test]
async fn a_server_that_does_not_offer_it_is_told_of_no_next_mail() {
    let server = Scripted::start().await;
    let transport = to(&[server.port], "");
    let [one, two] = mails();
    transport.send_before(&one, Some(&two)).await.unwrap();
    transport.send(&two).await.unwrap();
    assert_eq!((server.pipelined(), server.heard("."), server.heard("connect")), (0, 2, 1));
}

#[tokio::test]
async fn a_mail_that_is_refused_takes_the_next_with_it_only_where_the_line_ends() {
    for (answer, lines) in [("550 5.6.0 not this one", 1), ("421 4.3.2 closing", 2), ("", 2)] {
        let server = Scripted::start().await;
        server.pipelines();
        let transport = to(&[server.port], "");
        server.answer(".", answer);
        let [one, two] = mails();
        transport.send_before(&one, Some(&two)).await.unwrap_err();
        transport.send(&two).await.unwrap();
        assert_eq!((server.heard("connect"), server.heard("."), server.heard("rset")), (lines, 2, 0), "{answer}");
    }
}

#[tokio::test]
async fn a_next_mail_that_is_refused_is_refused_alone() {
    let server = Scripted::start().await;
    server.pipelines();
    let transport = to(&[server.port], "");
    server.answer(".", "250 2.0.0 taken");
    server.answer("rcpt", "550 5.1.1 nobody here");
    server.answer("data", "554 5.5.1 no valid recipients");
    let [one, two, three] = mails();
    assert_eq!(transport.send_before(&one, Some(&two)).await.unwrap(), "250 2.0.0 taken");
    let error = transport.send_before(&two, Some(&three)).await.unwrap_err();
    assert!(matches!(&error, SendError::Permanent { reply } if reply == "550 5.1.1 nobody here"), "{error}");
    transport.send(&three).await.unwrap();
    assert_eq!((server.heard("connect"), server.heard("."), server.heard("rset")), (1, 2, 1));
}

#[tokio::test]
async fn a_next_mail_whose_line_ends_is_said_on_another() {
    let server = Scripted::start().await;
    server.pipelines();
    let transport = to(&[server.port], "");
    server.answer(".", "250 2.0.0 taken");
    server.answer("mail", "");
    let [one, two] = mails();
    transport.send_before(&one, Some(&two)).await.unwrap();
    transport.send(&two).await.unwrap();
    assert_eq!((server.heard("connect"), server.heard(".")), (2, 2));
}

#[tokio::test]
async fn a_line_with_an_announcement_is_kept_for_that_mail_and_counts() {
    let server = Scripted::start().await;
    server.pipelines();
    let transport = to(&[server.port], "max_connections = 1");
    let [one, two, three] = mails();
    transport.send_before(&one, Some(&two)).await.unwrap();
    let mut another = pin!(transport.send(&three));
    for _ in 0..1000 {
        assert!(poll!(another.as_mut()).is_pending(), "the one line is taken");
        tokio::task::yield_now().await;
    }
    transport.send(&two).await.unwrap();
    another.await.unwrap();
    assert_eq!((server.heard("connect"), server.heard(".")), (1, 3));
}

#[tokio::test]
async fn a_mail_that_does_not_follow_after_all_is_forgotten_with_its_line() {
    let server = Scripted::start().await;
    server.pipelines();
    let transport = to(&[server.port], "max_connections = 1");
    let [one, two, three] = mails();
    transport.send_before(&one, Some(&two)).await.unwrap();
    transport.forget(&two);
    transport.send(&three).await.unwrap();
    assert_eq!((server.heard("connect"), server.heard(".")), (2, 2), "two is never said");
}

#[tokio::test]
async fn a_server_that_throws_away_what_comes_behind_a_mail_is_told_of_no_next_one_again() {
    let server = Scripted::start().await;
    server.pipelines();
    let transport = to(&[server.port], "timeout = '1s'");
    let [one, two, three, four] = mails();
    server.answer(".", "250 2.0.0 taken");
    server.answer("mail", "...");
    server.answer("ehlo", "250-here\r\n250 PIPELINING");
    server.answer("ehlo", "250-here\r\n250 PIPELINING");
    transport.send_before(&one, Some(&two)).await.unwrap();
    let error = transport.send(&two).await.unwrap_err();
    assert!(matches!(error, SendError::Transient { maybe_received: false, .. }), "{error}");
    let before = server.pipelined();
    transport.send_before(&three, Some(&four)).await.unwrap();
    assert_eq!(server.pipelined() - before, 2, "MAIL and RCPT alone have something behind them");
    transport.send(&four).await.unwrap();
    assert_eq!((server.heard("connect"), server.heard(".")), (2, 3));
    // It may only have been slow: a day later it is told again.
    pass(Duration::from_hours(24)).await;
    server.pipelines();
    let before = server.pipelined();
    transport.send_before(&one, Some(&two)).await.unwrap();
    assert_eq!(server.pipelined() - before, 5, "so have the mail, and MAIL and RCPT of the next");
}
