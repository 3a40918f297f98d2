//! Scans of made-up build directories.

use std::fs;

use camino::Utf8Path;

use super::*;

/// Writes a directory in the first layout: a library with one file of each kind.
fn write_directory(build: &Utf8Path) {
    for (file, text) in [
        (
            "debug/.fingerprint/a-0123456789abcdef/lib-a",
            "0100000000000000",
        ),
        ("debug/.fingerprint/a-0123456789abcdef/dep-lib-a", "x"),
        (
            "debug/.fingerprint/a-0123456789abcdef/invoked.timestamp",
            "x",
        ),
        ("debug/deps/liba-0123456789abcdef.rlib", "some code"),
        ("debug/deps/a-0123456789abcdef.d", "x"),
        ("debug/incremental/a-1x/s-1/dep-graph.bin", "x"),
        ("doc/a/index.html", "x"),
        ("doc/src/a/lib.rs.html", "x"),
        ("cargo-timings/cargo-timing.html", "x"),
    ] {
        let path = build.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let uplifted = build.join("debug/liba.rlib");
    fs::hard_link(
        build.join("debug/deps/liba-0123456789abcdef.rlib"),
        uplifted,
    )
    .unwrap();
}

/// A file that is gone after the listing is still counted, so no file was looked at twice.
#[test]
fn a_scan_counts_from_one_listing() {
    let directory = tempfile::tempdir().unwrap();
    let build = Utf8Path::from_path(directory.path())
        .unwrap()
        .join("target");
    write_directory(&build);
    let directories = Directories {
        build: build.clone(),
        target: build.clone(),
    };
    let counts = |scan: &DirectoryScan| {
        let shared = scan.shared.iter();
        let shared = shared.map(|it| (it.name.clone(), it.kind, it.sizes));
        let unit = &scan.units[0];
        let files = unit.files.iter().map(|(_, path)| path.clone());
        (
            scan.bytes,
            (
                unit.sizes,
                unit.built,
                unit.accessed,
                files.collect::<Vec<_>>(),
            ),
            shared.collect::<Vec<_>>(),
        )
    };
    let listing = Listing::of(&directories, &[]).unwrap();
    let before = DirectoryScan::of(&listing, RecordNotes::default(), &directories, &[]).unwrap();
    assert_eq!(before.units.len(), 1, "{:#?}", before.units);
    assert_eq!(before.units[0].sizes.files, 5);
    let kinds = |scan: &DirectoryScan, kind| {
        let shared = scan.shared.iter();
        shared.filter(|it| it.kind == kind).count()
    };
    for (kind, number) in [
        (Some(Artifact::Incremental), 1),
        (Some(Artifact::Documentation), 1),
        (Some(Artifact::Uplifted), 1),
        (None, 1),
    ] {
        assert_eq!(
            kinds(&before, kind),
            number,
            "{kind:?}: {:#?}",
            before.shared
        );
    }

    for gone in ["debug/deps", "debug/incremental", "doc", "cargo-timings"] {
        fs::remove_dir_all(build.join(gone)).unwrap();
    }
    for gone in ["dep-lib-a", "invoked.timestamp"] {
        let fingerprint = build.join("debug/.fingerprint/a-0123456789abcdef");
        fs::remove_file(fingerprint.join(gone)).unwrap();
    }
    let after = DirectoryScan::of(&listing, RecordNotes::default(), &directories, &[]).unwrap();
    // The size of the three directories on the way is read from the disk.
    assert_eq!(counts(&after).1, counts(&before).1);
    assert_eq!(counts(&after).2, counts(&before).2);
}

#[test]
fn other_directories_are_left_out() {
    let directory = tempfile::tempdir().unwrap();
    let build = Utf8Path::from_path(directory.path())
        .unwrap()
        .join("target");
    let other = build.join("editor");
    write_directory(&build);
    let directories = Directories {
        build: build.clone(),
        target: build.clone(),
    };
    let bytes = DirectoryScan::read(&directories, &[]).unwrap().bytes;
    write_directory(&other);
    let listing = Listing::of(&directories, std::slice::from_ref(&other)).unwrap();
    assert!(listing.get(&other).is_none());
    let scan = DirectoryScan::of(&listing, RecordNotes::default(), &directories, &[other]).unwrap();
    assert_eq!(scan.bytes, bytes);
}

#[test]
fn a_record_is_read_again_only_after_a_change() {
    const RECORDS: &str = "debug/.fingerprint/a-0123456789abcdef";
    let directory = tempfile::tempdir().unwrap();
    let build = Utf8Path::from_path(directory.path()).unwrap();
    write_directory(build);
    let json = build.join(RECORDS).join("lib-a.json");
    let write = |rustc: u64| {
        let rest = r#""features":"[]","deps":[],"local":[],"rustflags":[]"#;
        fs::write(&json, format!("{{\"rustc\":{rustc},{rest}}}")).unwrap();
    };
    let past = SystemTime::now() - Duration::from_secs(60);
    let set_back = |path: &Utf8Path, seconds: u64| {
        let time = past + Duration::from_secs(seconds);
        set_times(path, fs::FileTimes::new().set_modified(time));
    };
    let directories = Directories {
        build: build.to_owned(),
        target: build.to_owned(),
    };
    let rustc = || {
        let scan = DirectoryScan::read(&directories, &[]).unwrap();
        scan.notes.write(&directories);
        scan.units[0].rustc
    };
    write(1);
    for file in ["lib-a", "lib-a.json", "dep-lib-a"] {
        set_back(&build.join(RECORDS).join(file), 0);
    }
    set_back(&build.join("debug/deps/a-0123456789abcdef.d"), 0);
    assert_eq!(rustc(), Some(1));
    write(2);
    set_back(&json, 0);
    assert_eq!(
        rustc(),
        Some(1),
        "the file has the same time, length and number"
    );
    set_back(&json, 1);
    assert_eq!(rustc(), Some(2));
    // Two writes within one tick of the clock have one time, so a new file is read each time.
    write(3);
    assert_eq!(rustc(), Some(3));
    write(4);
    assert_eq!(rustc(), Some(4));
    fs::write(build.join(RECORDS).join("lib-a"), "").unwrap();
    assert_eq!(rustc(), None);
}

#[test]
fn a_directory_without_fingerprint_is_unusable_if_it_holds_files() {
    for (layout, files, is_unusable) in [
        ("V1", &["deps/liba-0123456789abcdef.rlib"][..], true),
        ("V2", &["build/a/0123456789abcdef/out/liba.rlib"], true),
        ("V2", &[], false),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let build = Utf8Path::from_path(directory.path()).unwrap();
        let profile = build.join("debug");
        let inner = match layout {
            "V1" => profile.join(".fingerprint"),
            _ => profile.join("build/a/0123456789abcdef"),
        };
        fs::create_dir_all(inner.join("out")).unwrap();
        for file in files {
            let file = profile.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "x").unwrap();
        }
        let past = SystemTime::now() - Duration::from_secs(60);
        set_times(&inner, fs::FileTimes::new().set_modified(past));
        let directories = Directories {
            build: build.to_owned(),
            target: build.to_owned(),
        };
        let scan = DirectoryScan::read(&directories, &[]).unwrap();
        let [unit] = &scan.units[..] else {
            panic!("{layout}: {:#?}", scan.units);
        };
        assert_eq!(unit.is_unusable(), is_unusable, "{layout} {files:?}");
        assert!(unit.built >= past, "{layout} {files:?}: {:?}", unit.built);
    }
}

