use super::*;

/// Returns a record of `src/lib.rs`, a generated file with a checksum, and two variables.
fn record() -> Vec<u8> {
    let mut bytes = vec![1, 0, 0, 0, 0xff, 1, 2, 0, 0, 0];
    let text = |bytes: &mut Vec<u8>, text: &str| {
        bytes.extend((text.len() as u32).to_le_bytes());
        bytes.extend(text.as_bytes());
    };
    bytes.push(0);
    text(&mut bytes, "src/a b.rs");
    bytes.push(0);
    bytes.push(1);
    text(&mut bytes, "debug/out/g.rs");
    bytes.push(1);
    bytes.extend(7_u64.to_le_bytes());
    text(&mut bytes, "blake3=00");
    bytes.extend([2, 0, 0, 0]);
    text(&mut bytes, "SET");
    bytes.push(1);
    text(&mut bytes, "x");
    text(&mut bytes, "UNSET");
    bytes.push(0);
    bytes
}

#[test]
fn an_incomplete_dep_info_of_cargo_is_refused() {
    let whole = record();
    let expected = DepInfo {
        files: vec![
            RecordedPath::Package("src/a b.rs".into()),
            RecordedPath::Build("debug/out/g.rs".into()),
        ],
        env: vec![("SET".into(), Some("x".into())), ("UNSET".into(), None)],
    };
    assert_eq!(parse_cargo(&whole), Some(expected));
    for length in 0..whole.len() {
        assert_eq!(parse_cargo(&whole[..length]), None, "cut at {length}");
    }
    let with = |at: usize, byte: u8| {
        let mut bytes = record();
        bytes[at] = byte;
        bytes
    };
    assert_eq!(parse_cargo(&with(5, 2)), None, "a version to come");
    assert_eq!(parse_cargo(&with(10, 2)), None, "an unknown kind of path");
    assert_eq!(
        parse_cargo(&with(15, 0xff)),
        None,
        "a name that is not UTF-8"
    );
    assert_eq!(
        parse_cargo(&[record(), vec![0]].concat()),
        None,
        "more than there should be"
    );
    let before_1_84 = [1, 0, 0, 0, 0, 1, 0, 0, 0, b'a', 0, 0, 0, 0];
    assert_eq!(parse_cargo(&before_1_84), None);
}

#[test]
fn rustcs_dep_info_is_parsed_as_a_makefile() {
    let text = "\
/t/deps/a-1.d: src/lib.rs src/../b\\ \\ c.txt C:\\x\\d.rs\n\n\
/t/deps/liba-1.rmeta: src/lib.rs src/../b\\ \\ c.txt C:\\x\\d.rs\n\n\
src/lib.rs:\nsrc/../b\\ \\ c.txt:\nC:\\x\\d.rs:\n\n\
# env-dep:A=x\\n\\\\y=z\n# env-dep:B\n# checksum:blake3=00 file_len:3 src/lib.rs\n";
    let found = parse_rustc(text).unwrap();
    assert_eq!(
        found.files,
        ["src/lib.rs", "src/../b  c.txt", "C:\\x\\d.rs"]
    );
    assert_eq!(
        found.env,
        [("A".into(), Some("x\n\\y=z".into())), ("B".into(), None)]
    );
    let files_end = text.find("# env").unwrap();
    for length in (0..files_end - 1).filter(|length| text.is_char_boundary(*length)) {
        assert_eq!(
            parse_rustc(&text[..length.min(files_end - 2)]),
            None,
            "cut at {length}"
        );
    }
    for broken in [
        "",
        "\n",
        "a.d: b.rs\n",
        "a.d: b.rs\n\nb.rs:\n# env-dep:A=\\q\n",
    ] {
        assert_eq!(parse_rustc(broken), None, "{broken:?}");
    }
}

#[test]
fn a_fingerprint_is_read_from_json() {
    let text = r#"{"rustc":18446744073709551615,"features":"[\"a\", \"b-c\"]",
            "declared_features":"","target":1,"profile":2,"path":3,"deps":[[4,"x",false,5]],
            "local":[{"CheckDepInfo":{"dep_info":"debug/d","checksum":false}},
                {"CheckDepInfo":{"dep_info":"debug/d","fingerprint":"mtime"}},
                {"RerunIfChanged":{"output":"o","paths":["p q"]}},
                {"RerunIfEnvChanged":{"var":"V","val":null}},{"Precalculated":"1.0.0"}],
            "rustflags":["-g"],"config":6,"compile_kind":0}"#;
    let read: Fingerprint = serde_json::from_str(text).unwrap();
    assert_eq!(read.rustc, u64::MAX);
    assert_eq!(read.features, ["a", "b-c"]);
    assert_eq!(read.deps, [RecordedDependency(4, "x".into(), false, 5)]);
    assert_eq!(read.local[0], read.local[1]);
    assert_eq!(read.local.len(), 5);
    for broken in ["", "{}", "[]", &text[..90]] {
        assert!(
            serde_json::from_str::<Fingerprint>(broken).is_err(),
            "{broken}"
        );
    }
}

