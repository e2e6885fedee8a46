//! Holding, releasing and reverting are foretold as they then come.

use mfa_enforcer::store::forecast::Proposal;

use super::forecast::{at, comes_as_foretold, daemon, date, foretold, order, people_of};
use crate::support::vendor::{company_id, user_id};
use crate::support::{TestDatabase, on_both};

on_both!(
    a_held_date_comes_to_nothing,
    a_date_released_after_reminders_have_passed_comes_as_foretold,
    a_revert_comes_as_foretold,
    a_revert_in_the_middle_of_a_flip_comes_as_foretold,
    a_revert_before_a_later_date_comes_as_foretold,
    a_revert_after_the_date_was_cleared_comes_as_foretold,
    a_revert_of_a_date_cleared_with_plain_sql_comes_as_foretold,
);

/// Two companies that share people; the day of the first has come.
macro_rules! in_force {
    ($db:expr, $seed:expr) => {{
        let daemon = daemon($db, $seed).await;
        order(&daemon, 1, date("2027-01-15")).await;
        order(&daemon, 2, date("2027-01-10")).await;
        daemon.live_until(Some(at("2027-01-20T10:00:00Z"))).await;
        daemon
    }};
}

async fn a_held_date_comes_to_nothing(db: &TestDatabase) {
    let daemon = daemon(db, 21).await;
    order(&daemon, 1, date("2027-01-15")).await;
    daemon.live_until(Some(at("2026-12-16T07:30:00Z"))).await;
    let foretold = comes_as_foretold(db, &daemon, 1, Proposal::Hold).await;
    assert!(foretold.forecast.mails.is_empty() && foretold.forecast.required.is_empty());
}

async fn a_date_released_after_reminders_have_passed_comes_as_foretold(db: &TestDatabase) {
    let daemon = daemon(db, 22).await;
    order(&daemon, 1, date("2027-01-15")).await;
    // On the eve of a reminder, which is made already.
    daemon.live_until(Some(at("2026-12-15T20:00:00Z"))).await;
    order(&daemon, 1, Proposal::Hold).await;
    daemon.live_until(Some(at("2027-01-05T08:30:00Z"))).await;
    let foretold = comes_as_foretold(db, &daemon, 1, Proposal::Release).await;
    assert!(people_of(&foretold, "reminder") > 40);
}

async fn a_revert_comes_as_foretold(db: &TestDatabase) {
    let daemon = in_force!(db, 23);
    let foretold = comes_as_foretold(db, &daemon, 1, Proposal::Revert).await;
    let reversal = foretold.reversal.as_ref().unwrap();
    assert!(reversal.freed > 5 && reversal.required_elsewhere > 3 && reversal.required_as_payees > 0);
    assert_eq!(reversal.people, reversal.freed + reversal.required_elsewhere + reversal.required_as_payees);
    assert!(people_of(&foretold, "cancelled") > 15 && foretold.forecast.required.is_empty(), "{foretold:?}");
}

async fn a_revert_in_the_middle_of_a_flip_comes_as_foretold(db: &TestDatabase) {
    let daemon = daemon(db, 24).await;
    order(&daemon, 1, date("2027-01-15")).await;
    daemon.live_until(Some(at("2027-01-14T22:00:00Z"))).await;
    daemon.services.clock.set(at("2027-01-14T23:00:00Z"));
    let enforcement = db.value("SELECT id FROM enforcements WHERE state = 'scheduled'").await.parse().unwrap();
    let policy = &daemon.services.policy;
    assert!(daemon.services.store.flip_chunk(enforcement, daemon.now(), policy, 15).await.unwrap().more);
    let foretold = comes_as_foretold(db, &daemon, 1, Proposal::Revert).await;
    assert!(people_of(&foretold, "cancelled") > 15 && foretold.forecast.required.is_empty(), "{foretold:?}");
}

async fn a_revert_before_a_later_date_comes_as_foretold(db: &TestDatabase) {
    let daemon = in_force!(db, 25);
    order(&daemon, 1, date("2027-04-01")).await;
    let (user, company) = (user_id(900), company_id(1));
    db.execute(&format!(
        "INSERT INTO users (id, email, name) VALUES ('{user}', 'late@example.com', 'Late');
         INSERT INTO memberships (company_id, user_id) VALUES ('{company}', '{user}')"
    ))
    .await;
    daemon.live_until(Some(at("2027-02-20T12:00:00Z"))).await;
    let foretold = comes_as_foretold(db, &daemon, 1, Proposal::Revert).await;
    assert_eq!(people_of(&foretold, "cancelled"), 0);
    assert!(people_of(&foretold, "rescheduled") > 20 && foretold.forecast.required.iter().any(|row| row.is_flip));
}

async fn a_revert_after_the_date_was_cleared_comes_as_foretold(db: &TestDatabase) {
    let daemon = in_force!(db, 26);
    order(&daemon, 1, Proposal::Cancel).await;
    for later in ["2027-01-20T10:05:00Z", "2029-05-05T10:00:00Z"] {
        daemon.live_until(Some(at(later))).await;
        let ahead = foretold(&daemon, 1, Proposal::Revert).await;
        assert!(people_of(&ahead, "cancelled") > 15, "{later}: {ahead:?}");
    }
    comes_as_foretold(db, &daemon, 1, Proposal::Revert).await;
}

async fn a_revert_of_a_date_cleared_with_plain_sql_comes_as_foretold(db: &TestDatabase) {
    let daemon = in_force!(db, 27);
    db.execute(&format!("UPDATE companies SET enforcement_date = NULL WHERE id = '{}'", company_id(1))).await;
    let foretold = comes_as_foretold(db, &daemon, 1, Proposal::Revert).await;
    assert!(people_of(&foretold, "cancelled") > 20);
}
