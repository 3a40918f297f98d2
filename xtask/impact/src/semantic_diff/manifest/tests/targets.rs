//! The units that cargo 1.95 rebuilt for an edit of a target's table.

use super::*;

#[test]
fn tables_of_targets_touch_the_measured_units() {
    let lib = |key: &str| {
        let units = TouchedUnits::Target {
            kind: TargetKind::Lib,
            name: None,
        };
        vec![(format!("lib.{key}"), units, key == "edition")]
    };
    for (story, line, key) in [
        ("the inferred name, now explicit", "name = 'a'", "name"),
        ("a bench flag", "bench = false", "bench"),
        ("a test flag", "test = false", "test"),
        ("a doc flag", "doc = false", "doc"),
        (
            "scraping of examples",
            "doc-scrape-examples = false",
            "doc-scrape-examples",
        ),
        ("a harness of its own", "harness = false", "harness"),
        ("an rlib", "crate-type = ['rlib']", "crate-type"),
        (
            "a proc-macro, in old spelling",
            "proc_macro = true",
            "proc-macro",
        ),
        ("another edition", "edition = '2018'", "edition"),
        ("another root", "path = 'lib.rs'", "path"),
    ] {
        assert_eq!(
            added("[lib]", line),
            lib(key),
            "{story}: the library, its harness, users"
        );
    }
    assert_eq!(
        effects(PACKAGE, "doctest = true", "doctest = false"),
        lib("doctest")
    );

    let named = |kind, name: &str| TouchedUnits::Target {
        kind,
        name: Some(name.to_owned()),
    };
    let tool = || named(TargetKind::Bin, "tool");
    let users = |key: &str| {
        [TargetKind::Test, TargetKind::Bench].map(|kind| {
            (
                key.to_owned(),
                TouchedUnits::Target { kind, name: None },
                true,
            )
        })
    };
    let [(key, units, false)] = &added("[[bin]]", "test = false")[..] else {
        panic!()
    };
    assert_eq!((key.as_str(), units), ("bin.tool.test", &tool()));
    let mut gated = vec![("bin.tool.required-features".to_owned(), tool(), false)];
    gated.extend(users("bin.tool"));
    assert_eq!(
        added("[[bin]]", "required-features = []"),
        gated,
        "even where none is required"
    );
    let mut gone = vec![("bin.tool".to_owned(), tool(), true)];
    gone.extend(users("bin.tool"));
    assert_eq!(
        effects(PACKAGE, "[[bin]]\nname = \"tool\"", ""),
        gone,
        "tests under test alone"
    );
    let tested = effects(
        PACKAGE,
        "[lib]",
        "[[example]]\nname = 'e'\ntest = true\n[lib]",
    );
    let example = || named(TargetKind::Example, "e");
    let key = |key: &str| format!("example.e{key}");
    assert_eq!(
        tested,
        [(key(""), example(), true), (key(".test"), example(), false)]
    );
}

#[test]
fn a_listed_test_or_bench_is_compared_with_its_defaults() {
    for (kind, key, defaults) in [
        (TargetKind::Test, "test", "test = true\nbench = false"),
        (TargetKind::Bench, "bench", "bench = true\ntest = false"),
    ] {
        let list = |lines: &str| {
            let table = format!("[[{key}]]\nname = 't'\n{lines}\n[lib]");
            effects(PACKAGE, "[lib]", &table)
        };
        let units = || TouchedUnits::Target {
            kind,
            name: Some("t".to_owned()),
        };
        let listed = (format!("{key}.t"), units(), true);
        let found = list(defaults);
        assert_eq!(found, std::slice::from_ref(&listed), "{key}: defaults");
        let harness = (format!("{key}.t.harness"), units(), false);
        assert_eq!(list("harness = false"), [listed, harness], "{key}");
    }
}

#[test]
fn discovery_of_a_kind_touches_all_targets_of_the_kind() {
    for (line, kind) in [
        ("autolib", TargetKind::Lib),
        ("autoexamples", TargetKind::Example),
        ("autotests", TargetKind::Test),
        ("autobenches", TargetKind::Bench),
    ] {
        let units = TouchedUnits::Target { kind, name: None };
        assert_eq!(
            added("[package]", &format!("{line} = false")),
            [(format!("package.{line}"), units, true)]
        );
    }
}
