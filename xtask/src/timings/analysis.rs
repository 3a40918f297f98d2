//! One build, summed up: where its time went, and what held it up.

use std::collections::BTreeMap;

use serde::Serialize;

use super::duplicates::{self, Duplicate};
use crate::cargo_runs::build_times::path;
use crate::cargo_runs::build_times::path::Path;
use crate::cargo_runs::build_times::record::BuildRecord;
use crate::cargo_runs::build_times::schedule::Schedule;
use crate::cargo_runs::build_times::{Order, UnitState, UnitTiming, round};

/// A build in figures. Times are seconds, to 0.01.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Analysis {
    /// From cargo's start to the end of the last unit, without `waited_for_lock`.
    pub total: f64,
    /// How much of that passed before the first unit started: resolving, downloads.
    pub before_first: f64,
    /// Waiting for another cargo's lock, which `total` leaves out.
    pub waited_for_lock: f64,
    /// What all units took together.
    pub time_sum: f64,
    /// Units at work on average, from the first one's start to the end; 0 if none took any time.
    pub parallelism: f64,
    /// `parallelism` as a share of the units that cargo may run at a time; none where the report
    /// does not say how many.
    pub efficiency: Option<f64>,
    /// Units that ran.
    pub ran: usize,
    /// Units that were fresh.
    pub fresh: usize,
    /// Units that the build did not come to; cargo 1.99 and later do not list them.
    pub not_run: usize,
    /// Units of which the report alone does not tell; most of them are fresh.
    pub unknown: usize,
    /// Units that failed, as [`UnitTiming`] displays itself.
    pub failed: Vec<String>,
    /// Cargo's words for why the build failed; none where it succeeded.
    pub error: Option<String>,
    /// What the paths rest on.
    pub order: Order,
    /// The longest chain of units where none ever waits for a core: no machine is faster.
    pub critical_path: Path,
    /// The chain that led to the end of this build, waiting for cores included.
    pub realised_path: Path,
    /// How much longer each unit could take before the critical path did.
    pub slack: Vec<f64>,
    /// By what was done: a unit is in one of them, but libraries are in two parts.
    pub by_kind: Vec<Share>,
    /// The workspace's own packages, and all others.
    pub by_origin: Vec<Share>,
    /// By package, longest first.
    pub by_package: Vec<Share>,
    /// Packages compiled more than once.
    pub duplicates: Vec<Duplicate>,
    /// The units that took longest, longest first, as places in the build.
    pub slowest: Vec<usize>,
}

/// What a group of units took together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Share {
    /// The group.
    pub name: String,
    /// Seconds.
    pub time: f64,
    /// How many units took part.
    pub units: usize,
}

/// Analyses a record.
///
/// # Errors
/// In words, where the record contradicts itself.
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

/// What is done in a unit, and for how long.
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

/// Longest first; what took no time is left out.
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
