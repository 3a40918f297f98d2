//! Compares `[features]`, `[dependencies]` and the other tables of dependencies.
//!
//! Cargo's unit graph covers the resolved features and dependencies. It does not cover the
//! *declaration* of a feature.

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::{DepKind, KeyChange, SemanticChange, TouchedUnits, changes};

/// Returns a change for each feature that only one side declares. The fingerprint of every compiled
/// unit, even of the build script, lists the *names* of all declared features, active or not. An
/// optional dependency that no feature names with `dep:` also declares a feature.
pub(super) fn declared_features(old: &Table, new: &Table) -> Vec<SemanticChange> {
    let (old, new) = (declared(old), declared(new));
    let why = "is a declared feature, which every unit's fingerprint lists";
    old.symmetric_difference(&new)
        .map(|name| SemanticChange::new(&["features", name], TouchedUnits::Package, false, why))
        .collect()
}

fn declared(manifest: &Table) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    let mut explicit = BTreeSet::new();
    let features = manifest.get("features").and_then(Value::as_table);
    for (name, list) in features.into_iter().flatten() {
        names.insert(name.as_str());
        let items = list.as_array().into_iter().flatten();
        explicit.extend(items.filter_map(|item| item.as_str()?.strip_prefix("dep:")));
    }
    for (_, key, entry) in all_dependencies(manifest) {
        let optional = entry.get("optional").and_then(Value::as_bool) == Some(true);
        if optional && !explicit.contains(key) {
            names.insert(key);
        }
    }
    names
}

/// Returns a change for each feature that activates something else. The order of its list does not
/// matter.
pub(super) fn feature_definitions(change: &KeyChange) -> Vec<SemanticChange> {
    fn sorted(list: Option<&Value>) -> Option<BTreeSet<&str>> {
        Some(list?.as_array()?.iter().filter_map(Value::as_str).collect())
    }
    let inside = change.inside().unwrap_or_default();
    let differing = inside
        .iter()
        .filter(|feature| sorted(feature.old) != sorted(feature.new));
    let effects = differing.map(|feature| {
        let path = [change.key, feature.key];
        let why = "decides which features it activates";
        SemanticChange::new(&path, TouchedUnits::PackageAndDependencies, true, why)
    });
    effects.collect()
}

pub(super) fn dep_kind(table: &str) -> Option<DepKind> {
    Some(match table {
        "dependencies" => DepKind::Normal,
        "dev-dependencies" | "dev_dependencies" => DepKind::Dev,
        "build-dependencies" | "build_dependencies" => DepKind::Build,
        _ => return None,
    })
}

/// Returns every dependency of a manifest with its kind and key, including dependencies for some
/// platforms only.
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

/// Returns the changes for a difference in one table of dependencies. `above` is the path of the
/// table.
pub(super) fn dependencies(
    above: &[&str],
    kind: DepKind,
    change: &KeyChange,
) -> Vec<SemanticChange> {
    let mut effects = Vec::new();
    for entry in change.inside().unwrap_or_default() {
        let path = [above, &[entry.key]].concat();
        let touches = |package| TouchedUnits::Dependency { kind, package };
        effects.extend(dependency(&path, &entry, &touches));
    }
    effects
}

/// Returns a change for each differing key of one dependency. `touches` maps the package name of
/// the dependency to the touched units.
pub(super) fn dependency(
    path: &[&str],
    change: &KeyChange,
    touches: &dyn Fn(String) -> TouchedUnits,
) -> Vec<SemanticChange> {
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
        // For a key that an inheriting entry leaves out, the root's value counts, not the default.
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
    let mut effects = Vec::new();
    let mut add = |path: &[&str], told| {
        let why = "decides how the dependency is resolved";
        let packages = packages.iter().cloned();
        effects
            .extend(packages.map(|package| SemanticChange::new(path, touches(package), told, why)));
    };
    let (Some(old), Some(new)) = (old, new) else {
        add(path, true);
        return effects;
    };
    for differing in changes(Some(&old), Some(&new)) {
        // Artifact dependencies are unstable, and the unit graph does not show all of their
        // effects.
        let told = !matches!(differing.key, "artifact" | "lib" | "target");
        add(&[path, &[differing.key]].concat(), told);
    }
    effects
}

/// Returns the changes for a difference in tables such as `[target.'cfg(…)'.dependencies]`.
pub(super) fn platform_dependencies(change: &KeyChange) -> Vec<SemanticChange> {
    let mut effects = Vec::new();
    for platform in change.inside().unwrap_or_default() {
        for table in platform.inside().unwrap_or_default() {
            let path = [change.key, platform.key, table.key];
            match dep_kind(table.key) {
                Some(kind) => effects.extend(dependencies(&path, kind, &table)),
                None => {
                    let why = "is unknown to xtask-kit";
                    effects.push(SemanticChange::new(
                        &path,
                        TouchedUnits::Package,
                        false,
                        why,
                    ));
                }
            }
        }
    }
    effects
}
