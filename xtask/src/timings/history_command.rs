//! The commands about all recorded runs: their trend, their list, their export and import.

use anyhow::{Context as _, Result};
use camino::Utf8PathBuf;
use xtask_impact::{quote, usage};

use super::{ContendedArgs, ReportFormat, RunHistory};
use crate::cargo_runs::build_times::select::Series;
use crate::cargo_runs::build_times::{Run, select};
use crate::cli::args::WorkspaceArgs;
use crate::cli::output;
use crate::cli::status::Status;
use crate::timings::measure::MeasureRequest;
use crate::timings::{show_command, text, trend as history};

/// Arguments of `timings trend`.
#[derive(Debug, clap::Args)]
pub(crate) struct TrendArgs {
    /// Show runs of every kind, not only runs of the newest run's kind
    #[arg(long)]
    all: bool,
    /// Show this many of the last runs
    #[arg(long, value_name = "N", default_value_t = 20)]
    last: usize,
    /// Print the runs in this format
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
    #[command(flatten)]
    use_of: ContendedArgs,
    #[command(flatten)]
    workspace: WorkspaceArgs,
}

pub(crate) fn trend(args: &TrendArgs) -> Result<Status> {
    let kept = RunHistory::load(&args.workspace)?;
    let (runs, contended) = kept.comparable(args.use_of);
    let mut trend = history::trend(&runs, args.all);
    trend.contended = contended;
    trend.keep_last(args.last);
    match args.format {
        ReportFormat::Text => output::data(&text::trend(&trend))?,
        ReportFormat::Json => output::json(&trend)?,
        ReportFormat::Html => output::data(&text::trend_page::page(&trend))?,
        ReportFormat::Markdown => output::data(&text::markdown::trend(&trend))?,
        ReportFormat::Github => show_command::summary(&text::markdown::trend(&trend))?,
    }
    if trend.contended > 0 {
        let contended = output::count(trend.contended, "run");
        output::note(format_args!(
            "{contended} left out, because the machine did other work; --contended shows them"
        ));
    }
    if trend.points.is_empty() && trend.contended == 0 {
        output::note(
            "no run is recorded yet\nhint: `cargo xtask timings` measures a build and records the \
             run",
        );
    }
    if trend.others > 0 {
        let others = output::count(trend.others, "run");
        output::note(format_args!(
            "{others} of another kind left out; --all shows them"
        ));
    }
    Ok(Status::Done)
}

/// Arguments of `timings list`.
#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    /// Print the runs in this format
    #[arg(long, value_enum, default_value_t)]
    format: ListFormat,
    #[command(flatten)]
    workspace: WorkspaceArgs,
}

#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum ListFormat {
    /// Print text for people, one line per run
    #[default]
    Text,
    /// Print JSON for programs, see docs/json.md
    Json,
}

pub(crate) fn list(args: &ListArgs) -> Result<Status> {
    let kept = RunHistory::load(&args.workspace)?;
    match args.format {
        ListFormat::Text => output::data(&text::list(&kept.history))?,
        ListFormat::Json => output::json(&text::list_json(&kept.history))?,
    }
    if kept.history.is_empty() {
        let directory = kept.store.directory();
        output::note(format_args!(
            "no run is recorded in {} yet",
            quote::name(&directory)
        ));
    }
    Ok(Status::Done)
}

/// Arguments of `timings export`.
#[derive(Debug, clap::Args)]
pub(crate) struct ExportArgs {
    /// Export these runs: latest, latest~1, a label, the beginning of a commit or an id [default: all]
    runs: Vec<String>,
    #[command(flatten)]
    workspace: WorkspaceArgs,
}

pub(crate) fn export(args: &ExportArgs) -> Result<Status> {
    let kept = RunHistory::load(&args.workspace)?;
    let named = args.runs.iter().map(|spec| {
        let found = select::find(&kept.history, spec);
        found.map_err(|error| usage!("{error}"))
    });
    let named = named.collect::<Result<Vec<&Series>>>()?;
    let all = || kept.history.iter().collect();
    let wanted: Vec<&Series> = if named.is_empty() { all() } else { named };
    for series in wanted {
        for record in kept.store.records(series)? {
            output::data(&(serde_json::to_string(&record).context("cannot write JSON")? + "\n"))?;
        }
    }
    Ok(Status::Done)
}

/// Arguments of `timings import`.
#[derive(Debug, clap::Args)]
pub(crate) struct ImportArgs {
    /// Import these files (exported runs, report pages or build logs of cargo), directories of such
    /// files, or stdin (-)
    #[arg(required = true)]
    files: Vec<Utf8PathBuf>,
    /// Label the imported runs
    #[arg(long, value_name = "NAME")]
    label: Option<String>,
    #[command(flatten)]
    workspace: WorkspaceArgs,
}

pub(crate) fn import(args: &ImportArgs) -> Result<Status> {
    let kept = RunHistory::load(&args.workspace)?;
    let forwarded = args.workspace.forwarded_with_manifest();
    let request = MeasureRequest {
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
    output::status(
        "Imported",
        format_args!("{}{already}", output::count(imported, "run")),
    );
    Ok(Status::Done)
}
