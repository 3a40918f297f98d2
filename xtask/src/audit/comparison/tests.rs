use xtask_impact::testing::{answer, artifact, workspace};
use xtask_impact::unit_graph::Verb;

use super::*;

/// Shows units as `package kind target mode`.
fn shown<'a>(keys: impl IntoIterator<Item = &'a UnitId>) -> Vec<String> {
    let show = |key: &UnitId| {
        let (_, package) = key.package.rsplit_once('/').unwrap();
        format!("{package} {:?} {:?} {:?}", key.kind, key.target, key.mode)
    };
    keys.into_iter().map(show).collect()
}

#[test]
fn built_units_are_read_from_messages_and_output() {
    let workspace = workspace("a: lib bin script test=it\nb: lib script");
    let messages = [
        artifact(&workspace, "a", "script", false),
        artifact(&workspace, "b", "script", true),
        artifact(&workspace, "a", "lib", true),
        artifact(&workspace, "a", "bin", false),
        artifact(&workspace, "a", "test it", false),
    ];
    let said = "   Compiling a v0.1.0 (/w/a)
     Running `/rust/bin/rustc --crate-name a /w/target/debug/build/a-01/build-script-build.rs`
     Running `CARGO=/rust/bin/cargo /w/target/debug/build/a-01/build-script-build`
       Fresh b v0.1.0 (/w/b)
    Finished `dev` profile in 0.1s";
    let built = BuildOutcome::new(&messages, Some(said));
    assert_eq!(
        shown(&built.rebuilt),
        [
            r#"a#0.1.0 Bin "a" Build"#,
            r#"a#0.1.0 Test "it" Test"#,
            r#"a#0.1.0 CustomBuild "" Build"#,
            r#"a#0.1.0 CustomBuild "" RunCustomBuild"#,
        ]
    );
    let fresh = built.named.difference(&built.rebuilt);
    assert_eq!(
        shown(fresh),
        [
            r#"a#0.1.0 Lib "a" Build"#,
            r#"b#0.1.0 CustomBuild "" Build"#
        ]
    );
}

#[test]
fn an_answer_is_compared_with_a_build() {
    let text = "a: lib!test!bench bin!test!bench script test=it -> b\nb: lib!test!bench\nc: lib";
    let answer = answer(text, Verb::Build, &["b lib"]);
    let workspace = workspace(text);
    let messages = [
        artifact(&workspace, "b", "lib", false),
        artifact(&workspace, "a", "lib", false),
        artifact(&workspace, "a", "bin", false),
        artifact(&workspace, "a", "test it", true),
        artifact(&workspace, "c", "lib", false),
    ];
    let found = Comparison::new(
        &answer,
        &BuildOutcome::new(&messages, Some("")),
        &LeftOut::default(),
    );
    assert_eq!(found.hits, 3);
    assert_eq!(shown(&found.missed), [r#"c#0.1.0 Lib "c" Build"#]);
    let (false_positives, because): (Vec<_>, Vec<_>) =
        found.false_positives.iter().cloned().unzip();
    assert_eq!(shown(&false_positives), [r#"a#0.1.0 Test "it" Test"#]);
    assert_eq!(because, ["edited.rs: it is compiled from this file"]);
}

#[test]
fn a_build_script_of_any_name_is_one_unit() {
    let text = "a: lib!test!bench script";
    let answer = answer(text, Verb::Check, &["a build script"]);
    let workspace = workspace(text);
    let messages = [
        artifact(&workspace, "a", "script", false),
        artifact(&workspace, "a", "lib", false),
    ];
    let said = "     Running `/w/target/debug/build/a-01/build-script-build`";
    let found = Comparison::new(
        &answer,
        &BuildOutcome::new(&messages, Some(said)),
        &LeftOut::default(),
    );
    assert_eq!(
        (found.hits, found.missed, found.false_positives),
        (3, vec![], vec![])
    );
}

#[test]
fn units_that_are_only_rerun_are_not_compared() {
    let text = "a: bin!test!bench test=it";
    let answer = answer(text, Verb::Build, &["a bin a"]);
    let messages = [artifact(&workspace(text), "a", "bin", false)];
    let found = Comparison::new(
        &answer,
        &BuildOutcome::new(&messages, Some("")),
        &LeftOut::default(),
    );
    assert_eq!(
        (found.hits, found.missed, found.false_positives),
        (1, vec![], vec![])
    );
}

#[test]
fn packages_that_are_left_out_are_not_compared() {
    let text = "a: lib!test!bench -> b\nb: lib!test!bench\nc: lib";
    let answer = answer(text, Verb::Build, &["b lib"]);
    let workspace = workspace(text);
    let messages = ["a", "c"].map(|package| artifact(&workspace, package, "lib", false));
    let without = |names: &[&str]| {
        let excluded = names.iter().map(|name| workspace.find(name).unwrap());
        let left_out = LeftOut {
            excluded: excluded.collect(),
            ..LeftOut::default()
        };
        let outcome = BuildOutcome::new(&messages, Some(""));
        let found = Comparison::new(&answer, &outcome, &left_out);
        (found.hits, found.missed.len(), found.false_positives.len())
    };
    assert_eq!(without(&[]), (1, 1, 1));
    assert_eq!(without(&["a"]), (0, 1, 1));
    assert_eq!(without(&["b", "c"]), (1, 0, 0));
}
