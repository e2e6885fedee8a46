//! The MFA enforcement scheduler.

pub mod clock;
pub mod domain;
pub mod store;
