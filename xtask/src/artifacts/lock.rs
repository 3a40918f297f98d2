//! Cargo's locks of a profile directory.
//!
//! Up to 1.95 cargo takes `.cargo-lock` in the target and in the build directory, exclusively. From
//! 1.96 on cargo takes `.cargo-build-lock` in the build directory exclusively, `.cargo-lock` in the
//! target directory shared, and, unless it only checks, `.cargo-artifact-lock` there exclusively.
//! Who holds all of these files exclusively keeps every cargo out. A build directory of its own lacks
//! the lock file of the cargo that has not built there yet, so the kit creates that file.

use std::fs::{self, File, TryLockError};
use std::io;

use anyhow::{Context as _, Result};
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

use crate::cli::output;
use xtask_impact::build_dir::ProfileDir;

/// The names of the lock files, in the order in which cargo takes them.
const NAMES: [&str; 3] = [".cargo-build-lock", ".cargo-lock", ".cargo-artifact-lock"];

/// The locks in a build directory of its own, of which every cargo takes one: up to 1.95 the first,
/// from 1.96 on the second. Where the build directory is the target directory, every cargo takes the
/// first.
const EVERY_CARGOS: [&str; 2] = [".cargo-lock", ".cargo-build-lock"];

/// Cargo's locks of a profile directory; released when dropped.
pub struct BuildLocks {
    /// The build directory, then the target directory, of the profile.
    directories: [Utf8PathBuf; 2],
    held: Vec<Held>,
    /// Whether cargo takes locks there, too.
    pub keeps_cargo_out: bool,
}

/// A lock file that is locked exclusively, unless the file system knows no locks.
struct Held {
    path: Utf8PathBuf,
    file: File,
    is_locked: bool,
}

impl BuildLocks {
    /// Takes the locks, waiting for a build that is running, and plans under them. Plans again where
    /// cargo created another lock file meanwhile.
    ///
    /// # Errors
    /// A lock that cannot be taken, and the errors of the plan.
    pub fn while_planning<T>(
        place: &ProfileDir,
        target: &Utf8Path,
        mut plan: impl FnMut() -> Result<T>,
    ) -> Result<(Self, T)> {
        loop {
            let mut lock = Self::take(place, target, false)?;
            if lock.is_none() {
                let message = format_args!("waiting for the build in {}", place.path);
                output::status("Blocking", message);
                lock = Self::take(place, target, true)?;
            }
            let planned = plan()?;
            if let Some(lock) = lock.filter(Self::is_complete) {
                return Ok((lock, planned));
            }
        }
    }

    /// Takes every lock of cargo's, exclusively; creates the ones that a cargo of another version
    /// would create. `None` if another process has one of the locks, and `wait` is false.
    ///
    /// # Errors
    /// A lock that cannot be taken.
    pub fn take(place: &ProfileDir, target: &Utf8Path, wait: bool) -> Result<Option<Self>> {
        let mut lock = Self {
            directories: [place.path.clone(), place.outputs(target)],
            held: Vec::new(),
            keeps_cargo_out: false,
        };
        // Cargo does not lock there, since a lock on NFS may block for ever.
        if is_on_nfs(&place.path) {
            return Ok(Some(lock));
        }
        while !lock.is_complete() {
            lock.create_missing()?;
            if let Some(busy) = lock.try_all()? {
                if !wait {
                    return Ok(None);
                }
                // Nothing is held meanwhile: cargo may hold this one and wait for another.
                lock.held.clear();
                lock.held.extend(Held::wait(busy)?);
            }
        }
        let [build, _] = &lock.directories;
        let in_build = |it: &Held| it.path.parent() == Some(build);
        lock.keeps_cargo_out = lock.held.iter().any(|it| it.is_locked && in_build(it));
        Ok(Some(lock))
    }

