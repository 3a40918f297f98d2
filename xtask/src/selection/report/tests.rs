use xtask_impact::testing::answer;

use super::*;

const RAILWAY: &str = "
    planner: lib bin=plan test=it -> network, tables
    network: lib -> stations, dev: testkit
    stations: lib -> serde
    tables: lib
    testkit: lib
    serde@1.0.0 external: lib
";

fn report(verb: Verb, units: &[&str]) -> AffectedReport {
    AffectedReport::new(&answer(RAILWAY, verb, units))
}

#[test]
fn every_unit_is_reported_with_its_chain() {
    let report = report(
        Verb::Test,
        &["stations lib", "stations lib test", "planner bin plan"],
    );
    expect_test::expect![[r#"
        planner
          rebuilt  bin plan
                   ← edited.rs: it is compiled from this file
          rebuilt  lib, lib test, bin plan test, test it
                   ← network lib ← stations lib ← edited.rs: it is compiled from this file
          rerun    doctests
                   ← network lib ← stations lib ← edited.rs: it is compiled from this file
        stations
          rebuilt  lib, lib test
                   ← edited.rs: it is compiled from this file
          rerun    doctests
                   ← stations lib ← edited.rs: it is compiled from this file
        network
          rebuilt  lib, lib test
                   ← stations lib ← edited.rs: it is compiled from this file
          rerun    doctests
                   ← stations lib ← edited.rs: it is compiled from this file
        12 units of 3 packages: 9 rebuilt, 3 rerun (cargo test --workspace --no-run)"#]]
    .assert_eq(&(report.text() + &report.headline()));
}

#[test]
fn directly_touched_packages_come_first() {
    let report = report(Verb::Check, &["testkit lib", "serde lib"]);
    expect_test::expect![[r#"
        serde (external)
          rebuilt  lib
                   ← edited.rs: it is compiled from this file
        testkit
          rebuilt  lib
                   ← edited.rs: it is compiled from this file
        network
          rebuilt  lib test
                   ← testkit lib ← edited.rs: it is compiled from this file
          rebuilt  lib
                   ← stations lib ← serde lib ← edited.rs: it is compiled from this file
        stations
          rebuilt  lib, lib test
                   ← serde lib ← edited.rs: it is compiled from this file
        planner
          rebuilt  lib, lib test, bin plan, bin plan test, test it
                   ← network lib ← stations lib ← serde lib ← edited.rs: it is compiled from this file
    "#]].assert_eq(&report.text());
}

#[test]
fn names_and_arguments_only_list_members() {
    let report = report(Verb::Check, &["serde lib"]);
    assert_eq!(report.names(), "network\nplanner\nstations\n");
    assert_eq!(report.cargo_args(), "-p network -p planner -p stations\n");
    let nothing = self::report(Verb::Check, &[]);
    assert_eq!(
        (nothing.text(), nothing.names(), nothing.cargo_args()),
        Default::default()
    );
    assert_eq!(
        nothing.headline(),
        "0 units of 0 packages: 0 rebuilt, 0 rerun (cargo check --workspace --all-targets)"
    );
}

#[test]
fn one_effect_can_be_kept() {
    let told = |effect| {
        let report = report(Verb::Test, &["tables lib"]).only(effect);
        let packages: Vec<_> = report
            .packages
            .iter()
            .map(|package| (package.name.as_str(), package.effect))
            .collect();
        format!("{packages:?}\n{}", report.text())
    };
    expect_test::expect![[r#"
        [("planner", Rebuilt), ("tables", Rebuilt)]
        tables
          rebuilt  lib
                   ← edited.rs: it is compiled from this file
        planner
          rebuilt  lib, lib test, bin plan, bin plan test, test it
                   ← tables lib ← edited.rs: it is compiled from this file
        [("planner", Rerun), ("tables", Rerun)]
        planner
          rerun    doctests
                   ← tables lib ← edited.rs: it is compiled from this file
        tables
          rerun    doctests
                   ← tables lib ← edited.rs: it is compiled from this file
    "#]]
    .assert_eq(&(told(Effect::Rebuilt) + &told(Effect::Rerun)));
}

#[test]
fn a_report_is_written_as_json() {
    let report = report(Verb::Test, &["network doctests"]);
    expect_test::expect![[r#"
        {
          "version": 1,
          "verb": "test",
          "compared": "the work tree since main",
          "workspace_root": "/w",
          "changes": [],
          "packages": [
            {
              "name": "network",
              "version": "0.1.0",
              "id": "path+file:///w/network#0.1.0",
              "member": true,
              "effect": "rerun"
            }
          ],
          "units": [
            {
              "package": "network",
              "package_version": "0.1.0",
              "package_id": "path+file:///w/network#0.1.0",
              "member": true,
              "target": "network",
              "kind": "lib",
              "mode": "doctest",
              "effect": "rerun",
              "seed": {
                "rule": "source",
                "path": "edited.rs",
                "because": "it is compiled from this file"
              },
              "chain": [
                "network doctests"
              ]
            }
          ],
          "recorded": {
            "current": 0,
            "compiled": 0
          },
          "notes": []
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&report).unwrap());
}

#[test]
fn units_are_named_as_cargo_names_their_targets() {
    let rows = [
        (TargetKind::Lib, Mode::Build, "lib"),
        (TargetKind::Lib, Mode::Test, "lib test"),
        (TargetKind::Lib, Mode::Doctest, "doctests"),
        (TargetKind::Bin, Mode::Build, "bin x"),
        (TargetKind::Bin, Mode::Test, "bin x test"),
        (TargetKind::Example, Mode::Build, "example x"),
        (TargetKind::Example, Mode::Test, "example x test"),
        (TargetKind::Test, Mode::Test, "test x"),
        (TargetKind::Bench, Mode::Test, "bench x"),
        (TargetKind::CustomBuild, Mode::Build, "build script"),
        (
            TargetKind::CustomBuild,
            Mode::RunCustomBuild,
            "build script run",
        ),
    ];
    for (kind, mode, expected) in rows {
        assert_eq!(target_name(kind, mode, "x"), expected);
    }
}

/// An argument that names a target applies to every named package.
#[test]
fn targets_of_two_versions_of_a_package_are_not_joined() {
    let told = |units: &[&str]| {
        let text = "one: test=a test=both\ntwo: test=b test=both";
        let mut report = AffectedReport::new(&answer(text, Verb::Test, units));
        for unit in &mut report.units {
            "same".clone_into(&mut unit.package);
        }
        report.target_args()
    };
    let both = told(&["one test both", "two test both"]);
    assert_eq!(both.as_deref(), Some("-p one -p two --test=both\n"));
    assert_eq!(told(&["one test a", "two test b"]), None);
}
