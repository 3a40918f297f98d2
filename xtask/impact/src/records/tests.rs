//! Tests of the conditions under which a record is current. Ages are in seconds. The records are
//! 500 seconds old.

mod assigned;

use serde_json::json;

use crate::testing::scene::Scene;
use crate::testing::{name, place, unit};
use crate::unit_graph::Verb;
use crate::vcs::ChangeStatus;

const TEXT: &str = "a: lib!test!bench!doctest -> b\nb: lib!test!bench!doctest";

/// Checks if the records of `a` are current, and if they are nearly current.
fn is_current(prepare: impl FnOnce(&mut Scene)) -> (bool, bool) {
    let mut scene = Scene::new(TEXT, Verb::Check, &[]);
    scene.compiled(("a", "lib"), &["a/src/lib.rs"], 500, (10, &[20]));
    scene.compiled(("b", "lib"), &["b/src/lib.rs"], 500, (20, &[]));
    prepare(&mut scene);
    let a = unit(&scene.workspace, &scene.graph, "a lib");
    scene.with_records(|records| (records.is_current(a), records.is_nearly_current(a)))
}

#[test]
fn a_record_is_current_while_nothing_is_newer() {
    for (story, path, age, expected) in [
        ("older files", "a/src/lib.rs", 1000, (true, true)),
        (
            "a file as new as the record counts as older",
            "a/src/lib.rs",
            500,
            (true, true),
        ),
        ("a newer source", "a/src/lib.rs", 499, (false, false)),
        (
            "a newer source of a dependency",
            "b/src/lib.rs",
            499,
            (false, false),
        ),
        (
            "a manifest as new as the record",
            "a/Cargo.toml",
            500,
            (true, true),
        ),
        ("a newer manifest", "a/Cargo.toml", 499, (false, true)),
        (
            "a newer manifest of a dependency",
            "b/Cargo.toml",
            499,
            (false, true),
        ),
        ("a newer root manifest", "Cargo.toml", 499, (false, true)),
    ] {
        assert_eq!(
            is_current(|scene| scene.set_age(path, age)),
            expected,
            "{story}"
        );
        // The times of files in the change set do not matter, because other steps compare these
        // files.
        let changed = is_current(|scene| {
            scene.set_age(path, age);
            scene.change(path, ChangeStatus::Modified);
        });
        assert_eq!(changed, (true, true), "{story}, in the change set");
    }
}

#[test]
fn a_unit_without_a_record_is_not_current() {
    let mut scene = Scene::new(TEXT, Verb::Check, &[]);
    scene.compiled(("a", "lib"), &["a/src/lib.rs"], 500, (10, &[20]));
    let a = unit(&scene.workspace, &scene.graph, "a lib");
    let is_current = scene.with_records(|records| records.is_current(a));
    assert!(!is_current, "its dependency has none");
}

/// Creates a package with a build script that ran 500 seconds ago and watched these paths.
fn scripted(watched: &[&str]) -> Scene {
    let text = "a: lib!test!bench!doctest script";
    let files = [("a/data/one.txt", ""), ("a/data/deep/two.txt", "")];
    let mut scene = Scene::new(text, Verb::Check, &files);
    scene.compiled(("a", "lib"), &["a/src/lib.rs"], 500, (20, &[10, 1010]));
    scene.compiled(("a", "script"), &["a/build.rs"], 500, (10, &[]));
    scene.run("a", watched, 500, 10);
    scene
}

#[test]
fn the_record_of_a_script_is_current_while_its_inputs_are_older() {
    let deep = "a/data/deep/two.txt";
    for (story, watched, path, age, expected) in [
        ("older files", &["a/data"][..], deep, 501, true),
        ("a file as new as the run", &["a/data"], deep, 500, true),
        ("a newer file", &["a/data"], deep, 499, false),
        ("another file", &["a/data/one.txt"], deep, 499, true),
        ("a newer script", &["a/data"], "a/build.rs", 499, false),
        ("a missing input", &["a/data", "a/gone"], deep, 501, false),
        ("all files of the package", &[], deep, 499, true),
    ] {
        let current = |change: &[&str]| {
            let mut scene = scripted(watched);
            scene.set_age(path, age);
            for path in change {
                scene.change(path, ChangeStatus::Modified);
            }
            let run = unit(&scene.workspace, &scene.graph, "a build script run");
            scene.with_records(|records| records.is_current(run))
        };
        assert_eq!(current(&[]), expected, "{story}");
        // A file of the change set does not make a record old.
        assert!(current(&[path, "a/gone"]), "{story}, in the change set");
    }
}

