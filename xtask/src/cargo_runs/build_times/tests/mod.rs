mod figures;
mod history;
mod imports;
mod order;

use std::io::BufReader;

use cargo_metadata::Message;
use serde_json::json;

use super::{BuildTimings, ReportError, Run, UnitState, UnitTiming, read_report};

/// Returns a build of libraries, each given as `name start duration frontend needs…`. `frontend` is
/// `-` if the unit has no separate metadata. A `+` before a needed name waits for the end of that
/// unit. A `!` before the unit's name makes the unit link.
fn build(units: &[&str]) -> BuildTimings {
    let rows: Vec<Vec<&str>> = units.iter().map(|it| it.split(' ').collect()).collect();
    let names: Vec<&str> = rows
        .iter()
        .map(|row| row[0].trim_start_matches('!'))
        .collect();
    let place = |name: &str| names.iter().position(|it| *it == name).unwrap();
    let unit = |row: &Vec<&str>| {
        let (ends, metadata): (Vec<&str>, Vec<&str>) =
            row[4..].iter().copied().partition(|it| it.starts_with('+'));
        UnitTiming {
            name: row[0].trim_start_matches('!').to_owned(),
            version: "1.0.0".to_owned(),
            target: "lib".to_owned(),
            mode: "build".to_owned(),
            start: row[1].parse().unwrap(),
            duration: row[2].parse().unwrap(),
            frontend: row[3].parse().ok(),
            state: UnitState::Ran,
            needs: ends.iter().map(|it| place(&it[1..])).collect(),
            needs_metadata: metadata.iter().map(|it| place(it)).collect(),
            links: row[0].starts_with('!'),
            ..UnitTiming::default()
        }
    };
    let units: Vec<UnitTiming> = rows.iter().map(unit).collect();
    BuildTimings {
        total: units.iter().map(UnitTiming::end).fold(0.0, f64::max),
        units,
        ..BuildTimings::default()
    }
}

fn record(id: &str, units: &[&str]) -> super::BuildRecord {
    let run = Run {
        id: id.to_owned(),
        command: "build".to_owned(),
        jobs: Some(2),
        ..Run::default()
    };
    super::BuildRecord::new(run, build(units)).unwrap()
}

/// Returns a page in cargo's form around the given units.
fn page(units: &str, error: &str) -> String {
    format!(
        "<html><head><title>Cargo Build Timings — a 0.1.0</title></head><body>\n{error}<script>\n\
         DURATION = 2;\nconst UNIT_DATA = {units};\n\
         const CONCURRENCY_DATA = [{{\"t\": 0.5, \"active\": 2, \"waiting\": 0, \"inactive\": 1}}];\n\
         const CPU_USAGE = [[0.1, 42.5]];\nfor (const unit of UNIT_DATA) {{}}\n\
         </script>\n</body>\n</html>\n"
    )
}

fn unit(name: &str, target: &str, start: f64, duration: f64) -> String {
    let mode = if target.ends_with("(run)") {
        "run-custom-build"
    } else {
        "todo"
    };
    json!({
        "i": 0, "name": name, "version": "0.1.0", "mode": mode, "target": target,
        "features": [], "start": start, "duration": duration, "unblocked_units": [],
        "unblocked_rmeta_units": [], "sections": null,
    })
    .to_string()
}

fn artifact(name: &str, kind: &str, file: &str, test: bool, fresh: bool) -> String {
    json!({
        "reason": "compiler-artifact", "package_id": format!("path+file:///w/{name}#0.1.0"),
        "manifest_path": "/w/Cargo.toml", "features": [], "filenames": [file],
        "executable": null, "fresh": fresh,
        "target": { "kind": [kind], "crate_types": [kind], "name": name, "src_path": "/w/x.rs",
            "edition": "2024", "doc": true, "doctest": true, "test": true },
        "profile": { "opt_level": "0", "debuginfo": 2, "debug_assertions": true,
            "overflow_checks": true, "test": test },
    })
    .to_string()
}

fn script_executed(id: &str) -> String {
    json!({ "reason": "build-script-executed", "package_id": id, "linked_libs": [],
        "linked_paths": [], "cfgs": [], "env": [], "out_dir": "/w/out" })
    .to_string()
}

fn messages(lines: &[String]) -> Vec<Message> {
    let text = lines.join("\n");
    Message::parse_stream(BufReader::new(text.as_bytes()))
        .collect::<Result<_, _>>()
        .unwrap()
}

fn states(build: &BuildTimings) -> Vec<String> {
    build
        .units
        .iter()
        .map(|u| format!("{:?} {u}", u.state))
        .collect()
}

const FAILED: &str = r#"<tr><td class="error-text">Error:</td><td>1 job failed</td></tr>"#;

