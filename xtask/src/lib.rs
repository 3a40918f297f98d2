//! Build orchestration for Cargo monorepos: what does this change affect, and what is to be done
//! about it?
//!
//! The binary `xtask` is a thin `main` over this library. A monorepo that has an `xtask` of its
//! own flattens [`cli::Command`] into its own commands and calls [`cli::Command::main`].
//!
//! # The flow
//!
//! One question stands behind every command, and its answer is found one way, with no way back:
//!
//! ```text
//! git, files ──► change set ─┐
//!                            ├─► impact (seeds, reasons) ─► affected units ─► plan ─► report
//! cargo metadata ─► graph ───┘        ▲
//! records of builds, sources, manifests, lock, configuration ──┘ evidence
//! ```
//!
//! Start reading at [`question::Question::answer`], which is that picture as code.
//!
//! # The rooms, from the ground up
//!
//! | module | holds | never |
//! | --- | --- | --- |
//! | [`private_dir`] | temporary directories, and the user's cache directory | starts a process |
//! | [`quote`] | names of a repository, made safe for terminals, logs, Markdown, shells | imports anything of the kit |
//! | [`process`], [`parallel`] | starting cargo and git, in an environment without what `cargo run` leaks; all processors for one list | knows what they are asked |
//! | [`repo`] | what lies on disk: git, Rust sources, cargo's configuration, build directories, YAML | knows of commands or output |
//! | [`workspace`] | cargo's metadata, reduced to what is asked of it | runs git |
//! | [`graph`] | the unit graph; petgraph stays inside | reads a file, starts a process |
//! | [`resolution`] | cargo's own unit graph of two states, compared | writes into the repository |
//! | [`impact`] | changes and evidence to affected units, each with its chain of reasons | starts a process |
//! | [`changes`], [`question`] | from what was asked to the answer | prints |
//! | [`built`] | what cargo built, by its own words | starts cargo |
//! | [`finding`] | what a check finds, and how much it weighs in this workspace | looks for anything |
//! | [`action`] | the answer to a plan, and a plan held against what happened | executes |
//! | [`timings`], [`audit`], [`hooks`], [`ci`], [`doctor`], [`policy`] | one capability each: read, pure core, report | reach into one another |
//! | [`render`] | text, JSON, Markdown, HTML, DOT, Mermaid: the only printer | computes |
//! | [`exec`] | running cargo for an action, reading its messages, removing files | decides |
//! | [`cli`] | one file a command: arguments and a short `run` | decides anything a test would want to see |
//!
//! Imports run downward only, and a test holds that.

pub mod action;
pub mod audit;
pub mod built;
pub mod changes;
pub mod ci;
pub mod cli;
pub mod doctor;
pub mod error;
pub mod exec;
pub mod finding;
pub mod graph;
pub mod hooks;
pub mod impact;
pub mod parallel;
pub mod policy;
pub mod private_dir;
pub mod process;
pub mod question;
pub mod quote;
pub mod render;
pub mod repo;
pub mod resolution;
pub mod timings;
pub mod workspace;

#[cfg(test)]
mod testing;
