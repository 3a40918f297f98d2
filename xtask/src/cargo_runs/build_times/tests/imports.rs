//! Tests of records that are imported from files.

use serde_json::{Value, json};

use super::{page, record, unit};
use crate::cargo_runs::build_times::readers::build_log;
use crate::cargo_runs::build_times::readers::import::{Imported, read};
use crate::cargo_runs::build_times::{Order, UnitState};

fn imported(text: &str, name: &str) -> Result<Imported, String> {
    read(text, name, &|_, _| false)
}

#[test]
fn exported_records_are_read_and_damaged_records_are_reported() {
    let line = |id: &str| serde_json::to_string(&record(id, &["a 0 1 -"])).unwrap();
    let good = line("20260101T000000000Z-a");
    let text = format!(
        "{good}\n{}\n\n{}\n",
        &good[..40],
        line("20260102T000000000Z-b")
    );
    let Imported::Records(records, damaged) = imported(&text, "").unwrap() else {
        panic!("records");
    };
    let ids: Vec<_> = records.iter().map(|it| &it.run.id[20..]).collect();
    assert_eq!((ids, damaged.len()), (vec!["a", "b"], 1));
    assert!(damaged[0].starts_with("record 2: EOF"), "{}", damaged[0]);
    let pretty = serde_json::to_string_pretty(&records[0]).unwrap();
    assert!(matches!(imported(&pretty, "").unwrap(), Imported::Records(it, _) if it.len() == 1));
    assert!(imported("{}", "").unwrap_err().contains("missing field"));
    assert!(
        imported("", "")
            .unwrap_err()
            .contains("not a timing report of cargo")
    );
}

#[test]
fn a_page_has_the_time_and_machine_of_the_build() {
    let header = "<td>Profile:</td><td>release</td>\
        <td>Max concurrency:</td><td>3 (jobs=2 ncpu=4)</td>\
        <td>Build start:</td><td>2026-11-21T07:35:39.352401469Z</td>\
        <td>rustc:</td><td>rustc 1.95.0 (5 2026)<br>Host: x86_64-linux<br>Target: wasm</td>";
    let html = page(&format!("[{}]", unit("a", "", 0.1, 1.0)), header);
    let Imported::Build(build) = imported(&html, "cargo-timing-20261121T073539352Z-ab").unwrap()
    else {
        panic!("a page");
    };
    let (run, build) = *build;
    assert_eq!(run.id, "20261121T073539352Z-ab");
    let words = [&run.profile, &run.rustc, &run.host];
    assert_eq!(words, ["release", "rustc 1.95.0 (5 2026)", "x86_64-linux"]);
    assert_eq!((run.jobs, run.cores), (Some(2), Some(4)));
    assert_eq!(build.order, Order::LastBlocker);
    let Imported::Build(renamed) = imported(&html, "report").unwrap() else {
        panic!("a page");
    };
    assert!(
        renamed.0.id.starts_with("20261121T073539352Z-"),
        "{}",
        renamed.0.id
    );
}

/// The report names the units that each unit unblocked.
#[test]
fn without_a_graph_the_last_blockers_are_known() {
    let blocker = unit("a", "", 0.1, 1.0)
        .replace("\"unblocked_units\":[]", "\"unblocked_units\":[1]")
        .replace(
            "\"unblocked_rmeta_units\":[]",
            "\"unblocked_rmeta_units\":[2]",
        );
    let numbered = |unit: String, i: u32| unit.replace("\"i\":0", &format!("\"i\":{i}"));
    let units = [
        blocker,
        numbered(unit("b", "", 1.1, 1.0), 1),
        numbered(unit("c", "", 0.6, 1.0), 2),
    ];
    let build = crate::cargo_runs::build_times::read_report(
        &page(&format!("[{}]", units.join(",")), ""),
        &[],
    )
    .unwrap();
    let waits: Vec<_> = build
        .units
        .iter()
        .map(|it| (&*it.name, &it.needs[..], &it.needs_metadata[..]))
        .collect();
    assert_eq!(
        waits,
        [("a", &[][..], &[][..]), ("c", &[], &[0]), ("b", &[0], &[])]
    );
}

fn log(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// A log of a cargo that was killed while `b` was compiled. The last line is incomplete.
#[test]
fn the_log_of_a_killed_build_is_read() {
    let registered = |index: usize, name: &str, kind: &str, needs: &[usize]| {
        json!({ "reason": "unit-registered", "package_id": format!("path+file:///w/{name}#0.1.0"),
            "target": { "name": name, "kind": kind }, "mode": "build", "platform": "x86_64-linux",
            "index": index, "requested": true, "dependencies": needs })
    };
    let lines = [
        json!({ "reason": "build-started", "run_id": "20260101T000000000Z-a", "command": ["cargo",
            "build", "--release"], "host": "x86_64-linux", "jobs": 2, "num_cpus": 4,
            "profile": "release", "rustc_version": "1.97.0" }),
        json!({ "reason": "news-of-tomorrow" }),
        registered(0, "fresh", "lib", &[]),
        registered(1, "a", "lib", &[0]),
        registered(2, "b", "bin", &[1]),
        registered(3, "c", "bin", &[1]),
        json!({ "reason": "unit-fingerprint", "index": 0, "status": "fresh" }),
        json!({ "reason": "unit-started", "index": 1, "elapsed": 0.101 }),
        json!({ "reason": "unit-rmeta-finished", "index": 1, "elapsed": 0.5 }),
        json!({ "reason": "unit-section-started", "index": 1, "elapsed": 0.6, "section": "link" }),
        json!({ "reason": "unit-section-finished", "index": 1, "elapsed": 0.8, "section": "link" }),
        json!({ "reason": "unit-finished", "index": 1, "elapsed": 1.101 }),
        json!({ "reason": "unit-started", "index": 2, "elapsed": 1.2 }),
    ];
    let text = log(&lines) + "{\"reason\":\"unit-fin";
    assert!(build_log::is_log(&text));
    let Imported::Build(build) = imported(&text, "").unwrap() else {
        panic!("a log");
    };
    let (run, build) = *build;
    assert_eq!(
        (&*run.command, &run.arguments[..]),
        ("build", &["--release".to_owned()][..])
    );
    assert_eq!(build.order, Order::UnitGraph);
    let states: Vec<_> = build.units.iter().map(|it| (&*it.name, it.state)).collect();
    let expected = [
        ("fresh", UnitState::Fresh),
        ("c", UnitState::NotRun),
        ("a", UnitState::Ran),
        ("b", UnitState::Failed),
    ];
    assert_eq!(states, expected);
    let a = &build.units[2];
    assert_eq!(
        (a.start, a.duration, a.frontend, a.codegen),
        (0.1, 1.0, Some(0.4), Some(0.6))
    );
    assert_eq!(
        (&build.units[3].needs[..], build.units[3].links),
        (&[2][..], true)
    );
    assert!(build.error.is_some());
    assert!(
        imported(&log(&lines[..1]), "")
            .unwrap_err()
            .contains("names no unit")
    );
    assert!(
        imported(&log(&[&lines[..2], &lines[4..]].concat()), "")
            .unwrap_err()
            .contains("missing")
    );
}
