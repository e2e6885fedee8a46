//! R4: everybody who must be is required by `enforce_at` plus the tick, even if mail never worked, and as soon as the daemon
//! is back when it was down.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use mfa_enforcer::clock::Clock;
use mfa_enforcer::store::StoreError;
use mfa_enforcer::store::checkpoint::{Checkpoint, Observer};

use super::world::{NOTHING, World, at, busy};
use crate::support::{Kind, TestDatabase, on_both};

on_both!(
    r4_not_late_though_mail_never_worked,
    r4_not_late_after_downtime,
    r4_not_late_after_downtime_since_before_the_announcement,
    r4_not_late_one_enforcement_that_fails_stops_no_other,
    r4_not_late_who_is_back_by_a_clock_that_is_behind,
    r4_not_late_members_who_join_while_it_flips,
    r4_not_late_who_has_enrolled_is_required_too,
    r4_not_late_whatever_the_number,
    r4_not_late_while_many_rows_are_looked_at,
);

async fn r4_not_late_though_mail_never_worked(db: &TestDatabase) {
    let mut world = World::begin(db, "2026-12-01 09:00").await;
    world.services.limits.retry_most = chrono::TimeDelta::hours(24);
    let berlin = world.company("Europe/Berlin").await;
    let members = world.members(berlin, "Europe/Berlin", 4).await;
    for user in &members {
        world.mail.refuse(&user.address(), busy());
    }
    world.set_date(berlin, "2026-12-09").await;
    world.walk("2026-12-08 23:00").await;
    for user in &members {
        assert_eq!(world.received(user).await, NOTHING);
        assert_eq!(world.required_since(user).await, "2026-12-08 23:00");
    }
    assert!(world.mail.attempts() > 4, "it was tried");
    for user in &members {
        world.mail.accept(&user.address());
    }
    world.walk("2026-12-09 12:00").await;
    assert_eq!(world.received(&members[0]).await, ["2026-12-09 09:00 now_required"], "and nothing that is over");
    world.finish().await;
}

async fn r4_not_late_after_downtime(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let members = world.members(berlin, "Europe/Berlin", 4).await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-11 09:00").await;
    // Away over two reminders and the day itself; and mail is broken when it comes back.
    world.mail.refuse_next(busy());
    world.run("2027-01-17 03:00").await;
    for user in &members {
        assert_eq!(world.required_since(user).await, "2027-01-17 03:00");
    }
    world.walk("2027-01-17 12:00").await;
    for user in &members {
        let received = world.received(user).await;
        assert!(received.last().unwrap().ends_with(" now_required"), "{received:?}");
        assert_eq!(received.len(), 5, "announcement, three reminders, and that it is required: {received:?}");
    }
    world.finish().await;
}

async fn r4_not_late_after_downtime_since_before_the_announcement(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2027-01-15").await;
    world.run_now().await;
    world.run("2027-01-15 10:00").await;
    assert_eq!(world.required_since(&user).await, "2027-01-15 10:00");
    assert_eq!(world.received(&user).await, ["2027-01-15 11:00 now_required"], "the rest is over");
    world.finish().await;
}

async fn r4_not_late_one_enforcement_that_fails_stops_no_other(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let mut users = Vec::new();
    for _ in 0..3 {
        let company = world.company("Europe/Berlin").await;
        users.push(world.member(company, "Europe/Berlin").await);
        world.set_date(company, "2026-12-09").await;
    }
    world.walk("2026-12-08 12:00").await;
    // The middle one cannot be required: the database refuses it.
    refuse_requirements_of(db, &users[1].id.to_string()).await;
    world.services.clock.set(at("2026-12-08 23:00"));
    let failed = world.try_task("enforce").await.unwrap_err();
    assert!(failed.to_string().starts_with("1 of 3 failed"), "{failed}");
    let since = [world.required_since(&users[0]).await, world.required_since(&users[2]).await];
    assert_eq!(since, ["2026-12-08 23:00"; 2]);
    assert_eq!(world.required_since(&users[1]).await, "");
    let drop = if db.kind() == Kind::Sqlite { "DROP TRIGGER refusal" } else { "DROP TRIGGER refusal ON requirements" };
    db.execute(drop).await;
    world.run("2026-12-08 23:01").await;
    assert_eq!(world.required_since(&users[1]).await, "2026-12-08 23:01");
    world.finish().await;
}

/// Has the database refuse the requirements of one user.
async fn refuse_requirements_of(db: &TestDatabase, user: &str) {
    let sql = match db.kind() {
        Kind::Sqlite => format!(
            "CREATE TRIGGER refusal BEFORE INSERT ON requirements WHEN NEW.user_id = '{user}'
             BEGIN SELECT RAISE(ABORT, 'refused'); END"
        ),
        Kind::Postgres => format!(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$;
             CREATE TRIGGER refusal BEFORE INSERT ON requirements FOR EACH ROW WHEN (NEW.user_id = '{user}')
             EXECUTE FUNCTION refuse()"
        ),
    };
    db.execute(&sql).await;
}

