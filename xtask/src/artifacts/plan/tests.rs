use std::collections::HashMap;

use xtask_impact::build_dir::{Layout, ProfileDir};
use xtask_impact::query::Answer;
use xtask_impact::testing::{answer, place};
use xtask_impact::unit_graph::Verb;

use super::*;
use crate::artifacts::profile_dir::{OrphanCandidate, ScanDoubt};
use crate::artifacts::reader::root_of;

const RAILWAY: &str = "
    planner: lib bin=plan test=it script -> network
    planner-extra: lib test=it
    network: lib test=it -> serde
    serde@1.0.0 external: lib
";

/// Returns the contents of a profile directory. Each line of `units` is `package hash unit`. A hash
/// in `files` is given by its first digits; the other digits are zeros.
fn contents(answer: &Answer, layout: Layout, units: &str, files: &str) -> ProfileDirScan {
    let words = |text: &str| {
        text.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let path = Utf8PathBuf::from("/w/target/debug");
    let mut contents = ProfileDirScan {
        place: ProfileDir {
            path: path.clone(),
            build_directory: "/w/target".into(),
            triple: None,
            directory: "debug".to_owned(),
            layout,
        },
        outputs: path.clone(),
        documentation: Some("/w/target/doc".into()),
        units: Vec::new(),
        strays: Vec::new(),
        names: BTreeMap::new(),
        dep_infos: HashMap::new(),
        running: None,
    };
    for unit in units.lines().map(words).filter(|unit| !unit.is_empty()) {
        let package = place(&answer.workspace, &unit[0]);
        let name = unit.get(2).and_then(|name| UnitName::parse(name));
        let root = name
            .as_ref()
            .and_then(|unit| root_of(answer.workspace.package(package), unit));
        contents.units.push(ScannedUnit {
            package: Some(package),
            package_name: unit[0].split('@').next().unwrap_or_default().to_owned(),
            hash: hash(&unit[1]),
            root: root.cloned(),
            unit: name,
            shares: unit.get(3).is_some(),
        });
    }
    for file in words(files) {
        // A hash is written after a plus sign.
        let file = match file.split_once('+') {
            Some((start, end)) => {
                let (digits, extension) = end.split_at(end.find('.').unwrap_or(end.len()));
                path.join(format!("{start}-{}{extension}", hash(digits)))
            }
            None => path.join(file),
        };
        let names = contents
            .names
            .entry(file.parent().unwrap().to_owned())
            .or_default();
        names.push(file.file_name().unwrap().to_owned());
        names.sort();
    }
    contents
}

fn hash(digits: &str) -> String {
    format!("{digits:0>16}")
}

/// Returns the paths that the plan removes, one per line.
fn removed(answer: &Answer, contents: &ProfileDirScan, scope: CleanScope) -> String {
    shown(&planned(answer, contents, &of(scope)))
}

fn planned(answer: &Answer, contents: &ProfileDirScan, options: &CleanSelection) -> Directory {
    Directory::new(&ArtifactSelection::new(answer, options), contents, None)
}

fn of(scope: CleanScope) -> CleanSelection {
    CleanSelection {
        scope,
        ..CleanSelection::default()
    }
}

fn shown(directory: &Directory) -> String {
    let removals = directory.removals.iter().map(|removal| {
        let path = removal.path.strip_prefix("/w/target/debug").unwrap();
        let path = path.as_str().replace(&"0".repeat(14), "");
        format!("{:?} {path}\n", removal.kind)
    });
    removals.collect()
}

const UNITS: &str = "
    network 0a lib-network
    network 0b test-lib-network
    network 0c test-integration-test-it
    planner 1a lib-planner
    planner 1b bin-plan
    planner 1c test-integration-test-it
    planner 1d build-script-build-script-build
    planner 1e run-build-script-build-script-build
    planner-extra 2a lib-planner_extra
    planner-extra 2c test-integration-test-it
    serde@1.0.0 3a lib-serde
";

const FILES: &str = "
    deps/libnetwork+0a.rlib deps/libnetwork+0a.rmeta deps/network+0a.d deps/network+0b
    deps/it+0c deps/it+0c.d deps/it+1c deps/it+2c deps/libplanner+1a.rmeta deps/plan+1b
    deps/libplanner_extra+2a.rmeta build/planner+1d build/planner+1e deps/libserde+3a.rlib
    incremental/it-5x incremental/network-7y incremental/planner-8z incremental/planner_extra-9
    plan plan.d libnetwork.rlib libnetwork.d libplanner_extra.rlib
";

#[test]
fn only_the_test_is_removed_for_an_edited_test() {
    let answer = answer(RAILWAY, Verb::Check, &["planner test it"]);
    let contents = contents(&answer, Layout::V1, UNITS, FILES);
    expect_test::expect![[r#"
        Fingerprint .fingerprint/planner-1c
        Output deps/it-1c
        Incremental incremental/it-5x
    "#]]
    .assert_eq(&removed(&answer, &contents, CleanScope::Affected));
    let plan = planned(&answer, &contents, &CleanSelection::default());
    assert_eq!(plan.shared_incremental, ["it"]);
}

#[test]
fn an_edited_library_is_removed_with_its_dependents() {
    let answer = answer(RAILWAY, Verb::Check, &["network lib"]);
    let contents = contents(&answer, Layout::V1, UNITS, FILES);
    expect_test::expect![[r#"
        Fingerprint .fingerprint/network-0a
        Fingerprint .fingerprint/network-0c
        Fingerprint .fingerprint/planner-1a
        Fingerprint .fingerprint/planner-1b
        Fingerprint .fingerprint/planner-1c
        Output deps/it-0c
        Output deps/it-0c.d
        Output deps/it-1c
        Output deps/libnetwork-0a.rlib
        Output deps/libnetwork-0a.rmeta
        Output deps/libplanner-1a.rmeta
        Output deps/network-0a.d
        Output deps/plan-1b
        Uplifted libnetwork.d
        Uplifted libnetwork.rlib
        Uplifted plan
        Uplifted plan.d
        Incremental incremental/it-5x
        Incremental incremental/network-7y
        Incremental incremental/planner-8z
    "#]]
    .assert_eq(&removed(&answer, &contents, CleanScope::Affected));
    expect_test::expect![[r#"
        Fingerprint .fingerprint/network-0a
        Output deps/libnetwork-0a.rlib
        Output deps/libnetwork-0a.rmeta
        Output deps/network-0a.d
        Uplifted libnetwork.d
        Uplifted libnetwork.rlib
        Incremental incremental/network-7y
    "#]]
    .assert_eq(&removed(&answer, &contents, CleanScope::Changed));
}

#[test]
fn the_second_layout_removes_a_unit_as_one_directory() {
    let answer = answer(RAILWAY, Verb::Check, &["planner bin plan"]);
    let contents = contents(
        &answer,
        Layout::V2,
        UNITS,
        "incremental/plan-5 plan plan.d plan.so",
    );
    expect_test::expect![[r#"
        Fingerprint build/planner/1b/fingerprint
        Output build/planner/1b
        Uplifted plan
        Uplifted plan.d
        Uplifted plan.so
        Incremental incremental/plan-5
    "#]]
    .assert_eq(&removed(&answer, &contents, CleanScope::Affected));
}

#[test]
fn a_script_run_is_removed_and_the_script_is_kept() {
    let answer = answer(RAILWAY, Verb::Check, &["planner build script run"]);
    let contents = contents(
        &answer,
        Layout::V1,
        UNITS,
        "build/planner+1d build/planner+1e",
    );
    let removed = removed(&answer, &contents, CleanScope::Changed);
    expect_test::expect![[r#"
        Fingerprint build/planner-1e/output
        Fingerprint .fingerprint/planner-1e
        Output build/planner-1e
    "#]]
    .assert_eq(&removed);
}

#[test]
fn whole_packages_are_removed_with_their_documentation() {
    let answer = answer(RAILWAY, Verb::Check, &["planner test it"]);
    let units = "
        planner 1a lib-planner
        planner 1c test-integration-test-it
        planner 1f doc-lib-planner shares
        planner 1f doc-bin-plan shares
        planner 9b bin-plan shares
        network 0f doc-lib-network
    ";
    let contents = contents(&answer, Layout::V1, units, FILES);
    expect_test::expect![[r#"
        Fingerprint .fingerprint/planner-1f/dep-doc-bin-plan
        Fingerprint .fingerprint/planner-1f/dep-doc-lib-planner
        Fingerprint .fingerprint/planner-9b/dep-bin-plan
        Fingerprint .fingerprint/planner-1a
        Fingerprint .fingerprint/planner-1c
        Fingerprint .fingerprint/planner-1f/doc-bin-plan
        Fingerprint .fingerprint/planner-1f/doc-bin-plan.json
        Fingerprint .fingerprint/planner-1f/doc-lib-planner
        Fingerprint .fingerprint/planner-1f/doc-lib-planner.json
        Fingerprint .fingerprint/planner-1f/output-doc-bin-plan
        Fingerprint .fingerprint/planner-1f/output-doc-lib-planner
        Fingerprint .fingerprint/planner-9b/bin-plan
        Fingerprint .fingerprint/planner-9b/bin-plan.json
        Fingerprint .fingerprint/planner-9b/output-bin-plan
        Output deps/it-1c
        Output deps/libplanner-1a.rmeta
        Uplifted plan
        Uplifted plan.d
        Incremental incremental/it-5x
        Incremental incremental/planner-8z
    "#]]
    .assert_eq(&removed(&answer, &contents, CleanScope::Packages));
}

#[test]
fn an_incomplete_unit_is_removed_with_its_package() {
    let answer = answer(RAILWAY, Verb::Check, &["planner test it"]);
    let units = "planner 77\nnetwork 78";
    let contents = contents(&answer, Layout::V1, units, "deps/half+77 deps/half+78");
    expect_test::expect![[r#"
        Fingerprint build/planner-77/output
        Fingerprint .fingerprint/planner-77
        Output deps/half-77
    "#]]
    .assert_eq(&removed(&answer, &contents, CleanScope::Affected));
}

#[test]
fn keep_incremental_removes_fingerprints_only() {
    let answer = answer(RAILWAY, Verb::Check, &["planner test it"]);
    let contents = contents(&answer, Layout::V1, UNITS, FILES);
    let options = CleanSelection {
        keep_incremental: true,
        ..CleanSelection::default()
    };
    let removed = shown(&planned(&answer, &contents, &options));
    expect_test::expect![[r#"
        Fingerprint .fingerprint/planner-1c
    "#]]
    .assert_eq(&removed);
}

#[test]
fn keep_incremental_removes_a_script_run_completely() {
    let text = "planner: lib script";
    let answer = answer(text, Verb::Check, &["planner build script run"]);
    let options = CleanSelection {
        keep_incremental: true,
        ..CleanSelection::default()
    };
    for (layout, expected) in [
        (
            Layout::V1,
            "Fingerprint build/planner-1e/output\n\
             Fingerprint .fingerprint/planner-1a\n\
             Fingerprint .fingerprint/planner-1e\n\
             Output build/planner-1e\n",
        ),
        (
            Layout::V2,
            "Fingerprint build/planner/1e/run/stdout\n\
             Fingerprint build/planner/1a/fingerprint\n\
             Fingerprint build/planner/1e/fingerprint\n\
             Output build/planner/1e\n",
        ),
    ] {
        let units = "planner 1a lib-planner\nplanner 1e run-build-script-build-script-build";
        let contents = contents(&answer, layout, units, FILES);
        assert_eq!(shown(&planned(&answer, &contents, &options)), expected);
    }
}

#[test]
fn keep_incremental_removes_orphans_completely() {
    let answer = answer(RAILWAY, Verb::Check, &[]);
    let mut contents = contents(&answer, Layout::V1, "", "deps/libold+4a.rlib");
    contents.strays.push(OrphanCandidate {
        found: ScannedUnit {
            package: None,
            package_name: "old".to_owned(),
            hash: hash("4a"),
            unit: UnitName::parse("lib-old"),
            root: None,
            shares: false,
        },
        because: String::new(),
        doubt: ScanDoubt::No,
    });
    let options = CleanSelection {
        keep_incremental: true,
        ..CleanSelection::default()
    };
    expect_test::expect![[r#"
        Fingerprint .fingerprint/old-4a
        Output deps/libold-4a.rlib
    "#]]
    .assert_eq(&shown(&planned(&answer, &contents, &options)));
}

#[test]
fn files_without_a_hash_are_removed_if_their_dep_info_names_the_unit() {
    let text = "one: cdylib=shared\ntwo: cdylib=shared\nthree: cdylib=alone";
    let answer = answer(text, Verb::Build, &["one lib", "three lib"]);
    let units = "one 01 lib-shared\ntwo 02 lib-shared\nthree 03 lib-alone";
    let files = "deps/libshared.so deps/shared.d deps/libalone.so libshared.so libshared.d";
    let mut contents = contents(&answer, Layout::V1, units, files);
    let (deps, above) = ["deps/shared.d", "libshared.d"]
        .map(|it| contents.outputs.join(it))
        .into();
    let mut built_last = |package: &str| {
        let rustcs = format!("/w/target/debug/libshared.so: {package}/src/lib.rs\n");
        let cargos = rustcs.replace(": ", ": /w/");
        contents.dep_infos.insert(deps.clone(), rustcs);
        contents.dep_infos.insert(above.clone(), cargos);
        removed(&answer, &contents, CleanScope::Affected)
    };
    expect_test::expect![[r#"
        Fingerprint .fingerprint/one-01
        Fingerprint .fingerprint/three-03
        Output deps/libalone.so
        Output deps/libshared.so
        Output deps/shared.d
        Uplifted libshared.d
        Uplifted libshared.so
    "#]]
    .assert_eq(&built_last("one"));
    expect_test::expect![[r#"
        Fingerprint .fingerprint/one-01
        Fingerprint .fingerprint/three-03
        Output deps/libalone.so
    "#]]
    .assert_eq(&built_last("two"));
    // Without a dep-info, the name alone does not identify the unit.
    contents.dep_infos.clear();
    expect_test::expect![[r#"
        Fingerprint .fingerprint/one-01
        Fingerprint .fingerprint/three-03
        Output deps/libalone.so
    "#]]
    .assert_eq(&removed(&answer, &contents, CleanScope::Affected));
}

#[test]
fn a_unit_that_is_only_rerun_is_kept() {
    let answer = answer("a: lib!test", Verb::Test, &["a doctests"]);
    let contents = contents(&answer, Layout::V1, "a 01 lib-a", "deps/liba+01.rlib");
    assert_eq!(removed(&answer, &contents, CleanScope::Affected), "");
}

#[test]
fn the_running_kit_is_not_removed() {
    let answer = answer(
        "kit: lib bin=xtask\ncore: lib",
        Verb::Check,
        &["kit lib", "core lib"],
    );
    let units = "core 01 lib-core\nkit 02 lib-kit\nkit 03 bin-xtask";
    let mut contents = contents(&answer, Layout::V2, units, "xtask");
    contents.running = Some("xtask".to_owned());
    let plan = planned(&answer, &contents, &CleanSelection::default());
    expect_test::expect![[r#"
        Fingerprint build/core/01/fingerprint
        Output build/core/01
    "#]]
    .assert_eq(&shown(&plan));
    assert_eq!(plan.kept, ["path+file:///w/kit#0.1.0"]);
    let options = CleanSelection {
        running_too: true,
        ..CleanSelection::default()
    };
    let plan = planned(&answer, &contents, &options);
    assert!(plan.kept.is_empty());
    assert!(shown(&plan).contains("Uplifted xtask\n"));
}

#[test]
fn documentation_is_removed_if_only_one_package_has_its_name() {
    let text = "guide: lib bin=show\nmap: lib=guide_map bin=show";
    let answer = answer(text, Verb::Check, &["guide lib", "guide bin show"]);
    let units = "guide 01 doc-lib-guide\nguide 02 doc-bin-show\nmap 03 doc-lib-guide_map";
    let contents = contents(&answer, Layout::V1, units, "");
    let options = |documentation| CleanSelection {
        documentation,
        ..CleanSelection::default()
    };
    let paths = |options| {
        let removals = planned(&answer, &contents, &options).removals.into_iter();
        let paths = removals.map(|it| it.path.as_str().replace(&"0".repeat(14), ""));
        paths.collect::<Vec<_>>()
    };
    assert!(paths(options(false)).is_empty());
    expect_test::expect![[r#"
        /w/target/debug/.fingerprint/guide-01
        /w/target/debug/.fingerprint/guide-02
        /w/target/doc/guide
        /w/target/doc/src/guide"#]]
    .assert_eq(&paths(options(true)).join("\n"));
}

#[test]
fn a_triple_removes_its_directory_and_the_host_units_that_serve_it() {
    let text = "
        app: lib script -> core, build: tables, macros
        core: lib
        macros: proc-macro -> tokens
        tables: lib
        tokens: lib
    ";
    let everything = ["app", "core", "macros", "tables", "tokens"].map(|it| format!("{it} lib"));
    let mut changed: Vec<_> = everything.iter().map(String::as_str).collect();
    changed.push("app build script");
    let answer = answer(text, Verb::Check, &changed);
    let units = "
        app 01 lib-app
        app 02 build-script-build-script-build
        app 03 run-build-script-build-script-build
        core 04 lib-core
        macros 05 lib-macros
        tables 06 lib-tables
        tokens 07 lib-tokens
        tokens 08 test-lib-tokens
    ";
    let mut contents = contents(&answer, Layout::V2, units, "");
    let options = CleanSelection {
        triples: vec![
            "thumbv7em-none-eabi".to_owned(),
            "boards/own.json".to_owned(),
        ],
        directory: Some("release".to_owned()),
        ..CleanSelection::default()
    };
    let fingerprints = |contents: &ProfileDirScan| {
        let removed = shown(&planned(&answer, contents, &options));
        let fingerprints = removed
            .lines()
            .filter_map(|it| it.strip_prefix("Fingerprint build/"));
        let units = fingerprints.filter_map(|it| Some(it.strip_suffix("/fingerprint")?.to_owned()));
        units.collect::<Vec<_>>().join(" ")
    };
    let on_host = fingerprints(&contents);
    assert_eq!(on_host, "app/02 macros/05 tables/06 tokens/07");
    contents.place.triple = Some("thumbv7em-none-eabi".to_owned());
    assert!(fingerprints(&contents).starts_with("app/01 app/02 app/03 core/04"));

    let selection = ArtifactSelection::new(&answer, &options);
    let reached = [
        (None, "release", true),
        (None, "debug", false),
        (Some("thumbv7em-none-eabi"), "release", true),
        (Some("own"), "release", true),
        (Some("wasm32-unknown-unknown"), "release", false),
    ];
    for (triple, directory, expected) in reached {
        let reaches = selection.reaches(triple, directory);
        assert_eq!(reaches, expected, "{triple:?} {directory}");
    }
}
