pub(in crate::impact) mod scene;

use super::*;
use crate::graph::Verb;
use crate::testing::{self, edited, name, unit};
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

    /// Every affected unit with the way back to its seed.
    fn told(&self, affected: &Affected) -> String {
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
        self.told(&propagate(&self.graph, seeds))
    }
}

#[test]
fn a_change_reaches_what_is_built_from_it() {
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
}

#[test]
fn the_way_back_is_a_shortest_one() {
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
fn a_dev_dependency_goes_one_hop() {
    let text = "top: lib!test!bench -> mid\nmid: lib!test!bench test=it -> dev: kit
                kit: lib!test!bench";
    expect_test::expect![[r#"
        Rebuilt: kit lib
        Rebuilt: mid test it ← kit lib
    "#]]
    .assert_eq(&Story::new(text, Verb::Check).edit(&["kit lib"]));
}

#[test]
fn a_test_runs_again_when_a_binary_changes() {
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
fn documentation_tests_only_run_again() {
    let story = Story::new("a: lib!test", Verb::Test);
    expect_test::expect![[r#"
        Rebuilt: a lib
        Rerun: a doctests ← a lib
    "#]]
    .assert_eq(&story.edit(&["a lib"]));
    assert_eq!(story.edit(&["a doctests"]), "Rerun: a doctests\n");
}

#[test]
fn what_is_run_again_reaches_no_further() {
    let story = Story::new("a: lib!test!bench\nb: lib!test!bench -> a", Verb::Check);
    let seed = Seed {
        effect: Effect::Rerun,
        ..story.seed("a lib")
    };
    assert_eq!(
        story.told(&propagate(&story.graph, vec![seed])),
        "Rerun: a lib\n"
    );
}

#[test]
fn a_seed_that_does_not_spread_stays_where_it_is() {
    let story = Story::new("a: lib!test!bench\nb: lib!test!bench -> a", Verb::Check);
    let alone = Seed {
        spread: Spread::Nothing,
        ..story.seed("a lib")
    };
    let affected = propagate(&story.graph, vec![alone.clone()]);
    assert_eq!(story.told(&affected), "Rebuilt: a lib\n");
    let affected = propagate(&story.graph, vec![alone, story.seed("a lib")]);
    assert_eq!(
        story.told(&affected),
        "Rebuilt: a lib\nRebuilt: b lib ← a lib\n",
        "another seed of the same unit may"
    );
}

#[test]
fn the_host_is_spared_where_nothing_else_touches_the_unit() {
    let story = Story::new("a: lib!test!bench", Verb::Check);
    let flags = Seed {
        spread: Spread::NamedTriple,
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
        spread: Spread::Nothing,
        ..flags.clone()
    };
    assert!(!is_spared(of(&[&flags, &further])));
    assert!(!is_spared(of(&[&flags]).or(of(&[&edit]))));
    assert!(!is_spared(of(&[&edit]).or(of(&[&flags]))));
}

#[test]
fn where_only_some_are_rebuilt_the_others_stop_the_way() {
    let text = "a: lib!test -> b\nb: lib!test -> c\nc: lib!test";
    let story = Story::new(text, Verb::Test);
    let within = |kept: &[&str]| {
        let kept: Vec<_> = kept.iter().map(|unit| story.seed(unit).unit).collect();
        let seeds = vec![story.seed("c lib")];
        story.told(&propagate_within(&story.graph, seeds, &|unit| {
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
fn of_several_rules_for_one_unit_the_first_is_told() {
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
    let (_, told) = affected.chain(story.seed("a lib").unit).unwrap();
    assert_eq!(told, &seed(Rule::Source, "b"));
}

#[test]
fn of_two_answers_the_stronger_effect_holds() {
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
