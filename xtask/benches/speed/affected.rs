//! Measures the cost of an answer, next to the cost of `git status`, `cargo metadata` and other
//! tools that are installed.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::synthetic::{Synthetic, name};
use crate::{machine, median, ms, spent};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Number of packages of the workspace
    #[arg(long, default_value_t = 1000)]
    packages: usize,
    /// Number of measurements of each
    #[arg(long, default_value_t = 10)]
    runs: usize,
    /// Let a third of the packages depend on a registry's
    #[arg(long)]
    external: bool,
    /// Build nothing before: for a number of packages that takes too long to build
    #[arg(long)]
    unbuilt: bool,
}

/// A command to measure, the state before the command, and a remark for the table.
struct Way(&'static str, Before, &'static str);

#[derive(Clone, Copy, PartialEq)]
enum Before {
    /// The kit has a cache of the last answer.
    Warm,
    /// The kit has no cache.
    Cold,
    /// A manifest is newer than the cache.
    Manifest,
}

const MANIFEST: &str = "crates/part_00000/Cargo.toml";
const AFFECTED: &str = "xtask affected --since HEAD";

/// The commands. The results of the other commands are relative to the first command. A tool that
/// is not installed is left out.
const WAYS: [Way; 13] = [
    Way("git status --porcelain", Before::Warm, ""),
    Way(AFFECTED, Before::Warm, ""),
    Way(
        "xtask clean-affected --dry-run --since HEAD",
        Before::Warm,
        "",
    ),
    Way("xtask graph --format json", Before::Warm, ""),
    Way(
        "xtask hooks run pre-commit",
        Before::Warm,
        ", a step that does nothing",
    ),
    Way("xtask --version", Before::Warm, ""),
    Way(AFFECTED, Before::Manifest, ", a manifest changed"),
    Way(AFFECTED, Before::Cold, ", nothing kept"),
    Way(
        "cargo metadata --no-deps --format-version 1",
        Before::Warm,
        "",
    ),
    Way("cargo metadata --format-version 1", Before::Warm, ""),
    Way(
        "cargo run --quiet --package tool",
        Before::Warm,
        ", which does nothing, as an alias does",
    ),
    Way("cargo-rail rail plan --since HEAD", Before::Warm, ""),
    Way("cargo-delta delta snapshot", Before::Warm, ""),
];

pub(crate) fn run(args: &Args) {
    let workspace = Synthetic::new(args.packages, args.external);
    let ways: Vec<&Way> = WAYS.iter().filter(|way| way.is_there(&workspace)).collect();
    if !args.unbuilt {
        println!("checking {} packages …", args.packages);
        workspace.cargo(&["check", "--workspace", "--all-targets", "--quiet"]);
    }
    let mut walls = vec![Vec::new(); ways.len()];
    let mut cpus = vec![Duration::ZERO; ways.len()];
    // The first run fills the caches. Each later run has a change in another source.
    for way in &ways {
        way.run(&workspace);
    }
    for run in 0..args.runs {
        let source = format!("crates/{}/src/lib.rs", name(run * 7 % args.packages));
        let text = fs::read_to_string(workspace.path(&source)).unwrap();
        workspace.write(&source, &format!("{text}// {run}\n"));
        workspace.run(Command::new("git").args(["add", &source]));
        for at in 0..ways.len() {
            let at = (at + run) % ways.len();
            ways[at].prepare(&workspace);
            let (wall, cpu) = spent(|| ways[at].run(&workspace));
            walls[at].push(wall);
            cpus[at] += cpu;
            ways[at].restore(&workspace);
        }
        workspace.write(&source, &text);
        workspace.run(Command::new("git").args(["add", &source]));
    }
    let built = if args.unbuilt { "unbuilt" } else { "built" };
    println!(
        "\n{}, {} packages, {built}, another source changed each time:\n",
        machine(),
        args.packages
    );
    println!("| | wall, median | CPU, mean | wall × | CPU × | peak memory |");
    println!("| --- | --- | --- | --- | --- | --- |");
    let walls: Vec<_> = walls.into_iter().map(|it| ms(median(it))).collect();
    let cpus: Vec<_> = cpus.iter().map(|&cpu| ms(cpu) / args.runs as f64).collect();
    for (at, way) in ways.iter().enumerate() {
        way.prepare(&workspace);
        let Way(command, _, label) = way;
        println!(
            "| `{command}`{label} | {:.0} ms | {:.0} ms | {:.1} | {:.1} | {} |",
            walls[at],
            cpus[at],
            walls[at] / walls[0],
            cpus[at] / cpus[0],
            way.peak(&workspace),
        );
        way.restore(&workspace);
    }
}

impl Way {
    fn command(&self, workspace: &Synthetic) -> Command {
        let Self(command, ..) = self;
        let mut words = command.split(' ');
        let mut command = Command::new(match words.next().unwrap() {
            "xtask" => env!("CARGO_BIN_EXE_xtask"),
            other => other,
        });
        workspace.prepared(&mut command);
        command
            .args(words)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    fn is_there(&self, workspace: &Synthetic) -> bool {
        self.command(workspace).status().is_ok()
    }

    fn prepare(&self, workspace: &Synthetic) {
        match self.1 {
            Before::Warm => {}
            Before::Cold => {
                let kept = workspace.path("target/xtask");
                if kept.exists() {
                    fs::remove_dir_all(kept).unwrap();
                }
            }
            Before::Manifest => {
                let text = fs::read_to_string(workspace.path(MANIFEST)).unwrap();
                workspace.write(MANIFEST, &format!("{text}# A comment\n"));
            }
        }
    }

    /// Restores the state before `prepare`, and fills the cache again.
    fn restore(&self, workspace: &Synthetic) {
        if self.1 == Before::Manifest {
            let text = fs::read_to_string(workspace.path(MANIFEST)).unwrap();
            workspace.write(MANIFEST, text.trim_end_matches("# A comment\n"));
            WAYS[1].run(workspace);
        }
    }

    fn run(&self, workspace: &Synthetic) {
        let Self(command, ..) = self;
        let status = self.command(workspace).status().unwrap();
        assert!(
            status.success() || command.starts_with("cargo-"),
            "{command}"
        );
    }

    /// Returns the peak memory of the process itself. This works only on Linux.
    fn peak(&self, workspace: &Synthetic) -> String {
        let mut child = self.command(workspace).spawn().unwrap();
        let status = format!("/proc/{}/status", child.id());
        let mut peak = 0_u64;
        while child.try_wait().unwrap().is_none() {
            let text = fs::read_to_string(&status).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kib = line.and_then(|it| it.trim().trim_end_matches(" kB").parse().ok());
            peak = peak.max(kib.unwrap_or(0));
        }
        format!("{} MiB", peak / 1024)
    }
}
