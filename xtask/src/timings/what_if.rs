//! Predicts a build: replays the build with another number of cores, or with faster packages.
//!
//! The replay follows cargo's job queue: of the units that may start, the unit that most other
//! units wait for gets the next free core. The times of units stay as measured. So a prediction for
//! more cores is too good if memory or disk becomes the limit.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};

use serde::Serialize;

use crate::cargo_runs::build_times::schedule::{Schedule, Until};
use crate::cargo_runs::build_times::{BuildTimings, path, round};

/// The changes that a prediction assumes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SpeedUp {
    /// The number of units at a time; `None` for the number in the measured build.
    pub cores: Option<usize>,
    /// The factor by which each unit of a package is faster, by package name.
    pub faster: BTreeMap<String, f64>,
}

impl SpeedUp {
    /// Adds a change in the form of the command line: `syn=2x`.
    ///
    /// # Errors
    /// Returns a message if the text has another form, or if the build has no such package.
    pub fn add(&mut self, faster: &str, build: &BuildTimings) -> Result<(), String> {
        let wrong = || format!("`{faster}`: write PACKAGE=FACTOR, for example syn=2x");
        let (package, factor) = faster.split_once('=').ok_or_else(wrong)?;
        let factor = factor.trim_end_matches('x').parse::<f64>().ok();
        let factor = factor
            .filter(|it| it.is_finite() && *it > 0.0)
            .ok_or_else(wrong)?;
        if !build.units.iter().any(|unit| unit.name == package) {
            return Err(format!("the build has no package `{package}`"));
        }
        self.faster.insert(package.to_owned(), factor);
        Ok(())
    }
}

/// The predicted build, next to the measured build. Times are in seconds.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WhatIf {
    /// The measured time, without waiting for another cargo's lock.
    pub measured: f64,
    /// The time of the replay without changes. The nearer this time is to `measured`, the better
    /// the prediction.
    pub replayed: f64,
    /// The error of the replay, in percent of the measured time.
    pub off_by: f64,
    /// The predicted time with the changes.
    pub predicted: f64,
    /// The number of units at a time in the prediction.
    pub cores: usize,
    /// The predicted time with a core for every unit that may start. No machine can be faster.
    pub at_best: f64,
    /// The predicted times with other numbers of cores, with the changes: cores and seconds.
    pub by_cores: Vec<(usize, f64)>,
    /// The packages that would shorten the build most if they were twice as fast, the best first.
    pub suggestions: Vec<Suggestion>,
}

/// The effect of a faster package. Times are in seconds.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Suggestion {
    /// The name of the package.
    pub package: String,
    /// True if the package is a member of the workspace.
    pub member: bool,
    /// The sum of the times of all its units.
    pub time: f64,
    /// The time that the build would save if each unit of the package took half as long.
    pub saved: f64,
}

/// The maximum number of packages that are suggested.
const SUGGESTED: usize = 10;

/// The number of packages that are tried for each of the two criteria.
const TRIED: usize = 40;

#[derive(Default)]
struct PackageGuess {
    time: f64,
    on_path: f64,
    member: bool,
}

/// Predicts a build that was measured with `cores` units at a time.
pub fn predict(
    build: &BuildTimings,
    schedule: &Schedule,
    cores: usize,
    change: &SpeedUp,
) -> WhatIf {
    let before = build.before_first();
    let measured = build.total;
    let as_it_was = vec![1.0; build.units.len()];
    let replayed = before + replay(schedule, &as_it_was, cores);
    let units = build.units.iter();
    let changed: Vec<f64> = units
        .map(|unit| change.faster.get(&unit.name).copied().unwrap_or(1.0))
        .collect();
    let new_cores = change.cores.unwrap_or(cores);
    let predicted = before + replay(schedule, &changed, new_cores);
    WhatIf {
        measured: round(measured),
        replayed: round(replayed),
        off_by: match measured > 0.0 {
            true => round((replayed / measured - 1.0) * 100.0),
            false => 0.0,
        },
        predicted: round(predicted),
        cores: new_cores,
        at_best: round(before + replay(schedule, &changed, usize::MAX)),
        by_cores: [1, 2, 4, 8, 16, 32, 64]
            .map(|cores| (cores, round(before + replay(schedule, &changed, cores))))
            .to_vec(),
        suggestions: suggestions(build, schedule, &changed, new_cores, predicted - before),
    }
}

