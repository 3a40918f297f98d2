//! Compares two sides of a `Cargo.toml`, of a package, of a workspace root, or of both in one file.
//!
//! Any edit of a manifest also reruns a build script that prints no `rerun-if-*`, even an edit
//! without meaning. This module does not report such a rerun: the rule for files covers it.

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::dependencies::{
    all_dependencies, declared_features, dep_kind, dependencies, dependency, feature_definitions,
    platform_dependencies,
};
use super::{
    DepKind, Inherit, KeyChange, SemanticChange, TargetKind, TouchedUnits, changes, profiles,
    targets,
};

/// Compares two sides of a manifest.
///
/// Cargo ignores some keys in a manifest that is not a workspace root: see
/// [`SemanticChange::root_only`].
pub fn compare_manifest(old: &Table, new: &Table) -> Vec<SemanticChange> {
    let mut effects = declared_features(old, new);
    for change in changes(Some(old), Some(new)) {
        let one = |what, told, why| SemanticChange::new(&[change.key], what, told, why);
        let kind = targets::kind(change.key);
        let is_list = change.key == "cargo-features" || kind.is_some();
        match change.key {
            _ if change.inside().is_none() && !is_list => {
                effects.push(one(TouchedUnits::All, false, "is not a table"));
            }
            "badges" | "hints" => {}
            "package" | "project" => effects.extend(package(&change)),
            "features" => effects.extend(feature_definitions(&change)),
            "lints" => effects.extend(lints(&[change.key], &change, &TouchedUnits::Package)),
            "profile" => effects.extend(profiles(&change)),
            "patch" | "replace" => effects.push(one(TouchedUnits::All, true, "replaces packages")),
            "target" => effects.extend(platform_dependencies(&change)),
            "workspace" => effects.extend(workspace(&change)),
            "cargo-features" => {
                effects.push(one(
                    TouchedUnits::All,
                    false,
                    "enables unstable keys of cargo",
                ));
            }
            key => match (kind, dep_kind(key)) {
                (Some(kind), _) => effects.extend(targets::compare(kind, &change)),
                (_, Some(kind)) => effects.extend(dependencies(&[key], kind, &change)),
                _ => effects.push(one(TouchedUnits::Package, false, "is unknown to xtask-kit")),
            },
        }
    }
    effects
}

/// Returns the changes for a difference in the `[package]` table. Among the values that become
/// `CARGO_PKG_*` variables, only the name and the version are part of cargo's fingerprint. For the
/// other values, rustc's dep-info names the variables that a unit reads.
fn package(change: &KeyChange) -> Vec<SemanticChange> {
    let mut effects = Vec::new();
    for change in change.inside().unwrap_or_default() {
        for (what, told, why) in package_key(&change) {
            effects.push(SemanticChange::new(
                &["package", change.key],
                what,
                told,
                why,
            ));
        }
    }
    effects
}

