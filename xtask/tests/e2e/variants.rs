//! A library that cargo builds in two variants: a build script uses the library with other features
//! than the other packages.

use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::Duration;

use crate::support::clean::CHECK;
use crate::support::{Project, Unit};

/// Makes a project in which `depot` uses `engine` with a feature that adds a module, and the build
/// script of `line` uses `engine` without this feature. `station` depends on `line`.
fn with_two_engines() -> Project {
    let project = Project::with_libraries(&[
        ("engine", &[]),
        ("depot", &[]),
        ("line", &[]),
        ("station", &["line"]),
    ]);
    project.append("crates/engine/Cargo.toml", "[features]\nsteam = []\n");
    let library = "#[cfg(feature = \"steam\")]\nmod steam;\nmod wheels;\n";
    project.write("crates/engine/src/lib.rs", library);
    project.write("crates/engine/src/steam.rs", "");
    project.write("crates/engine/src/wheels.rs", "");
    let steam = "engine = { path = \"../engine\", features = [\"steam\"] }\n";
    project.append("crates/depot/Cargo.toml", steam);
    let plain = "[build-dependencies]\nengine = { path = \"../engine\" }\n";
    project.append("crates/line/Cargo.toml", plain);
    let script = "fn main() { println!(\"cargo::rerun-if-changed=build.rs\"); }\n";
    project.write("crates/line/build.rs", script);
    project.commit("Two engines");
    project.build(CHECK).unwrap();
    project
}

fn packages(units: &BTreeSet<Unit>) -> Vec<String> {
    let name = |unit: &Unit| unit.to_string().split('#').next().unwrap().to_owned();
    let names: BTreeSet<_> = units.iter().map(name).collect();
    names.into_iter().collect()
}

#[test]
fn a_file_of_one_variant_affects_only_its_dependents() {
    let project = with_two_engines();
    let edits: [(&[&str], &[&str]); 4] = [
        (&["engine/src/steam.rs"], &["depot", "engine"]),
        (
            &["engine/src/wheels.rs"],
            &["depot", "engine", "line", "station"],
        ),
        (
            &["engine/src/steam.rs", "line/src/lib.rs"],
            &["depot", "engine", "line", "station"],
        ),
        (&["engine/src/steam.rs"], &["depot", "engine"]),
    ];
    for (files, expected) in edits {
        sleep(Duration::from_millis(20));
        for file in files {
            project.append(format!("crates/{file}"), "// Edited.\n");
        }
        let named = project.named(&["--verb", "check"]);
        assert_eq!(packages(&named), expected, "{files:?}");
        assert_eq!(project.build(CHECK).unwrap(), named, "{files:?}");
        project.commit("Edit");
    }
}

#[test]
fn a_dependency_of_one_variant_affects_only_its_dependents() {
    let project = with_two_engines();
    project.library("boiler", &[]);
    let optional = "[dependencies.boiler]\npath = \"../boiler\"\noptional = true\n";
    project.append("crates/engine/Cargo.toml", optional);
    project.replace(
        "crates/engine/Cargo.toml",
        "steam = []",
        "steam = [\"dep:boiler\"]",
    );
    project.commit("A boiler");
    // Artifacts that cargo did not rebuild are older than their manifest now.
    project.remove("target");
    project.build(CHECK).unwrap();
    project.append("crates/boiler/src/lib.rs", "// Edited.\n");
    let named = project.named(&["--verb", "check"]);
    assert_eq!(packages(&named), ["boiler", "depot", "engine"]);
    assert_eq!(project.build(CHECK).unwrap(), named);
}

#[test]
fn a_stale_variant_is_no_proof() {
    let project = with_two_engines();
    sleep(Duration::from_millis(20));
    let library = "mod wheels;\nmod steam;\n";
    project.write("crates/engine/src/lib.rs", library);
    project.commit("Steam for all");
    // The variant for the script is now older than the library's source.
    project.build(&["check", "--package", "depot"]).unwrap();
    project.append("crates/engine/src/steam.rs", "// Edited.\n");
    let named = project.named(&["--verb", "check"]);
    assert_eq!(packages(&named), ["depot", "engine", "line", "station"]);
}

#[test]
fn a_variant_with_a_stale_script_run_is_no_proof() {
    let project = with_two_engines();
    let script = "fn main() { println!(\"cargo::rerun-if-changed=gauge.txt\"); }\n";
    project.write("crates/engine/build.rs", script);
    project.write("crates/engine/gauge.txt", "1435\n");
    project.commit("A gauge");
    project.build(CHECK).unwrap();
    sleep(Duration::from_millis(20));
    project.append("crates/engine/gauge.txt", "1000\n");
    project.commit("Another gauge");
    project.build(&["check", "--package", "depot"]).unwrap();
    project.append("crates/engine/src/steam.rs", "// Edited.\n");
    let named = project.named(&["--verb", "check"]);
    assert_eq!(packages(&named), ["depot", "engine", "line", "station"]);
}

#[test]
fn a_variant_older_than_its_manifest_is_no_proof() {
    let project = with_two_engines();
    project.library("boiler", &[]);
    let manifest = project.read("crates/engine/Cargo.toml");
    let boiler = "[dependencies]\nboiler = { path = \"../boiler\" }\n";
    let manifest = manifest.replace("[dependencies]\n", boiler);
    sleep(Duration::from_millis(20));
    project.write("crates/engine/Cargo.toml", &manifest);
    project.commit("A boiler for all");
    project.build(&["check", "--package", "depot"]).unwrap();
    project.append("crates/boiler/src/lib.rs", "// Edited.\n");
    let named = project.named(&["--verb", "check"]);
    let all = ["boiler", "depot", "engine", "line", "station"];
    assert_eq!(packages(&named), all);
}

#[test]
fn packages_built_one_by_one_are_no_proof_for_the_workspace() {
    let project = with_two_engines();
    project.append(
        "crates/station/Cargo.toml",
        "engine = { path = \"../engine\" }\n",
    );
    project.commit("A station has an engine, too");
    project.remove("target");
    for package in ["depot", "line", "station"] {
        let check = ["check", "--all-targets", "--package", package];
        project.build(&check).unwrap();
    }
    // In the build of `station` alone, `engine` had no feature `steam`. In a build of the whole
    // workspace, `engine` has this feature.
    project.append("crates/engine/src/steam.rs", "// Edited.\n");
    let named = project.named(&["--verb", "check"]);
    assert_eq!(packages(&named), ["depot", "engine", "station"]);
}

#[test]
#[cfg(unix)]
fn only_the_variant_that_reads_the_file_is_cleaned() {
    let project = with_two_engines();
    project.remove("target");
    let builds = project.build_each(&[CHECK.to_vec()]);
    let asked = ["--verb", "check", "--file", "crates/engine/src/steam.rs"];
    let affected = project.named(&asked);
    assert_eq!(packages(&affected), ["depot", "engine"]);
    project.clean_as_planned(&asked);
    project.builds_again(&affected, &builds);
}
