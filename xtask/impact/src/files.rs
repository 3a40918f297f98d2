//! Bounded reads of files whose names were found in sources, records or manifests.
//!
//! Architecture invariant: no other module opens a file for reading by its name. The name may
//! belong to a pipe, a device, or a file that grows without end. Only regular files are read,
//! without waiting, and up to a limit.

mod free_space;
mod stamp;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, FileTimes, OpenOptions};
use std::io::{self, ErrorKind, Read as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};

pub use free_space::free_space;
pub use stamp::{COARSEST_CLOCK, FileStamp, nanoseconds, time_of};

use crate::{observed, quote, usage};

/// The maximum number of bytes that is read of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(pub u64);

/// The limit for manifests, lock files, configuration, hooks and workflows. The lock file of a
/// workspace with 10,000 packages has about 3 MiB.
pub const SETTINGS: Limit = Limit(16 << 20);

/// The limit for Rust sources. A source of 8 MiB has some 200,000 lines, and takes seconds and 150
/// MiB to parse.
pub const SOURCE: Limit = Limit(8 << 20);

/// The limit for records of cargo and rustc: fingerprints, dep-info, output of build scripts. A
/// build script may print a lot.
pub const RECORD: Limit = Limit(128 << 20);

/// The limit for the kit's own caches, which take some kilobytes for each package or unit.
pub const STATE: Limit = Limit(256 << 20);

/// The limit for files that the user names: logs and reports of builds and tests.
pub const NAMED: Limit = Limit(256 << 20);

/// The limit for metadata of libraries, and for files that tools wrote into the target directory.
pub const LARGE: Limit = Limit(1 << 30);

/// Returns the content of a regular file.
///
/// # Errors
/// Returns an error if the file does not exist, is not a regular file, is larger than the limit, or
/// cannot be read.
pub fn read(path: impl AsRef<Path>, limit: Limit) -> io::Result<Vec<u8>> {
    let (file, length) = open(path.as_ref())?;
    if length > limit.0 {
        return Err(too_large(limit));
    }
    let mut content = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    // The file may grow in the meantime, and files below `/proc` have no length.
    file.take(limit.0 + 1).read_to_end(&mut content)?;
    match content.len() as u64 > limit.0 {
        true => Err(too_large(limit)),
        false => Ok(content),
    }
}

/// Returns the text of a regular file.
///
/// # Errors
/// Returns the errors of [`read`], and an error if the content is not UTF-8.
pub fn read_text(path: impl AsRef<Path>, limit: Limit) -> io::Result<String> {
    let content = read(path, limit)?;
    String::from_utf8(content).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
}

/// Returns at most `length` bytes from the start of a regular file.
///
/// # Errors
/// Returns the errors of [`read`]. A longer file is no error.
pub fn read_start(path: impl AsRef<Path>, length: u64) -> io::Result<Vec<u8>> {
    let (file, _) = open(path.as_ref())?;
    let mut content = Vec::new();
    file.take(length).read_to_end(&mut content)?;
    Ok(content)
}

/// Returns the content of a file that the user named. The file may be a pipe.
///
/// # Errors
/// Returns an error for wrong use if the file cannot be read or is larger than [`NAMED`].
pub fn read_named(path: &Utf8Path) -> Result<Vec<u8>> {
    let file = File::open(path).map_err(|error| cannot_read(path, &error))?;
    read_stream(file, path.as_str())
}

/// Returns the content of a stream that the user passed. `name` is the stream's name in messages.
///
/// # Errors
/// Returns an error for wrong use if the stream cannot be read or holds more than [`NAMED`].
pub fn read_stream(stream: impl io::Read, name: &str) -> Result<Vec<u8>> {
    read_stream_up_to(NAMED, stream, name)
}

fn read_stream_up_to(limit: Limit, stream: impl io::Read, name: &str) -> Result<Vec<u8>> {
    let mut content = Vec::new();
    let length = stream.take(limit.0 + 1).read_to_end(&mut content);
    let length = length.map_err(|error| cannot_read(Utf8Path::new(name), &error))?;
    match length as u64 > limit.0 {
        true => Err(usage!(
            "cannot read {}: {}\nhint: name the log or report of a single build",
            quote::name(name),
            too_large(limit)
        )),
        false => Ok(content),
    }
}

fn cannot_read(path: &Utf8Path, error: &io::Error) -> anyhow::Error {
    usage!("cannot read {}: {error}", quote::name(path))
}

/// Opens a regular file, and returns the file and its length.
///
/// # Errors
/// Returns an error if the file does not exist, is not a regular file, or cannot be opened.
pub fn open(path: &Path) -> io::Result<(File, u64)> {
    if let Some(path) = Utf8Path::from_path(path) {
        observed::note(path);
    }
    let (file, metadata) = open_known(path, &fs::metadata(path)?)?;
    Ok((file, metadata.len()))
}

