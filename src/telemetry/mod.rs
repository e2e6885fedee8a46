//! What operators see: logs ([`logs`]), metrics ([`metrics`]), and addresses only masked ([`Masked`],
//! [`MaskedText`]).

pub mod logs;
mod masked;
pub mod metrics;

pub use self::masked::{Masked, MaskedText};
