//! The kit's caches: below the target directory, or in the user's cache directory before there is a
//! target directory. Every cache can be deleted at any time. A cache that is damaged or of another
//! version of the kit counts as absent.

use std::hash::BuildHasher as _;
use std::{fs, io};

use camino::{Utf8Path, Utf8PathBuf};
use foldhash::quality;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::files;
use crate::paths::hashed;
use crate::private_dir::{self, write_whole};

/// Returns the directory for the caches of a workspace. Returns `None` if there is no target
/// directory yet and no private directory in the user's cache directory.
pub fn directory(target_directory: &Utf8Path, root: &Utf8Path) -> Option<Utf8PathBuf> {
    match target_directory.is_dir() {
        true => Some(in_target(target_directory)),
        false => private_dir::user_state(root),
    }
}

/// Returns the kit's own directory in a target directory, for data that belongs to builds. The
/// directory is `xtask`. If the target directory also holds sources (as with `target-dir = "."`),
/// the directory is `.xtask-kit`, because `xtask` then belongs to the user.
pub fn in_target(target_directory: &Utf8Path) -> Utf8PathBuf {
    let own = target_directory.join("xtask");
    let has = |directory: &Utf8Path, names: &[&str]| {
        let mut paths = names.iter().map(|name| directory.join(name));
        paths.any(|path| path.symlink_metadata().is_ok())
    };
    let is_of_sources = has(target_directory, &["Cargo.toml", ".git"])
        || has(&own, &["Cargo.toml", "src", ".git"])
        || own.is_symlink();
    match is_of_sources {
        true => target_directory.join(HIDDEN),
        false => own,
    }
}

/// The name of the kit's own directory in a target directory that also holds sources.
const HIDDEN: &str = ".xtask-kit";

/// Creates a directory inside the kit's own directory, and the directories above it. If the kit's
/// own directory lies among sources, a `.gitignore` file makes git ignore it.
///
/// # Errors
/// Returns an error if a directory or the `.gitignore` file cannot be written.
pub fn create(directory: &Utf8Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    let hidden = directory
        .ancestors()
        .find(|it| it.file_name() == Some(HIDDEN));
    if let Some(ignore) = hidden.map(|it| it.join(".gitignore"))
        && !ignore.exists()
    {
        fs::write(ignore, "*\n")?;
    }
    Ok(())
}

/// Returns the cache file of one workspace in the kit's own directory. The name contains a hash of
/// the root, because several workspaces and checkouts may share one target directory.
pub fn of_workspace(directory: &Utf8Path, name: &str, root: &Utf8Path) -> Utf8PathBuf {
    directory.join(format!("{name}-{:016x}", hashed(root)))
}

/// Reads a cached value. Returns `None` if the file is damaged or was written under another name.
pub fn read<T: DeserializeOwned>(file: &Utf8Path) -> Option<T> {
    postcard::from_bytes(&read_body(file)?).ok()
}

/// Reads numbers that [`write_numbers`] wrote. Numbers are read with less work than other values.
pub fn read_numbers(file: &Utf8Path) -> Option<Vec<u64>> {
    let body = read_body(file)?;
    let (words, rest) = body.as_chunks();
    let numbers = words.iter().map(|it| u64::from_le_bytes(*it));
    rest.is_empty().then(|| numbers.collect())
}

/// Reads the content of a cache file, without header and checksum.
fn read_body(file: &Utf8Path) -> Option<Vec<u8>> {
    // A file that is not the kit's is not read as a whole.
    let start = files::read_start(file, HEADER.len() as u64).ok()?;
    if start != HEADER.as_bytes() {
        return None;
    }
    let mut bytes = files::read(file, files::STATE).ok()?;
    let (sum, body) = bytes
        .strip_prefix(HEADER.as_bytes())?
        .split_first_chunk::<SUM>()?;
    let is_whole = *sum == checksum(file, body);
    is_whole.then(|| bytes.split_off(HEADER.len() + SUM))
}

/// Writes a value atomically. If the value cannot be written, it is not cached, and the next answer
/// takes longer.
pub fn write(file: &Utf8Path, value: &impl Serialize) {
    if let Ok(body) = postcard::to_allocvec(value) {
        write_body(file, &body);
    }
}

/// Writes numbers like [`write`].
pub fn write_numbers(file: &Utf8Path, numbers: &[u64]) {
    let bytes = numbers.iter().flat_map(|it| it.to_le_bytes());
    write_body(file, &bytes.collect::<Vec<u8>>());
}

fn write_body(file: &Utf8Path, body: &[u8]) {
    let bytes = [HEADER.as_bytes(), &checksum(file, body), body].concat();
    let made = file.parent().is_none_or(|parent| {
        // Cargo writes its tag into a target directory only if cargo creates the directory, so the
        // kit does not create it.
        let has_place = || parent.parent().is_some_and(Utf8Path::is_dir);
        parent.is_dir() || has_place() && create(parent).is_ok()
    });
    if made {
        drop(write_whole(file, bytes));
    }
}

/// The header of a cache file. It changes with every version of the kit.
const HEADER: &str = concat!("xtask-kit ", env!("CARGO_PKG_VERSION"), " 24\n");

/// The length of a checksum.
const SUM: usize = size_of::<u64>();

/// Returns the checksum of a cache file. The checksum covers the file's name, so that the content
/// of another file is not accepted. It shows damage, and is computed with few instructions.
fn checksum(file: &Utf8Path, body: &[u8]) -> [u8; SUM] {
    let checksum = quality::FixedState::default().hash_one((file.file_name(), body));
    checksum.to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_of_the_users_is_not_the_kits() {
        for (file, expected) in [
            ("CACHEDIR.TAG", "xtask"),
            ("xtask/records-0", "xtask"),
            ("Cargo.toml", ".xtask-kit"),
            (".git", ".xtask-kit"),
            ("xtask/Cargo.toml", ".xtask-kit"),
            ("xtask/src/main.rs", ".xtask-kit"),
        ] {
            let (_directory, top) = crate::testing::scratch();
            crate::testing::write(&top.join(file), "");
            let own = in_target(&top);
            assert_eq!(own, top.join(expected), "{file}");
            super::write(&own.join("kept"), &1);
            assert_eq!(super::read(&own.join("kept")), Some(1));
            let ignore = fs::read_to_string(own.join(".gitignore")).unwrap_or_default();
            assert_eq!(ignore == "*\n", expected == ".xtask-kit", "{file}");
        }
    }

    #[test]
    fn a_damaged_cache_file_is_not_read() {
        let (_directory, top) = crate::testing::scratch();
        let file = of_workspace(&top, "sources", &top);
        let value = vec![("crates/a".to_owned(), 7_u32), ("crates/b".to_owned(), 9)];
        write(&file, &value);
        let read = || read::<Vec<(String, u32)>>(&file);
        assert_eq!(read(), Some(value.clone()));
        let names: Vec<_> = top.read_dir_utf8().unwrap().map(|it| it.unwrap()).collect();
        assert_eq!(names.len(), 1, "nothing is left next to the file");

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

        write_numbers(&file, &[0, 7, u64::MAX]);
        assert_eq!(read_numbers(&file), Some(vec![0, 7, u64::MAX]));
        write(&file, &"abc");
        assert_eq!(read_numbers(&file), None, "not a multiple of eight bytes");

        let other = of_workspace(&top, "records", &top);
        write(&other, &value);
        fs::rename(&other, &file).unwrap();
        assert_eq!(read(), None, "the content of another file");
    }
}
