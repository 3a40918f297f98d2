//! `doctor`: planted faults are found, reported and fixed.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use expect_test::expect;
use serde_json::Value;

use crate::support::Project;

/// Makes two libraries, one with a build script.
fn with_script(script: &str) -> Project {
    let project = Project::with_libraries(&[("a", &[]), ("b", &["a"])]);
    project.write("crates/a/build.rs", script);
    project.commit("Add a script");
    project
}

fn codes(project: &Project, arguments: &[&str]) -> Vec<String> {
    let found = project.json(&[&["doctor", "--format", "json"], arguments].concat());
    let found = found.unwrap();
    assert_eq!(found["version"], 2);
    let code = |it: &Value| {
        format!(
            "{} {}",
            it["level"].as_str().unwrap(),
            it["code"].as_str().unwrap()
        )
    };
    let found = found["findings"].as_array().unwrap().iter().map(code);
    found.collect()
}

#[test]
fn a_sound_workspace_has_no_finding() {
    let project = Project::with_libraries(&[("a", &[]), ("b", &["a"])]);
    project.xtask(&["doctor"]).is(expect![[r#"
        --- stderr
        note: nothing found
    "#]]);
}

#[test]
fn recorded_script_output_is_checked() {
    let project = with_script(
        "fn main() {
            println!(\"cargo::rerun-if-changed=build.rs\");
            if std::env::var_os(\"CARGO\").is_some() {
                println!(\"cargo::rerun-if-changed=table.csv\");
            }
            println!(\"cargo::rerun-if-env-changed=MODE\");
            println!(\"cargo::rustc-env=ROOT={}\", std::env::var(\"CARGO_MANIFEST_DIR\").unwrap());
            let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
            println!(\"cargo::rustc-env=BUILT={now}\");
        }",
    );
    let scripts = [
        "--only",
        "script-missing-input",
        "--only",
        "script-bakes-path",
        "--only",
        "script-bakes-time",
        "--only",
        "environment-differs",
    ];
    // Without a record of a run, the sources leave doubt.
    assert!(codes(&project, &scripts).is_empty());
    project.cargo(&["check"]).done();
    let found = [
        "warning script-bakes-path",
        "warning script-bakes-time",
        "warning script-missing-input",
    ];
    assert_eq!(codes(&project, &scripts), found);
    let mut elsewhere = project.kit(&[&["doctor", "--format", "json"], &scripts[..]].concat());
    let said = project.finish(elsewhere.env("MODE", "on")).done();
    assert!(said.contains("\"variable\": \"MODE\""), "{said}");
    // The record of an earlier version of the script says nothing about the new version.
    project.write(
        "crates/a/build.rs",
        "fn main() { println!(\"cargo::rerun-if-changed=gone\"); }",
    );
    project.xtask(&["doctor", "--only", "script-missing-input"]).is(expect![[r#"
        warning[script-missing-input]: the build script of a watches gone, which does not exist
          at crates/a/build.rs
          read: `rerun-if-changed` in `main` of [ROOT]/crates/a/build.rs
          costs: Every build runs the build script again, and rebuilds the package and its dependents.
          here: 4 units of 2 packages compiled again (dependents: b); time unknown, because `cargo xtask timings` has not measured a build of all packages.
          fix: Watch a file that exists, or the directory in which the file may appear.

        --- stderr
        note: the build scripts of a have no record of a build, so their output is unknown
        note: 1 warning
    "#]]);
}

#[test]
fn safe_fixes_are_applied() {
    let project = Project::with_libraries(&[("a", &[]), ("b", &["a"])]);
    project.cargo(&["check"]).done();
    fs::write(project.path(".gitignore"), b"caf\xe9").unwrap();
    project.git(&[
        "add",
        "target/CACHEDIR.TAG",
        "target/debug/deps",
        ".gitignore",
    ]);
    project.git(&["commit", "--quiet", "--message", "Too much"]);
    let tomorrow = SystemTime::now() + Duration::from_secs(86_400);
    let source = File::options()
        .append(true)
        .open(project.path("crates/a/src/lib.rs"))
        .unwrap();
    source.set_modified(tomorrow).unwrap();
    let unused = project.path("target/debug/incremental/gone-0abc");
    fs::create_dir_all(unused.join("s")).unwrap();
    let used = fs::read_dir(project.path("target/debug/incremental"))
        .unwrap()
        .count()
        - 1;

    let found = [
        "error tracked-output",
        "warning future-source",
        "warning unused-incremental",
    ];
    assert_eq!(codes(&project, &[]), found);
    assert_eq!(project.xtask(&["doctor"]).status, 1);
    project.xtask(&["doctor", "--fix", "--dry-run", "--only", "unused-incremental", "--format", "github"]).is(expect![[r#"
        ::warning title=unused-incremental,file=target::incremental state of [SIZE] belongs to no package. `cargo xtask sweep` or `cargo xtask doctor --fix` removes it.
        --- stderr
               Would remove [ROOT]/target/debug/incremental/gone-0abc, [SIZE]
    "#]]);
    assert!(unused.exists());
    let fixed = project.xtask(&["doctor", "--fix"]);
    assert_eq!(fixed.status, 0, "{fixed}");
    assert_eq!(codes(&project, &[]), [""; 0]);
    let ignored = fs::read(project.path(".gitignore")).unwrap();
    assert_eq!(ignored, b"caf\xe9\n/target/\n");
    assert!(project.path("target/CACHEDIR.TAG").exists() && !unused.exists());
    assert_eq!(
        fs::read_dir(project.path("target/debug/incremental"))
            .unwrap()
            .count(),
        used
    );
    project
        .xtask(&["doctor", "--fix", "--only", "future-source"])
        .is(expect![[r#"
        --- stderr
        note: nothing to fix with --fix
        note: nothing found
    "#]]);
}

#[test]
fn files_of_the_user_in_the_build_directory_stay_tracked() {
    let project = Project::with_libraries(&[("a", &[]), ("b", &["a"])]);
    project.write("build/Dockerfile", "FROM rust");
    project.write("build/debug/notes.md", "");
    project.write(".cargo/config.toml", "[build]\ntarget-dir = \"build\"\n");
    project.commit("Build beside a Dockerfile");
    project.cargo(&["check"]).done();
    let fix = ["doctor", "--only", "tracked-output", "--fix"];
    let is_nothing_found = || {
        project.xtask(&fix).is(expect![[r#"
            --- stderr
            note: nothing to fix with --fix
            note: nothing found
        "#]]);
    };
    is_nothing_found();
    project.git(&["add", "--force", "build/debug", "build/.rustc_info.json"]);
    project.git(&["commit", "--quiet", "--message", "Too much"]);
    let fixed = project.xtask(&fix);
    assert_eq!(fixed.status, 0, "{fixed}");
    let tracked = project.git(&["ls-files", "build"]);
    assert_eq!(tracked.trim_end(), "build/Dockerfile\nbuild/debug/notes.md");
    let ignored = fs::read_to_string(project.path(".gitignore")).unwrap();
    let is_ignored = |line: &str| ignored.lines().any(|it| it == line);
    assert!(is_ignored("/build/debug/deps/") && is_ignored("/build/.rustc_info.json"));
    assert!(
        !is_ignored("/build/") && !is_ignored("/build/debug/"),
        "{ignored}"
    );
    is_nothing_found();
    // If cargo builds among the sources, the sources are not taken for cargo's output.
    project.write(".cargo/config.toml", "[build]\ntarget-dir = \".\"\n");
    project.commit("Build among the sources");
    project.cargo(&["check"]).done();
    is_nothing_found();
}

#[test]
fn levels_and_exceptions_of_the_policy_apply() {
    let project = with_script("fn main() {}");
    assert_eq!(codes(&project, &[]), ["warning script-watches-all"]);
    project.append(
        "Cargo.toml",
        "[workspace.metadata.xtask.policy]\nlevels.script-watches-all = \"error\"\n",
    );
    assert_eq!(
        project
            .xtask(&["doctor", "--only", "script-watches-all"])
            .status,
        1
    );
    project.append(
        "Cargo.toml",
        "exceptions = [{ code = \"script-watches-all\", in = \"crates/*/build.rs\", because = \"it reads all\" }]\n",
    );
    assert_eq!(codes(&project, &[]), [""; 0]);
    project
        .xtask(&["doctor", "--explain", "script-watch-all"])
        .is(expect![[r#"
        --- stderr
        error: no check is called `script-watch-all`
        hint: did you mean `script-watches-all`?
        --- exit status 2
    "#]]);
}

#[test]
fn a_failed_build_in_the_new_layout_is_found() {
    let project = with_script(
        "use std::path::Path;
        fn main() {
            println!(\"cargo::rerun-if-changed=build.rs\");
            let out = std::env::var(\"OUT_DIR\").unwrap();
            let profile = Path::new(&out).ancestors().nth(3).unwrap();
            assert!(profile.join(\"deps\").is_dir(), \"there is no deps in {}\", profile.display());
        }",
    );
    let output = project.xtask(&[
        "doctor",
        "--layout-v2",
        "--only",
        "path-from-out-dir",
        "--only",
        "layout-v2-build",
    ]);
    assert_eq!(output.status, 1, "{output}");
    assert!(
        output.stdout.starts_with("error[layout-v2-build]"),
        "{output}"
    );
    assert!(output.stdout.contains("there is no deps in"), "{output}");
    assert!(output.stdout.contains("warning[path-from-out-dir]: the code looks 3 directories above OUT_DIR\n  at crates/a/build.rs:4"), "{output}");
    project.write("crates/a/build.rs", "fn main() {}");
    let output = project.xtask(&["doctor", "--layout-v2", "--only", "layout-v2-build"]);
    assert_eq!(output.status, 0, "{output}");
}
