//! `clean-affected`, file by file: the removed files are those that a dry run lists, and cargo then
//! builds exactly the units whose artifacts were removed.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use expect_test::expect;

use crate::support::Project;
use crate::support::clean::{CHECK, SECOND_LAYOUT, host, middle};

/// Makes a workspace with similar names: one name is the beginning of another name, targets of
/// several packages share a name, and the file name of a library has no hash. The workspace has a
/// build script, a macro, a binary and an example.
fn namesakes() -> Project {
    let project = Project::without_members();
    for (name, dependencies) in [
        ("rail", &[][..]),
        ("rail-map", &["rail"]),
        ("rail-sign", &["macros"]),
        ("macros", &[]),
        ("plugin", &["rail"]),
        ("other-plugin", &[]),
    ] {
        project.library(name, dependencies);
        project.write(
            format!("crates/{name}/tests/it.rs"),
            "#[test]\nfn it() {}\n",
        );
    }
    project.append("crates/macros/Cargo.toml", "[lib]\nproc-macro = true\n");
    for plugin in ["plugin", "other-plugin"] {
        let library = "[lib]\ncrate-type = [\"cdylib\", \"rlib\"]\n";
        project.append(format!("crates/{plugin}/Cargo.toml"), library);
    }
    for package in ["rail-map", "rail-sign"] {
        let main = "fn main() {}\n";
        project.write(format!("crates/{package}/src/bin/{package}-tool.rs"), main);
        project.write(format!("crates/{package}/examples/{package}-show.rs"), main);
        let script = "fn main() { println!(\"cargo::rerun-if-changed=build.rs\"); }\n";
        project.write(format!("crates/{package}/build.rs"), script);
    }
    project.in_git()
}

/// Cleans after two builds in one layout, with the target and the build directory together or
/// apart. The first is a build; the second is a check in another profile, or for the host named as
/// a triple.
fn in_every_directory(configuration: &str, check: &[&str]) {
    let project = namesakes();
    let small = "[profile.dev]\ndebug = false\n[profile.release]\ndebug = false\n";
    project.write(".cargo/config.toml", &(configuration.to_owned() + small));
    let everything = ["--workspace", "--all-targets"];
    let commands = [&["build"], check].map(|command| [command, &everything].concat());
    let builds = project.build_each(&commands);
    let is_first = |file: &PathBuf| file.iter().any(|name| name == ".fingerprint");
    let is_second = configuration.contains(SECOND_LAYOUT);
    assert_ne!(project.artifacts().iter().any(is_first), is_second);
    project.clean_exactly(&["--assume-changed", "rail"], &builds);
    let script = "rail-sign:build-script-build";
    project.clean_exactly(&["--assume-changed", script], &builds);
    project.clean_exactly(&["--assume-changed", "plugin:it"], &builds[..1]);
}

const RELEASE: &[&str] = &["check", "--release"];

#[test]
fn the_first_layout_is_cleaned_exactly() {
    in_every_directory("", RELEASE);
}

#[test]
#[ignore = "slow: `.ci/nightly cleaning` runs it"]
fn the_first_layout_with_a_separate_build_directory_is_cleaned_exactly() {
    let apart = "[build]\nbuild-dir = \"built\"\n";
    in_every_directory(apart, &["check", "--target", &host()]);
}

#[test]
#[ignore = "slow: `.ci/nightly cleaning` runs it"]
fn the_second_layout_is_cleaned_exactly() {
    in_every_directory(SECOND_LAYOUT, RELEASE);
}

#[test]
fn the_second_layout_with_a_separate_build_directory_is_cleaned_exactly() {
    let apart = format!("{SECOND_LAYOUT}[build]\nbuild-dir = \"built\"\n");
    in_every_directory(&apart, &["check", "--target", &host()]);
}

