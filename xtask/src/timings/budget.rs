//! Checks a build against time limits, and names the units that exceed them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::compare::{TimingsComparison, Verdict};
use crate::cargo_runs::build_times::record::BuildRecord;
use crate::cargo_runs::build_times::store::Keep;
use crate::cargo_runs::build_times::{UnitTiming, round};
use crate::compiler_cache::counts::CacheCounts;

/// The table `[workspace.metadata.xtask.timings]`.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct TimingsSettings {
    /// The time limits of a build.
    pub budget: Budget,
    /// The number of runs that the history keeps.
    pub keep: Keep,
}

/// The time limits of a build. Each limit is optional.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Budget {
    /// The limit in seconds from cargo's start to the end of the build.
    pub total: Option<f64>,
    /// The limit of the critical path, in seconds.
    pub critical_path: Option<f64>,
    /// The limit in percent by which the total may exceed the total of the baseline.
    pub growth: Option<f64>,
    /// The run that growth is measured against, in any form that `timings diff` accepts.
    pub baseline: Option<String>,
    /// The least share of hits among the compilations that a compiler cache can serve, in percent.
    pub cache_hits: Option<f64>,
    /// The limits for the sum of all units of a package, in seconds.
    pub packages: BTreeMap<String, f64>,
}

/// The limits of a build, and the run that growth is measured against.
#[derive(Debug)]
pub(crate) struct CheckedLimits {
    /// The limits.
    pub(crate) budget: Budget,
    /// The records of the run, if one was named.
    pub(crate) baseline: Option<Vec<BuildRecord>>,
}

/// A limit that was exceeded.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Breach {
    /// The name of the limit: `total`, `critical path`, `growth`, `cache hits`, or `package` with the
    /// package's name.
    pub what: String,
    /// The limit, in seconds; for growth and cache hits, in percent. Only the limit of cache hits is a
    /// lower limit.
    pub limit: f64,
    /// The measured value, in the same unit as the limit.
    pub measured: f64,
    /// The unit that contributed most.
    pub unit: Option<String>,
    /// The time of this unit, or for growth its increase, in seconds.
    pub unit_time: Option<f64>,
}

/// The result of checking a build against a budget.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BudgetCheck {
    /// The limits that were exceeded.
    pub breaches: Vec<Breach>,
    /// The limits that could not be checked, each with the reason.
    pub unchecked: Vec<String>,
}

impl Budget {
    /// Adds a limit in the form of the command line: `total=120`, `critical-path=60s`,
    /// `growth=10%`, `cache-hits=80%`, `package:serde=3`.
    ///
    /// # Errors
    /// Returns a message if the limit has another form.
    pub fn add(&mut self, limit: &str) -> Result<(), String> {
        let wrong = || {
            format!(
                "`{limit}` is not a limit: write total=SECONDS, critical-path=SECONDS, \
                 growth=PERCENT, cache-hits=PERCENT or package:NAME=SECONDS"
            )
        };
        let (what, value) = limit.split_once('=').ok_or_else(wrong)?;
        let value = value.trim_end_matches(['s', '%']);
        let value = value.parse::<f64>().ok();
        let value = value.filter(|it| it.is_finite() && *it >= 0.0);
        let value = value.ok_or_else(wrong)?;
        match what {
            "total" => self.total = Some(value),
            "critical-path" => self.critical_path = Some(value),
            "growth" => self.growth = Some(value),
            "cache-hits" => self.cache_hits = Some(value),
            _ => {
                let package = what.strip_prefix("package:").ok_or_else(wrong)?;
                self.packages.insert(package.to_owned(), value);
            }
        }
        Ok(())
    }

    /// Returns the budget without its time limits, for a build during which the machine did other
    /// work. If there were time limits, also returns a message that says so.
    pub(crate) fn without_times(&self) -> (Self, Option<String>) {
        let kept = Self {
            cache_hits: self.cache_hits,
            ..Self::default()
        };
        let baseline = self.baseline.clone();
        let has_times = Self {
            baseline,
            ..kept.clone()
        } != *self;
        let why = "the time limits, because the machine did other work (`--contended` checks \
                   them)";
        (kept, has_times.then(|| why.to_owned()))
    }