/// Changes one thing at a time: a scan is no longer current after a change that a build makes.
#[test]
fn a_scan_is_current_until_a_build() {
    type Change = fn(&Utf8Path);
    const RECORD: &str = "debug/.fingerprint/a-0123456789abcdef/lib-a";
    let cases: [(&str, Change, bool); 8] = [
        ("nothing", |_| {}, true),
        (
            "a file that no build reads",
            |it| fs::write(it.join("cargo-timings/other.html"), "x").unwrap(),
            true,
        ),
        (
            "a unit is built",
            |it| fs::write(it.join(RECORD), "0200000000000000").unwrap(),
            false,
        ),
        (
            "a build reads a fresh unit",
            |it| {
                let times = fs::FileTimes::new().set_accessed(SystemTime::now());
                set_times(&it.join(RECORD), times);
            },
            false,
        ),
        (
            "an artifact is added",
            |it| fs::write(it.join("debug/deps/libb-00000000000000bb.rlib"), "x").unwrap(),
            false,
        ),
        (
            "a final artifact is replaced",
            |it| {
                fs::remove_file(it.join("debug/liba.rlib")).unwrap();
                fs::write(it.join("debug/liba.rlib"), "x").unwrap();
            },
            false,
        ),
        (
            "a unit is added",
            |it| fs::create_dir(it.join("debug/.fingerprint/b-00000000000000bb")).unwrap(),
            false,
        ),
        (
            "a profile is added",
            |it| fs::create_dir_all(it.join("release/.fingerprint")).unwrap(),
            false,
        ),
    ];
    for (name, change, expected) in cases {
        let directory = tempfile::tempdir().unwrap();
        let build = Utf8Path::from_path(directory.path()).unwrap();
        write_directory(build);
        // Two changes within one tick of the clock have one time.
        let past = SystemTime::now() - Duration::from_secs(60);
        let times = fs::FileTimes::new().set_modified(past).set_accessed(past);
        for path in [
            "debug",
            "debug/deps",
            "debug/.fingerprint",
            "debug/.fingerprint/a-0123456789abcdef",
            RECORD,
        ] {
            set_times(&build.join(path), times);
        }
        let directories = Directories {
            build: build.to_owned(),
            target: build.to_owned(),
        };
        let scan = DirectoryScan::read(&directories, &[]).unwrap();
        change(build);
        assert_eq!(scan.is_current(&directories), expected, "{name}");
    }
}

