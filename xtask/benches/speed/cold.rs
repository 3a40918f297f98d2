//! Measures the cost of the first build of the kit, next to the cost of `cargo metadata` on the
//! same machine at the same time. Seconds alone would say more about the machine than about the
//! kit.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::synthetic::Synthetic;
use crate::{machine, median, ms, spent};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The profile it is built with
    #[arg(long, default_value = "xtask")]
    profile: String,
    /// Number of packages of the workspace in which `cargo metadata` runs
    #[arg(long, default_value_t = 500)]
    packages: usize,
    /// Number of builds
    #[arg(long, default_value_t = 3)]
    runs: usize,
}

/// The number of runs of `cargo metadata` for each build, because one run is short.
const METADATA: usize = 10;

pub(crate) fn run(args: &Args) {
    let synthetic = Synthetic::new(args.packages, false);
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cold");
    let kit = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut metadata, mut build) = (Vec::new(), Vec::new());
    for _ in 0..args.runs {
        for _ in 0..METADATA {
            let arguments = ["metadata", "--format-version", "1"];
            metadata.push(spent(|| synthetic.cargo(&arguments)));
        }
        let _ = fs::remove_dir_all(&target);
        let arguments = "build --quiet --locked --package xtask-kit --bin xtask --profile";
        let mut command = Command::new("cargo");
        command.args(arguments.split(' ')).arg(&args.profile);
        synthetic.prepared(&mut command).current_dir(kit);
        command.env("CARGO_TARGET_DIR", &target);
        build.push(spent(|| assert!(command.status().unwrap().success())));
    }
    let _ = fs::remove_dir_all(&target);
    let (metadata, build) = (middle(metadata), middle(build));
    let times = build.1.as_secs_f64() / metadata.1.as_secs_f64();
    println!("{}, medians:", machine());
    println!(
        "`cargo metadata` of {} packages: {:.0} ms, {:.0} ms of CPU",
        args.packages,
        ms(metadata.0),
        ms(metadata.1)
    );
    println!(
        "cold build of the kit, {} packages, profile {}: {:.1} s, {:.1} s of CPU, {times:.0} × that",
        packages(kit),
        args.profile,
        build.0.as_secs_f64(),
        build.1.as_secs_f64()
    );
}

fn middle(times: Vec<(Duration, Duration)>) -> (Duration, Duration) {
    let (wall, cpu): (Vec<_>, Vec<_>) = times.into_iter().unzip();
    (median(wall), median(cpu))
}

/// Returns the number of packages that are built, including the kit.
fn packages(kit: &Path) -> usize {
    let mut tree = Command::new("cargo");
    let arguments = ["tree", "--edges", "normal,build", "--prefix", "none"];
    let output = tree.args(arguments).current_dir(kit).output().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    let named = |line: &str| line.trim_end_matches(" (*)").to_owned();
    let named: BTreeSet<_> = lines.lines().map(named).collect();
    named.len()
}
