//! The units that cargo 1.95 rebuilt for an edit of a root manifest.

use super::*;

#[test]
fn keys_of_a_root_touch_the_measured_units() {
    let all = |key: &str| vec![(key.to_owned(), TouchedUnits::All, true)];
    let members = effects(ROOT, "[\"a\"]", "[\"a\", \"b\"]");
    assert_eq!(
        members,
        all("workspace.members"),
        "0 unless features unify otherwise"
    );
    assert_eq!(
        effects(ROOT, "resolver = \"2\"", "resolver = '1'"),
        all("workspace.resolver")
    );
    let patch = "[patch.crates-io]\nz = { path = 'z' }\n[profile.dev]";
    assert_eq!(effects(ROOT, "[profile.dev]", patch), all("patch"));

    let profile = |text: &str| effects(ROOT, "[profile.dev]", &format!("{text}\n[profile.dev]"));
    let of = |key: &str, package: Option<&str>| {
        let package = package.map(str::to_owned);
        let units = TouchedUnits::Profile {
            name: "dev".to_owned(),
            package,
        };
        vec![(key.to_owned(), units, true)]
    };
    assert_eq!(
        effects(ROOT, "debug = 0", "debug = 1"),
        of("profile.dev.debug", None)
    );
    assert_eq!(
        profile("[profile.dev.package.\"*\"]\nopt-level = 1"),
        of("profile.dev.package.\"*\"", Some("*"))
    );
    assert_eq!(
        profile("[profile.dev.build-override]\nopt-level = 1"),
        of("profile.dev.build-override", None)
    );
}

#[test]
fn a_change_of_the_root_touches_only_members_that_inherit_it() {
    let member = table(
        "package.description.workspace = true
        dependencies.d.workspace = true
        build-dependencies.d = { workspace = true, features = ['x'] }
        lints.workspace = true",
    );
    let other_root = table("[package]\nname = 'b'\n[dependencies]\nd = '1'");
    let d = |kind| TouchedUnits::Dependency {
        kind,
        package: "d".to_owned(),
    };
    for (from, to, told, units) in [
        (
            "description = \"d\"",
            "description = 'e'",
            false,
            vec![TouchedUnits::ReadersOf(vec![
                "CARGO_PKG_DESCRIPTION".to_owned(),
            ])],
        ),
        (
            "d = { path = \"d\" }",
            "d = { path = 'd', features = ['x'] }",
            true,
            vec![d(DepKind::Normal), d(DepKind::Build)],
        ),
        ("\"warn\"", "\"allow\"", false, vec![TouchedUnits::Package]),
        (
            "description = \"d\"",
            "description = 'd'\nlicense = 'MIT'",
            false,
            vec![],
        ),
    ] {
        let [(_, TouchedUnits::Inherited(root), covered_by_unit_graph)] =
            &effects(ROOT, from, to)[..]
        else {
            panic!("{to}")
        };
        let meant = inherited(&member, root);
        assert_eq!((meant, *covered_by_unit_graph), (units, told), "{to}");
        assert_eq!(inherited(&other_root, root), [], "{to}");
    }
}

#[test]
fn some_keys_count_only_in_a_root_manifest() {
    let new = table("[package]\nresolver = '1'\n[profile.dev]\ndebug = 1\n[features]\nf = []");
    let effects = compare_manifest(&Table::new(), &new);
    let keys = |root_only| -> Vec<_> {
        let of = effects
            .iter()
            .filter(move |effect| effect.root_only() == root_only);
        of.map(|effect| effect.key.as_str()).collect()
    };
    assert_eq!(keys(true), ["package.resolver", "profile.dev.debug"]);
    assert_eq!(keys(false), ["features.f", "features.f"]);
}

#[test]
fn a_manifest_that_becomes_a_root_touches_everything() {
    let all = |key: &str| vec![(key.to_owned(), TouchedUnits::All, false)];
    let root = effects(PACKAGE, "[features]", "[workspace]\n[features]");
    assert_eq!(root, all("workspace"));
    assert_eq!(
        added("[package]", "workspace = '..'"),
        all("package.workspace")
    );
}

#[test]
fn a_table_that_is_none_touches_everything() {
    let replaced = compare_manifest(&table("lints.rust.x = 'warn'"), &table("lints = 1"));
    let found: Vec<_> = replaced
        .iter()
        .map(|it| (&*it.key, &it.what, it.why))
        .collect();
    assert_eq!(found, [("lints", &TouchedUnits::All, "is not a table")]);
    let unstable = compare_manifest(&Table::new(), &table("cargo-features = ['x']"));
    let why = "enables unstable keys of cargo";
    let found: Vec<_> = unstable
        .iter()
        .map(|it| (&*it.key, &it.what, it.why))
        .collect();
    assert_eq!(found, [("cargo-features", &TouchedUnits::All, why)]);
}

#[test]
fn spellings_of_the_readme_are_the_same() {
    for (old, new) in [("'README.md'", "true"), ("''", "false")] {
        let side = |value| table(&format!("package.readme = {value}"));
        let found = compare_manifest(&side(old), &side(new));
        assert!(found.is_empty(), "{old} {new}");
    }
}
