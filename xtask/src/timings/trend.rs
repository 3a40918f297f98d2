//! How builds of one kind went over time.

use serde::Serialize;

use super::compare::median;
use crate::cargo_runs::build_times::select::Series;
use crate::cargo_runs::build_times::{BuildRecord, Run};

/// A history, oldest first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trend {
    /// Of this format.
    pub version: u32,
    /// One for each run, or for those that one `--repeat` made.
    pub points: Vec<Point>,
    /// Runs that are left out because they did something else.
    pub others: usize,
}

/// One moment of a history. Times are seconds: of repeated runs the median.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Point {
    /// The first run.
    #[serde(flatten)]
    pub run: Run,
    /// How often it was run.
    pub runs: usize,
    /// From cargo's start to the end.
    pub total: f64,
    /// By how much that differs from the point before, in percent; none for the first.
    pub percent: Option<f64>,
}

impl Trend {
    /// Leaves out all but the last points.
    pub fn keep_last(&mut self, count: usize) {
        let first = self.points.len().saturating_sub(count);
        self.points.drain(..first);
    }
}

/// The history of builds like the newest; of all where `all` is set.
pub fn trend(history: &[Series], all: bool) -> Trend {
    let newest = history.last().map(|series| &series[0]);
    of(history, &|run| {
        all || newest.is_some_and(|newest| newest.is_like(run))
    })
}

/// The history of builds like these records, which are one series and not empty, up to them. They
/// need not be part of it yet.
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
        // What failed measures nothing that could be compared.
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
    }
}
