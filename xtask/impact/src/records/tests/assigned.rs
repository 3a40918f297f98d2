//! Tests of the units that records are assigned to, and of the variants that a record stands for.

use serde_json::{Value, json};

use crate::records::Records;
use crate::testing::scene::Scene;
use crate::testing::{name, place, unit};
use crate::unit_graph::{UnitIx, Verb};

const LIBRARY: &str = "a: lib!test!bench!doctest";
const SCRIPTED: &str = "a: lib!test!bench!doctest script";

/// Passes a unit and the records of a scene to a function.
fn with_unit<T>(scene: &Scene, name: &str, then: impl Fn(&Records<'_>, UnitIx) -> T) -> T {
    let unit = unit(&scene.workspace, &scene.graph, name);
    scene.with_records(|records| then(records, unit))
}

/// Sets the features of each build of a package.
fn set_builds(scene: &mut Scene, package: &str, builds: &[&[&str]]) {
    let package = place(&scene.workspace, package).0 as usize;
    let owned = |features: &&[&str]| features.iter().map(ToString::to_string).collect();
    scene.workspace.packages[package].builds = builds.iter().map(owned).collect();
}

#[test]
fn each_set_of_features_of_a_library_needs_a_current_record() {
    let both: &[&[&str]] = &[&[], &["x"]];
    for (story, kind, builds, records, expected) in [
        ("both variants", "lib", both, &[&[][..], &["x"]][..], true),
        ("only one variant", "lib", both, &[&[]], false),
        (
            "another variant than those",
            "lib",
            &[&[], &["x"], &["y"]],
            &[&[], &["x"]],
            false,
        ),
        ("one variant twice", "lib", both, &[&["x"], &["x"]], false),
        (
            "a variant that is not needed",
            "lib",
            &[&[]],
            &[&[], &["x"]],
            true,
        ),
        ("the features are not known", "lib", &[], &[&[]], true),
        ("a script", "script", both, &[&[]], false),
        ("a binary is built once", "bin", both, &[&[]], true),
        (
            "a test harness is built once",
            "lib test",
            both,
            &[&["x"]],
            true,
        ),
    ] {
        let text = "a: lib!bench!doctest bin!test!bench script";
        let mut scene = Scene::new(text, Verb::Check, &[]);
        // The records of the other units are complete, so that only one unit decides.
        for (other, source, value) in [("lib", "a/src/lib.rs", 10), ("script", "a/build.rs", 20)] {
            for features in [json!([]), json!(["x"])] {
                scene.compiled(("a", other), &[source], 500, (value, &[]));
                scene.set_in_record("features", features);
            }
        }
        scene.run("a", &["a/build.rs"], 500, 20);
        let (index, source, unit) = match kind {
            "lib" => (0, "a/src/lib.rs", "a lib"),
            "script" => (2, "a/build.rs", "a build script"),
            "bin" => (4, "a/src/bin/a.rs", "a bin a"),
            _ => (4, "a/src/lib.rs", "a lib test"),
        };
        if index < 4 {
            scene.remove_record(index);
            scene.remove_record(index);
        }
        for features in records {
            scene.compiled(("a", kind), &[source], 500, (30, &[]));
            scene.set_in_record("features", json!(features));
        }
        set_builds(&mut scene, "a", builds);
        let is_alone = with_unit(&scene, unit, |records, unit| {
            records.started(unit).is_some()
        });
        assert_eq!(is_alone, expected, "{story}");
    }
}

#[test]
fn a_variant_with_a_newer_source_is_not_current() {
    for (age, expected) in [(500, true), (499, false)] {
        let mut scene = Scene::new(LIBRARY, Verb::Check, &[("a/src/x.rs", "")]);
        scene.compiled(("a", "lib"), &["a/src/lib.rs"], 500, (10, &[]));
        scene.compiled(
            ("a", "lib"),
            &["a/src/x.rs", "a/src/lib.rs"],
            500,
            (11, &[]),
        );
        scene.set_in_record("features", json!(["x"]));
        scene.set_age("a/src/x.rs", age);
        set_builds(&mut scene, "a", &[&[], &["x"]]);
        let is_current = with_unit(&scene, "a lib", |records, unit| records.is_current(unit));
        assert_eq!(is_current, expected, "{age}");
    }
}

#[test]
fn a_record_is_assigned_to_the_unit_that_it_was_made_for() {
    let record = |prepare: &dyn Fn(&mut Scene)| {
        let mut scene = Scene::new(LIBRARY, Verb::Check, &[("a/src/other.rs", "")]);
        scene.compiled(("a", "lib"), &["a/src/lib.rs"], 500, (10, &[]));
        prepare(&mut scene);
        with_unit(&scene, "a lib", |records, unit| {
            (records.of(unit).len(), records.is_current(unit))
        })
    };
    let other = |scene: &mut Scene| {
        let files = [scene.root.join("a/src/other.rs")];
        let inputs = json!({ "Compiled": { "files": files, "real": [], "env": [] } });
        scene.set_in_record("inputs", json!([[scene.root.join("a"), inputs]]));
    };
    let elsewhere = |scene: &mut Scene| {
        let files = [scene.root.join("a/src/lib.rs")];
        let inputs = json!({ "Compiled": { "files": files, "real": [], "env": [] } });
        scene.set_in_record("inputs", json!([[scene.root.join("b"), inputs]]));
    };
    let spelled = |scene: &mut Scene| {
        let files = [scene.root.join("a/src/lib.rs")];
        let inputs = json!({ "Compiled": { "files": files, "real": [], "env": [] } });
        let directory = format!("{}/./a", scene.root);
        scene.set_in_record("inputs", json!([[directory, inputs]]));
    };
    let toolchain = |scene: &mut Scene| {
        scene.compiled(("other", "lib"), &[], 400, (20, &[]));
        scene.set_in_record("rustc", json!(2));
    };
    let features = |scene: &mut Scene| scene.set_in_record("features", json!(["x"]));
    for (story, prepare, expected) in [
        (
            "the root file",
            &(|_: &mut Scene| {}) as &dyn Fn(&mut Scene),
            (1, true),
        ),
        ("another root file", &other, (0, false)),
        ("another package", &elsewhere, (0, false)),
        ("another spelling of the directory", &spelled, (1, true)),
        ("another toolchain", &toolchain, (1, false)),
        ("other features", &features, (1, false)),
    ] {
        assert_eq!(record(prepare), expected, "{story}");
    }
}

/// The record of a script run does not name its package. The record of the script shows it.
#[test]
fn a_run_belongs_to_the_package_of_its_script() {
    let record = |files: &[&str], on: Value, value: u64| {
        let mut scene = Scene::new(SCRIPTED, Verb::Check, &[("b/build.rs", "")]);
        scene.compiled(("a", "script"), files, 500, (value, &[]));
        scene.run("a", &["a/build.rs"], 500, 11);
        scene.set_in_record("dependencies", on);
        with_unit(&scene, "a build script run", |records, unit| {
            (records.of(unit).len(), records.is_current(unit))
        })
    };
    let script = json!([[1, 11]]);
    assert_eq!(record(&["a/build.rs"], script.clone(), 11), (1, true));
    // The script was compiled again since the run.
    assert_eq!(record(&["a/build.rs"], script.clone(), 12), (0, false));
    // The script of another package with the same name.
    assert_eq!(record(&["b/build.rs"], script, 11), (0, false));
    // An overridden script has a run without a script.
    assert_eq!(record(&["a/build.rs"], json!([]), 12), (1, true));
    // A run that names other dependencies only.
    assert_eq!(record(&["a/build.rs"], json!([[2, 20]]), 11), (0, false));
}

#[test]
fn the_values_of_overridden_scripts_are_known() {
    let mut scene = Scene::new(SCRIPTED, Verb::Check, &[]);
    scene.run("a", &[], 500, 11);
    let inputs = json!([[scene.root.join("a"), { "Run": "Overridden" }]]);
    scene.set_in_record("inputs", inputs);
    scene.run("a", &[], 500, 12);
    scene.with_records(|records| {
        assert!(records.is_of_overridden(1011));
        assert!(!records.is_of_overridden(1012));
    });
}

#[test]
fn external_packages_need_no_records() {
    let text = "a: lib!test!bench!doctest -> util\nutil external: lib";
    let mut scene = Scene::new(text, Verb::Check, &[]);
    scene.compiled(("a", "lib"), &["a/src/lib.rs"], 500, (10, &[20]));
    let of = |name: &str| {
        with_unit(&scene, name, |records, unit| {
            let shows = records.shows_files_by_variables(unit);
            (records.is_current(unit), records.has_all_of(unit), shows)
        })
    };
    assert_eq!(of("a lib"), (true, true, true));
    assert_eq!(of("util lib"), (true, false, false));
    assert_eq!(scene.with_records(|records| records.fitting()), 1);
}

/// A record is evidence of the state at the base only as long as nothing outside the change set is
/// newer: a source, a manifest or cargo's configuration.
#[test]
fn a_record_of_an_older_state_is_not_as_recorded() {
    for (path, age, expected) in [
        ("a/src/lib.rs", 500, true),
        ("a/src/lib.rs", 499, false),
        ("a/Cargo.toml", 500, true),
        ("a/Cargo.toml", 499, false),
        ("Cargo.toml", 499, false),
        ("b/src/lib.rs", 499, true),
    ] {
        let text = "a: lib!test!bench!doctest -> b\nb: lib!test!bench!doctest";
        let mut scene = Scene::new(text, Verb::Check, &[]);
        scene.compiled(("a", "lib"), &["a/src/lib.rs"], 500, (10, &[20]));
        scene.set_age(path, age);
        let found = with_unit(&scene, "a lib", |records, unit| {
            records.is_as_recorded(&records.of(unit)[0])
        });
        assert_eq!(found, expected, "{path}, {age}");
    }
}

#[test]
fn a_checked_unit_is_not_built_for_a_test() {
    let library = "a: lib!test!bench\nb: lib!test!bench -> a";
    let metadata = "target/debug/deps/liba-000000000000000a.rmeta";
    let object = "target/debug/deps/liba-000000000000000a.rlib";
    for (story, text, files, age, verb, expected) in [
        ("checked", library, &[metadata][..], 1000, Verb::Check, true),
        ("checked", library, &[metadata], 1000, Verb::Doc, true),
        ("checked", library, &[metadata], 1000, Verb::Test, false),
        (
            "built",
            library,
            &[metadata, object],
            1000,
            Verb::Check,
            false,
        ),
        (
            "built",
            library,
            &[metadata, object],
            1000,
            Verb::Test,
            true,
        ),
        (
            "a newer source",
            library,
            &[metadata, object],
            499,
            Verb::Test,
            false,
        ),
        // A procedural macro is always built, because the compiler loads it.
        (
            "a macro",
            "a: proc-macro!test!bench",
            &[],
            1000,
            Verb::Check,
            true,
        ),
        (
            "a checked macro",
            "a: proc-macro!test!bench",
            &[metadata],
            1000,
            Verb::Check,
            false,
        ),
    ] {
        let mut scene = Scene::new(text, verb, &[]);
        scene.compiled(("a", "lib"), &["a/src/lib.rs"], 500, (10, &[]));
        for file in files {
            scene.write(file, "");
        }
        scene.set_age("a/src/lib.rs", age);
        let is_built = with_unit(&scene, "a lib", |records, unit| {
            records.is_built_for(unit, verb)
        });
        assert_eq!(is_built, expected, "{story}, {verb:?}");
    }
    // A record with other features does not show that the unit is built.
    let mut scene = Scene::new(library, Verb::Test, &[]);
    scene.compiled(("a", "lib"), &["a/src/lib.rs"], 500, (10, &[]));
    scene.write(metadata, "");
    scene.compiled(("a", "lib"), &["a/src/lib.rs"], 500, (11, &[]));
    scene.set_in_record("features", json!(["x"]));
    let built = with_unit(&scene, "a lib", |records, unit| {
        records.is_built_for(unit, Verb::Test)
    });
    assert!(!built);
}

#[test]
fn the_record_of_documentation_belongs_to_its_library() {
    let documented = |prepare: &dyn Fn(&mut Scene)| {
        let mut scene = Scene::new("a: lib bin=tool", Verb::Doc, &[]);
        scene.compiled(("a", "lib"), &["a/src/lib.rs"], 500, (10, &[]));
        scene.documented("a", ("src/lib.rs", 900), 500);
        prepare(&mut scene);
        let mut found = Vec::new();
        scene.with_records(|records| {
            for (unit, _) in scene.graph.units() {
                for record in records.documented(unit) {
                    assert!(record.written.is_some() && record.newest.is_some());
                    found.push(name(&scene.workspace, &scene.graph, unit));
                }
            }
        });
        found
    };
    assert_eq!(documented(&|_| {}), ["a lib doc"]);
    let none: [&str; 0] = [];
    let features = |scene: &mut Scene| scene.set_in_record("features", json!(["x"]));
    assert_eq!(documented(&features), none, "other features");
    let toolchain = |scene: &mut Scene| {
        scene.compiled(("a", "lib"), &["a/src/lib.rs"], 400, (11, &[]));
        scene.set_in_record("rustc", json!(2));
    };
    assert_eq!(documented(&toolchain), none, "another toolchain");
}
