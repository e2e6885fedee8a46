//! The only places that ask what time it is and that make randomness.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::TimeDelta;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha12Rng;

use crate::domain::ids::Id;
use crate::domain::time::Timestamp;

/// What time it is: the system's, the database's, or a simulated clock's.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The system's clock.
    System,
    /// The system's clock, and how many microseconds the database's was ahead when the two were compared: all machines that
    /// share a database share its time.
    Corrected(Arc<AtomicI64>),
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

    /// How far the database's clock was ahead of the system's; none where the two are not compared.
    #[must_use]
    pub fn correction(&self) -> Option<TimeDelta> {
        match self {
            Self::Corrected(ahead) => Some(TimeDelta::microseconds(ahead.load(Ordering::Relaxed))),
            Self::System | Self::Simulated(_) => None,
        }
    }

    /// Sets how far the database's clock is ahead of the system's.
    pub fn correct(&self, ahead: TimeDelta) {
        if let Self::Corrected(shown) = self {
            shown.store(ahead.num_microseconds().unwrap_or(0), Ordering::Relaxed);
        }
    }

    /// What the clock shows.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => Timestamp::new(chrono::Utc::now()),
            Self::Corrected(_) => Self::System.now().plus(self.correction().unwrap_or_default()),
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
        let before = Clock::System.now();
        corrected.correct(hour);
        let shown = corrected.now();
        assert!(before.plus(hour) <= shown && shown <= Clock::System.now().plus(hour), "{shown}");
        let simulated = Clock::simulated(before).corrected();
        simulated.correct(hour);
        assert_eq!(simulated.now(), before);
    }
}
