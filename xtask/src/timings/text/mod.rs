//! Writes timings as plain text for a terminal of 100 columns, and as JSON.

pub(crate) mod document;
pub mod markdown;
pub mod page;
mod report;
pub(crate) mod trend_page;

use camino::Utf8Path;
use serde::Serialize;
use xtask_impact::quote;

use self::report::listed;
pub use self::report::text;
use crate::artifacts::disk_usage::size;
use crate::cargo_runs::build_times::select::Series;
use crate::cargo_runs::build_times::{Run, UnitTiming};
use crate::cli::output::count;
use crate::compiler_cache::counts::CacheCounts;
use crate::timings::analysis::Analysis;
use crate::timings::budget::Breach;
use crate::timings::compare::{ComparedSide, FigureChange, TimingsComparison, UnitChange, Verdict};
use crate::timings::report::TimingsReport;
use crate::timings::trend::Trend;
use crate::timings::what_if::WhatIf;

/// The JSON of a report.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Serialize)]
pub struct TimingsJson<'a> {
    version: u32,
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    page: Option<&'a Utf8Path>,
    run: &'a Run,
    totals: &'a [f64],
    #[serde(flatten)]
    analysis: Analysis,
    since_last: Option<&'a TimingsComparison>,
    left_out: usize,
    breaches: &'a [Breach],
    unchecked: &'a [String],
    what_if: &'a WhatIf,
    units: &'a [UnitTiming],
}

/// Returns the JSON of a report. The JSON contains the list of units, and the other fields refer to
/// the units by index.
pub fn json<'a>(
    report: &'a TimingsReport,
    slowest: usize,
    page: Option<&'a Utf8Path>,
) -> TimingsJson<'a> {
    let mut analysis = report.analysis.clone();
    analysis.slowest.truncate(slowest);
    TimingsJson {
        version: 2,
        page,
        run: &report.record.run,
        totals: &report.totals,
        analysis,
        since_last: report.since_last.as_ref(),
        left_out: report.left_out,
        breaches: &report.breaches,
        unchecked: &report.unchecked,
        what_if: &report.what_if,
        units: &report.record.build.units,
    }
}

/// The JSON of a prediction.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Serialize)]
pub struct WhatIfJson<'a> {
    version: u32,
    run: &'a Run,
    #[serde(flatten)]
    what_if: &'a WhatIf,
}

/// Returns the JSON of a prediction, with the run that the prediction is about.
pub fn what_if_json<'a>(what_if: &'a WhatIf, run: &'a Run) -> WhatIfJson<'a> {
    WhatIfJson {
        version: 1,
        run,
        what_if,
    }
}

/// The JSON of the recorded runs.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Serialize)]
pub struct RunList<'a> {
    version: u32,
    runs: Vec<&'a Run>,
}

/// Returns the JSON of the recorded runs.
pub fn list_json(history: &[Series]) -> RunList<'_> {
    RunList {
        version: 1,
        runs: history.iter().flatten().collect(),
    }
}

/// Returns the text of a comparison. Each list shows at most `units` units.
pub fn diff(comparison: &TimingsComparison, units: usize) -> String {
    let mut lines = vec![
        format!("{} → {}", side(&comparison.before), side(&comparison.after)),
        verdict(&comparison.total).to_owned(),
        String::new(),
        "   before     after    change".to_owned(),
    ];
    let row = |time: &FigureChange, what: &str| {
        format!(
            "{:>9} {:>9} {:>9}  {what}{}",
            seconds(time.before),
            seconds(time.after),
            plus(time.growth()),
            noise(time)
        )
    };
    for (what, time) in [
        ("total", &comparison.total),
        ("critical path", &comparison.critical_path),
        ("all units together", &comparison.time_sum),
    ] {
        lines.push(row(time, what));
    }
    let changed: Vec<_> = changed(comparison).collect();
    if !changed.is_empty() {
        lines.push(String::new());
        lines.extend(changed.iter().take(units).map(|unit| {
            let from = unit.from_version.as_ref();
            let from = from.map_or(String::new(), |it| format!(" (was v{it})"));
            row(&unit.time, &format!("{}{from}", unit.unit))
        }));
        if changed.len() > units {
            let more = count(changed.len() - units, "unit");
            lines.push(format!("{:>29}  {more} more", ""));
        }
    }
    for (what, only) in [("new", &comparison.new), ("vanished", &comparison.vanished)] {
        if !only.is_empty() {
            let time: f64 = only.iter().map(|it| it.time).sum();
            let number = count(only.len(), "unit");
            lines.push(String::new());
            lines.push(format!("{what}: {number}, {}", seconds(time)));
            let shown = only.iter().take(units);
            lines.extend(shown.map(|it| format!("{:>9}  {}", seconds(it.time), it.unit)));
        }
    }
    let (old, new) = comparison.ran_on_one_side;
    if old + new > 0 {
        lines.push(String::new());
        lines.push(format!(
            "built on one side and fresh on the other: {old} before, {new} after"
        ));
    }
    screen(&lines)
}

/// Returns the units whose difference exceeds noise and rounding.
fn changed(comparison: &TimingsComparison) -> impl Iterator<Item = &UnitChange> {
    let units = comparison.units.iter();
    units.filter(|unit| unit.time.verdict != Verdict::Noise && unit.time.growth().abs() >= 0.05)
}

fn side(side: &ComparedSide) -> String {
    match side.runs {
        1 => side.name.clone(),
        runs => format!("{} (median of {runs})", side.name),
    }
}

