//! `timings` on a machine that does other work; experiments with settings; the review of a build.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use expect_test::expect;

use crate::support::Project;

/// Runs an action while every core of the machine is busy twice over.
fn on_a_busy_machine<T>(act: impl FnOnce() -> T) -> T {
    static IS_OVER: AtomicBool = AtomicBool::new(false);
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let busy: Vec<_> = (0..2 * cores)
        .map(|_| {
            thread::spawn(|| {
                while !IS_OVER.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            })
        })
        .collect();
    let done = act();
    IS_OVER.store(true, Ordering::Relaxed);
    busy.into_iter().for_each(|it| it.join().unwrap());
    done
}

/// A run on a busy machine is kept and marked. Unless asked for, its time limits are not checked,
/// and no other run is compared with it.
#[cfg(target_os = "linux")]
#[test]
fn a_run_on_a_busy_machine_is_left_out() {
    let project = Project::with_libraries(&[("base", &[]), ("top", &["base"])]);
    let run = [
        "timings", "--clean", "all", "--label", "busy", "--budget", "total=0",
    ];
    let busy = on_a_busy_machine(|| project.xtask(&run));
    assert_eq!(busy.status, 0, "{busy}");
    let unchecked = "warning: a limit of the budget is not checked: the time limits, because the \
                     machine did other work (`--contended` checks them)\n";
    assert!(busy.stderr.contains(unchecked), "{busy}");
    let list = project.json(&["timings", "list", "--format", "json"]);
    let run = &list.unwrap()["runs"][0];
    let reason = run["contended"].as_str().unwrap();
    assert!(reason.starts_with("other work used "), "{reason}");
    let machine = |field: &str| run["machine"][field].as_f64().unwrap();
    assert!(machine("cpu") > 0.0 && machine("other_cpu") > 0.0, "{run}");
    assert!(
        machine("wall") > 0.0 && machine("load_after") > 0.0,
        "{run}"
    );

    project.xtask(&["timings", "trend"]).is(expect![[r#"
        --- stderr
        note: 1 run left out, because the machine did other work; --contended shows them
    "#]]);
    let trend = project.xtask(&["timings", "trend", "--contended"]).done();
    assert_eq!(trend.lines().count(), 2, "{trend}");
    let show = ["timings", "show", "--budget", "total=0", "--contended"];
    let shown = project.xtask(&show);
    assert_eq!(shown.status, 1, "{shown}");
    let growth = [
        "timings",
        "show",
        "--budget",
        "growth=10",
        "--baseline",
        "busy",
    ];
    project.xtask(&growth).is(expect![[r#"
        --- stderr
        error: the machine did other work during the run `busy`
        hint: measure it again, or use it with --contended
        --- exit status 2
    "#]]);
    let review = project.xtask(&["timings", "review"]).done();
    let contended = "\nLeft out, because the machine did other work\n20";
    assert!(review.contains(contended), "{review}");
}

/// An experiment builds in directories of its own, edits a copy, and removes both.
#[test]
fn an_experiment_leaves_nothing_behind() {
    let project = Project::with_libraries(&[("base", &[]), ("app", &["base"])]);
    project.write("crates/app/src/main.rs", "fn main() {}\n");
    project.commit("Add a program");
    project.write("crates/base/src/lib.rs", "pub fn f() {}\n");
    project.commit("Edit");
    let temporary = project.beside("temporary");
    std::fs::create_dir_all(&temporary).unwrap();
    let tried = |arguments: &[&str]| {
        let mut kit = project.kit(&[&["timings", "try"], arguments].concat());
        kit.env("TMPDIR", &temporary).env("TMP", &temporary);
        let output = project.finish(&mut kit);
        assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 0);
        output
    };
    tried(&["profile.dev.opt-level=1", "--dry-run"]).is(expect![[r#"
        `cargo build --locked` runs 21 times, 11 of them from nothing, in temporary directories, with and without profile.dev.opt-level=1
        edited in a copy of the sources: crates/base/src/lib.rs, or the next choice if this build does not compile it
    "#]]);
    let arguments = [
        "profile.dev.opt-level=1",
        "--repeat",
        "1",
        "--format",
        "json",
    ];
    let arguments = [&["timings", "try"], &arguments[..]].concat();
    let report = project.json(&arguments).unwrap();
    let experiment = &report["experiment"];
    assert_eq!(experiment["edit"], "crates/base/src/lib.rs");
    let figures = experiment["figures"].as_array().unwrap();
    let compiled: Vec<_> = figures.iter().map(|it| &it["compiled"]).collect();
    assert_eq!(compiled, [3, 3], "{report:#}");
    for figure in figures {
        assert_eq!(figure["verdict"], "not-proven", "one run proves nothing");
        assert_eq!(figure["times_after"].as_array().unwrap().len(), 1);
    }
    let notes = experiment["notes"].to_string();
    assert!(
        notes.contains("use --repeat 5") && !notes.contains("same way"),
        "{notes}"
    );
    assert!(!project.path("target/debug").exists());
    assert_eq!(project.read("crates/base/src/lib.rs"), "pub fn f() {}\n");

    // A setting without an effect is named.
    let idle = ["net.retry=3", "--repeat", "1", "--only", "edit"];
    let output = tried(&idle);
    let same = "cargo calls the compilers in the same way with and without the settings";
    assert!(output.stdout.contains(same), "{output}");
    tried(&["profile.dev.opt-level=nine"]);
    tried(&["build.target-dir=x"]).is(expect![[r#"
        --- stderr
        error: `build.target-dir` cannot be tried: an experiment builds in directories of its own
        --- exit status 2
    "#]]);
    tried(&["profile.dev.debug=0", "--edit", "Cargo.toml"]).is(expect![[r#"
        --- stderr
        error: --edit Cargo.toml: this is not a Rust source of the workspace
        --- exit status 2
    "#]]);
}

/// A setting that makes a build much slower is proven to do so, and a setting without an effect is
/// not. The nightly job runs this test: it builds 44 times.
#[test]
#[ignore = "44 builds; .ci/nightly experiments"]
fn an_experiment_proves_only_real_differences() {
    let project = Project::with_libraries(&[("base", &[])]);
    let functions = (0..400).map(|n| {
        format!(
            "pub fn f{n}(words: &[String]) -> Vec<String> {{\n    let mut sorted = \
             words.to_vec();\n    sorted.sort_by_key(|word| word.len() + {n});\n    sorted\n}}\n"
        )
    });
    project.write("crates/base/src/lib.rs", &functions.collect::<String>());
    project.commit("Add functions");
    let verdicts = |setting: &str| {
        let report = project.json(&["timings", "try", setting, "--format", "json"]);
        let report = report.unwrap();
        let figures = report["experiment"]["figures"].as_array().unwrap();
        println!("{setting}: {figures:#?}");
        let verdicts = figures
            .iter()
            .map(|it| it["verdict"].as_str().unwrap().to_owned());
        verdicts.collect::<Vec<_>>()
    };
    assert_eq!(verdicts("profile.dev.opt-level=3"), ["slower", "slower"]);
    assert_eq!(verdicts("net.retry=3"), ["not-proven", "not-proven"]);
}

#[test]
fn the_review_and_the_trend_have_pages() {
    let project = Project::with_libraries(&[("base", &[])]);
    let empty = project.xtask(&["timings", "try"]);
    assert!(
        empty
            .stderr
            .starts_with("note: no run is recorded yet\nhint: "),
        "{empty}"
    );
    for _ in 0..2 {
        project.xtask(&["timings", "--clean", "all"]).done();
    }
    let trend = ["timings", "trend", "--contended", "--format", "html"];
    let page = project.xtask(&trend).done();
    for title in ["Total", "Critical path", "Size of the directory"] {
        assert!(
            page.contains(&format!("<h3>{title}</h3>")),
            "{title}: {page}"
        );
    }
    assert_eq!(page.matches("<tr>").count(), 3, "{page}");
    let review = project.xtask(&["timings", "review", "--contended"]).done();
    let proposals = project.xtask(&["timings", "try", "--contended"]).done();
    let mut titles = review.lines().filter(|line| {
        ["Review", "Trend", "Slowest", "Growth", "Left out", "Worth"]
            .iter()
            .any(|it| line.starts_with(it))
    });
    assert_eq!(
        titles.next(),
        Some("Review of the build, 92 days: cargo build, --clean all")
    );
    assert_eq!(titles.count(), 5, "{review}");
    let proposed = "timings try profile.dev.incremental=false";
    assert!(review.contains(proposed), "{review}");
    assert!(proposals.contains(proposed), "{proposals}");
    let page = project.xtask(&["timings", "review", "--contended", "--format", "html"]);
    assert!(page.done().contains("<h2>Slowest packages</h2>"));
}
