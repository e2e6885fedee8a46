//! How long to wait before a mail is tried again, and when to give up on it.

use chrono::TimeDelta;

use super::time::Timestamp;

/// The shortest wait.
const FLOOR: TimeDelta = TimeDelta::seconds(1);
/// Before so many attempts were made, no mail is given up, however long it has been due: the daemon may have been down, and
/// servers that put off whom they do not know take the second or third.
const LEAST_ATTEMPTS: i64 = 10;

/// The wait before attempt `attempt + 1`: full jitter. The span doubles with each attempt from `first` up to `most`, and
/// the wait is drawn from a second up to it, so that mails refused together do not come back together. `draw` gives a span
/// from nothing up to the one it is given.
pub fn backoff(attempt: i64, first: TimeDelta, most: TimeDelta, draw: impl Fn(TimeDelta) -> TimeDelta) -> TimeDelta {
    let doublings = u32::try_from(attempt.clamp(1, 31) - 1).unwrap_or(0);
    let grown = first.checked_mul(1 << doublings).map_or(most, |grown| grown.min(most));
    let floor = FLOOR.min(grown);
    floor + draw(grown - floor)
}

/// Whether to give up on a mail that mail servers have put off for its own sake since `refused_since`, now at the
/// `attempt`th attempt: after `retry_for` (RFC 5321, 4.5.4.1). What is about all mail is never a reason.
#[must_use]
pub fn gives_up(attempt: i64, refused_since: Option<Timestamp>, now: Timestamp, retry_for: TimeDelta) -> bool {
    attempt >= LEAST_ATTEMPTS && refused_since.is_some_and(|since| since.plus(retry_for) <= now)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_wait_grows_and_is_bounded(
            attempt in 1_i64..200, first in 1_i64..3600, more in 0_i64..86_400, drawn in 0_i64..=100,
        ) {
            let (first, most) = (TimeDelta::seconds(first), TimeDelta::seconds(first + more));
            let draw = |span: TimeDelta| TimeDelta::milliseconds(span.num_milliseconds() * drawn / 100);
            let (wait, next) = (backoff(attempt, first, most, draw), backoff(attempt + 1, first, most, draw));
            prop_assert!(wait >= TimeDelta::seconds(1) && wait <= most);
            prop_assert!(next >= wait);
        }
    }

    #[test]
    fn the_span_doubles_up_to_the_most_and_the_wait_is_drawn_from_all_of_it() {
        let minutes = TimeDelta::minutes;
        let longest = |attempt| backoff(attempt, minutes(1), minutes(60), |most| most);
        let shortest = |attempt| backoff(attempt, minutes(1), minutes(60), |_| TimeDelta::zero());
        assert_eq!([1, 2, 3, 6, 7, 40].map(longest), [1, 2, 4, 32, 60, 60].map(minutes));
        assert_eq!([1, 3, 40].map(shortest), [TimeDelta::seconds(1); 3]);
        let tiny = TimeDelta::milliseconds(20);
        assert_eq!(backoff(1, tiny, minutes(1), |most| most), tiny, "what the operator wants shorter is shorter");
    }

    #[test]
    fn it_is_given_up_after_the_time_and_some_attempts() {
        let due: Timestamp = "2027-01-10T09:00:00Z".parse().unwrap();
        let after = |days, attempt| gives_up(attempt, Some(due), due.plus(TimeDelta::days(days)), TimeDelta::days(5));
        assert!(after(5, 10) && after(30, 200));
        assert!(!after(4, 200), "not before");
        assert!(!after(30, 9), "nor when it was hardly tried");
    }
}
