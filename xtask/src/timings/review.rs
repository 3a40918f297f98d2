//! `timings review`: the review of a build over a quarter, in one report.

use anyhow::Result;
use serde::Serialize;

use super::experiment::{self, TrialCandidate};
use super::{ContendedArgs, ReportFormat, RunHistory};
use crate::artifacts::disk_usage::size;
use crate::cargo_runs::build_times::select::Series;
use crate::cargo_runs::build_times::{BuildRecord, Run, round};
use crate::cli::args::WorkspaceArgs;
use crate::cli::output;
use crate::cli::output::count;
use crate::cli::status::Status;
use crate::timings::compare::{self, TimingsComparison, Verdict};
use crate::timings::text::document::{Document, DocumentPart};
use crate::timings::text::{percent, plus, seconds, trend_page};
use crate::timings::trend::{self, Trend};
use crate::timings::{analysis, show_command};

/// The number of packages and of changes that a review lists.
const ROWS: usize = 10;

/// Arguments of `timings review`.
#[derive(Debug, clap::Args)]
pub(crate) struct ReviewArgs {
    /// Review the runs of this many days
    #[arg(long, value_name = "DAYS", default_value_t = 92)]
    days: u32,
    /// Print the review in this format
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
    #[command(flatten)]
    use_of: ContendedArgs,
    #[command(flatten)]
    workspace: WorkspaceArgs,
}

/// The review of a build.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Review {
    /// The version of this format.
    pub version: u32,
    /// The number of days that the review covers.
    pub days: u32,
    /// The runs of the newest run's kind, the oldest first.
    pub trend: Trend,
    /// The packages of the newest run that take longest, the longest first.
    pub packages: Vec<PackageTrend>,
    /// The comparison of the oldest run with the newest run.
    pub growth: Option<TimingsComparison>,
    /// The growth of the directory from the oldest to the newest run, in bytes.
    pub directory: Option<FigureRange>,
    /// The share of hits of the compiler cache in the oldest and in the newest run, in percent.
    pub cache_hits: Option<FigureRange>,
    /// The contended runs, which the other figures leave out.
    pub contended: Vec<ContendedRun>,
    /// The settings that are worth an experiment.
    pub candidates: Vec<TrialCandidate>,
}

/// A figure at both ends of a review.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct FigureRange {
    /// The figure of the oldest run that has one.
    pub from: f64,
    /// The figure of the newest run that has one.
    pub to: f64,
}

/// The time of a package in the oldest and in the newest run.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct PackageTrend {
    /// The name of the package.
    pub package: String,
    /// The time of all its units in the newest run, in seconds.
    pub time: f64,
    /// The time in the oldest run. `None` if that run did not build the package.
    pub before: Option<f64>,
    /// The share of the time of all units of the newest run, in percent.
    pub share: f64,
}

/// A run that is left out.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct ContendedRun {
    /// The start of the run in UTC.
    pub started: String,
    /// The name of the run.
    pub name: String,
    /// The time of the build, in seconds.
    pub total: f64,
    /// The processor time of the build, in seconds.
    pub cpu: Option<f64>,
    /// The reason.
    pub because: String,
}

pub(crate) fn run(args: &ReviewArgs) -> Result<Status> {
    let kept = RunHistory::load(&args.workspace)?;
    let review = review(&kept, args)?;
    let document = review.document();
    match args.format {
        ReportFormat::Text => output::data(&document.text())?,
        ReportFormat::Json => output::json(&review)?,
        ReportFormat::Markdown => output::data(&document.markdown())?,
        ReportFormat::Github => show_command::summary(&document.markdown())?,
        ReportFormat::Html => output::data(&document.html())?,
    }
    if kept.history.is_empty() {
        output::note(
            "no run is recorded yet\nhint: `cargo xtask timings` measures a build and records the run",
        );
    }
    Ok(Status::Done)
}

