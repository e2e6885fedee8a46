//! How fast mail is handed to a mail server that has asked for less: in all, or for some domains.
//!
//! What is refused after RCPT TO may be about the recipient's domain alone, and then must not hold up others: so it is taken
//! until a third domain meets the same, with no mail taken in between. (Large providers have a few.)
//!
//! Instants are spans since some beginning, on a clock that never goes back.

use std::collections::HashMap;
use std::time::Duration;

use super::pace::Pace;

/// How many domains that are refused for the first time, with no mail taken in between, speak of the server.
const WITNESSES: usize = 3;
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
    /// How many domains were refused for the first time since a mail was taken.
    witnesses: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct DomainPace {
    pace: Pace,
    /// The last place that was given to a mail that was put off.
    last_place: Duration,
}

impl Paces {
    /// How long a mail for a domain has to wait before it asks again; none: it need not. Nobody waits for a domain's turn in
    /// place: mail for others goes out meanwhile.
    pub fn put_off(&mut self, domain: impl FnOnce() -> String, now: Duration) -> Option<Duration> {
        let of_domain = self.of(domain)?;
        (of_domain.pace.next() > now).then(|| of_domain.place(now))
    }

    /// The same; where it need not wait, this turn of its domain is its own.
    pub fn turn_of_domain(&mut self, domain: impl FnOnce() -> String, now: Duration) -> Option<Duration> {
        let of_domain = self.of(domain)?;
        of_domain.pace.turn(now, now).is_none().then(|| of_domain.place(now))
    }

    /// When any mail may begin, if that is no later than `latest`: this turn is then its own.
    pub fn turn(&mut self, now: Duration, latest: Duration) -> Option<Duration> {
        self.all.turn(now, latest)
    }

    /// Whether the turn of a mail that was given out at `asked` stands.
    #[must_use]
    pub fn stands(&self, asked: Duration) -> bool {
        self.all.stands(asked)
    }

    /// A mail for `domain` that had begun at `began` was answered with a request for less.
    pub fn slow_down(&mut self, domain: String, throttle: Throttle, began: Duration, now: Duration) -> Slowed {
        if throttle == Throttle::AllMail {
            return Slowed::All(self.all.slow_down(began, now));
        }
        let is_new = !self.domains.contains_key(&domain);
        self.witnesses += usize::from(is_new);
        let has_room = !is_new || self.has_room(now);
        // Also where it speaks of the server: otherwise its mails, if they are the longest overdue, keep all others waiting.
        let of_domain = has_room.then(|| self.domains.entry(domain).or_default().pace.slow_down(began, now));
        match of_domain {
            Some(was_unhurried) if !(is_new && self.witnesses >= WITNESSES) => Slowed::Domain(was_unhurried),
            _ => Slowed::All(self.all.slow_down(began, now)),
        }
    }

