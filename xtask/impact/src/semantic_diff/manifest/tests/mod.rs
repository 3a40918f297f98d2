//! Each row was measured on cargo 1.95, under check and, if it could differ, under test, clippy and
//! bench. The workspace had a package with a library, two binaries, two tests, an example, a bench,
//! a build script and `links`, and a dependent. The text of a row says what cargo rebuilt.

mod dependencies;
mod root;
mod targets;

use super::*;

const PACKAGE: &str = r#"
[package]
name = "a"
version = "0.1.0"
edition = "2021"
description = "d"
[features]
f = []
g = []
[lib]
doctest = true
[[bin]]
name = "tool"
[dependencies]
d = { path = "../d", features = ["x", "y"] }
i = { version = "1", optional = true }
[lints.rust]
unused_variables = "warn"
"#;

const ROOT: &str = r#"
[workspace]
members = ["a"]
resolver = "2"
[workspace.package]
description = "d"
[workspace.dependencies]
d = { path = "d" }
[workspace.lints.rust]
unused_mut = "warn"
[profile.dev]
debug = 0
"#;

fn table(text: &str) -> Table {
    text.parse().expect("the row is TOML")
}

/// Returns the changes for replacing `from` by `to`: the key, the units, and true if the unit graph
/// covers the change.
fn effects(text: &str, from: &str, to: &str) -> Vec<(String, TouchedUnits, bool)> {
    assert!(text.contains(from), "{from}");
    let effects = compare_manifest(&table(text), &table(&text.replacen(from, to, 1))).into_iter();
    effects
        .map(|effect| (effect.key, effect.what, effect.covered_by_unit_graph))
        .collect()
}

/// Returns the changes for a line that is added to a table of the package.
fn added(to_table: &str, line: &str) -> Vec<(String, TouchedUnits, bool)> {
    effects(PACKAGE, to_table, &format!("{to_table}\n{line}\n"))
}

#[test]
fn spelling_and_descriptive_keys_rebuild_no_unit() {
    for line in [
        "# a comment",
        "authors = []",
        "badges.m.status = 'none'",
        "build = 'build.rs'",
        "build = true",
        "categories = ['algorithms']",
        "default-run = 'tool'",
        "documentation = 'https://example.org'",
        "homepage = ''",
        "keywords = ['k']",
        "metadata.k = 1",
        "publish = false",
    ] {
        assert_eq!(added("[package]", line), [], "{line}");
    }
    for (story, from, to) in [
        (
            "a default written out",
            "doctest = true",
            "doc = true\npath = 'src/lib.rs'",
        ),
        (
            "a default of a binary",
            "name = \"tool\"",
            "name = 'tool'\ndoctest = false",
        ),
        (
            "a library needs no features",
            "doctest = true",
            "required-features = ['f']",
        ),
        (
            "features in another order",
            "f = []\ng = []",
            "g = []\nf = []",
        ),
        (
            "a dependency's features in another order",
            r#"["x", "y"]"#,
            r#"["y", "x"]"#,
        ),
        (
            "a default of a dependency",
            "features = [",
            "default-features = true, features = [",
        ),
        (
            "a lint's longer form",
            "\"warn\"",
            "{ level = 'warn', priority = 0 }",
        ),
        (
            "cargo's own lints",
            "[lints.rust]",
            "[lints.cargo]\nx = 'warn'\n[lints.rust]",
        ),
        (
            "badges",
            "[lints.rust]",
            "[badges]\nm = { status = 'none' }\n[lints.rust]",
        ),
        (
            "a hint for dependents",
            "[lints.rust]",
            "[hints]\nmostly-unused = true\n[lints.rust]",
        ),
    ] {
        assert_eq!(effects(PACKAGE, from, to), [], "{story}");
    }
    for (story, from, to) in [
        (
            "resolver 3 differs in what it locks",
            "resolver = \"2\"",
            "resolver = '3'",
        ),
        (
            "metadata",
            "[profile.dev]",
            "[workspace.metadata]\nk = 1\n[profile.dev]",
        ),
        (
            "keywords to inherit",
            "description",
            "keywords = ['k']\ndescription",
        ),
    ] {
        assert_eq!(effects(ROOT, from, to), [], "{story}");
    }
}

