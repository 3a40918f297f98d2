//! The engine of xtask-kit: what does a change make cargo build or run again, and why?
//!
//! # Tutorial
//!
//! Load a workspace. [`Runner`] starts cargo and git in one directory, and cargo finds the
//! workspace from there:
//!
//! ```
//! use xtask_impact::{LoadOptions, Runner, Workspace};
//!
//! let runner = Runner::new()?;
//! let workspace = Workspace::load(&runner, &LoadOptions::default())?;
//! let (_, package) = workspace.members().next().unwrap();
//! println!("{} in {}", package.name, package.directory());
//! # anyhow::Ok(())
//! ```
//!
//! Build the unit graph of a verb. A unit is a target of a package in a mode; an edge runs from a
//! unit to the units that it is built from:
//!
//! ```
//! # use xtask_impact::{LoadOptions, Runner, Workspace};
//! use xtask_impact::{UnitGraph, Verb, unit_name};
//! # let workspace = Workspace::load(&Runner::new()?, &LoadOptions::default())?;
//!
//! let graph = UnitGraph::new(&workspace, Verb::Test);
//! let (unit, _) = graph.units().next().unwrap();
//! for (dependency, _) in graph.dependencies(unit) {
//!     println!("built from {}", unit_name(&workspace, graph.unit(dependency)));
//! }
//! # anyhow::Ok(())
//! ```
//!
//! Ask what a change affects. The request names the change; [`Query::answer`] compares the two
//! states, finds the units that the change touches, and follows them to their dependents:
//!
//! ```
//! # use xtask_impact::{LoadOptions, Runner, Workspace};
//! use xtask_impact::{ChangeRequest, Query, Verb};
//! # let runner = Runner::new()?;
//! # let workspace = Workspace::load(&runner, &LoadOptions::default())?;
//!
//! let request = ChangeRequest::assuming(["xtask-impact:lib"]);
//! let answer = Query::new(runner, workspace, request, Verb::Check).answer()?;
//! let names: Vec<_> = answer.affected.units().map(|(unit, _)| answer.unit_name(unit)).collect();
//! assert!(names.contains(&"xtask-kit bin xtask".to_owned()));
//! # anyhow::Ok(())
//! ```
//!
//! Ask why. An [`Explanation`] holds the way from a unit to the seed: the unit that the change
//! touches directly, with the rule and the reason:
//!
//! ```
//! # use xtask_impact::{ChangeRequest, LoadOptions, Query, Runner, Verb, Workspace};
//! # let runner = Runner::new()?;
//! # let workspace = Workspace::load(&runner, &LoadOptions::default())?;
//! # let request = ChangeRequest::assuming(["xtask-impact:lib"]);
//! # let answer = Query::new(runner, workspace, request, Verb::Check).answer()?;
//! let kit = answer.find("xtask-kit:xtask")?[0];
//! let explanation = answer.explain(kit).unwrap();
//! assert_eq!(explanation.seed.because, "xtask-impact:lib is assumed changed");
//! let way: Vec<_> = explanation.units.iter().map(|&unit| answer.unit_name(unit)).collect();
//! assert_eq!(way.last().unwrap(), "xtask-impact lib");
//! # anyhow::Ok(())
//! ```
//!
//! Other requests compare with a revision, or take named files as changed:
//!
//! ```
//! use xtask_impact::ChangeRequest;
//!
//! let since = ChangeRequest::since("HEAD~1");
//! let named = ChangeRequest::files("/home/me/repo", ["crates/app/src/lib.rs"]);
//! let everything = ChangeRequest::everything();
//! # let _ = (since, named, everything);
//! ```
//!
//! A fresh clone has no records of builds. To get the answer of a fresh clone where records exist,
//! use the sources as the only evidence:
//!
//! ```
//! # use xtask_impact::{ChangeRequest, LoadOptions, Runner, Verb, Workspace};
//! use xtask_impact::{Evidence, Query};
//! # let runner = Runner::new()?;
//! # let workspace = Workspace::load(&runner, &LoadOptions::default())?;
//!
//! let mut query = Query::new(runner, workspace, ChangeRequest::everything(), Verb::Build);
//! query.evidence = Evidence::Sources;
//! let answer = query.in_profile("release").answer()?;
//! assert!(!answer.affected.is_empty());
//! # anyhow::Ok(())
//! ```
//!
//! Verbs parse from the names of cargo's commands:
//!
//! ```
//! use xtask_impact::Verb;
//!
//! assert_eq!("doc".parse::<Verb>()?, Verb::Doc);
//! assert!("install".parse::<Verb>().is_err());
//! # anyhow::Ok(())
//! ```
//!
//! [`is_usage`] distinguishes errors that the user can correct from failures of git, cargo or the
//! disk:
//!
//! ```
//! use xtask_impact::{Runner, LoadOptions, Workspace, is_usage};
//!
//! let runner = Runner::new()?;
//! let workspace = Workspace::load(&runner, &LoadOptions::default())?;
//! let error = workspace.find("no-such-package").unwrap_err();
//! assert!(is_usage(&error));
//! # anyhow::Ok(())
//! ```
//!
//! `examples/affected.rs` is a whole program.
//!
//! # Two tiers
//!
//! The items re-exported at this root are the API for other programs. The modules are what the kit's
//! commands need in addition; they come without a promise of stability. They are hidden in the
//! documentation, so `cargo semver-checks` compares the first tier alone.
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
//! | [`quote`], [`error`] | names from a repository, made safe for terminals, logs, Markdown and shells; errors and their kinds | imports another module |
//! | [`private_dir`] | temporary directories, and the user's cache directory | starts a process |
//! | [`process`], [`parallel`] | starting cargo and git; all processors for one list | knows the purpose of the programs |
//! | [`paths`], [`files`], [`state`] | canonical paths; the only reader of files whose names were found; the caches | starts a process |
//! | [`vcs`], [`cargo_config`], [`lock_file`], [`build_dir`] | git; cargo's configuration, `Cargo.lock` and build directory | knows of commands or output |
//! | [`source_scan`] | Rust sources as text: modules, included files, paths | reads cargo's metadata |
//! | [`workspace`] | cargo's metadata | runs git |
//! | [`unit_graph`] | the unit graph; petgraph stays inside | reads a file, starts a process |
//! | [`resolve_diff`] | cargo's own unit graph of two states, compared | writes into the repository |
//! | [`semantic_diff`] | the meaning of a change to a manifest, `Cargo.lock` or a configuration file | starts a process |
//! | [`records`] | records of builds: the records that fit the query, and the files that they name | starts a process |
//! | [`seeds`] | the units that a change touches directly, each with its reason | starts a process |
//! | [`propagate`] | affected units, each with its chain of reasons | reads a file, starts a process |
//! | [`change_set`] | the changed paths | prints |
//! | [`query`] | from a question to its answer | prints |
//!
//! Imports run downward only; a test checks this.

