//! Builds' timings as plain text for a terminal of 100 columns, and as JSON.

pub mod markdown;
pub mod page;

use cargo_metadata::camino::Utf8Path;
use serde::Serialize;

use super::count;
use crate::timings::analysis::{Analysis, Share};
use crate::timings::budget::Breach;
use crate::timings::compare::{Change, Comparison, Verdict};
use crate::timings::path::Path;
use crate::timings::report::Report;
use crate::timings::select::Series;
use crate::timings::trend::Trend;
use crate::timings::what_if::WhatIf;
use crate::timings::{Order, Run, UnitTiming};

/// A report as JSON, with its units, to which all places point.
pub fn json<'a>(report: &'a Report, slowest: usize, page: Option<&'a Utf8Path>) -> impl Serialize {
    #[derive(Serialize)]
    struct Json<'a> {
        version: u32,
        page: Option<&'a Utf8Path>,
        run: &'a Run,
        runs: usize,
        #[serde(flatten)]
        analysis: Analysis,
        since_last: Option<&'a Comparison>,
        breaches: &'a [Breach],
        what_if: &'a WhatIf,
        units: &'a [UnitTiming],
    }
    let mut analysis = report.analysis.clone();
    analysis.slowest.truncate(slowest);
    Json {
        version: 1,
        page,
        run: &report.record.run,
        runs: report.runs,
        analysis,
        since_last: report.since_last.as_ref(),
        breaches: &report.breaches,
        what_if: &report.what_if,
        units: &report.record.build.units,
    }
}

/// A guess as JSON, with the run that it is about.
pub fn what_if_json<'a>(what_if: &'a WhatIf, run: &'a Run) -> impl Serialize {
    #[derive(Serialize)]
    struct Json<'a> {
        version: u32,
        run: &'a Run,
        #[serde(flatten)]
        what_if: &'a WhatIf,
    }
    Json {
        version: 1,
        run,
        what_if,
    }
}

/// The kept runs as JSON.
pub fn list_json(history: &[Series]) -> impl Serialize {
    #[derive(Serialize)]
    struct Json<'a> {
        version: u32,
        runs: Vec<&'a Run>,
    }
    Json {
        version: 1,
        runs: history.iter().flatten().collect(),
    }
}

/// How many steps of a path are shown.
const STEPS: usize = 8;

/// A report for a screen. `page` is named last, as the place to look further.
pub fn text(report: &Report, slowest: usize, page: Option<&Utf8Path>) -> String {
    let mut lines = head(report);
    let analysis = &report.analysis;
    if analysis.time_sum > 0.0 {
        lines.push(String::new());
        lines.push(path_headline(analysis));
        lines.push("     time     slack".to_owned());
        lines.extend(path(report, &analysis.critical_path));
        lines.push(String::new());
        lines.push("     time  frontend  codegen     slack  slowest units".to_owned());
        let places = analysis.slowest.iter().take(slowest);
        lines.extend(places.map(|&place| row(report, place)));
        lines.push(String::new());
        lines.extend(sums(report));
    }
    let lines: String = lines.iter().map(|line| fit(line) + "\n").collect();
    match page {
        Some(page) => lines + &format!("More in {page}\n"),
        None => lines,
    }
}

/// The first lines: the total, what failed, what changed, what is broken.
fn head(report: &Report) -> Vec<String> {
    let analysis = &report.analysis;
    let ran = format!("{} ran", count(analysis.ran, "unit"));
    let total = seconds(analysis.total);
    let mut head = match &analysis.error {
        None => format!("{total}: {ran}"),
        Some(error) => format!("Failed ({error}) after {total} or more: {ran}"),
    };
    for (number, what) in [
        (analysis.fresh, "fresh"),
        (analysis.not_run, "not run"),
        (analysis.unknown, "fresh or not run"),
    ] {
        if number > 0 {
            head += &format!(", {number} {what}");
        }
    }
    if report.runs > 1 {
        head += &format!("; the median of {} runs", report.runs);
    }
    let mut lines = vec![head];
    let failed = analysis.failed.iter().take(3);
    lines.extend(failed.map(|unit| format!("failed: {unit}")));
    if analysis.time_sum > 0.0 {
        let share = analysis.efficiency.map(|share| 100.0 * share);
        let share = share.map_or(String::new(), |it| format!(" ({it:.0}% of its jobs)"));
        lines.push(format!(
            "{} of work, {:.1} units at a time on average{share}; the first started after {}",
            seconds(analysis.time_sum),
            analysis.parallelism,
            seconds(analysis.before_first),
        ));
    }
    if analysis.waited_for_lock > 0.0 {
        lines.push(format!(
            "{} of waiting for another cargo's lock are left out",
            seconds(analysis.waited_for_lock)
        ));
    }
    if let Some(comparison) = &report.since_last {
        let since = &comparison.before.name;
        lines.push(format!("{} since {since}", change(&comparison.total)));
    }
    lines.extend(report.breaches.iter().map(breach));
    lines
}

