//! Resolution before and after: which units would cargo itself configure differently?
//!
//! A manifest, the lock file, `[profile]`, `[patch]` or cargo's configuration can reach units far
//! from the file that changed: features unify across the workspace, one lock entry moves another,
//! the root's edition chooses the resolver. Nobody knows these rules as cargo does, so cargo is
//! asked: `--unit-graph` prints every unit it would build and builds nothing.
//!
//! [`Side`] copies what cargo reads of one side into a scratch directory, [`ask_cargo`] has it
//! printed, and [`differences`] compares the two. *Both* sides are copies, the work tree's too:
//! they are resolved alike, and a stale `Cargo.lock` is brought up to date in the copy alone.
//!
//! The unit graph is what cargo configures, not all that it tracks: declared features, lints, the
//! `CARGO_PKG_*` variables, rustflags, linkers and the toolchain are not in it.

pub mod bound;
pub mod compiled;
mod difference;
pub mod range;
mod raw;
pub mod remembered;
pub mod selection;
mod side;
mod tree;
mod unit_graph;

use std::collections::BTreeSet;
use std::fmt;

use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;

pub use difference::{Difference, UnitDifference, differences, rebuilt};
pub use side::{Place, Side};
pub use tree::{ReadFiles, TreeEntry, TreeEntryKind};
pub use unit_graph::{PackageKey, TargetKey, UnitGraph};

/// What cargo is going to be asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// `cargo check`, and `cargo clippy`. Asked as a build, which has the same features and
    /// profiles, but whose graph tells a library from its harness.
    Check,
    /// `cargo build`.
    Build,
    /// `cargo test`.
    Test,
    /// `cargo bench`.
    Bench,
}

/// A question to cargo about one side.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// What is going to be run.
    pub verb: Verb,
    /// The flags it is going to be run with: packages, targets, features, `--profile`,
    /// `--target`. They matter: features are unified over what is selected, and dev-dependencies
    /// count only where tests are. Nothing that sets the target directory or the lock file's path.
    pub flags: &'a [String],
    /// Whether cargo may download what it lacks. It is asked offline first in any case.
    pub network: bool,
}

/// What came of starting cargo.
#[derive(Debug)]
pub struct Answer {
    /// Whether it ended with status 0.
    pub success: bool,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

/// Starts cargo with these arguments, in this directory, with these variables added to the
/// environment that the user's own cargo would have.
pub type RunCargo<'a> =
    dyn FnMut(&[String], &Utf8Path, &[(&str, &str)]) -> anyhow::Result<Answer> + 'a;

/// Why a side could not be resolved. Whoever asked knows nothing then, and must select more.
#[derive(Debug)]
pub enum ResolutionError {
    /// A path dependency, member or configuration at this path lies outside the repository, so
    /// that there is no telling what it was.
    OutsideRepository(Utf8PathBuf),
    /// Cargo needs a file below this submodule, whose content the repository does not hold.
    Submodule(Utf8PathBuf),
    /// This configuration file lies above the scratch directory but not above the repository:
    /// cargo would heed it here and not there.
    ConfigAboveScratch(Utf8PathBuf),
    /// Cargo failed; this is what it said.
    Cargo(String),
    /// A file could not be read or written, a process not started, an answer not understood.
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
                    "cannot resolve apart from {path}, which lies above the scratch directory"
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

/// What a change makes cargo configure differently.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Resolution {
    /// The units that differ by themselves, and how.
    pub differences: Vec<UnitDifference>,
    /// Every unit that cargo rebuilds for it, users included.
    pub rebuilt: BTreeSet<(PackageKey, TargetKey)>,
}

/// Compares two sides by the units cargo would build of them.
///
/// # Errors
/// Those of [`ask_cargo`], for the side it failed on.
pub fn compare(
    before: &Side,
    after: &Side,
    question: Question<'_>,
    run: &mut RunCargo<'_>,
) -> Result<Resolution, ResolutionError> {
    if before == after {
        return Ok(Resolution::default());
    }
    let before = ask_cargo(before, question, run)?;
    let after = ask_cargo(after, question, run)?;
    Ok(Resolution {
        differences: differences(&before, &after),
        rebuilt: rebuilt(&before, &after),
    })
}

/// Asks cargo for the unit graph of one side.
///
/// # Errors
/// Where cargo fails, offline and (if allowed) online, with the reason as far as it is known.
pub fn ask_cargo(
    side: &Side,
    question: Question<'_>,
    run: &mut RunCargo<'_>,
) -> Result<UnitGraph, ResolutionError> {
    let verb = match question.verb {
        Verb::Check | Verb::Build => "build",
        Verb::Test => "test",
        Verb::Bench => "bench",
    };
    let mut arguments: Vec<String> = [
        verb,
        "--unit-graph",
        "-Zunstable-options",
        "--color=never",
        "--offline",
    ]
    .map(String::from)
    .to_vec();
    arguments.extend_from_slice(question.flags);
    let cache = side.rustc_cache();
    // Cargo keeps what rustc told it in the target directory. With unstable features on, rustc
    // tells more, which the user's own cargo must not find there.
    let environment = [
        ("RUSTC_BOOTSTRAP", "1"),
        ("CARGO_TARGET_DIR", cache.as_str()),
        ("CARGO_BUILD_BUILD_DIR", cache.as_str()),
    ];
    let mut answer = run(&arguments, side.workspace(), &environment)?;
    if !answer.success && question.network {
        arguments.retain(|argument| argument != "--offline");
        answer = run(&arguments, side.workspace(), &environment)?;
    }
    if !answer.success {
        return Err(side.explained(&answer.stderr));
    }
    let graph = UnitGraph::parse(&answer.stdout, side.root())?;
    Ok(match question.verb {
        Verb::Check => graph.checked()?,
        _ => graph,
    })
}

#[cfg(test)]
mod tests;