/// Returns the units that a key of `[package]` or `[workspace.package]` touches in a package that
/// has the key. Each entry also says if cargo's unit graph covers the change, and the rule.
fn package_key(change: &KeyChange) -> Vec<(TouchedUnits, bool, &'static str)> {
    let (old, new) = (said(change.key, change.old), said(change.key, change.new));
    if old == new {
        return Vec::new();
    }
    let all_of = |kind| TouchedUnits::Target { kind, name: None };
    let targets_of = |kind| vec![(all_of(kind), true, "decides which targets the package has")];
    match change.key {
        "authors" | "description" | "homepage" | "license" | "license-file" | "readme"
        | "repository" | "rust-version" => {
            let variable = change.key.to_uppercase().replace('-', "_");
            let readers = TouchedUnits::ReadersOf(vec![format!("CARGO_PKG_{variable}")]);
            vec![(readers, false, "is read by code that uses its variable")]
        }
        "badges" | "categories" | "default-run" | "documentation" | "im-a-teapot" | "keywords"
        | "metadata" | "publish" => Vec::new(),
        "include" | "exclude" => {
            let why = "decides which files a build script watches";
            vec![(TouchedUnits::PackageScan, false, why)]
        }
        "name" | "version" => vec![(
            TouchedUnits::Package,
            true,
            "is part of the package's identity",
        )],
        "build" => vec![(TouchedUnits::Package, true, "names the build script")],
        "edition" => {
            let mut effects = vec![(
                TouchedUnits::Package,
                true,
                "is the edition of every target without its own",
            )];
            // Without the key `resolver`, the edition of a root package chooses the resolver.
            if resolver(change.old) != resolver(change.new) {
                effects.push((TouchedUnits::All, true, "can choose the resolver"));
            }
            effects
        }
        "resolver" => vec![(TouchedUnits::All, true, "chooses how features unify")],
        "links" => {
            let links = [change.old, change.new]
                .into_iter()
                .flatten()
                .filter_map(Value::as_str);
            let links: Vec<String> = links.map(str::to_owned).collect();
            let runs = TouchedUnits::OverriddenRuns {
                links: links.clone(),
                platform: None,
            };
            let scripts = TouchedUnits::OverriddenScripts {
                links,
                platform: None,
            };
            let why = "can match an override in configuration";
            let mut effects = vec![(runs, false, why), (scripts, true, why)];
            // If `links` only gets another name, nothing is rebuilt, although dependents see
            // another variable.
            if change.old.is_none() || change.new.is_none() {
                let why = "makes dependents' scripts wait for this one";
                effects.push((TouchedUnits::DependentRuns, true, why));
            }
            effects
        }
        "autobins" => [TargetKind::Bin, TargetKind::Test, TargetKind::Bench]
            .map(|kind| (all_of(kind), true, "decides which binaries the package has"))
            .into(),
        "autolib" => targets_of(TargetKind::Lib),
        "autoexamples" => targets_of(TargetKind::Example),
        "autotests" => targets_of(TargetKind::Test),
        "autobenches" => targets_of(TargetKind::Bench),
        "workspace" => vec![(TouchedUnits::All, false, "chooses the workspace root")],
        _ => vec![(TouchedUnits::Package, false, "is unknown to xtask-kit")],
    }
}

/// Returns a value of `[package]` in one normal form for all the spellings that cargo allows.
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

/// Returns the number of a resolver, with the same number for 2 and 3: they unify features in the
/// same way and differ only in the versions that they lock.
fn resolver_named(value: &Value) -> Option<i64> {
    match value.as_str()? {
        "1" => Some(1),
        "2" | "3" => Some(2),
        _ => None,
    }
}

/// Returns the number of the resolver that an edition implies; 0 for an unknown edition, the value
/// itself for an inherited edition.
fn resolver(edition: Option<&Value>) -> Result<i64, &Value> {
    match edition.map(|edition| edition.as_str().ok_or(edition)) {
        None | Some(Ok("2015" | "2018")) => Ok(1),
        Some(Ok("2021" | "2024")) => Ok(2),
        Some(Ok(_)) => Ok(0),
        Some(Err(inherited)) => Err(inherited),
    }
}

/// Returns the changes for a difference in the `[lints]` of a package or a workspace. The lints of
/// every tool except cargo become flags in the fingerprint of each compiled unit. This is true for
/// every command: `cargo build` includes clippy's lints too.
fn lints(above: &[&str], change: &KeyChange, what: &TouchedUnits) -> Vec<SemanticChange> {
    let flag = |tool: &str, lint: &str, said: Option<&Value>| {
        let said = said?;
        let of = |key| said.get(key).cloned();
        let level = of("level").unwrap_or_else(|| said.clone());
        let priority = of("priority").unwrap_or(Value::Integer(0));
        let check = of("check-cfg").filter(|_| (tool, lint) == ("rust", "unexpected_cfgs"));
        Some((level, priority, check))
    };
    let effect = |path: &[&str]| {
        let why = "becomes flags of every compiled unit";
        SemanticChange::new(&[above, path].concat(), what.clone(), false, why)
    };
    let mut effects = Vec::new();
    for tool in change.inside().unwrap_or_default() {
        match tool.inside() {
            _ if tool.key == "cargo" => {}
            None => effects.push(effect(&[tool.key])),
            Some(inside) => {
                for lint in inside {
                    let of = |said| flag(tool.key, lint.key, said);
                    if of(lint.old) != of(lint.new) {
                        effects.push(effect(&[tool.key, lint.key]));
                    }
                }
            }
        }
    }
    effects
}

