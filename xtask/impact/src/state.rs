//! The kit's caches: below the target directory, or in the user's cache directory before there is a
//! target directory. Every cache can be deleted at any time. A cache that is damaged or of another
//! version of the kit counts as absent.

use std::fs;

use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::files;
use crate::paths::hashed;
use crate::private_dir::{self, write_whole};

/// Returns the directory for the caches of a workspace. Returns `None` if there is no target
/// directory yet and no private directory in the user's cache directory.
pub fn directory(target_directory: &Utf8Path, root: &Utf8Path) -> Option<Utf8PathBuf> {
    match target_directory.is_dir() {
        true => Some(in_target(target_directory)),
        false => private_dir::kept_outside(root),
    }
}

/// Returns the kit's own directory in a target directory, for data that belongs to builds.
pub fn in_target(target_directory: &Utf8Path) -> Utf8PathBuf {
    target_directory.join("xtask")
}

/// Returns the cache file of one workspace in the kit's own directory. The name has a hash of the
/// root, since several workspaces and checkouts may share one target directory.
pub fn of_workspace(directory: &Utf8Path, name: &str, root: &Utf8Path) -> Utf8PathBuf {
    directory.join(format!("{name}-{:016x}", hashed(root)))
}

/// Reads a cached value. Returns `None` if the file is damaged or was written under another name.
pub fn read<T: DeserializeOwned>(file: &Utf8Path) -> Option<T> {
    // A file that is not the kit's is not read as a whole.
    let start = files::read_start(file, HEADER.len() as u64).ok()?;
    if start != HEADER.as_bytes() {
        return None;
    }
    let bytes = files::read(file, files::KEPT).ok()?;
    let (sum, body) = bytes
        .strip_prefix(HEADER.as_bytes())?
        .split_first_chunk::<SUM>()?;
    let is_whole = *sum == checksum(file, body);
    is_whole.then(|| postcard::from_bytes(body).ok())?
}

/// Writes a value atomically. If the value cannot be written, it is not cached, and the next answer
/// takes longer.
pub fn write(file: &Utf8Path, value: &impl Serialize) {
    let Ok(body) = postcard::to_allocvec(value) else {
        return;
    };
    let bytes = [HEADER.as_bytes(), &checksum(file, &body), &body].concat();
    let made = file.parent().is_none_or(|parent| {
        // Cargo writes its tag into a target directory only if cargo creates the directory, so the
        // kit does not create it.
        parent.is_dir() || fs::create_dir(parent).is_ok()
    });
    if made {
        drop(write_whole(file, bytes));
    }
}

/// The header of a cache file. It changes with every version of the kit.
const HEADER: &str = concat!("xtask-kit ", env!("CARGO_PKG_VERSION"), " 12\n");

/// The length of a checksum.
const SUM: usize = size_of::<u64>();

/// Returns the checksum of a cache file. The checksum covers the file's name, so that the content
/// of another file is not accepted.
fn checksum(file: &Utf8Path, body: &[u8]) -> [u8; SUM] {
    hashed((file.file_name(), body)).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_cache_file_is_not_read() {
        let (_directory, top) = crate::testing::scratch();
        let file = of_workspace(&top, "sources", &top);
        let value = vec![("crates/a".to_owned(), 7_u32), ("crates/b".to_owned(), 9)];
        write(&file, &value);
        let read = || read::<Vec<(String, u32)>>(&file);
        assert_eq!(read(), Some(value.clone()));
        let names: Vec<_> = top.read_dir_utf8().unwrap().map(|it| it.unwrap()).collect();
        assert_eq!(names.len(), 1, "nothing is left beside the file");

        let whole = fs::read(&file).unwrap();
        for bit in 0..whole.len() * 8 {
            let mut damaged = whole.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            fs::write(&file, damaged).unwrap();
            assert_eq!(read(), None, "bit {bit}");
        }
        for length in 0..whole.len() {
            fs::write(&file, &whole[..length]).unwrap();
            assert_eq!(read(), None, "cut to {length} bytes");
        }
        fs::write(&file, [&*whole, b"\0"].concat()).unwrap();
        assert_eq!(read(), None, "a byte too many");

        // Only the beginning of a file that is not the kit's is read, so its length does not
        // matter.
        fs::write(&file, [&[0], &whole[1..]].concat()).unwrap();
        fs::File::options()
            .write(true)
            .open(&file)
            .and_then(|it| it.set_len(1 << 40))
            .unwrap();
        assert_eq!(read(), None, "a sparse file");

        let other = of_workspace(&top, "records", &top);
        write(&other, &value);
        fs::rename(&other, &file).unwrap();
        assert_eq!(read(), None, "the content of another file");
    }
}
