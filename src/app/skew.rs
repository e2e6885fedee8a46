//! Whose time it is where several machines share a database: the database's. Its clock is compared with this machine's at
//! the start and once a minute; what differs corrects this daemon's clock, which nobody else sets in between.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;

use crate::clock::Clock;
use crate::domain::time::Timestamp;
use crate::store::{Store, StoreError};
use crate::tasks::Services;
use crate::telemetry::metrics::CLOCK_SKEW_SECONDS;

/// How often they are compared.
const EVERY: Duration = Duration::from_mins(1);
/// How often the database is asked each time; the answer that came soonest says most.
const ASKED: usize = 3;
/// What is reported.
const TOLERATED: TimeDelta = TimeDelta::seconds(2);

/// Compares them once a minute, by a clock that nobody sets, until it is dropped.
pub(super) async fn keep_comparing(services: Arc<Services>) {
    let mut minutes = tokio::time::interval(EVERY);
    loop {
        minutes.tick().await;
        if let Err(error) = compare(services.store.as_ref(), &services.clock).await {
            // The tasks complain of the database loudly enough.
            tracing::debug!(%error, "the database's clock could not be read: it is taken to go on as it was");
        }
    }
}

/// Corrects `clock` by the database's, where it is one that is corrected.
///
/// # Errors
/// What the database answers.
pub async fn compare(store: &dyn Store, clock: &Clock) -> Result<(), StoreError> {
    let Some(before) = clock.correction() else { return Ok(()) };
    let mut best: Option<Reading> = None;
    for _ in 0..ASKED {
        let (asked_at, asked) = (clock.now(), Instant::now());
        let Some(shown) = store.database_time().await? else { return Ok(()) };
        let reading = Reading { asked_at, shown, round_trip: asked.elapsed() };
        if best.as_ref().is_none_or(|best| reading.round_trip < best.round_trip) {
            best = Some(reading);
        }
    }
    let Some(reading) = best else { return Ok(()) };
    clock.correct(reading.off());
    let ahead = clock.correction().unwrap_or_default();
    metrics::gauge!(CLOCK_SKEW_SECONDS).set(ahead.as_seconds_f64());
    let seconds = ahead.as_seconds_f64();
    match (before.abs() > TOLERATED, ahead.abs() > TOLERATED) {
        (false, true) => tracing::warn!(
            seconds,
            "the database's clock is ahead of this machine's by so many seconds: the database's counts; see whether time \
             is synchronized on both"
        ),
        (true, false) => tracing::warn!(seconds, "the database's clock and this machine's agree again"),
        _ => {}
    }
    Ok(())
}

/// What the database's clock showed when it was asked.
struct Reading {
    /// When, by the daemon's clock.
    asked_at: Timestamp,
    shown: Timestamp,
    round_trip: Duration,
}

impl Reading {
    /// How far the database's clock is ahead: it was read in the middle of the round trip, or half of that off at most.
    /// Nothing where it may be as little as that, so that time does not tremble.
    fn off(&self) -> TimeDelta {
        let half = TimeDelta::from_std(self.round_trip / 2).unwrap_or_default();
        let ahead = self.shown.utc() - self.asked_at.utc() - half;
        if ahead.abs() <= half { TimeDelta::zero() } else { ahead }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn off(shown: &str, round_trip: u64) -> i64 {
        let asked_at = "2027-01-15T09:00:00Z".parse().unwrap();
        let round_trip = Duration::from_millis(round_trip);
        Reading { asked_at, shown: shown.parse().unwrap(), round_trip }.off().num_milliseconds()
    }

    #[test]
    fn the_way_there_is_half_of_the_round_trip() {
        assert_eq!(off("2027-01-15T09:00:10Z", 400), 9_800);
        assert_eq!(off("2027-01-15T08:59:50Z", 400), -10_200);
    }

    #[test]
    fn what_the_measurement_cannot_tell_apart_stands() {
        assert_eq!(off("2027-01-15T09:00:00.400Z", 400), 0);
        assert_eq!(off("2027-01-15T09:00:00.401Z", 400), 201);
        assert_eq!(off("2027-01-15T09:00:00Z", 10), 0);
    }
}
