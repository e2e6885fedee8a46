//! Where a daemon's tasks are stopped and let go on: at the points of the store's work, and at the mail server's door.
//!
//! Each daemon has one gate. Only one task of one daemon runs at a time, and whoever runs it says so to the gate before.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use mfa_enforcer::mail::compose::Composed;
use mfa_enforcer::mail::transport::{SendError, SimulatedServer};
use mfa_enforcer::store::StoreError;
use mfa_enforcer::store::checkpoint::{Checkpoint, Observer};

/// How many tasks of one daemon there can be at a time.
pub const STRANDS: usize = 8;

/// What the mail server answered.
pub type Reply = Result<String, SendError>;

/// Where tasks are stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Halts {
    /// Where they hand over a mail.
    Mail,
    /// There, and when a transaction was committed.
    #[default]
    Commits,
    /// There, and before a transaction.
    Everywhere,
}

/// Where a task was stopped.
#[derive(Clone, Debug)]
pub enum Stop {
    /// Before a transaction, between two, or after one.
    Between,
    /// At a point where something goes wrong.
    Fault(String),
    /// A transaction was committed.
    Committed,
    /// A mail is handed over.
    Mail(Box<Composed>),
}

#[derive(Default)]
struct Strand {
    stop: Option<Stop>,
    database: Option<Result<(), StoreError>>,
    mail: Option<Reply>,
    waker: Option<Waker>,
    in_transaction: bool,
    /// A mail was answered, and that is not recorded yet.
    recording: bool,
}

impl Strand {
    /// What was waited for. (Whoever polls it may only poll again what was woken.)
    fn wait<T>(&mut self, context: &Context<'_>, take: impl Fn(&mut Self) -> Option<T>) -> Poll<T> {
        if let Some(answer) = take(self) {
            return Poll::Ready(answer);
        }
        self.waker = Some(context.waker().clone());
        Poll::Pending
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

#[derive(Default)]
struct State {
    strands: [Strand; STRANDS],
    running: usize,
    halts: Halts,
    /// How many points from now something goes wrong.
    fuse: Option<u32>,
}

/// The gate of one daemon.
#[derive(Clone, Default)]
pub struct Gate(Arc<Mutex<State>>);

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Gate")
    }
}

impl Gate {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops tasks there from now on.
    pub fn set_halts(&self, halts: Halts) {
        self.lock().halts = halts;
    }

    /// Something goes wrong at the point that comes so many later.
    pub fn light(&self, fuse: Option<u32>) {
        self.lock().fuse = fuse;
    }

    /// This task runs now.
    pub fn enter(&self, strand: usize) {
        self.lock().running = strand;
    }

    /// Where the task is stopped, if it is.
    pub fn stop(&self, strand: usize) -> Option<Stop> {
        self.lock().strands[strand].stop.clone()
    }

    /// Whether the task is inside a transaction.
    pub fn in_transaction(&self, strand: usize) -> bool {
        self.lock().strands[strand].in_transaction
    }

    /// Whether the task has to record what became of a mail.
    pub fn is_recording(&self, strand: usize) -> bool {
        self.lock().strands[strand].recording
    }

    /// Lets the task go on from a point of the database.
    pub fn go_on(&self, strand: usize, outcome: Result<(), StoreError>) {
        let mut state = self.lock();
        state.strands[strand].stop = None;
        state.strands[strand].database = Some(outcome);
        state.strands[strand].wake();
    }

    /// Answers the mail that the task hands over.
    pub fn answer(&self, strand: usize, reply: Reply) {
        let mut state = self.lock();
        state.strands[strand].stop = None;
        state.strands[strand].recording = true;
        state.strands[strand].mail = Some(reply);
        state.strands[strand].wake();
    }

    /// Forgets a task, which is over or has died.
    pub fn forget(&self, strand: usize) {
        self.lock().strands[strand] = Strand::default();
    }
}

#[async_trait]
impl Observer for Gate {
    async fn reached(&self, point: Checkpoint<'_>) -> Result<(), StoreError> {
        let at = {
            let mut state = self.lock();
            let at = state.running;
            let burnt = state.fuse == Some(0);
            state.fuse = if burnt { None } else { state.fuse.map(|fuse| fuse - 1) };
            let halts = state.halts;
            let strand = &mut state.strands[at];
            match point {
                Checkpoint::Begin => strand.in_transaction = true,
                Checkpoint::Alone(_) => strand.in_transaction = false,
                Checkpoint::Committed => (strand.in_transaction, strand.recording) = (false, false),
                Checkpoint::Statement(_) | Checkpoint::Commit => {}
            }
            let stop = match point {
                _ if burnt => Stop::Fault(shown(point)),
                Checkpoint::Committed if halts != Halts::Mail => Stop::Committed,
                Checkpoint::Begin | Checkpoint::Alone(_) if halts == Halts::Everywhere => Stop::Between,
                _ => return Ok(()),
            };
            // It is not inside yet: others may come before it.
            if matches!(stop, Stop::Between) {
                strand.in_transaction = false;
            }
            strand.stop = Some(stop);
            at
        };
        let outcome = poll_fn(|context| self.lock().strands[at].wait(context, |strand| strand.database.take())).await;
        if outcome.is_ok() && point == Checkpoint::Begin {
            self.lock().strands[at].in_transaction = true;
        }
        outcome
    }
}

#[async_trait]
impl SimulatedServer for Gate {
    async fn send(&self, mail: &Composed) -> Reply {
        let at = {
            let mut state = self.lock();
            let at = state.running;
            state.strands[at].in_transaction = false;
            state.strands[at].stop = Some(Stop::Mail(Box::new(mail.clone())));
            at
        };
        poll_fn(|context| self.lock().strands[at].wait(context, |strand| strand.mail.take())).await
    }

    /// One, so that what is first is always first.
    fn max_concurrent(&self) -> usize {
        1
    }
}

fn shown(point: Checkpoint<'_>) -> String {
    let sql = |sql: &str| sql.split_whitespace().take(4).collect::<Vec<_>>().join(" ");
    match point {
        Checkpoint::Begin => "before a transaction".to_owned(),
        Checkpoint::Statement(text) => format!("before '{} …'", sql(text)),
        Checkpoint::Alone(text) => format!("before '{} …', alone", sql(text)),
        Checkpoint::Commit => "before a commit".to_owned(),
        Checkpoint::Committed => "after a commit".to_owned(),
    }
}
