//! The report of a measured build, with everything that the commands show.

use super::analysis::{self, Analysis};
use super::budget::{Breach, Budget};
use super::compare::{self, TimingsComparison};
use super::trend::Trend;
use super::what_if::{self, SpeedUp, WhatIf};
use crate::cargo_runs::build_times::schedule::Schedule;
use crate::cargo_runs::build_times::{BuildRecord, UnitTiming, round};

/// A build, possibly repeated, with all results that follow from its records.
#[derive(Debug)]
pub struct TimingsReport {
    /// The record of the build; of a repeated build, the run with the middle total.
    pub record: BuildRecord,
    /// The number of contended runs of the series that are left out.
    pub left_out: usize,
    /// The totals of all runs, in seconds.
    pub totals: Vec<f64>,
    /// The figures of the build.
    pub analysis: Analysis,
    /// The comparison with the last build of the same kind.
    pub since_last: Option<TimingsComparison>,
    /// The history of builds of the same kind.
    pub trend: Trend,
    /// The limits that the build exceeds.
    pub breaches: Vec<Breach>,
    /// The limits that could not be checked, each with the reason.
    pub unchecked: Vec<String>,
    /// The replay of the build, and the packages whose speed-up would help most.
    pub what_if: WhatIf,
}

impl TimingsReport {
    /// Makes the report of the records of one series, which must not be empty. `last` is the run
    /// that the build is compared with. `baseline` is the run that growth is measured against;
    /// without a baseline, growth is measured against `last`.
    ///
    /// # Errors
    /// Returns a message if a record contradicts itself or a budget cannot be checked.
    pub fn new(
        records: &[BuildRecord],
        last: Option<&[BuildRecord]>,
        trend: Trend,
        budget: &Budget,
        baseline: Option<&[BuildRecord]>,
    ) -> Result<Self, String> {
        let record = compare::typical(records).ok_or("there is no run")?.clone();
        let analysis = analysis::analyse(&record)?;
        let since_last = last.map(|last| compare::compare(last, records));
        let since_baseline = baseline.map(|baseline| compare::compare(baseline, records));
        let totals: Vec<f64> = records.iter().map(|it| round(it.total())).collect();
        let against = since_baseline.as_ref().or(since_last.as_ref());
        let checked = budget.check(&record, compare::median(&totals), against)?;
        let schedule = Schedule::new(&record.build)?;
        let what_if = what_if::predict(
            &record.build,
            &schedule,
            record.width(),
            &SpeedUp::default(),
        );
        Ok(Self {
            left_out: 0,
            totals,
            analysis,
            since_last,
            trend,
            breaches: checked.breaches,
            unchecked: checked.unchecked,
            what_if,
            record,
        })
    }

    /// Returns the median of the totals.
    pub fn total(&self) -> f64 {
        round(compare::median(&self.totals))
    }

    /// Returns a unit by its index.
    pub fn unit(&self, place: usize) -> &UnitTiming {
        &self.record.build.units[place]
    }
}
