//! Users: found by three keys, enrolled and exempted with an event each, and all that is known of one (R11).

use mfa_enforcer::domain::ids::Id;
use mfa_enforcer::domain::methods::Method;
use mfa_enforcer::domain::notice::EnforcementState;
use mfa_enforcer::domain::policy::Policy;
use mfa_enforcer::domain::time::Timestamp;
use mfa_enforcer::store::audit::{AuditFilter, AuditStore as _};
use mfa_enforcer::store::exemptions::ExemptionStore as _;
use mfa_enforcer::store::users::UserStore as _;
use mfa_enforcer::store::{SqlStore, StoreError};
use serde_json::json;

use super::notice_history::{a_history, history_id, notice_id};
use crate::support::vendor::{add_company, add_member, add_user, company_id, user_id};
use crate::support::{TestDatabase, on_both};

on_both!(
    a_user_is_found_by_id_then_external_id_then_address,
    an_ambiguous_address_lists_the_ids,
    enrolling_twice_is_enrolling_once,
    a_phone_number_is_only_for_where_it_is_allowed,
    unenrolling_takes_the_method_along,
    an_exemption_has_a_reason_an_owner_and_an_end,
    an_exemption_that_makes_no_sense_changes_nothing,
    r11_provable_a_dossier_tells_what_was_sent_and_why_mfa_is_required,
    r11_provable_a_dossier_outlives_its_user,
);

fn now() -> Timestamp {
    "2026-12-01T10:00:00.000001Z".parse().unwrap()
}

async fn actions(store: &SqlStore) -> Vec<(String, String, Option<String>, serde_json::Value)> {
    let events = store.audit_page(&AuditFilter::default(), 0, 100).await.unwrap();
    events.into_iter().map(|event| (event.actor, event.action, event.subject, event.detail)).collect()
}

async fn a_user_is_found_by_id_then_external_id_then_address(db: &TestDatabase) {
    let store = db.store(1).await;
    for number in 1..=3 {
        add_user(db, number).await;
    }
    let found = async |key: &str| store.user(key).await.unwrap().id;
    assert_eq!(found("USER2@Example.COM").await, user_id(2));
    db.execute(&format!("UPDATE users SET external_id = 'user2@example.com' WHERE id = '{}'", user_id(1))).await;
    assert_eq!(found("user2@example.com").await, user_id(1), "an external id, before an address");
    db.execute(&format!("UPDATE users SET external_id = '{}' WHERE id = '{}'", user_id(3), user_id(1))).await;
    assert_eq!(found(&user_id(3).to_string()).await, user_id(3), "an id, before an external id");
    let refused = store.user("nobody@example.com").await.unwrap_err();
    assert!(matches!(&refused, StoreError::NotFound(message) if message.contains("'nobody@example.com'")), "{refused}");
}

async fn an_ambiguous_address_lists_the_ids(db: &TestDatabase) {
    let store = db.store(1).await;
    for number in 1..=2 {
        add_user(db, number).await;
    }
    db.execute("UPDATE users SET email = 'Same@example.com'").await;
    let refused = store.user("same@example.com").await.unwrap_err().to_string();
    assert!(refused.contains(&user_id(1).to_string()) && refused.contains(&user_id(2).to_string()), "{refused}");
}

async fn enrolling_twice_is_enrolling_once(db: &TestDatabase) {
    let store = db.store(1).await;
    let id = add_user(db, 1).await;
    let enroll =
        async |method, at| store.enroll("user1@example.com", method, &Policy::default(), "Jo", at).await.unwrap();
    let (user, changed) = enroll(Method::Authenticator, now()).await;
    assert!(changed);
    assert_eq!((user.mfa_enrolled_at, user.mfa_method.as_deref()), (Some(now()), Some("authenticator")));
    assert_eq!(store.user(&id.to_string()).await.unwrap(), user);
    let before = db.dump().await;
    let later = "2026-12-02T10:00:00Z".parse().unwrap();
    assert!(!enroll(Method::Authenticator, later).await.1);
    assert_eq!(db.dump().await, before);

    db.execute("UPDATE users SET country = 'DE'").await;
    let (user, changed) = enroll(Method::Sms, later).await;
    assert!(changed);
    assert_eq!((user.mfa_enrolled_at, user.mfa_method.as_deref()), (Some(now()), Some("sms")), "since the first");
    let subject = Some(id.to_string());
    let event =
        |method: &str| ("Jo".to_owned(), "user_enrolled".to_owned(), subject.clone(), json!({ "method": method }));
    assert_eq!(actions(&store).await, [event("authenticator"), event("sms")]);
}

