//! Build orchestration for Cargo monorepos: commands over the engine [`xtask_impact`].
//!
//! The binary `xtask` is a thin `main` over this library. A monorepo that has an `xtask` of its own
//! flattens [`Command`] into its own commands and calls [`Command::main`].
//!
//! The architecture of the project, with the map of all folders, follows.

#![doc = include_str!("../ARCHITECTURE.md")]

pub(crate) mod affected;
pub mod artifacts;
pub(crate) mod audit;
pub(crate) mod built_from;
pub(crate) mod cache;
pub mod cargo_runs;
pub(crate) mod checks;
pub(crate) mod ci;
pub(crate) mod ci_service;
pub(crate) mod clean;
pub(crate) mod cli;
pub(crate) mod commands;
pub(crate) mod compiler_cache;
pub(crate) mod completions;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod freshness;
pub(crate) mod graph;
pub(crate) mod hooks;
pub(crate) mod init;
pub(crate) mod page;
pub(crate) mod picture;
pub(crate) mod policy;
pub(crate) mod rebuilds;
pub(crate) mod run;
pub(crate) mod selection;
pub(crate) mod sweep;
pub mod timings;
pub(crate) mod toml_text;

#[cfg(test)]
mod architecture;
#[cfg(test)]
mod language;
#[cfg(test)]
mod nightly;
#[cfg(test)]
mod reference;

#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;

pub use cli::entry::parse;
pub use cli::global::GlobalArgs;
pub use cli::status::Status;
pub use commands::{Command, command, main};
