//! From an answer to what is done about it, as plain values that a dry run prints and a test
//! compares.
//!
//! Architecture invariant: nothing here changes anything.

pub mod artifacts;
pub mod clean;
pub mod contents;
pub mod orphans;
pub mod run;
pub mod verify;
