//! Tests of the units that `cargo check` left. Ages are in seconds, and the records are 500 seconds
//! old.

use serde_json::json;

use super::*;
use crate::testing::scene::Scene;
use crate::testing::unit;
use crate::unit_graph::Verb;
use crate::vcs::ChangeStatus;

const TEXT: &str = "c: lib!test!bench!doctest -> a
    a: lib!test!bench!doctest script -> b
    b: lib!test!bench!doctest";

/// Adds the metadata that rustc writes for a library. `with_library` adds the library too.
fn output(scene: &Scene, package: &str, value: u64, with_library: bool) {
    let file = |extension| format!("target/debug/deps/lib{package}-{value:016x}.{extension}");
    scene.write(&file("rmeta"), "");
    if with_library {
        scene.write(&file("rlib"), "");
    }
}

/// Returns true if a unit was left in a form.
fn has(name: &str, form: (&[&str], bool), prepare: impl FnOnce(&mut Scene)) -> bool {
    let mut scene = Scene::new(TEXT, Verb::Doc, &[]);
    output(&scene, "b", 30, false);
    scene.compiled(("b", "lib"), &["b/src/lib.rs"], 500, (30, &[]));
    scene.compiled(("a", "script"), &["a/build.rs"], 500, (10, &[]));
    scene.run("a", &["a/build.rs"], 500, 10);
    output(&scene, "a", 20, false);
    scene.compiled(("a", "lib"), &["a/src/lib.rs"], 500, (20, &[30, 1010]));
    scene.set_in_record("features", json!(["x", "y"]));
    prepare(&mut scene);
    let unit = unit(&scene.workspace, &scene.graph, name);
    let form = RecordedConfiguration {
        features: form.0.iter().map(ToString::to_string).collect(),
        is_checked: form.1,
    };
    scene.with_records(|records| CheckedUnits::new(records).has(unit, &form))
}

#[test]
fn a_record_shows_the_form_of_a_checked_unit() {
    for (story, unit, form, expected) in [
        ("as recorded", "a lib", (&["x", "y"][..], true), true),
        ("other features", "a lib", (&["x"], true), false),
        ("to be compiled", "a lib", (&["x", "y"], false), false),
        ("a script", "a build script", (&[], false), true),
        ("a run", "a build script run", (&["x", "y"], false), true),
        ("documentation", "a lib doc", (&[], true), false),
    ] {
        assert_eq!(has(unit, form, |_| {}), expected, "{story}");
    }
    let compiled = |scene: &mut Scene| output(scene, "a", 20, true);
    assert!(!has("a lib", (&["x", "y"], true), compiled));
    assert!(has("a lib", (&["x", "y"], false), compiled));
}

#[test]
fn only_the_change_set_may_have_altered_a_checked_unit() {
    for (newer, expected) in [
        ("Cargo.toml", false),
        ("a/Cargo.toml", false),
        ("a/src/lib.rs", false),
        ("a/build.rs", false),
        ("b/Cargo.toml", false),
        ("b/src/lib.rs", false),
        ("README.md", true),
    ] {
        let is_checked = |change: &[&str]| {
            has("a lib", (&["x", "y"], true), |scene| {
                scene.write("README.md", "");
                scene.set_age(newer, 499);
                for path in change {
                    scene.change(path, ChangeStatus::Modified);
                }
            })
        };
        assert_eq!(is_checked(&[]), expected, "{newer}");
        assert!(is_checked(&[newer]), "{newer}, in the change set");
    }
}

#[test]
fn a_unit_whose_dependency_was_built_again_is_not_left() {
    // The record of `b` has another value than the record of `a` names.
    let again = |scene: &mut Scene| {
        scene.remove_record(0);
        scene.compiled(("b", "lib"), &["b/src/lib.rs"], 400, (31, &[]));
        scene.compiled(("a", "script"), &["a/build.rs"], 400, (11, &[31]));
    };
    assert!(!has("a lib", (&["x", "y"], true), again));
}
