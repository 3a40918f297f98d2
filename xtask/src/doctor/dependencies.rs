//! Checks the dependencies: packages that are compiled several times, and macros that delay a
//! build.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::resolve_diff::compiled::{Compiled, Several};
use xtask_impact::resolve_diff::selection::{FeatureDifference, FeaturePreserver, UnitGraphQuery};
use xtask_impact::state;
use xtask_impact::workspace::{Package, Workspace};

use super::cost::seconds_of;
use crate::checks::{Check, Finding, Level, Place};
use crate::cli::output::count;
use crate::doctor::context::{Context, MacroTimes};

pub(crate) const CHECKS: &[&Check] = &[&DISAGREE, &DIFFER, &MACROS];

static DISAGREE: Check = Check {
    code: "packages-disagree",
    level: Level::Warning,
    finds: "Members that depend on different versions of one package",
    cost: "The dependency is compiled several times, and types of one version cannot be used with \
           the other version.",
    explanation: "Read: cargo's own unit graph of `cargo build --workspace --all-targets`. \
                  Reported if packages of this workspace depend directly on several versions of \
                  one package. `cargo tree --duplicates` shows the versions that only \
                  other packages need.\n\nFix: update the older version; write the version once \
                  in `[workspace.dependencies]`.",
};

static DIFFER: Check = Check {
    code: "features-differ",
    level: Level::Note,
    finds: "A dependency that is built several times with different features",
    cost: "A library and its dependents are compiled once for each set of features.",
    explanation: "Read: cargo's own unit graphs of `cargo build --workspace --all-targets`: one of \
                  the whole workspace, and one of each package alone. Reported if a library is \
                  built several times for one platform with different features (cargo unifies the \
                  features of build scripts and procedural macros separately), or if a package \
                  alone builds a dependency with fewer features than the whole workspace does: \
                  then `cargo test -p` compiles the dependency again.\n\nFix: enable the same \
                  features everywhere, in `[workspace.dependencies]` or in the manifest that the \
                  evidence names. `cargo-hakari` does the same for all dependencies at once: it \
                  generates a package with all features, on which every member depends.",
};

static MACROS: Check = Check {
    code: "macros-on-path",
    level: Level::Note,
    finds: "Procedural macros on the critical path of a build",
    cost: "Packages that use a procedural macro wait until the macro is compiled, even with many \
           cores.",
    explanation: "Read: the newest record of `cargo xtask timings` in which everything was \
                  compiled. Reported if procedural macros, and units that are compiled only for \
                  them and for build scripts, take at least a quarter of the critical path, and at \
                  least two seconds.\n\nFix: turn off features that you do not need \
                  (`default-features = false`); use the macro in fewer packages, especially not in \
                  packages that many others wait for; tune `[profile.dev.build-override]`.",
};

