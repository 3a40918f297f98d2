//! Scenarios with records on disk as cargo writes them, without cargo.
//!
//! Each rule of the algorithm has a mutation, and a test that fails with it:
//!
//! | mutation | test |
//! | --- | --- |
//! | an invalidation removes the hash file only | [`a_file_that_changes_during_a_restore_invalidates_its_unit`], e2e `verify_finds_a_file_that_was_replaced_by_an_older_one` |
//! | no guard for missing generated files | [`a_missing_generated_file_runs_all_scripts_below`] |
//! | dependencies are not compared by their nonces | [`a_dependency_that_was_built_alone_invalidates_its_dependents`] |
//! | artifacts are stamped from dependencies to dependents | [`artifacts_are_stamped_from_dependents_to_dependencies`] |
//! | all sources get their recorded times | [`touch_sets_only_the_files_of_scripts_that_watch_their_package`] |
//! | `save` compares modification times only | [`a_file_that_changed_after_the_start_is_not_recorded`] |
//! | `save` does not compare inputs with the start of the unit | the same |
//! | a dependency may be younger than the unit that was built from it | [`a_unit_older_than_its_dependency_is_not_recorded`] |
//! | `save` trusts times that an archive cut off | [`a_build_whose_exact_times_are_lost_is_not_recorded`] |
//! | `restore` does not look at inputs again before its end | [`a_file_that_changes_during_a_restore_invalidates_its_unit`] |
//! | an input younger than the time of the stamps is accepted | `judge::tests::only_a_proven_unit_is_stamped`, [`a_young_input_is_waited_for`] |
//! | git's state, `[env]`, files for the linker, links, files of macros, ignored files and modes are not compared | e2e `inputs_that_cargo_does_not_track_rebuild_their_package`, one package for each |
//! | sources of vendored packages, `clippy.toml` are not compared | e2e `packages_and_directories_of_every_kind_are_restored` |
//! | `--touch` ignores other build directories | e2e `touch_is_refused_if_there_is_another_build_directory` |
//! | a record of another build directory is used | `record::tests::a_record_is_read_by_its_owner_alone` |
//! | a unit without an entry stays fresh in a copy | `judge::tests::only_a_proven_unit_is_stamped` |
//! | a natural unit with another content stays fresh | the same |
//! | the sizes of artifacts are not compared | [`a_unit_with_other_artifacts_is_not_proven`] |
//! | an archive is unpacked over the build directory | [`an_archive_over_the_directory_makes_a_copy`] |
//! | a unit of another workspace's package counts | [`a_unit_of_another_workspace_is_not_recorded`] |
//! | an input that cannot be compared counts as seen by cargo | [`an_input_that_cannot_be_compared_invalidates_its_units`] |

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::{Value, json};
use tempfile::TempDir;
use xtask_impact::build_dir::Directories;
use xtask_impact::files::nanoseconds;
use xtask_impact::process::{self, Runner};
use xtask_impact::testing::{scratch, workspace_in, write};
use xtask_impact::workspace::Workspace;

use super::clock::FileClock;
use super::config::FreshnessConfig;
use super::judge::{self, FreshnessAction, JudgeOptions, RestorePlan};
use super::record::BuildRecord;
use super::subject::{FreshnessScene, RecordedBuilds};
use super::{restamp, save};

/// The units of the scenarios: a script that watches `gen/data.txt`, its library, and two libraries
/// above it. Each name is that of a package.
const PACKAGES: &str = "gen: script lib\nbase: lib -> gen\ntop: lib -> base\nwhole: script lib";

/// A build directory that was written by hand.
struct HandMadeBuild {
    _scratch: TempDir,
    root: Utf8PathBuf,
    workspace: Workspace,
    runner: Runner,
    directories: Directories,
    now: SystemTime,
    config: FreshnessConfig,
}

