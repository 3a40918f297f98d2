//! Finds and reads source files.

use std::io::{self, ErrorKind};
use std::sync::{Mutex, PoisonError};

use camino::{Utf8DirEntry, Utf8Path, Utf8PathBuf};

use crate::paths::{is_absent, resolved};
use crate::{files, observed};

/// The stand-in for the text of a file that was not read. Rust's lexer rejects this text.
pub(super) const UNREAD: &str = "\"";

/// The budget for sources larger than 1 MiB, which are mostly generated.
static BUDGET: Mutex<files::ReadBudget> = Mutex::new(files::ReadBudget::new(1 << 20, 256 << 20));

/// Returns the content of a file, within the budget.
fn read_within_budget(path: &Utf8Path) -> io::Result<Vec<u8>> {
    let bytes = files::read(path, files::SOURCE)?;
    let mut budget = BUDGET.lock().unwrap_or_else(PoisonError::into_inner);
    match budget.allows(path, bytes.len() as u64) {
        true => Ok(bytes),
        false => Err(io::Error::new(
            ErrorKind::FileTooLarge,
            "all large sources together are larger than 256 MiB",
        )),
    }
}

/// Returns the text of a file. Bytes that are not UTF-8 become replacement characters, because such
/// a file can be included too. A source that exists but cannot be read is noted and becomes
/// [`UNREAD`].
pub(super) fn read(path: &Utf8Path) -> Option<String> {
    let bytes = match read_within_budget(path) {
        Ok(bytes) => bytes,
        Err(error) if is_absent(&error) => return None,
        Err(error) => {
            let is_source = path.extension() == Some("rs");
            if is_source {
                files::note_skipped(path, &error);
            }
            // A literal can name a device or a pipe, which is not a file of a package.
            let is_there = is_source || error.kind() == ErrorKind::FileTooLarge;
            return is_there.then(|| UNREAD.to_owned());
        }
    };
    Some(
        String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
    )
}

/// Returns the targets of the symbolic links below a directory that lie outside the directory, and
/// the targets of links below these. Cargo follows links, even into hidden directories and other
/// packages.
pub(super) fn links_below(directory: &Utf8Path) -> Vec<Utf8PathBuf> {
    let is_entered = |path: &Utf8Path, names: &[&str]| {
        path.file_name() != Some(".git") && !names.contains(&"CACHEDIR.TAG")
    };
    let mut leads: Vec<Utf8PathBuf> = Vec::new();
    let mut left = vec![directory.to_owned()];
    while let Some(from) = left.pop() {
        each_entry(&from, &is_entered, &mut |path, is_link| {
            let to = if is_link { resolved(path) } else { return };
            let is_known = leads.iter().any(|known| to.starts_with(known));
            if !is_known && !to.starts_with(directory) {
                left.push(to.clone());
                leads.push(to);
            }
        });
    }
    leads
}

/// Returns the text of a file in which code may find the names of more files, such as a script.
/// Returns `None` if the file cannot be read, is not UTF-8, or is larger than 64 KiB.
pub(super) fn read_text(path: &Utf8Path) -> Option<String> {
    const LONGEST: u64 = 64 << 10;
    let bytes = files::read_start(path, LONGEST + 1).ok()?;
    let is_small = bytes.len() as u64 <= LONGEST;
    is_small.then(|| String::from_utf8(bytes).ok()).flatten()
}

/// Visits the Rust files below a package's directory.
pub(super) fn each_source(directory: &Utf8Path, see: &mut dyn FnMut(&Utf8Path)) {
    each_entry(directory, &is_of_package, &mut |path, _| {
        if path.extension() == Some("rs") {
            see(path);
        }
    });
}

/// Returns true if a directory inside a package belongs to the package. A nested package, a hidden
/// directory and build output do not.
pub(super) fn is_of_package(directory: &Utf8Path, names: &[&str]) -> bool {
    let is_hidden = directory.file_name().is_some_and(|it| it.starts_with('.'));
    !is_hidden && !names.contains(&"Cargo.toml") && !names.contains(&"CACHEDIR.TAG")
}

/// Returns true if a directory is entered, given the names of its entries.
pub(super) type IsEntered<'a> = &'a dyn Fn(&Utf8Path, &[&str]) -> bool;

/// Visits the files and links below a directory, in all directories that are entered. The visitor
/// gets true for a link.
pub(super) fn each_entry(
    directory: &Utf8Path,
    is_entered: IsEntered<'_>,
    see: &mut dyn FnMut(&Utf8Path, bool),
) {
    for entry in entries(directory) {
        each_at(&entry, is_entered, see);
    }
}

fn each_at(entry: &Utf8DirEntry, is_entered: IsEntered<'_>, see: &mut dyn FnMut(&Utf8Path, bool)) {
    let path = entry.path();
    let Ok(kind) = entry.file_type() else {
        return;
    };
    if !kind.is_dir() {
        return see(path, kind.is_symlink());
    }
    let below = entries(path);
    let names: Vec<&str> = below.iter().map(Utf8DirEntry::file_name).collect();
    if is_entered(path, &names) {
        for entry in &below {
            each_at(entry, is_entered, see);
        }
    }
}

fn entries(directory: &Utf8Path) -> Vec<Utf8DirEntry> {
    observed::entries(directory).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn a_file_that_is_there_and_cannot_be_read_stands_for_any_text() {
        let (_directory, top) = crate::testing::scratch();
        let large = |name: &str| {
            let file = std::fs::File::create(top.join(name)).unwrap();
            file.set_len((8 << 20) + 1).unwrap();
        };
        large("large.rs");
        large("large.txt");
        crate::testing::write(&top.join("plain.txt"), "text");
        std::fs::write(top.join("latin.txt"), b"caf\xe9").unwrap();
        for device in ["device.rs", "device.txt"] {
            std::os::unix::fs::symlink("/dev/null", top.join(device)).unwrap();
        }
        for (name, expected) in [
            ("plain.txt", Some("text")),
            ("latin.txt", Some("caf\u{fffd}")),
            ("missing.rs", None),
            ("", None),
            ("large.rs", Some(UNREAD)),
            ("large.txt", Some(UNREAD)),
            ("device.rs", Some(UNREAD)),
            ("device.txt", None),
        ] {
            assert_eq!(read(&top.join(name)).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn only_small_texts_name_more_files() {
        let (_directory, top) = crate::testing::scratch();
        for (length, is_read) in [(64 << 10, true), ((64 << 10) + 1, false)] {
            let path = top.join("list.txt");
            std::fs::write(&path, vec![b'x'; length]).unwrap();
            assert_eq!(read_text(&path).is_some(), is_read, "{length}");
        }
        std::fs::write(top.join("latin.txt"), b"caf\xe9").unwrap();
        assert_eq!(read_text(&top.join("latin.txt")), None);
    }

    #[test]
    #[cfg(unix)]
    fn links_behind_links_are_followed() {
        let (_directory, top) = crate::testing::scratch();
        for inside in ["watched/.hidden", "first", "second", "third"] {
            std::fs::create_dir_all(top.join(inside)).unwrap();
        }
        let link = |to: &str, from: &str| {
            std::os::unix::fs::symlink(top.join(to), top.join(from)).unwrap();
        };
        link("first", "watched/.hidden/link");
        link("second", "first/link");
        link("watched", "second/back");
        let leads = links_below(&top.join("watched"));
        assert_eq!(leads, [top.join("first"), top.join("second")]);
    }
}
