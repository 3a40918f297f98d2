//! `timings`: measures, keeps and compares real builds.

use std::fs::File;

use expect_test::expect;

use crate::support::{Output, Project};

/// Returns the first lines of the output. The lines below depend on which unit was slower.
fn head(output: &Output, lines: usize) -> String {
    output.stdout.split_inclusive('\n').take(lines).collect()
}

#[test]
fn a_full_and_a_fresh_build_are_measured() {
    let project = Project::with_libraries(&[("base", &[])]);
    let output = project.xtask(&["timings"]);
    expect![[r#"
        [TIME]: 1 unit ran
        [TIME] of work, [NUMBER] units at a time on average ([SHARE] of its jobs); the first started after [TIME]

        Critical path [TIME], [SHARE] of the build; the chain that ended last waited [TIME] for a free core
             time     slack
         [TIME] [TIME]  base v0.1.0 lib

             time  frontend  codegen     slack  slowest units
         [TIME] [SHARE] [SHARE] [TIME]  base v0.1.0 lib
    "#]]
    .assert_eq(&head(&output, 9));
    assert!(
        output
            .stdout
            .ends_with("More in [ROOT]/target/xtask/timings/report.html\n")
    );
    expect![[r#"
        --- stderr
           Compiling base v0.1.0 ([ROOT]/crates/base)
              Timing report saved to [ROOT]/target/cargo-timings/cargo-timing-[TIME]-[HASH].html
            Finished `dev` profile [unoptimized + debuginfo] target(s) in [TIME]
    "#]]
    .assert_eq(&format!("--- stderr\n{}", output.stderr));
    let again = project.xtask(&["timings"]);
    assert_eq!(head(&again, 1), "[TIME]: 0 units ran, 1 fresh\n");
    assert!(project.path("target/xtask/timings/report.html").is_file());
}

#[test]
fn arguments_after_the_dashes_go_to_cargo() {
    let project = Project::with_libraries(&[("base", &[]), ("top", &["base"])]);
    let output = project.xtask(&["timings", "--", "--release", "--package", "base"]);
    assert_eq!(head(&output, 1), "[TIME]: 1 unit ran\n", "{output}");
    assert!(project.path("target/release").is_dir());
    assert!(!project.path("target/debug").exists());
    project
        .xtask(&["timings", "--", "--message-format=json"])
        .is(expect![[r#"
            --- stderr
            error: --message-format cannot be passed: `timings` reads cargo's messages itself
            --- exit status 2
        "#]]);
}

#[test]
fn every_cargo_command_is_measured() {
    let project = Project::with_libraries(&[("base", &[]), ("top", &["base"])]);
    for (command, ran) in [("check", 2), ("test", 4), ("doc", 2), ("build", 0)] {
        let arguments = ["timings", "--command", command, "--format", "json"];
        let shown = project.json(&arguments).unwrap();
        assert_eq!(shown["ran"], ran, "{command}");
        assert_eq!(shown["order"], "unit-graph", "{command}");
        assert_eq!(shown["run"]["command"], command);
    }
}

/// The measured part of a failed build is kept and marked. The exit status is cargo's.
#[test]
fn a_failed_build_is_kept_and_marked() {
    let project = Project::with_libraries(&[("base", &[]), ("broken", &["base"])]);
    project.write("crates/broken/src/lib.rs", "fn broken( {}\n");
    let output = project.xtask(&["timings", "--label", "half-done"]);
    assert_eq!(output.status, 101);
    expect![[r#"
        Failed (1 job failed) after [TIME] or more: 1 unit ran
        failed: broken v0.1.0 lib
        [TIME] of work, [NUMBER] units at a time on average ([SHARE] of its jobs); the first started after [TIME]
    "#]]
    .assert_eq(&head(&output, 3));
    project.xtask(&["timings", "list"]).is(expect![[r#"
        [TIME]-[HASH] [TIME]  half-done  build , failed
    "#]]);
}

/// The record has one unit for each unit that cargo compiles, with its dependencies.
#[test]
fn the_record_has_the_units_that_cargo_compiled() {
    let project = Project::with_libraries(&[("base", &[]), ("top", &["base"])]);
    project.write("crates/top/build.rs", "fn main() {}\n");
    project.write("crates/top/src/main.rs", "fn main() {}\n");
    let shown = project.json(&["timings", "--format", "json"]).unwrap();
    let units = shown["units"].as_array().unwrap();
    let labelled = |index: usize| {
        let unit = &units[index];
        let text = |field: &str| unit[field].as_str().unwrap();
        format!("{} {} {}", text("name"), text("target"), text("mode"))
    };
    let mut waits: Vec<String> = Vec::new();
    for (place, unit) in units.iter().enumerate() {
        let mut needed = Vec::new();
        for field in ["needs", "needs_metadata"] {
            let places = unit[field].as_array().into_iter().flatten();
            needed.extend(places.map(|it| labelled(it.as_u64().unwrap() as usize)));
        }
        needed.sort();
        waits.push(format!("{}: {}", labelled(place), needed.join(", ")));
    }
    waits.sort();
    expect![[r#"
        base lib build: 
        top bin "top" build: base lib build, top build script run, top lib build
        top build script build: 
        top build script run: top build script build
        top lib build: base lib build, top build script run"#]]
    .assert_eq(&waits.join("\n"));
    project.remove("target");
    assert_eq!(shown["ran"], project.build(&["build"]).unwrap().len());
}

/// A whole history, from the first record to a build that exceeds its budget.
#[test]
fn a_history_is_compared_budgeted_and_exported() {
    let project = Project::with_libraries(&[("base", &[]), ("top", &["base"])]);
    project.append(
        "Cargo.toml",
        "\n[workspace.metadata.xtask.timings]\nbudget.packages.base = 600\n\
         budget.growth = 100000\nbudget.baseline = \"main~0\"\nkeep.runs = 2\n",
    );
    project.commit("A budget");
    // Other tests run at the same time, so every run may be contended.
    let measured = ["timings", "--contended", "--clean", "workspace", "--label"];
    let first = project.xtask(&[&measured[..], &["before"]].concat());
    assert!(first.status == 0, "{first}");
    assert!(
        first
            .stderr
            .contains("warning: budget.baseline: no run is recorded yet"),
        "{first}"
    );
    assert!(
        first
            .stderr
            .contains("a limit of the budget is not checked: growth, because there is no"),
        "{first}"
    );
    project.library("extra", &["base"]);
    let update = ["update", "--workspace", "--offline"];
    project.cargo(&update).done();
    project.xtask(&[&measured[..], &["after"]].concat()).done();
    let diff = project.xtask(&["timings", "diff", "before", "after"]);
    assert_eq!(head(&diff, 1), "before → after\n", "{diff}");
    assert!(diff.stdout.contains("\nnew: 1 unit, [TIME]\n"), "{diff}");
    assert!(diff.stdout.contains("  extra v0.1.0 lib\n"), "{diff}");

    let trend = project.xtask(&["timings", "trend", "--contended"]).done();
    assert_eq!(trend.lines().count(), 3, "{trend}");
    let sizes = trend.matches("[SIZE]").count();
    assert_eq!(sizes, 2, "the size of the directory: {trend}");
    let spent = project.xtask(&[
        "timings",
        "--clean",
        "affected",
        "--assume-changed",
        "base",
        "--contended",
        "--budget",
        "total=0",
    ]);
    assert_eq!(spent.status, 1, "{spent}");
    assert!(
        spent
            .stdout
            .contains("\nover budget: total [TIME], at most [TIME]; most by ")
    );
    assert!(spent.stdout.starts_with("[TIME]: 3 units ran"), "{spent}");
    let ceiling = [
        "--contended",
        "--budget",
        "growth=100000",
        "--baseline",
        "before",
    ];
    project
        .xtask(&[&["timings", "show", "after"], &ceiling[..]].concat())
        .done();
    project
        .xtask(&["timings", "show", "--budget", "package:bse=1"])
        .is(expect![[r#"
            --- stderr
            error: budget: no package `bse` in this workspace
            hint: did you mean `base`?
            --- exit status 2
        "#]]);
    let guess = project
        .json(&[
            "timings", "what-if", "after", "--cores", "1", "--faster", "base=2x", "--format",
            "json",
        ])
        .unwrap();
    assert_eq!(guess["cores"], 1);

    let summary = project.beside("summary.md");
    std::fs::write(&summary, "before\n").unwrap();
    let mut kit = project.kit(&["timings", "show", "after", "--format", "github"]);
    let shown = kit.env("GITHUB_STEP_SUMMARY", &summary).output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(
        shown.starts_with("### Build timings: `cargo build` took "),
        "{shown}"
    );
    assert_eq!(
        std::fs::read_to_string(&summary).unwrap(),
        format!("before\n{shown}")
    );

    // The oldest run without a label is removed; a run with a label stays.
    for _ in 0..2 {
        project.xtask(&["timings"]).done();
    }
    let kept = project.xtask(&["timings", "list"]).done();
    assert_eq!(kept.lines().count(), 4, "{kept}");
    for label in ["before", "after"] {
        assert!(kept.contains(label), "{kept}");
    }

    // The records are exported to another machine and imported there.
    let exported = project
        .kit(&["timings", "export", "before", "after"])
        .output()
        .unwrap();
    let elsewhere = Project::with_libraries(&[("base", &[])]);
    let file = elsewhere.path("artifact/timings.jsonl");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, &exported.stdout).unwrap();
    elsewhere
        .xtask(&["timings", "import", "artifact"])
        .is(expect![[r#"
        --- stderr
            Imported 2 runs
    "#]]);
    elsewhere
        .xtask(&["timings", "import", "artifact"])
        .is(expect![[r#"
        --- stderr
            Imported 0 runs, 2 here already
    "#]]);
    let there = elsewhere.kit(&["timings", "export"]).output().unwrap();
    assert_eq!(there.stdout, exported.stdout);
}

#[test]
fn repeated_runs_tell_noise_from_change() {
    let project = Project::with_libraries(&[("base", &[]), ("top", &["base"])]);
    project.xtask(&["timings", "--repeat", "2"]).is(expect![[r#"
        --- stderr
        error: --repeat measures the same build several times
        hint: add --clean affected, workspace or all
        --- exit status 2
    "#]]);
    let repeated = [
        "timings",
        "--clean",
        "all",
        "--repeat",
        "2",
        "--contended",
        "--format",
        "json",
    ];
    let shown = project.json(&repeated).unwrap();
    assert_eq!(shown["totals"].as_array().unwrap().len(), 2);
    assert_eq!(shown["ran"], 2);
    let again = project.json(&repeated).unwrap();
    assert_eq!(again["since_last"]["before"]["runs"], 2);
    assert_ne!(again["since_last"]["total"]["verdict"], "unproven");
}

/// Each error names what is wrong and what to do. No measured run is lost.
#[test]
fn unusable_reports_and_records_are_refused() {
    let project = Project::with_libraries(&[("base", &[])]);
    project
        .xtask(&["timings", "diff", "latest~1"])
        .is(expect![[r#"
        --- stderr
        error: no run is recorded yet
        hint: `cargo xtask timings` measures a build and records the run
        --- exit status 2
    "#]]);
    project.xtask(&["timings", "--label", "twin"]).done();
    project.xtask(&["timings", "--label", "twin"]).done();
    let pages = project.path("target/cargo-timings");
    let pages = std::fs::read_dir(pages)
        .unwrap()
        .map(|it| it.unwrap().path());
    let page = pages
        .filter(|it| it.to_string_lossy().contains("timing-"))
        .min()
        .unwrap();
    let page = std::fs::read_to_string(page).unwrap();
    for (name, text) in [
        ("short", &page[..page.len() / 2]),
        ("foreign", "<html><title>A page</title></html>"),
        ("future", &page.replace("UNIT_DATA", "UNITS_2")),
        ("clock", &page.replace("\"start\": ", "\"start\": -")),
    ] {
        project.write(format!("{name}.html"), text);
    }
    let import = |name: &str| project.xtask(&["timings", "--import", &format!("{name}.html")]);
    import("short").is(expect![[r#"
        --- stderr
        error: cannot use short.html: the timing report is incomplete; build or copy it again
        --- exit status 2
    "#]]);
    import("foreign").is(expect![[r#"
        --- stderr
        error: cannot use foreign.html: this is not a timing report of cargo; pass a page that `--timings` wrote to `cargo-timings/` in the target directory
        --- exit status 2
    "#]]);
    import("future").is(expect![[r#"
        --- stderr
        error: cannot use future.html: the timing report has an unknown form (no UNIT_DATA); build with cargo [NUMBER] to [NUMBER], or update this tool
        --- exit status 2
    "#]]);
    import("clock").is(expect![[r#"
        --- stderr
        error: cannot use clock.html: the timing report has a negative time at base v0.1.0: the clock jumped while cargo ran; build again
        --- exit status 2
    "#]]);
    import("missing").is(expect![[r#"
        --- stderr
        error: cannot read missing.html: [OS ERROR]
        --- exit status 2
    "#]]);
    let several = project.xtask(&["timings", "show", "twin"]);
    expect![[r#"
        error: 2 runs are called `twin`; use an id, or `twin~0` for the newest:
    "#]]
    .assert_eq(several.stderr.split_inclusive('\n').next().unwrap());

    let exported = project.xtask(&["timings", "list"]).done();
    assert_eq!(
        exported.lines().count(),
        2,
        "nothing of that was kept: {exported}"
    );
    let store = project.path("target/xtask/timings");
    let records = std::fs::read_dir(&store)
        .unwrap()
        .map(|it| it.unwrap().path());
    let mut records: Vec<_> = records
        .filter(|it| it.extension().is_some_and(|it| it == "json"))
        .collect();
    records.sort();
    let whole = std::fs::read_to_string(&records[0]).unwrap();
    std::fs::write(&records[0], &whole[..whole.len() / 2]).unwrap();
    let shown = project.xtask(&["timings", "show", "twin"]);
    assert!(
        shown.status == 0
            && shown
                .stderr
                .starts_with("warning: the record of a run is damaged (")
    );
    let aside = records[0].with_extension("damaged");
    assert_eq!(
        std::fs::read_to_string(aside).unwrap().len(),
        whole.len() / 2
    );
}

#[test]
fn a_run_from_the_future_gives_a_warning() {
    let project = Project::with_libraries(&[("base", &[])]);
    project.xtask(&["timings"]).done();
    let exported = project.kit(&["timings", "export"]).output().unwrap();
    let exported = String::from_utf8(exported.stdout).unwrap();
    let (_, id) = exported.split_once("\"id\":\"").unwrap();
    let later = exported.replace(&id[..19], "29991231T235959000Z");
    project.write("later.jsonl", &later);
    project.xtask(&["timings", "import", "later.jsonl"]).done();
    let warned = project.xtask(&["timings"]);
    let warning = warned.stderr.lines().last().unwrap_or_default();
    assert!(
        warning.starts_with("warning: the run [TIME]-[HASH] has a later time than this run: "),
        "{warned}"
    );
}

/// Another cargo holds the lock for a while. This time is not part of the build's time.
#[test]
fn waiting_for_a_lock_is_not_build_time() {
    let project = Project::with_libraries(&[("base", &[])]);
    project.cargo(&["build"]).done();
    project.append("crates/base/src/lib.rs", "// newer\n");
    let locks = [".cargo-build-lock", ".cargo-lock", ".cargo-artifact-lock"];
    let locks = locks.map(|it| project.path("target/debug").join(it));
    let held: Vec<File> = locks
        .iter()
        .filter_map(|path| File::options().read(true).write(true).open(path).ok())
        .inspect(|file| file.lock().unwrap())
        .collect();
    assert!(!held.is_empty());
    let mut kit = project.kit(&["timings", "--format", "json"]);
    let kit = kit
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let running = kit.spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_secs(3));
    drop(held);
    let output = running.wait_with_output().unwrap();
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let waited = shown["waited_for_lock"].as_f64().unwrap();
    let from_start = shown["units"][0]["start"].as_f64().unwrap();
    assert!(waited > 0.0 && waited <= from_start, "{shown}");
    let total = shown["total"].as_f64().unwrap();
    let end = from_start + shown["units"][0]["duration"].as_f64().unwrap();
    assert!((total + waited - end).abs() < 0.02, "{shown}");
}
