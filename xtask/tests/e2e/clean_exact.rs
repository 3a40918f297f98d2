//! `clean-affected`, file by file: what a dry run lists is what goes, and what cargo then builds
//! are the units of which it went.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use cargo_metadata::Message;
use expect_test::expect;

use crate::support::{Project, tree};

/// One name is the beginning of another, targets share their names, a library has no hash in the
/// name of its file, and there is a script, a macro, a binary and an example.
fn namesakes() -> Project {
    let project = Project::empty().file(
        "Cargo.toml",
        "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\n",
    );
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

/// What cargo builds with these arguments, as `package target test`; scripts that run as
/// `package run`.
fn built(project: &Project, arguments: &[&str]) -> BTreeSet<String> {
    let mut cargo = Command::new("env");
    // For layout v2, which no stable cargo of this version offers.
    cargo.args(["RUSTC_BOOTSTRAP=1", "cargo"]).args(arguments);
    cargo.args([
        "--workspace",
        "--all-targets",
        "--verbose",
        "--message-format",
        "json",
    ]);
    let output = project.run(&mut cargo);
    assert_eq!(output.status, 0, "{output}");
    let mut built = BTreeSet::new();
    for message in Message::parse_stream(output.stdout.as_bytes()) {
        if let Message::CompilerArtifact(artifact) = message.unwrap()
            && !artifact.fresh
        {
            let package = package_name(&artifact.package_id.repr);
            let test = if artifact.profile.test { " test" } else { "" };
            built.insert(format!("{package} {}{test}", artifact.target.name));
        }
    }
    for line in output
        .stderr
        .lines()
        .filter(|line| line.ends_with("build-script-build`"))
    {
        let directory = line.split("/build/").nth(1).unwrap();
        let package = directory
            .split("-[")
            .next()
            .unwrap()
            .split("/")
            .next()
            .unwrap();
        built.insert(format!("{package} run"));
    }
    built
}

fn package_name(id: &str) -> &str {
    id.rsplit('/').next().unwrap().split('#').next().unwrap()
}

/// What the kit says is affected, in the same words.
fn affected(project: &Project, changed: &[&str]) -> BTreeSet<String> {
    let units = project
        .affected(&[&["--verb", "build"], changed].concat())
        .unwrap();
    let name = |unit: &crate::support::Unit| {
        let package = package_name(&unit.package);
        match &*unit.mode {
            "run-custom-build" => format!("{package} run"),
            "test" => format!("{package} {} test", unit.target),
            _ => format!("{package} {}", unit.target),
        }
    };
    units.iter().map(|(unit, _)| name(unit)).collect()
}

/// The files below both directories, by their whole path.
fn files(project: &Project) -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    for directory in ["target", "built"].map(|name| project.path(name)) {
        if directory.is_dir() {
            let found = tree::files(&directory).into_iter();
            files.extend(found.map(|file| directory.join(file).to_str().unwrap().to_owned()));
        }
    }
    files
}

/// Cleans after a change of these, and holds dry run, removed files and the next builds together:
/// each of `builds` with what it built from nothing.
fn exactly(project: &Project, changed: &[&str], builds: &[(&[&str], BTreeSet<String>)]) {
    let affected = affected(project, changed);
    let clean = [&["clean-affected", "--verb", "build"], changed].concat();
    let before = files(project);
    let plan = project
        .json(&[&clean[..], &["--dry-run", "--format", "json"]].concat())
        .unwrap();
    let listed: Vec<&str> = plan["directories"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|directory| directory["removals"].as_array().unwrap())
        .map(|removal| removal["path"].as_str().unwrap())
        .collect();
    let is_listed = |file: &&String| {
        let file = Path::new(file.as_str());
        listed.iter().any(|path| file.starts_with(path))
    };
    assert_eq!(files(project), before, "a dry run removes nothing");
    project.xtask(&clean).done();
    let after = files(project);
    let removed: BTreeSet<_> = before.difference(&after).collect();
    assert_eq!(removed, before.iter().filter(is_listed).collect());
    assert!(listed.iter().all(|path| !Path::new(path).exists()));
    for (arguments, everything) in builds {
        let expected: BTreeSet<_> = everything.intersection(&affected).cloned().collect();
        assert!(!expected.is_empty());
        assert_eq!(built(project, arguments), expected, "{arguments:?}");
    }
}

fn host() -> String {
    let output = Command::new("rustc")
        .args(["--print", "host-tuple"])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// In one layout, with target and build directory together or apart: a build, and a check in another
/// profile or for the host as a triple of its own.
fn in_every_directory(configuration: &str, check: &[&str]) {
    let project = namesakes();
    let small = "[profile.dev]\ndebug = false\n[profile.release]\ndebug = false\n";
    project.write(".cargo/config.toml", &(configuration.to_owned() + small));
    let commands: [&[&str]; 2] = [&["build"], check];
    let builds = commands.map(|arguments| (arguments, built(&project, arguments)));
    let is_first = files(&project)
        .iter()
        .any(|file| file.contains("/.fingerprint/"));
    assert_eq!(is_first, !configuration.contains(SECOND_LAYOUT));
    exactly(&project, &["--assume-changed", "rail"], &builds);
    let script = "rail-sign:build-script-build";
    exactly(&project, &["--assume-changed", script], &builds);
    exactly(&project, &["--assume-changed", "plugin:it"], &builds[..1]);
}

const RELEASE: &[&str] = &["check", "--release"];
const SECOND_LAYOUT: &str = "[unstable]\nbuild-dir-new-layout = true\n";

#[test]
fn in_the_first_layout() {
    in_every_directory("", RELEASE);
}

#[test]
fn in_the_first_layout_with_a_build_directory_apart() {
    let apart = "[build]\nbuild-dir = \"built\"\n";
    in_every_directory(apart, &["check", "--target", &host()]);
}

#[test]
fn in_the_second_layout() {
    in_every_directory(SECOND_LAYOUT, &["check", "--target", &host()]);
}

#[test]
fn in_the_second_layout_with_a_build_directory_apart() {
    let apart = format!("{SECOND_LAYOUT}[build]\nbuild-dir = \"built\"\n");
    in_every_directory(&apart, RELEASE);
}

fn chain() -> Project {
    let project =
        Project::with_libraries(&[("base", &[]), ("middle", &["base"]), ("top", &["middle"])]);
    // Names and number of the files there are rustc's own.
    project.write(".cargo/config.toml", "[profile.dev]\nincremental = false\n");
    built(&project, &["check"]);
    project
}

const MIDDLE: &[&str] = &["clean-affected", "--assume-changed", "middle"];

fn with<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    [MIDDLE, arguments].concat()
}

