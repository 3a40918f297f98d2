//! The reader, `cargo metadata` and cargo's unit graph on commits of public workspaces.
//! `XTASK_MANIFESTS` names the checkouts, separated by colons; `XTASK_MANIFESTS_COMMITS` is the number
//! of commits of each. With `XTASK_MANIFESTS_OFFLINE`, cargo downloads nothing, and commits with
//! packages that were not downloaded before are left out. The checkouts are changed: use clones.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use camino::Utf8Path;
use serde_json::Value;

use crate::process::{self, Runner};
use crate::unit_graph::{Mode, UnitGraph, Verb};
use crate::workspace::manifest_reader::tests::differences;
use crate::workspace::{LoadOptions, Package, Platforms, Workspace};

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
        Err(because) => {
            let Ok(cargos) = by_cargo else {
                return format!("cargo fails, asks: {because}");
            };
            let missing = missing_units(&runner, &cargos.0).unwrap_or_default();
            return match missing.is_empty() {
                true => format!("asks cargo: {because}"),
                false => format!("DIFFERENT: cargo also plans {missing:?}"),
            };
        }
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

/// Returns the units of members that cargo plans, with their features and their dependencies, and
/// that do not fit the workspace as it was read. Returns `None` if cargo prints no unit graph.
fn missing_units(runner: &Runner, read: &Workspace) -> Option<BTreeSet<String>> {
    let mut command = runner.cargo();
    command.args(["build", "--workspace", "--all-targets", "--offline"]);
    command.args([
        "--ignore-rust-version",
        "--unit-graph",
        "-Zunstable-options",
    ]);
    let output = process::checked(command.env("RUSTC_BOOTSTRAP", "1")).ok()?;
    let planned: Value = serde_json::from_slice(&output).unwrap();
    let planned = planned["units"].as_array().unwrap();
    let graph = UnitGraph::new(read, Verb::Build);
    let name = |index| {
        let unit = graph.unit(index);
        let kind = serde_json::to_value(unit.kind).unwrap();
        let (kind, mode) = (kind.as_str().unwrap(), unit.mode);
        let package = &read.package(unit.package).id;
        format!("{package} {kind} {} {mode:?}", unit.target)
    };
    let units = graph.units().map(|(index, _)| {
        let on = graph.dependencies(index).map(|(on, _)| name(on));
        (name(index), on.collect())
    });
    let ours: HashMap<String, HashSet<String>> = units.collect();
    let members = read.packages().map(|(_, package)| package);
    let members: HashMap<&str, &Package> = members
        .filter(|package| package.member)
        .map(|package| (package.id.as_str(), package))
        .collect();
    let mut missing = BTreeSet::new();
    for unit in planned {
        let Some(package) = members.get(unit["pkg_id"].as_str().unwrap()) else {
            continue;
        };
        let name = planned_name(unit);
        let Some(on) = ours.get(&name) else {
            missing.insert(name);
            continue;
        };
        for feature in unit["features"].as_array().unwrap() {
            let feature = feature.as_str().unwrap().to_owned();
            if !package.features.contains(&feature) {
                missing.insert(format!("{name}, feature {feature}"));
            }
        }
        for dependency in unit["dependencies"].as_array().unwrap() {
            let unit = &planned[usize::try_from(dependency["index"].as_u64().unwrap()).unwrap()];
            let planned = planned_name(unit);
            let is_member = members.contains_key(unit["pkg_id"].as_str().unwrap());
            if is_member && !on.contains(&planned) {
                missing.insert(format!("{name} → {planned}"));
            }
        }
    }
    Some(missing)
}

/// Returns the name of a unit of cargo's unit graph.
fn planned_name(unit: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (package, target) = (text(&unit["pkg_id"]), text(&unit["target"]["name"]));
    let mode = match text(&unit["mode"]).as_str() {
        "build" | "check" => Mode::Build,
        "test" => Mode::Test,
        "run-custom-build" => Mode::RunCustomBuild,
        mode => panic!("the mode {mode}"),
    };
    // The kind of a library is `lib` in the kit's graph, and a crate type in cargo's.
    let kind = match text(&unit["target"]["kind"][0]).as_str() {
        kind @ ("bin" | "example" | "test" | "bench" | "custom-build") => kind.to_owned(),
        _ => "lib".to_owned(),
    };
    format!("{package} {kind} {target} {mode:?}")
}
