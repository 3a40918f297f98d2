//! Removes the artifacts that a plan names, under cargo's [locks](super::lock).
//!
//! Nothing outside the workspace's build directory and target directory is removed, and no symbolic
//! link that leads out of them is followed.

use std::collections::HashSet;
use std::{fs, io};

use anyhow::{Context as _, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::build_dir::Directories;
use xtask_impact::{build_dir, parallel, quote};

use crate::artifacts::plan::{Artifact, Directory, Removal, is_reference};
use crate::artifacts::profile_dir::ProfileDirScan;
use crate::cli::write_error::cannot;

/// The directories in which artifacts may be removed.
pub struct Bounds(Vec<Utf8PathBuf>);

impl Bounds {
    /// Returns the build directory and the target directory, without symbolic links in their paths.
    /// `profile` is a profile directory in the build directory.
    ///
    /// # Errors
    /// Returns an error if the build directory is not provably cargo's.
    pub fn new(directories: &Directories, contents: &ProfileDirScan) -> Result<Self> {
        Self::of_profile(directories, &contents.place.path)
    }

    /// Returns the bounds for removals from the profile directory `profile`.
    ///
    /// # Errors
    /// Returns the errors of [`Bounds::new`].
    pub(crate) fn of_profile(directories: &Directories, profile: &Utf8Path) -> Result<Self> {
        let build = &directories.build;
        if !build_dir::is_cargos(build, profile) {
            bail!(
                "nothing removed in {}, because cargo may not have made it: there is no lock file \
                 of cargo in it, and no CACHEDIR.TAG of cargo in {}",
                quote::name(profile),
                quote::name(build),
            );
        }
        let mut bounds = Vec::new();
        for directory in [build, &directories.target] {
            if directory.exists() {
                let real = directory.canonicalize_utf8();
                bounds.push(
                    real.with_context(|| format!("cannot find {}", quote::name(&directory)))?,
                );
            }
        }
        Ok(Self(bounds))
    }

    /// Returns true if a path lies within the bounds. The path itself is not followed if it is a
    /// symbolic link.
    fn hold(&self, path: &Utf8Path) -> Result<bool> {
        let Some(parent) = path.parent() else {
            return Ok(false);
        };
        let real = match parent.canonicalize_utf8() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
            real => real.with_context(|| format!("cannot find {}", quote::name(&parent)))?,
        };
        let is_below = |bound: &Utf8PathBuf| real != *bound && real.starts_with(bound);
        Ok(self.0.iter().any(is_below))
    }
}

/// Counts the files and bytes of each removal, and drops removals whose path does not exist.
///
/// # Errors
/// Returns an error if a path cannot be read.
pub fn measure(directory: &mut Directory) -> Result<()> {
    let removals = std::mem::take(&mut directory.removals);
    // A fingerprint directory can lie inside another removal. Its files are counted once, as its
    // own.
    let fingerprints = removals.iter();
    let fingerprints = fingerprints.filter(|it| it.kind == Artifact::Fingerprint);
    let fingerprints: HashSet<&str> = fingerprints.map(|it| it.path.as_str()).collect();
    let sizes = parallel::parts(&removals, |part| {
        let sizes = part.iter().map(|it| size(&it.path, &fingerprints));
        sizes.collect()
    });
    for (mut removal, found) in removals.into_iter().zip(sizes) {
        let found = found.with_context(|| format!("cannot read {}", quote::name(&removal.path)))?;
        if let Some((files, bytes)) = found {
            (removal.files, removal.bytes) = (files, bytes);
            directory.removals.push(removal);
        }
    }
    Ok(())
}

/// Returns the number of files and bytes at a path, without the paths in `counted`. Returns `None`
/// if the path does not exist.
fn size(path: &Utf8Path, counted: &HashSet<&str>) -> io::Result<Option<(u64, u64)>> {
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        metadata => metadata?,
    };
    if !metadata.is_dir() {
        return Ok(Some((1, metadata.len())));
    }
    let mut total = (0, 0);
    for entry in path.read_dir_utf8()? {
        let entry = entry?;
        if !counted.contains(entry.path().as_str()) {
            let (files, bytes) = size(entry.path(), counted)?.unwrap_or_default();
            total = (total.0 + files, total.1 + bytes);
        }
    }
    Ok(Some(total))
}

/// Removes the paths that a plan names, in the plan's order. A path that does not exist is no
/// error. `progress` is called with the number of completed removals.
///
/// # Errors
/// Returns an error if a path cannot be removed or lies out of bounds.
pub fn remove(
    directory: &Directory,
    bounds: &Bounds,
    progress: &mut dyn FnMut(usize),
) -> Result<()> {
    let mut parents = HashSet::new();
    for Removal { path, .. } in &directory.removals {
        if parents.insert(path.parent().map(Utf8Path::as_str)) && !bounds.hold(path)? {
            bail!(
                "{} is reached through a symbolic link out of the build directory, so nothing is \
                 removed from {}",
                quote::name(path),
                quote::name(&directory.path),
            );
        }
    }
    for (done, removal) in directory.removals.iter().enumerate() {
        progress(done);
        let path = &removal.path;
        let removed = match fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_dir() => remove_directory(path, removal.kind),
            Ok(_) => fs::remove_file(path),
            Err(error) => Err(error),
        };
        match removed {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed.map_err(|error| cannot("remove", path, error))?,
        }
    }
    Ok(())
}

/// Removes a directory. The file by which cargo or rustc trusts the rest of the directory is
/// removed first, since the kit can be killed at any moment.
fn remove_directory(path: &Utf8Path, kind: Artifact) -> io::Result<()> {
    for file in trusted_by(path, kind)? {
        fs::remove_file(file)?;
    }
    fs::remove_dir_all(path)
}

/// Returns the files that are removed before the rest of a directory: the reference files of a
/// fingerprint, or the dependency graphs of an incremental cache's sessions.
fn trusted_by(path: &Utf8Path, kind: Artifact) -> io::Result<Vec<Utf8PathBuf>> {
    let mut files = Vec::new();
    for entry in path.read_dir_utf8()? {
        let entry = entry?;
        match kind {
            Artifact::Fingerprint if is_reference(entry.path()) => {
                files.push(entry.into_path());
            }
            Artifact::Incremental => {
                let graph = entry.path().join("dep-graph.bin");
                files.extend(graph.is_file().then_some(graph));
            }
            _ => {}
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_file_is_removed_first() {
        let (_scratch, root) = xtask_impact::testing::scratch();
        let fingerprint = ["bin-x", "bin-x.json", "dep-bin-x", "invoked.timestamp"];
        let session = ["s-1/dep-graph.bin", "s-1/query-cache.bin", "s-1.lock"];
        let run = ["run-build-script-build-script-build", "x.json"];
        for (kind, files, first) in [
            (Artifact::Fingerprint, &fingerprint[..], &["dep-bin-x"][..]),
            (Artifact::Incremental, &session, &["s-1/dep-graph.bin"]),
            (Artifact::Fingerprint, &run, &[]),
            (Artifact::Output, &["output", "out/dep-graph.bin"], &[]),
        ] {
            let directory = root.join(format!("{kind:?}-{}", files[0].replace('/', "-")));
            for file in files {
                xtask_impact::testing::write(&directory.join(file), "");
            }
            let expected: Vec<_> = first.iter().map(|it| directory.join(it)).collect();
            assert_eq!(trusted_by(&directory, kind).unwrap(), expected, "{files:?}");
            remove_directory(&directory, kind).unwrap();
            assert!(!directory.exists());
        }
    }
}
