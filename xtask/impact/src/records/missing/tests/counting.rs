//! Tables of the conditions under which a record counts for a planned unit. The records are 500
//! seconds old, the files 1,000 seconds.

use serde_json::{Value, json};

use super::super::*;
use crate::build_dir::unit_record::UnitName;
use crate::testing::place;
use crate::testing::scene::Scene;
use crate::unit_graph::Verb;

/// A planned build, and the records of earlier builds.
struct Estimate {
    scene: Scene,
    units: Vec<PlannedUnit>,
    changed: Vec<Utf8PathBuf>,
    by_clippy: bool,
}

impl Estimate {
    fn new(text: &str) -> Self {
        Self {
            scene: Scene::new(text, Verb::Build, &[("a/data/x", ""), ("b/notes", "")]),
            units: Vec::new(),
            changed: Vec::new(),
            by_clippy: false,
        }
    }

    /// Plans a unit. `name` is the name of the unit's record, and `on` are the places of the
    /// dependencies in the plan.
    fn plan(&mut self, package: &str, name: &str, on: &[usize]) -> &mut PlannedUnit {
        let workspace = &self.scene.workspace;
        let name = UnitName::parse(name).unwrap();
        self.units.push(PlannedUnit {
            package: workspace.package(place(workspace, package)).id.clone(),
            is_for_host: name.kind == RecordedKind::BuildScript,
            name,
            platform: None,
            features: Vec::new(),
            source: None,
            is_checked: false,
            dependencies: on.to_vec(),
            has_debuginfo: false,
            profile: 1,
        });
        self.units.last_mut().unwrap()
    }

    fn set(&mut self, record: usize, key: &str, value: Value) {
        self.scene.set_in_record_at(record, key, value);
    }

    /// Adds a file to the change set.
    fn change(&mut self, path: &str, age: u64) {
        self.scene.set_age(path, age);
        self.changed.push(self.scene.root.join(path));
    }

    /// Returns the planned units that are missing, given the records of this profile directory.
    fn missing_in(&self, profile: &str) -> String {
        let workspace = &self.scene.workspace;
        let layout = PackageDirectories::new(workspace);
        let build = self.scene.root.join("target");
        let places = self.scene.places();
        let built = BuiltUnits::new((workspace, layout), &build, profile, &self.changed, places);
        let planned = PlannedBuild {
            units: self.units.clone(),
        };
        let missing = built.missing(&planned, self.by_clippy);
        assert!(!built.is_empty() || missing.len() == self.units.len());
        let names = missing.into_iter().map(|index| {
            let unit = &self.units[index];
            let host = if unit.is_for_host {
                " for the host"
            } else {
                ""
            };
            let package = name_and_version(&unit.package).0;
            format!("{package} {}{host}", unit.name.file_name())
        });
        names.collect::<Vec<_>>().join(", ")
    }

    fn missing(&self) -> String {
        self.missing_in("debug")
    }
}

/// Changes an estimate.
type Prepare<'a> = &'a dyn Fn(&mut Estimate);

/// Returns a fully built plan: `a` with a build script, and its dependencies. The records of `b`,
/// `util`, the script, its run and `a` have the places 0 to 4, like the planned units.
fn built() -> Estimate {
    let mut it = Estimate::new("a: lib script -> b, util\nb: lib\nutil external: lib");
    let scene = &mut it.scene;
    scene.compiled(("b", "lib"), &["b/src/lib.rs"], 500, (20, &[]));
    scene.compiled(("util", "lib"), &[], 500, (30, &[]));
    scene.compiled(("a", "script"), &["a/build.rs"], 500, (11, &[]));
    scene.run("a", &["a/data"], 500, 11);
    scene.compiled(("a", "lib"), &["a/src/lib.rs"], 500, (10, &[20, 30, 1011]));
    it.plan("b", "lib-b", &[]);
    it.plan("util", "lib-util", &[]);
    it.plan("a", "build-script-build-script-build", &[]);
    it.plan("a", "run-build-script-build-script-build", &[2]);
    it.plan("a", "lib-a", &[0, 1, 3]);
    it
}

/// Returns the inputs of a member's record that Clippy made.
fn of_clippy(it: &Estimate, package: &str) -> Value {
    let inputs = json!({ "Compiled": { "files": [], "real": [], "env": ["CLIPPY_ARGS"] } });
    json!([[it.scene.root.join(package), inputs]])
}

