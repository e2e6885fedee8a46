//! Mail to real servers: taken, refused, given up.

use std::net::Ipv4Addr;

use mfa_enforcer::mail::compose::Composed;
use mfa_enforcer::mail::transport::{SendError, Transport};
use serde_json::json;
use tokio::net::TcpSocket;

use crate::servers::{Aiosmtpd, Sink, count, received};
use crate::support::{mail, mail_to, smtp_settings};

fn to_port(port: u16) -> Transport {
    with_settings(port, "")
}

fn with_settings(port: u16, changes: &str) -> Transport {
    Transport::from_settings(&smtp_settings(&format!("url = 'smtp://127.0.0.1:{port}'\n{changes}"))).unwrap()
}

async fn refusal(options: &[&str], changes: &str) -> SendError {
    let sink = Sink::start(options);
    with_settings(sink.port, changes).send(&mail()).await.unwrap_err()
}

/// Asserts a transient error and gives back whether the server may have the mail.
fn maybe_received(error: &SendError) -> bool {
    match error {
        SendError::Transient { maybe_received, .. } => *maybe_received,
        SendError::Permanent { reply } => panic!("refused for good: {reply}"),
    }
}

#[tokio::test]
async fn a_mail_arrives_as_it_was_written() {
    let sink = Sink::start(&[]);
    let mail = mail();
    let reply = to_port(sink.port).send(&mail).await.unwrap();
    assert!(reply.starts_with("250 "), "{reply}");
    let files = sink.mails();
    assert_eq!(files.len(), 1);
    let kept = std::fs::read_to_string(&files[0]).unwrap();
    assert!(
        kept.contains("X-Mail-Args: <no-reply@ledger.example>") && kept.contains("X-Rcpt-Args: <ada@example.com>"),
        "{kept}"
    );
    let sent = String::from_utf8(mail.bytes).unwrap().replace("\r\n", "\n");
    assert!(kept.contains(&sent), "{kept}");
}

#[tokio::test]
async fn a_line_of_the_mail_that_begins_with_a_dot_arrives() {
    let sink = Sink::start(&[]);
    let mail = Composed { bytes: b"Subject: dots\r\n\r\n.\r\n..two\r\nend\r\n".to_vec(), ..mail() };
    to_port(sink.port).send(&mail).await.unwrap();
    let kept = std::fs::read_to_string(&sink.mails()[0]).unwrap();
    assert!(kept.contains("\n\n.\n..two\nend\n"), "{kept}");
}

#[tokio::test]
async fn a_hard_refusal_of_this_mail_is_for_good() {
    for (command, answer) in [
        ("rcpt", "550 5.1.1 <relay@example.com>: Recipient address rejected: User unknown"),
        ("rcpt", "550 5.1.10 RESOLVER.ADR.RecipientNotFound"),
        ("rcpt", "550 no such user"),
        ("data", "552 5.2.2 mailbox full"),
        (".", "554 5.6.0 not to be read"),
    ] {
        let error = refusal(&["-B", answer, "-f", command], "").await;
        assert_eq!(error, SendError::Permanent { reply: answer.to_owned() }, "{command}");
    }
}

#[tokio::test]
async fn a_soft_refusal_is_worth_another_attempt() {
    for command in ["connect", "ehlo,helo", "mail", "rcpt", "data", "."] {
        let error = refusal(&["-r", command], "").await;
        assert!(!maybe_received(&error), "{command}: {error}");
        assert!(error.reply().contains("450 4.3.0 Error: command failed"), "{command}: {error}");
    }
}

#[tokio::test]
async fn a_refusal_that_is_about_all_mail_is_no_reason_to_give_up_on_this_one() {
    for (command, answer) in [
        ("mail", "553 5.7.1 sender not allowed"),
        ("mail", "530 5.7.0 authentication required"),
        ("rcpt", "554 5.7.1 Relay access denied"),
        ("rcpt", "550 relay not permitted"),
        ("rcpt", "530 5.7.0 Must issue a STARTTLS command first"),
        // What Postfix has to say about the sender and the client, with smtpd_delay_reject as by default.
        ("rcpt", "553 5.7.1 <no-reply@ledger.example>: Sender address rejected: not owned by user mailer"),
        ("rcpt", "554 5.7.1 <unknown[192.0.2.1]>: Client host rejected: Access denied"),
        ("rcpt", "550 5.1.8 <no-reply@ledger.example>: Sender address rejected: Domain not found"),
        ("rcpt", "501 5.1.7 <no-reply>: bad sender address syntax"),
        ("data", "503 5.5.1 Error: need RCPT command"),
        (".", "550 5.7.26 This mail is unauthenticated"),
        (".", "554 5.3.0 Error: queue file write error"),
        ("connect", "554 no service"),
    ] {
        let error = refusal(&["-B", answer, "-f", command], "").await;
        assert!(!maybe_received(&error), "{command}: {error}");
        assert!(error.reply().contains(&answer[..3]), "{command}: {error}");
    }
}

