//! Random edits of the sample: the units of `rebuilds --predict` are the units that cargo rebuilds.

use std::collections::BTreeSet;

use super::random::Random;
use super::{build, built_sample, number, restore, some_edits, story};
use crate::support::{Project, Unit};

#[test]
#[ignore = "slow: `.ci/nightly rebuilds` runs it"]
fn a_prediction_is_what_cargo_rebuilds() {
    let first: u64 = number("XTASK_ORACLE_SEED", 0);
    let cases: u64 = number("XTASK_ORACLE_CASES", 10);
    let project = built_sample();
    let (mut compared, mut units, mut wrong) = (0, 0, String::new());
    for seed in first..first + cases {
        restore(&project, "built");
        let mut random = Random::new(seed);
        let verb = random.pick(&["check", "check", "test", "build"]).unwrap();
        let edits = 1 + random.below(3);
        let edits = some_edits(&mut random, &project, edits, &[]);
        let predicted = predicted(&project, verb);
        let Ok(rebuilt) = build(&project, verb) else {
            continue;
        };
        compared += 1;
        units += rebuilt.len();
        let predicted = predicted.unwrap_or_default();
        for (sign, unit) in predicted
            .difference(&rebuilt)
            .map(|it| ("not rebuilt", it))
            .chain(
                rebuilt
                    .difference(&predicted)
                    .map(|it| ("not predicted", it)),
            )
        {
            wrong += &format!("seed {seed}, {verb}: {}: {sign}: {unit}\n", story(&edits));
        }
    }
    println!("{compared} of {cases} edits build, {units} units");
    assert!(wrong.is_empty(), "{wrong}");
}

/// Returns the predicted units; `None` if the kit fails.
fn predicted(project: &Project, verb: &str) -> Option<BTreeSet<Unit>> {
    let arguments = super::arguments(verb);
    let predict = ["rebuilds", "--predict", "--format", "json", "--"];
    let report = project.json(&[&predict, arguments].concat()).ok()?;
    let units = report["units"].as_array()?.iter();
    Some(units.map(crate::support::named_unit).collect())
}
