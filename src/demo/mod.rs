//! A whole rollout in time lapse: a sample company, a script of what its people do, and the same tasks that `run` uses.
//!
//! [`folder`] is where it happens, [`script`] says what people do and when, [`play`] moves the clock and lets the tasks
//! work. What is shown afterwards is read back from the database: [`tables`] reads it, [`timeline`] and [`summary`]
//! make of it what a person reads; [`letter`] is one of the mails.

pub mod folder;
pub mod letter;
pub mod play;
pub mod script;
pub mod summary;
pub mod tables;
pub mod timeline;
