//! Writes timings as Markdown, for a comment on a pull request or the summary of a CI step.

use xtask_impact::quote;

use super::report::{breach, share};
use super::{change, changed, count, plus, seconds, trend_page, verdict};
use crate::cargo_runs::build_times::Run;
use crate::timings::compare::{FigureChange, TimingsComparison, Verdict};
use crate::timings::report::TimingsReport;
use crate::timings::trend::Trend;
use crate::timings::what_if::WhatIf;

/// Returns the Markdown of a report: the verdict first, then folded tables.
pub fn report(report: &TimingsReport, slowest: usize) -> String {
    let analysis = &report.analysis;
    let run = &report.record.run;
    let outcome = match &analysis.error {
        Some(error) => format!("failed ({})", quote::markdown(error)),
        None => format!("took {}", seconds(report.total())),
    };
    let mut text = format!("### Build timings: `cargo {}` {outcome}\n\n", run.command);
    for broken in &report.breaches {
        text += &format!("- :x: {}\n", quote::markdown(&breach(broken)));
    }
    if let Some(comparison) = &report.since_last {
        let since = quote::markdown(&comparison.before.name);
        text += &format!("- {} since {since}\n", change(&comparison.total));
    }
    text += &format!(
        "- {}, {} fresh; {} of work, {:.1} at a time\n- critical path {}\n",
        count(analysis.ran, "unit") + " ran",
        analysis.fresh,
        seconds(analysis.time_sum),
        analysis.parallelism,
        seconds(analysis.critical_path.length),
    );
    let path = analysis.critical_path.steps.iter().map(|step| {
        vec![
            seconds(step.seconds),
            report.unit(step.unit).to_string(),
            if step.to_metadata { "metadata" } else { "" }.to_owned(),
        ]
    });
    text += &folded("Critical path", &["time:", "unit", "up to"], path.collect());
    let rows = analysis.slowest.iter().take(slowest).map(|&place| {
        let unit = report.unit(place);
        vec![
            seconds(unit.duration),
            share(unit, unit.frontend),
            share(unit, unit.codegen),
            seconds(analysis.slack[place]),
            unit.to_string(),
        ]
    });
    let columns = ["time:", "frontend:", "codegen:", "slack:", "unit"];
    text += &folded("Slowest units", &columns, rows.collect());
    if let Some(comparison) = &report.since_last {
        text += &folded("What changed", &CHANGES, changes(comparison, 20));
    }
    text + &folded("What would help", &HELP, help(&report.what_if))
}

const HELP: [&str; 3] = ["saves:", "of its time:", "package, if twice as fast"];

fn help(what_if: &WhatIf) -> Vec<Vec<String>> {
    let rows = what_if.suggestions.iter();
    rows.map(|it| vec![seconds(it.saved), seconds(it.time), it.package.clone()])
        .collect()
}

const CHANGES: [&str; 4] = ["before:", "after:", "change:", "unit"];

/// Returns the Markdown of a comparison.
pub fn diff(comparison: &TimingsComparison, units: usize) -> String {
    let before = quote::markdown(&comparison.before.name);
    let after = quote::markdown(&comparison.after.name);
    let total = change(&comparison.total);
    // The word "noise" already stands next to the figure.
    let verdict = match comparison.total.verdict {
        Verdict::Noise => String::new(),
        _ => format!("; {}", verdict(&comparison.total)),
    };
    let head = format!("### Build timings: {before} to {after}\n\n{total} in total{verdict}\n");
    head + &table(&CHANGES, changes(comparison, units))
}

fn changes(comparison: &TimingsComparison, units: usize) -> Vec<Vec<String>> {
    let row = |time: &FigureChange, what: &str| {
        let (before, after) = (seconds(time.before), seconds(time.after));
        vec![before, after, plus(time.growth()), what.to_owned()]
    };
    let mut rows = vec![
        row(&comparison.total, "total"),
        row(&comparison.critical_path, "critical path"),
    ];
    let changed = changed(comparison).take(units);
    rows.extend(changed.map(|unit| row(&unit.time, &unit.unit)));
    for it in comparison.new.iter().take(units) {
        let (time, what) = (seconds(it.time), format!("{} (new)", it.unit));
        rows.push(vec![String::new(), time.clone(), format!("+{time}"), what]);
    }
    for it in comparison.vanished.iter().take(units) {
        let (time, what) = (seconds(it.time), format!("{} (vanished)", it.unit));
        rows.push(vec![time.clone(), String::new(), format!("-{time}"), what]);
    }
    rows
}

/// Returns the Markdown of a history.
pub fn trend(trend: &Trend) -> String {
    let rows = trend_page::rows(trend);
    format!("### Build timings\n{}", table(&trend_page::COLUMNS, rows))
}

/// Returns the Markdown of a prediction.
pub fn what_if(what_if: &WhatIf, run: &Run) -> String {
    format!(
        "### What if: `cargo {}`\n\n{} measured, {} replayed ({:+.1}%), {} with {}\n{}",
        run.command,
        seconds(what_if.measured),
        seconds(what_if.replayed),
        what_if.off_by,
        seconds(what_if.predicted),
        count(what_if.cores, "core"),
        table(&HELP, help(what_if))
    )
}

fn folded(title: &str, columns: &[&str], rows: Vec<Vec<String>>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let table = table(columns, rows);
    format!("\n<details><summary>{title}</summary>\n{table}\n</details>\n")
}

/// Returns a Markdown table. A column whose name ends with `:` contains numbers and is aligned to
/// the right.
pub(super) fn table(columns: &[&str], rows: Vec<Vec<String>>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let names = columns.iter().map(|it| it.trim_end_matches(':').to_owned());
    let rules = columns.iter().map(|it| match it.ends_with(':') {
        true => "---:".to_owned(),
        false => "---".to_owned(),
    });
    let mut table = format!("\n{}{}", line(names.collect()), line(rules.collect()));
    for row in rows {
        table += &line(row.iter().map(quote::markdown).collect());
    }
    table
}
