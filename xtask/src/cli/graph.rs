//! `graph`: the workspace's dependency graph.

use std::collections::BTreeSet;

use anyhow::Result;

use super::args::WorkspaceArgs;
use crate::error::Status;
use crate::graph::{UnitGraph, Verb};
use crate::render;
use crate::render::graph::GraphReport;
use crate::workspace::{PackageIx, Workspace};

/// Arguments of `graph`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How to show it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Show only this package and its surroundings
    #[arg(long, value_name = "PACKAGE")]
    focus: Option<String>,
    /// How many steps the surroundings reach, both ways
    #[arg(long, value_name = "STEPS", default_value_t = 1, requires = "focus")]
    depth: usize,
    /// Show external packages too
    #[arg(long)]
    external: bool,
    /// Show the units of the packages too (text and json)
    #[arg(long)]
    units: bool,
    /// Under which verb the units are shown
    #[arg(long, value_name = "VERB", default_value = "check", requires = "units")]
    verb: Verb,
    #[command(flatten)]
    workspace: WorkspaceArgs,
}

#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum Format {
    /// A line a package
    #[default]
    Text,
    /// For programs; see the documentation of the JSON
    Json,
    /// For Graphviz
    Dot,
    /// For Markdown
    Mermaid,
}

pub(super) fn run(args: &Args) -> Result<Status> {
    let (_, workspace) = args.workspace.load()?;
    let focus = args
        .focus
        .as_ref()
        .map(|spec| workspace.find(spec))
        .transpose()?;
    let shown = |index: PackageIx| {
        let package = workspace.package(index);
        args.external || package.member || package.source.is_none()
    };
    let packages: Vec<PackageIx> = match focus {
        Some(focus) => {
            let near = surroundings(&workspace, focus, args.depth);
            near.into_iter()
                .filter(|&index| index == focus || shown(index))
                .collect()
        }
        None => workspace
            .packages()
            .map(|(index, _)| index)
            .filter(|&index| shown(index))
            .collect(),
    };
    let mut report = GraphReport::new(&workspace, &packages);
    if args.units {
        report = report.with_units(&workspace, &UnitGraph::new(&workspace, args.verb));
    }
    match args.format {
        Format::Text => render::data(&report.text())?,
        Format::Json => render::json(&report)?,
        Format::Dot => render::data(&report.dot())?,
        Format::Mermaid => render::data(&report.mermaid())?,
    }
    Ok(Status::Done)
}

/// The packages that are at most `depth` edges away, upward or downward.
fn surroundings(workspace: &Workspace, focus: PackageIx, depth: usize) -> BTreeSet<PackageIx> {
    let mut near = BTreeSet::from([focus]);
    for _ in 0..depth {
        let before = near.clone();
        for (index, package) in workspace.packages() {
            for dependency in &package.dependencies {
                if before.contains(&index) {
                    near.insert(dependency.package);
                }
                if before.contains(&dependency.package) {
                    near.insert(index);
                }
            }
        }
        if near == before {
            break;
        }
    }
    near
}
