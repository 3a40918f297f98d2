//! All that is shown of a measured build.

use super::analysis::{self, Analysis};
use super::budget::{Breach, Budget};
use super::compare::{self, TimingsComparison};
use super::trend::Trend;
use super::what_if::{self, SpeedUp, WhatIf};
use crate::cargo_runs::build_times::schedule::Schedule;
use crate::cargo_runs::build_times::{BuildRecord, UnitTiming, round};

/// A build, or one that was repeated, with all that follows from it.
#[derive(Debug)]
pub struct TimingsReport {
    /// The build; of repeated ones the one of the middle length.
    pub record: BuildRecord,
    /// The totals of all its runs, in seconds.
    pub totals: Vec<f64>,
    /// Where its time went.
    pub analysis: Analysis,
    /// Against the last build of the same kind.
    pub since_last: Option<TimingsComparison>,
    /// Builds of the same kind.
    pub trend: Trend,
    /// The limits that it breaks.
    pub breaches: Vec<Breach>,
    /// The limits that could not be checked, and why.
    pub unchecked: Vec<String>,
    /// The replay, and what would help.
    pub what_if: WhatIf,
}

impl TimingsReport {
    /// Of the records of one series, which are not none. `last` is what it is shown against,
    /// `baseline` what its growth is measured against; without one, that is `last` too.
    ///
    /// # Errors
    /// In words, where a record contradicts itself or a budget cannot be checked.
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
        let what_if = what_if::ask(
            &record.build,
            &schedule,
            record.width(),
            &SpeedUp::default(),
        );
        Ok(Self {
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

    /// The median of the totals.
    pub fn total(&self) -> f64 {
        round(compare::median(&self.totals))
    }

    /// A unit by its place.
    pub fn unit(&self, place: usize) -> &UnitTiming {
        &self.record.build.units[place]
    }
}
