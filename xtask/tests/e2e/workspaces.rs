//! Queries about all workspaces of a repository.

use expect_test::expect;
use serde_json::Value;

use crate::support::{Project, manifest};

/// Makes two workspaces. The workspace `tools` depends on a member of the other workspace. The
/// repository also has a package outside both workspaces, a fixture that cargo can load, and a
/// fixture that cargo cannot load.
fn railway() -> Project {
    let project = Project::with_libraries(&[("base", &[]), ("top", &["base"])]);
    project.replace(
        "Cargo.toml",
        "members",
        "exclude = [\"lone\", \"tests\"]\nmembers",
    );
    project.write(
        "tools/Cargo.toml",
        "[workspace]\nmembers = [\"gauge\"]\nresolver = \"3\"\n",
    );
    let gauge = manifest("gauge") + "[dependencies]\nbase = { path = \"../../crates/base\" }\n";
    project.write("tools/gauge/Cargo.toml", &gauge);
    project.write("tools/gauge/src/lib.rs", "");
    project.write("tools/gauge/tests/it.rs", "#[test]\nfn it() {}\n");
    // Cargo finds this configuration only from the directory of the workspace.
    project.write(
        "tools/.cargo/config.toml",
        "[build]\ntarget-dir = \"made\"\n",
    );
    for (directory, name) in [("lone", "lone"), ("tests/fixtures/fine", "fine")] {
        project.write(format!("{directory}/Cargo.toml"), &manifest(name));
        project.write(format!("{directory}/src/lib.rs"), "");
    }
    let broken = manifest("broken") + "[dependencies]\ngone = { path = \"../gone\" }\n";
    project.write("tests/fixtures/broken/Cargo.toml", &broken);
    project.write("tests/fixtures/broken/src/lib.rs", "");
    project.write(".gitignore", "target/\nmade/\nCargo.lock\n");
    project.commit("Add tools");
    project
}

