//! Ordeals: small ones each time, and a large one that somebody asks for.

use std::time::{Duration, Instant};

use mfa_enforcer::clock::Randomness;

use super::ordeal::{Ordeal, Terms};
use crate::support::Kind;

#[tokio::test]
async fn nothing_is_lost_when_everything_is_killed_on_sqlite() {
    small(Kind::Sqlite, 1).await;
}

#[tokio::test]
async fn nothing_is_lost_when_everything_is_killed_on_postgres() {
    small(Kind::Postgres, 2).await;
}

async fn small(kind: Kind, daemons: usize) {
    let terms = Terms { kind, seed: fresh(), kills: 7, told: 160, flipped: 300, daemons, on_disk: false };
    let settings =
        [("schedule.claim_batch", "40"), ("schedule.chunk", "20"), ("schedule.lease", "4s"), ("smtp.timeout", "3s")];
    live(terms, &settings).await;
}

/// `tests/run crash` calls it, with what is asked for in the environment.
#[tokio::test]
#[ignore = "it does what tests/run crash is asked for"]
async fn asked_for() {
    let asked = |name: &str| {
        let text = std::env::var(format!("CRASH_{name}")).ok().filter(|text| !text.is_empty())?;
        Some(text.parse::<u64>().unwrap_or_else(|_| panic!("CRASH_{name} is not a number: {text}")))
    };
    let size = |name, otherwise| usize::try_from(asked(name).unwrap_or(otherwise)).unwrap();
    let kinds = match (asked("SQLITE"), asked("POSTGRES")) {
        (Some(_), None) => vec![Kind::Sqlite],
        (None, Some(_)) => vec![Kind::Postgres],
        _ => Kind::ALL.to_vec(),
    };
    let until = Instant::now() + Duration::from_mins(asked("MINUTES").unwrap_or(0));
    let first = asked("SEED").unwrap_or_else(fresh);
    for seed in first.. {
        for &kind in &kinds {
            let terms = Terms {
                kind,
                seed,
                kills: size("KILLS", 60),
                told: size("NOTICES", 20_000),
                flipped: size("ACCOUNTS", 100_000),
                daemons: if kind == Kind::Postgres { 3 } else { 1 },
                on_disk: true,
            };
            // Small steps, so that there is something left to kill.
            let settings = [
                ("schedule.chunk", "100"),
                ("schedule.claim_batch", "100"),
                ("schedule.lease", "15s"),
                ("smtp.timeout", "10s"),
            ];
            live(terms, &settings).await;
        }
        if Instant::now() >= until {
            break;
        }
    }
}

/// Lives through it, proves what must be true, and tells what it was.
async fn live(terms: Terms, settings: &[(&str, &str)]) {
    let Terms { kind, seed, kills, told, flipped, daemons, .. } = terms;
    eprintln!("{kind:?}, seed {seed}: {told} notices, {flipped} accounts, {kills} kills, daemons at a time: {daemons}");
    let ordeal = Ordeal::live(terms, settings).await;
    let counts = ordeal.prove().await;
    let all: usize = ordeal.killed.values().sum();
    assert_eq!(all, kills, "every kill was made");
    assert!(2 * ordeal.late < all, "{} of {all} kills came too late: take more people", ordeal.late);
    let killed: Vec<String> = ordeal.killed.iter().map(|(victim, times)| format!("{victim} {times}")).collect();
    for line in [
        format!("killed: {all} ({}), with nothing left to do: {}", killed.join(", "), ordeal.late),
        format!("ended by themselves: daemons {}, mail server {}", ordeal.house.ended, ordeal.fallen),
        format!("mails: {} to {told} people, none lost", counts.mails),
        format!("repeats: {}, and at most {} were on their way at the kills", counts.repeats, ordeal.on_their_way),
        format!("required: {flipped}, each once, none early; the audit trail is whole"),
        format!("time: {:.1} s", ordeal.took.as_secs_f64()),
    ] {
        eprintln!("  {line}");
    }
}

/// A seed that was not used before.
fn fresh() -> u64 {
    u64::try_from(Randomness::from_system().below(1 << 40)).expect("it is small")
}