#[test]
fn options_choose_the_profile_and_the_units() {
    let project = Project::checked_chain();
    project.build(&[CHECK, &["--release"]].concat()).unwrap();
    project
        .cargo(&["doc", "--quiet", "--no-deps", "--package", "middle"])
        .done();
    project
        .xtask(&middle(&["--dry-run", "--profile", "release"]))
        .is(expect![[r#"
            in [ROOT]/target/release
              middle: [COUNT] files, [SIZE] ← middle is assumed changed
                lib, lib test
                [ROOT]/target/release/.fingerprint/middle-[HASH]
                [ROOT]/target/release/.fingerprint/middle-[HASH]
                [ROOT]/target/release/deps/libmiddle-[HASH].rmeta
                [ROOT]/target/release/deps/libmiddle-[HASH].rmeta
                [ROOT]/target/release/deps/middle-[HASH].d
                [ROOT]/target/release/deps/middle-[HASH].d
              top: [COUNT] files, [SIZE] ← middle is assumed changed
                lib, lib test
                [ROOT]/target/release/.fingerprint/top-[HASH]
                [ROOT]/target/release/.fingerprint/top-[HASH]
                [ROOT]/target/release/deps/libtop-[HASH].rmeta
                [ROOT]/target/release/deps/libtop-[HASH].rmeta
                [ROOT]/target/release/deps/top-[HASH].d
                [ROOT]/target/release/deps/top-[HASH].d
            total: [COUNT] files, [SIZE]
        "#]]);
    project
        .xtask(&middle(&["--check", "--only-changed", "--profile", "dev"]))
        .is(expect![[r#"
            in [ROOT]/target/debug
              middle: [COUNT] files, [SIZE] ← middle is assumed changed
                lib, lib test
                [ROOT]/target/debug/.fingerprint/middle-[HASH]
                [ROOT]/target/debug/.fingerprint/middle-[HASH]
                [ROOT]/target/debug/deps/libmiddle-[HASH].rmeta
                [ROOT]/target/debug/deps/libmiddle-[HASH].rmeta
                [ROOT]/target/debug/deps/middle-[HASH].d
                [ROOT]/target/debug/deps/middle-[HASH].d
            total: [COUNT] files, [SIZE]
            --- exit status 1
        "#]]);
    let only_tests = [
        "clean-affected",
        "--whole-package",
        "--assume-changed",
        "middle:middle",
        "--profile",
        "dev",
    ];
    project.xtask(&only_tests).is(expect![[r#"
        in [ROOT]/target/debug
          middle: [COUNT] files, [SIZE] ← middle:middle is assumed changed
            lib, lib documentation, lib test
          top: [COUNT] files, [SIZE] ← middle:middle is assumed changed
            lib, lib test
        total: [COUNT] files, [SIZE]
    "#]]);
    project.xtask(&middle(&["--check"])).is(expect![[r#"
        in [ROOT]/target/release
          middle: [COUNT] files, [SIZE] ← middle is assumed changed
            lib, lib test
            [ROOT]/target/release/.fingerprint/middle-[HASH]
            [ROOT]/target/release/.fingerprint/middle-[HASH]
            [ROOT]/target/release/deps/libmiddle-[HASH].rmeta
            [ROOT]/target/release/deps/libmiddle-[HASH].rmeta
            [ROOT]/target/release/deps/middle-[HASH].d
            [ROOT]/target/release/deps/middle-[HASH].d
          top: [COUNT] files, [SIZE] ← middle is assumed changed
            lib, lib test
            [ROOT]/target/release/.fingerprint/top-[HASH]
            [ROOT]/target/release/.fingerprint/top-[HASH]
            [ROOT]/target/release/deps/libtop-[HASH].rmeta
            [ROOT]/target/release/deps/libtop-[HASH].rmeta
            [ROOT]/target/release/deps/top-[HASH].d
            [ROOT]/target/release/deps/top-[HASH].d
        total: [COUNT] files, [SIZE]
        --- exit status 1
    "#]]);
    project
        .xtask(&middle(&["--keep-incremental"]))
        .is(expect![[r#"
            in [ROOT]/target/release
              middle: [COUNT] files, [SIZE] ← middle is assumed changed
                lib, lib test
              top: [COUNT] files, [SIZE] ← middle is assumed changed
                lib, lib test
            total: [COUNT] files, [SIZE]
        "#]]);
    project.xtask(&middle(&["--check"])).is(expect![[r#"
        --- stderr
        note: no artifacts to remove in [ROOT]/target
    "#]]);
}

/// A clean that is interrupted has removed at least the fingerprints. The rest of the units neither
/// harms nor helps the next build.
#[test]
fn an_interrupted_clean_does_not_harm_the_next_build() {
    let project = namesakes();
    let build = ["build", "--workspace", "--all-targets"];
    let builds = project.build_each(&[build.to_vec()]);
    let asked = ["--verb", "build", "--assume-changed", "rail-sign"];
    let affected = project.named(&asked);
    let plan = project.plan(&asked).unwrap();
    let is_fingerprint = |it: &&&serde_json::Value| it["kind"] == "fingerprint";
    let fingerprints = plan.removals().iter().filter(is_fingerprint).count();
    for path in &plan.paths()[..fingerprints + 3] {
        project.remove(path);
    }
    project.builds_again(&affected, &builds);
}

/// Build scripts and macros are always built for the host, so their artifacts are removed together
/// with those of a triple.
#[test]
fn a_triple_is_cleaned_with_its_host_units() {
    let project = namesakes();
    let host = host();
    let for_triple = [CHECK, &["--target", &host]].concat();
    let builds = project.build_each(&[CHECK.to_vec(), for_triple]);
    let changed = ["rail", "macros", "rail-map:build-script-build"];
    let changed: Vec<_> = changed
        .iter()
        .flat_map(|it| ["--assume-changed", it])
        .collect();
    let asked = [&["--target", &host, "--verb", "build"], &changed[..]].concat();
    let affected = project.named(&asked);
    let own = project.path("target/debug");
    let plan = project.plan(&asked).unwrap();
    let hosts = plan.removals().into_iter().filter(|it| {
        let path = PathBuf::from(it["path"].as_str().unwrap());
        path.starts_with(&own)
    });
    let hosts: BTreeSet<_> = hosts
        .map(|it| format!("{} {}", it["package"], it["unit"]))
        .collect();
    let hosts: Vec<_> = hosts.into_iter().collect();
    expect![[r#"
        "macros" {"kind":"lib","mode":"compile","target":"macros"}
        "rail-map" {"kind":"build-script","mode":"compile","target":"build-script-build"}"#]]
    .assert_eq(&hosts.join("\n"));
    project.clean_as_planned(&asked);
    project.builds_again(&affected, &builds[1..]);
}

/// Makes libraries that use a registry package and a package of a git repository. Each of the two
/// packages has two versions.
fn with_external_packages() -> Project {
    let project = Project::with_libraries(&[("track", &[]), ("signal", &[]), ("beside", &[])]);
    project.append("crates/track/Cargo.toml", "rail = \"1\"\n");
    for version in ["1.0.0", "1.0.1"] {
        let package = format!("[package]\nname = \"rail\"\nversion = \"{version}\"\n");
        let at = |file: &str| format!("vendor/rail-{version}/{file}");
        project.write(at("Cargo.toml"), &package);
        project.write(at("src/lib.rs"), "");
        project.write(at(".cargo-checksum.json"), "{\"files\":{}}");
    }
    project.write(
        ".cargo/config.toml",
        "[profile.dev]\nincremental = false\n\
         [source.crates-io]\nreplace-with = \"vendored\"\n\
         [source.vendored]\ndirectory = \"vendor\"\n",
    );
    let lamp = project.beside("lamp");
    fs::create_dir_all(lamp.join("src")).unwrap();
    let package = "[package]\nname = \"lamp\"\nversion = \"1.0.0\"\n";
    fs::write(lamp.join("Cargo.toml"), package).unwrap();
    fs::write(lamp.join("src/lib.rs"), "").unwrap();
    let lamp = lamp.to_str().unwrap();
    project.git(&["-C", lamp, "init", "--quiet"]);
    commit_in(&project, lamp);
    let git = format!("lamp = {{ git = {:?} }}\n", format!("file://{lamp}"));
    project.append("crates/signal/Cargo.toml", &git);
    project
        .cargo(&["--config", "net.offline=false", "fetch"])
        .done();
    // Cargo does not change a version in a vendored source by itself.
    project.replace("Cargo.lock", "\"1.0.1\"", "\"1.0.0\"");
    project.commit("Use a rail and a lamp");
    project
}

fn has_name(artifact: &Path, package: &str) -> bool {
    let names = artifact.iter().filter_map(|name| name.to_str());
    let mut names = names.map(|name| name.trim_start_matches("lib"));
    names.any(|name| name.starts_with(&format!("{package}-")))
}

fn commit_in(project: &Project, repository: &str) {
    project.git(&["-C", repository, "add", "--all"]);
    let commit = ["commit", "--quiet", "--allow-empty", "--message", "Shine"];
    project.git(&[&["-C", repository], &commit[..]].concat());
}

/// The new versions in the lock file are removed together with their dependents. The old versions
/// do not belong to the workspace any more; their artifacts stay, for a return to the old commit.
#[test]
fn external_packages_with_new_versions_are_cleaned() {
    let project = with_external_packages();
    project.build(CHECK).unwrap();
    let former = project.artifacts();
    let lamp = project.beside("lamp");
    commit_in(&project, lamp.to_str().unwrap());
    project
        .cargo(&["--config", "net.offline=false", "update", "lamp"])
        .done();
    let rail = "name = \"rail\"\nversion = \"1.0.";
    project.replace("Cargo.lock", &format!("{rail}0"), &format!("{rail}1"));
    let moved = project.build(CHECK).unwrap();
    let builds = [(CHECK.to_vec(), moved)];
    project.clean_exactly(&["--since", "HEAD"], &builds);
    let left = project.artifacts();
    let is_external = |it: &&&PathBuf| ["rail", "lamp"].iter().any(|name| has_name(it, name));
    let former: Vec<_> = former.iter().filter(|it| is_external(&it)).collect();
    let gone = former.iter().filter(|it| !left.contains(**it));
    assert_eq!((former.is_empty(), gone.count()), (false, 0));
    let names: BTreeSet<_> = builds[0].1.iter().map(|it| &*it.target).collect();
    assert_eq!(Vec::from_iter(names), ["lamp", "rail", "signal", "track"]);
    project.commit("Move both");
    project.clean_exactly(&["--assume-changed", "rail"], &builds);
}