#[test]
fn a_dependency_in_another_workspace_affects_its_dependents() {
    let project = railway();
    project.append("crates/base/src/lib.rs", "// Edited.\n");
    project
        .xtask(&["affected", "--all-workspaces"])
        .is(expect![[r#"
            workspace .
            base
              rebuilt  lib, lib test
                       ← crates/base/src/lib.rs: it is compiled from this file
            top
              rebuilt  lib, lib test
                       ← base lib ← crates/base/src/lib.rs: it is compiled from this file
            workspace tools
            base (external)
              rebuilt  lib
                       ← crates/base/src/lib.rs: it is compiled from this file
            gauge
              rebuilt  lib, lib test, test it
                       ← base lib ← crates/base/src/lib.rs: it is compiled from this file
            --- stderr
            note: tests/fixtures/broken is skipped: cargo does not load it, and it looks like a fixture: failed to get `gone` as a dependency of package `broken v0.1.0 ([ROOT]/tests/fixtures/broken)`
                Affected .: 4 units of 2 packages: 4 rebuilt, 0 rerun (cargo check --workspace --all-targets)
            note: lone: nothing is affected (the work tree since the merge base with main)
            note: tests/fixtures/fine: nothing is affected (the work tree since the merge base with main)
                Affected tools: 4 units of 2 packages: 4 rebuilt, 0 rerun (cargo check --workspace --all-targets)
        "#]]);
    // The answer is the same from every directory, and the report of each workspace is the same as
    // its own answer.
    let all = ["affected", "--all-workspaces", "--format", "json"];
    let reports: Value =
        serde_json::from_str(&project.xtask_in("tools/gauge", &all).done()).unwrap();
    assert_eq!(reports["version"], 1);
    let reports = reports["workspaces"].as_array().unwrap();
    assert_eq!(reports.len(), 4);
    for (report, directory) in reports
        .iter()
        .zip(["", "lone", "tests/fixtures/fine", "tools"])
    {
        let alone = project.xtask_in(directory, &["affected", "--format", "json"]);
        let alone: Value = serde_json::from_str(&alone.done()).unwrap();
        assert_eq!(*report, alone, "{directory}");
    }
    project
        .xtask(&["affected", "--all-workspaces", "--format", "names"])
        .is(expect![[r#"
            base
            top
            gauge
            --- stderr
            note: tests/fixtures/broken is skipped: cargo does not load it, and it looks like a fixture: failed to get `gone` as a dependency of package `broken v0.1.0 ([ROOT]/tests/fixtures/broken)`
            note: lone: nothing is affected (the work tree since the merge base with main)
            note: tests/fixtures/fine: nothing is affected (the work tree since the merge base with main)
        "#]]);
    project
        .xtask(&["affected", "--all-workspaces", "--why", "gauge:it"])
        .is(expect![[r#"
            workspace tools
            gauge test it is rebuilt
              since it is built from base lib
              since crates/base/src/lib.rs changed: it is compiled from this file
              (rule: source)
            --- stderr
            note: tests/fixtures/broken is skipped: cargo does not load it, and it looks like a fixture: failed to get `gone` as a dependency of package `broken v0.1.0 ([ROOT]/tests/fixtures/broken)`
        "#]]);
    project
        .xtask(&[
            "affected",
            "--all-workspaces",
            "--assume-changed",
            "nobodys",
        ])
        .is(expect![[r#"
            --- stderr
            note: tests/fixtures/broken is skipped: cargo does not load it, and it looks like a fixture: failed to get `gone` as a dependency of package `broken v0.1.0 ([ROOT]/tests/fixtures/broken)`
            error: none of 4 workspaces has the package: no package `nobodys` in this workspace
            hint: `cargo xtask graph` lists the packages
            --- exit status 2
        "#]]);
    project
        .xtask(&[
            "affected",
            "--all-workspaces",
            "--manifest-path",
            "Cargo.toml",
        ])
        .is(expect![[r#"
            --- stderr
            error: the argument '--all-workspaces' cannot be used with '--manifest-path <PATH>'

            Usage: cargo xtask affected --all-workspaces

            For more information, try '--help'.
            --- exit status 2
        "#]]);
}

/// A path outside the repository is an error only if no workspace uses the path.
#[test]
fn a_path_that_no_workspace_uses_is_refused() {
    let project = Project::with_libraries(&[("base", &[])]);
    let gauge = manifest("gauge") + "[dependencies]\next = { path = \"../../ext\" }\n";
    project.write("tools/Cargo.toml", &(gauge + "[workspace]\n"));
    project.write("tools/src/lib.rs", "");
    for (path, text) in [
        ("ext/Cargo.toml", &*manifest("ext")),
        ("ext/src/lib.rs", ""),
        ("other/notes.txt", ""),
    ] {
        let path = project.beside(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    project.replace("Cargo.toml", "members", "exclude = [\"tools\"]\nmembers");
    project.commit("Add tools");
    let ask = |all: &[&str], path: &str| {
        let names = ["affected", "--format", "names", "--file", path];
        project.xtask(&[&names, all].concat())
    };
    ask(&["--all-workspaces"], "../ext/src/lib.rs").is(expect![[r#"
        gauge
        --- stderr
        note: .: nothing is affected (the named files)
    "#]]);
    ask(&["--all-workspaces"], "../other/notes.txt").is(expect![[r#"
        --- stderr
        note: .: nothing is affected (the named files)
        note: tools: nothing is affected (the named files)
        error: the path `../other/notes.txt` lies outside the repository, and no unit, path dependency or setting uses it
        hint: name paths of this repository or of a path dependency; to count a package as changed, use --assume-changed
        --- exit status 2
    "#]]);
    ask(&[], "../ext/src/lib.rs").is(expect![[r#"
        --- stderr
        error: the path `../ext/src/lib.rs` lies outside the repository, and no unit, path dependency or setting uses it
        hint: name paths of this repository or of a path dependency; to count a package as changed, use --assume-changed
        --- exit status 2
    "#]]);
    let other = project.beside("other");
    project.git(&["-C", other.to_str().unwrap(), "init", "--quiet"]);
    ask(&[], "../other/notes.txt").is(expect![[r#"
        --- stderr
        error: the path `../other/notes.txt` lies outside the repository, and no unit, path dependency or setting uses it
        hint: the path belongs to the repository or worktree [BESIDE]/other; run the command there, or name paths of this repository
        --- exit status 2
    "#]]);
}

#[test]
fn the_graph_shows_all_workspaces() {
    let project = railway();
    project.xtask(&["graph", "--all-workspaces"]).is(expect![[r#"
        workspace .
        base
        top → base
        workspace lone
        lone
        workspace tests/fixtures/fine
        fine
        workspace tools
        base 0.1.0
        gauge → base
        --- stderr
        note: tests/fixtures/broken is skipped: cargo does not load it, and it looks like a fixture: failed to get `gone` as a dependency of package `broken v0.1.0 ([ROOT]/tests/fixtures/broken)`
    "#]]);
    project
        .xtask(&["graph", "--all-workspaces", "--format", "mermaid"])
        .is(expect![[r#"
            graph LR
                p0["base"]
                p1["fine"]
                p2["gauge"]
                p3["lone"]
                p4["top"]
                p2 --> p0
                p4 --> p0
            --- stderr
            note: tests/fixtures/broken is skipped: cargo does not load it, and it looks like a fixture: failed to get `gone` as a dependency of package `broken v0.1.0 ([ROOT]/tests/fixtures/broken)`
        "#]]);
    project
        .xtask(&["graph", "--all-workspaces", "--focus", "gauge"])
        .is(expect![[r#"
            workspace tools
            base 0.1.0
            gauge → base
            --- stderr
            note: tests/fixtures/broken is skipped: cargo does not load it, and it looks like a fixture: failed to get `gone` as a dependency of package `broken v0.1.0 ([ROOT]/tests/fixtures/broken)`
        "#]]);
}

#[test]
fn a_workspace_that_cargo_cannot_load_is_named() {
    let project = railway();
    project.append("tools/gauge/Cargo.toml", "gone = { path = \"../gone\" }\n");
    let answer = project.xtask(&["affected", "--all-workspaces"]);
    assert_eq!((answer.status, &*answer.stdout), (3, ""), "{answer}");
    let error = "error: the workspace tools is not loaded\n";
    assert!(answer.stderr.contains(error), "{answer}");
}

#[test]
fn each_workspace_uses_its_own_configuration() {
    let project = railway();
    let lock = ["generate-lockfile", "--manifest-path", "tools/Cargo.toml"];
    project.cargo(&lock).done();
    project.commit("Lock the tools");
    let all = ["--all-workspaces", "--assume-changed", "base"];
    let act = |command: &[&str], more: &[&str]| project.xtask(&[command, &all, more].concat());
    act(&["run-affected", "check", "--dry-run"], &[]).is(expect![[r#"
        workspace .
        cargo check --workspace --all-targets --locked
        workspace tools
        cargo check --workspace --all-targets --locked
        --- stderr
        note: tests/fixtures/broken is skipped: cargo does not load it, and it looks like a fixture: failed to get `gone` as a dependency of package `broken v0.1.0 ([ROOT]/tests/fixtures/broken)`
        note: lone: nothing is affected for `cargo check` (the named files belong to another workspace)
        note: tests/fixtures/fine: nothing is affected for `cargo check` (the named files belong to another workspace)
    "#]]);
    project.write(
        "tools/gauge/tests/it.rs",
        "#[test]\nfn it() {\n    panic!()\n}\n",
    );
    let tested = act(&["run-affected", "test"], &["--", "--quiet"]);
    assert_eq!(tested.status, 101, "{tested}");
    assert!(project.path("target/debug/deps").is_dir());
    assert!(project.path("tools/made/debug/deps").is_dir());

    let clean = act(&["clean-affected"], &["--format", "json"]).done();
    let clean: Value = serde_json::from_str(&clean).unwrap();
    let cleaned = clean["workspaces"].as_array().unwrap().iter();
    let cleaned: Vec<_> = cleaned
        .map(|plan| {
            let directories = plan["directories"].as_array().unwrap().iter();
            let removals = directories.map(|it| it["removals"].as_array().unwrap().len());
            (plan["version"].clone(), removals.sum::<usize>() > 0)
        })
        .collect();
    assert_eq!(
        cleaned,
        [true, false, false, true].map(|any| (Value::from(1), any))
    );
    act(&["clean-affected", "--check"], &[]).is(expect![[r#"
        --- stderr
        note: tests/fixtures/broken is skipped: cargo does not load it, and it looks like a fixture: failed to get `gone` as a dependency of package `broken v0.1.0 ([ROOT]/tests/fixtures/broken)`
        note: .: no artifacts to remove in [ROOT]/target
        note: lone: nothing is affected (the named files belong to another workspace)
        note: tests/fixtures/fine: nothing is affected (the named files belong to another workspace)
        note: tools: no artifacts to remove in [ROOT]/tools/made
    "#]]);
}
