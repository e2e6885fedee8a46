//! Flips: found when they are due, in chunks that can be resumed, and once.

use mfa_enforcer::domain::audit::sha256_hex;
use mfa_enforcer::domain::policy::Policy;
use mfa_enforcer::domain::time::Timestamp;
use mfa_enforcer::store::enforce::{EnforceStore as _, Flipped};
use mfa_enforcer::store::reconcile::ReconcileStore as _;

use super::steps::{actions, enforce_at, scheduled};
use crate::support::vendor::{company_id, user_id};
use crate::support::{TestDatabase, on_both};

on_both!(
    a_flip_is_due_at_its_instant,
    a_flip_begins_once_its_companys_row_has_been_acted_on,
    a_flip_is_done_in_chunks_and_once,
    a_flip_that_is_under_way_is_found_again,
    a_flip_goes_on_by_a_clock_that_shows_its_instant,
    a_flip_takes_the_place_of_the_one_before,
    flips_at_the_same_time_require_everybody_once,
    the_trail_vouches_for_each_chunk_of_a_flip,
);

async fn a_flip_is_due_at_its_instant(db: &TestDatabase) {
    let store = db.store(1).await;
    let enforcement = scheduled(db, &store, 1).await;
    let before: Timestamp = "2027-01-14T22:59:59.999999Z".parse().unwrap();
    assert!(store.due_flips(before, None, 10).await.unwrap().is_empty());
    assert_eq!(store.flip_chunk(enforcement, before, &Policy::default(), 10).await.unwrap(), Flipped::default());
    assert_eq!(store.due_flips(enforce_at(), None, 10).await.unwrap(), [(enforcement, enforce_at())]);
    for change in ["enforcement_date = NULL", "enforcement_date = '2027-01-15', time_zone = 'UTC'"] {
        db.execute(&format!("UPDATE companies SET {change}")).await;
        assert!(store.due_flips(enforce_at(), None, 10).await.unwrap().is_empty(), "{change}");
        assert_eq!(
            store.flip_chunk(enforcement, enforce_at(), &Policy::default(), 10).await.unwrap(),
            Flipped::default()
        );
    }
    db.execute("UPDATE companies SET time_zone = 'Europe/Berlin'").await;
    db.execute(&format!("UPDATE enforcements SET state = 'held' WHERE id = '{enforcement}'")).await;
    assert!(store.due_flips(enforce_at(), None, 10).await.unwrap().is_empty());
}

async fn a_flip_begins_once_its_companys_row_has_been_acted_on(db: &TestDatabase) {
    let store = db.store(1).await;
    let enforcement = scheduled(db, &store, 1).await;
    let flip = async || store.flip_chunk(enforcement, enforce_at(), &Policy::default(), 10).await.unwrap();
    db.execute("UPDATE companies SET notice_days = '[30, 7]'").await;
    assert_eq!(flip().await, Flipped::default());
    store.reconcile_company(company_id(1), enforce_at(), &Policy::default(), true).await.unwrap();
    assert_eq!(flip().await, Flipped { required: 1, began: true, ..Flipped::default() });
}

async fn a_flip_is_done_in_chunks_and_once(db: &TestDatabase) {
    let store = db.store(1).await;
    let enforcement = scheduled(db, &store, 5).await;
    let flip = async || store.flip_chunk(enforcement, enforce_at(), &Policy::default(), 2).await.unwrap();
    let chunk = |required, more, began| Flipped { required, more, began, ..Flipped::default() };
    let chunks = [flip().await, flip().await, flip().await];
    assert_eq!(chunks, [chunk(2, true, true), chunk(2, true, false), chunk(1, false, false)]);
    let before = db.dump().await;
    assert_eq!(flip().await, Flipped::default());
    assert!(store.due_flips(enforce_at(), None, 10).await.unwrap().is_empty());
    assert_eq!(db.dump().await, before);
    let row = format!("SELECT state, flipped_at FROM enforcements WHERE id = '{enforcement}'");
    assert_eq!(db.rows(&row).await, [["in_force", "2027-01-14T23:00:00.000000Z"]]);
    let required = "SELECT count(*) FROM users WHERE mfa_required_at = '2027-01-14T23:00:00.000000Z'";
    assert_eq!(db.value(required).await, "5");
    assert_eq!(actions(db).await[1..], ["enforcement_in_force", "users_required", "users_required", "users_required"]);
    let told = "SELECT kind, state FROM milestones WHERE days_before IS NOT NULL OR kind = 'announcement'";
    assert!(db.rows(told).await.iter().all(|row| row[1] == "dropped"), "what was to be told before");
}

async fn a_flip_that_is_under_way_is_found_again(db: &TestDatabase) {
    let store = db.store(1).await;
    let enforcement = scheduled(db, &store, 3).await;
    store.flip_chunk(enforcement, enforce_at(), &Policy::default(), 2).await.unwrap();
    // Nothing of the company's row matters any more, and who is where it stands may go.
    db.execute("UPDATE companies SET enforcement_date = NULL").await;
    db.execute(&format!("DELETE FROM users WHERE id = '{}'", user_id(2))).await;
    let another = db.store(2).await;
    assert_eq!(another.due_flips(enforce_at(), None, 10).await.unwrap(), [(enforcement, enforce_at())]);
    let flipped = another.flip_chunk(enforcement, enforce_at(), &Policy::default(), 2).await.unwrap();
    assert_eq!(flipped, Flipped { required: 1, ..Flipped::default() });
}

