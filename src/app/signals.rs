//! SIGTERM and SIGINT: the word to end in order, and when it comes again, to end at once.

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

    /// Waits for one of them, and says that it is time to end. A second one ends the process at once, as if it had been
    /// killed (exit code 143 or 130): whoever sends it does not want to wait for the mail in flight.
    pub async fn end(mut self, trigger: ShutdownTrigger) {
        let (signal, _) = self.next().await;
        tracing::info!(signal, "ending: mail in flight is finished first");
        trigger.request();
        let (signal, code) = self.next().await;
        tracing::warn!(signal, "ending at once: what was in flight may be sent again");
        std::process::exit(code);
    }

    /// Waits for the next one: its name, and the exit code of a process that it ends.
    async fn next(&mut self) -> (&'static str, i32) {
        tokio::select! {
            _ = self.terminate.recv() => ("SIGTERM", 128 + 15),
            _ = self.interrupt.recv() => ("SIGINT", 128 + 2),
        }
    }
}
