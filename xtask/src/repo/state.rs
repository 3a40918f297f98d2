//! What the kit keeps for the next time, below the target directory. It can be thrown away at any
//! time: what is damaged, or of another version of the kit, is as good as absent.

use std::fs;

use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::hashed;
use crate::private_dir::write_whole;

/// The kit's own directory in a target directory.
pub fn directory(target_directory: &Utf8Path) -> Utf8PathBuf {
    target_directory.join("xtask")
}

/// The file in the kit's own directory in which something of one workspace is kept: others, and
/// other checkouts, may have the same target directory.
pub fn of_workspace(directory: &Utf8Path, name: &str, root: &Utf8Path) -> Utf8PathBuf {
    directory.join(format!("{name}-{:016x}", hashed(root)))
}

/// What is kept in a file, if it is whole.
pub fn read<T: DeserializeOwned>(file: &Utf8Path) -> Option<T> {
    let bytes = fs::read(file).ok()?;
    let body = bytes.strip_prefix(HEADER.as_bytes())?;
    postcard::from_bytes(body).ok()
}

/// Keeps a value, put in place whole. Where that cannot be done, nothing is kept, and the next
/// answer takes longer.
pub fn write(file: &Utf8Path, value: &impl Serialize) {
    let Ok(body) = postcard::to_allocvec(value) else {
        return;
    };
    let bytes = [HEADER.as_bytes(), &body].concat();
    let made = file.parent().is_none_or(|parent| {
        // Cargo tags a target directory only where it creates it, so that is left to cargo.
        parent.is_dir() || fs::create_dir(parent).is_ok()
    });
    if made {
        drop(write_whole(file, bytes));
    }
}

/// The version of what is kept: it changes with every version of the kit.
const HEADER: &str = concat!("xtask-kit ", env!("CARGO_PKG_VERSION"), " 9\n");
