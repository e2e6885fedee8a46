//! Mail servers that ask for less: of all mail, or of that to one domain.

use std::time::Duration;

use mfa_enforcer::mail::transport::{About, SendError, Transport};

use crate::scripted::{Scripted, assert_taken_by, pass, to};
use crate::support::{mail, mail_to};

#[tokio::test]
async fn one_that_asks_for_less_gets_less_until_it_takes_mail_again() {
    let server = Scripted::start().await;
    let transport = to(&[server.port], "timeout = '1s'");
    let answers =
        ["450 4.7.1 too fast", "452 4.3.2 not now", "421 too fast", "451 4.7.0 too fast", "450 4.7.1 too fast"];
    for answer in answers {
        server.answer("mail", answer);
        if answer.starts_with("421") {
            // On a line that was in use this may be about the line, so that a new one is asked.
            server.answer("mail", answer);
        }
        let error = transport.send(&mail()).await.unwrap_err();
        assert!(error.reply().starts_with(answer), "{error}");
        assert!(matches!(&error, SendError::Transient { about: About::AllMail, .. }), "{error}");
        pass(Duration::from_secs(30)).await;
    }
    // The spacing is sixteen seconds by now: the second mail would have to wait for longer than an attempt may take.
    let mail = mail();
    transport.send(&mail).await.unwrap();
    for _ in 0..2 {
        let error = transport.send(&mail).await.unwrap_err();
        assert!(error.reply().starts_with("not sent: there are others before it"), "{error}");
        assert!(matches!(&error, SendError::Transient { about: About::NoTurn, .. }), "{error}");
        pass(Duration::from_secs(5)).await;
    }
    pass(Duration::from_secs(6)).await;
    transport.send(&mail).await.unwrap();
    assert_eq!(server.heard("."), 2);
    // It takes mail again, and the spacing goes.
    for _ in 0..60 {
        pass(Duration::from_secs(16)).await;
        transport.send(&mail).await.unwrap();
    }
    let outcomes = futures::future::join_all((0..4).map(|_| transport.send(&mail))).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
}

/// What is refused for now after RCPT TO, on a new line.
async fn is_refused(transport: &Transport, server: &Scripted, address: &str, answer: &'static str) {
    server.answer("rcpt", answer);
    if answer.starts_with("421") && server.heard(".") > 0 {
        server.answer("rcpt", answer);
    }
    let error = transport.send(&mail_to(address)).await.unwrap_err();
    assert!(matches!(&error, SendError::Transient { about: About::AllMail, .. }), "{error}");
}

/// The same four times, so that the domain's next turn comes in eight seconds: no machine is so busy that it is then already.
async fn is_refused_often(transport: &Transport, server: &Scripted, address: &str, answer: &'static str) {
    for _ in 0..4 {
        pass(Duration::from_secs(30)).await;
        is_refused(transport, server, address, answer).await;
    }
}

#[tokio::test]
async fn one_that_takes_less_for_a_domain_holds_up_no_other() {
    for answer in ["421 4.7.0 not for this domain now", "450 4.7.1 not for this domain now"] {
        let server = Scripted::start().await;
        let transport = to(&[server.port], "");
        is_refused_often(&transport, &server, "ada@acme.test", answer).await;
        let (acme, other) = (mail_to("grace@ACME.test"), mail_to("ada@ledger.test"));
        for _ in 0..20 {
            transport.send(&other).await.unwrap();
        }
        let error = transport.send(&acme).await.unwrap_err();
        let SendError::Transient { about: About::PutOff(wait), maybe_received: false, .. } = error else {
            panic!("{error}");
        };
        assert!(transport.put_off(&acme).is_some() && transport.put_off(&other).is_none());
        assert!(wait <= Duration::from_secs(16), "{wait:?}");
        assert!(error.reply().ends_with("takes one mail after the other for this domain"), "{error}");
        assert_eq!(server.heard("rcpt"), 24, "it was not asked");
        // Its next one is not announced behind another.
        pass(wait).await;
        transport.send(&acme).await.unwrap();
        transport.send(&other).await.unwrap();
    }
}