/// Returns a change as text. Example: `+2.30s (+4.8%)`.
fn change(change: &FigureChange) -> String {
    let percent = change.percent();
    let percent = percent.map_or(String::new(), |it| format!(" ({it:+.1}%)"));
    format!("{}{percent}{}", plus(change.growth()), noise(change))
}

/// Returns a percentage as text, such as `+4.8%`; empty if the value is unknown.
pub(crate) fn percent(percent: Option<f64>) -> String {
    percent.map_or(String::new(), |it| format!("{it:+.1}%"))
}

fn noise(change: &FigureChange) -> &'static str {
    match change.verdict {
        Verdict::Noise if change.growth() != 0.0 => ", which is noise",
        _ => "",
    }
}

/// Returns the verdict on a total in words.
fn verdict(total: &FigureChange) -> &'static str {
    match total.verdict {
        Verdict::Slower => "slower: every run after took longer than every run before",
        Verdict::Faster => "faster: every run after took less time than every run before",
        Verdict::Noise => "no change beyond noise",
        Verdict::Unproven if total.growth() > 0.0 => {
            "slower, but single runs do not prove it (measure both sides with --repeat)"
        }
        Verdict::Unproven => {
            "faster, but single runs do not prove it (measure both sides with --repeat)"
        }
    }
}

pub(crate) fn plus(time: f64) -> String {
    match time < 0.0 {
        true => format!("-{}", seconds(-time)),
        false => format!("+{}", seconds(time)),
    }
}

/// Returns the text of a history, the oldest point first.
pub fn trend(trend: &Trend) -> String {
    if trend.points.is_empty() {
        return String::new();
    }
    document::text_table(&trend_page::COLUMNS, &trend_page::rows(trend))
}

/// Returns the text of the recorded runs, one on each line, the oldest first.
pub fn list(history: &[Series]) -> String {
    let lines = history.iter().flatten().map(|run| {
        let arguments = run.arguments.join(" ");
        let line = format!(
            "{}  {:>9}  {}  {} {arguments}{}",
            run.id,
            seconds(run.total),
            run.name(),
            run.command,
            remarks(run, 1),
        );
        quote::line(line.trim_end()).into_owned() + "\n"
    });
    lines.collect()
}

/// Returns the size of the build directory after a run, or `-` for a run that did not record it.
fn directory_size(run: &Run) -> String {
    run.directory_bytes.map_or_else(|| "-".to_owned(), size)
}

/// Returns the share of hits of the compiler cache in a run, or `-`.
fn cache_hits(run: &Run) -> String {
    share(run.cache.as_ref().and_then(CacheCounts::hit_rate))
}

/// Returns the share of the compilations in a run that the compiler cache can serve, or `-`.
fn cache_coverage(run: &Run) -> String {
    share(run.cache.as_ref().and_then(CacheCounts::coverage))
}

fn share(percent: Option<f64>) -> String {
    percent.map_or_else(|| "-".to_owned(), |it| format!("{it:.0}%"))
}

fn remarks(run: &Run, runs: usize) -> String {
    let mut remarks = String::new();
    if runs > 1 {
        remarks += &format!(", median of {runs}");
    }
    if let Some(rate) = run.cache.as_ref().and_then(CacheCounts::hit_rate) {
        remarks += &format!(", cache {rate:.0}%");
    }
    if run.failed {
        remarks += ", failed";
    }
    if run.contended.is_some() {
        remarks += ", contended";
    }
    remarks
}

/// Returns the text of a prediction.
pub fn what_if(what_if: &WhatIf, run: &Run) -> String {
    let mut lines = vec![format!(
        "{} measured; replayed on its {} {} ({:+.1}% off)",
        seconds(what_if.measured),
        count(run.jobs.unwrap_or(1), "core"),
        seconds(what_if.replayed),
        what_if.off_by,
    )];
    // The prediction is compared with the replay, so that the error of the replay is not counted as
    // an effect.
    let percent = (what_if.predicted / what_if.replayed.max(0.01) - 1.0) * 100.0;
    if what_if.predicted != what_if.replayed {
        lines.push(format!(
            "{} ({percent:+.1}%) with {} and the requested changes",
            seconds(what_if.predicted),
            count(what_if.cores, "core"),
        ));
    }
    let by_cores = what_if.by_cores.iter();
    let by_cores = by_cores.map(|(cores, total)| format!("{cores} {}", seconds(*total)));
    lines.push(listed("By cores", ", ", by_cores));
    let at_best = seconds(what_if.at_best);
    lines.push(format!("At best, with any number of cores: {at_best}"));
    if !what_if.suggestions.is_empty() {
        lines.push(String::new());
        lines.push("    saves  of its time  if twice as fast".to_owned());
    }
    for it in &what_if.suggestions {
        let (saved, time) = (seconds(it.saved), seconds(it.time));
        let member = if it.member { " (workspace)" } else { "" };
        lines.push(format!("{saved:>9} {time:>12}  {}{member}", it.package));
    }
    screen(&lines)
}

/// Formats seconds. From one minute on, minutes are shown, as cargo does.
pub(crate) fn seconds(t: f64) -> String {
    if t < 60.0 {
        return format!("{t:.2}s");
    }
    let tenths = (t * 10.0).round();
    let (minutes, seconds) = ((tenths / 600.0).floor(), tenths % 600.0 / 10.0);
    format!("{minutes:.0}m {seconds:04.1}s")
}

fn screen(lines: &[String]) -> String {
    lines.iter().map(|line| fit(line) + "\n").collect()
}

fn fit(line: &str) -> String {
    let line = &*quote::line(line);
    match line.char_indices().nth(100) {
        Some(_) => line.chars().take(99).chain(['…']).collect(),
        None => line.trim_end().to_owned(),
    }
}

#[cfg(test)]
mod tests;
