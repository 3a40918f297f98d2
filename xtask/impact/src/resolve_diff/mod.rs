//! Compares cargo's resolution before and after a change: finds the units that cargo itself
//! configures differently.
//!
//! A manifest, the lock file, `[profile]`, `[patch]` or cargo's configuration can affect units far
//! from the changed file: features unify across the workspace, one lock entry moves another, the
//! root's edition chooses the resolver. Only cargo knows all these rules, so cargo is asked:
//! `--unit-graph` prints every unit that cargo would build, and builds nothing.
//!
//! `Side` copies the files that cargo reads of one side into a scratch directory, [`ResolveQuery`]
//! makes cargo print the unit graph, and `difference` compares the two unit graphs. *Both* sides
//! are copies, even the side of the work tree: so both are resolved in the same way, and a stale
//! `Cargo.lock` is updated only in the copy.
//!
//! The unit graph holds what cargo configures, but not everything that cargo tracks: declared
//! features, lints, the `CARGO_PKG_*` variables, rustflags, linkers and the toolchain are not in
//! it.

pub mod bound;
pub mod cached_answer;
mod cargo_unit_graph;
pub mod compiled;
mod difference;
pub mod planned;
pub mod selection;
mod side;
mod tree;
pub mod unit_graph_json;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};
use cargo_unit_graph::CargoUnitGraph;
pub use cargo_unit_graph::{PackageKey, RecordedConfiguration, TargetKey};
pub use difference::{Difference, UnitDifference};
use difference::{checked, differences, rebuilt};
use serde::{Deserialize, Serialize};
use side::{Scratch, Side, SidePaths};

use crate::cargo_config::toolchain_file;
use crate::cargo_config::wrapper::asking_cargo;
use crate::paths::{hashed, resolved};
use crate::process::{self, Runner};
use crate::unit_graph::Verb;
use crate::vcs::{Range, Repository, TreeState};
use crate::{cargo_config, files, lock_file, state};

/// A question to cargo about both sides of a change.
#[derive(Clone, Copy)]
pub struct ResolveQuery<'a> {
    /// The runner that starts cargo.
    pub runner: &'a Runner,
    /// The verb that will be run.
    pub verb: Verb,
    /// The flags that choose what is built: `--profile`, `--target`. No flag may set the target
    /// directory or the path of the lock file.
    pub flags: &'a [String],
    /// True if cargo may download missing packages. Cargo is always asked offline first.
    pub network: bool,
    /// A hash of the toolchain, cargo's configuration and the variables of the environment, for
    /// which an answer can be cached; `None` to ask cargo each time. See
    /// [`Workspace::inputs_hash`](crate::workspace::Workspace::inputs_hash).
    pub inputs_hash: Option<u64>,
}

/// The reason why a side could not be resolved. The caller then knows nothing about the resolution
/// and must select more.
#[derive(Debug)]
pub enum ResolutionError {
    /// A path dependency, member or configuration at this path is outside the repository, so its
    /// former content is unknown.
    OutsideRepository(Utf8PathBuf),
    /// Cargo needs a file below this submodule. The repository does not hold the content of
    /// submodules.
    Submodule(Utf8PathBuf),
    /// This configuration file is above the scratch directory, but not above the repository. Cargo
    /// would apply it in the scratch directory only.
    ConfigAboveScratch(Utf8PathBuf),
    /// Cargo failed with this message.
    Cargo(String),
    /// A file could not be read or written, a process could not be started, or cargo's output was
    /// not understood.
    Other(anyhow::Error),
}

impl fmt::Display for ResolutionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutsideRepository(path) => {
                write!(f, "cannot resolve: {path} lies outside the repository")
            }
            Self::Submodule(path) => {
                write!(
                    f,
                    "cannot resolve: the submodule {path} is not part of the revision"
                )
            }
            Self::ConfigAboveScratch(path) => {
                write!(
                    f,
                    "cannot resolve without {path}, which lies above the scratch directory"
                )
            }
            Self::Cargo(message) => write!(f, "cargo cannot resolve: {message}"),
            Self::Other(error) => write!(f, "cannot resolve: {error:#}"),
        }
    }
}