#[doc(hidden)]
pub mod build_dir;
#[doc(hidden)]
pub mod cargo_config;
#[doc(hidden)]
pub mod change_set;
#[doc(hidden)]
pub mod error;
#[doc(hidden)]
pub mod files;
#[doc(hidden)]
pub mod lock_file;
#[doc(hidden)]
pub mod observed;
#[doc(hidden)]
pub mod parallel;
#[doc(hidden)]
pub mod paths;
#[doc(hidden)]
pub mod private_dir;
#[doc(hidden)]
pub mod process;
#[doc(hidden)]
pub mod propagate;
#[doc(hidden)]
pub mod query;
#[doc(hidden)]
pub mod quote;
#[doc(hidden)]
pub mod records;
#[doc(hidden)]
pub mod resolve_diff;
#[doc(hidden)]
pub mod seeds;
#[doc(hidden)]
pub mod semantic_diff;
#[doc(hidden)]
pub mod source_scan;
#[doc(hidden)]
pub mod state;
#[doc(hidden)]
pub mod unit_graph;
#[doc(hidden)]
pub mod vcs;
#[doc(hidden)]
pub mod workspace;

pub use change_set::{ChangeRequest, ComparedStates, NamedFiles};
pub use error::{ErrorKind, Usage, is_usage, kind};
pub use process::Runner;
pub use propagate::Affected;
pub use query::{Answer, Evidence, Explanation, Query};
pub use seeds::{Effect, Rule, Seed};
pub use unit_graph::{Link, Mode, Unit, UnitGraph, UnitId, UnitIx, Verb, unit_name};
pub use vcs::{Change, ChangeStatus};
pub use workspace::{LoadOptions, Package, PackageIx, Platforms, Target, TargetKind, Workspace};

#[cfg(any(test, feature = "testing"))]
#[doc(hidden)]
pub mod testing;

#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
