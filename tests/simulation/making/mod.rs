//! Makes the plan of a world from a seed.

mod companies;
mod moments;
mod people;
mod troubles;
mod zones;

use chrono::{DateTime, TimeDelta};
use chrono_tz::Tz;
use mfa_enforcer::domain::time::{Timestamp, add_days};

use super::dice::Dice;
use super::plan::{Deed, Event, Machines, Order, Plan, Safety, Settings};
use crate::support::Kind;
use moments::Moments;

/// How long nobody interferes at a world's end, so that what is foretold can be compared with what happens.
const QUIET: TimeDelta = TimeDelta::days(100);

/// What is being made.
struct Making {
    dice: Dice,
    begins: Timestamp,
    /// When people stop doing things.
    ends: Timestamp,
    events: Vec<Event>,
    moments: Moments,
    companies: u32,
    users: u32,
}

impl Making {
    fn add(&mut self, at: Timestamp, deed: Deed) {
        let amid = self.dice.chance(50);
        self.events.push(Event { at: at.max(self.begins), amid, deed });
    }

    fn sql(&mut self, at: Timestamp, sql: String) {
        self.add(at, Deed::Sql(sql));
    }

    /// An instant at which something may happen: often one at which the daemon has something to do.
    fn moment(&mut self) -> Timestamp {
        let (begins, ends) = (self.begins, self.ends);
        self.moments.any(&self.dice, begins, ends)
    }
}

/// The plan that comes of a seed.
pub fn plan(seed: u64, kind: Kind) -> Plan {
    let dice = Dice::new(seed, 1);
    let years = dice.weighted(&[(3, 1), (2, 2), (1, 3)]);
    let begins = DateTime::from_timestamp(1_767_225_600, 0).expect("the year 2026").timestamp_micros()
        + dice.between(0, 10 * 365 * 24 * 60) * 60_000_000
        + dice.pick(&[0, 1, 999_999, 500_000]);
    let begins = Timestamp::new(DateTime::from_timestamp_micros(begins).expect("before 2037"));
    // Some worlds are small and wild, some large and slow; in some nobody does anything once all is set up.
    let quiet = dice.chance(20);
    let ends = begins.plus(
        if quiet { TimeDelta::days(dice.between(3, 40)) } else { TimeDelta::days(365 * years) } - TimeDelta::zero(),
    );
    let settings = settings(&dice);
    let machines = machines(&dice, quiet);
    let companies = u32::try_from(dice.between(2, 6)).expect("it is small");
    let users =
        u32::try_from(dice.weighted(&[(3, 8), (3, 15), (2, 25), (1, 40)]) - dice.between(0, 3)).expect("it is small");
    let mut making = Making { dice, begins, ends, events: Vec::new(), moments: Moments::default(), companies, users };
    making.make_companies();
    making.make_people();
    making.make_troubles(machines);
    let Making { dice, mut events, .. } = making;
    events.sort_by_key(|event| event.at);
    let last = events.last().map_or(ends, |event| event.at.max(ends));
    // Something is to come that can be foretold.
    for company in 1..=companies {
        if dice.chance(60) {
            let days = dice.between(2, 60);
            let date = add_days(last.date_in(Tz::UTC), days);
            let what = Order::Set { date, overriding: true };
            events.push(Event { at: last, amid: false, deed: Deed::Order { company, what } });
        }
    }
    let foretold = last.plus(TimeDelta::hours(dice.between(49, 90)));
    events.push(Event { at: foretold, amid: false, deed: Deed::Foretell });
    Plan { seed, kind, begins, ends: foretold.plus(QUIET), settings, machines, events }
}

fn settings(dice: &Dice) -> Settings {
    let safety = [Safety::Warn, Safety::Warn, Safety::Hold, Safety::Ignore];
    Settings {
        leave_out_sso: dice.chance(75),
        minimum_notice_days: dice.weighted(&[(6, 7), (1, 0), (1, 1), (2, 14)]),
        announce_delay: TimeDelta::minutes(dice.weighted(&[(8, 15), (1, 0), (1, 600)])),
        safety: if dice.chance(60) {
            [Safety::Warn; 3]
        } else {
            [*dice.pick(&safety), *dice.pick(&safety), *dice.pick(&safety)]
        },
        chunk: dice.between(2, 5),
        claim_batch: dice.between(2, 5),
    }
}

fn machines(dice: &Dice, quiet: bool) -> Machines {
    if quiet || dice.chance(10) {
        return Machines { daemons: dice.weighted(&[(2, 1), (1, 2)]), ..Machines::CALM };
    }
    Machines {
        daemons: dice.weighted(&[(2, 1), (3, 2), (1, 3)]),
        side_by_side: dice.weighted(&[(1, 0), (2, 30), (1, 60)]),
        crashes: dice.chance(60),
        database_errors: dice.chance(40),
        stalls: dice.chance(40),
        mail_troubles: dice.chance(60),
        clock_jumps: dice.chance(40),
        unwatched: false,
    }
}
