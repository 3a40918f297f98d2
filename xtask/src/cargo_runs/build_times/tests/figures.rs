//! Tests of the figures of one, two and many builds: sums, differences, budgets.

use super::record;
use crate::cargo_runs::build_times::{BuildRecord, UnitState};
use crate::timings::analysis::analyse;
use crate::timings::budget::Budget;
use crate::timings::compare::{Verdict, compare, typical};
use crate::timings::duplicates;

const OLD: &str = "20260101T000000000Z-0";
const NEW: &str = "20260102T000000000Z-0";

#[test]
fn a_build_is_summarized() {
    let mut record = record(OLD, &["a 0.5 1.5 1", "b 1 3 - +a", "c 0 0 -", "d 0 0 -"]);
    record.build.units[0].member = true;
    record.build.units[2].state = UnitState::Fresh;
    record.build.units[3].state = UnitState::NotRun;
    record.run.waited_for_lock = 0.25;
    let sums = analyse(&record).unwrap();
    assert_eq!((sums.total, sums.before_first), (3.75, 0.25));
    assert_eq!(
        (sums.time_sum, sums.parallelism, sums.efficiency),
        (4.5, 1.29, Some(0.64))
    );
    assert_eq!((sums.ran, sums.fresh, sums.not_run), (2, 1, 1));
    assert_eq!(sums.slowest, [1, 0]);
    let shares = |shares: &[crate::timings::analysis::Share]| -> Vec<String> {
        shares
            .iter()
            .map(|it| format!("{} {}", it.name, it.time))
            .collect()
    };
    assert_eq!(shares(&sums.by_origin), ["external 3", "workspace 1.5"]);
    assert_eq!(
        shares(&sums.by_kind),
        ["libraries, frontend 4", "libraries, codegen 0.5"]
    );
    assert_eq!(shares(&sums.by_package), ["b 3", "a 1.5"]);
}

#[test]
fn an_empty_build_does_not_divide_by_zero() {
    let mut nothing = record(OLD, &["a 0 0 -"]);
    nothing.build.units[0].state = UnitState::Fresh;
    let sums = analyse(&nothing).unwrap();
    assert_eq!(
        (sums.total, sums.parallelism, sums.efficiency),
        (0.0, 0.0, Some(0.0))
    );
    assert!(sums.critical_path.steps.is_empty());
    let same = compare(&[nothing.clone()], &[nothing]);
    assert_eq!(
        (same.total.percent(), same.total.verdict),
        (None, Verdict::Noise)
    );
}

#[test]
fn a_package_that_is_built_twice_has_a_reason() {
    let mut build = super::build(&[
        "a 0 1 -", "a 0 2 -", "b 0 1 -", "b 0 1 -", "c 0 1 -", "c 0 1 -", "d 0 1 -",
    ]);
    build.units[1].version = "2.0.0".to_owned();
    build.units[2].host = true;
    build.units[2].features = vec!["std".to_owned()];
    let found: Vec<String> = duplicates::find(&build)
        .iter()
        .map(|it| format!("{} {} {}", it.package, it.extra, it.because.join("; ")))
        .collect();
    assert_eq!(
        found,
        [
            "a 1 versions 1.0.0 and 2.0.0",
            "b 1 host and target; features none; std",
            "c 1 settings of the profile",
        ]
    );
}

fn times(id: &str, times: &[f64]) -> Vec<BuildRecord> {
    times
        .iter()
        .map(|time| record(id, &[&format!("a 0 {time} -"), "b 0 1 -"]))
        .collect()
}

#[test]
fn repeated_runs_separate_noise_from_changes() {
    for (before, after, verdict) in [
        (&[2.0][..], &[3.0][..], Verdict::Unproven),
        (&[2.0], &[3.0, 3.1], Verdict::Unproven),
        (&[2.0], &[2.0], Verdict::Noise),
        (&[2.0, 2.2, 2.1], &[3.0, 2.9, 3.1], Verdict::Slower),
        (&[3.0, 2.9], &[2.0, 2.2], Verdict::Faster),
        (&[2.0, 3.5, 2.1], &[2.5, 3.0, 3.1], Verdict::Noise),
    ] {
        let change = compare(&times(OLD, before), &times(NEW, after)).total;
        assert_eq!(change.verdict, verdict, "{before:?} {after:?}");
    }
    let repeated = times(OLD, &[3.0, 9.0, 2.0]);
    assert_eq!(typical(&repeated).unwrap().total(), 3.0);
    assert!(typical(&[]).is_none());
}

#[test]
fn units_are_paired_by_package_target_and_mode() {
    let old = record(OLD, &["a 0 1 -", "b 0 1 -", "gone 0 1 -", "quiet 0 1 -"]);
    let mut new = record(NEW, &["a 0 1 -", "b 0 3 -", "fresh 0 2 -", "quiet 0 0 -"]);
    new.build.units[1].version = "1.0.1".to_owned();
    new.build.units[3].state = UnitState::Fresh;
    let both = compare(&[old], &[new]);
    assert_eq!(both.units[0].unit, "b v1.0.1 lib");
    assert_eq!(both.units[0].from_version.as_deref(), Some("1.0.0"));
    assert_eq!(both.units[0].time.growth(), 2.0);
    let named = |only: &[crate::timings::compare::Only]| -> Vec<String> {
        only.iter()
            .map(|it| format!("{} {}", it.unit, it.time))
            .collect()
    };
    assert_eq!(named(&both.new), ["fresh v1.0.0 lib 2"]);
    assert_eq!(named(&both.vanished), ["gone v1.0.0 lib 1"]);
    assert_eq!(
        both.ran_on_one_side,
        (1, 0),
        "a fresh unit has not vanished"
    );
}

#[test]
fn an_exceeded_budget_names_the_unit() {
    let old = record(OLD, &["a 0 1 -", "b 1 1 - +a"]);
    let new = record(NEW, &["a 0 1 -", "b 1 3 - +a"]);
    let comparison = compare(&[old], std::slice::from_ref(&new));
    for (limit, broken) in [
        ("total=4", ""),
        ("total=3.9s", "total 3.9 4 b v1.0.0 lib 3"),
        ("critical-path=3", "critical path 3 4 b v1.0.0 lib 3"),
        ("growth=100%", ""),
        ("growth=50", "growth 50 100 b v1.0.0 lib 2"),
        ("package:b=2", "package b 2 3 b v1.0.0 lib 3"),
        ("package:a=2", ""),
    ] {
        let mut budget = Budget::default();
        budget.add(limit).unwrap();
        let checked = budget.check(&new, new.total(), Some(&comparison)).unwrap();
        let shown: Vec<String> = checked
            .breaches
            .iter()
            .map(|it| {
                let unit = it.unit.as_deref().unwrap_or_default();
                let time = it.unit_time.unwrap_or_default();
                format!("{} {} {} {unit} {time}", it.what, it.limit, it.measured)
            })
            .collect();
        assert_eq!(shown.join("\n"), broken, "{limit}");
    }
    for wrong in ["total", "total=fast", "total=-1", "serde=3", "total=inf"] {
        let error = Budget::default().add(wrong).unwrap_err();
        assert!(error.contains("package:NAME=SECONDS"), "{wrong}: {error}");
    }
    let mut budget = Budget::default();
    budget.add("package:other=1").unwrap();
    budget.add("growth=1").unwrap();
    let checked = budget.check(&new, 4.0, None).unwrap();
    assert!(checked.breaches.is_empty());
    assert!(checked.unchecked[0].contains("`other`"), "{checked:?}");
    assert!(
        checked.unchecked[1].contains("no earlier run"),
        "{checked:?}"
    );
}
