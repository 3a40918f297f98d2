use xtask_impact::testing::workspace;

use super::*;

fn root() -> Place {
    Place::Whole
}

/// Returns the findings if every resolved package is compiled.
fn found(text: &str) -> Vec<Finding> {
    let workspace = workspace(text);
    let mut users: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in &workspace.packages {
        users.entry(package.id.clone()).or_default();
        for dependency in &package.dependencies {
            let id = workspace.package(dependency.package).id.clone();
            users.entry(id).or_default().insert(package.id.clone());
        }
    }
    versions(&workspace, &users, &root(), &|it| format!("{it:?}"))
}

#[test]
fn dependents_are_shown_for_each_version() {
    let own = "a: lib -> x@1.0.0, old\nb: lib -> x@2.0.0\nx@1.0.0 external: lib\nx@2.0.0 external: lib\n\
               old external: lib";
    let own = found(own);
    assert_eq!(own[0].check.code, "packages-disagree");
    assert_eq!(own[0].evidence, ["x 1.0.0 for a", "x 2.0.0 for b"]);
    assert_eq!(own[0].impact.as_deref(), Some("[(\"x\", \"2.0.0\")]"));

    let others = "a: lib -> x@2.0.0, old\nx@1.0.0 external: lib\nx@2.0.0 external: lib\n\
                  old external: lib -> x@1.0.0";
    assert!(
        found(others).is_empty(),
        "only another package needs the older version"
    );

    assert!(found("a: lib -> x@1.0.0\nx@1.0.0 external: lib").is_empty());
}

#[test]
fn macros_are_found_if_they_delay_the_build() {
    let times = |seconds, path| MacroTimes {
        run: "latest".to_owned(),
        path,
        packages: vec![("syn".to_owned(), seconds)],
    };
    for (seconds, path, expected) in [(5.0, 12.0, true), (1.0, 2.0, false), (3.0, 40.0, false)] {
        assert_eq!(macros(&times(seconds, path), &root()).is_some(), expected);
    }
}

#[test]
fn a_difference_of_features_names_the_line_that_would_remove_it() {
    let workspace = workspace("app: lib -> serde\ntool: lib -> serde\nserde@1.0.0 external: lib");
    let id = |name: &str| {
        let mut packages = workspace.packages.iter();
        packages.find(|it| it.name == name).unwrap().id.clone()
    };
    let difference = FeatureDifference {
        package: id("serde"),
        features: BTreeSet::from(["derive".to_owned()]),
        with: BTreeSet::from([id("tool")]),
        without: BTreeSet::from([id("app")]),
    };
    let shown = |root: &'static str, app: &'static str| {
        let read = |path: &Utf8Path| match path.as_str().contains("app") {
            true => Some(app.to_owned()),
            false => Some(root.to_owned()),
        };
        let place = |path: &Utf8Path, line| Place::Path {
            path: path.to_owned(),
            line,
        };
        let cost = |_: &[(String, String)]| String::new();
        let differences = [difference.clone()];
        let found = features_differ(&workspace, &differences, &read, &place, &cost).unwrap();
        found.evidence.join("; ")
    };
    let start = "serde: derive with tool, not with app; ";
    for (root, app, expected) in [
        (
            "[workspace]\n[workspace.dependencies]\nserde = \"1\"\n",
            "",
            "Cargo.toml:3: add features = [\"derive\"] to `serde`",
        ),
        (
            "[workspace.dependencies.serde]\nversion = \"1\"\n",
            "",
            "Cargo.toml:1: add features = [\"derive\"] to `serde`",
        ),
        (
            "[workspace]\n",
            "[package]\n[dev-dependencies]\nserde.version = \"1\"\n",
            "app/Cargo.toml:3: add features = [\"derive\"] to `serde`",
        ),
        (
            "[workspace]\n",
            "[package]\n",
            "app/Cargo.toml: depend on `serde` with features = [\"derive\"]",
        ),
    ] {
        assert_eq!(shown(root, app), format!("{start}{expected}"));
    }
}
