//! Adds the dependencies between units, from cargo's own `--unit-graph` for the same arguments.
//!
//! From cargo 1.95 on, a unit's number in the timing report is its index in that graph. For older
//! versions, and where the two disagree, units are matched by package, target, mode and features.
//!
//! Cargo's `job_queue` decides when a unit may start: a unit that becomes an rlib starts when the
//! metadata of its dependencies is written, and a unit that links waits for the end of all its
//! direct and indirect dependencies. Binaries are only needed to run tests, not to compile tests.

use std::collections::HashMap;

use serde::Deserialize;
use xtask_impact::workspace::name_and_version;

use crate::cargo_runs::build_times::{BuildTimings, Order, UnitTiming};

/// The JSON of cargo's unit graph, version 1, limited to the fields that are read.
#[derive(Default, Deserialize)]
pub(crate) struct Graph {
    pub(crate) version: u32,
    pub(crate) units: Vec<TimedNode>,
    #[serde(default)]
    pub(crate) roots: Vec<usize>,
}

#[derive(Deserialize)]
pub(crate) struct TimedNode {
    pub(crate) pkg_id: String,
    pub(crate) target: Target,
    pub(crate) platform: Option<String>,
    pub(crate) mode: String,
    pub(crate) features: Vec<String>,
    pub(crate) dependencies: Vec<TimedEdge>,
}

#[derive(Deserialize)]
pub(crate) struct Target {
    pub(crate) kind: Vec<String>,
    pub(crate) crate_types: Vec<String>,
    pub(crate) name: String,
}

#[derive(Deserialize)]
pub(crate) struct TimedEdge {
    pub(crate) index: usize,
}

/// Adds the dependencies to the units of a build. A build with units that the graph lacks stays
/// unchanged.
///
/// # Errors
/// Returns a message that says why the graph cannot be used.
pub(crate) fn join(build: &mut BuildTimings, graph: &str) -> Result<(), String> {
    let graph: Graph =
        serde_json::from_str(graph).map_err(|error| format!("cargo's unit graph: {error}"))?;
    if graph.version != 1 {
        return Err(format!(
            "unknown version {} of cargo's unit graph",
            graph.version
        ));
    }
    tie(build, &graph)
}

