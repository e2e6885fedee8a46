//! A whole rollout in time lapse: a sample company, a script of what its people do, and the same tasks that `run` uses.
//!
//! [`folder`] is where it happens, [`script`] says what people do and when, [`acts`] carries it out while
//! [`rehearsal`](crate::rehearsal) lets the time pass. What is shown afterwards is read back from the database:
//! [`summary`] counts it, [`letter`] is one of the mails.

pub mod acts;
pub mod folder;
pub mod letter;
pub mod script;
pub mod summary;