impl HandMadeBuild {
    /// Writes sources that are 1,000 seconds old, and units that start in the future: the time of
    /// change of a source cannot be set back.
    fn new() -> Self {
        let (scratch, root) = scratch();
        let workspace = workspace_in(&root, PACKAGES);
        let runner = Runner::new().unwrap().in_directory(&root);
        let directories = workspace.directories();
        let build = Self {
            _scratch: scratch,
            root,
            workspace,
            runner,
            directories,
            now: SystemTime::now(),
            config: FreshnessConfig::default(),
        };
        for file in [
            "gen/data.txt",
            "gen/src/lib.rs",
            "base/src/lib.rs",
            "top/src/lib.rs",
        ] {
            build.source(file, "1", 1000);
        }
        for file in ["whole/Cargo.toml", "whole/build.rs", "whole/src/lib.rs"] {
            build.source(file, "1", 1000);
        }
        build.source(".gitignore", "/target\nmade.rs\n", 1000);
        build.source("base/src/made.rs", "1", 1000);
        build.git(&["init", "--quiet"]);
        build.git(&["add", "--all"]);
        let tag = "Signature: 8a477f597d28d172789f06886806bc55\n# cargo\n";
        write(&build.directories.build.join("CACHEDIR.TAG"), tag);
        build.run(
            "gen",
            1,
            &json!({ "RerunIfChanged": {
                "output": "debug/build/gen-0000000000000001/output", "paths": ["data.txt"],
            }}),
        );
        build.compile("gen", 2, &[1], &["src/lib.rs"]);
        build.compile("base", 3, &[2], &["src/lib.rs", "src/made.rs"]);
        build.compile("top", 4, &[3], &["src/lib.rs"]);
        let newest = build
            .ago(1000)
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap();
        let since = if cfg!(windows) { 11_644_473_600 } else { 0 };
        let newest = format!("{}.000000000s (src/lib.rs)", newest.as_secs() + since);
        build.run("whole", 5, &json!({ "Precalculated": newest }));
        build
    }

    fn git(&self, arguments: &[&str]) {
        process::checked(self.runner.git().args(arguments)).unwrap();
    }

    /// Returns a time in whole seconds before now.
    fn ago(&self, seconds: u64) -> SystemTime {
        let since = self.now.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs() - seconds)
    }

    fn source(&self, path: &str, text: &str, age: u64) {
        write(&self.root.join(path), text);
        set_time(&self.root.join(path), self.ago(age));
    }

    /// Writes the record of a library.
    fn compile(&self, package: &str, value: u64, on: &[u64], files: &[&str]) {
        let record = format!("debug/.fingerprint/{package}-{value:016x}");
        let reference = format!("{record}/dep-lib-{package}");
        let mut bytes = vec![1, 0, 0, 0, 0xff, 1];
        let number = |it: usize| u32::try_from(it).unwrap().to_le_bytes();
        bytes.extend(number(files.len()));
        for file in files {
            bytes.push(0);
            bytes.extend(number(file.len()));
            bytes.extend(file.as_bytes());
            bytes.push(0);
        }
        bytes.extend(number(0));
        let path = self.directories.build.join(&reference);
        write(&path, "");
        fs::write(&path, bytes).unwrap();
        self.artifact(&format!("debug/deps/lib{package}-{value:016x}.rlib"));
        let local = json!({ "CheckDepInfo": { "dep_info": reference, "checksum": false } });
        self.unit(&format!("{record}/lib-{package}"), value, on, &local);
        self.start(&path, &path.with_file_name("invoked.timestamp"));
    }

    /// Writes the record of a script's run.
    fn run(&self, package: &str, value: u64, local: &Value) {
        let record = format!("debug/.fingerprint/{package}-{value:016x}");
        self.unit(
            &format!("{record}/run-build-script-build-script-build"),
            value,
            &[],
            local,
        );
        let output = self
            .directories
            .build
            .join(format!("debug/build/{package}-{value:016x}/output"));
        write(&output, "");
        self.start(&output, &output.with_file_name("invoked.timestamp"));
    }

    fn unit(&self, hash_file: &str, value: u64, on: &[u64], local: &Value) {
        let hash_file = self.directories.build.join(hash_file);
        write(&hash_file, &format!("{:016x}", value.swap_bytes()));
        let on: Vec<_> = on
            .iter()
            .map(|it| json!([it, "dependency", false, it]))
            .collect();
        let values = json!({
            "rustc": 1, "features": "[]", "declared_features": "[]", "deps": on,
            "local": [local], "rustflags": [],
        });
        write(&hash_file.with_extension("json"), &values.to_string());
    }

    fn artifact(&self, path: &str) {
        write(&self.directories.build.join(path), "artifact");
    }

    /// Sets the start of a unit.
    fn start(&self, reference: &Utf8Path, timestamp: &Utf8Path) {
        write(timestamp, "");
        for path in [reference, timestamp] {
            set_time(path, self.ago(0) + Duration::from_millis(100_500));
        }
    }

    fn scene(&self) -> FreshnessScene<'_> {
        FreshnessScene {
            workspace: &self.workspace,
            runner: &self.runner,
            config: self.config.clone(),
            cargo: "1.95.0".to_owned(),
        }
    }

    fn builds<'a>(&self, scene: &'a FreshnessScene<'a>) -> RecordedBuilds<'a> {
        let all = [self.directories.build.clone()];
        RecordedBuilds::read(scene, &self.directories, &all).unwrap()
    }

    /// Records the units. Returns the units without a proof, each with the reason.
    fn save(&self) -> String {
        let scene = self.scene();
        let builds = self.builds(&scene);
        let clock = FileClock::probe(&self.directories.build).unwrap();
        let plan = save::plan(&scene, &builds, clock);
        save::apply(&plan).unwrap();
        self.refused(&plan.record)
    }

    fn refused(&self, record: &BuildRecord) -> String {
        let refused = record.units.iter().filter_map(|it| {
            let reason = it
                .inputs
                .as_ref()
                .err()
                .or(it.dependencies.as_ref().err())?;
            let name = it.key.rsplit('/').next().unwrap();
            Some(format!(
                "{name}: {}\n",
                reason.replace(&format!("{}/", self.root), "")
            ))
        });
        refused.collect()
    }

    /// Makes all reference files older than the sources, as a checkout does.
    fn age(&self) {
        for unit in self.builds(&self.scene()).units.units {
            set_time(&unit.files.reference.unwrap(), self.ago(2000));
        }
    }

    fn plan(&self, is_carried: bool, touch: bool) -> RestorePlan {
        self.plan_at(FileClock::of_system(), is_carried, touch)
    }

    fn plan_at(&self, clock: FileClock, is_carried: bool, touch: bool) -> RestorePlan {
        let scene = self.scene();
        let mut builds = self.builds(&scene);
        builds.is_carried = is_carried;
        let options = JudgeOptions {
            touch,
            verify: false,
        };
        judge::plan(&scene, &builds, clock, options)
    }

    /// Returns the actions of a plan, in the order of the units.
    fn actions(&self, plan: &RestorePlan) -> String {
        let scene = self.scene();
        let units = self.builds(&scene).units.units;
        let shown = plan.units.iter().map(|it| {
            let reason = it.reason.as_deref().unwrap_or("-");
            let reason = reason.replace(&format!("{}/", self.root), "");
            format!(
                "{} {:?}: {reason}\n",
                units[it.at].key.split('/').nth(2).unwrap(),
                it.action
            )
        });
        shown.collect::<String>().replace("-00000000000000", " ")
    }
}