pub(crate) fn tie(build: &mut BuildTimings, graph: &Graph) -> Result<(), String> {
    let known = |index: &usize| *index < graph.units.len();
    let edges = graph.units.iter().flat_map(|node| &node.dependencies);
    if !edges.map(|edge| edge.index).all(|index| known(&index)) || !graph.roots.iter().all(known) {
        return Err("cargo's unit graph names a unit that it lacks".to_owned());
    }
    let mut places = places(build, graph)?;
    settle_twins(build, graph, &mut places);
    let for_target = graph.for_target();
    for (index, place) in places.iter().enumerate() {
        let Some(place) = *place else { continue };
        let node = &graph.units[index];
        let links = node.links(&build.units[place].mode);
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
                && !dependency.links(&build.units[below].mode);
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
fn places(build: &BuildTimings, graph: &Graph) -> Result<Vec<Option<usize>>, String> {
    let mut places = vec![None; graph.units.len()];
    let mut left = Vec::new();
    for (place, unit) in build.units.iter().enumerate() {
        let index = unit.cargos.index;
        let node = index.and_then(|index| Some((index, graph.units.get(index)?)));
        match node.filter(|(index, node)| node.is(unit) && places[*index].is_none()) {
            Some((index, _)) => places[index] = Some(place),
            None => left.push(place),
        }
    }
    let mut by_label: HashMap<_, Vec<usize>> = HashMap::new();
    for (index, node) in graph.units.iter().enumerate() {
        if places[index].is_none() {
            by_label.entry(node.label()).or_default().push(index);
        }
    }
    for place in left {
        let unit = &build.units[place];
        let candidates = by_label.get_mut(&label(unit));
        let found = candidates.and_then(|indices| {
            let exact = indices.iter().position(|&it| graph.units[it].is(unit));
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

/// Corrects the matching of units with equal labels. Cargo before 1.94 reports neither graph
/// indices nor features, so a library that is built for the host and for the target appears as two
/// equal units. Two such units are swapped if this lowers the number of dependents that started
/// before a dependency was ready.
fn settle_twins(build: &BuildTimings, graph: &Graph, places: &mut [Option<usize>]) {
    let mut users = vec![Vec::new(); graph.units.len()];
    let mut twins: HashMap<Label, Vec<usize>> = HashMap::new();
    for (index, node) in graph.units.iter().enumerate() {
        for edge in &node.dependencies {
            users[edge.index].push(index);
        }
        let unit = places[index].map(|place| &build.units[place]);
        let is_exact = unit.is_none_or(|unit| unit.cargos.index == Some(index));
        if !is_exact {
            twins.entry(node.label()).or_default().push(index);
        }
    }
    let is_early = |places: &[Option<usize>], user: usize, dependency: usize| {
        let at = |index: usize| places[index].map(|place| &build.units[place]);
        let pair = at(user).zip(at(dependency));
        pair.is_some_and(|(user, below)| {
            user.started() && below.start + below.metadata() > user.start + 0.02
        })
    };
    let early = |places: &[Option<usize>], index: usize| {
        let below = graph.units[index].dependencies.iter();
        let below = below.filter(|edge| is_early(places, index, edge.index));
        let above = users[index].iter();
        below.count() + above.filter(|&&user| is_early(places, user, index)).count()
    };
    for group in twins.values() {
        for (number, &one) in group.iter().enumerate() {
            for &other in &group[number + 1..] {
                let before = early(places, one) + early(places, other);
                places.swap(one, other);
                if early(places, one) + early(places, other) >= before {
                    places.swap(one, other);
                }
            }
        }
    }
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

fn label(unit: &UnitTiming) -> Label {
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

impl Graph {
    /// Returns, for every unit, true if something other than build scripts and procedural macros
    /// needs the unit.
    fn for_target(&self) -> Vec<bool> {
        let mut seen = vec![false; self.units.len()];
        let mut open = self.roots.clone();
        while let Some(index) = open.pop() {
            let node = &self.units[index];
            let is_host = node.is_proc_macro() || node.is_script();
            if !is_host && !std::mem::replace(&mut seen[index], true) {
                open.extend(node.dependencies.iter().map(|edge| edge.index));
            }
        }
        seen
    }
}

impl TimedNode {
    fn kind(&self) -> &str {
        self.target.kind.first().map_or("", String::as_str)
    }

    fn is_proc_macro(&self) -> bool {
        self.target.crate_types.iter().any(|it| it == "proc-macro")
    }

    /// Returns true for the compilation of a build script, false for its run.
    fn is_script(&self) -> bool {
        self.kind() == "custom-build" && self.mode != "run-custom-build"
    }

    /// Returns true if the unit needs object code; this is cargo's `requires_upstream_objects`. The
    /// graph does not distinguish a checked test harness from a checked library, but the report's
    /// `mode` does.
    fn links(&self, mode: &str) -> bool {
        let is_test = matches!(mode, "test" | "check-test");
        let is_library = |it: &String| it == "lib" || it == "rlib";
        let target_does = match self.kind() {
            "bin" | "test" | "bench" | "custom-build" => true,
            _ => !self.target.crate_types.iter().all(is_library),
        };
        is_test || target_does
    }

    fn is(&self, unit: &UnitTiming) -> bool {
        // Cargo before 1.94 reports no features.
        let features = unit.features.is_empty() || unit.features == self.features;
        features && self.label() == label(unit)
    }

    /// Returns package name, version, target and mode in the words of [`UnitTiming`].
    pub(crate) fn label(&self) -> Label {
        let (name, version) = name_and_version(&self.pkg_id);
        let target = target(self.kind(), &self.target.name);
        let mode = match self.mode.as_str() {
            "run-custom-build" => "run",
            "doctest" => "doc test",
            "docscrape" => "doc scrape",
            mode => mode,
        };
        (name.to_owned(), version.to_owned(), target, mode.to_owned())
    }
}
