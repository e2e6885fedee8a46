//! Everybody, page by page, with where they belong and what requires them.

use mfa_enforcer::domain::ids::PAYEE_MANDATE;
use mfa_enforcer::store::people::PeopleStore as _;

use crate::support::vendor::{add_company, add_member, add_user};
use crate::support::{TestDatabase, on_both};

on_both!(people_come_in_order_and_whole);

async fn people_come_in_order_and_whole(db: &TestDatabase) {
    let store = db.store(1).await;
    assert!(store.people_page(None, 10).await.unwrap().is_empty());
    let (first, second) = (add_company(db, 1).await, add_company(db, 2).await);
    let users = [add_user(db, 1).await, add_user(db, 2).await, add_user(db, 3).await];
    add_member(db, second, users[1]).await;
    add_member(db, first, users[1]).await;
    db.execute(&format!(
        "UPDATE memberships SET joined_at = '2027-01-02T03:04:05.000006Z' WHERE company_id = '{first}';
         UPDATE users SET kind = 'service', sso = true, time_zone = 'Asia/Tokyo' WHERE id = '{}';
         INSERT INTO enforcements (id, company_id, enforcement_date, time_zone, planned_time_zone, enforce_at, state, set_by, created_at)
         VALUES ('01980000-0000-7000-8000-00000000f001', '{first}', '2027-01-15', 'Europe/Berlin', 'Europe/Berlin',
             '2027-01-14T23:00:00.000000Z', 'in_force', 'x', '2027-01-01T00:00:00.000000Z');
         INSERT INTO requirements (user_id, enforcement_id, required_at, cleared_at) VALUES
             ('{user}', '01980000-0000-7000-8000-00000000f001', '2027-01-14T23:00:00.000000Z', '2027-01-20T00:00:00.000000Z'),
             ('{user}', '{PAYEE_MANDATE}', '2027-01-03T00:00:00.000000Z', NULL)",
        users[0],
        user = users[1],
    ))
    .await;

    let page = store.people_page(None, 2).await.unwrap();
    assert_eq!(page.iter().map(|person| person.id).collect::<Vec<_>>(), users[..2]);
    let [lone, member] = page.as_slice() else { panic!("{page:?}") };
    assert!(lone.is_service && lone.sso && lone.active && lone.memberships.is_empty() && lone.requirements.is_empty());
    assert_eq!(lone.time_zone.as_deref(), Some("Asia/Tokyo"));
    assert_eq!((member.name.as_str(), member.is_service), ("User 2", false));
    let joined_at = "2027-01-02T03:04:05.000006Z".parse().unwrap();
    assert_eq!(member.memberships, [(first, Some(joined_at)), (second, None)]);
    let bindings: Vec<_> =
        member.requirements.iter().map(|one| (one.company_id, one.required_at.to_string())).collect();
    let expected = [(None, "2027-01-03T00:00:00.000000Z"), (Some(first), "2027-01-14T23:00:00.000000Z")];
    assert_eq!(bindings, expected.map(|(company, at)| (company, at.to_owned())));

    let rest = store.people_page(Some(users[1]), 2).await.unwrap();
    assert_eq!(rest.iter().map(|person| person.id).collect::<Vec<_>>(), users[2..]);
    assert!(store.people_page(Some(users[2]), 2).await.unwrap().is_empty());
}
