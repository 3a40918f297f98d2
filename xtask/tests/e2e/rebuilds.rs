//! `rebuilds`: every reason of cargo is produced in both directions, predicted, and explained by its
//! true cause.

use std::collections::BTreeSet;

use expect_test::expect;
use serde_json::Value;

use crate::support::Project;

/// The cargo command and the variables of a build.
#[derive(Clone, Copy)]
struct Asked<'a> {
    words: &'a [&'a str],
    variables: &'a [(&'a str, &'a str)],
}

const CHECK: Asked<'_> = Asked {
    words: &["check", "--workspace"],
    variables: &[],
};

impl<'a> Asked<'a> {
    fn with(words: &'a [&'a str]) -> Self {
        Self {
            words,
            variables: &[],
        }
    }

    fn set(self, variables: &'a [(&'a str, &'a str)]) -> Self {
        Self { variables, ..self }
    }

    /// Runs `rebuilds` with flags, and returns its JSON.
    #[track_caller]
    fn report(self, project: &Project, flags: &[&str]) -> Value {
        let arguments = [
            &["rebuilds", "--format", "json"],
            flags,
            &["--"],
            self.words,
        ]
        .concat();
        let mut command = project.kit(&arguments);
        command.envs(self.variables.iter().copied());
        let output = command.output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            panic!("{error}: {}", project.redacted(&output));
        })
    }

    /// Predicts and runs the build, and checks that both name the same units with the same causes.
    /// Returns the causes, a line each.
    #[track_caller]
    fn explained(self, project: &Project) -> String {
        let predicted = self.report(project, &["--predict"]);
        let run = self.report(project, &[]);
        assert_eq!(units(&predicted), units(&run));
        assert_eq!(causes(&predicted), causes(&run));
        project.redacted_text(&causes(&run))
    }
}

/// Returns the units of a report.
fn units(report: &Value) -> BTreeSet<String> {
    let units = report["units"].as_array().unwrap().iter();
    let named = units.map(|unit| {
        let part = |name: &str| unit[name].to_string();
        [
            "package_id",
            "kind",
            "target",
            "mode",
            "verb",
            "directory",
            "new",
        ]
        .map(part)
        .join(" ")
    });
    named.collect()
}

/// Returns the causes of a report, a line each: the title, old and new value, the number of units,
/// and the units that have the cause themselves.
fn causes(report: &Value) -> String {
    let mut lines = Vec::new();
    for cause in report["causes"].as_array().unwrap() {
        let text = |name: &str| cause[name].as_str().unwrap_or("-").to_owned();
        let starts = cause["starts_at"].as_array().unwrap().iter();
        let starts: Vec<_> = starts.map(|it| it.as_str().unwrap()).collect();
        let values = match (text("old"), text("new")) {
            (old, new) if old == "-" && new == "-" => String::new(),
            (old, new) => format!(" [{old} => {new}]"),
        };
        lines.push(format!(
            "  {}: {}{values}, {} from {}\n",
            text("kind"),
            text("title"),
            cause["units"],
            starts.join(" + ")
        ));
    }
    lines.sort();
    lines.concat()
}

