//! Faults of single files: rules for each format that cargo and rustc write. A format that is not
//! known gives no fault.

use std::io::{self, Read, Seek, SeekFrom};

use camino::Utf8Path;
use serde::Serialize;
use xtask_impact::files;

use super::{archive, elf};

/// A fault of a file that a build wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum FileFault {
    /// The file does not exist, although the record of its unit is complete.
    Missing,
    /// The file has no byte.
    Empty,
    /// The file, or a part that cannot be zero, holds only zeros.
    Zeroed,
    /// The file ends too early.
    Truncated,
    /// The library has no metadata.
    NoMetadata,
    /// An object in the archive holds only zeros or ends too early.
    DamagedMember,
}

impl FileFault {
    /// Returns the fault as the end of a sentence about a file.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Missing => "is missing, although its unit is recorded as built",
            Self::Empty => "is empty",
            Self::Zeroed => "holds zeros where it must not",
            Self::Truncated => "is cut short",
            Self::NoMetadata => "has no metadata",
            Self::DamagedMember => "holds a damaged object",
        }
    }
}

/// The format of a file that a build wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileFormat {
    /// The metadata of a library (`.rmeta`).
    Metadata,
    /// A Rust library (`.rlib`).
    RustLibrary,
    /// A static library (`.a`) with code of any language.
    StaticLibrary,
    /// An object file of the incremental cache.
    Object,
    /// An executable or a dynamic library.
    Executable,
}

impl FileFormat {
    /// Returns the format of a file with this name. `None` if the format is not checked.
    pub(crate) fn of(path: &Utf8Path) -> Option<Self> {
        match path.extension() {
            Some("rmeta") => Some(Self::Metadata),
            Some("rlib") => Some(Self::RustLibrary),
            Some("a") => Some(Self::StaticLibrary),
            Some("o") => Some(Self::Object),
            Some("so" | "dylib" | "dll" | "exe") | None => Some(Self::Executable),
            Some(_) => None,
        }
    }
}

/// Returns the fault of a file; `None` if the file has no known fault.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub(crate) fn fault_of(path: &Utf8Path, format: FileFormat) -> io::Result<Option<FileFault>> {
    let (mut file, length) = match files::open(path.as_std_path()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Some(FileFault::Missing));
        }
        opened => opened?,
    };
    fault(&mut file, length, format)
}

/// Returns the fault of a file of `length` bytes.
pub(super) fn fault(
    file: &mut (impl Read + Seek),
    length: u64,
    format: FileFormat,
) -> io::Result<Option<FileFault>> {
    if length == 0 {
        return Ok(Some(FileFault::Empty));
    }
    let head = read_at(file, 0, 64.min(length))?;
    if head.iter().all(|byte| *byte == 0) {
        return Ok(Some(FileFault::Zeroed));
    }
    match format {
        FileFormat::Metadata => metadata(file, length, &head),
        FileFormat::RustLibrary => archive::fault(file, length),
        FileFormat::StaticLibrary => archive::fault_of_static(file, length),
        FileFormat::Object | FileFormat::Executable => elf::fault(file, 0, length),
    }
}

/// The last bytes of metadata, since version 9 of the format at the latest.
pub(crate) const METADATA_END: &[u8] = b"rust-end-file";

/// Returns true if these are the first bytes of metadata in a version that ends with
/// [`METADATA_END`].
pub(crate) fn has_end(head: &[u8]) -> bool {
    let version = head.strip_prefix(b"rust").and_then(|rest| rest.get(..4));
    version.is_some_and(|version| version >= &[0, 0, 0, 9][..])
}

fn metadata(
    file: &mut (impl Read + Seek),
    length: u64,
    head: &[u8],
) -> io::Result<Option<FileFault>> {
    if !head.starts_with(b"rust") {
        return Ok(Some(FileFault::NoMetadata));
    }
    if !has_end(head) {
        return Ok(None);
    }
    let size = (METADATA_END.len() as u64).min(length);
    let end = read_at(file, length - size, size)?;
    Ok(match end == METADATA_END {
        true => None,
        false if end.iter().all(|byte| *byte == 0) => Some(FileFault::Zeroed),
        false => Some(FileFault::Truncated),
    })
}

/// Returns `length` bytes from a position. A file that ends earlier gives fewer bytes.
pub(crate) fn read_at(file: &mut (impl Read + Seek), at: u64, length: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(at))?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}
