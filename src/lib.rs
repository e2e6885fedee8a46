//! The MFA enforcement scheduler.

pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod demo;
pub mod domain;
pub mod http;
pub mod mail;
pub mod sample;
pub mod store;
pub mod tasks;
pub mod telemetry;
pub mod tls;
