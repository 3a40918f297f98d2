//! The dependency graph as text, JSON, DOT and Mermaid.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;

use serde::Serialize;
use xtask_impact::quote;
use xtask_impact::unit_graph::{UnitGraph, unit_name};
use xtask_impact::workspace::{PackageIx, Workspace};

/// The workspace's packages and their dependencies.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Serialize)]
pub(crate) struct GraphReport {
    /// The version of this JSON format. The version changes if a reader has to change.
    pub version: u32,
    /// The directory of the root manifest.
    pub workspace_root: String,
    /// The packages, sorted by name and version.
    pub packages: Vec<GraphNode>,
    /// The units, sorted by package, then target. Absent unless asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub units: Vec<UnitNode>,
}

/// A package.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Serialize)]
pub(crate) struct GraphNode {
    /// Cargo's package id.
    pub id: String,
    /// The name of the package.
    pub name: String,
    /// The version of the package.
    pub version: String,
    /// True if the package is a member of the workspace.
    pub member: bool,
    /// The dependencies, sorted by name.
    pub dependencies: Vec<GraphEdge>,
}

/// A dependency.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Serialize)]
pub(crate) struct GraphEdge {
    /// Cargo's package id of the dependency.
    pub id: String,
    /// The name of the dependency.
    pub name: String,
    /// The kinds of the dependency: `normal`, `build`, `dev`.
    pub kinds: Vec<&'static str>,
}

/// A unit.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Serialize)]
pub(crate) struct UnitNode {
    /// The name of the unit; see [`unit_name`].
    pub unit: String,
    /// The names of the units that this unit depends on.
    pub dependencies: Vec<String>,
}

impl GraphReport {
    /// Returns the report of the given packages and the edges between them.
    pub(crate) fn new(workspace: &Workspace, packages: &[PackageIx]) -> Self {
        let shown: HashSet<_> = packages.iter().collect();
        let mut nodes = Vec::new();
        for &index in packages {
            let package = workspace.package(index);
            let mut dependencies = Vec::new();
            for dependency in &package.dependencies {
                if !shown.contains(&dependency.package) {
                    continue;
                }
                let on = workspace.package(dependency.package);
                let kinds = [
                    (dependency.normal, "normal"),
                    (dependency.build, "build"),
                    (dependency.dev, "dev"),
                ];
                let kinds = kinds.iter().filter(|kind| kind.0);
                dependencies.push(GraphEdge {
                    id: on.id.clone(),
                    name: on.name.clone(),
                    kinds: kinds.map(|kind| kind.1).collect(),
                });
            }
            dependencies.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
            nodes.push(GraphNode {
                id: package.id.clone(),
                name: package.name.clone(),
                version: package.version.clone(),
                member: package.member,
                dependencies,
            });
        }
        Self {
            version: 1,
            workspace_root: workspace.root.to_string(),
            packages: nodes,
            units: Vec::new(),
        }
    }

    /// Merges the reports of several workspaces into one. A package in several reports is listed
    /// once.
    #[must_use]
    pub(crate) fn merged(reports: Vec<Self>) -> Self {
        let mut packages: BTreeMap<_, GraphNode> = BTreeMap::new();
        let mut workspace_root = String::new();
        let mut units = Vec::new();
        for report in reports {
            workspace_root = report.workspace_root;
            units.extend(report.units);
            for node in report.packages {
                let key = (node.name.clone(), node.version.clone(), node.id.clone());
                let Some(known) = packages.get_mut(&key) else {
                    packages.insert(key, node);
                    continue;
                };
                known.member |= node.member;
                let edges = &mut known.dependencies;
                edges.extend(node.dependencies);
                edges.sort_by(|a, b| (&a.name, &a.id, &a.kinds).cmp(&(&b.name, &b.id, &b.kinds)));
                edges.dedup_by(|a, b| a.id == b.id);
            }
        }
        Self {
            version: 1,
            workspace_root,
            packages: packages.into_values().collect(),
            units,
        }
    }

    /// Adds the units of the report's packages.
    #[must_use]
    pub(crate) fn with_units(mut self, workspace: &Workspace, graph: &UnitGraph) -> Self {
        let shown: HashSet<_> = self.packages.iter().map(|node| node.id.as_str()).collect();
        let is_shown = |index| shown.contains(workspace.package(index).id.as_str());
        let mut units: Vec<_> = graph
            .units()
            .filter(|(_, unit)| is_shown(unit.package))
            .map(|(index, unit)| {
                let mut dependencies: Vec<_> = graph
                    .dependencies(index)
                    .map(|(on, _)| graph.unit(on))
                    .filter(|unit| is_shown(unit.package))
                    .map(|unit| unit_name(workspace, unit))
                    .collect();
                dependencies.sort();
                UnitNode {
                    unit: unit_name(workspace, unit),
                    dependencies,
                }
            })
            .collect();
        units.sort_by(|a, b| a.unit.cmp(&b.unit));
        self.units = units;
        self
    }

