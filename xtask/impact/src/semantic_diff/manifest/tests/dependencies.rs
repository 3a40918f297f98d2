//! The units that cargo 1.95 rebuilt for an edit of features or dependencies.

use super::*;

#[test]
fn features_and_dependencies_touch_the_measured_units() {
    let declared = |name: &str| (format!("features.{name}"), TouchedUnits::Package, false);
    let defined = |name: &str| {
        (
            format!("features.{name}"),
            TouchedUnits::PackageAndDependencies,
            true,
        )
    };
    let all = "all compiled units, the script and its run";
    assert_eq!(
        added("[features]", "h = []"),
        [declared("h"), defined("h")],
        "{all}"
    );
    assert_eq!(
        effects(PACKAGE, "g = []", "g = ['f']"),
        [defined("g")],
        "0 if inactive"
    );
    let hidden = effects(PACKAGE, "g = []", "g = ['dep:i']");
    assert_eq!(
        hidden,
        [declared("i"), defined("g")],
        "the implicit feature is gone"
    );

    let on = |key: &str, kind, package: &str, told| {
        (
            key.to_owned(),
            TouchedUnits::Dependency {
                kind,
                package: package.to_owned(),
            },
            told,
        )
    };
    let d = |key: &str| {
        vec![on(
            &format!("dependencies.d{key}"),
            DepKind::Normal,
            "d",
            true,
        )]
    };
    assert_eq!(
        effects(PACKAGE, r#"["x", "y"]"#, r#"["x"]"#),
        d(".features")
    );
    assert_eq!(effects(PACKAGE, "../d", "../e"), d(".path"));
    assert_eq!(
        effects(PACKAGE, "features = [\"x\", \"y\"]", "public = true").len(),
        2
    );
    let i = |key: &str| on(&format!("dependencies.i{key}"), DepKind::Normal, "i", true);
    assert_eq!(
        effects(PACKAGE, "\"1\"", "\"1.0\""),
        [i(".version")],
        "0 if the lock stays"
    );
    assert_eq!(
        effects(PACKAGE, ", optional = true", ""),
        [declared("i"), i(".optional")],
        "no longer a feature, and an edge"
    );
    let renamed = effects(PACKAGE, "path =", "package = \"z\", path =");
    assert_eq!(
        renamed,
        [
            on("dependencies.d.package", DepKind::Normal, "d", true),
            on("dependencies.d.package", DepKind::Normal, "z", true),
        ]
    );
    let artifact = effects(PACKAGE, "path =", "artifact = \"bin\", path =");
    assert_eq!(
        artifact,
        [on("dependencies.d.artifact", DepKind::Normal, "d", false)]
    );
    for (table, key, kind) in [
        ("dev-dependencies", "dev-dependencies.t", DepKind::Dev),
        ("build-dependencies", "build-dependencies.t", DepKind::Build),
        (
            "target.'cfg(unix)'.dependencies",
            "target.\"cfg(unix)\".dependencies.t",
            DepKind::Normal,
        ),
    ] {
        let with = format!("[{table}]\nt = '1'\n[lints.rust]");
        assert_eq!(
            effects(PACKAGE, "[lints.rust]", &with),
            [on(key, kind, "t", true)]
        );
    }
}
