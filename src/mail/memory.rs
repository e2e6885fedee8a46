//! Mail into memory, with refusals on command: for tests and simulations.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::compose::Composed;
use super::transport::{SendError, SimulatedServer};

/// A mail server in memory. Clones share what they have received.
#[derive(Clone, Debug, Default)]
pub struct MemoryTransport {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    received: Vec<Composed>,
    attempts: usize,
    next: VecDeque<SendError>,
    refused: HashMap<String, SendError>,
}

impl MemoryTransport {
    /// A server that takes everything.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers the next attempt with `error` (after those scripted before). The mail is kept if the error says that it
    /// may have been received: the server took it, and only its answer was lost.
    pub fn refuse_next(&self, error: SendError) {
        self.lock().next.push_back(error);
    }

    /// Answers every attempt for `address` with `error`, until [`accept`](Self::accept).
    pub fn refuse(&self, address: &str, error: SendError) {
        self.lock().refused.insert(address.to_lowercase(), error);
    }

    /// Takes mail for `address` again.
    pub fn accept(&self, address: &str) {
        self.lock().refused.remove(&address.to_lowercase());
    }

    /// Every mail received, in order; a mail that came twice is there twice.
    #[must_use]
    pub fn received(&self) -> Vec<Composed> {
        self.lock().received.clone()
    }

    /// How often a mail was handed over, refused ones included.
    #[must_use]
    pub fn attempts(&self) -> usize {
        self.lock().attempts
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl SimulatedServer for MemoryTransport {
    async fn send(&self, mail: &Composed) -> Result<String, SendError> {
        let mut state = self.lock();
        state.attempts += 1;
        let by_address = mail.envelope.to().iter().find_map(|to| state.refused.get(&to.to_string().to_lowercase()));
        let refusal = by_address.cloned().or_else(|| state.next.pop_front());
        if refusal.as_ref().is_none_or(|error| matches!(error, SendError::Transient { maybe_received: true, .. })) {
            state.received.push(mail.clone());
        }
        refusal.map_or_else(|| Ok(format!("250 taken as {}", mail.mail_id)), Err)
    }

    fn max_concurrent(&self) -> usize {
        4
    }
}
