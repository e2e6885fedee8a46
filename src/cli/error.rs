//! Why a command did not do what it was asked.

use std::io;
use std::process::ExitCode;

use thiserror::Error;

use crate::config::ConfigError;
use crate::store::StoreError;

/// Why a command did not do what it was asked. Each message names the value, the place and the remedy.
#[derive(Debug, Error)]
pub enum CliError {
    /// The command was not meant so: exit 2.
    #[error("{0}")]
    Usage(String),
    /// It could not be done: exit 1.
    #[error("{0}")]
    Failed(String),
    /// The settings cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The store refused, or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The results could not be written.
    #[error("cannot write the results: {0}")]
    Output(#[from] io::Error),
}

impl CliError {
    /// The code with which the process ends.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(2),
            error if error.is_closed_pipe() => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        }
    }

    /// Whether the reader of the results has gone (`| head`): it has what it wanted, and nothing is to be said.
    #[must_use]
    pub fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}
