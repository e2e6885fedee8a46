//! How PostgreSQL carries out every statement of the store where the large tables have a million rows: by an index. Run by
//! `tests/run plans`, which first has the other tests write the statements down.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that panics has failed, as it should; what it has looked at is of interest"
)]

mod support;

mod plans {
    mod scans;
    mod seed;
    mod statements;
}
