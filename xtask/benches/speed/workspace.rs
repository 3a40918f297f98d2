//! Measures the kit on a real workspace, in a clone of its repository: the speed of answers without
//! a target directory, next to `git status` and `cargo metadata`; and, with `--changes N`, the units
//! that cargo compiles for the last N commits by `--workspace`, by plain `-p` and by the kit.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::{machine, median, ms, spent};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// A checkout of the workspace
    path: PathBuf,
    /// Number of measurements of each
    #[arg(long, default_value_t = 10)]
    runs: usize,
    /// Also count the units that cargo compiles for so many commits, on an empty and on a warm target
    /// directory; the warm one is a check of the whole workspace
    #[arg(long, default_value_t = 0)]
    changes: usize,
    /// Build for the counts with this cargo command
    #[arg(long, default_value = "check")]
    tool: String,
}

/// A clone of the workspace, with a cache of its own.
struct Clone {
    root: PathBuf,
    cache: PathBuf,
}

pub(crate) fn run(args: &Args) {
    let scratch = tempfile::tempdir().unwrap();
    let clone = Clone {
        root: scratch.path().join("clone"),
        cache: scratch.path().join("cache"),
    };
    fs::create_dir(&clone.cache).unwrap();
    let from = args.path.canonicalize().unwrap();
    let status = Command::new("git")
        .args(["clone", "--quiet", "--local"])
        .args([&from, &clone.root])
        .status();
    assert!(status.unwrap().success(), "git clone {}", from.display());
    println!("{}, {}\n", machine(), from.display());
    answers(&clone, args.runs);
    if args.changes > 0 {
        selections(&clone, args);
    }
}

/// Measures answers without a target directory.
fn answers(clone: &Clone, runs: usize) {
    const AFFECTED: &[&str] = &["affected", "--since", "HEAD"];
    let sources = clone.sources();
    let kit = env!("CARGO_BIN_EXE_xtask");
    let ways: [(&str, &str, &[&str]); 4] = [
        ("git status", "git", &["status", "--porcelain"]),
        ("affected, repeated", kit, AFFECTED),
        (
            "affected, nothing kept",
            kit,
            &["affected", "--since", "HEAD", "--no-cache"],
        ),
        (
            "cargo metadata",
            "cargo",
            &["metadata", "--format-version", "1"],
        ),
    ];
    let mut walls = vec![Vec::new(); ways.len() + 1];
    for run in 0..runs {
        let source = &sources[run * 7 % sources.len()];
        let text = fs::read(source).unwrap();
        fs::write(source, [&text[..], b"\n// Edited.\n"].concat()).unwrap();
        // The first answer after an edit reads the edited file; the second repeats the answer.
        walls[ways.len()].push(spent(|| clone.run(kit, AFFECTED)).0);
        for (way, (_, program, arguments)) in ways.iter().enumerate() {
            walls[way].push(spent(|| clone.run(program, arguments)).0);
        }
        fs::write(source, text).unwrap();
    }
    println!("| unbuilt clone | wall, median | × `git status` |\n| --- | --- | --- |");
    let names = ways
        .iter()
        .map(|way| way.0)
        .chain(["affected, another file changed"]);
    let first = median(walls[0].clone());
    for (name, walls) in names.zip(walls) {
        let wall: Duration = median(walls);
        println!(
            "| {name} | {:.0} ms | {:.1} |",
            ms(wall),
            ms(wall) / ms(first)
        );
    }
}

