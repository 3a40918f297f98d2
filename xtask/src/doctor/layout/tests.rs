use super::*;

fn judged(text: &str, is_test: bool) -> Vec<&'static str> {
    let code = CodePlace {
        directory: "/w/crates/a".into(),
        targets: ["/w/target".into(), "/w/target".into(), "/built".into()],
        is_test,
    };
    let made = source_scan::made_paths(text);
    made.iter()
        .filter_map(|it| Some(code.judge(it)?.1.code))
        .collect()
}

#[test]
fn code_with_paths_into_the_build_directory_is_found() {
    for (code, is_test, expected) in [
        (
            "Path::new(env!(\"CARGO_MANIFEST_DIR\")).join(\"../../target/debug/tool\")",
            false,
            &["path-from-manifest"][..],
        ),
        // A source directory of the package that is named `target`.
        (
            "Path::new(env!(\"CARGO_MANIFEST_DIR\")).join(\"src/target/x86\")",
            false,
            &[],
        ),
        (
            "concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/target/x\")",
            false,
            &[],
        ),
        (
            "Path::new(&env::var(\"OUT_DIR\").unwrap()).join(\"../../..\")",
            false,
            &["path-from-out-dir"],
        ),
        (
            "Path::new(&env::var(\"OUT_DIR\").unwrap()).join(\"a/../b\")",
            false,
            &[],
        ),
        (
            "let mut p = env::current_exe()?; p.pop(); p.pop();",
            true,
            &["path-from-test"],
        ),
        ("env::current_exe()?.parent()", true, &[]),
        ("env::current_exe()?.parent()?.parent()", false, &[]),
    ] {
        assert_eq!(judged(code, is_test), expected, "{code}");
    }
}

#[test]
fn every_way_to_leave_out_dir_is_found() {
    for (steps, expected) in [
        ("out.components().rev().nth(3)", "3 directories above"),
        (
            "out.components().rev().skip(2).next()",
            "2 directories above",
        ),
        ("out.iter().rev().nth(1)", "one directory above"),
        ("out.components().nth_back(2)", "2 directories above"),
        (
            "let mut c = out.components(); c.next_back(); c.next_back();",
            "one directory above",
        ),
        (
            "let mut c = out.components(); c.next_back(); c.as_path()",
            "one directory above",
        ),
        ("out.ancestors().skip(2).next()", "2 directories above"),
        (
            "out.ancestors().find(|it| it.ends_with(\"target\"))",
            "splits OUT_DIR",
        ),
        (
            "out.components().rev().skip_while(|it| f(it))",
            "splits OUT_DIR",
        ),
        (
            "let parts: Vec<_> = out.components().collect();",
            "splits OUT_DIR",
        ),
        (
            "out.to_str().unwrap().split('/').rev().nth(2)",
            "2 directories above",
        ),
        (
            "out.to_string_lossy().rsplit(MAIN_SEPARATOR).nth(4)",
            "4 directories above",
        ),
        (
            "out.to_str().unwrap().rsplitn(4, '/').last()",
            "splits OUT_DIR",
        ),
        (
            "out.to_str().unwrap().split_once(\"/build/\")",
            "splits OUT_DIR",
        ),
        (
            "&text[..out.to_str().unwrap().find(\"/build/\").unwrap()]",
            "splits OUT_DIR",
        ),
        (
            "out.parent().and_then(|it| it.parent()).and_then(Path::parent)",
            "3 directories above",
        ),
        (
            "out.parent().and_then(Path::parent).map(|it| it.join(\"..\"))",
            "3 directories above",
        ),
        (
            "let mut p = out.clone(); for _ in 0..3 { p.pop(); }",
            "one directory above",
        ),
        ("out.join(\"a/b\").components().rev().nth(1)", ""),
        ("out.components().last()", ""),
        ("out.components().next_back()", ""),
        ("out.ancestors().next()", ""),
        ("for part in out.components() { f(part) }", ""),
        ("out.file_name()", ""),
    ] {
        let code = CodePlace {
            directory: "/w".into(),
            targets: ["/w/target".into(), "/w/target".into(), "/w/target".into()],
            is_test: false,
        };
        let text = format!("let out = PathBuf::from(env::var(\"OUT_DIR\").unwrap()); {steps};");
        let made = source_scan::made_paths(&text);
        let found = made
            .iter()
            .filter_map(|it| Some(code.judge(it)?.2))
            .next_back();
        let found = found.unwrap_or_default();
        let is_right = match expected {
            "" => found.is_empty(),
            expected => found.contains(expected),
        };
        assert!(is_right, "{steps}: {found}");
    }
}

#[test]
fn commands_with_paths_into_the_build_directory_are_found() {
    for (line, expected) in [
        (
            "cp target/debug/deps/tool-* out/",
            &["target/debug/deps"][..],
        ),
        (
            "RUN ls /src/target/x86_64-unknown-linux-musl/release/build/*/out",
            &["/src/target/x86_64-unknown-linux-musl/release/build"],
        ),
        (
            "ls target/$PROFILE/.fingerprint",
            &["target/$PROFILE/.fingerprint"],
        ),
        ("cp target/release/tool dist/ # target/debug/deps", &[]),
        ("# target/debug/deps", &[]),
        ("cp target/classes/build x", &[]),
        ("rm -rf target/debug/incremental", &[]),
    ] {
        let said = |path: &&str| format!("{path} leads into cargo's build directory");
        let expected: Vec<_> = expected.iter().map(said).collect();
        let found: Vec<_> = in_text(line).into_iter().map(|it| it.2).collect();
        assert_eq!(found, expected, "{line}");
    }
}

#[test]
fn files_with_commands_are_recognized_by_name() {
    for (file, expected) in [
        ("Dockerfile", true),
        ("docker/Dockerfile.release", true),
        ("justfile", true),
        (".github/workflows/ci.yml", true),
        (".gitlab-ci.yml", true),
        ("scripts/run.sh", true),
        ("docs/data.yml", false),
        ("Makefile_notes.txt", false),
    ] {
        assert_eq!(is_script(Utf8Path::new(file)), expected, "{file}");
    }
}
