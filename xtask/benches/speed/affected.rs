//! What an answer costs, beside `git status` and `cargo metadata`.

use std::fs;
use std::process::Command;
use std::time::Duration;

use crate::synthetic::{Synthetic, name};
use crate::{children, timed};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How many packages the workspace has
    #[arg(long, default_value_t = 1000)]
    packages: usize,
    /// How often each is measured
    #[arg(long, default_value_t = 10)]
    runs: usize,
}

/// The first is what the others are held against.
const WAYS: [(&str, &[&str]); 6] = [
    ("git", &["status", "--porcelain"]),
    ("xtask", &["affected", "--since", "HEAD"]),
    ("xtask", &["clean-affected", "--dry-run", "--since", "HEAD"]),
    ("xtask", &["graph", "--format", "json"]),
    ("cargo", &["metadata", "--no-deps", "--format-version", "1"]),
    ("cargo", &["metadata", "--format-version", "1"]),
];

pub(crate) fn run(args: &Args) {
    let workspace = Synthetic::new(args.packages);
    workspace.commit();
    println!("checking {} packages …", args.packages);
    workspace.cargo(&["check", "--workspace", "--all-targets", "--quiet"]);
    let start = |(program, arguments): (&str, &[&str])| {
        let program = match program {
            "xtask" => env!("CARGO_BIN_EXE_xtask"),
            other => other,
        };
        workspace.run(Command::new(program).args(arguments));
    };
    let mut walls = WAYS.map(|_| Vec::new());
    let mut cpus = WAYS.map(|_| Duration::ZERO);
    // Once for what is kept, and then with another source changed each time.
    WAYS.into_iter().for_each(start);
    for run in 0..args.runs {
        let source = workspace.path(format!(
            "crates/{}/src/lib.rs",
            name(run * 7 % args.packages)
        ));
        let text = fs::read_to_string(&source).unwrap();
        fs::write(&source, format!("{text}// {run}\n")).unwrap();
        for at in 0..WAYS.len() {
            let at = (at + run) % WAYS.len();
            let before = children();
            walls[at].push(timed(|| start(WAYS[at])));
            cpus[at] += children() - before;
        }
        fs::write(&source, text).unwrap();
    }
    println!(
        "\n| {} packages, one source changed | wall, median | CPU, mean | wall × | CPU × |",
        args.packages
    );
    println!("| --- | --- | --- | --- | --- |");
    let walls = walls.map(|mut walls| {
        walls.sort();
        walls[walls.len() / 2].as_secs_f64() * 1000.0
    });
    let cpus = cpus.map(|cpu| cpu.as_secs_f64() * 1000.0 / args.runs as f64);
    for (at, (program, arguments)) in WAYS.iter().enumerate() {
        println!(
            "| `{program} {}` | {:.0} ms | {:.0} ms | {:.1} | {:.1} |",
            arguments.join(" "),
            walls[at],
            cpus[at],
            walls[at] / walls[0],
            cpus[at] / cpus[0],
        );
    }
}
