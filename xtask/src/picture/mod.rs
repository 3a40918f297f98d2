//! A picture of the workspace: the graph of packages as an HTML page, with what a change affects.
//!
//! [`Picture`] holds what is shown, [`layout`] computes where each package stands, and `page` writes
//! the page. Everything is computed before the page is written; the page's script arranges only the
//! parts that the reader chooses.

mod layout;
mod page;
mod views;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use layout::Arrow;
pub(crate) use page::PictureText;
use serde::Serialize;
use xtask_impact::query::Answer;
use xtask_impact::seeds::{Effect, Seed};
use xtask_impact::unit_graph::{UnitGraph, UnitIx, target_name, unit_name};
use xtask_impact::workspace::{Package, PackageIx, TargetKind, Workspace};

/// The packages or units of a graph, and what a change affects.
#[derive(Debug, Default)]
pub(crate) struct Picture {
    nodes: Vec<DrawnNode>,
    /// The kinds of each dependency, by dependent and dependency.
    edges: BTreeMap<(usize, usize), EdgeKinds>,
    /// The index of each node, by the package id or the name of the unit.
    known: HashMap<String, usize>,
    change: Option<PicturedChange>,
    /// True if the nodes are units.
    has_units: bool,
}

/// A package or a unit.
#[derive(Debug, Serialize)]
struct DrawnNode {
    name: String,
    version: String,
    /// The directory of the package, relative to the root of the workspace.
    folder: String,
    member: bool,
    /// The kinds of the targets.
    kinds: BTreeSet<&'static str>,
}

/// The kinds of a dependency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct EdgeKinds {
    normal: bool,
    build: bool,
    dev: bool,
}

/// The change, and the units that it affects.
#[derive(Debug, Default, Serialize)]
struct PicturedChange {
    /// The comparisons, as text.
    compared: Vec<String>,
    /// The units of all chains. A step comes after the step that it is affected through.
    steps: Vec<ChainStep>,
    /// The reasons of the first steps.
    seeds: Vec<Seed>,
    /// The affected units.
    units: Vec<PicturedUnit>,
}

/// A unit of a chain.
#[derive(Debug, Serialize)]
struct ChainStep {
    name: String,
    node: usize,
    /// The step that this step is affected through.
    #[serde(skip_serializing_if = "Option::is_none")]
    through: Option<usize>,
    /// The seed, for the first step of a chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<usize>,
}

/// An affected unit.
#[derive(Debug, Serialize)]
struct PicturedUnit {
    node: usize,
    /// The name within the package.
    name: String,
    kind: &'static str,
    effect: Effect,
    step: usize,
    /// The number of steps from the change.
    distance: usize,
}

impl Picture {
    /// Adds packages and the dependencies between them.
    pub(crate) fn add_packages(&mut self, workspace: &Workspace, packages: &[PackageIx]) {
        for &index in packages {
            let package = workspace.package(index);
            let node = DrawnNode {
                name: package.name.clone(),
                version: package.version.clone(),
                folder: folder(workspace, package),
                member: package.member,
                kinds: kinds(package),
            };
            self.add(&package.id, node);
        }
        for &index in packages {
            let package = workspace.package(index);
            for dependency in &package.dependencies {
                let on = &workspace.package(dependency.package).id;
                let (Some(&from), Some(&to)) = (self.known.get(&package.id), self.known.get(on))
                else {
                    continue;
                };
                let kinds = self.edges.entry((from, to)).or_default();
                kinds.normal |= dependency.normal;
                kinds.build |= dependency.build;
                kinds.dev |= dependency.dev;
            }
        }
    }

    /// Adds the units of packages and the dependencies between them.
    pub(crate) fn add_units(
        &mut self,
        workspace: &Workspace,
        graph: &UnitGraph,
        packages: &[PackageIx],
    ) {
        self.has_units = true;
        let packages: BTreeSet<PackageIx> = packages.iter().copied().collect();
        let units = graph.units().filter(|it| packages.contains(&it.1.package));
        let mut nodes = HashMap::new();
        for (index, unit) in units {
            let package = workspace.package(unit.package);
            let node = DrawnNode {
                name: unit_name(workspace, unit),
                version: package.version.clone(),
                folder: folder(workspace, package),
                member: package.member,
                kinds: BTreeSet::from([kind(unit.kind, package.is_proc_macro())]),
            };
            let key = format!("{} {}", package.id, node.name);
            nodes.insert(index, self.add(&key, node));
        }
        for (&index, &from) in &nodes {
            for to in graph.dependencies(index).filter_map(|it| nodes.get(&it.0)) {
                self.edges.entry((from, *to)).or_default().normal = true;
            }
        }
    }

