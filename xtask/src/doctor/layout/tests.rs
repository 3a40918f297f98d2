use super::*;

fn judged(text: &str, is_test: bool) -> Vec<&'static str> {
    let code = Code {
        directory: "/w/crates/a".into(),
        targets: ["/w/target".into(), "/w/target".into(), "/built".into()],
        is_test,
    };
    let made = rust_source::made_paths(text);
    made.iter()
        .filter_map(|it| Some(code.judge(it)?.1.code))
        .collect()
}

#[test]
fn code_that_looks_where_cargo_builds() {
    for (code, is_test, expected) in [
        (
            "Path::new(env!(\"CARGO_MANIFEST_DIR\")).join(\"../../target/debug/tool\")",
            false,
            &["path-from-manifest"][..],
        ),
        // Its own directory of that name.
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
fn commands_that_look_where_cargo_builds() {
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
fn files_that_hold_commands() {
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