#[test]
fn a_scripts_instructions_to_cargo_are_parsed() {
    let output = b"cargo:rerun-if-changed=a b\r\n  cargo::rerun-if-changed=/old/out/x\nplain\n\
            cargo:rerun-if-env-changed=V\n\xff\xfe\ncargo::rustc-env=K=a=b\ncargo:root=/x\n\
            cargo::metadata=rerun-if-changed=no\ncargo:rustc-env=half\nx cargo:rerun-if-changed=no\n\
            cargo::rerun-if-changed\ncargo:rustc-link-arg-bins=-T/old/out/x\n\
            cargo::rustc-link-search=native=y\ncargo:rustc-cfg=no\ncargo:rustc-flags=-L z\n\
            cargo:rustc-link-lib=static=z";
    let found = ScriptOutput::parse(output, "/old/out", "/new/out");
    assert_eq!(found.rerun_if_changed, ["a b", "/new/out/x"]);
    assert_eq!(found.rerun_if_env_changed, ["V"]);
    assert_eq!(found.rustc_env, [("K".into(), "a=b".into())]);
    let flags = ["-T/new/out/x", "native=y", "-L z", "static=z"];
    assert_eq!(found.linker_flags, flags);
    assert_eq!(ScriptOutput::parse(b"", "", ""), ScriptOutput::default());
}

#[test]
fn dots_are_removed_from_paths() {
    for (path, expected) in [
        ("src/lib.rs", "/none/src/lib.rs"),
        ("/abs/x", "/abs/x"),
        ("src/./../../b/c", "/b/c"),
        ("", "/none"),
    ] {
        assert_eq!(absolute("/none".into(), path.into()), expected);
    }
}

#[test]
#[cfg(unix)]
fn symbolic_links_in_a_recorded_path_are_kept() {
    let (_directory, top) = crate::testing::scratch();
    std::fs::create_dir_all(top.join("a/src")).unwrap();
    std::fs::create_dir_all(top.join("v1/deep")).unwrap();
    std::os::unix::fs::symlink("../v1/deep", top.join("a/data")).unwrap();
    for (path, expected, real) in [
        ("src/lib.rs", "a/src/lib.rs", "a/src/lib.rs"),
        ("src/../x", "a/x", "a/x"),
        ("src/../data/x", "a/data/x", "v1/deep/x"),
        ("data/../x", "a/data/../x", "v1/x"),
        ("gone/../x", "a/x", "a/x"),
    ] {
        let at = top.join("a");
        assert_eq!(recorded(&at, path.into()).as_str(), top.join(expected));
        assert_eq!(absolute(&at, path.into()), top.join(real));
    }
}

#[test]
fn a_file_of_the_first_rule_must_match_completely() {
    let text = "/t/libx.rlib: /w/my\\ x/src/lib.rs /w/y/src/lib.rs\n\n/w/z.rs:\n";
    let has = |file: &str| first_rule_has(text, Utf8Path::new(file));
    assert!(has("/w/my x/src/lib.rs") && has("/w/y/src/lib.rs"));
    assert!(!has("x/src/lib.rs") && !has("y/src/lib.rs") && !has("/w/y/src") && !has("/w/z.rs"));
}

#[test]
fn the_first_rule_of_a_makefile_is_read() {
    let text = "/t/a.rmeta: src/lib.rs src/my\\ text.txt\n\n/t/a.d: other.rs\n";
    assert_eq!(first_rule(text), ["src/lib.rs", "src/my text.txt"]);
    assert!(first_rule("src/lib.rs:\n").is_empty());
}

#[test]
fn records_are_alike_if_only_the_dependencies_differ() {
    let read = |rustc: u64, flag: &str, target: u64, on: u64| -> Fingerprint {
        let value = serde_json::json!({
            "rustc": rustc, "features": "", "deps": [[1, "x", false, on]], "local": [],
            "rustflags": [flag], "target": target,
        });
        serde_json::from_value(value).unwrap()
    };
    let likeness = read(1, "-g", 1, 1).likeness();
    assert_eq!(read(1, "-g", 1, 2).likeness(), likeness);
    for other in [
        read(2, "-g", 1, 1),
        read(1, "-O", 1, 1),
        read(1, "-g", 2, 1),
    ] {
        assert_ne!(other.likeness(), likeness);
    }
}

#[test]
fn escapes_of_variables_are_decoded() {
    for (text, expected) in [
        ("plain", Some("plain")),
        ("a\\nb", Some("a\nb")),
        ("a\\rb", Some("a\rb")),
        ("a\\\\nb", Some("a\\nb")),
        ("a\\tb", None),
        ("a\\", None),
    ] {
        assert_eq!(unescape(text).as_deref(), expected, "{text}");
    }
}
