//! How many mails may leave within a minute: in all, and to one domain.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

use super::compose::Composed;
use crate::clock::Clock;
use crate::config::smtp::SmtpSettings;
use crate::domain::time::Timestamp;

/// A wait for a domain that is no longer than this holds up nobody else.
const MOMENT: Duration = Duration::from_millis(200);
/// How many domains are remembered before those are forgotten that had no mail of late.
const REMEMBERED: usize = 1000;

/// The limits of `[smtp]`; by default there are none, and nothing is counted.
#[derive(Debug, Default)]
pub struct RateLimits {
    all: Option<PerMinute<()>>,
    domains: Option<PerMinute<String>>,
}

/// Whether a mail may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Now, and it is counted.
    Now,
    /// It is worth waiting so long, and to ask again.
    Soon(Duration),
    /// After so long, when it has a place of its own. Others go on meanwhile.
    Later(Duration),
}

impl RateLimits {
    /// Those of the settings, by `clock`. On a simulated one nothing is ever worth waiting for: it stands still.
    #[must_use]
    pub fn new(settings: &SmtpSettings, clock: &Clock) -> Self {
        Self {
            all: PerMinute::new(settings.max_per_minute, clock, Duration::MAX),
            domains: PerMinute::new(settings.max_per_minute_per_domain, clock, MOMENT),
        }
    }

    /// Whether there are none: then every mail may go at once.
    #[must_use]
    pub fn are_none(&self) -> bool {
        self.all.is_none() && self.domains.is_none()
    }

    /// Whether a mail may go, as far as its domain is concerned.
    #[must_use]
    pub fn turn_at_domain(&self, mail: &Composed) -> Turn {
        self.domains.as_ref().map_or(Turn::Now, |domains| domains.turn(mail.recipient_domain()))
    }

    /// Whether a mail may go, as far as all mail is concerned.
    #[must_use]
    pub fn turn(&self) -> Turn {
        self.all.as_ref().map_or(Turn::Now, |all| all.turn(()))
    }
}

/// A limit for each key.
struct PerMinute<K: Clone + Eq + Hash> {
    limiter: RateLimiter<K, HashMapStateStore<K>, Ticks, NoOpMiddleware<Duration>>,
    ticks: Ticks,
    interval: Duration,
    /// The longest wait that is worth it.
    patience: Duration,
    queues: Mutex<Queues<K>>,
}

/// Who was sent away, by the last place that was given to one.
struct Queues<K> {
    last: HashMap<K, Duration>,
    /// How many keys there must be before the old ones are forgotten.
    tidy_at: usize,
}

impl<K: Clone + Eq + Hash> PerMinute<K> {
    fn new(limit: u32, clock: &Clock, patience: Duration) -> Option<Self> {
        let quota = quota(NonZeroU32::new(limit)?)?;
        let ticks = Ticks::new(clock);
        Some(Self {
            limiter: RateLimiter::hashmap_with_clock(quota, ticks.clone()),
            interval: quota.replenish_interval(),
            patience: if clock.is_simulated() { Duration::ZERO } else { patience },
            ticks,
            queues: Mutex::new(Queues { last: HashMap::new(), tidy_at: REMEMBERED }),
        })
    }

    fn turn(&self, key: K) -> Turn {
        self.tidy();
        let Err(refused) = self.limiter.check_key(&key) else { return Turn::Now };
        let now = governor::clock::Clock::now(&self.ticks);
        let wait = refused.wait_time_from(now);
        if wait <= self.patience {
            return Turn::Soon(wait);
        }
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        let soonest = now + wait;
        let place = queues.last.get(&key).map_or(soonest, |last| soonest.max(*last + self.interval));
        queues.last.insert(key, place);
        Turn::Later(place.saturating_sub(now))
    }

    /// Forgets what makes no difference any more, each time that it has doubled.
    fn tidy(&self) {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        if self.limiter.len().max(queues.last.len()) < queues.tidy_at {
            return;
        }
        let now = governor::clock::Clock::now(&self.ticks);
        queues.last.retain(|_, last| *last > now);
        queues.last.shrink_to_fit();
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
        queues.tidy_at = REMEMBERED.max(2 * self.limiter.len().max(queues.last.len()));
    }
}

/// At most `limit` within any minute: a sixth of it at once, so that a tick of ten seconds finds room for all that has come
/// free since the last one, and the rest evenly.
fn quota(limit: NonZeroU32) -> Option<Quota> {
    let burst = NonZeroU32::new(limit.get() / 6).unwrap_or(NonZeroU32::MIN);
    let interval = Duration::from_mins(1) / (limit.get() - burst.get() + 1);
    Some(Quota::with_period(interval)?.allow_burst(burst))
}

