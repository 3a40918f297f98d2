//! `timings`: cargo's own `--timings`, summed up.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

use super::args::WorkspaceArgs;
use crate::error::Status;
use crate::exec;
use crate::render;
use crate::timings::{ReportError, read_report, summarize};

/// Arguments of `timings`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How to show the summary
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// How many of the slowest units to name
    #[arg(long, value_name = "N", default_value_t = 15)]
    slowest: usize,
    #[command(flatten)]
    workspace: WorkspaceArgs,
    /// Arguments for `cargo build`
    #[arg(last = true, value_name = "CARGO ARGS")]
    cargo_args: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum Format {
    /// A screenful
    #[default]
    Text,
    /// For programs; see the documentation of the JSON
    Json,
}

pub(super) fn run(args: &Args) -> Result<Status> {
    let (runner, workspace) = args.workspace.load()?;
    let target_directory = exec::target_directory(&runner, &workspace, &args.cargo_args);
    let directory = target_directory.join("cargo-timings");
    let earlier = reports(&directory);

    let mut command = runner.cargo();
    command.args([
        "build",
        "--timings",
        "--message-format",
        "json-render-diagnostics",
    ]);
    command
        .args(args.workspace.forwarded_with_manifest())
        .args(&args.cargo_args);
    let (status, messages) = exec::messages(&mut command)?;

    // `cargo-timing.html` may be an older build's, where cargo had nothing to write; a report of
    // this build is one that was not there before.
    let Some(report) = reports(&directory).difference(&earlier).max().cloned() else {
        render::warning(format_args!(
            "cargo wrote no timing report to {directory}; there is nothing to sum up"
        ));
        return Ok(exec::forwarded(status));
    };
    let html = std::fs::read_to_string(&report).with_context(|| format!("cannot read {report}"))?;
    match read_report(&html, &messages) {
        Ok(build) => {
            let summary = summarize(&build, args.slowest);
            match args.format {
                Format::Text => render::data(&render::timings::text(&summary, &report))?,
                Format::Json => render::json(&render::timings::json(&summary, &report))?,
            }
        }
        Err(ReportError::NoUnits) => render::note(ReportError::NoUnits),
        Err(error) => return Err(error).with_context(|| format!("cannot use {report}")),
    }
    Ok(exec::forwarded(status))
}

/// The reports in a directory, one a run; their names sort by time.
fn reports(directory: &Utf8Path) -> BTreeSet<Utf8PathBuf> {
    let Ok(entries) = directory.read_dir_utf8() else {
        return BTreeSet::new();
    };
    entries
        .filter_map(|entry| Some(entry.ok()?.into_path()))
        .filter(|path| {
            path.file_name()
                .is_some_and(|name| name.starts_with("cargo-timing-"))
                && path.extension() == Some("html")
        })
        .collect()
}
