//! Several mail servers: which one a mail goes to, and what becomes of one that does not work.

use std::net::Ipv4Addr;
use std::time::Duration;

use mfa_enforcer::mail::transport::{About, SendError, Transport};
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpSocket};

use crate::scripted::{Scripted, WAITS, assert_taken_by, pass, to};
use crate::servers::{Aiosmtpd, Certificates, Sink, count};
use crate::support::{mail, mail_to, smtp_settings};

/// A port that is taken, and on which nothing listens.
fn dead_port() -> (TcpSocket, u16) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let port = socket.local_addr().unwrap().port();
    (socket, port)
}

#[tokio::test]
async fn the_first_that_works_takes_the_mail_and_the_reply_says_which() {
    let (first, second) = (Scripted::start().await, Scripted::start().await);
    let transport = to(&[first.port, second.port], "");
    assert_taken_by(first.port, &transport.send(&mail()).await.unwrap());
    assert_eq!((first.heard("."), second.heard("connect")), (1, 0));
    assert!(transport.is_loopback());
    let shown = format!(
        "smtp://127.0.0.1:{} (on this machine, not encrypted), else smtp://127.0.0.1:{} (on this machine, not encrypted)",
        first.port, second.port
    );
    assert_eq!(transport.to_string(), shown);
    let urls = format!("url = 'smtp://127.0.0.1:{} smtps://mail.ledger.example'", first.port);
    assert!(!Transport::from_settings(&smtp_settings(&urls)).unwrap().is_loopback());
}

#[tokio::test]
async fn the_next_one_takes_what_a_dead_one_cannot() {
    let (_taken, dead) = dead_port();
    let sink = Sink::start(&[]);
    assert_taken_by(sink.port, &to(&[dead, sink.port], "").send(&mail()).await.unwrap());
    assert_eq!(sink.mails().len(), 1);
}

#[tokio::test]
async fn one_that_hangs_leaves_time_for_the_next() {
    let sink = Sink::start(&[]);
    for command in ["connect", "mail", "rcpt", "data"] {
        let hanging = Sink::start(&["-W", &format!("{command}:60")]);
        let transport = to(&[hanging.port, sink.port], "timeout = '2s'");
        assert_taken_by(sink.port, &transport.send(&mail()).await.unwrap());
    }
    assert_eq!(sink.mails().len(), 4);
}

#[tokio::test]
async fn the_next_one_takes_what_one_that_closes_refuses() {
    for command in ["connect", "ehlo", "mail", "rcpt", "data"] {
        for answer in ["421 4.3.2 shutting down", ""] {
            let (first, second) = (Scripted::start().await, Scripted::start().await);
            first.answer(command, answer);
            let reply = to(&[first.port, second.port], "").send(&mail()).await.unwrap();
            assert_taken_by(second.port, &reply);
            assert_eq!((first.heard("."), second.heard(".")), (0, 1), "{command}");
        }
    }
}

#[tokio::test]
async fn the_next_one_takes_what_needs_a_password_that_is_refused() {
    let strict = Aiosmtpd::start(&json!({ "user": "mailer", "password": "right" }));
    let open = Sink::start(&[]);
    let urls = format!("url = 'smtp://mailer:wrong@127.0.0.1:{} smtp://127.0.0.1:{}'", strict.port, open.port);
    let transport = Transport::from_settings(&smtp_settings(&urls)).unwrap();
    assert_taken_by(open.port, &transport.send(&mail()).await.unwrap());
    assert!(!format!("{transport:?} {transport}").contains("wrong"));
    assert_eq!(count(&strict.end(), "mail"), 0);
}

