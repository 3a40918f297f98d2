//! Finds the files of a package that cargo lists. Cargo publishes the listed files, and watches
//! them for a build script that declares no input.
//!
//! The fields `include` and `exclude` of a manifest follow the rules of a `.gitignore`. Cargo
//! ignores `exclude` if `include` has an entry. Source: the Cargo book, "The `exclude` and
//! `include` fields".

use camino::Utf8Path;
use glob::{MatchOptions, Pattern};
use toml::{Table, Value};

/// The listed files of a package, as its manifest selects them.
pub(super) struct TargetListing {
    patterns: Vec<ListingRule>,
    /// True if the patterns come from `include`, false if they come from `exclude`.
    includes: bool,
}

struct ListingRule {
    pattern: Pattern,
    /// True if the pattern matches the whole path, false if the pattern matches a file or directory
    /// name.
    is_anchored: bool,
    directories_only: bool,
    /// True if the rule begins with `!`. A matching path is then not selected.
    is_negated: bool,
}

impl TargetListing {
    /// Parses the fields of a manifest. Returns `None` if cargo lists every file, if the syntax of
    /// a pattern is not supported, or if the fields are inherited from the workspace root.
    pub(super) fn of(manifest: &str) -> Option<Self> {
        let manifest: Table = manifest.parse().ok()?;
        let package = manifest.get("package")?;
        let list = |key| package.get(key).and_then(Value::as_array);
        let include = list("include").filter(|patterns| !patterns.is_empty());
        let is_elsewhere = package.get("include").is_some_and(Value::is_table);
        let patterns = include.or_else(|| list("exclude").filter(|_| !is_elsewhere))?;
        let rules = patterns.iter().map(|it| ListingRule::new(it.as_str()?));
        Some(Self {
            patterns: rules.collect::<Option<_>>()?,
            includes: include.is_some(),
        })
    }

    /// Returns true if cargo lists a file, given relative to the package. Cargo always lists the
    /// manifest and the lock file.
    pub(super) fn has(&self, file: &Utf8Path) -> bool {
        let mut above = file.ancestors().filter(|path| !path.as_str().is_empty());
        // The last matching rule of the file decides, then those of the directories above the file.
        let rule = above.find_map(|path| {
            let mut rules = self.patterns.iter().rev();
            rules.find(|it| it.names(path, path != file))
        });
        let is_named = rule.is_some_and(|rule| !rule.is_negated);
        is_named == self.includes || ["Cargo.toml", "Cargo.lock"].contains(&file.as_str())
    }
}

impl ListingRule {
    fn new(pattern: &str) -> Option<Self> {
        let (pattern, is_negated) = match pattern.strip_prefix('!') {
            Some(rest) => (rest, true),
            None => (pattern, false),
        };
        if pattern.starts_with(['!', '#']) || pattern.contains(['\\', '{', '}']) {
            return None;
        }
        let plain = pattern.trim_end_matches('/');
        Some(Self {
            pattern: Pattern::new(plain.trim_start_matches('/')).ok()?,
            is_anchored: plain.contains('/'),
            directories_only: plain != pattern,
            is_negated,
        })
    }

    fn names(&self, path: &Utf8Path, is_directory: bool) -> bool {
        let options = MatchOptions {
            require_literal_separator: true,
            ..MatchOptions::default()
        };
        let text = match self.is_anchored {
            true => path.as_str(),
            false => path.file_name().unwrap_or_default(),
        };
        (is_directory || !self.directories_only) && self.pattern.matches_with(text, options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn include_and_exclude_select_the_listed_files() {
        let cases = [
            ("exclude = ['data']", "data/x.txt", false),
            ("exclude = ['data/']", "data/x.txt", false),
            ("exclude = ['data/']", "src/data", true),
            ("exclude = ['/data/*.txt']", "data/x.txt", false),
            ("exclude = ['/data/*.txt']", "data/deep/x.txt", true),
            ("exclude = ['data/**']", "data/deep/x.txt", false),
            ("exclude = ['*.txt']", "data/deep/x.txt", false),
            ("exclude = ['/*.txt']", "data/x.txt", true),
            ("exclude = ['**/x.txt']", "data/deep/x.txt", false),
            ("exclude = ['*']", "Cargo.toml", true),
            ("exclude = ['Cargo.lock']", "Cargo.lock", true),
            ("include = ['src/**', '/build.rs']", "data/x.txt", false),
            ("include = ['src/**', '/build.rs']", "src/a/b.rs", true),
            (
                "include = ['src/**']\nexclude = ['src/a.rs']",
                "src/a.rs",
                true,
            ),
            ("include = ['x.txt']", "data/x.txt", true),
            ("include = []\nexclude = ['data']", "data/x.txt", false),
            ("exclude = ['data', '!data/x.txt']", "data/x.txt", true),
            ("exclude = ['data', '!data/x.txt']", "data/y.txt", false),
            ("exclude = ['!data/x.txt', '*.txt']", "data/x.txt", false),
            ("exclude = ['!data']", "data/x.txt", true),
            ("include = ['src/**', '!src/x.txt']", "src/x.txt", false),
            ("include = ['src/**', '!src/x.txt']", "src/y.txt", true),
            (
                "include = ['data', '!/data/deep/']",
                "data/deep/x.txt",
                false,
            ),
            ("include = ['data', '!/data/deep/']", "data/x.txt", true),
        ];
        for (keys, file, expected) in cases {
            let listing = TargetListing::of(&format!("[package]\n{keys}")).unwrap();
            assert_eq!(listing.has(file.into()), expected, "{keys}: {file}");
        }
        for unknown in [
            "",
            "exclude = ['!!data']",
            "exclude = ['a**']",
            "exclude.workspace = true",
            "include.workspace = true\nexclude = ['data']",
        ] {
            assert!(
                TargetListing::of(&format!("[package]\n{unknown}")).is_none(),
                "{unknown}"
            );
        }
    }
}
