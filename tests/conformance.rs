//! What the store and its tables promise, on both databases. Each topic is a file in `tests/conformance/`: async
//! functions that take a `&TestDatabase`, and one `on_both!` that names them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that fails panics, and the lints know only the functions marked #[test] as tests"
)]

mod support;

mod conformance {
    mod audit;
    mod audit_locks;
    mod backlog;
    mod bounces;
    mod claim;
    mod claim_locks;
    mod companies;
    mod connect;
    mod copy;
    mod daemon_state;
    mod enforce;
    mod enforcements;
    mod expand;
    mod forecast;
    mod forecast_undone;
    mod import;
    mod locks;
    mod membership_changes;
    mod notice_history;
    mod outcome;
    mod people;
    mod recheck;
    mod reconcile;
    mod revert_locks;
    mod review;
    mod schema;
    mod side_by_side;
    mod sqlite_values;
    mod status;
    mod steps;
    mod triggers;
    mod users;
}