    /// Returns one line per package with its dependencies. Build dependencies and dev-dependencies
    /// are listed separately.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for node in &self.packages {
            let _ = write!(text, "{}", node.label());
            for (kind, arrow) in [("normal", " →"), ("build", "; build →"), ("dev", "; dev →")]
            {
                let of_kind: Vec<_> = node
                    .dependencies
                    .iter()
                    .filter(|edge| edge.kinds.first() == Some(&kind))
                    .map(|edge| edge.name.as_str())
                    .collect();
                if !of_kind.is_empty() {
                    let _ = write!(text, "{arrow} {}", of_kind.join(", "));
                }
            }
            text.push('\n');
        }
        for unit in &self.units {
            let _ = writeln!(text, "{} → {}", unit.unit, unit.dependencies.join(", "));
        }
        text
    }

    /// Returns the graph for Graphviz. Edges are solid for normal dependencies, dashed for build
    /// dependencies and dotted for dev-dependencies. Units are ellipses.
    pub(crate) fn dot(&self) -> String {
        let mut text =
            String::from("digraph workspace {\n    rankdir = LR;\n    node [shape = box];\n");
        for node in &self.packages {
            let style = if node.member { "" } else { ", style = dashed" };
            let (id, label) = (quote::dot(&node.id), quote::dot(&node.label()));
            let _ = writeln!(text, "    {id} [label = {label}{style}];");
        }
        for (node, edge, kind) in self.edges() {
            let style = match kind {
                "normal" => "solid",
                "build" => "dashed",
                _ => "dotted",
            };
            let (from, to) = (quote::dot(&node.id), quote::dot(&edge.id));
            let _ = writeln!(text, "    {from} -> {to} [style = {style}];");
        }
        for node in &self.units {
            let unit = quote::dot(&node.unit);
            let _ = writeln!(text, "    {unit} [shape = ellipse];");
            for on in &node.dependencies {
                let _ = writeln!(text, "    {unit} -> {};", quote::dot(on));
            }
        }
        text + "}\n"
    }

    /// Returns the graph for Markdown. Arrows are solid for normal dependencies; other arrows are
    /// dotted and labelled with their kind. Units have rounded corners.
    pub(crate) fn mermaid(&self) -> String {
        let ids = self.packages.iter().map(|node| node.id.as_str());
        let numbers: HashMap<_, _> = ids.zip(0..).collect();
        let mut text = String::from("graph LR\n");
        for (index, node) in self.packages.iter().enumerate() {
            let _ = writeln!(text, "    p{index}[{}]", quote::mermaid(&node.label()));
        }
        for (node, edge, kind) in self.edges() {
            let arrow = match kind {
                "normal" => "-->".to_owned(),
                kind => format!("-. {kind} .->"),
            };
            let (from, to) = (numbers[&*node.id], numbers[&*edge.id]);
            let _ = writeln!(text, "    p{from} {arrow} p{to}");
        }
        let units = self.units.iter().map(|node| node.unit.as_str());
        let numbers: HashMap<_, _> = units.zip(0..).collect();
        for (index, node) in self.units.iter().enumerate() {
            let _ = writeln!(text, "    u{index}({})", quote::mermaid(&node.unit));
        }
        for (from, node) in self.units.iter().enumerate() {
            let known = node.dependencies.iter();
            for to in known.filter_map(|on| numbers.get(on.as_str())) {
                let _ = writeln!(text, "    u{from} --> u{to}");
            }
        }
        text
    }

    fn edges(&self) -> impl Iterator<Item = (&GraphNode, &GraphEdge, &'static str)> {
        self.packages.iter().flat_map(|node| {
            node.dependencies
                .iter()
                .filter_map(move |edge| Some((node, edge, *edge.kinds.first()?)))
        })
    }
}

impl GraphNode {
    /// Returns the label of a package: the name, with the version if the package is not a member.
    fn label(&self) -> String {
        match self.member {
            true => self.name.clone(),
            false => format!("{} {}", self.name, self.version),
        }
    }
}

#[cfg(test)]
mod tests;
