mod against_cargo;
mod public_workspaces;

use std::collections::BTreeSet;

use super::*;
use crate::testing::{name, unit, workspace};

/// Returns the names of all units under a verb, in the order of the graph.
fn units(text: &str, verb: Verb) -> String {
    let workspace = workspace(text);
    let graph = UnitGraph::new(&workspace, verb);
    let names: Vec<_> = graph
        .units()
        .map(|(index, _)| name(&workspace, &graph, index))
        .collect();
    names.join(", ")
}

/// Returns the names of the dependencies of a unit. Units that are only run stand in parentheses.
fn needs(text: &str, verb: Verb, of: &str) -> String {
    let workspace = workspace(text);
    let graph = UnitGraph::new(&workspace, verb);
    let names: BTreeSet<_> = graph
        .dependencies(unit(&workspace, &graph, of))
        .map(|(on, link)| match link {
            Link::Rebuilds => name(&workspace, &graph, on),
            Link::Reruns => format!("({})", name(&workspace, &graph, on)),
        })
        .collect();
    names.into_iter().collect::<Vec<_>>().join(", ")
}

#[test]
fn each_verb_has_its_units() {
    let app = "app: lib bin=app script example=e test=it bench=speed";
    let rows = [
        (
            Verb::Check,
            "app lib, app lib test, app bin app, app bin app test, app build script, app build \
             script run, app example e, app test it, app bench speed",
        ),
        (
            Verb::Test,
            "app lib, app lib test, app doctests, app bin app, app bin app test, app build \
             script, app build script run, app example e, app test it",
        ),
        // Cargo documents only the library, because the binary of the same name would write the
        // same pages.
        (
            Verb::Doc,
            "app lib doc, app build script, app build script run",
        ),
    ];
    for (verb, expected) in rows {
        assert_eq!(units(app, verb), expected, "{verb:?}");
    }
    assert_eq!(units(app, Verb::Build), units(app, Verb::Check));
}

#[test]
fn an_overridden_script_is_neither_compiled_nor_run() {
    let text = "a overridden links: lib!test!bench script -> build: h\nh: lib!test!bench";
    assert_eq!(units(text, Verb::Check), "a lib, h lib");
    assert_eq!(needs(text, Verb::Check, "a lib"), "");
}

#[test]
fn some_units_are_built_for_others_alone() {
    let text = "app: lib!doctest bin=tool!test test=it test=other -> base\nbase: lib!test!doctest";
    let workspace = workspace(text);
    for (verb, some, expected) in [
        (Verb::Test, &["app test it"][..], ""),
        (
            Verb::Test,
            &["app test it", "app test other"],
            "app lib, app bin tool",
        ),
        (Verb::Check, &["app test it", "app test other"], ""),
    ] {
        let graph = UnitGraph::new(&workspace, verb);
        let some = some.iter().map(|it| unit(&workspace, &graph, it)).collect();
        let found = graph.needed_only_for(&workspace, verb, &some).into_iter();
        let found: Vec<_> = found.map(|it| name(&workspace, &graph, it)).collect();
        assert_eq!(found.join(", "), expected, "{verb:?} {some:?}");
    }
}

#[test]
fn the_settings_of_a_target_decide_which_harnesses_are_built() {
    let rows = [
        ("a: lib!test", Verb::Check, "a lib, a lib test"),
        ("a: lib!test!bench", Verb::Check, "a lib"),
        ("a: lib!doctest", Verb::Test, "a lib test"),
        ("a: lib!test", Verb::Test, "a lib, a doctests"),
        ("a: cdylib", Verb::Test, "a lib test"),
        ("a: bench", Verb::Test, ""),
        ("a: bench+test", Verb::Test, "a bench a"),
        ("a: test!test", Verb::Check, ""),
        ("a: example", Verb::Test, "a example a"),
        ("a: example+test", Verb::Test, "a example a test"),
        (
            "a: example+test",
            Verb::Check,
            "a example a, a example a test",
        ),
        ("a: bin", Verb::Test, "a bin a test"),
        (
            "a: bin test=it",
            Verb::Test,
            "a bin a, a bin a test, a test it",
        ),
    ];
    for (text, verb, expected) in rows {
        assert_eq!(units(text, verb), expected, "{text} under {verb:?}");
    }
}

#[test]
fn a_target_is_not_built_without_its_required_features() {
    assert_eq!(units("a: bin?extra test=it?extra", Verb::Check), "");
    assert_eq!(
        units("a +extra: bin?extra test=it?extra", Verb::Check),
        "a bin a, a bin a test, a test it"
    );
}

#[test]
fn only_the_used_libraries_of_external_packages_are_built() {
    let text = "
        app: lib -> used, near
        used external: lib bin script example=e test=it bench=b
        near outside: lib bin
        unused external: lib script
    ";
    assert_eq!(
        units(text, Verb::Check),
        "app lib, app lib test, near lib, used lib, used build script, used build script run"
    );
}

