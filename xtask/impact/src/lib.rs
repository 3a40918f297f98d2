//! The engine of xtask-kit: what does a change make cargo build or run again, and why?
//!
//! # The flow
//!
//! ```text
//! change set ──┐
//! workspace ───┼─► evidence ─► seeds (with reasons) ─► affected units
//! unit graph ──┘
//! ```
//!
//! [`query::Query::answer`] is that picture as code.
//!
//! # Modules, from the lowest floor to the highest
//!
//! | module | holds | never |
//! | --- | --- | --- |
//! | [`quote`] | names from a repository, made safe for terminals, logs, Markdown and shells | imports another module |
//! | [`private_dir`] | temporary directories, and the user's cache directory | starts a process |
//! | [`process`], [`parallel`], [`error`] | starting cargo and git; all processors for one list; errors | knows what the programs are asked |
//! | [`paths`], [`files`], [`state`] | canonical paths; the only reader of files whose names were found; kept state | starts a process |
//! | [`vcs`], [`cargo_config`], [`lock_file`], [`build_dir`] | git; cargo's configuration, `Cargo.lock` and build directory | knows of commands or output |
//! | [`source_scan`] | Rust sources as text: modules, included files, paths | reads cargo's metadata |
//! | [`workspace`] | cargo's metadata | runs git |
//! | [`unit_graph`] | the unit graph; petgraph stays inside | reads a file, starts a process |
//! | [`resolve_diff`] | cargo's own unit graph of two states, compared | writes into the repository |
//! | [`semantic_diff`] | the meaning of a change to a manifest, `Cargo.lock` or a configuration file | starts a process |
//! | [`records`] | records of builds: which fit, and what they name | starts a process |
//! | [`seeds`] | the units that a change touches directly, each with its reason | starts a process |
//! | [`propagate`] | affected units, each with its chain of reasons | reads a file, starts a process |
//! | [`change_set`] | the changed paths | prints |
//! | [`query`] | from a question to its answer | prints |
//!
//! Imports run downward only, and a test holds that.

pub mod build_dir;
pub mod cargo_config;
pub mod change_set;
pub mod error;
pub mod files;
pub mod lock_file;
pub mod parallel;
pub mod paths;
pub mod private_dir;
pub mod process;
pub mod propagate;
pub mod query;
pub mod quote;
pub mod records;
pub mod resolve_diff;
pub mod seeds;
pub mod semantic_diff;
pub mod source_scan;
pub mod state;
pub mod unit_graph;
pub mod vcs;
pub mod workspace;

#[cfg(any(test, feature = "testing"))]
#[doc(hidden)]
pub mod testing;