#[tokio::test]
async fn the_next_one_takes_what_cannot_be_encrypted() {
    let certificates = Certificates::make();
    let plain = Aiosmtpd::start(&json!({}));
    let (cert, key) = (certificates.path("right.pem"), certificates.path("right.key"));
    let encrypted = Aiosmtpd::start(&json!({ "cert": cert, "key": key }));
    let settings = format!(
        "url = 'smtp://localhost:{} smtp://localhost:{}'\ntls = 'required'\nca_file = '{}'",
        plain.port,
        encrypted.port,
        certificates.path("ca.pem").display()
    );
    let transport = Transport::from_settings(&smtp_settings(&settings)).unwrap();
    let reply = transport.send(&mail()).await.unwrap();
    assert_eq!(reply, format!("250 2.0.0 queued as 7 (localhost:{})", encrypted.port));
    assert_eq!((count(&plain.end(), "mail"), count(&encrypted.end(), "mail")), (0, 1));
}

#[tokio::test]
async fn what_is_refused_for_what_it_is_is_asked_of_no_other() {
    for (command, answer, about) in [
        ("rcpt", "550 5.1.1 no such user", None),
        ("rcpt", "452 4.2.2 mailbox full", Some(About::ThisMail)),
        ("data", "451 try later", Some(About::ThisMail)),
        (".", "554 5.6.0 not to be read", None),
        ("mail", "451 4.3.0 out of order", Some(About::AllMail)),
        ("rcpt", "554 5.7.1 Relay access denied", Some(About::AllMail)),
    ] {
        let (first, second) = (Scripted::start().await, Scripted::start().await);
        first.answer(command, answer);
        let transport = to(&[first.port, second.port], "");
        let reply = format!("{answer} (127.0.0.1:{})", first.port);
        let expected = match about {
            None => SendError::Permanent { reply },
            Some(about) => SendError::Transient { reply, about, maybe_received: false },
        };
        assert_eq!(transport.send(&mail()).await, Err(expected));
        assert_eq!(second.heard("connect"), 0, "{answer}");
        // And the first is as good as before.
        assert_taken_by(first.port, &transport.send(&mail()).await.unwrap());
    }
}

#[tokio::test]
async fn what_may_have_been_taken_is_given_to_no_other() {
    for (answer, maybe_received) in [("", true), ("421 4.3.2 shutting down", false), ("354 what?", true)] {
        let (first, second) = (Scripted::start().await, Scripted::start().await);
        first.answer(".", answer);
        let error = to(&[first.port, second.port], "").send(&mail()).await.unwrap_err();
        let expected = matches!(&error, SendError::Transient { about: About::AllMail, maybe_received: found, .. } if *found == maybe_received);
        assert!(expected, "{answer}: {error}");
        assert_eq!(second.heard("connect"), 0, "{answer}");
    }
    let (slow, second) = (Aiosmtpd::start(&json!({})), Scripted::start().await);
    let transport = to(&[slow.port, second.port], "timeout = '4s'");
    let error = transport.send(&mail_to("slow@example.com")).await.unwrap_err();
    assert!(matches!(&error, SendError::Transient { maybe_received: true, .. }), "{error}");
    assert!(error.reply().contains("within 4 s"), "it was waited for to the end: {error}");
    assert_eq!(second.heard("connect"), 0);
}

#[tokio::test]
async fn where_none_works_each_is_named() {
    let (_one, first) = dead_port();
    let (_other, second) = dead_port();
    let transport = to(&[first, second], "");
    let error = transport.send(&mail()).await.unwrap_err();
    for port in [first, second] {
        assert!(error.reply().contains(&format!("cannot connect to 127.0.0.1:{port}: ")), "{error}");
    }
    assert!(matches!(&error, SendError::Transient { about: About::AllMail, maybe_received: false, .. }), "{error}");
    // `check` tells of each that is wrong as well.
    assert_eq!(transport.test().await.unwrap_err().lines().count(), 2);
}

#[tokio::test]
async fn a_test_asks_each_of_them() {
    let sink = Sink::start(&[]);
    let (_taken, dead) = dead_port();
    let problem = to(&[sink.port, dead], "").test().await.unwrap_err();
    assert!(problem.starts_with(&format!("smtp.url: cannot connect to 127.0.0.1:{dead}: ")), "{problem}");
    to(&[sink.port, sink.port], "").test().await.unwrap();
}

