use super::*;

fn shown(text: &str) -> Vec<String> {
    let show = |it: &MadePath| format!("{:?}:{} {} ^{}", it.origin, it.line, it.path, it.climbs);
    made_paths(text).iter().map(show).collect()
}

#[test]
fn steps_are_followed_through_methods_and_variables() {
    for (code, expected) in [
        (
            "let p = Path::new(env!(\"CARGO_MANIFEST_DIR\")).join(\"../target\").join(x);",
            &["ManifestDir:1 ../target/* ^1"][..],
        ),
        (
            "f(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/target/\", \"debug\"))",
            &["ManifestDir:1 target/debug ^0"],
        ),
        (
            "// OUT_DIR\nlet out = PathBuf::from(env::var(\"OUT_DIR\").unwrap());\n\
             let file = out.join(\"a.rs\");\nlet up = out.parent().unwrap().parent();",
            &["OutDir:2 a.rs ^0", "OutDir:2 ../.. ^2"],
        ),
        (
            "let mut exe = std::env::current_exe()?; exe.pop(); if x { exe.pop(); }",
            &["CurrentExe:1 .. ^1", "CurrentExe:1 ../.. ^2"],
        ),
        (
            "let d = env::var_os(\"OUT_DIR\").map(PathBuf::from).expect(\"x\");\n\
             d.ancestors().nth(3)",
            &["OutDir:1 ../../.. ^3"],
        ),
        (
            "let o = env::var(\"OUT_DIR\").unwrap(); format!(\"{o}/../../x\"); \
             format!(\"{}/b.rs\", o)",
            &["OutDir:1 ../../x ^2", "OutDir:1 b.rs ^0"],
        ),
        ("out.join(\"x\").parent()", &[]),
        ("let o = find(env::var(\"OUT_DIR\")?); o.parent()", &[]),
        ("let o = env::var(\"OUT_DIR\")?.len(); o.parent()", &[]),
        (
            "let o = Path::new(env!(\"OUT_DIR\")).join(\"a/b\").parent();",
            &["OutDir:1 a ^0"],
        ),
    ] {
        assert_eq!(shown(code), expected, "{code}");
    }
}

#[test]
fn the_written_path_is_the_first_argument() {
    for (code, expected) in [
        (
            "fs::write(\"src/made.rs\", text)",
            Some("write Literal src/made.rs"),
        ),
        (
            "let at = Path::new(\"src\").join(\"made.rs\"); File::create(&at)",
            None,
        ),
        (
            "File::create(Path::new(\"src\").join(\"made.rs\"))",
            Some("create Literal src/made.rs"),
        ),
        (
            "let d = env::var(\"CARGO_MANIFEST_DIR\")?; let f = Path::new(&d).join(\"src/x.rs\");\n\
             std::fs::write(&f, \"\")",
            Some("write ManifestDir src/x.rs"),
        ),
        (
            "bindings.write_to_file(PathBuf::from(env::var(\"OUT_DIR\")?).join(\"b.rs\"))",
            Some("write_to_file OutDir b.rs"),
        ),
        ("fs::write(dir.join(\"x\"), y)", None),
        ("fs::write(\"/tmp/x\", y)", Some("write Literal /tmp/x")),
        ("fs::write(\"/x/../../y\", z)", Some("write Literal /y")),
        ("file.write(b\"bytes\")", None),
        ("tonic().out_dir(\"src\")", Some("out_dir Literal src")),
    ] {
        let found = written_paths(code);
        let found = found
            .first()
            .map(|(writer, it)| format!("{writer} {:?} {}", it.origin, it.path));
        assert_eq!(found.as_deref(), expected, "{code}");
    }
}