/// `over budget: total 50.70s, at most 40.00s; most in syn v3.0.9 lib (13.20s)`
fn breach(breach: &Breach) -> String {
    let shown = |value| match breach.what.as_str() {
        "growth" => format!("{value:.1}%"),
        _ => seconds(value),
    };
    let by = breach.unit.as_ref().zip(breach.unit_time);
    let by = by.map_or(String::new(), |(unit, time)| {
        format!("; most by {unit} ({})", signed(&breach.what, time))
    });
    format!(
        "over budget: {} {}, at most {}{by}",
        breach.what,
        shown(breach.measured),
        shown(breach.limit)
    )
}

fn signed(what: &str, time: f64) -> String {
    match what {
        "growth" => format!("+{}", seconds(time)),
        _ => seconds(time),
    }
}

fn path_headline(analysis: &Analysis) -> String {
    let realised = &analysis.realised_path;
    let at_work = realised.length.max(0.01);
    let guessed = match analysis.order {
        Order::UnitGraph => "",
        Order::LastBlocker => " at least",
    };
    format!(
        "Critical path{guessed} {}, {:.0}% of the build; on the way to its end it waited {} for cores",
        seconds(analysis.critical_path.length),
        100.0 * analysis.critical_path.length / at_work,
        seconds(realised.waiting),
    )
}

/// The longest steps of a path, in order; what is left out is counted.
fn path(report: &Report, path: &Path) -> Vec<String> {
    let mut longest: Vec<usize> = (0..path.steps.len()).collect();
    longest.sort_by(|&a, &b| path.steps[b].seconds.total_cmp(&path.steps[a].seconds));
    longest.truncate(STEPS);
    longest.sort_unstable();
    let mut lines: Vec<String> = longest
        .iter()
        .map(|&index| {
            let step = &path.steps[index];
            let metadata = if step.to_metadata { ", metadata" } else { "" };
            format!(
                "{:>9} {:>9}  {}{metadata}",
                seconds(step.seconds),
                seconds(report.analysis.slack[step.unit]),
                report.unit(step.unit)
            )
        })
        .collect();
    let others = path.steps.len() - longest.len();
    if others > 0 {
        let shown: f64 = longest.iter().map(|&it| path.steps[it].seconds).sum();
        let time = seconds((path.length - shown).max(0.0));
        lines.push(format!(
            "{time:>9}           {}",
            count(others, "shorter step")
        ));
    }
    lines
}

fn row(report: &Report, place: usize) -> String {
    let unit = report.unit(place);
    let (frontend, codegen) = (share(unit, unit.frontend), share(unit, unit.codegen));
    format!(
        "{:>9} {frontend:>9} {codegen:>8} {:>9}  {unit}",
        seconds(unit.duration),
        seconds(report.analysis.slack[place]),
    )
}

fn share(unit: &UnitTiming, part: Option<f64>) -> String {
    match part {
        Some(part) => format!("{:.0}%", 100.0 * (part / unit.duration).min(1.0)),
        None => String::new(),
    }
}

/// Where the time went, what is built twice, what would help.
fn sums(report: &Report) -> Vec<String> {
    let analysis = &report.analysis;
    let shares = |what: &str, shares: &[Share]| {
        let shown = shares.iter().map(|it| {
            let percent = 100.0 * it.time / analysis.time_sum;
            format!("{} {percent:.0}%", it.name)
        });
        listed(what, ", ", shown)
    };
    let mut lines = vec![
        shares("By origin", &analysis.by_origin),
        shares("By kind", &analysis.by_kind),
        shares("By package", &analysis.by_package),
    ];
    if !analysis.duplicates.is_empty() {
        let extra: f64 = analysis.duplicates.iter().map(|it| it.extra).sum();
        let named = analysis.duplicates.iter();
        let named = named.map(|it| format!("{} ({})", it.package, it.because.join(", ")));
        let what = format!("Built more than once, {} in vain", seconds(extra));
        lines.push(listed(&what, "; ", named));
    }
    if !report.what_if.suggestions.is_empty() {
        let named = report.what_if.suggestions.iter();
        let named = named.map(|it| format!("{} -{}", it.package, seconds(it.saved)));
        lines.push(listed("Would help most if twice as fast", ", ", named));
    }
    lines
}

/// As many as a line has room for.
fn listed(what: &str, separator: &str, items: impl Iterator<Item = String>) -> String {
    let mut line = format!("{what}: ");
    for (number, item) in items.enumerate() {
        let separator = if number > 0 { separator } else { "" };
        if number > 0 && line.chars().count() + separator.len() + item.chars().count() > 98 {
            return line + &separator[..1] + "…";
        }
        line = line + separator + &item;
    }
    line
}

