//! Differences of cargo's resolution, and the affected units. A package without a source in these
//! texts is a path package.

use std::collections::BTreeSet;

use super::*;
use crate::propagate::Reason;
use crate::resolve_diff::UnitDifference;
use crate::testing::{name, workspace};
use crate::unit_graph::Verb;

fn key(text: &str) -> (PackageKey, TargetKey) {
    let words: Vec<&str> = text.split(' ').collect();
    let (package, version) = words[0].split_once('@').unwrap_or((words[0], "0.1.0"));
    let source = match version {
        "0.1.0" => format!("path+{package}"),
        _ => "registry+https://github.com/rust-lang/crates.io-index".to_owned(),
    };
    let target = TargetKey {
        kind: words[1].to_owned(),
        name: words[2].to_owned(),
        mode: words[3].to_owned(),
        platform: None,
    };
    let package = PackageKey {
        name: package.to_owned(),
        version: version.to_owned(),
        source,
    };
    (package, target)
}

/// Returns the affected units, each with its effect and its reason.
fn units(text: &str, differences: &[(&str, Difference)], rebuilt: &[&str]) -> String {
    units_if_checked(text, differences, (rebuilt, &[]), &[])
}

/// Returns the affected units, if `cargo check` needed the units in `checked`, and left the units in
/// `left`.
fn units_if_checked(
    text: &str,
    differences: &[(&str, Difference)],
    (rebuilt, checked): (&[&str], &[&str]),
    left: &[&str],
) -> String {
    let workspace = workspace(text);
    let graph = UnitGraph::new(&workspace, Verb::Build);
    let differences = differences.iter().map(|(unit, what)| {
        let (package, target) = key(unit);
        UnitDifference {
            package,
            target,
            what: what.clone(),
        }
    });
    let resolution = ResolveDifferences {
        differences: differences.collect(),
        rebuilt: rebuilt
            .iter()
            .map(|unit| key(unit))
            .collect::<BTreeSet<_>>(),
        checked: checked
            .iter()
            .map(|unit| {
                let form = RecordedConfiguration {
                    features: BTreeSet::new(),
                    is_checked: true,
                };
                (key(unit), vec![form])
            })
            .collect(),
    };
    let causes = Causes::lock_and_configuration();
    let is_left = |unit, form: &RecordedConfiguration| {
        form.is_checked && left.contains(&&*name(&workspace, &graph, unit))
    };
    let affected = affected(&workspace, &graph, &resolution, &causes, &is_left);
    let line = |(unit, effect): (UnitIx, Effect)| {
        let reason = match &affected.units[&unit].1 {
            Reason::Through(through) => format!("← {}", name(&workspace, &graph, *through)),
            Reason::Seed(seed) => {
                let path = seed.path.as_ref().map(|it| it.as_str()).unwrap_or_default();
                format!("{path}: {}", seed.because)
            }
        };
        format!("{effect:?} {}: {reason}\n", name(&workspace, &graph, unit))
    };
    affected.units().map(line).collect()
}

const TEXT: &str = "top: lib!test!bench!doctest -> mid
    mid: lib!test!bench!doctest -> base
    base: lib!test!bench!doctest";

#[test]
fn a_new_unit_that_was_checked_is_not_built() {
    let new = |unit| (unit, Difference::Appeared);
    let new = [new("base lib base build"), new("mid lib mid build")];
    let rebuilt = ["base lib base build", "mid lib mid build"];
    for (checked, left, expected) in [
        (&[][..], &["base lib", "mid lib"][..], "base mid"),
        (&rebuilt, &[], "base mid"),
        (&rebuilt, &["base lib"], "mid"),
        (&rebuilt[..1], &["base lib", "mid lib"], "mid"),
        (&rebuilt, &["base lib", "mid lib"], ""),
    ] {
        let units = units_if_checked(TEXT, &new, (&rebuilt, checked), left);
        let names = units.lines().filter_map(|line| line.split(' ').nth(1));
        let names: Vec<&str> = names.collect();
        assert_eq!(names.join(" "), expected, "{checked:?}, {left:?}");
    }
}

