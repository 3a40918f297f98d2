//! Archives: the members of a Rust library, and their faults.

use std::io::{self, Read, Seek};

use super::elf;
use super::file_format::{FileFault, METADATA_END, has_end, read_at};

const MAGIC: &[u8] = b"!<arch>\n";

/// The length of the header in front of each member.
const HEADER: u64 = 60;

/// A member of an archive: the position and the length of its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ArchiveMember {
    pub(crate) at: u64,
    pub(crate) length: u64,
    kind: MemberKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MemberKind {
    /// The table of symbols or of names.
    Index,
    Metadata,
    Other,
}

/// Returns the position of the metadata in a Rust library: the metadata may be wrapped in an object
/// file. Returns `None` if the library is damaged or has no metadata.
pub(crate) fn metadata_at(file: &mut (impl Read + Seek), length: u64) -> io::Result<Option<u64>> {
    let Ok(members) = members(file, length)? else {
        return Ok(None);
    };
    let member = members.iter().find(|it| it.kind == MemberKind::Metadata);
    match member {
        Some(member) => metadata_in(file, member),
        None => Ok(None),
    }
}

/// Returns the fault of a Rust library.
pub(crate) fn fault(file: &mut (impl Read + Seek), length: u64) -> io::Result<Option<FileFault>> {
    let members = match members(file, length)? {
        Ok(members) => members,
        Err(fault) => return Ok(Some(fault)),
    };
    if has_damaged_member(file, &members)? {
        return Ok(Some(FileFault::DamagedMember));
    }
    let mut has_metadata = false;
    for member in members.iter().filter(|it| it.length > 0) {
        if member.kind == MemberKind::Metadata {
            has_metadata = true;
            if !is_whole(file, member)? {
                return Ok(Some(FileFault::NoMetadata));
            }
        }
    }
    Ok((!has_metadata).then_some(FileFault::NoMetadata))
}

/// Returns the fault of a static library. Archives in other forms, such as thin archives, give no
/// fault.
pub(crate) fn fault_of_static(
    file: &mut (impl Read + Seek),
    length: u64,
) -> io::Result<Option<FileFault>> {
    if read_at(file, 0, MAGIC.len() as u64)? != MAGIC {
        return Ok(None);
    }
    Ok(match members(file, length)? {
        Ok(members) => has_damaged_member(file, &members)?.then_some(FileFault::DamagedMember),
        Err(fault) => Some(fault),
    })
}

fn has_damaged_member(
    file: &mut (impl Read + Seek),
    members: &[ArchiveMember],
) -> io::Result<bool> {
    let is_content = |it: &&ArchiveMember| it.kind != MemberKind::Index && it.length > 0;
    for member in members.iter().filter(is_content) {
        let head = read_at(file, member.at, 64.min(member.length))?;
        let is_zero = head.iter().all(|byte| *byte == 0);
        if is_zero || elf::fault(file, member.at, member.length)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns true unless the metadata in a member has a beginning but no end.
fn is_whole(file: &mut (impl Read + Seek), member: &ArchiveMember) -> io::Result<bool> {
    /// The tables that follow the metadata in an object file are smaller than this.
    const TABLES: u64 = 64 << 10;
    let Some(start) = metadata_in(file, member)? else {
        // Another rustc may write a form that is not known here.
        return Ok(true);
    };
    if !has_end(&read_at(file, start, 8)?) {
        return Ok(true);
    }
    let size = TABLES.min(member.length);
    let end = read_at(file, member.at + member.length - size, size)?;
    Ok(memchr::memmem::find(&end, METADATA_END).is_some())
}

/// Returns the position of the metadata's first byte. Some hundred bytes of an object file may
/// precede it.
fn metadata_in(file: &mut (impl Read + Seek), member: &ArchiveMember) -> io::Result<Option<u64>> {
    let head = read_at(file, member.at, 4096.min(member.length))?;
    let at = memchr::memmem::find(&head, b"rust\0\0\0");
    Ok(at.map(|at| member.at + at as u64))
}

/// Returns the members of an archive, or the fault that ends the list.
fn members(
    file: &mut (impl Read + Seek),
    length: u64,
) -> io::Result<Result<Vec<ArchiveMember>, FileFault>> {
    if read_at(file, 0, MAGIC.len() as u64)? != MAGIC {
        return Ok(Err(FileFault::Truncated));
    }
    let mut members = Vec::new();
    let mut at = MAGIC.len() as u64;
    while at < length {
        let header = read_at(file, at, HEADER)?;
        if header.iter().all(|byte| *byte == 0) {
            return Ok(Err(FileFault::Zeroed));
        }
        let Some((name, size)) = parse_header(&header) else {
            return Ok(Err(FileFault::Truncated));
        };
        let content = at + HEADER;
        let Some(end) = content.checked_add(size).filter(|end| *end <= length) else {
            return Ok(Err(FileFault::Truncated));
        };
        // BSD's form: `#1/20`, and the name stands in front of the content.
        let behind = name.strip_prefix("#1/").and_then(|it| it.parse().ok());
        let behind = behind.unwrap_or(0u64).min(size);
        let long = read_at(file, content, behind)?;
        let long = String::from_utf8_lossy(&long).into_owned();
        let name = if behind > 0 { long.as_str() } else { &name };
        members.push(ArchiveMember {
            at: content + behind,
            length: size - behind,
            kind: kind(name),
        });
        at = end + size % 2;
    }
    Ok(Ok(members))
}

fn kind(name: &str) -> MemberKind {
    match name.trim_end_matches(['/', '\0', ' ']) {
        "" | "/SYM64" => MemberKind::Index,
        name if name.starts_with("__.SYMDEF") => MemberKind::Index,
        "lib.rmeta" => MemberKind::Metadata,
        _ => MemberKind::Other,
    }
}

/// Returns the name and the size in a member's header; `None` if the header is damaged.
fn parse_header(header: &[u8]) -> Option<(String, u64)> {
    if header.len() as u64 != HEADER || !header.ends_with(b"`\n") {
        return None;
    }
    let field = |from: usize, to: usize| Some(str::from_utf8(&header[from..to]).ok()?.trim_end());
    let name = field(0, 16)?.to_owned();
    Some((name, field(48, 58)?.parse().ok()?))
}
