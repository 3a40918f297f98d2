//! The critical path of a build: the ideal path with unlimited cores, and the path that the
//! measured build took.

use serde::Serialize;

use super::schedule::{Job, Schedule, Until};

/// A chain of units. Each unit waited for the previous unit. Times are seconds.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Path {
    /// The time from the start of the chain to its end.
    pub length: f64,
    /// The part of the length that was spent waiting for a core.
    pub waiting: f64,
    /// The units from the first to the last.
    pub steps: Vec<PathStep>,
}

/// One unit of a path.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PathStep {
    /// The unit's index in the build.
    pub unit: usize,
    /// The time by which the unit delayed the path: until its metadata or until its end.
    pub seconds: f64,
    /// True if the next unit could start when this unit's metadata was written.
    pub to_metadata: bool,
    /// The time that the unit waited for a core after all its dependencies were ready.
    pub waited: f64,
}

/// Returns the longest chain if every unit starts as soon as its dependencies allow, and the slack
/// of each unit: how much longer the unit could take without delaying the build.
pub fn ideal(schedule: &Schedule) -> (Path, Vec<f64>) {
    let jobs = &schedule.jobs;
    let mut start = vec![0.0_f64; jobs.len()];
    let mut end = vec![0.0_f64; jobs.len()];
    let mut below: Vec<(f64, usize)> = vec![(0.0, 0); jobs.len()];
    let mut before: Vec<Option<(usize, bool)>> = vec![None; jobs.len()];
    for &place in &schedule.order {
        let job = &jobs[place];
        for &(it, until) in &job.waits {
            let (at, unit) = match until {
                Until::Metadata => (start[it] + jobs[it].metadata, it),
                Until::End => (end[it], it),
                Until::AllBelow => below[it],
            };
            if at > start[place] {
                start[place] = at;
                before[place] = Some((unit, until == Until::Metadata));
            }
        }
        end[place] = start[place] + job.duration;
        below[place] = (end[place], place);
        for &(it, _) in &job.waits {
            if below[it].0 > below[place].0 {
                below[place] = below[it];
            }
        }
    }
    let length = end.iter().copied().fold(0.0, f64::max);
    let last = (0..jobs.len()).max_by(|&a, &b| end[a].total_cmp(&end[b]));
    let before = |place: usize| before[place].map(|(it, metadata)| (it, metadata, 0.0));
    let path = Path {
        length,
        waiting: 0.0,
        steps: chain(last, before, jobs),
    };
    (path, slack(schedule, &start, length))
}

/// Returns the slack of each unit: the latest start that does not lengthen the build, minus the
/// earliest start. Dependents are visited before their dependencies.
fn slack(schedule: &Schedule, start: &[f64], length: f64) -> Vec<f64> {
    let jobs = &schedule.jobs;
    let mut metadata = vec![length; jobs.len()];
    let mut end = vec![length; jobs.len()];
    let mut below = vec![length; jobs.len()];
    let mut slack = vec![0.0; jobs.len()];
    for &place in schedule.order.iter().rev() {
        let job = &jobs[place];
        let by_end = end[place].min(below[place]) - job.duration;
        let latest = by_end.min(metadata[place] - job.metadata);
        slack[place] = (latest - start[place]).max(0.0);
        for &(it, until) in &job.waits {
            let of = match until {
                Until::Metadata => &mut metadata[it],
                Until::End => &mut end[it],
                Until::AllBelow => &mut below[it],
            };
            *of = of.min(latest);
            below[it] = below[it].min(below[place]);
        }
    }
    slack
}

/// Returns the chain that led to the end of the measured build: from the last unit back to the
/// dependency that each unit waited for last. `from` is the start of the first unit.
pub fn realised(schedule: &Schedule, from: f64) -> Path {
    let jobs = &schedule.jobs;
    let end: Vec<f64> = jobs.iter().map(|job| job.start + job.duration).collect();
    let below = schedule.all_below(&end);
    let before = |place: usize| {
        let job = &jobs[place];
        let awaited = job.waits.iter().filter(|(it, _)| jobs[*it].duration > 0.0);
        awaited
            .map(|&(it, until)| match until {
                Until::Metadata => (jobs[it].start + jobs[it].metadata, it, true),
                Until::End => (end[it], it, false),
                Until::AllBelow => (below[it].0, below[it].1, false),
            })
            .max_by(|a, b| a.0.total_cmp(&b.0))
    };
    let ran = (0..jobs.len()).filter(|&place| jobs[place].duration > 0.0);
    let last = ran.max_by(|&a, &b| end[a].total_cmp(&end[b]));
    let waited = |place: usize, since: f64| (jobs[place].start - since).max(0.0);
    let before = |place| before(place).map(|(at, it, metadata)| (it, metadata, waited(place, at)));
    let mut steps = chain(last, before, jobs);
    if let Some(first) = steps.first_mut() {
        first.waited = waited(first.unit, from);
    }
    Path {
        length: last.map_or(0.0, |last| end[last] - from),
        waiting: steps.iter().map(|step| step.waited).sum(),
        steps,
    }
}

/// Follows `before` from the last unit back to the first. `before` returns the previous unit, true
/// if its metadata was enough, and the wait in between.
fn chain(
    last: Option<usize>,
    before: impl Fn(usize) -> Option<(usize, bool, f64)>,
    jobs: &[Job],
) -> Vec<PathStep> {
    let mut steps: Vec<PathStep> = Vec::new();
    let mut next = last.map(|last| (last, false));
    while let Some((unit, to_metadata)) = next {
        let seconds = match to_metadata {
            true => jobs[unit].metadata,
            false => jobs[unit].duration,
        };
        let previous = before(unit);
        steps.push(PathStep {
            unit,
            seconds,
            to_metadata,
            waited: previous.map_or(0.0, |it| it.2),
        });
        next = previous.map(|(it, metadata, _)| (it, metadata));
    }
    steps.retain(|step| step.seconds > 0.0);
    steps.reverse();
    steps
}
