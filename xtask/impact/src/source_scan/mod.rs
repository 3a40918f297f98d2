//! Evidence from sources: the files and variables that the sources of a target read, according to
//! their code.
//!
//! A fresh clone has no record of a build, so the sources are scanned instead. A real lexer reads
//! them, but macros are not expanded. The scan handles macros in two ways: it takes everything that
//! a macro's tokens could declare, and it reports the places that it cannot understand as a
//! [`SourceDoubt`]. So the result is usually a little larger than rustc's dep-info. It is smaller
//! only at a doubt, or if a procedural macro or generated code reads a file that no source names.
//!
//! Files are read through a closure, so that the work tree and an old git revision are scanned in
//! the same way. The closure returns a file's text, and `None` for a directory or a missing file.
//! It makes the text of a binary file valid UTF-8 with replacement characters, because a binary
//! file exists too.
//!
//! The rules for module files are in the Rust reference, "Module source filenames" and "The path
//! attribute".

mod build_script;
mod called;
mod calls;
mod certain;
mod condition;
mod functions;
mod macro_text;
mod made_paths;
mod names;
mod run_time_paths;
mod scanner;
mod scope;
mod scoped;
mod script_inputs;
mod shapes;
mod source_text;
mod texts;
mod token_tree;
mod tokens;
mod walk;

use std::collections::BTreeSet;

pub use build_script::{BuildScriptScan, LibraryFiles, ScriptLibrary, scan_build_script};
pub use calls::CallWords;
pub(crate) use calls::lower_words;
use camino::{Utf8Path, Utf8PathBuf};
pub use condition::{Holds, evaluate};
pub(crate) use macro_text::{MacroTexts, text_for_procedural_macros, text_of_macros};
pub use made_paths::{MadePath, PathOrigin, made_paths, written_paths};
pub use run_time_paths::{NamedPath, RelativeTo, RunTimePaths, StringContext};
pub use script_inputs::{ScriptInputs, script_inputs};
use serde::{Deserialize, Serialize};
pub use source_text::SourceText;
pub(crate) use tokens::has;

/// The files and variables that the sources of one target read.
///
/// All paths are joined to the directory of the given root and normalized without reading the disk:
/// `a/../b` becomes `b`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceScan {
    /// The files compiled as modules, including the root. A `cfg` that is not known to be false is
    /// taken to be true.
    pub modules: BTreeSet<Utf8PathBuf>,
    /// The files that `include!`, `include_str!` and `include_bytes!` name, existing or not, and
    /// existing files that are named by a literal among the arguments of a macro or an attribute.
    pub included: BTreeSet<Utf8PathBuf>,
    /// The module files that are declared, but do not exist. Creating one of them changes the
    /// target. `mod x;` without a file adds both `x.rs` and `x/mod.rs`.
    pub missing: BTreeSet<Utf8PathBuf>,
    /// The arguments of unknown macros and attributes that may be the name of a file, a directory
    /// or a module, as written in the source, and numbers, which may be a part of such a name.
    pub passed_to_macros: BTreeSet<String>,
    /// The words in the calls of unknown macros, attributes and derives.
    pub calls: CallWords,
    /// True if the target uses a macro, an attribute or a derive that the language does not have.
    pub calls_macros: bool,
    /// True if the target includes code below `OUT_DIR`. A build script writes that code, so no
    /// scan sees it.
    pub generated: bool,
    /// The variables that `env!` and `option_env!` name.
    pub env: BTreeSet<String>,
    /// The places that the scan does not understand, sorted.
    pub doubts: Vec<SourceDoubt>,
}

/// A place in the sources that the scan does not understand completely.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SourceDoubt {
    /// The source file.
    pub file: Utf8PathBuf,
    /// The kind of the doubt.
    pub kind: DoubtKind,
    /// The source text that is not understood, or a short explanation.
    pub reason: String,
}

impl SourceDoubt {
    fn new(file: &Utf8Path, kind: DoubtKind, reason: impl Into<String>) -> Self {
        let (file, reason) = (file.to_owned(), reason.into());
        Self { file, kind, reason }
    }
}

/// The kind of a [`SourceDoubt`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum DoubtKind {
    /// The file does not lex, so its declarations are unknown.
    Unlexable,
    /// A macro makes the path of an included file. This is a minor doubt: if the path is a literal
    /// argument of one of the macro's calls in this target, the file was found.
    MacroMadePath,
    /// A macro makes a module declaration. This is a minor doubt: if the module's name is an
    /// argument of one of the macro's calls in this target, the module's file was found.
    MacroMadeModule,
    /// A path or the name of a variable depends on the environment of the build.
    UnknownEnv,
    /// A build script makes an instruction to cargo at run time.
    RunTimeInstruction,
}

/// Scans a target: its root file and all its modules.
///
/// `manifest_dir` is the directory of the package's `Cargo.toml`, the value of
/// `CARGO_MANIFEST_DIR`. `read` is called once for each path. Code under a `cfg` that is false
/// according to `holds` is left out, as rustc does.
pub fn scan(
    root: &Utf8Path,
    manifest_dir: &Utf8Path,
    holds: &Holds<'_>,
    read: &mut dyn FnMut(&Utf8Path) -> Option<SourceText>,
) -> SourceScan {
    let mut scanner = scanner::Scanner::new(manifest_dir, holds, read);
    scanner.run(root);
    scanner.found
}

#[cfg(test)]
mod tests;