/// Predicts the build once for each candidate, with the candidate at twice its speed. The
/// candidates are the packages with the longest total time and with the longest time on the
/// critical path; other packages save less. A package saves at most half of its time, so the search
/// stops early.
fn suggestions(
    build: &BuildTimings,
    schedule: &Schedule,
    faster: &[f64],
    cores: usize,
    total: f64,
) -> Vec<Suggestion> {
    let mut packages: HashMap<&str, PackageGuess> = HashMap::new();
    for (unit, factor) in build.units.iter().zip(faster) {
        let package = packages.entry(&unit.name).or_default();
        package.time += unit.duration / factor;
        package.member |= unit.member;
    }
    for step in path::ideal(schedule).0.steps {
        let package = packages.entry(&build.units[step.unit].name).or_default();
        package.on_path += step.seconds;
    }
    let longest = |by: &dyn Fn(&PackageGuess) -> f64| {
        let mut all: Vec<(&str, &PackageGuess)> =
            packages.iter().map(|(&name, it)| (name, it)).collect();
        all.sort_by(|a, b| by(b.1).total_cmp(&by(a.1)).then(a.0.cmp(b.0)));
        all.truncate(TRIED);
        all
    };
    let mut candidates = longest(&|it| it.time);
    candidates.extend(longest(&|it| it.on_path));
    candidates.sort_by(|a, b| b.1.time.total_cmp(&a.1.time).then(a.0.cmp(b.0)));
    candidates.dedup_by_key(|it| it.0);
    let mut best: Vec<Suggestion> = Vec::new();
    for (package, &PackageGuess { time, member, .. }) in candidates {
        let worst = best.get(SUGGESTED - 1).map_or(0.0, |it| it.saved);
        if time / 2.0 <= worst || time < 0.02 {
            break;
        }
        let units = build.units.iter().zip(faster);
        let twice = units.map(|(unit, factor)| match unit.name == package {
            true => factor * 2.0,
            false => *factor,
        });
        let saved = total - replay(schedule, &Vec::from_iter(twice), cores);
        if saved < 0.01 {
            continue;
        }
        best.push(Suggestion {
            package: package.to_owned(),
            member,
            time: round(time),
            saved: round(saved),
        });
        best.sort_by(|a, b| b.saved.total_cmp(&a.saved));
        best.truncate(SUGGESTED);
    }
    best
}

/// A moment in seconds, with the total order of numbers.
#[derive(Clone, Copy, PartialEq)]
struct Moment(f64);

impl Eq for Moment {}

impl Ord for Moment {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Moment {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// Returns the time of all units if at most `cores` units run at a time. Each unit is faster by its
/// factor.
fn replay(schedule: &Schedule, faster: &[f64], cores: usize) -> f64 {
    let jobs = &schedule.jobs;
    let mut state = Simulation {
        schedule,
        open: jobs.iter().map(|job| job.waits.len()).collect(),
        // The number of direct dependencies that have not ended together with all of their own
        // dependencies, plus one for the unit itself.
        below_open: jobs.iter().map(|job| job.waits.len() + 1).collect(),
        ready: BinaryHeap::new(),
    };
    for place in 0..jobs.len() {
        if state.open[place] == 0 {
            state.make_ready(place);
        }
    }
    let mut events = BinaryHeap::new();
    let mut now = 0.0;
    let mut active = 0;
    loop {
        while let Some(&(_, _, Reverse(place))) = state.ready.peek() {
            let takes_core = jobs[place].duration > 0.0;
            if takes_core && active >= cores.max(1) {
                break;
            }
            state.ready.pop();
            active += usize::from(takes_core);
            let job = &jobs[place];
            let at = |seconds: f64| Moment(now + seconds / faster[place]);
            events.push(Reverse((at(job.metadata), Until::Metadata, place)));
            events.push(Reverse((at(job.duration), Until::End, place)));
        }
        let Some(Reverse((Moment(at), event, place))) = events.pop() else {
            return now;
        };
        now = at;
        state.release(place, event);
        if event == Until::End {
            active -= usize::from(jobs[place].duration > 0.0);
            state.ended_below(place);
        }
    }
}

struct Simulation<'a> {
    schedule: &'a Schedule,
    open: Vec<usize>,
    below_open: Vec<usize>,
    /// The units that may start, by priority; units of equal priority by their measured start.
    ready: BinaryHeap<(usize, Reverse<Moment>, Reverse<usize>)>,
}

impl Simulation<'_> {
    fn make_ready(&mut self, place: usize) {
        let started = Reverse(Moment(self.schedule.jobs[place].start));
        let priority = self.schedule.priority[place];
        self.ready.push((priority, started, Reverse(place)));
    }

    /// Records that a unit ended. If a unit and all of its direct and indirect dependencies have
    /// ended, the units that wait for this ([`Until::AllBelow`]) are released.
    fn ended_below(&mut self, place: usize) {
        let mut open = vec![place];
        while let Some(place) = open.pop() {
            self.below_open[place] -= 1;
            if self.below_open[place] == 0 {
                self.release(place, Until::AllBelow);
                open.extend(self.schedule.users[place].iter().map(|user| user.0));
            }
        }
    }

    fn release(&mut self, place: usize, event: Until) {
        for &(user, until) in &self.schedule.users[place] {
            if until == event {
                self.open[user] -= 1;
                if self.open[user] == 0 {
                    self.make_ready(user);
                }
            }
        }
    }
}
