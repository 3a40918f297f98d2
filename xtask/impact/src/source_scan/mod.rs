//! Evidence from sources: what the sources of a target say that they read.
//!
//! A fresh clone has no record of a build, so the sources themselves are asked. A real lexer reads
//! them; macros are not expanded. What macros hide is met in two ways: whatever a macro's tokens
//! could declare is taken, and what cannot be known is said as a [`SourceDoubt`]. So the answer is
//! usually a little larger than rustc's dep-info, and smaller only where a doubt stands, or where
//! a procedural macro or generated code reads a file that no source names.
//!
//! Files come through a closure, so that the work tree and an old git revision are scanned alike.
//! It gives a file's text (made valid UTF-8 with replacements, for a binary file exists too), and
//! nothing for a directory or where there is no file.
//!
//! The rules for module files are those of the Rust reference, "Module source filenames" and "The
//! path attribute".

mod build_script;
mod certain;
mod condition;
mod functions;
mod made_paths;
mod names;
mod run_time_paths;
mod scanner;
mod scope;
mod scoped;
mod script_inputs;
mod shapes;
mod texts;
mod tokens;
mod walk;

use std::collections::BTreeSet;

use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

pub use build_script::{BuildScriptScan, scan_build_script};
pub use condition::{Holds, evaluate};
pub use made_paths::{MadePath, PathOrigin, made_paths, written_paths};
pub use run_time_paths::{NamedPath, RelativeTo, RunTimePaths, StringContext};
pub use script_inputs::{ScriptInputs, script_inputs};

/// What the sources of one target say they are made of.
///
/// All paths are joined to the directory of the root that was given, and normalized without a look
/// at the disk: `a/../b` is `b`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct SourceScan {
    /// The files compiled as modules, the root among them. A `cfg` is taken to hold
    /// where it is not known that it does not.
    pub modules: BTreeSet<Utf8PathBuf>,
    /// The files that `include!`, `include_str!` and `include_bytes!` name, whether or not they
    /// exist, and existing files that a literal among a macro's or an attribute's arguments names.
    pub included: BTreeSet<Utf8PathBuf>,
    /// The module files that are declared and do not exist: creating one changes the target.
    /// `mod x;` without a file gives both `x.rs` and `x/mod.rs`.
    pub missing: BTreeSet<Utf8PathBuf>,
    /// What macros of others and attributes are handed that may be the name of a file, a directory
    /// or a module, as it is written.
    pub handed: BTreeSet<String>,
    /// Whether it includes code below `OUT_DIR`, which a build script makes and no scan sees.
    pub generated: bool,
    /// The variables that `env!` and `option_env!` name.
    pub env: BTreeSet<String>,
    /// Where the scan cannot know, sorted.
    pub doubts: Vec<SourceDoubt>,
}

/// A place where the sources do not say all.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SourceDoubt {
    /// The file that holds the place.
    pub file: Utf8PathBuf,
    /// What is unknown.
    pub kind: DoubtKind,
    /// The source text in doubt, or a few words on it.
    pub reason: String,
}

impl SourceDoubt {
    fn new(file: &Utf8Path, kind: DoubtKind, reason: impl Into<String>) -> Self {
        let (file, reason) = (file.to_owned(), reason.into());
        Self { file, kind, reason }
    }
}

/// What is unknown at a [`SourceDoubt`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum DoubtKind {
    /// The file does not lex, so that nothing of what it declares is known.
    Unlexable,
    /// A macro makes the path of an included file. A light doubt: where the path is among the
    /// literal arguments of the macro's calls in this target, the file has been found.
    MacroMadePath,
    /// A macro makes a module declaration. A light doubt: where the module's name is among the
    /// arguments of the macro's calls in this target, its file has been found.
    MacroMadeModule,
    /// A path, or the name of a variable, depends on the environment of the build.
    UnknownEnv,
    /// A build script makes an instruction for cargo as it runs.
    RunTimeInstruction,
}

/// Scans a target from its root file on, through all its modules.
///
/// `manifest_dir` is the directory of the package's `Cargo.toml`: what `CARGO_MANIFEST_DIR` says.
/// `read` is asked once for each path. What stands under a `cfg` that does not hold is left out, as
/// rustc does.
pub fn scan(
    root: &Utf8Path,
    manifest_dir: &Utf8Path,
    holds: &Holds<'_>,
    read: &mut dyn FnMut(&Utf8Path) -> Option<String>,
) -> SourceScan {
    let mut scanner = scanner::Scanner::new(manifest_dir, holds, read);
    scanner.run(root);
    scanner.found
}

#[cfg(test)]
mod tests;
