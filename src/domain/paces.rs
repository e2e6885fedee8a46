//! How fast mail is handed to a mail server that has asked for less: in all, or for some domains.
//!
//! What is refused after RCPT TO may be about the recipient's domain alone, and then must not hold up others: so it is taken
//! until another domain meets the same, with no mail taken in between.
//!
//! Instants are spans since some beginning, on a clock that never goes back.

use std::collections::HashMap;
use std::time::Duration;

use super::pace::Pace;

/// How many domains may have a pace of their own. With more than that it is about the server.
const DOMAINS: usize = 1000;
/// How long after its last mail a domain's pace is remembered, where there is no room for all.
const REMEMBERED: Duration = Duration::from_hours(1);
/// For how long a mail is put off at most, so that none is late for long once its domain is taken again.
const PUT_OFF: Duration = Duration::from_mins(5);

/// A request for less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Throttle {
    /// Of all mail.
    AllMail,
    /// After RCPT TO, so that it may be of mail for the recipient's domain alone.
    AfterRecipient,
}

/// When a mail may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Then: this turn is its own.
    At(Duration),
    /// Too late for it, and so for any other.
    TooLate,
    /// Its domain has to wait, and it may ask again after so long. Others go on meanwhile.
    PutOff(Duration),
}

/// Who is asked for less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slowed {
    /// All mail; and whether it was at full speed until now.
    All(bool),
    /// Mail for one domain; and whether it was at full speed until now.
    Domain(bool),
}

/// How fast mail is handed to one mail server.
#[derive(Debug, Default)]
pub struct Paces {
    all: Pace,
    domains: HashMap<String, DomainPace>,
    /// The domain for which mail was asked for less last, with none taken since.
    suspect: Option<String>,
}

#[derive(Clone, Copy, Debug, Default)]
struct DomainPace {
    pace: Pace,
    /// The last place that was given to a mail that was put off.
    last_place: Duration,
}

impl Paces {
    /// When a mail for a domain may begin, if that is no later than `latest`. Nobody waits for a domain's turn: mail for
    /// others goes out meanwhile.
    pub fn turn(&mut self, domain: impl FnOnce() -> String, now: Duration, latest: Duration) -> Turn {
        if !self.domains.is_empty()
            && let Some(of_domain) = self.domains.get_mut(&domain())
            && of_domain.pace.turn(now, now).is_none()
        {
            return Turn::PutOff(of_domain.place(now));
        }
        self.all.turn(now, latest).map_or(Turn::TooLate, Turn::At)
    }

    /// A mail for `domain` that had begun at `began` was answered with a request for less.
    pub fn slow_down(&mut self, domain: String, throttle: Throttle, began: Duration, now: Duration) -> Slowed {
        let is_second = self.suspect.as_ref().is_some_and(|suspect| *suspect != domain);
        if throttle == Throttle::AllMail || is_second || !self.has_room_for(&domain, now) {
            return Slowed::All(self.all.slow_down(began, now));
        }
        let of_domain = self.domains.entry(domain.clone()).or_default();
        self.suspect = Some(domain);
        Slowed::Domain(of_domain.pace.slow_down(began, now))
    }

    /// A mail for a domain was taken.
    ///
    /// Returns whether all mail goes at full speed from now on, and did not until now.
    pub fn speed_up(&mut self, domain: impl FnOnce() -> String) -> bool {
        self.suspect = None;
        if !self.domains.is_empty() {
            let domain = domain();
            if self.domains.get_mut(&domain).is_some_and(|of_domain| of_domain.pace.speed_up()) {
                self.domains.remove(&domain);
            }
        }
        self.all.speed_up()
    }

    /// The spacing of all mail.
    #[must_use]
    pub fn spacing(&self) -> Duration {
        self.all.spacing()
    }

    /// Whether mails for a domain may follow others at once.
    pub fn is_unhurried(&self, domain: impl FnOnce() -> String) -> bool {
        self.all.spacing().is_zero() && (self.domains.is_empty() || !self.domains.contains_key(&domain()))
    }

    fn has_room_for(&mut self, domain: &str, now: Duration) -> bool {
        if self.domains.len() >= DOMAINS && !self.domains.contains_key(domain) {
            self.domains.retain(|_, of_domain| of_domain.pace.next() + REMEMBERED > now);
        }
        self.domains.len() < DOMAINS || self.domains.contains_key(domain)
    }
}

