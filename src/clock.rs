//! The only places that ask what time it is and that make randomness.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha12Rng;

use crate::domain::ids::Id;
use crate::domain::time::Timestamp;

/// What time it is: the system's, the database's, or a simulated clock's.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The system's clock.
    System,
    /// The database's clock as it was when it was last looked at, carried on by a clock that nobody sets: all machines that
    /// share a database share its time, and a step of one machine's clock moves nothing. Until then the system's.
    Corrected(Arc<Carried>),
    /// A clock that stands still until it is set.
    Simulated(Arc<Mutex<Timestamp>>),
}

impl Clock {
    /// A simulated clock that shows `now`.
    #[must_use]
    pub fn simulated(now: Timestamp) -> Self {
        Self::Simulated(Arc::new(Mutex::new(now)))
    }

    /// The same clock, to be corrected by the database's. A simulated one is everybody's already.
    #[must_use]
    pub fn corrected(self) -> Self {
        match self {
            Self::System => Self::Corrected(Arc::default()),
            other => other,
        }
    }

    /// How far this clock is ahead of the system's; none where the two are not compared.
    #[must_use]
    pub fn correction(&self) -> Option<TimeDelta> {
        match self {
            Self::Corrected(carried) if carried.since_beginning().is_none() => Some(TimeDelta::zero()),
            Self::Corrected(_) => Some(self.now().utc() - Self::System.now().utc()),
            Self::System | Self::Simulated(_) => None,
        }
    }

    /// Moves this clock on by `by`, or back, as the database's shows that it is off; from then on it is carried on by itself.
    pub fn correct(&self, by: TimeDelta) {
        if let Self::Corrected(carried) = self {
            let shown = self.now().plus(by).utc().timestamp_micros();
            carried.0.store(shown.saturating_sub(steady_micros()), Ordering::Relaxed);
        }
    }

    /// What the clock shows.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => Timestamp::new(Utc::now()),
            Self::Corrected(carried) => carried.now().unwrap_or_else(|| Self::System.now()),
            Self::Simulated(now) => *now.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Sets a simulated clock to `now`. The system's clock is nobody's to set: it stays.
    pub fn set(&self, now: Timestamp) {
        if let Self::Simulated(shown) = self {
            *shown.lock().unwrap_or_else(PoisonError::into_inner) = now;
        }
    }

    /// Whether this is a simulated clock.
    #[must_use]
    pub fn is_simulated(&self) -> bool {
        matches!(self, Self::Simulated(_))
    }
}

/// How many microseconds after 1970 the steady clock began, by the database's time; unknown until that was looked at.
#[derive(Debug)]
pub struct Carried(AtomicI64);

impl Carried {
    const UNKNOWN: i64 = i64::MIN;

    fn since_beginning(&self) -> Option<i64> {
        Some(self.0.load(Ordering::Relaxed)).filter(|micros| *micros != Self::UNKNOWN)
    }

    fn now(&self) -> Option<Timestamp> {
        let micros = self.since_beginning()?.saturating_add(steady_micros());
        DateTime::from_timestamp_micros(micros).map(Timestamp::new)
    }
}

impl Default for Carried {
    fn default() -> Self {
        Self(AtomicI64::new(Self::UNKNOWN))
    }
}

/// A clock in microseconds that nobody sets. On Linux it goes on while the machine sleeps, so that a lease does, too
/// (`clock_gettime(2)`, `CLOCK_BOOTTIME`).
fn steady_micros() -> i64 {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    const STEADY: rustix::time::ClockId = rustix::time::ClockId::Boottime;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    const STEADY: rustix::time::ClockId = rustix::time::ClockId::Monotonic;
    let shown = rustix::time::clock_gettime(STEADY);
    shown.tv_sec.saturating_mul(1_000_000).saturating_add(shown.tv_nsec / 1_000)
}

/// Where ids and jitter come from: seeded from the system, or with a seed so that a run can be repeated.
#[derive(Clone, Debug)]
pub struct Randomness(Arc<Mutex<ChaCha12Rng>>);

impl Randomness {
    /// Seeded from the operating system.
    #[must_use]
    pub fn from_system() -> Self {
        Self(Arc::new(Mutex::new(rand::make_rng())))
    }

    /// The same sequence for the same `seed`.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(ChaCha12Rng::seed_from_u64(seed))))
    }

    /// A new id: a UUID of version 7 (RFC 9562), whose order is about that of `now`.
    #[must_use]
    pub fn id(&self, now: Timestamp) -> Id {
        let mut random = [0; 10];
        self.lock().fill_bytes(&mut random);
        let millis = u64::try_from(now.utc().timestamp_millis()).unwrap_or(0);
        Id(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }

    /// A span from nothing up to `most`, evenly spread.
    #[must_use]
    pub fn up_to(&self, most: TimeDelta) -> TimeDelta {
        let micros = u64::try_from(most.num_microseconds().unwrap_or(0)).unwrap_or(0);
        let drawn = if micros == 0 { 0 } else { self.lock().next_u64() % (micros + 1) };
        TimeDelta::microseconds(i64::try_from(drawn).unwrap_or(0))
    }

    /// A number below `count`, each as likely as the others; 0 if there is none.
    #[must_use]
    pub fn below(&self, count: usize) -> usize {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        let drawn = if count == 0 { 0 } else { self.lock().next_u64() % count };
        usize::try_from(drawn).unwrap_or(0)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, ChaCha12Rng> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_systems_clock_is_corrected() {
        let (corrected, hour) = (Clock::System.corrected(), TimeDelta::hours(1));
        assert_eq!(corrected.correction(), Some(TimeDelta::zero()));
        let before = Clock::System.now();
        corrected.correct(hour);
        let shown = corrected.now();
        let least = before.plus(hour - TimeDelta::milliseconds(1));
        assert!(least <= shown && shown <= Clock::System.now().plus(hour + TimeDelta::milliseconds(1)), "{shown}");
        assert!(shown <= corrected.now(), "it goes on");
        let simulated = Clock::simulated(before).corrected();
        simulated.correct(hour);
        assert_eq!(simulated.now(), before);
    }
}