fn review(kept: &RunHistory, args: &ReviewArgs) -> Result<Review> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    let today = i64::try_from(now.as_secs() / 86_400)?;
    let first = today - i64::from(args.days);
    let is_recent = |series: &Series| series[0].day().is_none_or(|day| day >= first);
    let (mut history, left_out) = kept.comparable(args.use_of);
    history.retain(is_recent);
    let mut trend = trend::trend(&history, false);
    let contended = match left_out {
        0 => Vec::new(),
        _ => contended(&kept.history, first),
    };
    trend.contended = contended.len();
    let ends = ends(&history, &trend);
    let records = ends.map(|(oldest, newest)| -> Result<_> {
        Ok((kept.store.records(oldest)?, kept.store.records(newest)?))
    });
    let records = records.transpose()?;
    let figures = |figure: &dyn Fn(&Run) -> Option<f64>| {
        let figures: Vec<f64> = trend
            .points
            .iter()
            .filter_map(|it| figure(&it.run))
            .collect();
        Some(FigureRange {
            from: *figures.first()?,
            to: *figures.last()?,
        })
    };
    Ok(Review {
        version: 1,
        days: args.days,
        directory: figures(&|run| Some(run.directory_bytes? as f64)),
        cache_hits: figures(&|run| run.cache.as_ref()?.hit_rate().map(round)),
        packages: match &records {
            Some((oldest, newest)) => packages(oldest, newest),
            None => Vec::new(),
        },
        growth: records
            .filter(|(oldest, newest)| oldest[0].run.id != newest[0].run.id)
            .map(|(oldest, newest)| compare::compare(&oldest, &newest)),
        contended,
        candidates: experiment::proposals(kept, args.use_of)?,
        trend,
    })
}

/// Returns the oldest and the newest series among the successful builds of a trend.
fn ends<'a>(history: &'a [Series], trend: &Trend) -> Option<(&'a Series, &'a Series)> {
    let mut whole = trend.points.iter().filter(|point| !point.run.failed);
    let first = whole.next()?;
    let last = whole.next_back().unwrap_or(first);
    let of = |run: &Run| history.iter().find(|series| series[0].id == run.id);
    Some((of(&first.run)?, of(&last.run)?))
}

/// Returns the contended runs since a day.
fn contended(history: &[Series], first: i64) -> Vec<ContendedRun> {
    let runs = history.iter().flatten();
    let runs = runs.filter(|run| run.day().is_none_or(|day| day >= first));
    let contended = runs.filter_map(|run| {
        Some(ContendedRun {
            started: run.started(),
            name: run.name(),
            total: run.total,
            cpu: run.machine.as_ref().and_then(|it| it.cpu),
            because: run.contended.clone()?,
        })
    });
    contended.collect()
}

/// Returns the packages of the newest run, each with its time in the oldest run.
fn packages(oldest: &[BuildRecord], newest: &[BuildRecord]) -> Vec<PackageTrend> {
    let shares = |records: &[BuildRecord]| {
        let typical = compare::typical(records);
        typical.and_then(|it| analysis::analyse(it).ok())
    };
    let (Some(old), Some(new)) = (shares(oldest), shares(newest)) else {
        return Vec::new();
    };
    let is_alone = oldest[0].run.id == newest[0].run.id;
    let packages = new.by_package.iter().take(ROWS).map(|it| {
        let before = old.by_package.iter().find(|old| old.name == it.name);
        PackageTrend {
            package: it.name.clone(),
            time: it.time,
            before: before.filter(|_| !is_alone).map(|it| it.time),
            share: round(100.0 * it.time / new.time_sum.max(0.01)),
        }
    });
    packages.collect()
}

impl Review {
    /// Returns the document of the review.
    fn document(&self) -> Document {
        let kind = self.trend.points.last().map(|point| {
            let run = &point.run;
            let clean = match &*run.clean {
                "" | "none" => String::new(),
                clean => format!(", --clean {clean}"),
            };
            let command = format!("{} {}", run.command, run.arguments.join(" "));
            format!("cargo {}{clean}", command.trim_end())
        });
        Document {
            title: format!(
                "Review of the build, {}: {}",
                count(self.days as usize, "day"),
                kind.unwrap_or_else(|| "no runs".to_owned())
            ),
            sections: vec![
                self.summary(),
                DocumentPart {
                    title: "Trend".to_owned(),
                    lines: match self.trend.points.is_empty() {
                        true => vec!["There is no run.".to_owned()],
                        false => Vec::new(),
                    },
                    charts: trend_page::charts(&self.trend),
                    columns: trend_page::COLUMNS.to_vec(),
                    rows: trend_page::rows(&self.trend),
                },
                self.slowest(),
                self.changes(),
                self.left_out(),
                self.proposals(),
            ],
        }
    }