fn set_time(path: &Utf8Path, time: SystemTime) {
    File::options()
        .append(true)
        .open(path)
        .unwrap()
        .set_modified(time)
        .unwrap();
}

#[test]
fn artifacts_are_stamped_from_dependents_to_dependencies() {
    let build = HandMadeBuild::new();
    assert_eq!(build.save(), "");
    build.age();
    for is_carried in [false, true] {
        let plan = build.plan(is_carried, false);
        let actions = plan.units.iter().map(|it| format!("{:?}", it.action));
        assert_eq!(
            actions.collect::<Vec<_>>().join(" "),
            "Stamp Stamp Stamp Stamp Keep",
            "{}",
            build.actions(&plan)
        );
        let names = plan
            .outputs
            .iter()
            .map(|it| it.strip_prefix(&build.directories.build).unwrap());
        let names = names.map(Utf8Path::as_str);
        let names: Vec<_> = names.filter(|it| !it.contains("whole")).collect();
        assert_eq!(
            names,
            [
                "debug/deps/libtop-0000000000000004.rlib",
                "debug/deps/libbase-0000000000000003.rlib",
                "debug/deps/libgen-0000000000000002.rlib",
                "debug/build/gen-0000000000000001/output",
            ]
        );
    }
}

#[test]
fn a_dependency_that_was_built_alone_invalidates_its_dependents() {
    let build = HandMadeBuild::new();
    assert_eq!(build.save(), "");
    // Cargo writes the file without a nonce when it builds the unit again.
    let timestamp = "debug/.fingerprint/base-0000000000000003/invoked.timestamp";
    write(&build.directories.build.join(timestamp), "");
    let plan = build.plan(true, true);
    expect_test::expect![[r#"
        base 03 Invalidate: it was not recorded
        gen 01 Keep: -
        gen 02 Stamp: -
        top 04 Invalidate: its dependency base was built again since
        whole 05 Keep: -
    "#]]
    .assert_eq(&build.actions(&plan));
    // In the original directory, cargo compares the times of the artifacts.
    let plan = build.plan(false, false);
    expect_test::expect![[r#"
        base 03 Keep: it was not recorded
        gen 01 Keep: -
        gen 02 Keep: -
        top 04 Keep: its dependency base was built again since
        whole 05 Keep: -
    "#]]
    .assert_eq(&build.actions(&plan));
}

#[test]
fn an_archive_over_the_directory_makes_a_copy() {
    let build = HandMadeBuild::new();
    assert_eq!(build.save(), "");
    let scene = build.scene();
    assert!(!build.builds(&scene).is_carried);
    let record = super::record::path(&build.directories.build);
    let time = fs::metadata(&record).unwrap().modified().unwrap();
    let unpacked = record.with_extension("unpacked");
    fs::copy(&record, &unpacked).unwrap();
    fs::rename(&unpacked, &record).unwrap();
    set_time(&record, time);
    assert!(build.builds(&scene).is_carried);
    assert_eq!(build.save(), "");
    assert!(!build.builds(&scene).is_carried);
}

#[test]
fn a_unit_of_another_workspace_is_not_recorded() {
    let build = HandMadeBuild::new();
    let dep_info = |package: &str, value: u64, source: &str| {
        let path = format!("debug/deps/{package}-{value:016x}.d");
        let text = format!("lib{package}.rmeta: {source}\n");
        write(&build.directories.build.join(path), &text);
    };
    dep_info("gen", 2, "gen/src/lib.rs");
    dep_info("base", 3, "other/base/src/lib.rs");
    assert_eq!(
        build.save(),
        "lib-base: it was compiled from a package of another workspace\n"
    );
}

#[test]
fn an_input_that_cannot_be_compared_invalidates_its_units() {
    let mut build = HandMadeBuild::new();
    build.config.inputs = vec!["notes".into()];
    assert_eq!(build.save(), "");
    write(
        &build.root.join("notes").join("deep/".repeat(70)).join("x"),
        "",
    );
    let plan = build.plan(false, false);
    let stale = plan.units.iter().filter(|it| it.has_changed);
    let mut actions = stale.map(|it| it.action);
    assert!(actions.all(|it| it == FreshnessAction::Invalidate));
    assert_eq!(plan.units.iter().filter(|it| it.has_changed).count(), 5);
}

/// A cache may lose files, or mix those of two builds.
#[test]
fn a_unit_with_other_artifacts_is_not_proven() {
    let build = HandMadeBuild::new();
    let generated = "debug/build/gen-0000000000000001/out/bindings.rs";
    write(&build.directories.build.join(generated), "generated");
    assert_eq!(build.save(), "");
    build.age();
    let artifact = |path: &str| build.directories.build.join(path);
    write(&artifact("debug/deps/libbase-0000000000000003.rlib"), "cut");
    fs::remove_file(artifact(generated)).unwrap();
    let plan = build.plan(true, false);
    expect_test::expect![[r#"
        base 03 Invalidate: its artifacts differ from those of the recorded build
        gen 01 Invalidate: its artifacts differ from those of the recorded build
        gen 02 Stamp: -
        top 04 Stamp: -
        whole 05 Keep: -
    "#]]
    .assert_eq(&build.actions(&plan));
}

#[test]
fn a_missing_generated_file_runs_all_scripts_below() {
    let build = HandMadeBuild::new();
    assert_eq!(build.save(), "");
    fs::remove_file(build.root.join("base/src/made.rs")).unwrap();
    let plan = build.plan(true, false);
    expect_test::expect![[r#"
        base 03 Rebuild: base/src/made.rs
        gen 01 Invalidate: a missing file can be written only by a build script
        gen 02 Stamp: -
        top 04 Stamp: -
        whole 05 Keep: -
    "#]]
    .assert_eq(&build.actions(&plan));
    // A file that git tracks was not written by a script.
    build.source("base/src/made.rs", "1", 1000);
    fs::remove_file(build.root.join("base/src/lib.rs")).unwrap();
    let plan = build.plan(true, false);
    expect_test::expect![[r#"
        base 03 Rebuild: base/src/lib.rs
        gen 01 Keep: -
        gen 02 Stamp: -
        top 04 Stamp: -
        whole 05 Keep: -
    "#]]
    .assert_eq(&build.actions(&plan));
}

#[test]
fn touch_sets_only_the_files_of_scripts_that_watch_their_package() {
    let mut build = HandMadeBuild::new();
    build.config.inputs = vec!["gen/data.txt".into()];
    assert_eq!(build.save(), "");
    build.age();
    for file in [
        "whole/Cargo.toml",
        "whole/build.rs",
        "whole/src/lib.rs",
        "top/src/lib.rs",
    ] {
        build.source(file, "1", 500);
    }
    let plan = build.plan(true, true);
    let touched = plan
        .touched
        .keys()
        .map(|it| it.strip_prefix(&build.root).unwrap().as_str());
    let touched: Vec<_> = touched.collect();
    assert_eq!(
        touched,
        ["whole/Cargo.toml", "whole/build.rs", "whole/src/lib.rs"]
    );
    assert!(build.plan(true, false).touched.is_empty());
    build.source("whole/src/lib.rs", "2", 500);
    let plan = build.plan(true, true);
    assert!(plan.touched.is_empty(), "{}", build.actions(&plan));
}

#[test]
fn a_file_that_changed_after_the_start_is_not_recorded() {
    let build = HandMadeBuild::new();
    // The unit starts before the files were written. Their times of modification are older.
    for unit in [
        "debug/.fingerprint/base-0000000000000003/dep-lib-base",
        "debug/build/gen-0000000000000001/output",
    ] {
        let path = build.directories.build.join(unit);
        for path in [path.clone(), path.with_file_name("invoked.timestamp")] {
            set_time(&path, build.ago(100) + Duration::from_millis(500));
        }
    }
    expect_test::expect![[r#"
        lib-base: base/src/lib.rs changed after the unit was started
        run-build-script-build-script-build: gen/data.txt changed after the unit was started
    "#]]
    .assert_eq(&build.save());
}

#[test]
fn a_build_whose_exact_times_are_lost_is_not_recorded() {
    let build = HandMadeBuild::new();
    let record = build
        .directories
        .build
        .join("debug/.fingerprint/top-0000000000000004");
    for name in ["dep-lib-top", "invoked.timestamp"] {
        set_time(&record.join(name), build.ago(0) + Duration::from_secs(101));
    }
    let output = build
        .directories
        .build
        .join("debug/build/gen-0000000000000001/output");
    set_time(&output, build.ago(0) + Duration::from_millis(100_600));
    expect_test::expect![[r#"
        run-build-script-build-script-build: the exact times of its build are lost
        lib-top: the exact times of its build are lost
    "#]]
    .assert_eq(&build.save());
}

#[test]
fn a_unit_older_than_its_dependency_is_not_recorded() {
    let build = HandMadeBuild::new();
    let record = build
        .directories
        .build
        .join("debug/.fingerprint/top-0000000000000004");
    for name in ["dep-lib-top", "invoked.timestamp"] {
        set_time(
            &record.join(name),
            build.ago(0) + Duration::from_millis(99_500),
        );
    }
    expect_test::expect![[r#"
        lib-top: its dependency base was built again since
    "#]]
    .assert_eq(&build.save());
}

#[test]
fn a_young_input_is_waited_for() {
    let build = HandMadeBuild::new();
    assert_eq!(build.save(), "");
    build.age();
    let clock = FileClock {
        now: nanoseconds(build.ago(0)),
        margin: 2_000_000_000,
    };
    assert_eq!(build.plan_at(clock, true, false).wait_for, None);
    build.source("base/src/lib.rs", "1", 1);
    let plan = build.plan_at(clock, true, false);
    assert_eq!(plan.wait_for, Some(nanoseconds(build.ago(1))));
    let shown = build.actions(&plan);
    assert_eq!(plan.units[0].action, FreshnessAction::Invalidate, "{shown}");
    // Waiting does not bring back the content.
    build.source("base/src/lib.rs", "2", 1);
    assert_eq!(build.plan_at(clock, true, false).wait_for, None);
}

#[test]
fn a_file_that_changes_during_a_restore_invalidates_its_unit() {
    let build = HandMadeBuild::new();
    assert_eq!(build.save(), "");
    build.age();
    let scene = build.scene();
    let mut builds = build.builds(&scene);
    builds.is_carried = true;
    let options = JudgeOptions::default();
    let plan = judge::plan(&scene, &builds, FileClock::of_system(), options);
    // The same size and the same time of modification.
    build.source("base/src/lib.rs", "2", 1000);
    let changed = restamp::apply(&plan, &builds, &build.directories).unwrap();
    let keys = changed
        .iter()
        .map(|it| builds.units.units[*it].key.as_str());
    let base = "debug/.fingerprint/base-0000000000000003";
    assert_eq!(keys.collect::<Vec<_>>(), [format!("{base}/lib-base")]);
    let base = build.directories.build.join(base);
    assert!(!base.join("lib-base").exists() && !base.join("dep-lib-base").exists());
    let top = "debug/.fingerprint/top-0000000000000004/dep-lib-top";
    let time = fs::metadata(build.directories.build.join(top))
        .unwrap()
        .modified()
        .unwrap();
    assert!(time > build.ago(1000), "the other units are stamped");
}
