//! What the test binaries share: fresh databases of both kinds, and the rows that a vendor writes into them.

#![allow(
    dead_code,
    unused_imports,
    unused_macros,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "each test binary uses its part of it, and a test that fails panics"
)]

pub mod database;
pub mod pgbouncer;
pub mod private_postgres;
pub mod rehearsal;
pub mod statements;
pub mod unprivileged;
pub mod vendor;

use std::path::PathBuf;

pub use database::{Kind, TestDatabase};
pub use pgbouncer::PgBouncer;
pub use rehearsal::Rehearsal;

/// The project's own folder: where it is now, not where the test was compiled.
pub fn project_folder() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").expect("tests are run by cargo").into()
}

/// A temporary folder, in memory where the system has a place for that.
pub fn folder_in_memory() -> tempfile::TempDir {
    let memory = std::path::Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

/// Makes tests of async functions that take a `&TestDatabase`: `name::sqlite` and `name::postgres` for each, with a
/// fresh database of that kind. A function that is left out is dead code, which the compiler reports.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            use $crate::support::{Kind, TestDatabase};

            #[tokio::test]
            async fn sqlite() {
                super::$name(&TestDatabase::new(Kind::Sqlite).await).await;
            }

            #[tokio::test]
            async fn postgres() {
                super::$name(&TestDatabase::new(Kind::Postgres).await).await;
            }
        }
    )+};
}
pub(crate) use on_both;
