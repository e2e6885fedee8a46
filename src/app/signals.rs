//! SIGTERM and SIGINT: the word to end in order.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::tasks::ShutdownTrigger;

/// The signals that end a process, heard from the moment this is made: they no longer end it at once.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Begins to listen.
    ///
    /// # Errors
    /// When the system does not allow it.
    pub fn listen() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for one of them, and says that it is time to end.
    pub async fn end(mut self, trigger: ShutdownTrigger) {
        let name = tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        };
        tracing::info!(signal = name, "ending: mail in flight is finished first");
        trigger.request();
    }
}
