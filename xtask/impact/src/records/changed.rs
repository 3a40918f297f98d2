//! The paths of a change set, of which many files are asked whether they are among them.

use std::collections::HashSet;

use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

/// The absolute paths of a change set.
#[derive(Debug, Default)]
pub struct ChangedPaths {
    paths: HashSet<Utf8PathBuf>,
    /// The last part of each: a path is hashed part by part, and most need not be.
    ends: HashSet<String>,
}

impl ChangedPaths {
    /// Whether a path is one of them.
    pub fn contains(&self, path: &Utf8Path) -> bool {
        self.ends.contains(end(path)) && self.paths.contains(path)
    }
}

impl FromIterator<Utf8PathBuf> for ChangedPaths {
    fn from_iter<T: IntoIterator<Item = Utf8PathBuf>>(paths: T) -> Self {
        let paths: HashSet<Utf8PathBuf> = paths.into_iter().collect();
        Self {
            ends: paths.iter().map(|path| end(path).to_owned()).collect(),
            paths,
        }
    }
}

/// What stands behind the last separator of any platform, which equal paths have in common.
fn end(path: &Utf8Path) -> &str {
    let path = path.as_str();
    let separator = memchr::memrchr2(b'/', b'\\', path.as_bytes());
    separator.map_or(path, |at| &path[at + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_paths_may_be_written_in_several_ways() {
        let changed: ChangedPaths = ["/w/a/lib.rs", "/w/b/a\\b"]
            .map(Into::into)
            .into_iter()
            .collect();
        for (path, is_changed) in [
            ("/w/a/lib.rs", true),
            ("/w/./a//lib.rs", true),
            ("/w/b/a\\b", true),
            ("/w/b/lib.rs", false),
            ("/w/a", false),
        ] {
            assert_eq!(changed.contains(path.into()), is_changed, "{path}");
        }
    }
}
