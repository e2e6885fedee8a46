//! How long to wait before a mail is tried again.

use chrono::TimeDelta;

/// The wait before attempt `attempt + 1`: doubled with each attempt from `first` up to `most`, half of it drawn by
/// `draw`, which gives a span from nothing up to the one it is given, so that mails refused together do not come back
/// together.
pub fn backoff(attempt: i64, first: TimeDelta, most: TimeDelta, draw: impl Fn(TimeDelta) -> TimeDelta) -> TimeDelta {
    let doublings = u32::try_from(attempt.clamp(1, 31) - 1).unwrap_or(0);
    let grown = first.checked_mul(1 << doublings).map_or(most, |grown| grown.min(most));
    let half = grown / 2;
    half + draw(grown - half)
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
            prop_assert!(wait >= first / 2 && wait <= most);
            prop_assert!(next >= wait);
        }
    }

    #[test]
    fn the_wait_doubles_up_to_the_most_and_half_of_it_is_drawn() {
        let minutes = TimeDelta::minutes;
        let longest = |attempt| backoff(attempt, minutes(1), minutes(60), |most| most);
        let shortest = |attempt| backoff(attempt, minutes(1), minutes(60), |_| TimeDelta::zero());
        assert_eq!([1, 2, 3, 6, 7, 40].map(longest), [1, 2, 4, 32, 60, 60].map(minutes));
        assert_eq!(shortest(3), minutes(2));
    }
}