/// A clock for the limiter, which never goes back: the machine's, or a simulated one.
#[derive(Clone, Debug)]
struct Ticks {
    clock: Clock,
    began: (Timestamp, Instant),
}

impl Ticks {
    fn new(clock: &Clock) -> Self {
        Self { clock: clock.clone(), began: (clock.now(), Instant::now()) }
    }
}

impl governor::clock::Clock for Ticks {
    type Instant = Duration;

    fn now(&self) -> Duration {
        match &self.clock {
            Clock::System | Clock::Corrected(_) => self.began.1.elapsed(),
            Clock::Simulated(_) => {
                // The limiter counts nanoseconds in 64 bits.
                let shown = self.clock.now().utc() - self.began.0.utc();
                shown.clamp(TimeDelta::zero(), TimeDelta::days(36_500)).to_std().unwrap_or_default()
            }
        }
    }
}

impl<K: Clone + Eq + Hash> fmt::Debug for PerMinute<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PerMinute").field("interval", &self.interval).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn clock() -> Clock {
        Clock::simulated("2027-01-15T09:00:00Z".parse().unwrap())
    }

    fn pass(clock: &Clock, span: TimeDelta) {
        clock.set(clock.now().plus(span));
    }

    #[test]
    fn a_sixth_goes_at_once_and_the_rest_evenly() {
        let of = |limit| quota(NonZeroU32::new(limit).unwrap()).unwrap();
        for (limit, burst) in [(1, 1), (5, 1), (6, 1), (11, 1), (12, 2), (60, 10), (1_000_000, 166_666)] {
            assert_eq!(of(limit).burst_size().get(), burst, "{limit}");
        }
        assert_eq!(of(1).replenish_interval(), Duration::from_mins(1));
        assert_eq!(of(6).replenish_interval(), Duration::from_secs(10));
    }

    #[test]
    fn who_is_sent_away_has_a_place_of_its_own() {
        let clock = clock();
        let limit = PerMinute::new(6, &clock, MOMENT).unwrap();
        let later = |seconds| Turn::Later(Duration::from_secs(seconds));
        assert_eq!(
            ["a", "a", "a", "b", "b"].map(|key| limit.turn(key)),
            [Turn::Now, later(10), later(20), Turn::Now, later(10)]
        );
        pass(&clock, TimeDelta::seconds(10));
        assert_eq!(["a", "a"].map(|key| limit.turn(key)), [Turn::Now, later(20)], "behind who was there before");
    }

    #[test]
    fn on_a_clock_that_goes_it_is_worth_waiting_for_a_moment() {
        let all = PerMinute::new(6, &Clock::System, Duration::MAX).unwrap();
        let of_one = PerMinute::new(6, &Clock::System, MOMENT).unwrap();
        let soon = PerMinute::new(6000, &Clock::System, MOMENT).unwrap();
        assert_eq!((all.turn(()), of_one.turn(())), (Turn::Now, Turn::Now));
        assert!(matches!(all.turn(()), Turn::Soon(wait) if wait > MOMENT));
        assert!(matches!(of_one.turn(()), Turn::Later(wait) if wait > MOMENT));
        let refused = (0..100_000).map(|_| soon.turn(())).find(|turn| *turn != Turn::Now).unwrap();
        assert!(matches!(refused, Turn::Soon(wait) if wait <= MOMENT), "{refused:?}");
    }

    #[test]
    fn what_is_old_is_forgotten() {
        let clock = clock();
        let limit = PerMinute::new(6, &clock, MOMENT).unwrap();
        let ask = |from: u32, to: u32| {
            (from..to).for_each(|key| {
                let _ = (limit.turn(key), limit.turn(key));
            });
        };
        ask(0, 900);
        assert_eq!(limit.limiter.len(), 900);
        pass(&clock, TimeDelta::hours(1));
        ask(900, 1100);
        assert!(limit.limiter.len() <= 200, "{}", limit.limiter.len());
        assert!(limit.queues.lock().unwrap().last.len() <= 200);
    }

    proptest! {
        #[test]
        fn no_minute_has_more_than_the_limit(
            limit in 1_u32..40, waits in prop::collection::vec(0_i64..4_000, 1..400),
        ) {
            let clock = clock();
            let per_minute = PerMinute::new(limit, &clock, MOMENT).unwrap();
            let mut sent: Vec<Timestamp> = Vec::new();
            for wait in waits {
                pass(&clock, TimeDelta::milliseconds(wait));
                while per_minute.turn(()) == Turn::Now {
                    sent.push(clock.now());
                }
            }
            for (number, first) in sent.iter().enumerate() {
                let end = first.plus(TimeDelta::minutes(1));
                let within = sent[number..].iter().take_while(|at| **at < end).count();
                prop_assert!(within <= limit as usize, "{within} from {first}");
            }
        }
    }
}
