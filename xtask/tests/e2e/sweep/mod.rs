//! `sweep` on real build directories: what is removed, what stays fresh, and in which order.

mod kill;
mod order;
mod places;
mod real;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::clean::SECOND_LAYOUT;
use crate::support::{Output, Project};

/// The commands that most tests keep, as cargo's arguments.
const KEPT: [&[&str]; 3] = [
    &["build", "--workspace"],
    &["clippy", "--workspace", "--all-targets"],
    &["test", "--workspace", "--no-run"],
];

/// Makes a workspace with a library, a script, a binary, a test and a feature.
fn program() -> Project {
    let project = Project::without_members();
    project.write_libraries(
        "//- base/src/lib.rs
pub fn value() -> u32 { if cfg!(feature = \"more\") { 2 } else { 1 } }
#[test] fn it() { assert!(value() > 0); }
//- base/Cargo.toml
[features]
more = []
//- app/src/lib.rs -> base
include!(concat!(env!(\"OUT_DIR\"), \"/made.rs\"));
//- app/build.rs
fn main() {
    println!(\"cargo::rerun-if-changed=build.rs\");
    let out = std::env::var(\"OUT_DIR\").unwrap();
    std::fs::write(out + \"/made.rs\", \"pub const MADE: u32 = 7;\").unwrap();
}
//- app/src/main.rs
fn main() { println!(\"{} {}\", base::value(), app::MADE); }
//- app/tests/it.rs
#[test] fn it() { assert_eq!(app::MADE, 7); }
",
    );
    project.in_git()
}

impl Project {
    /// Runs `sweep`, and returns its JSON report.
    #[track_caller]
    fn sweep(&self, arguments: &[&str]) -> Value {
        let output = self.sweep_output(&[arguments, &["--format", "json"]].concat());
        serde_json::from_str(&output.done()).unwrap()
    }

    /// Runs `sweep`, with the environment in which a configuration of the second layout works.
    fn sweep_output(&self, arguments: &[&str]) -> Output {
        let mut command = self.kit(&[&["sweep"], arguments].concat());
        self.finish(command.env("RUSTC_BOOTSTRAP", "1"))
    }

    /// Builds with each of these arguments.
    #[track_caller]
    fn build_all(&self, commands: &[&[&str]]) {
        for arguments in commands {
            self.build(arguments).unwrap();
        }
    }

    /// Builds with `RUSTFLAGS`, which makes a set of units of its own.
    #[track_caller]
    fn build_with_flags(&self, flags: &str, arguments: &[&str]) {
        let mut command = Command::new("cargo");
        command.args(arguments).current_dir(self.root());
        self.isolate(&mut command);
        command.env("RUSTFLAGS", flags).env("RUSTC_BOOTSTRAP", "1");
        self.finish(&mut command).done();
    }

    /// Checks that each of these builds compiles nothing and runs no script.
    #[track_caller]
    fn all_fresh(&self, commands: &[&[&str]]) {
        for arguments in commands {
            let built = self.build(arguments).unwrap();
            assert!(built.is_empty(), "{arguments:?}: {built:?}");
        }
    }

    /// Returns the directories of all fingerprints below `target`, sorted.
    fn fingerprints(&self) -> Vec<PathBuf> {
        fingerprints_below(&self.path("target"))
    }
}

/// Returns the directories of fingerprints below a directory, sorted.
fn fingerprints_below(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut pending = vec![directory.to_owned()];
    while let Some(directory) = pending.pop() {
        for entry in std::fs::read_dir(directory).into_iter().flatten() {
            let path = entry.unwrap().path();
            let is_first = path.parent().unwrap().ends_with(".fingerprint");
            if is_first || path.ends_with("fingerprint") {
                found.push(path);
            } else if path.is_dir() {
                pending.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Returns the number of removals of a report with this reason.
fn removed(report: &Value, reason: &str) -> usize {
    let removals = report["removals"].as_array().unwrap().iter();
    removals.filter(|it| it["reason"] == reason).count()
}

/// Returns the arguments that keep [`KEPT`].
fn keeping<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    let kept = [
        "--keep-command",
        "build --workspace",
        "--keep-command",
        "clippy --workspace --all-targets",
        "--keep-command",
        "test --workspace",
    ];
    [arguments, &kept].concat()
}

/// Sweeps to the smallest size after builds with several flags and features, and checks that the
/// kept commands stay fresh and that nothing else is left.
fn kept_commands_stay_fresh(configuration: &str) {
    let project = program();
    project.write(".cargo/config.toml", configuration);
    project.build_all(&KEPT);
    let needed = project.fingerprints();
    project.build_with_flags("-C debuginfo=0", &["build", "--workspace"]);
    project
        .build(&["build", "-p", "base", "--features", "base/more"])
        .unwrap();
    project.build(&["build", "--release"]).unwrap();
    project.build(&["doc", "--workspace", "--no-deps"]).unwrap();
    assert!(project.fingerprints().len() > needed.len() + 5);

    let asked = keeping(&["--max-size", "0"]);
    let before = project.fingerprints();
    let planned = project.sweep(&[&asked[..], &["--dry-run"]].concat());
    assert_eq!(project.fingerprints(), before, "a dry run removes nothing");
    let states: Vec<_> = planned["commands"].as_array().unwrap().iter().collect();
    assert!(states.iter().all(|it| it["state"] == "fresh"), "{states:?}");

    let report = project.sweep(&asked);
    assert_eq!(report["removals"], planned["removals"]);
    for removal in report["removals"].as_array().unwrap() {
        for path in removal["paths"].as_array().unwrap() {
            assert!(!Path::new(path.as_str().unwrap()).exists(), "{path}");
        }
    }
    assert_eq!(project.fingerprints(), needed);
    project.all_fresh(&KEPT);
    let (after, missing) = (&report["after"], &report["missing"]);
    assert_eq!(after, missing, "the limit is zero");
    // The kept commands need no documentation.
    assert!(!project.path("target/doc/base").exists());
}

#[test]
fn kept_commands_stay_fresh_in_the_first_layout() {
    kept_commands_stay_fresh("");
}

#[test]
fn kept_commands_stay_fresh_in_the_second_layout() {
    kept_commands_stay_fresh(SECOND_LAYOUT);
}

/// Keeps `doc` alone: the documentation, its records and the metadata that it needs stay.
#[test]
fn documentation_belongs_to_the_kept_commands() {
    let project = program();
    let doc: &[&str] = &["doc", "--workspace"];
    project.build_all(&[doc, &["build", "--workspace"]]);
    project.sweep(&["--max-size", "0", "--keep-command", "doc --workspace"]);
    project.all_fresh(&[doc]);
    assert!(project.path("target/doc/app/index.html").exists());
    assert!(!project.path("target/debug/app").exists());
}

/// Compares the reported size with the size that the system reports, with hard links once.
#[test]
fn sizes_are_those_of_the_disk() {
    let project = program();
    project.build_all(&[&["build", "--workspace"]]);
    // The first sweep adds the kit's own notes to the directory.
    project.sweep(&["--dry-run"]);
    let report = project.sweep(&["--dry-run"]);
    let said = project
        .run(Command::new("du").args(["-s", "-B1", "target"]))
        .done();
    let expected: u64 = said.split_whitespace().next().unwrap().parse().unwrap();
    assert_eq!(report["before"], expected);
    assert_eq!(report["removed"], 0);
    let kinds = report["by_kind"].as_object().unwrap().values();
    let sum: u64 = kinds.map(|it| it["before"].as_u64().unwrap()).sum();
    assert_eq!(sum, expected);
}

/// Changes a source, so that the kept command would compile: nothing is built, and the units that
/// cargo would use stay.
#[test]
fn a_stale_command_builds_nothing_and_is_kept() {
    let project = program();
    project.build_all(&KEPT[..1]);
    let needed = project.fingerprints();
    project.build_with_flags("-C debuginfo=0", &["build", "--workspace"]);
    project.append("crates/base/src/lib.rs", "pub fn new() {}\n");
    project.append("crates/app/build.rs", "// The script would run again.\n");
    let records = || project.artifacts();
    let before = records();
    let asked = ["--max-size", "0", "--keep-command", "build --workspace"];
    let planned = project.sweep(&[&asked[..], &["--dry-run"]].concat());
    assert_eq!(planned["commands"][0]["state"], "stale");
    assert_eq!(records(), before);
    let output = project.sweep_output(&asked);
    assert!(output.stderr.contains("is not fresh"), "{output}");
    assert_eq!(project.fingerprints(), needed);
    let built = project.build(&["build", "--workspace"]).unwrap();
    assert!(!built.is_empty());
}

/// Names features that were never built: the variant that was used last is kept.
#[test]
fn a_command_with_other_settings_keeps_the_last_variant() {
    let project = program();
    project.build_with_flags("-C debuginfo=0", &["build", "--workspace"]);
    project.build_all(&KEPT[..1]);
    let command = "RUSTFLAGS=\"-C debuginfo=1\" build --workspace";
    project.sweep(&["--max-size", "0", "--keep-command", command]);
    project.all_fresh(&KEPT[..1]);
    let failing = ["--max-size", "0", "--keep-command", "build -p nobody"];
    let output = project.sweep_output(&failing);
    assert!(
        output
            .stderr
            .contains("failed, so every unit of its profile is kept"),
        "{output}"
    );
    project.all_fresh(&KEPT[..1]);
}

#[test]
fn wrong_limits_are_refused() {
    let project = program();
    let all = [
        &["--max-size", "20X"][..],
        &["--max-age", "14"],
        &["--keep-command", "fmt"],
        &["--toolchain", "nobodys"],
    ];
    for arguments in all {
        assert_eq!(project.sweep_output(arguments).status, 2, "{arguments:?}");
    }
    project.append(
        "Cargo.toml",
        "[workspace.metadata.xtask.sweep]\nmax-size = \"2X\"\n",
    );
    let output = project.sweep_output(&[]);
    assert_eq!(output.status, 2);
    assert!(
        output.stderr.contains("`max-size`: `2X` is not a size"),
        "{output}"
    );
}