/// Returns the changes for a difference in the `[workspace]` table of a root.
fn workspace(change: &KeyChange) -> Vec<SemanticChange> {
    let all = |path: &[&str], told, why| SemanticChange::new(path, TouchedUnits::All, told, why);
    if change.old.is_none() || change.new.is_none() {
        let why = "decides whether this manifest is a workspace root";
        return vec![all(&["workspace"], false, why)];
    }
    let mut effects = Vec::new();
    for table in change.inside().unwrap_or_default() {
        let path = ["workspace", table.key];
        match table.key {
            "metadata" => {}
            "package" => {
                for entry in table.inside().unwrap_or_default() {
                    let path = [path[0], path[1], entry.key];
                    for (what, told, why) in package_key(&entry) {
                        let inherit = Inherit::Package(entry.key.to_owned(), what.into());
                        effects.push(SemanticChange::new(
                            &path,
                            TouchedUnits::Inherited(inherit),
                            told,
                            why,
                        ));
                    }
                }
            }
            "dependencies" => {
                for entry in table.inside().unwrap_or_default() {
                    let path = [path[0], path[1], entry.key];
                    let key = entry.key.to_owned();
                    let touches = |package| {
                        let key = key.clone();
                        TouchedUnits::Inherited(Inherit::Dependency { key, package })
                    };
                    effects.extend(dependency(&path, &entry, &touches));
                }
            }
            "lints" => effects.extend(lints(
                &path,
                &table,
                &TouchedUnits::Inherited(Inherit::Lints),
            )),
            "resolver" if said("resolver", table.old) == said("resolver", table.new) => {}
            "resolver" => effects.push(all(&path, true, "chooses how features unify")),
            "members" | "exclude" | "default-members" => {
                let why = "chooses the packages whose features unify";
                effects.push(all(&path, true, why));
            }
            _ => effects.push(all(&path, false, "is unknown to xtask-kit")),
        }
    }
    effects
}

/// Returns the units of a package that a difference in the root manifest touches. Returns nothing
/// if the package's manifest does not inherit the key with `workspace = true`.
pub fn inherited(manifest: &Table, root: &Inherit) -> Vec<TouchedUnits> {
    let from_root = |value: &Value| value.get("workspace") == Some(&Value::Boolean(true));
    match root {
        Inherit::Package(key, what) => {
            let package = manifest.get("package").or_else(|| manifest.get("project"));
            let value = package.and_then(|package| package.get(key));
            let what = value.filter(|value| from_root(value)).map(|_| what);
            what.map(|what| (**what).clone()).into_iter().collect()
        }
        Inherit::Dependency { key, package } => {
            let known = all_dependencies(manifest);
            let inheriting = known.filter(|(_, name, entry)| name == key && from_root(entry));
            let kinds: BTreeSet<DepKind> = inheriting.map(|(kind, ..)| kind).collect();
            let users = kinds.into_iter().map(|kind| {
                let package = package.clone();
                TouchedUnits::Dependency { kind, package }
            });
            users.collect()
        }
        Inherit::Lints => {
            let inherits = manifest.get("lints").is_some_and(from_root);
            inherits
                .then_some(TouchedUnits::Package)
                .into_iter()
                .collect()
        }
    }
}

#[cfg(test)]
mod tests;
