//! Removing what a plan names, under cargo's own lock.
//!
//! Nothing outside the workspace's build and target directory is removed, and no symbolic link is
//! followed out of them.

use std::collections::HashSet;
use std::fs::{self, File, TryLockError};
use std::io;

use anyhow::{Context as _, Result, bail};
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

use crate::action::clean::{Artifact, Directory, Removal, is_reference};
use crate::action::contents::Contents;
use crate::parallel;
use crate::repo::build_dir::{self, Directories, ProfileDir};

/// The directories in which something may be removed.
pub struct Bounds(Vec<Utf8PathBuf>);

impl Bounds {
    /// The build and the target directory, without symbolic links.
    ///
    /// # Errors
    /// Where the build directory is not provably cargo's.
    pub fn new(directories: &Directories, contents: &Contents) -> Result<Self> {
        let build = &directories.build;
        let profile = &contents.place.path;
        if !build_dir::is_cargos(build, profile) {
            bail!(
                "{profile} is not provably cargo's (there is no lock of cargo's in it, nor cargo's \
                 CACHEDIR.TAG in {build}), so nothing is removed there"
            );
        }
        let mut bounds = Vec::new();
        for directory in [build, &directories.target] {
            if directory.exists() {
                let real = directory.canonicalize_utf8();
                bounds.push(real.with_context(|| format!("cannot find {directory}"))?);
            }
        }
        Ok(Self(bounds))
    }

    /// Whether a path, itself not followed if it is a link, lies within.
    fn hold(&self, path: &Utf8Path) -> Result<bool> {
        let Some(parent) = path.parent() else {
            return Ok(false);
        };
        let real = match parent.canonicalize_utf8() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
            real => real.with_context(|| format!("cannot find {parent}"))?,
        };
        let is_below = |bound: &Utf8PathBuf| real != *bound && real.starts_with(bound);
        Ok(self.0.iter().any(is_below))
    }
}

/// Cargo's locks of a profile directory; released when dropped.
pub struct Lock {
    _files: Vec<File>,
    /// Whether cargo takes locks there, too.
    pub keeps_cargo_out: bool,
}

impl Lock {
    /// Takes the locks that cargo takes for a build, in cargo's order. Up to 1.95 that is
    /// `.cargo-lock` in both directories, from 1.96 on `.cargo-build-lock` in the one and
    /// `.cargo-lock`, shared, in the other. `None` if another process has one of them, and `wait` is
    /// false.
    ///
    /// # Errors
    /// A lock that cannot be taken.
    pub fn take(place: &ProfileDir, target: &Utf8Path, wait: bool) -> Result<Option<Self>> {
        let mut paths = Vec::new();
        for directory in [&place.path, &place.outputs(target)] {
            for name in [".cargo-build-lock", ".cargo-lock", ".cargo-artifact-lock"] {
                let path = directory.join(name);
                if !paths.contains(&path) && path.is_file() {
                    paths.push(path);
                }
            }
        }
        let mut files = Vec::new();
        for path in paths {
            let file = File::options().read(true).write(true).open(&path);
            let file = file.with_context(|| format!("cannot open {path} to lock it"))?;
            let locked = match file.try_lock() {
                Ok(()) => Ok(()),
                Err(TryLockError::WouldBlock) if !wait => return Ok(None),
                Err(TryLockError::WouldBlock) => file.lock(),
                // As cargo: a file system that knows no locks does without.
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                    continue;
                }
                Err(TryLockError::Error(error)) => Err(error),
            };
            locked.with_context(|| format!("cannot lock {path}"))?;
            files.push(file);
        }
        Ok(Some(Self {
            keeps_cargo_out: !files.is_empty() && !is_on_nfs(&place.path),
            _files: files,
        }))
    }
}

/// Whether a path lies on NFS, where cargo takes no locks: its own test, which it makes on Linux
/// only.
fn is_on_nfs(path: &Utf8Path) -> bool {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    path.canonicalize_utf8()
        .is_ok_and(|path| file_system(&mounts, &path).is_some_and(|it| it.starts_with("nfs")))
}

