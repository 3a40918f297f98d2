//! Directories that only the user can access: temporary directories, and the kit's directory in the
//! user's cache directory.
//!
//! A directory that another user could have prepared is never used. A temporary directory is
//! created exclusively, with a random name and mode 0700. A directory of the cache must belong to
//! the user and be closed to other users, each time it is used.
//!
//! Cargo reads configuration from every directory above the directory that it runs in, and rustup
//! reads the toolchain file from there. Therefore a private directory lies in a place where cargo
//! and rustup find no file that they would not find in the work tree.

mod aside;
mod place;
mod user_cache;

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::sleep;
use std::time::Duration;
use std::{fs, mem};

use anyhow::{Context as _, Result, bail};
pub use aside::{write_program, write_whole};
use camino::{Utf8Path, Utf8PathBuf};
pub use place::cargo_home;
pub use user_cache::{isolated_user_state, user_state};

/// The prefix of the name of a temporary directory.
pub const PREFIX: &str = "xtask-kit-";

/// A private directory. The directory and its contents are removed when the value is dropped, and
/// when a signal or a panic ends the kit.
#[derive(Debug)]
pub struct TemporaryDir {
    path: Utf8PathBuf,
}

impl TemporaryDir {
    /// Creates a directory outside a work tree, in which cargo may be run; see the [module](self).
    /// The directory lies in the system's directory for temporary files, or, if other users may
    /// write to a directory above that, in the user's cache directory.
    ///
    /// # Errors
    /// Returns an error if no directory outside the work tree can be used.
    pub fn outside(tree: &Utf8Path) -> Result<Self> {
        let mut failures = String::new();
        for parent in place::parents(tree) {
            match Self::inside(&parent) {
                Ok(made) => return Ok(made),
                Err(error) => failures.push_str(&format!("\n{error:#}")),
            }
        }
        bail!(
            "cannot create a temporary directory outside {tree} without a configuration of cargo \
             above it{failures}\nhint: set TMPDIR to a directory of your own outside {tree}"
        )
    }

    /// Creates a directory in a directory that the user named.
    ///
    /// # Errors
    /// Returns an error if the directory cannot be created.
    pub fn inside(parent: &Utf8Path) -> Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX);
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        let mut live = live();
        let made = builder
            .tempdir_in(parent)
            .with_context(|| format!("cannot create a temporary directory in {parent}"))?;
        let path = Utf8PathBuf::from_path_buf(made.keep())
            .map_err(|path| anyhow::anyhow!("{} is not UTF-8", path.display()))?;
        live.insert(path.clone());
        Ok(Self { path })
    }

    /// Returns the path of the directory. The path is canonical if the directory was made
    /// [outside](Self::outside) a tree.
    pub fn path(&self) -> &Utf8Path {
        &self.path
    }
}

impl Drop for TemporaryDir {
    fn drop(&mut self) {
        let mut live = live();
        remove(&self.path);
        live.remove(&self.path);
    }
}

/// Removes every temporary directory and file of the kit. Call this function only just before the
/// kit ends, when no child writes to the directories. No directory is created afterwards: a thread
/// that tries waits for the end.
pub fn remove_all() {
    let live = match LIVE.try_lock() {
        Ok(live) => live,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(TryLockError::WouldBlock) => {
            // Another thread creates or removes a directory, or the thread that panics did so
            // itself.
            sleep(Duration::from_millis(200));
            match LIVE.try_lock() {
                Ok(live) => live,
                Err(_) => return,
            }
        }
    };
    for path in &*live {
        remove(path);
    }
    mem::forget(live);
}

/// Removes a directory or a file. The kit's threads may still be writing to it, so the removal is
/// tried several times.
fn remove(path: &Utf8Path) {
    const TRIES: usize = 20;
    for _ in 0..TRIES {
        let removed = match fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
            Ok(_) => fs::remove_file(path),
            Err(_) => return,
        };
        if removed.is_ok() {
            return;
        }
        sleep(Duration::from_millis(50));
    }
}

/// The temporary directories and files that exist now.
static LIVE: Mutex<BTreeSet<Utf8PathBuf>> = Mutex::new(BTreeSet::new());

fn live() -> MutexGuard<'static, BTreeSet<Utf8PathBuf>> {
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
