//! Two builds, or two that were repeated, side by side.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::cargo_runs::build_times::schedule::Schedule;
use crate::cargo_runs::build_times::{BuildRecord, Run, UnitState, UnitTiming, path, round};

/// The difference between two builds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TimingsComparison {
    /// Of this format.
    pub version: u32,
    /// The older side: its run's id and name.
    pub before: ComparedSide,
    /// The newer side.
    pub after: ComparedSide,
    /// What makes the two hard to compare, in words.
    pub unlike: Vec<String>,
    /// From cargo's start to the end, without waiting for a lock.
    pub total: FigureChange,
    /// The longest chain of units that wait for one another.
    pub critical_path: FigureChange,
    /// What all units took together.
    pub time_sum: FigureChange,
    /// Units that ran on both sides, the greatest difference first.
    pub units: Vec<UnitChange>,
    /// Units that ran on the newer side and are not part of the older one.
    pub new: Vec<Only>,
    /// Units that ran on the older side and are not part of the newer one.
    pub vanished: Vec<Only>,
    /// How many ran on one side and were fresh, or not come to, on the other: older, newer.
    pub ran_on_one_side: (usize, usize),
}

/// One side of a comparison.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ComparedSide {
    /// The run's id; the first one's where it was repeated.
    pub id: String,
    /// Label, commit or start.
    pub name: String,
    /// How often it was run.
    pub runs: usize,
}

/// A figure on both sides, in seconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FigureChange {
    /// The median of the older side.
    pub before: f64,
    /// The median of the newer side.
    pub after: f64,
    /// Whether it is a change or noise.
    pub verdict: Verdict,
}

/// Whether a difference is a change or noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every run of the newer side took longer than every run of the older.
    Slower,
    /// Every run of the newer side took less time than every run of the older.
    Faster,
    /// Runs of one side differ as much as the sides do, or there is no difference.
    Noise,
    /// A side was not repeated, so that its noise is not known.
    Unproven,
}

/// A unit on both sides.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UnitChange {
    /// As [`UnitTiming`] displays itself, on the newer side.
    pub unit: String,
    /// Its package.
    pub package: String,
    /// The older side's version, where it is another.
    pub from_version: Option<String>,
    /// Its time.
    #[serde(flatten)]
    pub time: FigureChange,
}

/// A unit of one side alone.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Only {
    /// As [`UnitTiming`] displays itself.
    pub unit: String,
    /// Seconds.
    pub time: f64,
}

impl FigureChange {
    /// From the times of both sides' runs, which are not none.
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

    /// By how much it grew, in seconds.
    pub fn growth(&self) -> f64 {
        round(self.after - self.before)
    }

    /// By how much it grew, in percent; none where it was nothing.
    pub fn percent(&self) -> Option<f64> {
        (self.before > 0.0).then(|| (self.after / self.before - 1.0) * 100.0)
    }
}

/// The middle one, or the mean of the two in the middle.
pub fn median(times: &[f64]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => 0.0,
        count if count % 2 == 1 => sorted[count / 2],
        count => (sorted[count / 2 - 1] + sorted[count / 2]) / 2.0,
    }
}

/// The run of the middle total, which stands for all of a series; none for none.
pub fn typical(records: &[BuildRecord]) -> Option<&BuildRecord> {
    let mut sorted: Vec<&BuildRecord> = records.iter().collect();
    sorted.sort_by(|a, b| a.total().total_cmp(&b.total()));
    // Of an even number the longer one in the middle: better too careful than too proud.
    sorted.get(sorted.len() / 2).copied()
}

/// What a unit is known by, from one build to the next.
type UnitLabel<'a> = (&'a str, &'a str, &'a str);

/// What tells units of one key apart.
type Variant<'a> = (&'a str, &'a [String], Option<&'a str>, bool);

/// Units of one key: each in all of a side's runs.
type UnitVariants<'a> = BTreeMap<Variant<'a>, Vec<&'a UnitTiming>>;
type UnitRuns<'a> = &'a [&'a UnitTiming];

/// A side's units.
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

/// Compares two sides, neither of which is empty.
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
        version: 1,
        before: side(before),
        after: side(after),
        unlike: unlike(before, after),
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

/// Pairs the variants of a unit: those that are the same first, then whatever is left, in order.
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

/// What is different about how the two were made.
fn unlike(before: &[BuildRecord], after: &[BuildRecord]) -> Vec<String> {
    let number = |number: Option<usize>| number.map_or(String::new(), |it| it.to_string());
    let facts = |run: &Run| {
        [
            (
                "cargo's command",
                format!("{} {}", run.command, run.arguments.join(" ")),
            ),
            ("what was built from nothing", run.clean.clone()),
            ("the profile", run.profile.clone()),
            ("the host", run.host.clone()),
            ("the number of jobs", number(run.jobs)),
            ("the compiler", run.rustc.clone()),
        ]
    };
    let (old, new) = (facts(&before[0].run), facts(&after[0].run));
    let mut unlike = Vec::new();
    for ((what, old), (_, new)) in old.iter().zip(&new) {
        let (old, new) = (old.trim(), new.trim());
        if old != new && !old.is_empty() && !new.is_empty() {
            unlike.push(format!("{what} differs: `{old}`, `{new}`"));
        }
    }
    for (side, records) in [("older", before), ("newer", after)] {
        if records.iter().any(|record| record.run.failed) {
            unlike.push(format!("the {side} build failed"));
        }
    }
    unlike
}
