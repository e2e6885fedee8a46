//! R2 and R6 for the outcome of a mail that the database does not take down at once. On PostgreSQL alone, where a sequence
//! remembers what was refused.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;
use mfa_enforcer::config::Config;
use mfa_enforcer::mail::Mailer;
use mfa_enforcer::mail::compose::Composed;
use mfa_enforcer::mail::memory::MemoryTransport;
use mfa_enforcer::mail::transport::{SendError, SimulatedServer, Transport};
use mfa_enforcer::tasks::ShutdownTrigger;
use tokio::sync::Semaphore;

use super::world::{User, World};
use crate::support::{Kind, TestDatabase};

/// What a database says that starts or ends.
const AWAY: &str = "57P03";

/// Lets the database refuse with `code` to take down that a mail was sent, whenever `refused`, of the number of the attempt
/// `n`, says so. The counter is not the daemon's: the trigger has its maker's privileges.
async fn refuse_outcomes(db: &TestDatabase, code: &str, refused: &str) {
    db.execute(&format!(
        "CREATE SEQUENCE refusals;
         CREATE FUNCTION refuse_some() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
         DECLARE n bigint := nextval('refusals');
         BEGIN IF {refused} THEN RAISE EXCEPTION 'refused' USING ERRCODE = '{code}'; END IF; RETURN NEW; END $$;
         CREATE TRIGGER refusal BEFORE UPDATE ON mails FOR EACH ROW WHEN (NEW.state = 'sent') EXECUTE FUNCTION refuse_some()"
    ))
    .await;
}

/// So many members whose announcements are due.
async fn announced(world: &World<'_>, members: usize) -> Vec<User> {
    let berlin = world.company("Europe/Berlin").await;
    let crowd = world.members(berlin, "Europe/Berlin", members).await;
    world.set_date(berlin, "2027-01-15").await;
    world.run_now().await;
    world.task("expand", "2026-12-01 09:15").await;
    crowd
}

/// A mail server that takes mails as they are let through.
#[derive(Debug)]
struct Gate(MemoryTransport, Arc<Semaphore>);

#[async_trait]
impl SimulatedServer for Gate {
    async fn send(&self, mail: &Composed) -> Result<String, SendError> {
        self.1.acquire().await.unwrap().forget();
        self.0.send(mail).await
    }

    fn max_concurrent(&self) -> usize {
        self.0.max_concurrent()
    }
}

#[tokio::test]
async fn r6_nothing_lost_of_an_outcome_that_cannot_be_recorded_at_once_postgres() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let world = World::begin(db, "2026-12-01 09:00").await;
    let crowd = announced(&world, 1).await;
    refuse_outcomes(db, "P0001", "n = 1").await;
    world.try_task("deliver").await.unwrap();
    assert_eq!(db.rows("SELECT state FROM mails").await, [["sent"]]);
    assert_eq!(db.value("SELECT last_value FROM refusals").await, "2", "it was refused before");
    world.lease_over();
    world.run_now().await;
    assert_eq!(world.mails_to(&crowd[0]).len(), 1);
    world.finish().await;
}

/// For longer than the claim lasts, which here is no time at all.
#[tokio::test]
async fn r2_once_what_was_sent_is_recorded_however_long_that_takes_postgres() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let mut world = World::begin(db, "2026-12-01 09:00").await;
    (world.services.limits.lease, world.services.limits.send_timeout) = (TimeDelta::zero(), TimeDelta::zero());
    let crowd = announced(&world, 1).await;
    refuse_outcomes(db, AWAY, "n <= 2").await;
    world.try_task("deliver").await.unwrap();
    assert_eq!(db.rows("SELECT state FROM mails").await, [["sent"]]);
    world.run("2026-12-01 09:25").await;
    assert_eq!(world.mails_to(&crowd[0]).len(), 1);
    world.finish().await;
}

