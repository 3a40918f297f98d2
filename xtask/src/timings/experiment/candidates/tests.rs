use super::*;
use crate::cargo_runs::build_times::{BuildTimings, Order, Run, UnitState, UnitTiming};

fn unit(name: &str, target: &str, start: f64, duration: f64) -> UnitTiming {
    UnitTiming {
        name: name.to_owned(),
        version: "1.0.0".to_owned(),
        target: target.to_owned(),
        mode: if target == "run" { "run" } else { "build" }.to_owned(),
        start,
        duration,
        frontend: (target == "lib").then_some(duration / 2.0),
        state: UnitState::Ran,
        member: true,
        ..UnitTiming::default()
    }
}

fn record(units: Vec<UnitTiming>, clean: &str) -> BuildRecord {
    let run = Run {
        id: "20260101T000000000Z-a".to_owned(),
        jobs: Some(2),
        clean: clean.to_owned(),
        host: "x86_64-unknown-linux-gnu".to_owned(),
        directory_bytes: Some(3 << 30),
        ..Run::default()
    };
    let build = BuildTimings {
        total: units.iter().map(UnitTiming::end).fold(0.0, f64::max),
        units,
        order: Order::UnitGraph,
        ..BuildTimings::default()
    };
    BuildRecord::new(run, build).unwrap()
}

fn dev() -> TrialSettings {
    TrialSettings {
        profile: "dev".to_owned(),
        incremental: true,
        debug: "full".to_owned(),
        build_opt_level: "0".to_owned(),
        fast_linker: Some("mold"),
        ..TrialSettings::default()
    }
}

#[test]
fn proposals_contain_their_figures() {
    let units = vec![
        unit("a", "lib", 0.0, 10.0),
        unit("b", "lib", 0.0, 10.0),
        unit("b", "run", 10.0, 2.0),
        unit("c", "bin \"c\"", 10.0, 4.0),
    ];
    let found = propose(&record(units, "all"), &dev()).unwrap();
    let shown = found
        .iter()
        .map(|it| format!("{}\n  {}\n", it.what(), it.because));
    expect_test::expect![[r#"
        timings try profile.dev.codegen-units=16
          the units use 93% of the jobs, so more threads do not help, but less work does; code generation takes 54% of the work with 256 codegen units
        timings try profile.dev.incremental=false
          this build starts from nothing, and writes state that only later builds use; the directory takes 3.0GiB
        timings try 'profile.dev.debug="line-tables-only"'
          code generation and linking, 54% of the work, write full debug information; the directory takes 3.0GiB
        timings try 'profile.dev.split-debuginfo="unpacked"'
          binaries and tests take 15% of the work, and the linker copies their debug information
        timings try 'target.x86_64-unknown-linux-gnu.rustflags=["-Clink-arg=-fuse-ld=mold"]'
          binaries and tests take 15% of the work, and the linker mold is installed
        timings try profile.dev.build-override.opt-level=1
          build scripts run for 8% of the work, and are not optimized
        split the package b
          its 12.00s delay the build: two halves side by side would save about 4.00s of 14.00s
        split the package a
          its 10.00s delay the build: two halves side by side would save about 3.00s of 14.00s
    "#]]
    .assert_eq(&shown.collect::<String>());
}

/// A setting that is already chosen is not proposed.
#[test]
fn settings_already_in_use_are_not_proposed() {
    let units = || {
        vec![
            unit("a", "lib", 0.0, 10.0),
            unit("c", "bin \"c\"", 10.0, 4.0),
        ]
    };
    let fields = |record: &BuildRecord, settings: &TrialSettings| {
        let found = propose(record, settings).unwrap();
        let settings = found.iter().flat_map(|it| &it.settings);
        let fields = settings.map(|it| {
            it.split('=')
                .next()
                .unwrap()
                .rsplit('.')
                .next()
                .unwrap()
                .to_owned()
        });
        fields.collect::<Vec<String>>().join(" ")
    };
    let all = record(units(), "all");
    let none = record(units(), "none");
    assert_eq!(
        fields(&all, &dev()),
        "incremental debug split-debuginfo rustflags"
    );
    assert_eq!(fields(&none, &dev()), "debug split-debuginfo rustflags");
    let lean = TrialSettings {
        incremental: false,
        debug: "none".to_owned(),
        has_linker: true,
        codegen_units: Some(1),
        ..dev()
    };
    // One unit at a time on two jobs is more than half, so codegen units are not the limit.
    assert_eq!(fields(&all, &lean), "");
    assert_eq!(fields(&none, &lean), "incremental");
    let optimized = TrialSettings {
        build_opt_level: "3".to_owned(),
        ..lean
    };
    let mut host = units();
    host[0].host = true;
    assert_eq!(fields(&record(host, "all"), &optimized), "opt-level");
}

#[test]
fn proposals_use_the_build_that_ran_most_units() {
    let series = |id: &str, ran: usize, failed: bool| {
        let run = Run {
            id: id.to_owned(),
            ran,
            failed,
            ..Run::default()
        };
        vec![run]
    };
    let history = [
        series("a", 9, false),
        series("b", 9, false),
        series("c", 1, false),
        series("d", 99, true),
    ];
    assert_eq!(largest_recent(&history).unwrap()[0].id, "b");
    assert_eq!(largest_recent(&history[3..]), None);
}
