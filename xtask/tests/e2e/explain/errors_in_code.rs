//! Errors that no artifact causes: the verdict says so, and no cleaning is proposed.

use expect_test::expect;

use super::scene::Scene;
use crate::support::manifest;

#[test]
fn errors_in_code_get_no_cleaning() {
    let scene = Scene::new();
    let lib = "crates/mid/src/lib.rs";
    let script = "crates/mid/build.rs";
    let main = "crates/app/src/main.rs";
    let old = "[package]\nname = \"base\"\nversion = \"0.2.0\"\nedition = \"2024\"\n";
    /// Paths, each with the text to append; a build script is replaced.
    type Edits<'a> = &'a [(&'a str, &'a str)];
    let cases: &[(&str, &str, Edits<'_>)] = &[
        (
            "undeclared crate",
            "check",
            &[(lib, "extern crate nope;\n")],
        ),
        (
            "missing function",
            "check",
            &[(lib, "pub fn f() { base::nope() }\n")],
        ),
        ("missing import", "check", &[(lib, "use nope::X;\n")]),
        ("syntax", "check", &[(lib, "pub fn f( {\n")]),
        ("type", "check", &[(lib, "pub fn f() -> u32 { \"\" }\n")]),
        (
            "missing include",
            "check",
            &[(lib, "include!(\"gone.rs\");\n")],
        ),
        (
            "unwritten generated file",
            "check",
            &[(lib, "include!(concat!(env!(\"OUT_DIR\"), \"/h.rs\"));\n")],
        ),
        (
            "script panics",
            "check",
            &[(script, "#[test] fn f() {}\nconst _: () = panic!(\"x\");\n")],
        ),
        (
            "script fails",
            "check",
            &[(script, "fn main() { std::process::exit(3) }\n//")],
        ),
        (
            "script crashes",
            "check",
            &[(script, "fn main() { unsafe { *(1 as *mut u8) = 1 } }\n//")],
        ),
        (
            "undefined symbol",
            "build",
            &[(
                main,
                "unsafe extern \"C\" { fn nowhere(); }\n#[used]\nstatic F: unsafe extern \"C\" fn() = nowhere;\n",
            )],
        ),
        (
            "two versions",
            "check",
            &[
                ("other/Cargo.toml", old),
                ("other/src/lib.rs", "pub struct Thing(pub u32);\n"),
                (
                    "crates/mid/Cargo.toml",
                    "other = { path = \"../../other\", package = \"base\" }\n",
                ),
                (lib, "pub fn f(_: other::Thing) {}\n"),
                (main, "pub fn f() { mid::f(base::Thing(1)) }\n"),
            ],
        ),
        (
            "item behind a feature",
            "check",
            &[
                (
                    "crates/base/src/lib.rs",
                    "impl Thing {\n    #[cfg(windows)]\n    pub fn gated(&self) {}\n}\n",
                ),
                (lib, "pub fn f() { base::Thing(1).gated() }\n"),
            ],
        ),
        (
            "failed test",
            "test",
            &[(lib, "#[test]\nfn f() { panic!() }\n")],
        ),
        ("manifest", "check", &[("crates/mid/Cargo.toml", "[lib\n")]),
        (
            "feature that does not exist",
            "check",
            &[(
                "crates/app/Cargo.toml",
                "[features]\nx = [\"mid/nothing\"]\n",
            )],
        ),
        (
            "cycle",
            "check",
            &[(
                "crates/base/Cargo.toml",
                "[dependencies]\nmid = { path = \"../mid\" }\n",
            )],
        ),
    ];
    let mut told = String::new();
    for (name, verb, edits) in cases {
        scene.reset();
        for (path, text) in *edits {
            let path = scene.project.path(path);
            let before = std::fs::read_to_string(&path).unwrap_or_default();
            let whole = if path.ends_with("build.rs") {
                text.to_string() + &before.replace('\n', "\n//")
            } else {
                before + text
            };
            scene.project.write(path, &whole);
        }
        let said = scene.fails(&[*verb]).unwrap_or_else(|| panic!("{name}"));
        let before = scene.built_files();
        let answer = scene.explained(&said);
        let found = &answer["explanations"][0];
        assert!(found["cure"].is_null(), "{name}: {answer:#}");
        assert_eq!(scene.built_files(), before);
        let (verdict, says) = (
            found["verdict"].as_str().unwrap(),
            found["says"].as_str().unwrap(),
        );
        let root = scene.project.root().to_str().unwrap();
        told.push_str(&format!("{name}: {verdict}: {says}\n").replace(root, "[ROOT]"));
        let advice = found["advice"].as_str().unwrap_or("-");
        told.push_str(&format!("  {advice}\n").replace(root, "[ROOT]"));
    }
    expect![[r#"
        undeclared crate: error-in-code: `mid` has no dependency on a crate `nope`
          declare the dependency in [ROOT]/crates/mid/Cargo.toml, or remove the use
        missing function: error-in-code: no artifact explains the missing name: no public item of the sources that the artifacts lack has it
          if the name does exist in the sources, `cargo xtask freshness verify` finds artifacts that are older than their sources
        missing import: error-in-code: no artifact explains the missing name: no public item of the sources that the artifacts lack has it
          if the name does exist in the sources, `cargo xtask freshness verify` finds artifacts that are older than their sources
        syntax: error-in-code: rustc refuses the code; no artifact causes this error
          -
        type: error-in-code: rustc refuses the code; no artifact causes this error
          -
        missing include: error-in-code: [ROOT]/crates/mid/src/gone.rs does not exist, and no build writes it
          -
        unwritten generated file: error-in-code: the build script of mid does not write h.rs
          -
        script panics: error-in-code: rustc refuses the code; no artifact causes this error
          -
        script fails: error-in-code: the build script itself reported the failure; its file has no visible fault
          -
        script crashes: error-in-code: the build script crashed, and its file has no visible fault
          -
        undefined symbol: error-in-code: a symbol is defined by no library; no artifact is damaged
          name the library that defines the symbol: `cargo::rustc-link-lib` in the build script
        two versions: two-versions: the build uses several versions of `base`: 0.1.0 and 0.2.0
          require the same version of base in all these packages: 0.2.0; cleaning does not help
        item behind a feature: error-in-code: no artifact explains the missing name: no public item of the sources that the artifacts lack has it
          if the name does exist in the sources, `cargo xtask freshness verify` finds artifacts that are older than their sources
        failed test: error-in-code: a test failed; no artifact causes this
          -
        manifest: error-in-code: cargo refuses a manifest, the configuration or a dependency; nothing was compiled
          -
        feature that does not exist: error-in-code: cargo refuses a manifest, the configuration or a dependency; nothing was compiled
          -
        cycle: dependency-cycle: the shortest cycle is base → mid → base
          remove line 6 of [ROOT]/crates/base/Cargo.toml: no source of base uses mid
    "#]].assert_eq(&told);
}

#[test]
fn input_without_meaning_is_wrong_use() {
    let scene = crate::support::Project::empty()
        .file("Cargo.toml", &manifest("one"))
        .file("src/lib.rs", "");
    let mut told = String::new();
    for arguments in [
        &["explain", "damaged-artefact"][..],
        &["explain", "E9999"],
        &["explain", "E0786"],
        &["explain", "target/debug/nothing"],
        &["explain", "future-source", "--fix"],
    ] {
        told.push_str(&format!("{arguments:?}\n{}\n", scene.xtask(arguments)));
    }
    for input in [
        "",
        "   Compiling one v0.1.0\n",
        "error: a new sentence of cargo\n",
    ] {
        let file = scene.path("log");
        std::fs::write(&file, input).unwrap();
        let mut kit = scene.kit(&["explain", "-"]);
        kit.stdin(std::fs::File::open(file).unwrap());
        told.push_str(&format!("{input:?}\n{}\n", scene.finish(&mut kit)));
    }
    expect![[r#"
        ["explain", "damaged-artefact"]
        --- stderr
        error: `damaged-artefact` is neither a code nor a path
        hint: did you mean `damaged-artifact`?
        --- exit status 2

        ["explain", "E9999"]
        --- stderr
        error: rustc has no error with the code E9999
        hint: pipe the error: `cargo check 2>&1 | cargo xtask explain -`
        --- exit status 2

        ["explain", "E0786"]
        E0786
          nothing found on disk: rustc cannot read the metadata of a library: the file is damaged

        ["explain", "target/debug/nothing"]
        [ROOT]/target/debug/nothing
          not understood: no unit of this workspace's build directory has this file
        --- stderr
        warning: a part of the input was not understood, so there may be another cause
        --- exit status 2

        ["explain", "future-source", "--fix"]
        --- stderr
        error: --fix has no effect on the code of a check
        hint: run `cargo xtask doctor --fix --only future-source`
        --- exit status 2

        ""
        --- stderr
        error: no error of cargo or rustc in the input
        hint: pipe standard error too: `cargo check 2>&1 | cargo xtask explain -`
        --- exit status 2

        "   Compiling one v0.1.0\n"
        --- stderr
        error: no error of cargo or rustc in the input
        hint: pipe standard error too: `cargo check 2>&1 | cargo xtask explain -`
        --- exit status 2

        "error: a new sentence of cargo\n"
        a new sentence of cargo
          not understood: `explain` does not know this error
        --- stderr
        warning: a part of the input was not understood, so there may be another cause
        --- exit status 2

    "#]]
    .assert_eq(&told);
}

#[test]
fn json_messages_and_text_get_one_verdict() {
    let scene = Scene::new();
    super::scene::damage(&scene.metadata_of_check("base"), super::scene::cut);
    scene.edit("mid");
    let mut cargo = std::process::Command::new("cargo");
    scene
        .project
        .isolated(cargo.args(["check", "--message-format", "json"]));
    let output = cargo.output().unwrap();
    let messages = String::from_utf8(output.stdout).unwrap();
    let text = scene.fails(&["check"]).unwrap();
    let of_messages = scene.explained(&messages);
    let both = scene.explained(&(messages + &text));
    assert_eq!(
        both["explanations"].as_array().unwrap().len(),
        1,
        "{both:#}"
    );
    let of_text = scene.explained(&text);
    assert_eq!(
        of_messages["explanations"][0]["cure"],
        of_text["explanations"][0]["cure"]
    );
    let output = scene.explain(&["-"], &text);
    scene.project.redacted(&output).is(expect![[r#"
        E0786: found invalid metadata files for crate `base`
          damaged artifact: libbase-[HASH].rmeta is cut short
          artifact: [ROOT]/target/debug/deps/libbase-[HASH].rmeta (base 0.1.0, lib) is cut short
          fix: cargo xtask explain --fix target/debug/.fingerprint/base-[HASH]/lib-base target/debug/incremental/base-[HASH]
            removes [COUNT] files, [SIZE]; cargo then builds at least 3 units again
    "#]]);
}
