//! A rehearsal: cargo builds in a mirror of the build directory, with a compiler that compiles
//! nothing, and cargo's log names every unit of the build.

mod debug_value;
pub(crate) mod log;
mod reason;
mod record_key;

pub(crate) use log::JudgedUnit;
pub(crate) use reason::Reason;
pub(crate) use record_key::RecordKey;