/// The type of the file system that a path lies on, by the list of mounts of `proc(5)`, in which a
/// later mount covers an earlier one.
fn file_system<'a>(mounts: &'a str, path: &Utf8Path) -> Option<&'a str> {
    let mounts = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let point = fields.next()?.replace("\\040", " ");
        path.starts_with(&point)
            .then_some((point.len(), fields.next()?))
    });
    let nearest = mounts.max_by_key(|(length, _)| *length);
    nearest.map(|(_, file_system)| file_system)
}

/// Counts files and bytes, and leaves out of the plan what is not there.
///
/// # Errors
/// What cannot be read.
pub fn measure(directory: &mut Directory) -> Result<()> {
    let removals = std::mem::take(&mut directory.removals);
    // What they hold is theirs, also where they lie in another one's directory.
    let fingerprints = removals.iter();
    let fingerprints = fingerprints.filter(|it| it.kind == Artifact::Fingerprint);
    let fingerprints: HashSet<&str> = fingerprints.map(|it| it.path.as_str()).collect();
    let sizes = parallel::parts(&removals, |part| {
        let sizes = part.iter().map(|it| size(&it.path, &fingerprints));
        sizes.collect()
    });
    for (mut removal, found) in removals.into_iter().zip(sizes) {
        let found = found.with_context(|| format!("cannot read {}", removal.path))?;
        if let Some((files, bytes)) = found {
            (removal.files, removal.bytes) = (files, bytes);
            directory.removals.push(removal);
        }
    }
    Ok(())
}

/// Files and bytes at a path, without what was counted; `None` if nothing is there.
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

/// Removes what a plan names, in its order. What is gone already is no error. `progress` is called
/// with how many of its removals are done.
///
/// # Errors
/// What cannot be removed, and what lies out of bounds.
pub fn remove(
    directory: &Directory,
    bounds: &Bounds,
    progress: &mut dyn FnMut(usize),
) -> Result<()> {
    let mut parents = HashSet::new();
    for Removal { path, .. } in &directory.removals {
        if parents.insert(path.parent().map(Utf8Path::as_str)) && !bounds.hold(path)? {
            bail!(
                "{path} lies beyond a symbolic link that leads out of the build directory, so \
                 nothing is removed from {}",
                directory.path
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
            removed => removed.with_context(|| format!("cannot remove {path}"))?,
        }
    }
    Ok(())
}

/// Removes a directory. The file by which cargo or rustc trusts the rest of the directory goes
/// first, since the kit can be killed at any moment.
fn remove_directory(path: &Utf8Path, kind: Artifact) -> io::Result<()> {
    for file in trusted_by(path, kind)? {
        fs::remove_file(file)?;
    }
    fs::remove_dir_all(path)
}

/// Returns the files that have to go before the rest of a directory: the reference files of a
/// fingerprint, the dependency graphs of an incremental cache's sessions.
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
    fn the_file_that_the_rest_is_trusted_by_goes_first() {
        let (_scratch, root) = crate::testing::scratch();
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
                crate::testing::write(&directory.join(file), "");
            }
            let expected: Vec<_> = first.iter().map(|it| directory.join(it)).collect();
            assert_eq!(trusted_by(&directory, kind).unwrap(), expected, "{files:?}");
            remove_directory(&directory, kind).unwrap();
            assert!(!directory.exists());
        }
    }

    #[test]
    fn a_path_lies_on_the_nearest_mount_above_it() {
        let mounts = "\
            /dev/a / ext4 rw 0 0\n\
            server:/home /home nfs4 rw 0 0\n\
            /dev/b /home/me/far\\040away btrfs rw 0 0\n\
            tmpfs /home/me/target tmpfs rw 0 0\n\
            server:/x /home/me/target nfs rw 0 0\n";
        for (path, expected) in [
            ("/etc", "ext4"),
            ("/homeland", "ext4"),
            ("/home/me", "nfs4"),
            ("/home/me/far away/target", "btrfs"),
            ("/home/me/target/debug", "nfs"),
        ] {
            assert_eq!(
                file_system(mounts, Utf8Path::new(path)),
                Some(expected),
                "{path}"
            );
        }
        assert_eq!(file_system("", Utf8Path::new("/")), None);
    }
}
