//! Measures the speed of the kit on a synthetic workspace, or on the workspace of a checkout, next to
//! comparable programs:
//!
//! ```sh
//! cargo bench --package xtask-kit --bench speed -- affected --packages 1000
//! cargo bench --profile xtask --package xtask-kit --bench speed -- clean --packages 500
//! cargo bench --package xtask-kit --bench speed -- timings
//! cargo bench --package xtask-kit --bench speed -- sweep --workspace PATH
//! cargo bench --package xtask-kit --bench speed -- freshness --packages 1000
//! cargo bench --package xtask-kit --bench speed -- cold
//! cargo bench --package xtask-kit --bench speed -- instructions
//! cargo bench --package xtask-kit --bench speed -- workspace PATH --changes 10
//! ```
//!
//! `--profile xtask` measures the kit as `cargo xtask` builds it; the default profile measures the
//! kit as `cargo install` builds it. None of these measurements runs under `cargo test`.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a program for developers, which starts others by itself and may panic"
)]

mod affected;
mod clean;
mod cold;
mod core;
mod freshness;
mod sweep;
mod synthetic;
mod timings;
mod workspace;

use std::time::{Duration, Instant};

use clap::{Parser, Subcommand};

#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    command: Command,
    /// Argument that `cargo bench` adds
    #[arg(long, hide = true, global = true)]
    bench: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Compare answers with `git status` and `cargo metadata`
    Affected(affected::Args),
    /// Compare clean-affected with one scan of the directories, and with `cargo clean -p`
    Clean(clean::Args),
    /// Compare `freshness save` and `freshness restore` with a build that has nothing to do
    Freshness(freshness::Args),
    /// Compare sweep with one scan of the directory, and with cargo with nothing to do
    Sweep(sweep::Args),
    /// Analyse a large build, and write its page
    Timings(timings::Args),
    /// Build the kit from nothing, and compare the time with `cargo metadata`
    Cold(cold::Args),
    /// Count the instructions of the pure core, by valgrind's callgrind
    Instructions,
    /// Compare answers about a real workspace with `git status`, and count what cargo compiles
    Workspace(workspace::Args),
    /// Look at every file of a directory once
    #[command(hide = true)]
    Scan(sweep::ScanArgs),
    /// Run every part once, under valgrind
    #[command(hide = true)]
    Counted,
}

fn main() {
    match Args::parse().command {
        Command::Affected(args) => affected::run(&args),
        Command::Clean(args) => clean::run(&args),
        Command::Freshness(args) => freshness::run(&args),
        Command::Sweep(args) => sweep::run(&args),
        Command::Timings(args) => timings::run(&args),
        Command::Cold(args) => cold::run(&args),
        Command::Instructions => core::count(),
        Command::Workspace(args) => workspace::run(&args),
        Command::Scan(args) => sweep::scan(&args),
        Command::Counted => core::counted(),
    }
}

/// Returns the time that a function takes.
fn timed(run: impl FnOnce()) -> Duration {
    let start = Instant::now();
    run();
    start.elapsed()
}

/// Returns the time that a function takes, and the CPU time of the programs that it starts.
fn spent(run: impl FnOnce()) -> (Duration, Duration) {
    let before = children();
    let wall = timed(run);
    (wall, children() - before)
}

/// Describes the machine: cores, processor and operating system.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find(|line| line.starts_with("model name"));
    let model = model
        .and_then(|line| line.split_once(": "))
        .map_or("", |(_, name)| name);
    format!("{cores} cores, {model} {}", std::env::consts::OS)
}

/// Returns the CPU time of all child processes that have ended. This works only on Linux.
fn children() -> Duration {
    let Ok(stat) = std::fs::read_to_string("/proc/self/stat") else {
        return Duration::ZERO;
    };
    // The name may contain spaces, so the fields are read after its `)`: the user and system time
    // of children, in hundredths of a second.
    let fields = stat.rsplit(')').next().unwrap_or_default().split(' ');
    let hundredths: u64 = fields
        .skip(14)
        .take(2)
        .filter_map(|it| it.parse::<u64>().ok())
        .sum();
    Duration::from_millis(hundredths * 10)
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// Shows the median and the fastest time.
fn summary(times: Vec<Duration>) -> String {
    let least = times.iter().min().map_or(0.0, |&time| ms(time));
    format!("{:8.1} ms (fastest {least:.1})", ms(median(times)))
}
