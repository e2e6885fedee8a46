//! The operator's settings.

pub mod duration;
pub mod notices;
pub mod smtp;