#[test]
fn a_script_that_is_compiled_for_the_host_runs_for_a_target_triple() {
    let text = "a: lib!test!bench!doctest script";
    for has_script in [true, false] {
        let mut scene = Scene::new(text, Verb::Check, &[]);
        if has_script {
            scene.compiled(("a", "script"), &["a/build.rs"], 500, (10, &[]));
        }
        scene.run("a", &["a/build.rs"], 500, 10);
        scene.move_to_triple();
        let run = unit(&scene.workspace, &scene.graph, "a build script run");
        let records = scene.with_records(|records| records.of(run).len());
        assert_eq!(records, usize::from(has_script));
    }
}

#[test]
fn records_say_which_units_read_a_file() {
    let mut scene = scripted(&["a/data"]);
    scene.change("a/src/lib.rs", ChangeStatus::Modified);
    scene.change("a/data/one.txt", ChangeStatus::Modified);
    let (workspace, graph, root) = (&scene.workspace, &scene.graph, scene.root.clone());
    scene.with_records(|records| {
        let readers = |path: &str| -> Vec<String> {
            let path = root.join(path);
            let readers = records.readers(&path);
            readers.map(|unit| name(workspace, graph, unit)).collect()
        };
        assert_eq!(readers("a/src/lib.rs"), ["a lib"]);
        // Records also list files outside the change set, but only files of the change set have
        // readers.
        assert!(readers("a/build.rs").is_empty());
        assert!(readers("a/data/one.txt").is_empty(), "no unit compiles it");
        let below = |path: &str| -> Vec<String> {
            let path = root.join(path);
            let units = records.reading_below(&path);
            units.map(|unit| name(workspace, graph, unit)).collect()
        };
        assert_eq!(below("a/src"), ["a lib"]);
        assert_eq!(below("a/data"), ["a build script run"]);
        assert!(below("a/data/deep").is_empty());
        assert_eq!(below("a").len(), 3);
        assert_eq!(records.fitting(), 2, "a script run is not compiled");
    });
}

