//! `clean-affected`: the options that remove more or fewer artifacts than those of the affected
//! units.

use std::fs;

use expect_test::expect;

use crate::support::clean::{CHECK, middle};
use crate::support::{Project, tree};

#[test]
fn documentation_is_removed_crate_by_crate() {
    let project = Project::checked_chain();
    project.cargo(&["doc", "--quiet", "--workspace"]).done();
    let documented = tree::files(&project.path("target/doc"));
    project
        .xtask(&middle(&["--dry-run", "--doc"]))
        .is(expect![[r#"
            in [ROOT]/target/debug
              middle: [COUNT] files, [SIZE] ← middle is assumed changed
                lib, lib documentation, lib test
                [ROOT]/target/debug/.fingerprint/middle-[HASH]
                [ROOT]/target/debug/.fingerprint/middle-[HASH]
                [ROOT]/target/debug/.fingerprint/middle-[HASH]
                [ROOT]/target/debug/deps/libmiddle-[HASH].rmeta
                [ROOT]/target/debug/deps/libmiddle-[HASH].rmeta
                [ROOT]/target/debug/deps/middle-[HASH].d
                [ROOT]/target/debug/deps/middle-[HASH].d
                [ROOT]/target/doc/middle
                [ROOT]/target/doc/src/middle
              top: [COUNT] files, [SIZE] ← middle is assumed changed
                lib, lib documentation, lib test
                [ROOT]/target/debug/.fingerprint/top-[HASH]
                [ROOT]/target/debug/.fingerprint/top-[HASH]
                [ROOT]/target/debug/.fingerprint/top-[HASH]
                [ROOT]/target/debug/deps/libtop-[HASH].rmeta
                [ROOT]/target/debug/deps/libtop-[HASH].rmeta
                [ROOT]/target/debug/deps/top-[HASH].d
                [ROOT]/target/debug/deps/top-[HASH].d
                [ROOT]/target/doc/src/top
                [ROOT]/target/doc/top
            total: [COUNT] files, [SIZE]
        "#]]);
    project.clean_as_planned(&["--assume-changed", "middle", "--doc"]);
    let is_gone = |it: &&str| !project.path("target/doc").join(it).exists();
    let crates = [
        "base",
        "src/base",
        "middle",
        "src/middle",
        "top",
        "src/top",
        "beside",
    ];
    let gone: Vec<_> = crates.iter().copied().filter(is_gone).collect();
    assert_eq!(gone, ["middle", "src/middle", "top", "src/top"]);
    project.cargo(&["doc", "--quiet", "--workspace"]).done();
    assert_eq!(tree::files(&project.path("target/doc")), documented);
}

#[test]
fn directories_of_other_tools_are_cleaned_only_on_request() {
    let project = Project::checked_chain();
    for directory in ["target/editor", "coverage"] {
        let build = [CHECK, &["--target-dir", directory]].concat();
        project.build(&build).unwrap();
    }
    // This directory is neither cargo's nor the workspace's.
    fs::create_dir_all(project.path("other/debug/.fingerprint")).unwrap();
    let everything = project.artifacts();
    project.xtask(&middle(&[])).is(expect![[r#"
        in [ROOT]/target/debug
          middle: [COUNT] files, [SIZE] ← middle is assumed changed
            lib, lib test
          top: [COUNT] files, [SIZE] ← middle is assumed changed
            lib, lib test
        total: [COUNT] files, [SIZE]
        other build directories, cleaned only with --all-target-dirs: [ROOT]/coverage, [ROOT]/target/editor
    "#]]);
    let editors = |path: &&std::path::PathBuf| path.starts_with(project.path("target/editor"));
    let left = project.artifacts();
    assert!(
        left.iter()
            .filter(editors)
            .eq(everything.iter().filter(editors))
    );
    project
        .xtask(&middle(&["--all-target-dirs"]))
        .is(expect![[r#"
            in [ROOT]/coverage/debug
              middle: [COUNT] files, [SIZE] ← middle is assumed changed
                lib, lib test
              top: [COUNT] files, [SIZE] ← middle is assumed changed
                lib, lib test
            in [ROOT]/target/editor/debug
              middle: [COUNT] files, [SIZE] ← middle is assumed changed
                lib, lib test
              top: [COUNT] files, [SIZE] ← middle is assumed changed
                lib, lib test
            total: [COUNT] files, [SIZE]
        "#]]);
    let check = middle(&["--check", "--all-target-dirs"]);
    project.xtask(&check).is(expect![[r#"
        --- stderr
        note: no artifacts to remove in [ROOT]/target
    "#]]);
}

/// Cargo treats registry packages as immutable, and never rebuilds them by itself.
#[test]
fn an_external_package_can_be_assumed_changed() {
    let project = Project::chain();
    project.append("crates/middle/Cargo.toml", "strsim = \"0.11\"\n");
    let everything = project.build(CHECK).unwrap();
    let assumed = ["--assume-changed", "strsim"];
    let affected = project.named(&assumed);
    project.clean_as_planned(&assumed);
    let names: Vec<_> = affected.iter().map(ToString::to_string).collect();
    expect![[r#"
        middle#0.1.0 lib middle build
        middle#0.1.0 lib middle test
        top#0.1.0 lib top build
        top#0.1.0 lib top test
        crates.io-index#strsim@0.11.1 lib strsim build"#]]
    .assert_eq(&names.join("\n"));
    project.builds_again(&affected, &[(CHECK.to_vec(), everything)]);

    // The records of external packages are read because the configuration changed, but are not
    // counted.
    project.append(".cargo/config.toml", "[net]\nretry = 1\n");
    let changed = [
        "affected",
        "--format",
        "json",
        "--file",
        ".cargo/config.toml",
    ];
    let answer = project.json(&changed).unwrap();
    let counts = serde_json::json!({ "current": 8, "compiled": 8 });
    assert_eq!(answer["recorded"], counts);
}

#[test]
fn a_stale_lock_file_stays_as_it_is() {
    let project = Project::checked_chain();
    project.append("crates/beside/Cargo.toml", "strsim = \"0.11\"\n");
    let state = || {
        let path = project.path("Cargo.lock");
        (
            fs::read(&path).unwrap(),
            path.metadata().unwrap().modified().unwrap(),
        )
    };
    let before = state();
    project.xtask(&middle(&[])).done();
    assert_eq!(state(), before);
}
