use camino::Utf8Path;
use serde_json::{Value, json};

use super::*;

/// Returns a unit as cargo prints it. `change` modifies the unit for the test.
fn unit(package: &str, kind: &str, mode: &str, change: impl Fn(&mut Value)) -> Value {
    let mut unit = json!({
        "pkg_id": format!("path+file:///r/{package}#0.1.0"),
        "target": {
            "kind": [kind], "crate_types": [kind], "name": package, "edition": "2021",
            "src_path": format!("/r/{package}/src/lib.rs"),
            "doc": true, "doctest": true, "test": true, "novelty": "ignored",
        },
        "profile": {"name": "dev", "opt_level": "0", "lto": "false"},
        "platform": null, "mode": mode, "features": [], "dependencies": [],
    });
    change(&mut unit);
    unit
}

fn lib(package: &str, change: impl Fn(&mut Value)) -> Value {
    unit(package, "lib", "build", change)
}

fn uses(dependencies: &[(&str, usize)]) -> impl Fn(&mut Value) {
    let dependencies: Vec<Value> = dependencies
        .iter()
        .map(|(name, index)| json!({"index": index, "extern_crate_name": name, "public": false}))
        .collect();
    move |unit| unit["dependencies"] = dependencies.clone().into()
}

fn graph(units: &[Value]) -> CargoUnitGraph {
    let roots: Vec<usize> = (0..units.len()).collect();
    let json = json!({"version": 1, "units": units, "roots": roots}).to_string();
    CargoUnitGraph::parse(json.as_bytes(), Utf8Path::new("/r")).unwrap()
}

/// Returns each difference as a line: `PACKAGE KIND MODE: DIFFERENCE`.
fn differences_as_text(before: &[Value], after: &[Value]) -> Vec<String> {
    graph_differences_as_text(&graph(before), &graph(after))
}

fn graph_differences_as_text(before: &CargoUnitGraph, after: &CargoUnitGraph) -> Vec<String> {
    let line = |UnitDifference {
                    package,
                    target,
                    what,
                }: UnitDifference| {
        let what = match what {
            Difference::Changed(lines) => lines.join("; "),
            other => format!("{other:?}"),
        };
        format!("{} {} {}: {what}", package.name, target.kind, target.mode)
    };
    differences(before, after).into_iter().map(line).collect()
}

#[test]
fn the_same_workspace_in_another_directory_has_no_difference() {
    let units = [lib("a", |_| {}), lib("b", uses(&[("a", 0)]))];
    let elsewhere = serde_json::to_string(&json!({"version": 1, "units": units, "roots": []}));
    let elsewhere = elsewhere
        .unwrap()
        .replace("/r/", "/s%20t/")
        .replace("\"/s%20t", "\"/s t");
    let elsewhere = CargoUnitGraph::parse(elsewhere.as_bytes(), Utf8Path::new("/s t")).unwrap();
    assert_eq!(
        graph_differences_as_text(&graph(&units), &elsewhere),
        [""; 0]
    );
}

