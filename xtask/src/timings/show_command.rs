//! The commands about single recorded runs: `show`, `diff` and `what-if`.

use anyhow::{Context as _, Result};
use camino::Utf8Path;
use xtask_impact::usage;

use super::{ContendedArgs, Format, ReportFormat, RunHistory, without_contended};
use crate::cargo_runs::build_times::BuildRecord;
use crate::cargo_runs::build_times::schedule::Schedule;
use crate::ci_service;
use crate::cli::args::WorkspaceArgs;
use crate::cli::output;
use crate::cli::output::verdict;
use crate::cli::status::Status;
use crate::timings::budget::{Budget, CheckedLimits, TimingsSettings};
use crate::timings::report::TimingsReport;
use crate::timings::what_if::{self, SpeedUp};
use crate::timings::{compare, text};

/// The limits of a build.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Budget")]
pub(crate) struct Limits {
    /// Exit with 1 if the build exceeds this limit: total=SECONDS, critical-path=SECONDS,
    /// growth=PERCENT or package:NAME=SECONDS; or if the hit rate of its compiler cache is lower
    /// than cache-hits=PERCENT (repeatable); the limits in [workspace.metadata.xtask.timings] apply
    /// too
    #[arg(long, hide_short_help = true, value_name = "LIMIT")]
    budget: Vec<String>,
    /// Measure growth against this run [default: the last run of the same kind]
    #[arg(long, value_name = "RUN", hide_short_help = true)]
    baseline: Option<String>,
    #[command(flatten)]
    pub(crate) use_of: ContendedArgs,
}

impl Limits {
    /// Reads the settings of the workspace, the budget, and the run that growth is measured
    /// against.
    pub(crate) fn read(&self, kept: &RunHistory) -> Result<(TimingsSettings, CheckedLimits)> {
        let settings: TimingsSettings = kept.workspace.setting("timings")?;
        let budget = self.budget(kept, &settings)?;
        let baseline = self.baseline(kept, &budget)?;
        Ok((settings, CheckedLimits { budget, baseline }))
    }

    /// Returns the configured budget with the limits of the command line added.
    fn budget(&self, kept: &RunHistory, settings: &TimingsSettings) -> Result<Budget> {
        let mut budget = settings.budget.clone();
        for limit in &self.budget {
            budget.add(limit).map_err(|error| usage!("{error}"))?;
        }
        for package in budget.packages.keys() {
            // A limit on a misspelled name could never be exceeded.
            if !kept.workspace.packages.iter().any(|it| it.name == *package) {
                let unknown = kept.workspace.find(package).map(|_| ());
                unknown.map_err(|error| usage!("budget: {error}"))?;
            }
        }
        Ok(budget)
    }

    /// Returns the run that growth is measured against, if the run was named. A configured baseline
    /// may be missing on some machines, so then there is only a warning.
    fn baseline(&self, kept: &RunHistory, budget: &Budget) -> Result<Option<Vec<BuildRecord>>> {
        if let Some(spec) = &self.baseline {
            return self.named(kept, spec).map(Some);
        }
        let named = budget.baseline.as_ref().filter(|_| budget.growth.is_some());
        let Some(spec) = named else { return Ok(None) };
        let found = self.named(kept, spec);
        Ok(found
            .inspect_err(|error| {
                output::warning(format_args!(
                    "budget.baseline: {error}\ngrowth is measured against the last run of the \
                     same kind"
                ));
            })
            .ok())
    }
}

impl Limits {
    /// Returns the records of the run that a specification names among the runs that may be
    /// compared.
    fn named(&self, kept: &RunHistory, spec: &str) -> Result<Vec<BuildRecord>> {
        let (history, left_out) = kept.comparable(self.use_of);
        let found = match kept.store.find(&history, spec) {
            // The run exists, and was left out.
            Err(_) if left_out > 0 && kept.store.find(&kept.history, spec).is_ok() => Vec::new(),
            found => without_contended(&found?, self.use_of),
        };
        match found.is_empty() {
            true => Err(usage!(
                "the machine did other work during the run `{spec}`\nhint: measure it again, or use \
                 it with --contended"
            )),
            false => Ok(found),
        }
    }
}

/// Arguments of `timings show`.
#[derive(Debug, clap::Args)]
pub(crate) struct ShowArgs {
    /// Show this run: latest, latest~1, a label, the beginning of a commit or an id, or a file
    #[arg(default_value = "latest")]
    record: String,
    /// Print the report in this format
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
    /// Show this many of the slowest units
    #[arg(long, value_name = "N", default_value_t = 5)]
    slowest: usize,
    #[command(flatten)]
    limits: Limits,
    #[command(flatten)]
    workspace: WorkspaceArgs,
}

