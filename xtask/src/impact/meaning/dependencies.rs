//! `[features]`, `[dependencies]` and the other tables of dependencies.
//!
//! What they resolve to is told by cargo's unit graph; that a feature is *declared* is not.

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::{Change, DepKind, Effect, Units, changes, dotted};

/// The *names* of all features are in the fingerprint of every compiled unit, the build script's
/// included, active or not; an optional dependency that no feature calls `dep:` is one of them.
pub(super) fn declared_features(old: &Table, new: &Table) -> Vec<Effect> {
    let (old, new) = (declared(old), declared(new));
    let differing = old.symmetric_difference(&new).map(|name| Effect {
        key: dotted(&["features", name]),
        what: Units::Package,
        told_by_graph: false,
        why: "is a declared feature, which every unit's fingerprint lists",
    });
    differing.collect()
}

fn declared(manifest: &Table) -> BTreeSet<&str> {
    let features = manifest.get("features").and_then(Value::as_table);
    let mut names: BTreeSet<&str> = features
        .into_iter()
        .flat_map(Table::keys)
        .map(String::as_str)
        .collect();
    let items = features
        .into_iter()
        .flatten()
        .filter_map(|(_, list)| list.as_array())
        .flatten();
    let explicit: BTreeSet<_> = items
        .filter_map(|item| item.as_str()?.strip_prefix("dep:"))
        .collect();
    for (_, key, entry) in all_dependencies(manifest) {
        let optional = entry.get("optional").and_then(Value::as_bool) == Some(true);
        if optional && !explicit.contains(key) {
            names.insert(key);
        }
    }
    names
}

/// What features activate; the order of a list says nothing.
pub(super) fn feature_definitions(change: &Change) -> Vec<Effect> {
    fn sorted(list: Option<&Value>) -> Option<BTreeSet<&str>> {
        Some(list?.as_array()?.iter().filter_map(Value::as_str).collect())
    }
    let inside = change.inside().unwrap_or_default();
    let differing = inside
        .iter()
        .filter(|feature| sorted(feature.old) != sorted(feature.new));
    let effect = |feature: &Change| Effect {
        key: dotted(&[change.key, feature.key]),
        what: Units::PackageAndDependencies,
        told_by_graph: true,
        why: "decides which features it activates",
    };
    differing.map(effect).collect()
}

pub(super) fn dep_kind(table: &str) -> Option<DepKind> {
    Some(match table {
        "dependencies" => DepKind::Normal,
        "dev-dependencies" | "dev_dependencies" => DepKind::Dev,
        "build-dependencies" | "build_dependencies" => DepKind::Build,
        _ => return None,
    })
}

/// Every dependency of a manifest, those for some platforms included, by kind and key.
pub(super) fn all_dependencies(manifest: &Table) -> impl Iterator<Item = (DepKind, &str, &Value)> {
    let platforms = manifest.get("target").and_then(Value::as_table);
    let platforms = platforms
        .into_iter()
        .flatten()
        .filter_map(|(_, table)| table.as_table());
    let tables = platforms.chain([manifest]).flatten();
    tables
        .filter_map(|(key, table)| Some((dep_kind(key)?, table.as_table()?)))
        .flat_map(|(kind, table)| {
            table
                .iter()
                .map(move |(key, entry)| (kind, key.as_str(), entry))
        })
}

/// One table of dependencies, named by `above`.
pub(super) fn dependencies(above: &[&str], kind: DepKind, change: &Change) -> Vec<Effect> {
    let mut effects = Vec::new();
    for entry in change.inside().unwrap_or_default() {
        let path = [above, &[entry.key]].concat();
        for (key, packages, told_by_graph) in dependency(&path, &entry) {
            effects.extend(packages.into_iter().map(|package| Effect {
                key: key.clone(),
                what: Units::Dependency { kind, package },
                told_by_graph,
                why: "decides how the dependency is resolved",
            }));
        }
    }
    effects
}

/// The differing keys of one dependency, each with the packages it names, and whether the graph
/// tells.
pub(super) fn dependency(path: &[&str], change: &Change) -> Vec<(String, BTreeSet<String>, bool)> {
    fn normal(entry: &Value) -> Table {
        let Value::Table(entry) = entry else {
            return Table::from_iter([("version".to_owned(), entry.clone())]);
        };
        let mut entry = entry.clone();
        if let Some(default) = entry.remove("default_features") {
            entry.insert("default-features".to_owned(), default);
        }
        for key in ["optional", "public"] {
            if entry.get(key) == Some(&Value::Boolean(false)) {
                entry.remove(key);
            }
        }
        // What an inherited entry leaves out is the root's to say.
        let inherited = entry.contains_key("workspace");
        if !inherited && entry.get("default-features") == Some(&Value::Boolean(true)) {
            entry.remove("default-features");
        }
        if let Some(Value::Array(features)) = entry.get_mut("features") {
            features.sort_by_key(|feature| feature.as_str().map(str::to_owned));
            features.dedup();
        }
        if entry.get("features") == Some(&Value::Array(Vec::new())) {
            entry.remove("features");
        }
        entry
    }
    let (old, new) = (change.old.map(normal), change.new.map(normal));
    let package = |entry: &Table| {
        entry
            .get("package")
            .and_then(Value::as_str)
            .unwrap_or(change.key)
            .to_owned()
    };
    let packages: BTreeSet<_> = [&old, &new].into_iter().flatten().map(package).collect();
    let (Some(old), Some(new)) = (old, new) else {
        return vec![(dotted(path), packages, true)];
    };
    let differing = changes(Some(&old), Some(&new)).into_iter().map(|key| {
        // What artifact dependencies add is unstable, and not all of it is an edge.
        let told = !matches!(key.key, "artifact" | "lib" | "target");
        (dotted(&[path, &[key.key]].concat()), packages.clone(), told)
    });
    differing.collect()
}

/// `[target.'cfg(…)'.dependencies]` and its like.
pub(super) fn platform_dependencies(change: &Change) -> Vec<Effect> {
    let mut effects = Vec::new();
    for platform in change.inside().unwrap_or_default() {
        for table in platform.inside().unwrap_or_default() {
            let path = [change.key, platform.key, table.key];
            match dep_kind(table.key) {
                Some(kind) => effects.extend(dependencies(&path, kind, &table)),
                None => effects.push(Effect {
                    key: dotted(&path),
                    what: Units::Package,
                    told_by_graph: false,
                    why: "is unknown to this kit",
                }),
            }
        }
    }
    effects
}