#[test]
fn a_package_variable_rebuilds_its_readers() {
    for (line, variable) in [
        ("authors = ['m']", "CARGO_PKG_AUTHORS"),
        ("homepage = 'https://example.org'", "CARGO_PKG_HOMEPAGE"),
        ("license = 'MIT'", "CARGO_PKG_LICENSE"),
        ("license-file = 'L'", "CARGO_PKG_LICENSE_FILE"),
        ("readme = false", "CARGO_PKG_README"),
        ("repository = 'https://example.org'", "CARGO_PKG_REPOSITORY"),
        ("rust-version = '1.81'", "CARGO_PKG_RUST_VERSION"),
    ] {
        let [(_, units, told)] = &added("[package]", line)[..] else {
            panic!("{line}")
        };
        assert_eq!(
            *units,
            TouchedUnits::ReadersOf(vec![variable.to_owned()]),
            "{line}"
        );
        assert!(!told);
    }
}

#[test]
fn keys_of_the_package_table_touch_the_measured_units() {
    let target = |kind| TouchedUnits::Target { kind, name: None };
    let key = |key: &str| format!("package.{key}");
    let overridden = |links: &[&str]| TouchedUnits::OverriddenRuns {
        links: links.iter().map(|links| links.to_string()).collect(),
        platform: None,
    };
    let scripts = |links: &[&str]| TouchedUnits::OverriddenScripts {
        links: links.iter().map(|links| links.to_string()).collect(),
        platform: None,
    };
    for (story, line, units) in [
        (
            "the script watches other files",
            "exclude = ['x']",
            vec![(TouchedUnits::PackageScan, false)],
        ),
        (
            "all but the script, its run gone",
            "build = false",
            vec![(TouchedUnits::Package, true)],
        ),
        (
            "dependents' script runs wait for this package's",
            "links = 'foo'",
            vec![
                (overridden(&["foo"]), false),
                (scripts(&["foo"]), true),
                (TouchedUnits::DependentRuns, true),
            ],
        ),
        (
            "a root package's members unify again",
            "resolver = '1'",
            vec![(TouchedUnits::All, true)],
        ),
        (
            "tests come",
            "autotests = false",
            vec![(target(TargetKind::Test), true)],
        ),
        (
            "under test, the integration tests too",
            "autobins = false",
            vec![
                (target(TargetKind::Bin), true),
                (target(TargetKind::Test), true),
                (target(TargetKind::Bench), true),
            ],
        ),
        (
            "none on 1.95, yet a later cargo may",
            "zork = 1",
            vec![(TouchedUnits::Package, false)],
        ),
    ] {
        let name = line.split(' ').next().unwrap();
        let units: Vec<_> = units
            .into_iter()
            .map(|(u, told)| (key(name), u, told))
            .collect();
        assert_eq!(added("[package]", line), units, "{story}");
    }
    let package = |name| vec![(key(name), TouchedUnits::Package, true)];
    assert_eq!(effects(PACKAGE, "0.1.0", "0.1.1"), package("version"));
    assert_eq!(effects(PACKAGE, "\"a\"", "\"b\""), package("name"));
    assert_eq!(effects(PACKAGE, "\"2021\"", "\"2024\""), package("edition"));
    let resolver = (key("edition"), TouchedUnits::All, true);
    let old_edition = [package("edition"), vec![resolver]].concat();
    assert_eq!(effects(PACKAGE, "\"2021\"", "\"2018\""), old_edition);
    let renamed = [
        (key("links"), overridden(&["foo", "bar"]), false),
        (key("links"), scripts(&["foo", "bar"]), true),
    ];
    let linked = PACKAGE.replace("name = \"a\"", "name = \"a\"\nlinks = 'foo'");
    assert_eq!(
        effects(&linked, "'foo'", "'bar'"),
        renamed,
        "nothing without an override"
    );
}

#[test]
fn lints_rebuild_every_unit_under_every_verb() {
    let lint = |key: &str| vec![(format!("lints.{key}"), TouchedUnits::Package, false)];
    let with = |table: &str| effects(PACKAGE, "[lints.rust]", &format!("{table}\n[lints.rust]"));
    assert_eq!(
        effects(PACKAGE, "\"warn\"", "\"allow\""),
        lint("rust.unused_variables")
    );
    let priority = effects(PACKAGE, "\"warn\"", "{ level = 'warn', priority = 1 }");
    assert_eq!(priority, lint("rust.unused_variables"));
    assert_eq!(
        with("[lints.clippy]\nall = 'warn'"),
        lint("clippy.all"),
        "under check too"
    );
    assert_eq!(
        with("[lints.rustdoc]\nall = 'warn'"),
        lint("rustdoc.all"),
        "under check too"
    );
    let old = format!("{PACKAGE}\nunexpected_cfgs = {{ level = 'warn' }}");
    let checked = effects(
        &old,
        "{ level = 'warn' }",
        "{ level = 'warn', check-cfg = ['cfg(x)'] }",
    );
    assert_eq!(checked, lint("rust.unexpected_cfgs"));
}
