//! Finds the packages that cargo compiles, their dependents, and the libraries that are built
//! several times with different features.
//!
//! `cargo metadata` also names packages that no active feature uses. The unit graph does not.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use super::selection::UnitGraphQuery;
use super::unit_graph_json::UnitGraphJson;

/// A library that is built several times for one platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Several {
    /// The package id.
    pub package: String,
    /// The builds, sorted. Each build has the features that not all builds have, and the package
    /// ids of its dependents.
    pub builds: Vec<(BTreeSet<String>, BTreeSet<String>)>,
}

/// The packages of a workspace that cargo compiles.
#[derive(Debug, Default)]
pub struct Compiled {
    /// The package ids of the dependents of each package, by package id.
    pub users: BTreeMap<String, BTreeSet<String>>,
    /// The libraries that are built several times with different features.
    pub several: Vec<Several>,
}

impl Compiled {
    /// Asks cargo for the unit graph.
    ///
    /// # Errors
    /// Returns cargo's message if cargo fails.
    pub fn ask(query: &UnitGraphQuery<'_>) -> Result<Self> {
        let graph = query.graph(&query.whole)?;
        let mut users: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for unit in &graph.units {
            users.entry(unit.pkg_id.clone()).or_default();
            let used = unit.dependencies.iter().map(|it| &graph.units[it.index]);
            for used in used.filter(|it| it.pkg_id != unit.pkg_id) {
                let users = users.entry(used.pkg_id.clone()).or_default();
                if !users.contains(&unit.pkg_id) {
                    users.insert(unit.pkg_id.clone());
                }
            }
        }
        Ok(Self {
            several: several(&graph),
            users,
        })
    }
}

fn several(graph: &UnitGraphJson) -> Vec<Several> {
    let mut users: Vec<BTreeSet<&str>> = vec![BTreeSet::new(); graph.units.len()];
    for unit in &graph.units {
        for dependency in &unit.dependencies {
            users[dependency.index].insert(&unit.pkg_id);
        }
    }
    let mut builds: BTreeMap<_, BTreeMap<BTreeSet<&str>, BTreeSet<&str>>> = BTreeMap::new();
    for (unit, users) in graph.units.iter().zip(users) {
        if unit.is_library() && unit.mode == "build" {
            let features = unit.features.iter().map(String::as_str).collect();
            let key = (&unit.pkg_id, &unit.platform);
            builds
                .entry(key)
                .or_default()
                .entry(features)
                .or_default()
                .extend(users);
        }
    }
    let several = builds.into_iter().filter(|(_, builds)| builds.len() > 1);
    let several = several.map(|((package, _), builds)| {
        let shared = |feature: &&str| builds.keys().all(|it| it.contains(feature));
        let owned = |names: &BTreeSet<&str>| names.iter().map(|&it| it.to_owned()).collect();
        let builds = builds.iter().map(|(features, users)| {
            let own = features.iter().copied().filter(|it| !shared(it)).collect();
            (owned(&own), owned(users))
        });
        Several {
            package: package.clone(),
            builds: builds.collect(),
        }
    });
    several.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_of_one_library_are_distinguished_by_features() {
        let unit = |id: &str, kind: &str, features: &[&str], on: &[usize]| {
            let on: Vec<_> = on
                .iter()
                .map(|index| serde_json::json!({"index": index, "extern_crate_name": "x"}))
                .collect();
            serde_json::json!({
                "pkg_id": id, "mode": "build", "platform": null, "features": features,
                "profile": {}, "dependencies": on,
                "target": {"kind": [kind], "crate_types": [kind], "name": id, "edition": "2024"},
            })
        };
        let graph = serde_json::json!({"version": 1, "units": [
            unit("a", "lib", &[], &[1]),
            unit("x", "lib", &["std"], &[]),
            unit("b", "custom-build", &[], &[3]),
            unit("x", "lib", &["std", "full"], &[]),
            unit("a", "bin", &["other"], &[1]),
        ]});
        let graph: UnitGraphJson = serde_json::from_value(graph).unwrap();
        let set = |names: &[&str]| names.iter().map(|&it| it.to_owned()).collect();
        let expected = Several {
            package: "x".to_owned(),
            builds: vec![(set(&["full"]), set(&["b"])), (set(&[]), set(&["a"]))],
        };
        assert_eq!(several(&graph), [expected]);
    }
}
