//! Tests of the records of a whole build directory, and of their cache.

use std::fs::File;
use std::time::Duration;

use tempfile::TempDir;

use super::*;
use crate::testing::{scratch, write};

/// A workspace with a build directory in which records are written by hand. All files and
/// directories are older than the cache accepts, until a test changes them.
struct Build {
    _directory: TempDir,
    root: Utf8PathBuf,
    now: SystemTime,
    layout: Layout,
}

impl Build {
    fn new(layout: Layout) -> Self {
        let (directory, root) = scratch();
        let (_directory, now) = (directory, SystemTime::now());
        let it = Self {
            _directory,
            root,
            now,
            layout,
        };
        for shared in ["deps", "examples"] {
            fs::create_dir_all(it.profile().path.join(shared)).unwrap();
        }
        it
    }

    fn profile(&self) -> ProfileDir {
        let build = self.root.join("target");
        ProfileDir {
            path: build.join("debug"),
            build_directory: build,
            triple: None,
            directory: "debug".to_owned(),
            layout: self.layout,
        }
    }

    /// Writes a record of the package `a`, without inputs.
    fn record(&self, hash: &str, name: &str, local: &str) -> Utf8PathBuf {
        let directory = self.profile().fingerprint_dir("a", hash);
        let text = format!(
            r#"{{"rustc":1,"features":"[\"x\"]","deps":[[7,"b",false,8]],"local":[{local}],"rustflags":[]}}"#
        );
        write(&directory.join(format!("{name}.json")), &text);
        write(&directory.join(name), hash);
        directory
    }

    /// Writes the record of a compiled unit that read these files of its package.
    fn compiled(&self, hash: &str, name: &str, files: &[&str]) {
        let directory = self.record(hash, name, "");
        let mut bytes = vec![1, 0, 0, 0, 0xff, 1];
        let number = |bytes: &mut Vec<u8>, number: usize| {
            bytes.extend(u32::try_from(number).unwrap().to_le_bytes());
        };
        number(&mut bytes, files.len());
        for file in files {
            bytes.push(0);
            number(&mut bytes, file.len());
            bytes.extend(file.as_bytes());
            bytes.push(0);
        }
        number(&mut bytes, 0);
        fs::write(directory.join(format!("dep-{name}")), bytes).unwrap();
    }

    /// Reads the records of the packages in these directories, with a cache.
    fn read(&self, directories: &[&str]) -> Vec<ProfileRecords> {
        self.settle();
        let directories: Vec<_> = directories.iter().map(|it| self.root.join(it)).collect();
        let directories = directories.iter().map(|it| it.as_path()).collect();
        let wanted = RecordFilter {
            root: &self.root,
            directories: &HashMap::from([("a", directories)]),
        };
        let cache = self.root.join("target/xtask/records");
        read(&self.root.join("target"), &wanted, Some(&cache)).unwrap()
    }

    /// Makes every directory that all units share 10 seconds old.
    fn settle(&self) {
        self.set_age(10);
    }

    fn set_age(&self, seconds: u64) {
        for shared in [".fingerprint", "deps", "examples", "build"] {
            let directory = self.profile().path.join(shared);
            if let Ok(directory) = File::open(&directory) {
                let time = self.now - Duration::from_secs(seconds);
                directory.set_modified(time).unwrap();
            }
        }
    }
}

/// Returns the values of the records, as hexadecimal numbers.
fn values(places: &[ProfileRecords]) -> Vec<String> {
    let units = places.iter().flat_map(|place| &place.units);
    let mut values: Vec<String> = units.map(|unit| unit.hash.clone()).collect();
    values.sort();
    values
}

const ONE: &str = "0000000000000001";
const TWO: &str = "0000000000000002";

