//! The only reader of cargo's `--unit-graph` (JSON, version 1; documented in the unstable chapter of
//! the Cargo book). Unknown fields are ignored.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use camino::Utf8Path;
use serde::Deserialize;

/// Makes a cargo command print its unit graph instead of building. Cargo caches rustc's output in
/// the target directory. With unstable features, rustc prints more, and the user's own cargo must
/// not find that output. So it is cached in `cache` instead.
pub(super) fn print_instead(command: &mut Command, cache: &Utf8Path) {
    command
        .args(["--unit-graph", "-Zunstable-options"])
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_DIR", cache)
        .env("CARGO_BUILD_BUILD_DIR", cache);
}

/// Cargo's unit graph as cargo prints it.
#[derive(Debug, Default, Deserialize)]
pub struct UnitGraphJson {
    /// The version of the format.
    pub version: u32,
    /// The units. A dependency names a unit by its index.
    pub units: Vec<UnitJson>,
    /// The indexes of the units that the command itself requests.
    #[serde(default)]
    pub roots: Vec<usize>,
}

impl UnitGraphJson {
    /// Parses the output. Every index in the result is valid.
    ///
    /// # Errors
    /// Returns an error if the text is no unit graph of version 1, or if it names a unit that it
    /// lacks.
    pub fn read(json: &[u8]) -> Result<Self> {
        let graph: Self = serde_json::from_slice(json).context("cargo printed no unit graph")?;
        ensure!(
            graph.version == 1,
            "unknown version {} of cargo's unit graph",
            graph.version
        );
        ensure!(
            graph.has_all_units(),
            "cargo's unit graph names a unit that it does not contain"
        );
        Ok(graph)
    }

    /// Returns true if every index is the index of a unit.
    pub fn has_all_units(&self) -> bool {
        let dependencies = self.units.iter().flat_map(|unit| &unit.dependencies);
        let mut places = dependencies.map(|on| &on.index).chain(&self.roots);
        places.all(|&place| place < self.units.len())
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

/// A unit of cargo's unit graph.
#[derive(Debug, Default, Deserialize)]
pub struct UnitJson {
    /// The package id.
    pub pkg_id: String,
    /// The target of the package.
    pub target: TargetJson,
    /// The profile: cargo's names and values of its settings.
    pub profile: BTreeMap<String, serde_json::Value>,
    /// The target triple; `None` for the host.
    pub platform: Option<String>,
    /// The mode in cargo's words: `build`, `check`, `test`, `run-custom-build`, `doc`, ….
    pub mode: String,
    /// The features of the package.
    pub features: Vec<String>,
    /// The dependencies.
    pub dependencies: Vec<DependencyJson>,
}

impl UnitJson {
    /// Returns the kind of the target: `bin`, `test`, `custom-build`, …. A library has one of its
    /// crate types, such as `lib` or `proc-macro`.
    pub fn kind(&self) -> &str {
        self.target.kind.first().map_or("", String::as_str)
    }

    /// Returns true if the target is a library of any crate type.
    pub fn is_library(&self) -> bool {
        !["bin", "example", "test", "bench", "custom-build"].contains(&self.kind())
    }

    /// Returns true if the target is a procedural macro.
    pub fn is_proc_macro(&self) -> bool {
        self.target.crate_types.iter().any(|it| it == "proc-macro")
    }
}

/// The target of a unit.
#[derive(Debug, Default, Deserialize)]
pub struct TargetJson {
    /// The kinds. Only a library has several: its crate types.
    pub kind: Vec<String>,
    /// The crate types.
    pub crate_types: Vec<String>,
    /// The name.
    pub name: String,
    /// The root source file.
    pub src_path: Option<String>,
    /// The edition.
    pub edition: String,
    /// True if `cargo doc` documents the target.
    #[serde(default)]
    pub doc: bool,
    /// True if the target has documentation tests.
    #[serde(default)]
    pub doctest: bool,
    /// True if the target has a test harness.
    #[serde(default)]
    pub test: bool,
}

/// A dependency of a unit.
#[derive(Debug, Default, Deserialize)]
pub struct DependencyJson {
    /// The index of the unit that is needed.
    pub index: usize,
    /// The name in the source.
    pub extern_crate_name: String,
    /// The other settings, such as `public` and `noprelude`.
    #[serde(flatten)]
    pub options: BTreeMap<String, serde_json::Value>,
}

impl DependencyJson {
    /// Returns a dependency on the unit with this index.
    pub fn on(index: usize) -> Self {
        Self {
            index,
            ..Self::default()
        }
    }
}
