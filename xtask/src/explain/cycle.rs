//! Dependency cycles: the shortest cycle, the lines of the manifests that make it, and the edge that
//! is easiest to remove. Cargo cannot load a workspace with a cycle, so the manifests are read here.

mod manifest;
mod usage;

use std::collections::{BTreeMap, HashMap, VecDeque};

use camino::Utf8PathBuf;
use serde::Serialize;
use xtask_impact::quote;

use self::manifest::PathDependency;
use self::usage::CrateUsage;
use super::diagnostics::Diagnostic;
use super::situation::CyclePackage;
use super::verdict::{ErrorReport, ErrorVerdict};

/// A dependency that is part of a cycle.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct CycleEdge {
    /// The package that declares the dependency.
    pub(super) from: String,
    /// The dependency.
    pub(super) to: String,
    #[cfg_attr(test, schemars(with = "String"))]
    pub(super) manifest: Utf8PathBuf,
    /// The line of the declaration, counted from 1.
    pub(super) line: usize,
    /// The table of the manifest: `dependencies`, `build-dependencies`.
    pub(super) table: String,
    pub(super) removal: EdgeRemoval,
    /// The items of the dependency that the package uses, sorted.
    pub(super) uses: Vec<String>,
}

/// The way in which an edge of a cycle can be removed.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum EdgeRemoval {
    /// No source uses the dependency.
    Unused,
    /// Only tests, benches, examples and code under `cfg(test)` use the dependency. Cargo allows
    /// cycles through dev-dependencies.
    DevDependency,
    /// The used items can move into a package on which both packages depend.
    NewPackage,
}

/// Explains a cycle. `packages` are the packages that cargo named; each is a dependency of the next.
pub(super) fn explain(error: &Diagnostic, packages: &[CyclePackage]) -> ErrorReport {
    let found = ErrorReport::new(error, ErrorVerdict::DependencyCycle);
    let starts: Vec<Utf8PathBuf> = packages
        .iter()
        .map(|it| it.directory.clone().into())
        .collect();
    let graph = manifest::graph(&starts);
    let Some(cycle) = shortest(&graph, &starts) else {
        let names: Vec<String> = packages
            .iter()
            .map(|it| quote::name(&it.name).into_owned())
            .collect();
        let mut found = found.says(format!("cargo names this cycle: {}", names.join(" ← ")));
        found.verdict = ErrorVerdict::NotUnderstood;
        return found.evidence("the manifests on disk have no cycle of path dependencies");
    };
    let edges: Vec<CycleEdge> = cycle.iter().map(|it| edge(it)).collect();
    let names = edges.iter().map(|it| quote::name(&it.from).into_owned());
    let names: Vec<String> = names
        .chain([quote::name(&edges[0].from).into_owned()])
        .collect();
    let mut found = found.says(format!("the shortest cycle is {}", names.join(" → ")));
    for it in &edges {
        let uses = match &it.uses[..] {
            [] => String::new(),
            uses => format!(", which uses {}", uses[..uses.len().min(5)].join(", ")),
        };
        found = found.evidence(format!(
            "{}:{}: {} → {} in [{}]{uses}",
            it.manifest, it.line, it.from, it.to, it.table
        ));
    }
    let easiest = edges.iter().min_by_key(|it| (it.removal, it.uses.len()));
    let advice = easiest.map(advice);
    found.cycle = edges.clone();
    match advice {
        Some(advice) => found.advice(advice),
        None => found,
    }
}

fn advice(edge: &CycleEdge) -> String {
    let CycleEdge {
        from,
        to,
        manifest,
        line,
        uses,
        ..
    } = edge;
    match edge.removal {
        EdgeRemoval::Unused => {
            format!("remove line {line} of {manifest}: no source of {from} uses {to}")
        }
        EdgeRemoval::DevDependency => format!(
            "move line {line} of {manifest} to [dev-dependencies]: only tests of {from} use {to}"
        ),
        EdgeRemoval::NewPackage => format!(
            "move {} of {to} into a new package, and let {from} and {to} depend on the new package",
            match &uses[..] {
                [] => "the used items".to_owned(),
                uses => uses[..uses.len().min(5)].join(", "),
            }
        ),
    }
}

fn edge(it: &PathDependency) -> CycleEdge {
    let usage = CrateUsage::of(&it.from_directory, &it.crate_name());
    CycleEdge {
        from: it.from.clone(),
        to: it.to.clone(),
        manifest: it.manifest.clone(),
        line: it.line,
        table: it.table.clone(),
        removal: match (usage.code.is_empty(), usage.in_tests) {
            (true, true) => EdgeRemoval::DevDependency,
            (true, false) => EdgeRemoval::Unused,
            (false, _) => EdgeRemoval::NewPackage,
        },
        uses: usage.code.into_iter().collect(),
    }
}

/// Returns the edges of the shortest cycle through one of the packages.
fn shortest<'g>(
    graph: &'g BTreeMap<Utf8PathBuf, Vec<PathDependency>>,
    starts: &[Utf8PathBuf],
) -> Option<Vec<&'g PathDependency>> {
    let mut best: Option<Vec<&PathDependency>> = None;
    for start in starts {
        let mut reached: HashMap<&Utf8PathBuf, &PathDependency> = HashMap::new();
        let mut open = VecDeque::from([start]);
        while let Some(at) = open.pop_front() {
            for edge in graph.get(at).into_iter().flatten() {
                if !reached.contains_key(&edge.directory) {
                    reached.insert(&edge.directory, edge);
                    open.push_back(&edge.directory);
                }
            }
        }
        let mut path = Vec::new();
        let mut at = start;
        while let Some(edge) = reached.get(at) {
            path.push(*edge);
            at = &edge.from_directory;
            if at == start {
                path.reverse();
                if best.as_ref().is_none_or(|it| path.len() < it.len()) {
                    best = Some(path);
                }
                break;
            }
        }
    }
    best
}

#[cfg(test)]
mod tests;
