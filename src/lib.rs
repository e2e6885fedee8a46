//! The MFA enforcement scheduler.

pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod store;