#[test]
fn a_refused_record_has_a_reason() {
    let refusal = |story: &str, prepare: &dyn Fn(&mut Scene)| {
        let mut scene = Scene::new(TEXT, Verb::Check, &[]);
        scene.compiled(("a", "lib"), &["a/src/lib.rs"], 500, (10, &[20]));
        prepare(&mut scene);
        let a = unit(&scene.workspace, &scene.graph, "a lib");
        let root = scene.workspace.root.clone();
        let why = scene.with_records(|records| {
            assert_eq!(
                records.is_current(a),
                records.refusal(a).is_none(),
                "{story}"
            );
            records.refusal(a)
        });
        let why = why.unwrap_or_else(|| "used".to_owned());
        format!("{story}: {}\n", why.replace(root.as_str(), "[ROOT]"))
    };
    let b = |scene: &mut Scene| scene.compiled(("b", "lib"), &["b/src/lib.rs"], 500, (20, &[]));
    let all = [
        refusal("nothing is newer", &|scene| {
            b(scene);
        }),
        refusal("no record", &|scene| scene.remove_record(0)),
        refusal("the dependency has no record", &|_| {}),
        refusal("other features", &|scene| {
            scene.set_in_record("features", json!(["x"]));
        }),
        refusal("another toolchain built later", &|scene| {
            scene.compiled(("b", "lib"), &["b/src/lib.rs"], 400, (20, &[]));
            scene.set_in_record("rustc", json!(2));
        }),
        refusal("one of two variants has no record", &|scene| {
            let a = place(&scene.workspace, "a").0 as usize;
            scene.workspace.packages[a].builds = vec![vec![], vec!["x".to_owned()]];
        }),
        refusal("the time is not known", &|scene| {
            scene.set_in_record("invoked", json!(null));
        }),
        refusal("a newer source", &|scene| {
            b(scene);
            scene.set_age("a/src/lib.rs", 499);
        }),
        refusal("a newer source, and another in the change set", &|scene| {
            scene.remove_record(0);
            let files = ["a/src/edited.rs", "a/src/lib.rs", "a/src/same.rs"];
            let sorted = [files[0], files[2], files[1]];
            scene.compiled(("a", "lib"), &sorted, 500, (10, &[]));
            scene.write(files[2], "");
            scene.set_age(files[2], 500);
            scene.change(files[0], ChangeStatus::Modified);
            scene.write(files[0], "");
            scene.set_age(files[0], 400);
            scene.set_age(files[1], 499);
        }),
        refusal("a newer manifest", &|scene| {
            b(scene);
            scene.set_age("Cargo.toml", 500);
            scene.set_age("a/Cargo.toml", 499);
        }),
        refusal("a newer root manifest", &|scene| {
            b(scene);
            scene.set_age("Cargo.toml", 499);
        }),
        refusal(
            "a newer root manifest, and another in the change set",
            &|scene| {
                b(scene);
                scene.change("Cargo.toml", ChangeStatus::Modified);
                scene.write(".cargo/config.toml", "");
                scene.set_age(".cargo/config.toml", 499);
                scene.set_age("Cargo.toml", 400);
            },
        ),
    ];
    expect_test::expect![[r#"
        nothing is newer: used
        no record: there is no record
        the dependency has no record: the record of its dependency b lib is refused
        other features: it was built with other features only
        another toolchain built later: it was built with another profile or toolchain only
        one of two variants has no record: a variant with other features has no current record
        the time is not known: the record has no time
        a newer source: [ROOT]/a/src/lib.rs is newer than the build, or missing
        a newer source, and another in the change set: [ROOT]/a/src/lib.rs is newer than the build, or missing
        a newer manifest: [ROOT]/a/Cargo.toml is newer than the build
        a newer root manifest: [ROOT]/Cargo.toml is newer than the build
        a newer root manifest, and another in the change set: [ROOT]/.cargo/config.toml is newer than the build
    "#]]
    .assert_eq(&all.concat());
}

#[test]
fn a_refused_record_of_a_script_names_its_input() {
    let refusal = |prepare: &dyn Fn(&mut Scene)| {
        let mut scene = scripted(&["a/data/one.txt", "a/data/deep"]);
        prepare(&mut scene);
        let run = unit(&scene.workspace, &scene.graph, "a build script run");
        let root = scene.root.clone();
        let why = scene.with_records(|records| records.refusal(run));
        let why = why.unwrap_or_else(|| "used".to_owned());
        format!("{}\n", why.replace(root.as_str(), "[ROOT]"))
    };
    let variable = |scene: &mut Scene, value: Option<&str>| {
        let watch = json!({ "Run": { "Declared": [[], [["XTASK_KIT_UNSET", value]]] } });
        scene.set_in_record("inputs", json!([[scene.root.join("a"), watch]]));
    };
    let all = [
        refusal(&|_| {}),
        refusal(&|scene| scene.set_age("a/data/deep/two.txt", 500)),
        refusal(&|scene| {
            scene.set_age("a/data/one.txt", 500);
            scene.set_age("a/data/deep/two.txt", 499);
        }),
        refusal(&|scene| {
            scene.change("a/data/one.txt", ChangeStatus::Modified);
            scene.set_age("a/data/one.txt", 400);
            scene.set_age("a/data/deep/two.txt", 499);
        }),
        refusal(&|scene| variable(scene, None)),
        refusal(&|scene| variable(scene, Some("before"))),
        refusal(&|scene| {
            let watch = json!({ "Run": { "Package": null } });
            scene.set_in_record("inputs", json!([[scene.root.join("a"), watch]]));
            scene.set_in_record("invoked", json!(null));
        }),
    ];
    expect_test::expect![[r#"
        used
        used
        [ROOT]/a/data/deep is newer than the build, or missing
        [ROOT]/a/data/deep is newer than the build, or missing
        used
        the variable XTASK_KIT_UNSET has another value now
        the record has no time
    "#]]
    .assert_eq(&all.concat());
}

#[test]
fn a_record_shows_the_files_that_are_read_by_variables() {
    let config = ".cargo/config.toml";
    for (variable, newer, expected) in [
        ("DATA", "b/Cargo.toml", true),
        ("DATA", "a/Cargo.toml", true),
        ("DATA", "Cargo.toml", true),
        ("DATA", config, false),
        ("DATA", "a/src/lib.rs", false),
        ("CARGO_PKG_README", "b/Cargo.toml", true),
        ("CARGO_PKG_README", "a/Cargo.toml", false),
        ("CARGO_PKG_README", "Cargo.toml", false),
        ("CARGO_PKG_README", config, false),
        ("CARGO_MANIFEST_DIR", "a/Cargo.toml", true),
        ("CARGO_MANIFEST_DIR", config, true),
    ] {
        let mut scene = Scene::new(TEXT, Verb::Check, &[(config, "")]);
        scene.compiled(("b", "lib"), &["b/src/lib.rs"], 500, (20, &[]));
        scene.compiled(("a", "lib"), &["a/src/lib.rs"], 500, (10, &[20]));
        scene.reads_variable(variable);
        let a = unit(&scene.workspace, &scene.graph, "a lib");
        let shows = |age| {
            scene.set_age(newer, age);
            scene.with_records(|records| records.shows_files_by_variables(a))
        };
        assert!(shows(500), "{variable}, {newer} is as old as the record");
        assert_eq!(shows(499), expected, "{variable}, {newer}");
        scene.change(newer, ChangeStatus::Modified);
        let shows = scene.with_records(|records| records.shows_files_by_variables(a));
        assert!(shows, "{variable}, {newer} is in the change set");
    }
}

#[test]
fn a_record_shows_the_variables_of_a_unit_until_a_source_is_newer() {
    for (variable, newer, expected) in [
        ("CARGO_PKG_DESCRIPTION", "README.md", Some(true)),
        ("CARGO_PKG_AUTHORS", "README.md", Some(false)),
        ("CARGO_PKG_AUTHORS", "Cargo.toml", Some(false)),
        ("CARGO_PKG_AUTHORS", "b/Cargo.toml", Some(false)),
        ("CARGO_PKG_AUTHORS", "a/src/lib.rs", None),
        ("CARGO_PKG_AUTHORS", "b/src/lib.rs", None),
    ] {
        let mut scene = Scene::new(TEXT, Verb::Check, &[("README.md", "")]);
        scene.compiled(("b", "lib"), &["b/src/lib.rs"], 500, (20, &[]));
        scene.compiled(("a", "lib"), &["a/src/lib.rs"], 500, (10, &[20]));
        scene.reads_variable("CARGO_PKG_DESCRIPTION");
        scene.set_age(newer, 499);
        let a = unit(&scene.workspace, &scene.graph, "a lib");
        let reads = scene.with_records(|records| records.reads_variable(a, &[variable.to_owned()]));
        assert_eq!(reads, expected, "{variable}, {newer}");
    }
}

#[test]
fn a_file_as_old_as_a_record_is_not_newer() {
    let scene = Scene::new(TEXT, Verb::Check, &[]);
    scene.set_age("a/src/lib.rs", 500);
    let file = scene.root.join("a/src/lib.rs");
    let time = super::modified(&file).unwrap();
    let second = std::time::Duration::from_secs(1);
    assert!(!super::is_newer(&file, time));
    assert!(super::is_newer(&file, time - second));
    assert!(!super::is_newer(&scene.root.join("missing"), time));
}