#[tokio::test]
async fn one_that_does_not_work_is_avoided_and_then_tried_by_one_mail() {
    let (first, second) = (Scripted::start().await, Scripted::start().await);
    let transport = to(&[first.port, second.port], "");
    first.answer("connect", "421 4.3.2 no");
    for _ in 0..3 {
        assert_taken_by(second.port, &transport.send(&mail()).await.unwrap());
    }
    assert_eq!(first.heard("connect"), 1, "the first mail alone asked it");

    // Thirty seconds later one mail tries it, in vain, and from then on it is avoided for a minute.
    pass(Duration::from_secs(30)).await;
    first.answer("connect", "421 4.3.2 no");
    for _ in 0..3 {
        assert_taken_by(second.port, &transport.send(&mail()).await.unwrap());
    }
    assert_eq!(first.heard("connect"), 2);
    pass(Duration::from_secs(45)).await;
    assert_taken_by(second.port, &transport.send(&mail()).await.unwrap());
    assert_eq!(first.heard("connect"), 2);

    // Then it works, and is preferred again.
    pass(Duration::from_secs(20)).await;
    for _ in 0..2 {
        assert_taken_by(first.port, &transport.send(&mail()).await.unwrap());
    }
}

#[tokio::test]
async fn one_mail_at_a_time_tries_it_again() {
    let (first, second) = (Scripted::start().await, Scripted::start().await);
    let transport = to(&[first.port, second.port], "");
    first.answer("connect", "");
    transport.send(&mail()).await.unwrap();
    pass(Duration::from_secs(30)).await;
    first.answer("connect", "");
    let mail = mail();
    let outcomes = futures::future::join_all((0..4).map(|_| transport.send(&mail))).await;
    for outcome in outcomes {
        assert_taken_by(second.port, &outcome.unwrap());
    }
    assert_eq!(first.heard("connect"), 2);
}

#[tokio::test]
async fn mail_is_never_stuck_where_all_are_avoided() {
    let (first, second) = (Scripted::start().await, Scripted::start().await);
    let transport = to(&[first.port, second.port], "");
    first.answer("connect", "");
    second.answer("connect", "");
    transport.send(&mail()).await.unwrap_err();
    // No time has passed: the one whose time comes first is tried anyway.
    assert_taken_by(first.port, &transport.send(&mail()).await.unwrap());

    let alone = Scripted::start().await;
    let transport = to(&[alone.port], "");
    for _ in 0..2 {
        alone.answer("connect", "");
        transport.send(&mail()).await.unwrap_err();
    }
    assert_eq!(alone.heard("connect"), 2);
    // A campaign does not knock on its door with every mail, and these count no attempt.
    for _ in 0..100 {
        let error = transport.send(&mail()).await.unwrap_err();
        assert!(matches!(&error, SendError::Transient { about: About::NoTurn, .. }), "{error}");
        assert!(error.reply().starts_with("not sent: nothing works of 127.0.0.1:"), "{error}");
    }
    assert_eq!(alone.heard("connect"), 2);
    pass(Duration::from_secs(1)).await;
    assert_eq!(transport.send(&mail()).await.unwrap(), "250 2.0.0 fine");
    assert_eq!(transport.send(&mail()).await.unwrap(), "250 2.0.0 fine");
}

#[tokio::test]
async fn a_line_that_is_there_late_is_for_the_next_mail() {
    let slow = Sink::start(&["-W", "connect:2"]);
    let transport = to(&[slow.port], "timeout = '3s'");
    let error = transport.send(&mail()).await.unwrap_err();
    assert!(matches!(&error, SendError::Transient { about: About::NoLine, maybe_received: false, .. }), "{error}");
    assert!(error.reply().contains("took so long to greet"), "{error}");
    transport.send(&mail()).await.unwrap();
    assert_eq!(slow.mails().len(), 1);
}

