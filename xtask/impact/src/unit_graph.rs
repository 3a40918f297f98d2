//! The unit graph: the units that cargo builds under a verb, and the units that each unit is built
//! from.
//!
//! A node of the graph is a [`Unit`]: one target of one package in one mode. One unit of the kit
//! stands for all of cargo's variants of the unit (features, host and target, check and build). The
//! kit's unit is rebuilt if cargo rebuilds any of the variants. An edge runs from a dependent to
//! its dependency. The rules for edges are those of cargo's `unit_dependencies.rs`. A test compares
//! the graph with cargo's own `--unit-graph`.
//!
//! Architecture invariant: this module reads no file and starts no process, and petgraph stays
//! private to this module.

mod unit_id;

use std::collections::{HashMap, HashSet};
use std::str::FromStr;

use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::{EdgeRef as _, VisitMap as _, Visitable as _};
use serde::{Deserialize, Serialize};
pub use unit_id::UnitId;

use crate::workspace::{Package, PackageIx, Target, TargetKind, Workspace};
use crate::{quote, usage};

/// The cargo command that will be run after the change. Every query is about one verb.
#[cfg_attr(feature = "testing", derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// `cargo check --workspace --all-targets`, and clippy
    #[default]
    Check,
    /// `cargo build --workspace --all-targets`
    Build,
    /// `cargo test --workspace`
    Test,
    /// `cargo doc --workspace --no-deps`
    Doc,
}

impl Verb {
    /// All verbs, in the order in which the help lists them.
    pub const ALL: [Self; 4] = [Self::Check, Self::Build, Self::Test, Self::Doc];

    /// Returns the name of the verb on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Build => "build",
            Self::Test => "test",
            Self::Doc => "doc",
        }
    }

    /// Returns the arguments of the cargo command that the verb stands for, over the whole
    /// workspace.
    pub fn cargo_args(self) -> &'static [&'static str] {
        match self {
            Self::Check => &["check", "--workspace", "--all-targets"],
            Self::Build => &["build", "--workspace", "--all-targets"],
            Self::Test => &["test", "--workspace", "--no-run"],
            Self::Doc => &["doc", "--workspace", "--no-deps"],
        }
    }
}

impl FromStr for Verb {
    type Err = anyhow::Error;

    /// Parses the name of a verb.
    ///
    /// # Errors
    /// Returns an error if no verb has this name.
    fn from_str(name: &str) -> anyhow::Result<Self> {
        let mut known = Self::ALL.into_iter();
        known.find(|verb| verb.name() == name).ok_or_else(|| {
            let name = quote::line(name);
            usage!("unknown verb `{name}`\nhint: use check, build, test or doc")
        })
    }
}

/// The treatment that cargo gives to a target.
#[cfg_attr(feature = "testing", derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// The target is compiled as a library, a program or a build script.
    Build,
    /// The target is compiled as a test harness. Integration tests and benches are always compiled
    /// in this mode.
    Test,
    /// The build script is run.
    RunCustomBuild,
    /// The documentation tests of a library. Cargo never compiles them; rustdoc does when they run.
    Doctest,
    /// The target is documented by rustdoc.
    Doc,
}

/// A node of the unit graph: a target of a package in a mode.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Unit {
    /// The package of the target.
    pub package: PackageIx,
    /// The kind of the target.
    pub kind: TargetKind,
    /// The name of the target.
    pub target: String,
    /// The treatment that cargo gives to the target.
    pub mode: Mode,
}

