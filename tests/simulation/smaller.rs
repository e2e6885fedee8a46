//! Makes a plan that fails smaller, while it fails by the same rule.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use chrono::TimeDelta;

use super::plan::{Deed, Machines, Plan, Row, named};
use super::world::{Ending, World};

/// A plan that fails, and how.
pub struct Failing {
    pub plan: Plan,
    pub ending: Ending,
    /// How many plans were lived through to find it.
    pub tried: usize,
}

/// The smallest plan that is found within `time`.
pub async fn smaller(plan: Plan, ending: Ending, time: Duration) -> Failing {
    let until = Instant::now() + time;
    let mut failing = Failing { plan, ending, tried: 0 };
    failing.cut_the_end().await;
    failing.drop_bystanders(until).await;
    for simpler in SIMPLER {
        let mut machines = failing.plan.machines;
        simpler(&mut machines);
        if machines != failing.plan.machines && Instant::now() < until {
            failing.try_plan(Plan { machines, ..failing.plan.clone() }).await;
        }
    }
    failing.drop_events(until).await;
    let mut plan = failing.plan.clone();
    plan.events.iter_mut().for_each(|event| event.amid = false);
    failing.try_plan(plan).await;
    failing.drop_events(until).await;
    failing
}

/// What can be left out of the machines' troubles.
const SIMPLER: [fn(&mut Machines); 8] = [
    |machines| *machines = Machines { unwatched: machines.unwatched, ..Machines::CALM },
    |machines| machines.crashes = false,
    |machines| machines.database_errors = false,
    |machines| machines.stalls = false,
    |machines| machines.mail_troubles = false,
    |machines| machines.clock_jumps = false,
    |machines| machines.side_by_side = 0,
    |machines| machines.daemons = 1,
];

impl Failing {
    /// Keeps the plan, if it fails by the same rule. Returns whether it does.
    async fn try_plan(&mut self, plan: Plan) -> bool {
        self.tried += 1;
        let ending = World::live(&plan).await;
        let rule = |ending: &Ending| ending.failure.as_ref().map(|failure| failure.rule.clone());
        let fails = rule(&ending) == rule(&self.ending);
        if fails {
            (self.plan, self.ending) = (plan, ending);
            self.drop_what_came_after();
        }
        fails
    }

    fn drop_what_came_after(&mut self) {
        let at = self.ending.at;
        self.plan.events.retain(|event| event.at <= at);
    }

    /// What comes after the failure has no part in it.
    async fn cut_the_end(&mut self) {
        let mut plan = self.plan.clone();
        plan.ends = self.ending.at.plus(TimeDelta::hours(1)).min(plan.ends);
        plan.events.retain(|event| event.at <= self.ending.at);
        self.try_plan(plan).await;
    }

    /// Leaves out all that happens to those whom the failure does not name, together or one after the other.
    async fn drop_bystanders(&mut self, until: Instant) {
        let text = self.ending.failure.as_ref().map(|failure| failure.text.clone()).unwrap_or_default();
        let named = named_in(&text);
        let mut others: BTreeSet<Row> = self.plan.events.iter().flat_map(|event| concerns(&event.deed)).collect();
        others.retain(|row| !named.contains(row));
        if self.try_plan(self.without(&others)).await {
            return;
        }
        let users: BTreeSet<Row> = others.iter().copied().filter(|row| matches!(row, Row::User(_))).collect();
        if self.try_plan(self.without(&users)).await {
            others.retain(|row| matches!(row, Row::Company(_)));
        }
        for other in others {
            if Instant::now() < until {
                self.try_plan(self.without(&BTreeSet::from([other]))).await;
            }
        }
    }

    fn without(&self, rows: &BTreeSet<Row>) -> Plan {
        let mut plan = self.plan.clone();
        plan.events.retain(|event| concerns(&event.deed).is_disjoint(rows));
        plan
    }

    /// Leaves events out, many at once, then fewer, then one by one.
    async fn drop_events(&mut self, until: Instant) {
        let mut size = self.plan.events.len().div_ceil(2);
        while size > 0 {
            let mut dropped = false;
            let mut end = self.plan.events.len();
            while end > 0 && Instant::now() < until {
                end = end.min(self.plan.events.len());
                let begin = end.saturating_sub(size);
                let mut plan = self.plan.clone();
                plan.events.drain(begin..end);
                dropped |= self.try_plan(plan).await;
                end = begin;
            }
            if size == 1 && !dropped || Instant::now() >= until {
                return;
            }
            size = if size == 1 { 1 } else { size / 2 };
        }
    }
}

/// Whom a deed is about.
fn concerns(deed: &Deed) -> BTreeSet<Row> {
    match deed {
        Deed::Sql(sql) => named_in(sql),
        Deed::ReadRow(row) | Deed::WriteRow(row, _) => BTreeSet::from([*row]),
        Deed::Order { company, .. } => BTreeSet::from([Row::Company(*company)]),
        Deed::Exempt { company, user, .. } | Deed::EndExemption { company, user } => {
            BTreeSet::from([Row::Company(*company), Row::User(*user)])
        }
        Deed::Enroll { user, .. } | Deed::Mailbox { user, .. } => BTreeSet::from([Row::User(*user)]),
        Deed::Mail(_) | Deed::Sleep(_) | Deed::ClockBack(_) | Deed::Foretell => BTreeSet::new(),
    }
}

/// The companies and users whose ids are in a text.
fn named_in(text: &str) -> BTreeSet<Row> {
    let text = named(text).to_lowercase();
    let mut rows = BTreeSet::new();
    let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    for pair in words.windows(2) {
        match (pair[0], pair[1].parse()) {
            ("company", Ok(number)) => rows.insert(Row::Company(number)),
            ("user", Ok(number)) => rows.insert(Row::User(number)),
            _ => false,
        };
    }
    rows
}
