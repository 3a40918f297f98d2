//! Writes a report as one HTML page.

use anyhow::Result;
use serde::Serialize;

use crate::cargo_runs::build_times::path::PathStep;
use crate::cargo_runs::build_times::{Concurrency, Run, UnitTiming};
use crate::page::HtmlPage;
use crate::timings::analysis::Share;
use crate::timings::compare::TimingsComparison;
use crate::timings::duplicates::Duplicate;
use crate::timings::report::TimingsReport;
use crate::timings::trend;
use crate::timings::what_if::WhatIf;

const BODY: &str = include_str!("page.html");
const CSS: &str = include_str!("page.css");
const JS: [&str; 4] = [
    include_str!("page.js"),
    include_str!("timeline.js"),
    include_str!("tables.js"),
    include_str!("keys.js"),
];

/// The data that the script of the page shows.
#[derive(Serialize)]
struct Data<'a> {
    /// The name of the page with the workspace's graph, if the page is next to this page.
    #[serde(skip_serializing_if = "Option::is_none")]
    graph: Option<&'a str>,
    run: &'a Run,
    headline: Vec<String>,
    total: f64,
    units: Vec<PageRow<'a>>,
    critical: &'a [PathStep],
    realised: &'a [PathStep],
    by_kind: &'a [Share],
    by_origin: &'a [Share],
    by_package: &'a [Share],
    duplicates: &'a [Duplicate],
    concurrency: &'a [Concurrency],
    cpu: &'a [(f64, f64)],
    since_last: Option<&'a TimingsComparison>,
    trend: Vec<PagePoint>,
    what_if: &'a WhatIf,
}

#[derive(Serialize)]
struct PageRow<'a> {
    label: String,
    slack: f64,
    #[serde(flatten)]
    unit: &'a UnitTiming,
}

#[derive(Serialize)]
struct PagePoint {
    started: String,
    name: String,
    total: f64,
    critical_path: f64,
    failed: bool,
    runs: usize,
}

/// Renders a report as an HTML page.
///
/// # Errors
/// Returns an error if the data cannot be written as JSON. This does not happen in practice,
/// because the data are numbers and texts.
pub fn page(report: &TimingsReport) -> Result<String> {
    rendered(report, None)
}

/// Renders a report as an HTML page with a link to the page of the workspace's graph.
///
/// # Errors
/// Returns the errors of [`page`].
pub(crate) fn page_beside(report: &TimingsReport, graph: &str) -> Result<String> {
    rendered(report, Some(graph))
}

fn rendered(report: &TimingsReport, graph: Option<&str>) -> Result<String> {
    let (record, analysis) = (&report.record, &report.analysis);
    let units = record.build.units.iter().zip(&analysis.slack);
    let units = units.map(|(unit, &slack)| PageRow {
        label: unit.to_string(),
        slack,
        unit,
    });
    let data = Data {
        graph,
        run: &record.run,
        headline: super::report::head(report),
        total: record.build.total,
        units: units.collect(),
        critical: &analysis.critical_path.steps,
        realised: &analysis.realised_path.steps,
        by_kind: &analysis.by_kind,
        by_origin: &analysis.by_origin,
        by_package: &analysis.by_package,
        duplicates: &analysis.duplicates,
        concurrency: &record.build.concurrency,
        cpu: &record.build.cpu,
        since_last: report.since_last.as_ref(),
        trend: report.trend.points.iter().map(point).collect(),
        what_if: &report.what_if,
    };
    let title = format!("cargo {} · {}", record.run.command, record.run.name());
    let page = HtmlPage {
        title: &title,
        body: BODY,
        css: CSS,
        scripts: &JS,
        data: &data,
    };
    page.render()
}

fn point(point: &trend::Point) -> PagePoint {
    PagePoint {
        started: point.run.started(),
        name: point.run.name(),
        total: point.total,
        critical_path: point.run.critical_path,
        failed: point.run.failed,
        runs: point.runs,
    }
}
