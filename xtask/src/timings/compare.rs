//! Compares two builds. Each side may be a build that was repeated.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::cargo_runs::build_times::schedule::Schedule;
use crate::cargo_runs::build_times::{BuildRecord, Run, UnitState, UnitTiming, path, round};

/// The difference between two builds.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TimingsComparison {
    /// The version of this format.
    pub version: u32,
    /// The older side.
    pub before: ComparedSide,
    /// The newer side.
    pub after: ComparedSide,
    /// The reasons why the two sides are hard to compare, as text: for example, a difference in
    /// their profiles.
    pub warnings: Vec<String>,
    /// The time from cargo's start to the end, without waiting for a lock.
    pub total: FigureChange,
    /// The longest chain of units that wait for one another.
    pub critical_path: FigureChange,
    /// The sum of the times of all units.
    pub time_sum: FigureChange,
    /// The units that ran on both sides, the largest difference first.
    pub units: Vec<UnitChange>,
    /// The units that ran on the newer side and do not exist on the older side.
    pub new: Vec<Only>,
    /// The units that ran on the older side and do not exist on the newer side.
    pub vanished: Vec<Only>,
    /// The numbers of units that ran on only one side and were fresh or not reached on the other
    /// side: ran before, ran after.
    pub ran_on_one_side: (usize, usize),
}

/// One side of a comparison.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ComparedSide {
    /// The id of the run; of a repeated run, the id of the first run.
    pub id: String,
    /// The label, the commit or the start of the run.
    pub name: String,
    /// The number of runs.
    pub runs: usize,
}

/// A figure of both sides, in seconds.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FigureChange {
    /// The median of the older side.
    pub before: f64,
    /// The median of the newer side.
    pub after: f64,
    /// The verdict on the difference: a change or noise.
    pub verdict: Verdict,
}

/// The verdict on a difference.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every run of the newer side took longer than every run of the older side.
    Slower,
    /// Every run of the newer side took less time than every run of the older side.
    Faster,
    /// The runs of one side differ as much as the two sides differ, or there is no difference.
    Noise,
    /// A side was not repeated, so its noise is unknown.
    Unproven,
}

/// A unit that ran on both sides.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UnitChange {
    /// The unit of the newer side, as [`UnitTiming`] displays it.
    pub unit: String,
    /// The package of the unit.
    pub package: String,
    /// The version on the older side, if the versions differ.
    pub from_version: Option<String>,
    /// The time of the unit on both sides.
    #[serde(flatten)]
    pub time: FigureChange,
}

/// A unit that exists on only one side.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Only {
    /// The unit, as [`UnitTiming`] displays it.
    pub unit: String,
    /// The time of the unit, in seconds.
    pub time: f64,
}

impl FigureChange {
    /// Compares the times of both sides' runs. Neither side is empty.
    fn new(before: &[f64], after: &[f64]) -> Self {
        let lowest = |times: &[f64]| times.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = |times: &[f64]| times.iter().copied().fold(0.0, f64::max);
        let (old, new) = (median(before), median(after));
        let verdict = match before.len().min(after.len()) {
            _ if (new - old).abs() < 0.01 => Verdict::Noise,
            0..=1 => Verdict::Unproven,
            _ if lowest(after) > highest(before) => Verdict::Slower,
            _ if highest(after) < lowest(before) => Verdict::Faster,
            _ => Verdict::Noise,
        };
        Self {
            before: round(old),
            after: round(new),
            verdict,
        }
    }

    /// Returns the growth, in seconds.
    pub fn growth(&self) -> f64 {
        round(self.after - self.before)
    }

    /// Returns the growth, in percent; `None` if the older figure is 0.
    pub fn percent(&self) -> Option<f64> {
        (self.before > 0.0).then(|| (self.after / self.before - 1.0) * 100.0)
    }
}

/// Returns the median: the middle value, or the mean of the two middle values.
pub fn median(times: &[f64]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => 0.0,
        count if count % 2 == 1 => sorted[count / 2],
        count => (sorted[count / 2 - 1] + sorted[count / 2]) / 2.0,
    }
}

/// Returns the run with the middle total, which represents a whole series; `None` if there are no
/// runs.
pub fn typical(records: &[BuildRecord]) -> Option<&BuildRecord> {
    let mut sorted: Vec<&BuildRecord> = records.iter().collect();
    sorted.sort_by(|a, b| a.total().total_cmp(&b.total()));
    // With an even number of runs, the longer of the two middle runs is used, so that the result is
    // never better than the median.
    sorted.get(sorted.len() / 2).copied()
}

/// The name, the target and the mode of a unit. They stay the same from one build to the next.
type UnitLabel<'a> = (&'a str, &'a str, &'a str);

/// The facts by which units with the same label differ: version, features, platform, and host or
/// target.
type Variant<'a> = (&'a str, &'a [String], Option<&'a str>, bool);

