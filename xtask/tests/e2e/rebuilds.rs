//! `rebuilds`: each reason of cargo for a rebuild is produced by a change and by its reversal, is
//! predicted, and is explained by its true cause.

use std::collections::BTreeSet;

use expect_test::expect;
use serde_json::Value;

use crate::support::Project;

/// The cargo command and the variables of a build.
#[derive(Clone, Copy)]
struct CargoCall<'a> {
    words: &'a [&'a str],
    variables: &'a [(&'a str, &'a str)],
}

const CHECK: CargoCall<'_> = CargoCall {
    words: &["check", "--workspace"],
    variables: &[],
};

impl<'a> CargoCall<'a> {
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
        let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            panic!("{error}: {}", project.redacted(&output));
        });
        adds_up(&report);
        report
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

/// Checks that each unit and its time count for exactly one cause.
#[track_caller]
fn adds_up(report: &Value) {
    let causes = report["causes"].as_array().unwrap();
    let counted = causes.iter().map(|it| it["units"].as_u64().unwrap());
    let built = report["units"].as_array().unwrap().len();
    assert_eq!(counted.sum::<u64>(), built as u64, "{report:#}");
    let seconds: f64 = causes
        .iter()
        .map(|it| it["seconds"].as_f64().unwrap())
        .sum();
    let all = report["seconds"].as_f64().unwrap();
    assert!((seconds - all).abs() < 0.000_5, "{seconds}: {report:#}");
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
            cause["cascade_units"],
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

/// Replaces the hashes in the names of libraries: `libleaf-1e60654acc180037.rmeta`.
fn without_hashes(text: &str) -> String {
    let parts = text.split('-').map(|part| match part.split_once(".rmeta") {
        Some((hash, rest)) if hash.len() == 16 => format!("[HASH].rmeta{rest}"),
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("-")
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
    fn tell(&mut self, what: &str, asked: CargoCall<'_>) {
        let explained = without_hashes(&without_times(&asked.explained(self.project)));
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
        `cargo check` rebuilt 3 units, [NUMBER] s of work, 3 fresh; 1 cause; 2 not reached

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

    let kept = std::fs::read_dir(project.path("target/xtask")).unwrap();
    let kept = kept.map(|it| it.unwrap().path());
    let mut records = kept.filter(|it| it.to_str().unwrap().contains("/rebuilds-"));
    std::fs::write(records.next().unwrap(), "damaged").unwrap();
    project.xtask(&["rebuilds", "--last"]).is(expect![[r#"
        --- stderr
        error: cannot read the record of the last run in [ROOT]/target/xtask/rebuilds-[HASH]: the file is damaged, or another version of the kit wrote it
        hint: run `cargo xtask rebuilds`, which writes a new record
        --- exit status 3
    "#]]);
    let predicted = project.xtask(&["rebuilds", "--predict"]);
    let note = "note: cannot read the record of the last runs";
    assert!(predicted.stderr.contains(note), "{predicted}");
}

/// A build script of a new package uses a library that was built before, but with other features of
/// its dependency. Until the lock file has the new package, the kit predicts with a private lock
/// file, for which cargo needs a variable. A script watches that variable.
#[test]
fn a_library_of_a_new_build_script_is_predicted_with_a_stale_lock_file() {
    let project = Project::without_members();
    project.library("leaf", &[]);
    project.library("mid", &["leaf"]);
    project.library("app", &["mid"]);
    project.append(
        "crates/app/Cargo.toml",
        "leaf = { path = \"../leaf\", features = [\"more\"] }\n\n[build-dependencies]\nleaf = { path = \
         \"../leaf\" }\n",
    );
    project.append("crates/leaf/Cargo.toml", "\n[features]\nmore = []\n");
    let watching = "fn main() { println!(\"cargo::rerun-if-env-changed=RUSTC_BOOTSTRAP\"); }\n";
    project.write("crates/leaf/build.rs", watching);
    project.write("crates/app/build.rs", "fn main() {}\n");
    project.write(".cargo/config.toml", "[profile.dev]\ndebug = false\n");
    let project = project.in_git();
    let build = CargoCall::with(&["build", "--workspace"]);
    project.cargo(build.words).done();
    project.library("newcomer", &[]);
    project.append(
        "crates/newcomer/Cargo.toml",
        "\n[build-dependencies]\nmid = { path = \"../mid\" }\n",
    );
    project.write("crates/newcomer/build.rs", "fn main() {}\n");
    let told = build.explained(&project);
    assert!(
        told.contains("first-build: first build, 4 from mid lib (build)"),
        "{told}"
    );
}

/// The variables that make a stable cargo use the second layout of the build directory.
const SECOND_LAYOUT: [(&str, &str); 2] = [
    ("RUSTC_BOOTSTRAP", "1"),
    ("CARGO_UNSTABLE_BUILD_DIR_NEW_LAYOUT", "true"),
];

#[test]
fn builds_in_the_second_layout_are_explained() {
    let project = workspace();
    let check = CHECK.set(&SECOND_LAYOUT);
    let mut story = Story::of(&project);
    story.tell("first", check);
    assert!(!project.path("target/debug/.fingerprint").exists());
    project.write("crates/leaf/src/lib.rs", "pub fn one() {}\n");
    project.write("crates/mid/NOTES.md", "notes");
    story.tell("a source and a file of a package are edited", check);
    let set = [SECOND_LAYOUT[0], SECOND_LAYOUT[1], ("WATCHED", "1")];
    story.tell("a watched variable is set", CHECK.set(&set));
    let flags = [set[0], set[1], set[2], ("RUSTFLAGS", "--cfg one")];
    story.tell("RUSTFLAGS are set", CHECK.set(&flags));
    story.tell("nothing", CHECK.set(&set));
    expect![[r#"
        first
          first-build: first check, 8 from app bin app (check) + app lib (check) + leaf build script (build) + leaf build script (run) + leaf lib (check) + mid build script (build) + mid build script (run) + mid lib (check)
        a source and a file of a package are edited
          file-changed: crates/leaf/src/lib.rs changed, 4 from leaf lib (check)
          package-files: a file of the package changed: crates/mid/NOTES.md [TIME (build.rs) => TIME (NOTES.md)], 4 from mid build script (run)
        a watched variable is set
          variable: the environment variable WATCHED changed [- => 1], 5 from leaf build script (run)
        RUSTFLAGS are set
          rustflags: the compiler flags changed [ => --cfg one], 8 from app bin app (check) + app lib (check) + leaf build script (build) + leaf build script (run) + leaf lib (check) + mid build script (build) + mid build script (run) + mid lib (check)
        nothing
    "#]]
    .assert_eq(&story.told);
}

/// An editor and a shell build in one directory, with other values of a variable and another
/// linker.
#[test]
fn two_tools_that_undo_each_other_are_named() {
    let project = Project::without_members();
    project.library("leaf", &[]);
    project.write(
        "crates/leaf/build.rs",
        "fn main() { println!(\"cargo::rerun-if-env-changed=PATH\"); }\n",
    );
    let source = "pub const SEEN: Option<&str> = option_env!(\"SEEN\");\n";
    project.write("crates/leaf/src/lib.rs", source);
    let project = project.in_git();
    let kit = project.kit(&[]);
    let mut variables = kit.get_envs().filter(|it| it.0 == "PATH");
    let path = variables.next().unwrap().1.unwrap().to_str().unwrap();
    let editors = format!("{path}:/editor/bin");
    let linker = "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER";
    let editor = [("PATH", editors.as_str()), ("SEEN", "1"), (linker, "gcc")];
    let shell = [("PATH", path)];
    let check = CargoCall::with(&["check"]);
    let mut told = String::new();
    let mut tell = |what: &str, report: &Value| {
        told += &format!("{what}\n");
        for cause in report["causes"].as_array().unwrap() {
            let thrash = cause["thrash"].as_str().unwrap_or("-");
            let kind = cause["kind"].as_str().unwrap();
            let variables = cause["variables"].as_array().unwrap().iter();
            let names = variables.map(|it| it.as_str().unwrap().split(':').next().unwrap());
            let names = names.collect::<Vec<_>>().join(" ");
            let subject = cause["subject"].as_str().unwrap_or("-");
            told += &format!("  {kind} {subject}: {thrash} [{names}]\n");
        }
    };
    tell("shell", &check.set(&shell).report(&project, &[]));
    tell("editor", &check.set(&editor).report(&project, &[]));
    tell(
        "shell again",
        &check.set(&shell).report(&project, &["--predict"]),
    );
    tell("shell again", &check.set(&shell).report(&project, &[]));
    let mut cargo = std::process::Command::new("cargo");
    project.isolated(cargo.args(["check", "-q"]));
    assert!(cargo.env(linker, "gcc").status().unwrap().success());
    tell(
        "shell, after another program",
        &check.set(&shell).report(&project, &[]),
    );
    expect![[r#"
        shell
          first-build check: - []
        editor
          linker -: - [CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER]
          variable PATH: - []
        shell again
          linker -: runs of `cargo check` alternate in this directory between two values of CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER [CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER]
          variable PATH: runs of `cargo check` alternate in this directory between two values: they undo each other's builds []
        shell again
          linker -: runs of `cargo check` alternate in this directory between two values of CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER [CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER]
          variable PATH: runs of `cargo check` alternate in this directory between two values: they undo each other's builds []
        shell, after another program
          config-settings -: another program built in this directory since `cargo check`, with other settings: the two undo each other's builds []
    "#]]
    .assert_eq(&told);
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
        CargoCall::with(&["test", "--workspace", "--no-run"]),
    );
    story.tell(
        "documentation is built",
        CargoCall::with(&["doc", "--workspace"]),
    );
    project.write("crates/leaf/src/lib.rs", "pub fn two() {}\n");
    story.tell(
        "a source is edited",
        CargoCall::with(&["doc", "--workspace"]),
    );
    story.tell("Clippy checks", CargoCall::with(&["clippy", "--workspace"]));
    let host = crate::support::clean::host();
    let on_host = ["check", "--workspace", "--target", &host];
    story.tell("the host is named", CargoCall::with(&on_host));
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
    story.tell("a feature is selected", CargoCall::with(&features));
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

/// Each setting that makes new units, in the direction from the set value to none.
#[test]
#[ignore = "slow: `.ci/nightly rebuilds` runs it"]
fn new_units_are_explained_after_a_setting_is_removed() {
    let project = workspace();
    let host = crate::support::clean::host();
    let rustc = script(&project, "rustc-other", OTHER_RUSTC);
    let wrapper = script(&project, "wrapper", "exec \"$@\"\n");
    let on_host = ["check", "--workspace", "--target", &host];
    let selected = ["check", "-p", "leaf", "--features", "base"];
    let alone = CargoCall::with(&["check", "-p", "leaf"]);
    let mut present = std::process::Command::new("rustc");
    project.isolated(present.arg("--version"));
    let version = String::from_utf8(present.output().unwrap().stdout).unwrap();
    let version = version.trim().to_owned();
    let (of_toolchain, of_wrapper) = (
        [("RUSTC", &*rustc)],
        [("RUSTC_WORKSPACE_WRAPPER", &*wrapper)],
    );
    let settings: &[(&str, CargoCall<'_>, CargoCall<'_>)] = &[
        ("RUSTFLAGS", CHECK.set(&[("RUSTFLAGS", "--cfg one")]), CHECK),
        (
            "paths are remapped",
            CHECK.set(&[("RUSTFLAGS", "--remap-path-prefix=/a=/b")]),
            CHECK,
        ),
        (
            "the profile",
            CHECK.set(&[("CARGO_PROFILE_DEV_OPT_LEVEL", "1")]),
            CHECK,
        ),
        (
            "incremental",
            CHECK.set(&[("CARGO_INCREMENTAL", "1")]),
            CHECK,
        ),
        ("the host is named", CargoCall::with(&on_host), CHECK),
        ("a feature is selected", CargoCall::with(&selected), alone),
        ("the toolchain", CHECK.set(&of_toolchain), CHECK),
        ("the wrapper", CHECK.set(&of_wrapper), CHECK),
    ];
    let mut told = String::new();
    for (name, with, without) in settings {
        for (direction, first, second) in [("added", without, with), ("removed", with, without)] {
            let target = project.path("target");
            if target.exists() {
                std::fs::remove_dir_all(target).unwrap();
            }
            first.report(&project, &[]);
            let explained = without_times(&second.explained(&project));
            told += &format!("{name}: {direction}\n{explained}");
        }
    }
    expect![[r#"
        RUSTFLAGS: added
          rustflags: the compiler flags changed [ => --cfg one], 8 from app bin app (check) + app lib (check) + leaf build script (build) + leaf build script (run) + leaf lib (check) + mid build script (build) + mid build script (run) + mid lib (check)
        RUSTFLAGS: removed
          rustflags: the compiler flags changed [--cfg one => ], 8 from app bin app (check) + app lib (check) + leaf build script (build) + leaf build script (run) + leaf lib (check) + mid build script (build) + mid build script (run) + mid lib (check)
        paths are remapped: added
          rustflags: the compiler flags changed [ => --remap-path-prefix=/a=/b], 8 from app bin app (check) + app lib (check) + leaf build script (build) + leaf build script (run) + leaf lib (check) + mid build script (build) + mid build script (run) + mid lib (check)
        paths are remapped: removed
          rustflags: the compiler flags changed [--remap-path-prefix=/a=/b => ], 8 from app bin app (check) + app lib (check) + leaf build script (build) + leaf build script (run) + leaf lib (check) + mid build script (build) + mid build script (run) + mid lib (check)
        the profile: added
          profile: the profile changed [debug-assertions=default opt-level=default => debug-assertions=on opt-level=1], 6 from app bin app (check) + app lib (check) + leaf build script (run) + leaf lib (check) + mid build script (run) + mid lib (check)
        the profile: removed
          profile: the profile changed [debug-assertions=on opt-level=1 => debug-assertions=default opt-level=default], 6 from app bin app (check) + app lib (check) + leaf build script (run) + leaf lib (check) + mid build script (run) + mid lib (check)
        incremental: added
          incremental: incremental compilation changed [off => on], 8 from app bin app (check) + app lib (check) + leaf build script (build) + leaf build script (run) + leaf lib (check) + mid build script (build) + mid build script (run) + mid lib (check)
        incremental: removed
          incremental: incremental compilation changed [on => off], 8 from app bin app (check) + app lib (check) + leaf build script (build) + leaf build script (run) + leaf lib (check) + mid build script (build) + mid build script (run) + mid lib (check)
        the host is named: added
          platform: the platform changed [host => [HOST]], 8 from app bin app (check) + app lib (check) + leaf build script (build) + leaf build script (run) + leaf lib (check) + mid build script (build) + mid build script (run) + mid lib (check)
        the host is named: removed
          platform: the platform changed [[HOST] => host], 8 from app bin app (check) + app lib (check) + leaf build script (build) + leaf build script (run) + leaf lib (check) + mid build script (build) + mid build script (run) + mid lib (check)
        a feature is selected: added
          features: the features of leaf changed [ => base], 3 from leaf build script (build) + leaf build script (run) + leaf lib (check)
        a feature is selected: removed
          features: the features of leaf changed [base => ], 3 from leaf build script (build) + leaf build script (run) + leaf lib (check)
        the toolchain: added
          toolchain: the toolchain changed [[RUSTC] => rustc 9.0.0 (other)], 8 from app bin app (check) + app lib (check) + leaf build script (build) + leaf build script (run) + leaf lib (check) + mid build script (build) + mid build script (run) + mid lib (check)
        the toolchain: removed
          toolchain: the toolchain changed [rustc 9.0.0 (other) => [RUSTC]], 8 from app bin app (check) + app lib (check) + leaf build script (build) + leaf build script (run) + leaf lib (check) + mid build script (build) + mid build script (run) + mid lib (check)
        the wrapper: added
          wrapper: the wrapper of the compiler changed, 8 from leaf build script (build) + mid build script (build)
        the wrapper: removed
          wrapper: the wrapper of the compiler changed, 8 from leaf build script (build) + mid build script (build)
    "#]]
    .assert_eq(&told.replace(&host, "[HOST]").replace(&version, "[RUSTC]"));
}

/// A compiler that calls itself another version.
const OTHER_RUSTC: &str = r#"case "$*" in
  *-vV*) rustc "$@" | sed 's/rustc 1/rustc 9/; s/^release: 1/release: 9/' ;;
  *--version*) echo "rustc 9.0.0 (other)" ;;
  *) exec rustc "$@" ;;
esac
"#;

/// Writes a program for the shell next to the project, and returns its path.
fn script(project: &Project, name: &str, text: &str) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    let path = project.beside(name);
    std::fs::write(&path, format!("#!/bin/sh\n{text}")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
#[ignore = "slow: `.ci/nightly rebuilds` runs it"]
fn further_reasons_are_explained_in_both_directions() {
    let project = workspace();
    project.write("crates/app/tests/it.rs", "");
    let mut story = Story::of(&project);
    let all = CargoCall::with(&["check", "--workspace", "--all-targets"]);
    project.cargo(all.words).done();
    story.tell("nothing", all);
    project.append("Cargo.toml", "\n[profile.dev]\nopt-level = 1\n");
    story.tell("the manifest sets the profile", all);
    project.replace("Cargo.toml", "opt-level = 1", "opt-level = 0");
    story.tell("the manifest sets the default of the profile", all);
    project.rename("crates/leaf/src/lib.rs", "crates/leaf/src/other.rs");
    project.append(
        "crates/leaf/Cargo.toml",
        "\n[lib]\npath = \"src/other.rs\"\n",
    );
    story.tell("the root source file is moved", all);
    project.rename("crates/leaf/src/other.rs", "crates/leaf/src/lib.rs");
    project.replace(
        "crates/leaf/Cargo.toml",
        "\n[lib]\npath = \"src/other.rs\"\n",
        "",
    );
    story.tell("the root source file is moved back", all);
    let print = "    println!(\"cargo::rerun-if-changed=watched.txt\");\n";
    project.replace("crates/leaf/build.rs", print, "");
    story.tell("a script watches one file less", all);
    project.replace(
        "crates/leaf/build.rs",
        "WATCHED\");\n",
        &format!("WATCHED\");\n{print}"),
    );
    story.tell("a script watches one file more", all);
    project.write("crates/app/src/gone.rs", "");
    project.append("crates/app/src/lib.rs", "mod gone;\n");
    story.tell("a source is added", all);
    project.remove("crates/app/src/gone.rs");
    project.replace("crates/app/src/lib.rs", "mod gone;\n", "");
    story.tell("a source is removed", all);
    for file in std::fs::read_dir(project.path("target/debug/deps")).unwrap() {
        let path = file.unwrap().path();
        if path.to_str().unwrap().contains("libleaf") {
            std::fs::remove_file(path).unwrap();
        }
    }
    story.tell("an artifact is removed", all);
    // The profile has the same settings, so its units have the same hashes.
    project.append("Cargo.toml", "\n[profile.twin]\ninherits = \"dev\"\n");
    let twin = CargoCall::with(&["check", "--workspace", "--profile=twin"]);
    for (to, asked) in [("twin", twin), ("debug", CHECK)] {
        let from = if to == "twin" { "debug" } else { "twin" };
        if project.path(format!("target/{to}")).exists() {
            project.remove(format!("target/{to}"));
        }
        let (from, to) = (format!("target/{from}"), format!("target/{to}"));
        crate::support::tree::copy(&project.path(&from), &project.path(&to), &|_| true);
        story.tell(&format!("{from} is copied to {to}"), asked);
    }
    expect![[r#"
        nothing
        the manifest sets the profile
          profile: the profile changed [debug-assertions=default opt-level=default => debug-assertions=on opt-level=1], 11 from app bin app (check) + app bin app (check, test) + app lib (check) + app lib (check, test) + app test it (check, test) + leaf build script (run) + leaf lib (check) + leaf lib (check, test) + mid build script (run) + mid lib (check) + mid lib (check, test)
        the manifest sets the default of the profile
        the root source file is moved
          source-path: the root source file of leaf changed, 9 from leaf lib (check) + leaf lib (check, test)
        the root source file is moved back
          source-path: the root source file of leaf changed, 9 from leaf lib (check) + leaf lib (check, test)
        a script watches one file less
          file-changed: crates/leaf/build.rs changed, 11 from leaf build script (build)
        a script watches one file more
          file-changed: crates/leaf/build.rs changed, 11 from leaf build script (build)
        a source is added
          file-changed: crates/app/src/lib.rs changed, 5 from app lib (check) + app lib (check, test)
        a source is removed
          file-changed: crates/app/src/lib.rs changed, 5 from app lib (check) + app lib (check, test)
          file-missing: crates/app/src/gone.rs does not exist, 5 from app lib (check) + app lib (check, test)
        an artifact is removed
          artifact-missing: the artifact target/debug/deps/libleaf-[HASH].rmeta was removed, 8 from leaf lib (check)
          artifact-missing: the artifact target/debug/deps/libleaf-[HASH].rmeta was removed, 1 from leaf lib (check, test)
        target/debug is copied to target/twin
          moved: the artifacts were made in another directory [debug => twin], 8 from app bin app (check) + app lib (check) + leaf build script (build) + leaf build script (run) + leaf lib (check) + mid build script (build) + mid lib (check)
        target/twin is copied to target/debug
          moved: the artifacts were made in another directory [twin => debug], 8 from app bin app (check) + app lib (check) + leaf build script (build) + leaf build script (run) + leaf lib (check) + mid build script (build) + mid lib (check)
    "#]]
    .assert_eq(&story.told);
}

#[test]
#[ignore = "slow: `.ci/nightly rebuilds` runs it"]
fn contents_are_explained_where_cargo_compares_contents() {
    let project = workspace();
    let unstable = [
        ("RUSTC_BOOTSTRAP", "1"),
        ("CARGO_UNSTABLE_CHECKSUM_FRESHNESS", "true"),
    ];
    let check = CHECK.set(&unstable);
    let mut story = Story::of(&project);
    check.report(&project, &[]);
    project.write("crates/leaf/src/lib.rs", "pub fn one() {}\n");
    story.tell("a source of another size", check);
    project.write("crates/leaf/src/lib.rs", "pub fn two() {}\n");
    story.tell("a source of the same size", check);
    crate::support::tree::touch(&project.path("crates/leaf/src/lib.rs"));
    story.tell("a source is only touched", check);
    // A directory takes the place of a file of its size: cargo can open it, and cannot read it.
    let empty = project.beside("empty");
    std::fs::create_dir(&empty).unwrap();
    let size = std::fs::metadata(empty).unwrap().len();
    let text = "//".to_owned() + &" ".repeat(usize::try_from(size).unwrap() - 3) + "\n";
    project.append("crates/app/src/lib.rs", "mod part;\n");
    project.write("crates/app/src/part.rs", &text);
    check.report(&project, &[]);
    project.remove("crates/app/src/part.rs");
    std::fs::create_dir(project.path("crates/app/src/part.rs")).unwrap();
    story.told += "a source cannot be read\n";
    story.told += &causes(&check.report(&project, &["--predict"]));
    project.remove("crates/app/src/part.rs");
    project.write("crates/app/src/part.rs", &text);
    story.tell("the source can be read again", check);
    expect![[r#"
        a source of another size
          file-changed: crates/leaf/src/lib.rs changed, 4 from leaf lib (check)
        a source of the same size
          file-changed: crates/leaf/src/lib.rs changed, 4 from leaf lib (check)
        a source is only touched
        a source cannot be read
          file-unreadable: crates/app/src/part.rs cannot be read, 2 from app lib (check)
        the source can be read again
    "#]]
    .assert_eq(&story.told);
}

/// `clippy --fix` builds every selected package, fresh or not. A prediction cannot tell which of its
/// units cargo would build anyway.
#[test]
#[ignore = "slow: `.ci/nightly rebuilds` runs it"]
fn a_forced_build_is_explained() {
    let project = workspace();
    let clippy = CargoCall::with(&["clippy", "--workspace"]);
    let fix = CargoCall::with(&["clippy", "--workspace", "--fix", "--allow-dirty"]);
    clippy.report(&project, &[]);
    let mut told = String::new();
    for (what, asked) in [
        ("Clippy fixes", fix),
        ("Clippy fixes again", fix),
        ("Clippy checks", clippy),
    ] {
        told += &format!("{what}\n{}", causes(&asked.report(&project, &[])));
    }
    expect![[r#"
        Clippy fixes
          variable: the environment variable CLIPPY_ARGS changed [ => --no-deps__CLIPPY_HACKERY__], 8 from leaf build script (build) + mid build script (build)
        Clippy fixes again
          forced: the command forced the build of the unit, 2 from app bin app (build) + app lib (build)
        Clippy checks
          variable: the environment variable CLIPPY_ARGS changed [--no-deps__CLIPPY_HACKERY__ => ], 8 from leaf build script (build) + mid build script (build)
    "#]]
    .assert_eq(&project.redacted_text(&told));
}
