//! Directories that belong to the user alone: temporary ones, and the kit's own in the user's cache
//! directory.
//!
//! A directory that another user could have prepared is never used: a temporary directory is
//! created exclusively, with a random name and mode 0700; a directory of the cache must belong to
//! the user and be closed to others, each time it is used.
//!
//! Cargo gathers configuration from every directory above the one that it runs in, rustup the
//! toolchain file. A private directory therefore lies where neither finds a file that the work
//! tree's own cargo would not find.

mod aside;
mod place;
mod user_cache;

use std::collections::BTreeSet;
use std::fs;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

pub use aside::{write_program, write_whole};
pub use user_cache::{kept_apart, kept_outside};

/// The beginning of the name of a temporary directory.
pub const PREFIX: &str = "xtask-kit-";

/// A private directory that is removed with all that it holds: when it is dropped, and when a
/// signal or a panic ends the kit.
#[derive(Debug)]
pub struct TemporaryDir {
    path: Utf8PathBuf,
}

impl TemporaryDir {
    /// Creates a directory outside a work tree, in which cargo may be run: see the
    /// [module](self). It lies in the directory for temporary files, or in the user's cache
    /// directory where others may write above the former.
    ///
    /// # Errors
    /// Where no directory outside the work tree can be used.
    pub fn outside(tree: &Utf8Path) -> Result<Self> {
        let mut failures = String::new();
        for parent in place::parents(tree) {
            match Self::inside(&parent) {
                Ok(made) => return Ok(made),
                Err(error) => failures.push_str(&format!("\n{error:#}")),
            }
        }
        bail!(
            "cannot create a temporary directory outside {tree}, apart from other configuration \
             of cargo{failures}\nhint: set TMPDIR to a directory of your own outside {tree}"
        )
    }

    /// Creates a directory in one that the user named.
    ///
    /// # Errors
    /// Where it cannot be created.
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

    /// The directory, without symbolic links where it was made [outside](Self::outside) a tree.
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

/// Removes every temporary directory and file of the kit, which is about to end: none is created
/// after that, whoever tries waits for the end. To be called when no child writes there any more.
pub fn remove_all() {
    let live = match LIVE.try_lock() {
        Ok(live) => live,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(TryLockError::WouldBlock) => {
            // Another thread creates or removes one. The thread that panics may be that thread.
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

/// Removes a directory or a file, in which the kit's threads may be writing still.
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

/// The temporary directories and files that are there now.
static LIVE: Mutex<BTreeSet<Utf8PathBuf>> = Mutex::new(BTreeSet::new());

fn live() -> MutexGuard<'static, BTreeSet<Utf8PathBuf>> {
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