#[test]
fn cargo_test_does_not_build_a_library_that_no_unit_links() {
    assert_eq!(units("a: lib!test!doctest script", Verb::Test), "");
    assert_eq!(
        units("a: lib!test!doctest\nb: lib!doctest -> a", Verb::Test),
        "a lib, b lib test",
        "its user's tests do link it"
    );
}

#[test]
fn each_kind_of_unit_has_the_dependencies_that_cargo_gives_it() {
    let rows = [
        // The build script and its run.
        ("a: lib script", "a lib", "a build script run"),
        ("a: lib script", "a build script run", "a build script"),
        (
            "a: lib script -> b, dev: c, build: d\nb: lib\nc: lib\nd: lib",
            "a build script",
            "d lib",
        ),
        // `DEP_*` variables come from the script runs of normal dependencies that declare `links`.
        (
            "a: lib script -> b, c, dev: d, build: e
             b links: lib script\nc: lib script\nd links: lib script\ne links: lib script",
            "a build script run",
            "a build script, b build script run",
        ),
        // The library of the same package.
        ("a: lib bin", "a bin a", "a lib"),
        ("a: lib bin", "a bin a test", "a lib"),
        ("a: lib test", "a test a", "a lib"),
        ("a: lib example", "a example a", "a lib"),
        ("a: lib bench", "a bench a", "a lib"),
        ("a: lib", "a lib test", ""),
        ("a: cdylib bin", "a bin a", ""),
        ("a: proc-macro test=it", "a test it", "a lib"),
        // Only tests, benches and examples use dev-dependencies, and only those of their own
        // package.
        ("a: lib -> dev: b\nb: lib", "a lib", ""),
        ("a: lib -> dev: b\nb: lib", "a lib test", "b lib"),
        ("a: bin -> dev: b\nb: lib", "a bin a", ""),
        ("a: bin -> dev: b\nb: lib", "a bin a test", "b lib"),
        ("a: example -> dev: b\nb: lib", "a example a", "b lib"),
        ("a: bench -> dev: b\nb: lib", "a bench a", "b lib"),
        ("a: lib -> normal+dev: b\nb: lib", "a lib", "b lib"),
        // No package can link a package without a library.
        ("a: lib -> b\nb: bin", "a lib", ""),
    ];
    for (text, unit, expected) in rows {
        assert_eq!(
            needs(text, Verb::Check, unit),
            expected,
            "{unit} of\n{text}"
        );
    }
}

#[test]
fn tests_run_the_binaries_of_their_package_except_under_check() {
    let text = "a: bin=x bin=y test=it bench=speed example=e -> b\nb: lib bin=z";
    assert_eq!(needs(text, Verb::Check, "a test it"), "b lib");
    for verb in [Verb::Build, Verb::Test] {
        assert_eq!(
            needs(text, verb, "a test it"),
            "(a bin x), (a bin y), b lib"
        );
    }
    assert_eq!(
        needs(text, Verb::Build, "a bench speed"),
        "(a bin x), (a bin y), b lib"
    );
    assert_eq!(needs(text, Verb::Build, "a example e"), "b lib");
    assert_eq!(needs(text, Verb::Build, "a bin x test"), "b lib");
}

#[test]
fn doctests_depend_on_the_library_and_the_dev_dependencies() {
    let text = "a: lib script -> b, dev: c\nb: lib\nc: lib";
    assert_eq!(
        needs(text, Verb::Test, "a doctests"),
        "a build script run, a lib, b lib, c lib"
    );
}

#[test]
fn a_cycle_of_dev_dependencies_makes_no_cycle_of_units() {
    let workspace = workspace(
        "a links: lib bin script test=it -> dev: b
         b links: lib script test=it -> a, dev: c
         c: proc-macro -> dev: c, dev: a",
    );
    for verb in [Verb::Check, Verb::Build, Verb::Test] {
        let graph = UnitGraph::new(&workspace, verb).graph;
        assert!(!petgraph::algo::is_cyclic_directed(&graph), "{verb:?}");
    }
}

#[test]
fn the_graph_returns_dependencies_and_dependents() {
    let workspace = workspace("a: lib -> b\nb: lib");
    let graph = UnitGraph::new(&workspace, Verb::Check);
    let [a, b] = ["a lib", "b lib"].map(|name| unit(&workspace, &graph, name));
    assert!(graph.dependencies(a).eq([(b, Link::Rebuilds)]));
    assert!(graph.dependents(b).any(|user| user == (a, Link::Rebuilds)));
    let package = graph.unit(b).package;
    assert_eq!(graph.find(package, TargetKind::Lib, Mode::Build), Some(b));
    assert_eq!(graph.find(package, TargetKind::Bin, Mode::Build), None);
    assert_eq!(graph.units_of(package).len(), 2);
}
