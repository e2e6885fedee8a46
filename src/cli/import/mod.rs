//! x
use super::{CliError, Context};
use clap::Args;
/// x
#[derive(Args, Clone, Debug)]
pub struct ImportArgs {}
/// x
/// # Errors
pub async fn run(_: &Context, _: &ImportArgs) -> Result<std::process::ExitCode, CliError> {
    Ok(std::process::ExitCode::SUCCESS)
}
