//! R11: for each user one can show what was sent when, what the server answered, and when and by which enforcement MFA
//! became required; and the trail vouches for the rows.

use mfa_enforcer::domain::audit::{Verifier, sha256_hex};
use mfa_enforcer::domain::ids::Id;
use mfa_enforcer::domain::notice::NoticeState;
use mfa_enforcer::store::audit::AuditFilter;
use serde_json::Value as Json;

use super::world::{User, World, busy, shown};
use crate::support::{TestDatabase, on_both};

on_both!(
    r11_provable_what_was_sent_when,
    r11_provable_why_mfa_is_required,
    r11_provable_the_trail_vouches_for_who_was_required,
    r11_provable_the_trail_vouches_for_what_was_sent,
    r11_provable_the_trail_names_every_decision,
    r11_provable_no_names_or_addresses_in_the_trail,
    r11_provable_it_outlives_who_it_is_about,
    r11_provable_tampering_is_found,
);

/// A rollout with a bit of everything.
async fn rollout(db: &TestDatabase) -> (World<'_>, Id, Vec<User>) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let members = world.members(berlin, "Europe/Berlin", 8).await;
    world.enroll(&members[0]).await;
    world.mail.refuse(&members[1].address(), super::world::no_such_user());
    world.mail.refuse_next(busy());
    world.set_date(berlin, "2027-02-15").await;
    world.walk("2026-12-10 09:00").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2026-12-20 09:00").await;
    world.enroll(&members[2]).await;
    world.set_user(&members[3], "payee = true").await;
    world.walk("2027-01-16 12:00").await;
    (world, berlin, members)
}

async fn events(world: &World<'_>, action: &str) -> Vec<(Option<Id>, Json)> {
    let filter = AuditFilter { action: Some(action.to_owned()), company_id: None };
    let page = world.services.store.audit_page(&filter, 0, 10_000).await.unwrap();
    page.into_iter().map(|event| (event.subject.and_then(|id| id.parse().ok()), event.detail)).collect()
}

async fn r11_provable_what_was_sent_when(db: &TestDatabase) {
    let (world, _, members) = rollout(db).await;
    for user in &members {
        let dossier = world.services.store.user_dossier(&user.id.to_string()).await.unwrap();
        let told: Vec<String> = dossier
            .notices
            .iter()
            .filter(|notice| notice.state == NoticeState::Sent)
            .map(|notice| format!("{} {}", shown(notice.sent_at.unwrap(), user.zone), notice.kind))
            .collect();
        assert_eq!(told, world.received(user).await);
        for notice in &dossier.notices {
            match notice.state {
                NoticeState::Sent => assert!(notice.server_reply.as_ref().unwrap().starts_with("250 ")),
                NoticeState::Failed => assert!(notice.server_reply.as_ref().unwrap().starts_with("550 ")),
                NoticeState::Skipped => assert!(notice.skip_reason.is_some()),
                NoticeState::Pending | NoticeState::Sending => panic!("{notice:?}"),
            }
        }
    }
    world.finish().await;
}

async fn r11_provable_why_mfa_is_required(db: &TestDatabase) {
    let (world, berlin, members) = rollout(db).await;
    for (number, user) in members.iter().enumerate() {
        let dossier = world.services.store.user_dossier(&user.id.to_string()).await.unwrap();
        let of: Vec<_> = dossier
            .requirements
            .iter()
            .map(|one| {
                (one.company_id, one.enforcement_date.unwrap().to_string(), shown(one.required_at, chrono_tz::UTC))
            })
            .collect();
        let company = (Some(berlin), "2027-01-15".to_owned(), "2027-01-14 23:00".to_owned());
        let mandate = (None, "1970-01-01".to_owned(), "2026-12-20 09:00".to_owned());
        assert_eq!(of, if number == 3 { vec![mandate, company] } else { vec![company] });
    }
    world.finish().await;
}

async fn r11_provable_the_trail_vouches_for_who_was_required(db: &TestDatabase) {
    let (world, ..) = rollout(db).await;
    let rows =
        db.rows("SELECT enforcement_id, user_id, required_at FROM requirements ORDER BY enforcement_id, user_id").await;
    let mut vouched = 0;
    for (enforcement, detail) in events(&world, "users_required").await {
        let enforcement = enforcement.unwrap().to_string();
        let count = usize::try_from(detail["required"].as_u64().unwrap()).unwrap();
        // The rows of an event follow each other: somewhere they give the hash that it noted down.
        let lines: Vec<_> = rows.iter().filter(|row| row[0] == enforcement).map(|row| row.join(" ")).collect();
        let found = count == 0 || lines.windows(count).any(|part| detail["sha256"] == sha256_hex(part));
        assert!(found, "no {count} rows of {enforcement} have {}", detail["sha256"]);
        vouched += count;
    }
    assert_eq!(vouched, rows.len(), "all of them");
    world.finish().await;
}

async fn r11_provable_the_trail_vouches_for_what_was_sent(db: &TestDatabase) {
    let (world, ..) = rollout(db).await;
    let sent: u64 =
        events(&world, "notices_sent").await.iter().map(|(_, detail)| detail["mails"].as_u64().unwrap()).sum();
    assert_eq!(sent, world.inbox().len() as u64);
    // A mail that was alone in its batch is vouched for by its own two columns.
    let alone: Vec<_> =
        events(&world, "notices_sent").await.into_iter().filter(|(_, detail)| detail["mails"] == 1).collect();
    assert!(!alone.is_empty());
    for (_, detail) in alone {
        let found = world
            .inbox()
            .iter()
            .any(|(_, mail)| detail["sha256"] == sha256_hex([format!("{} {}", mail.mail_id, mail.sha256)]));
        assert!(found, "{detail}");
    }
    world.finish().await;
}

