//! The uses of a crate in the sources of a package, separate for code and tests. The sources are
//! searched as text: a doubtful use counts as a use in code.

use std::collections::BTreeSet;

use camino::Utf8Path;
use xtask_impact::{build_dir, files};

/// The uses of a crate in a package.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct CrateUsage {
    /// The items that code outside of tests uses. An item is `*` if its name is not clear.
    pub(super) code: BTreeSet<String>,
    /// True if tests, benches, examples or code under `cfg(test)` use the crate.
    pub(super) in_tests: bool,
}

/// The directories whose targets can use dev-dependencies.
const OF_TESTS: &[&str] = &["tests", "benches", "examples", "test"];

impl CrateUsage {
    /// Returns the uses of a crate in the package in a directory.
    pub(super) fn of(package: &Utf8Path, crate_name: &str) -> Self {
        let mut usage = Self::default();
        usage.walk(package, crate_name, false);
        usage
    }

    fn walk(&mut self, directory: &Utf8Path, crate_name: &str, in_tests: bool) {
        for name in build_dir::entries(directory).unwrap_or_default() {
            let path = directory.join(&name);
            let in_tests = in_tests || OF_TESTS.contains(&name.trim_end_matches(".rs"));
            // Another package, a build directory or a hidden directory lies below this package.
            let is_other = path.join("Cargo.toml").exists() || build_dir::is_tagged(&path);
            if path.is_dir() && !path.is_symlink() && !is_other && !name.starts_with('.') {
                self.walk(&path, crate_name, in_tests);
            } else if path.extension() == Some("rs")
                && let Ok(text) = files::read_text(&path, files::SOURCE)
            {
                self.read(&text, crate_name, in_tests);
            }
        }
    }

    /// Adds the uses in the text of a source.
    fn read(&mut self, text: &str, crate_name: &str, in_tests: bool) {
        /// The code that is skipped because of `cfg(test)`.
        enum Skip {
            No,
            Begins,
            Within(usize),
        }
        let mut skip = Skip::No;
        for line in text.lines() {
            let line = line.split("//").next().unwrap_or_default();
            let is_test = in_tests || !matches!(skip, Skip::No);
            for item in items(line, crate_name) {
                match is_test {
                    true => self.in_tests = true,
                    false => _ = self.code.insert(item),
                }
            }
            let opened = line.matches('{').count();
            let closed = line.matches('}').count();
            skip = match skip {
                Skip::No if line.trim().starts_with("#[cfg(test)]") => Skip::Begins,
                Skip::Begins if opened == 0 && line.contains(';') => Skip::No,
                Skip::Begins if opened == 0 => Skip::Begins,
                Skip::Begins if opened <= closed => Skip::No,
                Skip::Begins => Skip::Within(opened - closed),
                Skip::Within(depth) if depth + opened <= closed => Skip::No,
                Skip::Within(depth) => Skip::Within(depth + opened - closed),
                Skip::No => Skip::No,
            };
        }
    }
}

/// Returns the items of a crate that a line names: `Thing` of `base::Thing`.
fn items(line: &str, crate_name: &str) -> Vec<String> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let uses = line.match_indices(crate_name).filter_map(|(at, _)| {
        let (before, behind) = (&line[..at], &line[at + crate_name.len()..]);
        if before.ends_with(is_word) || behind.starts_with(is_word) {
            return None;
        }
        match behind.strip_prefix("::") {
            Some(rest) => {
                let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                Some(if end == 0 { "*" } else { &rest[..end] }.to_owned())
            }
            // `use base;`, `use base as b;`, `extern crate base;`
            None if before.contains("use ") || before.contains("crate ") => Some("*".to_owned()),
            None => None,
        }
    });
    uses.collect()
}
