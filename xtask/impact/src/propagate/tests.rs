use super::*;
use crate::seeds::Rule;
use crate::testing::{self, edited, name, unit};
use crate::unit_graph::Verb;
use crate::workspace::Workspace;

struct Story {
    workspace: Workspace,
    graph: UnitGraph,
}

impl Story {
    fn new(text: &str, verb: Verb) -> Self {
        let workspace = testing::workspace(text);
        let graph = UnitGraph::new(&workspace, verb);
        Self { workspace, graph }
    }

    fn seed(&self, unit: &str) -> Seed {
        edited(self::unit(&self.workspace, &self.graph, unit))
    }

    /// Returns one line for each affected unit: its effect and its chain back to the seed.
    fn units_as_text(&self, affected: &Affected) -> String {
        let mut lines: Vec<_> = affected
            .units()
            .map(|(unit, effect)| {
                let (way, _) = affected.chain(unit).expect("every chain ends in a seed");
                let way: Vec<_> = way
                    .iter()
                    .map(|&unit| name(&self.workspace, &self.graph, unit))
                    .collect();
                format!("{effect:?}: {}\n", way.join(" ← "))
            })
            .collect();
        lines.sort();
        lines.concat()
    }

    fn edit(&self, units: &[&str]) -> String {
        let seeds = units.iter().map(|unit| self.seed(unit)).collect();
        self.units_as_text(&propagate(&self.graph, seeds))
    }
}