#[tokio::test]
async fn one_that_takes_so_many_mails_on_a_line_is_sent_to_at_full_speed_on_the_next() {
    let server = Scripted::start().await;
    let transport = to(&[server.port], "");
    let answers = [
        ("mail", "421 too many messages in this connection"),
        ("mail", "421 4.7.0 too many messages in this session"),
        ("rcpt", "421 4.7.1 recipients per connection exceeded"),
        ("data", "421 4.4.2 closing"),
    ];
    transport.send(&mail()).await.unwrap();
    for (command, answer) in answers {
        server.answer(command, answer);
        transport.send(&mail()).await.unwrap();
    }
    let outcomes = futures::future::join_all((0..4).map(|_| async { transport.send(&mail()).await })).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(server.heard("."), 9);
}

#[tokio::test]
async fn one_that_takes_no_more_lines_is_sent_to_on_those_that_it_took() {
    let (server, other) = (Scripted::start().await, Scripted::start().await);
    let alone = to(&[server.port], "max_connections = 2");
    let mail = mail();
    let send_all = async |many| futures::future::join_all((0..many).map(|_| alone.send(&mail))).await;
    alone.send(&mail).await.unwrap();
    // The mail for which there was no line waits for the one that there is.
    server.answer("mail", WAITS);
    let without_a_line = async {
        server.hears("mail", 2).await;
        server.answer("connect", "421 4.7.0 too many connections from you");
        alone.send(&mail).await
    };
    let once_refused = async {
        server.hears("connect", 2).await;
        server.goes_on();
    };
    let (first, second, ()) = tokio::join!(alone.send(&mail), without_a_line, once_refused);
    assert!(first.is_ok() && second.is_ok(), "{first:?} {second:?}");
    assert_eq!(server.heard("connect"), 2);
    // At full speed, on one line.
    assert!(send_all(20).await.iter().all(Result::is_ok));
    assert_eq!(server.heard("connect"), 2);
    // Another is tried ten minutes later; by then the first has waited for too long to be used again.
    pass(Duration::from_mins(10)).await;
    assert!(send_all(20).await.iter().all(Result::is_ok));
    assert_eq!(server.heard("connect"), 4);
    // A day later no more are tried than the settings allow.
    pass(Duration::from_hours(24)).await;
    assert!(send_all(20).await.iter().all(Result::is_ok));
    assert_eq!(server.heard("connect"), 6);

    // Where there is another server, it takes what is left over.
    let both = to(&[server.port, other.port], "max_connections = 2");
    both.send(&mail).await.unwrap();
    let heard = server.heard("mail");
    server.answer("mail", WAITS);
    let left_over = async {
        server.hears("mail", heard + 1).await;
        server.answer("connect", "421 4.7.0 too many connections from you");
        let outcome = both.send(&mail).await;
        server.goes_on();
        outcome
    };
    let (first, second) = tokio::join!(both.send(&mail), left_over);
    assert_taken_by(server.port, &first.unwrap());
    assert_taken_by(other.port, &second.unwrap());
}

/// The first line is opened alone: by a refusal beside it is known that the server works, and takes fewer lines.
#[tokio::test]
async fn one_that_takes_few_lines_is_not_taken_for_one_that_does_not_work() {
    let server = Scripted::start().await;
    let transport = to(&[server.port], "max_connections = 5");
    for answer in ["220 ready", "421 too many", "421 too many", "421 too many", "421 too many"] {
        server.answer("connect", answer);
    }
    let mail = mail();
    let outcomes = futures::future::join_all((0..20).map(|_| transport.send(&mail))).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(server.heard("."), 20);
}