async fn a_flip_goes_on_by_a_clock_that_shows_its_instant(db: &TestDatabase) {
    let store = db.store(1).await;
    let enforcement = scheduled(db, &store, 7).await;
    let policy = Policy::default();
    assert!(store.flip_chunk(enforcement, enforce_at(), &policy, 2).await.unwrap().more);
    // Another daemon's is behind, or this one has been set back: those passed over would be forgotten.
    let behind: Timestamp = "2027-01-14T22:59:59.999999Z".parse().unwrap();
    let before = db.dump().await;
    assert_eq!(store.due_flips(behind, None, 10).await.unwrap(), [(enforcement, enforce_at())], "to be told of");
    for flipped in [
        store.flip_chunk(enforcement, behind, &policy, 2).await,
        store.flip_whole_chunks(enforcement, behind, &policy, 2).await,
        store.flip_chunk_of_free(enforcement, behind, &policy, 2).await,
    ] {
        assert_eq!(flipped.unwrap(), Flipped::default());
    }
    assert_eq!(db.dump().await, before);
    while store.flip_chunk(enforcement, enforce_at(), &policy, 2).await.unwrap().more {}
    assert_eq!(db.value("SELECT count(*) FROM requirements").await, "7");
}

async fn a_flip_takes_the_place_of_the_one_before(db: &TestDatabase) {
    let store = db.store(1).await;
    let first = scheduled(db, &store, 2).await;
    store.flip_chunk(first, enforce_at(), &Policy::default(), 10).await.unwrap();
    db.execute("UPDATE companies SET enforcement_date = '2027-03-15'").await;
    store.reconcile_company(company_id(1), enforce_at(), &Policy::default(), true).await.unwrap();
    let now: Timestamp = "2027-03-14T23:00:00Z".parse().unwrap();
    let second = store.due_flips(now, None, 10).await.unwrap()[0].0;
    assert_eq!(
        store.flip_chunk(second, now, &Policy::default(), 10).await.unwrap(),
        Flipped { required: 2, began: true, ..Flipped::default() }
    );
    let states =
        format!("SELECT state FROM enforcements WHERE company_id = '{}' ORDER BY enforcement_date", company_id(1));
    assert_eq!(db.rows(&states).await.concat(), ["superseded", "in_force"]);
    let since = "SELECT DISTINCT mfa_required_at FROM users";
    assert_eq!(db.value(since).await, "2027-01-14T23:00:00.000000Z", "since the first");
    assert_eq!(db.value("SELECT count(*) FROM requirements WHERE cleared_at IS NULL").await, "4");
}

async fn flips_at_the_same_time_require_everybody_once(db: &TestDatabase) {
    let (one, two) = (db.store(1).await, db.store(2).await);
    let enforcement = scheduled(db, &one, 30).await;
    let policy = Policy::default();
    let mut required = 0;
    while !one.due_flips(enforce_at(), None, 10).await.unwrap().is_empty() {
        let (first, second) = tokio::join!(
            one.flip_chunk(enforcement, enforce_at(), &policy, 4),
            two.flip_chunk(enforcement, enforce_at(), &policy, 4)
        );
        required += first.unwrap().required + second.unwrap().required;
    }
    assert_eq!(required, 30);
    assert_eq!(db.value("SELECT count(*) FROM requirements").await, "30");
}

async fn the_trail_vouches_for_each_chunk_of_a_flip(db: &TestDatabase) {
    let store = db.store(1).await;
    let enforcement = scheduled(db, &store, 7).await;
    let policy = Policy::default();
    // One who is required already, as of an instant of their own, and a last chunk of nobody.
    let (fourth, seventh, earlier) = (user_id(4), user_id(7), "2027-01-14T23:00:00.000000Z");
    for sql in [
        format!(
            "INSERT INTO requirements (user_id, enforcement_id, required_at) VALUES ('{fourth}', '{enforcement}', '{earlier}')"
        ),
        format!("UPDATE users SET mfa_required_at = '{earlier}' WHERE id = '{fourth}'"),
        format!("UPDATE users SET active = false WHERE id = '{seventh}'"),
    ] {
        db.execute(&sql).await;
    }
    for (now, required, complete) in [
        ("2027-01-14T23:00:01.000000Z", 3, false),
        ("2027-01-14T23:00:02.500001Z", 2, false),
        ("2027-01-14T23:00:03.000000Z", 0, true),
    ] {
        let flipped = store.flip_chunk(enforcement, now.parse().unwrap(), &policy, 3).await.unwrap();
        assert_eq!((flipped.required, flipped.more), (required, !complete));
        let made = "SELECT enforcement_id, user_id, required_at FROM requirements WHERE required_at";
        let rows = db.rows(&format!("{made} = '{now}' ORDER BY enforcement_id, user_id")).await;
        let since = db.value(&format!("SELECT count(*) FROM users WHERE mfa_required_at = '{now}'")).await;
        assert_eq!((rows.len() as u64, since), (required, required.to_string()));
        let last = "SELECT detail FROM audit_events WHERE action = 'users_required' ORDER BY seq DESC LIMIT 1";
        let detail: serde_json::Value = serde_json::from_str(&db.value(last).await).unwrap();
        let sha256 = sha256_hex(rows.iter().map(|row| row.join(" ")));
        assert_eq!(detail, serde_json::json!({ "required": required, "sha256": sha256, "complete": complete }));
    }
}
