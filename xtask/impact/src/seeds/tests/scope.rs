//! Tests of the units that a difference in meaning touches.

use std::collections::BTreeSet;

use serde_json::json;

use crate::seeds::{Effect, SeedFinder};
use crate::semantic_diff::{DepKind, Inherit, TouchedUnits};
use crate::testing::scene::Scene;
use crate::testing::{name, place};
use crate::unit_graph::Verb;
use crate::workspace::{PlatformFacts, TargetKind};

/// Returns the units that a difference touches, as one line. `package` is the package whose
/// manifest was compared.
fn touched(scene: &Scene, package: Option<&str>, what: &TouchedUnits) -> String {
    let package = package.map(|package| place(&scene.workspace, package));
    let units = scene.with_inputs(|inputs| {
        let mut finder = SeedFinder::new(inputs, Default::default());
        finder.touched_units(package, what)
    });
    let mut names: Vec<String> = units
        .into_iter()
        .map(|(unit, effect)| {
            let rerun = match effect {
                Effect::Rebuilt => "",
                Effect::Rerun => " (rerun)",
            };
            format!("{}{rerun}", name(&scene.workspace, &scene.graph, unit))
        })
        .collect();
    names.sort();
    names.dedup();
    names.join(", ")
}

/// Returns one line for each difference: its debug text and the units that the difference touches.
fn all_touched(scene: &Scene, package: Option<&str>, all: &[TouchedUnits]) -> String {
    let lines = all
        .iter()
        .map(|what| format!("{what:?}: {}\n", touched(scene, package, what)));
    lines.collect()
}

const DEPENDENT: &str = "
    a: lib!bench!doctest script bin=t!test!bench example=e -> b, dev: d, build: c, util
    b: lib!test!bench!doctest script
    c outside: lib
    d: lib!test!bench!doctest
    util external: lib";

