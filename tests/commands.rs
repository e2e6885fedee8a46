//! The real program as a person at a terminal sees it: what it writes, how it ends, and that what it refuses changes
//! nothing. On SQLite in a temporary folder; what the commands ask of a database is tested on both in `conformance`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that fails panics, and the lints know only the functions marked #[test] as tests"
)]

mod support;

mod commands {
    mod audit;
    mod clock;
    mod company;
    mod database;
    mod enforcement;
    mod forecast;
    mod help;
    mod import;
    mod notice;
    mod output;
    mod readme;
    mod rehearse;
    mod safety;
    mod sample;
    mod status;
    mod user;
}
