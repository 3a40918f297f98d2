//! Build orchestration for Cargo monorepos: commands over the engine [`xtask_impact`].
//!
//! The binary `xtask` is a thin `main` over this library. A monorepo that has an `xtask` of its own
//! flattens [`Command`] into its own commands and calls [`Command::main`].
//!
//! # Folders, from the top down
//!
//! | module | holds |
//! | --- | --- |
//! | [`commands`] | the list of commands, and the mapping of results to an exit status |
//! | [`affected`], [`audit`], [`ci`], [`clean`], [`doctor`], [`graph`], [`hooks`], [`policy`], [`run`], [`timings`] | one command each: arguments, plan, apply, text |
//! | [`selection`] | the packages and targets that a tool is run on; features; partitions; the test-runner shim |
//! | [`artifacts`] | plans to remove artifacts, and their removal under cargo's locks |
//! | [`checks`] | findings, and the engine of checks |
//! | [`cargo_runs`] | starting the user's cargo and reading its messages |
//! | [`ci_service`] | the base commit and the files of CI services |
//! | [`cli`] | groups of arguments, streams, colour, the JSON envelope |
//!
//! Imports run downward only, and commands do not import each other. A test checks both rules.

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

pub use commands::{Command, main};
