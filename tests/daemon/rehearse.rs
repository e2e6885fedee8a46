//! A rehearsal beside a running daemon: neither notices the other.

use std::fs;

use chrono::Days;
use serde_json::Value;

use crate::installation::Installation;
use crate::rows::{a_date, add_company_of, add_payee, sent, set_date};
use crate::support::{TestDatabase, on_both};

on_both!(a_rehearsal_works_beside_the_daemon);

async fn a_rehearsal_works_beside_the_daemon(db: &TestDatabase) {
    let company = add_company_of(db, 1, 3).await;
    let installation = Installation::on(db);
    let mut daemon = installation.daemon().await;
    set_date(db, company).await;
    sent(db, 3).await;
    // It has remembered that its clock is the real one, and the copy is played all the same.
    let until = (a_date() + Days::new(2)).to_string();
    let played = installation.succeeds(&["rehearse", "--until", &until, "--json"]).await;
    let shown: Value = serde_json::from_str(&played).unwrap();
    assert_eq!((&shown["summary"]["newly_required"], &shown["summary"]["failed"]), (&3.into(), &0.into()), "{played}");
    assert!(!played.contains("hush-db"), "{played}");
    assert!(!daemon.has_ended(), "{}", daemon.stderr());
    assert_eq!(db.value("SELECT count(*) FROM requirements").await, "0");
    assert_eq!(db.value("SELECT count(*) FROM mails").await, "3");
    assert_eq!(installation.mails().len(), 3, "a rehearsal's mails are in a folder of their own");
    let mails = fs::read_dir(installation.folder().join(shown["mails"].as_str().unwrap())).unwrap().count();
    assert_eq!(shown["summary"]["mails"], mails);

    add_payee(db, 9).await;
    sent(db, 4).await;
    daemon.signal("TERM");
    assert_eq!(daemon.ended().await.code, Some(0));
}
