//! What happens is told to the oracle; what it finds wrong ends the world.

use jiff::civil::Date;
use mfa_enforcer::domain::time::Timestamp;

use super::failure::Failure;
use crate::simulation::oracle::{self, Measure, Oracle, Step};
use crate::simulation::plan::{Deed, Order, Plan, Safety};
use crate::support::TestDatabase;
use crate::support::vendor::{company_id, user_id};

/// See above.
pub struct Judge {
    oracle: Oracle,
}

impl Judge {
    /// One that knows what the operator has decided.
    pub fn new(plan: &Plan) -> Self {
        let settings = &plan.settings;
        let measure = |safety| match safety {
            Safety::Ignore => Measure::Ignore,
            Safety::Warn => Measure::Warn,
            Safety::Hold => Measure::Hold,
        };
        Self {
            oracle: Oracle::new(oracle::Settings {
                minimum_notice_days: settings.minimum_notice_days.into(),
                announce_delay_minutes: settings.announce_delay.num_minutes(),
                leave_out_sso: settings.leave_out_sso,
                no_enrolled_admin: measure(settings.safety[0]),
                not_enrolled: measure(settings.safety[1]),
                not_told: measure(settings.safety[2]),
                ..oracle::Settings::default()
            }),
        }
    }

    /// Tells the oracle what has just happened.
    pub async fn look(&mut self, db: &TestDatabase, now: Timestamp, step: Step<'_>) -> Result<(), Failure> {
        first(self.oracle.look(db, seen(now), step).await)
    }

    /// Tells the oracle that it is over.
    pub async fn finish(&mut self, db: &TestDatabase, now: Timestamp) -> Result<(), Failure> {
        first(self.oracle.finish(db, seen(now)).await)
    }
}

/// What a person ordered by this deed, in the oracle's words.
pub fn order(deed: &Deed) -> Option<oracle::Order> {
    let of = |company: u32| company_id(company).to_string();
    Some(match deed {
        Deed::Order { company, what } => {
            let company = of(*company);
            match *what {
                Order::Set { date, overriding } => {
                    oracle::Order::Set { company, date: civil(date), overridden: overriding }
                }
                Order::Cancel => oracle::Order::Cancel { company },
                Order::Hold => oracle::Order::Hold { company },
                Order::Release { overriding } => oracle::Order::Release { company, overridden: overriding },
                Order::Revert => oracle::Order::Revert { company },
            }
        }
        Deed::Exempt { company, user, until } => {
            oracle::Order::Exempt { company: of(*company), user: user_id(*user).to_string(), until: Some(seen(*until)) }
        }
        Deed::EndExemption { company, user } => {
            oracle::Order::Exempt { company: of(*company), user: user_id(*user).to_string(), until: None }
        }
        _ => return None,
    })
}

fn first(mut found: Vec<oracle::Violation>) -> Result<(), Failure> {
    let ignored = std::env::var("SIMULATION_IGNORE").unwrap_or_default();
    found.retain(|violation| !ignored.split('|').any(|part| !part.is_empty() && violation.text.contains(part)));
    match found.as_slice() {
        [] => Ok(()),
        [one] => Err(Failure::new(one.rule, &one.text)),
        [one, more @ ..] => {
            let others: Vec<_> = more.iter().map(|other| format!("\n  and {}: {}", other.rule, other.text)).collect();
            Err(Failure::new(one.rule, format!("{}{}", one.text, others.concat())))
        }
    }
}

fn seen(instant: Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_microsecond(instant.utc().timestamp_micros()).expect("within jiff's range")
}

fn civil(date: chrono::NaiveDate) -> Date {
    date.to_string().parse().expect("a date as text")
}
