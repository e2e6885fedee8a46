//! How fast mail is handed over where less was asked for.
//!
//! Instants are spans since some beginning, on a clock that never goes back.

use std::time::Duration;

/// The spacing after the first request for less.
const FIRST: Duration = Duration::from_secs(1);
/// The widest spacing, however often it is asked for less.
const MOST: Duration = Duration::from_secs(30);
/// What is left of the spacing below which there is none any more.
const LEAST: Duration = Duration::from_millis(100);

/// The spacing between the beginnings of two mails to one mail server, or for one domain there: none, until it asks for less;
/// doubled with each further request, and an eighth less with each mail that it takes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pace {
    spacing: Duration,
    /// When the next mail may begin.
    next: Duration,
    slowed_at: Duration,
}

impl Pace {
    /// When the mail that asks may begin, if that is no later than `latest`: this turn is then its own.
    pub fn turn(&mut self, now: Duration, latest: Duration) -> Option<Duration> {
        if self.spacing.is_zero() {
            return Some(now);
        }
        let turn = self.next.max(now);
        (turn <= latest).then(|| {
            self.next = turn + self.spacing;
            turn
        })
    }

    /// Whether a turn that was given out at `asked` stands: it does not once less has been asked for.
    #[must_use]
    pub fn stands(&self, asked: Duration) -> bool {
        asked >= self.slowed_at
    }

    /// The server has asked a mail for less that had begun at `began`. Mails that were under way at the same time count
    /// once. Turns that were given out do not stand any more.
    ///
    /// Returns whether there was no spacing until now.
    pub fn slow_down(&mut self, began: Duration, now: Duration) -> bool {
        let full_speed = self.spacing.is_zero();
        if full_speed || began >= self.slowed_at {
            self.spacing = (self.spacing * 2).clamp(FIRST, MOST);
            self.slowed_at = now;
            self.next = now + self.spacing;
        }
        full_speed
    }

    /// The server has taken a mail.
    ///
    /// Returns whether there is no spacing from now on.
    pub fn speed_up(&mut self) -> bool {
        let slowed = !self.spacing.is_zero();
        self.spacing -= self.spacing / 8;
        if self.spacing < LEAST {
            *self = Self::default();
        }
        slowed && self.spacing.is_zero()
    }

    /// When the next mail may begin.
    #[must_use]
    pub fn next(&self) -> Duration {
        self.next
    }

    /// The spacing now.
    #[must_use]
    pub fn spacing(&self) -> Duration {
        self.spacing
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
    fn at_full_speed_nobody_waits() {
        let mut pace = Pace::default();
        assert_eq!([pace.turn(at(5), at(5)), pace.turn(at(5), at(5))], [Some(at(5)); 2]);
        assert!(!pace.speed_up());
    }

    #[test]
    fn the_spacing_doubles_up_to_the_most() {
        let mut pace = Pace::default();
        let spacings: Vec<_> = (0..7)
            .map(|number| {
                assert_eq!(pace.slow_down(at(number), at(number)), number == 0);
                pace.spacing().as_secs()
            })
            .collect();
        assert_eq!(spacings, [1, 2, 4, 8, 16, 30, 30]);
    }

    #[test]
    fn each_mail_has_a_turn_of_its_own() {
        let mut pace = Pace::default();
        pace.slow_down(at(10), at(10));
        assert_eq!(pace.turn(at(10), at(20)), Some(at(11)));
        assert_eq!(pace.turn(at(10), at(20)), Some(at(12)));
        assert_eq!(pace.turn(at(10), at(12)), None, "too late for this one");
        assert_eq!(pace.turn(at(10), at(20)), Some(at(13)), "which takes nobody's turn");
        assert_eq!(pace.turn(at(50), at(50)), Some(at(50)), "and what was not used does not add up");
        assert_eq!(pace.turn(at(50), at(51)), Some(at(51)));
    }

    /// Otherwise each of those who were told to wait, and ask in turn, would have all wait for longer.
    #[test]
    fn turns_that_were_given_out_do_not_stand_once_less_is_asked_for() {
        let mut pace = Pace::default();
        pace.slow_down(at(10), at(10));
        let turns: Vec<_> = (0..20).map(|_| pace.turn(at(10), at(40)).unwrap()).collect();
        assert_eq!((turns[0], turns[19]), (at(11), at(30)));
        assert!(pace.stands(at(10)));
        pace.slow_down(at(11), at(12));
        assert!(!pace.stands(at(10)) && pace.stands(at(12)));
        assert_eq!(pace.turn(at(12), at(40)), Some(at(14)), "the next one's, two seconds later");
    }

    #[test]
    fn requests_that_come_together_count_once() {
        let mut pace = Pace::default();
        for _ in 0..4 {
            pace.slow_down(at(10), at(11));
        }
        assert_eq!(pace.spacing(), at(1));
        pace.slow_down(at(11), at(12));
        assert_eq!(pace.spacing(), at(2));
    }

    #[test]
    fn accepted_mails_bring_it_back_to_full_speed() {
        let mut pace = Pace::default();
        for number in 0..6 {
            pace.slow_down(at(number), at(number));
        }
        let mails = (1..100).find(|_| pace.speed_up()).unwrap();
        assert_eq!(mails, 43);
        assert_eq!(pace.spacing(), Duration::ZERO);
        assert_eq!(pace.turn(at(7), at(7)), Some(at(7)));
    }

    proptest! {
        #[test]
        fn turns_are_in_order_and_no_closer_than_the_spacing(
            steps in prop::collection::vec((0_u64..4_000, 0..6), 1..200),
        ) {
            let (mut pace, mut now, mut last) = (Pace::default(), Duration::ZERO, None::<Duration>);
            for (millis, what) in steps {
                now += Duration::from_millis(millis);
                match what {
                    0 => {
                        pace.slow_down(now, now);
                        last = None;
                        prop_assert!(pace.next() <= now + MOST);
                    }
                    1 => { pace.speed_up(); }
                    _ => {
                        let spacing = pace.spacing();
                        let turn = pace.turn(now, Duration::MAX).unwrap();
                        prop_assert!(turn >= now);
                        // Turns that were given away before it sped up stand.
                        if !spacing.is_zero() && last.is_some_and(|last| turn > now && turn < last + spacing) {
                            prop_assert!(false, "{turn:?} after {last:?}, with {spacing:?} between");
                        }
                        last = (!spacing.is_zero()).then_some(turn);
                    }
                }
                prop_assert!(pace.spacing().is_zero() || (LEAST..=MOST).contains(&pace.spacing()));
            }
        }
    }
}
