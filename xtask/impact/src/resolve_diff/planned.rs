//! The units that cargo builds for one command, from cargo's own unit graph, reduced to the values
//! that also stand in the records of builds. Example: `cargo check -p a` plans the library `a` as a
//! checked unit, and its procedural macros as compiled units.

use std::collections::HashMap;

use anyhow::Result;
use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};

use super::selection::UnitGraphQuery;
use super::unit_graph_json::{UnitGraphJson, UnitJson, users_first};
use crate::build_dir::unit_record::{RecordedKind, RecordedMode, UnitName};
use crate::paths::hashed;

/// The units that cargo builds for one command, whether they are fresh or not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedBuild {
    /// The units, each after its dependencies.
    pub units: Vec<PlannedUnit>,
}

/// A unit that cargo builds for a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedUnit {
    /// Cargo's package id.
    pub package: String,
    /// The name of the unit, as in the unit's record.
    pub name: UnitName,
    /// The platform that the unit is built for; `None` for the host.
    pub platform: Option<String>,
    /// The features, sorted.
    pub features: Vec<String>,
    /// The root source file of the target.
    pub source: Option<Utf8PathBuf>,
    /// True if the unit is only checked, so that rustc writes no object code.
    pub is_checked: bool,
    /// The units that the unit's record names as dependencies: all dependencies without the
    /// binaries that a test runs.
    pub dependencies: Vec<usize>,
    /// True if only build scripts and procedural macros use the unit.
    pub is_for_host: bool,
    /// True if the profile asks for debug information.
    pub has_debuginfo: bool,
    /// A hash of the profile.
    pub profile: u64,
}

/// The kind of the cargo command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlannedFor {
    /// A command that checks. The graph is that of a build, since the graph of a check does not
    /// distinguish a library from its test harness.
    Check,
    /// Any other command.
    Build,
}

impl PlannedBuild {
    /// Asks cargo for the unit graph of the query's command.
    ///
    /// # Errors
    /// Returns cargo's message if cargo fails.
    pub fn ask(query: &UnitGraphQuery<'_>, command: PlannedFor) -> Result<Self> {
        Self::new(&query.graph(&[])?, command)
    }

    fn new(graph: &UnitGraphJson, command: PlannedFor) -> Result<Self> {
        let found = forms(graph, command);
        let below = |place: usize| found[place].below.iter().map(|on| on.0);
        let users_first = users_first(found.len(), below)?;
        let for_host = for_host(graph, &found, &users_first);
        let kept: Vec<usize> = users_first
            .into_iter()
            .rev()
            .filter(|&place| is_built(&graph.units[found[place].unit]))
            .collect();
        let places: HashMap<usize, usize> =
            (0..).zip(&kept).map(|(new, &old)| (old, new)).collect();
        let units = kept.iter().map(|&place| {
            let form = &found[place];
            let raw = &graph.units[form.unit];
            let name = name_of(raw);
            let below = form.below.iter().filter(|on| on.1);
            let mut features = raw.features.clone();
            features.sort_unstable();
            PlannedUnit {
                package: raw.pkg_id.clone(),
                platform: raw.platform.clone(),
                features,
                source: raw.target.src_path.as_ref().map(Utf8PathBuf::from),
                is_checked: !form.object_code && name.mode != RecordedMode::Run,
                dependencies: below.filter_map(|on| places.get(&on.0).copied()).collect(),
                is_for_host: for_host[place],
                has_debuginfo: has_debuginfo(raw),
                profile: hashed(serde_json::to_string(&raw.profile).unwrap_or_default()),
                name,
            }
        });
        Ok(Self {
            units: units.collect(),
        })
    }
}

/// A unit of the graph in one form: with or without object code.
struct UnitForm {
    unit: usize,
    object_code: bool,
    /// The dependencies, and false for a binary, which is no dependency in records.
    below: Vec<(usize, bool)>,
}

/// Returns the forms in which the command needs the units. A check needs object code only of units
/// that run on the host while compiling, so a library can have both forms.
fn forms(graph: &UnitGraphJson, command: PlannedFor) -> Vec<UnitForm> {
    let is_check = command == PlannedFor::Check;
    let mut places = HashMap::new();
    let mut found: Vec<UnitForm> = Vec::new();
    let mut place = |unit: usize, object_code: bool, found: &mut Vec<UnitForm>| {
        *places.entry((unit, object_code)).or_insert_with(|| {
            found.push(UnitForm {
                unit,
                object_code,
                below: Vec::new(),
            });
            found.len() - 1
        })
    };
    let object_code = |unit: usize| graph.units[unit].mode != "check";
    for &root in &graph.roots {
        place(root, !is_check && object_code(root), &mut found);
    }
    let mut next = 0;
    while next < found.len() {
        let (unit, for_user) = (found[next].unit, found[next].object_code);
        let mut below = Vec::new();
        for on in &graph.units[unit].dependencies {
            let dependency = &graph.units[on.index];
            let is_binary = dependency.kind() == "bin";
            if is_check && is_binary {
                continue;
            }
            let form = match is_check {
                true => for_user || runs_on_host(dependency),
                false => object_code(on.index),
            };
            below.push((place(on.index, form, &mut found), !is_binary));
        }
        found[next].below = below;
        next += 1;
    }
    found
}

/// Returns for each form if only build scripts and procedural macros use it. `users_first` is the
/// order of the forms, every user before its dependencies.
fn for_host(graph: &UnitGraphJson, found: &[UnitForm], users_first: &[usize]) -> Vec<bool> {
    let mut for_target = vec![false; found.len()];
    let mut is_used = vec![false; found.len()];
    for &place in users_first {
        let form = &found[place];
        let unit = &graph.units[form.unit];
        for_target[place] |= !is_used[place];
        for_target[place] &= !runs_on_host(unit);
        for &(on, _) in &form.below {
            is_used[on] = true;
            for_target[on] |= for_target[place];
        }
    }
    for_target.into_iter().map(|it| !it).collect()
}

/// Returns true if a profile asks for debug information. Cargo writes `0` or `"none"` if it does
/// not, and leaves debug information out of units that only run on the host.
fn has_debuginfo(unit: &UnitJson) -> bool {
    let debuginfo = unit.profile.get("debuginfo");
    debuginfo.is_some_and(|it| !it.is_null() && it != 0 && it != "none")
}

/// Returns true for a build script and for a procedural macro. The tests of a procedural macro run
/// on the target.
fn runs_on_host(unit: &UnitJson) -> bool {
    unit.kind() == "custom-build" || unit.is_proc_macro() && unit.mode != "test"
}

/// Returns false for a documentation test, which rustdoc compiles when the test runs.
fn is_built(unit: &UnitJson) -> bool {
    unit.mode != "doctest"
}

fn name_of(unit: &UnitJson) -> UnitName {
    let kind = match unit.kind() {
        "bin" => RecordedKind::Bin,
        "example" => RecordedKind::Example,
        "test" => RecordedKind::Test,
        "bench" => RecordedKind::Bench,
        "custom-build" => RecordedKind::BuildScript,
        _ => RecordedKind::Lib,
    };
    let mode = match unit.mode.as_str() {
        "test" | "bench" => RecordedMode::Test,
        "doc" => RecordedMode::Doc,
        "run-custom-build" => RecordedMode::Run,
        _ => RecordedMode::Compile,
    };
    let target = match kind {
        RecordedKind::Lib => unit.target.name.replace('-', "_"),
        _ => unit.target.name.clone(),
    };
    UnitName { mode, kind, target }
}

#[cfg(test)]
mod tests;
