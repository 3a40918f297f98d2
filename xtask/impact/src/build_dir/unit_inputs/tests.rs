#![expect(clippy::disallowed_methods, reason = "a build is made to be read")]

use std::fs;
use std::process::Command;

use super::super::unit_record::{RecordedKind, StoredFingerprint, UnitName};
use super::*;
use crate::build_dir::{Layout, profile_dirs};
use crate::testing::{scratch, write};

/// Writes a package with a build script, a library that reads a file that the script wrote, a test,
/// and paths with spaces.
fn package(root: &Utf8Path) {
    for (path, text) in [
        (
            "Cargo.toml",
            "[workspace]\n[package]\nname = 'a-b'\nedition = '2021'\nbuild = 'b s/build.rs'\n",
        ),
        (
            "b s/build.rs",
            "fn main() {
                let out = std::env::var(\"OUT_DIR\").unwrap();
                std::fs::write(out + \"/g.rs\", \"pub fn g() {}\").unwrap();
                println!(\"cargo:rerun-if-changed=b s/build.rs\");
                println!(\"  cargo::rerun-if-env-changed=A_B\");
                println!(\"cargo::rustc-env=MADE=a=b\");
            }",
        ),
        (
            "src/lib.rs",
            "include!(concat!(env!(\"OUT_DIR\"), \"/g.rs\"));
            pub const MADE: &str = env!(\"MADE\");
            pub const HOME: &str = env!(\"CARGO_MANIFEST_DIR\");
            pub const ASKED: Option<&str> = option_env!(\"A_C\");
            pub const TEXT: &str = include_str!(\"../a text.txt\");",
        ),
        ("a text.txt", "text"),
        ("tests/it.rs", "#[test] fn it() { a_b::g() }"),
    ] {
        write(&root.join(path), text);
    }
}

/// Builds without and with the flag of the new layout. The flag has no effect in a cargo that only
/// has the new layout.
#[test]
fn a_real_build_is_read_in_both_layouts() {
    let (_directory, top) = scratch();
    let root = top.join("unit inputs");
    package(&root);
    for flag in [None, Some("-Zbuild-dir-new-layout")] {
        let target = root.join(format!("target {}", flag.unwrap_or_default()));
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut cargo = Command::new(cargo);
        cargo.args(flag).args([
            "check",
            "--quiet",
            "--offline",
            "--all-targets",
            "--target-dir",
        ]);
        cargo
            .arg(&target)
            .current_dir(&root)
            .env_remove("A_B")
            .env_remove("A_C");
        cargo
            .env_remove("CARGO_BUILD_TARGET")
            .env_remove("CARGO_BUILD_BUILD_DIR");
        assert!(
            cargo
                .env("RUSTC_BOOTSTRAP", "1")
                .status()
                .unwrap()
                .success()
        );

        let dirs = profile_dirs(&target).unwrap();
        assert_eq!(dirs.len(), 1);
        let dir = &dirs[0];
        assert_eq!((&dir.directory[..], &dir.triple), ("debug", &None));
        assert!(flag.is_none() || dir.layout == Layout::V2);
        let hashes = dir.hashes().unwrap();
        let directories = dir.unit_dirs(&|_| true).unwrap();
        let units = directories.iter();
        let units = units.flat_map(|it| dir.read_unit(&it.0, &it.1, &hashes).unwrap());
        let units: Vec<_> = units.collect();
        assert_eq!(units.len(), directories.len());
        let mut names: Vec<_> = units.iter().map(|unit| unit.name.file_name()).collect();
        names.sort();
        let expected = [
            "build-script-build-script-build",
            "lib-a_b",
            "run-build-script-build-script-build",
            "test-integration-test-it",
            "test-lib-a_b",
        ];
        assert_eq!(names, expected);
        the_records_say_what_was_read(&root, dir, &units);
    }
}

fn the_records_say_what_was_read(root: &Utf8Path, dir: &ProfileDir, units: &[StoredFingerprint]) {
    let unit = |name: &str| {
        let name = UnitName::parse(name);
        let mut units = units.iter();
        units
            .find(|unit| Some(&unit.name) == name.as_ref())
            .unwrap()
    };
    let roots = Roots {
        workspace: root,
        package: root,
    };
    let lib = unit("lib-a_b");
    assert_eq!(lib.plain, dir.layout == Layout::V2);
    assert!(
        lib.invoked.unwrap()
            >= fs::metadata(root.join("src/lib.rs"))
                .unwrap()
                .modified()
                .unwrap()
    );

    let run = unit("run-build-script-build-script-build");
    let run_dir = dir.script_output(&run.package, &run.hash);
    let run_dir = run_dir.parent().unwrap();
    let out_dir = match dir.layout {
        Layout::V1 => run_dir.join("out"),
        Layout::V2 => run_dir.with_file_name("out"),
    };
    let mut files = ["a text.txt", "src/lib.rs"]
        .map(|path| root.join(path))
        .to_vec();
    files.push(out_dir.join("g.rs"));
    files.sort();
    let cargos = dir.sources(lib, roots).unwrap();
    assert_eq!(cargos.files, files);
    assert_eq!(cargos.env, [("A_C".to_owned(), None)]);

    let dep_info = dir
        .fingerprint_dir(&lib.package, &lib.hash)
        .join("dep-lib-a_b");
    let whole = fs::read(&dep_info).unwrap();
    fs::write(&dep_info, &whole[..whole.len() - 1]).unwrap();
    let rustcs = dir.sources(lib, roots).unwrap();
    assert_eq!(rustcs.files, files);
    let mut asked: Vec<_> = rustcs.env.iter().map(|(name, _)| &name[..]).collect();
    asked.sort();
    assert_eq!(asked, ["A_C", "CARGO_MANIFEST_DIR", "MADE", "OUT_DIR"]);
    fs::remove_file(dir.rustc_dep_info(lib).unwrap()).unwrap();
    assert_eq!(dir.sources(lib, roots), None);

    let script = unit("build-script-build-script-build");
    assert_eq!(script.name.kind, RecordedKind::BuildScript);
    assert_eq!(
        dir.sources(script, roots).unwrap().files,
        [root.join("b s/build.rs")]
    );
    assert!(dir.rustc_dep_info(script).is_some());
    // Dependents refer to exactly the records that they were built with.
    assert_eq!(run.fingerprint.deps[0].3, script.value);
    assert!(
        lib.fingerprint
            .deps
            .iter()
            .any(|dependency| dependency.3 == run.value)
    );
    assert_eq!(run.fingerprint.rustc, lib.fingerprint.rustc);

    let said = dir.script_run(run, root).unwrap();
    let watch = Watch::Declared(vec![root.join("b s/build.rs")], vec![("A_B".into(), None)]);
    let rustc_env = vec![("MADE".into(), "a=b".into())];
    assert_eq!(
        said,
        ScriptRun {
            watch,
            rustc_env: rustc_env.clone(),
            settled: true
        }
    );
    assert_eq!(dir.sources(run, roots), None);

    // The output of a script that no longer declares inputs: cargo would rerun the script once.
    fs::write(
        dir.script_output(&run.package, &run.hash),
        "cargo::rustc-env=MADE=a=b\n",
    )
    .unwrap();
    let said = dir.script_run(run, root).unwrap();
    assert_eq!(
        said,
        ScriptRun {
            watch: Watch::Package(None),
            rustc_env,
            settled: false
        }
    );

    let mut overridden = run.clone();
    overridden.fingerprint.local = vec![Local::Precalculated(
        "overridden build state with hash: 1".into(),
    )];
    assert_eq!(
        dir.script_run(&overridden, root).unwrap().watch,
        Watch::Overridden
    );
    fs::remove_file(dir.script_output(&run.package, &run.hash)).unwrap();
    assert_eq!(dir.script_run(run, root), None);
}

#[test]
fn the_newest_file_of_a_package_is_recorded_by_its_time() {
    let newest = |recorded: &str| Newest::parse(recorded, "/p".into());
    let expected = Newest {
        path: "/p/src/a b (1).rs".into(),
        time: SystemTime::UNIX_EPOCH + Duration::new(1_732_000_000, 5),
    };
    let since = if cfg!(windows) { 11_644_473_600_u64 } else { 0 };
    let seconds = since + 1_732_000_000;
    let found = newest(&format!("{seconds}.000000005s (src/a b (1).rs)"));
    assert_eq!(found, Some(expected));
    for other in [
        "1.0.0",
        "overridden build state with hash: 1",
        "x.1s (a)",
        "12.5s src",
        "99999999999999999999.0s (a)",
        "18446744073709551615.4000000000s (a)",
        "",
    ] {
        assert_eq!(newest(other), None, "{other}");
    }
}

/// Returns a place with the record of a script run: the values at the last run, and the output.
fn ran(local: Vec<Local>, output: &str) -> (tempfile::TempDir, ProfileDir, StoredFingerprint) {
    let (directory, root) = scratch();
    let place = ProfileDir {
        path: root.clone(),
        build_directory: root,
        triple: None,
        directory: "debug".to_owned(),
        layout: Layout::V1,
    };
    write(&place.script_output("a", "0"), output);
    let fingerprint = serde_json::json!({
        "rustc": 1, "features": "", "deps": [], "local": [], "rustflags": [],
    });
    let mut fingerprint: dep_info::Fingerprint = serde_json::from_value(fingerprint).unwrap();
    fingerprint.local = local;
    let run = StoredFingerprint {
        package: "a".to_owned(),
        hash: "0".to_owned(),
        name: UnitName::parse("run-build-script-build-script-build").unwrap(),
        value: 1,
        fingerprint,
        invoked: None,
        plain: false,
    };
    (directory, place, run)
}

#[test]
fn a_script_watches_what_its_last_output_names() {
    let changed = |paths: &[&str]| Local::RerunIfChanged {
        output: "output".into(),
        paths: paths.iter().map(Into::into).collect(),
    };
    let variable = |value: Option<&str>| Local::RerunIfEnvChanged {
        var: "V".to_owned(),
        val: value.map(str::to_owned),
    };
    let newest = || Local::Precalculated("1732000000.000000005s (src/lib.rs)".to_owned());
    let (path, var) = (
        "cargo::rerun-if-changed=data\n",
        "cargo::rerun-if-env-changed=V\n",
    );
    let both = format!("{path}{var}");
    for (story, local, output, expected, settled) in [
        ("a path", vec![changed(&["data"])], path, "/p/data;", true),
        (
            "another path before",
            vec![changed(&["old"])],
            path,
            "/p/data;",
            false,
        ),
        // The value at the last run counts.
        ("a variable", vec![variable(Some("1"))], var, "; V=1", true),
        (
            "an unset variable",
            vec![variable(None)],
            var,
            "; V=-",
            true,
        ),
        (
            "both",
            vec![changed(&["data"]), variable(Some("1"))],
            &*both,
            "/p/data; V=1",
            true,
        ),
        (
            "only the path before",
            vec![changed(&["data"])],
            &both,
            "/p/data; V=-",
            false,
        ),
        (
            "only the variable before",
            vec![variable(None)],
            &both,
            "/p/data; V=-",
            false,
        ),
        (
            "nothing",
            vec![newest()],
            "",
            "package, newest /p/src/lib.rs",
            true,
        ),
        (
            "no longer anything",
            vec![changed(&["data"])],
            "",
            "package",
            false,
        ),
    ] {
        let (_directory, place, run) = ran(local, output);
        let found = place.script_run(&run, "/p".into()).unwrap();
        let watched = match found.watch {
            Watch::Package(Some(newest)) => format!("package, newest {}", newest.path),
            Watch::Package(None) => "package".to_owned(),
            Watch::Declared(paths, variables) => {
                let paths: Vec<_> = paths.iter().map(|it| it.as_str()).collect();
                let variables = variables.iter();
                let variables = variables
                    .map(|(name, value)| format!(" {name}={}", value.as_deref().unwrap_or("-")));
                format!("{};{}", paths.join(" "), variables.collect::<String>())
            }
            Watch::Overridden => "overridden".to_owned(),
        };
        assert_eq!(watched, expected, "{story}");
        assert_eq!(found.settled, settled, "{story}");
    }
}

#[test]
fn an_overridden_script_has_no_output() {
    let overridden = Local::Precalculated("overridden build state with hash: 1".to_owned());
    let (_directory, place, run) = ran(vec![overridden], "cargo::rerun-if-changed=data\n");
    fs::remove_file(place.script_output("a", "0")).unwrap();
    let found = place.script_run(&run, "/p".into()).unwrap();
    assert_eq!((found.watch, found.settled), (Watch::Overridden, true));
    let (_directory, place, run) = ran(Vec::new(), "");
    fs::remove_file(place.script_output("a", "0")).unwrap();
    assert_eq!(place.script_run(&run, "/p".into()), None);
}

#[test]
fn an_output_that_was_moved_names_the_present_directory() {
    let (_directory, place, run) = ran(Vec::new(), "cargo::rerun-if-changed=/old/out/x\n");
    let output = place.script_output("a", "0");
    write(&output.with_file_name("root-output"), "/old/out");
    let found = place.read_script_output("a", "0").unwrap();
    assert_eq!(found.rerun_if_changed, [place.out_dir("a", "0").join("x")]);
    drop(run);
}

#[test]
fn the_files_of_a_unit_are_read_from_rustcs_record_if_cargos_is_missing() {
    let (_directory, place, mut unit) = ran(Vec::new(), "");
    unit.name = UnitName::parse("test-integration-test-my-it").unwrap();
    let roots = Roots {
        workspace: "/w".into(),
        package: "/w/p".into(),
    };
    assert_eq!(place.sources(&unit, roots), None);
    assert_eq!(place.read_dep_info("a", "0", &unit.name), None);
    let rule = "deps/my_it: p/b.rs p/a.rs p/./a.rs\n\np/b.rs:\np/a.rs:\np/./a.rs:\n";
    let [hashed, plain] = place.dep_info_paths("a", "0", &unit.name);
    assert_eq!(plain, place.path.join("deps/my_it.d"));
    write(&plain, rule);
    // The name without a hash may belong to another unit.
    assert_eq!(place.sources(&unit, roots), None);
    unit.plain = true;
    let files = place.sources(&unit, roots).unwrap().files;
    assert_eq!(files, ["/w/p/a.rs", "/w/p/b.rs"]);
    let found = place.read_dep_info("a", "0", &unit.name);
    assert_eq!(found, Some((plain.clone(), rule.to_owned())));
    write(&hashed, &rule.replace("b.rs", "c.rs"));
    let files = place.sources(&unit, roots).unwrap().files;
    assert_eq!(files, ["/w/p/a.rs", "/w/p/c.rs"]);
    assert_eq!(place.read_dep_info("a", "0", &unit.name).unwrap().0, hashed);
    // A file that cannot be read is not skipped.
    fs::write(&hashed, b"\xff").unwrap();
    assert_eq!(place.read_dep_info("a", "0", &unit.name), None);
    for other in ["doc-lib-my-it", "run-build-script-my-it"] {
        unit.name = UnitName::parse(other).unwrap();
        assert_eq!(place.rustc_dep_info(&unit), None, "{other}");
        assert_eq!(place.read_dep_info("a", "0", &unit.name), None, "{other}");
    }
}
