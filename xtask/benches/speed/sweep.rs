//! `sweep` beside one scan of the build directory, and beside cargo with nothing to do.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::synthetic::Synthetic;
use crate::{machine, median, ms, spent};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Number of packages of the workspace
    #[arg(long, default_value_t = 500)]
    packages: usize,
    /// Measure with the build directory of this checkout instead, as it is
    #[arg(long, value_name = "PATH")]
    workspace: Option<PathBuf>,
    /// Number of measurements of each
    #[arg(long, default_value_t = 5)]
    runs: usize,
}

/// The measured steps. The first is the unit of the ratios. A keep command that builds elsewhere
/// needs nothing in this directory, so cargo is not started for it.
const STEPS: [(&str, &[&str]); 4] = [
    ("one scan: `du -s target`", &["du", "-s", "target"]),
    (
        "sweep --dry-run, without keep commands",
        &["sweep", "--dry-run", "--keep-command", ELSEWHERE],
    ),
    (
        "sweep --dry-run --max-size 0, build and check kept",
        &[
            "sweep",
            "--dry-run",
            "--max-size=0",
            "--keep-command=build --workspace",
            "--keep-command=check --workspace",
        ],
    ),
    ("cargo build --workspace", &["build", "--workspace", "-q"]),
];

const ELSEWHERE: &str = "check --target-dir elsewhere";

pub(crate) fn run(args: &Args) {
    let root = args.workspace.clone().unwrap_or_else(|| {
        let workspace = Synthetic::new(args.packages, false);
        println!("building {} packages …", args.packages);
        workspace.cargo(&["build", "--workspace", "--quiet"]);
        workspace.cargo(&["check", "--workspace", "--quiet"]);
        workspace.root().to_owned()
    });
    let mut times: [Vec<(Duration, Duration)>; STEPS.len()] = Default::default();
    for _ in 0..args.runs {
        for ((_, words), times) in STEPS.iter().zip(&mut times) {
            let program = match words[0] {
                "sweep" => env!("CARGO_BIN_EXE_xtask"),
                "build" => "cargo",
                other => other,
            };
            let arguments = &words[usize::from(program == words[0])..];
            let mut command = Command::new(program);
            command.args(arguments).current_dir(&root);
            command.stdout(Stdio::null()).stderr(Stdio::null());
            times.push(spent(|| assert!(command.status().unwrap().success())));
        }
    }
    println!("\n{}, {}:\n", machine(), root.display());
    println!("| | wall | CPU | wall ratio |\n| --- | --- | --- | --- |");
    let wall = |times: &[(Duration, Duration)]| ms(median(times.iter().map(|it| it.0).collect()));
    let unit = wall(&times[0]);
    for ((name, _), times) in STEPS.iter().zip(&times) {
        let cpu = ms(median(times.iter().map(|it| it.1).collect()));
        let wall = wall(times);
        let ratio = wall / unit;
        println!("| {name} | {wall:.0} ms | {cpu:.0} ms | {ratio:.2} × |");
    }
}