impl DomainPace {
    /// How long a mail that has no turn waits before it asks again: each has a place of its own, as far as that goes.
    fn place(&mut self, now: Duration) -> Duration {
        let soonest = self.pace.next().max(now);
        let place = soonest.max(self.last_place + self.pace.spacing()).min(now + PUT_OFF);
        self.last_place = place;
        place.saturating_sub(now)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn named(domain: &str) -> impl FnOnce() -> String {
        let domain = domain.to_owned();
        || domain
    }

    #[test]
    fn who_is_refused_after_the_recipient_holds_up_nobody_else() {
        let mut paces = Paces::default();
        assert_eq!(paces.slow_down("a".to_owned(), Throttle::AfterRecipient, at(10), at(10)), Slowed::Domain(true));
        assert_eq!(paces.slow_down("a".to_owned(), Throttle::AfterRecipient, at(11), at(11)), Slowed::Domain(false));
        let turns = ["a", "b", "a", "b"].map(|domain| paces.turn(named(domain), at(11), at(11)));
        assert_eq!(turns, [Turn::PutOff(at(2)), Turn::At(at(11)), Turn::PutOff(at(4)), Turn::At(at(11))]);
        assert!(!paces.is_unhurried(named("a")) && paces.is_unhurried(named("b")));
        assert_eq!(paces.turn(named("a"), at(13), at(13)), Turn::At(at(13)), "in its turn");
    }

    #[test]
    fn two_domains_that_meet_the_same_speak_of_the_server() {
        let mut paces = Paces::default();
        assert_eq!(paces.slow_down("a".to_owned(), Throttle::AfterRecipient, at(10), at(10)), Slowed::Domain(true));
        assert_eq!(paces.slow_down("b".to_owned(), Throttle::AfterRecipient, at(10), at(10)), Slowed::All(true));
        assert_eq!(paces.turn(named("c"), at(10), at(10)), Turn::TooLate);
        assert_eq!(paces.turn(named("c"), at(10), at(20)), Turn::At(at(11)));

        let mut paces = Paces::default();
        paces.slow_down("a".to_owned(), Throttle::AfterRecipient, at(10), at(10));
        paces.speed_up(named("c"));
        assert_eq!(
            paces.slow_down("b".to_owned(), Throttle::AfterRecipient, at(10), at(10)),
            Slowed::Domain(true),
            "others are taken"
        );
    }

    #[test]
    fn what_is_refused_before_the_recipient_is_about_the_server() {
        let mut paces = Paces::default();
        assert_eq!(paces.slow_down("a".to_owned(), Throttle::AllMail, at(10), at(10)), Slowed::All(true));
        assert_eq!(paces.turn(named("b"), at(10), at(10)), Turn::TooLate);
    }

    #[test]
    fn a_domain_that_is_taken_again_comes_back_to_full_speed_and_nobody_waits_long_for_that() {
        let mut paces = Paces::default();
        for second in 0..10 {
            paces.slow_down("a".to_owned(), Throttle::AfterRecipient, at(second), at(second));
        }
        let longest = (0..1000).map(|_| paces.turn(named("a"), at(10), at(10))).max_by_key(|turn| match turn {
            Turn::PutOff(wait) => *wait,
            _ => Duration::ZERO,
        });
        assert_eq!(longest, Some(Turn::PutOff(PUT_OFF)));
        let mails = (1..100).find(|_| {
            paces.speed_up(named("a"));
            paces.is_unhurried(named("a"))
        });
        assert_eq!(mails, Some(43));
        assert!(paces.domains.is_empty());
    }

    #[test]
    fn only_so_many_domains_are_remembered() {
        let mut paces = Paces::default();
        let mut refuse = |number: usize, now| {
            let slowed = paces.slow_down(number.to_string(), Throttle::AfterRecipient, now, now);
            paces.suspect = None;
            slowed
        };
        for number in 0..DOMAINS {
            assert_eq!(refuse(number, at(1)), Slowed::Domain(true));
        }
        assert_eq!(refuse(DOMAINS, at(2)), Slowed::All(true));
        assert_eq!(refuse(0, at(3)), Slowed::Domain(false));
        assert_eq!(refuse(DOMAINS, at(3603)), Slowed::Domain(true), "those of an hour ago are forgotten");
        assert_eq!(paces.domains.len(), 2);
    }

    proptest! {
        #[test]
        fn while_one_domain_alone_is_refused_no_other_waits(steps in prop::collection::vec((0_u64..4_000, 0..4), 1..200)) {
            let (mut paces, mut now) = (Paces::default(), Duration::ZERO);
            for (millis, what) in steps {
                now += Duration::from_millis(millis);
                match what {
                    0 => drop(paces.slow_down("a".to_owned(), Throttle::AfterRecipient, now, now)),
                    1 => drop(paces.speed_up(named("b"))),
                    2 => match paces.turn(named("a"), now, now) {
                        Turn::At(turn) => prop_assert_eq!(turn, now),
                        Turn::PutOff(wait) => prop_assert!(wait > Duration::ZERO && wait <= PUT_OFF),
                        Turn::TooLate => prop_assert!(false),
                    },
                    _ => prop_assert_eq!(paces.turn(named("b"), now, now), Turn::At(now)),
                }
            }
        }
    }
}
