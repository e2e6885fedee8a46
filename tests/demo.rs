//! The demonstration as whoever comes first sees it: the real program in an empty folder.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that fails panics, and the lints know only the functions marked #[test] as tests"
)]

mod demo {
    mod counts;
    mod folder;
    mod mails;
    mod repeatable;
    mod stage;
}
