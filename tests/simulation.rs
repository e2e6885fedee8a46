//! Whole years in minutes: made-up companies, people, vendors, admins, mail servers and crashes, the daemon's own tasks among
//! them, and an oracle that looks at every step. `tests/simulation/README.md` says how to run it and how to read a failure.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that fails panics, and the lints know only the functions marked #[test] as tests"
)]

mod support;

mod simulation {
    mod campaign;
    mod dice;
    mod gate;
    mod making;
    mod oracle;
    mod plan;
    mod report;
    mod seeds;
    mod smaller;
    mod world;
}