/// Returns the label of a unit within its package, in cargo's words, such as `bin app test`.
pub fn target_name(kind: TargetKind, mode: Mode, target: &str) -> String {
    let target = quote::name(target);
    match (kind, mode) {
        (_, Mode::RunCustomBuild) => "build script run".to_owned(),
        (TargetKind::CustomBuild, _) => "build script".to_owned(),
        (_, Mode::Doctest) => "doctests".to_owned(),
        (TargetKind::Bin, Mode::Doc) => format!("bin {target} doc"),
        (_, Mode::Doc) => "lib doc".to_owned(),
        (TargetKind::Lib, Mode::Build) => "lib".to_owned(),
        (TargetKind::Lib, _) => "lib test".to_owned(),
        (TargetKind::Bin, Mode::Build) => format!("bin {target}"),
        (TargetKind::Bin, _) => format!("bin {target} test"),
        (TargetKind::Example, Mode::Build) => format!("example {target}"),
        (TargetKind::Example, _) => format!("example {target} test"),
        (TargetKind::Test, _) => format!("test {target}"),
        (TargetKind::Bench, _) => format!("bench {target}"),
    }
}

impl Unit {
    /// Returns true if the unit runs tests or benchmarks when it is run.
    pub fn is_test(&self) -> bool {
        matches!(self.mode, Mode::Test | Mode::Doctest)
    }

    /// Returns the label of the unit within its package, in cargo's words, such as `bin app test`.
    pub fn label(&self) -> String {
        target_name(self.kind, self.mode, &self.target)
    }

    /// Returns true if the dev-dependencies of the package are dependencies of this unit.
    pub fn has_dev_dependencies(&self) -> bool {
        self.is_test() || self.kind == TargetKind::Example
    }

    /// Returns true if cargo starts rustc for the unit. Script runs, doctests and documentation are
    /// not compiled in this sense.
    pub fn is_compiled(&self) -> bool {
        matches!(self.mode, Mode::Build | Mode::Test)
    }
}

/// Returns the name of a unit in reports: the package name and the unit's label, such as
/// `app bin app test`.
pub fn unit_name(workspace: &Workspace, unit: &Unit) -> String {
    let package = &workspace.package(unit.package).name;
    format!("{package} {}", unit.label())
}

/// The index of a unit in the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct UnitIx(pub u32);

/// The effect that a rebuilt dependency has on its dependent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// Cargo rebuilds the dependent.
    Rebuilds,
    /// The dependent runs the dependency (a test runs a binary of its package) and must be rerun.
    Reruns,
}

/// The immutable graph of the units of a workspace under one verb.
pub struct UnitGraph {
    graph: DiGraph<Unit, Link>,
    by_package: HashMap<PackageIx, Vec<UnitIx>>,
}

impl UnitGraph {
    /// Builds the graph of all units that cargo builds or runs under `verb`.
    pub fn new(workspace: &Workspace, verb: Verb) -> Self {
        let mut graph = DiGraph::new();
        let mut roots = Vec::new();
        for (index, package) in workspace.packages() {
            for (unit, is_root) in units_of(index, package, verb) {
                let node = graph.add_node(unit);
                roots.extend(is_root.then_some(node));
            }
        }
        let mut candidates = Self::of(graph);
        for (index, package) in workspace.packages() {
            for (dependent, on, link) in candidates.edges_of(workspace, index, package, verb) {
                candidates
                    .graph
                    .update_edge(node(dependent), node(on), link);
            }
        }
        candidates.reachable_from(roots)
    }

    fn of(graph: DiGraph<Unit, Link>) -> Self {
        let mut by_package: HashMap<PackageIx, Vec<UnitIx>> = HashMap::new();
        for node in graph.node_indices() {
            let units = by_package.entry(graph[node].package).or_default();
            units.push(ix(node));
        }
        Self { graph, by_package }
    }

    /// Keeps the units that the roots need. Example: `cargo test` does not build a library that no
    /// unit links and that has no doctests.
    fn reachable_from(self, roots: Vec<NodeIndex>) -> Self {
        let mut visited = self.graph.visit_map();
        let mut pending = roots;
        while let Some(node) = pending.pop() {
            if visited.visit(node) {
                pending.extend(self.graph.neighbors(node));
            }
        }
        Self::of(self.graph.filter_map(
            |node, unit| visited.is_visited(&node).then(|| unit.clone()),
            |_, link| Some(*link),
        ))
    }

