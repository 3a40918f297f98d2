//! The few figures that say how a build went.

use serde::Serialize;

use super::{BuildTimings, State, UnitTiming, round};

/// A build in a few figures. Times are seconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// From cargo's start to the end of the last unit; see [`BuildTimings::total`].
    pub total: f64,
    /// How much of that passed before the first unit started: resolving, downloads, waiting for
    /// another cargo's lock.
    pub before_first: f64,
    /// What all units took together.
    pub time_sum: f64,
    /// Units at work on average, from the first one's start to the end; 0 if none took any time.
    /// It can exceed the number of jobs, since a unit that waits for a job slot counts.
    pub parallelism: f64,
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
    /// The units that took longest, longest first.
    pub slowest: Vec<UnitTiming>,
}

/// Sums a build up, with at most `slowest` units named.
pub fn summarize(build: &BuildTimings, slowest: usize) -> Summary {
    let in_state = |state| build.units.iter().filter(move |u| u.state == state);
    let started = build
        .units
        .iter()
        .filter(|u| u.start > 0.0 || u.duration > 0.0);
    let before_first = started.map(|u| u.start).reduce(f64::min).unwrap_or(0.0);
    let mut timed: Vec<&UnitTiming> = build.units.iter().filter(|u| u.duration > 0.0).collect();
    timed.sort_by(|a, b| b.duration.total_cmp(&a.duration));
    let time_sum = round(timed.iter().map(|u| u.duration).fold(0.0, |a, b| a + b));
    Summary {
        total: build.total,
        before_first,
        time_sum,
        parallelism: if time_sum > 0.0 {
            time_sum / (build.total - before_first)
        } else {
            0.0
        },
        ran: in_state(State::Ran).count(),
        fresh: in_state(State::Fresh).count(),
        not_run: in_state(State::NotRun).count(),
        unknown: in_state(State::Unknown).count(),
        failed: in_state(State::Failed).map(UnitTiming::to_string).collect(),
        error: build.error.clone(),
        slowest: timed.into_iter().take(slowest).cloned().collect(),
    }
}
