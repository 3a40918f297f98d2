//! Tests of the order of units: critical paths, slack, replays.

use serde_json::json;
use xtask_impact::resolve_diff::unit_graph_json::UnitGraphJson;

use super::{build, page, unit};
use crate::cargo_runs::build_times::path::{Path, ideal, realised};
use crate::cargo_runs::build_times::readers::unit_graph;
use crate::cargo_runs::build_times::schedule::Schedule;
use crate::cargo_runs::build_times::{BuildRecord, BuildTimings, Order, read_report};
use crate::timings::what_if::{SpeedUp, predict};

fn steps(build: &BuildTimings, path: &Path) -> String {
    let steps = path.steps.iter().map(|step| {
        let metadata = if step.to_metadata { " metadata" } else { "" };
        let waited = match step.waited > 0.0 {
            true => format!(" after {:.1}", step.waited),
            false => String::new(),
        };
        format!(
            "{} {:.1}{metadata}{waited}",
            build.units[step.unit].name, step.seconds
        )
    });
    steps.collect::<Vec<_>>().join(", ")
}

/// A dependent library starts when the metadata is written, so `b`'s code generation only delays
/// units that link.
#[test]
fn a_dependent_starts_when_the_metadata_is_written() {
    let build = build(&["a 0 5 1", "b 1 2 1 a", "c 2 2 - b", "!tool 5 1 - +c"]);
    let schedule = Schedule::new(&build).unwrap();
    let (path, slack) = ideal(&schedule);
    assert_eq!(
        steps(&build, &path),
        "a 5.0, tool 1.0",
        "all below has to end to link"
    );
    assert_eq!(path.length, 6.0);
    assert_eq!(slack, [0.0, 1.0, 1.0, 0.0]);

    // Without linking, the metadata counts.
    let mut unlinked = build.clone();
    unlinked.units[3].links = false;
    let (path, slack) = ideal(&Schedule::new(&unlinked).unwrap());
    assert_eq!(
        steps(&unlinked, &path),
        "a 1.0 metadata, b 1.0 metadata, c 2.0, tool 1.0"
    );
    assert_eq!((path.length, &slack[..]), (5.0, &[0.0; 4][..]));
}

/// With one core, `b` could have started together with `a`, but waited for the end of `a`.
#[test]
fn waiting_for_a_core_differs_from_waiting_for_a_dependency() {
    let build = build(&["a 0.5 2 -", "b 2.5 3 -", "c 5.5 1 - +b"]);
    let schedule = Schedule::new(&build).unwrap();
    let path = realised(&schedule, build.before_first());
    assert_eq!(steps(&build, &path), "b 3.0 after 2.0, c 1.0");
    assert_eq!((path.length, path.waiting), (6.0, 2.0));
    assert_eq!(ideal(&schedule).0.length, 4.0);
}

/// The unit with the most dependents starts first, as in cargo's queue, independent of the measured
/// order.
#[test]
fn a_replay_gives_the_measured_total_and_predicts_others() {
    let build = build(&[
        "lone 0 4 -",
        "base 0 2 -",
        "mid 2 2 - +base",
        "top 4 2 - +mid",
    ]);
    let schedule = Schedule::new(&build).unwrap();
    assert_eq!(schedule.priority, [1, 3, 2, 1]);
    let with = |cores, faster: &[&str]| {
        let mut change = SpeedUp {
            cores: Some(cores),
            ..SpeedUp::default()
        };
        for it in faster {
            change.add(it, &build).unwrap();
        }
        predict(&build, &schedule, 2, &change)
    };
    let same = with(2, &[]);
    assert_eq!((same.measured, same.replayed, same.off_by), (6.0, 6.0, 0.0));
    for (cores, faster, predicted) in [
        (1, &[][..], 10.0),
        (8, &[], 6.0),
        (2, &["base=2x"], 5.0),
        (2, &["lone=4x"], 6.0),
        (1, &["lone=4x", "base=2"], 6.0),
    ] {
        let answer = with(cores, faster);
        assert_eq!(answer.predicted, predicted, "{cores} cores, {faster:?}");
        assert_eq!(answer.replayed, 6.0);
    }
    let named: Vec<_> = same
        .suggestions
        .iter()
        .map(|it| (&*it.package, it.saved))
        .collect();
    assert_eq!(named, [("base", 1.0), ("mid", 1.0), ("top", 1.0)]);
    for wrong in ["base", "base=x", "base=-1x", "base=0x", "other=2x"] {
        assert!(SpeedUp::default().add(wrong, &build).is_err(), "{wrong}");
    }
}

/// Real builds from an empty target directory, as they were measured: the sample of this
/// repository, and tokio 1.53.
#[test]
fn measured_builds_are_replayed_to_within_five_percent() {
    for text in [
        include_str!("measured/sample.json"),
        include_str!("measured/tokio.json"),
    ] {
        let record = BuildRecord::read(text).unwrap();
        let schedule = Schedule::new(&record.build).unwrap();
        let answer = predict(
            &record.build,
            &schedule,
            record.width(),
            &SpeedUp::default(),
        );
        assert!(
            answer.off_by.abs() < 5.0,
            "{}: {answer:?}",
            record.run.name()
        );
        // No unit started before its dependencies were ready. Cargo rounds to 0.01.
        let path = realised(&schedule, record.build.before_first());
        let sum: f64 = path.steps.iter().map(|it| it.seconds + it.waited).sum();
        assert!((sum - path.length).abs() < 0.2, "{sum} {path:?}");
        assert!(ideal(&schedule).0.length < path.length + 0.2);
        assert!(answer.suggestions.len() == 10 || record.run.ran < 60);
        let saved: Vec<f64> = answer.suggestions.iter().map(|it| it.saved).collect();
        assert!(saved.is_sorted_by(|a, b| a >= b), "{saved:?}");
    }
}

