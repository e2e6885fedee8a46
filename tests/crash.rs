//! The real binary, killed with SIGKILL in the middle of its work, and started again; its databases and mail servers too: R2,
//! R4 and R6 from outside. `tests/crash/README.md` says how to run it and how to read a failure.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that fails panics, and the lints know only the functions marked #[test] as tests"
)]

mod support;

#[path = "mail"]
mod mail {
    #[allow(dead_code, reason = "only smtp-sink is needed here")]
    pub mod servers;
}

#[path = "daemon"]
mod daemon {
    pub mod asking;
    #[allow(dead_code, reason = "shared with the tests of the daemon, which need more of it")]
    pub mod installation;
    #[allow(dead_code, reason = "shared with the tests of the daemon, which need more of it")]
    pub mod process;
    #[allow(dead_code, reason = "shared with the tests of the daemon, which need more of it")]
    pub mod rows;
}
use daemon::{asking, installation, process, rows};

mod crash {
    mod campaign;
    mod cluster;
    mod crew;
    mod daemon;
    mod database_faults;
    #[path = "../simulation/dice.rs"]
    #[allow(dead_code, reason = "shared with the simulation, which needs more of it")]
    mod dice;
    mod flip;
    mod full_disk;
    mod hang;
    mod house;
    mod kills;
    mod mail_faults;
    mod ordeal;
    mod peer;
    mod people;
    mod plan;
    mod post;
    mod proof;
    mod site;
    mod switch;
}
