//! Kept runs, shown again: alone, against one another, and as they might have been.

use anyhow::{Context as _, Result};
use cargo_metadata::camino::Utf8Path;

use super::{Format, Kept, ReportFormat};
use crate::cli::args::WorkspaceArgs;
use crate::cli::verdict;
use crate::error::Status;
use crate::timings::budget::{Budget, Settings};
use crate::timings::report::Report;
use crate::timings::schedule::Schedule;
use crate::timings::what_if::{self, Change};
use crate::timings::{Record, compare};
use crate::{exec, render, usage};

/// What a build may take.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Budget")]
pub(super) struct Limits {
    /// End with status 1 where a build takes more: total=SECONDS, critical-path=SECONDS,
    /// growth=PERCENT, package:NAME=SECONDS (repeatable); adds to
    /// [workspace.metadata.xtask.timings]
    #[arg(long, value_name = "LIMIT")]
    budget: Vec<String>,
    /// Measure growth against this run [default: the last one of the same kind]
    #[arg(long, value_name = "RUN")]
    baseline: Option<String>,
}

impl Limits {
    /// The settings of the workspace, the budget by them, and what growth is measured against.
    pub(super) fn read(&self, kept: &Kept) -> Result<(Settings, Budget, Option<Vec<Record>>)> {
        let settings: Settings = kept.workspace.configured("timings")?;
        let budget = self.budget(kept, &settings)?;
        let baseline = self.baseline(kept, &budget)?;
        Ok((settings, budget, baseline))
    }

    /// The configured budget with the user's own limits.
    fn budget(&self, kept: &Kept, settings: &Settings) -> Result<Budget> {
        let mut budget = settings.budget.clone();
        for limit in &self.budget {
            budget.add(limit).map_err(|error| usage!("{error}"))?;
        }
        for package in budget.packages.keys() {
            // A limit on a name that is written wrong would never be broken.
            if !kept.workspace.packages.iter().any(|it| it.name == *package) {
                let unknown = kept.workspace.find(package).map(|_| ());
                unknown.map_err(|error| usage!("budget: {error}"))?;
            }
        }
        Ok(budget)
    }

    /// What growth is measured against, if it was named. A configured baseline need not be there
    /// on every machine.
    fn baseline(&self, kept: &Kept, budget: &Budget) -> Result<Option<Vec<Record>>> {
        if let Some(spec) = &self.baseline {
            return kept.store.find(&kept.history, spec).map(Some);
        }
        let named = budget.baseline.as_ref().filter(|_| budget.growth.is_some());
        let Some(spec) = named else { return Ok(None) };
        let found = kept.store.find(&kept.history, spec);
        Ok(found
            .inspect_err(|error| {
                render::warning(format_args!(
                    "budget.baseline: {error}\ngrowth is measured against the last run of the \
                     same kind"
                ));
            })
            .ok())
    }
}

/// Arguments of `timings show`.
#[derive(Debug, clap::Args)]
pub(super) struct ShowArgs {
    /// Which run: latest, latest~1, a label, the beginning of a commit or an id, or a file
    #[arg(default_value = "latest")]
    record: String,
    /// How to show it
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
    /// How many of the slowest units to name
    #[arg(long, value_name = "N", default_value_t = 5)]
    slowest: usize,
    #[command(flatten)]
    limits: Limits,
    #[command(flatten)]
    workspace: WorkspaceArgs,
}

pub(super) fn run(args: &ShowArgs) -> Result<Status> {
    let kept = Kept::load(&args.workspace)?;
    let (_, budget, baseline) = args.limits.read(&kept)?;
    let records = kept.store.find(&kept.history, &args.record)?;
    let report = kept.report(&records, &budget, baseline.as_deref())?;
    emit(&report, args.format, args.slowest, None)?;
    Ok(verdict(!report.breaches.is_empty()))
}

