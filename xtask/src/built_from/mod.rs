//! The contents that every unit of a build directory was built from, recorded after a build and
//! compared later. Cargo compares times; this module compares contents.
//!
//! A record is tied to exactly one build of a unit by a nonce in `invoked.timestamp`: cargo writes
//! that file again when the unit is built again, and never reads it.
//!
//! Architecture invariant: only [`save`] and [`restamp`] change files.

pub(crate) mod clock;
pub(crate) mod config;
pub(crate) mod content;
pub(crate) mod declared;
pub(crate) mod inputs;
pub(crate) mod judge;
pub(crate) mod locks;
pub(crate) mod macros;
pub(crate) mod record;
pub(crate) mod replaced;
pub(crate) mod restamp;
pub(crate) mod save;
#[cfg(test)]
mod scenarios;
pub(crate) mod script;
pub(crate) mod subject;
pub(crate) mod units;
