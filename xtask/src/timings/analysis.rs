//! Analyses one build: the parts of its time, and the units that delayed it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::duplicates::{self, Duplicate};
use crate::cargo_runs::build_times::path::Path;
use crate::cargo_runs::build_times::record::BuildRecord;
use crate::cargo_runs::build_times::schedule::Schedule;
use crate::cargo_runs::build_times::{Order, UnitState, UnitTiming, path, round};

/// The figures of a build. Times are in seconds, rounded to 0.01.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Analysis {
    /// The time from cargo's start to the end of the last unit, without `waited_for_lock`.
    pub total: f64,
    /// The part of `total` before the first unit started: resolving dependencies, downloads.
    pub before_first: f64,
    /// The time of waiting for another cargo's lock. `total` does not contain this time.
    pub waited_for_lock: f64,
    /// The sum of the times of all units.
    pub time_sum: f64,
    /// The average number of units at work, from the start of the first unit to the end; 0 if no
    /// unit took any time.
    pub parallelism: f64,
    /// The ratio of `parallelism` to the number of units that cargo may run at a time; `None` if
    /// the report does not contain this number.
    pub efficiency: Option<f64>,
    /// The number of units that ran.
    pub ran: usize,
    /// The number of units that were fresh.
    pub fresh: usize,
    /// The number of units that the build did not reach. Cargo 1.99 and later do not list them.
    pub not_run: usize,
    /// The number of units whose state is not in the report. Most of them are fresh.
    pub unknown: usize,
    /// The units that failed, as [`UnitTiming`] displays them.
    pub failed: Vec<String>,
    /// Cargo's message about a failed build; `None` if the build succeeded.
    pub error: Option<String>,
    /// The source of the order of units, on which the paths are based.
    pub order: Order,
    /// The longest chain of units if no unit ever waits for a core. No machine can be faster than
    /// this chain.
    pub critical_path: Path,
    /// The chain of units that led to the end of this build, including the time of waiting for
    /// cores.
    pub realised_path: Path,
    /// The slack of each unit: the time by which the unit could take longer without a longer
    /// critical path.
    pub slack: Vec<f64>,
    /// The time by kind of work. A unit has one kind, except that libraries are split into frontend
    /// and codegen, and linking is separate.
    pub by_kind: Vec<Share>,
    /// The time of the workspace's own packages and of all other packages.
    pub by_origin: Vec<Share>,
    /// The time by package, the longest first.
    pub by_package: Vec<Share>,
    /// The packages that were compiled more than once.
    pub duplicates: Vec<Duplicate>,
    /// The units that took longest, the longest first, as indices into the units of the build.
    pub slowest: Vec<usize>,
}

/// The time of a group of units.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Share {
    /// The name of the group.
    pub name: String,
    /// The sum of the times, in seconds.
    pub time: f64,
    /// The number of units in the group.
    pub units: usize,
}

/// Analyses a record.
///
/// # Errors
/// Returns a message if the record contradicts itself.
pub fn analyse(record: &BuildRecord) -> Result<Analysis, String> {
    let build = &record.build;
    let schedule = Schedule::new(build)?;
    let (critical_path, slack) = path::ideal(&schedule);
    let before = build.before_first();
    let realised_path = path::realised(&schedule, before);
    let in_state = |state| build.units.iter().filter(move |unit| unit.state == state);
    let mut slowest: Vec<usize> = (0..build.units.len())
        .filter(|&place| build.units[place].duration > 0.0)
        .collect();
    let duration = |place: &usize| build.units[*place].duration;
    slowest.sort_by(|a, b| duration(b).total_cmp(&duration(a)));
    let time_sum: f64 = slowest.iter().map(duration).fold(0.0, |a, b| a + b);
    let at_work = build.total - before;
    let parallelism = match time_sum > 0.0 && at_work > 0.0 {
        true => time_sum / at_work,
        false => 0.0,
    };
    let jobs = record.run.jobs;
    let efficiency = jobs.map(|jobs| parallelism / jobs.max(1) as f64);
    Ok(Analysis {
        total: round(record.total()),
        before_first: round((before - record.run.waited_for_lock).max(0.0)),
        waited_for_lock: round(record.run.waited_for_lock),
        time_sum: round(time_sum),
        parallelism: round(parallelism),
        efficiency: efficiency.map(round),
        ran: in_state(UnitState::Ran).count(),
        fresh: in_state(UnitState::Fresh).count(),
        not_run: in_state(UnitState::NotRun).count(),
        unknown: in_state(UnitState::Unknown).count(),
        failed: in_state(UnitState::Failed)
            .map(UnitTiming::to_string)
            .collect(),
        error: build.error.clone(),
        order: build.order,
        critical_path: rounded(critical_path),
        realised_path: rounded(realised_path),
        slack: slack.into_iter().map(round).collect(),
        by_kind: shares(&build.units, kinds),
        by_origin: shares(&build.units, |unit| {
            let origin = match unit.member {
                true => "workspace",
                false => "external",
            };
            vec![(origin, unit.duration)]
        }),
        by_package: shares(&build.units, |unit| vec![(&unit.name, unit.duration)]),
        duplicates: duplicates::find(build),
        slowest,
    })
}

fn rounded(mut path: Path) -> Path {
    path.length = round(path.length);
    path.waiting = round(path.waiting);
    for step in &mut path.steps {
        step.seconds = round(step.seconds);
        step.waited = round(step.waited);
    }
    path
}

/// Returns the kinds of work in a unit, each with its time.
fn kinds(unit: &UnitTiming) -> Vec<(&str, f64)> {
    let link = unit.link.unwrap_or(0.0);
    let kind = match (unit.target.as_str(), unit.mode.as_str()) {
        (_, "run") => "build scripts' runs",
        ("build script", _) => "build scripts' compilation",
        (_, "doc" | "doc scrape") => "documentation",
        _ if unit.proc_macro => "procedural macros",
        _ if unit.host => "libraries of scripts and macros",
        (_, "test" | "check-test") => "tests and benches",
        ("lib", _) => {
            let frontend = unit.metadata();
            return vec![
                ("libraries, frontend", frontend),
                ("libraries, codegen", unit.duration - frontend - link),
                ("linking", link),
            ];
        }
        (target, _) if target.starts_with("example") => "examples",
        _ => "binaries",
    };
    vec![(kind, unit.duration - link), ("linking", link)]
}

/// Sums the parts of all units by name, the longest first. Parts of less than 0.004 seconds are
/// left out.
fn shares(units: &[UnitTiming], parts: fn(&UnitTiming) -> Vec<(&str, f64)>) -> Vec<Share> {
    let mut sums: BTreeMap<&str, (f64, usize)> = BTreeMap::new();
    for unit in units.iter().filter(|unit| unit.duration > 0.0) {
        for (name, time) in parts(unit).into_iter().filter(|part| part.1 > 0.004) {
            let sum = sums.entry(name).or_default();
            *sum = (sum.0 + time, sum.1 + 1);
        }
    }
    let shares = sums.into_iter().map(|(name, (time, units))| Share {
        name: name.to_owned(),
        time: round(time),
        units,
    });
    let mut shares: Vec<Share> = shares.collect();
    shares.sort_by(|a, b| b.time.total_cmp(&a.time));
    shares
}
