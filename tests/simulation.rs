//! The simulation: worlds that live through years, and the oracle that judges what the daemon did in them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that fails panics, and the lints know only the functions marked #[test] as tests"
)]

mod support;

mod simulation {
    mod oracle;
}
