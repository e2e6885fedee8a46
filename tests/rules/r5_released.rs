//! R5 when what was held is released, where planted faults have asked for a test (`tests/mutation`).

use mfa_enforcer::store::enforcements::Ordered;
use mfa_enforcer::store::reconcile::Authority;

use super::world::{NOTHING, World};
use crate::support::{TestDatabase, on_both};

on_both!(r5_moved_a_release_can_be_taken_back_unseen);

const JO: Authority<'static> = Authority { actor: "Jo", override_notice: false, reason: None };

/// Held before anybody was told: released by a slip, nobody hears of it if it is held again at once.
async fn r5_moved_a_release_can_be_taken_back_unseen(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2027-03-15").await;
    world.run_now().await;
    assert_eq!(world.order(berlin, &JO).hold().await.unwrap(), Ordered::Done);
    world.walk("2026-12-02 09:00").await;
    assert_eq!(world.order(berlin, &JO).release().await.unwrap(), Ordered::Done);
    world.run("2026-12-02 09:14").await;
    assert_eq!(world.order(berlin, &JO).hold().await.unwrap(), Ordered::Done);
    world.walk("2026-12-03 09:00").await;
    assert_eq!(world.received(&user).await, NOTHING);
    assert_eq!(world.order(berlin, &JO).release().await.unwrap(), Ordered::Done);
    world.walk("2026-12-04 12:00").await;
    assert_eq!(world.received(&user).await, ["2026-12-03 10:15 announcement"]);
    world.finish().await;
}
