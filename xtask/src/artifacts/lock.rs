//! Cargo's locks of a profile directory.
//!
//! Up to 1.95, cargo takes `.cargo-lock` in the target directory and in the build directory,
//! exclusively. From 1.96 on, cargo takes `.cargo-build-lock` in the build directory exclusively,
//! `.cargo-lock` in the target directory shared, and, unless cargo only checks,
//! `.cargo-artifact-lock` in the target directory exclusively.
//!
//! A process that holds all of these files exclusively keeps every cargo out. A build directory
//! that is not the target directory lacks the lock file of a cargo version that has not built there
//! yet, so the kit creates that file.

use std::fs::{self, File, TryLockError};
use std::io;

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::build_dir::ProfileDir;

use crate::cli::output;
use crate::cli::write_error::cannot;

/// The names of the lock files, in the order in which cargo takes them.
const NAMES: [&str; 3] = [".cargo-build-lock", ".cargo-lock", ".cargo-artifact-lock"];

/// The lock files in a build directory that is not the target directory. Every cargo takes one of
/// them: up to 1.95 the first, from 1.96 on the second. If the build directory is the target
/// directory, every cargo takes the first.
const EVERY_CARGOS: [&str; 2] = [".cargo-lock", ".cargo-build-lock"];

/// Cargo's locks of a profile directory. Dropping the value releases the locks.
pub struct BuildLocks {
    /// The profile's directory in the build directory, then the one in the target directory.
    directories: [Utf8PathBuf; 2],
    held: Vec<Held>,
    /// True if cargo takes locks in this directory, too, so that the held locks keep cargo out.
    pub keeps_cargo_out: bool,
}

/// An open lock file. The file is locked exclusively, unless the file system does not support
/// locks.
struct Held {
    path: Utf8PathBuf,
    file: File,
    is_locked: bool,
}

impl BuildLocks {
    /// Takes the locks, waits for a running build if needed, and calls `plan` while the locks are
    /// held. Calls `plan` again if cargo created another lock file in the meantime.
    ///
    /// # Errors
    /// Returns an error if a lock cannot be taken or if `plan` fails.
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

    /// Takes all of cargo's locks exclusively, and creates the lock files that a cargo of another
    /// version would create. Returns `None` if another process holds one of the locks and `wait` is
    /// false.
    ///
    /// # Errors
    /// Returns an error if a lock cannot be taken.
    pub fn take(place: &ProfileDir, target: &Utf8Path, wait: bool) -> Result<Option<Self>> {
        let mut lock = Self {
            directories: [place.path.clone(), place.outputs(target)],
            held: Vec::new(),
            keeps_cargo_out: false,
        };
        // Cargo takes no locks on NFS, since a lock there may block for ever.
        if is_on_nfs(&place.path) {
            return Ok(Some(lock));
        }
        while !lock.is_complete() {
            lock.create_missing()?;
            if let Some(busy) = lock.try_all()? {
                if !wait {
                    return Ok(None);
                }
                // No lock is held during the wait: cargo may hold the busy lock and wait for
                // another lock.
                lock.held.clear();
                lock.held.extend(Held::wait(busy)?);
            }
        }
        let [build, _] = &lock.directories;
        let in_build = |it: &Held| it.path.parent() == Some(build);
        lock.keeps_cargo_out = lock.held.iter().any(|it| it.is_locked && in_build(it));
        Ok(Some(lock))
    }

    /// Returns true if all lock files that exist now are held. Cargo may have created another lock
    /// file since the locks were taken.
    pub fn is_complete(&self) -> bool {
        if self.held.is_empty() && is_on_nfs(&self.directories[0]) {
            return true;
        }
        let held = self.held.iter().filter(|it| it.is_in_place());
        held.map(|it| &it.path).eq(&self.files()) && self.missing().is_empty()
    }

    /// Returns true if the locks belong to this profile directory, in any layout.
    pub fn is_of(&self, place: &ProfileDir) -> bool {
        self.directories[0] == place.path
    }

    /// Returns the lock files that a cargo of another version would create in the build directory.
    /// Returns none if no cargo has created a lock file there.
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
                // The directory was removed in the meantime, or cargo created the file.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_file() => {}
                created => {
                    created.map_err(|error| cannot("create the lock file", &path, error))?;
                }
            }
        }
        Ok(())
    }

    /// Takes the locks that are not held yet, without waiting. Returns the first lock file that
    /// another process holds, if there is any.
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

    /// Returns the lock files that exist, in cargo's order.
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
    /// Takes a lock without waiting. Returns `Ok(None)` if the file is gone, and `Err` with the
    /// path if another process holds the lock.
    fn try_take(path: Utf8PathBuf) -> Result<Result<Option<Self>, Utf8PathBuf>> {
        let Some(file) = open(&path)? else {
            return Ok(Ok(None));
        };
        let is_locked = match file.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => return Ok(Err(path)),
            // Cargo also runs without a lock on a file system that does not support locks.
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

    /// Waits for a lock and takes it. Returns `None` if the file is gone.
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

    /// Returns true if the path still names the locked file.
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
            // Windows does not remove an open file.
            self.path.is_file()
        }
    }
}

/// Opens a lock file. Returns `None` if the file does not exist.
fn open(path: &Utf8Path) -> Result<Option<File>> {
    match File::options().read(true).write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        file => file
            .map(Some)
            .map_err(|error| cannot("open the lock file", path, error)),
    }
}

/// Returns true if a path lies on NFS, where cargo takes no locks. The test is cargo's own, which
/// cargo makes on Linux only.
fn is_on_nfs(path: &Utf8Path) -> bool {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    path.canonicalize_utf8()
        .is_ok_and(|path| file_system(&mounts, &path).is_some_and(|it| it.starts_with("nfs")))
}

/// Returns the type of the file system that a path lies on. `mounts` is the list of mounts of
/// `proc(5)`. The longest mount point above the path wins; of two equal mount points, the later one
/// covers the earlier one.
fn file_system<'a>(mounts: &'a str, path: &Utf8Path) -> Option<&'a str> {
    let mounts = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let point = unescaped(fields.next()?);
        path.starts_with(&point)
            .then_some((point.len(), fields.next()?))
    });
    let nearest = mounts.max_by_key(|(length, _)| *length);
    nearest.map(|(_, file_system)| file_system)
}

/// Returns a mount point from the list of mounts, in which the system writes spaces, tabs, line
/// breaks and backslashes as octal numbers.
fn unescaped(field: &str) -> String {
    let mut parts = field.split('\\');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (character, rest) = match part.get(..3) {
            Some("011") => ('\t', &part[3..]),
            Some("012") => ('\n', &part[3..]),
            Some("040") => (' ', &part[3..]),
            Some("134") => ('\\', &part[3..]),
            _ => ('\\', part),
        };
        text.push(character);
        text.push_str(rest);
    }
    text
}

#[cfg(test)]
mod tests;
