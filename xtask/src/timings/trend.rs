//! The history of builds of one kind.

use serde::Serialize;

use super::compare::median;
use crate::cargo_runs::build_times::select::Series;
use crate::cargo_runs::build_times::{BuildRecord, Run};

/// A history, the oldest point first.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trend {
    /// The version of this format.
    pub version: u32,
    /// The points of the history: one for each run. The runs of one `--repeat` are one point.
    pub points: Vec<Point>,
    /// The number of runs that are left out because their kind differs.
    pub others: usize,
    /// The number of runs that are left out because the machine did other work.
    pub contended: usize,
}

/// One point of a history. Times are in seconds; of repeated runs, the median.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Point {
    /// The first run.
    #[serde(flatten)]
    pub run: Run,
    /// The number of runs.
    pub runs: usize,
    /// The time from cargo's start to the end.
    pub total: f64,
    /// The difference from the last point before whose build did not fail, in percent; `None` if
    /// there is no such point or if this build failed.
    pub percent: Option<f64>,
}

impl Trend {
    /// Removes all points except the last `count` points.
    pub fn keep_last(&mut self, count: usize) {
        let first = self.points.len().saturating_sub(count);
        self.points.drain(..first);
    }
}

/// Returns the history of the builds like the newest build; with `all`, the history of all builds.
/// The history comes without the runs that are to be left out.
pub fn trend(history: &[Series], all: bool) -> Trend {
    let newest = history.last().map(|series| &series[0]);
    of(history, &|run| {
        all || newest.is_some_and(|newest| newest.is_like(run))
    })
}

/// Returns the history of the builds like the given records, up to and including them. The records
/// are one series, are not empty, and need not be part of the history yet.
pub fn of_kind(history: &[Series], records: &[BuildRecord]) -> Trend {
    let newest = &records[0].run;
    let is_before = |series: &&Series| series[0].id < newest.id;
    let mut up_to: Vec<Series> = history.iter().filter(is_before).cloned().collect();
    up_to.push(records.iter().map(|record| record.run.clone()).collect());
    of(&up_to, &|run| newest.is_like(run))
}

fn of(history: &[Series], is_shown: &dyn Fn(&Run) -> bool) -> Trend {
    let mut points: Vec<Point> = Vec::new();
    let mut others = 0;
    for series in history {
        let run = &series[0];
        if !is_shown(run) {
            others += 1;
            continue;
        }
        let totals: Vec<f64> = series.iter().map(|run| run.total).collect();
        let total = median(&totals);
        // The time of a failed build cannot be compared.
        let whole = points.iter().rev().find(|point| !point.run.failed);
        let before = whole.map(|point| point.total);
        let before = before.filter(|it| *it > 0.0 && !run.failed);
        points.push(Point {
            run: run.clone(),
            runs: series.len(),
            total,
            percent: before.map(|before| (total / before - 1.0) * 100.0),
        });
    }
    Trend {
        version: 1,
        points,
        others,
        contended: 0,
    }
}
