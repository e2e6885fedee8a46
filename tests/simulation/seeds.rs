//! Which seeds are lived through.

use super::making;
use super::world::World;
use crate::support::Kind;

#[tokio::test]
async fn a_first_one() {
    let from: u64 = std::env::var("SIMULATION_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let count: u64 = std::env::var("SIMULATION_COUNT").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    for seed in from..from + count {
        let plan = making::plan(seed, Kind::Sqlite);
        let started = std::time::Instant::now();
        let ending = World::live(&plan).await;
        eprintln!(
            "seed {seed}: {} events, {:?}, {:?}, {:?}",
            plan.events.len(),
            ending.tally,
            started.elapsed(),
            ending.failure
        );
        if let Some(failure) = ending.failure {
            for line in ending.trace {
                eprintln!("  {line}");
            }
            eprintln!("{} {}", failure.rule, failure.text);
        }
    }
}
