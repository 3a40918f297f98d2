//! Target directories whose times, places or records are not those of the build.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use super::carry::{Archive, carry};
use crate::support::Project;

/// A library, its user, and a script that watches its whole package.
fn chain() -> Project {
    let project = Project::with_libraries(&[("base", &[]), ("top", &["base"]), ("apart", &[])]);
    project.write(
        ".cargo/config.toml",
        "[profile.dev]\nincremental = false\ndebug = 0\n",
    );
    project.write("crates/base/src/lib.rs", "pub const N: usize = 1;\n");
    project.write(
        "crates/top/src/main.rs",
        "fn main() { println!(\"{}\", base::N) }\n",
    );
    project.write("crates/apart/build.rs", "fn main() {}\n");
    project.commit("Write");
    project
}

/// Returns the units that a build compiles or runs, sorted.
fn built(project: &Project) -> String {
    let built = project.build(&["build", "--workspace"]).unwrap();
    let built: Vec<_> = built.iter().map(ToString::to_string).collect();
    built.join("\n").replace("#0.1.0", "")
}

fn write_value(project: &Project, value: usize) {
    let source = format!("pub const N: usize = {value};\n");
    project.write("crates/base/src/lib.rs", &source);
}

/// Runs the kit, and edits a source at a moment of the run.
fn edit_during(project: &Project, arguments: &[&str], after: Duration, value: usize) {
    let mut kit = project.kit(arguments);
    kit.stdout(Stdio::null()).stderr(Stdio::null());
    let mut kit = kit.spawn().unwrap();
    std::thread::sleep(after);
    write_value(project, value);
    assert!(kit.wait().unwrap().success());
}

fn printed(project: &Project) -> String {
    let run = ["run", "--quiet", "--package", "top"];
    project.cargo(&run).done().trim().to_owned()
}

#[test]
fn an_edit_during_save_or_restore_is_never_lost() {
    let project = chain();
    for (at, archive) in [Archive::Exact, Archive::Copied, Archive::WholeSeconds]
        .into_iter()
        .enumerate()
    {
        let after = Duration::from_millis(u64::try_from(at).unwrap() * 20);
        let value = 10 * at;
        write_value(&project, value);
        project.build(&["build", "--workspace"]).unwrap();
        edit_during(&project, &["freshness", "save"], after, value + 1);
        project.commit("Change");
        project.clone_afresh(archive);
        project.xtask(&["freshness", "restore", "--touch"]).done();
        assert_eq!(printed(&project), (value + 1).to_string(), "{archive:?}");
        project.xtask(&["freshness", "save"]).done();
        project.clone_afresh(archive);
        let restore = ["freshness", "restore", "--touch"];
        edit_during(&project, &restore, after, value + 2);
        assert_eq!(printed(&project), (value + 2).to_string(), "{archive:?}");
    }
}

/// A dependency that was built without its dependents is newer than they are. An archive loses that.
#[test]
fn a_dependency_that_was_built_alone_rebuilds_its_dependents() {
    let project = chain();
    project.build(&["build", "--workspace"]).unwrap();
    project.xtask(&["freshness", "save"]).done();
    for (value, archive) in [
        (2, Archive::Copied),
        (3, Archive::WholeSeconds),
        (4, Archive::HundredNanoseconds),
    ] {
        let source = format!("pub const N: usize = {value};\n");
        project.write("crates/base/src/lib.rs", &source);
        project.commit("Change");
        project.build(&["build", "--package", "base"]).unwrap();
        project.xtask(&["freshness", "save"]).done();
        project.clone_afresh(archive);
        project.xtask(&["freshness", "restore", "--touch"]).done();
        assert_eq!(
            built(&project),
            "top bin top build\ntop lib top build",
            "{archive:?}"
        );
        let printed = project
            .cargo(&["run", "--quiet", "--package", "top"])
            .done();
        assert_eq!(printed, format!("{value}\n"));
        project.xtask(&["freshness", "save"]).done();
    }
}

#[test]
fn a_script_that_watches_its_package_is_fresh_only_with_touch() {
    let project = chain();
    project.build(&["build", "--workspace"]).unwrap();
    project.cargo(&["doc", "--workspace", "--no-deps"]).done();
    project.xtask(&["freshness", "save"]).done();
    for (arguments, expected) in [
        (&["freshness", "restore", "--touch"][..], ""),
        (
            &["freshness", "restore"],
            "apart custom-build build-script-build run-custom-build\napart lib apart build",
        ),
    ] {
        project.clone_afresh(Archive::Exact);
        project.xtask(arguments).done();
        assert_eq!(built(&project), expected);
        project.xtask(&["freshness", "save"]).done();
    }
    // The record of documentation holds the time of the newest file, which comes back.
    project.clone_afresh(Archive::Exact);
    project.xtask(&["freshness", "restore", "--touch"]).done();
    let documented = project.build(&["doc", "--workspace", "--no-deps"]).unwrap();
    assert!(
        documented.iter().any(|it| it.mode == "doc"),
        "{documented:?}"
    );
}