async fn a_phone_number_is_only_for_where_it_is_allowed(db: &TestDatabase) {
    let store = db.store(1).await;
    add_user(db, 1).await;
    for (country, payee, allowed) in
        [("NULL", false, false), ("'JP'", false, false), ("'DE'", true, false), ("'US'", true, true)]
    {
        db.execute(&format!("UPDATE users SET country = {country}, payee = {payee}")).await;
        let before = db.dump().await;
        let done = store.enroll("user1@example.com", Method::Sms, &Policy::default(), "Jo", now()).await;
        assert_eq!(done.is_ok(), allowed, "{country} {payee}");
        if let Err(refused) = done {
            assert!(matches!(&refused, StoreError::Refused(message) if message.contains("--method authenticator")));
            assert_eq!(db.dump().await, before);
        }
    }
}

async fn unenrolling_takes_the_method_along(db: &TestDatabase) {
    let store = db.store(1).await;
    add_user(db, 1).await;
    assert!(!store.unenroll("user1@example.com", "Jo", now()).await.unwrap().1, "it was so before");
    store.enroll("user1@example.com", Method::Authenticator, &Policy::default(), "Jo", now()).await.unwrap();
    let (user, changed) = store.unenroll("user1@example.com", "Jo", now()).await.unwrap();
    assert!(changed);
    assert_eq!((user.mfa_enrolled_at, user.mfa_method), (None, None));
    let (_, action, _, detail) = actions(&store).await.pop().unwrap();
    assert_eq!(action, "user_unenrolled");
    assert_eq!(detail, json!({ "was_enrolled_at": now(), "method": "authenticator" }));
}

async fn member(db: &TestDatabase) -> (Id, Id) {
    let (company, user) = (add_company(db, 1).await, add_user(db, 1).await);
    add_member(db, company, user).await;
    db.execute("UPDATE memberships SET reviewed = true").await;
    (company, user)
}

async fn an_exemption_has_a_reason_an_owner_and_an_end(db: &TestDatabase) {
    let store = db.store(1).await;
    let (company, user) = member(db).await;
    let key = company.to_string();
    let until = "2027-02-28T23:00:00Z".parse().unwrap();
    let outcome = store.exempt("user1@example.com", &key, until, "leave", "Jo", now()).await.unwrap();
    assert_eq!((outcome.company_id, outcome.user_id, outcome.exempt_until), (company, user, Some(until)));
    assert_eq!(outcome.mfa_required_at, None);
    let row = "SELECT exempt_until, exempt_reason, exempt_by, reviewed FROM memberships";
    assert_eq!(db.rows(row).await, [["2027-02-28T23:00:00.000000Z", "leave", "Jo", "0"]]);

    db.execute("UPDATE users SET mfa_required_at = '2026-11-01T00:00:00.000000Z'").await;
    let later = "2027-03-31T22:00:00Z".parse().unwrap();
    let outcome = store.exempt("user1@example.com", &key, later, "longer", "Zoë", now()).await.unwrap();
    assert!(outcome.mfa_required_at.is_some(), "what is required stays, and is told");
    assert_eq!(db.value("SELECT mfa_required_at FROM users").await, "2026-11-01T00:00:00.000000Z");

    store.end_exemption("user1@example.com", &key, "Zoë", now()).await.unwrap();
    assert_eq!(db.rows(row).await, [["null", "null", "null", "0"]]);
    let of: Vec<_> =
        actions(&store).await.into_iter().map(|(actor, action, _, detail)| (actor, action, detail)).collect();
    let event = |actor: &str, action: &str, detail| (actor.to_owned(), action.to_owned(), detail);
    let expected = [
        event("Jo", "exempted", json!({ "exempt_until": until, "was_exempt_until": null, "reason": "leave" })),
        event("Zoë", "exempted", json!({ "exempt_until": later, "was_exempt_until": until, "reason": "longer" })),
        event("Zoë", "exemption_ended", json!({ "exempt_until": later })),
    ];
    assert_eq!(of, expected);
}