/// By another daemon's clock it is in force, and by one's own its minute has not come.
async fn r4_not_late_who_is_back_by_a_clock_that_is_behind(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let members = world.members(berlin, "Europe/Berlin", 2).await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-14 12:00").await;
    world.set_user(&members[1], "active = false").await;
    world.walk("2027-01-14 23:00").await;
    assert_eq!(world.required_since(&members[0]).await, "2027-01-14 23:00");
    world.set_user(&members[1], "active = true").await;
    world.run("2027-01-14 22:59").await;
    assert_eq!(world.required_since(&members[1]).await, "", "not before their time");
    world.run("2027-01-14 23:01").await;
    assert_eq!(world.required_since(&members[1]).await, "2027-01-14 23:01");
    world.finish().await;
}

async fn r4_not_late_members_who_join_while_it_flips(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let late = world.user("Europe/Berlin").await; // its id comes before all others
    let members = world.members(berlin, "Europe/Berlin", 8).await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-14 12:00").await;
    world.services.clock.set(at("2027-01-14 23:00"));
    let enforcement = world.enforcement(berlin).await;
    let flipped = world.services.store.flip_chunk(enforcement, world.now(), &world.services.policy, 3).await.unwrap();
    assert_eq!((flipped.required, flipped.more, flipped.began), (3, true, true));
    world.join(berlin, &late).await;
    world.walk("2027-01-30 12:00").await;
    for user in &members {
        assert_eq!(world.required_since(user).await, "2027-01-14 23:00");
    }
    assert_eq!(world.required_since(&late).await, "2027-01-21 23:00", "with the grace of a late joiner");
    world.finish().await;
}

async fn r4_not_late_who_has_enrolled_is_required_too(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.enroll(&user).await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2027-01-16 12:00").await;
    assert_eq!(world.required_since(&user).await, "2027-01-14 23:00", "so that MFA cannot be turned off again");
    assert_eq!(world.received(&user).await, NOTHING);
    world.finish().await;
}

async fn r4_not_late_whatever_the_number(db: &TestDatabase) {
    // As many members as whole chunks, one more, and one less; and none at all.
    let world = World::begin(db, "2026-12-01 09:00").await;
    let chunk = usize::try_from(world.services.limits.chunk).unwrap();
    let mut companies = Vec::new();
    for count in [0, 1, chunk - 1, chunk, chunk + 1, 2 * chunk] {
        let company = world.company("Europe/Berlin").await;
        world.members(company, "Europe/Berlin", count).await;
        world.set_date(company, "2026-12-09").await;
        companies.push(company);
    }
    world.walk("2026-12-09 12:00").await;
    for user in world.all_users() {
        assert_eq!(world.required_since(&user).await, "2026-12-08 23:00");
    }
    for company in companies {
        assert_eq!(world.enforcements(company).await, ["2026-12-09 in_force"]);
    }
    assert_eq!(db.value("SELECT count(*) FROM enforcements WHERE flipped_at IS NULL").await, "0");
    world.finish().await;
}

/// A database that takes two seconds for each transaction, and what was done in it.
#[derive(Debug)]
struct Slow {
    clock: Clock,
    done: Mutex<Vec<&'static str>>,
}

#[async_trait]
impl Observer for Slow {
    async fn reached(&self, point: Checkpoint<'_>) -> Result<(), StoreError> {
        let mut done = self.done.lock().unwrap();
        match point {
            Checkpoint::Begin => self.clock.set(self.clock.now().plus(chrono::TimeDelta::seconds(2))),
            Checkpoint::Statement(sql) if sql.starts_with("UPDATE users SET reviewed = true") => done.push("users"),
            Checkpoint::Statement(sql) if sql.contains("SET require_at = NULL FROM") => done.push("own day"),
            Checkpoint::Statement(sql) if sql.starts_with("INSERT INTO enforcements") => done.push("date"),
            _ => (),
        }
        Ok(())
    }
}

async fn r4_not_late_while_many_rows_are_looked_at(db: &TestDatabase) {
    let mut world = World::begin(db, "2026-12-01 09:00").await;
    let [berlin, paris] = [world.company("Europe/Berlin").await, world.company("Europe/Paris").await];
    world.members(berlin, "Europe/Berlin", 1).await;
    world.members(paris, "Europe/Paris", 1).await;
    world.set_date(berlin, "2026-12-09").await;
    world.walk("2026-12-10 12:00").await;
    let late = world.member(berlin, "Europe/Berlin").await;
    world.walk("2026-12-17 12:00").await;
    // An import, and what comes at the same time.
    for _ in 0..15 {
        world.user("Europe/Berlin").await;
    }
    world.set_date(paris, "2027-03-01").await;
    world.services.clock.set(at("2026-12-17 23:00"));
    let slow = Arc::new(Slow { clock: world.services.clock.clone(), done: Mutex::default() });
    world.services.store = Arc::new(db.store(7).await.with_observer(Arc::<Slow>::clone(&slow)));
    world.try_task("reconcile").await.unwrap();
    let done = slow.done.lock().unwrap().clone();
    let users = done.iter().filter(|what| **what == "users").count();
    assert_eq!(users, 5, "{done:?}");
    let last = done.iter().rposition(|what| *what == "users").unwrap();
    assert!(done[..last].contains(&"own day") && done[..last].contains(&"date"), "{done:?}");
    assert!(world.required_since(&late).await.starts_with("2026-12-17 23:00"));
}
