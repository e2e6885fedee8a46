//! Everything that decides, as pure functions: no async, no database, no mail, no clock of its own, no logging.

pub mod admin_mail;
pub mod audit;
pub mod bounce;
pub mod breaker;
pub mod delivery;
pub mod expansion;
pub mod forecast;
pub mod ids;
pub mod message;
pub mod methods;
pub mod notice;
pub mod pace;
pub mod paces;
pub mod planning;
pub mod policy;
pub mod retry;
pub mod review;
pub mod safety;
pub mod schedule;
pub mod time;
pub mod values;