#[tokio::test]
async fn a_line_that_breaks_leaves_doubt_only_after_the_mail_was_handed_over() {
    for command in ["connect", "mail", "rcpt", "data"] {
        assert!(!maybe_received(&refusal(&["-q", command], "").await), "{command}");
        assert!(!maybe_received(&refusal(&["-Q", command], "").await), "{command}");
    }
    assert!(maybe_received(&refusal(&["-q", "."], "").await));
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up_after_the_time_out() {
    for command in ["connect", "mail", "rcpt", "data"] {
        let error = refusal(&["-W", &format!("{command}:60")], "timeout = '200ms'").await;
        assert!(!maybe_received(&error), "{command}: {error}");
        assert!(error.reply().contains("within 0.2 s"), "{command}: {error}");
    }
    assert!(maybe_received(&refusal(&["-W", ".:60"], "timeout = '2s'").await));
}

/// A port that is taken, and on which nothing listens.
fn dead_port() -> (TcpSocket, u16) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let port = socket.local_addr().unwrap().port();
    (socket, port)
}

#[tokio::test]
async fn a_refused_connection_has_certainly_taken_nothing() {
    let (_taken, port) = dead_port();
    let error = to_port(port).send(&mail()).await.unwrap_err();
    assert!(!maybe_received(&error));
    assert!(error.reply().starts_with(&format!("cannot connect to 127.0.0.1:{port}: Connection refused")), "{error}");
}

#[tokio::test]
async fn a_line_is_used_again_and_so_after_a_refusal() {
    let server = Aiosmtpd::start(&json!({}));
    let transport = to_port(server.port);
    transport.send(&mail()).await.unwrap();
    let error = transport.send(&mail_to("refused@example.com")).await.unwrap_err();
    assert_eq!(error, SendError::Permanent { reply: "550 5.1.1 no such user".to_owned() });
    transport.send(&mail()).await.unwrap();
    transport.close().await;
    let told = server.end();
    assert_eq!((count(&told, "connected"), count(&told, "mail")), (1, 2));
    let commands = received(&told);
    assert!(commands.contains("RSET\r\n") && commands.ends_with("QUIT\r\n"), "{commands}");
}

#[tokio::test]
async fn a_server_that_hung_up_meanwhile_is_called_again() {
    let server = Aiosmtpd::start(&json!({ "hang_up": true }));
    let transport = to_port(server.port);
    for _ in 0..3 {
        assert_eq!(transport.send(&mail()).await.unwrap(), "250 2.0.0 queued as 7");
    }
    let told = server.end();
    assert_eq!((count(&told, "connected"), count(&told, "mail")), (3, 3));
}

#[tokio::test]
async fn a_line_that_was_given_up_is_not_used_again() {
    let server = Aiosmtpd::start(&json!({}));
    let transport = with_settings(server.port, "timeout = '2s'");
    transport.send(&mail()).await.unwrap();
    assert!(maybe_received(&transport.send(&mail_to("slow@example.com")).await.unwrap_err()));
    assert_eq!(transport.send(&mail()).await.unwrap(), "250 2.0.0 queued as 7");
    let told = server.end();
    assert_eq!((count(&told, "connected"), count(&told, "mail")), (2, 2));
}

#[tokio::test]
async fn no_more_lines_are_opened_than_allowed() {
    let server = Aiosmtpd::start(&json!({}));
    let transport = with_settings(server.port, "max_connections = 3");
    assert_eq!(transport.max_concurrent(), 3);
    let mail = mail();
    let outcomes = futures::future::join_all((0..30).map(|_| transport.send(&mail))).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    let told = server.end();
    assert_eq!((count(&told, "connected"), count(&told, "mail")), (3, 30));
}

#[tokio::test]
async fn an_address_beyond_ascii_needs_a_server_that_takes_it() {
    let mail = mail_to("用户@example.com");
    let server = Aiosmtpd::start(&json!({ "smtputf8": true }));
    to_port(server.port).send(&mail).await.unwrap();
    let told = server.end();
    assert!(received(&told).contains("SMTPUTF8"), "{told:?}");

    let server = Aiosmtpd::start(&json!({}));
    let transport = to_port(server.port);
    let error = transport.send(&mail).await.unwrap_err();
    assert!(matches!(&error, SendError::Permanent { reply } if reply.contains("SMTPUTF8")), "{error}");
    // An international domain alone needs nothing.
    transport.send(&mail_to("jo@例え.jp")).await.unwrap();
    assert!(received(&server.end()).contains("RCPT TO:<jo@xn--r8jz45g.jp>"));
}

#[tokio::test]
async fn a_test_of_the_way_out_sends_nothing() {
    let server = Aiosmtpd::start(&json!({}));
    to_port(server.port).test().await.unwrap();
    let told = server.end();
    assert_eq!(count(&told, "mail"), 0);
    assert!(received(&told).ends_with("EHLO vm\r\nQUIT\r\n"), "{told:?}");

    let (_taken, port) = dead_port();
    let problem = to_port(port).test().await.unwrap_err();
    assert!(
        problem.starts_with(&format!("smtp.url: cannot connect to 127.0.0.1:{port}: Connection refused")),
        "{problem}"
    );
}