/// Counts the units that cargo compiles after the changes of the last commits, repeated one by one on
/// the newest commit: a line is added to each source that the commit changed.
fn selections(clone: &Clone, args: &Args) {
    println!("\n| commit | affected | empty: workspace, `-p`, kit | warm: workspace, `-p`, kit |");
    println!("| --- | --- | --- | --- |");
    let mut counts = Vec::new();
    for is_warm in [false, true] {
        if is_warm {
            clone.run(
                "cargo",
                &["check", "--workspace", "--all-targets", "--quiet"],
            );
        }
        for commit in clone.commits(args.changes) {
            let files = clone.edit(&commit);
            let row = clone.counts(&args.tool);
            counts.push((commit, clone.affected(), row));
            let files: Vec<&str> = files.iter().map(String::as_str).collect();
            clone.said(
                "git",
                &[&["checkout", "--quiet", "--"][..], &files].concat(),
            );
        }
    }
    let (empty, warm) = counts.split_at(counts.len() / 2);
    for ((commit, affected, empty), (_, _, warm)) in empty.iter().zip(warm) {
        let show = |row: &[usize; 3]| format!("{}, {}, {}", row[0], row[1], row[2]);
        println!(
            "| {} | {affected} | {} | {} |",
            &commit[..9],
            show(empty),
            show(warm)
        );
        for row in [empty, warm] {
            assert!(
                row[2] <= row[0].min(row[1]) + 1,
                "the kit is worse for {commit}"
            );
        }
    }
}

impl Clone {
    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.root);
        for (name, _) in std::env::vars_os() {
            let name = name.to_str().unwrap_or_default();
            if name.starts_with("CARGO_") && name != "CARGO_HOME" {
                command.env_remove(name);
            }
        }
        command.env("XDG_CACHE_HOME", &self.cache);
        command
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let mut command = self.command(program, arguments);
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        assert!(status.unwrap().success(), "{program} {arguments:?}");
    }

    /// Returns the output of a program: standard output, and standard error.
    fn said(&self, program: &str, arguments: &[&str]) -> (String, String) {
        let output = self.command(program, arguments).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (text(&output.stdout), text(&output.stderr))
    }

    /// Returns the sources of libraries.
    fn sources(&self) -> Vec<PathBuf> {
        let listed = self.said("git", &["ls-files", "*src/lib.rs"]).0;
        listed.lines().map(|line| self.root.join(line)).collect()
    }

    /// Returns the newest commits that change a Rust source.
    fn commits(&self, number: usize) -> Vec<String> {
        let number = format!("-{number}");
        let log = ["log", "--no-merges", "--format=%H", &number, "--", "*.rs"];
        self.said("git", &log)
            .0
            .lines()
            .map(str::to_owned)
            .collect()
    }

    /// Adds a line to each source that a commit changed, and returns the sources.
    fn edit(&self, commit: &str) -> Vec<String> {
        let shown = ["show", "--format=", "--name-only", commit, "--", "*.rs"];
        let listed = self.said("git", &shown).0;
        let files = listed.lines().filter(|file| self.root.join(file).is_file());
        let files: Vec<String> = files.map(str::to_owned).collect();
        for file in &files {
            let path = self.root.join(file);
            let text = fs::read(&path).unwrap();
            fs::write(path, [&text[..], b"\n// Edited.\n"].concat()).unwrap();
        }
        files
    }

    /// Returns the number of affected packages.
    fn affected(&self) -> usize {
        let names = ["affected", "--since", "HEAD", "--format", "names"];
        let named = self.said(env!("CARGO_BIN_EXE_xtask"), &names).0;
        named.lines().collect::<BTreeSet<_>>().len()
    }

    /// Returns the number of units that cargo compiles: of the whole workspace, of the affected
    /// packages alone, and of the selection that the kit chooses. The kit counts the units from
    /// cargo's unit graph and the records of the build; a test of the engine compares such numbers
    /// with cargo's builds.
    fn counts(&self, tool: &str) -> [usize; 3] {
        let words = ["-v", "run-affected", tool, "--dry-run", "--since", "HEAD"];
        let (_, said) = self.said(env!("CARGO_BIN_EXE_xtask"), &words);
        let line = said
            .lines()
            .find_map(|line| line.split_once("units to compile: "));
        let Some((_, line)) = line else {
            assert!(said.contains("nothing affected"), "{said}");
            return [0; 3];
        };
        let mut numbers = line
            .split(' ')
            .filter_map(|word| word.trim_end_matches(',').parse().ok());
        [(); 3].map(|()| numbers.next().unwrap())
    }
}
