//! One daemon: the real tasks on a store of its own, with a gate at every point where it can be stopped.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use chrono::TimeDelta;
use mfa_enforcer::app;
use mfa_enforcer::clock::{Clock, Randomness};
use mfa_enforcer::config::Config;
use mfa_enforcer::domain::time::Timestamp;
use mfa_enforcer::mail::Mailer;
use mfa_enforcer::mail::transport::Transport;
use mfa_enforcer::tasks::{self, Limits, Services, ShutdownTrigger};

use crate::simulation::gate::{Gate, STRANDS};
use crate::simulation::plan::Settings;
use crate::support::TestDatabase;

/// The place of what runs alone: the start, and all tasks one after the other.
pub const ALONE: usize = STRANDS - 1;
/// How long the mail server may take.
pub const SEND_TIMEOUT: TimeDelta = TimeDelta::seconds(60);
/// How long a claim holds.
pub const LEASE: TimeDelta = TimeDelta::minutes(5);

/// How something that ran has ended.
#[derive(Clone, Debug, Default)]
pub struct Ended {
    /// Whether it changed anything.
    pub changed: bool,
    /// What it failed with.
    pub errors: Vec<String>,
}

/// Something that runs.
pub struct Strand {
    future: Pin<Box<dyn Future<Output = Ended>>>,
    /// What it is called.
    pub name: &'static str,
    /// Until when it is held up.
    pub held_until: Option<Timestamp>,
    /// What it will be told by the mail server then.
    pub reply: Option<crate::simulation::gate::Reply>,
    /// Whether something was made to go wrong in it.
    pub faulty: bool,
}

impl Strand {
    pub fn poll(&mut self, context: &mut Context<'_>) -> Poll<Ended> {
        self.future.as_mut().poll(context)
    }
}

/// See above.
pub struct Daemon {
    pub services: Arc<Services>,
    pub gate: Gate,
    pub strands: [Option<Strand>; STRANDS],
    /// Whether it has yet to do what every start does first.
    pub starting: bool,
    /// Until when it is down.
    pub down_until: Option<Timestamp>,
}

/// What a strand came to when it was let go on.
pub enum Came {
    /// It was stopped.
    Stop,
    /// It has ended.
    End(Ended),
}

/// The configuration of a daemon.
pub fn config(settings: &Settings) -> Config {
    let variable = |name: &str, value: String| (format!("MFA_ENFORCER__{name}"), value);
    let variables = vec![
        variable("CLOCK__SIMULATED", "true".to_owned()),
        variable("SMTP__URL", "file:mail".to_owned()),
        variable("NOTICES__FROM", "Ledger <no-reply@ledger.example>".to_owned()),
        // The oracle reads English.
        variable("NOTICES__LANGUAGES", "[\"en\"]".to_owned()),
        variable("NOTICES__ANNOUNCE_DELAY", format!("{}s", settings.announce_delay.num_seconds())),
        variable("ENFORCEMENT__SSO_USERS", if settings.leave_out_sso { "leave_out" } else { "include" }.to_owned()),
        variable("ENFORCEMENT__MINIMUM_NOTICE_DAYS", settings.minimum_notice_days.to_string()),
        variable("SAFETY__NO_ENROLLED_ADMIN", settings.safety[0].as_str().to_owned()),
        variable("SAFETY__NOT_ENROLLED", settings.safety[1].as_str().to_owned()),
        variable("SAFETY__NOT_TOLD", settings.safety[2].as_str().to_owned()),
        variable("SCHEDULE__CHUNK", settings.chunk.to_string()),
        variable("SCHEDULE__CLAIM_BATCH", settings.claim_batch.to_string()),
        variable("SCHEDULE__LEASE", format!("{}s", LEASE.num_seconds())),
        variable("SMTP__TIMEOUT", format!("{}s", SEND_TIMEOUT.num_seconds())),
    ];
    Config::load(None, variables.into_iter()).unwrap_or_else(|error| panic!("{error}"))
}

impl Daemon {
    /// A daemon that has yet to start.
    pub async fn new(db: &TestDatabase, clock: &Clock, settings: &Settings, seed: u64) -> Self {
        let gate = Gate::default();
        let config = config(settings);
        let store = db.store(seed).await.with_observer(Arc::new(gate.clone()));
        let services = Services {
            store: Arc::new(store),
            clock: clock.clone(),
            randomness: Randomness::seeded(!seed),
            mailer: Arc::new(
                Mailer::new(&config.notices, Transport::simulated(gate.clone())).expect("the templates are right"),
            ),
            intake: None,
            policy: config.policy(),
            limits: Limits::from_config(&config),
            shutdown: ShutdownTrigger::new().1,
        };
        Self { services: Arc::new(services), gate, strands: Default::default(), starting: true, down_until: None }
    }

    /// Begins what every start does first, and after it, if so wished, every task until none finds anything to do.
    pub fn begin_alone(&mut self, with_tasks: bool) {
        let services = Arc::clone(&self.services);
        let starting = std::mem::take(&mut self.starting);
        let future = async move {
            let mut ended = Ended::default();
            if starting && let Err(error) = app::prepare(&services).await {
                ended.errors.push(format!("start: {error}"));
            }
            if with_tasks {
                let errors = tasks::run_until_idle(&services).await;
                ended.errors.extend(errors.into_iter().map(|(task, error)| format!("{task}: {error}")));
            }
            ended
        };
        let name = if with_tasks { "all tasks" } else { "start" };
        self.put(ALONE, name, Box::pin(future));
    }

    /// Begins a run of one task.
    pub fn begin_task(&mut self, task: usize) {
        let services = Arc::clone(&self.services);
        let name = tasks::names()[task];
        let future = async move {
            let task = &tasks::all()[task];
            match tasks::run_task(task.as_ref(), &services).await {
                Ok(report) => Ended { changed: report.changed, errors: Vec::new() },
                Err(error) => Ended { changed: false, errors: vec![format!("{name}: {error}")] },
            }
        };
        self.put(task, name, Box::pin(future));
    }

    fn put(&mut self, at: usize, name: &'static str, future: Pin<Box<dyn Future<Output = Ended>>>) {
        self.gate.forget(at);
        self.strands[at] = Some(Strand { future, name, held_until: None, reply: None, faulty: false });
    }

    /// Lets one strand run until it is stopped or ends. (What it waits for meanwhile, its database or a timer, is real.)
    pub async fn run(&mut self, at: usize) -> Came {
        let (gate, strands) = (&self.gate, &mut self.strands);
        let strand = strands[at].as_mut().expect("it runs");
        let came = std::future::poll_fn(|context| {
            gate.enter(at);
            match strand.poll(context) {
                Poll::Ready(ended) => Poll::Ready(Came::End(ended)),
                Poll::Pending => gate.stop(at).map_or(Poll::Pending, |_| Poll::Ready(Came::Stop)),
            }
        })
        .await;
        if matches!(came, Came::End(_)) {
            strands[at] = None;
            gate.forget(at);
        }
        came
    }

    /// Dies: all that it was doing is gone.
    pub fn die(&mut self) {
        for at in 0..STRANDS {
            self.strands[at] = None;
            self.gate.forget(at);
        }
        self.gate.light(None);
        self.starting = true;
    }

    /// Whether it runs nothing that is held up.
    pub fn is_free(&self) -> bool {
        self.strands.iter().all(Option::is_none)
    }
}
