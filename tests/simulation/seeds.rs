//! Which worlds are lived through: the same ones each time, a few fresh ones, and those that somebody asks for.

use std::time::Duration;

use mfa_enforcer::clock::Randomness;

use super::campaign::{SHRINKING, live, live_all, live_for};
use super::world::World;
use super::{making, plan};
use crate::support::Kind;

/// What somebody asks for by `tests/run simulation`.
fn asked(name: &str) -> Option<u64> {
    let text = std::env::var(format!("SIMULATION_{name}")).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap_or_else(|_| panic!("SIMULATION_{name} is not a number: {text}")))
}

/// A seed that was not used before.
fn fresh() -> u64 {
    let drawn = Randomness::from_system().below(1 << 40);
    1_000_000 + u64::try_from(drawn).expect("it is small")
}

mod fixed {
    use super::*;

    #[test]
    fn first() {
        live_all((1..=20).step_by(4), Kind::Sqlite, false);
    }

    #[test]
    fn second() {
        live_all((2..=20).step_by(4), Kind::Sqlite, false);
    }

    #[test]
    fn third() {
        live_all((3..=20).step_by(4), Kind::Sqlite, false);
    }

    #[test]
    fn fourth() {
        live_all((4..=20).step_by(4), Kind::Sqlite, false);
    }

    #[test]
    fn on_postgres() {
        live_all([10, 22], Kind::Postgres, false);
    }

    #[test]
    fn on_postgres_at_the_same_time() {
        live_all([31, 32], Kind::Postgres, true);
    }
}

#[test]
fn fresh_ones() {
    let first = fresh();
    live_all(first..first + 2, Kind::Sqlite, false);
}

#[test]
fn the_same_seed_gives_the_same_world() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut digests = Vec::new();
    for _ in 0..2 {
        let plan: plan::Plan = making::plan(13, Kind::Sqlite);
        digests.push(runtime.block_on(World::live(&plan)).tally.digest);
    }
    assert_eq!(digests[0], digests[1]);
}

/// `tests/run simulation` calls it, with what is asked for in the environment.
#[test]
#[ignore = "it does what tests/run simulation is asked for"]
fn asked_for() {
    let kind = if asked("POSTGRES").is_some() { Kind::Postgres } else { Kind::Sqlite };
    let unwatched = asked("UNWATCHED").is_some();
    if let Some(seed) = asked("SEED") {
        let shrinking = asked("SHRINK").map_or(SHRINKING, Duration::from_secs);
        for seed in seed..seed + asked("COUNT").unwrap_or(1) {
            match live(seed, kind, unwatched, shrinking) {
                Ok(tally) => eprintln!("seed {seed}: no violation; {tally:?}"),
                Err(report) if asked("COUNT").is_some() => eprintln!("{report}"),
                Err(report) => panic!("{report}"),
            }
        }
        return;
    }
    let minutes = asked("MINUTES").unwrap_or(5);
    live_for(Duration::from_mins(minutes), asked("FROM").unwrap_or_else(fresh));
}
