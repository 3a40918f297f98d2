//! Functions on paths: canonical paths, normalized paths, kinds of IO errors.
//!
//! Architecture invariant: this module knows nothing of commands or of output.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher, Hash};
use std::io::{self, ErrorKind};
use std::path::MAIN_SEPARATOR;

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

use crate::observed;

/// Returns a hash of a value. The hash is the same in every run of the same build of the kit.
pub fn hashed(value: impl Hash) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(value)
}

/// Returns the canonical path, without symbolic links. A path that does not exist stays unchanged.
pub fn resolved(path: &Utf8Path) -> Utf8PathBuf {
    observed::note_place(path);
    path.canonicalize_utf8().unwrap_or_else(|_| path.to_owned())
}

/// Removes `.` and `..` from a path, by the text alone: `a/../b` becomes `b`.
pub fn normalized(path: &Utf8Path) -> Utf8PathBuf {
    // Most paths in records are normalized already.
    let text = path.as_str();
    let may_differ = text.starts_with('.') || text.ends_with('/') || MAIN_SEPARATOR != '/';
    if !may_differ && !text.contains("/.") && !text.contains("//") {
        return path.to_owned();
    }
    let mut normal = Utf8PathBuf::new();
    for component in path.components() {
        match component {
            Utf8Component::CurDir => {}
            Utf8Component::ParentDir => match normal.components().next_back() {
                Some(Utf8Component::Normal(_)) => _ = normal.pop(),
                Some(Utf8Component::RootDir | Utf8Component::Prefix(_)) => {}
                _ => normal.push(".."),
            },
            other => normal.push(other),
        }
    }
    normal
}

/// Returns true if an error says that there is no file of this name.
pub fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::IsADirectory
    )
}

/// Returns true for the error of a path in which symbolic links form a loop.
pub fn is_link_loop(error: &io::Error) -> bool {
    #[cfg(unix)]
    return error.raw_os_error() == Some(nix::libc::ELOOP);
    #[cfg(not(unix))]
    return {
        let _ = error;
        false
    };
}

/// A cache of canonical paths. Each file and directory is looked up once.
#[derive(Default)]
pub struct RealPaths {
    /// The canonical path of each path, or `None` if the path is canonical already.
    known: HashMap<String, Option<Utf8PathBuf>>,
}

impl RealPaths {
    /// Returns the canonical path, or `None` if the path is canonical already.
    pub fn of(&mut self, path: &Utf8Path) -> Option<Utf8PathBuf> {
        if let Some(known) = self.known.get(path.as_str()) {
            return known.clone();
        }
        observed::note_place(path);
        let found = match (path.is_symlink(), path.parent(), path.file_name()) {
            (false, Some(parent), Some(name)) => self.of(parent).map(|real| real.join(name)),
            _ => Some(resolved(path)).filter(|real| real.as_str() != path),
        };
        self.known.insert(path.to_string(), found.clone());
        found
    }

    /// Returns the canonical path.
    pub fn resolved(&mut self, path: &Utf8Path) -> Utf8PathBuf {
        self.of(path).unwrap_or_else(|| path.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_normalized_by_their_text() {
        for (path, normal) in [
            ("a/../b", "b"),
            ("./a//./b/", "a/b"),
            ("a/b/", "a/b"),
            ("a//b", "a/b"),
            ("/a/.b/c.d", "/a/.b/c.d"),
            ("../a/../../b", "../../b"),
            ("/../a", "/a"),
            ("/p/src/../../q", "/q"),
        ] {
            assert_eq!(normalized(Utf8Path::new(path)), normal, "{path}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn canonical_paths_equal_the_systems() {
        use std::os::unix::fs::symlink;
        let temporary = tempfile::tempdir().unwrap();
        let top = Utf8Path::from_path(temporary.path()).unwrap();
        std::fs::create_dir_all(top.join("a/b/c")).unwrap();
        std::fs::write(top.join("a/b/c/file"), "").unwrap();
        symlink(top.join("a/b"), top.join("a/link")).unwrap();
        symlink("../b/c/file", top.join("a/b/relative")).unwrap();
        symlink("c/file", top.join("a/b/of-file")).unwrap();
        let mut real = RealPaths::default();
        for below in [
            "",
            "a/b/c/file",
            "a/link",
            "a/link/c/file",
            "a/link/c/../c/file",
            "a/link/../b/of-file",
            "a/b/relative",
            "a/./b/of-file",
        ] {
            let path = top.join(below);
            assert_eq!(real.resolved(&path), resolved(&path), "{below}");
        }
        // A file that does not exist gets a path in its existing directory.
        let gone = real.resolved(&top.join("a/link/gone"));
        assert_eq!(gone, resolved(&top.join("a/b")).join("gone"));
    }
}
