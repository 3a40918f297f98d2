//! The reader, `cargo metadata` and cargo's unit graph on commits of public workspaces. `XTASK_MANIFESTS` names the
//! checkouts, separated by colons; `XTASK_MANIFESTS_COMMITS` is the number of commits of each. With
//! `XTASK_MANIFESTS_OFFLINE`, cargo downloads nothing, and commits with packages that were not
//! downloaded before are left out. The checkouts are changed: use clones.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use camino::Utf8Path;
use serde_json::Value;

use crate::process::{self, Runner};
use crate::unit_graph::{Mode, UnitGraph, Verb};
use crate::workspace::manifest_reader::tests::differences;
use crate::workspace::{LoadOptions, Platforms, Workspace};

#[test]
#[ignore = "needs checkouts of public workspaces; `.ci/nightly manifests` runs it"]
fn public_workspaces_are_read_as_cargo_resolves_them() {
    let checkouts = std::env::var("XTASK_MANIFESTS").unwrap_or_default();
    let commits = std::env::var("XTASK_MANIFESTS_COMMITS");
    let commits: usize = commits.map_or(20, |it| it.parse().unwrap());
    let mut faults = Vec::new();
    for checkout in checkouts.split(':').filter(|it| !it.is_empty()) {
        let checkout = Utf8Path::new(checkout);
        let tip = git(checkout, &["rev-parse", "HEAD"]).unwrap_or_default();
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for commit in commits_of(checkout, commits) {
            let checkout_it = ["checkout", "--quiet", "--force", "--detach", &commit];
            if git(checkout, &checkout_it).is_none() {
                *counts
                    .entry("cannot be checked out".to_owned())
                    .or_default() += 1;
                continue;
            }
            git(
                checkout,
                &["clean", "--quiet", "-d", "-x", "--force", "--force"],
            );
            let said = compared(checkout);
            if said.starts_with("DIFFERENT") {
                faults.push(format!("{checkout} {commit}: {said}"));
                println!("{checkout} {commit}: {said}");
            }
            *counts.entry(said).or_default() += 1;
        }
        git(checkout, &["checkout", "--quiet", "--force", tip.trim()]);
        for (said, count) in counts {
            let said = said
                .lines()
                .next()
                .unwrap_or_default()
                .replace(checkout.as_str(), "…");
            println!(
                "{} {count} {said}",
                checkout.file_name().unwrap_or_default()
            );
        }
    }
    assert!(
        faults.is_empty(),
        "{} answers differ from cargo's",
        faults.len()
    );
}

/// Returns commits of the checked-out history that change a manifest or the lock file, evenly spread over the history.
fn commits_of(checkout: &Utf8Path, count: usize) -> Vec<String> {
    let branches = ["--", "*Cargo.toml", "*Cargo.lock"];
    let log = [&["log", "--format=%H", "-n", "400"], &branches[..]].concat();
    let all = git(checkout, &log).unwrap_or_default();
    let all: Vec<&str> = all.lines().collect();
    let step = all.len().div_ceil(count).max(1);
    all.into_iter().step_by(step).map(str::to_owned).collect()
}

fn git(directory: &Utf8Path, arguments: &[&str]) -> Option<String> {
    let runner = Runner::new().unwrap().in_directory(directory);
    let output = process::checked(runner.git().args(arguments)).ok()?;
    String::from_utf8(output).ok()
}

/// Compares the reader with cargo. Returns a summary for counting.
fn compared(directory: &Utf8Path) -> String {
    let runner = Runner::new().unwrap().in_directory(directory);
    let options = LoadOptions {
        platforms: Platforms::Configured,
        locked: true,
        offline: std::env::var_os("XTASK_MANIFESTS_OFFLINE").is_some(),
        ..LoadOptions::default()
    };
    if !directory.join("Cargo.lock").exists() {
        let mut command = runner.cargo();
        command.arg("generate-lockfile");
        command.args(options.offline.then_some("--offline"));
        drop(process::output(&mut command));
    }
    // Cargo first, which downloads what is missing.
    let by_cargo = Workspace::by_cargo(&runner, &options);
    let read = match Workspace::by_manifests(&runner, &options).unwrap() {
        Ok(read) => read,
        Err(because) if by_cargo.is_err() => return format!("cargo fails, asks: {because}"),
        Err(because) => return format!("asks cargo: {because}"),
    };
    match by_cargo {
        Err(error) => format!("DIFFERENT: cargo fails: {error}"),
        Ok(cargos) => {
            let missing = missing_units(&runner, &read.0);
            match (differences(read, cargos), missing) {
                (Some(differences), _) => format!("DIFFERENT: {differences}"),
                (None, None) => "equal; cargo prints no unit graph".to_owned(),
                (None, Some(units)) if units.is_empty() => "equal, with all units".to_owned(),
                (None, Some(units)) => format!("DIFFERENT: cargo also plans {units:?}"),
            }
        }
    }
}

/// Returns the units of members that cargo plans, with their features, and that do not fit the
/// workspace as it was read. Returns `None` if cargo prints no unit graph.
fn missing_units(runner: &Runner, read: &Workspace) -> Option<BTreeSet<String>> {
    let mut command = runner.cargo();
    command.args(["build", "--workspace", "--all-targets", "--offline"]);
    command.args([
        "--ignore-rust-version",
        "--unit-graph",
        "-Zunstable-options",
    ]);
    let output = process::checked(command.env("RUSTC_BOOTSTRAP", "1")).ok()?;
    let graph: Value = serde_json::from_slice(&output).unwrap();
    let ours = UnitGraph::new(read, Verb::Build);
    let name = |id: &str, kind: &str, target: &str, mode| format!("{id} {kind} {target} {mode:?}");
    let ours: HashSet<String> = ours
        .units()
        .map(|(_, unit)| {
            let kind = serde_json::to_value(unit.kind).unwrap();
            let package = &read.package(unit.package).id;
            name(package, kind.as_str().unwrap(), &unit.target, unit.mode)
        })
        .collect();
    let mut missing = BTreeSet::new();
    for unit in graph["units"].as_array().unwrap() {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let id = text(&unit["pkg_id"]);
        let package = read.packages().find(|(_, package)| package.id == id);
        let Some((_, package)) = package.filter(|(_, package)| package.member) else {
            continue;
        };
        let kind = text(&unit["target"]["kind"][0]);
        let target = text(&unit["target"]["name"]);
        let mode = match text(&unit["mode"]).as_str() {
            "build" | "check" => Mode::Build,
            "test" => Mode::Test,
            "run-custom-build" => Mode::RunCustomBuild,
            mode => panic!("the mode {mode}"),
        };
        let features = unit["features"].as_array().unwrap().iter().map(text);
        let unknown: Vec<String> = features
            .filter(|it| !package.features.contains(it))
            .collect();
        // The kind of a library is `lib` in the kit's graph, and a crate type in cargo's.
        let kind = match kind.as_str() {
            kind @ ("bin" | "example" | "test" | "bench" | "custom-build") => kind,
            _ => "lib",
        };
        let unit = name(&id, kind, &target, mode);
        if !ours.contains(&unit) || !unknown.is_empty() {
            missing.insert(format!("{unit}, unknown features: {unknown:?}"));
        }
    }
    Some(missing)
}
