//! What a difference between two sides of a `Cargo.toml` means, a package's, a workspace root's,
//! or both in one.
//!
//! That a manifest was written at all also reruns a build script that prints no `rerun-if-*`,
//! whatever the difference means: the rule for files covers it.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

use super::dependencies::{
    all_dependencies, declared_features, dep_kind, dependencies, dependency, feature_definitions,
    platform_dependencies,
};
use super::{
    Change, DepKind, Effect, Inherit, TargetKind, Units, changes, dotted, profiles, targets,
};

/// Compares two sides of a manifest.
///
/// Where the manifest is no workspace root's, cargo ignores some keys: see [`Effect::root_only`].
pub fn compare_manifest(old: &Table, new: &Table) -> Vec<Effect> {
    let mut effects = declared_features(old, new);
    for change in changes(Some(old), Some(new)) {
        let one = |what, told_by_graph, why| Effect {
            key: dotted(&[change.key]),
            what,
            told_by_graph,
            why,
        };
        let kind = targets::kind(change.key);
        let is_list = change.key == "cargo-features" || kind.is_some();
        match change.key {
            _ if change.inside().is_none() && !is_list => {
                effects.push(one(Units::All, false, "is not the table it should be"));
            }
            "badges" | "hints" => {}
            "package" | "project" => effects.extend(package(&change)),
            "features" => effects.extend(feature_definitions(&change)),
            "lints" => effects.extend(lints(&[change.key], &change, &Units::Package)),
            "profile" => effects.extend(profiles(&change)),
            "patch" | "replace" => effects.push(one(Units::All, true, "replaces packages")),
            "target" => effects.extend(platform_dependencies(&change)),
            "workspace" => effects.extend(workspace(&change)),
            "cargo-features" => {
                effects.push(one(Units::All, false, "enables unstable keys of cargo"));
            }
            key => match (kind, dep_kind(key)) {
                (Some(kind), _) => effects.extend(targets::compare(kind, &change)),
                (_, Some(kind)) => effects.extend(dependencies(&[key], kind, &change)),
                _ => effects.push(one(Units::Package, false, "is unknown to this kit")),
            },
        }
    }
    effects
}

/// The `[package]` table. Of what becomes `CARGO_PKG_*`, cargo keeps nothing in a fingerprint but
/// name and version: rustc's dep-info names the variables that a unit reads.
fn package(change: &Change) -> Vec<Effect> {
    let mut effects = Vec::new();
    for change in change.inside().unwrap_or_default() {
        for (what, told_by_graph, why) in package_key(&change) {
            effects.push(Effect {
                key: dotted(&["package", change.key]),
                what,
                told_by_graph,
                why,
            });
        }
    }
    effects
}

/// What a key of `[package]` or `[workspace.package]` means to the package that has it.
fn package_key(change: &Change) -> Vec<(Units, bool, &'static str)> {
    let (old, new) = (said(change.key, change.old), said(change.key, change.new));
    if old == new {
        return Vec::new();
    }
    let all_of = |kind| Units::Target { kind, name: None };
    match change.key {
        "authors" | "description" | "homepage" | "license" | "license-file" | "readme"
        | "repository" | "rust-version" => {
            let variable = change.key.to_uppercase().replace('-', "_");
            let readers = Units::ReadersOf(vec![format!("CARGO_PKG_{variable}")]);
            vec![(readers, false, "is seen by what reads its variable")]
        }
        "badges" | "categories" | "default-run" | "documentation" | "im-a-teapot" | "keywords"
        | "metadata" | "publish" => Vec::new(),
        "include" | "exclude" => {
            vec![(
                Units::PackageScan,
                false,
                "decides which files a build script watches",
            )]
        }
        "name" | "version" => vec![(Units::Package, true, "is the package's identity")],
        "build" => vec![(Units::Package, false, "names the build script")],
        "edition" => {
            let mut effects = vec![(Units::Package, true, "is every target's, save its own")];
            // Without `resolver`, a root package's edition chooses one.
            if resolver(change.old) != resolver(change.new) {
                effects.push((Units::All, true, "can choose the resolver"));
            }
            effects
        }
        "resolver" => vec![(Units::All, true, "chooses how features unify")],
        "links" => {
            let links = [change.old, change.new]
                .into_iter()
                .flatten()
                .filter_map(Value::as_str);
            let overridden = Units::OverriddenRuns {
                links: links.map(str::to_owned).collect(),
                platform: None,
            };
            let mut effects = vec![(overridden, false, "can match an override in configuration")];
            // Under another name nothing is rebuilt, though dependents see another variable.
            if change.old.is_none() || change.new.is_none() {
                let why = "makes dependents' scripts wait for this one";
                effects.push((Units::DependentRuns, true, why));
            }
            effects
        }
        "autobins" => [TargetKind::Bin, TargetKind::Test, TargetKind::Bench]
            .map(|kind| (all_of(kind), true, "decides which binaries there are"))
            .into(),
        "autolib" | "autoexamples" | "autotests" | "autobenches" => {
            let kind = match change.key {
                "autolib" => TargetKind::Lib,
                "autoexamples" => TargetKind::Example,
                "autotests" => TargetKind::Test,
                _ => TargetKind::Bench,
            };
            vec![(all_of(kind), true, "decides which targets there are")]
        }
        "workspace" => vec![(Units::All, false, "chooses the workspace root")],
        _ => vec![(Units::Package, false, "is unknown to this kit")],
    }
}