/// A thousand units that all link against three thousand units need neither excessive time nor
/// excessive memory.
#[test]
fn thousands_of_units_are_replayed() {
    let mut units = vec!["u0 0 1 0.5".to_owned()];
    units.extend((1..3000).map(|n| format!("u{n} {n} 1 0.5 u{}", n / 2)));
    units.extend((0..1000).map(|n| format!("!t{n} 3000 1 - +u{}", 2999 - n)));
    let units: Vec<&str> = units.iter().map(String::as_str).collect();
    let build = build(&units);
    let schedule = Schedule::new(&build).unwrap();
    let answer = predict(&build, &schedule, 16, &SpeedUp::default());
    assert!(answer.at_best < answer.replayed && answer.suggestions.len() <= 10);
}

#[test]
fn a_cycle_of_dependencies_is_refused() {
    let mut damaged = build(&["a 0 1 -", "b 1 1 - +a"]);
    damaged.units[0].needs.push(1);
    assert!(Schedule::new(&damaged).unwrap_err().contains("cycle"));
    damaged.units[0].needs = vec![7];
    assert!(Schedule::new(&damaged).unwrap_err().contains("not there"));
}

/// Returns a node of cargo's graph with this package, kind, mode and dependencies.
fn node(name: &str, kind: &str, mode: &str, dependencies: &[usize]) -> serde_json::Value {
    let edges = dependencies
        .iter()
        .map(|index| json!({ "index": index, "extern_crate_name": name }));
    json!({
        "pkg_id": format!("path+file:///w/{name}#0.1.0"), "mode": mode, "platform": null,
        "target": { "kind": [kind], "crate_types": [kind], "name": name, "edition": "2024" },
        "features": [], "profile": {}, "dependencies": edges.collect::<Vec<_>>(),
    })
}

fn join(build: &mut BuildTimings, graph: &str) -> Result<(), String> {
    let graph = UnitGraphJson::read(graph.as_bytes()).map_err(|error| format!("{error:#}"))?;
    unit_graph::join(build, &graph)
}

#[test]
fn cargos_unit_graph_adds_the_dependencies() {
    let units = [
        unit("base", "", 0.1, 1.0),
        unit("derive", "", 0.1, 1.0),
        unit("lib", " build-script", 0.1, 1.0),
        unit("lib", " build-script (run)", 1.1, 0.1),
        unit("lib", "", 1.2, 1.0),
        unit("lib", r#" lib "lib" (test)"#, 1.2, 1.0),
    ];
    let html = page(&format!("[{}]", units.join(",")), "");
    let graph = json!({ "version": 1, "roots": [4, 5], "units": [
        node("base", "lib", "build", &[]),
        node("derive", "proc-macro", "build", &[0]),
        node("lib", "custom-build", "build", &[]),
        node("lib", "custom-build", "run-custom-build", &[2]),
        node("lib", "lib", "build", &[0, 1, 3]),
        node("lib", "lib", "test", &[1, 3, 4]),
    ]});
    let mut build = read_report(&html, &[]).unwrap();
    join(&mut build, &graph.to_string()).unwrap();
    assert_eq!(build.order, Order::UnitGraph);
    let shown: Vec<String> = build
        .units
        .iter()
        .map(|unit| {
            let (needs, metadata) = (&unit.needs, &unit.needs_metadata);
            let flags = [
                (unit.links, "links"),
                (unit.host, "host"),
                (unit.proc_macro, "macro"),
            ];
            let flags: Vec<_> = flags.iter().filter(|it| it.0).map(|it| it.1).collect();
            format!("{unit}: {needs:?} {metadata:?} {}", flags.join(" "))
        })
        .collect();
    expect_test::expect![[r#"
        base v0.1.0 lib: [] [] 
        derive v0.1.0 lib: [0] [] links host macro
        lib v0.1.0 build script: [] [] links host
        lib v0.1.0 build script (run): [2] [] links
        lib v0.1.0 lib: [1, 3] [0] 
        lib v0.1.0 lib (test): [1, 3, 4] [] links"#]]
    .assert_eq(&shown.join("\n"));
}

/// A graph that cannot be used leaves the build with the report's own dependencies.
#[test]
fn the_graph_of_another_build_is_refused() {
    let html = page(&format!("[{}]", unit("a", "", 0.1, 1.0)), "");
    for (graph, why) in [
        (
            json!({ "version": 2, "units": [] }).to_string(),
            "version 2",
        ),
        (
            json!({ "version": 1, "units": [] }).to_string(),
            "has no a v0.1.0 lib",
        ),
        (
            json!({ "version": 1, "units": [node("a", "lib", "build", &[9])] }).to_string(),
            "does not contain",
        ),
        ("error: unknown flag".to_owned(), "expected value"),
    ] {
        let mut build = read_report(&html, &[]).unwrap();
        let before = build.clone();
        let error = join(&mut build, &graph).unwrap_err();
        assert!(error.contains(why), "{error}");
        assert_eq!(build, before);
    }
}
