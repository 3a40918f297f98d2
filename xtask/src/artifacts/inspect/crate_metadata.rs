//! The head of a library's metadata: the compiler, and the hash by which dependents know the crate.
//!
//! The format belongs to rustc and may change. Every reader here returns `None` for bytes that it
//! does not recognize.

use std::io::{self, Read, Seek};

use camino::Utf8Path;
use xtask_impact::files;

use super::archive;
use super::file_format::read_at;

/// The head of a library's metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CrateHeader {
    /// The version of the compiler: `rustc 1.95.0 (…)`.
    pub(crate) rustc: String,
    /// The hash of the crate's content. A dependent holds the hash of the crate that it was
    /// compiled against. `None` if the hash was not found.
    pub(crate) hash: Option<[u8; 16]>,
}

/// Returns the head of the metadata in a `.rmeta` or `.rlib` file of the crate `name`.
pub(crate) fn header_of(path: &Utf8Path, name: &str) -> Option<CrateHeader> {
    let (mut file, length) = files::open(path.as_std_path()).ok()?;
    let start = match path.extension() {
        Some("rmeta") => Some(0),
        Some("rlib") => archive::metadata_at(&mut file, length).ok()?,
        _ => None,
    };
    read_header(&mut file, start?, name).ok()?
}

/// Returns the version of the compiler that wrote a `.rmeta` file.
pub(crate) fn compiler_of(metadata: &Utf8Path) -> Option<String> {
    let (_, rustc) = parse_head(&files::read_start(metadata, 128).ok()?)?;
    Some(rustc)
}

fn read_header(
    file: &mut (impl Read + Seek),
    start: u64,
    name: &str,
) -> io::Result<Option<CrateHeader>> {
    let head = read_at(file, start, 512)?;
    let Some((root, rustc)) = parse_head(&head) else {
        return Ok(None);
    };
    let root = read_at(file, start.saturating_add(root), 512)?;
    Ok(Some(CrateHeader {
        rustc,
        hash: parse_root(&root, name),
    }))
}

/// Returns the position of the crate's root and the version of the compiler. The file starts with
/// `rust`, four bytes of the format's version and eight bytes of the position; the length and the
/// text of the version follow (`METADATA_HEADER` in `rustc_metadata`).
fn parse_head(head: &[u8]) -> Option<(u64, String)> {
    let rest = head.strip_prefix(b"rust")?.get(4..)?;
    let (root, rest) = rest.split_at_checked(8)?;
    let (version, _) = text(rest)?;
    let is_version = version.starts_with("rustc ");
    is_version.then(|| {
        (
            u64::from_le_bytes(root.try_into().unwrap_or_default()),
            version,
        )
    })
}

/// Returns the hash in the crate's root. The root begins with the target, the hash and the crate's
/// name (`CrateHeader` in `rustc_metadata`). The name proves that the bytes are understood.
fn parse_root(root: &[u8], name: &str) -> Option<[u8; 16]> {
    let (_, rest) = text(root.strip_prefix(&[0])?)?;
    let (hash, rest) = rest.split_at_checked(16)?;
    let (found, _) = text(rest.strip_prefix(&[0])?)?;
    (found == name).then(|| hash.try_into().unwrap_or_default())
}

/// Splits off a text: its length in one or two bytes, its bytes, and the byte `c1`.
fn text(bytes: &[u8]) -> Option<(String, &[u8])> {
    let (length, rest) = match bytes {
        [low @ 0..=127, rest @ ..] => (usize::from(*low), rest),
        [low, high @ 0..=127, rest @ ..] => {
            (usize::from(low & 127) + (usize::from(*high) << 7), rest)
        }
        _ => return None,
    };
    let (text, rest) = rest.split_at_checked(length)?;
    let rest = rest.strip_prefix(&[0xc1])?;
    Some((str::from_utf8(text).ok()?.to_owned(), rest))
}
