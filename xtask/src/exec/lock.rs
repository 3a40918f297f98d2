//! Cargo's locks of a profile directory.
//!
//! Up to 1.95 cargo takes `.cargo-lock` in the target and in the build directory, exclusively. From
//! 1.96 on cargo takes `.cargo-build-lock` in the build directory exclusively, `.cargo-lock` in the
//! target directory shared, and, unless it only checks, `.cargo-artifact-lock` there exclusively.
//! Who holds all of these files exclusively keeps every cargo out.

use std::fs::{self, File, TryLockError};
use std::io;

use anyhow::{Context as _, Result};
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

use crate::repo::build_dir::ProfileDir;

/// The names of the lock files, in the order in which cargo takes them.
const NAMES: [&str; 3] = [".cargo-build-lock", ".cargo-lock", ".cargo-artifact-lock"];

/// Cargo's locks of a profile directory; released when dropped.
pub struct Lock {
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

impl Lock {
    /// Takes every lock of cargo's that exists, exclusively. `None` if another process has one of
    /// them, and `wait` is false.
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
            if let Some(busy) = lock.try_all()? {
                if !wait {
                    return Ok(None);
                }
                // Nothing is held meanwhile: cargo may hold this one and wait for another.
                lock.held.clear();
                lock.held.extend(Held::wait(busy)?);
            }
        }
        lock.keeps_cargo_out = lock.held.iter().any(|it| it.is_locked);
        Ok(Some(lock))
    }

    /// Whether all lock files that exist now are held. Cargo may have created another since they were
    /// taken.
    pub fn is_complete(&self) -> bool {
        let on_nfs = self.held.is_empty() && is_on_nfs(&self.directories[0]);
        let held = self.held.iter().filter(|it| it.is_in_place());
        on_nfs || held.map(|it| &it.path).eq(&self.files())
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

    /// Whether the path still names the file that is locked.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo::build_dir::Layout;
    use crate::testing::{scratch, write};

    fn place(root: &Utf8Path) -> ProfileDir {
        ProfileDir {
            path: root.join("build/debug"),
            build_directory: root.join("build"),
            triple: None,
            directory: "debug".to_owned(),
            layout: Layout::V1,
        }
    }

    #[test]
    fn every_lock_file_is_taken_exclusively() {
        let all = ["build/debug", "target/debug"]
            .map(|directory| NAMES.map(|name| format!("{directory}/{name}")));
        for busy in all.as_flattened() {
            let (_scratch, root) = scratch();
            for file in all.as_flattened() {
                write(&root.join(file), "");
            }
            let other = open(&root.join(busy)).unwrap().unwrap();
            other.lock_shared().unwrap();
            let take = || Lock::take(&place(&root), &root.join("target"), false).unwrap();
            assert!(take().is_none(), "{busy}");
            other.unlock().unwrap();
            let lock = take().unwrap();
            assert!(lock.keeps_cargo_out);
            assert!(other.try_lock_shared().is_err(), "{busy}");
            drop(lock);
            assert!(other.try_lock_shared().is_ok());
        }
    }

    #[test]
    fn a_lock_file_that_appears_or_is_replaced_is_not_held_yet() {
        let (_scratch, root) = scratch();
        let (build, target) = (root.join("build/debug"), root.join("target"));
        write(&build.join(".cargo-lock"), "");
        let mut lock = Lock::take(&place(&root), &target, false).unwrap().unwrap();
        assert!(lock.is_complete());
        write(&build.join(".cargo-build-lock"), "");
        assert!(!lock.is_complete());
        assert_eq!(lock.try_all().unwrap(), None);
        assert!(lock.is_complete());
        fs::remove_file(build.join(".cargo-lock")).unwrap();
        write(&build.join(".cargo-lock"), "");
        assert!(!lock.is_complete(), "another file of that name");
        assert_eq!(lock.try_all().unwrap(), None);
        assert!(lock.is_complete());
    }

    /// Cargo up to 1.95 takes the target directory's lock first, then the build directory's.
    #[test]
    fn while_one_lock_is_waited_for_the_others_are_free() {
        let (_scratch, root) = scratch();
        let first = root.join("build/debug/.cargo-lock");
        let second = root.join("target/debug/.cargo-lock");
        write(&first, "");
        write(&second, "");
        let busy = open(&second).unwrap().unwrap();
        busy.lock().unwrap();
        let taking = std::thread::spawn({
            let root = root.clone();
            move || Lock::take(&place(&root), &root.join("target"), true).unwrap()
        });
        // Blocks for ever if the other thread holds the first lock while it waits.
        std::thread::sleep(std::time::Duration::from_millis(50));
        let other = open(&first).unwrap().unwrap();
        other.lock().unwrap();
        other.unlock().unwrap();
        busy.unlock().unwrap();
        assert!(taking.join().unwrap().unwrap().is_complete());
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