async fn an_exemption_that_makes_no_sense_changes_nothing(db: &TestDatabase) {
    let store = db.store(1).await;
    let (company, _) = member(db).await;
    add_user(db, 2).await;
    let key = company.to_string();
    let until = "2027-02-28T23:00:00Z".parse().unwrap();
    let before = db.dump().await;
    let refused = store.exempt("user1@example.com", &key, now(), "leave", "Jo", now()).await.unwrap_err();
    assert!(matches!(refused, StoreError::Refused(_)), "over already: {refused}");
    let refused = store.exempt("user2@example.com", &key, until, "leave", "Jo", now()).await.unwrap_err();
    assert!(matches!(refused, StoreError::NotFound(_)), "no member: {refused}");
    let refused = store.end_exemption("user1@example.com", &key, "Jo", now()).await.unwrap_err();
    assert!(matches!(refused, StoreError::Refused(_)), "not exempt: {refused}");
    assert!(store.exempt("user1@example.com", "nobody", until, "leave", "Jo", now()).await.is_err());
    assert_eq!(db.dump().await, before);
}

async fn require(db: &TestDatabase) {
    let (user, enforcement) = (user_id(1), history_id(1));
    db.execute(&format!(
        "INSERT INTO requirements (user_id, enforcement_id, required_at) VALUES
             ('{user}', '{enforcement}', '2027-01-14T23:00:00.000000Z'),
             ('{user}', '00000000-0000-0000-0000-000000000001', '2026-12-05T00:00:00.000000Z')"
    ))
    .await;
}

async fn r11_provable_a_dossier_tells_what_was_sent_and_why_mfa_is_required(db: &TestDatabase) {
    a_history(db).await;
    require(db).await;
    let dossier = db.store(1).await.user_dossier("user1@example.com").await.unwrap();
    assert_eq!((dossier.user_id, dossier.user.unwrap().email.as_str()), (user_id(1), "user1@example.com"));
    assert_eq!(dossier.memberships.len(), 1);
    assert_eq!((dossier.memberships[0].company_id, dossier.memberships[0].role.as_str()), (company_id(1), "member"));
    let notices: Vec<_> = dossier.notices.iter().map(|notice| (notice.id, notice.server_reply.as_deref())).collect();
    assert_eq!(notices, [(notice_id(1), Some("250 2.0.0 Ok")), (notice_id(3), Some("250 2.0.0 Ok"))]);
    let [mandate, company] = dossier.requirements.as_slice() else { panic!("{:?}", dossier.requirements) };
    assert_eq!((mandate.company_id, mandate.enforcement_state), (None, Some(EnforcementState::InForce)));
    assert_eq!((company.company_id, company.enforcement_id), (Some(company_id(1)), history_id(1)));
    assert_eq!(company.enforcement_date.unwrap().to_string(), "2027-01-15");
    assert_eq!((company.required_at.to_string().as_str(), company.cleared_at), ("2027-01-14T23:00:00.000000Z", None));
}

async fn r11_provable_a_dossier_outlives_its_user(db: &TestDatabase) {
    a_history(db).await;
    require(db).await;
    db.execute("DELETE FROM users").await;
    let store = db.store(1).await;
    let dossier = store.user_dossier(&user_id(1).to_string()).await.unwrap();
    assert!(dossier.user.is_none() && dossier.memberships.is_empty());
    assert_eq!((dossier.notices.len(), dossier.requirements.len()), (2, 2));
    assert!(store.user_dossier(&user_id(7).to_string()).await.is_err(), "nothing is known of this one");
}
