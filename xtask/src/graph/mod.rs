//! The command `graph`: shows the workspace's dependency graph.

pub(crate) mod text;

use std::collections::BTreeSet;

use anyhow::Result;
use xtask_impact::unit_graph::{UnitGraph, Verb};
use xtask_impact::workspace::{Package, PackageIx, Workspace};

use crate::cli::args::WorkspaceArgs;
use crate::cli::completion::packages;
use crate::cli::status::Status;
use crate::cli::workspaces::Loaded;
use crate::cli::{output, verbs};
use crate::graph::text::GraphReport;
use crate::picture::{Picture, PictureText};
use crate::selection::filter::{LeftOut, PackageFilter};
use crate::selection::question_args::somewhere;

/// Examples of the command, for `--help`.
const EXAMPLES: &str = "Examples:
  cargo xtask graph                                 every package of the workspace
  cargo xtask graph --focus fares --depth 2         a package with its dependencies and dependents
  cargo xtask graph --units --format mermaid        cargo's units, for Markdown
  cargo xtask graph --format html                   a page to look at, search and print";

/// Arguments of `graph`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Print the graph in this format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Show only this package, its dependencies and its dependents
    #[arg(long, value_name = "PACKAGE", add = packages())]
    focus: Option<String>,
    /// Show dependencies and dependents up to this many steps away
    #[arg(long, value_name = "STEPS", default_value_t = 1, requires = "focus")]
    depth: usize,
    /// Show external packages too
    #[arg(long)]
    external: bool,
    /// Show the units of each package too
    #[arg(long)]
    units: bool,
    /// Show the units that cargo builds for this verb
    #[arg(long, value_name = "VERB", value_parser = verbs(), default_value = "check", requires = "units")]
    verb: Verb,
    #[command(flatten)]
    filter: PackageFilter,
    #[command(flatten)]
    workspace: WorkspaceArgs,
    /// Show every workspace of the repository
    #[arg(long, conflicts_with = "manifest_path")]
    all_workspaces: bool,
}

#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum Format {
    /// Print text for people, one line per package
    #[default]
    Text,
    /// Print JSON for programs, see docs/json.md
    Json,
    /// Print a graph for Graphviz
    Dot,
    /// Print a Mermaid graph for Markdown
    Mermaid,
    /// Print one self-contained HTML page with a drawing and a list
    Html,
}

pub(crate) fn run(args: &Args) -> Result<Status> {
    let mut loaded = args.workspace.load_each(args.all_workspaces)?;
    if let Some(spec) = &args.focus {
        somewhere(&loaded, spec)?;
        loaded.retain(|it| it.workspace.find(spec).is_ok());
    }
    for spec in args.filter.named() {
        somewhere(&loaded, &spec)?;
    }
    let mut reports = Vec::new();
    for one in &loaded {
        let left_out = args.filter.left_out(&one.workspace, one.name.is_some())?;
        reports.push(args.report(&one.workspace, &left_out)?);
    }
    match args.format {
        Format::Text => {
            for (one, report) in loaded.iter().zip(&reports) {
                output::data(&(output::heading(one.name.as_deref()) + &report.text()))?;
            }
        }
        Format::Json if args.all_workspaces => output::json(&output::Reports::new(reports))?,
        Format::Json => reports.iter().try_for_each(output::json)?,
        Format::Dot => output::data(&GraphReport::merged(reports).dot())?,
        Format::Mermaid => output::data(&GraphReport::merged(reports).mermaid())?,
        Format::Html => output::data(&args.page(&loaded)?)?,
    }
    Ok(Status::Done)
}

impl Args {
    fn report(&self, workspace: &Workspace, left_out: &LeftOut) -> Result<GraphReport> {
        let packages = self.packages(workspace, left_out)?;
        let report = GraphReport::new(workspace, &packages);
        Ok(match self.units {
            true => report.with_units(workspace, &UnitGraph::new(workspace, self.verb)),
            false => report,
        })
    }

    /// Returns the packages that are shown.
    fn packages(&self, workspace: &Workspace, left_out: &LeftOut) -> Result<Vec<PackageIx>> {
        let focus = self.focus.as_ref().map(|spec| workspace.find(spec));
        let focus = focus.transpose()?;
        let near = focus.map(|focus| surroundings(workspace, focus, self.depth));
        let is_shown = |(index, package): &(PackageIx, &Package)| {
            let is_near = near.as_ref().is_none_or(|near| near.contains(index));
            let is_own = package.member || package.source.is_none();
            is_near
                && !left_out.contains(*index)
                && (is_own || self.external || Some(*index) == focus)
        };
        let packages = workspace.packages().filter(is_shown);
        Ok(packages.map(|(index, _)| index).collect())
    }

    /// Returns the page of all workspaces.
    fn page(&self, loaded: &[Loaded]) -> Result<String> {
        let mut picture = Picture::default();
        for one in loaded {
            let workspace = &one.workspace;
            let left_out = self.filter.left_out(workspace, one.name.is_some())?;
            let packages = self.packages(workspace, &left_out)?;
            match self.units {
                true => {
                    let graph = UnitGraph::new(workspace, self.verb);
                    picture.add_units(workspace, &graph, &packages);
                }
                false => picture.add_packages(workspace, &packages),
            }
        }
        let roots = loaded.iter().map(|it| it.workspace.root.as_path());
        picture.page(&PictureText::of_graph(&picture, roots))
    }
}

/// Returns the packages that are at most `depth` edges away from `focus`, in both directions.
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
