//! `freshness save` and `freshness restore` beside a `cargo build` that has nothing to do.

use std::fs;
use std::process::Command;
use std::time::{Duration, SystemTime};

use crate::synthetic::{MODULES, Synthetic, name};
use crate::{machine, median, ms, spent};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Number of packages of the workspace
    #[arg(long, default_value_t = 1000)]
    packages: usize,
    /// Number of measurements of each
    #[arg(long, default_value_t = 5)]
    runs: usize,
}

/// The measured steps, in the order in which they run. The first is the unit of the ratios.
const STEPS: [&str; 5] = [
    "cargo build --workspace, with nothing to do",
    "freshness save, the first one",
    "freshness save, with a record",
    "freshness restore --touch, all sources new",
    "cargo build --workspace, after the restore",
];

pub(crate) fn run(args: &Args) {
    let workspace = Synthetic::new(args.packages, false);
    println!("building {} packages …", args.packages);
    // A restore sets times, and only the record of the restore holds the times of the build. So
    // without that record, only a build from nothing can be recorded.
    drop(fs::remove_dir_all(workspace.path("target")));
    workspace.cargo(&["build", "--workspace", "--quiet"]);
    let mut times: [Vec<(Duration, Duration)>; 5] = Default::default();
    times[1].push(spent(|| freshness(&workspace, &["save"])));
    for _ in 0..args.runs {
        times[0].push(spent(|| build(&workspace)));
        times[2].push(spent(|| freshness(&workspace, &["save"])));
        renew(&workspace, args.packages);
        times[3].push(spent(|| freshness(&workspace, &["restore", "--touch"])));
        times[4].push(spent(|| build(&workspace)));
    }
    println!("\n{}, {} packages:\n", machine(), args.packages);
    println!("| | wall | CPU | CPU ratio |\n| --- | --- | --- | --- |");
    let cpu = |times: &[(Duration, Duration)]| median(times.iter().map(|it| it.1).collect());
    let unit = ms(cpu(&times[0]));
    for (step, times) in STEPS.iter().zip(&times) {
        let wall = median(times.iter().map(|it| it.0).collect());
        let cpu = ms(cpu(times));
        let ratio = cpu / unit;
        println!(
            "| {step} | {:.0} ms | {cpu:.0} ms | {ratio:.2} × |",
            ms(wall)
        );
    }
}

/// Builds, and panics if cargo compiles anything.
fn build(workspace: &Synthetic) {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--workspace"]);
    let output = workspace.prepared(&mut cargo).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(!said.contains("Compiling"), "not all is fresh: {said}");
}

fn freshness(workspace: &Synthetic, arguments: &[&str]) {
    let mut kit = Command::new(env!("CARGO_BIN_EXE_xtask"));
    workspace.run(kit.arg("freshness").args(arguments));
}

/// Gives all sources the time of now, as a clone does.
fn renew(workspace: &Synthetic, packages: usize) {
    let now = SystemTime::now();
    for at in 0..packages {
        let package = workspace.path("crates").join(name(at));
        let modules = MODULES.iter().map(|it| format!("src/{it}.rs"));
        let others = [
            "Cargo.toml",
            "README.md",
            "build.rs",
            "src/lib.rs",
            "tests/it.rs",
        ];
        for file in modules.chain(others.map(str::to_owned)) {
            let path = package.join(file);
            if path.exists() {
                let file = fs::File::open(path).unwrap();
                file.set_modified(now).unwrap();
            }
        }
    }
}
