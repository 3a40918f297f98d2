//! `Cargo.lock` as it was: `cargo metadata` brings a stale one up to date, and a question must not
//! change what it is asked about.

use std::fs::{self, File};
use std::time::SystemTime;

use anyhow::{Context as _, Result};
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

use crate::repo::files;

/// The lock files that a workspace's may be among, with what they held and since when.
pub(super) struct LockFiles(Vec<(Utf8PathBuf, Vec<u8>, SystemTime)>);

impl LockFiles {
    /// Reads those beside and above a directory, among which cargo finds the workspace's root.
    pub(super) fn above(directory: &Utf8Path) -> Self {
        let directory = crate::repo::resolved(directory);
        let read = |above: &Utf8Path| {
            let path = above.join("Cargo.lock");
            let modified = fs::metadata(&path).ok()?.modified().ok()?;
            let text = files::read(&path, files::SETTINGS).ok()?;
            Some((path, text, modified))
        };
        Self(directory.ancestors().filter_map(read).collect())
    }

    /// Makes that of the workspace's root what it was, if cargo wrote it; whether it did.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn restore(&self, root: &Utf8Path) -> Result<bool> {
        let mut is_stale = false;
        let lock = crate::repo::resolved(root).join("Cargo.lock");
        for (path, text, modified) in self.0.iter().filter(|it| it.0 == lock) {
            if files::read(path, files::SETTINGS).is_ok_and(|now| now != *text) {
                is_stale = true;
                fs::write(path, text)
                    .and_then(|()| File::options().write(true).open(path))
                    .and_then(|file| file.set_modified(*modified))
                    .with_context(|| format!("cannot restore {path}"))?;
            }
        }
        Ok(is_stale)
    }
}