#[test]
fn a_record_says_what_its_unit_read() {
    for layout in [Layout::V1, Layout::V2] {
        let build = Build::new(layout);
        write(&build.root.join("a/src/lib.rs"), "");
        build.compiled(ONE, "lib-a", &["src/lib.rs"]);
        let run = "run-build-script-build-script-build";
        build.record(TWO, run, "");
        let output = build.profile().script_output("a", TWO);
        write(&output, "cargo::rerun-if-changed=data\n");
        let newest = r#"{"Precalculated":"1732000000.000000005s (src/lib.rs)"}"#;
        build.record("0000000000000003", "doc-lib-a", newest);
        let places = build.read(&["a"]);
        assert_eq!(places.len(), 1, "{layout:?}");
        let place = &places[0];
        assert_eq!((&*place.directory, place.toolchain()), ("debug", Some(1)));
        let [library, run, doc] = &place.units[..] else {
            panic!("{place:?}");
        };
        assert_eq!(library.features, ["x"]);
        assert_eq!(
            (library.value, &library.dependencies[..]),
            (1 << 56, &[(7, 8)][..])
        );
        assert!(library.invoked.is_some() && library.written().is_some());
        let at = build.root.join("a");
        let [(package, RecordedInputs::Compiled { files, real, .. })] = &library.inputs[..] else {
            panic!("{library:?}");
        };
        assert_eq!(
            (package, &files[..], &real[..]),
            (&at, &[at.join("src/lib.rs")][..], &[][..])
        );
        let [(_, RecordedInputs::Run(Watch::Declared(paths, _)))] = &run.inputs[..] else {
            panic!("{run:?}");
        };
        assert_eq!(paths, &[at.join("data")]);
        let documented = doc.documented(&at).unwrap();
        assert_eq!(documented.path, at.join("src/lib.rs"));
        assert!(doc.inputs.is_empty() && library.documented(&at).is_none());
    }
}

#[test]
fn a_changed_record_is_read_again() {
    for layout in [Layout::V1, Layout::V2] {
        let build = Build::new(layout);
        build.compiled(ONE, "lib-a", &["src/lib.rs"]);
        let first = build.read(&["a"]);
        assert_eq!(values(&first), [ONE]);
        // A new record.
        build.compiled(TWO, "lib-a", &["src/lib.rs"]);
        assert_eq!(
            values(&build.read(&["a"])),
            match layout {
                // No directory that all units share has another time, so nothing was compiled.
                Layout::V1 => vec![ONE],
                Layout::V2 => vec![ONE, TWO],
            }
        );
        build.set_age(9);
        let wanted = |directories| RecordFilter {
            root: &build.root,
            directories,
        };
        let at = build.root.join("a");
        let directories = HashMap::from([("a", vec![at.as_path()])]);
        let cache = build.root.join("target/xtask/records");
        let read = |filter: &RecordFilter<'_>| {
            super::read(&build.root.join("target"), filter, Some(&cache)).unwrap()
        };
        assert_eq!(
            values(&read(&wanted(&directories))),
            [ONE, TWO],
            "{layout:?}"
        );
        // A record that is replaced, with the same size of its file.
        let directory = build.profile().fingerprint_dir("a", TWO);
        write(&directory.join("lib-a"), ONE);
        let file = File::options()
            .append(true)
            .open(directory.join("lib-a"))
            .unwrap();
        file.set_modified(build.now + Duration::from_secs(5))
            .unwrap();
        build.set_age(8);
        let again = read(&wanted(&directories));
        let unit = again[0].units.iter().find(|unit| unit.hash == TWO).unwrap();
        assert_eq!(unit.value, 1 << 56, "{layout:?}");
        // A record whose build failed.
        write(&directory.join("lib-a"), "");
        build.set_age(7);
        assert_eq!(values(&read(&wanted(&directories))), [ONE], "{layout:?}");
    }
}

#[test]
fn a_cache_for_other_packages_or_another_workspace_is_not_used() {
    let build = Build::new(Layout::V1);
    build.compiled(ONE, "lib-a", &["src/lib.rs"]);
    for directory in ["a", "b", "a"] {
        let places = build.read(&[directory]);
        let of: Vec<_> = places[0].units[0].inputs.iter().map(|it| &it.0).collect();
        assert_eq!(of, [&build.root.join(directory)]);
    }
    let places = build.read(&["a", "b"]);
    assert_eq!(
        places[0].units[0].inputs.len(),
        2,
        "two packages with one name"
    );
}

