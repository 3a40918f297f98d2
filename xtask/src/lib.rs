//! Build orchestration for Cargo monorepos: commands over the engine [`xtask_impact`].
//!
//! The binary `xtask` is a thin `main` over this library. A monorepo that has an `xtask` of its own
//! flattens [`Command`] into its own commands and calls [`Command::main`].
//!
//! The architecture of the project, with the map of all folders, follows.

#![doc = include_str!("../../ARCHITECTURE.md")]

pub mod affected;
pub mod artifacts;
pub mod audit;
pub mod cargo_runs;
pub mod checks;
pub mod ci;
pub mod ci_service;
pub mod clean;
pub mod cli;
pub mod commands;
pub mod doctor;
pub mod graph;
pub mod hooks;
pub mod policy;
pub mod run;
pub mod selection;
pub mod timings;

#[cfg(test)]
mod architecture;
#[cfg(test)]
mod language;

pub use cli::global::GlobalArgs;
pub use commands::{Command, main};