/// The variants of a unit, each with its timings in all runs of a side.
type UnitVariants<'a> = BTreeMap<Variant<'a>, Vec<&'a UnitTiming>>;
type UnitRuns<'a> = &'a [&'a UnitTiming];

/// Returns the units of a side, by label and variant.
fn units(records: &[BuildRecord]) -> BTreeMap<UnitLabel<'_>, UnitVariants<'_>> {
    let mut units: BTreeMap<_, UnitVariants<'_>> = BTreeMap::new();
    for unit in records.iter().flat_map(|record| &record.build.units) {
        let key = (&*unit.name, &*unit.target, &*unit.mode);
        let platform = unit.platform.as_deref();
        let variant = (&*unit.version, &*unit.features, platform, unit.host);
        let variants = units.entry(key).or_default();
        variants.entry(variant).or_default().push(unit);
    }
    units
}

/// Compares two sides. Neither side may be empty.
pub fn compare(before: &[BuildRecord], after: &[BuildRecord]) -> TimingsComparison {
    let (older, newer) = (units(before), units(after));
    let mut units = Vec::new();
    let (mut new, mut vanished, mut one_side) = (Vec::new(), Vec::new(), (0, 0));
    let keys: BTreeSet<_> = older.keys().chain(newer.keys()).collect();
    let none = BTreeMap::new();
    for key in keys {
        let old = older.get(key).unwrap_or(&none);
        let now = newer.get(key).unwrap_or(&none);
        let (pairs, only_old, only_now) = paired(old, now);
        for (old, now) in pairs {
            let (old_times, now_times) = (times(old), times(now));
            match (old_times.is_empty(), now_times.is_empty()) {
                (false, false) => units.push(UnitChange {
                    unit: now[0].to_string(),
                    package: now[0].name.clone(),
                    from_version: (old[0].version != now[0].version)
                        .then(|| old[0].version.clone()),
                    time: FigureChange::new(&old_times, &now_times),
                }),
                (false, true) => one_side.0 += 1,
                (true, false) => one_side.1 += 1,
                (true, true) => {}
            }
        }
        vanished.extend(only_old.into_iter().filter_map(only));
        new.extend(only_now.into_iter().filter_map(only));
    }
    units.sort_by(|a, b| {
        let size = |change: &UnitChange| change.time.growth().abs();
        size(b).total_cmp(&size(a)).then(a.unit.cmp(&b.unit))
    });
    for only in [&mut new, &mut vanished] {
        only.sort_by(|a, b| b.time.total_cmp(&a.time));
    }
    let change = |figure: &dyn Fn(&BuildRecord) -> f64| {
        let of = |side: &[BuildRecord]| side.iter().map(figure).collect::<Vec<_>>();
        FigureChange::new(&of(before), &of(after))
    };
    TimingsComparison {
        version: 2,
        before: side(before),
        after: side(after),
        warnings: warnings(before, after),
        total: change(&BuildRecord::total),
        critical_path: change(&critical_path),
        time_sum: change(&|record| record.run.time_sum),
        units,
        new,
        vanished,
        ran_on_one_side: one_side,
    }
}

fn critical_path(record: &BuildRecord) -> f64 {
    Schedule::new(&record.build).map_or(0.0, |schedule| path::ideal(&schedule).0.length)
}

/// Pairs the variants of a unit: equal variants first, then the remaining variants in order.
fn paired<'a>(
    old: &'a UnitVariants<'_>,
    now: &'a UnitVariants<'_>,
) -> (
    Vec<(UnitRuns<'a>, UnitRuns<'a>)>,
    Vec<UnitRuns<'a>>,
    Vec<UnitRuns<'a>>,
) {
    let mut pairs = Vec::new();
    let rest = |these: &'a UnitVariants<'_>, those: &UnitVariants<'_>| -> Vec<UnitRuns<'a>> {
        let others = these.iter().filter(|(it, _)| !those.contains_key(it));
        others.map(|(_, units)| &units[..]).collect()
    };
    for (variant, units) in old {
        if let Some(same) = now.get(variant) {
            pairs.push((&units[..], &same[..]));
        }
    }
    let (mut only_old, mut only_now) = (rest(old, now), rest(now, old));
    let matched = only_old.len().min(only_now.len());
    pairs.extend(only_old.drain(..matched).zip(only_now.drain(..matched)));
    (pairs, only_old, only_now)
}

fn times(units: &[&UnitTiming]) -> Vec<f64> {
    let ran = |unit: &&&UnitTiming| unit.state == UnitState::Ran || unit.duration > 0.0;
    let ran = units.iter().filter(ran);
    ran.map(|unit| unit.duration).collect()
}

fn only(units: UnitRuns<'_>) -> Option<Only> {
    let times = times(units);
    (!times.is_empty()).then(|| Only {
        unit: units[0].to_string(),
        time: round(median(&times)),
    })
}

fn side(records: &[BuildRecord]) -> ComparedSide {
    let first = &records[0].run;
    ComparedSide {
        id: first.id.clone(),
        name: first.name(),
        runs: records.len(),
    }
}

/// Returns the reasons why the two sides are hard to compare.
fn warnings(before: &[BuildRecord], after: &[BuildRecord]) -> Vec<String> {
    let number = |number: Option<usize>| number.map_or(String::new(), |it| it.to_string());
    let facts = |run: &Run| {
        [
            (
                "the cargo command",
                format!("{} {}", run.command, run.arguments.join(" ")),
            ),
            ("--clean", run.clean.clone()),
            ("the profile", run.profile.clone()),
            ("the host", run.host.clone()),
            ("the number of jobs", number(run.jobs)),
            ("the compiler", run.rustc.clone()),
        ]
    };
    let (old, new) = (facts(&before[0].run), facts(&after[0].run));
    let mut warnings = Vec::new();
    for ((what, old), (_, new)) in old.iter().zip(&new) {
        let (old, new) = (old.trim(), new.trim());
        if old != new && !old.is_empty() && !new.is_empty() {
            warnings.push(format!("{what} differs: `{old}`, `{new}`"));
        }
    }
    for (side, records) in [("older", before), ("newer", after)] {
        if records.iter().any(|record| record.run.failed) {
            warnings.push(format!("the {side} build failed"));
        }
        if let Some(why) = records.iter().find_map(|it| it.run.contended.as_ref()) {
            warnings.push(format!("the {side} build was contended: {why}"));
        }
    }
    warnings
}
