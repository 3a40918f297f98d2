//! The paths of a change set, as a set with a fast test for membership.

use std::collections::HashSet;

use camino::{Utf8Path, Utf8PathBuf};

/// The absolute paths of a change set.
#[derive(Debug, Default)]
pub struct ChangedPaths {
    paths: HashSet<Utf8PathBuf>,
    /// The last component of each path. Comparing the last component first avoids hashing most
    /// paths.
    ends: HashSet<String>,
}

impl ChangedPaths {
    /// Returns true if `path` is in the change set.
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

/// Returns the text after the last separator of any platform. Equal paths have equal ends.
fn end(path: &Utf8Path) -> &str {
    let path = path.as_str();
    let separator = memchr::memrchr2(b'/', b'\\', path.as_bytes());
    separator.map_or(path, |at| &path[at + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_paths_match_in_every_spelling() {
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