    /// Returns the units that a verb builds only because of some of its own units, such as a package's
    /// binaries because of an integration test.
    pub fn needed_only_for(
        &self,
        workspace: &Workspace,
        verb: Verb,
        some: &HashSet<UnitIx>,
    ) -> Vec<UnitIx> {
        let mut pending = Vec::new();
        for (index, package) in workspace.packages() {
            let asked_for: HashSet<Unit> = units_of(index, package, verb)
                .into_iter()
                .filter_map(|(unit, is_root)| is_root.then_some(unit))
                .collect();
            let units = self.units_of(index).iter().copied();
            let units = units.filter(|it| !some.contains(it));
            pending.extend(units.filter(|&it| asked_for.contains(self.unit(it))));
        }
        let mut needed: HashSet<UnitIx> = HashSet::new();
        while let Some(unit) = pending.pop() {
            if needed.insert(unit) {
                pending.extend(self.dependencies(unit).map(|(on, _)| on));
            }
        }
        let units = self.units().map(|(unit, _)| unit);
        units
            .filter(|unit| !needed.contains(unit) && !some.contains(unit))
            .collect()
    }

    /// Returns the edges from the units of one package to their dependencies.
    fn edges_of(
        &self,
        workspace: &Workspace,
        index: PackageIx,
        package: &Package,
        verb: Verb,
    ) -> Vec<(UnitIx, UnitIx, Link)> {
        let mut edges = Vec::new();
        let units = self.units_of(index);
        let library_of = |package| self.find(package, TargetKind::Lib, Mode::Build);
        let run_of = |package| self.find(package, TargetKind::CustomBuild, Mode::RunCustomBuild);
        let links_library = package.library().is_some_and(|library| library.linkable);
        for &dependent in units {
            let unit = self.unit(dependent);
            let mut depend = |on: Option<UnitIx>| {
                edges.extend(on.map(|on| (dependent, on, Link::Rebuilds)));
            };
            if unit.mode == Mode::RunCustomBuild {
                depend(self.find(index, TargetKind::CustomBuild, Mode::Build));
                // `DEP_*` variables: a script run reads the output of the script runs of those
                // normal dependencies that declare `links`.
                for dependency in package.dependencies.iter().filter(|known| known.normal) {
                    let on = workspace.package(dependency.package);
                    if on.links.is_some() && on.library().is_some_and(|library| library.linkable) {
                        depend(run_of(dependency.package));
                    }
                }
                continue;
            }
            for dependency in &package.dependencies {
                let used = match unit.kind {
                    TargetKind::CustomBuild => dependency.build,
                    _ => dependency.normal || dependency.dev && unit.has_dev_dependencies(),
                };
                if used {
                    depend(library_of(dependency.package));
                }
            }
            if unit.kind == TargetKind::CustomBuild {
                continue;
            }
            depend(run_of(index));
            let is_own_library = unit.kind == TargetKind::Lib && unit.mode != Mode::Doctest;
            if links_library && !is_own_library {
                depend(library_of(index));
            }
            if (unit.kind, unit.mode) == (TargetKind::Bin, Mode::Doc) {
                depend(self.find(index, TargetKind::Lib, Mode::Doc));
            }
            if matches!(unit.kind, TargetKind::Test | TargetKind::Bench) && verb != Verb::Check {
                // Cargo builds the binaries so that the tests can run them, but does not hash the
                // binaries into the tests' fingerprints.
                for &other in units {
                    let Unit { kind, mode, .. } = self.unit(other);
                    if (*kind, *mode) == (TargetKind::Bin, Mode::Build) {
                        edges.push((dependent, other, Link::Reruns));
                    }
                }
            }
        }
        edges
    }

    /// Returns the unit at an index.
    pub fn unit(&self, index: UnitIx) -> &Unit {
        &self.graph[node(index)]
    }

    /// Returns all units, grouped by package in the order of the workspace.
    pub fn units(&self) -> impl Iterator<Item = (UnitIx, &Unit)> {
        self.graph
            .node_indices()
            .map(|index| (ix(index), &self.graph[index]))
    }

