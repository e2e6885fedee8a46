//! Everything that decides, as pure functions: no async, no database, no mail, no clock of its own, no logging.

pub mod audit;
pub mod ids;
pub mod message;
pub mod methods;
pub mod notice;
pub mod policy;
pub mod schedule;
pub mod time;
pub mod values;
