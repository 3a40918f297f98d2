//! Finds the checkout that a unit was compiled from.
//!
//! The unit's hash and the values that cargo compares do not show the checkout: both are computed
//! from paths relative to the workspace or the package. So two checkouts with one build directory
//! share their units, and cargo accepts the units of the other checkout. Two files hold an absolute
//! path:
//!
//! - rustc's `.d` of a package outside the workspace root;
//! - the metadata of a library, in which rustc keeps the places of the library's items. Each source
//!   file appears as the path that rustc was given, as the directory that rustc ran in, and as both
//!   joined. An empty library has no such path.
//!
//! A binary or a test holds no such path. Cargo writes a `.d` beside an uplifted binary, but this
//! file names the checkout that built last, which may not be the one that compiled.

use camino::{Utf8Path, Utf8PathBuf};

use super::dep_info;
use super::unit_record::{RecordedKind, RecordedMode, StoredFingerprint, UnitName};
use crate::build_dir::ProfileDir;
use crate::files;

impl ProfileDir {
    /// Returns the absolute path of the root source file that a unit was compiled from, if a record
    /// holds that path.
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

    /// Returns the absolute path of the root source file of a library, from the library's metadata.
    /// `root` is the relative path of the same file.
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
        let metadata = self.library_metadata(package, hash, unit);
        // The file is not read completely if its first bytes are not those of metadata.
        let is_metadata = files::read_start(&metadata, 4).is_ok_and(|start| start == b"rust");
        let metadata = is_metadata.then(|| files::read(metadata, files::LARGE))?;
        absolute_in(&metadata.ok()?, root)
    }

    /// Returns the path of a library's metadata. There may be no such file.
    pub fn library_metadata(&self, package: &str, hash: &str, unit: &UnitName) -> Utf8PathBuf {
        let directory = self.output_dir(package, hash, unit.kind);
        directory.join(format!("lib{}-{hash}.rmeta", unit.target))
    }
}

/// Returns the absolute path in a library's metadata that ends with the path `relative`.
///
/// In the metadata the length of a text, as a LEB128 number, stands before the text. A byte inside
/// a path may by chance equal the length of the rest of the path. So the longest candidate is the
/// right one: a candidate cannot begin before the text itself, because the preceding text ends with
/// a byte that is not UTF-8.
pub(crate) fn absolute_in(metadata: &[u8], relative: &Utf8Path) -> Option<Utf8PathBuf> {
    const LONGEST: usize = 4096;
    memchr::memmem::find_iter(metadata, relative.as_str()).find_map(|at| {
        let end = at + relative.as_str().len();
        // An absolute path begins with a slash, with the letter before a colon, or with the first
        // of two backslashes.
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
    use super::*;
    use crate::build_dir::Layout;

    #[test]
    fn the_dep_info_of_an_outside_package_names_its_checkout() {
        let (_directory, root) = scratch();
        let record = |rustflags: &str| {
            format!(
                r#"{{"rustc":1,"features":"[]","declared_features":"[]","target":0,"profile":0,
                "path":0,"deps":[],"local":[],"rustflags":[{rustflags}],"config":0,
                "compile_kind":0}}"#
            )
        };
        let flag = r#""--remap-path-prefix=/one=/two""#;
        for (hash, file, rustflags, source) in [
            ("0000000000000001", "lib-a", "", "/one/a/src/lib.rs"),
            ("0000000000000002", "lib-a", flag, "/one/a/src/lib.rs"),
            ("0000000000000003", "test-lib-a", "", "/one/a/src/lib.rs"),
            ("0000000000000004", "lib-a", "", "a/src/lib.rs"),
        ] {
            let directory = root.join(format!(".fingerprint/a-{hash}"));
            write(&directory.join(file), "0100000000000000");
            write(&directory.join(format!("{file}.json")), &record(rustflags));
            let dep_info = format!("deps/liba.rmeta: {source}\n\n{source}:\n");
            write(&root.join(format!("deps/a-{hash}.d")), &dep_info);
        }
        let place = ProfileDir {
            path: root.clone(),
            build_directory: root.clone(),
            triple: None,
            directory: "debug".to_owned(),
            layout: Layout::V1,
        };
        let hashes = place.hashes().unwrap();
        let units = place.unit_dirs(&|_| true).unwrap();
        let from = units.iter().map(|(package, hash)| {
            let read = place.read_unit(package, hash, &hashes).unwrap();
            place.compiled_from(&read[0])
        });
        let from: Vec<_> = from.collect();
        assert_eq!(from, [Some("/one/a/src/lib.rs".into()), None, None, None]);
    }

    #[test]
    fn lengths_are_written_in_leb128() {
        for (number, expected) in [
            (0, &[0][..]),
            (127, &[127]),
            (128, &[0x80, 1]),
            (300, &[0xac, 2]),
            (40_000, &[0xc0, 0xb8, 2]),
        ] {
            assert_eq!(leb128(number), expected);
        }
    }
    use crate::testing::{scratch, write};

    #[test]
    fn the_metadata_of_a_library_names_its_checkout() {
        use RecordedKind::{Bin, Lib};
        use RecordedMode::{Compile, Test};
        let (_directory, root) = scratch();
        let place = ProfileDir {
            path: root.join("debug"),
            build_directory: root.clone(),
            triple: None,
            directory: "debug".to_owned(),
            layout: Layout::V1,
        };
        let path = "/one/crates/a/src/lib.rs";
        let text = format!("rust{}{path}\u{fffd}", char::from(path.len() as u8));
        write(&root.join("debug/deps/liba-0.rmeta"), &text);
        write(&root.join("debug/deps/libtext-0.rmeta"), &text[1..]);
        let from = |mode, kind, target: &str| {
            let target = target.to_owned();
            let unit = UnitName { mode, kind, target };
            let relative = "crates/a/src/lib.rs".into();
            place.library_compiled_from("a", "0", &unit, relative)
        };
        assert_eq!(from(Compile, Lib, "a").as_deref(), Some(path.into()));
        assert_eq!(from(Test, Lib, "a"), None, "a test harness");
        assert_eq!(from(Compile, Bin, "a"), None, "a binary");
        assert_eq!(from(Compile, Lib, "text"), None, "no metadata");
        assert_eq!(from(Compile, Lib, "missing"), None, "no file");
    }

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
        // The path may stand at the beginning or far from it.
        let cases = cases.iter().flat_map(|case| [(case, 0), (case, 5000)]);
        for ((texts, expected), before) in cases {
            let mut metadata = b"rust".to_vec();
            metadata.resize(metadata.len() + before, 0xc1);
            for text in texts {
                metadata.extend(leb128(text.len()));
                metadata.extend(text.as_bytes());
                metadata.push(0xc1);
            }
            let found = absolute_in(&metadata, "crates/a/src/lib.rs".into());
            assert_eq!(
                found.as_deref().map(|it| it.as_str()),
                *expected,
                "{texts:?}, after {before} bytes"
            );
        }
    }
}
