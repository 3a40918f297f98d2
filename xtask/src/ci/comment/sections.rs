//! The parts of a comment.

use std::collections::BTreeMap;

use camino::Utf8Path;
use serde::de::DeserializeOwned;
use xtask_impact::query::Answer;
use xtask_impact::quote;

use super::body::CommentPart;
use super::chains::{self, WideChain};
use super::reports::{
    self, ReadChange, ReadFindings, ReadFreshness, ReadResults, ReadTimings, ReportFiles,
};
use crate::cli::output::count;
use crate::selection::Tool;
use crate::selection::report::{AffectedReport, AffectedUnit};

/// The number of chains that a comment shows.
const CHAINS: usize = 5;

/// The number of units whose times are shown.
const UNITS: usize = 5;

/// Returns the parts of the comment on a change. `command` is the command that runs the tool, if
/// anything is run.
pub(super) fn parts(
    answer: &Answer,
    tool: Tool,
    command: Option<&str>,
    files: &ReportFiles<'_>,
) -> Vec<CommentPart> {
    let report = AffectedReport::new(answer);
    let members: Vec<&str> = answer.workspace.members().map(|it| &*it.1.name).collect();
    let mut parts = vec![head(&report, members.len())];
    if let Some(because) = crate::selection::reason_to_run_all(answer, tool) {
        parts[0]
            .lines
            .push(format!("> {}", quote::markdown(&because)));
    }
    parts.push(why(&chains::widest(&report, CHAINS)));
    parts.push(ran(&report, &members, tool, command, files.results));
    parts.extend(of_file("Timings", files.timings, timings));
    parts.extend(of_file("Freshness", files.freshness, freshness));
    parts.extend(of_file("Policy", files.policy, policy));
    parts.push(packages(&report));
    parts.retain(|it| !it.lines.is_empty() || !it.rows.is_empty());
    parts
}

/// Returns the part of a report, or a part that says why the report cannot be read.
fn of_file<T: DeserializeOwned>(
    title: &str,
    file: Option<&Utf8Path>,
    part: fn(&T) -> CommentPart,
) -> Option<CommentPart> {
    let mut part = match reports::read(file?) {
        Ok(report) => part(&report),
        Err(why) => CommentPart {
            lines: vec![format!(":warning: not known: {}", quote::markdown(&why))],
            ..CommentPart::default()
        },
    };
    title.clone_into(&mut part.title);
    Some(part)
}

fn head(report: &AffectedReport, members: usize) -> CommentPart {
    let affected = report.packages.iter().filter(|it| it.member).count();
    let mut lines = vec![
        format!("### {affected} of {} affected", count(members, "package")),
        format!(
            "Compared: {}, {}.",
            quote::markdown(&report.compared),
            count(report.changes.len(), "changed path"),
        ),
    ];
    lines.extend(
        report
            .notes
            .iter()
            .map(|it| format!("> {}", quote::markdown(it))),
    );
    CommentPart {
        lines,
        ..CommentPart::default()
    }
}

fn why(chains: &[WideChain]) -> CommentPart {
    let rows = chains.iter().map(|chain| {
        vec![
            chain.units.to_string(),
            chain.packages.to_string(),
            quote::markdown(&chain.cause),
            quote::markdown(&chain.longest),
        ]
    });
    CommentPart {
        title: "Why: the widest chains".to_owned(),
        columns: vec!["units", "packages", "cause", "longest chain"],
        rows: rows.collect(),
        ..CommentPart::default()
    }
}

/// Returns what was run and what was skipped.
fn ran(
    report: &AffectedReport,
    members: &[&str],
    tool: Tool,
    command: Option<&str>,
    results: Option<&Utf8Path>,
) -> CommentPart {
    let mut lines = match command {
        Some(command) => vec![fenced(command)],
        None => vec![format!("Nothing is run by {}.", tool.name())],
    };
    let is_affected = |name: &str| {
        report
            .packages
            .iter()
            .any(|it| it.member && it.name == name)
    };
    let mut skipped: Vec<&str> = members.to_vec();
    skipped.retain(|name| !is_affected(name));
    skipped.sort_unstable();
    if !skipped.is_empty() {
        const NAMES: usize = 20;
        let names: Vec<String> = skipped.iter().take(NAMES).map(quote::markdown).collect();
        let more = match skipped.len() > NAMES {
            true => format!(" and {} more", skipped.len() - NAMES),
            false => String::new(),
        };
        let number = count(skipped.len(), "package");
        lines.push(format!(
            "Skipped, because not affected: {number} ({}{more}).",
            names.join(", ")
        ));
    }
    let mut part = CommentPart {
        title: "What ran".to_owned(),
        lines,
        ..CommentPart::default()
    };
    match results.map(reports::read::<ReadResults>) {
        Some(Ok(results)) => {
            part.columns = vec!["job", "result"];
            let rows = results.iter();
            part.rows = rows
                .map(|(job, it)| vec![quote::markdown(job), quote::markdown(&it.result)])
                .collect();
        }
        Some(Err(why)) => {
            let why = quote::markdown(&why);
            part.lines
                .push(format!(":warning: results not known: {why}"));
        }
        None => {}
    }
    part
}

/// Returns a command as a block of code that the command cannot end.
fn fenced(command: &str) -> String {
    let command = quote::line(command);
    let longest = command.split(|it| it != '`').map(str::len).max();
    let fence = "`".repeat(longest.unwrap_or(0).max(2) + 1);
    format!("{fence}sh\n{command}\n{fence}")
}