#[test]
fn touch_is_refused_if_there_is_another_build_directory() {
    let project = chain();
    project.build(&["build", "--workspace"]).unwrap();
    project
        .build(&[
            "check",
            "--package",
            "base",
            "--target-dir",
            "target/editor",
        ])
        .unwrap();
    project.xtask(&["freshness", "save"]).done();
    project.xtask(&["freshness", "restore", "--touch"]).is(expect_test::expect![[r#"
        --- stderr
        error: --touch is refused: [ROOT]/target/editor/debug is another build directory below the workspace, and its units would stay fresh although files changed
        hint: add --all-target-dirs, remove that directory, or leave out --touch
        --- exit status 2
    "#]]);
    let restore = ["freshness", "restore", "--touch", "--all-target-dirs"];
    let told = project.xtask(&restore).stderr;
    assert_eq!(
        told,
        "note: --touch is left out: there is no record of builds in [ROOT]/target/editor, whose \
         units would stay fresh although files changed\nnote: there is no record of builds in \
         [ROOT]/target/editor\nhint: run `cargo xtask freshness save` after a build\n"
    );
    project
        .xtask(&["freshness", "save", "--all-target-dirs"])
        .done();
    assert_eq!(project.xtask(&restore).stderr, "");
}

/// An `xtask` of its own workspace is usually built below the repository.
#[test]
fn touch_is_possible_beside_the_build_directory_of_another_workspace() {
    let project = chain();
    let manifest = format!("[workspace]\n{}", crate::support::manifest("tool"));
    project.write("tool/Cargo.toml", &manifest);
    project.write("tool/src/main.rs", "fn main() {}\n");
    project.write("tool/build.rs", "fn main() {}\n");
    project.commit("Add a tool");
    project.build(&["build", "--workspace"]).unwrap();
    for target in ["target/own-xtask", "tool/target"] {
        let build = [
            "build",
            "--manifest-path",
            "tool/Cargo.toml",
            "--target-dir",
        ];
        project.cargo(&[&build[..], &[target]].concat()).done();
    }
    project.xtask(&["freshness", "save"]).done();
    project.clone_afresh(Archive::Exact);
    project.xtask(&["freshness", "restore", "--touch"]).done();
    assert_eq!(built(&project), "");
    // A unit that reads a file of this workspace counts.
    let source = "fn main() { include!(\"../../crates/base/build.in\") }\n";
    project.write("crates/base/build.in", "()");
    project.write("tool/src/main.rs", source);
    let build = ["build", "--manifest-path", "tool/Cargo.toml"];
    project
        .cargo(&[&build[..], &["--target-dir", "target/own-xtask"]].concat())
        .done();
    let refused = project.xtask(&["freshness", "restore", "--touch"]);
    assert_eq!(refused.status, 2, "{refused:?}");
}

/// Returns the notes of a restore, without the words that vary.
fn notes(project: &Project, arguments: &[&str]) -> String {
    project
        .xtask(&[&["freshness", "restore"], arguments].concat())
        .stderr
}

#[test]
fn a_damaged_record_or_a_record_of_another_directory_is_ignored() {
    let project = chain();
    project.build(&["build", "--workspace"]).unwrap();
    project.xtask(&["freshness", "save"]).done();
    carry(
        &project.path("target"),
        &project.path("other"),
        Archive::Copied,
    );
    project.append(".cargo/config.toml", "[build]\ntarget-dir = \"other\"\n");
    let mut told = notes(&project, &[]);
    project.write("other/xtask/freshness", "xtask-freshness 3\ndamaged");
    told += &notes(&project, &[]);
    project.write("other/xtask/freshness", "xtask-freshness 9\n");
    told += &notes(&project, &[]);
    project.remove("other/xtask/freshness");
    told += &notes(&project, &[]);
    // Swatinem/rust-cache removes the records of the workspace's packages.
    project.remove("other/debug/.fingerprint");
    project.write(
        "other/debug/.fingerprint/serde-0123456789abcdef/lib-serde",
        "0123456789abcdef",
    );
    told += &notes(&project, &[]);
    expect_test::expect![[r#"
        note: the record in [ROOT]/other is ignored: it was made for the build directory [ROOT]/target, not for [ROOT]/other
        hint: use the same path and the same cargo in each job, or build here and run `cargo xtask freshness save`
        note: the record in [ROOT]/other is ignored: it is damaged
        hint: use the same path and the same cargo in each job, or build here and run `cargo xtask freshness save`
        note: the record in [ROOT]/other is ignored: another version of the kit wrote it
        hint: use the same path and the same cargo in each job, or build here and run `cargo xtask freshness save`
        note: there is no record of builds in [ROOT]/other
        hint: run `cargo xtask freshness save` after a build
        note: [ROOT]/other holds artifacts of dependencies only, and no record: the cache action removed the artifacts of the workspace and the record, as Swatinem/rust-cache does
        hint: cache the whole target directory with actions/cache, see docs/freshness.md
    "#]]
    .assert_eq(&told);
}

/// Returns the times and sizes of all files below a directory.
fn stamps(directory: &Path) -> Vec<(String, i64, i64, u64)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let metadata = fs::metadata(&path).unwrap();
        match metadata.is_dir() {
            true => found.extend(stamps(&path)),
            false => found.push((
                path.to_str().unwrap().to_owned(),
                metadata.mtime(),
                metadata.mtime_nsec(),
                metadata.len(),
            )),
        }
    }
    found.sort();
    // The kit's cache of metadata, and cargo's of the compiler.
    let is_cache = |it: &str| it.contains("/target/xtask/") || it.ends_with(".rustc_info.json");
    found.retain(|it| !is_cache(&it.0));
    found
}

#[test]
fn a_dry_run_changes_nothing_and_a_hard_linked_copy_keeps_its_files() {
    let project = chain();
    project.build(&["build", "--workspace"]).unwrap();
    let status = project.run(std::process::Command::new("cp").args(["-al", "target", "linked"]));
    status.done();
    let linked = stamps(&project.path("linked"));
    project.xtask(&["freshness", "save"]).done();
    assert_eq!(
        stamps(&project.path("linked")),
        linked,
        "the nonces are written by renames"
    );
    for directory in ["crates/base/src", "crates/apart"] {
        crate::support::tree::touch(&project.path(directory));
    }
    let before = stamps(&project.path("target"));
    for command in ["save", "restore", "verify"] {
        project.xtask(&["freshness", command, "--dry-run"]).done();
    }
    assert_eq!(stamps(&project.path("target")), before);
    project.xtask(&["freshness", "restore"]).done();
    assert_eq!(
        stamps(&project.path("linked")),
        linked,
        "no time is set through a hard link"
    );
}

#[test]
fn verify_finds_a_file_that_was_replaced_by_an_older_one() {
    let project = chain();
    project.build(&["build", "--workspace"]).unwrap();
    project
        .xtask(&["freshness", "verify"])
        .is(expect_test::expect![[r#"
        --- stderr
        error: there is no record of builds in [ROOT]/target
        hint: run `cargo xtask freshness save` after a build
        --- exit status 2
    "#]]);
    project.xtask(&["freshness", "save"]).done();
    project.xtask(&["freshness", "verify"]).done();
    let source = project.path("crates/base/src/lib.rs");
    project.write("crates/base/src/lib.rs", "pub const N: usize = 5;\n");
    let old = SystemTime::now() - Duration::from_secs(3600);
    fs::File::open(source).unwrap().set_modified(old).unwrap();
    assert_eq!(built(&project), "", "cargo sees no change");
    project
        .xtask(&["freshness", "verify"])
        .is(expect_test::expect![[r#"
            [ROOT]/target: 5 equal, 1 stale, 0 unrecorded
              stale     base lib-base: crates/base/src/lib.rs
            --- exit status 1
        "#]]);
    // Git sees no difference after a commit, but the record does.
    project.commit("Replace");
    let affected = project.xtask(&["affected", "--since", "HEAD", "--format", "names"]);
    affected.is(expect_test::expect![[r#"
        base
        top
        --- stderr
        note: [COUNT] file changed since the last build without a new modification time; the first is [ROOT]/crates/base/src/lib.rs
    "#]]);
    project.xtask(&["freshness", "verify", "--fix"]).done();
    project.xtask(&["freshness", "verify"]).done();
    let expected = "base lib base build\ntop bin top build\ntop lib top build";
    assert_eq!(built(&project), expected);
}