#[test]
fn a_change_rebuilds_all_dependents() {
    let story = Story::new("a: lib bin -> b\nb: lib -> c\nc: lib", Verb::Check);
    expect_test::expect![[r#"
        Rebuilt: a bin a test ← b lib
        Rebuilt: a bin a ← b lib
        Rebuilt: a lib test ← b lib
        Rebuilt: a lib ← b lib
        Rebuilt: b lib
    "#]]
    .assert_eq(&story.edit(&["b lib"]));
    assert_eq!(story.edit(&["a bin a"]), "Rebuilt: a bin a\n");
    assert_eq!(story.edit(&[]), "");
    assert!(propagate(&story.graph, Vec::new()).is_empty());
    assert!(!propagate(&story.graph, vec![story.seed("a bin a")]).is_empty());
}

#[test]
fn the_chain_to_the_seed_is_a_shortest_one() {
    let text = "
        top: lib!test!bench -> deep, left
        deep: lib!test!bench -> right
        left: lib!test!bench -> base
        right: lib!test!bench -> base
        base: lib!test!bench
    ";
    let story = Story::new(text, Verb::Check);
    expect_test::expect![[r#"
        Rebuilt: base lib
        Rebuilt: deep lib ← right lib ← base lib
        Rebuilt: left lib ← base lib
        Rebuilt: right lib ← base lib
        Rebuilt: top lib ← left lib ← base lib
    "#]]
    .assert_eq(&story.edit(&["base lib"]));
    expect_test::expect![[r#"
        Rebuilt: base lib
        Rebuilt: deep lib ← right lib ← base lib
        Rebuilt: left lib ← base lib
        Rebuilt: right lib ← base lib
        Rebuilt: top lib
    "#]]
    .assert_eq(&story.edit(&["base lib", "top lib"]));
}

#[test]
fn a_dev_dependency_affects_only_the_tests_of_its_direct_dependent() {
    let text = "top: lib!test!bench -> mid\nmid: lib!test!bench test=it -> dev: kit
                kit: lib!test!bench";
    expect_test::expect![[r#"
        Rebuilt: kit lib
        Rebuilt: mid test it ← kit lib
    "#]]
    .assert_eq(&Story::new(text, Verb::Check).edit(&["kit lib"]));
}

#[test]
fn a_test_is_rerun_when_a_binary_of_its_package_changes() {
    let text = "a: bin!test test=it";
    let story = Story::new(text, Verb::Build);
    expect_test::expect![[r#"
        Rebuilt: a bin a
        Rebuilt: a bin a test
        Rerun: a test it ← a bin a
    "#]]
    .assert_eq(&story.edit(&["a bin a", "a bin a test"]));
    let story = Story::new("a: lib!test!bench bin!test!bench test=it", Verb::Build);
    expect_test::expect![[r#"
        Rebuilt: a bin a ← a lib
        Rebuilt: a lib
        Rebuilt: a test it ← a lib
    "#]]
    .assert_eq(&story.edit(&["a lib"]));
}

#[test]
fn doctests_are_rerun_and_never_rebuilt() {
    let story = Story::new("a: lib!test", Verb::Test);
    expect_test::expect![[r#"
        Rebuilt: a lib
        Rerun: a doctests ← a lib
    "#]]
    .assert_eq(&story.edit(&["a lib"]));
    assert_eq!(story.edit(&["a doctests"]), "Rerun: a doctests\n");
}

#[test]
fn a_rerun_unit_affects_no_dependents() {
    let story = Story::new("a: lib!test!bench\nb: lib!test!bench -> a", Verb::Check);
    let seed = Seed {
        effect: Effect::Rerun,
        ..story.seed("a lib")
    };
    assert_eq!(
        story.units_as_text(&propagate(&story.graph, vec![seed])),
        "Rerun: a lib\n"
    );
}

#[test]
fn a_seed_without_propagation_affects_only_its_unit() {
    let story = Story::new("a: lib!test!bench\nb: lib!test!bench -> a", Verb::Check);
    let alone = Seed {
        spread: Propagation::Nothing,
        ..story.seed("a lib")
    };
    let affected = propagate(&story.graph, vec![alone.clone()]);
    assert_eq!(story.units_as_text(&affected), "Rebuilt: a lib\n");
    let affected = propagate(&story.graph, vec![alone, story.seed("a lib")]);
    assert_eq!(
        story.units_as_text(&affected),
        "Rebuilt: a lib\nRebuilt: b lib ← a lib\n",
        "another seed of the same unit may"
    );
}

#[test]
fn the_host_is_spared_if_no_other_seed_touches_the_unit() {
    let story = Story::new("a: lib!test!bench", Verb::Check);
    let flags = Seed {
        spread: Propagation::NamedTriple,
        ..story.seed("a lib")
    };
    let of = |seeds: &[&Seed]| {
        let seeds = seeds.iter().map(|&seed| seed.clone()).collect();
        propagate(&story.graph, seeds)
    };
    let edit = story.seed("a lib");
    let is_spared = |affected: Affected| affected.spares_host(flags.unit);
    assert!(is_spared(of(&[&flags])));
    assert!(!is_spared(of(&[&flags, &edit])));
    let further = Seed {
        spread: Propagation::Nothing,
        ..flags.clone()
    };
    assert!(!is_spared(of(&[&flags, &further])));
    assert!(!is_spared(of(&[&flags]).or(of(&[&edit]))));
    assert!(!is_spared(of(&[&edit]).or(of(&[&flags]))));
}

#[test]
fn units_that_are_not_rebuilt_end_the_propagation() {
    let text = "a: lib!test -> b\nb: lib!test -> c\nc: lib!test";
    let story = Story::new(text, Verb::Test);
    let within = |kept: &[&str]| {
        let kept: Vec<_> = kept.iter().map(|unit| story.seed(unit).unit).collect();
        let seeds = vec![story.seed("c lib")];
        story.units_as_text(&propagate_within(&story.graph, seeds, &|unit| {
            kept.contains(&unit)
        }))
    };
    expect_test::expect![[r#"
        Rebuilt: b lib ← c lib
        Rebuilt: c lib
        Rerun: a doctests ← b lib ← c lib
        Rerun: b doctests ← c lib
        Rerun: c doctests ← c lib
    "#]]
    .assert_eq(&within(&["b lib"]));
    assert_eq!(
        within(&["a lib"]),
        "Rebuilt: c lib\nRerun: b doctests ← c lib\nRerun: c doctests ← c lib\n"
    );
}

#[test]
fn the_first_of_several_rules_for_a_unit_is_reported() {
    let story = Story::new("a: lib!test!bench", Verb::Check);
    let seed = |rule, path: &str| Seed {
        rule,
        path: Some(path.into()),
        ..story.seed("a lib")
    };
    let seeds = vec![
        seed(Rule::Doubt, "a"),
        seed(Rule::Source, "c"),
        seed(Rule::Source, "b"),
    ];
    let affected = propagate(&story.graph, seeds);
    let (_, reason) = affected.chain(story.seed("a lib").unit).unwrap();
    assert_eq!(reason, &seed(Rule::Source, "b"));
}

#[test]
fn the_stronger_effect_of_two_answers_wins() {
    let story = Story::new("a: lib!test", Verb::Test);
    let with = |effect, rule| {
        let seed = Seed {
            effect,
            rule,
            ..story.seed("a lib")
        };
        propagate(&story.graph, vec![seed])
    };
    let unit = story.seed("a lib").unit;
    let rule_of = |affected: &Affected| affected.chain(unit).map(|(_, seed)| seed.rule);
    let rerun = with(Effect::Rerun, Rule::RuntimeInput);
    let rebuilt = with(Effect::Rebuilt, Rule::Source);
    for affected in [rerun.clone().or(rebuilt.clone()), rebuilt.clone().or(rerun)] {
        assert_eq!(affected.effect(unit), Some(Effect::Rebuilt));
        assert_eq!(rule_of(&affected), Some(Rule::Source));
    }
    let affected = rebuilt.or(with(Effect::Rebuilt, Rule::Resolution));
    assert_eq!(
        rule_of(&affected),
        Some(Rule::Source),
        "of equals the first"
    );
}

#[test]
fn a_further_configuration_is_no_reason_for_dependents() {
    use std::collections::HashMap;

    use crate::resolve_diff::{
        Difference, PackageKey, ResolveDifferences, TargetKey, UnitDifference,
    };
    use crate::seeds::settings::SettingFiles;

    let text = "top: lib!test!bench -> further, changed
        further: lib!test!bench
        changed: lib!test!bench";
    let story = Story::new(text, Verb::Check);
    let key = |name: &str| {
        let mut packages = story.workspace.packages();
        let (_, package) = packages.find(|(_, it)| it.name == name).unwrap();
        let package = PackageKey {
            name: name.to_owned(),
            version: package.version.clone(),
            source: "path+".to_owned(),
        };
        let target = TargetKey {
            kind: "lib".to_owned(),
            name: name.to_owned(),
            mode: "build".to_owned(),
            platform: None,
        };
        (package, target)
    };
    let difference = |name, what| {
        let (package, target) = key(name);
        UnitDifference {
            package,
            target,
            what,
        }
    };
    let changed = Difference::Changed(vec!["features +x".to_owned()]);
    let resolution = ResolveDifferences {
        differences: vec![
            difference("further", Difference::Further),
            difference("changed", changed),
        ],
        rebuilt: ["further", "changed", "top"].map(key).into(),
        ..ResolveDifferences::default()
    };
    let settings = SettingFiles::new(&story.workspace);
    let root = &story.workspace.root;
    let causes = resolved::Causes::new(std::iter::empty(), root, &settings, &HashMap::new());
    let is_checked = |_, _: &_| false;
    let affected = resolved::affected(
        &story.workspace,
        &story.graph,
        &resolution,
        &causes,
        &is_checked,
    );
    expect_test::expect![[r#"
        Rebuilt: changed lib
        Rebuilt: further lib
        Rebuilt: top lib ← changed lib
    "#]]
    .assert_eq(&story.units_as_text(&affected));
}