#[test]
fn labels_of_targets_are_read() {
    for (label, expected) in [
        ("", "a v0.1.0 lib"),
        (" (check)", "a v0.1.0 lib (check)"),
        (r#" a "lib" (test)"#, "a v0.1.0 lib (test)"),
        (r#" tool "bin""#, r#"a v0.1.0 bin "tool""#),
        (
            r#" it "test" (check-test)"#,
            r#"a v0.1.0 test "it" (check-test)"#,
        ),
        (r#" e "example" (doc)"#, r#"a v0.1.0 example "e" (doc)"#),
        (" build-script", "a v0.1.0 build script"),
        (" build-script (run)", "a v0.1.0 build script (run)"),
    ] {
        let html = page(&format!("[{}]", unit("a", label, 0.1, 0.2)), "");
        assert_eq!(
            read_report(&html, &[]).unwrap().units[0].to_string(),
            expected,
            "{label}"
        );
    }
}

#[test]
fn sections_are_read() {
    for (fields, expected) in [
        (r#""sections": null"#, (None, None, None)),
        (
            r#""sections": [["frontend", {"start": 0.0, "end": 0.3}],
                ["codegen", {"start": 0.3, "end": 0.351}], ["link", {"start": 0.35, "end": 0.4}],
                ["other", {"start": 0.4, "end": 0.4}]]"#,
            (Some(0.3), Some(0.05), Some(0.05)),
        ),
    ] {
        let html = page(
            &format!(
                r#"[{{"name": "a", "version": "1.0.0", "target": "", "start": 0.5,
                    "duration": 0.4, "i": 0, "features": [], "unblocked_units": [],
                    "unblocked_rmeta_units": [], {fields}, "news": 1}}]"#
            ),
            "",
        );
        let unit = &read_report(&html, &[]).unwrap().units[0];
        assert_eq!(
            (unit.frontend, unit.codegen, unit.link),
            expected,
            "{fields}"
        );
    }
}

/// A failed build: `a` is built for two platforms and fails for one of them; `s` has a build script
/// that takes no measurable time.
#[test]
fn messages_tell_which_units_ran() {
    let units = [
        unit("fresh", "", 0.0, 0.0),
        unit("late", r#" late "bin""#, 0.0, 0.0),
        unit("a", r#" a "lib" (doc test)"#, 0.0, 0.0),
        unit("s", " build-script", 0.0, 0.0),
        unit("a", "", 0.2, 0.0),
        unit("a", "", 0.2, 0.5),
        unit("s", " build-script (run)", 0.7, 0.0),
        unit("t", " build-script (run)", 0.8, 0.0),
    ];
    let html = page(&format!("[{}]", units.join(",")), FAILED);
    let said = messages(&[
        artifact("fresh", "proc-macro", "/w/libfresh.so", false, true),
        artifact("s", "custom-build", "/w/build-script-build", false, true),
        artifact("a", "lib", "/w/liba.rlib", false, false),
        artifact("unlisted", "bin", "/w/libunlisted.rmeta", true, true),
        script_executed("git+https://example.com/w/s?branch=main#0.1.0"),
        script_executed("registry+https://example.com/index#quiet@2.0.0"),
    ]);

    let alone = read_report(&html, &[]).unwrap();
    let joined = read_report(&html, &said).unwrap();
    assert_eq!(
        states(&alone),
        [
            "Unknown fresh v0.1.0 lib",
            "Unknown late v0.1.0 bin \"late\"",
            "Unknown s v0.1.0 build script",
            "Ran a v0.1.0 lib",
            "Failed a v0.1.0 lib",
            "Unknown s v0.1.0 build script (run)",
            "Unknown t v0.1.0 build script (run)",
        ]
    );
    assert_eq!(
        states(&joined),
        [
            "Fresh fresh v0.1.0 lib",
            "NotRun late v0.1.0 bin \"late\"",
            "Fresh s v0.1.0 build script",
            "Fresh quiet v2.0.0 build script (run)",
            "Fresh unlisted v0.1.0 bin \"unlisted\" (check-test)",
            "Ran a v0.1.0 lib",
            "Failed a v0.1.0 lib",
            "Ran s v0.1.0 build script (run)",
            "Failed t v0.1.0 build script (run)",
        ]
    );
    assert_eq!(joined.error.as_deref(), Some("1 job failed"));
    assert_eq!(
        (joined.total, joined.concurrency[0].active, joined.cpu[0].1),
        (0.8, 2, 42.5)
    );
}

#[test]
fn damaged_reports_say_what_is_wrong() {
    let good = page(&format!("[{}]", unit("a", "", 0.1, 0.2)), "");
    for (html, expected) in [
        ("", "NotAReport"),
        ("<html><title>Cargo</title></html>", "NotAReport"),
        (
            &good.replace("UNIT_DATA", "UNITS"),
            "UnknownShape(\"no UNIT_DATA\")",
        ),
        (
            &good.replace("\"start\"", "\"begin\""),
            "UnknownShape(\"UNIT_DATA: missing field `start`",
        ),
        (
            &good.replace("0.2", "\"0.2s\""),
            "UnknownShape(\"UNIT_DATA: invalid type: string",
        ),
        (&good.replace("0.2", "-3"), "NegativeTime(\"a v0.1.0\")"),
        (&page("[]", ""), "NoUnits"),
    ] {
        let error = read_report(html, &[]).unwrap_err();
        assert!(
            format!("{error:?}").starts_with(expected),
            "{error:?}, not {expected}"
        );
    }
    for end in (0..good.trim_end().len()).filter(|&end| good.is_char_boundary(end)) {
        let error = read_report(&good[..end], &[]).unwrap_err();
        assert!(
            matches!(error, ReportError::NotAReport | ReportError::CutShort),
            "{end}"
        );
    }
    let fresh = messages(&[artifact("a", "lib", "/w/liba.rlib", false, true)]);
    let all_fresh = read_report(&page("[]", ""), &fresh).unwrap();
    assert_eq!(
        (all_fresh.units[0].state, all_fresh.total),
        (UnitState::Fresh, 0.0)
    );
    let no_curves = good
        .replace("\"active\"", "\"busy\"")
        .replace("const CPU_USAGE", "const CPU");
    let no_curves = read_report(&no_curves, &[]).unwrap();
    assert!(no_curves.concurrency.is_empty() && no_curves.cpu.is_empty());
    assert!(
        ReportError::CutShort
            .to_string()
            .ends_with("build or copy it again")
    );
}