    /// Whether all lock files that exist now are held. Cargo may have created another since they were
    /// taken.
    pub fn is_complete(&self) -> bool {
        if self.held.is_empty() && is_on_nfs(&self.directories[0]) {
            return true;
        }
        let held = self.held.iter().filter(|it| it.is_in_place());
        held.map(|it| &it.path).eq(&self.files()) && self.missing().is_empty()
    }

    /// The lock files that a cargo of another version would create in the build directory; none where
    /// no cargo locks.
    fn missing(&self) -> Vec<Utf8PathBuf> {
        let [build, target] = &self.directories;
        let there = EVERY_CARGOS.map(|name| build.join(name).is_file());
        let needed = match build == target {
            true => &EVERY_CARGOS[..1],
            false => &EVERY_CARGOS,
        };
        if there == [false, false] {
            return Vec::new();
        }
        let paths = needed.iter().map(|name| build.join(name));
        paths.filter(|path| !path.is_file()).collect()
    }

    fn create_missing(&self) -> Result<()> {
        for path in self.missing() {
            match File::create_new(&path) {
                // The directory was removed meanwhile, or cargo created the file.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_file() => {}
                created => {
                    created.with_context(|| format!("cannot create {path} to lock it"))?;
                }
            }
        }
        Ok(())
    }

    /// Takes the locks that are not held, without waiting; gives the first that another has.
    fn try_all(&mut self) -> Result<Option<Utf8PathBuf>> {
        self.held.retain(Held::is_in_place);
        let mut held = Vec::new();
        for path in self.files() {
            let known = self.held.iter().position(|it| it.path == path);
            match known.map(|at| self.held.remove(at)) {
                Some(known) => held.push(known),
                None => match Held::try_take(path)? {
                    Ok(taken) => held.extend(taken),
                    Err(busy) => return Ok(Some(busy)),
                },
            }
        }
        self.held = held;
        Ok(None)
    }

    /// The lock files that exist, in cargo's order.
    fn files(&self) -> Vec<Utf8PathBuf> {
        let mut found = Vec::new();
        for directory in &self.directories {
            for path in NAMES.map(|name| directory.join(name)) {
                if path.is_file() && !found.contains(&path) {
                    found.push(path);
                }
            }
        }
        found
    }
}

impl Held {
    /// Takes a lock without waiting; gives nothing where the file is gone, and the path where another
    /// process has the lock.
    fn try_take(path: Utf8PathBuf) -> Result<Result<Option<Self>, Utf8PathBuf>> {
        let Some(file) = open(&path)? else {
            return Ok(Ok(None));
        };
        let is_locked = match file.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => return Ok(Err(path)),
            // As cargo: a file system that knows no locks does without.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => false,
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock {path}"));
            }
        };
        Ok(Ok(Some(Self {
            path,
            file,
            is_locked,
        })))
    }

    /// Takes a lock as soon as it is free; gives nothing where the file is gone.
    fn wait(path: Utf8PathBuf) -> Result<Option<Self>> {
        let Some(file) = open(&path)? else {
            return Ok(None);
        };
        file.lock().with_context(|| format!("cannot lock {path}"))?;
        Ok(Some(Self {
            path,
            file,
            is_locked: true,
        }))
    }

    /// Returns whether the path still names the file that is locked.
    fn is_in_place(&self) -> bool {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            let id = |it: fs::Metadata| (it.dev(), it.ino());
            let there = fs::metadata(&self.path).map(id);
            matches!((there, self.file.metadata().map(id)), (Ok(there), Ok(held)) if there == held)
        }
        #[cfg(not(unix))]
        {
            // Windows removes no file that is open.
            self.path.is_file()
        }
    }
}

/// Opens a lock file, if it is there.
fn open(path: &Utf8Path) -> Result<Option<File>> {
    match File::options().read(true).write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        file => file
            .map(Some)
            .with_context(|| format!("cannot open {path} to lock it")),
    }
}

/// Returns whether a path lies on NFS, where cargo takes no locks: its own test, which it makes on Linux
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

#[cfg(test)]
mod tests;
