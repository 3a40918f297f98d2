//! Tests of what sources say, asked directly: a workspace, a question, and the answer.

mod conditions;
mod generated;
mod macros;
mod packages;
mod paths;
mod run_time;
mod variables;

use super::*;
use crate::testing::scene::Scene;
use crate::unit_graph::Verb;
use crate::vcs::ChangeStatus;

const LIBRARY: &str = "a: lib!test!bench!doctest";

/// Passes the sources of a scene to a function.
fn with_sources<T>(scene: &Scene, then: impl FnOnce(&mut Sources<'_>) -> T) -> T {
    let layout = PackageDirectories::new(&scene.workspace);
    let facts = RefCell::default();
    let mut sources = Sources::new(&scene.workspace, &layout, &facts, HashMap::new());
    then(&mut sources)
}

/// Returns the library of a package in a mode.
fn library(scene: &Scene, package: &str, mode: Mode) -> Unit {
    let index = crate::testing::place(&scene.workspace, package);
    Unit {
        package: index,
        target: scene
            .workspace
            .package(index)
            .library()
            .unwrap()
            .name
            .clone(),
        kind: TargetKind::Lib,
        mode,
    }
}

/// Returns the units that a modification of a file may rebuild although no scan shows it.
fn doubted(graph: &str, files: &[(&str, &str)], path: &str) -> String {
    let all: Vec<(&str, &str)> = [(path, "")]
        .into_iter()
        .chain(files.iter().copied())
        .collect();
    let mut scene = Scene::new(graph, Verb::Check, &all);
    scene.change(path, ChangeStatus::Modified);
    units_with(&scene.seeds(), "Doubt")
}

/// Returns the units that have a seed of a rule.
fn units_with(seeds: &str, rule: &str) -> String {
    let ending = format!(": {rule}");
    let units = seeds.lines().filter_map(|it| it.strip_suffix(&ending));
    units.collect::<Vec<_>>().join(", ")
}
