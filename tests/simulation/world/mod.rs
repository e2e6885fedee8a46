//! A world at work: a database, daemons, a mail server and a clock, lived through from a plan's beginning to its end.

mod acts;
mod daemon;
mod due;
mod failure;
mod foretold;
mod judge;
mod post;
mod rounds;
mod together;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use mfa_enforcer::clock::Clock;
use mfa_enforcer::domain::policy::Policy;
use mfa_enforcer::domain::time::Timestamp;
use mfa_enforcer::store::SqlStore;
use sha2::{Digest as _, Sha256};

pub use failure::Failure;

use super::dice::Dice;
use super::oracle::Step;
use super::plan::{Event, Machines, Plan, Row, Weather};
use crate::support::TestDatabase;
use daemon::Daemon;
use foretold::Foretold;
use judge::Judge;

/// How many lines of what happened last are kept for whoever reads of a failure.
const TRACED: usize = 60;
/// The longest jump of the clock while nothing is due, in days.
const LONGEST_JUMP: i64 = 4;

/// What a world came to.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Companies times the time for which each existed, in years of 365.25 days.
    pub company_years: f64,
    pub mails: u64,
    pub crashes: u64,
    pub database_errors: u64,
    pub stalls: u64,
    pub instants: u64,
    pub orders: u64,
    pub foretold: u64,
    /// SHA-256 over all that happened, in hexadecimal: the same for the same plan.
    pub digest: String,
}

/// How a world has ended.
pub struct Ending {
    pub tally: Tally,
    /// When it ended.
    pub at: Timestamp,
    pub failure: Option<Failure>,
    /// What happened last.
    pub trace: Vec<String>,
}

/// See above.
pub struct World<'a> {
    plan: &'a Plan,
    db: TestDatabase,
    clock: Clock,
    daemons: Vec<Daemon>,
    /// The people's and the commands' own way to the database.
    desk: SqlStore,
    policy: Policy,
    judge: Judge,
    machines: Machines,
    weather: Weather,
    gone: BTreeSet<String>,
    /// How often mail was handed over for each address.
    handed: BTreeMap<String, u64>,
    asleep_until: Option<Timestamp>,
    rows: BTreeMap<Row, BTreeMap<String, String>>,
    companies: BTreeMap<u32, Timestamp>,
    next_event: usize,
    amid: VecDeque<&'a Event>,
    /// Whether something has happened or is due at this instant.
    busy: bool,
    foretold: Option<Foretold>,
    tally: Tally,
    trace: VecDeque<String>,
    /// Whether all that happens is told.
    telling: bool,
    digest: Sha256,
}

impl<'a> World<'a> {
    /// Lives through the plan, to its end or to the first violation.
    pub async fn live(plan: &'a Plan) -> Ending {
        let mut world = Self::begin(plan).await;
        let failure = match world.run().await {
            Ok(()) => world.judge.finish(&world.db, world.now()).await.err(),
            Err(failure) => Some(failure),
        };
        let at = world.now();
        world.count_company_years(at);
        world.tally.digest = hex::encode(world.digest.finalize_reset());
        Ending { tally: world.tally.clone(), at, failure, trace: world.trace.into() }
    }

    async fn begin(plan: &'a Plan) -> Self {
        let db = TestDatabase::in_memory(plan.kind).await;
        let clock = Clock::simulated(plan.begins);
        let mut daemons = Vec::new();
        for number in 0..plan.machines.daemons {
            let seed = plan.seed.wrapping_mul(31).wrapping_add(number as u64 + 1);
            daemons.push(Daemon::new(&db, &clock, &plan.settings, seed).await);
        }
        let desk = db.store(plan.seed ^ 0xde5c).await;
        let policy = daemons[0].services.policy.clone();
        Self {
            judge: Judge::new(plan),
            machines: plan.machines,
            plan,
            db,
            clock,
            daemons,
            desk,
            policy,
            weather: Weather::Fair,
            gone: BTreeSet::new(),
            handed: BTreeMap::new(),
            asleep_until: None,
            rows: BTreeMap::new(),
            companies: BTreeMap::new(),
            next_event: 0,
            amid: VecDeque::new(),
            busy: true,
            foretold: None,
            tally: Tally::default(),
            trace: VecDeque::new(),
            telling: std::env::var_os("SIMULATION_TRACE").is_some(),
            digest: Sha256::new(),
        }
    }

    async fn run(&mut self) -> Result<(), Failure> {
        loop {
            self.tally.instants += 1;
            // Its own chance for each instant: what is left out of a plan changes nothing at other instants.
            let instant = self.now().utc().timestamp_micros().cast_unsigned();
            let dice = Dice::new(self.plan.seed, instant);
            self.act_on_what_is_due().await?;
            if self.asleep_until.is_none_or(|until| until <= self.now()) {
                if self.asleep_until.take().is_some() {
                    self.note("the daemons are back");
                    self.look(Step::Slept).await?;
                }
                self.round(&dice).await?;
                self.take_forecast().await?;
            } else {
                self.act_on_what_waits().await?;
            }
            if self.now() >= self.plan.ends {
                break;
            }
            let (next, busy) = self.next_instant(&dice).await;
            self.busy = busy;
            self.clock.set(next);
        }
        if let Some(foretold) = self.foretold.take() {
            self.tally.foretold += foretold.compare(&self.db, self.now()).await?;
        }
        Ok(())
    }

    /// Foretells, where that was asked for: the daemon has just done all that was due.
    async fn take_forecast(&mut self) -> Result<(), Failure> {
        let now = self.now();
        let Some(foretold) = self.foretold.as_mut().filter(|foretold| foretold.is_open()) else { return Ok(()) };
        let taken = foretold.take(&self.db, &self.desk, &self.policy, now, self.plan.ends).await;
        taken.map_err(|error| Failure::new("command", format!("nothing can be foretold: {error}")))
    }

    /// Lets the oracle look.
    async fn look(&mut self, step: Step<'_>) -> Result<(), Failure> {
        self.judge.look(&self.db, self.clock.now(), step).await
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Notes down that something happened.
    fn note(&mut self, text: impl AsRef<str>) {
        let line = format!("{}  {}", self.now().utc().format("%Y-%m-%d %H:%M:%S%.6f"), text.as_ref());
        if self.telling {
            eprintln!("{line}");
        }
        self.digest.update(line.as_bytes());
        self.trace.push_back(line);
        if self.trace.len() > TRACED {
            self.trace.pop_front();
        }
    }

    fn count_company_years(&mut self, until: Timestamp) {
        let companies = std::mem::take(&mut self.companies);
        let days: f64 = companies.values().map(|since| (until.utc() - since.utc()).as_seconds_f64() / 86_400.0).sum();
        self.tally.company_years += days.max(0.0) / 365.25;
    }
}
