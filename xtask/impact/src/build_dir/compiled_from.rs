//! Where a unit was compiled.
//!
//! Neither its hash nor what cargo compares tells: both are made of paths relative to the workspace
//! or the package, so that two checkouts on one build directory share their units, and cargo takes
//! the other's for its own. Two places hold an absolute path:
//!
//! - rustc's `.d`, of packages outside the workspace's root;
//! - a library's metadata, in which rustc keeps the places of its items: each file by the path that
//!   rustc was given, by the directory it ran in, and by both joined. An empty library has none.
//!
//! Of a binary or a test nothing tells, but for the `.d` that cargo writes beside a binary which it
//! puts up for users. That names whoever built last, and need not be who compiled.

use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

use super::dep_info;
use super::unit_record::{RecordedKind, RecordedMode, StoredFingerprint, UnitName};
use crate::build_dir::ProfileDir;
use crate::files;

impl ProfileDir {
    /// The absolute path of the file that a unit's compilation started from, where it is written
    /// down.
    pub fn compiled_from(&self, unit: &StoredFingerprint) -> Option<Utf8PathBuf> {
        let rustflags = &unit.fingerprint.rustflags;
        let renames = |flag: &String| flag.contains("remap-path-prefix");
        if unit.name.mode != RecordedMode::Compile || rustflags.iter().any(renames) {
            return None;
        }
        let text = files::read_text(self.rustc_dep_info(unit)?, files::RECORD).ok()?;
        let root = dep_info::first_rule(&text).into_iter().next()?;
        if root.is_absolute() {
            return Some(root);
        }
        self.library_compiled_from(&unit.package, &unit.hash, &unit.name, &root)
    }

    /// The same of a library's unit whose root is known by its relative path, from its metadata.
    pub fn library_compiled_from(
        &self,
        package: &str,
        hash: &str,
        unit: &UnitName,
        root: &Utf8Path,
    ) -> Option<Utf8PathBuf> {
        if (unit.mode, unit.kind) != (RecordedMode::Compile, RecordedKind::Lib) {
            return None;
        }
        let directory = self.output_dir(package, hash, unit.kind);
        let metadata = directory.join(format!("lib{}-{hash}.rmeta", unit.target));
        // Another file of this name is not read whole.
        let is_metadata = files::read_start(&metadata, 4).is_ok_and(|start| start == b"rust");
        let metadata = is_metadata.then(|| files::read(metadata, files::LARGE))?;
        absolute_in(&metadata.ok()?, root)
    }
}

/// The absolute path in a library's metadata that ends in a relative one. A text stands there behind
/// its length, as a LEB128 number. A letter may happen to be that of what follows it, so of several
/// the longest is it: no text goes back beyond its own length, and another text's end, a byte that is
/// no UTF-8.
fn absolute_in(metadata: &[u8], relative: &Utf8Path) -> Option<Utf8PathBuf> {
    const LONGEST: usize = 4096;
    memchr::memmem::find_iter(metadata, relative.as_str()).find_map(|at| {
        let end = at + relative.as_str().len();
        // It begins with a slash, or one before a colon or the second backslash.
        let first = at.saturating_sub(LONGEST);
        let marks = memchr::memchr3_iter(b'/', b'\\', b':', &metadata[first..at]);
        let starts = marks.map(|mark| match metadata[first + mark] {
            b'/' => first + mark,
            _ => (first + mark).saturating_sub(1),
        });
        let is_whole = |start: &usize| metadata[..*start].ends_with(&leb128(end - start));
        starts.filter(is_whole).find_map(|start| {
            let path = Utf8Path::new(std::str::from_utf8(&metadata[start..end]).ok()?);
            let is_it = path.is_absolute() && path.ends_with(relative);
            (is_it && !path.as_str().contains(char::is_control)).then(|| path.to_owned())
        })
    })
}

fn leb128(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (number % 128) as u8;
        number /= 128;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::{absolute_in, leb128};

    #[test]
    fn an_absolute_path_is_found_by_its_end_and_its_length() {
        let long = format!("/home/{}/project/crates/a/src/lib.rs", "deep/".repeat(40));
        let below = "/a directory, and one in it/crates/a/src/lib.rs";
        let length = char::from(u8::try_from(below.len()).unwrap());
        let like_a_length = format!("/w/{length}{below}");
        let cases = [
            (vec!["crates/a/src/lib.rs"], None),
            (
                vec![
                    "crates/a/src/lib.rs",
                    "/w/one",
                    "/w/one/crates/a/src/lib.rs",
                ],
                Some("/w/one/crates/a/src/lib.rs"),
            ),
            (vec!["/w/one/xcrates/a/src/lib.rs"], None),
            (vec!["/w/one/crates/a/src/lib.rs.bak"], None),
            (vec![long.as_str()], Some(long.as_str())),
            (
                vec!["/w", like_a_length.as_str()],
                Some(like_a_length.as_str()),
            ),
        ];
        for (texts, expected) in cases {
            let mut metadata = b"rust".to_vec();
            for text in &texts {
                metadata.extend(leb128(text.len()));
                metadata.extend(text.as_bytes());
                metadata.push(0xc1);
            }
            let found = absolute_in(&metadata, "crates/a/src/lib.rs".into());
            assert_eq!(
                found.as_deref().map(|it| it.as_str()),
                expected,
                "{texts:?}"
            );
        }
    }
}