    /// Adds a change: the affected units, and all packages of their chains.
    pub(crate) fn add_change(&mut self, answer: &Answer, units: &[UnitIx]) {
        let (workspace, graph) = (&answer.workspace, &answer.graph);
        let chains: Vec<_> = units
            .iter()
            .filter_map(|&unit| Some((unit, answer.affected.chain(unit)?)))
            .collect();
        let own = workspace.packages();
        let own = own.filter(|(_, it)| it.member || it.source.is_none());
        let mut packages: BTreeSet<PackageIx> = own.map(|it| it.0).collect();
        for (_, (way, _)) in &chains {
            packages.extend(way.iter().map(|&unit| graph.unit(unit).package));
        }
        self.add_packages(workspace, &Vec::from_iter(packages));
        let change = self.change.get_or_insert_default();
        change.compared.push(answer.compared.clone());
        let mut steps = HashMap::new();
        for (index, (way, seed)) in &chains {
            let unit = graph.unit(*index);
            let package = workspace.package(unit.package);
            let mut through = None;
            for &step in way.iter().rev() {
                let number = *steps.entry(step).or_insert_with(|| {
                    let seed = through.is_none().then(|| change.add_seed(seed));
                    let unit = graph.unit(step);
                    change.steps.push(ChainStep {
                        name: unit_name(workspace, unit),
                        node: self.known[&workspace.package(unit.package).id],
                        through,
                        seed,
                    });
                    change.steps.len() - 1
                });
                through = Some(number);
            }
            change.units.push(PicturedUnit {
                node: self.known[&package.id],
                name: target_name(unit.kind, unit.mode, &unit.target),
                kind: kind(unit.kind, package.is_proc_macro()),
                effect: answer.affected.effect(*index).unwrap_or(Effect::Rebuilt),
                step: steps[index],
                distance: way.len() - 1,
            });
        }
    }

    /// Returns the edges, in the order of the map.
    fn arrows(&self) -> Vec<Arrow> {
        let edges = self.edges.iter();
        let arrows = edges.map(|(&(from, to), kinds)| Arrow {
            from,
            to,
            is_soft: !(kinds.normal || kinds.build),
        });
        arrows.collect()
    }

    /// Returns the number of steps from the change to each node; `None` for nodes that are not
    /// affected. Returns `None` if the picture shows no change.
    fn distances(&self) -> Option<Vec<Option<usize>>> {
        let mut distances: Vec<Option<usize>> = vec![None; self.nodes.len()];
        for unit in &self.change.as_ref()?.units {
            let known = &mut distances[unit.node];
            *known = Some(known.map_or(unit.distance, |it| it.min(unit.distance)));
        }
        Some(distances)
    }

    /// Adds a node, and returns its index. A node that is known already stays.
    fn add(&mut self, key: &str, node: DrawnNode) -> usize {
        if let Some(&known) = self.known.get(key) {
            self.nodes[known].member |= node.member;
            return known;
        }
        self.known.insert(key.to_owned(), self.nodes.len());
        self.nodes.push(node);
        self.nodes.len() - 1
    }
}

impl PicturedChange {
    fn add_seed(&mut self, seed: &Seed) -> usize {
        self.seeds.push(seed.clone());
        self.seeds.len() - 1
    }
}

impl DrawnNode {
    /// Returns the text that the node shows: the name, with the version if the package is not a
    /// member.
    fn label(&self) -> String {
        match self.member || self.version.is_empty() {
            true => self.name.clone(),
            false => format!("{} {}", self.name, self.version),
        }
    }
}

/// Returns the directory of a package, relative to the root of the workspace.
fn folder(workspace: &Workspace, package: &Package) -> String {
    match (
        &package.source,
        package.directory().strip_prefix(&workspace.root),
    ) {
        (Some(_), _) => String::new(),
        (None, Ok(below)) if below == "" => ".".to_owned(),
        (None, Ok(below)) => below.to_string(),
        (None, Err(_)) => package.directory().to_string(),
    }
}

fn kinds(package: &Package) -> BTreeSet<&'static str> {
    let targets = package.targets.iter();
    targets.map(|it| kind(it.kind, it.proc_macro)).collect()
}

fn kind(kind: TargetKind, is_proc_macro: bool) -> &'static str {
    match kind {
        TargetKind::Lib if is_proc_macro => "proc-macro",
        TargetKind::Lib => "lib",
        TargetKind::Bin => "bin",
        TargetKind::Example => "example",
        TargetKind::Test => "test",
        TargetKind::Bench => "bench",
        TargetKind::CustomBuild => "build script",
    }
}

#[cfg(test)]
mod tests;
