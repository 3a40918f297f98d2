//! `sweep` on a whole workspace that several toolchains, profiles and feature sets built, and
//! cargo-sweep on the same directory.
//!
//! `XTASK_SWEEP_WORKSPACE` names the checkout of another workspace, and `XTASK_SWEEP_TOOLCHAIN`
//! another toolchain than `nightly`. Without the first variable, the sample is built.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use cargo_metadata::Message;

use crate::support::Project;

/// The commands of the first toolchain that build the directory.
const BUILT: [&str; 6] = [
    "build --workspace",
    "clippy --workspace --tests",
    "test --workspace --no-run",
    "check --workspace --all-features",
    "check --workspace --release",
    "doc --workspace --no-deps",
];

/// The commands of the second toolchain. Cargo keeps one set of pages for all toolchains, so a
/// second `doc` would make the first one stale.
const BUILT_BY_OTHER: [&str; 2] = ["check --workspace", "check --workspace --release"];

/// A workspace that was built in many ways.
struct RealWorkspace {
    project: Project,
    /// The commands that built the directory, as `--keep-command` names them.
    commands: Vec<String>,
}

impl RealWorkspace {
    /// Copies the workspace and builds it.
    fn new() -> Self {
        let project = match env::var_os("XTASK_SWEEP_WORKSPACE") {
            None => Project::sample(),
            Some(from) => {
                let project = Project::empty();
                let mut clone = Command::new("git");
                clone.args(["clone", "--quiet"]).arg(from).arg(".");
                project.run(&mut clone).done();
                project
            }
        };
        let name = env::var("XTASK_SWEEP_TOOLCHAIN").unwrap_or_else(|_| "nightly".to_owned());
        let mut workspace = Self {
            project,
            commands: Vec::new(),
        };
        let mut rustup = Command::new("rustup");
        rustup.args(["run", &name, "cargo", "--version"]);
        workspace.prepare(&mut rustup);
        let mut commands = BUILT.map(str::to_owned).to_vec();
        match rustup.output().is_ok_and(|it| it.status.success()) {
            true => commands.extend(BUILT_BY_OTHER.map(|it| format!("+{name} {it}"))),
            false => println!("skipped: the commands of {name}, which is not installed"),
        }
        for command in commands {
            match workspace.build(&command) {
                Ok(_) => workspace.commands.push(command),
                Err(said) => println!("skipped: {command} fails: {said}"),
            }
        }
        assert!(workspace.commands.len() > 3, "{:?}", workspace.commands);
        workspace
    }

    /// Prepares a program: with the user's toolchains, and without the variables of the tests.
    fn prepare(&self, command: &mut Command) {
        self.project.isolated(command);
        // With the directory of one toolchain in front, all cargos would start its rustc.
        command.envs(env::var_os("PATH").map(|it| ("PATH", it)));
        let home = env::var_os("RUSTUP_HOME").map(PathBuf::from);
        let home = home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".rustup")));
        command.envs(home.map(|it| ("RUSTUP_HOME", it)));
    }

    /// Runs a command, and returns the units that cargo compiled, or cargo's errors.
    fn build(&self, command: &str) -> Result<Vec<String>, String> {
        let mut words: Vec<_> = command.split(' ').collect();
        let mut cargo = match words[0].strip_prefix('+') {
            None => Command::new("cargo"),
            Some(toolchain) => {
                words.remove(0);
                let mut rustup = Command::new("rustup");
                rustup.args(["run", toolchain, "cargo"]);
                rustup
            }
        };
        cargo
            .args(words)
            .args(["--locked", "--message-format=json"]);
        self.prepare(&mut cargo);
        let output = cargo.output().unwrap();
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let errors = said.lines().filter(|line| line.starts_with("error"));
            return Err(errors.collect::<Vec<_>>().join("\n"));
        }
        let messages = Message::parse_stream(&output.stdout[..]).map(Result::unwrap);
        let compiled = messages.filter_map(|message| match message {
            Message::CompilerArtifact(artifact) if !artifact.fresh => Some(format!(
                "{} {:?}",
                artifact.package_id, artifact.target.kind
            )),
            _ => None,
        });
        Ok(compiled.collect())
    }

    /// Returns the number of units that the commands compile.
    fn compiled(&self, commands: &[String]) -> usize {
        commands
            .iter()
            .map(|it| self.build(it).unwrap().len())
            .sum()
    }

    /// Sweeps to the smallest size, and returns the size before and after it.
    fn sweep(&self, kept: &[String]) -> (u64, u64) {
        let mut kit = self.project.kit(&["sweep", "--max-size", "0", "--json"]);
        for command in kept {
            kit.args(["--keep-command", command]);
        }
        self.prepare(&mut kit);
        let output = kit.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let states = report["commands"].as_array().unwrap();
        assert_eq!(states.len(), kept.len(), "{report:#}");
        assert!(
            states.iter().all(|it| it["state"] == "fresh"),
            "{states:#?}"
        );
        ["before", "after"]
            .map(|it| report[it].as_u64().unwrap())
            .into()
    }

    fn cargo_sweep(&self, program: &Path, arguments: &[&str]) {
        let mut command = Command::new(program);
        command.arg("sweep").args(arguments);
        self.prepare(&mut command);
        self.project.finish(&mut command).done();
    }

    /// Returns the size of the directory on the disk.
    fn size(&self) -> u64 {
        let mut du = Command::new("du");
        let said = self.project.run(du.args(["-s", "-B1", "target"])).done();
        said.split_whitespace().next().unwrap().parse().unwrap()
    }

    /// Puts a copy of the directory in the place of `target`.
    fn restore(&self, copy: &Path) {
        if self.project.path("target").exists() {
            self.project.remove("target");
        }
        let mut cp = Command::new("cp");
        cp.arg("-a").arg(copy).arg("target");
        self.project.run(&mut cp).done();
    }
}

