//! Which of several mail servers to leave alone for a while: a circuit breaker.
//!
//! Instants are spans since some beginning, on a clock that never goes back.

use std::time::Duration;

/// How long a mail server is avoided after its first failure.
const FIRST: Duration = Duration::from_secs(30);
/// The longest time for which one is avoided, however often it has failed.
const MOST: Duration = Duration::from_mins(5);

/// What is remembered of one mail server: whether it works, and if not, when to try it again.
#[derive(Clone, Copy, Debug, Default)]
pub struct Breaker(Option<Avoided>);

#[derive(Clone, Copy, Debug)]
struct Avoided {
    failed_at: Duration,
    span: Duration,
    until: Duration,
}

impl Breaker {
    /// Whether a mail may go there now. Where the server is avoided and the time to try it again has come, this holds for
    /// who asks first alone: the others go on avoiding it for as long again, unless that mail shows that it works.
    pub fn admits(&mut self, now: Duration) -> bool {
        match &mut self.0 {
            None => true,
            Some(avoided) if now >= avoided.until => {
                avoided.until = now.saturating_add(avoided.span);
                true
            }
            Some(_) => false,
        }
    }

    /// Until when it is avoided; none: it works.
    #[must_use]
    pub fn until(&self) -> Option<Duration> {
        self.0.map(|avoided| avoided.until)
    }

    /// A try that had begun at `began` failed: it is avoided, each time for twice as long. Tries that were under way at the
    /// same time count once.
    ///
    /// Returns whether it was thought to work until now.
    pub fn failed(&mut self, began: Duration, now: Duration) -> bool {
        let span = match self.0 {
            None => FIRST,
            Some(avoided) if began < avoided.failed_at => return false,
            Some(avoided) => (avoided.span * 2).min(MOST),
        };
        self.0.replace(Avoided { failed_at: now, span, until: now.saturating_add(span) }).is_none()
    }

    /// It has answered as a mail server does.
    ///
    /// Returns whether it was avoided until now.
    pub fn worked(&mut self) -> bool {
        self.0.take().is_some()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn it_is_avoided_for_twice_as_long_after_each_failed_try() {
        let mut breaker = Breaker::default();
        let (mut now, mut spans) = (at(100), Vec::new());
        for _ in 0..6 {
            assert!(breaker.admits(now));
            assert_eq!(breaker.failed(now, now), now == at(100), "it went bad once");
            let until = breaker.until().unwrap();
            spans.push(until.as_secs() - now.as_secs());
            assert!(!breaker.admits(until.saturating_sub(Duration::from_millis(1))));
            now = until;
        }
        assert_eq!(spans, [30, 60, 120, 240, 300, 300]);
        assert!(breaker.worked() && breaker.admits(now) && !breaker.worked());
        assert!(breaker.failed(now, now));
        assert_eq!(breaker.until(), Some(now + at(30)), "it begins anew");
    }

    #[test]
    fn one_mail_alone_tries_it_again() {
        let mut breaker = Breaker::default();
        breaker.failed(at(0), at(0));
        assert!(breaker.admits(at(30)));
        assert!(!breaker.admits(at(31)), "one is on its way");
        assert!(breaker.admits(at(60)), "and was never heard of again");
        breaker.worked();
        assert!(breaker.admits(at(61)) && breaker.admits(at(61)));
    }

    #[test]
    fn tries_that_fail_together_count_once() {
        let mut breaker = Breaker::default();
        for _ in 0..4 {
            breaker.failed(at(10), at(12));
        }
        breaker.failed(at(11), at(20));
        assert_eq!(breaker.until(), Some(at(42)));
    }

    proptest! {
        #[test]
        fn it_is_never_avoided_for_longer_than_the_most(steps in prop::collection::vec((0_u64..400, 0..3), 1..60)) {
            let (mut breaker, mut now) = (Breaker::default(), Duration::ZERO);
            for (wait, what) in steps {
                now += at(wait);
                match what {
                    0 => { breaker.failed(now, now); }
                    1 => { breaker.worked(); }
                    _ => { breaker.admits(now); }
                }
                prop_assert!(breaker.until().is_none_or(|until| until <= now + MOST));
                let mut later = breaker;
                prop_assert!(later.admits(now + MOST));
            }
        }
    }
}