#[test]
fn a_cache_is_written_only_if_something_changed_and_nothing_is_being_built() {
    let build = Build::new(Layout::V1);
    build.compiled(ONE, "lib-a", &["src/lib.rs"]);
    let at = build.root.join("a");
    let directories = HashMap::from([("a", vec![at.as_path()])]);
    let wanted = RecordFilter {
        root: &build.root,
        directories: &directories,
    };
    let cache = build.root.join("target/xtask/records");
    let read = || drop(super::read(&build.root.join("target"), &wanted, Some(&cache)).unwrap());
    let deps = File::open(build.profile().path.join("deps")).unwrap();
    deps.set_modified(SystemTime::now() + Duration::from_secs(60))
        .unwrap();
    read();
    assert!(!cache.exists(), "a build may still write");
    build.settle();
    read();
    assert!(cache.exists());
    let other = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let file = || File::options().append(true).open(&cache).unwrap();
    file().set_modified(other).unwrap();
    read();
    assert_eq!(
        file().metadata().unwrap().modified().unwrap(),
        other,
        "nothing changed"
    );
    build.set_age(9);
    read();
    assert_ne!(file().metadata().unwrap().modified().unwrap(), other);
}

/// A link may lead to another file than at the time when its record was cached.
#[test]
#[cfg(unix)]
fn links_of_cached_records_are_followed_again() {
    use std::os::unix::fs::symlink;
    let build = Build::new(Layout::V1);
    let at = build.root.join("a");
    for file in ["v1/x.rs", "v2/x.rs", "plain.rs"] {
        write(&at.join(file), "");
    }
    build.compiled(ONE, "lib-a", &["data/x.rs", "plain.rs"]);
    for target in ["v1", "v2"] {
        drop(fs::remove_file(at.join("data")));
        symlink(target, at.join("data")).unwrap();
        let places = build.read(&["a"]);
        let (_, RecordedInputs::Compiled { real, .. }) = &places[0].units[0].inputs[0] else {
            panic!("{places:?}");
        };
        assert_eq!(real, &[at.join(target).join("x.rs")]);
    }
}

#[test]
fn a_unit_is_checked_if_it_has_metadata_and_no_library() {
    for layout in [Layout::V1, Layout::V2] {
        for (name, files, expected) in [
            ("lib-a", &["liba-HASH.rmeta"][..], true),
            ("lib-a", &["liba-HASH.rmeta", "liba-HASH.rlib"], false),
            ("lib-a", &["liba-HASH.rlib"], false),
            ("lib-a", &[], false),
            ("test-lib-a", &["liba-HASH.rmeta"], true),
            ("bin-a-b", &["liba_b-HASH.rmeta"], true),
            ("doc-lib-a", &["liba-HASH.rmeta"], false),
            ("run-build-script-a", &["liba-HASH.rmeta"], false),
        ] {
            let build = Build::new(layout);
            build.record(ONE, name, "");
            let output = build.profile().script_output("a", ONE);
            write(&output, "");
            let unit = UnitName::parse(name).unwrap();
            let output = build.profile().output_dir("a", ONE, unit.kind);
            for file in files {
                write(&output.join(file.replace("HASH", ONE)), "");
            }
            let places = build.read(&["a"]);
            let found = places[0].is_checked(&places[0].units[0]);
            assert_eq!(found, expected, "{layout:?}: {name}, {files:?}");
        }
    }
}

#[test]
fn records_that_may_change_while_they_are_read_are_not_cached() {
    let started = SystemTime::now();
    let before = |age| started - Duration::from_millis(age);
    for (marks, expected) in [
        (vec![], true),
        (vec![before(51)], true),
        (vec![before(50)], false),
        (vec![before(1000), before(0)], false),
        (vec![started + Duration::from_secs(1)], false),
    ] {
        assert_eq!(is_settled(&marks, started), expected, "{marks:?}");
    }
}
