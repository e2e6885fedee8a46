//! Which seeds are lived through.

use std::time::Duration;

use super::smaller::smaller;
use super::world::World;
use super::{making, report};
use crate::support::Kind;

#[tokio::test]
async fn a_first_one() {
    let number =
        |name: &str, otherwise: u64| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise);
    let from = number("SIMULATION_SEED", 1);
    let count = number("SIMULATION_COUNT", 1);
    let time = number("SIMULATION_SHRINK", 60);
    for seed in from..from + count {
        let plan = making::plan(seed, Kind::Sqlite);
        let started = std::time::Instant::now();
        let ending = World::live(&plan).await;
        eprintln!("seed {seed}: {} events, {:?}, {:?}", plan.events.len(), ending.tally, started.elapsed());
        if let Some(failure) = ending.failure.clone() {
            let events = plan.events.len();
            if time == 0 {
                eprintln!("{} {}", failure.rule, failure.text);
                continue;
            }
            let failing = smaller(plan, ending, Duration::from_secs(time)).await;
            eprintln!("{}", report::report(&failure, &failing, events));
        }
    }
}
