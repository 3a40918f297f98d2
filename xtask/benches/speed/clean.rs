//! `clean-affected` with one and with every package affected.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use xtask_impact::change_set::ChangeRequest;
use xtask_impact::process::Runner;
use xtask_impact::query::{Answer, Query};
use xtask_impact::unit_graph::Verb;
use xtask_impact::workspace::{LoadOptions, Workspace};
use xtask_kit::artifacts::apply::{CleanOptions, clean};
use xtask_kit::artifacts::plan::{CleanPlan, CleanSelection};

use crate::synthetic::{Synthetic, name};
use crate::{summary, timed};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Number of packages of the workspace
    #[arg(long, default_value_t = 500)]
    packages: usize,
    /// Number of measurements of each
    #[arg(long, default_value_t = 5)]
    runs: usize,
}

pub(crate) fn run(args: &Args) {
    let workspace = Synthetic::new(args.packages, false);
    println!("building {} packages …", args.packages);
    workspace.cargo(&["build", "--workspace", "--quiet"]);
    let built = workspace.path("built");
    if built.exists() {
        fs::remove_dir_all(&built).unwrap();
    }
    fs::rename(workspace.path("target"), &built).unwrap();
    let last = name(args.packages - 1);
    let all: Vec<String> = (0..args.packages).map(name).collect();
    measure(&workspace, args.runs, &[last]);
    measure(&workspace, args.runs, &all);
}

/// Measures the ways in turn, so that other load on the machine affects all of them.
fn measure(workspace: &Synthetic, runs: usize, affected: &[String]) {
    let mut times = [const { Vec::new() }; 4];
    restore(workspace);
    let answer = answer(workspace, affected);
    let plan = planned(&answer, true);
    let paths: BTreeSet<PathBuf> = plan.removals().map(|it| it.path.clone().into()).collect();
    let files: u64 = plan.removals().map(|it| it.files).sum();
    assert!(files > 0);
    let assumed = affected.iter().flat_map(|it| ["--assume-changed", it]);
    let assumed: Vec<_> = assumed.collect();
    let named: Vec<_> = affected.iter().flat_map(|it| ["--package", it]).collect();
    for _ in 0..runs {
        times[0].push(timed(|| scan(&workspace.path("target/debug"), &paths)));
        restore(workspace);
        times[1].push(timed(|| drop(planned(&answer, false))));
        restore(workspace);
        times[2].push(timed(|| {
            let mut kit = Command::new(env!("CARGO_BIN_EXE_xtask"));
            workspace.run(kit.arg("clean-affected").args(&assumed));
        }));
        restore(workspace);
        times[3].push(timed(|| {
            workspace.run(Command::new("cargo").arg("clean").args(&named));
        }));
        restore(workspace);
    }
    println!("\n{} affected, {files} files:", affected.len());
    let ways = [
        "one scan that removes the same files",
        "plan and removal of clean-affected",
        "clean-affected, the answer included",
        "cargo clean --package …",
    ];
    for (way, times) in ways.iter().zip(times) {
        println!("{way:>40} {}", summary(times));
    }
}

fn answer(workspace: &Synthetic, affected: &[String]) -> Answer {
    let runner = Runner::new().unwrap().in_directory(workspace.root());
    // The developer's own cargo may build elsewhere.
    let runner = runner.with_variable("CARGO_TARGET_DIR", workspace.path("target"));
    let asked = ChangeRequest {
        assumed: affected.to_vec(),
        ..ChangeRequest::default()
    };
    let workspace = Workspace::load(&runner, &LoadOptions::default()).unwrap();
    let question = Query::new(runner, workspace, asked, Verb::Check);
    question.answer().unwrap()
}

fn planned(answer: &Answer, only_plan: bool) -> CleanPlan {
    let how = if only_plan {
        CleanOptions::PLAN
    } else {
        CleanOptions::REMOVE
    };
    clean(answer, &CleanSelection::default(), how).unwrap()
}

/// Does the least possible work: lists each directory once, and removes the wanted paths.
fn scan(directory: &Path, wanted: &BTreeSet<PathBuf>) {
    for below in [
        "",
        ".fingerprint",
        "build",
        "deps",
        "examples",
        "incremental",
    ] {
        for entry in fs::read_dir(directory.join(below)).unwrap() {
            let entry = entry.unwrap();
            let path = entry.path();
            if !wanted.contains(&path) {
            } else if entry.file_type().unwrap().is_dir() {
                fs::remove_dir_all(path).unwrap();
            } else {
                fs::remove_file(path).unwrap();
            }
        }
    }
}

/// Restores the target directory as it was after the build, including modification times. The kit's
/// cache stays, as it does between two builds.
fn restore(workspace: &Synthetic) {
    for entry in fs::read_dir(workspace.path("target")).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::remove_file(path).unwrap();
        } else if !path.ends_with("xtask") {
            fs::remove_dir_all(path).unwrap();
        }
    }
    copy(&workspace.path("built"), &workspace.path("target"));
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().unwrap().is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(&from, &to).unwrap();
        }
        let modified = entry.metadata().unwrap().modified().unwrap();
        fs::File::open(to)
            .and_then(|it| it.set_modified(modified))
            .unwrap();
    }
}
