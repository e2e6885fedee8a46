//! A week of the queue with autovacuum on: dead rows stay few, and what is updated on each tick stays small.

use chrono::TimeDelta;
use mfa_enforcer::clock::Randomness;
use mfa_enforcer::store::SqlStore;
use mfa_enforcer::store::connect::Schema;
use mfa_enforcer::tasks::{all, run_task};

use crate::support::database::options;
use crate::support::private_postgres::PrivatePostgres;
use crate::support::vendor::{add_company, company_id};
use crate::support::{Rehearsal, TestDatabase};

/// Eleven days of ticks, of which a week has dates that were set before and come: far fewer than there are. What counts is how often
/// rows are written between two visits of autovacuum, which comes each second here, and each minute by default.
const TICKS: i32 = 11 * TICKS_A_DAY;
const TICKS_A_DAY: i32 = 144;
const BETWEEN_TICKS: TimeDelta = TimeDelta::minutes(10);
/// Companies, of which some get a date each day, and the people of each.
const COMPANIES: u32 = 110;
const PEOPLE: u32 = 60;

/// What each table may have come to: bytes for those of a few rows; for the others, dead rows for each that is alive, and how many there
/// may be in any case.
const FEW_ROWS: &[&str] = &["task_runs", "daemon_state", "audit_head"];
const BYTES_MOST: i64 = 128 * 1024;
const GROWING: &[&str] = &["notices", "mails", "milestones", "enforcements"];
const DEAD_FOR_EACH: f64 = 0.1;
/// Tables of which autovacuum takes care as of any other: by default once a fifth is dead.
const AS_ANY_OTHER: &[&str] = &["users", "memberships", "requirements"];
const DEAD_BY_DEFAULT: f64 = 0.2;
const DEAD_ANYWAY: f64 = 1500.0;

#[tokio::test]
#[ignore = "it takes some minutes: tests/run bloat"]
async fn a_week_leaves_few_dead_rows() {
    let server = PrivatePostgres::start(&[], "autovacuum = on\nautovacuum_naptime = 1s");
    server.execute("postgres", "CREATE DATABASE ledger").await;
    let url = format!("postgres://postgres@127.0.0.1:{}/ledger", server.port);
    SqlStore::connect(&options(&url), Schema::Migrate, Randomness::seeded(1)).await.unwrap().close().await;
    let db = TestDatabase::on(&url).await;
    for number in 0..COMPANIES {
        let company = add_company(&db, number).await;
        db.execute(&format!(
            "INSERT INTO users (id, email, name)
             SELECT ('0e' || lpad(to_hex({number} * 1000 + n), 30, '0'))::uuid, 'user' || {number} * 1000 + n || '@example.com', 'User'
             FROM generate_series(1, {PEOPLE}) AS n;
             INSERT INTO memberships (company_id, user_id)
             SELECT '{company}', ('0e' || lpad(to_hex({number} * 1000 + n), 30, '0'))::uuid FROM generate_series(1, {PEOPLE}) AS n"
        ))
        .await;
    }
    let daemon = Rehearsal::new(&db, "2027-01-04T00:00:00Z".parse().unwrap()).await;
    for tick in 0..TICKS {
        if tick % TICKS_A_DAY == 0 {
            // Ten companies a day, each for eight days ahead: announced today, reminded tomorrow and later.
            for number in (0..10).map(|n| u32::try_from(tick / TICKS_A_DAY * 10 + n).unwrap()) {
                let date = daemon.now().plus(TimeDelta::days(8)).utc().date_naive();
                let company = company_id(number);
                db.execute(&format!("UPDATE companies SET enforcement_date = '{date}' WHERE id = '{company}'")).await;
            }
        }
        for task in all() {
            run_task(task.as_ref(), &daemon.services).await.unwrap();
        }
        daemon.services.clock.set(daemon.now().plus(BETWEEN_TICKS));
    }
    let sent: u32 = db.value("SELECT count(*) FROM mails WHERE state = 'sent'").await.parse().unwrap();
    assert!(sent > COMPANIES * PEOPLE, "work was done: {sent} mails");
    let required: u32 = db.value("SELECT count(*) FROM requirements").await.parse().unwrap();
    assert!(required > 20 * PEOPLE, "dates came: {required} were required");
    let mut wrong = Vec::new();
    for table in FEW_ROWS {
        let bytes: i64 = db.value(&format!("SELECT pg_total_relation_size('{table}')")).await.parse().unwrap();
        println!("{table}: {bytes} bytes");
        if bytes > BYTES_MOST {
            wrong.push(format!("{table} has {bytes} bytes"));
        }
    }
    let growing = GROWING.iter().map(|table| (table, DEAD_FOR_EACH));
    for (table, most) in growing.chain(AS_ANY_OTHER.iter().map(|table| (table, DEAD_BY_DEFAULT))) {
        let looks = until_vacuumed(&db, table, most).await;
        println!("{table}: {looks}");
        if !looks.is_well {
            wrong.push(format!("{table}: {looks}"));
        }
    }
    assert!(wrong.is_empty(), "after {sent} mails: {wrong:?}");
}

struct Rows {
    alive: f64,
    dead: f64,
    is_well: bool,
}

impl std::fmt::Display for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} rows, and {} dead ones", self.alive, self.dead)
    }
}

/// The rows once autovacuum has come, or when it has not come for a while.
async fn until_vacuumed(db: &TestDatabase, table: &str, dead_for_each: f64) -> Rows {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
    let mut looks = tokio::time::interval(std::time::Duration::from_millis(500));
    loop {
        looks.tick().await;
        let counted = format!("SELECT n_live_tup, n_dead_tup FROM pg_stat_user_tables WHERE relname = '{table}'");
        let row = db.rows(&counted).await.concat();
        let (alive, dead) = (row[0].parse::<f64>().unwrap(), row[1].parse::<f64>().unwrap());
        let is_well = dead <= DEAD_ANYWAY + alive * dead_for_each;
        if is_well || tokio::time::Instant::now() > deadline {
            return Rows { alive, dead, is_well };
        }
    }
}
