use super::*;

#[test]
fn names_of_fingerprints_are_units() {
    use Mode::{Compile, Doc, Run, Test};
    let bs = "build-script-build";
    for (file, mode, kind, target) in [
        ("lib-my_lib", Compile, TargetKind::Lib, "my_lib"),
        ("bin-my-tool", Compile, TargetKind::Bin, "my-tool"),
        ("example-ex", Compile, TargetKind::Example, "ex"),
        (
            "build-script-build-script-build",
            Compile,
            TargetKind::BuildScript,
            bs,
        ),
        (
            "run-build-script-build-script-build",
            Run,
            TargetKind::BuildScript,
            bs,
        ),
        ("test-lib-my_lib", Test, TargetKind::Lib, "my_lib"),
        ("test-bin-lib-x", Test, TargetKind::Bin, "lib-x"),
        ("test-integration-test-it", Test, TargetKind::Test, "it"),
        ("test-bench-be", Test, TargetKind::Bench, "be"),
        ("test-example-ex", Test, TargetKind::Example, "ex"),
        ("doc-lib-my_lib", Doc, TargetKind::Lib, "my_lib"),
        ("doc-bin-my-tool", Doc, TargetKind::Bin, "my-tool"),
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
fn products_are_told_by_extension() {
    for (file, product) in [
        ("liba-0.rmeta", Some(Product::Metadata)),
        ("liba-0.rlib", Some(Product::Linked)),
        ("a-0", Some(Product::Linked)),
        ("a.dll", Some(Product::Linked)),
        ("a-0.d", None),
        ("a-0.pdb", None),
        ("a-0.1x.rcgu.o", None),
    ] {
        assert_eq!(product_of(file), product, "{file}");
    }
    assert!(Product::Linked > Product::Metadata);
}

#[test]
fn half_written_records_are_damaged_and_no_error() {
    let root = Utf8PathBuf::from_path_buf(std::env::temp_dir()).unwrap();
    let root = root.join(format!("unit-record-{}", std::process::id()));
    fs::remove_dir_all(&root).ok();
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
        let path = root.join(".fingerprint").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
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
    let records = dir.records().unwrap();
    let good: Vec<_> = records
        .units
        .iter()
        .map(|unit| (&unit.package[..], unit.value))
        .collect();
    assert_eq!(good, [("good", 1)]);
    assert_eq!(
        (records.units[0].invoked, records.units[0].product),
        (None, None)
    );
    let mut damaged: Vec<_> = records
        .damaged
        .iter()
        .map(|it| format!("{} {}", it.package.as_deref().unwrap_or("?"), it.reason))
        .filter(|it| !it.contains("UTF-8"))
        .collect();
    damaged.sort();
    let expected = [
        "? not cargo's",
        "bare no JSON lies beside it: No such file or directory (os error 2)",
        "cut the JSON beside it is not cargo's: EOF while parsing a string at line 1 column 50",
        "empty never built to its end",
        "odd it holds no fingerprint",
        "stopped the last build of it failed or was stopped",
    ];
    #[cfg(unix)]
    assert_eq!(damaged, expected);
    assert_eq!(damaged.len(), expected.len());
    fs::remove_dir_all(root).unwrap();
}
