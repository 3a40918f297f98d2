//! The output of `--unit-graph`, reduced to the fields that are used here. Unknown fields are
//! ignored.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use camino::Utf8Path;
use serde::Deserialize;

/// Makes a cargo command print its unit graph instead of building. Cargo caches rustc's output in
/// the target directory. With unstable features, rustc prints more, and the user's own cargo must
/// not find that output. So it is cached in `cache` instead.
pub(super) fn printed_instead(command: &mut Command, cache: &Utf8Path) {
    command
        .args(["--unit-graph", "-Zunstable-options"])
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_DIR", cache)
        .env("CARGO_BUILD_BUILD_DIR", cache);
}

#[derive(Deserialize)]
pub(super) struct RawGraph {
    pub(super) version: u32,
    pub(super) units: Vec<RawUnit>,
    #[serde(default)]
    pub(super) roots: Vec<usize>,
}

impl RawGraph {
    /// Parses the output. Every index in the result is valid.
    pub(super) fn read(json: &[u8]) -> Result<Self> {
        let graph: Self = serde_json::from_slice(json).context("cargo printed no unit graph")?;
        let dependencies = graph.units.iter().flat_map(|unit| &unit.dependencies);
        let mut places = dependencies.map(|on| &on.index).chain(&graph.roots);
        ensure!(
            places.all(|&place| place < graph.units.len()),
            "cargo's unit graph names a unit that it does not contain"
        );
        Ok(graph)
    }
}

/// Returns the indexes of `count` units, every user before its dependencies. `below` returns the
/// dependencies of a unit.
pub(super) fn users_first<I: Iterator<Item = usize>>(
    count: usize,
    below: impl Fn(usize) -> I,
) -> Result<Vec<usize>> {
    let mut users = vec![0_usize; count];
    for on in (0..count).flat_map(&below) {
        users[on] += 1;
    }
    let mut order: Vec<usize> = (0..count).filter(|&unit| users[unit] == 0).collect();
    let mut next = 0;
    while let Some(&unit) = order.get(next) {
        next += 1;
        for on in below(unit) {
            users[on] -= 1;
            if users[on] == 0 {
                order.push(on);
            }
        }
    }
    ensure!(order.len() == count, "cargo's unit graph has a cycle");
    Ok(order)
}

#[derive(Deserialize)]
pub(super) struct RawUnit {
    pub(super) pkg_id: String,
    pub(super) target: RawTarget,
    pub(super) profile: BTreeMap<String, serde_json::Value>,
    pub(super) platform: Option<String>,
    pub(super) mode: String,
    pub(super) features: Vec<String>,
    pub(super) dependencies: Vec<RawDependency>,
}

#[derive(Deserialize)]
pub(super) struct RawTarget {
    pub(super) kind: Vec<String>,
    pub(super) crate_types: Vec<String>,
    pub(super) name: String,
    pub(super) src_path: Option<String>,
    pub(super) edition: String,
    #[serde(default)]
    pub(super) doc: bool,
    #[serde(default)]
    pub(super) doctest: bool,
    #[serde(default)]
    pub(super) test: bool,
}

#[derive(Deserialize)]
pub(super) struct RawDependency {
    pub(super) index: usize,
    pub(super) extern_crate_name: String,
    #[serde(flatten)]
    pub(super) options: BTreeMap<String, serde_json::Value>,
}
