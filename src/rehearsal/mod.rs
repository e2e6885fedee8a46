//! Time in lapse: the clock jumps from one instant at which something is due to the next, and at each the same tasks work
//! that `run` has.
//!
//! [`play`] lets the time pass. What happened is read back from the database: [`tables`] reads it, [`timeline`] makes of
//! it what a person reads. `demo` plays a script with made-up people, `rehearse` a copy of a real database: [`place`] is
//! where that is kept, and [`outcome`] what it came to.

pub mod outcome;
pub mod place;
pub mod play;
pub mod tables;
pub mod timeline;