/// Sweeps with all commands kept, and then with some: each kept command stays fresh.
#[test]
#[ignore = "builds a workspace many times; the nightly workflow runs it"]
fn every_kept_command_of_a_real_workspace_stays_fresh() {
    let workspace = RealWorkspace::new();
    let all = workspace.commands.clone();
    let (before, after) = workspace.sweep(&all);
    println!(
        "{} commands kept: {before} bytes before, {after} after",
        all.len()
    );
    assert_eq!(workspace.compiled(&all), 0);
    for number in [all.len() - 2, 3, 1] {
        let kept: Vec<_> = all.iter().rev().take(number).cloned().collect();
        let (before, after) = workspace.sweep(&kept);
        println!("{number} commands kept: {before} bytes before, {after} after");
        assert!(after < before);
        assert_eq!(workspace.compiled(&kept), 0, "{kept:?}");
    }
}

/// Compares with cargo-sweep: the bytes that are freed, and the units that the kept commands
/// compile again.
#[test]
#[ignore = "builds a workspace many times; the nightly workflow runs it"]
fn cargo_sweep_deletes_units_that_are_needed() {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut places = env::split_paths(&path).map(|it| it.join("cargo-sweep"));
    let Some(theirs) = places.find(|it| it.is_file()) else {
        println!("skipped: cargo-sweep is not installed");
        return;
    };
    let workspace = RealWorkspace::new();
    let kept = workspace.commands[..2].to_vec();
    let copy = workspace.project.beside("target-as-built");
    fs::rename(workspace.project.path("target"), &copy).unwrap();
    workspace.restore(&copy);
    let whole = workspace.size();
    let show = |name: &str, left: u64, wrong: usize| {
        println!(
            "{name}: {} of {whole} bytes freed, {wrong} units wrongly deleted",
            whole - left
        );
    };
    let (_, after) = workspace.sweep(&kept);
    let wrong = workspace.compiled(&kept);
    show("sweep --max-size 0", after, wrong);
    assert_eq!(wrong, 0);

    workspace.restore(&copy);
    let limit = format!("{}MB", after / 1_000_000 + 1);
    workspace.cargo_sweep(&theirs, &["--maxsize", &limit]);
    let left = workspace.size();
    show(
        &format!("cargo sweep --maxsize {limit}"),
        left,
        workspace.compiled(&kept),
    );

    // The way that its documentation describes for CI.
    workspace.restore(&copy);
    workspace.cargo_sweep(&theirs, &["--stamp"]);
    workspace.compiled(&kept);
    workspace.cargo_sweep(&theirs, &["--file"]);
    let left = workspace.size();
    show(
        "cargo sweep --stamp, --file",
        left,
        workspace.compiled(&kept),
    );
}
