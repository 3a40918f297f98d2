//! Bounded reads of files whose names were found somewhere: in sources, records, manifests.
//!
//! Architecture invariant: outside of this module nothing opens a file for reading by its name.
//! A name may belong to a pipe, a device, or a file that grows without end. Only regular files are
//! read, without waiting, and up to a limit.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

/// The largest number of bytes that is read of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(pub u64);

/// Manifests, lock files, configuration, hooks, workflows. The lock file of a workspace with 10,000
/// packages has about 3 MiB.
pub const SETTINGS: Limit = Limit(16 << 20);

/// Rust sources. The largest generated bindings on crates.io have about 20 MiB.
pub const SOURCE: Limit = Limit(64 << 20);

/// What cargo and rustc record of a build: fingerprints, dep-info, output of build scripts.
/// A build script may print a lot.
pub const RECORD: Limit = Limit(128 << 20);

/// Metadata of libraries, what the kit keeps itself, and logs that the user hands over: some
/// kilobytes for each package or unit.
pub const LARGE: Limit = Limit(1 << 30);

/// Returns the content of a regular file.
///
/// # Errors
/// When there is no such file, it is not a regular one, it is larger than the limit, or it cannot
/// be read.
pub fn read(path: impl AsRef<Path>, limit: Limit) -> io::Result<Vec<u8>> {
    let (file, length) = open(path.as_ref())?;
    if length > limit.0 {
        return Err(too_large(limit));
    }
    let mut content = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    // The file may grow meanwhile, and those below `/proc` have no length.
    file.take(limit.0 + 1).read_to_end(&mut content)?;
    match content.len() as u64 > limit.0 {
        true => Err(too_large(limit)),
        false => Ok(content),
    }
}

/// Returns the text of a regular file.
///
/// # Errors
/// As [`read`], and when the content is not UTF-8.
pub fn read_text(path: impl AsRef<Path>, limit: Limit) -> io::Result<String> {
    let content = read(path, limit)?;
    String::from_utf8(content).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
}

/// Returns at most so many bytes from the start of a regular file.
///
/// # Errors
/// As [`read`]; a longer file is no error.
pub fn read_start(path: impl AsRef<Path>, length: u64) -> io::Result<Vec<u8>> {
    let (file, _) = open(path.as_ref())?;
    let mut content = Vec::new();
    file.take(length).read_to_end(&mut content)?;
    Ok(content)
}

/// Opens a regular file, and returns its length.
///
/// # Errors
/// When there is no such file, it is not a regular one, or it cannot be opened.
pub fn open(path: &Path) -> io::Result<(File, u64)> {
    // Opening a device may do something by itself, so the name is looked at first.
    regular(&fs::metadata(path)?)?;
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        // The name may have become that of a pipe meanwhile, which would wait for a writer.
        options.custom_flags(nix::libc::O_NONBLOCK | nix::libc::O_NOCTTY);
    }
    let file = options.open(path)?;
    let length = regular(&file.metadata()?)?;
    Ok((file, length))
}

/// Returns the length of a regular file.
fn regular(metadata: &fs::Metadata) -> io::Result<u64> {
    match (metadata.is_file(), metadata.is_dir()) {
        (true, _) => Ok(metadata.len()),
        (_, true) => Err(ErrorKind::IsADirectory.into()),
        _ => Err(io::Error::new(
            ErrorKind::InvalidInput,
            "not a regular file",
        )),
    }
}

fn too_large(Limit(bytes): Limit) -> io::Error {
    let text = format!("larger than {} MiB", bytes >> 20);
    io::Error::new(ErrorKind::FileTooLarge, text)
}

/// The files that were not read although an answer may depend on them, with the reason.
static SKIPPED: Mutex<BTreeMap<Utf8PathBuf, String>> = Mutex::new(BTreeMap::new());

/// Notes that a file was skipped, for [`take_skipped`].
pub fn note_skipped(path: &Utf8Path, reason: impl ToString) {
    let mut skipped = SKIPPED.lock().unwrap_or_else(PoisonError::into_inner);
    skipped.insert(path.to_owned(), reason.to_string());
}

/// Returns the files that were skipped since the last call, each with the reason.
pub fn take_skipped() -> BTreeMap<Utf8PathBuf, String> {
    std::mem::take(&mut *SKIPPED.lock().unwrap_or_else(PoisonError::into_inner))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kind of the error, where there is one.
    fn kind(path: &Utf8Path) -> Result<usize, ErrorKind> {
        let content = read(path, Limit(8)).map_err(|error| error.kind())?;
        Ok(content.len())
    }

    #[test]
    fn only_regular_files_up_to_the_limit_are_read() {
        let (_directory, top) = crate::testing::scratch();
        for (name, length, expected) in [
            ("empty", 0, Ok(0)),
            ("full", 8, Ok(8)),
            ("over", 9, Err(ErrorKind::FileTooLarge)),
        ] {
            fs::write(top.join(name), "x".repeat(length)).unwrap();
            assert_eq!(kind(&top.join(name)), expected, "{name}");
        }
        let sparse = File::create(top.join("sparse")).unwrap();
        sparse.set_len(1 << 40).unwrap();
        assert_eq!(kind(&top.join("sparse")), Err(ErrorKind::FileTooLarge));
        assert_eq!(read_start(top.join("sparse"), 4).unwrap(), [0; 4]);
        assert_eq!(kind(&top), Err(ErrorKind::IsADirectory));
        assert_eq!(kind(&top.join("gone")), Err(ErrorKind::NotFound));
    }

    #[test]
    #[cfg(unix)]
    #[expect(
        clippy::disallowed_methods,
        reason = "the standard library makes no pipes"
    )]
    fn pipes_sockets_and_devices_are_not_opened() {
        use std::os::unix::fs::symlink;
        let (_directory, top) = crate::testing::scratch();
        let made = std::process::Command::new("mkfifo")
            .arg(top.join("pipe"))
            .status();
        assert!(made.unwrap().success());
        let _socket = std::os::unix::net::UnixListener::bind(top.join("socket")).unwrap();
        symlink("pipe", top.join("to-pipe")).unwrap();
        symlink("/dev/zero", top.join("to-zero")).unwrap();
        for name in [
            "pipe",
            "socket",
            "to-pipe",
            "to-zero",
            "/dev/zero",
            "/dev/null",
        ] {
            assert_eq!(
                kind(&top.join(name)),
                Err(ErrorKind::InvalidInput),
                "{name}"
            );
        }
        symlink("loop", top.join("loop")).unwrap();
        assert!(kind(&top.join("loop")).is_err());
        fs::write(top.join("file"), "text").unwrap();
        symlink("file", top.join("to-file")).unwrap();
        assert_eq!(kind(&top.join("to-file")), Ok(4));
    }
}
