//! `clean-affected` removes the artifacts of affected units, and no others.

use expect_test::expect;

use crate::support::Project;
use crate::support::clean::{CHECK, MIDDLE, middle};

#[test]
fn a_dry_run_lists_the_removals_and_removes_nothing() {
    let project = Project::chain();
    project.build(CHECK).unwrap();
    project
        .build(&["build", "--workspace", "--release"])
        .unwrap();
    let before = project.artifacts();
    let output = project.xtask(&middle(&["--dry-run"]));
    output.is(expect![[r#"
        in [ROOT]/target/debug
          middle: [COUNT] files, [SIZE] ← middle is assumed changed
            lib, lib test
            [ROOT]/target/debug/.fingerprint/middle-[HASH]
            [ROOT]/target/debug/.fingerprint/middle-[HASH]
            [ROOT]/target/debug/deps/libmiddle-[HASH].rmeta
            [ROOT]/target/debug/deps/libmiddle-[HASH].rmeta
            [ROOT]/target/debug/deps/middle-[HASH].d
            [ROOT]/target/debug/deps/middle-[HASH].d
          top: [COUNT] files, [SIZE] ← middle is assumed changed
            lib, lib test
            [ROOT]/target/debug/.fingerprint/top-[HASH]
            [ROOT]/target/debug/.fingerprint/top-[HASH]
            [ROOT]/target/debug/deps/libtop-[HASH].rmeta
            [ROOT]/target/debug/deps/libtop-[HASH].rmeta
            [ROOT]/target/debug/deps/top-[HASH].d
            [ROOT]/target/debug/deps/top-[HASH].d
        in [ROOT]/target/release
          middle: [COUNT] files, [SIZE] ← middle is assumed changed
            lib
            [ROOT]/target/release/.fingerprint/middle-[HASH]
            [ROOT]/target/release/deps/libmiddle-[HASH].rlib
            [ROOT]/target/release/deps/libmiddle-[HASH].rmeta
            [ROOT]/target/release/deps/middle-[HASH].d
            [ROOT]/target/release/libmiddle.d
            [ROOT]/target/release/libmiddle.rlib
          top: [COUNT] files, [SIZE] ← middle is assumed changed
            lib
            [ROOT]/target/release/.fingerprint/top-[HASH]
            [ROOT]/target/release/deps/libtop-[HASH].rlib
            [ROOT]/target/release/deps/libtop-[HASH].rmeta
            [ROOT]/target/release/deps/top-[HASH].d
            [ROOT]/target/release/libtop.d
            [ROOT]/target/release/libtop.rlib
        total: [COUNT] files, [SIZE]
    "#]]);
    assert_eq!(project.artifacts(), before);
}

/// Every package of the sample has a test `it`, so names alone cannot tell these tests apart.
#[test]
fn the_sample_is_cleaned_as_listed_and_rebuilt_by_cargo() {
    let (sample, _) = Project::sample_with_dependencies();
    sample.build(CHECK).unwrap();
    let assumed = ["--assume-changed", "timetable"];
    let affected = sample.named(&assumed);
    sample.clean_as_planned(&assumed);
    assert_eq!(affected, sample.build(CHECK).unwrap());
}

#[test]
fn verify_builds_before_and_after() {
    let project = Project::chain();
    let verified = middle(&["--verify"]);
    expect![[r#"
        in [ROOT]/target/debug
          middle: [COUNT] files, [SIZE] ← middle is assumed changed
            lib, lib test
          top: [COUNT] files, [SIZE] ← middle is assumed changed
            lib, lib test
        total: [COUNT] files, [SIZE]
        rebuilt as predicted: 4 units
          middle 0.1.0: lib, lib test
          top 0.1.0: lib, lib test
        rebuilt but not predicted: 0 units
        predicted but not rebuilt: 0 units
        stayed fresh: 4 units
        took [TIME]; the last full build took [TIME]
    "#]]
    .assert_eq(&project.xtask(&verified).done());
}

#[test]
fn verify_finds_no_difference_in_the_sample() {
    let (sample, _) = Project::sample_with_dependencies();
    let verified = ["clean-affected", "--assume-changed", "journeys", "--verify"];
    expect![[r#"
        in [ROOT]/target/debug
          fares: [COUNT] files, [SIZE] ← journeys is assumed changed
            lib, lib test, test it
          journeys: [COUNT] files, [SIZE] ← journeys is assumed changed
            bench search, lib, lib test, test it
          rail-cli: [COUNT] files, [SIZE] ← journeys is assumed changed
            bin rail, bin rail test, bin rail-board, bin rail-board test, bin rail-check, bin rail-check test, lib, lib test, test days, test it
        total: [COUNT] files, [SIZE]
        rebuilt as predicted: 17 units
          rail-cli 0.1.0: lib, lib test, bin rail, bin rail test, bin rail-board, bin rail-board test, bin rail-check, bin rail-check test, test days, test it
          fares 0.1.0: lib, lib test, test it
          journeys 0.1.0: lib, lib test, test it, bench search
        rebuilt but not predicted: 0 units
        predicted but not rebuilt: 0 units
        stayed fresh: 97 units
        took [TIME]; the last full build took [TIME]
    "#]].assert_eq(&sample.xtask(&verified).done());
}

#[test]
fn without_a_build_there_is_nothing_to_remove() {
    Project::chain().xtask(MIDDLE).is(expect![[r#"
        --- stderr
        note: no artifacts to remove in [ROOT]/target
    "#]]);
}