/// A value of `[package]` without the freedom of spelling that cargo allows.
fn said(key: &str, value: Option<&Value>) -> Option<Value> {
    match (key, value) {
        ("build", None | Some(Value::Boolean(true))) => Some("build.rs".into()),
        ("readme", Some(Value::Boolean(true))) => Some("README.md".into()),
        ("readme", Some(Value::Boolean(false))) => Some("".into()),
        ("authors", None) => Some(Value::Array(Vec::new())),
        ("resolver", value) => resolver_named(value?).map(Value::from).or(value.cloned()),
        ("description" | "homepage" | "license" | "license-file" | "repository", None) => {
            Some("".into())
        }
        _ => value.cloned(),
    }
}

/// How features unify: resolvers 2 and 3 differ only in the versions they would lock.
fn resolver_named(value: &Value) -> Option<i64> {
    match value.as_str()? {
        "1" => Some(1),
        "2" | "3" => Some(2),
        _ => None,
    }
}

/// The resolver that an edition implies; an edition that is inherited or unknown is its own.
fn resolver(edition: Option<&Value>) -> Result<i64, &Value> {
    match edition.map(|edition| edition.as_str().ok_or(edition)) {
        None | Some(Ok("2015" | "2018")) => Ok(1),
        Some(Ok("2021" | "2024")) => Ok(2),
        Some(Ok(_)) => Ok(0),
        Some(Err(inherited)) => Err(inherited),
    }
}

/// The `[lints]` of a package or a workspace. Every tool's lints but cargo's own become flags in
/// the fingerprint of each compiled unit under any verb: clippy's too under `cargo build`.
fn lints(above: &[&str], change: &Change, what: &Units) -> Vec<Effect> {
    let flag = |tool: &str, lint: &str, level: Option<&Value>| {
        let level = level?;
        let of = |key| level.get(key).cloned();
        let check = of("check-cfg").filter(|_| (tool, lint) == ("rust", "unexpected_cfgs"));
        let priority = of("priority").unwrap_or(Value::Integer(0));
        Some((
            of("level").unwrap_or_else(|| level.clone()),
            priority,
            check,
        ))
    };
    let effect = |path: &[&str]| Effect {
        key: dotted(&[above, path].concat()),
        what: what.clone(),
        told_by_graph: false,
        why: "becomes flags of every compiled unit",
    };
    let mut effects = Vec::new();
    for tool in change.inside().unwrap_or_default() {
        match tool.inside() {
            _ if tool.key == "cargo" => {}
            None => effects.push(effect(&[tool.key])),
            Some(inside) => effects.extend(
                inside
                    .iter()
                    .filter(|lint| {
                        let of = |level| flag(tool.key, lint.key, level);
                        of(lint.old) != of(lint.new)
                    })
                    .map(|lint| effect(&[tool.key, lint.key])),
            ),
        }
    }
    effects
}