#[test]
fn the_seeds_or_the_packages_in_one_profile_or_all() {
    let project = chain();
    built(&project, &["check", "--release"]);
    project
        .cargo(&["doc", "--quiet", "--no-deps", "--package", "middle"])
        .done();
    project
        .xtask(&with(&["--dry-run", "--profile", "release"]))
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
        .xtask(&with(&[
            "--check",
            "--only-changed",
            "--profile",
            "dev",
        ]))
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
    project.xtask(&with(&["--check"])).is(expect![[r#"
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
        .xtask(&with(&["--keep-incremental"]))
        .is(expect![[r#"
            in [ROOT]/target/release
              middle: [COUNT] files, [SIZE] ← middle is assumed changed
                lib, lib test
              top: [COUNT] files, [SIZE] ← middle is assumed changed
                lib, lib test
            total: [COUNT] files, [SIZE]
        "#]]);
    project.xtask(&with(&["--check"])).is(expect![[r#"
        --- stderr
        note: nothing of what is affected is built in [ROOT]/target
    "#]]);
}

#[test]
fn a_build_that_runs_is_waited_for() {
    let project = chain();
    let lock = File::open(project.path("target/debug/.cargo-lock")).unwrap();
    lock.lock().unwrap();
    let before = files(&project);
    project.xtask(&with(&["--no-wait"])).is(expect![[r#"
        --- stderr
        error: [ROOT]/target/debug is locked, so a build is running there: try again when it is done, or leave out --no-wait
        --- exit status 3
    "#]]);
    let mut kit = project.kit(MIDDLE);
    let mut waiting = kit
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(waiting.stderr.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    assert!(line.contains("waiting for the build in"), "{line}");
    assert_eq!(files(&project), before);
    // What happens while the kit waits counts: here, that another removes what says whose it is.
    project.remove("target/debug/.fingerprint");
    lock.unlock().unwrap();
    let output = waiting.wait_with_output().unwrap();
    project.redacted(&output).is(expect![""]);
}

#[test]
fn nothing_goes_past_a_symbolic_link() {
    let project = chain();
    let outside = project.beside("outside");
    fs::rename(project.path("target/debug/deps"), &outside).unwrap();
    tree::symlink(&outside, project.path("target/debug/deps")).unwrap();
    let before = (files(&project), tree::files(&outside));
    project.xtask(MIDDLE).is(expect![[r#"
        --- stderr
        error: [ROOT]/target/debug/deps/libmiddle-[HASH].rmeta lies beyond a symbolic link that leads out of the build directory, so nothing is removed from [ROOT]/target/debug
        --- exit status 3
    "#]]);
    assert_eq!((files(&project), tree::files(&outside)), before);
}

#[test]
fn a_directory_that_is_not_provably_cargos_is_left_alone() {
    let project = chain();
    project.remove("target/CACHEDIR.TAG");
    project.xtask(&with(&["--dry-run"])).done();
    project.remove("target/debug/.cargo-lock");
    let before = files(&project);
    project.xtask(MIDDLE).is(expect![[r#"
        --- stderr
        error: [ROOT]/target/debug is not provably cargo's (there is no lock of cargo's in it, nor cargo's CACHEDIR.TAG in [ROOT]/target), so nothing is removed there
        --- exit status 3
    "#]]);
    assert_eq!(files(&project), before);
}

/// A clean that was cut short has removed fingerprints at least; what is left of the units is of no
/// harm to the next build, and of no use to it.
#[test]
fn cut_short_it_leaves_what_the_next_build_gets_right() {
    let project = namesakes();
    let everything = built(&project, &["build"]);
    let affected = affected(&project, &["--assume-changed", "rail-sign"]);
    let clean = [
        "clean-affected",
        "--verb",
        "build",
        "--assume-changed",
        "rail-sign",
    ];
    let plan = project
        .json(&[&clean[..], &["--dry-run", "--format", "json"]].concat())
        .unwrap();
    let removals = plan["directories"][0]["removals"].as_array().unwrap();
    let fingerprints = removals
        .iter()
        .filter(|it| it["kind"] == "fingerprint")
        .count();
    for removal in &removals[..fingerprints + 3] {
        let path = Path::new(removal["path"].as_str().unwrap());
        if path.is_dir() {
            fs::remove_dir_all(path)
        } else {
            fs::remove_file(path)
        }
        .unwrap();
    }
    let expected: BTreeSet<_> = everything.intersection(&affected).cloned().collect();
    assert_eq!(built(&project, &["build"]), expected);
}
