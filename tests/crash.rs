//! The real binary, killed with SIGKILL in the middle of its work, and started again: R2, R4 and R6 from outside.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that fails panics, and the lints know only the functions marked #[test] as tests"
)]

mod support;

#[path = "mail"]
mod mail {
    #[allow(dead_code, reason = "only smtp-sink is needed here")]
    pub mod servers;
}

mod crash {
    mod campaign;
    mod daemon;
    mod flip;
}