async fn r11_provable_the_trail_names_every_decision(db: &TestDatabase) {
    let (world, berlin, _) = rollout(db).await;
    world.clear_date(berlin).await;
    world.walk("2027-01-20 12:00").await;
    let filter = AuditFilter { company_id: Some(berlin), action: None };
    let mut decisions: Vec<_> = world
        .services
        .store
        .audit_page(&filter, 0, 10_000)
        .await
        .unwrap()
        .into_iter()
        .filter(|event| event.action.starts_with("enforcement_"))
        .map(|event| format!("{} {} {}", shown(event.at, chrono_tz::UTC), event.actor, event.action))
        .collect();
    decisions.sort();
    assert_eq!(
        decisions,
        [
            "2026-12-01 09:00 sql enforcement_scheduled",
            "2026-12-10 09:00 sql enforcement_scheduled",
            "2026-12-10 09:00 sql enforcement_superseded",
            "2027-01-07 23:00 daemon enforcement_at_risk",
            "2027-01-13 23:00 daemon enforcement_at_risk",
            "2027-01-14 23:00 daemon enforcement_in_force",
            "2027-01-16 12:00 sql enforcement_cancelled"
        ]
    );
    world.finish().await;
}

async fn r11_provable_no_names_or_addresses_in_the_trail(db: &TestDatabase) {
    let (world, ..) = rollout(db).await;
    let trail = db.rows("SELECT * FROM audit_events").await.concat().join("\n");
    for personal in ["@example.com", "User ", "Company "] {
        assert!(!trail.contains(personal), "{personal:?}");
    }
    world.finish().await;
}

async fn r11_provable_it_outlives_who_it_is_about(db: &TestDatabase) {
    let (world, berlin, members) = rollout(db).await;
    let user = &members[3];
    let before = world.services.store.user_dossier(&user.id.to_string()).await.unwrap();
    db.execute(&format!("DELETE FROM users WHERE id = '{}'; DELETE FROM companies WHERE id = '{berlin}'", user.id))
        .await;
    world.walk("2027-02-01 12:00").await;
    let after = world.services.store.user_dossier(&user.id.to_string()).await.unwrap();
    assert!(after.user.is_none());
    let of = |dossier: &mfa_enforcer::store::users::UserDossier| {
        let notices =
            dossier.notices.iter().map(|one| (one.id, one.sent_at, one.server_reply.clone())).collect::<Vec<_>>();
        (notices, dossier.requirements.iter().map(|one| (one.enforcement_id, one.required_at)).collect::<Vec<_>>())
    };
    assert_eq!(of(&before), of(&after));
    world.check_trail().await;
}

async fn r11_provable_tampering_is_found(db: &TestDatabase) {
    let (world, ..) = rollout(db).await;
    let (head, hash) = world.services.store.audit_head().await.unwrap();
    let verify = async || {
        let (seq, now) = world.services.store.audit_head().await.unwrap();
        let mut verifier = Verifier::new(Some(&hash));
        for event in world.services.store.audit_page(&AuditFilter::default(), 0, i64::MAX).await.unwrap() {
            verifier.next(&event)?;
        }
        verifier.finish(seq, &now)
    };
    verify().await.unwrap();
    let middle = head / 2;
    let edits = [
        format!("UPDATE audit_events SET actor = 'nobody' WHERE seq = {middle}"),
        format!("UPDATE audit_events SET at = '2020-01-01T00:00:00.000000Z' WHERE seq = {middle}"),
        format!("UPDATE audit_events SET detail = '{{}}' WHERE seq = {head}"),
        format!("DELETE FROM audit_events WHERE seq = {middle}"),
        format!("DELETE FROM audit_events WHERE seq = {head}"),
        format!(
            "DELETE FROM audit_events WHERE seq = {head};
             UPDATE audit_head SET seq = {0}, hash = (SELECT hash FROM audit_events WHERE seq = {0})",
            head - 1
        ),
    ];
    let rows = "SELECT seq, at, actor, action, company_id, subject, detail, prev_hash, hash FROM audit_events";
    let (before, head_row) = (db.rows(rows).await, db.rows("SELECT seq, hash FROM audit_head").await.concat());
    for edit in edits {
        db.execute(&edit).await;
        let found = verify().await;
        assert!(found.is_err(), "not found: {edit}");
        db.execute("DELETE FROM audit_events").await;
        for row in &before {
            let values: Vec<_> = row
                .iter()
                .map(|value| if value == "null" { value.clone() } else { format!("'{}'", value.replace('\'', "''")) })
                .collect();
            db.execute(&format!("INSERT INTO audit_events (seq, at, actor, action, company_id, subject, detail, prev_hash, hash) VALUES ({})", values.join(", "))).await;
        }
        db.execute(&format!("UPDATE audit_head SET seq = {}, hash = '{}'", head_row[0], head_row[1])).await;
        verify().await.unwrap();
    }
}
