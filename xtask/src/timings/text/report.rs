//! The text of a build's report.

use camino::Utf8Path;
use xtask_impact::quote;

use super::{change, count, screen, seconds};
use crate::cargo_runs::build_times::path::Path;
use crate::cargo_runs::build_times::{Order, UnitTiming};
use crate::timings::analysis::{Analysis, Share};
use crate::timings::budget::Breach;
use crate::timings::report::TimingsReport;

/// The number of steps of a path that are shown.
const STEPS: usize = 5;

/// Returns the text of a report. The last line names the page with more details.
pub fn text(report: &TimingsReport, slowest: usize, page: Option<&Utf8Path>) -> String {
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
        lines.extend(sums(report));
    }
    let more = page.map_or(String::new(), |page| {
        format!("More in {}\n", quote::name(page))
    });
    screen(&lines) + &more
}

/// Returns the first lines of a report: the total, the failed units, the change since the last run,
/// and the exceeded limits.
pub(crate) fn head(report: &TimingsReport) -> Vec<String> {
    let analysis = &report.analysis;
    let ran = format!("{} ran", count(analysis.ran, "unit"));
    let total = seconds(report.total());
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
    if report.totals.len() > 1 {
        let runs = report.totals.len();
        let shortest = report.totals.iter().copied().fold(f64::INFINITY, f64::min);
        let longest = report.totals.iter().copied().fold(0.0, f64::max);
        let (shortest, longest) = (seconds(shortest), seconds(longest));
        head += &format!("; the median of {runs} runs, {shortest} to {longest}");
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
    if let Some(cpu) = report.record.run.machine.as_ref().and_then(|it| it.cpu) {
        lines.push(format!("{} of processor time", seconds(cpu)));
    }
    if let Some(why) = &report.record.run.contended {
        lines.push(format!("contended: {why}"));
    }
    if report.left_out > 0 {
        let runs = count(report.left_out, "run");
        lines.push(format!(
            "contended: {runs} left out, because the machine did other work"
        ));
    }
    if analysis.waited_for_lock > 0.0 {
        lines.push(format!(
            "{} of waiting for another cargo's lock are left out",
            seconds(analysis.waited_for_lock)
        ));
    }
    if let Some(cache) = &report.record.run.cache {
        lines.push(cache.line());
    }
    if let Some(comparison) = &report.since_last {
        let since = &comparison.before.name;
        lines.push(format!("{} since {since}", change(&comparison.total)));
    }
    lines.extend(report.breaches.iter().map(breach));
    lines
}

/// Returns a line about an exceeded limit. Example: `over budget: total 50.70s, at most 40.00s;
/// most by syn v3.0.9 lib (13.20s)`.
pub(crate) fn breach(breach: &Breach) -> String {
    if breach.what == "cache hits" {
        return format!(
            "over budget: cache hits {:.1}%, at least {:.1}%",
            breach.measured, breach.limit
        );
    }
    let is_growth = breach.what == "growth";
    let shown = |value| match is_growth {
        true => format!("{value:.1}%"),
        false => seconds(value),
    };
    let by = breach.unit.as_ref().zip(breach.unit_time);
    let by = by.map_or(String::new(), |(unit, time)| {
        let sign = if is_growth { "+" } else { "" };
        format!("; most by {unit} ({sign}{})", seconds(time))
    });
    format!(
        "over budget: {} {}, at most {}{by}",
        breach.what,
        shown(breach.measured),
        shown(breach.limit)
    )
}

fn path_headline(analysis: &Analysis) -> String {
    let realised = &analysis.realised_path;
    let at_work = realised.length.max(0.01);
    let guessed = match analysis.order {
        Order::UnitGraph => "",
        Order::LastBlocker => " at least",
    };
    format!(
        "Critical path{guessed} {}, {:.0}% of the build; the chain that ended last waited {} for a free core",
        seconds(analysis.critical_path.length),
        100.0 * analysis.critical_path.length / at_work,
        seconds(realised.waiting),
    )
}

/// Returns the longest steps of a path, in order. The last line sums up the other steps.
fn path(report: &TimingsReport, path: &Path) -> Vec<String> {
    let mut longest: Vec<usize> = (0..path.steps.len()).collect();
    longest.sort_by(|&a, &b| path.steps[b].seconds.total_cmp(&path.steps[a].seconds));
    longest.truncate(STEPS);
    longest.sort_unstable();
    let (mut lines, mut left) = (Vec::new(), path.length);
    for step in longest.iter().map(|&it| &path.steps[it]) {
        left -= step.seconds;
        let metadata = if step.to_metadata { ", metadata" } else { "" };
        lines.push(format!(
            "{:>9} {:>9}  {}{metadata}",
            seconds(step.seconds),
            seconds(report.analysis.slack[step.unit]),
            report.unit(step.unit)
        ));
    }
    let others = path.steps.len() - longest.len();
    if others > 0 {
        let (time, others) = (seconds(left.max(0.0)), count(others, "shorter step"));
        lines.push(format!("{time:>9}           {others}"));
    }
    lines
}

fn row(report: &TimingsReport, place: usize) -> String {
    let unit = report.unit(place);
    let (frontend, codegen) = (share(unit, unit.frontend), share(unit, unit.codegen));
    format!(
        "{:>9} {frontend:>9} {codegen:>8} {:>9}  {unit}",
        seconds(unit.duration),
        seconds(report.analysis.slack[place]),
    )
}

pub(crate) fn share(unit: &UnitTiming, part: Option<f64>) -> String {
    match part {
        Some(part) => format!("{:.0}%", 100.0 * (part / unit.duration).min(1.0)),
        None => String::new(),
    }
}

/// Returns the lines about the parts of the time, the duplicates, and the packages that would help
/// most.
fn sums(report: &TimingsReport) -> Vec<String> {
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
        let what = format!("Built more than once, at a cost of {}", seconds(extra));
        lines.push(listed(&what, "; ", named));
    }
    if !report.what_if.suggestions.is_empty() {
        let named = report.what_if.suggestions.iter();
        let named = named.map(|it| format!("{} -{}", it.package, seconds(it.saved)));
        lines.push(listed("Would help most if twice as fast", ", ", named));
    }
    lines
}

/// Joins as many items as fit on a line.
pub(crate) fn listed(what: &str, separator: &str, items: impl Iterator<Item = String>) -> String {
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
