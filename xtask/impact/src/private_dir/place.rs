//! The directories in which a temporary directory may be created.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::fs::Metadata;

use camino::{Utf8Path, Utf8PathBuf};

use super::user_cache;

/// The files that cargo and rustup look for in the directory they run in and in each directory
/// above.
const LOOKED_FOR: [&str; 5] = [
    ".cargo/config",
    ".cargo/config.toml",
    "Cargo.toml",
    "rust-toolchain",
    "rust-toolchain.toml",
];

/// Returns the directories outside a work tree in which a temporary directory can be created, the
/// safest first. A directory is left out if cargo would read a file there that it does not read in
/// the tree.
pub(super) fn parents(tree: &Utf8Path) -> Vec<Utf8PathBuf> {
    let mut candidates = Vec::new();
    candidates.extend(Utf8PathBuf::try_from(std::env::temp_dir()));
    candidates.extend(user_cache::for_temporary());
    #[cfg(unix)]
    candidates.extend(["/tmp", "/var/tmp"].map(Utf8PathBuf::from));
    let tree = real(tree).unwrap_or_else(|| tree.to_owned());
    let home = cargo_home().and_then(|home| real(&home));
    safest_first(candidates, &tree, home.as_deref())
}

fn safest_first(
    candidates: Vec<Utf8PathBuf>,
    tree: &Utf8Path,
    cargo_home: Option<&Utf8Path>,
) -> Vec<Utf8PathBuf> {
    let mut seen = HashSet::new();
    let candidates = candidates.iter().filter_map(|candidate| real(candidate));
    let mut apart: Vec<_> = candidates
        .filter(|it| seen.insert(it.clone()) && !it.starts_with(tree))
        .filter(|it| foreign_file(it, tree, cargo_home).is_none())
        .collect();
    apart.sort_by_key(|it| Reverse(safety(it, tree)));
    apart
}

/// Returns a file that cargo or rustup reads in a directory or above it, and does not read in the
/// work tree.
pub(super) fn foreign_file(
    directory: &Utf8Path,
    tree: &Utf8Path,
    cargo_home: Option<&Utf8Path>,
) -> Option<Utf8PathBuf> {
    let own_above = directory.ancestors().filter(|it| !tree.starts_with(it));
    own_above
        .flat_map(|above| LOOKED_FOR.map(|name| above.join(name)))
        // Every cargo reads cargo's home directory.
        .filter(|file| {
            cargo_home.is_none() || file.parent().and_then(real).as_deref() != cargo_home
        })
        .find(|file| file.symlink_metadata().is_ok())
}

/// The protection of a directory against other users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Safety {
    /// Another user may rename files in the directory, or in a directory above it.
    Exposed,
    /// Other users may add files in the directory or above it, but cannot change existing files.
    Shared,
    /// Other users may only read.
    Private,
}

/// Returns the protection of a directory. Directories that also lie above the work tree do not
/// count, since the work tree has the same risk.
pub(super) fn safety(directory: &Utf8Path, tree: &Utf8Path) -> Safety {
    let own_above = directory.ancestors().filter(|it| !tree.starts_with(it));
    let safeties = own_above.map(|above| match above.metadata() {
        Ok(metadata) => safety_of(&metadata),
        Err(_) => Safety::Exposed,
    });
    safeties.min().unwrap_or(Safety::Private)
}

#[cfg(unix)]
fn safety_of(metadata: &Metadata) -> Safety {
    use std::os::unix::fs::MetadataExt as _;
    const WRITABLE_BY_OTHERS: u32 = 0o002;
    const STICKY: u32 = 0o1000;
    let is_trusted = [0, user_cache::user()].contains(&metadata.uid());
    let is_writable = metadata.mode() & WRITABLE_BY_OTHERS != 0;
    match (is_trusted, is_writable) {
        (false, _) => Safety::Exposed,
        (true, true) if metadata.mode() & STICKY == 0 => Safety::Exposed,
        (true, true) => Safety::Shared,
        (true, false) => Safety::Private,
    }
}