pub(crate) fn run(args: &ShowArgs) -> Result<Status> {
    let kept = RunHistory::load(&args.workspace)?;
    let (_, limits) = args.limits.read(&kept)?;
    let records = kept.store.find(&kept.history, &args.record)?;
    let report = kept.report(&records, &limits, args.limits.use_of)?;
    emit(&report, args.format, args.slowest, None)?;
    Ok(verdict(!report.breaches.is_empty()))
}

/// Prints a report.
pub(crate) fn emit(
    report: &TimingsReport,
    format: ReportFormat,
    slowest: usize,
    page: Option<&Utf8Path>,
) -> Result<()> {
    for unchecked in &report.unchecked {
        output::warning(format_args!(
            "a limit of the budget is not checked: {unchecked}"
        ));
    }
    match format {
        ReportFormat::Text => output::data(&text::text(report, slowest, page)),
        ReportFormat::Json => output::json(&text::json(report, slowest, page)),
        ReportFormat::Html => output::data(&text::page::page(report)?),
        ReportFormat::Markdown => output::data(&text::markdown::report(report, slowest)),
        ReportFormat::Github => summary(&text::markdown::report(report, slowest)),
    }
}

/// Prints Markdown, and appends the text to the step summary of GitHub.
pub(crate) fn summary(markdown: &str) -> Result<()> {
    const FILE: &str = "GITHUB_STEP_SUMMARY";
    if std::env::var_os(FILE).is_some_and(|it| !it.is_empty()) {
        ci_service::add_to(FILE, markdown)?;
    }
    output::data(markdown)
}

/// Arguments of `timings diff`.
#[derive(Debug, clap::Args)]
pub(crate) struct DiffArgs {
    /// Compare this older run: latest~1, a label, the beginning of a commit or an id, or a file
    before: String,
    /// Compare with this newer run
    #[arg(default_value = "latest")]
    after: String,
    /// Print the difference in this format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Show this many units
    #[arg(long, value_name = "N", default_value_t = 12)]
    units: usize,
    #[command(flatten)]
    workspace: WorkspaceArgs,
}

pub(crate) fn diff(args: &DiffArgs) -> Result<Status> {
    let kept = RunHistory::load(&args.workspace)?;
    let before = kept.store.find(&kept.history, &args.before)?;
    let after = kept.store.find(&kept.history, &args.after)?;
    let comparison = compare::compare(&before, &after);
    for warning in &comparison.warnings {
        output::note(warning);
    }
    match args.format {
        Format::Text => output::data(&text::diff(&comparison, args.units))?,
        Format::Json => output::json(&comparison)?,
        Format::Markdown => {
            output::data(&text::markdown::diff(&comparison, args.units))?;
        }
        Format::Github => summary(&text::markdown::diff(&comparison, args.units))?,
    }
    Ok(Status::Done)
}

/// Arguments of `timings what-if`.
#[derive(Debug, clap::Args)]
pub(crate) struct WhatIfArgs {
    /// Start from this run: latest, a label, the beginning of a commit or an id, or a file
    #[arg(default_value = "latest")]
    record: String,
    /// Build this many units at the same time [default: as measured]
    #[arg(long, value_name = "N")]
    cores: Option<std::num::NonZeroUsize>,
    /// Assume that the units of a package are faster: PACKAGE=2x (repeatable)
    #[arg(long, value_name = "PACKAGE=FACTOR")]
    faster: Vec<String>,
    /// Print the estimate in this format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    workspace: WorkspaceArgs,
}

pub(crate) fn what_if(args: &WhatIfArgs) -> Result<Status> {
    let kept = RunHistory::load(&args.workspace)?;
    let records = kept.store.find(&kept.history, &args.record)?;
    let record = compare::typical(&records).context("there is no run")?;
    let mut change = SpeedUp {
        cores: args.cores.map(Into::into),
        ..SpeedUp::default()
    };
    for faster in &args.faster {
        change
            .add(faster, &record.build)
            .map_err(|error| usage!("{error}"))?;
    }
    if let Some(error) = &record.build.error {
        output::note(format_args!(
            "this build failed ({error}): the estimate covers what ran before"
        ));
    }
    let schedule = Schedule::new(&record.build).map_err(|error| usage!("{error}"))?;
    let answer = what_if::predict(&record.build, &schedule, record.width(), &change);
    match args.format {
        Format::Text => output::data(&text::what_if(&answer, &record.run))?,
        Format::Json => output::json(&text::what_if_json(&answer, &record.run))?,
        Format::Markdown => {
            output::data(&text::markdown::what_if(&answer, &record.run))?;
        }
        Format::Github => summary(&text::markdown::what_if(&answer, &record.run))?,
    }
    Ok(Status::Done)
}