/// A comparison for a screen, with at most so many units named in each list.
pub fn diff(comparison: &Comparison, units: usize) -> String {
    let Comparison { before, after, .. } = comparison;
    let mut lines = vec![
        format!("{} → {}", side(before), side(after)),
        String::new(),
        "   before     after    change".to_owned(),
    ];
    let row = |time: &Change, what: &str| {
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
        let more = changed.len().saturating_sub(units);
        if more > 0 {
            lines.push(format!("{:>29}  {} more", "", count(more, "unit")));
        }
    }
    for (what, only) in [("new", &comparison.new), ("vanished", &comparison.vanished)] {
        if !only.is_empty() {
            let time: f64 = only.iter().map(|it| it.time).sum();
            lines.push(String::new());
            lines.push(format!(
                "{what}: {}, {}",
                count(only.len(), "unit"),
                seconds(time)
            ));
            let shown = only.iter().take(units);
            lines.extend(shown.map(|it| format!("{:>9}  {}", seconds(it.time), it.unit)));
        }
    }
    let (old, new) = comparison.ran_on_one_side;
    if old + new > 0 {
        lines.push(String::new());
        lines.push(format!(
            "ran on one side and had nothing to do on the other: {old} before, {new} after"
        ));
    }
    lines.iter().map(|line| fit(line) + "\n").collect()
}

/// The units that differ by more than noise or the rounding.
fn changed(comparison: &Comparison) -> impl Iterator<Item = &crate::timings::compare::UnitChange> {
    let units = comparison.units.iter();
    units.filter(|unit| unit.time.verdict != Verdict::Noise && unit.time.growth().abs() >= 0.05)
}

fn side(side: &crate::timings::compare::Side) -> String {
    match side.runs {
        1 => side.name.clone(),
        runs => format!("{} (median of {runs})", side.name),
    }
}

/// `+2.30s (+4.8%)`
fn change(change: &Change) -> String {
    let percent = change.percent();
    let percent = percent.map_or(String::new(), |it| format!(" ({it:+.1}%)"));
    format!("{}{percent}{}", plus(change.growth()), noise(change))
}

fn noise(change: &Change) -> &'static str {
    match change.verdict {
        Verdict::Noise if change.growth() != 0.0 => ", which is noise",
        _ => "",
    }
}

fn plus(time: f64) -> String {
    match time < 0.0 {
        true => format!("-{}", seconds(-time)),
        false => format!("+{}", seconds(time)),
    }
}

/// A history for a screen, oldest first.
pub fn trend(trend: &Trend) -> String {
    if trend.points.is_empty() {
        return String::new();
    }
    let mut text = "started (UTC)           total   change      path  units  run\n".to_owned();
    for point in &trend.points {
        let percent = point
            .percent
            .map_or(String::new(), |it| format!("{it:+.1}%"));
        let line = format!(
            "{} {:>9} {percent:>8} {:>9} {:>6}  {}{}",
            point.run.started(),
            seconds(point.total),
            seconds(point.run.critical_path),
            point.run.ran,
            point.run.name(),
            remarks(&point.run, point.runs),
        );
        text += &(fit(&line) + "\n");
    }
    text
}

/// The kept runs, a line each, oldest first.
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
        line.trim_end().to_owned() + "\n"
    });
    lines.collect()
}

fn remarks(run: &Run, runs: usize) -> String {
    let mut remarks = String::new();
    if runs > 1 {
        remarks += &format!(", median of {runs}");
    }
    if run.failed {
        remarks += ", failed";
    }
    remarks
}

/// A guess for a screen.
pub fn what_if(what_if: &WhatIf, run: &Run) -> String {
    let mut lines = vec![format!(
        "{} measured; replayed on its {} cores {} ({:+.1}% off)",
        seconds(what_if.measured),
        run.jobs.unwrap_or(1),
        seconds(what_if.replayed),
        what_if.off_by,
    )];
    // What the replay is off by is no effect of the change.
    let percent = (what_if.predicted / what_if.replayed.max(0.01) - 1.0) * 100.0;
    if what_if.predicted != what_if.replayed {
        lines.push(format!(
            "{} ({percent:+.1}%) with {} and what was asked for",
            seconds(what_if.predicted),
            count(what_if.cores, "core"),
        ));
    }
    let by_cores = what_if.by_cores.iter();
    let by_cores = by_cores.map(|(cores, total)| format!("{cores} {}", seconds(*total)));
    lines.push(listed("By cores", ", ", by_cores));
    lines.push(format!(
        "At best, with any number: {}",
        seconds(what_if.at_best)
    ));
    if !what_if.suggestions.is_empty() {
        lines.push(String::new());
        lines.push("    saves  of its time  if twice as fast".to_owned());
    }
    lines.extend(what_if.suggestions.iter().map(|it| {
        let member = if it.member { " (workspace)" } else { "" };
        format!(
            "{:>9} {:>12}  {}{member}",
            seconds(it.saved),
            seconds(it.time),
            it.package
        )
    }));
    lines.iter().map(|line| fit(line) + "\n").collect()
}

/// Minutes are shown from one on, as cargo does.
fn seconds(t: f64) -> String {
    let tenths = (t * 10.0).round();
    match t < 60.0 {
        true => format!("{t:.2}s"),
        false => format!(
            "{:.0}m {:04.1}s",
            (tenths / 600.0).floor(),
            tenths % 600.0 / 10.0
        ),
    }
}

fn fit(line: &str) -> String {
    match line.char_indices().nth(100) {
        Some(_) => line.chars().take(99).chain(['…']).collect(),
        None => line.trim_end().to_owned(),
    }
}

#[cfg(test)]
mod tests;
