//! The real binary on the real clock: the daemon, and the commands with which an operator looks before.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that panics has failed, as it should, and shows what the process wrote"
)]

mod support;

#[path = "daemon/asking.rs"]
mod asking;
#[path = "daemon/bounces.rs"]
mod bounces;
#[path = "daemon/check.rs"]
mod check;
#[path = "daemon/database_tls.rs"]
mod database_tls;
#[path = "daemon/ending.rs"]
mod ending;
#[path = "daemon/guards.rs"]
mod guards;
#[path = "daemon/http.rs"]
mod http;
#[path = "daemon/installation.rs"]
#[allow(dead_code, reason = "shared with the crash tests, which need more of it")]
mod installation;
#[path = "daemon/logs.rs"]
mod logs;
#[path = "daemon/pooler.rs"]
mod pooler;
#[path = "daemon/preview.rs"]
mod preview;
#[path = "daemon/process.rs"]
mod process;
#[path = "daemon/rehearse.rs"]
mod rehearse;
#[path = "daemon/roles.rs"]
mod roles;
#[path = "daemon/rows.rs"]
mod rows;
#[path = "daemon/schemas.rs"]
mod schemas;
#[path = "daemon/sending.rs"]
mod sending;
#[path = "mail/servers.rs"]
#[allow(dead_code, reason = "shared with the tests of mail and crashes, which need more of it")]
mod servers;
#[path = "daemon/skew.rs"]
mod skew;
#[path = "daemon/starting.rs"]
mod starting;
#[path = "daemon/story.rs"]
mod story;
#[path = "daemon/work.rs"]
mod work;
