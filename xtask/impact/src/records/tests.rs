//! Tests of the conditions under which a record is current. Ages are in seconds. The records are
//! 500 seconds old.

use crate::testing::scene::Scene;
use crate::testing::unit;
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
        refusal("the dependency has no record", &|_| {}),
        refusal("a newer source", &|scene| {
            b(scene);
            scene.set_age("a/src/lib.rs", 499);
        }),
        refusal("a newer manifest", &|scene| {
            b(scene);
            scene.set_age("a/Cargo.toml", 499);
        }),
        refusal("a newer root manifest", &|scene| {
            b(scene);
            scene.set_age("Cargo.toml", 499);
        }),
    ];
    expect_test::expect![[r#"
        nothing is newer: used
        the dependency has no record: the record of its dependency b lib is refused
        a newer source: [ROOT]/a/src/lib.rs is newer than the build, or missing
        a newer manifest: [ROOT]/a/Cargo.toml is newer than the build
        a newer root manifest: [ROOT]/Cargo.toml is newer than the build
    "#]]
    .assert_eq(&all.concat());
}