#[test]
fn an_unknown_version_of_the_unit_graph_is_refused() {
    let error = CargoUnitGraph::parse(br#"{"version": 2, "units": []}"#, Utf8Path::new("/r"));
    assert_eq!(
        error.unwrap_err().to_string(),
        "unknown version 2 of cargo's unit graph"
    );
}

#[test]
fn each_changed_setting_is_reported_by_name() {
    let plain = lib("a", |_| {});
    let cases: [(&str, Value); 6] = [
        ("features +x", lib("a", |a| a["features"] = json!(["x"]))),
        (
            "profile opt_level 0 → 1",
            lib("a", |a| a["profile"]["opt_level"] = "1".into()),
        ),
        (
            "edition 2021 → 2024",
            lib("a", |a| a["target"]["edition"] = "2024".into()),
        ),
        (
            "crate types lib → lib, cdylib",
            lib("a", |a| {
                a["target"]["crate_types"] = json!(["lib", "cdylib"])
            }),
        ),
        (
            "source file a/src/lib.rs → a/lib.rs",
            lib("a", |a| a["target"]["src_path"] = "/r/a/lib.rs".into()),
        ),
        (
            "version 0.1.0 → 0.2.0",
            lib("a", |a| a["pkg_id"] = "path+file:///r/a#0.2.0".into()),
        ),
    ];
    for (expected, changed) in cases {
        assert_eq!(
            differences_as_text(std::slice::from_ref(&plain), &[changed]),
            [format!("a lib build: {expected}")]
        );
    }
}

#[test]
fn a_different_profile_name_alone_is_no_difference() {
    let named = lib("a", |a| a["profile"]["name"] = "test".into());
    assert_eq!(differences_as_text(&[lib("a", |_| {})], &[named]), [""; 0]);
}

#[test]
fn added_and_removed_targets_are_reported() {
    let (lib, bin) = (lib("a", |_| {}), unit("a", "bin", "build", |_| {}));
    let both = [lib.clone(), bin];
    let one = [lib];
    assert_eq!(differences_as_text(&one, &both), ["a bin build: Appeared"]);
    assert_eq!(differences_as_text(&both, &one), ["a bin build: Vanished"]);
}

#[test]
fn a_version_bump_is_reported_for_the_package_and_its_direct_users() {
    let side = |version: &str| {
        let id = format!("registry+https://github.com/rust-lang/crates.io-index#itoa@{version}");
        let itoa = lib("itoa", |itoa| itoa["pkg_id"] = id.clone().into());
        [
            itoa,
            lib("a", uses(&[("itoa", 0)])),
            lib("b", uses(&[("a", 1)])),
        ]
    };
    assert_eq!(
        differences_as_text(&side("1.0.1"), &side("1.0.2")),
        [
            "a lib build: dependency itoa 1.0.1 → itoa 1.0.2",
            "itoa lib build: version 1.0.1 → 1.0.2",
        ]
    );
    let all = rebuilt(&graph(&side("1.0.1")), &graph(&side("1.0.2")));
    assert_eq!(all.len(), 3);
}

#[test]
fn another_commit_of_a_git_dependency_is_seen_by_its_path() {
    let side = |commit: &str| {
        [lib("g", |g| {
            g["pkg_id"] = "git+https://example.com/g?branch=main#0.1.0".into();
            g["target"]["src_path"] = format!("/home/checkouts/g/{commit}/src/lib.rs").into();
        })]
    };
    assert_eq!(
        differences_as_text(&side("aaa"), &side("bbb")),
        [
            "g lib build: source file /home/checkouts/g/aaa/src/lib.rs → \
            /home/checkouts/g/bbb/src/lib.rs"
        ]
    );
}

#[test]
fn renamed_and_new_dependencies_are_distinguished() {
    let user = |dependencies: &[(&str, usize)]| {
        [
            lib("x", |_| {}),
            lib("y", |_| {}),
            lib("a", uses(dependencies)),
        ]
    };
    let before = user(&[("x", 0)]);
    assert_eq!(
        differences_as_text(&before, &user(&[("renamed", 0)])),
        ["a lib build: dependency -x 0.1.0 (path+x); dependency +x 0.1.0 (path+x) as renamed"]
    );
    assert_eq!(
        differences_as_text(&before, &user(&[("x", 0), ("y", 1)])),
        ["a lib build: dependency +y 0.1.0 (path+y)"]
    );
}

#[test]
fn an_additional_configuration_does_not_affect_users_of_the_old_one() {
    let rich = lib("d", |d| d["features"] = json!(["x"]));
    let before = [lib("d", |_| {}), lib("a", uses(&[("d", 0)]))];
    let after = [
        lib("d", |_| {}),
        lib("a", uses(&[("d", 0)])),
        rich,
        lib("n", uses(&[("d", 2)])),
    ];
    assert_eq!(
        differences_as_text(&before, &after),
        ["d lib build: Further", "n lib build: Appeared"]
    );
}

#[test]
fn a_user_that_switches_to_another_configuration_is_reported() {
    let side = |of_a: usize| {
        [
            lib("d", |_| {}),
            lib("d", |d| d["features"] = json!(["x"])),
            lib("a", uses(&[("d", of_a)])),
            lib("b", uses(&[("d", 0)])),
            lib("c", uses(&[("d", 1)])),
            lib("above", uses(&[("a", 2)])),
        ]
    };
    assert_eq!(
        differences_as_text(&side(0), &side(1)),
        ["a lib build: dependency in another of its configurations: one of d"]
    );
}

#[test]
fn check_builds_object_code_only_for_the_host_and_no_binaries_for_tests() {
    let side = |kind: &'static str| {
        let user = |a: &mut Value| {
            uses(&[("d", 0)])(a);
            a["target"]["kind"] = json!([kind]);
            a["target"]["crate_types"] = json!([kind]);
        };
        [
            lib("d", |_| {}),
            lib("a", user),
            unit("b", "bin", "build", |_| {}),
            unit("t", "test", "test", uses(&[("a", 1), ("b", 2)])),
        ]
    };
    let checked = |kind| graph(&side(kind)).checked(false).unwrap();
    assert_eq!(
        graph_differences_as_text(&checked("lib"), &checked("proc-macro")),
        [
            "a lib build: Further",
            "a lib build: crate types lib → proc-macro",
            "d lib build: Further",
            "t test test: dependency in another of its configurations: one of a",
        ]
    );
    let mut without = side("lib")[..].to_vec();
    without[3]["dependencies"] = json!([{"index": 1, "extern_crate_name": "a"}]);
    without[3]["dependencies"][0]["public"] = false.into();
    assert_eq!(
        graph_differences_as_text(&checked("lib"), &graph(&without).checked(false).unwrap()),
        [""; 0]
    );
}

