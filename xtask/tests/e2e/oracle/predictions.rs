//! Random edits of the sample: the units of `rebuilds --predict` are the units that cargo rebuilds.

use std::collections::BTreeSet;
use std::fmt;
use std::time::{Duration, Instant};

use super::random::Random;
use super::{build, built_sample, number, restore, some_edits, story};
use crate::support::{Project, Unit};

#[test]
#[ignore = "slow: `.ci/nightly rebuilds` runs it"]
fn a_prediction_is_what_cargo_rebuilds() {
    let first: u64 = number("XTASK_ORACLE_SEED", 0);
    let cases: u64 = number("XTASK_ORACLE_CASES", 10);
    let project = built_sample();
    let mut seen = Seen::default();
    for seed in first..first + cases {
        let mut random = Random::new(seed);
        let verb = random.pick(&["check", "check", "test", "build"]).unwrap();
        let edits = 1 + random.below(3);
        seen.timed(0, || restore(&project, "built"));
        let edits = some_edits(&mut random, &project, edits, &[]);
        let predicted = seen.timed(1, || predicted(&project, verb));
        let rebuilt = seen.timed(2, || build(&project, verb));
        if let Ok(rebuilt) = rebuilt {
            let story = format!("seed {seed}, {verb}: {}", story(&edits));
            seen.compare(&story, predicted.unwrap_or_default(), rebuilt);
        }
        let done = seed + 1 - first;
        if done.is_multiple_of(10) || done == cases {
            println!("{done} of {cases} edits: {seen}");
        }
    }
    assert!(seen.wrong.is_empty(), "{}", seen.wrong);
}

/// The results of the edits so far.
#[derive(Default)]
struct Seen {
    /// The number of edits with which the sample builds.
    compared: usize,
    /// The number of units that cargo rebuilt.
    units: usize,
    /// The wrong predictions, a line each.
    wrong: String,
    /// The time of restoring, predicting and building.
    times: [Duration; 3],
}

impl Seen {
    fn timed<R>(&mut self, step: usize, act: impl FnOnce() -> R) -> R {
        let start = Instant::now();
        let done = act();
        self.times[step] += start.elapsed();
        done
    }

    fn compare(&mut self, story: &str, predicted: BTreeSet<Unit>, rebuilt: BTreeSet<Unit>) {
        self.compared += 1;
        self.units += rebuilt.len();
        let too_many = predicted.difference(&rebuilt);
        let too_many = too_many.map(|it| ("not rebuilt", it));
        let missed = rebuilt.difference(&predicted);
        let missed = missed.map(|it| ("not predicted", it));
        for (sign, unit) in too_many.chain(missed) {
            let line = format!("{story}: {sign}: {unit}\n");
            print!("WRONG {line}");
            self.wrong += &line;
        }
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            compared, units, ..
        } = self;
        let wrong = self.wrong.lines().count();
        let [restore, predict, build] = self.times.map(|it| it.as_secs());
        write!(
            f,
            "{compared} build, {units} units, {wrong} wrong; {restore} s restoring, {predict} s \
             predicting, {build} s building"
        )
    }
}

/// Returns the predicted units; `None` if the kit fails.
fn predicted(project: &Project, verb: &str) -> Option<BTreeSet<Unit>> {
    let arguments = super::arguments(verb);
    let predict = ["rebuilds", "--predict", "--format", "json", "--"];
    let report = project.json(&[&predict, arguments].concat()).ok()?;
    let units = report["units"].as_array()?.iter();
    Some(units.map(crate::support::named_unit).collect())
}
