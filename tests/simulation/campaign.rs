//! Lives through worlds, one after the other, and sums up what was lived through.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::making;
use super::report::report;
use super::smaller::smaller;
use super::world::{Tally, World};
use crate::support::Kind;

/// How long a failure is made smaller by default.
pub const SHRINKING: Duration = Duration::from_mins(1);

/// What worlds came to.
#[derive(Clone, Debug, Default)]
pub struct Sum {
    pub worlds: u64,
    pub tally: Tally,
}

impl std::fmt::Display for Sum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { worlds, tally } = self;
        write!(
            f,
            "{worlds} worlds, {:.1} company-years: {} instants, {} orders, {} mails, {} crashes, {} database errors, \
             {} stalls, {} foretold lines",
            tally.company_years,
            tally.instants,
            tally.orders,
            tally.mails,
            tally.crashes,
            tally.database_errors,
            tally.stalls,
            tally.foretold
        )
    }
}

impl Sum {
    fn add(&mut self, other: &Tally) {
        let Tally { company_years, mails, crashes, database_errors, stalls, instants, orders, foretold, digest: _ } =
            other;
        self.worlds += 1;
        self.tally.company_years += company_years;
        self.tally.mails += mails;
        self.tally.crashes += crashes;
        self.tally.database_errors += database_errors;
        self.tally.stalls += stalls;
        self.tally.instants += instants;
        self.tally.orders += orders;
        self.tally.foretold += foretold;
    }
}

/// Lives through the world of one seed.
///
/// # Returns
/// What it came to; or what is to be told of a failure, after it was made smaller for so long.
pub fn live(seed: u64, kind: Kind, unwatched: bool, shrinking: Duration) -> Result<Tally, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut plan = making::plan(seed, kind);
        plan.machines.unwatched = unwatched;
        let ending = World::live(&plan).await;
        let Some(failure) = ending.failure.clone() else { return Ok(ending.tally) };
        let events = plan.events.len();
        let failing = smaller(plan, ending, shrinking).await;
        Err(report(&failure, &failing, events))
    })
}

/// Lives through the worlds of these seeds.
pub fn live_all(seeds: impl IntoIterator<Item = u64>, kind: Kind, unwatched: bool) {
    let mut sum = Sum::default();
    for seed in seeds {
        match live(seed, kind, unwatched, SHRINKING) {
            Ok(tally) => sum.add(&tally),
            Err(report) => panic!("{report}"),
        }
    }
    eprintln!("{sum}");
}

/// Lives through fresh worlds on all processors for a time, some of them on PostgreSQL.
pub fn live_for(time: Duration, first: u64) {
    let (until, next) = (Instant::now() + time, AtomicU64::new(first));
    let (sum, failures) = (Mutex::new(Sum::default()), Mutex::new(Vec::new()));
    let over = AtomicBool::new(false);
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while Instant::now() < until && !over.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let kind = if seed.is_multiple_of(20) { Kind::Postgres } else { Kind::Sqlite };
                    match live(seed, kind, seed.is_multiple_of(40), SHRINKING) {
                        Ok(tally) => {
                            let mut sum = sum.lock().unwrap();
                            sum.add(&tally);
                            if sum.worlds.is_multiple_of(50) {
                                eprintln!("{sum}");
                            }
                        }
                        Err(report) => {
                            over.store(true, Ordering::Relaxed);
                            failures.lock().unwrap().push(report);
                        }
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    eprintln!("without violation: {}; the first seed was {first}", sum.into_inner().unwrap());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
