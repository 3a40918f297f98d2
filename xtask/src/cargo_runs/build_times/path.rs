//! The critical path: as it would be with a core for everyone, and as it was.

use serde::Serialize;

use super::schedule::{Job, Schedule, Until};

/// A chain of units, each of which the next one waited for. Times are seconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Path {
    /// From the chain's beginning to its end.
    pub length: f64,
    /// How much of that was waiting for a core.
    pub waiting: f64,
    /// The units from the first to the last.
    pub steps: Vec<PathStep>,
}

/// One unit of a path.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PathStep {
    /// Its place in the build.
    pub unit: usize,
    /// For how long it held the path up: to its metadata, or to its end.
    pub seconds: f64,
    /// Whether the next one could start at its metadata.
    pub to_metadata: bool,
    /// How long it waited for a core before, with all that it needs there.
    pub waited: f64,
}

/// The longest chain where every unit starts as soon as it can, and how much longer each unit
/// could take before the build does.
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

/// From the users down: the latest start that does not lengthen the build, less the earliest.
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

/// The chain that led to the end of the build as it was: from the last unit back to what it waited
/// for last. `from` is when the first unit started.
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

/// Follows `before` (the unit before, whether its metadata was enough, the wait between) back from
/// the last unit.
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
