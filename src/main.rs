//! The program: hands its arguments and its environment to the library.

use std::process::ExitCode;

use mfa_enforcer::{cli, config, tls};

#[tokio::main]
async fn main() -> ExitCode {
    tls::use_ring();
    cli::run(std::env::args_os(), config::environment()).await
}
