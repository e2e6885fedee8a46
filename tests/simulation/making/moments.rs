//! Instants worth hitting.

use chrono::{NaiveDate, NaiveTime, TimeDelta};
use chrono_tz::Tz;
use mfa_enforcer::domain::time::{Timestamp, add_days, instant_at, start_of_day};

use crate::simulation::dice::Dice;

/// Instants at which the daemons have something to do.
#[derive(Default)]
pub struct Moments(Vec<Timestamp>);

/// The hour on that day in that zone.
pub fn at_hour(date: NaiveDate, hour: u32, zone: Tz) -> Timestamp {
    instant_at(date, NaiveTime::from_hms_opt(hour, 0, 0).expect("an hour"), zone)
}

/// A little before or after, or just then.
pub fn about(dice: &Dice, instant: Timestamp) -> Timestamp {
    let by = match dice.below(8) {
        0 | 1 => TimeDelta::zero(),
        2 => TimeDelta::microseconds(dice.between(-1, 1)),
        3 => TimeDelta::seconds(dice.between(-5, 5)),
        4 => TimeDelta::seconds(dice.between(-90, 90)),
        5 => TimeDelta::minutes(dice.between(-20, 20)),
        6 => TimeDelta::minutes(dice.between(-180, 180)),
        _ => TimeDelta::hours(dice.between(-30, 30)),
    };
    instant.plus(by)
}

/// An instant at which something is due for a date in that zone.
pub fn of_date(dice: &Dice, date: NaiveDate, zone: Tz) -> Timestamp {
    match dice.below(10) {
        0..=4 => start_of_day(date, zone),
        5 => at_hour(date, *dice.pick(&[8, 9, 20]), zone),
        6 | 7 => at_hour(add_days(date, -*dice.pick(&[1, 3, 7, 14, 30])), 9, zone),
        8 => start_of_day(add_days(date, -*dice.pick(&[1, 7])), zone),
        _ => at_hour(add_days(date, dice.between(1, 8)), *dice.pick(&[0, 9]), zone),
    }
}

impl Moments {
    /// Notes the instants at which something is due for a date that is set at an instant.
    pub fn note(&mut self, dice: &Dice, set_at: Timestamp, date: NaiveDate, zone: Tz) {
        self.0.push(set_at);
        self.0.push(set_at.plus(TimeDelta::minutes(15)));
        self.0.push(at_hour(add_days(set_at.date_in(zone), 1), 8, zone));
        self.0.push(start_of_day(date, zone));
        self.0.push(start_of_day(date, zone));
        for _ in 0..4 {
            self.0.push(of_date(dice, date, zone));
        }
    }

    /// One of them, or a little before or after one; or any instant.
    pub fn any(&self, dice: &Dice, begins: Timestamp, ends: Timestamp) -> Timestamp {
        if !self.0.is_empty() && dice.chance(65) {
            let instant = *dice.pick(&self.0);
            let about = about(dice, instant);
            if about > begins && about < ends {
                return about;
            }
        }
        let seconds = (ends.utc() - begins.utc()).num_seconds().max(1);
        begins.plus(TimeDelta::seconds(dice.between(0, seconds)))
    }
}

/// The days within a span on which the clocks of a zone change.
pub fn changes(zone: Tz, from: NaiveDate, days: i64) -> Vec<NaiveDate> {
    let length = |date: NaiveDate| start_of_day(add_days(date, 1), zone).utc() - start_of_day(date, zone).utc();
    (0..days).map(|day| add_days(from, day)).filter(|date| length(*date) != TimeDelta::hours(24)).collect()
}
