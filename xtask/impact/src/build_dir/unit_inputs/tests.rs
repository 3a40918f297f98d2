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
