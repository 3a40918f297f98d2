//! Checks the dependencies: packages that are compiled several times, and macros that delay a
//! build.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::Result;
use xtask_impact::resolve_diff::compiled::{Compiled, Several};
use xtask_impact::resolve_diff::selection::UnitGraphQuery;
use xtask_impact::state;
use xtask_impact::workspace::{Package, Workspace};

use super::cost::seconds_of;
use crate::checks::{Check, Finding, Level, Place};
use crate::cli::output::count;
use crate::doctor::context::{Context, MacroTimes};

pub(crate) const CHECKS: &[&Check] = &[&DISAGREE, &VERSIONS, &TWICE, &MACROS];

static DISAGREE: Check = Check {
    code: "packages-disagree",
    level: Level::Warning,
    cost: "The dependency is compiled several times, and the types of one version do not fit the \
           other.",
    explanation: "Read: cargo's own unit graph of `cargo build --workspace --all-targets`. Found \
                  if packages of this workspace depend directly on several versions of one \
                  package.\n\nFix: raise the older version; write the version once in \
                  `[workspace.dependencies]`.",
};

static VERSIONS: Check = Check {
    code: "several-versions",
    level: Level::Note,
    cost: "Every version is compiled and linked.",
    explanation: "Read: cargo's own unit graph of `cargo build --workspace --all-targets`, which \
                  contains only enabled features. The evidence names the packages that need the \
                  older versions. If packages of the workspace need several versions directly, the \
                  finding is `packages-disagree`.\n\nThe workspace cannot fix this if its \
                  dependencies were not updated.\n\nFix: update the packages that need the older \
                  version.",
};

static TWICE: Check = Check {
    code: "built-twice",
    level: Level::Note,
    cost: "The library and its dependents are compiled once for each set of features.",
    explanation: "Read: cargo's own unit graph of `cargo build --workspace --all-targets`. Found \
                  if the library of a package is built several times for one platform with \
                  different features: cargo unifies the features of build scripts and procedural \
                  macros separately.\n\nFix: enable the same features on both sides.",
};

static MACROS: Check = Check {
    code: "macros-on-path",
    level: Level::Note,
    cost: "A package that uses a macro waits until the macro is compiled, even with many cores.",
    explanation: "Read: the newest record of `cargo xtask timings` in which everything was \
                  compiled. Procedural macros, and what is compiled for them and for build scripts \
                  alone, take a quarter of the critical path or more, and two seconds or \
                  more.\n\nFix: turn off features that you do not need (`default-features = \
                  false`); use the macro in fewer packages, and first remove it from packages that \
                  others wait for; tune `[profile.dev.build-override]`.",
};

pub(crate) fn check(context: &Context<'_>) -> Result<Vec<Finding>> {
    let workspace = context.workspace;
    let root = context.place(&workspace.root.join("Cargo.toml"), None);
    let mut found = Vec::new();
    let asker = UnitGraphQuery {
        runner: context.runner,
        cache: state::in_target(&workspace.target_directory).join("rustc"),
        command: ["build", "--ignore-rust-version"]
            .map(str::to_owned)
            .to_vec(),
        members: BTreeSet::new(),
        whole: ["--workspace", "--all-targets"].map(str::to_owned).to_vec(),
    };
    match Compiled::ask(&asker) {
        Ok(compiled) => {
            let cost = |packages: &[(String, String)]| {
                let more = count(packages.len(), "library");
                let seconds = seconds_of(context, packages);
                format!("{more} compiled in addition to the first of each; {seconds}.")
            };
            found.extend(versions(workspace, &compiled.users, &root, &cost));
            found.extend(built_twice(workspace, &compiled.several, &root, &cost));
        }
        Err(error) => context.notes.borrow_mut().push(format!(
            "the packages that are compiled several times are unknown: {}",
            error
                .to_string()
                .lines()
                .find(|it| it.starts_with("error"))
                .unwrap_or("cargo failed")
        )),
    }
    found.extend(context.macros.as_ref().and_then(|it| macros(it, &root)));
    Ok(found)
}

/// A function that returns the cost of packages that are compiled more often than needed, by name
/// and version.
type Cost<'a> = dyn Fn(&[(String, String)]) -> String + 'a;

