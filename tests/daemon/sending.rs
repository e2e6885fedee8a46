//! Mail for trials: one that is really sent, and all of it for one address.

use std::fs;

use crate::installation::Installation;
use crate::servers::Sink;
use crate::support::{TestDatabase, on_both};

on_both!(for_trials_every_mail_goes_to_one_address);

#[tokio::test]
async fn a_test_mail_arrives_as_all_mail_does() {
    let sink = Sink::start(&[]);
    let mut installation = Installation::bare();
    installation.set("smtp.url", &format!("smtp://127.0.0.1:{}", sink.port)).set("database.url", "sqlite://none/x.db");
    let arguments = ["notice", "send-test", "--to", "jo@acme.test", "--kind", "now_required", "--language", "de"];
    let said = installation.succeeds(&arguments).await;
    assert!(said.starts_with("Sent now_required to jo@acme.test: 250 "), "{said}");
    let [mail] = &sink.mails()[..] else { panic!("{:?}", sink.mails()) };
    let mail = fs::read_to_string(mail).unwrap();
    let id = said.split("Message-ID is ").nth(1).unwrap().trim_end().trim_end_matches('.');
    assert!(mail.contains(&format!("Message-ID: {id}")) && mail.contains("Guten Tag Ada Lovelace,"), "{mail}");

    let json = installation.succeeds(&["notice", "send-test", "--to", "jo@acme.test", "--json"]).await;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["to"], serde_json::json!(["jo@acme.test"]));
    for (address, expected) in [("nobody", "is not an e-mail address"), ("a@b\r\nRCPT", "names nothing")] {
        let ended = installation.run(&["notice", "send-test", "--to", address]).await;
        assert!(ended.code != Some(0) && ended.stderr.contains(expected), "{}", ended.stderr);
    }
    let message = installation.fails(&["notice", "send-test", "--to", "jo@acme.test", "--language", "xx"]).await;
    assert!(message.contains("there are no notices in 'xx'"), "{message}");
    installation.set("smtp.url", "smtp://127.0.0.1:1");
    let message = installation.fails(&["notice", "send-test", "--to", "jo@acme.test"]).await;
    assert!(message.starts_with("mfa-enforcer: not sent: "), "{message}");
}

async fn for_trials_every_mail_goes_to_one_address(db: &TestDatabase) {
    db.execute(
        "INSERT INTO companies (id, name, time_zone, enforcement_date) VALUES
             ('0c000000-0000-4000-8000-000000000001', 'Acme', 'Europe/Berlin', '2027-01-15')",
    )
    .await;
    for (number, address) in [(1, "li@acme.test"), (2, "jo@acme.test")] {
        let id = format!("0e000000-0000-4000-8000-00000000000{number}");
        db.execute(&format!("INSERT INTO users (id, email, name) VALUES ('{id}', '{address}', 'User {number}')")).await;
        let sql = format!(
            "INSERT INTO memberships (company_id, user_id) VALUES ('0c000000-0000-4000-8000-000000000001', '{id}')"
        );
        db.execute(&sql).await;
    }
    let mut installation = Installation::on(db);
    installation.set("clock.simulated", "true").set("smtp.redirect_all_to", "staging@acme.test");
    for at in ["2026-12-01T09:00:00Z", "2026-12-01T09:15:00Z"] {
        installation.succeeds(&["run", "--once", "--at", at]).await;
    }
    let mut originals = Vec::new();
    for mail in installation.mails() {
        let mail = fs::read_to_string(mail).unwrap();
        assert!(mail.contains("<staging@acme.test>\r\n"), "{mail}");
        assert!(!mail.contains("\r\nTo: \"User 1\" <li@acme.test>"), "{mail}");
        originals.push(mail.split("X-Original-To: ").nth(1).unwrap().split("\r\n").next().unwrap().to_owned());
    }
    originals.sort();
    assert_eq!(originals, ["jo@acme.test", "li@acme.test"]);
    let rows = db.rows("SELECT address FROM mails ORDER BY address").await;
    assert_eq!(rows, [["jo@acme.test"], ["li@acme.test"]], "on record is whom it was for");
    let status = installation.run(&["status", "--at", "2026-12-01T09:16:00Z"]).await;
    let expected = "every mail goes to staging@acme.test alone (smtp.redirect_all_to)";
    assert!(status.stdout.contains(expected), "{}", status.stdout);
}