/// The kit's own directory has the name of a profile: its notes are no build.
#[test]
fn a_scan_is_current_although_the_kit_writes_notes() {
    type Change = fn(&Utf8Path);
    let cases: [(&str, Change, bool); 5] = [
        ("nothing", |_| {}, true),
        (
            "the kit writes a note",
            |it| xtask_impact::state::write_numbers(&it.join("sweep-records"), &[1]),
            true,
        ),
        (
            "a final artifact is replaced",
            |it| {
                fs::remove_file(it.join("liba.rlib")).unwrap();
                fs::write(it.join("liba.rlib"), "x").unwrap();
            },
            false,
        ),
        (
            "a dep-info is written",
            |it| fs::write(it.join("liba.d"), "y").unwrap(),
            false,
        ),
        (
            "an artifact is added",
            |it| fs::write(it.join("deps/libb-00000000000000bb.rlib"), "x").unwrap(),
            false,
        ),
    ];
    for (name, change, expected) in cases {
        let directory = tempfile::tempdir().unwrap();
        let build = Utf8Path::from_path(directory.path()).unwrap();
        write_directory(build);
        let own = build.join("xtask");
        fs::rename(build.join("debug"), &own).unwrap();
        fs::write(own.join("liba.d"), "x").unwrap();
        let past = SystemTime::now() - Duration::from_secs(60);
        for path in ["", "deps", "liba.d", "liba.rlib"] {
            set_times(&own.join(path), fs::FileTimes::new().set_modified(past));
        }
        let directories = Directories {
            build: build.to_owned(),
            target: build.to_owned(),
        };
        let scan = DirectoryScan::read(&directories, &[]).unwrap();
        change(&own);
        assert_eq!(scan.is_current(&directories), expected, "{name}");
    }
}

fn set_times(path: &Utf8Path, times: fs::FileTimes) {
    fs::File::open(path).unwrap().set_times(times).unwrap();
}