pub(crate) fn check(context: &Context<'_>) -> Result<Vec<Finding>> {
    let workspace = context.workspace;
    let root = context.place(&workspace.root.join("Cargo.toml"), None);
    let mut found = Vec::new();
    let query = UnitGraphQuery {
        runner: context.runner,
        cache: state::in_target(&workspace.target_directory).join("rustc"),
        command: ["build", "--ignore-rust-version"]
            .map(str::to_owned)
            .to_vec(),
        members: BTreeSet::new(),
        whole: ["--workspace", "--all-targets"].map(str::to_owned).to_vec(),
    };
    match Compiled::ask(&query) {
        Ok(compiled) => {
            let cost = |packages: &[(String, String)]| {
                let more = count(packages.len(), "library");
                let seconds = seconds_of(context, packages);
                format!("{more} compiled in addition to the first version of each; {seconds}.")
            };
            found.extend(versions(workspace, &compiled.users, &root, &cost));
            found.extend(built_twice(workspace, &compiled.several, &root, &cost));
            let members = workspace.members().map(|(_, package)| package.id.clone());
            let query = UnitGraphQuery {
                members: members.collect(),
                ..query
            };
            match FeaturePreserver::new(query).and_then(|it| it.differences()) {
                Ok(differences) => {
                    let read = |path: &Utf8Path| context.text(&context.below(path)?);
                    let place = |path: &Utf8Path, line| context.place(path, line);
                    found.extend(features_differ(
                        workspace,
                        &differences,
                        &read,
                        &place,
                        &cost,
                    ));
                }
                Err(error) => context.notes.borrow_mut().push(format!(
                    "the features of packages that are built alone are unknown: {error}"
                )),
            }
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
        if own.len() < 2 {
            continue;
        }
        let number = own.len();
        let message = format!("packages of this workspace depend on {number} versions of {called}");
        let fix = "Update the older version, or write the version once in \
                   `[workspace.dependencies]`.";
        let finding = DISAGREE.found(root.clone(), message, fix);
        found.push(finding.evidence(evidence).impact(cost(&others)));
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
    let finding = DIFFER.found(root.clone(), message, fix).evidence(evidence);
    Some(finding.impact(impact))
}

/// The maximum number of dependencies in one finding.
const SHOWN: usize = 12;

/// Returns the finding about dependencies whose features depend on the selected packages. `read`
/// returns the text of a manifest.
fn features_differ(
    workspace: &Workspace,
    differences: &[FeatureDifference],
    read: &dyn Fn(&Utf8Path) -> Option<String>,
    place: &dyn Fn(&Utf8Path, Option<usize>) -> Place,
    cost: &Cost<'_>,
) -> Option<Finding> {
    let packages = by_id(workspace);
    let name = |id: &String| packages.get(id.as_str()).map_or(id, |it| &it.name).clone();
    let names = |ids: &BTreeSet<String>| {
        let names: Vec<_> = ids.iter().map(name).collect();
        listed(names.iter().map(String::as_str))
    };
    let mut first = None;
    let evidence = differences.iter().map(|difference| {
        let dependency = name(&difference.package);
        let features = listed(difference.features.iter().map(String::as_str));
        let with = match difference.with.is_empty() {
            true => "no package alone".to_owned(),
            false => names(&difference.with),
        };
        let edit = edit(workspace, difference, &dependency, read);
        let line = match &edit {
            FeatureEdit::Entry { path, line, .. } => {
                first.get_or_insert_with(|| place(path, Some(*line)));
                format!("{path}:{line}: ", path = relative(workspace, path))
            }
            FeatureEdit::New { path } => format!("{}: ", relative(workspace, path)),
        };
        let quoted: Vec<_> = difference
            .features
            .iter()
            .map(|it| format!("{it:?}"))
            .collect();
        let quoted = quoted.join(", ");
        let what = match &edit {
            FeatureEdit::Entry { .. } => format!("add features = [{quoted}] to `{dependency}`"),
            FeatureEdit::New { .. } => {
                format!("depend on `{dependency}` with features = [{quoted}]")
            }
        };
        format!(
            "{dependency}: {features} with {with}, not with {}; {line}{what}",
            names(&difference.without)
        )
    });
    let evidence = crate::doctor::context::first(SHOWN, evidence.collect::<Vec<_>>().into_iter());
    let message = match differences.len() {
        0 => return None,
        1 => "a dependency has other features in a build of fewer packages".to_owned(),
        number => format!("{number} dependencies have other features in a build of fewer packages"),
    };
    let fix = "Add the features in the manifests that the evidence names, or let `cargo-hakari` \
               generate a package that has all features.";
    let others = differences.iter();
    let others = others.filter_map(|it| packages.get(it.package.as_str()));
    let others: Vec<_> = others
        .map(|it| (it.name.clone(), it.version.clone()))
        .collect();
    let root = || place(&workspace.root.join("Cargo.toml"), None);
    let finding = DIFFER.found(first.unwrap_or_else(root), message, fix);
    Some(finding.evidence(evidence).impact(cost(&others)))
}

/// The edit that ends a difference of features.
#[derive(Debug, PartialEq)]
enum FeatureEdit {
    /// Add the features to an entry of a manifest.
    Entry { path: Utf8PathBuf, line: usize },
    /// Add a dependency to a manifest that has no such entry.
    New { path: Utf8PathBuf },
}

/// Returns the edit that ends a difference: of the entry in `[workspace.dependencies]` or in a
/// member without the features.
fn edit(
    workspace: &Workspace,
    difference: &FeatureDifference,
    dependency: &str,
    read: &dyn Fn(&Utf8Path) -> Option<String>,
) -> FeatureEdit {
    let root = workspace.root.join("Cargo.toml");
    let entry = |path: &Utf8Path, is_table: &dyn Fn(&str) -> bool| {
        let line = entry_line(&read(path)?, is_table, dependency)?;
        let path = path.to_owned();
        Some(FeatureEdit::Entry { path, line })
    };
    if let Some(shared) = entry(&root, &|table| table == "workspace.dependencies") {
        return shared;
    }
    let packages = by_id(workspace);
    let without = difference.without.iter();
    let manifests = without.filter_map(|id| packages.get(id.as_str()));
    let mut manifests: Vec<_> = manifests.map(|it| &*it.manifest_path).collect();
    manifests.sort_unstable();
    let is_table = |table: &str| table == "dependencies" || table.ends_with("-dependencies");
    let own = manifests.iter().find_map(|path| entry(path, &is_table));
    own.unwrap_or_else(|| FeatureEdit::New {
        path: manifests.first().map_or(root, |path| (*path).to_owned()),
    })
}

/// Returns the line, from 1, of an entry in a table of a manifest.
fn entry_line(text: &str, is_table: &dyn Fn(&str) -> bool, name: &str) -> Option<usize> {
    let mut table = String::new();
    let is_entry = |table: &str, key: &str| is_table(table) && key.trim_matches('"') == name;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[') {
            table = header.split(']').next().unwrap_or_default().to_owned();
            let (above, last) = table.rsplit_once('.').unwrap_or_default();
            if is_entry(above, last) {
                return Some(number);
            }
        } else if is_entry(
            &table,
            line.split(['=', '.', ' ']).next().unwrap_or_default(),
        ) {
            return Some(number);
        }
    }
    None
}

fn relative<'p>(workspace: &Workspace, path: &'p Utf8Path) -> &'p Utf8Path {
    path.strip_prefix(&workspace.root).unwrap_or(path)
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
