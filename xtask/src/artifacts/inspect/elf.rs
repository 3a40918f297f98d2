//! Faults of ELF files. Files of other systems give no fault here; only their first bytes are
//! checked.

use std::io::{self, Read, Seek};

use super::file_format::{FileFault, read_at};

/// The fields of an ELF header that name parts of the file.
struct ElfHeader {
    is_wide: bool,
    is_little: bool,
    segments: ElfTable,
    sections: ElfTable,
}

/// A table in the file: the position, the size of an entry and the number of entries.
struct ElfTable {
    at: u64,
    size: u64,
    number: u64,
}

impl ElfTable {
    fn end(&self) -> Option<u64> {
        self.at.checked_add(self.size.checked_mul(self.number)?)
    }
}

/// Returns the fault of the ELF file that begins at `start` in a file and has `length` bytes.
/// Returns `None` for a file of another format.
pub(crate) fn fault(
    file: &mut (impl Read + Seek),
    start: u64,
    length: u64,
) -> io::Result<Option<FileFault>> {
    let head = read_at(file, start, 64.min(length))?;
    if !head.starts_with(b"\x7fELF") {
        return Ok(None);
    }
    let Some(header) = parse(&head) else {
        return Ok(Some(FileFault::Truncated));
    };
    for table in [&header.segments, &header.sections] {
        if table.end().is_none_or(|end| end > length) {
            return Ok(Some(FileFault::Truncated));
        }
    }
    let sections = &header.sections;
    if sections.number > 1 {
        // The first entry of the table is always zero.
        let at = start + sections.at + sections.size;
        let table = read_at(file, at, sections.size * (sections.number - 1))?;
        if table.iter().all(|byte| *byte == 0) {
            return Ok(Some(FileFault::Zeroed));
        }
    }
    let segments = &header.segments;
    let table = read_at(file, start + segments.at, segments.size * segments.number)?;
    for entry in table.chunks_exact(usize::try_from(segments.size.max(1)).unwrap_or(1)) {
        let (offset, size) = match header.is_wide {
            true => (8..16, 32..40),
            false => (4..8, 16..20),
        };
        let number = |range| number(entry.get(range)?, header.is_little);
        let end = number(offset).zip(number(size));
        if end.is_some_and(|(offset, size)| offset.saturating_add(size) > length) {
            return Ok(Some(FileFault::Truncated));
        }
    }
    Ok(None)
}

/// Parses the header; `None` if the header is cut short.
fn parse(head: &[u8]) -> Option<ElfHeader> {
    let is_wide = *head.get(4)? == 2;
    let is_little = *head.get(5)? == 1;
    let number = |at: usize, size: usize| number(head.get(at..at + size)?, is_little);
    // The positions of the two tables, then the size and the number of their entries.
    let (word, [first, second], counts) = match is_wide {
        true => (8, [32, 40], 54),
        false => (4, [28, 32], 42),
    };
    let table = |at: usize, counts: usize| {
        Some(ElfTable {
            at: number(at, word)?,
            size: number(counts, 2)?,
            number: number(counts + 2, 2)?,
        })
    };
    Some(ElfHeader {
        is_wide,
        is_little,
        segments: table(first, counts)?,
        sections: table(second, counts + 4)?,
    })
}

fn number(bytes: &[u8], is_little: bool) -> Option<u64> {
    let mut number = 0u64;
    for at in 0..bytes.len() {
        let byte = match is_little {
            true => bytes[bytes.len() - 1 - at],
            false => bytes[at],
        };
        number = number.checked_mul(256)?.checked_add(u64::from(byte))?;
    }
    Some(number)
}