/// Replaces times by a word, as in `1796015522.161740904s (build.rs)`.
fn without_times(text: &str) -> String {
    let words = text.split(' ').map(|word| {
        let digits = word.trim_start_matches('[').strip_suffix('s');
        let is_time = digits.is_some_and(|it| it.len() > 12 && it.parse::<f64>().is_ok());
        match (is_time, word.starts_with('[')) {
            (true, true) => "[TIME",
            (true, false) => "TIME",
            (false, _) => word,
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// A workspace with a chain of three packages. The script of `leaf` watches a variable and a file,
/// the script of `mid` declares no input.
fn workspace() -> Project {
    let project = Project::without_members();
    project.library("leaf", &[]);
    project.library("mid", &["leaf"]);
    project.library("app", &["mid"]);
    project.append("crates/leaf/Cargo.toml", "\n[features]\nbase = []\n");
    project.write(
        "crates/leaf/build.rs",
        r#"fn main() {
    println!("cargo::rerun-if-env-changed=WATCHED");
    println!("cargo::rerun-if-changed=watched.txt");
}
"#,
    );
    project.write("crates/leaf/watched.txt", "");
    project.write("crates/mid/build.rs", "fn main() {}\n");
    project.write("crates/app/src/main.rs", "fn main() {}\n");
    project.write(".cargo/config.toml", "[profile.dev]\nincremental = false\n");
    project.in_git()
}

/// The steps of a story, each with the causes of its build.
struct Story<'a> {
    project: &'a Project,
    told: String,
}

impl<'a> Story<'a> {
    fn of(project: &'a Project) -> Self {
        Self {
            project,
            told: String::new(),
        }
    }

    #[track_caller]
    fn tell(&mut self, what: &str, asked: Asked<'_>) {
        let explained = without_times(&asked.explained(self.project));
        self.told += &format!("{what}\n{explained}");
    }
}

#[test]
fn a_build_is_predicted_and_explained() {
    let project = workspace();
    let mut story = Story::of(&project);
    story.tell("first", CHECK);
    project.write("crates/leaf/src/lib.rs", "pub fn one() {}\n");
    project.write("crates/app/src/lib.rs", "\n");
    project.append("crates/mid/Cargo.toml", "\n[features]\nmore = []\n");
    story.tell("edits of two sources and a manifest", CHECK);
    story.tell("a variable is set", CHECK.set(&[("WATCHED", "1")]));
    project.cargo(CHECK.words).done();
    let flags = [("WATCHED", "1"), ("RUSTFLAGS", "--cfg one")];
    let report = CHECK.set(&flags).report(&project, &["--predict"]);
    story.told += "flags, after another program\n";
    story.told += &causes(&report);
    let thrash = |report: &Value| report["causes"][0]["thrash"].to_string();
    let report = CHECK.set(&[("WATCHED", "1")]).report(&project, &[]);
    story.told += &format!("another program built in between\n{}", causes(&report));
    story.told += &format!("  {}\n", thrash(&report));
    let last = project.json(&["rebuilds", "--last", "--format", "json"]);
    assert_eq!(last.unwrap(), report);
    expect![[r#"
        first
          first-build: first check, 8 from app bin app (check) + app lib (check) + leaf build script (build) + leaf build script (run) + leaf lib (check) + mid build script (build) + mid build script (run) + mid lib (check)
        edits of two sources and a manifest
          declared-features: the declared features of mid changed [ => more], 5 from mid build script (build) + mid lib (check)
          file-changed: crates/app/src/lib.rs changed, 2 from app lib (check)
          file-changed: crates/leaf/src/lib.rs changed, 4 from leaf lib (check)
          package-files: a file of the package changed: crates/mid/Cargo.toml [TIME (build.rs) => TIME (Cargo.toml)], 4 from mid build script (run)
        a variable is set
          variable: the environment variable WATCHED changed [- => 1], 5 from leaf build script (run)
        flags, after another program
          rustflags: the compiler flags changed [ => --cfg one], 8 from app bin app (check) + app lib (check) + leaf build script (build) + leaf build script (run) + leaf lib (check) + mid build script (build) + mid build script (run) + mid lib (check)
        another program built in between
          variable: the environment variable WATCHED changed [- => 1], 5 from leaf build script (run)
          "another program built in this directory since `cargo check --workspace`, with the old value: the two undo each other's builds"
    "#]].assert_eq(&story.told);
    project.write("crates/app/src/lib.rs", "error!\n");
    project.xtask(&["rebuilds", "-q"]).is(expect![[r#"
        `cargo check` rebuilt 3 units in [NUMBER] s, 3 fresh; 1 cause; 2 not reached

        the environment variable WATCHED changed (3 units, [NUMBER] s)
          old: 1
          new: not set
          starts at: leaf build script (run)
          thrash: runs of `cargo check --workspace` alternate in this directory between two values: they undo each other's builds
          fix: give WATCHED one value in all tools: in `[env]` of `.cargo/config.toml`, with `force = true`
        --- stderr
           Compiling leaf v0.1.0 ([ROOT]/crates/leaf)
            Checking mid v0.1.0 ([ROOT]/crates/mid)
            Checking app v0.1.0 ([ROOT]/crates/app)
        error: expected one of `(`, `[`, or `{`, found `<eof>`
         --> crates/app/src/lib.rs:1:6
          |
        1 | error!
          |      ^ expected one of `(`, `[`, or `{`

        error: could not compile `app` (lib) due to 1 previous error
        --- exit status 101
    "#]]);
}

#[test]
#[ignore = "slow: `.ci/nightly rebuilds` runs it"]
fn in_place_builds_are_explained_in_both_directions() {
    let project = workspace();
    project.cargo(CHECK.words).done();
    let mut story = Story::of(&project);
    story.tell("nothing", CHECK);
    project.write("crates/leaf/src/lib.rs", "pub fn one() {}\n");
    story.tell("a source is edited", CHECK);
    story.tell("a watched variable is set", CHECK.set(&[("WATCHED", "1")]));
    story.tell("a watched variable is unset", CHECK);
    project.write("crates/leaf/watched.txt", "more");
    project.write("crates/app/src/lib.rs", "\n");
    story.tell(
        "a watched file and a source of a dependent are edited",
        CHECK,
    );
    project.write("crates/mid/NOTES.md", "notes");
    story.tell(
        "a file is added to a package whose script declares no input",
        CHECK,
    );
    project.append("crates/leaf/Cargo.toml", "more = []\n");
    story.tell("a feature is declared", CHECK);
    project.replace("crates/leaf/Cargo.toml", "more = []\n", "");
    story.tell("a feature is no longer declared", CHECK);
    project.replace("crates/app/Cargo.toml", "2024", "2021");
    story.tell("the edition is 2021", CHECK);
    project.replace("crates/app/Cargo.toml", "2021", "2024");
    story.tell("the edition is 2024", CHECK);
    let lint = "[lints.rust]\nunused = \"deny\"\n";
    project.append("crates/app/Cargo.toml", lint);
    story.tell("a lint is added", CHECK);
    project.replace("crates/app/Cargo.toml", lint, "");
    story.tell("a lint is removed", CHECK);
    let dependency = "leaf = { path = \"../leaf\" }\n";
    project.append("crates/app/Cargo.toml", dependency);
    story.tell("a dependency is added", CHECK);
    project.write("crates/app/src/main.rs", "fn main() { }\n");
    project.replace("crates/app/Cargo.toml", dependency, "");
    story.tell("a dependency is removed, and a source is edited", CHECK);
    project.remove("crates/leaf/watched.txt");
    story.tell("a watched file is removed", CHECK);
    story.tell("a watched file is still missing", CHECK);
    project.write("crates/leaf/watched.txt", "");
    story.tell("a watched file is there again", CHECK);
    let linker = [("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER", "gcc")];
    story.tell("a linker is set", CHECK.set(&linker));
    story.tell("a linker is unset", CHECK);
    let reads = "pub const SEEN: Option<&str> = option_env!(\"SEEN\");\n";
    project.write("crates/app/src/lib.rs", reads);
    story.tell("a source reads a variable", CHECK);
    story.tell("the variable is set", CHECK.set(&[("SEEN", "1")]));
    story.tell("the variable is unset", CHECK);
    let future = std::time::SystemTime::now() + std::time::Duration::from_secs(3600);
    let file = std::fs::File::options();
    let file = file
        .clone()
        .write(true)
        .open(project.path("crates/app/src/main.rs"));
    file.unwrap().set_modified(future).unwrap();
    story.tell("a source has a time in the future", CHECK);
    crate::support::tree::touch(&project.path("crates/app/src/main.rs"));
    story.tell("the source has a time of the present", CHECK);
    project.replace("crates/leaf/build.rs", "watched.txt", "Cargo.toml");
    story.tell("a script prints another instruction", CHECK);
    expect![[r#"
        nothing
        a source is edited
          file-changed: crates/leaf/src/lib.rs changed, 4 from leaf lib (check)
        a watched variable is set
          variable: the environment variable WATCHED changed [- => 1], 5 from leaf build script (run)
        a watched variable is unset
          variable: the environment variable WATCHED changed [1 => -], 5 from leaf build script (run)
        a watched file and a source of a dependent are edited
          file-changed: crates/app/src/lib.rs changed, 2 from app lib (check)
          file-changed: crates/leaf/watched.txt changed, 5 from leaf build script (run)
        a file is added to a package whose script declares no input
          package-files: a file of the package changed: crates/mid/NOTES.md [TIME (build.rs) => TIME (NOTES.md)], 4 from mid build script (run)
        a feature is declared
          declared-features: the declared features of leaf changed [base => base, more], 6 from leaf build script (build) + leaf lib (check)
        a feature is no longer declared
          declared-features: the declared features of leaf changed [base, more => base], 6 from leaf build script (build) + leaf lib (check)
        the edition is 2021
          target-settings: the settings of a target of app changed [--edition=2024 => --edition=2021], 2 from app bin app (check) + app lib (check)
        the edition is 2024
          target-settings: the settings of a target of app changed [--edition=2021 => --edition=2024], 2 from app bin app (check) + app lib (check)
        a lint is added
          lints: the lints of app changed [ => --deny=unused], 2 from app bin app (check) + app lib (check)
        a lint is removed
          lints: the lints of app changed [--deny=unused => ], 2 from app bin app (check) + app lib (check)
        a dependency is added
          dependencies: the dependencies of app changed [ => leaf], 2 from app bin app (check) + app lib (check)
        a dependency is removed, and a source is edited
          file-changed: crates/app/src/main.rs changed, 1 from app bin app (check)
        a watched file is removed
          file-missing: crates/leaf/watched.txt does not exist, 5 from leaf build script (run)
        a watched file is still missing
          file-missing: crates/leaf/watched.txt does not exist, 5 from leaf build script (run)
        a watched file is there again
          file-changed: crates/leaf/watched.txt changed, 5 from leaf build script (run)
        a linker is set
          linker: the linker changed [ => linker=gcc], 8 from app bin app (check) + app lib (check) + leaf build script (build) + leaf lib (check) + mid build script (build) + mid lib (check)
        a linker is unset
          linker: the linker changed [linker=gcc => ], 8 from app bin app (check) + app lib (check) + leaf build script (build) + leaf lib (check) + mid build script (build) + mid lib (check)
        a source reads a variable
          file-changed: crates/app/src/lib.rs changed, 2 from app lib (check)
        the variable is set
          variable: the environment variable SEEN changed [- => 1], 2 from app lib (check)
        the variable is unset
          variable: the environment variable SEEN changed [1 => -], 2 from app lib (check)
        a source has a time in the future
          future-time: crates/app/src/main.rs has a time in the future, 1 from app bin app (check)
        the source has a time of the present
          file-changed: crates/app/src/main.rs changed, 1 from app bin app (check)
        a script prints another instruction
          file-changed: crates/leaf/build.rs changed, 6 from leaf build script (build)
    "#]].assert_eq(&story.told);
}

#[test]
#[ignore = "slow: `.ci/nightly rebuilds` runs it"]
fn new_units_are_explained_in_both_directions() {
    let project = workspace();
    project.cargo(CHECK.words).done();
    let mut story = Story::of(&project);
    story.tell("nothing is built, but the flags are noted", CHECK);
    story.tell(
        "RUSTFLAGS are set",
        CHECK.set(&[("RUSTFLAGS", "--cfg one")]),
    );
    story.tell("RUSTFLAGS are unset", CHECK);
    story.tell(
        "RUSTFLAGS are other",
        CHECK.set(&[("RUSTFLAGS", "--cfg two")]),
    );
    story.tell(
        "the profile is set",
        CHECK.set(&[("CARGO_PROFILE_DEV_OPT_LEVEL", "1")]),
    );
    story.tell(
        "incremental is set",
        CHECK.set(&[("CARGO_INCREMENTAL", "1")]),
    );
    story.tell(
        "tests are built",
        Asked::with(&["test", "--workspace", "--no-run"]),
    );
    story.tell(
        "documentation is built",
        Asked::with(&["doc", "--workspace"]),
    );
    project.write("crates/leaf/src/lib.rs", "pub fn two() {}\n");
    story.tell("a source is edited", Asked::with(&["doc", "--workspace"]));
    story.tell("Clippy checks", Asked::with(&["clippy", "--workspace"]));
    let host = crate::support::clean::host();
    let on_host = ["check", "--workspace", "--target", &host];
    story.tell("the host is named", Asked::with(&on_host));
    let default = "[features]\ndefault = [\"leaf/base\"]\n";
    project.append("crates/mid/Cargo.toml", default);
    story.tell("a default feature is added", CHECK);
    project.replace("crates/mid/Cargo.toml", default, "");
    story.tell("a default feature is removed", CHECK);
    project.append("crates/mid/Cargo.toml", default);
    project.cargo(CHECK.words).done();
    let features = [
        "check",
        "-p",
        "leaf",
        "-p",
        "app",
        "--features",
        "leaf/base",
    ];
    story.tell("a feature is selected", Asked::with(&features));
    project.replace("crates/leaf/Cargo.toml", "0.1.0", "0.2.0");
    story.tell("the version is 0.2.0", CHECK);
    project.replace("crates/leaf/Cargo.toml", "0.2.0", "0.1.0");
    story.tell("the version is 0.1.0", CHECK);
    project.cargo(&["clean", "-p", "mid"]).done();
    story.tell("artifacts are removed", CHECK);
    project.write("crates/leaf/src/lib.rs", "pub fn three() {}\n");
    let with_base = ["check", "-p", "leaf", "--features", "base"];
    project.cargo(&with_base).done();
    story.tell("a dependency is built alone", CHECK);
    expect![[r#"
        nothing is built, but the flags are noted
        RUSTFLAGS are set
          rustflags: the compiler flags changed [ => --cfg one], 8 from app bin app (check) + app lib (check) + leaf build script (build) + leaf build script (run) + leaf lib (check) + mid build script (build) + mid build script (run) + mid lib (check)
        RUSTFLAGS are unset
        RUSTFLAGS are other
          rustflags: the compiler flags changed [ => --cfg two], 8 from app bin app (check) + app lib (check) + leaf build script (build) + leaf build script (run) + leaf lib (check) + mid build script (build) + mid build script (run) + mid lib (check)
        the profile is set
          profile: the profile changed [debug-assertions=default opt-level=default => debug-assertions=on opt-level=1], 6 from app bin app (check) + app lib (check) + leaf build script (run) + leaf lib (check) + mid build script (run) + mid lib (check)
        incremental is set
          incremental: incremental compilation changed [off => on], 8 from app bin app (check) + app lib (check) + leaf build script (build) + leaf build script (run) + leaf lib (check) + mid build script (build) + mid build script (run) + mid lib (check)
        tests are built
          first-build: first build, 6 from app lib (build) + leaf lib (build) + mid lib (build)
          first-build: first test, 4 from app bin app (test) + app lib (test) + leaf lib (test) + mid lib (test)
        documentation is built
          first-build: first doc, 3 from app lib (doc) + leaf lib (doc) + mid lib (doc)
        a source is edited
          file-changed: crates/leaf/src/lib.rs changed, 5 from leaf lib (check) + leaf lib (doc)
        Clippy checks
          first-build: first clippy, 8 from app bin app (clippy) + app lib (clippy) + leaf build script (build) + leaf build script (run) + leaf lib (clippy) + mid build script (build) + mid build script (run) + mid lib (clippy)
        the host is named
          platform: the platform changed [host => [HOST]], 8 from app bin app (check) + app lib (check) + leaf build script (build) + leaf build script (run) + leaf lib (check) + mid build script (build) + mid build script (run) + mid lib (check)
        a default feature is added
          declared-features: the declared features of mid changed [ => default], 5 from mid build script (build) + mid build script (run) + mid lib (check)
          features: the features of leaf changed [ => base], 6 from leaf build script (build) + leaf build script (run) + leaf lib (check)
          features: the features of mid changed [ => default], 5 from mid build script (build) + mid build script (run) + mid lib (check)
        a default feature is removed
          package-files: a file of the package changed: crates/mid/Cargo.toml [TIME (build.rs) => TIME (Cargo.toml)], 4 from mid build script (run)
        a feature is selected
        the version is 0.2.0
          package-id: the version or the source of leaf changed, or the wrapper of the compiler [leaf v0.1.0 ([ROOT]/crates/leaf) => leaf v0.2.0 ([ROOT]/crates/leaf)], 6 from leaf build script (build)
        the version is 0.1.0
        artifacts are removed
          removed: the artifacts were removed, 5 from mid build script (build) + mid build script (run) + mid lib (check)
        a dependency is built alone
          dependency-built-before: an earlier command built the dependency leaf alone, 3 from mid lib (check)
    "#]].assert_eq(&story.told.replace(&host, "[HOST]"));
}
