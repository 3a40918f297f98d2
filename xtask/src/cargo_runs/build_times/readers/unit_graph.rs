//! Adds the dependencies between units, from cargo's own `--unit-graph` for the same arguments.
//!
//! A unit's number in the timing report is its index in that graph. Fresh units are known from
//! cargo's messages, which have no number; such units are matched by package, target and mode.
//!
//! Cargo's `job_queue` decides when a unit may start: a unit that becomes an rlib starts when the
//! metadata of its dependencies is written, and a unit that links waits for the end of all its
//! direct and indirect dependencies. Binaries are only needed to run tests, not to compile tests.

use std::collections::HashMap;

use xtask_impact::resolve_diff::unit_graph_json::{UnitGraphJson, UnitJson};
use xtask_impact::workspace::name_and_version;

use crate::cargo_runs::build_times::{BuildTimings, Order, UnitTiming};

/// Adds the dependencies to the units of a build. A build with units that the graph lacks stays
/// unchanged.
///
/// # Errors
/// Returns a message that says why the graph cannot be used.
pub(crate) fn join(build: &mut BuildTimings, graph: &UnitGraphJson) -> Result<(), String> {
    let places = places(build, graph)?;
    let for_target = for_target(graph);
    for (index, place) in places.iter().enumerate() {
        let Some(place) = *place else { continue };
        let node = &graph.units[index];
        let links = needs_object_code(node, &build.units[place].mode);
        let mut needs = Vec::new();
        let mut needs_metadata = Vec::new();
        for edge in &node.dependencies {
            let dependency = &graph.units[edge.index];
            let is_run_only = matches!(dependency.kind(), "bin" | "test");
            let Some(below) = places[edge.index].filter(|_| !is_run_only) else {
                continue;
            };
            let is_pipelined = !links
                && node.mode == "build"
                && dependency.mode == "build"
                && !needs_object_code(dependency, &build.units[below].mode);
            match is_pipelined {
                true => needs_metadata.push(below),
                false => needs.push(below),
            }
        }
        let unit = &mut build.units[place];
        unit.needs = sorted(needs);
        unit.needs_metadata = sorted(needs_metadata);
        unit.links = links;
        unit.platform = node.platform.clone();
        unit.proc_macro = node.is_proc_macro();
        unit.host = node.platform.is_none() && !for_target[index];
    }
    build.order = Order::UnitGraph;
    Ok(())
}

fn sorted(mut places: Vec<usize>) -> Vec<usize> {
    places.sort_unstable();
    places.dedup();
    places
}

/// Returns the index in the build for every node of the graph, or `None` for a node that the build
/// does not have.
fn places(build: &BuildTimings, graph: &UnitGraphJson) -> Result<Vec<Option<usize>>, String> {
    let mut places = vec![None; graph.units.len()];
    let mut left = Vec::new();
    for (place, unit) in build.units.iter().enumerate() {
        let index = unit.cargos.index;
        let node = index.and_then(|index| Some((index, graph.units.get(index)?)));
        match node.filter(|(index, node)| is_same(node, unit) && places[*index].is_none()) {
            Some((index, _)) => places[index] = Some(place),
            None => left.push(place),
        }
    }
    let mut by_label: HashMap<_, Vec<usize>> = HashMap::new();
    for (index, node) in graph.units.iter().enumerate() {
        if places[index].is_none() {
            by_label.entry(label(node)).or_default().push(index);
        }
    }
    for place in left {
        let unit = &build.units[place];
        let candidates = by_label.get_mut(&label_of_timing(unit));
        let found = candidates.and_then(|indices| {
            let exact = indices
                .iter()
                .position(|&it| is_same(&graph.units[it], unit));
            let at = exact.or((!indices.is_empty()).then_some(0))?;
            Some(indices.remove(at))
        });
        match found {
            Some(index) => places[index] = Some(place),
            // Fresh units come from messages alone, and no unit waits for them.
            None if !unit.started() => {}
            None => return Err(format!("cargo's unit graph has no {unit}")),
        }
    }
    Ok(places)
}

/// Returns the target in the words of [`UnitTiming`].
pub(crate) fn target(kind: &str, name: &str) -> String {
    match kind {
        "custom-build" => "build script".to_owned(),
        "bin" | "test" | "bench" | "example" => format!("{kind} \"{name}\""),
        _ => "lib".to_owned(),
    }
}

pub(crate) type Label = (String, String, String, String);

fn label_of_timing(unit: &UnitTiming) -> Label {
    let mode = match unit.mode.as_str() {
        "check-test" => "check",
        mode => mode,
    };
    (
        unit.name.clone(),
        unit.version.clone(),
        unit.target.clone(),
        mode.to_owned(),
    )
}

/// Returns, for every unit, true if something other than build scripts and procedural macros needs
/// the unit.
fn for_target(graph: &UnitGraphJson) -> Vec<bool> {
    let mut seen = vec![false; graph.units.len()];
    let mut open = graph.roots.clone();
    while let Some(index) = open.pop() {
        let node = &graph.units[index];
        let is_script = node.kind() == "custom-build" && node.mode != "run-custom-build";
        let is_host = node.is_proc_macro() || is_script;
        if !is_host && !std::mem::replace(&mut seen[index], true) {
            open.extend(node.dependencies.iter().map(|edge| edge.index));
        }
    }
    seen
}

/// Returns true if the unit needs object code; this is cargo's `requires_upstream_objects`. The
/// graph does not distinguish a checked test harness from a checked library, but the report's `mode`
/// does.
fn needs_object_code(node: &UnitJson, mode: &str) -> bool {
    let is_test = matches!(mode, "test" | "check-test");
    let is_library = |it: &String| it == "lib" || it == "rlib";
    let target_does = match node.kind() {
        "bin" | "test" | "bench" | "custom-build" => true,
        _ => !node.target.crate_types.iter().all(is_library),
    };
    is_test || target_does
}

fn is_same(node: &UnitJson, unit: &UnitTiming) -> bool {
    // Cargo's messages name no features.
    let features = unit.features.is_empty() || unit.features == node.features;
    features && label(node) == label_of_timing(unit)
}

/// Returns package name, version, target and mode in the words of [`UnitTiming`].
pub(crate) fn label(node: &UnitJson) -> Label {
    let (name, version) = name_and_version(&node.pkg_id);
    let target = target(node.kind(), &node.target.name);
    let mode = match node.mode.as_str() {
        "run-custom-build" => "run",
        "doctest" => "doc test",
        "docscrape" => "doc scrape",
        mode => mode,
    };
    (name.to_owned(), version.to_owned(), target, mode.to_owned())
}
