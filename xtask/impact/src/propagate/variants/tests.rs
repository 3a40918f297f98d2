use super::*;
use crate::testing::scene::Scene;
use crate::testing::unit;
use crate::unit_graph::Verb;
use crate::vcs::ChangeStatus;

/// Returns true if a change of `base/host.rs` reaches `top`: `base` is built for the host with that file, and
/// for `mid`, from which `top` is built, without.
fn is_reached(prepare: impl FnOnce(&mut Scene)) -> [bool; 2] {
    let text = "base: lib!test!bench!doctest
        mid: lib!test!bench!doctest -> base
        top: lib!test!bench!doctest -> mid
        maker: proc-macro!test!bench!doctest -> base";
    let files = [("base/src/host.rs", "")];
    let mut scene = Scene::new(text, Verb::Check, &files);
    let both = ["base/src/lib.rs", "base/src/host.rs"];
    scene.compiled(("base", "lib"), &both, 500, (11, &[]));
    scene.compiled(("base", "lib"), &both[..1], 500, (12, &[]));
    scene.compiled(("mid", "lib"), &["mid/src/lib.rs"], 400, (20, &[12]));
    scene.compiled(("top", "lib"), &["top/src/lib.rs"], 300, (30, &[20]));
    scene.compiled(("maker", "lib"), &["maker/src/lib.rs"], 400, (40, &[11]));
    scene.change("base/src/host.rs", ChangeStatus::Modified);
    prepare(&mut scene);
    let seeds = scene.find();
    scene.with_records(|records| {
        let variants = Variants::new(records, &seeds);
        ["mid lib", "maker lib"]
            .map(|name| variants.are_reached(unit(&scene.workspace, &scene.graph, name)))
    })
}

#[test]
fn only_dependents_of_a_touched_variant_are_reached() {
    assert_eq!(is_reached(|_| {}), [false, true]);
}

#[test]
fn records_that_are_not_current_are_no_proof() {
    for newer in ["mid/src/lib.rs", "base/src/lib.rs", "mid/Cargo.toml"] {
        let reached = is_reached(|scene| scene.set_age(newer, 100));
        assert_eq!(reached, [true, true], "{newer}");
    }
}

#[test]
fn variants_with_the_same_features_are_told_apart() {
    // `top` is built from the variant of `base` that reads the file, `mid` from the other variant.
    let text = "base: lib!test!bench!doctest
        mid: lib!test!bench!doctest -> base
        top: lib!test!bench!doctest -> base";
    for (reader, expected) in [((12, 11), [false, true]), ((11, 12), [true, false])] {
        let mut scene = Scene::new(text, Verb::Check, &[("base/src/abort.rs", "")]);
        let both = ["base/src/lib.rs", "base/src/abort.rs"];
        scene.compiled(("base", "lib"), &both, 500, (11, &[]));
        scene.compiled(("base", "lib"), &both[..1], 500, (12, &[]));
        scene.compiled(("mid", "lib"), &["mid/src/lib.rs"], 400, (20, &[reader.0]));
        scene.compiled(("top", "lib"), &["top/src/lib.rs"], 400, (30, &[reader.1]));
        scene.change("base/src/abort.rs", ChangeStatus::Modified);
        let seeds = scene.find();
        let reached = scene.with_records(|records| {
            let variants = Variants::new(records, &seeds);
            ["mid lib", "top lib"]
                .map(|name| variants.are_reached(unit(&scene.workspace, &scene.graph, name)))
        });
        assert_eq!(reached, expected);
    }
}

