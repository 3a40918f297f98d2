//! Kept runs as a whole: their trend, a list, and their way to another machine.

use anyhow::{Context as _, Result};
use cargo_metadata::camino::Utf8PathBuf;

use super::{Format, Kept, show};
use crate::cli::args::WorkspaceArgs;
use crate::error::Status;
use crate::exec::timings::Request;
use crate::quote;
use crate::timings::select::{self, Series};
use crate::timings::{Run, trend as history};
use crate::{render, usage};

/// Arguments of `timings trend`.
#[derive(Debug, clap::Args)]
pub(super) struct TrendArgs {
    /// Runs of every kind, not only those like the newest
    #[arg(long)]
    all: bool,
    /// The last so many
    #[arg(long, value_name = "N", default_value_t = 20)]
    last: usize,
    /// How to show it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    workspace: WorkspaceArgs,
}

pub(super) fn trend(args: &TrendArgs) -> Result<Status> {
    let kept = Kept::load(&args.workspace)?;
    let mut trend = history::trend(&kept.history, args.all);
    trend.keep_last(args.last);
    match args.format {
        Format::Text => render::data(&render::timings::trend(&trend))?,
        Format::Json => render::json(&trend)?,
        Format::Markdown => render::data(&render::timings::markdown::trend(&trend))?,
        Format::Github => show::summary(&render::timings::markdown::trend(&trend))?,
    }
    if trend.points.is_empty() {
        render::note("no run is kept yet: `timings` makes one");
    }
    if trend.others > 0 {
        let others = render::count(trend.others, "run");
        render::note(format_args!(
            "{others} that did something else left out; --all shows them"
        ));
    }
    Ok(Status::Done)
}

/// Arguments of `timings list`.
#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    /// How to show it
    #[arg(long, value_enum, default_value_t)]
    format: ListFormat,
    #[command(flatten)]
    workspace: WorkspaceArgs,
}

#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum ListFormat {
    /// A line for each
    #[default]
    Text,
    /// For programs; see the documentation of the JSON
    Json,
}

pub(super) fn list(args: &ListArgs) -> Result<Status> {
    let kept = Kept::load(&args.workspace)?;
    match args.format {
        ListFormat::Text => render::data(&render::timings::list(&kept.history))?,
        ListFormat::Json => render::json(&render::timings::list_json(&kept.history))?,
    }
    if kept.history.is_empty() {
        let directory = kept.store.directory();
        render::note(format_args!(
            "no run is kept in {} yet",
            quote::name(&directory)
        ));
    }
    Ok(Status::Done)
}

/// Arguments of `timings export`.
#[derive(Debug, clap::Args)]
pub(super) struct ExportArgs {
    /// Which runs: latest, latest~1, a label, the beginning of a commit or an id; by default all
    runs: Vec<String>,
    #[command(flatten)]
    workspace: WorkspaceArgs,
}

pub(super) fn export(args: &ExportArgs) -> Result<Status> {
    let kept = Kept::load(&args.workspace)?;
    let named = args.runs.iter().map(|spec| {
        let found = select::find(&kept.history, spec);
        found.map_err(|error| usage!("{error}"))
    });
    let named = named.collect::<Result<Vec<&Series>>>()?;
    let all = || kept.history.iter().collect();
    let wanted: Vec<&Series> = if named.is_empty() { all() } else { named };
    for series in wanted {
        for record in kept.store.records(series)? {
            render::data(&(serde_json::to_string(&record).context("cannot write JSON")? + "\n"))?;
        }
    }
    Ok(Status::Done)
}

/// Arguments of `timings import`.
#[derive(Debug, clap::Args)]
pub(super) struct ImportArgs {
    /// Exported runs, report pages or build logs of cargo's, directories of such, or - for
    /// standard input
    #[arg(required = true)]
    files: Vec<Utf8PathBuf>,
    /// Name what is imported, to find it again
    #[arg(long, value_name = "NAME")]
    label: Option<String>,
    #[command(flatten)]
    workspace: WorkspaceArgs,
}

pub(super) fn import(args: &ImportArgs) -> Result<Status> {
    let kept = Kept::load(&args.workspace)?;
    let forwarded = args.workspace.forwarded_with_manifest();
    let request = Request {
        runner: &kept.runner,
        workspace: &kept.workspace,
        command: &["build"],
        forwarded: &forwarded,
        arguments: &[],
        run: Run {
            label: args.label.clone(),
            ..Run::default()
        },
    };
    let (mut imported, mut known) = (0, 0);
    for record in request.import_all(&args.files)? {
        match kept.store.has(&record.run) && args.label.is_none() {
            true => known += 1,
            false => {
                kept.store.save(&record)?;
                imported += 1;
            }
        }
    }
    let already = match known {
        0 => String::new(),
        known => format!(", {known} here already"),
    };
    render::status(
        "Imported",
        format_args!("{}{already}", render::count(imported, "run")),
    );
    Ok(Status::Done)
}