#[cfg(not(unix))]
fn safety_of(_: &Metadata) -> Safety {
    Safety::Private
}

/// Returns the canonical path of a directory, which cargo prints. On Windows cargo avoids that
/// form, so the path stays unchanged.
pub(super) fn real(path: &Utf8Path) -> Option<Utf8PathBuf> {
    match cfg!(windows) {
        true => path.is_dir().then(|| path.to_owned()),
        false => path.canonicalize_utf8().ok(),
    }
}

/// Returns cargo's home directory.
pub fn cargo_home() -> Option<Utf8PathBuf> {
    let home = match std::env::var_os("CARGO_HOME").filter(|home| !home.is_empty()) {
        Some(home) => std::path::absolute(home).ok()?,
        None => std::env::home_dir()?.join(".cargo"),
    };
    Utf8PathBuf::try_from(home).ok()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::testing::{scratch, write};

    /// Creates directories with these modes. The work tree is `tree`.
    #[cfg(unix)]
    fn directories(root: &Utf8Path, wanted: &[(&str, u32)]) -> Vec<Utf8PathBuf> {
        use std::os::unix::fs::PermissionsExt as _;
        let made = wanted.iter().map(|(name, mode)| {
            let path = root.join(name);
            fs::create_dir_all(&path).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(*mode)).unwrap();
            path
        });
        made.collect()
    }

    #[test]
    #[cfg(unix)]
    fn the_safest_directory_comes_first_and_none_in_the_work_tree() {
        let (_scratch, root) = scratch();
        let candidates = directories(
            &root,
            &[
                ("exposed", 0o777),
                ("shared", 0o1777),
                ("shared/below", 0o700),
                ("private", 0o755),
                ("tree", 0o700),
                ("tree/tmp", 0o700),
            ],
        );
        fs::create_dir(root.join("other")).unwrap();
        std::os::unix::fs::symlink(root.join("tree/tmp"), root.join("link")).unwrap();
        let candidates = [candidates, vec![root.join("link"), root.join("none")]].concat();
        let found = safest_first(candidates, &root.join("tree"), None);
        let names: Vec<_> = found
            .iter()
            .map(|it| it.strip_prefix(&root).unwrap())
            .collect();
        assert_eq!(names, ["private", "shared", "shared/below", "exposed"]);
    }

    #[test]
    fn a_directory_below_other_configuration_is_left_out() {
        for (file, is_foreign) in [
            ("tmp/.cargo/config.toml", true),
            ("tmp/.cargo/config", true),
            ("tmp/Cargo.toml", true),
            ("tmp/rust-toolchain", true),
            ("tmp/rust-toolchain.toml", true),
            ("tmp/below/.cargo/config.toml", true),
            ("tmp/.cargo/other", false),
            ("tmp/beside/Cargo.toml", false),
            ("home/.cargo/config.toml", false),
            // The work tree lies below this file, too.
            (".cargo/config.toml", false),
        ] {
            let (_scratch, root) = scratch();
            let (tree, below) = (root.join("tree"), root.join("tmp/below"));
            for directory in [&tree, &below] {
                fs::create_dir_all(directory).unwrap();
            }
            write(&root.join(file), "");
            let found = foreign_file(&below, &tree, None);
            assert_eq!(found, is_foreign.then(|| root.join(file)), "{file}");
        }
    }

    #[test]
    fn the_configuration_in_cargos_home_is_never_foreign() {
        let (_scratch, root) = scratch();
        let (tree, cache) = (root.join("tree"), root.join("home/.cache"));
        for directory in [&tree, &cache] {
            fs::create_dir_all(directory).unwrap();
        }
        let home = root.join("home/.cargo");
        write(&home.join("config.toml"), "");
        assert_eq!(foreign_file(&cache, &tree, Some(&home)), None);
        let found = foreign_file(&cache, &tree, Some(&root.join("elsewhere")));
        assert_eq!(found, Some(home.join("config.toml")));
    }
}