#[test]
fn a_difference_rebuilds_the_dependents_that_cargo_rebuilds() {
    let changed = Difference::Changed(vec!["features +a".to_owned(), "features -b".to_owned()]);
    let rebuilt = ["base lib base build", "mid lib mid build"];
    expect_test::expect![[r#"
        Rebuilt base lib: Cargo.lock: cargo resolves it differently: features +a; features -b
        Rebuilt mid lib: ← base lib
    "#]]
    .assert_eq(&units(TEXT, &[("base lib base build", changed)], &rebuilt));
    expect_test::expect![[r#"
        Rebuilt base lib: Cargo.lock: cargo resolves a new unit
        Rebuilt mid lib: ← base lib
        Rebuilt top lib: ← mid lib
    "#]]
    .assert_eq(&units(
        TEXT,
        &[("base lib base build", Difference::Appeared)],
        &[
            "base lib base build",
            "mid lib mid build",
            "top lib top build",
        ],
    ));
}

#[test]
fn a_difference_of_a_profile_comes_from_the_configuration() {
    let changed = Difference::Changed(vec!["profile opt_level 0 → 1".to_owned()]);
    expect_test::expect![[r#"
        Rebuilt top lib: .cargo/config.toml: cargo resolves it differently: profile opt_level 0 → 1
    "#]]
    .assert_eq(&units(
        TEXT,
        &[("top lib top build", changed)],
        &["top lib top build"],
    ));
}

#[test]
fn a_further_configuration_leaves_dependents_alone() {
    let further = [("base lib base build", Difference::Further)];
    let rebuilt = ["base lib base build", "mid lib mid build"];
    expect_test::expect![[r#"
        Rebuilt base lib: Cargo.lock: cargo builds it in one more configuration
        Rebuilt mid lib: Cargo.lock: cargo resolves its dependencies differently
    "#]]
    .assert_eq(&units(TEXT, &further, &rebuilt));
    let vanished = [("base lib base build", Difference::Vanished)];
    assert_eq!(units(TEXT, &vanished, &[]), "");
}

#[test]
fn a_test_that_runs_a_rebuilt_binary_is_rebuilt_only_if_cargo_says_so() {
    let text = "a: bin!test!bench test=it";
    let appeared = [("a bin a build", Difference::Appeared)];
    expect_test::expect![[r#"
        Rebuilt a bin a: Cargo.lock: cargo resolves a new unit
        Rerun a test it: ← a bin a
    "#]]
    .assert_eq(&units(text, &appeared, &["a bin a build"]));
    expect_test::expect![[r#"
        Rebuilt a bin a: Cargo.lock: cargo resolves a new unit
        Rebuilt a test it: Cargo.lock: cargo resolves its dependencies differently
    "#]]
    .assert_eq(&units(
        text,
        &appeared,
        &["a bin a build", "a test it test"],
    ));
}

#[test]
fn packages_are_told_apart_by_name_version_and_source() {
    let text = "top: lib!test!bench!doctest -> util@1.0.0, util@2.0.0
        util@1.0.0 external: lib!test!bench!doctest
        util@2.0.0 external: lib!test!bench!doctest";
    let differs = [("util@2.0.0 lib util build", Difference::Appeared)];
    expect_test::expect![[r#"
        Rebuilt util lib: Cargo.lock: cargo resolves a new unit
    "#]]
    .assert_eq(&units(text, &differs, &["util@2.0.0 lib util build"]));
    let path = units("util: lib!test!bench!doctest", &differs, &[]);
    assert_eq!(
        path, "",
        "a package of the registry is no package of the workspace"
    );
    let dashes = [("my-lib lib my-lib build", Difference::Appeared)];
    let dashed = units("my-lib: lib!test!bench!doctest", &dashes, &[]);
    expect_test::expect![[r#"
        Rebuilt my-lib lib: Cargo.lock: cargo resolves a new unit
    "#]]
    .assert_eq(&dashed);
    let other = [("my-lib lib other build", Difference::Appeared)];
    assert_eq!(units("my-lib: lib!test!bench!doctest", &other, &[]), "");
}

#[test]
fn a_binary_named_like_its_library_is_told_apart() {
    let text = "a: lib!test!bench!doctest bin!test!bench";
    let appeared = [("a bin a build", Difference::Appeared)];
    assert_eq!(
        units(text, &appeared, &["a bin a build"]),
        "Rebuilt a bin a: Cargo.lock: cargo resolves a new unit\n"
    );
}