    /// A mail for a domain was taken.
    ///
    /// Returns whether all mail goes at full speed from now on, and did not until now.
    pub fn speed_up(&mut self, domain: impl FnOnce() -> String) -> bool {
        self.witnesses = 0;
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

    fn of(&mut self, domain: impl FnOnce() -> String) -> Option<&mut DomainPace> {
        if self.domains.is_empty() { None } else { self.domains.get_mut(&domain()) }
    }

    fn has_room(&mut self, now: Duration) -> bool {
        if self.domains.len() >= DOMAINS {
            self.domains.retain(|_, of_domain| of_domain.pace.next() + REMEMBERED > now);
        }
        self.domains.len() < DOMAINS
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

    fn refuse(paces: &mut Paces, domain: &str, second: u64) -> Slowed {
        paces.slow_down(domain.to_owned(), Throttle::AfterRecipient, at(second), at(second))
    }

    #[test]
    fn who_is_refused_after_the_recipient_holds_up_nobody_else() {
        let mut paces = Paces::default();
        assert_eq!(refuse(&mut paces, "a", 10), Slowed::Domain(true));
        assert_eq!(refuse(&mut paces, "a", 11), Slowed::Domain(false));
        let waits = ["a", "b", "a"].map(|domain| paces.put_off(named(domain), at(11)));
        assert_eq!(waits, [Some(at(2)), None, Some(at(4))]);
        assert_eq!(paces.turn(at(11), at(11)), Some(at(11)));
        assert!(!paces.is_unhurried(named("a")) && paces.is_unhurried(named("b")));
        // In its turn, which is one mail's.
        assert_eq!(paces.put_off(named("a"), at(13)), None);
        assert_eq!(paces.turn_of_domain(named("a"), at(13)), None);
        assert!(paces.turn_of_domain(named("a"), at(13)).is_some());
    }

    #[test]
    fn domains_that_meet_the_same_one_after_the_other_speak_of_the_server() {
        let mut paces = Paces::default();
        assert_eq!(["a", "b"].map(|domain| refuse(&mut paces, domain, 10)), [Slowed::Domain(true); 2]);
        assert_eq!(["a", "b"].map(|domain| refuse(&mut paces, domain, 20)), [Slowed::Domain(false); 2], "as is known");
        assert_eq!(refuse(&mut paces, "c", 30), Slowed::All(true));
        assert_eq!(paces.turn(at(30), at(30)), None);
        assert_eq!(paces.turn(at(30), at(40)), Some(at(31)));
        assert_eq!(refuse(&mut paces, "d", 40), Slowed::All(false));
        assert_eq!(
            ["c", "d"].map(|domain| paces.put_off(named(domain), at(40)).is_some()),
            [false, true],
            "in their turns"
        );
        assert_eq!(refuse(&mut paces, "c", 40), Slowed::Domain(false));

        let mut paces = Paces::default();
        for domain in ["a", "b", "c", "d"] {
            assert_eq!(refuse(&mut paces, domain, 10), Slowed::Domain(true), "others are taken");
            paces.speed_up(named("other"));
        }
    }

    #[test]
    fn what_is_refused_before_the_recipient_is_about_the_server() {
        let mut paces = Paces::default();
        assert_eq!(paces.slow_down("a".to_owned(), Throttle::AllMail, at(10), at(10)), Slowed::All(true));
        assert_eq!(paces.turn(at(10), at(10)), None);
        assert_eq!(paces.put_off(named("a"), at(10)), None);
    }

    #[test]
    fn a_domain_that_is_taken_again_comes_back_to_full_speed_and_nobody_waits_long_for_that() {
        let mut paces = Paces::default();
        for second in 0..10 {
            refuse(&mut paces, "a", second);
        }
        assert_eq!((0..1000).filter_map(|_| paces.put_off(named("a"), at(10))).max(), Some(PUT_OFF));
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
        let mut refuse_alone = |number: usize, second| {
            paces.witnesses = 0;
            refuse(&mut paces, &number.to_string(), second)
        };
        for number in 0..DOMAINS {
            assert_eq!(refuse_alone(number, 1), Slowed::Domain(true));
        }
        assert_eq!(refuse_alone(DOMAINS, 2), Slowed::All(true));
        assert_eq!(refuse_alone(0, 3), Slowed::Domain(false));
        assert_eq!(refuse_alone(DOMAINS, 3603), Slowed::Domain(true), "those of an hour ago are forgotten");
        assert_eq!(paces.domains.len(), 2);
    }

    proptest! {
        #[test]
        fn while_two_domains_alone_are_refused_no_other_waits(steps in prop::collection::vec((0_u64..4_000, 0_usize..5), 1..200)) {
            let (mut paces, mut now) = (Paces::default(), Duration::ZERO);
            for (millis, what) in steps {
                now += Duration::from_millis(millis);
                match what {
                    0 | 1 => {
                        let domain = ["a", "b"][what].to_owned();
                        paces.slow_down(domain, Throttle::AfterRecipient, now, now);
                    }
                    2 => drop(paces.speed_up(named("other"))),
                    3 => {
                        let wait = paces.turn_of_domain(named("a"), now);
                        prop_assert!(wait.is_none_or(|wait| wait > Duration::ZERO && wait <= PUT_OFF));
                    }
                    _ => {
                        prop_assert_eq!(paces.put_off(named("other"), now), None);
                        prop_assert_eq!(paces.turn(now, now), Some(now));
                    }
                }
            }
        }
    }
}