impl std::error::Error for ResolutionError {}

impl From<anyhow::Error> for ResolutionError {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}

impl From<std::io::Error> for ResolutionError {
    fn from(error: std::io::Error) -> Self {
        Self::Other(error.into())
    }
}

/// The units that cargo configures differently because of a change.
#[derive(Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ResolveDifferences {
    /// The units whose own configuration differs, each with its differences.
    pub differences: Vec<UnitDifference>,
    /// Every unit that cargo rebuilds because of the differences, including dependents.
    pub rebuilt: BTreeSet<(PackageKey, TargetKey)>,
    /// The units of `rebuilt` that only `cargo check` needed before the change, each with its
    /// configurations. Cargo builds such a unit only if `cargo check` was not run.
    pub checked: BTreeMap<(PackageKey, TargetKey), Vec<RecordedConfiguration>>,
}

impl ResolveQuery<'_> {
    /// Compares the units that cargo would build for all packages of a workspace, before and after
    /// a change. Without a range, the work tree is compared with `HEAD`.
    ///
    /// # Errors
    /// Returns the reason if a side could not be resolved.
    pub fn compare(
        self,
        repository: &Repository,
        range: Option<&Range>,
        (workspace_root, lock_file): (&Utf8Path, &Utf8Path),
    ) -> Result<ResolveDifferences, ResolutionError> {
        let (before, after) = repository.sides(range);
        let top_level = repository.top_level();
        let workspace_root = resolved(workspace_root);
        let workspace = workspace_root
            .strip_prefix(top_level)
            .map_err(|_| ResolutionError::OutsideRepository(workspace_root.clone()))?;
        let scratch = Scratch::of(top_level)?;
        let default = workspace.join("Cargo.lock");
        let inside = lock_file.strip_prefix(top_level).ok();
        let place = SidePaths {
            repository: top_level,
            workspace,
            lock_file: inside.unwrap_or(&default),
            cargo_home: cargo_config::cargo_home(),
            scratch: scratch.path.clone(),
        };
        let mut given = given(repository, workspace)?;
        let is_tracked = inside.is_some() && !repository.is_ignored(lock_file)?;
        if let (false, Ok(text)) = (is_tracked, files::read(lock_file, files::RECORD)) {
            given.push((place.lock_file.to_owned(), text));
        }
        let side = |state: &TreeState| {
            let entries = repository.entries(state)?;
            let mut read = |paths: &[Utf8PathBuf]| repository.read(state, paths);
            Side::materialise(&place, entries, &given, &mut read)
        };
        let (before, after) = (side(&before)?, side(&after)?);
        let mut flags = vec!["--workspace".to_owned()];
        match self.verb {
            Verb::Check | Verb::Build => flags.push("--all-targets".to_owned()),
            Verb::Doc => flags.push("--no-deps".to_owned()),
            Verb::Test => {}
        }
        flags.extend_from_slice(self.flags);
        let whole = ResolveQuery {
            flags: &flags,
            ..self
        };
        whole.compare_sides(&before, &after)
    }

    fn compare_sides(
        self,
        before: &Side,
        after: &Side,
    ) -> Result<ResolveDifferences, ResolutionError> {
        if before == after {
            return Ok(ResolveDifferences::default());
        }
        let cache = self.cache(before, after);
        if let Some(known) = cache.as_deref().and_then(state::read) {
            log::info!("cargo's unit graph: the differences of both sides are in the cache");
            return Ok(known);
        }
        let locks = [before, after].map(Side::lock);
        let (mut old, mut new) = (self.ask_about(before)?, self.ask_about(after)?);
        if self.verb == Verb::Check {
            let macros_apart = old.platforms() != new.platforms();
            old = old.checked(macros_apart)?;
            new = new.checked(macros_apart)?;
        }
        let mut found = ResolveDifferences {
            differences: differences(&old, &new),
            rebuilt: rebuilt(&old, &new),
            checked: BTreeMap::new(),
        };
        // The dependencies of documentation are checked.
        let mut all = found.differences.iter();
        if self.verb == Verb::Doc
            && all.any(|it| it.what == Difference::Appeared && !it.target.is_documentation())
        {
            let flags = self
                .flags
                .iter()
                .filter(|flag| *flag != "--no-deps")
                .cloned();
            let flags: Vec<String> = flags.chain(["--all-targets".to_owned()]).collect();
            let of_check = ResolveQuery {
                flags: &flags,
                ..self
            }
            .ask(before, "check")?;
            found.checked = checked(&old, &of_check, &new);
        }
        // If cargo completes a lock file, the answer depends on the registry, too.
        let are_whole = !locks.contains(&None) && locks == [before, after].map(Side::lock);
        if let Some(cache) = cache.filter(|_| are_whole) {
            state::write(&cache, &found);
        }
        Ok(found)
    }

    /// Returns the cache file for the differences between two sides. The file lies in the directory
    /// of the newer side, and is removed together with it.
    fn cache(self, before: &Side, after: &Side) -> Option<Utf8PathBuf> {
        let verb = format!("{:?}", self.verb);
        let question = hashed((self.inputs_hash?, &before.root, verb, self.flags));
        Some(after.directory.join(format!("differences-{question:016x}")))
    }

    /// Asks cargo for the unit graph of one side. For a check, returns the graph of a build: a check
    /// has the same features and profiles, and the graph of a build distinguishes a library from its
    /// harness.
    fn ask_about(self, side: &Side) -> Result<CargoUnitGraph, ResolutionError> {
        let subcommand = match self.verb {
            Verb::Check | Verb::Build => "build",
            Verb::Test => "test",
            Verb::Doc => "doc",
        };
        self.ask(side, subcommand)
    }

    /// Asks cargo for the unit graph of a command on one side.
    fn ask(self, side: &Side, subcommand: &str) -> Result<CargoUnitGraph, ResolutionError> {
        let runner = self.runner.in_directory(&side.workspace);
        let ask = |more: &[&str]| {
            let mut command = asking_cargo(&runner);
            command.arg(subcommand);
            unit_graph_json::print_instead(&mut command, &side.rustc_cache());
            command.arg("--color=never").args(more).args(self.flags);
            lock_file::replace(&mut command, &side.lock_file);
            process::output(&mut command)
        };
        let mut output = ask(&["--offline"])?;
        if !output.status.success() && self.network {
            output = ask(&[])?;
        }
        // A member that requires a newer compiler must not make the answer for the other members
        // unknown.
        if !output.status.success() && is_compiler_too_old(&output.stderr) {
            output = ask(&["--offline", "--ignore-rust-version"])?;
        }
        if !output.status.success() {
            return Err(side.explained(&String::from_utf8_lossy(&output.stderr)));
        }
        Ok(CargoUnitGraph::parse(&output.stdout, &side.root)?)
    }
}

/// Returns true if cargo failed because a package's `rust-version` is newer than the compiler.
fn is_compiler_too_old(said: &[u8]) -> bool {
    String::from_utf8_lossy(said).contains("requires rustc ")
}

/// Returns the files that are the same on both sides, for every revision: the toolchain files,
/// because both sides are resolved by the present cargo.
fn given(repository: &Repository, workspace: &Utf8Path) -> Result<Vec<(Utf8PathBuf, Vec<u8>)>> {
    let above = workspace.ancestors();
    let paths: Vec<Utf8PathBuf> = above
        .flat_map(|above| toolchain_file::NAMES.map(|name| above.join(name)))
        .collect();
    let contents = repository.read(&TreeState::WorkTree, &paths)?;
    let files = paths.into_iter().zip(contents);
    Ok(files
        .filter_map(|(path, content)| Some((path, content?)))
        .collect())
}

#[cfg(test)]
mod tests;
