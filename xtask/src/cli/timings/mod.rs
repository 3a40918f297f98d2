//! `timings`: builds measured, kept, compared.

mod history;
mod run;
mod show;

use anyhow::Result;
use clap::Subcommand;

use super::args::WorkspaceArgs;
use crate::error::Status;
use crate::exec::timings::store::Store;
use crate::process::Runner;
use crate::timings::budget::{Budget, Settings};
use crate::timings::report::Report;
use crate::timings::select::{self, Series};
use crate::timings::trend;
use crate::timings::{Record, Run};
use crate::workspace::Workspace;
use crate::{render, usage};

/// Arguments of `timings`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: run::RunArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show a kept run again
    Show(show::ShowArgs),
    /// Compare two kept runs, the older one first
    Diff(show::DiffArgs),
    /// Guess what other cores or faster packages would bring
    WhatIf(show::WhatIfArgs),
    /// Show how builds went over time
    Trend(history::TrendArgs),
    /// List the kept runs
    List(history::ListArgs),
    /// Write kept runs to standard output, one a line, for `timings import` elsewhere
    Export(history::ExportArgs),
    /// Keep runs from files, directories or standard input (-)
    Import(history::ImportArgs),
}

pub(super) fn run(args: &Args) -> Result<Status> {
    match &args.command {
        None => run::run(&args.run),
        Some(Command::Show(args)) => show::run(args),
        Some(Command::Diff(args)) => show::diff(args),
        Some(Command::WhatIf(args)) => show::what_if(args),
        Some(Command::Trend(args)) => history::trend(args),
        Some(Command::List(args)) => history::list(args),
        Some(Command::Export(args)) => history::export(args),
        Some(Command::Import(args)) => history::import(args),
    }
}

/// The formats of whatever is no page.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum Format {
    /// A screenful
    #[default]
    Text,
    /// For programs; see the documentation of the JSON
    Json,
    /// For a comment on a pull request
    Markdown,
    /// The same, also appended to $GITHUB_STEP_SUMMARY
    Github,
}

/// The formats of a build's report.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum ReportFormat {
    /// A screenful
    #[default]
    Text,
    /// For programs; see the documentation of the JSON
    Json,
    /// For a comment on a pull request
    Markdown,
    /// The same, also appended to $GITHUB_STEP_SUMMARY
    Github,
    /// One page for a browser that needs nothing else
    Html,
}

/// The kept runs of a workspace.
struct Kept {
    runner: Runner,
    workspace: Workspace,
    store: Store,
    history: Vec<Series>,
}

impl Kept {
    fn load(args: &WorkspaceArgs) -> Result<Self> {
        let (runner, workspace) = args.load()?;
        let store = Store::of(&workspace.target_directory);
        let history = store.history()?;
        Ok(Self {
            runner,
            workspace,
            store,
            history,
        })
    }

    /// What is shown of a run's records, of which there is one at least; they may not be kept yet.
    fn report(
        &self,
        records: &[Record],
        budget: &Budget,
        baseline: Option<&[Record]>,
    ) -> Result<Report> {
        let last = select::before(&self.history, &records[0].run);
        let last = last.map(|series| self.store.records(series)).transpose()?;
        let trend = trend::of_kind(&self.history, records);
        Report::new(records, last.as_deref(), trend, budget, baseline)
            .map_err(|error| usage!("{error}"))
    }

    /// Says so where kept runs are later than one that was made just now.
    fn doubt_clock(&self, run: &Run) {
        let newest = self.history.iter().flatten().max_by_key(|it| &it.id);
        if let Some(newest) = newest.filter(|newest| newest.id > run.id) {
            render::warning(format_args!(
                "the run {} is later than this one: a clock was set back, or it came from a \
                 machine ahead of this one; until then `latest` means that run, this one is {}",
                newest.id, run.id
            ));
        }
    }

    /// Removes what the configuration does not keep, and says so.
    fn prune(&self, settings: &Settings, new: &[Record]) -> Result<()> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
        let today = i64::try_from(now.as_secs() / 86_400)?;
        let mut runs: Vec<&Run> = self.history.iter().flatten().collect();
        runs.retain(|run| new.iter().all(|record| record.run.id != run.id));
        runs.extend(new.iter().map(|record| &record.run));
        runs.sort_by(|a, b| a.id.cmp(&b.id));
        let removed = self.store.prune(&runs, &settings.keep, today)?;
        if removed > 0 {
            let what = render::count(removed, "old run");
            render::note(format_args!(
                "removed {what}: `keep` in [workspace.metadata.xtask.timings] says how many stay"
            ));
        }
        Ok(())
    }
}