#[test]
fn a_record_counts_for_the_unit_that_it_was_made_for() {
    let b_and_a = "b lib-b, a lib-a";
    let script = "build-script-build-script-build for the host";
    let members = format!("b lib-b, a {script}, a run-{script}, a lib-a");
    let rows: [(&str, Prepare<'_>, &str); 17] = [
        ("nothing changed", &|_| {}, ""),
        (
            "a dependency has none",
            &|it| it.scene.remove_record(0),
            b_and_a,
        ),
        (
            "other features",
            &|it| it.set(4, "features", json!(["x"])),
            "a lib-a",
        ),
        (
            "the record of a script's run has no features",
            &|it| it.units[3].features = vec!["x".to_owned()],
            "",
        ),
        (
            "another toolchain",
            &|it| it.set(0, "rustc", json!(2)),
            b_and_a,
        ),
        (
            "fewer dependencies than at the build",
            &|it| it.units[4].dependencies = vec![0, 1],
            "a lib-a",
        ),
        (
            "built with another variant of a dependency",
            &|it| it.set(4, "dependencies", json!([[2, 21], [3, 30], [101, 1011]])),
            "a lib-a",
        ),
        (
            "the same version of a package",
            &|it| {
                it.units[1].source = Some("/registry/util-1/src/lib.rs".into());
                it.set(1, "compiled_from", json!("/registry/util-1/src/lib.rs"));
            },
            "",
        ),
        (
            "another version of a package",
            &|it| {
                it.units[1].source = Some("/registry/util-2/src/lib.rs".into());
                it.set(1, "compiled_from", json!("/registry/util-1/src/lib.rs"));
            },
            "util lib-util, a lib-a",
        ),
        (
            "a second variant with one record",
            &|it| {
                it.plan("b", "lib-b", &[]);
            },
            "b lib-b",
        ),
        (
            "a build after a check",
            &|it| {
                it.scene
                    .write("target/debug/deps/libb-0000000000000014.rmeta", "")
            },
            b_and_a,
        ),
        (
            "a check after a check",
            &|it| {
                it.scene
                    .write("target/debug/deps/libb-0000000000000014.rmeta", "");
                it.units[0].is_checked = true;
            },
            "",
        ),
        (
            "a build after clippy",
            &|it| it.set(0, "inputs", of_clippy(it, "b")),
            b_and_a,
        ),
        ("clippy after a build", &|it| it.by_clippy = true, &members),
        (
            "clippy after clippy",
            &|it| {
                it.by_clippy = true;
                it.set(0, "inputs", of_clippy(it, "b"));
                it.set(2, "inputs", of_clippy(it, "a"));
                it.set(4, "inputs", of_clippy(it, "a"));
            },
            "",
        ),
        (
            "a newer source",
            &|it| it.scene.set_age("b/src/lib.rs", 499),
            b_and_a,
        ),
        (
            "a newer input of the script",
            &|it| it.scene.set_age("a/data/x", 499),
            "a run-build-script-build-script-build for the host, a lib-a",
        ),
    ];
    for (story, prepare, expected) in rows {
        let mut estimate = built();
        prepare(&mut estimate);
        assert_eq!(estimate.missing(), expected, "{story}");
    }
    let estimate = built();
    let missing = estimate.missing_in("release");
    assert_eq!(missing.split(", ").count(), 5, "records of another profile");
}

#[test]
fn files_of_a_package_count_where_cargo_compares_the_newest_one() {
    let doc = |it: &mut Estimate| {
        it.scene.documented("b", ("src/lib.rs", 900), 500);
        it.plan("b", "doc-lib-b", &[]);
    };
    let run = |it: &mut Estimate| {
        it.scene
            .compiled(("a", "script"), &["a/build.rs"], 500, (11, &[]));
        it.scene.watched_package("a", ("data/x", 900), 500, 11);
        it.plan("a", "build-script-build-script-build", &[]);
        it.plan("a", "run-build-script-build-script-build", &[0]);
    };
    let unnamed = |it: &mut Estimate| {
        run(it);
        let inputs = json!([[it.scene.root.join("a"), { "Run": { "Package": null } }]]);
        it.scene.set_in_record("inputs", inputs);
    };
    let rows: [(&str, Prepare<'_>, &str, u64, bool); 11] = [
        ("documented", &doc, "b/notes", 501, false),
        ("documented", &doc, "b/notes", 499, true),
        ("documented", &doc, "a/data/x", 499, false),
        ("documented", &doc, "b/Cargo.toml", 499, true),
        ("watched", &run, "a/data/x", 901, false),
        ("watched", &run, "a/data/x", 900, false),
        ("watched", &run, "a/data/x", 899, true),
        ("watched", &run, "b/notes", 499, false),
        ("watched", &run, "a/Cargo.toml", 899, true),
        (
            "watched, without the newest file",
            &unnamed,
            "a/data/x",
            501,
            false,
        ),
        (
            "watched, without the newest file",
            &unnamed,
            "a/data/x",
            499,
            true,
        ),
    ];
    for (story, prepare, path, age, expected) in rows {
        let mut estimate = Estimate::new("a: lib script\nb: lib");
        prepare(&mut estimate);
        estimate.change(path, age);
        let missing = estimate.missing();
        assert_eq!(
            !missing.is_empty(),
            expected,
            "{story}: {path}, {age}: {missing}"
        );
    }
    // A manifest counts although git does not list it as changed.
    let mut estimate = Estimate::new("a: lib script\nb: lib");
    doc(&mut estimate);
    estimate.scene.set_age("b/Cargo.toml", 499);
    assert_eq!(estimate.missing(), "b doc-lib-b");
    // The record of a compiled unit without a list of files says nothing.
    let mut estimate = built();
    estimate.set(0, "inputs", json!([]));
    assert_eq!(estimate.missing(), "b lib-b, a lib-a");
    estimate.set(0, "invoked", Value::Null);
    assert_eq!(estimate.missing(), "b lib-b, a lib-a");
}

/// Cargo compiles a library twice that a build script or a procedural macro uses too, if the
/// profiles differ. The record for the host then does not count for the target.
#[test]
fn a_library_for_the_host_needs_a_record_of_its_own() {
    let by_macro = |it: &mut Estimate| {
        it.scene
            .compiled(("b", "lib"), &["b/src/lib.rs"], 500, (21, &[]));
        it.scene
            .compiled(("m", "lib"), &["m/src/lib.rs"], 500, (40, &[21]));
        it.scene
            .compiled(("a", "lib"), &["a/src/lib.rs"], 500, (10, &[40]));
        it.plan("b", "lib-b", &[]);
        it.plan("b", "lib-b", &[]).is_for_host = true;
        it.plan("m", "lib-m", &[1]).is_for_host = true;
        it.plan("a", "lib-a", &[2]);
    };
    let by_script = |it: &mut Estimate| {
        it.scene
            .compiled(("b", "lib"), &["b/src/lib.rs"], 500, (21, &[]));
        it.scene
            .compiled(("a", "script"), &["a/build.rs"], 500, (11, &[21]));
        it.scene.run("a", &["a/data"], 500, 11);
        it.scene
            .compiled(("a", "lib"), &["a/src/lib.rs"], 500, (10, &[1011]));
        it.plan("b", "lib-b", &[]);
        it.plan("b", "lib-b", &[]).is_for_host = true;
        it.plan("a", "build-script-build-script-build", &[1]);
        it.plan("a", "run-build-script-build-script-build", &[2]);
        it.plan("a", "lib-a", &[3]);
    };
    let test = |it: &mut Estimate| {
        it.scene
            .compiled(("b", "lib"), &["b/src/lib.rs"], 500, (21, &[]));
        it.scene
            .compiled(("m", "lib test"), &["m/src/lib.rs"], 500, (40, &[21]));
        it.plan("b", "lib-b", &[]);
        it.plan("b", "lib-b", &[]).is_for_host = true;
        it.plan("m", "test-lib-m", &[0]);
    };
    let debug = |it: &mut Estimate| it.units.last_mut().unwrap().has_debuginfo = true;
    let optimized = |it: &mut Estimate| {
        let host = it.units.iter_mut().filter(|unit| unit.is_for_host);
        host.for_each(|unit| unit.profile = 2);
    };
    let run = |it: &mut Estimate| {
        let runs = it.units.iter_mut();
        let runs = runs.filter(|unit| unit.name.mode == RecordedMode::Run);
        runs.for_each(|unit| unit.profile = 2);
    };
    let (target, host) = ("b lib-b", "b lib-b for the host");
    let rows: [(&str, Prepare<'_>, Prepare<'_>, &str); 8] = [
        ("only a macro used it", &by_macro, &debug, target),
        ("only a macro used it", &by_macro, &optimized, target),
        ("only a script used it", &by_script, &debug, target),
        ("only a script used it", &by_script, &optimized, target),
        // One variant serves both. The second unit counts as missing.
        ("the profiles are the same", &by_script, &|_| {}, host),
        ("a run has no profile", &by_script, &run, host),
        ("a test used it", &test, &debug, host),
        ("a test used it", &test, &optimized, host),
    ];
    for (story, records, profiles, expected) in rows {
        let text = "a: lib script -> b\nb: lib\nm: proc-macro -> b";
        let mut estimate = Estimate::new(text);
        records(&mut estimate);
        profiles(&mut estimate);
        assert_eq!(estimate.missing(), expected, "{story}");
    }
}

#[test]
fn the_records_of_a_platform_lie_in_its_directory() {
    for (platform, expected) in [
        (None, "target/debug"),
        (
            Some("wasm32-unknown-unknown"),
            "target/wasm32-unknown-unknown/debug",
        ),
        (Some("boards/mine.json"), "target/mine/debug"),
    ] {
        let mut estimate = Estimate::new("a: lib script\nb: lib");
        estimate.plan("b", "lib-b", &[]).platform = platform.map(str::to_owned);
        let workspace = &estimate.scene.workspace;
        let layout = PackageDirectories::new(workspace);
        let build = "target".into();
        let built = BuiltUnits::new((workspace, layout), build, "debug", &[], Vec::new());
        assert_eq!(built.directory_of(&estimate.units[0]), expected);
        assert!(built.is_empty());
    }
    let estimate = built();
    let workspace = &estimate.scene.workspace;
    let layout = PackageDirectories::new(workspace);
    let places = estimate.scene.places();
    let built = BuiltUnits::new((workspace, layout), "t".into(), "debug", &[], places);
    assert!(!built.is_empty());
}