fn versions(
    workspace: &Workspace,
    users: &BTreeMap<String, BTreeSet<String>>,
    root: &Place,
    cost: &Cost<'_>,
) -> Vec<Finding> {
    let packages = by_id(workspace);
    let package = |id: &String| packages.get(id.as_str()).copied();
    let mut by_name: BTreeMap<&str, Vec<(&Package, Vec<&Package>)>> = BTreeMap::new();
    for (id, users) in users {
        if let Some(asked) = package(id) {
            let known = by_name.entry(&asked.name).or_default();
            known.push((asked, users.iter().filter_map(package).collect()));
        }
    }
    by_name.retain(|_, versions| versions.len() > 1);
    let name = |package: &Package| match by_name.contains_key(package.name.as_str()) {
        true => format!("{} {}", package.name, package.version),
        false => package.name.clone(),
    };
    let mut found = Vec::new();
    let mut rest = Vec::new();
    let mut rest_others = Vec::new();
    for (called, asked) in &by_name {
        let others = asked.iter().skip(1);
        let others = others.map(|(it, _)| (it.name.clone(), it.version.clone()));
        let others: Vec<_> = others.collect();
        let is_own = |users: &[&Package]| users.iter().any(|it| it.source.is_none());
        let evidence = asked.iter().map(|(package, users)| {
            let users: Vec<_> = users.iter().map(|it| name(it)).collect();
            let whom = match users.is_empty() {
                true => "the workspace itself".to_owned(),
                false => listed(users.iter().map(String::as_str)),
            };
            let own = match package.source {
                None => " of this workspace",
                Some(_) => "",
            };
            format!("{called} {}{own} for {whom}", package.version)
        });
        let own = asked.iter().filter(|(_, users)| is_own(users));
        let own: BTreeSet<&str> = own.map(|(package, _)| package.version.as_str()).collect();
        if own.len() > 1 {
            let number = own.len();
            let message =
                format!("packages of this workspace depend on {number} versions of {called}");
            let fix =
                "Raise the older version, or write the version once in `[workspace.dependencies]`.";
            let finding = DISAGREE.found(root.clone(), message, fix);
            found.push(finding.evidence(evidence).impact(cost(&others)));
        } else {
            rest_others.extend(others);
            rest.push(evidence.collect::<Vec<_>>().join("; "));
        }
    }
    if !rest.is_empty() {
        let message = match rest.len() {
            1 => "a dependency is compiled in several versions".to_owned(),
            number => format!("{number} dependencies are compiled in several versions"),
        };
        let fix = "Update the package that needs the older version; `cargo tree --duplicates` \
                    shows it.";
        let finding = VERSIONS.found(root.clone(), message, fix).evidence(rest);
        found.push(finding.impact(cost(&rest_others)));
    }
    found
}

fn by_id(workspace: &Workspace) -> HashMap<&str, &Package> {
    let packages = workspace.packages.iter();
    packages.map(|it| (it.id.as_str(), it)).collect()
}

fn built_twice(
    workspace: &Workspace,
    several: &[Several],
    root: &Place,
    cost: &Cost<'_>,
) -> Option<Finding> {
    let packages = by_id(workspace);
    let name = |id: &String| packages.get(id.as_str()).map_or(id, |it| &it.name).clone();
    let evidence = several.iter().map(|it| {
        let builds = it.builds.iter().map(|(features, users)| {
            let features = match features.is_empty() {
                true => "without".to_owned(),
                false => format!("with {}", listed(features.iter().map(String::as_str))),
            };
            let users: Vec<_> = users.iter().map(name).collect();
            let users = listed(users.iter().map(String::as_str));
            format!("{features} for {users}")
        });
        let builds: Vec<_> = builds.collect();
        format!("{}: {}", name(&it.package), builds.join("; "))
    });
    let message = match several.len() {
        0 => return None,
        1 => "a library is compiled several times for its features".to_owned(),
        number => format!("{number} libraries are compiled several times for their features"),
    };
    let fix = "Request the same features on both sides.";
    let others = several.iter().flat_map(|it| {
        let package = packages.get(it.package.as_str());
        let named = package.map(|it| (it.name.clone(), it.version.clone()));
        it.builds.iter().skip(1).filter_map(move |_| named.clone())
    });
    let impact = cost(&others.collect::<Vec<_>>());
    let finding = TWICE.found(root.clone(), message, fix).evidence(evidence);
    Some(finding.impact(impact))
}

fn macros(times: &MacroTimes, root: &Place) -> Option<Finding> {
    let sum: f64 = times.packages.iter().map(|(_, seconds)| seconds).sum();
    if sum < 2.0 || sum * 4.0 < times.path {
        return None;
    }
    let message = format!(
        "macros and build scripts delay the build by {sum:.1} of {:.1} seconds",
        times.path
    );
    let fix = "Turn off features that you do not need; `cargo xtask timings what-if` estimates \
                what each would save.";
    let steps = times.packages.iter();
    let steps = steps.map(|(name, seconds)| format!("{name} {seconds:.1}s"));
    let steps = steps.collect::<Vec<_>>().join(", ");
    let evidence = format!("the critical path of the run {}: {steps}", times.run);
    let finding = MACROS.found(root.clone(), message, fix);
    let impact = format!("{sum:.1}s of the {:.1}s of the critical path.", times.path);
    Some(finding.evidence([evidence]).impact(impact))
}

/// Returns the first four names, and the number of further names.
pub(crate) fn listed<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<_> = names.collect();
    let shown = names.iter().take(4).copied().collect::<Vec<_>>().join(", ");
    match names.len() {
        0..=4 => shown,
        number => format!("{shown} and {} more", number - 4),
    }
}

#[cfg(test)]
mod tests;
