//! How the databases fare with the store: whether each statement goes by an index where there are a million rows, and how many
//! dead rows a week leaves behind in PostgreSQL. They take minutes: `tests/run plans` and `tests/run bloat`.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that panics has failed, as it should; what it has looked at is of interest"
)]

mod support;

mod scale {
    mod bloat;
    mod exceptions;
    mod plans;
    mod scans_postgres;
    mod scans_sqlite;
    mod seed;
}