/// Prints a report.
pub(super) fn emit(
    report: &Report,
    format: ReportFormat,
    slowest: usize,
    page: Option<&Utf8Path>,
) -> Result<()> {
    for unchecked in &report.unchecked {
        render::warning(format_args!("not checked by the budget: {unchecked}"));
    }
    match format {
        ReportFormat::Text => render::data(&render::timings::text(report, slowest, page)),
        ReportFormat::Json => render::json(&render::timings::json(report, slowest, page)),
        ReportFormat::Html => render::data(&render::timings::page::page(report)?),
        ReportFormat::Markdown => render::data(&render::timings::markdown::report(report, slowest)),
        ReportFormat::Github => summary(&render::timings::markdown::report(report, slowest)),
    }
}

/// Prints Markdown, and appends it to the summary of GitHub's step.
pub(super) fn summary(markdown: &str) -> Result<()> {
    const FILE: &str = "GITHUB_STEP_SUMMARY";
    if std::env::var_os(FILE).is_some_and(|it| !it.is_empty()) {
        exec::ci::add_to(FILE, markdown)?;
    }
    render::data(markdown)
}

/// Arguments of `timings diff`.
#[derive(Debug, clap::Args)]
pub(super) struct DiffArgs {
    /// The older run: latest~1, a label, the beginning of a commit or an id, or a file
    before: String,
    /// The newer run
    #[arg(default_value = "latest")]
    after: String,
    /// How to show the difference
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// How many units to name
    #[arg(long, value_name = "N", default_value_t = 12)]
    units: usize,
    #[command(flatten)]
    workspace: WorkspaceArgs,
}

pub(super) fn diff(args: &DiffArgs) -> Result<Status> {
    let kept = Kept::load(&args.workspace)?;
    let before = kept.store.find(&kept.history, &args.before)?;
    let after = kept.store.find(&kept.history, &args.after)?;
    let comparison = compare::compare(&before, &after);
    for unlike in &comparison.unlike {
        render::note(unlike);
    }
    match args.format {
        Format::Text => render::data(&render::timings::diff(&comparison, args.units))?,
        Format::Json => render::json(&comparison)?,
        Format::Markdown => {
            render::data(&render::timings::markdown::diff(&comparison, args.units))?;
        }
        Format::Github => summary(&render::timings::markdown::diff(&comparison, args.units))?,
    }
    Ok(Status::Done)
}

/// Arguments of `timings what-if`.
#[derive(Debug, clap::Args)]
pub(super) struct WhatIfArgs {
    /// Which run: latest, a label, the beginning of a commit or an id, or a file
    #[arg(default_value = "latest")]
    record: String,
    /// Units at a time, instead of as many as were measured
    #[arg(long, value_name = "N")]
    cores: Option<std::num::NonZeroUsize>,
    /// As if a package's units were faster: PACKAGE=2x (repeatable)
    #[arg(long, value_name = "PACKAGE=FACTOR")]
    faster: Vec<String>,
    /// How to show the guess
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    workspace: WorkspaceArgs,
}

pub(super) fn what_if(args: &WhatIfArgs) -> Result<Status> {
    let kept = Kept::load(&args.workspace)?;
    let records = kept.store.find(&kept.history, &args.record)?;
    let record = compare::typical(&records).context("there is no run")?;
    let mut change = Change {
        cores: args.cores.map(Into::into),
        ..Change::default()
    };
    for faster in &args.faster {
        change
            .add(faster, &record.build)
            .map_err(|error| usage!("{error}"))?;
    }
    if let Some(error) = &record.build.error {
        render::note(format_args!(
            "this build failed ({error}): the guess is about what ran before"
        ));
    }
    let schedule = Schedule::new(&record.build).map_err(|error| usage!("{error}"))?;
    let answer = what_if::ask(&record.build, &schedule, record.width(), &change);
    match args.format {
        Format::Text => render::data(&render::timings::what_if(&answer, &record.run))?,
        Format::Json => render::json(&render::timings::what_if_json(&answer, &record.run))?,
        Format::Markdown => {
            render::data(&render::timings::markdown::what_if(&answer, &record.run))?;
        }
        Format::Github => summary(&render::timings::markdown::what_if(&answer, &record.run))?,
    }
    Ok(Status::Done)
}
