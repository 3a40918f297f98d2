use super::*;
use crate::testing::{scratch, write};

#[test]
fn unit_names_are_parsed_from_fingerprint_file_names() {
    use RecordedMode::{Compile, Doc, Run, Test};
    let bs = "build-script-build";
    for (file, mode, kind, target) in [
        ("lib-my_lib", Compile, RecordedKind::Lib, "my_lib"),
        ("bin-my-tool", Compile, RecordedKind::Bin, "my-tool"),
        ("example-ex", Compile, RecordedKind::Example, "ex"),
        (
            "build-script-build-script-build",
            Compile,
            RecordedKind::BuildScript,
            bs,
        ),
        (
            "run-build-script-build-script-build",
            Run,
            RecordedKind::BuildScript,
            bs,
        ),
        ("test-lib-my_lib", Test, RecordedKind::Lib, "my_lib"),
        ("test-bin-lib-x", Test, RecordedKind::Bin, "lib-x"),
        ("test-integration-test-it", Test, RecordedKind::Test, "it"),
        ("test-bench-be", Test, RecordedKind::Bench, "be"),
        ("test-example-ex", Test, RecordedKind::Example, "ex"),
        ("doc-lib-my_lib", Doc, RecordedKind::Lib, "my_lib"),
        ("doc-bin-my-tool", Doc, RecordedKind::Bin, "my-tool"),
    ] {
        let name = UnitName {
            mode,
            kind,
            target: target.into(),
        };
        assert_eq!(UnitName::parse(file), Some(name.clone()), "{file}");
        assert_eq!(name.file_name(), file);
    }
    for file in [
        "lib-x.json",
        "dep-lib-x",
        "output-test-lib-x",
        "invoked.timestamp",
        "test-x",
        "",
    ] {
        assert_eq!(UnitName::parse(file), None, "{file}");
    }
}

#[test]
fn artifacts_are_recognized_by_extension() {
    for (file, expected) in [
        ("liba-0.rmeta", true),
        ("liba-0.rlib", true),
        ("a-0", true),
        ("a.dll", true),
        ("a-0.d", false),
        ("a-0.pdb", false),
        ("a-0.1x.rcgu.o", false),
    ] {
        assert_eq!(is_product(file), expected, "{file}");
    }
}

#[test]
fn an_incomplete_record_is_missing_but_no_error() {
    let (_directory, root) = scratch();
    let json = r#"{"rustc":1,"features":"[]","declared_features":"[]","target":0,"profile":0,
        "path":0,"deps":[],"local":[],"rustflags":[],"config":0,"compile_kind":0}"#;
    for (path, text) in [
        ("good-0000000000000001/lib-a", "0100000000000000"),
        ("good-0000000000000001/lib-a.json", json),
        ("empty-0000000000000002/invoked.timestamp", ""),
        ("stopped-0000000000000003/lib-a", ""),
        ("stopped-0000000000000003/lib-a.json", json),
        ("bare-0000000000000004/lib-a", "0100000000000000"),
        ("cut-0000000000000005/lib-a", "0100000000000000"),
        ("cut-0000000000000005/lib-a.json", &json[..50]),
        ("odd-0000000000000006/lib-a", "01000"),
        ("nohash/lib-a", "0100000000000000"),
    ] {
        write(&root.join(".fingerprint").join(path), text);
    }
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::ffi::OsStrExt;
        let name = std::ffi::OsStr::from_bytes(b"\xff-0000000000000007");
        fs::create_dir(root.join(".fingerprint").as_std_path().join(name)).unwrap();
    }
    let dir = ProfileDir {
        path: root.clone(),
        build_directory: root.clone(),
        triple: None,
        directory: "debug".into(),
        layout: Layout::V1,
    };
    let directories = dir.unit_dirs(&|_| true).unwrap();
    let names: Vec<_> = directories.iter().map(|(name, _)| &name[..]).collect();
    assert_eq!(names, ["bare", "cut", "empty", "good", "odd", "stopped"]);
    let hashes = dir.hashes().unwrap();
    let read = |(package, hash): &UnitDir| dir.read_unit(package, hash, &hashes).unwrap();
    let [good] = &directories.iter().flat_map(read).collect::<Vec<_>>()[..] else {
        panic!("others are read");
    };
    assert_eq!((&good.package[..], good.value), ("good", 1));
    assert_eq!((good.invoked, good.plain), (None, true));
}