/// Two variants of `base` with the same features: the change reaches one, and `mid` is built from the
/// other one. `age` is the age of a file that only the newest record of a unit lists.
#[test]
fn every_record_below_a_variant_has_to_be_current() {
    let text = "base: lib!test!bench!doctest
        mid: lib!test!bench!doctest -> base, side
        side: lib!test!bench!doctest
        top: lib!test!bench!doctest -> base";
    let files = [
        ("base/src/abort.rs", ""),
        ("base/src/more.rs", ""),
        ("mid/src/more.rs", ""),
    ];
    let reached = |prepare: &dyn Fn(&mut Scene)| {
        let mut scene = Scene::new(text, Verb::Check, &files);
        let both = ["base/src/lib.rs", "base/src/abort.rs"];
        scene.compiled(("base", "lib"), &both, 500, (11, &[]));
        scene.compiled(("base", "lib"), &both[..1], 500, (12, &[]));
        scene.compiled(("mid", "lib"), &["mid/src/lib.rs"], 400, (20, &[12]));
        scene.compiled(("top", "lib"), &["top/src/lib.rs"], 400, (30, &[11]));
        prepare(&mut scene);
        scene.change("base/src/abort.rs", ChangeStatus::Modified);
        let seeds = scene.find();
        scene.with_records(|records| {
            let variants = Variants::new(records, &seeds);
            variants.are_reached(unit(&scene.workspace, &scene.graph, "mid lib"))
        })
    };
    let side = |scene: &mut Scene| {
        scene.compiled(("side", "lib"), &["side/src/lib.rs"], 500, (40, &[]));
    };
    assert!(!reached(&side));
    assert!(reached(&|_| {}), "a dependency has no record");
    for (age, expected) in [(1000, false), (100, true)] {
        let newest = reached(&|scene| {
            side(scene);
            scene.set_age("mid/src/more.rs", age);
            let files = ["mid/src/lib.rs", "mid/src/more.rs"];
            scene.compiled(("mid", "lib"), &files, 300, (21, &[12]));
        });
        assert_eq!(newest, expected, "the newest record, {age}");
        let below = reached(&|scene| {
            side(scene);
            scene.set_age("base/src/more.rs", age);
            let files = ["base/src/lib.rs", "base/src/more.rs"];
            scene.compiled(("base", "lib"), &files, 450, (13, &[]));
            scene.compiled(("top", "lib"), &["top/src/lib.rs"], 350, (31, &[13]));
        });
        assert_eq!(below, expected, "the newest record below, {age}");
    }
}

/// Returns the affected units with the number of their records that the change does not touch, in the
/// story of [`is_reached`].
fn untouched(prepare: impl FnOnce(&mut Scene)) -> String {
    let text = "base: lib!test!bench!doctest
        mid: lib!test!bench!doctest -> base
        maker: proc-macro!test!bench!doctest -> base";
    let mut scene = Scene::new(text, Verb::Check, &[("base/src/host.rs", "")]);
    let both = ["base/src/lib.rs", "base/src/host.rs"];
    scene.compiled(("base", "lib"), &both, 500, (11, &[]));
    scene.compiled(("base", "lib"), &both[..1], 500, (12, &[]));
    scene.compiled(("mid", "lib"), &["mid/src/lib.rs"], 400, (20, &[12]));
    scene.compiled(("maker", "lib"), &["maker/src/lib.rs"], 400, (40, &[11]));
    scene.change("base/src/host.rs", ChangeStatus::Modified);
    prepare(&mut scene);
    let seeds = scene.find();
    let affected = crate::propagate::propagate(&scene.graph, seeds.clone());
    scene.with_records(|records| {
        let untouched = Variants::new(records, &seeds).untouched(&affected);
        let names = untouched.iter().map(|(&unit, records)| {
            let name = crate::testing::name(&scene.workspace, &scene.graph, unit);
            format!("{name}: {}\n", records.len())
        });
        let mut names: Vec<String> = names.collect();
        names.sort();
        names.concat()
    })
}

#[test]
fn records_that_a_change_does_not_touch_are_named() {
    assert_eq!(untouched(|_| {}), "base lib: 1\nmid lib: 1\n");
    let whole = untouched(|scene| scene.change("base/src/lib.rs", ChangeStatus::Modified));
    assert_eq!(whole, "", "all records of `base` list the file");
    let stale = untouched(|scene| scene.set_age("mid/src/lib.rs", 100));
    assert_eq!(stale, "base lib: 1\n", "the record of `mid` is no proof");
    let stale = untouched(|scene| scene.set_age("base/src/lib.rs", 100));
    assert_eq!(stale, "", "no record is proof");
}