/// Opens a regular file whose metadata were read before. Returns the file and the metadata of the
/// open file.
///
/// # Errors
/// Returns the errors of [`open`].
pub fn open_known(path: &Path, before: &fs::Metadata) -> io::Result<(File, fs::Metadata)> {
    // Opening a device may have side effects, so the file's type is checked first.
    regular(before)?;
    let file = open_unnoticed(path)?;
    let metadata = file.metadata()?;
    regular(&metadata)?;
    Ok((file, metadata))
}

/// Opens a file so that reading it does not change its access time, if the system allows that. The
/// access times in a build directory show which artifacts cargo used last.
fn open_unnoticed(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        // The name may have become the name of a pipe in the meantime; opening a pipe waits for a
        // writer.
        let flags = nix::libc::O_NONBLOCK | nix::libc::O_NOCTTY;
        #[cfg(target_os = "linux")]
        {
            options.custom_flags(flags | nix::libc::O_NOATIME);
            match options.open(path) {
                // Only the owner of a file may leave its access time as it is.
                Err(error) if error.kind() == ErrorKind::PermissionDenied => {}
                opened => return opened,
            }
        }
        options.custom_flags(flags);
    }
    options.open(path)
}

/// Returns true if the file system of a directory keeps access times: if reading a file there, as
/// another program would, changes the file's access time. The test needs a file of its own, which
/// it removes. On a full disk the file is empty.
///
/// # Errors
/// Returns an error if no file can be written in the directory.
pub fn keeps_access_times(directory: &Utf8Path) -> io::Result<bool> {
    let mut probe = tempfile::NamedTempFile::new_in(directory)?;
    let _ = io::Write::write_all(&mut probe, b"probe");
    let modified = probe.as_file().metadata()?.modified()?;
    // With `relatime`, a read changes an access time that is not newer than the modification time.
    let earlier = modified - Duration::from_secs(1);
    let times = FileTimes::new().set_accessed(earlier);
    probe.as_file().set_times(times)?;
    let mut content = Vec::new();
    File::open(probe.path())?.read_to_end(&mut content)?;
    Ok(probe.path().metadata()?.accessed()? > earlier)
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

/// The number of bytes that may be read of large files. Smaller files are read without a budget.
#[derive(Debug)]
pub struct ReadBudget {
    large: u64,
    left: u64,
    spent_on: BTreeSet<Utf8PathBuf>,
}

impl ReadBudget {
    /// Returns a budget of `left` bytes for files that are larger than `large` bytes.
    pub const fn new(large: u64, left: u64) -> Self {
        Self {
            large,
            left,
            spent_on: BTreeSet::new(),
        }
    }

    /// Returns true if a file of this length may be kept in memory. A file is counted once.
    pub fn allows(&mut self, path: &Utf8Path, length: u64) -> bool {
        if length <= self.large || self.spent_on.contains(path) {
            return true;
        }
        let Some(left) = self.left.checked_sub(length) else {
            return false;
        };
        self.left = left;
        self.spent_on.insert(path.to_owned())
    }
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

    /// Returns the length of the content, or the kind of the error.
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
    #[cfg(target_os = "linux")]
    fn reading_leaves_the_access_time_as_it_is() {
        let (_directory, top) = crate::testing::scratch();
        if !keeps_access_times(&top).unwrap() {
            return;
        }
        let path = top.join("file");
        fs::write(&path, "text").unwrap();
        let long_ago = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let file = File::options().write(true).open(&path).unwrap();
        file.set_times(FileTimes::new().set_accessed(long_ago))
            .unwrap();
        let accessed = || path.metadata().unwrap().accessed().unwrap();
        read(&path, Limit(8)).unwrap();
        read_start(&path, 2).unwrap();
        assert_eq!(accessed(), long_ago);
        fs::read(&path).unwrap();
        assert!(accessed() > long_ago);
        assert_eq!(fs::read_dir(&top).unwrap().count(), 1);
    }

    #[test]
    fn a_stream_is_read_up_to_the_limit() {
        let read = |length: usize| {
            let read = read_stream_up_to(Limit(1 << 20), &*vec![b'x'; length], "log");
            read.map(|it| it.len()).map_err(|error| error.to_string())
        };
        assert_eq!(read(1 << 20), Ok(1 << 20));
        let message =
            "cannot read log: larger than 1 MiB\nhint: name the log or report of a single build";
        assert_eq!(read((1 << 20) + 1), Err(message.to_owned()));
        let endless = read_stream_up_to(Limit(8), io::repeat(0), "zero").unwrap_err();
        assert!(endless.is::<crate::error::Usage>());
    }

    #[test]
    fn a_budget_is_spent_once_for_each_large_file() {
        let mut budget = ReadBudget::new(10, 50);
        for (path, length, expected) in [
            ("small", 10, true),
            ("a", 30, true),
            ("a", 30, true),
            ("b", 21, false),
            ("c", 20, true),
            ("d", 11, false),
            ("c", 20, true),
            ("small", 10, true),
        ] {
            assert_eq!(budget.allows(path.into(), length), expected, "{path}");
        }
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