    /// Checks a build against the limits. `total` is the time of the build in seconds, or the
    /// median of several runs. `comparison` compares the build with the baseline.
    ///
    /// # Errors
    /// Returns a message if the record contradicts itself.
    pub fn check(
        &self,
        record: &BuildRecord,
        total: f64,
        comparison: Option<&TimingsComparison>,
    ) -> Result<BudgetCheck, String> {
        let units = &record.build.units;
        let longest = |units: &mut dyn Iterator<Item = &UnitTiming>| {
            let longest = units.max_by(|a, b| a.duration.total_cmp(&b.duration));
            longest.map(|unit| (unit.to_string(), unit.duration))
        };
        let (mut breaches, mut unchecked) = (Vec::new(), Vec::new());
        let mut check = |what: &str, limit: f64, measured: f64, by: Option<(String, f64)>| {
            if measured > limit {
                let (unit, unit_time) = by.unzip();
                breaches.push(Breach {
                    what: what.to_owned(),
                    limit,
                    measured: round(measured),
                    unit,
                    unit_time,
                });
            }
        };
        if let Some(limit) = self.total {
            check("total", limit, total, longest(&mut units.iter()));
        }
        if let Some(limit) = self.critical_path {
            let schedule = crate::cargo_runs::build_times::schedule::Schedule::new(&record.build)?;
            let (path, _) = crate::cargo_runs::build_times::path::ideal(&schedule);
            let on_path = &mut path.steps.iter().map(|step| &units[step.unit]);
            check("critical path", limit, path.length, longest(on_path));
        }
        for (package, &limit) in &self.packages {
            let of_package = || units.iter().filter(|unit| unit.name == *package);
            if of_package().next().is_none() {
                unchecked.push(format!("the package `{package}` is not part of this build"));
            }
            let time = of_package().map(|unit| unit.duration).sum();
            let what = format!("package {package}");
            check(&what, limit, time, longest(&mut of_package()));
        }
        match (self.growth, comparison) {
            // A difference within the noise of the runs is not growth.
            (Some(limit), Some(comparison)) if comparison.total.verdict != Verdict::Noise => {
                let grown = comparison.total.percent().unwrap_or(0.0);
                let units = comparison.units.iter();
                let most = units.max_by(|a, b| a.time.growth().total_cmp(&b.time.growth()));
                let most = most.map(|it| (it.unit.clone(), it.time.growth()));
                let new = comparison.new.first();
                let new = new.map(|unit| (unit.unit.clone(), unit.time));
                let most = most
                    .filter(|it| new.as_ref().is_none_or(|new| it.1 >= new.1))
                    .or(new);
                check("growth", limit, grown, most);
            }
            (Some(_), None) => unchecked.push(
                "growth, because there is no earlier run of the same kind (--baseline RUN \
                 names another run)"
                    .to_owned(),
            ),
            _ => {}
        }
        match self.check_cache(record) {
            Ok(breach) => breaches.extend(breach),
            Err(why) => unchecked.push(why),
        }
        Ok(BudgetCheck {
            breaches,
            unchecked,
        })
    }

    /// Checks the share of hits in the compiler cache. Returns a message if there is no share.
    fn check_cache(&self, record: &BuildRecord) -> Result<Option<Breach>, String> {
        let Some(least) = self.cache_hits else {
            return Ok(None);
        };
        let rate = record.run.cache.as_ref().and_then(CacheCounts::hit_rate);
        let rate = rate.ok_or("cache hits, because this build compiled nothing with a cache")?;
        Ok((rate < least).then(|| Breach {
            what: "cache hits".to_owned(),
            limit: least,
            measured: round(rate),
            unit: None,
            unit_time: None,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Other work on the machine changes times, and does not change the hits of a cache.
    #[test]
    fn only_limits_of_time_are_left_out_for_a_contended_build() {
        for (limits, kept, says) in [
            ("", "", false),
            ("cache-hits=80", "cache-hits=80", false),
            ("total=5 cache-hits=80", "cache-hits=80", true),
            ("growth=10", "", true),
            ("package:serde=3", "", true),
        ] {
            let budget = |limits: &str| {
                let mut budget = Budget::default();
                for limit in limits.split_whitespace() {
                    budget.add(limit).unwrap();
                }
                budget
            };
            let (found, message) = budget(limits).without_times();
            assert_eq!((found, message.is_some()), (budget(kept), says), "{limits}");
        }
    }

    #[test]
    fn a_low_share_of_cache_hits_is_a_breach() {
        let mut record = BuildRecord::default();
        let mut budget = Budget::default();
        budget.add("cache-hits=80%").unwrap();
        let said = budget.check_cache(&record).unwrap_err();
        assert_eq!(
            said,
            "cache hits, because this build compiled nothing with a cache"
        );
        for (hits, is_breach) in [(7, true), (8, false), (10, false)] {
            record.run.cache = Some(CacheCounts {
                compilations: 30,
                hits,
                misses: 10 - hits,
                ..CacheCounts::default()
            });
            let breach = budget.check_cache(&record).unwrap();
            assert_eq!(breach.is_some(), is_breach, "{hits}");
            // The record keeps the counts.
            let text = serde_json::to_string(&record.run).unwrap();
            let read: crate::cargo_runs::build_times::Run = serde_json::from_str(&text).unwrap();
            assert_eq!(read.cache, record.run.cache);
        }
        let without = Budget::default().check_cache(&record).unwrap();
        assert_eq!(without, None);
    }
}
