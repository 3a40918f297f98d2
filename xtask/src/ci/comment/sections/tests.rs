use super::*;

fn part(title: &str, json: serde_json::Value) -> String {
    let directory = tempfile::tempdir().unwrap();
    let file = Utf8Path::from_path(directory.path())
        .unwrap()
        .join("report.json");
    std::fs::write(&file, json.to_string()).unwrap();
    let part = match title {
        "Timings" => of_file(title, Some(&file), timings),
        "Freshness" => of_file(title, Some(&file), freshness),
        _ => of_file(title, Some(&file), policy),
    };
    let part = part.unwrap();
    let rows = part.rows.iter().map(|row| row.join(" | "));
    [part.lines, rows.collect()].concat().join("\n")
}

#[test]
fn reports_become_parts() {
    let unit = |name: &str, before: f64, after: f64| {
        serde_json::json!({ "unit": name, "package": "a", "from_version": null,
            "before": before, "after": after, "verdict": "slower" })
    };
    let read = serde_json::json!({
        "version": 1,
        "run": { "command": "build", "contended": "other work used 1.7 of 2 cores",
            "cache": { "compilations": 10, "hits": 6, "misses": 2, "errors": 0, "not_cached": {} } },
        "totals": [12.0, 10.0, 11.0], "ran": 9, "fresh": 1, "error": null,
        "critical_path": { "length": 7.25 },
        "since_last": {
            "before": { "name": "main|<b>" },
            "total": { "before": 10.0, "after": 11.0, "verdict": "noise" },
            "units": [unit("serde v1 lib", 1.0, 2.0), unit("same", 1.0, 1.0)],
        },
        "breaches": [{ "what": "total", "limit": 10.0, "measured": 11.0, "unit": null }],
    });
    expect_test::expect![[r#"
        `cargo build` took 11.0s: 9 units ran, 1 fresh, critical path 7.2s.
        :warning: The machine did other work: other work used 1.7 of 2 cores.
        Against main\|&lt;b>: +1.0s (+10.0%), which is noise.
        :x: over budget: total 11.0, limit 10.0
        Compiler cache: 6 of 8 cacheable compilations were hits (75%), 8 of 10 compilations were cacheable (80%).
        1.0s | 2.0s | +1.0s | serde v1 lib"#]].assert_eq(&part("Timings", read));
    let read = serde_json::json!({ "directories": [
        { "has_record": true, "counts": { "kept": 40, "stale": 0, "changed": 2 }, "notes": ["a note"] },
        { "has_record": false, "counts": { "kept": 2 }, "notes": [] },
    ]});
    expect_test::expect![[r#"
        Units: 2 changed, 42 kept.
        > a note"#]]
    .assert_eq(&part("Freshness", read));
    let read = serde_json::json!({ "findings": [
        { "code": "x", "level": "warning", "message": "a | b", "fix": "<fix>" },
    ]});
    expect_test::expect![[r#"
        1 finding.
        warning | x | a \| b | &lt;fix>"#]]
    .assert_eq(&part("Policy", read));
}

/// A report that was not understood never looks like a report without findings.
#[test]
fn an_unreadable_report_is_named() {
    for json in [
        serde_json::json!({}),
        serde_json::json!([]),
        serde_json::json!("x"),
    ] {
        for title in ["Timings", "Freshness", "Policy"] {
            let shown = part(title, json.clone());
            assert!(
                shown.starts_with(":warning: not known: report.json: "),
                "{shown}"
            );
        }
    }
    let missing = of_file("Policy", Some("no/such.json".into()), policy).unwrap();
    assert!(missing.lines[0].starts_with(":warning: not known: such.json: "));
    assert_eq!(of_file("Policy", None, policy), None);
}

#[test]
fn a_command_cannot_end_its_block() {
    assert_eq!(fenced("cargo test"), "```sh\ncargo test\n```");
    assert_eq!(fenced("a ```` b"), "`````sh\na ```` b\n`````");
}