    /// Returns the units of one package.
    pub fn units_of(&self, package: PackageIx) -> &[UnitIx] {
        self.by_package.get(&package).map_or(&[], Vec::as_slice)
    }

    /// Returns the first unit of a package with this kind of target and this mode.
    pub fn find(&self, package: PackageIx, kind: TargetKind, mode: Mode) -> Option<UnitIx> {
        self.units_of(package).iter().copied().find(|&index| {
            let unit = self.unit(index);
            unit.kind == kind && unit.mode == mode
        })
    }

    /// Returns the units that a unit is built from or runs.
    pub fn dependencies(&self, index: UnitIx) -> impl Iterator<Item = (UnitIx, Link)> {
        self.neighbours(index, Direction::Outgoing)
    }

    /// Returns the units that are built from a unit or run the unit.
    pub fn dependents(&self, index: UnitIx) -> impl Iterator<Item = (UnitIx, Link)> {
        self.neighbours(index, Direction::Incoming)
    }

    fn neighbours(&self, of: UnitIx, way: Direction) -> impl Iterator<Item = (UnitIx, Link)> {
        self.graph.edges_directed(node(of), way).map(move |edge| {
            let other = match way {
                Direction::Outgoing => edge.target(),
                Direction::Incoming => edge.source(),
            };
            (ix(other), *edge.weight())
        })
    }
}

fn ix(index: NodeIndex) -> UnitIx {
    UnitIx(u32::try_from(index.index()).expect("petgraph's default index is a u32"))
}

fn node(index: UnitIx) -> NodeIndex {
    NodeIndex::new(index.0 as usize)
}

/// Returns the units of one package that a verb may build. The flag is true if the verb requests
/// the unit by itself. The rules are those of cargo's `filter_default_targets` for `cargo test` and
/// `cargo doc`, and those of `--all-targets` for the other verbs.
fn units_of(index: PackageIx, package: &Package, verb: Verb) -> Vec<(Unit, bool)> {
    let mut units = Vec::new();
    let all_targets = matches!(verb, Verb::Check | Verb::Build);
    for target in &package.targets {
        let Target {
            kind, test, bench, ..
        } = *target;
        let mut push = |mode, is_root| {
            let unit = Unit {
                package: index,
                kind,
                target: target.name.clone(),
                mode,
            };
            units.push((unit, is_root));
        };
        if kind == TargetKind::CustomBuild {
            if !package.is_script_overridden {
                push(Mode::Build, false);
                push(Mode::RunCustomBuild, false);
            }
            continue;
        }
        if !package.member {
            if kind == TargetKind::Lib {
                push(Mode::Build, false);
            }
            continue;
        }
        let mut required = target.required_features.iter();
        if !required.all(|feature| package.features.contains(feature)) {
            continue;
        }
        if verb == Verb::Doc {
            if kind == TargetKind::Lib {
                push(Mode::Build, false);
            }
            if is_documented(package, target) {
                push(Mode::Doc, true);
            }
            continue;
        }
        match kind {
            TargetKind::Lib | TargetKind::Bin => push(Mode::Build, all_targets),
            TargetKind::Example if all_targets || !test => push(Mode::Build, true),
            _ => {}
        }
        if test || all_targets && bench {
            push(Mode::Test, true);
        }
        if kind == TargetKind::Lib && target.doctest && verb == Verb::Test {
            push(Mode::Doctest, true);
        }
    }
    units
}

/// Returns true if `cargo doc` documents the target. If a library and a binary have the same name,
/// cargo documents only the library.
fn is_documented(package: &Package, target: &Target) -> bool {
    let crate_name = |target: &Target| target.name.replace('-', "_");
    let is_shadowed = || {
        let library = package.library();
        library.is_some_and(|library| crate_name(library) == crate_name(target))
    };
    match target.kind {
        TargetKind::Lib => target.doc,
        TargetKind::Bin => target.doc && !is_shadowed(),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
