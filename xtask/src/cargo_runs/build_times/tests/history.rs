//! Tests of recorded runs: their names, the search for them, the reading of records.

use super::record;
use crate::cargo_runs::build_times::select::{before, find, series, uncontended};
use crate::cargo_runs::build_times::{BuildRecord, Run};
use crate::cargo_runs::machine_use::MachineUse;
use crate::timings::trend::{of_kind, trend};

fn run(id: &str, label: Option<&str>, commit: &str) -> Run {
    Run {
        id: id.to_owned(),
        series: id.to_owned(),
        label: label.map(str::to_owned),
        commit: Some(commit.to_owned()),
        total: 10.0,
        ..Run::default()
    }
}

#[test]
fn runs_are_found_by_label_commit_and_age() {
    let mut again = run("20260104T000000000Z-d", Some("main"), "beefcafe");
    again.series = "20260103T000000000Z-c".to_owned();
    let history = series(&[
        run("20260101T000000000Z-a", Some("base"), "0123abcd"),
        run("20260102T000000000Z-b", None, "0123abcd"),
        run("20260103T000000000Z-c", Some("main"), "beefcafe"),
        again,
    ]);
    let found = |spec: &str| match find(&history, spec) {
        Ok(series) => series
            .iter()
            .map(|run| &run.id[20..])
            .collect::<Vec<_>>()
            .join("+"),
        Err(error) => error.lines().next().unwrap_or_default().to_owned(),
    };
    for (spec, expected) in [
        ("latest", "c+d"),
        ("latest~1", "b"),
        ("latest~9", "`latest~9`: only 3 runs are called `latest`"),
        ("base", "a"),
        ("base~1", "`base~1`: only one run is called `base`"),
        ("main", "c+d"),
        ("20260102", "b"),
        ("0123abcd~0", "b"),
        ("0123abcd~1", "a"),
        (
            "latest~x",
            "`latest~x`: write a number after `~`, for example `latest~1`",
        ),
        (
            "0123abc",
            "2 runs are called `0123abc`; use an id, or `0123abc~0` for the newest:",
        ),
        ("012", "no run is called `012`"),
    ] {
        assert_eq!(found(spec), expected, "{spec}");
    }
    assert!(
        find(&[], "latest")
            .unwrap_err()
            .contains("no run is recorded yet")
    );
}

#[test]
fn only_similar_runs_are_compared() {
    let mut check = run("20260102T000000000Z-b", None, "1");
    check.command = "check".to_owned();
    let mut more = run("20260102T120000000Z-b", None, "1");
    more.ran = 30;
    let mut failed = run("20260103T000000000Z-c", None, "2");
    failed.failed = true;
    failed.total = 1.0;
    let mut last = run("20260104T000000000Z-d", None, "3");
    last.total = 12.0;
    let history = series(&[
        run("20260101T000000000Z-a", None, "0"),
        check,
        more,
        failed,
        last.clone(),
    ]);
    assert_eq!(
        before(&history, &last).unwrap()[0].id,
        "20260101T000000000Z-a"
    );
    let shown = trend(&history, false);
    let percents: Vec<_> = shown
        .points
        .iter()
        .map(|it| it.percent.map(f64::round))
        .collect();
    assert_eq!((percents, shown.others), (vec![None, None, Some(20.0)], 2));
    assert_eq!(trend(&history, true).points.len(), 5);
    // A record of an older kit lacks the newer fields, so later runs are not compared with it.
    let mut older = record("20260101T120000000Z-x", &["a 0 1 -"]);
    older.run.command.clear();
    older.run.jobs = None;
    older.run.ran = 0;
    assert_eq!(of_kind(&history, &[older]).points.len(), 2);
}

/// Runs are not compared with contended runs. A record of an older kit does not say if its run was
/// contended, so it counts as not contended.
#[test]
fn contended_runs_are_left_out() {
    let contended = |id: &str| Run {
        contended: Some("other work".to_owned()),
        ..run(id, None, "1")
    };
    let mut again = contended("20260103T120000000Z-d");
    again.series = "20260103T000000000Z-c".to_owned();
    let last = run("20260105T000000000Z-f", None, "1");
    let history = series(&[
        run("20260101T000000000Z-a", None, "1"),
        contended("20260102T000000000Z-b"),
        run("20260103T000000000Z-c", None, "1"),
        again,
        contended("20260104T000000000Z-e"),
        last.clone(),
    ]);
    let (kept, left_out) = uncontended(&history);
    assert_eq!(left_out, 3);
    let ids: Vec<_> = kept.iter().flatten().map(|run| &run.id[20..]).collect();
    assert_eq!(ids, ["a", "c", "f"]);
    let previous = |history| &before(history, &last).unwrap()[0].id[20..];
    assert_eq!((previous(&history), previous(&kept)), ("e", "c"));
    assert_eq!(trend(&kept, false).points.len(), 3);
}

/// The reason is found from the figures, and stays in the record.
#[test]
fn a_contended_build_is_marked() {
    let machine = MachineUse {
        wall: 10.0,
        cpu: Some(4.0),
        other_cpu: Some(15.0),
        without_idle_core: Some(9.0),
        cores: 2,
        ..MachineUse::default()
    };
    let mut record = record("20260101T000000000Z-a", &["a 0.5 1 -", "b 1.5 2 - +a"]);
    assert_eq!((&record.run.machine, &record.run.contended), (&None, &None));
    record.run.machine = Some(machine);
    let record = BuildRecord::new(record.run, record.build).unwrap();
    let why = record.run.contended.as_deref().unwrap_or_default();
    assert!(why.starts_with("other work used 1.5 of 2 cores"), "{why}");
    assert_eq!(record.run.machine.as_ref().unwrap().usable, 3.0);
    let text = serde_json::to_string(&record).unwrap();
    assert_eq!(BuildRecord::read(&text).unwrap(), record);
}

#[test]
fn a_record_is_read_as_it_was_written() {
    let mut record = record("20260101T000000000Z-a", &["a 0.5 1 0.25", "!b 1.5 2 - +a"]);
    record.build.units[0].features = vec!["std".to_owned()];
    record.build.error = Some("1 job failed".to_owned());
    let text = serde_json::to_string(&record).unwrap();
    assert_eq!(BuildRecord::read(&text).unwrap(), record);
    for (from, to, why) in [
        (
            "\"version\":1,\"run\"",
            "\"version\":7,\"run\"",
            "unknown version 7",
        ),
        ("20260101T000000000Z-a", "../evil", "not the id of a run"),
        ("\"needs\":[0]", "\"needs\":[5]", "not there"),
        ("\"start\":0.5", "\"start\":\"x\"", "invalid type"),
    ] {
        assert!(text.contains(from), "{from}");
        let error = BuildRecord::read(&text.replace(from, to)).unwrap_err();
        assert!(error.contains(why), "{error}, not {why}");
    }
    for end in 0..text.len() {
        assert!(
            BuildRecord::read(&text[..end]).is_err() && BuildRecord::head(&text[..end]).is_err()
        );
    }
}

#[test]
fn days_are_counted() {
    for (id, day) in [
        ("19700101T000000000Z-a", Some(0)),
        ("20000301T000000000Z-a", Some(11_017)),
        ("20261121T073539352Z-a", Some(20_778)),
        ("unknown", None),
    ] {
        assert_eq!(run(id, None, "").day(), day, "{id}");
    }
    let moment = run("19700102T060000000Z-a", None, "").moment();
    assert_eq!(moment, Some(1.25));
    assert_eq!(
        run("20261121T073539352Z-a", None, "").started(),
        "2026-11-21 07:35:39"
    );
}