#[test]
fn a_check_shares_the_dependencies_of_macros_unless_they_are_apart() {
    let side = |platform: Option<&str>| {
        let is_macro = |unit: &mut Value| {
            uses(&[("d", 0)])(unit);
            unit["target"]["kind"] = json!(["proc-macro"]);
            unit["target"]["crate_types"] = json!(["proc-macro"]);
        };
        let mut units = vec![lib("d", |_| {}), lib("m", is_macro)];
        if let Some(platform) = platform {
            units.push(lib("d", |unit| unit["platform"] = json!(platform)));
        }
        let roots: Vec<usize> = match platform {
            Some(_) => vec![1, 2],
            None => vec![0, 1],
        };
        let json = json!({"version": 1, "units": units, "roots": roots}).to_string();
        CargoUnitGraph::parse(json.as_bytes(), Utf8Path::new("/r")).unwrap()
    };
    for (macros_apart, expected) in [
        (false, &["d lib build: Vanished"][..]),
        (true, &["d lib build: Further", "d lib build: Vanished"]),
    ] {
        let [before, after] = [Some("T"), None].map(|it| side(it).checked(macros_apart).unwrap());
        let mut found = graph_differences_as_text(&before, &after);
        found.sort();
        assert_eq!(found, expected, "{macros_apart}");
    }
    assert_ne!(side(Some("T")).platforms(), side(None).platforms());
}

#[test]
fn link_time_optimisation_depends_on_the_users_of_a_library() {
    let thin = |unit: &mut Value| unit["profile"]["lto"] = "thin".into();
    let side = |kinds: &[&str]| {
        let mut units = vec![lib("d", thin)];
        units.extend(kinds.iter().map(|kind| {
            unit("a", kind, "build", |unit| {
                thin(unit);
                uses(&[("d", 0)])(unit);
            })
        }));
        units
    };
    assert_eq!(
        differences_as_text(&side(&["bin"]), &side(&["bin", "cdylib"])),
        [
            "a lib build: Appeared",
            "d lib build: used with link-time optimisation by +cdylib"
        ]
    );
}

#[test]
fn a_unit_for_another_platform_is_another_unit() {
    let on = |platform: Value| lib("a", move |unit| unit["platform"] = platform.clone());
    let count = |before: &[Value], after: &[Value]| rebuilt(&graph(before), &graph(after)).len();
    for (story, before, after, expected) in [
        ("the same", vec![on(json!("T"))], vec![on(json!("T"))], 0),
        (
            "a triple comes",
            vec![on(json!(null))],
            vec![on(json!("T"))],
            1,
        ),
        (
            "another triple",
            vec![on(json!("T"))],
            vec![on(json!("U"))],
            1,
        ),
    ] {
        assert_eq!(count(&before, &after), expected, "{story}");
    }
}

#[test]
fn a_unit_that_another_command_built_in_all_its_configurations_is_checked() {
    let library = |mode: &str, features: &[&str]| {
        let features: Vec<String> = features.iter().map(ToString::to_string).collect();
        unit("a", "lib", mode, move |it| it["features"] = json!(features))
    };
    let documented = unit("b", "lib", "doc", uses(&[("a", 0)]));
    let twice = || unit("b", "lib", "doc", uses(&[("a", 0), ("a", 1)]));
    for (story, other, after, expected) in [
        (
            "as checked",
            vec![library("check", &["x"])],
            vec![library("check", &["x"]), documented.clone()],
            "[\"x\"] true",
        ),
        (
            "for a build script",
            vec![library("build", &[])],
            vec![library("build", &[]), documented.clone()],
            "[] false",
        ),
        (
            "with other features",
            vec![library("check", &[])],
            vec![library("check", &["x"]), documented.clone()],
            "",
        ),
        (
            "for a build script, and now checked",
            vec![library("build", &[])],
            vec![library("check", &[]), documented.clone()],
            "",
        ),
        (
            "in one of two forms",
            vec![library("check", &[])],
            vec![library("check", &[]), library("build", &[]), twice()],
            "",
        ),
        (
            "in both forms",
            vec![library("build", &[]), library("check", &[])],
            vec![library("check", &[]), library("build", &[]), twice()],
            "[] true, [] false",
        ),
    ] {
        let found = checked(&graph(&[]), &graph(&other), &graph(&after));
        let form = |form: &RecordedConfiguration| {
            let features: Vec<&String> = form.features.iter().collect();
            format!("{features:?} {}", form.is_checked)
        };
        let forms: Vec<String> = found.values().flatten().map(form).collect();
        assert_eq!(forms.join(", "), expected, "{story}");
    }
    // A unit that the command itself built before is not built again.
    let before = graph(&[library("check", &[])]);
    let (other, after) = (
        graph(&[library("check", &[])]),
        graph(&[library("check", &[])]),
    );
    assert!(checked(&before, &other, &after).is_empty());
}
