//! Compares the estimate with cargo: the number of missing units must be the number of compilers
//! and build scripts that cargo starts.

mod counting;

use std::process::Command;

use tempfile::TempDir;

use super::*;
use crate::process::Runner;
use crate::resolve_diff::planned::PlannedFor;
use crate::resolve_diff::selection::UnitGraphQuery;
use crate::testing::{scratch, write};
use crate::workspace::LoadOptions;

/// A workspace in which `wide` turns on a feature of `base` that `narrow` does not turn on. Both
/// use a procedural macro, which shares `common` with `base`. `narrow` has a build script.
struct Sample {
    _scratch: TempDir,
    root: Utf8PathBuf,
    runner: Runner,
}

impl Sample {
    fn new() -> Self {
        let (scratch, root) = scratch();
        let packages = [
            ("common", "", &["lib"][..]),
            (
                "base",
                "[features]\nmore = []\n[dependencies]\ncommon.path = \"../common\"\n",
                &["lib"],
            ),
            (
                "derive",
                "[lib]\nproc-macro = true\n[dependencies]\ncommon.path = \"../common\"\n",
                &["lib"],
            ),
            (
                "narrow",
                "[dependencies]\nbase.path = \"../base\"\nderive.path = \"../derive\"\n",
                &["lib", "main", "build"],
            ),
            (
                "wide",
                "[dependencies]\nbase = { path = \"../base\", features = [\"more\"] }\n\
                 derive.path = \"../derive\"\n",
                &["lib"],
            ),
        ];
        write(
            &root.join("Cargo.toml"),
            "[workspace]\nresolver = \"2\"\nmembers = [\"crates/*\"]\n",
        );
        for (name, rest, sources) in packages {
            let at = root.join("crates").join(name);
            let manifest = format!(
                "[package]\nname = {name:?}\nversion = \"0.1.0\"\nedition = \"2021\"\n{rest}"
            );
            write(&at.join("Cargo.toml"), &manifest);
            for source in sources {
                let path = match *source {
                    "build" => at.join("build.rs"),
                    source => at.join(format!("src/{source}.rs")),
                };
                let text = match *source {
                    "lib" => "#[test]\nfn passes() {}\n",
                    "build" => "fn main() { println!(\"cargo::rerun-if-changed=build.rs\"); }\n",
                    _ => "fn main() {}\n",
                };
                write(&path, text);
            }
        }
        let target = root.join("target");
        let runner = Runner::new().unwrap().in_directory(&root);
        let runner = runner.with_variable("CARGO_TARGET_DIR", target);
        let sample = Self {
            _scratch: scratch,
            root,
            runner,
        };
        sample.cargo("metadata --offline --format-version 1");
        sample
    }

    fn command(&self, words: &str) -> Command {
        let mut command = self.runner.cargo();
        command.args(words.split(' '));
        command
    }

    /// Runs cargo, and returns the number of compilers and build scripts that it started.
    fn cargo(&self, words: &str) -> usize {
        let output = self.command(words).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        let lines = said.lines().map(str::trim_start);
        lines.filter(|line| line.starts_with("Running `")).count()
    }

    /// Returns the estimate for a command, and the number of units that cargo then compiled or ran.
    fn estimate_and_build(&self, words: &str) -> (usize, usize) {
        let options = LoadOptions {
            offline: true,
            ..LoadOptions::default()
        };
        let workspace = Workspace::load(&self.runner, &options).unwrap();
        let checked = words
            .strip_prefix("check ")
            .or(words.strip_prefix("clippy "));
        let (asked, command) = match checked {
            Some(rest) => (format!("build {rest}"), PlannedFor::Check),
            None => (words.to_owned(), PlannedFor::Build),
        };
        let query = UnitGraphQuery {
            runner: &self.runner,
            cache: self.root.join("rustc"),
            command: asked.split(' ').map(str::to_owned).collect(),
            members: Default::default(),
            whole: Vec::new(),
        };
        let planned = PlannedBuild::ask(&query, command).unwrap();
        let directories = workspace.directories();
        let built = BuiltUnits::read(&workspace, &directories, "debug", &[], None).unwrap();
        let estimate = built.missing(&planned, words.starts_with("clippy")).len();
        let quiet = words.replace("test ", "test --no-run ");
        (estimate, self.cargo(&format!("{quiet} -v --offline")))
    }
}

#[test]
fn the_estimate_is_the_number_of_units_that_cargo_builds() {
    let sample = Sample::new();
    let mut found = Vec::new();
    let mut build = |words: &str| {
        let (estimate, built) = sample.estimate_and_build(words);
        assert_eq!(estimate, built, "cargo {words}");
        found.push(estimate);
    };
    build("check --workspace --all-targets");
    build("check --workspace --all-targets");
    build("check -p narrow --all-targets");
    build("check -p narrow -p wide --all-targets");
    build("clippy -p narrow");
    build("build -p wide");
    build("test -p narrow");
    build("doc --no-deps -p narrow");
    let source = sample.root.join("crates/base/src/lib.rs");
    std::thread::sleep(std::time::Duration::from_millis(20));
    write(&source, "pub fn edited() {}\n");
    build("check --workspace --all-targets");
    build("test -p narrow --lib");
    assert!(found[0] > found[2] && found[2] > 0, "{found:?}");
    assert_eq!((found[1], found[3]), (0, 0), "{found:?}");
}
