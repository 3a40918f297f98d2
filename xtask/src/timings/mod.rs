//! `timings`: measures builds, saves the records, and compares them.

pub mod analysis;
pub mod budget;
pub mod compare;
pub mod duplicates;
pub(crate) mod experiment;
mod history_command;
pub mod measure;
pub mod report;
pub(crate) mod review;
mod run_command;
mod show_command;
pub mod text;
pub mod trend;
pub mod what_if;

use anyhow::Result;
use clap::Subcommand;
use xtask_impact::process::Runner;
use xtask_impact::usage;
use xtask_impact::workspace::Workspace;

use crate::cargo_runs::build_times::select::Series;
use crate::cargo_runs::build_times::store::Store;
use crate::cargo_runs::build_times::{BuildRecord, Run, select};
use crate::cli::args::WorkspaceArgs;
use crate::cli::output;
use crate::cli::status::Status;
use crate::timings::budget::{CheckedLimits, TimingsSettings};
use crate::timings::report::TimingsReport;

/// Examples of the command, for `--help`.
const EXAMPLES: &str = "Examples:
  cargo xtask timings --clean all                   measure a build from nothing
  cargo xtask timings --budget total=120            end with status 1 if it takes longer
  cargo xtask timings diff latest~1                 the last two runs
  cargo xtask timings what-if --cores 16            the same build on other hardware";

/// Arguments of `timings`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: run_command::RunArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show a recorded run
    Show(show_command::ShowArgs),
    /// Compare two recorded runs, the older one first
    Diff(show_command::DiffArgs),
    /// Estimate the build time with other cores or faster packages
    WhatIf(show_command::WhatIfArgs),
    /// Show the build times of the recorded runs over time
    Trend(history_command::TrendArgs),
    /// Compare builds with and without settings of cargo
    Try(experiment::TryArgs),
    /// Review the recorded builds of a quarter
    Review(review::ReviewArgs),
    /// List the recorded runs
    List(history_command::ListArgs),
    /// Write recorded runs to stdout, for `timings import` on another machine
    Export(history_command::ExportArgs),
    /// Import runs from files, directories or stdin
    Import(history_command::ImportArgs),
}

pub(crate) fn run(args: &Args) -> Result<Status> {
    match &args.command {
        None => run_command::run(&args.run),
        Some(Command::Show(args)) => show_command::run(args),
        Some(Command::Diff(args)) => show_command::diff(args),
        Some(Command::WhatIf(args)) => show_command::what_if(args),
        Some(Command::Trend(args)) => history_command::trend(args),
        Some(Command::Try(args)) => experiment::run(args),
        Some(Command::Review(args)) => review::run(args),
        Some(Command::List(args)) => history_command::list(args),
        Some(Command::Export(args)) => history_command::export(args),
        Some(Command::Import(args)) => history_command::import(args),
    }
}

/// Returns the records of the builds that were not contended; with the flag, all records.
fn without_contended(records: &[BuildRecord], use_of: ContendedArgs) -> Vec<BuildRecord> {
    let is_used = |record: &&BuildRecord| use_of.contended || record.run.contended.is_none();
    records.iter().filter(is_used).cloned().collect()
}

/// The formats of reports other than the page.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum Format {
    /// Print text for people
    #[default]
    Text,
    /// Print JSON for programs, see docs/json.md
    Json,
    /// Print Markdown, for example for a comment on a pull request
    Markdown,
    /// Print Markdown, and append it to $GITHUB_STEP_SUMMARY
    Github,
}

/// The formats of a build's report.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum ReportFormat {
    /// Print text for people
    #[default]
    Text,
    /// Print JSON for programs, see docs/json.md
    Json,
    /// Print Markdown, for example for a comment on a pull request
    Markdown,
    /// Print Markdown, and append it to $GITHUB_STEP_SUMMARY
    Github,
    /// Print one self-contained HTML page
    Html,
}

/// The use of contended runs.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
struct ContendedArgs {
    /// Also use runs during which the machine did other work
    #[arg(long, hide_short_help = true)]
    contended: bool,
}

/// The recorded runs of a workspace.
struct RunHistory {
    runner: Runner,
    workspace: Workspace,
    store: Store,
    history: Vec<Series>,
}

impl RunHistory {
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

    /// Returns the runs that other runs may be compared with, and the number of contended runs that
    /// are left out.
    fn comparable(&self, use_of: ContendedArgs) -> (Vec<Series>, usize) {
        match use_of.contended {
            true => (self.history.clone(), 0),
            false => select::uncontended(&self.history),
        }
    }

    /// Returns the report of a run's records. There is at least one record; the records need not be
    /// stored yet. The contended runs of a series are left out if the series has other runs. The
    /// time limits are not checked for a build that was contended.
    fn report(
        &self,
        records: &[BuildRecord],
        limits: &CheckedLimits,
        use_of: ContendedArgs,
    ) -> Result<TimingsReport> {
        let (history, _) = self.comparable(use_of);
        let alone = without_contended(records, use_of);
        let contended = alone.is_empty();
        let used = if contended { records } else { &alone };
        let last = select::before(&history, &used[0].run);
        let last = last.map(|series| self.store.records(series)).transpose()?;
        let last = last.map(|last| without_contended(&last, use_of));
        let trend = trend::of_kind(&history, used);
        let (budget, unchecked) = match contended {
            true => limits.budget.without_times(),
            false => (limits.budget.clone(), None),
        };
        let baseline = limits.baseline.as_deref();
        let report = TimingsReport::new(used, last.as_deref(), trend, &budget, baseline);
        let mut report = report.map_err(|error| usage!("{error}"))?;
        report.left_out = records.len() - used.len();
        report.unchecked.extend(unchecked);
        Ok(report)
    }

    /// Warns if a recorded run is later than the run that was just made.
    fn warn_of_later_run(&self, run: &Run) {
        let newest = self.history.iter().flatten().max_by_key(|it| &it.id);
        if let Some(newest) = newest.filter(|newest| newest.id > run.id) {
            output::warning(format_args!(
                "the run {} has a later time than this run: a clock was set back, or the run came \
                 from another machine. `latest` names the later run; the name of this run is {}",
                newest.id, run.id
            ));
        }
    }

    /// Removes the runs that the configuration does not keep, and prints their number.
    fn prune(&self, settings: &TimingsSettings, new: &[BuildRecord]) -> Result<()> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
        let today = i64::try_from(now.as_secs() / 86_400)?;
        let mut runs: Vec<&Run> = self.history.iter().flatten().collect();
        runs.retain(|run| new.iter().all(|record| record.run.id != run.id));
        runs.extend(new.iter().map(|record| &record.run));
        runs.sort_by(|a, b| a.id.cmp(&b.id));
        let removed = self.store.prune(&runs, &settings.keep, today)?;
        if removed > 0 {
            let what = output::count(removed, "old run");
            output::note(format_args!(
                "removed {what}: `keep` in [workspace.metadata.xtask.timings] sets how many are \
                 kept"
            ));
        }
        Ok(())
    }
}