/// The `[workspace]` table of a root.
fn workspace(change: &Change) -> Vec<Effect> {
    let all = |path: &[&str], told_by_graph, why| Effect {
        key: dotted(path),
        what: Units::All,
        told_by_graph,
        why,
    };
    if change.old.is_none() || change.new.is_none() {
        return vec![all(
            &["workspace"],
            false,
            "makes this manifest a root, or no longer",
        )];
    }
    let mut effects = Vec::new();
    for table in change.inside().unwrap_or_default() {
        let path = ["workspace", table.key];
        match table.key {
            "metadata" => {}
            "package" => {
                effects.extend(table.inside().unwrap_or_default().iter().flat_map(|key| {
                    package_key(key)
                        .into_iter()
                        .map(|(what, told_by_graph, why)| Effect {
                            key: dotted(&[path[0], path[1], key.key]),
                            what: Units::Inherited(Inherit::Package(
                                key.key.to_owned(),
                                what.into(),
                            )),
                            told_by_graph,
                            why,
                        })
                }))
            }
            "dependencies" => {
                for entry in table.inside().unwrap_or_default() {
                    let path = [path[0], path[1], entry.key];
                    for (key, packages, told_by_graph) in dependency(&path, &entry) {
                        effects.extend(packages.into_iter().map(|package| Effect {
                            key: key.clone(),
                            what: Units::Inherited(Inherit::Dependency {
                                key: entry.key.to_owned(),
                                package,
                            }),
                            told_by_graph,
                            why: "decides how the dependency is resolved",
                        }));
                    }
                }
            }
            "lints" => effects.extend(lints(&path, &table, &Units::Inherited(Inherit::Lints))),
            "resolver" if said("resolver", table.old) == said("resolver", table.new) => {}
            "resolver" => effects.push(all(&path, true, "chooses how features unify")),
            "members" | "exclude" | "default-members" => {
                effects.push(all(
                    &path,
                    true,
                    "chooses the packages whose features unify",
                ));
            }
            _ => effects.push(all(&path, false, "is unknown to this kit")),
        }
    }
    effects
}

/// What a package inherits from its workspace's root with `workspace = true`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inherited {
    /// Keys of `[workspace.package]`.
    pub package: BTreeSet<String>,
    /// Keys of `[workspace.dependencies]`, and how the package uses each.
    pub dependencies: BTreeMap<String, BTreeSet<DepKind>>,
    /// Whether it inherits `[workspace.lints]`.
    pub lints: bool,
}

/// Reads what a package inherits from its manifest.
pub fn inherits(manifest: &Table) -> Inherited {
    let from_root = |value: &Value| {
        value
            .get("workspace")
            .and_then(Value::as_bool)
            .unwrap_or_default()
    };
    let package = manifest.get("package").or_else(|| manifest.get("project"));
    let package = package.and_then(Value::as_table).into_iter().flatten();
    let mut inherited = Inherited {
        package: package
            .filter(|(_, v)| from_root(v))
            .map(|(key, _)| key.clone())
            .collect(),
        lints: manifest.get("lints").is_some_and(from_root),
        ..Inherited::default()
    };
    for (kind, key, entry) in all_dependencies(manifest) {
        if from_root(entry) {
            inherited
                .dependencies
                .entry(key.to_owned())
                .or_default()
                .insert(kind);
        }
    }
    inherited
}

impl Inherited {
    /// What a difference in the root means to the package that inherits: nothing, where it does
    /// not inherit that key.
    pub fn units(&self, root: &Inherit) -> Vec<Units> {
        match root {
            Inherit::Package(key, what) if self.package.contains(key) => vec![(**what).clone()],
            Inherit::Dependency { key, package } => {
                let kinds = self.dependencies.get(key).into_iter().flatten();
                let users = |&kind| Units::Dependency {
                    kind,
                    package: package.clone(),
                };
                kinds.map(users).collect()
            }
            Inherit::Lints if self.lints => vec![Units::Package],
            Inherit::Package(..) | Inherit::Lints => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
