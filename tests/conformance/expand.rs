//! From milestones to notices: only what is due and may be told, in chunks that can be resumed.

use mfa_enforcer::domain::policy::Policy;
use mfa_enforcer::store::expand::{ExpandStore as _, Expanded};
use mfa_enforcer::store::review::ReviewStore as _;

use super::steps::{actions, announced, announced_at, enforce_at, scheduled, set_at};
use crate::support::vendor::user_id;
use crate::support::{TestDatabase, on_both};

on_both!(
    only_due_milestones_are_found,
    a_milestone_is_expanded_in_chunks_and_once,
    a_chunk_that_is_resumed_takes_up_where_it_stood,
    who_was_told_is_not_told_again,
    who_comes_behind_a_milestone_under_way_is_told_by_their_review,
    the_day_is_expanded_when_the_flip_is_complete,
);

async fn only_due_milestones_are_found(db: &TestDatabase) {
    let store = db.store(1).await;
    scheduled(db, &store, 1).await;
    assert!(store.due_milestones(set_at(), None, 10).await.unwrap().is_empty());
    assert_eq!(store.due_milestones(announced_at(), None, 10).await.unwrap().len(), 1);
    let all = store.due_milestones(enforce_at(), None, 10).await.unwrap();
    assert_eq!(all.len(), 6, "the day itself waits for its flip");
    assert_eq!(store.due_milestones(enforce_at(), None, 2).await.unwrap(), all[..2]);
    db.execute("UPDATE enforcements SET state = 'held' WHERE state = 'scheduled'").await;
    assert!(store.due_milestones(enforce_at(), None, 10).await.unwrap().is_empty());
}

async fn a_milestone_is_expanded_in_chunks_and_once(db: &TestDatabase) {
    let store = db.store(1).await;
    scheduled(db, &store, 5).await;
    let milestone = store.due_milestones(announced_at(), None, 10).await.unwrap()[0].0;
    let expand = async || store.expand_chunk(milestone, announced_at(), &Policy::default(), 2).await.unwrap();
    let chunk = |notices, more| Expanded { taken: true, notices, more };
    assert_eq!([expand().await, expand().await, expand().await], [chunk(2, true), chunk(2, true), chunk(1, false)]);
    let before = db.dump().await;
    assert_eq!(expand().await, Expanded::default());
    assert_eq!(db.dump().await, before);
    assert_eq!(
        db.rows("SELECT kind, state, due_at, next_attempt_at, count(*) FROM notices GROUP BY 1, 2, 3, 4").await,
        [["announcement", "pending", "2026-12-01T09:15:00.000000Z", "2026-12-01T09:15:00.000000Z", "5"]]
    );
    assert_eq!(actions(db).await[1..], ["milestone_expanded"; 3]);
}

async fn a_chunk_that_is_resumed_takes_up_where_it_stood(db: &TestDatabase) {
    let store = db.store(1).await;
    scheduled(db, &store, 4).await;
    let milestone = store.due_milestones(announced_at(), None, 10).await.unwrap()[0].0;
    store.expand_chunk(milestone, announced_at(), &Policy::default(), 2).await.unwrap();
    drop(store);
    let another = db.store(2).await;
    assert_eq!(another.due_milestones(announced_at(), None, 10).await.unwrap()[0].0, milestone);
    // Whoever leaves at the place where it stands is no obstacle.
    db.execute(&format!("DELETE FROM users WHERE id = '{}'", user_id(2))).await;
    another.expand_chunk(milestone, announced_at(), &Policy::default(), 10).await.unwrap();
    let users = db.rows("SELECT user_id FROM notices ORDER BY user_id").await.concat();
    assert_eq!(users, [1, 2, 3, 4].map(|number| user_id(number).to_string()));
}

async fn who_was_told_is_not_told_again(db: &TestDatabase) {
    let store = db.store(1).await;
    let enforcement = scheduled(db, &store, 3).await;
    let milestone = store.due_milestones(announced_at(), None, 10).await.unwrap()[0].0;
    // One is on its way. What became of the other, as a daemon that was cut off has made it, says nothing of who is to be told.
    for (number, fate) in [(1, "'pending', NULL"), (2, "'skipped', 'superseded'")] {
        db.execute(&format!(
            "INSERT INTO notices (id, kind, milestone_id, enforcement_id, user_id, due_at, next_attempt_at, state, skip_reason)
             VALUES ('0a000000-0000-4000-8000-00000000000{number}', 'announcement', '{milestone}', '{enforcement}', '{}',
                 '2026-12-01T09:15:00.000000Z', '2026-12-01T09:15:00.000000Z', {fate})",
            user_id(number)
        ))
        .await;
    }
    let expanded = store.expand_chunk(milestone, announced_at(), &Policy::default(), 10).await.unwrap();
    assert_eq!((expanded.notices, expanded.more), (1, false));
    assert_eq!(db.value("SELECT count(*) FROM notices").await, "3");
}

async fn who_comes_behind_a_milestone_under_way_is_told_by_their_review(db: &TestDatabase) {
    let (store, policy) = (db.store(1).await, Policy::default());
    announced(db, &store, 3).await;
    let exempt = async |until: &str, now| {
        let who = user_id(1);
        db.execute(&format!("UPDATE memberships SET exempt_until = {until} WHERE user_id = '{who}'")).await;
        store.review_memberships(now, &policy, 10).await.unwrap()
    };
    let reminded =
        async || db.rows("SELECT user_id FROM notices WHERE kind = 'reminder' ORDER BY user_id").await.concat();
    let users = |numbers: &[u32]| numbers.iter().map(|number| user_id(*number).to_string()).collect::<Vec<_>>();
    exempt("'2027-06-01T00:00:00.000000Z'", announced_at()).await;
    let (milestone, now) = store.due_milestones(enforce_at(), None, 10).await.unwrap()[0];
    let expand = async |limit| store.expand_chunk(milestone, now, &policy, limit).await.unwrap();
    assert_eq!(expand(1).await, Expanded { taken: true, notices: 1, more: true });
    assert_eq!(reminded().await, users(&[2]));
    assert_eq!(exempt("NULL", now).await.notices, 1, "the reminder that has passed by; the announcement waits still");
    assert_eq!(reminded().await, users(&[1, 2]));
    assert_eq!(expand(10).await, Expanded { taken: true, notices: 1, more: false });
    assert_eq!(reminded().await, users(&[1, 2, 3]));
}

async fn the_day_is_expanded_when_the_flip_is_complete(db: &TestDatabase) {
    let store = db.store(1).await;
    let enforcement = scheduled(db, &store, 1).await;
    let set = async |columns: &str| {
        db.execute(&format!("UPDATE enforcements SET {columns} WHERE id = '{enforcement}'")).await;
        store.due_milestones(enforce_at(), None, 10).await.unwrap().len()
    };
    assert_eq!(set("state = 'in_force'").await, 0);
    assert_eq!(set("flipped_at = enforce_at").await, 1);
}