#[tokio::test]
async fn one_that_takes_less_for_any_domain_gets_less() {
    let server = Scripted::start().await;
    let transport = to(&[server.port], "timeout = '1s'");
    for address in ["ada@acme.test", "ada@ledger.test"] {
        is_refused(&transport, &server, address, "450 4.7.1 too fast").await;
    }
    for address in ["ada@third.test", "ada@fourth.test", "ada@fifth.test", "ada@sixth.test"] {
        pass(Duration::from_secs(30)).await;
        is_refused(&transport, &server, address, "450 4.7.1 too fast").await;
    }
    // Its turn comes in eight seconds: too late for this attempt.
    let error = transport.send(&mail_to("ada@other.test")).await.unwrap_err();
    assert!(matches!(&error, SendError::Transient { about: About::NoTurn, .. }), "{error}");
    pass(Duration::from_secs(30)).await;
    transport.send(&mail_to("ada@other.test")).await.unwrap();
    // A mail was taken, so that what is refused next is about its domain again.
    pass(Duration::from_secs(30)).await;
    is_refused_often(&transport, &server, "ada@seventh.test", "450 4.7.1 too fast").await;
    assert!(transport.put_off(&mail_to("ada@seventh.test")).is_some());
    pass(Duration::from_secs(30)).await;
    transport.send(&mail_to("ada@other.test")).await.unwrap();
}

/// After an outage, say: of the mails at the head of the queue none may go.
#[tokio::test]
async fn a_mail_that_is_put_off_takes_nobodys_try_at_one_that_did_not_work() {
    let server = Scripted::start().await;
    let transport = to(&[server.port], "");
    is_refused_often(&transport, &server, "ada@acme.test", "421 4.7.0 not for this domain now").await;
    server.answer("connect", "");
    transport.send(&mail_to("ada@ledger.test")).await.unwrap_err();
    for _ in 0..20 {
        let error = transport.send(&mail_to("ada@acme.test")).await.unwrap_err();
        assert!(matches!(&error, SendError::Transient { about: About::PutOff(_), .. }), "{error}");
    }
    transport.send(&mail_to("ada@ledger.test")).await.unwrap();
}

#[tokio::test]
async fn what_is_refused_for_a_domain_ends_no_other_line() {
    let server = Scripted::start().await;
    let transport = to(&[server.port], "max_connections = 2");
    let other = mail_to("ada@ledger.test");
    let both = async || futures::future::join_all((0..2).map(|_| transport.send(&other))).await;
    transport.send(&other).await.unwrap();
    assert!(both().await.iter().all(Result::is_ok));
    assert_eq!(server.heard("connect"), 2);
    // On one of the lines, and on a new one.
    is_refused(&transport, &server, "ada@acme.test", "421 4.7.0 not for this domain now").await;
    assert_eq!(server.heard("connect"), 3);
    assert!(both().await.iter().all(Result::is_ok));
    assert_eq!(server.heard("connect"), 4, "one was left");
}

#[tokio::test]
async fn what_one_takes_less_of_for_a_domain_goes_to_the_next() {
    let (first, second) = (Scripted::start().await, Scripted::start().await);
    let transport = to(&[first.port, second.port], "");
    for _ in 0..4 {
        pass(Duration::from_secs(30)).await;
        first.answer("rcpt", "421 4.7.0 not for this domain now");
        assert_taken_by(second.port, &transport.send(&mail_to("ada@acme.test")).await.unwrap());
    }
    assert_taken_by(second.port, &transport.send(&mail_to("ada@acme.test")).await.unwrap());
    assert_taken_by(first.port, &transport.send(&mail_to("ada@ledger.test")).await.unwrap());
    assert_eq!(first.heard("rcpt"), 5);
}

#[tokio::test]
async fn what_one_that_asks_for_less_has_no_turn_for_goes_to_the_next() {
    let (first, second) = (Scripted::start().await, Scripted::start().await);
    let transport = to(&[first.port, second.port], "timeout = '2s'");
    first.answer("mail", "450 4.7.1 too fast");
    transport.send(&mail()).await.unwrap_err();
    assert_taken_by(second.port, &transport.send(&mail()).await.unwrap());
    pass(Duration::from_secs(1)).await;
    assert_taken_by(first.port, &transport.send(&mail()).await.unwrap());
}

#[tokio::test]
async fn at_the_end_no_mail_waits_for_its_turn() {
    let server = Scripted::start().await;
    let transport = to(&[server.port], "timeout = '60s'");
    server.answer("mail", "450 4.7.1 too fast");
    transport.send(&mail()).await.unwrap_err();
    transport.end();
    // Its turn would come in a second; time stands still.
    tokio::time::pause();
    let error = transport.send(&mail()).await.unwrap_err();
    assert!(error.reply().starts_with("not sent: there are others before it"), "{error}");
}
