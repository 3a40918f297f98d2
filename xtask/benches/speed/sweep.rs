//! `sweep` beside one scan of the build directory, and beside cargo with nothing to do.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, fs};

use crate::synthetic::Synthetic;
use crate::{machine, median, ms, spent};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Number of packages of the large workspace; the small one has a fifth
    #[arg(long, default_value_t = 100)]
    packages: usize,
    /// Number of copies of the profile directory, as if there were as many profiles, in the
    /// large workspace
    #[arg(long, default_value_t = 9)]
    copies: usize,
    /// Measure with the build directory of this checkout instead, as it is
    #[arg(long, value_name = "PATH")]
    workspace: Option<PathBuf>,
    /// Number of measurements of each
    #[arg(long, default_value_t = 5)]
    runs: usize,
}

/// The arguments of [`scan`].
#[derive(clap::Args)]
pub(crate) struct ScanArgs {
    directory: PathBuf,
}

/// The measured steps. The first two are the units of the ratios. A keep command that builds
/// elsewhere needs nothing in this directory, so cargo is not started for it. The steps with `find`
/// and cargo-sweep are left out where the program is not installed, and [`WORK`] is left out in the
/// directory of a checkout.
const STEPS: [(&str, &[&str]); 9] = [
    ("one scan: `du -s target`", &["du", "-s", "target"]),
    ("one scan in Rust, by one thread", &["scan", "target"]),
    (
        "one scan: `find target -type f -printf '%s\\n'`",
        &["find", "target", "-type", "f", "-printf", "%s\n"],
    ),
    (
        "sweep --dry-run, without keep commands",
        &["sweep", "--dry-run", "--keep-command", ELSEWHERE],
    ),
    (
        "sweep without keep commands, nothing to remove",
        &["sweep", "--keep-command", ELSEWHERE],
    ),
    (WORK, &["sweep", "--keep-command", ELSEWHERE]),
    (
        "cargo sweep --dry-run --maxsize 1MB",
        &["cargo-sweep", "sweep", "--dry-run", "--maxsize", "1MB"],
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
    (
        "cargo build --workspace, with nothing to do",
        &["build", "--workspace", "-q"],
    ),
];

const ELSEWHERE: &str = "check --target-dir elsewhere";

/// The step that removes all artifacts of one profile directory.
const WORK: &str = "sweep without keep commands, one profile directory to remove";

pub(crate) fn run(args: &Args) {
    match &args.workspace {
        Some(root) => measure(root, args.runs, false),
        None => {
            let small = built(args.packages.div_ceil(5), 0);
            let large = built(args.packages, args.copies);
            for root in [small, large] {
                measure(&root, args.runs, true);
            }
        }
    }
}

/// Measures all steps in a workspace. `is_ours` is true if the benchmark made the workspace and may
/// put artifacts into it.
fn measure(root: &Path, runs: usize, is_ours: bool) {
    let own = std::env::current_exe().unwrap();
    let is_measured = |name: &str, words: &[&str]| match words[0] {
        program @ ("find" | "cargo-sweep") => is_installed(program),
        _ => is_ours || name != WORK,
    };
    let steps = STEPS
        .iter()
        .filter(|(name, words)| is_measured(name, words));
    let steps: Vec<_> = steps.collect();
    let mut times = vec![Vec::<(Duration, Duration)>::new(); steps.len()];
    // The first round only fills the system's caches.
    for round in 0..=runs {
        println!("round {round} of {runs} …");
        for ((name, words), times) in steps.iter().zip(&mut times) {
            let program = match words[0] {
                "sweep" => Path::new(env!("CARGO_BIN_EXE_xtask")),
                "scan" => &own,
                "build" => Path::new("cargo"),
                other => Path::new(other),
            };
            let is_program = program == Path::new(words[0]);
            let mut command = Command::new(program);
            command.args(&words[usize::from(is_program)..]);
            command.current_dir(root).stdout(Stdio::null());
            if *name == WORK {
                lose_fingerprints(&root.join("target"));
            }
            let time = spent(|| {
                let output = command.output().unwrap();
                let said = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success(), "{name}: {said}");
            });
            if round > 0 {
                times.push(time);
            }
        }
    }
    let (files, directories) = counts(&root.join("target"));
    println!(
        "\n{}, {}, {files} files in {directories} directories:\n",
        machine(),
        root.display()
    );
    println!("| | wall | CPU | wall / du | CPU / du | CPU / scan |");
    println!("| --- | --- | --- | --- | --- | --- |");
    let medians = times.iter().map(|times| {
        let wall = median(times.iter().map(|it| it.0).collect());
        let cpu = median(times.iter().map(|it| it.1).collect());
        (ms(wall), ms(cpu))
    });
    let medians: Vec<_> = medians.collect();
    let (du, scan) = (medians[0], medians[1]);
    for ((name, _), (wall, cpu)) in steps.iter().zip(medians) {
        println!(
            "| {name} | {wall:.0} ms | {cpu:.0} ms | {:.2} × | {:.2} × | {:.2} × |",
            wall / du.0,
            cpu / du.1,
            cpu / scan.1,
        );
    }
}

/// Copies the profile directory `debug` to `lost`, without fingerprints. Every artifact in the copy
/// is garbage.
fn lose_fingerprints(target: &Path) {
    let lost = target.join("lost");
    let _ = fs::remove_dir_all(&lost);
    copy_all(&target.join("debug"), &lost);
    let fingerprints = lost.join(".fingerprint");
    fs::remove_dir_all(&fingerprints).unwrap();
    fs::create_dir(&fingerprints).unwrap();
}

fn is_installed(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|it| it.join(program).is_file())
}

/// Builds the synthetic workspace and copies its profile directory. Returns the workspace.
fn built(packages: usize, copies: usize) -> PathBuf {
    let workspace = Synthetic::new(packages, false);
    println!("building {packages} packages …");
    workspace.cargo(&["build", "--workspace", "--quiet"]);
    workspace.cargo(&["check", "--workspace", "--quiet"]);
    let target = workspace.path("target");
    for number in 1..=copies {
        let copy = target.join(format!("copy-{number}"));
        if !copy.exists() {
            copy_all(&target.join("debug"), &copy);
        }
    }
    workspace.root().to_owned()
}

/// Copies a directory, but only the start of large files: no step reads their end.
fn copy_all(from: &Path, to: &Path) {
    const START: usize = 16 << 10;
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let copy = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_all(&entry.path(), &copy);
        } else {
            let mut content = fs::read(entry.path()).unwrap();
            content.truncate(START);
            fs::write(copy, content).unwrap();
        }
    }
}

/// Looks at every file of a directory once, as a program that is measured.
pub(crate) fn scan(args: &ScanArgs) {
    println!("{:?}", counts(&args.directory));
}

/// Returns the number of files and the number of directories below a directory.
fn counts(directory: &Path) -> (usize, usize) {
    let (mut files, mut directories) = (0, 1);
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        if entry.metadata().unwrap().is_dir() {
            let inner = counts(&entry.path());
            files += inner.0;
            directories += inner.1;
        } else {
            files += 1;
        }
    }
    (files, directories)
}