fn timings(timings: &ReadTimings) -> CommentPart {
    let mut totals = timings.totals.clone();
    totals.sort_by(f64::total_cmp);
    let total = totals.get(totals.len() / 2).copied().unwrap_or_default();
    let outcome = match &timings.error {
        Some(error) => format!("failed ({})", quote::markdown(error)),
        None => format!("took {total:.1}s"),
    };
    let mut lines = vec![format!(
        "`cargo {}` {outcome}: {} ran, {} fresh, critical path {:.1}s.",
        quote::markdown(&timings.run.command),
        count(timings.ran, "unit"),
        timings.fresh,
        timings.critical_path.length,
    )];
    if let Some(why) = &timings.run.contended {
        let why = quote::markdown(why);
        lines.push(format!(":warning: The machine did other work: {why}."));
    }
    if let Some(since) = &timings.since_last {
        let base = quote::markdown(&since.before.name);
        lines.push(format!("Against {base}: {}.", change(&since.total)));
    }
    for it in &timings.breaches {
        lines.push(format!(
            ":x: over budget: {} {:.1}, limit {:.1}",
            quote::markdown(&it.what),
            it.measured,
            it.limit
        ));
    }
    lines.push(match &timings.run.cache {
        Some(cache) => format!("Compiler cache: {}.", quote::markdown(&cache.line())),
        None => "Compiler cache: none.".to_owned(),
    });
    let units = timings.since_last.iter().flat_map(|it| &it.units);
    let changed = units.filter(|it| it.time.verdict != "noise" && it.time.growth().abs() >= 0.1);
    let rows = changed.take(UNITS).map(|it| {
        vec![
            format!("{:.1}s", it.time.before),
            format!("{:.1}s", it.time.after),
            format!("{:+.1}s", it.time.growth()),
            quote::markdown(&it.unit),
        ]
    });
    CommentPart {
        lines,
        columns: vec!["before", "after", "change", "unit"],
        rows: rows.collect(),
        ..CommentPart::default()
    }
}

impl ReadChange {
    fn growth(&self) -> f64 {
        self.after - self.before
    }
}

fn change(change: &ReadChange) -> String {
    let percent = match change.before > 0.0 {
        true => format!(" ({:+.1}%)", (change.after / change.before - 1.0) * 100.0),
        false => String::new(),
    };
    let verdict = match &*change.verdict {
        "noise" => ", which is noise",
        "unproven" => ", not proven by single runs",
        _ => "",
    };
    format!("{:+.1}s{percent}{verdict}", change.growth())
}

fn freshness(report: &ReadFreshness) -> CommentPart {
    let mut lines = Vec::new();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for directory in &report.directories {
        for (state, number) in &directory.counts {
            *counts.entry(state).or_default() += number;
        }
        lines.extend(
            directory
                .notes
                .iter()
                .map(|it| format!("> {}", quote::markdown(it))),
        );
    }
    let counts = counts.iter().filter(|(_, number)| **number > 0);
    let counts: Vec<String> = counts
        .map(|(state, number)| format!("{number} {}", quote::markdown(state)))
        .collect();
    let has_record = report.directories.iter().any(|it| it.has_record);
    let units = match (has_record, counts.is_empty()) {
        (false, _) => "No record of an earlier build was restored.".to_owned(),
        (true, true) => "No units.".to_owned(),
        (true, false) => format!("Units: {}.", counts.join(", ")),
    };
    lines.insert(0, units);
    CommentPart {
        lines,
        ..CommentPart::default()
    }
}

fn policy(report: &ReadFindings) -> CommentPart {
    let rows = report.findings.iter().map(|it| {
        vec![
            quote::markdown(&it.level),
            quote::markdown(&it.code),
            quote::markdown(&it.message),
            quote::markdown(&it.fix),
        ]
    });
    CommentPart {
        lines: match report.findings.is_empty() {
            true => vec!["Nothing found.".to_owned()],
            false => vec![format!("{}.", count(report.findings.len(), "finding"))],
        },
        columns: vec!["level", "check", "finding", "fix"],
        rows: rows.collect(),
        ..CommentPart::default()
    }
}

fn packages(report: &AffectedReport) -> CommentPart {
    let mut of_package: BTreeMap<&str, Vec<&AffectedUnit>> = BTreeMap::new();
    for unit in report.units.iter().filter(|unit| unit.member) {
        of_package.entry(&unit.package).or_default().push(unit);
    }
    let rows = of_package.iter().map(|(package, units)| {
        let mut names: Vec<_> = units.iter().map(|unit| unit.name()).collect();
        if names.len() > 6 {
            let more = names.split_off(5).len();
            names.push(format!("{more} more"));
        }
        let nearest = units.iter().min_by_key(|unit| unit.chain.len());
        let why = nearest.map_or_else(String::new, |unit| unit.why());
        vec![
            quote::markdown(package),
            quote::markdown(&names.join(", ")),
            quote::markdown(&why),
        ]
    });
    CommentPart {
        title: "Affected packages".to_owned(),
        columns: vec!["package", "rebuilt or run again", "because"],
        rows: rows.collect(),
        folds: true,
        ..CommentPart::default()
    }
}

#[cfg(test)]
mod tests;