    fn summary(&self) -> DocumentPart {
        let runs: usize = self.trend.points.iter().map(|it| it.runs).sum();
        let mut lines = vec![format!("{} of this kind", count(runs, "run"))];
        if self.trend.others > 0 {
            lines.push(format!(
                "{} of other kinds",
                count(self.trend.others, "run")
            ));
        }
        if let Some(growth) = &self.growth {
            let total = &growth.total;
            let proof = match total.verdict {
                Verdict::Slower | Verdict::Faster => "",
                Verdict::Noise => ", which is noise",
                Verdict::Unproven => ", not proven by single runs",
            };
            lines.push(format!(
                "time: {} to {} ({}){proof}",
                seconds(total.before),
                seconds(total.after),
                percent(total.percent()),
            ));
        }
        if let Some(range) = self.directory {
            let (from, to) = (size(range.from as u64), size(range.to as u64));
            lines.push(format!("directory: {from} to {to}"));
        }
        if let Some(range) = self.cache_hits {
            lines.push(format!(
                "hits of the compiler cache: {:.0}% to {:.0}%",
                range.from, range.to
            ));
        }
        lines.extend(self.growth.iter().flat_map(|it| it.warnings.clone()));
        DocumentPart {
            lines,
            ..DocumentPart::default()
        }
    }

    fn slowest(&self) -> DocumentPart {
        let rows = self.packages.iter().map(|it| {
            vec![
                seconds(it.time),
                format!("{:.0}%", it.share),
                it.before
                    .map_or_else(String::new, |before| plus(it.time - before)),
                it.package.clone(),
            ]
        });
        DocumentPart {
            title: "Slowest packages".to_owned(),
            columns: vec!["time:", "share:", "change:", "package"],
            rows: rows.collect(),
            lines: match self.packages.is_empty() {
                true => vec!["There is no run.".to_owned()],
                false => Vec::new(),
            },
            ..DocumentPart::default()
        }
    }

    fn changes(&self) -> DocumentPart {
        let mut rows = Vec::new();
        if let Some(growth) = &self.growth {
            let grown = growth.units.iter();
            let grown = grown.filter(|it| it.time.growth() >= 0.05);
            rows.extend(grown.take(ROWS).map(|it| {
                let (before, after) = (seconds(it.time.before), seconds(it.time.after));
                vec![before, after, plus(it.time.growth()), it.unit.clone()]
            }));
            rows.extend(growth.new.iter().take(ROWS).map(|it| {
                let unit = format!("{} (new)", it.unit);
                vec![String::new(), seconds(it.time), plus(it.time), unit]
            }));
        }
        let mut lines = Vec::new();
        if rows.is_empty() {
            lines.push(match self.growth {
                Some(_) => "No unit grew by 0.05s or more.".to_owned(),
                None => "There are no two runs to compare.".to_owned(),
            });
        }
        DocumentPart {
            title: "Growth from the oldest to the newest run".to_owned(),
            lines,
            columns: vec!["before:", "after:", "change:", "unit"],
            rows,
            ..DocumentPart::default()
        }
    }

    fn left_out(&self) -> DocumentPart {
        let lines = self.contended.iter().map(|it| {
            let cpu = it.cpu.map_or_else(String::new, |cpu| {
                format!(", {} of processor time", seconds(cpu))
            });
            let (total, because) = (seconds(it.total), &it.because);
            format!("{} {}: {total}{cpu}; {because}", it.started, it.name)
        });
        DocumentPart {
            title: "Left out, because the machine did other work".to_owned(),
            lines: match self.contended.is_empty() {
                true => vec!["No run is left out.".to_owned()],
                false => lines.collect(),
            },
            ..DocumentPart::default()
        }
    }

    fn proposals(&self) -> DocumentPart {
        DocumentPart {
            title: "Worth a try".to_owned(),
            lines: experiment::proposal_lines(&self.candidates),
            ..DocumentPart::default()
        }
    }
}

#[cfg(test)]
mod tests;
