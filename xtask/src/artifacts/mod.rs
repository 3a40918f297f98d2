//! From an answer to what is done about it, as plain values that a dry run prints and a test
//! compares.
//!
//! Architecture invariant: nothing here changes anything.

pub mod apply;
pub mod lock;
pub mod orphans;
pub mod plan;
pub mod profile_dir;
pub mod reader;
pub mod remove;
pub mod text;
pub mod verify;
