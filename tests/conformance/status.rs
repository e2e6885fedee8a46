//! What an operator is told, in numbers.

use chrono::TimeDelta;
use mfa_enforcer::domain::time::Timestamp;
use mfa_enforcer::mail::transport::{About, SendError};
use mfa_enforcer::store::claim::ClaimTerms;
use mfa_enforcer::store::reconcile::Authority;
use mfa_enforcer::tasks::dates::Order;
use mfa_enforcer::tasks::{Expand, Reconcile, Task, run_task};

use crate::support::vendor::{add_company, add_member, add_user, company_id};
use crate::support::{Rehearsal, TestDatabase, on_both};

on_both!(
    figures_tell_what_is_due,
    what_died_with_its_daemon_is_due_again,
    held_ones_wait_and_are_named,
    unknown_zones_are_counted
);

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

async fn figures_tell_what_is_due(db: &TestDatabase) {
    let company = add_company(db, 1).await;
    for number in 1..=2 {
        let user = add_user(db, number).await;
        add_member(db, company, user).await;
    }
    let daemon = Rehearsal::new(db, at("2026-11-23T11:00:00Z")).await;
    db.execute("UPDATE companies SET enforcement_date = '2027-01-15'").await;
    let store = &daemon.services.store;
    assert_eq!(store.figures(daemon.now()).await.unwrap().unreconciled, 1);
    daemon.settle().await;
    let figures = store.figures(daemon.now()).await.unwrap();
    assert_eq!((figures.unreconciled, figures.scheduled, figures.due_notices, figures.oldest_due), (0, 1, 0, None));
    assert_eq!(store.next_due(daemon.now()).await.unwrap(), Some(at("2026-11-23T11:15:00Z")));

    let busy = SendError::Transient { reply: "451 busy".to_owned(), about: About::AllMail, maybe_received: false };
    daemon.mail.refuse("user1@example.com", busy);
    daemon.live_until(Some(at("2026-11-23T11:15:30Z"))).await;
    let figures = store.figures(daemon.now()).await.unwrap();
    assert_eq!((figures.put_off_notices, figures.oldest_put_off), (1, Some(at("2026-11-23T11:15:00Z"))));
    assert_eq!(figures.last_sent_at, Some(at("2026-11-23T11:15:00Z")));
    daemon.mail.accept("user1@example.com");

    // Nobody runs any more.
    let later = at("2027-01-15T12:00:00Z");
    let figures = store.figures(later).await.unwrap();
    assert_eq!((figures.due_notices, figures.oldest_due), (1, Some(at("2026-11-23T11:15:00Z"))));
    assert_eq!((figures.due_flips, figures.oldest_flip), (1, Some(at("2027-01-14T23:00:00Z"))));
    daemon.services.clock.set(later);
    daemon.settle().await;
    let figures = store.figures(later).await.unwrap();
    assert_eq!((figures.due_flips, figures.oldest_flip, figures.in_force, figures.due_notices), (0, None, 1, 0));
}

/// A claim that nobody gives back any more is due when its lease has run out.
async fn what_died_with_its_daemon_is_due_again(db: &TestDatabase) {
    let company = add_company(db, 1).await;
    let user = add_user(db, 1).await;
    add_member(db, company, user).await;
    let daemon = Rehearsal::new(db, at("2026-11-23T11:00:00Z")).await;
    db.execute("UPDATE companies SET enforcement_date = '2027-01-15'").await;
    daemon.settle().await;
    daemon.services.clock.set(at("2026-11-23T11:15:00Z"));
    for task in [&Expand as &dyn Task, &Reconcile] {
        run_task(task, &daemon.services).await.unwrap();
    }
    let terms = ClaimTerms { limit: 10, lease: TimeDelta::minutes(5), message_id_domain: "example.com".to_owned() };
    let claim = daemon.services.store.claim(&terms, daemon.now(), &daemon.services.policy).await.unwrap();
    assert_eq!(claim.mails.len(), 1);
    daemon.settle().await;
    assert_eq!(daemon.mail.received().len(), 0, "its claim holds");
    let due = daemon.services.store.next_due(daemon.now()).await.unwrap();
    assert_eq!(due, Some(at("2026-11-23T11:20:00.000001Z")));
    daemon.live_until(Some(at("2026-11-23T11:21:00Z"))).await;
    assert_eq!(daemon.mail.received().len(), 1);
}

async fn held_ones_wait_and_are_named(db: &TestDatabase) {
    let company = add_company(db, 1).await;
    let user = add_user(db, 1).await;
    add_member(db, company, user).await;
    let daemon = Rehearsal::new(db, at("2026-11-23T11:00:00Z")).await;
    db.execute("UPDATE companies SET enforcement_date = '2027-01-15'").await;
    daemon.live_until(Some(at("2026-12-15T12:00:00Z"))).await;
    db.execute("UPDATE companies SET mfa_available = false, external_id = 'acme'").await;
    daemon.settle().await;
    let later = at("2027-01-20T12:00:00Z");
    let figures = daemon.services.store.figures(later).await.unwrap();
    assert_eq!((figures.held, figures.scheduled, figures.due_notices, figures.due_flips), (1, 0, 0, 0));
    let held = daemon.services.store.held_enforcements().await.unwrap();
    assert_eq!(held.len(), 1);
    assert_eq!(held[0].company_external_id.as_deref(), Some("acme"));
    assert_eq!(held[0].reason.as_deref(), Some("mfa_not_available"));
    let store = &daemon.services.store;
    assert_eq!(store.next_due(daemon.now()).await.unwrap(), None, "its reminders wait for a person");

    daemon.services.clock.set(later);
    db.execute("UPDATE companies SET mfa_available = true").await;
    let authority = Authority { actor: "Jo", override_notice: true, reason: Some("agreed") };
    let order = Order {
        store: store.as_ref(),
        company: "acme",
        authority: &authority,
        now: later,
        policy: &daemon.services.policy,
        chunk: 100,
    };
    order.release().await.unwrap();
    let figures = store.figures(later).await.unwrap();
    assert_eq!((figures.due_flips, figures.oldest_flip), (1, Some(later)), "due since it was released");
}

async fn unknown_zones_are_counted(db: &TestDatabase) {
    let daemon = Rehearsal::new(db, at("2026-11-23T11:00:00Z")).await;
    for number in 1..=4 {
        add_company(db, number).await;
    }
    let third = company_id(3);
    db.execute(&format!("UPDATE companies SET enforcement_date = '2027-01-15' WHERE id = '{third}'")).await;
    daemon.settle().await;
    db.execute(&format!("UPDATE companies SET time_zone = 'Mars/Base' WHERE id >= '{third}'")).await;
    daemon.settle().await;
    let unknown = daemon.services.store.unknown_zones().await.unwrap();
    assert_eq!(unknown.len(), 1);
    let zone = &unknown[0];
    assert_eq!((zone.time_zone.as_str(), zone.companies, zone.scheduled, zone.example), ("Mars/Base", 2, 1, third));
}
