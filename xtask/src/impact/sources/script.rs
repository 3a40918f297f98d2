//! What the sources of a build script say.

use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::reach::LISTINGS;
use super::texts::{COMMON_NAMES, names_file, names_in, names_variable};
use crate::repo::rust_source::BuildScriptScan;

/// What a build script's sources say that it watches.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Script {
    scan: BuildScriptScan,
    /// All of the script's text, to look for names in.
    text: String,
}

impl Script {
    pub(super) fn new(scan: BuildScriptScan, text: String) -> Self {
        Self { scan, text }
    }

    /// The paths that it names to be watched.
    pub fn named(&self) -> impl Iterator<Item = &Utf8Path> {
        self.scan.rerun_if_changed.iter().map(Utf8PathBuf::as_path)
    }

    /// Whether it says nothing of what it watches, so that cargo watches the package.
    pub fn is_silent(&self) -> bool {
        !self.scan.says_any
    }

    /// Whether it says something under a condition alone, so that cargo may watch the package.
    pub fn may_be_silent(&self) -> bool {
        self.scan.says_any && !self.scan.says_for_certain
    }

    /// Whether it is known to print what it makes as it runs.
    pub fn has_doubts(&self) -> bool {
        !self.scan.doubts.is_empty()
    }

    /// Whether a source of its package may be an input of its own: one below `src`, or one whose
    /// first directory its text holds, as `tests`.
    pub fn may_take(&self, path: &Utf8Path, package: &Utf8Path) -> bool {
        let below = path.strip_prefix(package).ok();
        let first = below.and_then(|below| below.iter().next());
        first.is_none_or(|first| first == "src" || names_in(&self.text, first))
    }

    /// Whether its text holds the path's name or that of a directory on the way to it.
    pub fn names(&self, path: &Utf8Path, within: &Utf8Path, package: &Utf8Path) -> bool {
        let is_shared = |name: &&str| package.iter().any(|own| own == *name);
        let says_something =
            |name: &&str| name.len() > 1 && !COMMON_NAMES.contains(name) && !is_shared(name);
        let mut below = path.strip_prefix(within).into_iter().flatten();
        below.any(|name| says_something(&name) && names_in(&self.text, name))
    }

    /// Whether it may watch git's own files, by itself or through a library that is known to.
    pub fn may_watch_git(&self) -> bool {
        self.holds(&[".git/", "vergen", "shadow_rs", "built::"])
            || self.has_doubts() && self.holds(&[".git", "git-dir", "rev-parse", "git2", "gix"])
    }

    /// Whether it names a file to be watched that is not there. One that looks whether files are
    /// there, or where it is built, may not print what it names.
    pub fn watches_missing_file(&self) -> bool {
        let mut missing = self.named().filter(|named| !named.exists()).peekable();
        let looks = [
            "exists()",
            "is_file()",
            "is_dir()",
            "metadata(",
            "read_to_string(",
            "cfg",
        ];
        let is_plain = missing.peek().is_some() && !self.holds(&looks);
        is_plain || missing.any(|missing| self.scan.always.contains(missing))
    }

    /// Whether it names a variable to be watched.
    pub fn watches_variable(&self, name: &str) -> bool {
        self.scan.rerun_if_env_changed.contains(name)
    }

    /// Whether it may name a variable to be watched whose name it makes as it runs.
    pub(super) fn may_watch_variable(&self, name: &str) -> bool {
        self.has_doubts() && self.names_variable(name)
    }

    /// Whether its text holds the name of a variable.
    pub(super) fn names_variable(&self, name: &str) -> bool {
        names_variable(&self.text, name)
    }

    /// Whether it may set a variable for its package's other targets.
    pub(super) fn sets_variable(&self, name: &str) -> bool {
        self.text.contains("rustc-env") && self.text.contains(name)
    }

    /// Whether it may set a feature for its package's other targets.
    pub(super) fn may_set_features(&self) -> bool {
        self.text.contains("rustc-cfg") && self.text.contains("feature")
    }

    /// Whether what it generates may include a file of the package.
    pub(super) fn may_include(&self, file: &Utf8Path) -> bool {
        self.holds(&LISTINGS) || names_file(&self.text, file)
    }

    /// Whether its text holds one of these words.
    pub(super) fn holds(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.text.contains(word))
    }
}