/// Three claims of one mail each lapse while what became of the first cannot be recorded, and the others are sent: once the
/// first is recorded there would be room for another claim.
#[tokio::test]
async fn r2_once_what_is_not_recorded_yet_is_not_claimed_again_postgres() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let mut world = World::begin(db, "2026-12-01 09:00").await;
    world.services.limits.claim_batch = 1;
    let config = [("MFA_ENFORCER__CLOCK__SIMULATED".to_owned(), "true".to_owned())];
    let (notices, open) = (Config::load(None, config.into_iter()).unwrap().notices, Arc::new(Semaphore::new(1)));
    let gate = Transport::simulated(Gate(world.mail.clone(), Arc::clone(&open)));
    world.services.mailer = Mailer::new(&notices, gate).unwrap().into();
    let crowd = announced(&world, 3).await;
    refuse_outcomes(db, AWAY, "n % 2 = 1").await;
    let lapse = async {
        while db.value("SELECT CASE WHEN is_called THEN 'refused' END FROM refusals").await != "refused" {
            tokio::task::yield_now().await;
        }
        world.lease_over();
        open.add_permits(100);
    };
    let (report, ()) = tokio::join!(world.try_task("deliver"), lapse);
    assert_eq!(report.unwrap().detail["sent"], 3);
    let mails: Vec<_> = crowd.iter().map(|user| world.mails_to(user).len()).collect();
    assert_eq!(mails, [1, 1, 1]);
    world.finish().await;
}

/// One mail, of two, whose outcome the database will never have, whatever the reason: the other must not wait for ever.
#[tokio::test]
async fn r9_one_bad_row_an_outcome_that_is_always_refused_is_given_up_postgres() {
    // A constraint, and a role that lacks a privilege.
    for code in ["23514", "42501"] {
        let db = &TestDatabase::new(Kind::Postgres).await;
        let mut world = World::begin(db, "2026-12-01 09:00").await;
        world.services.limits.claim_batch = 1;
        (world.services.limits.lease, world.services.limits.send_timeout) = (TimeDelta::zero(), TimeDelta::zero());
        let crowd = announced(&world, 2).await;
        let first = format!("NEW.user_id = '{}'", crowd[0].id);
        refuse_outcomes(db, code, &first).await;
        world.try_task("deliver").await.unwrap();
        assert_eq!(db.rows("SELECT state FROM mails ORDER BY state").await, [["sending"], ["sent"]]);
        db.execute("DROP TRIGGER refusal ON mails").await;
        world.repeats_allowed.set(true);
        world.run("2026-12-01 09:25").await;
        assert_eq!(world.mails_to(&crowd[1]).len(), 1);
        world.finish().await;
    }
}

/// They are recorded together, and one of them is refused.
#[tokio::test]
async fn r2_once_an_outcome_that_is_refused_takes_no_other_along_postgres() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let mut world = World::begin(db, "2026-12-01 09:00").await;
    (world.services.limits.lease, world.services.limits.send_timeout) = (TimeDelta::zero(), TimeDelta::zero());
    let crowd = announced(&world, 4).await;
    refuse_outcomes(db, "22021", &format!("NEW.user_id = '{}'", crowd[1].id)).await;
    world.try_task("deliver").await.unwrap();
    let states = "SELECT l.state FROM mails AS l JOIN users AS u ON u.id = l.user_id ORDER BY u.email";
    assert_eq!(db.rows(states).await, [["sent"], ["sending"], ["sent"], ["sent"]]);
    db.execute("DROP TRIGGER refusal ON mails").await;
    world.repeats_allowed.set(true);
    world.run("2026-12-01 09:25").await;
    let mails: Vec<_> = crowd.iter().map(|user| world.mails_to(user).len()).collect();
    assert_eq!(mails, [1, 2, 1, 1]);
    world.finish().await;
}

/// A database that is away when the daemon is told to end, and comes back soon.
#[tokio::test]
async fn r2_once_what_was_sent_is_offered_when_it_is_time_to_end_postgres() {
    let db = &TestDatabase::new(Kind::Postgres).await;
    let mut world = World::begin(db, "2026-12-01 09:00").await;
    let crowd = announced(&world, 1).await;
    let (trigger, shutdown) = ShutdownTrigger::new();
    world.services.shutdown = shutdown;
    refuse_outcomes(db, AWAY, "n <= 3").await;
    let end = async {
        while db.value("SELECT CASE WHEN is_called THEN 'refused' END FROM refusals").await != "refused" {
            tokio::task::yield_now().await;
        }
        trigger.request();
    };
    let (report, ()) = tokio::join!(world.try_task("deliver"), end);
    report.unwrap();
    assert_eq!(db.rows("SELECT state FROM mails").await, [["sent"]]);
    world.services.shutdown = ShutdownTrigger::new().1;
    world.lease_over();
    world.run_now().await;
    assert_eq!(world.mails_to(&crowd[0]).len(), 1);
    world.finish().await;
}
