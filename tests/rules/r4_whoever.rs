//! R4 for those who could be passed over, where planted faults have asked for a test (`tests/mutation`).

use super::world::World;
use crate::support::{TestDatabase, on_both};

on_both!(
    r4_not_late_who_cannot_be_reached_by_mail_is_required_too,
    r4_not_late_a_payee_who_signs_in_by_sso_is_required_too,
);

async fn r4_not_late_who_cannot_be_reached_by_mail_is_required_too(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_user(&user, "email_status = 'bounced'").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-15 12:00").await;
    assert_eq!(world.required_since(&user).await, "2027-01-14 23:00");
    world.finish().await;
}

/// Companies leave their SSO users out; the mandate is the vendor's own.
async fn r4_not_late_a_payee_who_signs_in_by_sso_is_required_too(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let user = world.user("Europe/Berlin").await;
    world.set_user(&user, "payee = true, sso = true").await;
    world.walk("2026-12-01 12:00").await;
    assert_eq!(world.required_since(&user).await, "2026-12-01 09:00");
    world.finish().await;
}