#[tokio::test]
async fn one_that_closes_further_lines_without_a_word_is_sent_to_on_those_that_it_took() {
    let server = Scripted::start().await;
    let transport = to(&[server.port], "max_connections = 2");
    let mail = mail();
    let send_all = async |many| futures::future::join_all((0..many).map(|_| transport.send(&mail))).await;
    transport.send(&mail).await.unwrap();
    server.answer("connect", "");
    for many in [2, 20] {
        assert!(send_all(many).await.iter().all(Result::is_ok));
        assert_eq!(server.heard("connect"), 2);
    }
    // Another is tried after a while.
    pass(Duration::from_secs(20)).await;
    assert!(send_all(20).await.iter().all(Result::is_ok));
    assert_eq!(server.heard("connect"), 3);
}

#[tokio::test]
async fn one_that_has_taken_nothing_and_closes_every_line_does_not_work() {
    let server = Scripted::start().await;
    server.answer("connect", "");
    let error = to(&[server.port], "").send(&mail()).await.unwrap_err();
    assert!(matches!(error, SendError::Transient { about: About::AllMail, .. }), "{error}");
}

#[tokio::test]
async fn an_answer_without_end_is_not_listened_to() {
    for babble in [[b'x'; 4096].to_vec(), b"220-\r\n".repeat(4000)] {
        is_not_listened_to(babble).await;
    }
}

async fn is_not_listened_to(babble: Vec<u8>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let babbling = tokio::spawn(async move {
        let (mut line, _) = listener.accept().await.unwrap();
        let mut said: usize = 0;
        while line.write_all(&babble).await.is_ok() {
            said += babble.len();
        }
        said
    });
    let error = to(&[port], "").send(&mail()).await.unwrap_err();
    assert!(error.reply().contains("an answer without end"), "{error}");
    assert!(babbling.await.unwrap() < 64 * 1024 * 1024, "what the line's own buffers take, at the most");
}

/// RFC 5321, 4.2: a code may come without words. Not heard, the mail would go out again.
#[tokio::test]
async fn codes_without_words_are_answers() {
    let server = Scripted::start().await;
    for (command, answer) in [("connect", "220"), ("mail", "250"), ("rcpt", "250"), ("data", "354"), (".", "250")] {
        server.answer(command, answer);
    }
    let transport = to(&[server.port], "");
    assert_eq!(transport.send(&mail()).await.unwrap(), "250");
    server.answer("rcpt", "550");
    let error = transport.send(&mail()).await.unwrap_err();
    assert!(matches!(error, SendError::Permanent { .. }), "{error}");
    assert_eq!(server.heard("connect"), 1);
}

#[tokio::test]
async fn a_password_that_is_repeated_later_is_shown_to_nobody() {
    let server = Scripted::start().await;
    let transport = to(&[server.port], "username = 'mailer'\npassword = 's3cret'");
    // `AUTH PLAIN` with it, as the server may have kept it.
    server.answer("rcpt", "550 5.1.1 after AUTH PLAIN AG1haWxlcgBzM2NyZXQ= s3cret: no such user");
    match transport.send(&mail()).await {
        Err(error) => assert!(!error.reply().contains("s3cret") && !error.reply().contains("AG1haWxlcg"), "{error}"),
        Ok(reply) => panic!("{reply}"),
    }
}

/// It would be handed over with too little time left for the answer, and might come twice.
#[tokio::test]
async fn a_mail_that_waits_for_a_line_goes_without_rather_than_late() {
    let server = Scripted::start().await;
    server.answer(".", "...");
    let transport = to(&[server.port], "max_connections = 1\ntimeout = '60s'");
    let mail = mail();
    let (taken, mut waiting) = (transport.send(&mail), std::pin::pin!(transport.send(&mail)));
    let time = async {
        while server.heard(".") == 0 {
            tokio::task::yield_now().await;
        }
        pass(Duration::from_secs(31)).await;
        std::future::pending::<()>().await;
    };
    let error = tokio::select! {
        biased;
        outcome = taken => panic!("{outcome:?}"),
        outcome = &mut waiting => outcome.unwrap_err(),
        () = time => unreachable!(),
    };
    assert!(matches!(&error, SendError::Transient { about: About::NoLine, maybe_received: false, .. }), "{error}");
    assert_eq!(server.heard("data"), 1);
}
