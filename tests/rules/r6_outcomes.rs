//! R6 for the outcome of a mail, where a planted fault has asked for a test (`tests/mutation`).

use super::world::World;
use crate::support::{Kind, TestDatabase};

/// The mail was accepted, and the database refuses to take that down, once. On PostgreSQL alone, where a sequence remembers
/// what was refused.
#[tokio::test]
async fn r6_nothing_lost_of_an_outcome_that_cannot_be_recorded_at_once_postgres() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2027-01-15").await;
    world.run_now().await;
    world.task("expand", "2026-12-01 09:15").await;
    db.execute(
        "CREATE SEQUENCE refusals;
         CREATE FUNCTION refuse_once() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN IF nextval('refusals') = 1 THEN RAISE EXCEPTION 'refused'; END IF; RETURN NEW; END $$;
         CREATE TRIGGER refusal BEFORE UPDATE ON mails FOR EACH ROW WHEN (NEW.state = 'sent') EXECUTE FUNCTION refuse_once()",
    )
    .await;
    world.try_task("deliver").await.unwrap();
    assert_eq!(db.rows("SELECT state FROM mails").await, [["sent"]]);
    assert_eq!(db.value("SELECT last_value FROM refusals").await, "2", "it was refused before");
    world.lease_over();
    world.run_now().await;
    assert_eq!(world.mails_to(&user).len(), 1);
    world.finish().await;
}
