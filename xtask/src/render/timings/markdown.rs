//! Timings as Markdown, for a comment on a pull request or the summary of a step.

use super::report::{breach, share};
use super::{change, changed, count, plus, remarks, seconds};
use crate::timings::Run;
use crate::timings::compare::Comparison;
use crate::timings::report::Report;
use crate::timings::trend::Trend;
use crate::timings::what_if::WhatIf;

/// A report: the verdict first, tables folded.
pub fn report(report: &Report, slowest: usize) -> String {
    let analysis = &report.analysis;
    let run = &report.record.run;
    let outcome = match &analysis.error {
        Some(error) => format!("failed ({})", escaped(error)),
        None => format!("took {}", seconds(report.total())),
    };
    let mut text = format!("### Build timings: `cargo {}` {outcome}\n\n", run.command);
    for broken in &report.breaches {
        text += &format!("- :x: {}\n", escaped(&breach(broken)));
    }
    if let Some(comparison) = &report.since_last {
        let since = escaped(&comparison.before.name);
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
    let help = report.what_if.suggestions.iter();
    let help = help.map(|it| vec![seconds(it.saved), seconds(it.time), it.package.clone()]);
    let columns = ["saves:", "of its time:", "package, if twice as fast"];
    text + &folded("What would help", &columns, help.collect())
}

const CHANGES: [&str; 4] = ["before:", "after:", "change:", "unit"];

/// A comparison.
pub fn diff(comparison: &Comparison, units: usize) -> String {
    let names = (&comparison.before.name, &comparison.after.name);
    let head = format!(
        "### Build timings: {} to {}\n\n{} in total\n",
        escaped(names.0),
        escaped(names.1),
        change(&comparison.total)
    );
    head + &table(&CHANGES, changes(comparison, units))
}

fn changes(comparison: &Comparison, units: usize) -> Vec<Vec<String>> {
    let row = |time: &crate::timings::compare::Change, what: &str| {
        let (before, after) = (seconds(time.before), seconds(time.after));
        vec![before, after, plus(time.growth()), what.to_owned()]
    };
    let mut rows = vec![
        row(&comparison.total, "total"),
        row(&comparison.critical_path, "critical path"),
    ];
    let changed = changed(comparison).take(units);
    rows.extend(changed.map(|unit| row(&unit.time, &unit.unit)));
    let new = comparison.new.iter().take(units);
    rows.extend(new.map(|it| {
        let time = seconds(it.time);
        vec![
            String::new(),
            time.clone(),
            format!("+{time}"),
            format!("{} (new)", it.unit),
        ]
    }));
    let gone = comparison.vanished.iter().take(units);
    rows.extend(gone.map(|it| {
        let time = seconds(it.time);
        vec![
            time.clone(),
            String::new(),
            format!("-{time}"),
            format!("{} (vanished)", it.unit),
        ]
    }));
    rows
}

/// A history.
pub fn trend(trend: &Trend) -> String {
    let rows = trend.points.iter().map(|point| {
        let percent = point
            .percent
            .map_or(String::new(), |it| format!("{it:+.1}%"));
        vec![
            point.run.started(),
            seconds(point.total),
            percent,
            seconds(point.run.critical_path),
            point.run.ran.to_string(),
            point.run.name() + &remarks(&point.run, point.runs),
        ]
    });
    let columns = [
        "started (UTC)",
        "total:",
        "change:",
        "critical path:",
        "units:",
        "run",
    ];
    format!("### Build timings\n{}", table(&columns, rows.collect()))
}

/// A guess.
pub fn what_if(what_if: &WhatIf, run: &Run) -> String {
    let rows = what_if.suggestions.iter();
    let rows = rows.map(|it| vec![seconds(it.saved), seconds(it.time), it.package.clone()]);
    format!(
        "### What if: `cargo {}`\n\n{} measured, {} replayed ({:+.1}%), {} with {}\n{}",
        run.command,
        seconds(what_if.measured),
        seconds(what_if.replayed),
        what_if.off_by,
        seconds(what_if.predicted),
        count(what_if.cores, "core"),
        table(
            &["saves:", "of its time:", "package, if twice as fast"],
            rows.collect()
        )
    )
}

fn folded(title: &str, columns: &[&str], rows: Vec<Vec<String>>) -> String {
    match rows.is_empty() {
        true => String::new(),
        false => format!(
            "\n<details><summary>{title}</summary>\n{}\n</details>\n",
            table(columns, rows)
        ),
    }
}

/// A table; a column with `:` at its end is one of numbers.
fn table(columns: &[&str], rows: Vec<Vec<String>>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let names = columns.iter().map(|it| it.trim_end_matches(':').to_owned());
    let rules = columns.iter().map(|it| match it.ends_with(':') {
        true => "---:".to_owned(),
        false => "---".to_owned(),
    });
    let rows = rows
        .into_iter()
        .map(|row| line(row.iter().map(|it| escaped(it)).collect()));
    let head = line(names.collect()) + &line(rules.collect());
    format!("\n{head}{}", rows.collect::<String>())
}

/// What a name must not do to a table, or to a page.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' | '~' => escaped.extend(['\\', c]),
            '<' => escaped.push_str("&lt;"),
            '&' => escaped.push_str("&amp;"),
            '\n' | '\r' => escaped.push(' '),
            '@' => escaped.push_str("@\u{200b}"),
            c => escaped.push(c),
        }
    }
    escaped
}