#[test]
fn a_difference_touches_packages_targets_and_users_of_dependencies() {
    use TouchedUnits::*;
    let dependency = |kind, package: &str| Dependency {
        kind,
        package: package.to_owned(),
    };
    let target = |kind, name: Option<&str>| Target {
        kind,
        name: name.map(str::to_owned),
    };
    let scene = Scene::new(DEPENDENT, Verb::Check, &[]);
    let found = all_touched(
        &scene,
        Some("a"),
        &[
            All,
            External,
            Members,
            Package,
            PackageAndDependencies,
            dependency(DepKind::Normal, "b"),
            dependency(DepKind::Dev, "d"),
            dependency(DepKind::Build, "c"),
            target(TargetKind::Lib, None),
            target(TargetKind::Bin, Some("t")),
            target(TargetKind::Bin, Some("u")),
        ],
    );
    expect_test::expect![[r#"
        All: a bin t, a build script, a build script run, a example e, a lib, a lib test, b build script, b build script run, b lib, c lib, d lib, util lib
        External: util lib
        Members: a bin t, a build script, a build script run, a example e, a lib, a lib test, b build script, b build script run, b lib, d lib
        Package: a bin t, a build script, a build script run, a example e, a lib, a lib test
        PackageAndDependencies: a bin t, a build script, a build script run, a example e, a lib, a lib test, b build script, b build script run, b lib, c lib, d lib, util lib
        Dependency { kind: Normal, package: "b" }: a bin t, a example e, a lib, a lib test, b build script, b build script run, b lib
        Dependency { kind: Dev, package: "d" }: a example e, a lib test, d lib
        Dependency { kind: Build, package: "c" }: a build script, c lib
        Target { kind: Lib, name: None }: a lib, a lib test
        Target { kind: Bin, name: Some("t") }: a bin t
        Target { kind: Bin, name: Some("u") }: 
    "#]].assert_eq(&found);
    let of_b = all_touched(
        &scene,
        Some("b"),
        &[Package, PackageAndDependencies, DependentRuns],
    );
    expect_test::expect![[r#"
        Package: b build script, b build script run, b lib
        PackageAndDependencies: b build script, b build script run, b lib
        DependentRuns: a build script run
    "#]]
    .assert_eq(&of_b);
    let without = all_touched(
        &scene,
        None,
        &[Package, PackageAndDependencies, DependentRuns],
    );
    expect_test::expect![[r#"
        Package: 
        PackageAndDependencies: 
        DependentRuns: 
    "#]]
    .assert_eq(&without);
}

#[test]
fn a_difference_in_documentation_or_in_runs_rebuilds_no_program() {
    use TouchedUnits::{Docs, Runs};
    let text = "a: lib bin=t test=it bench=be";
    let mut found = String::new();
    for verb in [Verb::Check, Verb::Test, Verb::Doc] {
        let scene = Scene::new(text, verb, &[]);
        found += &format!("{verb:?}\n{}", all_touched(&scene, None, &[Docs, Runs]));
    }
    expect_test::expect![[r#"
        Check
        Docs: 
        Runs: a bench be (rerun), a bin t test (rerun), a lib test (rerun), a test it (rerun)
        Test
        Docs: a doctests (rerun)
        Runs: a bin t test (rerun), a doctests (rerun), a lib test (rerun), a test it (rerun)
        Doc
        Docs: a bin t doc, a lib doc
        Runs: 
    "#]]
    .assert_eq(&found);
}

#[test]
fn a_profile_touches_the_units_that_are_built_in_it() {
    let text = "a: lib!bench!doctest -> util\nutil external: lib";
    let all = "a lib, a lib test, util lib";
    let (tests, others, none) = ("a lib test, util lib", "util lib", "");
    for (verb, built, profile, package, expected) in [
        (Verb::Check, None, "dev", None, all),
        (Verb::Check, None, "test", None, none),
        (Verb::Check, None, "release", None, none),
        (Verb::Test, None, "dev", None, tests),
        (Verb::Test, None, "test", None, tests),
        (Verb::Test, None, "bench", None, none),
        // A named profile may inherit from any profile.
        (Verb::Check, Some("release"), "dev", None, all),
        (Verb::Check, Some("fast"), "release", None, all),
        (Verb::Check, None, "dev", Some("*"), others),
        (Verb::Check, None, "dev", Some("util"), others),
        (Verb::Check, None, "dev", Some("a"), "a lib, a lib test"),
        (Verb::Check, None, "dev", Some("absent"), none),
    ] {
        let mut scene = Scene::new(text, verb, &[]);
        scene.profile = built.map(str::to_owned);
        let what = TouchedUnits::Profile {
            name: profile.to_owned(),
            package: package.map(str::to_owned),
        };
        assert_eq!(
            touched(&scene, None, &what),
            expected,
            "{verb:?}, {built:?}: {what:?}"
        );
    }
}

#[test]
fn a_new_file_list_runs_the_scripts_that_watch_their_package() {
    let text = "a: lib!test!bench!doctest script\nb: lib!test!bench!doctest";
    let silent = "fn main() {}";
    let declares = "fn main() { println!(\"cargo::rerun-if-changed=build.rs\"); }";
    let run = "a build script run";
    let scan = TouchedUnits::PackageScan;
    for (source, watched, expected) in [
        (silent, None, run),
        (declares, None, ""),
        ("mod more; fn main() { more::main() }", None, run),
        // A record outweighs the source.
        (silent, Some(&["a/build.rs"][..]), ""),
        (declares, Some(&[]), run),
    ] {
        let mut scene = Scene::new(text, Verb::Check, &[("a/build.rs", source)]);
        if let Some(watched) = watched {
            scene.compiled(("a", "script"), &["a/build.rs"], 500, (20, &[]));
            scene.run("a", watched, 500, 20);
        }
        assert_eq!(touched(&scene, Some("a"), &scan), expected, "{source}");
        assert_eq!(touched(&scene, Some("b"), &scan), "", "it has no script");
        assert_eq!(touched(&scene, None, &scan), "");
    }
}

#[test]
fn a_key_of_the_root_touches_the_members_that_inherit_it() {
    let text = "a: lib!test!bench!doctest\nb: lib!test!bench!doctest\nc: lib!test!bench!doctest";
    let files = [
        (
            "a/Cargo.toml",
            "[package]\nname = 'a'\nlicense.workspace = true\n",
        ),
        (
            "b/Cargo.toml",
            "[package]\nname = 'b'\n[lints]\nworkspace = true\n",
        ),
        (
            "c/Cargo.toml",
            "[package]\nname = 'c'\nlicense = 'MIT'\n[dev-dependencies]\nb.workspace = true\n",
        ),
    ];
    let scene = Scene::new(text, Verb::Check, &files);
    let license = Inherit::Package("license".to_owned(), Box::new(TouchedUnits::Package));
    let b = Inherit::Dependency {
        key: "b".to_owned(),
        package: "b".to_owned(),
    };
    for (inherit, expected) in [(license, "a lib"), (Inherit::Lints, "b lib"), (b, "b lib")] {
        let what = TouchedUnits::Inherited(inherit);
        assert_eq!(touched(&scene, None, &what), expected, "{what:?}");
    }
}

#[test]
fn a_variable_touches_the_units_that_read_it_and_the_scripts_that_watch_it() {
    let text = "a: lib!test!bench!doctest script\nb: lib!test!bench!doctest";
    let reads = "const X: &str = env!(\"SET\");";
    let watches = "fn main() { println!(\"cargo::rerun-if-env-changed=SET\"); }";
    let files = [
        ("a/src/lib.rs", reads),
        ("a/build.rs", watches),
        ("b/src/lib.rs", reads),
    ];
    let what = TouchedUnits::ReadersOf(vec!["SET".to_owned()]);
    let other = TouchedUnits::ReadersOf(vec!["OTHER".to_owned()]);
    let mut scene = Scene::new(text, Verb::Check, &files);
    assert_eq!(
        touched(&scene, None, &what),
        "a build script run, a lib, b lib"
    );
    assert_eq!(touched(&scene, None, &other), "");
    // A manifest sets variables for its own package, and not for the script that runs.
    assert_eq!(touched(&scene, Some("a"), &what), "a lib");
    // Records outweigh the sources.
    let run = |scene: &mut Scene, variable: &str| {
        scene.run("a", &[], 500, 20);
        let watch = json!({ "Run": { "Declared": [[], [[variable, null]]] } });
        scene.set_in_record("inputs", json!([[scene.root.join("a"), watch]]));
    };
    scene.compiled(("a", "script"), &["a/build.rs"], 500, (20, &[]));
    run(&mut scene, "OTHER");
    scene.compiled(("a", "lib"), &["a/src/lib.rs"], 500, (10, &[1020]));
    scene.reads_variable("SET");
    scene.compiled(("b", "lib"), &["b/src/lib.rs"], 500, (30, &[]));
    assert_eq!(touched(&scene, None, &what), "a lib");
    assert_eq!(touched(&scene, None, &other), "a build script run");
    run(&mut scene, "SET");
    assert_eq!(touched(&scene, None, &what), "a build script run, a lib");
}

/// Returns a scene with platforms: the host, and the named triples.
fn on_platforms(text: &str, verb: Verb, config: &str, named: &[&str]) -> Scene {
    let mut scene = Scene::new(text, verb, &[(".cargo/config.toml", config)]);
    let facts = |name: &&str| PlatformFacts {
        name: (*name).to_owned(),
        cfg: BTreeSet::from(["unix".to_owned()]),
    };
    scene.workspace.platforms = Some(["host"].iter().chain(named).map(facts).collect());
    scene
}

#[test]
fn flags_of_a_platform_touch_the_units_that_are_compiled_with_them() {
    let text = "
        a: lib!test!bench!doctest script -> m, build: b
        b: lib!test!bench!doctest
        m: proc-macro!test!bench!doctest";
    let apart = "target-applies-to-host = false\n";
    let own = "target.host.rustflags = ['-Cx']\n";
    let all = "a build script, a build script run, a lib, b lib, m lib";
    let targets = "a build script run, a lib, b lib";
    for (story, config, named, variables, platform, expected) in [
        ("of [build]", "", &[][..], &[][..], None, all),
        ("of the host", "", &[], &[], Some("host"), all),
        ("of a cfg of the host", "", &[], &[], Some("cfg(unix)"), all),
        ("of another platform", "", &[], &[], Some("wasm32"), ""),
        (
            "of a cfg of no platform",
            "",
            &[],
            &[],
            Some("cfg(windows)"),
            "",
        ),
        (
            "a table of the host overrides [build]",
            own,
            &[],
            &[],
            None,
            "",
        ),
        (
            "a variable overrides all",
            "",
            &[],
            &[("RUSTFLAGS", "-Cy")],
            None,
            "",
        ),
        ("with a named triple", "", &["wasm32"], &[], None, targets),
        (
            "of the named triple",
            "",
            &["wasm32"],
            &[],
            Some("wasm32"),
            targets,
        ),
        (
            "of the host, with a named triple",
            "",
            &["wasm32"],
            &[],
            Some("host"),
            "",
        ),
        (
            "the same for the host",
            apart,
            &["wasm32"],
            &[],
            Some("host"),
            all,
        ),
    ] {
        let mut scene = on_platforms(text, Verb::Check, config, named);
        scene.read_config(variables);
        let what = TouchedUnits::Flags {
            platform: platform.map(str::to_owned),
        };
        assert_eq!(touched(&scene, None, &what), expected, "{story}");
    }
}

#[test]
fn a_platform_touches_its_units_in_every_mode() {
    let text = "a: lib!test!bench!doctest -> m\nm: proc-macro!test!bench!doctest";
    for (verb, named, host_too, flags, expected) in [
        (Verb::Check, &[][..], false, false, "a lib, m lib"),
        (Verb::Check, &["wasm32"], false, false, "a lib"),
        (Verb::Check, &["wasm32"], true, false, "a lib, m lib"),
        (Verb::Doc, &["wasm32"], false, false, "a lib doc"),
        // Rustdoc has flags of its own.
        (Verb::Doc, &["wasm32"], false, true, ""),
        (Verb::Doc, &[], false, true, "m lib"),
    ] {
        let mut scene = on_platforms(text, verb, "", named);
        scene.read_config(&[]);
        let what = match flags {
            true => TouchedUnits::Flags { platform: None },
            false => TouchedUnits::Platform {
                platform: None,
                host_too,
            },
        };
        assert_eq!(
            touched(&scene, None, &what),
            expected,
            "{verb:?}, {named:?}: {what:?}"
        );
    }
    let scene = on_platforms(text, Verb::Check, "", &[]);
    let what = TouchedUnits::Platform {
        platform: Some("wasm32".to_owned()),
        host_too: true,
    };
    assert_eq!(touched(&scene, None, &what), "", "no unit is built for it");
    scene.write("target/wasm32/debug/.fingerprint/x", "");
    assert_eq!(
        touched(&scene, None, &what),
        "a lib, m lib",
        "artifacts exist"
    );
}

/// An override replaces a build script. After a change, the scripts that are no longer overridden
/// are compiled, unless an earlier build left their records.
#[test]
fn a_removed_override_compiles_the_script_and_its_libraries() {
    let text = "
        a links: lib!test!bench!doctest script -> d, build: b
        b: lib -> c
        c: lib!test!bench!doctest
        d: lib!test!bench!doctest
        e links: lib!test!bench!doctest script";
    let what = |links: &str| TouchedUnits::OverriddenScripts {
        links: vec![links.to_owned()],
        platform: Some("host".to_owned()),
    };
    let run = |links: &str| TouchedUnits::OverriddenRuns {
        links: vec![links.to_owned()],
        platform: Some("host".to_owned()),
    };
    let mut scene = on_platforms(text, Verb::Check, "", &[]);
    scene.read_config(&[]);
    assert_eq!(
        touched(&scene, None, &what("a")),
        "a build script, b lib, c lib"
    );
    assert_eq!(touched(&scene, None, &what("e")), "e build script");
    assert_eq!(touched(&scene, None, &what("other")), "");
    assert_eq!(touched(&scene, None, &run("a")), "a build script run");
    // Another override took its place.
    scene.write(".cargo/config.toml", "target.host.a.rustc-cfg = ['x']");
    scene.read_config(&[]);
    assert_eq!(touched(&scene, None, &what("a")), "");
    assert_eq!(touched(&scene, None, &what("e")), "e build script");
    scene.write(".cargo/config.toml", "");
    scene.read_config(&[]);
    scene.compiled(("a", "script"), &["a/build.rs"], 500, (20, &[]));
    assert_eq!(touched(&scene, None, &what("a")), "", "its record is kept");
}