#[test]
fn outputs_lie_where_the_layout_and_the_kind_say() {
    use RecordedKind::{Bin, BuildScript, Example, Lib};
    for (layout, kind, expected) in [
        (Layout::V1, Lib, "deps"),
        (Layout::V1, Bin, "deps"),
        (Layout::V1, Example, "examples"),
        (Layout::V1, BuildScript, "build/a-0"),
        (Layout::V2, Example, "build/a/0/out"),
        (Layout::V2, BuildScript, "build/a/0/out"),
    ] {
        assert_eq!(output_directory(layout, "a", "0", kind), expected);
    }
}

#[test]
fn the_units_of_wanted_packages_are_listed_in_both_layouts() {
    let (_directory, root) = scratch();
    let hash = "0000000000000001";
    for path in [
        format!(".fingerprint/a-{hash}/lib-a"),
        format!(".fingerprint/a-{hash}/lib-a.json"),
        format!(".fingerprint/a-{hash}/test-lib-a"),
        format!(".fingerprint/b-{hash}/invoked.timestamp"),
        format!("build/a/{hash}/fingerprint/bin-a"),
        format!("build/b/{hash}/fingerprint/lib-b"),
        // The directory of a build script in the first layout.
        format!("build/a-{hash}/{hash}/fingerprint/lib-x"),
    ] {
        write(&root.join(path), "");
    }
    for (layout, expected) in [
        (
            Layout::V1,
            [("a", &["lib-a", "test-lib-a"][..]), ("b", &[])],
        ),
        (Layout::V2, [("a", &["bin-a"]), ("b", &["lib-b"])]),
    ] {
        let place = ProfileDir {
            path: root.clone(),
            build_directory: root.clone(),
            triple: None,
            directory: "debug".into(),
            layout,
        };
        let expected = expected.map(|(package, names)| {
            let names = names.iter().map(|it| UnitName::parse(it).unwrap());
            (
                package.to_owned(),
                hash.to_owned(),
                names.collect::<Vec<_>>(),
            )
        });
        assert_eq!(place.unit_names(&|_| true).unwrap(), expected);
        let only_b = place.unit_names(&|name| name == "b").unwrap();
        assert_eq!(only_b, expected[1..]);
        let a = format!("a-{hash}");
        let b = format!("b-{hash}");
        let names = |directory: &Utf8Path| -> Vec<&str> {
            match directory.strip_prefix(&root).unwrap().as_str() {
                ".fingerprint" => vec![&a, &b],
                "build" => vec!["a", &a, "b"],
                "build/a" | "build/b" => vec![hash],
                it if it == format!(".fingerprint/{a}") => {
                    vec!["lib-a", "lib-a.json", "test-lib-a"]
                }
                it if it == format!("build/a/{hash}/fingerprint") => vec!["bin-a"],
                it if it == format!("build/b/{hash}/fingerprint") => vec!["lib-b"],
                _ => vec!["invoked.timestamp"],
            }
        };
        assert_eq!(place.listed_names(&names), expected);
    }
}

/// In the first layout, a `.d` file without a hash may belong to another unit, unless this unit has
/// no file with a hash.
#[test]
fn a_unit_with_hashed_files_has_no_plain_dep_info() {
    let json = r#"{"rustc":1,"features":"[]","deps":[],"local":[],"rustflags":[]}"#;
    let hash = "0000000000000001";
    for (layout, name, product, expected) in [
        (
            Layout::V1,
            "lib-a",
            "deps/liba-0000000000000001.rlib",
            false,
        ),
        (Layout::V1, "lib-a", "deps/liba-0000000000000002.rlib", true),
        (Layout::V1, "lib-a", "deps/a-0000000000000001.d", true),
        (
            Layout::V1,
            "example-a",
            "examples/a-0000000000000001",
            false,
        ),
        (
            Layout::V1,
            "build-script-build-script-build",
            "deps/x",
            false,
        ),
        (Layout::V2, "lib-a", "deps/liba-0000000000000001.rlib", true),
    ] {
        let (_directory, root) = scratch();
        let place = ProfileDir {
            path: root.clone(),
            build_directory: root.clone(),
            triple: None,
            directory: "debug".into(),
            layout,
        };
        let directory = place.fingerprint_dir("a", hash);
        write(&directory.join(name), hash);
        write(&directory.join(format!("{name}.json")), json);
        write(&root.join(product), "");
        fs::create_dir_all(root.join("deps")).unwrap();
        let hashes = place.hashes().unwrap();
        let read = place.read_unit("a", hash, &hashes).unwrap();
        assert_eq!(read[0].plain, expected, "{layout:?}: {name}, {product}");
    }
}
