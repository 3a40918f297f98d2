use std::time::{Duration, UNIX_EPOCH};

use xtask_impact::build_dir::unit_inputs::ScriptRun;

use super::baked::date;
use super::*;

/// The start of a script run: 2026-11-21, 10:00 UTC.
const STARTED: u64 = 1_795_255_200;

fn place(path: &Utf8Path, line: Option<usize>) -> Place {
    let path = path.to_owned();
    Place::Path { path, line }
}

fn judged(script: &ScriptFacts) -> Vec<String> {
    let facts = BakedValues {
        root: "/w".into(),
        build_directories: ["/w/target".into(), "/built".into()],
        is_commit: &|text| "0123abcdef0123abcdef0123abcdef0123abcdef".starts_with(text),
        commit_times: &["1795250000".to_owned(), "2026-11-20".to_owned()],
    };
    let found = judge(script, &facts, &place);
    found
        .iter()
        .map(|it| format!("{}: {}", it.check.code, it.message))
        .collect()
}

fn ran(watch: Watch, rustc_env: &[(&str, &str)]) -> ScriptFacts {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    ScriptFacts {
        package: "a".to_owned(),
        run: Some(RecordedRun {
            output: "/w/target/debug/build/a-1/output".into(),
            started: UNIX_EPOCH + Duration::from_secs(STARTED),
            said: ScriptRun {
                watch,
                rustc_env: rustc_env.iter().map(owned).collect(),
                settled: true,
            },
        }),
        ..ScriptFacts::default()
    }
}

#[test]
fn a_record_of_a_run_outweighs_the_sources() {
    let silent = "script-watches-all: the build script of a names no input";
    assert_eq!(judged(&ran(Watch::Package(None), &[])), [silent]);
    // A library may have printed lines that the sources of the script do not contain.
    let mut spoken = ran(Watch::Declared(vec!["/".into()], Vec::new()), &[]);
    spoken.is_silent = true;
    spoken.always_missing = vec!["gone".into()];
    assert_eq!(judged(&spoken), [""; 0]);
    spoken.run = None;
    assert_eq!(
        judged(&spoken),
        [
            silent,
            "script-missing-input: the build script of a watches gone, which does not exist"
        ]
    );
    let missing = ran(
        Watch::Declared(vec!["/nowhere/at/all".into()], Vec::new()),
        &[],
    );
    assert_eq!(
        judged(&missing),
        [
            "script-missing-input: the build script of a watches /nowhere/at/all, which does not exist"
        ]
    );
    assert_eq!(judged(&ran(Watch::Overridden, &[])), [""; 0]);
}

#[test]
fn baked_times_paths_and_commits_are_recognized() {
    for (value, expected) in [
        ("0.1.0", None),
        ("/w/data/table.csv", Some("script-bakes-path")),
        // The code has no other path to a generated file.
        ("/w/target/debug/build/a-1/out/table.rs", None),
        ("/usr/share/zoneinfo", None),
        ("/world/map", None),
        ("1795255203", Some("script-bakes-time")),
        ("1795255203123", Some("script-bakes-time")),
        ("built 2026-11-21T10:00:03Z", Some("script-bakes-time")),
        // The time and date of the commit, and another day.
        ("1795250000", None),
        ("2026-11-20", None),
        ("2025-11-21", None),
        ("0123abc", Some("script-bakes-commit")),
        ("25.07 (0123abcdef-dirty)", Some("script-bakes-commit")),
        ("v1.2-3-g0123abcd", Some("script-bakes-commit")),
        ("deadbeef", None),
        ("x86_64-unknown-linux-gnu", None),
    ] {
        let watch = Watch::Declared(Vec::new(), Vec::new());
        let found = judged(&ran(watch, &[("VALUE", value)]));
        let code = found.first().and_then(|it| it.split(':').next());
        assert_eq!(code, expected, "{value}");
    }
}

#[test]
fn dates_are_computed_from_seconds() {
    for (seconds, expected) in [
        (0, "1970-01-01"),
        (951_782_400, "2000-02-29"),
        (STARTED, "2026-11-21"),
        (4_107_542_400, "2100-03-01"),
    ] {
        assert_eq!(date(seconds), expected);
    }
}
